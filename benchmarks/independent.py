"""Recompute cells of the marts from the export files with nothing of ours but the registers, and compare.

    python benchmarks/independent.py WORKSPACE [--cells 200] [--seed 1]

Own reading (csv, zipfile, openpyxl), own clocks (zoneinfo, ids), own rules from METRICS.md section 0. From the published version
come only the numbers to be compared, the list of refused files, and the maturity curves that say which posts are mature.
Beside the drawn cells of the account months all cells of two more tables: floor and mix of likes of the guard, this quarter and
the one before, and the scaled growth of accounts whose followers only the register holds. Exit status 0: every cell equal.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import math
import random
import re
import statistics
import string
import zipfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl

PACIFIC, WIB = ZoneInfo("America/Los_Angeles"), dt.timezone(dt.timedelta(hours=7))
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
CELLS = [
    "posts",
    "stories",
    "shares_of_others",
    "engagement",
    "exposure",
    "comments",
    "shares",
    "saves",
    "link_clicks",
    "mature_posts",
    "er_log_mean",
    "er_log_sd",
    "er_account",
    "er_pooled",
    "zero_posts",
]
# Canonical name -> what the column is called in English or Indonesian, per platform.
NAMES = {
    "facebook": {
        "id": ("Post ID", "ID Postingan"),
        "owner": ("Page ID", "ID Halaman"),
        "at": ("Publish time", "Waktu penerbitan"),
        "reach": ("Reach", "Jangkauan"),
        "comments": ("Comments", "Komentar"),
        "shares": ("Shares", "Frekuensi dibagikan"),
        "reactions": ("Reactions", "Tanggapan"),
        "rcs": ("Reactions, Comments and Shares", "Tanggapan, komentar, dan frekuensi dibagikan"),
        "is_share": ("Is share",),
        "link_clicks": ("Link Clicks", "Klik tautan"),
    },
    "instagram": {
        "id": ("Permalink",),
        "owner": ("Account ID", "ID Akun"),
        "at": ("Publish time", "Waktu penerbitan"),
        "reach": ("Reach", "Jangkauan"),
        "likes": ("Likes", "Suka"),
        "comments": ("Comments", "Komentar"),
        "shares": ("Shares", "Frekuensi dibagikan"),
        "saves": ("Saves", "Frekuensi disimpan"),
        "type": ("Post type", "Jenis postingan"),
    },
    "x": {
        "id": ("Post id",),
        "impressions": ("Impressions",),
        "likes": ("Likes",),
        "replies": ("Replies",),
        "reposts": ("Reposts",),
        "bookmarks": ("Bookmarks",),
        "link_clicks": ("URL Clicks", "Url clicks"),
    },
    "youtube": {
        "id": ("Content", "Konten"),
        "at": ("Video publish time", "Waktu publikasi video"),
        "views": ("Views", "Penayangan"),
        "likes": ("Likes", "Suka"),
        "comments": ("Comments added", "Komentar ditambahkan"),
        "shares": ("Shares", "Pembagian"),
    },
    "tiktok": {
        "id": ("Video link",),
        "views": ("Total views", "Video views"),
        "likes": ("Total likes", "Likes"),
        "comments": ("Total comments", "Comments"),
        "shares": ("Total shares", "Shares"),
        "saves": ("Add to Favorites",),
    },
    "linkedin": {
        "id": ("Post link",),
        "impressions": ("Impressions",),
        "likes": ("Likes",),
        "comments": ("Comments",),
        "reposts": ("Reposts",),
        "kind": ("Post type",),
    },
}
PARTS = {
    "facebook": ("rcs",),
    "instagram": ("likes", "comments", "shares", "saves"),
    "x": ("likes", "replies", "reposts", "bookmarks"),
    "youtube": ("likes", "comments", "shares"),
    "tiktok": ("likes", "comments", "shares"),
    "linkedin": ("likes", "comments", "reposts"),
}
EXPOSURE = {
    "facebook": "reach",
    "instagram": "reach",
    "x": "impressions",
    "linkedin": "impressions",
    "youtube": "views",
    "tiktok": "views",
}
MONTHS = {
    m.casefold(): i % 12 + 1
    for i, m in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
}
MONTHS |= {"mei": 5, "agu": 8, "okt": 10, "des": 12}


@dataclass
class Seen:
    """One row of one file: a post as one export shows it."""

    platform: str
    post: str
    owner: str | None  # account_id
    exporter: str
    at: dt.datetime | None  # UTC
    day: dt.date  # WIB; Pacific where no time is known
    captured: dt.datetime
    values: dict[str, int | None]
    is_share: bool = False
    is_story: bool = False
    is_reply: bool = False  # on X: an answer to somebody, not a publication
    is_best: bool = False  # on TikTok: from Studio's list of the most watched videos, which counts nothing

    @property
    def engagement(self) -> int | None:
        parts = [self.values.get(p) for p in PARTS[self.platform]]
        if None in parts:
            return None
        return sum(parts) + (self.values.get("saves") or 0 if self.platform == "tiktok" else 0)

    @property
    def exposure(self) -> int | None:
        return self.values.get(EXPOSURE[self.platform])


# ---- registers and files --------------------------------------------------------------------------------------------------


def accounts(folder: Path) -> list[dict[str, str]]:
    lines = (line for line in (folder / "accounts.csv").read_text("utf-8-sig").splitlines() if not line.startswith("#"))
    return list(csv.DictReader(lines))


def agency_of(known: list[dict[str, str]], account_id: str, day: dt.date) -> str | None:
    for row in known:
        if row["account_id"] == account_id and (row["valid_from"] or "0") <= day.isoformat() <= (row["valid_to"] or "9"):
            return row["agency_id"]
    return None


def tables(path: Path) -> list[tuple[str, list[dict[str, str]]]]:
    """Every table in a file as (name, rows); charts, audiences and daily series come out too and are passed over later."""
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        return [(name, _rows(archive.read(name))) for name in archive.namelist()]
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path, read_only=True)
        sheet = list(book["All posts"].iter_rows(values_only=True)) if "All posts" in book.sheetnames else []
        return [("", [dict(zip(sheet[1], row, strict=True)) for row in sheet[2:]])] if sheet else []
    return [("", _rows(path.read_bytes()))]


def _rows(data: bytes) -> list[dict[str, str]]:
    if data[:2] == b"\xff\xfe":
        return []  # charts of the overview
    text = data.decode("utf-8-sig")
    head = text.split("\n", 1)[0]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count)))


def platform_of(row: dict[str, str]) -> str | None:
    for platform, names in NAMES.items():
        wanted = [names["id"], names[EXPOSURE[platform]], *((names["owner"],) if "owner" in names else ())]
        if platform in ("tiktok", "youtube"):
            wanted.append(names["comments"])
        if all(any(n in row for n in choices) for choices in wanted):
            return platform
    return None


# ---- clocks ---------------------------------------------------------------------------------------------------------------


def clock(platform: str, row: dict[str, str]) -> tuple[dt.datetime | None, dt.date]:
    """(instant in UTC or None, day)."""
    post = str(value(platform, row, "id"))
    if platform == "x":
        at = epoch(((int(post) >> 22) + 1_288_834_974_657) / 1000)
    elif platform == "tiktok":
        at = epoch(int(post.rstrip("/").rsplit("/", 1)[1]) >> 32)
    elif platform == "linkedin":
        at = epoch((int(post.rsplit(":", 1)[1].rstrip("/")) >> 22) / 1000)
    elif platform == "youtube":
        words = re.findall(r"\w+", value(platform, row, "at"))
        month = next(w for w in words if not w.isdigit())
        numbers = sorted(int(w) for w in words if w.isdigit())
        return None, dt.date(numbers[1], MONTHS[month[:3].casefold()], numbers[0])
    else:
        at = meta_clock(value(platform, row, "at"), row.get("Permalink", "") if platform == "instagram" else "")
    return at, at.astimezone(WIB).date()


def epoch(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def meta_clock(text: str, link: str) -> dt.datetime:
    """Wall clock in Los Angeles, month first. Where a link carries the instant, it says which of the readings is meant."""
    readings = []
    for pattern in ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"):
        try:
            wall = dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
        readings += [wall.replace(tzinfo=PACIFIC, fold=fold).astimezone(dt.UTC) for fold in (0, 1)]
    made = link_instant(link)
    return readings[0] if made is None else min(readings, key=lambda r: abs(r.timestamp() - made))


def link_instant(link: str) -> float | None:
    if "instagram.com" not in link:
        return None
    last = link.rstrip("/").rsplit("/", 1)[1]
    if "/stories/" in link:
        number = int(last)
    else:
        number = 0
        for letter in last:
            number = number * 64 + ALPHABET.index(letter)
    return (number >> 23) / 1000 + 1_314_220_021.721


def captured(path: Path, platform: str) -> dt.datetime:
    """Epoch in the name, else the end of the day that the folder is named after; a TikTok list says its day itself."""
    day = next(dt.date.fromisoformat(p) for p in path.parts if re.fullmatch(r"\d{4}-\d\d-\d\d", p))
    stamp = re.search(r"_(\d{13}|\d{10})(?=[_.])", path.name)
    if stamp and platform == "linkedin":
        return epoch(int(stamp[1][:10]))
    return dt.datetime.combine(day, dt.time(23, 59, 59), WIB).astimezone(dt.UTC)


# ---- posts ----------------------------------------------------------------------------------------------------------------


def value(platform: str, row: dict[str, str], name: str) -> str:
    return next((row[n] for n in NAMES[platform].get(name, ()) if n in row and row[n] is not None), "")


def count(text: str | int) -> int | None:
    return int(text) if str(text).strip() else None


def sightings(path: Path, exporter: str, known: list[dict[str, str]]) -> list[Seen]:
    out = []
    for _, rows in tables(path):
        platform = platform_of(rows[0]) if rows else None
        if platform is None:
            continue
        by_number = {r["platform_account_id"]: r["account_id"] for r in known if r["platform"] == platform}
        for row in rows:
            post = str(value(platform, row, "id")).strip()
            if not post or post == "Total" or "Showing top" in post or value(platform, row, "kind") == "Total":
                continue
            at, day = clock(platform, row)
            names = [n for n in NAMES[platform] if n not in ("id", "owner", "at", "type", "is_share", "kind")]
            values = {n: count(value(platform, row, n)) for n in names}
            owner = by_number.get(value(platform, row, "owner")) if "owner" in NAMES[platform] else exporter
            story = "/stories/" in post
            shared = value(platform, row, "is_share") == "1"
            reply = platform == "x" and str(row.get("Post text", "")).startswith("@")
            best = "Total views" in row
            item = Seen(platform, post, owner, exporter, at, day, captured(path, platform), values, shared, story, reply, best)
            out.append(item)
    return out


def latest(seen: list[Seen]) -> list[Seen]:
    """One per post: the owner's own file before a partner's, a whole row before one with gaps, then the newest."""
    best: dict[tuple[str, str], tuple] = {}
    listed = {(item.platform, item.post) for item in seen if not item.is_best}
    for item in seen:
        whole = item.engagement is not None and item.exposure is not None
        rank = (item.owner == item.exporter, whole, item.captured)
        key = (item.platform, item.post)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, item)
    return [replace(item, is_best=key not in listed) for key, (_, item) in best.items()]


# ---- the marts, once more -------------------------------------------------------------------------------------------------


def maturity(item: Seen, curves: dict[tuple[str, str], tuple[float, float]]) -> float:
    start = dt.datetime.combine(item.day, dt.time(0), PACIFIC if item.platform == "youtube" else dt.UTC)
    published = item.at or start.astimezone(dt.UTC) + dt.timedelta(hours=12)  # the middle of a day that has no time
    hours = max((item.captured - published).total_seconds() / 3600, 0)
    if hours < 168:
        return 0.0  # younger than a week: not compared on any platform
    shares = []
    for quantity in ("engagement", "exposure"):
        half, shape = curves[item.platform, quantity]
        shares.append(1 - (1 + hours * (2 ** (1 / shape) - 1) / half) ** -shape)
    return min(shares)


def total(values: list[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None


Curves = dict[tuple[str, str], tuple[float, float]]


def comparable(items: list[Seen], curves: Curves) -> list[Seen]:
    """Posts whose rate is compared: both parts known, a week and half of their growth old."""
    counted = [i for i in items if not i.is_story and not i.is_share and not i.is_reply]
    return [i for i in counted if i.engagement is not None and i.exposure is not None and maturity(i, curves) >= 0.5]


def alike(item: Seen) -> tuple[str, bool, bool]:
    """Posts whose rates are made of the same: platform, with saves or without (TikTok), from a top list or not."""
    return item.platform, item.platform == "tiktok" and item.values.get("saves") is not None, item.is_best


def pooled_rates(groups: list[list[Seen]], curves: Curves) -> dict[tuple[str, bool, bool], float]:
    """Sum of engagement over sum of exposure of all comparable posts that are alike."""
    sums: dict[tuple[str, bool, bool], list[int]] = defaultdict(lambda: [0, 0])
    for item in (i for items in groups for i in comparable(items, curves)):
        sums[alike(item)][0] += item.engagement or 0
        sums[alike(item)][1] += item.exposure or 0
    return {key: e / x for key, (e, x) in sums.items() if x}


def log_rate(item: Seen, rates: dict[tuple[str, bool, bool], float]) -> float | None:
    """ln((E + c) / X), c = mu / (2 (1 + mu)), mu = X times the pooled rate: half a reaction at most, hardly any where X is."""
    mu = (item.exposure or 0) * rates.get(alike(item), 0.0)
    return math.log(((item.engagement or 0) + mu / (2 * (1 + mu))) / (item.exposure or 0)) if mu > 0 else None


def cell(items: list[Seen], curves: Curves, rates: dict[tuple[str, bool, bool], float]) -> dict[str, float | None]:
    compared = comparable(items, curves)
    mature = [(i.engagement, i.exposure) for i in compared]
    logs = [x for x in (log_rate(i, rates) for i in compared) if x is not None]
    own = [i for i in items if i.exporter == i.owner]  # a partner's file is no list of an account's posts
    listed = [i for i in own if not i.is_story and not i.is_share and not i.is_reply and not i.is_best]
    is_known = any(not i.is_best for i in own)
    platform = items[0].platform
    share, save = {"x": ("reposts", "bookmarks"), "linkedin": ("reposts", "saves")}.get(platform, ("shares", "saves"))
    mean = statistics.fmean(logs) if logs else None
    seen = sum(x for _, x in mature)
    return {
        "posts": len(listed) if is_known else None,
        "stories": sum(i.is_story for i in own) if is_known else None,
        "shares_of_others": sum(i.is_share and not i.is_story for i in own) if is_known else None,
        "engagement": total([i.engagement for i in listed]),
        "exposure": total([i.exposure for i in listed]),
        "comments": total([i.values.get("comments") for i in listed]),
        "shares": total([i.values.get(share) for i in listed]),
        "saves": total([i.values.get(save) for i in listed]),
        "link_clicks": total([i.values.get("link_clicks") for i in listed]),
        "mature_posts": len(mature),
        "er_log_mean": mean,
        "er_log_sd": statistics.stdev(logs) if len(logs) > 1 else None,
        "er_account": math.exp(mean) if mean is not None else None,
        "er_pooled": sum(e for e, _ in mature) / seen if seen else None,
        "zero_posts": sum(e <= 1 for e, _ in mature) if mature else None,
    }


# ---- whose likes they are, and growth ---------------------------------------------------------------------------------------

LIKE = {"facebook": "reactions"}  # elsewhere likes
OTHERS = ("saves", "bookmarks", "link_clicks")
LEAST_POSTS, LEAST_OTHERS = 8, 10
GUARD = ("n_posts", "likes_median", "floor_ratio", "floor_ratio_before", "likes_per_other", "likes_per_other_before")
GROWTH = ("followers_start", "followers_end", "growth_days", "growth_rate")
SLACK = 7


def quantile(ordered: list[float], share: float) -> float:
    at = (len(ordered) - 1) * share
    low = math.floor(at)
    return ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def floor_and_mix(items: list[Seen]) -> tuple[int, float | None, float | None, float | None]:
    """Posts with likes, their median, 10th percentile over median of likes + 1/2, likes over saves and clicks (sums + 1/2)."""
    counted = [i for i in items if not i.is_story and not i.is_share and not i.is_reply]
    counted = [i for i in counted if i.values.get(LIKE.get(i.platform, "likes")) is not None]
    likes = sorted(i.values[LIKE.get(i.platform, "likes")] or 0 for i in counted)
    if not likes:
        return 0, None, None, None
    if len(likes) < LEAST_POSTS:
        return len(likes), statistics.median(likes), None, None
    logs = [math.log(n + 0.5) for n in likes]
    others = [i.values.get(name) for i in counted for name in OTHERS]
    known = sum(n for n in others if n is not None)
    mix = (sum(likes) + 0.5) / (known + 0.5) if known >= LEAST_OTHERS and sum(likes) else None
    return len(likes), statistics.median(likes), math.exp(quantile(logs, 0.1) - quantile(logs, 0.5)), mix


def guard(groups: dict, period: tuple[dt.date, dt.date]) -> dict[tuple[str, str], dict[str, float | None]]:
    """Per account and agency, of the three months that begin with `period`, and of the three before."""
    first = period[0]
    before = (first.replace(day=1) - dt.timedelta(days=75)).replace(day=1)  # 75 days before the first is in the third month back
    now: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    past: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for (account, agency, month), items in groups.items():
        day = dt.date.fromisoformat(month)
        if first <= day <= period[1]:
            now[account, agency] += items
        elif before <= day < first:
            past[account, agency] += items
    found = {}
    for key, items in now.items():
        n, median, floor, mix = floor_and_mix(items)
        _, _, floor_before, mix_before = floor_and_mix(past.get(key, []))
        if n:
            found[key] = dict(zip(GUARD, (n, median, floor, floor_before, mix, mix_before), strict=True))
    return found


def growth(folder: Path, only: set[str]) -> dict[tuple[str, str], dict[str, float | None]]:
    """(account, month) with a reading at most a week from its first day and from the next month's: the rate of a year."""
    lines = (line for line in (folder / "followers.csv").read_text("utf-8-sig").splitlines() if not line.startswith("#"))
    readings: dict[str, dict[dt.date, int]] = defaultdict(dict)
    for row in csv.DictReader(lines):
        if row["account_id"] in only and row["followers"]:
            readings[row["account_id"]][dt.date.fromisoformat(row["date"])] = int(row["followers"])
    found = {}
    for account, seen in readings.items():
        for month in {day.replace(day=1) for day in seen}:
            following = (month + dt.timedelta(days=32)).replace(day=1)
            start, end = (min(seen, key=lambda day, at=at: (abs((day - at).days), day)) for at in (month, following))
            near = abs((start - month).days) <= SLACK and abs((end - following).days) <= SLACK and end > start
            if near:
                days = (end - start).days
                rate = (seen[end] / seen[start] - 1) * 365.25 / days if seen[start] else None
                found[account, month.isoformat()] = dict(zip(GROWTH, (seen[start], seen[end], days, rate), strict=True))
            else:
                found[account, month.isoformat()] = {"growth_days": None, "growth_rate": None}
    return found


