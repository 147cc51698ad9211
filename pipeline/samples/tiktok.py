"""TikTok Studio archives (dates without a year, top list of videos) and the Business download of the main account."""

from __future__ import annotations

import datetime as dt

import numpy as np

from pipeline.samples.daily import by_day
from pipeline.samples.dialects import every, lines, minimal, numbers, zipped
from pipeline.samples.files import Content, Counts, Files, Span, capture_second, content, total
from pipeline.samples.posts import FORMATS, Posts, Track, World
from pipeline.samples.regency import MAIN, Account
from pipeline.samples.streams import (
    DAY,
    MONTHS_EN_LONG,
    MONTHS_ID_LONG,
    WIB,
    date_of,
    day_number,
    iso,
    stream,
    tiktok_id,
    utc,
)

OVERVIEW = "Date|Video Views|Profile Views|Likes|Comments|Shares".split("|")
CONTENT = "Time|Video title|Video link|Post time|Total likes|Total comments|Total shares|Total views".split("|")
VIEWERS = "Date|Total Viewers|New Viewers|Returning Viewers".split("|")
HISTORY = "Date|Followers|Difference in followers from previous day".split("|")
BUSINESS = (
    "Date|Video views|Reached audience|Profile views|Likes|Shares|Comments|Phone number clicks |Leads submission|Net growth|"
    "New followers|Lost followers"
).split("|")
BUSINESS_VIDEO = "Video title|Video link|Post time|Video views|Likes|Comments|Shares|Add to Favorites".split("|")
TOP = 15  # Studio lists the most watched videos of the window only
WINDOW_DAYS, OVERVIEW_DAYS = 56, 92


def identify(world: World, account: Account, posts: Posts) -> None:
    """The id is made some seconds before the post goes out."""
    rng = stream(world.seed, "ids", account.account_id)
    early = posts.at - rng.integers(2, 9, len(posts))
    ids = tiktok_id(early, rng)
    photo = [name for name, _ in FORMATS["tiktok"]].index("photo")
    kinds = ["photo" if f == photo else "video" for f in posts.format.tolist()]
    posts.ids["post_id"] = list(map(str, ids))
    posts.ids["second"] = early.tolist()
    posts.ids["permalink"] = [f"https://www.tiktok.com/@{account.handle}/{k}/{i}" for k, i in zip(kinds, ids, strict=True)]


def month_day(number: int, language: str) -> str:
    day = date_of(number)
    return f"{MONTHS_EN_LONG[day.month - 1]} {day.day}" if language == "en" else f"{day.day} {MONTHS_ID_LONG[day.month - 1]}"


def quoted(header: list[str], columns: list[list[str]]) -> bytes:
    body = [list(map(every, column)) for column in columns]
    return b"\xef\xbb\xbf" + "\n".join(lines(list(map(every, header)), body)).encode()


def rows_in_window(world: World, account: Account, posts: Posts, day: dt.date) -> np.ndarray:
    days = world.plan.window_days if account.operator == MAIN else WINDOW_DAYS
    second = capture_second(day)
    return np.flatnonzero((posts.at >= second - days * DAY) & (posts.at <= second))


