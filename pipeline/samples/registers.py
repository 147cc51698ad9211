"""The registers of the simulated regency: agencies, accounts and what people noted by hand."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pipeline.samples.campaigns import Campaign
from pipeline.samples.captions import KINDS
from pipeline.samples.posts import FORMATS, Posts, World
from pipeline.samples.regency import HOSTILE, MAIN, TEMPLATE, Account, agencies
from pipeline.samples.streams import DAY, WIB, date_of, stream

AGENCY = (
    "agency_id name short_name kind peer_group district population valid_from valid_to predecessor_id aliases region note".split()
)
ACCOUNT = "account_id platform handle platform_account_id agency_id valid_from valid_to status date_order url".split()
PLAN = "plan_id agency_id platform planned_at topic programme format campaign post_id captured_on".split()
CASE = (
    "case_id agency_id account_id channel received_at first_reply_at closed_at category status sla_class district needs_answer"
).split()
TOPICS = "jalan lampu sampah banjir macet adminduk kesehatan sekolah bansos air ketertiban kerja izin apresiasi lainnya".split()
SLA = ("normative", "without_supervision", "with_supervision")
CLOSED_AFTER = {"normative": 60, "without_supervision": 160, "with_supervision": 700}  # median hours
PLAN_DAYS = 183  # a plan is kept for half a year
# Two programmes of the newest scheme are new and borrow no rules; the shipped list leaves them empty until somebody fills them in
# from the plan's text. In the simulated regency somebody did.
NEW_PROGRAMMES = {
    "tata_kelola": {
        "strong": ["jam layanan", "mengurus (ktp|kk|akta)", "disdukcapil keliling", "layanan digital", "sim keliling"],
        "weak": ["loket"],
    },
    "kebencanaan": {
        "strong": ["info bencana", "peringatan dini", "banjir (surut|bandang)", "longsor", "angin kencang"],
        "weak": ["bencana", "siaga"],
    },
}


def table(path: Path, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(c) is None else row.get(c) for c in columns])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue().encode())


def wall(second: float) -> str:
    """WIB wall clock, minutes."""
    return dt.datetime.fromtimestamp(int(second) + WIB, dt.UTC).strftime("%Y-%m-%d %H:%M")


def write_settings(folder: Path, world: World, agency_ids: set[str]) -> None:
    """The shipped settings, labelled as simulated; a main channel that this regency lacks would be an error in its registry."""
    text = (TEMPLATE / "settings.toml").read_text("utf-8")
    changed = text.replace("simulated = false", "simulated = true ", 1)
    if changed == text:
        raise ValueError("the template's settings.toml has no line 'simulated = false'")
    if MAIN not in agency_ids:
        changed = re.sub(r"^(main_agency = )", r"# \1", changed, count=1, flags=re.MULTILINE)
    changed += f'\n[sample]\nprofile = "{world.plan.name}"\nseed = {world.seed}\nnull = {str(world.null).lower()}\n'
    (folder / "settings.toml").write_text(changed, "utf-8")


def write_themes(folder: Path, agency_ids: set[str]) -> None:
    """The shipped themes; a prior for an agency that this regency lacks would be an error in its registry."""
    themes = yaml.load((TEMPLATE / "themes.yml").read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    for scheme in themes["schemes"]:
        for programme in scheme["programmes"]:
            programme |= NEW_PROGRAMMES.get(programme["id"], {})
            if "agency_prior" in programme:
                programme["agency_prior"] = [a for a in programme["agency_prior"] if a in agency_ids]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    (folder / "themes.yml").write_text(yaml.dump(themes, Dumper=dumper, allow_unicode=True, sort_keys=False), "utf-8")


def write_agencies(folder: Path, world: World, extra: tuple[str, ...]) -> set[str]:
    rows = agencies(world.plan, extra)
    table(folder / "agencies.csv", AGENCY, rows)
    return {row["agency_id"] for row in rows}


def write_accounts(folder: Path, accounts: list[Account]) -> None:
    rows = [
        {
            "account_id": a.account_id, "platform": a.platform, "handle": a.handle, "platform_account_id": a.platform_account_id,
            "agency_id": owner, "valid_from": first, "valid_to": last, "status": "active", "url": a.url,
        }
        for a in accounts
        for owner, first, last in a.owners
    ]  # fmt: skip
    table(folder / "accounts.csv", ACCOUNT, rows)


def write_followers(folder: Path, world: World, series: dict[str, np.ndarray], accounts: list[Account]) -> None:
    """Read on the profile on the first of each month and on the last day; TikTok's own file has the total."""
    days = [d for d in range(world.first, world.first + world.days) if date_of(d).day == 1 or d == world.first + world.days - 1]
    rows = [
        {
            "account_id": a.account_id,
            "date": date_of(d),
            "followers": int(series[a.account_id][d - world.first]),
            "source": "profil",
            "response_rate_percent": _response_rate(world, a, d),
        }
        for a in accounts
        if a.platform != "tiktok" and a.operator != world.plan.no_data
        for d in days
        if series[a.account_id][d - world.first] > 0 and date_of(d) >= a.opened
    ]
    table(folder / "followers.csv", ["account_id", "date", "followers", "source", "response_rate_percent"], rows)