def grouped(workspace: Path, refused: set[str]) -> dict[tuple[str, str, str], list[Seen]]:
    known = accounts(workspace / "registry")
    ids = {row["account_id"] for row in known}
    seen: list[Seen] = []
    for path in sorted((workspace / "inbox").rglob("*")):
        if path.is_file() and path.name not in refused and path.parent.name in ids:
            seen += sightings(path, path.parent.name, known)
    groups: dict[tuple[str, str, str], list[Seen]] = defaultdict(list)
    for item in latest(seen):
        agency = agency_of(known, item.owner, item.day) if item.owner else None
        if agency:
            groups[item.owner, agency, item.day.replace(day=1).isoformat()].append(item)
    return groups


def recompute(groups: dict, curves: dict) -> dict[tuple[str, str, str], dict[str, float | None]]:
    rates = pooled_rates(list(groups.values()), curves)
    return {key: cell(items, curves, rates) for key, items in groups.items()}


def version(workspace: Path) -> duckdb.DuckDBPyConnection:
    name = (workspace / "warehouse" / "CURRENT").read_text().split()[0]
    path = next(p for p in (workspace / "warehouse" / "versions").iterdir() if p.name.removesuffix(".duckdb") == name)
    return duckdb.connect(str(path), read_only=True)


def published(con: duckdb.DuckDBPyConnection) -> tuple[dict, set[str], dict]:
    """Cells of marts.account_month, names of refused files, maturity curves."""
    rows = con.sql(
        f"SELECT account_id, agency_id, CAST(month AS VARCHAR), {', '.join(CELLS)} FROM marts.account_month"
    ).fetchall()
    refused = con.sql("SELECT file_name FROM marts.export_files WHERE outcome IN ('refused', 'held')").fetchall()
    curves = con.sql("SELECT platform, quantity, half_life_hours, shape_k FROM estimates.maturity_curves").fetchall()
    cells = {(a, g, m): dict(zip(CELLS, rest, strict=True)) for a, g, m, *rest in rows}
    return cells, {Path(r[0]).name for r in refused}, {(p, q): (h, k) for p, q, h, k in curves}


