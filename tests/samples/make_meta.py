"""Writes the sample exports of Meta, with the rows they hold. All content is invented; the dialect is the platform's.

What a reader must find comes from the same invented values by other code than the reader's. Run
``python tests/samples/make_meta.py`` after a change.
"""

# ruff: noqa: SIM905  (headers read better the way the platforms write them)

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from make import HERE, archive, csv, iso, save, sums, xlsx

PACIFIC = ZoneInfo("America/Los_Angeles")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
IG_METRICS = ("views", "reach", "likes", "shares", "comments", "saves", "follows_gained")
IG_EN = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,"
    "Data comment,Date,Views,Reach,Likes,Shares,Comments,Saves,Follows"
).split(",")
IG_ID = (
    "ID Postingan,ID Akun,Nama pengguna akun,Nama akun,Deskripsi,Durasi (detik),Waktu penerbitan,Tautan permanen,"
    "Jenis postingan,Komentar data,Tanggal,Tayangan,Jangkauan,Suka,Frekuensi dibagikan,Komentar,Frekuensi disimpan,Mengikuti"
).split(",")
# The last post lies in the hour that happens twice at the end of daylight saving: only its short code knows which one it is.
INSTANTS = [
    datetime(2026, 3, 7, 4, 5, tzinfo=UTC),
    datetime(2026, 3, 9, 13, 40, tzinfo=UTC),
    datetime(2026, 7, 17, 1, 30, tzinfo=UTC),
    datetime(2025, 11, 2, 9, 31, tzinfo=UTC),
]
CAPTIONS = [
    "Posyandu Melati, Cibinong\nbuka pukul 08.00",
    'Kata kader: "ayo datang" \U0001d5d5\U0001d5fc\U0001d5f4\U0001d5fc\U0001d5ff',
    "=SUM(A1) bukan rumus; hanya teks",
    "Banjir surut",
]


def shortcode(moment: datetime) -> str:
    number = ((round(moment.timestamp() * 1000) - 1314220021721) << 23) | 77
    text = ""
    while number:
        number, digit = divmod(number, 64)
        text = LETTERS[digit] + text
    return text.rjust(11, "A")


def wall(moment: datetime) -> str:
    return moment.astimezone(PACIFIC).strftime("%m/%d/%Y %H:%M")


def quoted(table: list[list], final: bool = True) -> tuple[bytes, list[int]]:
    return csv(table, bom=True, final=final)


def instagram(indonesian: bool) -> None:
    words = ("Gambar IG", "Reel IG", "Sepanjang Masa") if indonesian else ("IG image", "IG reel", "Lifetime")
    table, found = [IG_ID if indonesian else IG_EN], []
    for i, (moment, caption) in enumerate(zip(INSTANTS, CAPTIONS, strict=True), start=1):
        reel = i == 2
        link = f"https://www.instagram.com/{'reel' if reel else 'p'}/{shortcode(moment)}/"
        ours = i != 3  # the third is a collaboration: no reach, no follows
        account = ("17841400000000001", "dinkes.simulasi", "Dinkes Simulasi") if ours else ("17841499999999999", "mitra", "Mitra")
        numbers = [1000 + i, 800 + i if ours else None, 90 + i, i, 2 * i, 5, i if ours else None]
        post_id = f"1790000000000{i:04d}"
        lead = [post_id, *account, caption, 31 if reel else 0, wall(moment), link, words[reel], None, words[2]]
        table.append([*lead, *numbers])
        expected = {"post_id": post_id, "platform_account_id": account[0], "handle": account[1], "account_name": account[2]}
        expected |= {"caption": caption, "duration_seconds": 31 if reel else 0, "permalink": link}
        expected |= {"post_type": "reel" if reel else "image", "published_at": iso(moment), "published_precision": "minute"}
        expected |= {"published_on": moment.astimezone(PACIFIC).date().isoformat()}
        found.append(expected | dict(zip(IG_METRICS, numbers, strict=True)))
    data, starts = quoted(table)
    want = [{k: v for k, v in ({"row_number": s} | e).items() if v is not None} for s, e in zip(starts[1:], found, strict=True)]
    additive = [m for m in IG_METRICS if m != "reach"]
    entry = {"grain": "post", "platform": "instagram", "outcome": "accepted", "sums": sums(found, *additive), "rows": want}
    name = "Mar-01-2026_Jul-31-2026_1234567890123456.csv"
    save("meta.content.instagram.post", "indonesian" if indonesian else "english", name, data, [entry])


