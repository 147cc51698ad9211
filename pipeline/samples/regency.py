"""Who exists in the simulated regency: agencies from the shipped list, accounts, trainings, and the special cases.

Institutions are facts, so their names are the real ones; handles are not known, so every handle says that it is simulated.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.samples.streams import day_number, stream

TEMPLATE = Path(__file__).parent.parent / "templates" / "kabupaten-bogor"
MAIN = "pemkab-bogor"
HOSTILE = "uji-keamanan"
SPLIT_ON = dt.date(2026, 1, 2)
BASE = dt.date(2023, 1, 1)  # accounts without a better date are registered from here


@dataclass(frozen=True)
class Platform:
    """METHODS section 4.1. `split` are the shares of engagement by kind; half_life in hours, of engagement."""

    key: str
    adopt: float
    followers: float
    reach: float
    rate: float
    weekly: float
    half_life: float
    shape: float
    split: dict[str, float]

    def share_reached(self, hours: np.ndarray | float, speed: float = 1.0) -> np.ndarray:
        """m(a): the part of the final count that is there at age a; exposure runs 20 % faster (speed .8)."""
        scale = self.half_life * speed / (2 ** (1 / self.shape) - 1)
        return 1 - (1 + np.maximum(hours, 0) / scale) ** -self.shape


EXPOSURE_SPEED = 0.8
_SPLITS = {
    "instagram": {"likes": 0.88, "comments": 0.04, "shares": 0.05, "saves": 0.03},
    "facebook": {"reactions": 0.86, "comments": 0.06, "shares": 0.08},
    "tiktok": {"likes": 0.85, "comments": 0.05, "shares": 0.10},
    "x": {"likes": 0.62, "replies": 0.07, "reposts": 0.25, "bookmarks": 0.06},
    "youtube": {"likes": 0.88, "comments": 0.06, "shares": 0.06},
    "linkedin": {"likes": 0.85, "comments": 0.06, "reposts": 0.09},
}
# adopted by, median followers, reach at 10,000 followers, mean rate, posts per week, half-life (hours), shape
_NUMBERS = {
    "instagram": (0.95, 3500, 2500, 0.045, 5, 19, 1.1),
    "facebook": (0.75, 3000, 1200, 0.022, 4, 5, 1.1),
    "tiktok": (0.45, 1500, 6000, 0.040, 2, 36, 0.9),
    "x": (0.40, 1200, 1500, 0.012, 4, 1.33, 1.2),
    "youtube": (0.35, 900, 2000, 0.030, 0.6, 211, 0.8),
    "linkedin": (0.03, 400, 800, 0.030, 1, 24, 1.1),
}
PLATFORMS = {key: Platform(key, *numbers, _SPLITS[key]) for key, numbers in _NUMBERS.items()}
SHORT = {"instagram": "ig", "facebook": "fb", "tiktok": "tt", "x": "x", "youtube": "yt", "linkedin": "li"}


@dataclass(frozen=True)
class Wave:
    month: int  # 1 = first whole month of the period
    agencies: int
    effect: float


@dataclass(frozen=True)
class Profile:
    name: str
    weeks: int
    cast: tuple[str, ...]
    waves: tuple[Wave, ...]
    no_data: str
    three_posts: str
    silent: tuple[str, ...]
    collab: tuple[str, str]  # owner of the joint posts, partner in whose export they appear again
    every_days: int = 28
    window_days: int = 92
    forced: dict[str, tuple[str, ...]] = field(default_factory=dict)  # agencies whose platforms are not left to chance
    all_arrive: bool = False  # no export is missing


_SERVICE = "disdik dinkes dinsos disnaker disdukcapil dishub dlh dpmptsp satpol-pp diskominfo bpbd damkar".split()
_SECTOR = "diskanak distanhorbun diskopukm disdagin dispora dpmd disbud dispar dkp".split()
_KEC = (
    "cibinong gunung-putri citeureup cileungsi jonggol babakan-madang bojonggede ciawi cisarua leuwiliang ciampea "
    "tanjungsari sukajaya tenjolaya"
).split()
_DEMO = (MAIN, *_SERVICE, *_SECTOR, "inspektorat", "bapperida", "bappenda", *(f"kec-{k}" for k in _KEC), "rsud-idham-chalid")
ALL_PLATFORMS = ("instagram", "facebook", "x", "youtube", "tiktok")


def profile(name: str) -> Profile:
    """`hostile` is `tiny` with an agency whose name, captions and file names attack pages, sheets and figures in the place of the
    fifth that posts: for tests, so that a demo that leadership sees holds no such name. With four nobody could be compared."""
    forced = {HOSTILE: ALL_PLATFORMS, "diskominfo": (*ALL_PLATFORMS, "linkedin"), "dinkes": ALL_PLATFORMS, MAIN: ALL_PLATFORMS}
    special: dict[str, Any] = {"no_data": "kec-tenjolaya", "three_posts": "kec-sukajaya"}
    if name in ("tiny", "hostile"):
        cast: tuple[str, ...] = ("dinkes", "diskominfo", "kec-cibinong", "kec-sukajaya", "kec-tenjolaya")
        fifth = HOSTILE if name == "hostile" else "disdukcapil"
        cast, forced = (*cast, fifth), {**forced, fifth: ALL_PLATFORMS}
        pair = ("dinkes", "kec-cibinong")
        return Profile(name, 12, cast, (Wave(2, 1, 0.30),), silent=(), collab=pair, forced=forced, all_arrive=True, **special)
    silent = ("kec-tanjungsari", "inspektorat")
    pair = (MAIN, "diskominfo")
    if name == "demo":
        waves: tuple[Wave, ...] = (Wave(8, 12, 0.30), Wave(12, 12, 0.20))
        return Profile(name, 78, _DEMO, waves, silent=silent, collab=pair, forced=forced, **special)
    if name == "full":
        today = (agency_id for agency_id, rows in shipped_agencies().items() if not rows[-1]["valid_to"])
        waves = (Wave(7, 18, 0.30), Wave(11, 18, 0.20), Wave(16, 18, 0.10))
        return Profile(name, 99, tuple(today), waves, silent=silent, collab=pair, forced=forced, **special)
    raise ValueError(f"unknown profile {name!r}: tiny, demo, full or hostile")


@dataclass(frozen=True)
class Account:
    """A profile on a platform. `owners` are (agency, first day, last day), in order; more than one where the agency changed."""

    account_id: str
    platform: str
    operator: str  # the agency in the cast whose people post
    owners: tuple[tuple[str, dt.date, dt.date | None], ...]
    handle: str
    name: str
    platform_account_id: str | None
    url: str
    language: str
    followers: float
    growth: float
    quality: float
    reach: float
    weekly: float

    @property
    def opened(self) -> dt.date:
        return self.owners[0][1]

    def owner(self, day: dt.date) -> str:
        return next((a for a, _, until in self.owners if until is None or day <= until), self.owners[-1][0])


@cache
def shipped_agencies() -> dict[str, list[dict[str, str]]]:
    """Rows of the shipped agencies.csv by agency, older names first."""
    lines = [line for line in (TEMPLATE / "agencies.csv").read_text("utf-8-sig").splitlines() if not line.startswith("#")]
    known: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(lines):
        known.setdefault(row["agency_id"], []).append(row)
    return known


def hostile_agency() -> dict[str, str]:
    """Text that breaks careless pages, sheets and figures; PAGES section 9."""
    return {
        "agency_id": HOSTILE,
        "name": "Kecamatan Uji </script><script>alert(1)</script> <img src=x onerror=alert(2)> {{7*7}} %{x} \u202egnalab",
        "short_name": '=HYPERLINK("http://contoh.invalid","Uji")',
        "kind": "kecamatan",
        "peer_group": "kecamatan",
        "aliases": "@SUM(1+1)*cmd|' /C calc'!A0",
        "note": "javascript:alert(3) $\\mathbf{x}$ <a href='https://contoh.invalid'>klik</a>",
    }


@cache
def known_agencies() -> dict[str, list[dict[str, str]]]:
    return shipped_agencies() | {HOSTILE: [hostile_agency()]}


def agencies(plan: Profile, extra: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Rows of agencies.csv: the cast and what came before it, older names as rows of their own."""
    known = known_agencies()
    wanted = list(dict.fromkeys((*plan.cast, *extra)))
    before = [known[a][-1]["predecessor_id"] for a in wanted if known[a][-1].get("predecessor_id")]
    return [row for agency_id in dict.fromkeys((*wanted, *before)) for row in known[agency_id]]