def _response_rate(world: World, account: Account, day: int) -> int | None:
    """What the page's screen shows, noted by half of the agencies: a habit of the agency, better after a training."""
    habit = stream(world.seed, "response rate", account.operator)
    if account.platform != "facebook" or habit.random() < 0.5:
        return None
    usual, training = habit.normal(70, 15), world.trained.get(account.operator)
    trained = training is not None and not world.null and date_of(day) >= training.date
    return int(np.clip(usual + 10 * trained + stream(world.seed, "screen", account.account_id, day).normal(0, 4), 0, 100))


def write_trainings(folder: Path, world: World) -> None:
    rows = []
    for agency_id, t in sorted(world.trained.items()):
        people = int(stream(world.seed, "participants", agency_id).integers(2, 7))
        row = {"training_id": f"latih-{t.wave}", "agency_id": agency_id, "date": t.date, "wave": f"gelombang {t.wave}"}
        rows.append(row | {"topic": "Pengelolaan media sosial", "participants": people, "communicators": people + 1})
    columns = "training_id agency_id date wave topic participants communicators".split()
    table(folder / "trainings.csv", columns, rows)


def write_targets(folder: Path, world: World) -> None:
    year, quarter = world.today.year, (world.today.month - 1) // 3 + 1
    rows: list[dict[str, Any]] = []
    for agency_id in world.plan.cast:
        rng = stream(world.seed, "targets", agency_id)
        rows += [
            {
                "agency_id": agency_id,
                "metric": "posts",
                "period": f"{year}-Q{quarter - 1 or 1}",
                "target": int(rng.integers(4, 16)) * 10,
            },
            {"agency_id": agency_id, "metric": "vs_expected", "period": f"{year}-Q{quarter - 1 or 1}", "target": "1.0"},
            {"agency_id": agency_id, "metric": "answered_24h", "period": str(year), "target": f"0.{rng.integers(5, 9)}"},
        ]
    table(
        folder / "targets.csv", ["agency_id", "metric", "period", "target", "direction"], [r | {"direction": "up"} for r in rows]
    )