def story(indonesian: bool) -> None:
    leading = (IG_ID if indonesian else IG_EN)[:11]
    metrics = ("views", "reach", "likes", "shares", "profile_visits", "replies", "navigation", "sticker_taps", "link_clicks")
    english = "Views,Reach,Likes,Shares,Profile visits,Replies,Navigation,Sticker taps,Link clicks"
    local = "Tayangan,Jangkauan,Suka,Frekuensi dibagikan,Kunjungan profil,Balasan,Navigasi,Ketukan stiker,Klik tautan"
    table, found = [[*leading, *(local if indonesian else english).split(",")]], []
    for i, moment in enumerate(INSTANTS[:3], start=1):
        number = ((round(moment.timestamp() * 1000) - 1314220021721) << 23) | 99
        link = f"https://www.instagram.com/stories/dinkes.simulasi/{number}"
        post_id, numbers = f"1800000000000{i:04d}", [200 + i, 150 + i, 3, 1, 4, 0, 60 + i, 0, i]
        kind, scope = ("Cerita IG", "Sepanjang Masa") if indonesian else ("IG story", "Lifetime")
        lead = [
            post_id,
            "17841400000000001",
            "dinkes.simulasi",
            "Dinkes Simulasi",
            None,
            15,
            wall(moment),
            link,
            kind,
            None,
            scope,
        ]
        table.append([*lead, *numbers])
        expected = {"post_id": post_id, "platform_account_id": "17841400000000001", "handle": "dinkes.simulasi"}
        expected |= {"account_name": "Dinkes Simulasi", "duration_seconds": 15, "permalink": link, "post_type": "story"}
        expected |= {"published_at": iso(moment), "published_on": moment.astimezone(PACIFIC).date().isoformat()}
        found.append(expected | {"published_precision": "minute"} | dict(zip(metrics, numbers, strict=True)))
    data, starts = quoted(table)
    want = [{"row_number": s} | e for s, e in zip(starts[1:], found, strict=True)]
    additive = [m for m in metrics if m != "reach"]
    entry = {"grain": "post", "platform": "instagram", "sums": sums(found, *additive), "rows": want}
    save("meta.content.instagram.story", "indonesian" if indonesian else "english", "cerita.csv", data, [entry])


FB_LEAD = (
    "Post ID|Page ID|Page name|Title|Description|Duration (sec)|Publish time|Caption type|Permalink|Is crosspost|Is share|"
    "Post type|Languages|Custom labels|Funded content status|Data comment|Date"
).split("|")
FB_LEAD_ID = (
    "ID Postingan|ID Halaman|Nama Halaman|Judul|Deskripsi|Durasi (detik)|Waktu penerbitan|Jenis keterangan|Permalink|"
    "Is crosspost|Is share|Jenis postingan|Bahasa|Label kustom|Funded content status|Komentar data|Tanggal"
).split("|")
FB_METRICS = (
    "views reach engagement_rcs reactions comments shares total_clicks other_clicks link_clicks photo_clicks video_clicks "
    "watch_seconds"
).split()
FB_HEAD = (
    "Views|Reach|Reactions, Comments and Shares|Reactions|Comments|Shares|Total clicks|Other Clicks|Link Clicks|"
    "Matched Audience Targeting Consumption (Photo Click)|Matched Audience Targeting Consumption (Video Click)|Seconds viewed"
).split("|")
FB_HEAD_ID = (
    "Tayangan|Jangkauan|Tanggapan, komentar, dan frekuensi dibagikan|Tanggapan|Komentar|Frekuensi dibagikan|Total klik|"
    "Klik lainnya|Klik tautan|Matched Audience Targeting Consumption (Photo Click)|"
    "Matched Audience Targeting Consumption (Video Click)|Seconds viewed"
).split("|")