def accounts(plan: Profile, seed: int, null: bool, extra: tuple[str, ...] = ()) -> list[Account]:
    known = known_agencies()
    out = []
    for agency_id in dict.fromkeys((*plan.cast, *extra)):
        for platform in PLATFORMS.values():
            rng = stream(seed, "account", agency_id, platform.key)
            draw = rng.random()
            wanted = platform.key in plan.forced[agency_id] if agency_id in plan.forced else draw < _adopt(platform)
            if wanted or (platform.key == "instagram" and agency_id in (plan.three_posts, plan.no_data, *plan.silent)):
                out.append(_account(known[agency_id], platform, plan, rng, null))
    return out


def _adopt(platform: Platform) -> float:
    return 0.0 if platform.key == "linkedin" else platform.adopt  # LinkedIn is rare: one agency has it, by decree


def _account(rows: list[dict[str, str]], platform: Platform, plan: Profile, rng: np.random.Generator, null: bool) -> Account:
    row, agency_id = rows[-1], rows[-1]["agency_id"]
    main = agency_id == MAIN
    followers = float(np.clip(rng.lognormal(np.log(platform.followers), 1.0), 60, 60_000)) * (np.exp(3.2) if main else 1)
    growth = float(rng.lognormal(np.log(0.15), 0.6))
    quality = float(rng.normal(0, 0.25))
    weekly = platform.weekly * float(rng.lognormal(0, 0.55)) * (2.5 if main else 1)
    digits = "".join(str(d) for d in rng.integers(0, 10, 11))
    letters = "".join("ABCDEFGHJKLMNPQRSTUVWXYZ"[i] for i in rng.integers(0, 24, 16))
    if agency_id == plan.three_posts:
        weekly = 0.0
    ids = {
        "facebook": f"1000{digits}",
        "instagram": f"178414{digits}",
        "youtube": f"UCSIM{letters}xxx",
        "linkedin": f"9{digits[:7]}",
    }
    # X knows no dots, Instagram and TikTok no hyphens, LinkedIn and YouTube no dots.
    handle = {"x": "sim_{}_bogor", "youtube": "sim-{}-bogor", "linkedin": "sim-{}-bogor"}.get(platform.key, "sim.{}.bogor")
    handle = handle.format(agency_id if platform.key in ("youtube", "linkedin", "facebook") else agency_id.replace("-", "_"))
    return Account(
        account_id=f"{SHORT[platform.key]}-{agency_id}",
        platform=platform.key,
        operator=agency_id,
        owners=_owners(rows),
        handle=handle,
        name=row["name"] if agency_id == HOSTILE else f"Simulasi {row['short_name']}",
        platform_account_id=ids.get(platform.key),
        url=_url(platform.key, handle, ids.get(platform.key)),
        language="id" if rng.random() < 0.5 else "en",
        followers=followers,
        growth=growth,
        quality=0.0 if null or agency_id == HOSTILE else quality,
        reach=platform.reach,
        weekly=weekly,
    )