def listed(account: Account, rows: np.ndarray, shown: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What the file holds of the window: everything for Business, the most watched for Studio."""
    if account.operator == MAIN:
        return rows, shown
    best = np.sort(np.argsort(-shown["views"], kind="stable")[:TOP])
    return rows[best], {k: v[best] for k, v in shown.items()}


def series(world: World, track: Track) -> dict[str, np.ndarray]:
    days = by_day(world, track.account, track.posts, ["views", "likes", "comments", "shares"], "utc")
    rng = stream(world.seed, "viewers", track.account.account_id)
    days["profile_views"] = rng.poisson(days["views"] * 0.01)
    days["comments"] = days["comments"] - (rng.random(world.days) < 0.06)  # withdrawn comments make some days negative
    days["viewers"] = rng.binomial(np.maximum(days["views"], 0), 0.8)
    days["new"] = rng.binomial(days["viewers"], 0.6)
    return days | {"followers": track.followers, "gained": track.gained, "lost": track.lost}


def write(
    world: World, track: Track, folder: str, day: dt.date, rows: np.ndarray, shown: Counts, days: Counts, files: Files
) -> None:
    """`rows` and `shown` are what `listed` left."""
    account, captured = track.account, capture_second(day)
    if account.operator == MAIN:
        write_business(world, track, folder, day, rows, shown, days, files)
        return
    since = date_of(_index(world, account, day)[0]).isoformat()
    window = date_of(day_number(day) - WINDOW_DAYS + 1).isoformat()
    archives = {f"Content_{window}": ("Content.csv", *videos(world, track, rows, shown, day))}
    if days:
        archives[f"Overview_{since}"] = ("Overview.csv", *overview(world, account, days, day))
        archives[f"Viewers_{since}"] = ("Viewers.csv", *viewers(world, account, days, day))
    for name, (member, text, record) in archives.items():
        data = zipped({member: text}, utc(captured))
        files.write(f"{folder}/{name}_{captured}_{account.handle}.zip", data, account.account_id, captured, [record])
    if days:
        members = [("FollowerHistory.csv", *history(world, account, days, day)), *people(world, account, day)]
        data = zipped({member: text for member, text, _ in members}, utc(captured))
        files.write(f"{folder}/Followers_{account.handle}.zip", data, account.account_id, captured, [r for *_, r in members])


def _index(world: World, account: Account, day: dt.date) -> np.ndarray:
    last = day_number(day)
    return np.arange(max(last - OVERVIEW_DAYS + 1, world.first, day_number(account.opened)), last + 1)


def overview(world: World, account: Account, days: dict[str, np.ndarray], day: dt.date) -> tuple[bytes, Content]:
    """Oldest first; the last two days say 'undefined'."""
    index = _index(world, account, day)
    names = ["views", "profile_views", "likes", "comments", "shares"]
    cells = {k: numbers(days[k][index - world.first]) for k in names}
    known = slice(0, max(len(index) - 2, 0))
    for values in cells.values():
        values[-2:] = ["undefined"] * len(values[-2:])
    dates = [month_day(d, account.language) for d in index.tolist()]
    record = content(
        "tiktok_studio_overview", len(index), member="Overview.csv", grain="account_day", language="en",
        sums={k: total(days[k][index - world.first][known]) for k in names}, first=date_of(index[0]).isoformat(),
        last=date_of(index[-1]).isoformat(),
    )  # fmt: skip
    return quoted(OVERVIEW, [dates, *cells.values()]), record


def viewers(world: World, account: Account, days: dict[str, np.ndarray], day: dt.date) -> tuple[bytes, Content]:
    index = _index(world, account, day)
    everyone, new = days["viewers"][index - world.first], days["new"][index - world.first]
    cells = [numbers(everyone), numbers(new), numbers(everyone - new)]
    for values, late in zip(cells, ("undefined", "0", "0"), strict=True):
        values[-2:] = [late] * len(values[-2:])
    record = content(
        "tiktok_studio_viewers", len(index), member="Viewers.csv", grain="account_day", language="en",
        uniques={"viewers": total(everyone[:-2])}, first=date_of(index[0]).isoformat(), last=date_of(index[-1]).isoformat(),
    )  # fmt: skip
    return quoted(VIEWERS, [[month_day(d, account.language) for d in index.tolist()], *cells]), record


def history(world: World, account: Account, days: dict[str, np.ndarray], day: dt.date) -> tuple[bytes, Content]:
    """Follower totals. The difference column changed its meaning in 2026: tomorrow minus today, last row 0."""
    index = _index(world, account, day)[:-1]
    level = days["followers"][index - world.first]
    difference = np.concatenate([np.diff(level), [0]]) if len(level) else level
    dates = [month_day(d, account.language) for d in index.tolist()]
    record = content(
        "tiktok_studio_follower_history", len(index), member="FollowerHistory.csv", grain="account_day", language="en",
        uniques={"followers": int(level[-1])} if len(level) else {}, first=date_of(index[0]).isoformat() if len(level) else None,
        last=date_of(index[-1]).isoformat() if len(level) else None,
    )  # fmt: skip
    return quoted(HISTORY, [dates, numbers(level), numbers(difference)]), record


def people(world: World, account: Account, day: dt.date) -> list[tuple[str, bytes, Content]]:
    rng = stream(world.seed, "people", account.account_id, day)
    gender = rng.dirichlet((50, 45, 5))
    abroad = rng.dirichlet((96, 1.5, 1, 0.5, 1.0))
    out = []
    for name, kind, header, labels, shares in (
        ("FollowerGender.csv", "tiktok_studio_follower_gender", ["Gender", "Distribution"], ["Female", "Male", "Other"], gender),
        (
            "FollowerTopTerritories.csv", "tiktok_studio_follower_territories", ["Top territories", "Distribution"],
            ["ID", "MY", "SG", "JP", "Others"], abroad,
        ),
    ):  # fmt: skip
        cells = [f"{s:.4f}" for s in shares.tolist()]
        out.append(
            (name, quoted(header, [labels, cells]), content(kind, len(labels), member=name, grain="audience", language="en"))
        )
    return out


def videos(world: World, track: Track, rows: np.ndarray, shown: Counts, day: dt.date) -> tuple[bytes, Content]:
    """Unsorted top list; the day of posting is the exporter's local day, without a year."""
    account, posts = track.account, track.posts
    order = stream(world.seed, "list", account.account_id, day).permutation(len(rows))
    rows, shown = rows[order], {k: v[order] for k, v in shown.items()}
    columns = [
        [month_day(day_number(day), account.language)] * len(rows), [posts.captions[i] for i in rows.tolist()],
        [posts.ids["permalink"][i] for i in rows.tolist()],
        [month_day((s + WIB) // DAY, account.language) for s in posts.at[rows].tolist()],
        *(numbers(shown[k]) for k in ("likes", "comments", "shares", "views")),
    ]  # fmt: skip
    record = content(
        "tiktok_studio_content", len(rows), member="Content.csv", language="en",
        sums={k: total(shown[k]) for k in ("likes", "comments", "shares", "views")}, **_span(posts, rows),
    )  # fmt: skip
    return quoted(CONTENT, columns), record


def _span(posts: Posts, rows: np.ndarray) -> Span:
    seconds = [posts.ids["second"][i] for i in rows.tolist()]
    return {"first": iso(min(seconds)), "last": iso(max(seconds))} if seconds else {}


def write_business(
    world: World, track: Track, folder: str, day: dt.date, rows: np.ndarray, shown: Counts, days: Counts, files: Files
) -> None:
    """The Business download: every video, full dates in UTC, saves."""
    account, posts, captured = track.account, track.posts, capture_second(day)
    times = [utc(s).strftime("%Y/%m/%d %H:%M:%S") for s in posts.at[rows].tolist()]
    names = ["views", "likes", "comments", "shares", "saves"]
    columns = [
        [minimal(posts.captions[i]) for i in rows.tolist()], [posts.ids["permalink"][i] for i in rows.tolist()], times,
        *(numbers(shown[k]) for k in names),
    ]  # fmt: skip
    data = b"\xef\xbb\xbf" + "\n".join(lines(BUSINESS_VIDEO, columns)).encode()
    span: Span = {"first": iso(int(posts.at[rows].min())), "last": iso(int(posts.at[rows].max()))} if len(rows) else {}
    record = content("tiktok_business_video", len(rows), language="en", sums={k: total(shown[k]) for k in names}, **span)
    files.write(f"{folder}/Video {day.isoformat()}.csv", data, account.account_id, captured, [record])
    if not days:
        return
    index = _index(world, account, day)[:-1]
    at = index - world.first
    gained, lost = days["gained"][at], days["lost"][at]
    reach = numbers(days["viewers"][at])
    reach[:1] = ["NAN"]
    zero = ["0"] * len(index)
    comments = np.maximum(days["comments"][at], 0)
    columns = [
        [date_of(d).strftime("%Y/%m/%d") for d in index.tolist()], numbers(days["views"][at]), reach,
        numbers(days["profile_views"][at]), numbers(days["likes"][at]), numbers(days["shares"][at]), numbers(comments),
        zero, zero,
        numbers(gained - lost), numbers(gained), numbers(lost),
    ]  # fmt: skip
    sums = {k: total(days[k][at]) for k in ("views", "profile_views", "likes", "shares")}
    sums |= {"comments": total(comments), "follows_gained": total(gained), "follows_lost": total(lost)}
    record = content(
        "tiktok_business_overview", len(index), grain="account_day", language="en", sums=sums,
        first=date_of(index[0]).isoformat(), last=date_of(index[-1]).isoformat(),
    )  # fmt: skip
    data = b"\xef\xbb\xbf" + "\n".join(lines(BUSINESS, columns)).encode()
    files.write(f"{folder}/Ikhtisar {day.isoformat()}.csv", data, account.account_id, captured, [record])