def facebook_rows(n: int, scope: str) -> tuple[list[list], list[dict]]:
    table, found = [], []
    for i in range(1, n + 1):
        moment = datetime(2026, 1, 3, 2, 15, tzinfo=UTC) + timedelta(hours=7 * i)
        reel, share = i % 5 == 0, i % 7 == 0
        link = f"https://www.facebook.com/{'reel/' if reel else '100000000000001/posts/'}90{i}/"
        title, description = f"Info {i}, warga", "" if i % 2 else f"Info {i}, warga Cibinong"
        r, c, s, other, clicks = 3 * i, i % 4, i % 3, i % 6, 2 + i % 9
        numbers = [
            None if share else 300 + i,
            200 + i,
            r + c + s,
            r,
            c,
            s,
            other + clicks + 4,
            other,
            clicks,
            4,
            None,
            12.345 * i,
        ]
        lead = [f"1220000000{i:05d}1", "100000000000001", "Dinkes Simulasi", title, description, 20 if reel else 0]
        lead += [wall(moment), "N/A", link, 0, int(share), "Videos" if reel else "Photos", None, None, None, None, scope]
        table.append([*lead, *numbers[:-1], f"{numbers[-1]:.3f}"])
        expected = {"post_id": lead[0], "platform_account_id": lead[1], "account_name": lead[2]}
        expected |= {"caption": max(title, description, key=len), "duration_seconds": lead[5], "caption_kind": "N/A"}
        expected |= {"permalink": link, "is_crosspost": False, "is_share": share, "post_type": "reel" if reel else "photo"}
        expected |= {"published_at": iso(moment), "published_on": moment.astimezone(PACIFIC).date().isoformat()}
        found.append(expected | {"published_precision": "minute"} | dict(zip(FB_METRICS, numbers, strict=True)))
    return table, found


def facebook(indonesian: bool) -> None:
    """With an error row in the middle, which is no post."""
    body, found = facebook_rows(9, "Sepanjang Masa" if indonesian else "Lifetime")
    note = "An error occurred while computing metadata for content with ID 122000000099999"
    error = [None] * 15 + [note, "Lifetime"] + [None] * 12
    head = [*FB_LEAD_ID, *FB_HEAD_ID] if indonesian else [*FB_LEAD, *FB_HEAD]
    data, starts = quoted([head, *body[:4], error, *body[4:]])
    want = [{"row_number": s} | e for s, e in zip([*starts[1:5], *starts[6:]], found, strict=True)]
    want = [{k: v for k, v in row.items() if v is not None} for row in want]
    additive = [m for m in FB_METRICS if m not in ("reach", "video_clicks")]
    entry = {"grain": "post", "platform": "facebook", "outcome": "accepted", "dropped": {"row_note": 1}}
    entry |= {"sums": sums(found, *additive), "rows": want}
    name = "Jan-01-2026_Jan-31-2026_123456789012345.csv"
    save("meta.content.facebook.post", "indonesian" if indonesian else "english", name, data, [entry])


def ragged() -> None:
    """The first batch of 128 rows lacks the last metric: its rows are one cell shorter than the header."""
    body, found = facebook_rows(130, "Lifetime")
    for row, expected in zip(body[:128], found[:128], strict=True):
        del row[-1], expected["watch_seconds"]
    data, starts = quoted([[*FB_LEAD, *FB_HEAD], *body])
    want = [{k: v for k, v in ({"row_number": s} | e).items() if v is not None} for s, e in zip(starts[1:], found, strict=True)]
    save("meta.content.facebook.post", "ragged", "unduhan.csv", data, [{"grain": "post", "n_rows": 130, "rows": want}])


def facebook_2021() -> None:
    head = (
        "Post ID|Page ID|Page name|Description|Publish time|Permalink|Post type|People Reached|Engagements|Likes|Comments|Shares"
    )
    moment = datetime(2022, 2, 3, 9, 0, tzinfo=UTC)
    link = "https://www.facebook.com/100000000000001/posts/5"
    row = ["122000000000051", "100000000000001", "Dinkes", "Vaksin", wall(moment), link, "Photo", 900, 40, 30, 6, 4]
    want = {"row_number": 2, "post_id": row[0], "platform_account_id": row[1], "account_name": "Dinkes", "caption": "Vaksin"}
    want |= {"permalink": link, "post_type": "photo", "published_at": iso(moment), "published_on": "2022-02-03"}
    want |= {"published_precision": "minute", "reach": 900, "engagements_total": 40, "likes": 30, "comments": 6, "shares": 4}
    data, _ = quoted([head.split("|"), row])
    save("meta.content.facebook.post_2021_2022", "english", "lama.csv", data, [{"grain": "post", "rows": [want]}])


