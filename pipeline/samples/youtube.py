"""YouTube Studio archives: a table with a Total row, the period in the archive's name, Pacific days."""

from __future__ import annotations

import datetime as dt

import numpy as np

from pipeline.samples.daily import by_day, day_of
from pipeline.samples.dialects import lines, minimal, numbers, zipped
from pipeline.samples.files import Content, Counts, Files, Span, capture_second, content, total
from pipeline.samples.posts import FORMATS, Posts, Track, World
from pipeline.samples.regency import MAIN, Account
from pipeline.samples.streams import DAY, MONTHS_EN, date_of, day_number, iso, pacific_offset, stream, utc, youtube_id

METRICS = {
    "en": (
        "Views|Watch time (hours)|Subscribers|Subscribers gained|Subscribers lost|Likes|Dislikes|Shares|Comments added|"
        "Impressions|Impressions click-through rate (%)|Average view duration"
    ).split("|"),
    "id": (
        "Penayangan|Waktu tonton (jam)|Subscriber|Subscriber yang diperoleh|Subscriber yang hilang|Suka|Tidak suka|Pembagian|"
        "Komentar ditambahkan|Tayangan|Rasio klik-tayang dari tayangan (%)|Rata-rata durasi tonton"
    ).split("|"),
}
CONTENT = {
    "en": ["Content", "Video title", "Video publish time", "Duration"],
    "id": ["Konten", "Judul video", "Waktu publikasi video", "Durasi"],
}
MEMBERS = {"en": "Table data.csv", "id": "Data tabel.csv"}
MONTHS_ID = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
DATE_DAYS = 95
AUDIENCE_DAYS = 90
CITIES = (
    "Bogor",
    "Jakarta",
    "Depok",
    "Bekasi",
    "Bandung",
    "Tangerang",
    "Sukabumi",
    "Cianjur",
    "Karawang",
    "Semarang",
    "Surabaya",
)
CITY_WEIGHTS = np.array([55, 12, 6, 5, 3, 5, 4, 3, 3, 2, 2.0])
COUNTRIES = ("ID", "MY", "SG", "JP", "SA", "US")


def identify(world: World, account: Account, posts: Posts) -> None:
    rng = stream(world.seed, "ids", account.account_id)
    ids = youtube_id(len(posts), rng)
    # A leading minus before a letter gets a blank: Studio's guard against formulas.
    posts.ids["cell"] = [f" {i}" if i[0] == "-" and not i[1].isdigit() else i for i in ids]
    posts.ids["post_id"] = ids
    posts.ids["caption"] = [minimal(" ".join(c.split())[:100]) for c in posts.captions]  # titles have one line, 100 letters
    watched = rng.uniform(0.25, 0.6, len(posts)) * posts.duration
    shorts = [name for name, _ in FORMATS["youtube"]].index("short")
    posts.ids["seconds"] = np.where(posts.format == shorts, watched, watched * 3)
    posts.duration[:] = np.where(posts.format == shorts, np.minimum(posts.duration, 60), posts.duration * 3)


def printed(day: dt.date, language: str) -> str:
    if language == "en":
        return f'"{MONTHS_EN[day.month - 1]} {day.day}, {day.year}"'
    return f"{day.day} {MONTHS_ID[day.month - 1]} {day.year}"


def hours(views: np.ndarray, seconds: np.ndarray) -> list[str]:
    return [f"{h:.4f}" for h in (views * seconds / 3600).tolist()]


def clock(views: np.ndarray, seconds: np.ndarray) -> list[str]:
    """Mean duration; empty where nobody watched."""
    pairs = zip(views.tolist(), seconds.tolist(), strict=True)
    return [f"{int(s) // 3600}:{int(s) // 60 % 60:02d}:{int(s) % 60:02d}" if v else "" for v, s in pairs]


