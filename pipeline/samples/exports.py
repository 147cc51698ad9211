"""The inbox: every export day, every account, in the folder <day>/<account>."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.samples import damage as accidents
from pipeline.samples import lapor, linkedin, meta, stories, tiktok, x, youtube
from pipeline.samples.files import Counts, Files, capture_second
from pipeline.samples.posts import Posts, Track, World, export_days
from pipeline.samples.regency import HOSTILE, Account
from pipeline.samples.streams import day_number, stream

Snapshots = Mapping[str, tuple[np.ndarray, Counts]]  # account -> rows of an export and their counts on its day

CHART_DAYS = 92  # a little more than three steps between exports, so that a day that was not over is read again
CHARTS_EVERY = 3  # exports: daily series and audiences are fetched every third time, posts every time


PLATFORMS = {"facebook": meta, "instagram": meta, "x": x, "youtube": youtube, "tiktok": tiktok, "linkedin": linkedin}


def identify(world: World, account: Account, posts: Posts) -> None:
    PLATFORMS[account.platform].identify(world, account, posts)


def silent_from(world: World, agency_id: str) -> dt.date | None:
    """The two agencies that stop sending do so after 55 and 70 % of the period."""
    if agency_id not in world.plan.silent:
        return None
    share = 0.55 + 0.15 * world.plan.silent.index(agency_id)
    return world.start + dt.timedelta(days=int(world.days * share))


def absent(world: World, account: Account, day: dt.date) -> bool:
    """Process 11: one export in ten is missing, more often from weak agencies."""
    if account.operator == world.plan.no_data or day < account.opened:
        return True
    stop = silent_from(world, account.operator)
    if stop and day >= stop:
        return True
    if account.operator in (HOSTILE, world.plan.three_posts) or world.plan.all_arrive:
        return False
    logit = np.log(0.1 / 0.9) - world.quality[account.operator]
    return bool(stream(world.seed, "absent", account.account_id, day).random() < 1 / (1 + np.exp(-logit)))


def has_charts(world: World, account: Account) -> bool:
    """One agency in six also sends the overview charts and audiences of Meta."""
    if account.operator in world.plan.forced:
        return True
    return bool(stream(world.seed, "charts", account.operator).random() < 1 / 6)


def write_all(
    world: World, tracks: list[Track], files: Files, cases: list[dict[str, Any]], names: dict[str, str], damage: bool
) -> None:
    days = export_days(world.plan, world.start, world.today)
    by_id = {t.account.account_id: t for t in tracks}
    daily = {t.account.account_id: _daily(world, t) for t in tracks}
    told = {t.account.account_id: stories.simulate(world, t.account) for t in tracks if _has_stories(world, t.account)}
    for i, day in enumerate(days):
        shown = {t.account.account_id: _snapshot(world, t, day) for t in tracks}
        back = len(days) - 1 - i
        rich = back % CHARTS_EVERY == 0
        people = back % (2 * CHARTS_EVERY) == 0
        for track in tracks:
            account = track.account
            if absent(world, account, day):
                continue
            folder = f"inbox/{day.isoformat()}/{account.account_id}"
            rows, counts = shown[account.account_id]
            if _meta(track):
                write_meta(world, track, folder, day, by_id, shown, daily[account.account_id], (rich, people), files)
            else:
                if account.platform == "tiktok":
                    rows, counts = tiktok.listed(account, rows, counts)
                series = daily[account.account_id] if rich else {}
                PLATFORMS[account.platform].write(world, track, folder, day, rows, counts, series, files)
                if people and account.platform == "youtube":
                    youtube.write_audience(world, account, folder, day, files)
            note_latest(files, track, rows, counts)
            if account.account_id in told:
                stories.write(world, account, folder, day, told[account.account_id], files)
        lapor.write(cases, names, day, world.plan.window_days, files)
    if damage:
        accidents.write_all(days[-1], files)


def _meta(track: Track) -> bool:
    return track.account.platform in ("facebook", "instagram")


def _has_stories(world: World, account: Account) -> bool:
    return account.platform == "instagram" and account.operator in world.plan.forced and account.operator != HOSTILE


def _daily(world: World, track: Track) -> dict[str, np.ndarray]:
    if _meta(track):
        return meta.day_series(world, track.account, track.posts, track.followers, track.gained)
    series: Counts = PLATFORMS[track.account.platform].series(world, track)
    return series


def _snapshot(world: World, track: Track, day: dt.date) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows that an export of that day covers, and their counts as they stand."""
    posts, platform = track.posts, track.account.platform
    if _meta(track):
        rows, _, _ = meta.window(world, posts, day, world.plan.window_days)
    elif platform == "x":
        rows, _ = x.rows_in_window(world, posts, day)
    elif platform == "tiktok":
        rows = tiktok.rows_in_window(world, track.account, posts, day)
    elif platform == "linkedin":
        rows = linkedin.rows_in_window(world, posts, day)
    else:
        rows = np.flatnonzero(posts.at <= capture_second(day))
    return rows, track.growth.at(capture_second(day), rows)


def write_meta(
    world: World,
    track: Track,
    folder: str,
    day: dt.date,
    by_id: dict[str, Track],
    shown: Snapshots,
    daily: Counts,
    wanted: tuple[bool, bool],
    files: Files,
) -> None:
    account = track.account
    rng = stream(world.seed, "file", account.account_id, day)
    rows, counts = shown[account.account_id]
    parts = [(account, track.posts, rows, counts), *_joint(world, account, by_id, shown)]
    meta.write(world, account, folder, day, parts, files, rng)
    charts, people = wanted
    if charts and has_charts(world, account):
        write_charts(world, account, folder, day, daily, files)
    if people and has_charts(world, account):
        data, records = meta.audience(account, rng)
        files.write(f"{folder}/Audience.csv", data, account.account_id, capture_second(day), records)


def _joint(world: World, account: Account, by_id: dict[str, Track], shown: Snapshots) -> list[meta.Part]:
    """Joint posts appear again in the partner's export, as rows of the owner's account."""
    owner, partner = world.plan.collab
    if account.platform != "instagram" or account.operator != partner or f"ig-{owner}" not in by_id:
        return []
    track = by_id[f"ig-{owner}"]
    rows, counts = shown[f"ig-{owner}"]
    joint = track.posts.is_collab[rows]
    return [(track.account, track.posts, rows[joint], {k: v[joint] for k, v in counts.items()})]


def write_charts(world: World, account: Account, folder: str, day: dt.date, series: dict[str, np.ndarray], files: Files) -> None:
    """Three charts of the last 92 Pacific days; the last one, the day of the export, has just begun in California."""
    last = day_number(day)
    first = max(last - CHART_DAYS + 1, world.first, day_number(account.opened))
    days = np.arange(first, last + 1)
    for what, values in series.items():
        part = values[days - world.first].copy()
        if len(part):
            part[-1] //= 3
        name, data, record = meta.chart(account, what, days, part, day)
        files.write(f"{folder}/{name}", data, account.account_id, capture_second(day), [record])


def note_latest(files: Files, track: Track, rows: np.ndarray, counts: dict[str, np.ndarray]) -> None:
    """Remember what the newest file says of every post, for the expectations in truth.json."""
    store = files.latest.setdefault(track.account.account_id, {"seen": np.zeros(len(track.posts), bool)})
    store["seen"][rows] = True
    for name, values in counts.items():
        store.setdefault(name, np.zeros(len(track.posts), np.int64))[rows] = values