def write_plan(folder: Path, world: World, posts: dict[str, tuple[Account, Posts]], held: list[Campaign]) -> dict[str, int]:
    """85 % of the planned items of the last half year appear, a fifth of them a day late; a quarter of the posts is unplanned."""
    rows, counts = [], {"items": 0, "published": 0, "on_time": 0}
    since = (world.first + world.days - PLAN_DAYS) * DAY
    campaign_of = {(account_id, i): c.name for c in held for account_id, i in c.posts.items()}
    named_already = set()
    for account, p in posts.values():
        if account.operator == HOSTILE or not len(p):
            continue
        rng = stream(world.seed, "plan", account.account_id)
        recent = np.flatnonzero(p.at >= since)
        planned = recent[rng.random(len(recent)) >= 0.25]
        lag = rng.normal(0, 45 * 60, len(planned)) + np.where(rng.random(len(planned)) < 0.20, DAY, 0)
        named = rng.random(len(planned)) < 0.5
        for i, second, late, known in zip(planned.tolist(), p.at[planned].tolist(), lag.tolist(), named.tolist(), strict=True):
            row = _plan_row(account, p, i, second - late, known)
            if name := campaign_of.get((account.account_id, i)):
                row["campaign"] = name
                named_already.add((account.account_id, i))
            rows.append(row)
            counts["on_time"] += abs(late) <= 7200
        counts["published"] += len(planned)
        for k in range(int(len(planned) * 0.15 / 0.85)):
            at = since + int(rng.integers(0, PLAN_DAYS * DAY - 10 * DAY))
            item = {"plan_id": f"{account.account_id}-batal-{k}", "agency_id": account.operator, "platform": account.platform}
            rows.append(item | {"planned_at": wall(at), "topic": "batal", "captured_on": date_of((at + WIB) // DAY - 7)})
    for c in held:
        for account_id in (c.lead, *c.invited):
            i = c.posts.get(account_id)
            if (account_id, i) not in named_already:
                rows.append(_invitation(c, *posts[account_id], i))
                counts["published"] += i is not None
                counts["on_time"] += i is not None
    counts["items"] = len(rows)
    table(folder / "plan.csv", PLAN, rows)
    return counts


def _invitation(c: Campaign, account: Account, p: Posts, i: int | None) -> dict[str, Any]:
    """The plan item of an agency that was asked to join: at the time of its post, else a day after the lead post."""
    at = c.at + DAY if i is None else int(p.at[i])
    return {
        "plan_id": f"{account.account_id}-kampanye-{c.at}", "agency_id": account.owner(date_of((at + WIB) // DAY)),
        "platform": account.platform, "planned_at": wall(at), "topic": c.name, "campaign": c.name,
        "post_id": None if i is None else p.ids["post_id"][i].strip(), "captured_on": date_of((c.at + WIB) // DAY - 7),
    }  # fmt: skip


def campaign(c: Campaign, posts: dict[str, tuple[Account, Posts]]) -> dict[str, Any]:
    """What truth.json says of a campaign: agencies of that day."""
    day = date_of((c.at + WIB) // DAY)
    asked = sorted(posts[a][0].owner(day) for a in c.invited)
    joined = sorted(posts[a][0].owner(day) for a in c.posts if a != c.lead)
    lead = posts[c.lead][0].owner(day)
    return {"campaign": c.name, "platform": c.platform, "lead_agency_id": lead, "invited": asked, "joined": joined}


def _plan_row(account: Account, p: Posts, i: int, at: float, known: bool) -> dict[str, Any]:
    name = KINDS[p.kind[i]]
    programme, form = name if name in KINDS[:5] else None, FORMATS[account.platform][p.format[i]][0]
    topic = " ".join(p.captions[i].split())[:60].lstrip("#") or "unggahan"
    post_id = p.ids["post_id"][i].strip() if known and "post_id" in p.ids else None
    return {
        "plan_id": f"{account.account_id}-{i}", "agency_id": p.owner[i], "platform": account.platform, "planned_at": wall(at),
        "topic": topic, "programme": programme, "format": form, "post_id": post_id,
        "captured_on": date_of(int((at + WIB) // DAY) - 7),
    }  # fmt: skip


def cases(world: World, posts: dict[str, tuple[Account, Posts]]) -> list[dict[str, Any]]:
    """Process 9, per agency and week; answers come faster by exp(-.4) after a training; 12 % never come."""
    weekly: dict[str, np.ndarray] = {}
    for account, p in posts.values():
        comments = p.final.get("comments", p.final.get("replies"))
        bins = np.bincount((p.day - world.first) // 7, weights=comments, minlength=world.days // 7 + 1)
        weekly[account.operator] = weekly.get(account.operator, 0) + bins[: world.days // 7]
    rows: list[dict[str, Any]] = []
    for agency_id, comments in weekly.items():
        if agency_id in (world.plan.no_data, world.plan.three_posts, HOSTILE):
            continue
        rng = stream(world.seed, "cases", agency_id)
        counts = rng.poisson(np.minimum(0.002 * comments, 12) + 0.3)
        account_ids = [a.account_id for a, _ in posts.values() if a.operator == agency_id]
        owners = [a for a, _ in posts.values() if a.operator == agency_id]
        for week, n in enumerate(counts.tolist()):
            rows += [_case(world, owners[0], account_ids, week, k, rng) for k in range(n)]
    return [r for r in rows if r]


def tracking_id(agency_id: str, week: int, k: int) -> str:
    """A nine-digit number that no real case of today has; the same in the register and in the LAPOR workbook."""
    return str(
        900_000_000 + int.from_bytes(blake2b(f"{agency_id}/{week}/{k}".encode(), digest_size=4).digest(), "little") % 10**8
    )


def _case(world: World, account: Account, account_ids: list[str], week: int, k: int, rng: np.random.Generator) -> dict[str, Any]:
    at = (
        (world.first + week * 7 + int(rng.integers(0, 7))) * DAY
        + int(rng.integers(6, 22)) * 3600
        - WIB
        + int(rng.integers(0, 3600))
    )
    now = (world.first + world.days) * DAY - 8 * 3600
    day = date_of((at + WIB) // DAY)
    training = world.trained.get(account.operator)
    hours = rng.lognormal(np.log(20), 1.2) * (np.exp(-0.4) if training and not world.null and day >= training.date else 1)
    lapor, never = rng.random() < 0.35, rng.random() < 0.12
    sla = str(rng.choice(SLA, p=(0.70, 0.25, 0.05)))
    close = hours + rng.lognormal(np.log(CLOSED_AFTER[sla]), 0.6)
    channel, category = str(rng.choice(("comment", "dm", "whatsapp"))), str(rng.choice(TOPICS))
    owned, district = str(rng.choice(account_ids)), str(rng.choice(("Cibinong", "Ciawi", "Jonggol", "Parung", "Leuwiliang")))
    if at > now or day < account.opened:
        return {}
    replied = not never and at + hours * 3600 <= now
    closed = replied and at + close * 3600 <= now
    return {
        "case_id": tracking_id(account.operator, week, k) if lapor else f"K-{account.operator}-{week}-{k}",
        "agency_id": account.owner(day),
        "account_id": None if lapor else owned, "channel": "lapor" if lapor else channel, "received_at": wall(at),
        "first_reply_at": wall(at + hours * 3600) if replied else None, "closed_at": wall(at + close * 3600) if closed else None,
        "category": category, "status": "closed" if closed else "answered" if replied else "open",
        "sla_class": sla if lapor else None, "district": district, "needs_answer": "tidak" if category == "apresiasi" else "ya",
    }  # fmt: skip


def write_responses(folder: Path, rows: list[dict[str, Any]]) -> None:
    table(folder / "responses.csv", CASE, sorted(rows, key=lambda r: (r["received_at"], r["case_id"])))


def corrections(world: World, posts: dict[str, tuple[Account, Posts]]) -> list[dict[str, Any]]:
    """Corrections as 70 % of the agencies log them: one post in 100, a few hours later. The others keep no log."""
    rows, now = [], (world.first + world.days) * DAY - WIB
    for account, p in posts.values():
        if account.operator in (HOSTILE, world.plan.no_data, world.plan.three_posts):
            continue
        if stream(world.seed, "keeps a log", account.operator).random() >= 0.7:
            continue
        rng = stream(world.seed, "corrections", account.account_id)
        chosen, lag = rng.random(len(p)) < 0.01, rng.lognormal(np.log(5), 0.9, len(p)) * 3600
        for i in np.flatnonzero(chosen & (p.at + lag < now)).tolist():
            row = {"incident_id": f"r-{account.account_id}-{i}", "agency_id": p.owner[i], "kind": "correction"}
            rows.append(row | {"started_at": wall(p.at[i] + lag[i]), "post_id": p.ids["post_id"][i], "note": "simulasi"})
    return rows


def write_incidents(folder: Path, world: World, posts: dict[str, tuple[Account, Posts]]) -> int:
    """Crises with the first official answer, emergencies with the post that announced them, corrections; how many of these."""
    rows: list[dict[str, Any]] = []
    operators = {a.operator: a for a, _ in posts.values()}
    for event in world.events:
        if event.kind == "negative" and event.agency_id in operators:
            at = event.day * DAY + 9 * 3600 - WIB
            # Of an agency that did not exist on that day, it is the predecessor's crisis.
            owner = operators[event.agency_id].owner(date_of(event.day))
            row = {"incident_id": event.event_id, "agency_id": owner, "kind": "crisis", "started_at": wall(at)}
            rows.append(row | {"acknowledged_at": wall(at + event.reply_hours * 3600), "note": "simulasi"})
    emergency = KINDS.index("darurat")
    for account, p in posts.values():
        if account.platform not in ("instagram", "x") or account.operator == HOSTILE:
            continue
        rng = stream(world.seed, "emergencies", account.account_id)
        for i in np.flatnonzero(p.kind == emergency)[::6].tolist():
            lag = rng.lognormal(np.log(38), 0.8) * 60
            row = {"incident_id": f"d-{account.account_id}-{i}", "agency_id": p.owner[i], "kind": "emergency"}
            row |= {"started_at": wall(p.at[i] - lag), "acknowledged_at": wall(p.at[i]), "post_id": p.ids["post_id"][i]}
            rows.append(row)
    corrected = corrections(world, posts)
    rows += corrected
    table(folder / "incidents.csv", "incident_id agency_id kind started_at acknowledged_at post_id note".split(), rows)
    return len(corrected)