def _owners(rows: list[dict[str, str]]) -> tuple[tuple[str, dt.date, dt.date | None], ...]:
    row, start = rows[-1], rows[0].get("valid_from")
    if not start:
        return ((row["agency_id"], BASE, None),)
    first = dt.date.fromisoformat(start)
    if row.get("predecessor_id") and row["agency_id"] != "disbud":  # of the two heirs of Disbudpar, Dispar took over the accounts
        return ((row["predecessor_id"], BASE, first - dt.timedelta(days=1)), (row["agency_id"], first, None))
    return ((row["agency_id"], first, None),)


def _url(platform: str, handle: str, number: str | None) -> str:
    return {
        "instagram": f"https://www.instagram.com/{handle}/",
        "facebook": f"https://www.facebook.com/{number}",
        "tiktok": f"https://www.tiktok.com/@{handle}",
        "x": f"https://x.com/{handle}",
        "youtube": f"https://www.youtube.com/channel/{number}",
        "linkedin": f"https://www.linkedin.com/company/{handle}/",
    }[platform]


def qualities(plan: Profile, seed: int, null: bool, extra: tuple[str, ...] = ()) -> dict[str, float]:
    """Log quality of every agency, q ~ N(0, .35); heirs keep the quality of the people who post. The hostile agency is as good
    as any, so that chance does not write its name into a headline."""
    ids = dict.fromkeys((*plan.cast, *extra))
    return {a: 0.0 if null or a == HOSTILE else float(stream(seed, "quality", a).normal(0, 0.35)) for a in ids}