def facebook_video() -> None:
    head = "Video asset ID|Universal video ID|Page ID|Page name|Title|Duration (sec)|Publish time|Custom labels|Data comment|Date"
    head += "|3-second video views|1-minute video views|Seconds viewed|Average Seconds viewed"
    moment = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
    row = ["880000000000001", None, "100000000000001", "Dinkes", "Cara cuci tangan", 95, wall(moment), None, None, "Lifetime"]
    want = {"row_number": 2, "post_id": row[0], "platform_account_id": row[2], "account_name": "Dinkes", "caption": row[4]}
    want |= {"duration_seconds": 95, "post_type": "video_asset", "published_at": iso(moment), "published_on": "2026-02-03"}
    want |= {"published_precision": "minute", "video_3s_views": 500, "video_1m_views": 90}
    want |= {"watch_seconds": 15432.125, "avg_watch_seconds": 30.8642501234567}
    data, _ = quoted([head.split("|"), [*row, 500, 90, "15432.125", "30.8642501234567"]])
    save("meta.content.facebook.video", "english", "video.csv", data, [{"grain": "post", "rows": [want]}])


# ---- overview -------------------------------------------------------------------------------------------------------------


def overview(*parts: tuple[str, list[list]]) -> tuple[bytes, list[list[int]]]:
    """UTF-16 text of titled blocks and, per block, the line of each of its records."""
    text, starts, line = "sep=,\n", [], 2
    for title, table in parts:
        body, at = csv([[title], *table], quote="all")
        starts.append([line - 1 + n for n in at[1:]])
        text += body.decode() + "\n"
        line = 1 + text.count("\n")
    return b"\xff\xfe" + text.encode("utf-16-le"), starts


def day_block(first: date, n: int, value: str, date_word: str, scale: int) -> tuple[list[list], list[dict]]:
    """Days as Meta stamps them: T01 in the American winter, T00 in summer."""
    table = [[date_word, value]]
    for i in range(n):
        day = first + timedelta(days=i)
        winter = datetime(day.year, day.month, day.day, 12, tzinfo=PACIFIC).dst() == timedelta(0)
        table.append([f"{day}T0{int(winter)}:00:00", (i + 1) * scale])
    return table, [{"day": str(first + timedelta(days=i)), "value": (i + 1) * scale} for i in range(n)]


def daily(case: str, name: str, blocks: list[tuple[str, str, str, str]], first: date, n: int, date_word: str = "Date") -> None:
    """blocks: title, platform, metric, value header."""
    made = [day_block(first, n, header, date_word, 10 * (i + 1)) for i, (_, _, _, header) in enumerate(blocks)]
    data, starts = overview(*[(b[0], m[0]) for b, m in zip(blocks, made, strict=True)])
    exports = []
    for (title, platform, metric, _), (_, found), at in zip(blocks, made, starts, strict=True):
        want = [
            {"row_number": s, "day": f["day"], "day_zone": "America/Los_Angeles", metric: f["value"]}
            for s, f in zip(at[1:], found, strict=True)
        ]
        total = {metric: sum(f["value"] for f in found)}
        entry = {"grain": "account_day", "member": f"#{title}", "platform": platform, "sums": total, "rows": want}
        exports.append(entry)
    save("meta.overview.daily", case, name, data, exports)


def share_rows(at: int, dimension: str, cells: list[tuple[str, str | None, float]]) -> list[dict]:
    rows = []
    for label, second, value in cells:
        row = {"row_number": at, "dimension": dimension, "label": label, "label2": second, "metric": "followers"}
        rows.append({k: v for k, v in (row | {"value": value, "unit": "share"}).items() if v is not None})
    return rows


def audience(indonesian: bool) -> None:
    """The layout of 2024-2026: men first this time, and one row of names above one row of values."""
    english, translated = (
        ("Age & gender", "Top towns/cities", "Top countries"),
        ("Usia & jenis kelamin", "Kota teratas", "Negara teratas"),
    )
    titles = translated if indonesian else english
    genders = ["", "Laki-laki", "Perempuan"] if indonesian else ["", "Men", "Women"]
    ages = [genders, ["18-24", "10.1", "12.5"], ["65+", "1", "0.4"]]
    data, at = overview(
        (titles[0], ages),
        (titles[1], [["Bogor, Indonesia", "Depok, Indonesia"], ["40.1", "12"]]),
        (titles[2], [["Indonesia", "Malaysia"], ["98.4", "0.7"]]),
    )
    gender = share_rows(at[0][1], "age_gender", [("18-24", "male", 0.101), ("18-24", "female", 0.125)])
    gender += share_rows(at[0][2], "age_gender", [("65+", "male", 0.01), ("65+", "female", 0.004)])
    city = share_rows(at[1][1], "city", [("Bogor, Indonesia", None, 0.401), ("Depok, Indonesia", None, 0.12)])
    country = share_rows(at[2][1], "country", [("Indonesia", None, 0.984), ("Malaysia", None, 0.007)])
    case, language = ("indonesian", "id") if indonesian else ("english", "en")
    shared = {"grain": "audience", "language": language, "outcome": "accepted", "sums": {}}
    named = zip(titles, (gender, city, country), strict=True)
    exports = [shared | {"member": f"#{t}", "rows": r} for t, r in named]
    save("meta.overview.audience", case, "Audience.csv", data, exports)


