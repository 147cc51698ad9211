"""A simulated regency: registers and native export files, deterministic, with the truth behind them in truth.json.

Written from what is known of the platforms (`META`, X, YouTube, TikTok and LinkedIn file catalogues), never from our own reader:
nothing here imports `pipeline.exports`, `pipeline.formats` or the warehouse, so a mistake of the reader cannot hide in its own
test data. The same arguments give the same bytes. Grain, units and process numbers follow METHODS section 4.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.samples import campaigns, exports, registers, truth
from pipeline.samples.files import Files
from pipeline.samples.posts import Growth, Posts, Track, World, followers, simulate, viral_gains
from pipeline.samples.regency import Account, Profile, accounts, agencies, events, profile, qualities, trainings

TODAY = dt.date(2026, 11, 22)
PROFILES = ("tiny", "demo", "full", "hostile")


def make_world(plan: Profile, seed: int, null: bool, today: dt.date, extra: tuple[str, ...] = ()) -> World:
    start = today - dt.timedelta(days=plan.weeks * 7 - 1)
    quality = qualities(plan, seed, null, extra)
    trained = {t.agency_id: t for t in trainings(plan, seed, null, start, quality)}
    days = (today - start).days + 1
    return World(plan, seed, null, today, start, quality, trained, events(plan, seed, null, start, days, trained))


def generate(
    root: Path,
    profile: str | Profile = "demo",
    seed: int = 2026,
    *,
    null: bool = False,
    today: dt.date = TODAY,
    damage: bool | None = None,
    extra: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write a workspace (registry/, inbox/, truth.json) under `root`; returns the truth.

    `null`: every agency equal, no training effect, no events. `damage`: also write files that must be refused or flagged
    (default: only in demo and full). `extra`: further agencies of the shipped list; the others' files stay the same bytes.
    `profile` may be a Profile of one's own.
    """
    root = Path(root)
    plan = profile if isinstance(profile, Profile) else _profile(profile)
    world = make_world(plan, seed, null, today, extra)
    tracks = [simulate_account(world, a) for a in accounts(plan, seed, null, extra)]
    held = campaigns.hold(world, [(t.account, t.posts) for t in tracks])
    files = Files(root)
    cases = registers.cases(world, {t.account.account_id: (t.account, t.posts) for t in tracks})
    names = {row["agency_id"]: row["name"] for row in agencies(plan, extra)}
    exports.write_all(world, tracks, files, cases, names, damage=plan.name in ("demo", "full") if damage is None else damage)
    folder = root / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    notes = write_registry(folder, world, tracks, cases, held, extra)
    known = truth.collect(world, tracks, files, notes)
    (root / "truth.json").write_text(json.dumps(known, ensure_ascii=False, separators=(",", ":")), "utf-8")
    return known


_profile = profile


def simulate_account(world: World, account: Account) -> Track:
    posts = simulate(world, account)
    exports.identify(world, account, posts)
    total, gained, lost = followers(world, account)
    extra = viral_gains(world, account, posts)
    return Track(account, posts, Growth(world, account, posts), total + np.cumsum(extra), gained + extra, lost)


def write_registry(
    folder: Path,
    world: World,
    tracks: list[Track],
    cases: list[dict[str, Any]],
    held: list[campaigns.Campaign],
    extra: tuple[str, ...],
) -> dict[str, Any]:
    known = registers.write_agencies(folder, world, extra)
    everyone = [t.account for t in tracks]
    posts: dict[str, tuple[Account, Posts]] = {t.account.account_id: (t.account, t.posts) for t in tracks}
    series: dict[str, np.ndarray] = {t.account.account_id: t.followers for t in tracks}
    registers.write_settings(folder, world, known)
    registers.write_themes(folder, known)
    registers.write_accounts(folder, everyone)
    registers.write_followers(folder, world, series, everyone)
    registers.write_trainings(folder, world)
    registers.write_targets(folder, world)
    registers.write_responses(folder, cases)
    return {
        "corrections": registers.write_incidents(folder, world, posts),
        "plan": registers.write_plan(folder, world, posts, held),
        "campaigns": [registers.campaign(c, posts) for c in held],
        "cases": len(cases),
    }
