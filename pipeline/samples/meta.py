"""Facebook and Instagram files as Meta Business Suite writes them: Pacific clock, PHP quoting, UTF-16 charts."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

import numpy as np

from pipeline.samples.dialects import lines, numbers, php
from pipeline.samples.files import Content, Counts, Files, Span, capture_second, content, safe_name, total
from pipeline.samples.posts import FORMATS, Posts, World
from pipeline.samples.regency import HOSTILE, MAIN, Account
from pipeline.samples.streams import DAY, MONTHS_EN, date_of, instagram_media, iso, pacific_offset, shortcode, stream

T = TypeVar("T")
Part = tuple[Account, Posts, np.ndarray, Counts]  # rows of an account in an export, with their counts


def _both(text: str) -> dict[str, list[str]]:
    """Lines of `English = Indonesian`; a line with one name is printed in English on either screen."""
    pairs = [[name.strip() for name in line.split(" = ")] for line in text.strip().splitlines()]
    return {"en": [pair[0] for pair in pairs], "id": [pair[-1] for pair in pairs]}


# The words that nobody has seen in Indonesian stay English, as on every half-translated screen.
FACEBOOK = _both("""
Post ID = ID Postingan
Page ID = ID Halaman
Page name = Nama Halaman
Title = Judul
Description = Deskripsi
Duration (sec) = Durasi (detik)
Publish time = Waktu penerbitan
Caption type = Jenis keterangan
Permalink
Is crosspost
Is share
Post type = Jenis postingan
Languages = Bahasa
Custom labels = Label kustom
Funded content status
Data comment = Komentar data
Date = Tanggal
Views = Tayangan
Reach = Jangkauan
Reactions, Comments and Shares = Tanggapan, komentar, dan frekuensi dibagikan
Reactions = Tanggapan
Comments = Komentar
Shares = Frekuensi dibagikan
Total clicks = Total klik
Link Clicks = Klik tautan
Other Clicks = Klik lainnya
Matched Audience Targeting Consumption (Photo Click)
Matched Audience Targeting Consumption (Video Click)
Negative feedback from users: Hide all
Negative feedback from users
Seconds viewed
Average Seconds viewed
Estimated earnings (USD)
Ad CPM (USD)
Ad impressions
""")
_LEADING = """
Post ID = ID Postingan
Account ID = ID Akun
Account username = Nama pengguna akun
Account name = Nama akun
Description = Deskripsi
Duration (sec) = Durasi (detik)
Publish time = Waktu penerbitan
Permalink
Post type = Jenis postingan
Data comment = Komentar data
Date = Tanggal
Views = Tayangan
Reach = Jangkauan
Likes = Suka
Shares = Frekuensi dibagikan
"""
INSTAGRAM = _both(
    _LEADING
    + """Comments = Komentar
Saves = Frekuensi disimpan
Follows = Mengikuti
"""
)
STORY = _both(
    _LEADING
    + """Follows = Mengikuti