def audience_2023() -> None:
    data, at = overview(
        ("Facebook followers", [["FB_PAGE,FOLLOW,UNIQUE_USERS"], ["12345"]]),
        ("Facebook followers by gender and age", [["Age", "Women", "Men"], ["18-24", "12.30%", "4%"]]),
        ("Facebook followers by top cities", [["Top cities", "Value"], ["Bogor, Indonesia", "40.1%"]]),
    )
    total = [{"row_number": at[0][1], "dimension": "total", "label": "followers", "metric": "followers", "value": 12345.0}]
    total[0]["unit"] = "count"
    gender = share_rows(at[1][1], "age_gender", [("18-24", "female", 0.123), ("18-24", "male", 0.04)])
    city = share_rows(at[2][1], "city", [("Bogor, Indonesia", None, 0.401)])
    titles = ("Facebook followers", "Facebook followers by gender and age", "Facebook followers by top cities")
    exports = [
        {"grain": "audience", "member": f"#{t}", "platform": "facebook", "rows": r}
        for t, r in zip(titles, (total, gender, city), strict=True)
    ]
    save("meta.overview.audience", "2023", "Audience.csv", data, exports)


def content_formats(indonesian: bool) -> None:
    views, published = ("Tayangan", "Konten yang dipublikasikan") if indonesian else ("Views", "Published content")
    data, at = overview((views, [["Reels", "Multi-photo", "Links"], [900, 350, 20]]), (published, [["Photos", "Text"], [12, 3]]))
    case, language = ("indonesian", "id") if indonesian else ("english", "en")
    exports = []
    for title, metric, cells, line in (
        (views, "views", [("reel", 900), ("carousel", 350), ("link", 20)], at[0][1]),
        (published, "posts_published", [("photo", 12), ("text", 3)], at[1][1]),
    ):
        shared = {"row_number": line, "dimension": "content_format"}
        want = [shared | {"label": n, "metric": metric, "value": float(v), "unit": "count"} for n, v in cells]
        found = {"grain": "audience", "language": language, "member": f"#{title}", "rows": want}
        exports.append(found | {"sums": {metric: sum(v for _, v in cells)}})
    save("meta.overview.content_formats", case, "Top content formats.csv", data, exports)


def account_days(platform: str, indonesian: bool) -> None:
    """Content exported at the level of the page or account: a row a day, with an id that the export of posts does not bear."""
    heads = {
        ("facebook", False): "Page ID,Page name,Data comment,Date,Reach,Views,Reactions,Comments,Shares,Link clicks",
        (
            "facebook",
            True,
        ): "ID Halaman,Nama Halaman,Komentar data,Tanggal,Jangkauan,Tayangan,Tanggapan,Komentar,Bagikan,Klik tautan",
        ("instagram", False): "Account ID,Account username,Account name,Data comment,Date,Reach,Views,Likes,Comments,Shares",
        (
            "instagram",
            True,
        ): "ID Akun,Nama pengguna akun,Nama akun,Komentar data,Tanggal,Jangkauan,Tayangan,Suka,Komentar,Bagikan",
    }
    metrics = ("reach", "views", "reactions" if platform == "facebook" else "likes", "comments", "shares", "link_clicks")
    who = ["106900000000001"] if platform == "facebook" else ["17841400000000001", "dinkes.simulasi"]
    found, table = [], [heads[platform, indonesian].split(",")]
    for i in range(6):
        day = date(2026, 9, 1) + timedelta(days=i)
        values = [300 + i, 500 + 2 * i, 20 + i, i, 1, 2 * i][: 6 if platform == "facebook" else 5]
        table.append([*who, "Dinkes Simulasi", "", f"{day:%m/%d/%Y}", *values])
        row = {"day": str(day), "day_zone": "America/Los_Angeles", "platform_account_id": who[0]} | dict(
            zip(metrics, values, strict=False)
        )
        found.append(row | {"account_name": "Dinkes Simulasi"} | ({"handle": who[1]} if len(who) > 1 else {}))
    data, starts = csv(table, bom=True)
    want = [{"row_number": s} | f for s, f in zip(starts[1:], found, strict=True)]
    additive = metrics[1 : 6 if platform == "facebook" else 5]
    entry = {"grain": "account_day", "platform": platform, "sums": sums(found, *additive), "rows": want}
    kind = "meta.content.facebook.page_day" if platform == "facebook" else "meta.content.instagram.account_day"
    save(kind, "indonesian" if indonesian else "english", "Sep-01-2026_Sep-06-2026_1234567890123456.csv", data, [entry])