def metric_cells(shown: dict[str, np.ndarray], seconds: np.ndarray) -> list[list[str]]:
    rate = [
        f"{100 * v / i:.2f}" if i else ""
        for v, i in zip((shown["views"] // 3).tolist(), shown["impressions"].tolist(), strict=True)
    ]
    return [
        numbers(shown["views"]), hours(shown["views"], seconds), numbers(shown["follows_gained"] - shown["follows_lost"]),
        *(numbers(shown[k]) for k in "follows_gained follows_lost likes dislikes shares comments impressions".split()),
        rate, clock(shown["views"], seconds),
    ]  # fmt: skip


def whole(shown: dict[str, np.ndarray], seconds: np.ndarray) -> list[list[str]]:
    """The Total row: like the rows, but subscriptions made on the channel's own page come on top."""
    sums = {k: np.array([v.sum()]) for k, v in shown.items()}
    mean = np.array([(shown["views"] * seconds).sum() / max(shown["views"].sum(), 1)])
    sums["follows_gained"] = sums["follows_gained"] + sums["follows_gained"] // 8
    return metric_cells(sums, mean)


def sums_of(shown: dict[str, np.ndarray], seconds: np.ndarray) -> dict[str, float]:
    out: dict[str, float] = {k: total(shown[k]) for k in "views likes dislikes shares comments impressions".split()}
    out |= {k: total(shown[k]) for k in ("follows_gained", "follows_lost")}
    out["follows_net"] = out["follows_gained"] - out["follows_lost"]
    out["watch_seconds"] = round(sum(round(h, 4) for h in (shown["views"] * seconds / 3600).tolist()) * 3600, 3)
    return out


def table(header: list[str], rows: list[str]) -> bytes:
    return ("\n".join([",".join(map(minimal, header)), *rows]) + "\n").encode()


def write(
    world: World, track: Track, folder: str, day: dt.date, rows: np.ndarray, shown: Counts, days: Counts, files: Files
) -> None:
    account, last = track.account, last_day(day)
    data, record = content_table(account, track.posts, rows, shown)
    _archive("Content", account, folder, day, account.opened, {MEMBERS[account.language]: data}, [record], files)
    index = _date_index(world, account, last)
    if not days or not len(index):
        return
    data, record = date_table(account, days, world, index)
    members = {MEMBERS[account.language]: data}
    members["Totals.csv"], totals = totals_table(account, days, world, index)
    _archive("Date", account, folder, day, date_of(index[-1]), members, [record, totals], files)


def write_audience(world: World, account: Account, folder: str, day: dt.date, files: Files) -> None:
    first = last_day(day) - dt.timedelta(days=AUDIENCE_DAYS)
    for what, make in (("Cities", cities_table), ("Geography", geography_table)):
        data, record = make(world, account, day)
        _archive(what, account, folder, day, first, {MEMBERS[account.language]: data}, [record], files)


def last_day(day: dt.date) -> dt.date:
    """The Pacific day of the export."""
    captured = capture_second(day)
    return date_of((captured + int(pacific_offset(np.array([captured]))[0])) // DAY)


def _archive(
    what: str,
    account: Account,
    folder: str,
    day: dt.date,
    first: dt.date,
    members: dict[str, bytes],
    records: list[Content],
    files: Files,
) -> None:
    name = "".join(c for c in account.name if c not in '<>:"/\\|?*\u202e')[:60].strip()
    period, captured = [first.isoformat(), last_day(day).isoformat()], capture_second(day)
    path = f"{folder}/{what} {'_'.join(period)} {name}.zip"
    files.write(path, zipped(members, utc(captured)), account.account_id, captured, records, period=period)


def content_table(account: Account, posts: Posts, rows: np.ndarray, shown: Counts) -> tuple[bytes, Content]:
    """Lifetime of every video, most watched first. Five hundred would be the end of the list."""
    language, seconds = account.language, np.asarray(posts.ids["seconds"])[rows]
    order = np.argsort(-shown["views"], kind="stable")
    rows, seconds, shown = rows[order], seconds[order], {k: v[order] for k, v in shown.items()}
    pacific = day_of(posts, "pacific")[rows]
    columns = [
        [posts.ids["cell"][i] for i in rows.tolist()], [posts.ids["caption"][i] for i in rows.tolist()],
        [printed(date_of(d), language) for d in pacific.tolist()], numbers(posts.duration[rows]), *metric_cells(shown, seconds),
    ]  # fmt: skip
    body = [",".join(["Total", "", "", "", *(c[0] for c in whole(shown, seconds))]), *lines([], columns)[1:]]
    record = content(
        "yt_table_content", len(rows), member=MEMBERS[language], language=language, sums=sums_of(shown, seconds),
        dropped={"total_row": 1}, **_span(pacific),
    )  # fmt: skip
    return table(CONTENT[language] + METRICS[language], body), record


def _span(pacific: np.ndarray) -> Span:
    """A day without a time is said as its first second in Los Angeles."""
    if not len(pacific):
        return {}
    midnight = np.array([pacific.min(), pacific.max()]) * DAY + 8 * 3600
    first, last = (midnight - 8 * 3600 - pacific_offset(midnight)).tolist()
    return {"first": iso(first), "last": iso(last)}


def series(world: World, track: Track) -> dict[str, np.ndarray]:
    names = "views likes dislikes shares comments impressions".split()
    days = by_day(world, track.account, track.posts, names, "pacific")
    return days | {"follows_gained": track.gained, "follows_lost": track.lost}


def _date_index(world: World, account: Account, last: dt.date) -> np.ndarray:
    """Two days are missing at the end: Studio is that late."""
    end = day_number(last) - 2
    return np.arange(end, max(end - DATE_DAYS + 3, world.first, day_number(account.opened)) - 1, -1)


def date_table(account: Account, days: dict[str, np.ndarray], world: World, index: np.ndarray) -> tuple[bytes, Content]:
    language = account.language
    shown = {k: v[index - world.first] for k, v in days.items()}
    seconds = stream(world.seed, "durations", account.account_id).uniform(25, 95, world.days)[index - world.first]
    columns = [[date_of(d).isoformat() for d in index.tolist()], *metric_cells(shown, seconds)]
    body = [",".join(["Total", *(c[0] for c in whole(shown, seconds))]), *lines([], columns)[1:]]
    record = content(
        "yt_table_date", len(index), member=MEMBERS[language], grain="account_day", language=language, dropped={"total_row": 1},
        sums=sums_of(shown, seconds), first=date_of(index[-1]).isoformat(), last=date_of(index[0]).isoformat(),
    )  # fmt: skip
    return table([{"en": "Date", "id": "Tanggal"}[language], *METRICS[language]], body), record


def totals_table(account: Account, days: dict[str, np.ndarray], world: World, index: np.ndarray) -> tuple[bytes, Content]:
    language, index = account.language, index[::-1]
    views = days["views"][index - world.first]
    body = lines([], [[date_of(d).isoformat() for d in index.tolist()], numbers(views)])[1:]
    record = content(
        "yt_totals", len(index), member="Totals.csv", grain="account_day", language=language, sums={"views": total(views)},
        first=date_of(index[0]).isoformat(), last=date_of(index[-1]).isoformat(),
    )  # fmt: skip
    return table([{"en": "Date", "id": "Tanggal"}[language], METRICS[language][0]], body), record


def cities_table(world: World, account: Account, day: dt.date) -> tuple[bytes, Content]:
    """Views by city with map place ids; the main channel has more cities than the list shows."""
    rng = stream(world.seed, "cities", account.account_id, day)
    share = rng.dirichlet(CITY_WEIGHTS)
    views = np.sort(rng.poisson(share * account.followers * 3) + 1)[::-1]
    names = [CITIES[i] for i in np.argsort(-share).tolist()]
    if account.operator == MAIN:
        names += [f"Kota Simulasi {i:03d}" for i in range(1, 501 - len(names))]
        views = np.concatenate([views, np.sort(rng.integers(1, max(int(views[-1]), 2), 500 - len(views)))[::-1]])
    places = [f"0x{a:x}:0x{b:x}" for a, b in rng.integers(2**60, 2**63, (len(names), 2)).tolist()]
    seconds = np.full(len(names), 41.0)
    columns = [places, names, numbers(views), hours(views, seconds), clock(views, seconds)]
    all_views = np.array([views.sum() + views.sum() // 25])  # viewers whose city is not known are in the total only
    body = [
        ",".join(["Total", "", numbers(all_views)[0], hours(all_views, seconds[:1])[0], clock(all_views, seconds[:1])[0]]),
        *lines([], columns)[1:],
    ]
    dropped, language = {"total_row": 1}, account.language
    if len(names) == 500:
        body.append("Showing top 500 results" if language == "en" else "Menampilkan 500 hasil teratas")
        dropped["trailer"] = 1
    head = {"en": ["Cities", "City name"], "id": ["Kota", "Nama kota"]}[language]
    header = [*head, *(METRICS[language][i] for i in (0, 1, 11))]
    record = content(
        "yt_table_cities", len(names), member=MEMBERS[language], grain="audience", language=language, dropped=dropped
    )
    return table(header, body), record | {"city_views": {n: int(v) for n, v in zip(names[:3], views[:3], strict=True)}}


def geography_table(world: World, account: Account, day: dt.date) -> tuple[bytes, Content]:
    rng = stream(world.seed, "countries", account.account_id, day)
    views = np.sort(rng.poisson(rng.dirichlet((96, 1.2, 0.8, 0.5, 0.5, 0.4)) * account.followers * 3) + 1)[::-1]
    seconds, language = np.full(len(views), 41.0), account.language
    columns = [list(COUNTRIES), numbers(views), hours(views, seconds), clock(views, seconds)]
    sums = np.array([views.sum()])
    body = [
        ",".join(["Total", numbers(sums)[0], hours(sums, seconds[:1])[0], clock(sums, seconds[:1])[0]]),
        *lines([], columns)[1:],
    ]
    header = [{"en": "Geography", "id": "Geografi"}[language], *(METRICS[language][i] for i in (0, 1, 11))]
    record = content(
        "yt_table_geography", len(views), member=MEMBERS[language], grain="audience", language=language, dropped={"total_row": 1}
    )
    return table(header, body), record