Replies = Balasan
Navigation = Navigasi
Profile visits = Kunjungan profil
Sticker taps = Ketukan stiker
Link clicks = Klik tautan
"""
)
LIFETIME = {"en": "Lifetime", "id": '"Sepanjang Masa"'}
TYPES_FB = {"photo": "Photos", "video": "Videos", "reel": "Reels", "link": "Links", "text": "Text"}
TYPES_IG = {
    "en": {"image": '"IG image"', "carousel": '"IG carousel"', "reel": '"IG reel"'},
    "id": {"image": '"Gambar IG"', "carousel": '"Carousel IG"', "reel": '"Reel IG"'},
}
NEVER_RAGGED = 128  # rows of a batch; the next batch may lack the last columns


def identify(world: World, account: Account, posts: Posts) -> None:
    """Post ids and links, cells ready to print."""
    rng = stream(world.seed, "ids", account.account_id)
    n = len(posts)
    local = posts.at + pacific_offset(posts.at)
    posts.ids["clock"] = [dt.datetime.fromtimestamp(s, dt.UTC).strftime('"%m/%d/%Y %H:%M"') for s in local.tolist()]
    posts.ids["caption"] = [php(c) for c in posts.captions]
    names = [name for name, _ in FORMATS[account.platform]]
    if account.platform == "instagram":
        posts.ids["post_id"] = [f"17{x}" for x in rng.integers(9 * 10**14, 10**15, n).tolist()]
        media = instagram_media(posts.at * 1000 + rng.integers(0, 40_000, n), rng)
        path = [("reel" if names[f] == "reel" else "p") for f in posts.format.tolist()]
        posts.ids["permalink"] = [f"https://www.instagram.com/{p}/{shortcode(m)}/" for p, m in zip(path, media, strict=True)]
        return
    posts.ids["post_id"] = [f"122{x}" for x in rng.integers(10**11, 10**12, n).tolist()]
    links = {"video": "{page}/videos/{id}/", "reel": "reel/{id}/"}
    posts.ids["permalink"] = [
        "https://www.facebook.com/" + links.get(names[f], "{page}/posts/{id}").format(page=account.platform_account_id, id=i)
        for f, i in zip(posts.format.tolist(), posts.ids["post_id"], strict=True)
    ]


def window(world: World, posts: Posts, day: dt.date, days: int) -> tuple[np.ndarray, dt.date, dt.date]:
    """Rows of the posts of the last `days` Pacific days, and the two dates that the file name shows."""
    second = capture_second(day)
    last = (second + int(pacific_offset(np.array([second]))[0])) // DAY
    first = last - days + 1
    pacific = (posts.at + pacific_offset(posts.at)) // DAY
    return np.flatnonzero((pacific >= first) & (posts.at <= second)), date_of(first), date_of(last)


def file_name(first: dt.date, last: dt.date, rng: np.random.Generator) -> str:
    stamp = "_".join(f"{MONTHS_EN[d.month - 1]}-{d.day:02d}-{d.year}" for d in (first, last))
    return f"{stamp}_{rng.integers(10**14, 10**16)}.csv"


def _take(values: list[T], rows: np.ndarray) -> list[T]:
    return [values[i] for i in rows.tolist()]


def _text(header: list[str], body: list[str]) -> bytes:
    return b"\xef\xbb\xbf" + ("\n".join([",".join(map(php, header)), *body]) + "\n").encode()


def _span(posts: Posts, rows: np.ndarray) -> Span:
    """First and last publish time as far as the file says: it prints minutes."""
    if not len(rows):
        return {"first": None, "last": None}
    at = posts.at[rows] // 60 * 60
    return {"first": iso(int(at.min())), "last": iso(int(at.max()))}


def facebook(account: Account, posts: Posts, rows: np.ndarray, shown: Counts, rng: np.random.Generator) -> tuple[bytes, Content]:
    """Content export of a page. Reshares have no views; a rare error row has no id; the main page's file is ragged."""
    n, header, dropped = len(rows), FACEBOOK[account.language], {}
    body = lines([], _facebook_columns(account, posts, rows, shown))[1:]
    if n and rng.random() < 0.03:
        body.insert(0, _error_row(account, len(header), rng))
        dropped = {"row_note": 1}
    if account.operator == MAIN and n > NEVER_RAGGED:  # a later batch lacks the trailing columns altogether
        body = [line if i < NEVER_RAGGED else line[:-2] for i, line in enumerate(body)]
    record = content(
        "meta.content.facebook.post", n, language=account.language, sums=_facebook_sums(posts, rows, shown),
        uniques={"reach": total(shown["reach"])}, dropped=dropped, **_span(posts, rows),
    )  # fmt: skip
    return _text(header, body), record