# ---- historic -------------------------------------------------------------------------------------------------------------


def legacy() -> None:
    head = ["Date", "Lifetime Total Likes", "Daily New Likes", "Daily Total Reach", "Daily Total Impressions"]
    described = [None, "Jumlah suka (Unique Users)", "Suka baru", "Jangkauan", "Tayangan"]
    body = [[f"{d.month}/{d.day}/{d.year}", 1000 + i, i, 200 + i, 400 + i] for i, d in enumerate(_january(14))]
    data, starts = csv([head, described, *body], eol="\r\n")
    fields = ("page_likes", "new_likes", "reach", "impressions")
    want = [
        {"row_number": s, "day": str(d), "day_zone": "America/Los_Angeles"} | dict(zip(fields, row[1:], strict=True))
        for s, d, row in zip(starts[2:], _january(14), body, strict=True)
    ]
    name = "Facebook Insights Data Export - Dinkes Simulasi - 2014-01-14.csv"
    save("meta.legacy.page_insights.page", "csv", name, data, [{"grain": "account_day", "platform": "facebook", "rows": want}])
    xml = [{"row_number": i + 3} | {k: v for k, v in r.items() if k != "row_number"} for i, r in enumerate(want)]
    entry = {"grain": "account_day", "member": "sheet:Key Metrics", "codes": ["SHEETS_IGNORED"], "rows": xml}
    save("meta.legacy.page_insights.page", "spreadsheetml", name[:-3] + "xls", _spreadsheetml(head, described, body), [entry])


def _january(n: int) -> list[date]:
    return [date(2014, 1, 1) + timedelta(days=i) for i in range(n)]


def _spreadsheetml(head: list, described: list, body: list[list]) -> bytes:
    def row(cells: list, first: str = "String") -> str:
        typed = [(first if i == 0 else "Number" if isinstance(c, int) else "String", c) for i, c in enumerate(cells)]
        inner = [
            f'<Cell ss:Index="{i}"><Data ss:Type="{t}">{c}</Data></Cell>' for i, (t, c) in enumerate(typed, 1) if c is not None
        ]
        return "<Row>" + "".join(inner) + "</Row>"

    days = [[f"{d}T00:00:00.000", *r[1:]] for d, r in zip(_january(14), body, strict=True)]
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    other = row(["Description", "Date", "mobile"])
    sheets = row(head) + row(described) + "".join(row(d, "DateTime") for d in days)
    text = (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="Key Metrics"><Table>{sheets}'
        f'</Table></Worksheet><Worksheet ss:Name="Daily Like Sources"><Table>{other}</Table></Worksheet></Workbook>'
    )
    return text.encode().replace(b"Jangkauan", b"Jangkau\xe9n")  # a seen file holds an invalid byte