def further(con: duckdb.DuckDBPyConnection, workspace: Path, groups: dict) -> tuple[int, list[str]]:
    """All cells of the guard and of growth: how many, and which differ."""
    rows = con.sql(
        f"SELECT account_id, agency_id, period_start, period_end, {', '.join(GUARD)} FROM estimates.staff_likes"
    ).fetchall()
    theirs: dict = {("guard", a, g): dict(zip(GUARD, rest, strict=True)) for a, g, _, _, *rest in rows}
    ours: dict = {("guard", *key): cells for key, cells in guard(groups, rows[0][2:4]).items()} if rows else {}
    only = {row["account_id"] for row in accounts(workspace / "registry") if row["platform"] in ("facebook", "instagram")}
    rows = con.sql(f"SELECT account_id, CAST(month AS VARCHAR), {', '.join(GROWTH)} FROM estimates.growth").fetchall()
    theirs |= {("growth", a, m): dict(zip(GROWTH, rest, strict=True)) for a, m, *rest in rows if a in only}
    grown = growth(workspace / "registry", only)
    ours |= {("growth", *key): cells for key, cells in grown.items() if ("growth", *key) in theirs or cells["growth_days"]}
    count, wrong = 0, [f"{' '.join(key)}: in one of both only" for key in ours.keys() ^ theirs.keys() if key[0] == "guard"]
    for key in ours.keys() & theirs.keys():
        for name, value in ours[key].items():
            count += value is not None or theirs[key][name] is not None
            if not equal(value, theirs[key][name], 1e-8):  # estimates keep nine digits
                wrong.append(f"{name} of {' '.join(key)}: files say {value!r}, tables say {theirs[key][name]!r}")
    return count, wrong