def _facebook_columns(account: Account, posts: Posts, rows: np.ndarray, shown: Counts) -> list[list[str]]:
    """Cells of Facebook rows, in the order of FACEBOOK."""
    n, share, hidden = len(rows), posts.is_share[rows], shown["negative_hide_all"]
    views, rcs, clicks = _facebook_sums_of_rows(shown)
    timed = list(zip(shown["seconds_viewed"].tolist(), views.tolist(), (posts.duration[rows] > 0).tolist(), strict=True))
    seconds = [f"{s}.{s % 997:03d}" if moves else "" for s, _, moves in timed]
    average = [f"{s / v:.3f}" if moves and v else "" for s, v, moves in timed]
    names = [TYPES_FB[name] for name, _ in FORMATS["facebook"]]
    caption, empty, lifetime = _take(posts.ids["caption"], rows), [""] * n, [LIFETIME[account.language]] * n
    reel = [posts.format[i] == 2 for i in rows.tolist()]
    return [
        _take(posts.ids["post_id"], rows), [account.platform_account_id or ""] * n, [php(account.name)] * n, caption,
        [c if r else "" for c, r in zip(caption, reel, strict=True)], numbers(posts.duration[rows]),
        _take(posts.ids["clock"], rows), ["N/A"] * n, _take(posts.ids["permalink"], rows), ["0"] * n,
        ["1" if s else "0" for s in share.tolist()], [names[f] for f in posts.format[rows].tolist()],
        empty, empty, empty, empty, lifetime, ["" if s else str(v) for v, s in zip(views.tolist(), share.tolist(), strict=True)],
        numbers(shown["reach"]), numbers(rcs), numbers(shown["reactions"]), numbers(shown["comments"]), numbers(shown["shares"]),
        numbers(clicks), numbers(shown["link_clicks"]), numbers(shown["other_clicks"]), numbers(shown["photo_clicks"]),
        numbers(shown["video_clicks"]), numbers(hidden), numbers(hidden + shown["negative_hide"]), seconds, average,
        empty, empty, empty,
    ]  # fmt: skip


