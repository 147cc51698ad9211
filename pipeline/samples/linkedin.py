"""LinkedIn page workbooks: a sentence in row 1, headers in row 2, dates as text, numbers as numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np

from pipeline.samples.daily import by_day
from pipeline.samples.dialects import Value, workbook
from pipeline.samples.files import Content, Counts, Files, Span, capture_second, content, total
from pipeline.samples.posts import Posts, Track, World
from pipeline.samples.regency import Account
from pipeline.samples.streams import DAY, date_of, day_number, iso, linkedin_id, stream, utc

NOTE = "The metrics in this sheet are updated daily with a delay of up to 48 hours. All dates and times are in UTC."
KINDS = ("Impressions", "Unique impressions", "Clicks", "Reactions", "Comments", "Reposts", "Engagement rate")
POSTS = (
    "Post title|Post link|Post type|Campaign name|Posted by|Created date|Campaign start date|Campaign end date|Audience|"
    "Impressions|Views|Offsite Views|Clicks|Click through rate (CTR)|Likes|Comments|Reposts|Follows|Engagement rate|Content Type"
).split("|")
DAYS = 92


def identify(world: World, account: Account, posts: Posts) -> None:
    rng = stream(world.seed, "ids", account.account_id)
    ids = linkedin_id(posts.at * 1000 + rng.integers(0, 1000, len(posts)), rng)
    posts.ids["post_id"] = list(map(str, ids))
    posts.ids["permalink"] = [f"https://www.linkedin.com/feed/update/urn:li:activity:{i}" for i in ids]


def rows_in_window(world: World, posts: Posts, day: dt.date) -> np.ndarray:
    second = capture_second(day)
    return np.flatnonzero((posts.at >= second - world.plan.window_days * DAY) & (posts.at <= second))


def series(world: World, track: Track) -> dict[str, np.ndarray]:
    """Daily counts; a reaction taken back makes a negative day now and then."""
    days = by_day(world, track.account, track.posts, ["impressions", "clicks", "likes", "comments", "reposts"], "utc")
    days["likes"] = days["likes"] - (stream(world.seed, "withdrawn", track.account.account_id).random(world.days) < 0.03)
    return days


def printed(number: int) -> str:
    return date_of(number).strftime("%m/%d/%Y")


def write(
    world: World, track: Track, folder: str, day: dt.date, rows: np.ndarray, shown: Counts, days: Counts, files: Files
) -> None:
    account, captured = track.account, capture_second(day)
    posts, posts_record = posts_sheet(account, track.posts, rows, shown)
    sheets, records = {"All posts": posts}, [posts_record]
    if days:
        daily, daily_record = metrics_sheet(world, account, days, day)
        sheets, records = {"Metrics": daily, "All posts": posts}, [daily_record, posts_record]
    data = workbook(sheets, utc(captured))
    path = f"{folder}/{account.handle}_content_{captured * 1000}.xlsx"
    files.write(path, data, account.account_id, captured, records)


def metrics_sheet(world: World, account: Account, days: dict[str, np.ndarray], day: dt.date) -> tuple[list[list[Value]], Content]:
    last = day_number(day) - 1  # the day of the export is not in the sheet yet
    index = np.arange(max(last - DAYS + 1, world.first, day_number(account.opened)), last + 1)
    cells = {k: v[index - world.first].tolist() for k, v in days.items()}
    header = ["Date", "Impressions (organic)", "Impressions (sponsored)", "Impressions (total)", "Unique impressions (organic)"]
    header += [f"{k} ({s})" for k in ("Clicks", "Reactions", "Comments", "Reposts") for s in ("organic", "sponsored", "total")]
    header += [f"Engagement rate ({s})" for s in ("organic", "sponsored", "total")]
    rows: list[list[Value]] = [[NOTE], [*header]]
    for i, number in enumerate(index.tolist()):
        seen, clicks, likes, comments, reposts = (cells[k][i] for k in ("impressions", "clicks", "likes", "comments", "reposts"))
        rate = (clicks + likes + comments + reposts) / seen if seen else 0
        row: list[Value] = [printed(number), seen, 0, seen, seen * 4 // 5]
        for value in (clicks, likes, comments, reposts):
            row += [value, 0, value]
        rows.append([*row, rate, 0, rate])
    sums = {k: total(days[k][index - world.first]) for k in ("impressions", "clicks", "comments", "reposts")}
    record = content(
        "linkedin_page_content_metrics", len(index), member="sheet:Metrics", grain="account_day", language="en",
        sums=sums | {"reactions": total(days["likes"][index - world.first])},
        first=date_of(index[0]).isoformat(), last=date_of(index[-1]).isoformat(),
    )  # fmt: skip
    return rows, record


def posts_sheet(
    account: Account, posts: Posts, rows: np.ndarray, shown: dict[str, np.ndarray]
) -> tuple[list[list[Value]], Content]:
    out: list[list[Value]] = [[NOTE], [*POSTS]]
    names = ("impressions", "clicks", "likes", "comments", "reposts", "follows_gained")
    for k, i in reversed(list(enumerate(rows.tolist()))):
        seen, clicks, likes, comments, reposts, follows = (int(shown[n][k]) for n in names)
        rate = (clicks + likes + comments + reposts) / seen if seen else None
        cells: list[Value] = [
            posts.captions[i],
            posts.ids["permalink"][i],
            "Organic",
            None,
            "Admin Simulasi",
            printed(posts.at[i] // DAY),
        ]
        cells += [None, None, "All followers", seen, None, None, clicks, clicks / seen if seen else None]
        out.append([*cells, likes, comments, reposts, follows, rate, None])
    at = posts.at[rows]
    span: Span = {"first": iso(int(at.min())), "last": iso(int(at.max()))} if len(rows) else {}
    sums = {n: total(shown[n]) for n in names}
    return out, content("linkedin_page_content_posts", len(rows), member="sheet:All posts", language="en", sums=sums, **span)
