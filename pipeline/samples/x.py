"""X (Twitter) files: content and account overview, English in every language, ids that carry the instant."""

from __future__ import annotations

import datetime as dt

import numpy as np

from pipeline.samples.daily import by_day, posts_by_day
from pipeline.samples.dialects import lines, minimal, numbers
from pipeline.samples.files import Content, Counts, Files, Span, capture_second, content, safe_name, total
from pipeline.samples.posts import Posts, Track, World
from pipeline.samples.regency import HOSTILE, Account
from pipeline.samples.streams import DAY, MONTHS_EN, WEEKDAYS_EN, WIB, date_of, day_number, iso, stream, x_id

# Two dialects of the content file: A until 2025 (CRLF, the exporter's local day), B since (LF, UTC day, no last newline).
CONTENT_A = (
    "Post id,Date,Post text,Link,Impressions,Likes,Engagements,Bookmarks,Share,New follows,Replies,Reposts,Profile visits,"
    "Detail expands,Url clicks,Hashtag clicks,Permalink clicks"
)
CONTENT_B = (
    "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,Profile visits,"
    "Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
)
OVERVIEW = (
    "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits,Create Post,"
    "Video views,Media views"
)
SINCE_B = dt.date(2026, 1, 1)
ENGAGEMENTS = (
    "likes replies reposts bookmarks shares follows_gained profile_visits detail_expands link_clicks hashtag_clicks".split()
)
PARTS = "impressions likes bookmarks shares follows_gained replies reposts profile_visits".split()
CLICKS = "detail_expands link_clicks hashtag_clicks permalink_clicks".split()
OVERVIEW_DAYS = 92


def identify(world: World, account: Account, posts: Posts) -> None:
    rng = stream(world.seed, "ids", account.account_id)
    ids = x_id(posts.at * 1000 + rng.integers(0, 1000, len(posts)), rng)
    posts.ids["post_id"] = list(map(str, ids))
    posts.ids["permalink"] = [f"https://x.com/{account.handle}/status/{i}" for i in ids]
    posts.ids["caption"] = [minimal(c.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) for c in posts.captions]


def long_day(number: int) -> str:
    day = date_of(number)
    return f'"{WEEKDAYS_EN[day.weekday()]}, {MONTHS_EN[day.month - 1]} {day.day}, {day.year}"'


def short_day(number: int) -> str:
    day = date_of(number)
    return f"{WEEKDAYS_EN[day.weekday()]} {MONTHS_EN[day.month - 1]} {day.day:02d} {day.year}"


def rows_in_window(world: World, posts: Posts, day: dt.date) -> tuple[np.ndarray, int]:
    first = day_number(day) - world.plan.window_days + 1
    return np.flatnonzero((posts.at >= first * DAY) & (posts.at <= capture_second(day))), first


def content_file(posts: Posts, rows: np.ndarray, shown: dict[str, np.ndarray], day: dt.date) -> tuple[bytes, Content]:
    new = day >= SINCE_B
    order = np.argsort(-posts.at[rows], kind="stable")
    rows, shown = rows[order], {k: v[order] for k, v in shown.items()}
    engagements = np.sum([shown[k] for k in ENGAGEMENTS], axis=0)
    dates = [long_day(s // DAY) if new else short_day((s + WIB) // DAY) for s in posts.at[rows].tolist()]
    columns = [
        [posts.ids["post_id"][i] for i in rows.tolist()], dates, [posts.ids["caption"][i] for i in rows.tolist()],
        [posts.ids["permalink"][i] for i in rows.tolist()], numbers(shown["impressions"]), numbers(shown["likes"]),
        numbers(engagements), *(numbers(shown[k]) for k in PARTS[2:]), *(numbers(shown[k]) for k in CLICKS),
    ]  # fmt: skip
    text = lines((CONTENT_B if new else CONTENT_A).split(","), columns)
    data = "\n".join(text) if new else "\r\n".join(text) + "\r\n"
    sums = {k: total(shown[k]) for k in (*PARTS, *CLICKS)} | {"engagements_reported": total(engagements)}
    at = posts.at[rows]
    span: Span = {"first": iso(int(at.min())), "last": iso(int(at.max()))} if len(rows) else {}
    return data.encode(), content("x_account_content", len(rows), language="en", sums=sums, **span)


def series(world: World, track: Track) -> dict[str, np.ndarray]:
    account, posts = track.account, track.posts
    names = "impressions likes bookmarks shares replies reposts profile_visits".split()
    days = by_day(world, account, posts, names, "utc")
    clicks = stream(world.seed, "clicks", account.account_id).binomial(days["impressions"], 0.015)
    days["engagements"] = np.sum([days[k] for k in names[1:]], axis=0) + clicks
    days |= {"gained": track.gained, "lost": track.lost, "posts": posts_by_day(world, posts, "utc")}
    return days | {"video": np.zeros(world.days, np.int64), "media": np.zeros(world.days, np.int64)}


def overview_file(world: World, account: Account, days: dict[str, np.ndarray], day: dt.date) -> tuple[bytes, Content]:
    """Newest day first; the last one, the day of the export, is not over."""
    last = day_number(day)
    first = max(last - OVERVIEW_DAYS + 1, world.first, day_number(account.opened))
    index = np.arange(last, first - 1, -1)
    names = "impressions likes engagements bookmarks shares gained lost replies reposts profile_visits posts video media".split()
    cells = {k: days[k][index - world.first].copy() for k in names}
    for values in cells.values():
        values[:1] = values[:1] * 7 // 10
    text = lines(OVERVIEW.split(","), [list(map(long_day, index.tolist())), *(numbers(cells[k]) for k in names)])
    rename = {
        "gained": "follows_gained",
        "lost": "follows_lost",
        "posts": "posts_published",
        "engagements": "engagements_reported",
    }
    rename |= {"video": "video_views", "media": "media_views"}
    record = content(
        "x_account_overview", len(index), grain="account_day", language="en", first=date_of(first).isoformat(),
        last=date_of(last).isoformat(), sums={rename.get(k, k): total(v) for k, v in cells.items()},
    )  # fmt: skip
    return "\n".join(text).encode(), record


def write(
    world: World, track: Track, folder: str, day: dt.date, rows: np.ndarray, shown: Counts, days: Counts, files: Files
) -> None:
    account, captured = track.account, capture_second(day)
    data, record = content_file(track.posts, rows, shown, day)
    first = date_of(day_number(day) - world.plan.window_days + 1)
    name = f"account_analytics_content_{first.isoformat()}_{day.isoformat()}.csv"
    if account.operator == HOSTILE:
        name = safe_name(f"javascript:alert(1)_{name}")
    files.write(f"{folder}/{name}", data, account.account_id, captured, [record])
    if not days:
        return
    data, record = overview_file(world, account, days, day)
    files.write(f"{folder}/account_overview_analytics.csv", data, account.account_id, captured, [record])