def _facebook_sums_of_rows(shown: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views, reactions with comments and shares, and all clicks: what the platform adds up in each row."""
    clicks = shown["link_clicks"] + shown["other_clicks"] + shown["photo_clicks"] + shown["video_clicks"]
    return shown["reach"] + shown["extra"], shown["reactions"] + shown["comments"] + shown["shares"], clicks


def _facebook_sums(posts: Posts, rows: np.ndarray, shown: Counts) -> dict[str, int]:
    """Sums of the columns, for the truth."""
    views, rcs, clicks = _facebook_sums_of_rows(shown)
    return {
        "views": total(views, ~posts.is_share[rows]), "engagement_rcs": total(rcs), "reactions": total(shown["reactions"]),
        "comments": total(shown["comments"]), "shares": total(shown["shares"]), "total_clicks": total(clicks),
        "link_clicks": total(shown["link_clicks"]), "negative_total": total(shown["negative_hide_all"] + shown["negative_hide"]),
    }  # fmt: skip


def _error_row(account: Account, width: int, rng: np.random.Generator) -> str:
    """The line that Meta writes instead of a post that it could not compute."""
    note = f"An error occurred while computing metadata for content with ID {rng.integers(10**14, 10**15)}"
    cells = [""] * width
    cells[1], cells[2], cells[15], cells[16] = (
        account.platform_account_id or "",
        php(account.name),
        php(note),
        LIFETIME[account.language],
    )
    return ",".join(cells)


def instagram_columns(
    account: Account, posts: Posts, rows: np.ndarray, shown: Counts, language: str, foreign: bool
) -> list[list[str]]:
    """Cells of Instagram rows; on rows of another account (joint posts) reach and follows are empty."""
    n = len(rows)
    names = [TYPES_IG[language][name] for name, _ in FORMATS["instagram"]]
    blank = [""] * n
    follows = ["" if f == 0 else str(f) for f in shown["follows"].tolist()]
    return [
        _take(posts.ids["post_id"], rows), [account.platform_account_id] * n, [account.handle] * n, [php(account.name)] * n,
        _take(posts.ids["caption"], rows), numbers(posts.duration[rows]), _take(posts.ids["clock"], rows),
        _take(posts.ids["permalink"], rows), [names[f] for f in posts.format[rows].tolist()], blank, [LIFETIME[language]] * n,
        numbers(shown["reach"] + shown["extra"]), blank if foreign else numbers(shown["reach"]), numbers(shown["likes"]),
        numbers(shown["shares"]), numbers(shown["comments"]), numbers(shown["saves"]), blank if foreign else follows,
    ]  # fmt: skip


def instagram(account: Account, parts: list[Part], rng: np.random.Generator) -> tuple[bytes, Content]:
    """Content export of an Instagram account: its own posts, then joint posts that another account owns."""
    language = account.language
    body: list[str] = []
    sums = dict.fromkeys(("views", "likes", "shares", "comments", "saves", "follows_gained"), 0)
    reach, spans = 0, []
    for owner, posts, rows, shown in parts:
        foreign = owner.account_id != account.account_id
        body += lines([], instagram_columns(owner, posts, rows, shown, language, foreign))[1:]
        for name in ("likes", "shares", "comments", "saves"):
            sums[name] += total(shown[name])
        sums["views"] += total(shown["reach"] + shown["extra"])
        if not foreign:
            sums["follows_gained"] += total(shown["follows"])
            reach += total(shown["reach"])
        spans.append(_span(posts, rows))
    if not sums["follows_gained"]:  # every cell of the column is empty: not reported
        del sums["follows_gained"]
    order = rng.permutation(len(body)).tolist()
    firsts, lasts = [s["first"] for s in spans if s["first"]], [s["last"] for s in spans if s["last"]]
    record = content(
        "meta.content.instagram.post", len(body), language=language, sums=sums, uniques={"reach": reach},
        first=min(firsts, default=None), last=max(lasts, default=None),
    )  # fmt: skip
    return _text(INSTAGRAM[language], [body[i] for i in order]), record


# ---- overview charts and audience ------------------------------------------------------------------------------------------

CHARTS = {
    "facebook": {
        "reach": ("Viewers", "Penonton"),
        "visits": ("Facebook visits", "Kunjungan Facebook"),
        "follows": ("Facebook follows", "Pengikut Facebook"),
    },
    "instagram": {
        "reach": ("Reach", "Jangkauan"),
        "visits": ("Instagram profile visits", "Kunjungan Profil Instagram"),
        "follows": ("Instagram follows", "Pengikut Instagram"),
    },
}
FILE_NAMES = {"reach": "Reach.csv", "viewers": "Viewers.csv", "visits": "Visits.csv", "follows": "Follows.csv"}
FIELDS = {"facebook": {"reach": "viewers", "visits": "page_visits"}, "instagram": {"reach": "reach", "visits": "profile_visits"}}
VIEWERS_FROM = dt.date(2025, 10, 1)  # Facebook's chart "Facebook reach" became "Viewers" in 2025


def _utf16(rows: list[str]) -> bytes:
    return b"\xff\xfe" + ("\n".join(rows) + "\n\n").encode("utf-16-le")


def _stamp(day: int) -> str:
    """Summer days are printed at 00:00, winter days at 01:00 (seen)."""
    offset = int(pacific_offset(np.array([day * DAY + 20 * 3600]))[0])
    return f"{date_of(day).isoformat()}T0{1 if offset == -8 * 3600 else 0}:00:00"


def chart(account: Account, what: str, days: np.ndarray, values: np.ndarray, on: dt.date) -> tuple[str, bytes, Content]:
    """One overview chart: title, header, one row per Pacific day. Instagram leaves out days without new followers."""
    english, indonesian = CHARTS[account.platform][what]
    field = "follows_gained" if what == "follows" else FIELDS[account.platform][what]
    name = FILE_NAMES["viewers" if field == "viewers" else what]
    if field == "viewers" and on < VIEWERS_FROM:
        english, indonesian, field, name = "Facebook reach", "Jangkauan Facebook", "reach", "Reach.csv"
    title = indonesian if account.language == "id" else english
    keep = np.ones(len(days), bool) if what != "follows" or account.platform == "facebook" else values > 0
    rows = [f'"{_stamp(d)}","{v}"' for d, v in zip(days[keep].tolist(), values[keep].tolist(), strict=True)]
    head = '"Tanggal","Primary"' if account.language == "id" else '"Date","Primary"'
    summed = {field: total(values[keep])}
    additive = field not in ("reach", "viewers")
    record = content(
        "meta.overview.daily", len(rows), member=f"#{title}", grain="account_day", language=account.language,
        sums=summed if additive else {}, uniques={} if additive else summed,
        first=date_of(days[keep][0]).isoformat() if rows else None, last=date_of(days[keep][-1]).isoformat() if rows else None,
    )  # fmt: skip
    return name, _utf16(["sep=,", f'"{title}"', head, *rows]), record


CITIES = (
    "Bogor, West Java", "Jakarta", "Depok, West Java", "Bekasi, West Java", "Bandung, West Java", "Tangerang, Banten",
    "Sukabumi, West Java", "Cianjur, West Java", "Karawang, West Java", "Semarang, Central Java",
)  # fmt: skip
CITY_WEIGHTS = (55, 12, 6, 5, 3, 6, 5, 4, 2, 2)
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")


def audience(account: Account, rng: np.random.Generator) -> tuple[bytes, list[Content]]:
    """Audience export: per cent with one decimal, top ten cities and five countries, no follower total."""
    weights = np.array(CITY_WEIGHTS, float)
    if account.operator.startswith("kec-"):
        weights[0] = 65
    city = rng.dirichlet(weights) * 90
    order = np.argsort(-city)
    abroad = rng.uniform(2, 4)
    people = rng.dirichlet(np.array([14, 22, 16, 8, 4, 2, 12, 20, 14, 7, 3, 2]) * 3).reshape(2, 6) * 100
    english = account.language == "en"
    titles = (
        ("Age & gender", "Top cities", "Top countries") if english else ("Usia & jenis kelamin", "Kota teratas", "Negara teratas")
    )
    women = (("Women", "Men") if english else ("Perempuan", "Laki-laki"))[:: 1 if rng.random() < 0.5 else -1]
    rows = ["sep=,", f'"{titles[0]}"', f',"{women[0]}","{women[1]}"']
    rows += [f'"{age}","{people[0, i]:.1f}","{people[1, i]:.1f}"' for i, age in enumerate(AGES)]
    rows += [
        "",
        f'"{titles[1]}"',
        ",".join(f'"{CITIES[i]}, Indonesia"' for i in order),
        ",".join(f'"{city[i]:.1f}"' for i in order),
    ]
    parts = abroad * rng.dirichlet((4, 3, 2, 1))
    countries = ["Indonesia", "Malaysia", "Singapore", "Japan", "Saudi Arabia"]
    values = [100 - abroad, *sorted(parts, reverse=True)]
    rows += ["", f'"{titles[2]}"', ",".join(f'"{c}"' for c in countries), ",".join(f'"{v:.1f}"' for v in values)]
    records = [
        content("meta.overview.audience", n, member=f"#{title}", grain="audience", language=account.language)
        for title, n in zip(titles, (12, 10, 5), strict=True)
    ]
    return _utf16(rows), records


def day_series(world: World, account: Account, posts: Posts, totals: np.ndarray, gained: np.ndarray) -> dict[str, np.ndarray]:
    """Daily reach, visits and new followers of a page or profile, one value per day of the period."""
    rng = stream(world.seed, "days", account.account_id)
    at = np.clip((posts.at + pacific_offset(posts.at)) // DAY - world.first, 0, world.days - 1)
    fresh = np.bincount(at, weights=posts.final["reach"], minlength=world.days)
    reach = rng.poisson(totals * 0.04 + 0.6 * fresh + 0.2 * np.concatenate([[0], fresh[:-1]]))
    return {"reach": reach, "visits": rng.poisson(totals * 0.01 + reach * 0.01), "follows": gained}


def _twice(at: np.ndarray) -> np.ndarray:
    """Posts whose printed hour comes twice, when daylight saving ends; only a file without ids of its own cannot tell which."""
    here, before, after = (pacific_offset(at + shift) for shift in (0, -3600, 3600))
    twice: np.ndarray = (here != before) | (here != after)
    return twice


def write(
    world: World, account: Account, folder: str, day: dt.date, parts: list[Part], files: Files, rng: np.random.Generator
) -> None:
    """The content export of one account on one day."""
    own, posts, rows, shown = parts[0]
    _, first, last = window(world, posts, day, world.plan.window_days)
    more: dict[str, list[str]] = {}
    name = file_name(first, last, rng)
    if account.operator == HOSTILE:
        name = {"instagram": "=HYPERLINK({{7*7}})%{x} <img src=x onerror=alert(1)>", "facebook": "@SUM(A1) \u202evsc"}[
            account.platform
        ] + name
    if account.platform == "instagram":
        data, record = instagram(account, parts, rng)
    else:
        shuffled = rng.permutation(len(rows))
        data, record = facebook(account, posts, rows[shuffled], {k: v[shuffled] for k, v in shown.items()}, rng)
        if _twice(posts.at[rows]).any():
            more["expect"] = ["accepted", "flagged"]
    files.write(f"{folder}/{safe_name(name)}", data, own.account_id, capture_second(day), [record], **more)