def equal(ours: float | None, theirs: float | None, digits: float = 1e-9) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return math.isclose(ours, theirs, rel_tol=digits, abs_tol=1e-9)  # the marts keep nine decimals


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    con = version(options.workspace)
    theirs, refused, curves = published(con)
    groups = grouped(options.workspace, refused)
    ours = recompute(groups, curves)
    lost = sorted(set(ours) - set(theirs))
    both = [(key, name) for key in theirs.keys() & ours.keys() for name in CELLS]
    pool = sorted((k, n) for k, n in both if theirs[k][n] is not None or ours[k][n] is not None)  # a lost number is a wrong one
    chosen = random.Random(options.seed).sample(pool, min(options.cells, len(pool)))
    wrong = [(k, n) for k, n in chosen if not equal(ours[k][n], theirs[k][n])]
    for key, name in wrong:
        print(f"  {name} of {' '.join(key)}: files say {ours[key][name]!r}, marts say {theirs[key][name]!r}")
    print(f"account-months in the files {len(ours)}, in the marts {len(theirs)}, of the files but not in the marts {len(lost)}")
    same = len(chosen) - len(wrong)
    print(f"{len(chosen)} of {len(pool)} cells drawn (seed {options.seed}): {same} equal, {len(wrong)} different")
    count, differing = further(con, options.workspace, groups)
    for line in differing:
        print(f"  {line}")
    print(f"{count} cells of the guard and of growth: {len(differing)} different")
    return 1 if wrong or lost or differing or len(chosen) < options.cells else 0


if __name__ == "__main__":
    raise SystemExit(main())