@dataclass(frozen=True)
class Training:
    wave: int
    agency_id: str
    date: dt.date
    effect: float


def trainings(plan: Profile, seed: int, null: bool, start: dt.date, quality: dict[str, float]) -> list[Training]:
    """Weaker agencies first, with noise .3. Drawn from the profile's own cast, so an extra agency changes no wave."""
    barred = {MAIN, HOSTILE, plan.no_data, plan.three_posts, *plan.silent, "disbud", "dispar"}
    scores = {a: quality[a] + float(stream(seed, "wave", a).normal(0, 0.3)) for a in plan.cast if a not in barred}
    queue = sorted(scores, key=lambda a: (scores[a], a))
    months = whole_months(start, 40)
    out = []
    for number, wave in enumerate(plan.waves, 1):
        taken, queue = queue[: wave.agencies], queue[wave.agencies :]
        first = months[wave.month - 1]
        day = first + dt.timedelta(days=(1 - first.weekday()) % 7)  # the first Tuesday
        out += [Training(number, a, day, 0.0 if null else wave.effect) for a in sorted(taken)]
    return out


def whole_months(start: dt.date, n: int) -> list[dt.date]:
    year, month = (start.year, start.month) if start.day == 1 else divmod(start.year * 12 + start.month, 12)
    if start.day != 1:
        month += 1
    return [dt.date(year + (month - 1 + i) // 12, (month - 1 + i) % 12 + 1, 1) for i in range(n)]


@dataclass(frozen=True)
class Event:
    """A negative event (comments explode, likes sink) or a benign surge put there as a decoy."""

    event_id: str
    agency_id: str
    kind: str  # negative | viral
    day: int
    days: int
    reply_hours: float


def events(plan: Profile, seed: int, null: bool, start: dt.date, days: int, trained: dict[str, Training]) -> list[Event]:
    if null:
        return []
    out = []
    for agency_id in plan.cast:
        if agency_id in (plan.no_data, plan.three_posts):
            continue
        rng = stream(seed, "events", agency_id)
        for i in range(int(rng.poisson(days / 30.4 / 12))):
            at = int(rng.integers(21, max(days - 7, 22)))
            hours = float(rng.lognormal(np.log(9), 0.8))
            if agency_id in trained and day_number(trained[agency_id].date) <= day_number(start) + at:
                hours /= 2
            out.append(
                Event(f"k-{agency_id}-{i + 1}", agency_id, "negative", day_number(start) + at, int(rng.integers(3, 6)), hours)
            )
    rng = stream(seed, "decoys")
    for i, agency_id in enumerate([a for a in ("dinkes", "disdik", "kec-cibinong") if a in plan.cast][:2]):
        out.append(Event(f"v-{i + 1}", agency_id, "viral", day_number(start) + int(rng.integers(21, days - 7)), 2, 0.0))
    return out