def legacy_posts() -> None:
    head = ["Post ID", "Permalink", "Post Message", "Type", "Countries", "Languages", "Posted", "Audience Targeting"]
    metrics = ["Lifetime Post Total Reach", "Lifetime Post Total Impressions", "Lifetime Negative Feedback from Users"]
    moment = datetime(2014, 7, 14, 12, 30, tzinfo=UTC)
    link = "https://www.facebook.com/123456789012/posts/987654321"
    printed = moment.astimezone(PACIFIC).strftime("%m/%d/%Y %I:%M:%S %p")
    row = ["123456789012_987654321", link, "Mudik aman", "Photo", None, None, printed, " ", 100, 150, 2]
    data, _ = csv([[*head, *metrics], [None] * 8 + ["jangkauan", "tayangan", "umpan balik"], row], bom=True, quote="all")
    want = {"row_number": 3, "post_id": row[0], "platform_account_id": "123456789012", "permalink": link, "caption": row[2]}
    want |= {"post_type": "photo", "published_at": iso(moment), "published_on": "2014-07-14", "published_precision": "instant"}
    want |= {"reach": 100, "impressions": 150, "negative_unique": 2}
    save("meta.legacy.page_insights.post", "csv", "Facebook Insights Data Export (Post Level).csv", data, [{"rows": [want]}])
    head = ["Post ID", "Permalink", "Post Message", "Type", "Posted", "Content Tags", "Lifetime Total Video Views"]
    row = [row[0], link, "Mudik aman", "Video", printed, None, 77]
    data, _ = csv([head, [None] * 6 + ["tayangan video"], row], bom=True, quote="all")
    gone = ("reach", "impressions", "negative_unique")
    want = {k: v for k, v in want.items() if k not in gone} | {"post_type": "video", "video_views": 77}
    save("meta.legacy.page_insights.video", "csv", "Facebook Insights Data Export (Video Posts).csv", data, [{"rows": [want]}])


def download(indonesian: bool) -> None:
    moment = datetime(2021, 1, 7, 6, 13, 20, tzinfo=UTC)
    media = {"uri": "media/posts/202101/13700_1.jpg", "creation_timestamp": int(moment.timestamp()), "title": ""}
    words = ("Impresi", "Suka") if indonesian else ("Impressions", "Likes")
    labels = {words[0]: {"value": "120", "timestamp": 0}, words[1]: {"value": "--", "timestamp": 0}}
    post = {"media_map_data": {"Media Thumbnail": media}, "string_map_data": labels}
    data = archive({"past_instagram_insights/posts.json": json.dumps({"organic_insights_posts": [post]}).encode()})
    want = {"row_number": 2, "post_id": "13700_1", "published_at": iso(moment), "published_on": "2021-01-07"}
    want |= {"published_precision": "instant", "impressions": 120}
    entry = {"grain": "post", "member": "past_instagram_insights/posts.json", "sums": {"impressions": 120}, "rows": [want]}
    case, language = ("zip_indonesian", "id") if indonesian else ("zip", "en")
    save("meta.dyi.instagram.past_insights", case, "instagram-simulasi.zip", data, [entry | {"language": language}])


def resaved() -> None:
    """The same Instagram table as a spreadsheet program keeps it."""
    source = HERE / "meta.content.instagram.post" / "english"
    want = json.loads((source / "expected.json").read_text(encoding="utf-8"))["exports"][0]
    table = [IG_EN]
    for i, row in enumerate(want["rows"], start=2):
        values = [row.get(k) for k in ("post_id", "platform_account_id", "handle", "account_name", "caption")]
        moment = datetime.fromisoformat(row["published_at"])
        kind = {"reel": "IG reel", "image": "IG image"}[row["post_type"]]
        tail = [row["duration_seconds"], wall(moment), row["permalink"], kind, None, "Lifetime"]
        table.append([*values, *tail, *[row.get(m) for m in IG_METRICS]])
        row["row_number"] = i
    save(
        "meta.content.instagram.post", "xlsx", "disimpan ulang.xlsx", xlsx({"Sheet1": table}), [want | {"member": "sheet:Sheet1"}]
    )


if __name__ == "__main__":
    for language in (False, True):
        instagram(language)
        story(language)
        facebook(language)
        account_days("facebook", language)
        account_days("instagram", language)
    ragged()
    facebook_2021()
    facebook_video()
    visits = [("Facebook visits", "facebook", "page_visits", "Facebook Page likes")]
    visits += [("Instagram profile visits", "instagram", "profile_visits", "Instagram followers")]
    daily("2023", "Visits.csv", visits, date(2023, 3, 9), 6)
    daily("english", "Reach.csv", [("Reach", "instagram", "reach", "Primary")], date(2026, 3, 5), 28)
    links = [("Klik tautan Instagram", "instagram", "link_clicks", "Primary")]
    daily("indonesian", "Klik tautan Instagram.csv", links, date(2026, 10, 28), 9, "Tanggal")
    audience(False)
    audience(True)
    audience_2023()
    content_formats(False)
    content_formats(True)
    legacy()
    legacy_posts()
    download(False)
    download(True)
    resaved()
