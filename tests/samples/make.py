"""Writes the sample exports of X, YouTube, TikTok, LinkedIn, SP4N-LAPOR, Hootsuite and our own sheets, with the rows they hold.

All content is invented; the dialect (marks, quoting, line ends, containers, names) is that of the platform. What a reader must
find is computed here from the same invented values, by other code than the reader's: nothing is imported from the pipeline.
Run ``python tests/samples/make.py`` after a change; the files are in git so that a change of the maker is seen.
"""

# ruff: noqa: SIM905  (headers read better the way the platforms write them)

import io
import json
import random
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import xlsxwriter
import xlwt

HERE = Path(__file__).parent
SEEN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # when the machine first sees a sample


# ---- ids that carry their instant -----------------------------------------------------------------------------------------


def x_id(moment: datetime, low: int = 5) -> str:
    return str(((round(moment.timestamp() * 1000) - 1288834974657) << 22) | low)


def tiktok_id(moment: datetime, low: int = 7) -> str:
    return str((int(moment.timestamp()) << 32) | low)


def linkedin_id(moment: datetime, low: int = 9) -> str:
    return str((round(moment.timestamp() * 1000) << 22) | low)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# ---- writing as the platforms write ---------------------------------------------------------------------------------------


def cell(value: object, quote: str, delimiter: str) -> str:
    text = "" if value is None else str(value)
    needs = any(c in text for c in (delimiter, '"', "\n", "\r"))
    return '"' + text.replace('"', '""') + '"' if quote == "all" or needs else text


def csv(
    table: list[list], *, bom: bool = False, quote: str = "minimal", eol: str = "\n", final: bool = True, delimiter: str = ","
) -> tuple[bytes, list[int]]:
    """The bytes, and the physical line at which each record starts."""
    lines, starts, at = [], [], 1
    for record in table:
        starts.append(at)
        text = delimiter.join(cell(v, quote, delimiter) for v in record)
        lines.append(text)
        at += 1 + text.count("\n")
    body = eol.join(lines) + (eol if final else "")
    return (b"\xef\xbb\xbf" if bom else b"") + body.encode(), starts


def xlsx(sheets: dict[str, list[list]], *, strings: bool = False) -> bytes:
    """A workbook; ``strings`` stores every cell as text, as TikTok does."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})
    for name, table in sheets.items():
        sheet = book.add_worksheet(name)
        for r, record in enumerate(table):
            for c, value in enumerate(record):
                if value is None or value == "":
                    continue
                if strings or isinstance(value, str):
                    sheet.write_string(r, c, str(value))
                else:
                    sheet.write_number(r, c, value)
    book.close()
    return out.getvalue()


def xls(sheets: dict[str, list[list]]) -> bytes:
    """A real BIFF8 workbook, as LinkedIn downloads it."""
    book = xlwt.Workbook(encoding="utf-8")
    for name, table in sheets.items():
        sheet = book.add_sheet(name)
        for r, record in enumerate(table):
            for c, value in enumerate(record):
                sheet.write(r, c, "" if value is None else value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members.items():
            box.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


# ---- what must be found ---------------------------------------------------------------------------------------------------


def rows(expected: list[dict], starts: list[int]) -> list[dict]:
    """Expected rows with their place in the file; nulls are left out."""
    numbered = [{"row_number": s} | e for s, e in zip(starts, expected, strict=True)]
    return [{k: v for k, v in row.items() if v is not None} for row in numbered]


def sums(expected: list[dict], *fields: str) -> dict[str, float]:
    return {f: sum(r[f] for r in expected if r.get(f) is not None) for f in fields}


def save(kind: str, case: str, name: str, data: bytes, exports: list[dict], **options: object) -> None:
    folder = HERE / kind / case
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    text = {"file": name, "options": options, "exports": [{"kind": kind} | e for e in exports]}
    (folder / "expected.json").write_text(lined(text) + "\n", encoding="utf-8")


def lined(value: object) -> str:
    """JSON with one expected row per line, so that a change reads as a change."""
    text = json.dumps(value, ensure_ascii=False)
    for mark in ('{"kind": ', '{"row_number": '):
        text = text.replace(", " + mark, ",\n" + mark).replace("[" + mark, "[\n" + mark)
    return text


def days(first: date, n: int) -> list[date]:
    return [first + timedelta(days=i) for i in range(n)]


# ---- X --------------------------------------------------------------------------------------------------------------------

X_TEXTS = (
    "Layanan adminduk buka Sabtu.\nBawa KTP &amp; KK asli.",
    "@warga_simulasi Silakan ke kantor kecamatan, ya.",
    'Kata Camat: "Jalan sudah diperbaiki", terima kasih.',
    "Posyandu hari ini &lt;3 #BogorSehat",
)
PLAIN_TEXTS = (
    "Layanan adminduk buka Sabtu.\nBawa KTP & KK asli.",
    "@warga_simulasi Silakan ke kantor kecamatan, ya.",
    'Kata Camat: "Jalan sudah diperbaiki", terima kasih.',
    "Posyandu hari ini <3 #BogorSehat",
)
X_METRICS = (
    "impressions likes engagements_reported bookmarks shares follows_gained replies reposts profile_visits detail_expands "
    "link_clicks hashtag_clicks permalink_clicks"
).split()
X_HEAD_B = (
    "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,"
    "Profile visits,Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
).split(",")
X_HEAD_A = (
    "Post id,Date,Post text,Link,Impressions,Likes,Engagements,Bookmarks,Share,New follows,Replies,Reposts,"
    "Profile visits,Detail expands,Url clicks,Hashtag clicks,Permalink clicks"
).split(",")


def x_content() -> None:
    """Variant B prints the UTC day; variant A the exporter's own, here UTC-3, so one of its days differs from the id's."""
    for case, head, when, pattern, zone, eol, name in (
        (
            "2026",
            X_HEAD_B,
            datetime(2026, 8, 1, 2, 15, 20, 431000, tzinfo=UTC),
            "%a, %b {d}, %Y",
            "UTC",
            "\n",
            "account_analytics_content_2026-08-01_2026-08-31.csv",
        ),
        (
            "2025",
            X_HEAD_A,
            datetime(2025, 2, 17, 1, 5, 9, 88000, tzinfo=UTC),
            "%a %b {d} %Y",
            "America/Sao_Paulo",
            "\r\n",
            "account_analytics_content_2025-02-16_2025-02-28 (1).csv",
        ),
    ):
        table, expected = [head], []
        for i, text in enumerate(X_TEXTS):
            moment = when + timedelta(hours=31 * (3 - i))
            local = moment.astimezone(ZoneInfo(zone))
            number, link = x_id(moment), f"https://x.com/simulasi_bogor/status/{x_id(moment)}"
            values = [1200 + 37 * i, 14 + i, 40 + 3 * i, i, 2, 1, i % 2, 5 - i, 3, 9, 4, 0, 1]
            printed = local.strftime(pattern.replace("{d}", str(local.day)))
            table.append([number, printed, text, link, *values])
            expected.append(
                {
                    "post_id": number,
                    "published_at": iso(moment),
                    "published_on": local.date().isoformat(),
                    "published_precision": "instant",
                    "caption": PLAIN_TEXTS[i],
                    "permalink": link,
                    "handle": "simulasi_bogor",
                    "post_type": "reply" if PLAIN_TEXTS[i].startswith("@") else None,
                }
                | dict(zip(X_METRICS, values, strict=True))
            )
        data, starts = csv(table, eol=eol, final=eol == "\r\n")
        found = {
            "grain": "post",
            "platform": "x",
            "outcome": "accepted",
            "sums": sums(expected, *X_METRICS),
            "rows": rows(expected, starts[1:]),
        }
        save("x_account_content", case, name, data, [found])


def x_overview() -> None:
    head = (
        "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits,"
        "Create Post,Video views,Media views"
    ).split(",")
    fields = (
        "impressions likes engagements_reported bookmarks shares follows_gained follows_lost replies reposts profile_visits "
        "posts_published video_views media_views"
    ).split()
    table, expected = [head], []
    for i, day in enumerate(reversed(days(date(2026, 7, 28), 6))):
        values = [900 + 11 * i, 12 + i, 30 + i, 1, 2, 3, i % 3, 4, 2, 15, 1, 0, 0]
        table.append([day.strftime(f"%a, %b {day.day}, %Y"), *values])
        expected.append({"day": day.isoformat(), "day_zone": "UTC"} | dict(zip(fields, values, strict=True)))
    data, starts = csv(table, final=False)
    found = {"grain": "account_day", "platform": "x", "outcome": "accepted", "sums": sums(expected, *fields)}
    save(
        "x_account_overview",
        "2026",
        "account_overview_analytics.csv",
        data,
        [found | {"rows": rows(expected, starts[1:])}],
        accounts=["x"],
    )


CLASSIC_HEAD = (
    "impressions,engagements,engagement rate,retweets,replies,likes,user profile clicks,url clicks,hashtag clicks,"
    "detail expands,permalink clicks,app opens,app installs,follows,email tweet,dial phone,media views,media engagements"
).split(",")
CLASSIC_FIELDS = (
    "impressions engagements_reported _ reposts replies likes profile_clicks link_clicks hashtag_clicks detail_expands "
    "permalink_clicks app_opens app_installs follows_gained email_shares phone_clicks media_views media_engagements"
).split()
JAPANESE = (
    "ツイートID,ツイートの固定リンク,ツイート本文,時間,インプレッション,エンゲージメント,エンゲージメント率,リツイート,返信,いいね,"
    "ユーザープロフィールクリック,URLクリック数,ハッシュタグクリック,詳細クリック,固定リンクのクリック数,アプリ表示,"
    "アプリインストール,フォローしている,ツイートをメールで送信,電話をかける,メディアの再生数,メディアのエンゲージメント"
).split(",")


def classic_values(i: int) -> tuple[list[int], float]:
    impressions, engagements = 1203 + 100 * i, 43 + i
    return [impressions, engagements, 0, 3, 2, 11, 4, 5, 1, 6, 2, 0, 0, 1, 0, 0, 20, 9], engagements / impressions


def x_classic() -> None:
    promoted = ["promoted " + h for h in CLASSIC_HEAD]
    english = ["Tweet id", "Tweet permalink", "Tweet text", "time", *CLASSIC_HEAD, *promoted]
    japanese = JAPANESE + ["プロモーション " + h for h in JAPANESE[4:]]
    additive = [f for f in CLASSIC_FIELDS if f != "_"]
    for case, head, language in (("english", english, "en"), ("japanese", japanese, "ja")):
        table, expected = [head], []
        for i, text in enumerate(X_TEXTS):
            moment = datetime(2021, 8, 31, 19, 53, 27, 512000, tzinfo=UTC) - timedelta(hours=13 * i)
            number = x_id(moment)
            link = f"https://twitter.com/simulasi_bogor/status/{number}"
            values, rate = classic_values(i)
            written = [f"{v}.0" if n < 11 else v for n, v in enumerate(values)]
            written[2] = repr(rate)
            table.append([number, link, text, moment.strftime("%Y-%m-%d %H:%M +0000"), *written, *["-"] * 18])
            expected.append(
                {
                    "post_id": number,
                    "published_at": iso(moment),
                    "published_on": moment.date().isoformat(),
                    "published_precision": "instant",
                    "caption": PLAIN_TEXTS[i],
                    "permalink": link,
                    "handle": "simulasi_bogor",
                    "post_type": "reply" if PLAIN_TEXTS[i].startswith("@") else None,
                }
                | {f: v for f, v in zip(CLASSIC_FIELDS, values, strict=True) if f != "_"}
            )
        data, starts = csv(table, quote="all")
        found = {"grain": "post", "platform": "x", "outcome": "accepted", "sums": sums(expected, *additive)}
        name = f"tweet_activity_metrics_simulasi_bogor_20210801_20210901_{language}.csv"
        save("x_classic_by_tweet", case, name, data, [found | {"rows": rows(expected, starts[1:])}])
    table, expected = [["Date", "Tweets published", *CLASSIC_HEAD, *promoted]], []
    for i, day in enumerate(days(date(2021, 8, 1), 4)):
        values, rate = classic_values(i)
        table.append([day.isoformat(), 2, *values[:2], repr(rate), *values[3:], *["-"] * 18])
        expected.append(
            {"day": day.isoformat(), "day_zone": "UTC", "posts_published": 2}
            | {f: v for f, v in zip(CLASSIC_FIELDS, values, strict=True) if f != "_"}
        )
    data, starts = csv(table, quote="all")
    found = {"grain": "account_day", "platform": "x", "outcome": "accepted"}
    found |= {"sums": sums(expected, "posts_published", *additive), "rows": rows(expected, starts[1:])}
    save("x_classic_by_day", "english", "daily_tweet_activity_metrics_simulasi_bogor_20210801_20210901_en.csv", data, [found])


def x_video() -> None:
    table = [
        ["Video overview", "", "", "", "", ""],
        ["Date", "Views", "Watch Time (ms)", "Completion Rate", "Average Watch Time (ms)", "Estimated Revenue"],
    ]
    expected = []
    for i, day in enumerate(days(date(2026, 8, 1), 3)):
        table.append([day.isoformat(), 100 + i, 250500 + i, 0.25, 2505, 0])
        expected.append(
            {
                "day": day.isoformat(),
                "day_zone": "UTC",
                "video_views": 100 + i,
                "watch_seconds": (250500 + i) / 1000,
                "completion_rate": 0.25,
                "avg_watch_seconds": 2.505,
            }
        )
    data, starts = csv(table)
    found = {"grain": "account_day", "platform": "x", "outcome": "accepted"}
    found |= {"sums": sums(expected, "video_views", "watch_seconds"), "rows": rows(expected, starts[2:])}
    save("x_video_overview", "english", "video_overview.csv", data, [found], accounts=["x"])


# ---- YouTube --------------------------------------------------------------------------------------------------------------

PACIFIC = ZoneInfo("America/Los_Angeles")
MONTHS_ID = "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des".split()
VIDEOS = (
    ("-aBcDeFgHiJ", "Musrenbang 2026: usulan warga, hasilnya", date(2026, 2, 3), 312, 4210, 151.2345, 12),
    ("-1bcdefghij", "Cara urus KTP hilang", date(2025, 12, 19), 61, 980, 9.5, -1),
    ("Qx7_zLk2m-N", 'Wawancara "Bupati"', date(2026, 5, 11), 1540, 305, 44.0213, 0),
)


def youtube_midnight(day: date) -> str:
    return iso(datetime(day.year, day.month, day.day, tzinfo=PACIFIC))


def yt_content() -> None:
    """English with a total row and three oddities of ids; Indonesian; a ZIP whose chart tells the period; a cut list."""
    english = ["Content", "Video title", "Video publish time", "Duration", "Views", "Watch time (hours)", "Subscribers"]
    english += ["Average view duration", "Impressions", "Impressions click-through rate (%)", "Unique viewers"]
    indonesian = ["Konten", "Judul video", "Waktu publikasi video", "Durasi", "Penayangan", "Waktu tonton (jam)", "Subscriber"]
    indonesian += ["Rata-rata durasi tonton", "Tayangan", "Rasio klik-tayang dari tayangan (%)", "Penonton unik"]

    def build(head: list[str], month: str, period: tuple[str, str] | None) -> tuple[bytes, list[dict], list[int]]:
        table, expected = [head, ["Total", "", "", "", 5600, 210.5, 14, "0:02:11", 91000, 4.2, 0]], []
        for number, title, day, length, views, hours, net in VIDEOS:
            shown = f" {number}" if number.startswith("-") and not number[1].isdigit() else number
            name = MONTHS_ID[day.month - 1] if month == "id" else day.strftime("%b")
            printed = f"{day.day} {name} {day.year}" if month == "id" else f"{name} {day.day}, {day.year}"
            table.append([shown, title, printed, length, views, hours, net, "0:01:40", 10000, 3.75, 800])
            expected.append(
                {
                    "post_id": number,
                    "caption": title,
                    "published_on": day.isoformat(),
                    "published_at": youtube_midnight(day),
                    "published_precision": "day",
                    "post_type": "video",
                    "duration_seconds": length,
                    "views": views,
                    "watch_seconds": hours * 3600,
                    "follows_net": net,
                    "avg_watch_seconds": 100,
                    "impressions": 10000,
                    "impressions_ctr_rate": 0.0375,
                    "unique_viewers": 800,
                    "value_scope": "unknown" if not period else "lifetime" if day.isoformat() >= period[0] else "period",
                }
                | ({"period_start": period[0], "period_end": period[1]} if period else {})
            )
        data, starts = csv(table)
        return data, expected, starts[2:]

    fields = ("views", "watch_seconds", "follows_net", "impressions")
    for case, head, month, name in (
        ("english", english, "en", "Table data.csv"),
        ("indonesian", indonesian, "id", "Data tabel.csv"),
    ):
        data, expected, starts = build(head, month, None)
        found = {"grain": "post", "platform": "youtube", "dropped": {"total_row": 1}, "sums": sums(expected, *fields)}
        found |= {"outcome": "flagged", "codes": ["PERIOD_UNKNOWN"]}
        save("yt_table_content", case, name, data, [found | {"rows": rows(expected, starts)}], accounts=["youtube"])
    # Downloaded as it comes: the archive's name and its charts tell the period; only the 2026 videos are lifetime totals.
    data, expected, starts = build(english, "en", ("2026-01-01", "2026-01-03"))
    chart, totals = yt_chart_rows(CHART_EN), yt_totals_rows()
    box = archive({"Table data.csv": data, "Chart data.csv": chart[0], "Totals.csv": totals[0]})
    found = {"grain": "post", "platform": "youtube", "member": "Table data.csv", "dropped": {"total_row": 1}}
    found |= {"sums": sums(expected, *fields), "rows": rows(expected, starts)}
    save(
        "yt_table_content",
        "zip",
        "Content 2026-01-01_2026-01-03 Kanal Simulasi.zip",
        box,
        [
            found,
            chart[1] | {"kind": "yt_chart_data", "member": "Chart data.csv"},
            totals[1] | {"kind": "yt_totals", "member": "Totals.csv"},
        ],
        accounts=["youtube"],
    )
    yt_content_cut()


def yt_content_cut() -> None:
    """500 videos and the trailer that says so: the list may be cut."""
    rng = random.Random(4)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
    table = [["Content", "Video title", "Video publish time", "Views", "Stayed to watch (%)"], ["Total", "", "", 60000, ""]]
    views = []
    for i in range(500):
        views.append(600 - i // 5)
        table.append(["".join(rng.choices(letters, k=11)), f"Video {i}", "Feb 9, 2025", views[-1], 61.5 if i % 2 else ""])
    table[1][3] = sum(views) + 7
    data, _ = csv(table)
    data += b"Showing top 500 results\n"
    found = {"grain": "post", "platform": "youtube", "outcome": "flagged", "codes": ["POSSIBLY_CUT"]}
    found |= {"dropped": {"total_row": 1, "trailer": 1}, "sums": {"views": sum(views)}, "n_rows": 500}
    save("yt_table_content", "cut", "Table data.csv", data, [found], accounts=["youtube"])


CHART_EN = ["Date", "Content", "Video title", "Video publish time", "Duration", "Views"]
CHART_ID = ["Tanggal", "Konten", "Judul video", "Waktu publikasi video", "Durasi", "Penayangan"]


def yt_chart_rows(head: list[str]) -> tuple[bytes, dict]:
    table, expected = [head], []
    for day in days(date(2026, 1, 1), 3):
        for number, title, published, length, *_ in VIDEOS[:2]:
            value = day.day * 3
            table.append([day.isoformat(), number, title, f"{published:%b} {published.day}, {published.year}", length, value])
            expected.append(
                {
                    "dimension": "post",
                    "label": number,
                    "metric": "views",
                    "value": value,
                    "unit": "count",
                    "period_start": day.isoformat(),
                    "period_end": day.isoformat(),
                }
            )
    data, starts = csv(table)
    return data, {"grain": "audience", "platform": "youtube", "rows": rows(expected, starts[1:])}


def yt_totals_rows(head: tuple[str, str] = ("Date", "Views")) -> tuple[bytes, dict]:
    table, expected = [list(head)], []
    for day in days(date(2026, 1, 1), 3):
        table.append([day.isoformat(), 10 + day.day])
        expected.append({"day": day.isoformat(), "day_zone": "America/Los_Angeles", "views": 10 + day.day})
    data, starts = csv(table)
    found = {"grain": "account_day", "platform": "youtube", "sums": sums(expected, "views")}
    return data, found | {"rows": rows(expected, starts[1:])}


def yt_charts() -> None:
    for case, head in (("english", CHART_EN), ("indonesian", CHART_ID)):
        data, found = yt_chart_rows(head)
        save("yt_chart_data", case, "Chart data.csv", data, [found], accounts=["youtube"])
    for case, head, name in (
        ("english", ("Date", "Views"), "Totals.csv"),
        ("indonesian", ("Tanggal", "Penayangan"), "Total.csv"),
    ):
        data, found = yt_totals_rows(head)
        save("yt_totals", case, name, data, [found], accounts=["youtube"])
    head = ["Date", "28-day new viewers", "28-day casual viewers", "28-day regular viewers"]
    table, expected = [head], []
    for i, day in enumerate(days(date(2026, 6, 1), 3)):
        table.append([day.isoformat(), 800 + i, 120, 15])
        expected.append(
            {
                "day": day.isoformat(),
                "day_zone": "America/Los_Angeles",
                "new_viewers_28d": 800 + i,
                "casual_viewers_28d": 120,
                "regular_viewers_28d": 15,
            }
        )
    data, starts = csv(table)
    found = {"grain": "account_day", "platform": "youtube", "sums": {}, "rows": rows(expected, starts[1:])}
    save("yt_audience_rolling", "english", "New, casual and regular viewers.csv", data, [found], accounts=["youtube"])


def yt_dates() -> None:
    english = ["Date", "Views", "Watch time (hours)", "Subscribers", "Average view duration", "Likes"]
    indonesian = ["Tanggal", "Penayangan", "Waktu tonton (jam)", "Subscriber", "Rata-rata durasi tonton", "Suka"]
    top = ["Video title", "Video publish time", "Duration", "Video views", "Watch time (hours)", "Subscribers"]
    top += ["Video estimated revenue (USD)"]
    for case, head in (("english", english), ("indonesian", indonesian), ("top_video", english + top)):
        extra = ["Cara urus KTP", "Dec 19, 2025", 61, 55, 1.5, 1, 0] if case == "top_video" else []
        table, expected = [head, ["Total", 336, 12.1500, 3, "0:02:10", 25, *[""] * len(extra)]], []
        for i, day in enumerate(reversed(days(date(2026, 3, 6), 3))):  # across the clock change of 8 March 2026
            table.append([day.isoformat(), 111 + i, 4.05, i, "0:02:10", 8 + i // 2, *extra])
            expected.append(
                {
                    "day": day.isoformat(),
                    "day_zone": "America/Los_Angeles",
                    "views": 111 + i,
                    "watch_seconds": 14580.0,
                    "follows_net": i,
                    "avg_watch_seconds": 130,
                    "likes": 8 + i // 2,
                }
            )
        data, starts = csv(table)
        found = {"grain": "account_day", "platform": "youtube", "dropped": {"total_row": 1}}
        found |= {"sums": sums(expected, "views", "watch_seconds", "follows_net", "likes"), "rows": rows(expected, starts[2:])}
        save("yt_table_date", case, "Table data.csv", data, [found], accounts=["youtube"])


def yt_breakdown(
    kind: str, case: str, head: list[str], dimension: str, table: list[list], labels: list[str], total: bool
) -> None:
    """Breakdown tables: label column(s), then Views and Watch time (hours), or their shares."""
    shares = head[-2].endswith("(%)")
    metrics = ("views_share_rate", "watch_time_share_rate") if shares else ("views", "watch_seconds")
    data, starts = csv([head, *table])
    expected, places = [], []
    for label, record, start in zip(labels, table[1:] if total else table, starts[2:] if total else starts[1:], strict=True):
        for metric, value in zip(metrics, record[-2:], strict=True):
            scaled = value / 100 if shares else value * 3600 if metric == "watch_seconds" else value
            unit = "share" if shares else "seconds" if metric == "watch_seconds" else "count"
            expected.append({"dimension": dimension, "label": label, "metric": metric, "value": scaled, "unit": unit})
            places.append(start)
    found = {"grain": "audience", "platform": "youtube", "rows": rows(expected, places), "n_rows": len(labels)}
    if total:
        found["dropped"] = {"total_row": 1}
    save(kind, case, "Table data.csv", data, [found], accounts=["youtube"])


def yt_breakdowns() -> None:
    en, indonesian = ["Views", "Watch time (hours)"], ["Penayangan", "Waktu tonton (jam)"]
    sources = [["Total", 700, 20.0], ["YouTube search", 400, 11.5], ["Shorts feed", 250, 3.25]]
    yt_breakdown(
        "yt_table_traffic_source",
        "english",
        ["Traffic source", *en],
        "traffic_source",
        sources,
        ["YouTube search", "Shorts feed"],
        True,
    )
    yt_breakdown(
        "yt_table_traffic_source",
        "indonesian",
        ["Sumber traffic", *indonesian],
        "traffic_source",
        sources,
        ["YouTube search", "Shorts feed"],
        True,
    )
    places = [["Total", 700, 20.0], ["ID", 640, 18.5], ["MY", 12, 0.25]]
    yt_breakdown("yt_table_geography", "english", ["Geography", *en], "country", places, ["ID", "MY"], True)
    yt_breakdown("yt_table_geography", "indonesian", ["Geografi", *indonesian], "country", places, ["ID", "MY"], True)
    cities = [
        ["Total", "", 700, 20.0],
        ["0x2e69c5d2e602b501:0x25a12f0f97fac4ee", "Bogor", 200, 6.5],
        ["0x2e69f5d2e764b12d:0x3d2ad6e1e0e9bcc8", "Jakarta", 150, 4.0],
        ["0x2e69c5d2e602b501:0x25a12f0f97fac4ff", "Bogor", 30, 1.0],
    ]
    twins = ["Bogor (0x2e69c5d2e602b501:0x25a12f0f97fac4ee)", "Jakarta", "Bogor (0x2e69c5d2e602b501:0x25a12f0f97fac4ff)"]
    yt_breakdown("yt_table_cities", "english", ["Cities", "City name", *en], "city", cities, twins, True)
    yt_breakdown(
        "yt_table_cities",
        "indonesian",
        ["Kota", "Nama kota", *indonesian],
        "city",
        cities[:3],
        ["Bogor", "Jakarta"],
        True,
    )
    ages = [["13–17 years", 4.2, 3.1], ["18–24 years", 31.0, 28.4], ["65+ years", 1.5, 2.0]]
    yt_breakdown(
        "yt_table_viewer_age",
        "english",
        ["Viewer age", "Views (%)", "Watch time (hours) (%)"],
        "age",
        ages,
        ["13-17", "18-24", "65+"],
        False,
    )
    ages = [["13–17 tahun", 4.2, 3.1], ["65+ tahun", 1.5, 2.0]]
    yt_breakdown(
        "yt_table_viewer_age",
        "indonesian",
        ["Usia penonton", "Penayangan (%)", "Waktu tonton (jam) (%)"],
        "age",
        ages,
        ["13-17", "65+"],
        False,
    )
    genders = [["Female", 48.5, 47.0], ["Male", 51.0, 52.0], ["User-specified", 0.5, 1.0]]
    yt_breakdown(
        "yt_table_viewer_gender",
        "english",
        ["Viewer gender", "Views (%)", "Watch time (hours) (%)"],
        "gender",
        genders,
        ["female", "male", "other"],
        False,
    )
    genders = [["Perempuan", 48.5, 47.0], ["Laki-laki", 51.0, 52.0]]
    yt_breakdown(
        "yt_table_viewer_gender",
        "indonesian",
        ["Gender penonton", "Penayangan (%)", "Waktu tonton (jam) (%)"],
        "gender",
        genders,
        ["female", "male"],
        False,
    )
    status = [["Total", 700, 20.0], ["Bukan subscriber", 500, 12.0], ["Subscriber", 200, 8.0]]
    yt_breakdown(
        "yt_table_subscription_status",
        "indonesian",
        ["Status langganan", *indonesian],
        "subscription",
        status,
        ["not_subscribed", "subscribed"],
        True,
    )
    status = [["Total", 700, 20.0], ["Not subscribed", 500, 12.0], ["Subscribed", 200, 8.0]]
    yt_breakdown(
        "yt_table_subscription_status",
        "english",
        ["Subscription status", *en],
        "subscription",
        status,
        ["not_subscribed", "subscribed"],
        True,
    )


# ---- TikTok ---------------------------------------------------------------------------------------------------------------

MONTHS_LONG = {
    "en": "January February March April May June July August September October November December".split(),
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
}


def no_year(day: date, language: str) -> str:
    name = MONTHS_LONG[language][day.month - 1]
    return {"en": f"{name} {day.day}", "id": f"{day.day} {name}", "es": f"{day.day} de {name}"}[language]


def studio(table: list[list]) -> tuple[bytes, list[int]]:
    return csv(table, bom=True, quote="all", final=False)


def tiktok_overview() -> None:
    """A window over New Year and 29 February; negative days; the newest day not measured yet. The archive's name dates it."""
    fields = ("views", "profile_views", "likes", "comments", "shares")
    head = ["Date", "Video Views", "Profile Views", "Likes", "Comments", "Shares"]
    window = days(date(2023, 12, 30), 64)
    exported = datetime(2024, 3, 4, 8, 30, tzinfo=UTC)
    for language in ("en", "id", "es"):
        table, expected = [head], []
        for i, day in enumerate(window):
            values = [500 + i, 20, 30 + i % 5, -1 if i == 9 else 2, 1]
            if i == len(window) - 1:
                table.append([no_year(day, language), *["undefined"] * 5])
                values = [None] * 5
            else:
                table.append([no_year(day, language), *values])
            expected.append({"day": day.isoformat(), "day_zone": "UTC"} | dict(zip(fields, values, strict=True)))
        found = {
            "grain": "account_day",
            "platform": "tiktok",
            "sums": sums(expected, *fields),
            "handles": ["simulasi.bogor"],
            "captured_at": iso(exported),
            "captured_from": "archive_name",
        }
        stem = f"Overview_2023-12-30_{int(exported.timestamp())}_simulasi.bogor"
        if language == "es":  # the workbook form: one sheet named like the file, every cell a string
            data = xlsx({"Overview": table}, strings=True)
            found |= {"rows": rows(expected, list(range(2, len(table) + 1))), "member": "Overview.xlsx/sheet:Overview"}
            save("tiktok_studio_overview", "xlsx", f"{stem}.zip", archive({"Overview.xlsx": data}), [found])
        else:
            data, starts = studio(table)
            found |= {"rows": rows(expected, starts[1:]), "member": "Overview.csv"}
            save(
                "tiktok_studio_overview",
                {"en": "english", "id": "indonesian"}[language],
                f"{stem}.zip",
                archive({"Overview.csv": data}),
                [found],
            )


def tiktok_followers() -> None:
    """One archive with the four follower files; the difference column in its old and its new meaning."""
    totals = [1000, 1004, 1003, 1010]
    exported = datetime(2026, 9, 8, 1, 0, tzinfo=UTC)
    window = days(date(2026, 9, 3), 4)
    for case in ("difference_backward", "difference_forward"):
        table, expected = [["Date", "Followers", "Difference in followers from previous day"]], []
        for i, day in enumerate(window):
            back = totals[i] - totals[i - 1] if i else 3
            ahead = totals[i + 1] - totals[i] if i + 1 < len(totals) else 0
            table.append([no_year(day, "en"), totals[i], back if case == "difference_backward" else ahead])
            expected.append({"day": day.isoformat(), "day_zone": "UTC", "followers": totals[i]})
        data, starts = studio(table)
        found = {"grain": "account_day", "platform": "tiktok", "sums": {}, "rows": rows(expected, starts[1:])}
        found |= {"member": "FollowerHistory.csv", "outcome": "accepted"}
        name = f"Followers_2026-09-03_{int(exported.timestamp())}_simulasi.bogor.zip"
        save("tiktok_studio_follower_history", case, name, archive({"FollowerHistory.csv": data}), [found])
    tiktok_activity(window, exported)
    for kind, head, dimension, values, name in (
        (
            "tiktok_studio_follower_gender",
            "Gender",
            "gender",
            [("Female", "0.59", "female"), ("Male", "0.4", "male"), ("Other", "0.01", "other")],
            "FollowerGender.csv",
        ),
        (
            "tiktok_studio_follower_territories",
            "Top territories",
            "country",
            [("ID", "0.93", "ID"), ("XK", "0.01", "XK"), ("Others", "0.06", "Others")],
            "FollowerTopTerritories.csv",
        ),
    ):
        for case, percent in (("english", False), ("percent", True)):
            table = [[head, "Distribution"]]
            table += [[shown, f"{round(float(v) * 100)}%" if percent else v] for shown, v, _ in values]
            data, starts = studio(table)
            expected = [
                {"dimension": dimension, "label": label, "metric": "followers", "value": float(v), "unit": "share"}
                for _, v, label in values
            ]
            found = {"grain": "audience", "platform": "tiktok", "rows": rows(expected, starts[1:])}
            save(kind, case, name, data, [found], accounts=["tiktok"])


def tiktok_activity(window: list[date], exported: datetime) -> None:
    table, expected = [["Date", "Hour", "Active followers"]], []
    for day in window:
        for hour in range(24):
            value = 0 if day == window[-1] and hour > 20 else 100 + hour
            table.append([no_year(day, "id"), hour, value])
            expected.append(
                {
                    "dimension": "hour",
                    "label": f"{hour:02d}",
                    "metric": "active_followers",
                    "value": value,
                    "unit": "count",
                    "period_start": day.isoformat(),
                    "period_end": day.isoformat(),
                }
            )
    data, starts = studio(table)
    found = {"grain": "audience", "platform": "tiktok", "rows": rows(expected, starts[1:]), "member": "FollowerActivity.csv"}
    name = f"Followers_2026-09-03_{int(exported.timestamp())}_simulasi.bogor.zip"
    save("tiktok_studio_follower_activity", "indonesian", name, archive({"FollowerActivity.csv": data}), [found])


def tiktok_viewers() -> None:
    """Where the total is undefined, the zeros beside it are no zeros."""
    table, expected = [["Date", "Total Viewers", "New Viewers", "Returning Viewers"]], []
    for i, day in enumerate(days(date(2026, 8, 25), 5)):
        known = i < 3
        table.append([no_year(day, "id"), 90 + i if known else "undefined", 60 if known else 0, 30 + i if known else 0])
        row = {"day": day.isoformat(), "day_zone": "UTC"}
        expected.append(row | ({"viewers": 90 + i, "new_viewers": 60, "returning_viewers": 30 + i} if known else {}))
    data, starts = studio(table)
    found = {"grain": "account_day", "platform": "tiktok", "outcome": "accepted", "sums": {}, "rows": rows(expected, starts[1:])}
    name = f"Viewers_2026-08-25_{int(datetime(2026, 8, 31, tzinfo=UTC).timestamp())}_simulasi.bogor.zip"
    save("tiktok_studio_viewers", "indonesian", name, archive({"Viewers.csv": data}), [found])


def tiktok_content() -> None:
    """Unsorted, without a year, the day of the exporter (UTC+7); the id gives the instant."""
    wib = ZoneInfo("Asia/Jakarta")
    moments = [
        datetime(2025, 12, 31, 22, 30, 11, tzinfo=UTC),
        datetime(2026, 6, 5, 3, 0, 2, tzinfo=UTC),
        datetime(2024, 10, 9, 12, 0, 0, tzinfo=UTC),
    ]
    for language, case in (("en", "english"), ("id", "indonesian")):
        head = ["Time", "Video title", "Video link", "Post time", "Total likes", "Total comments", "Total shares", "Total views"]
        table, expected = [head], []
        for i, moment in enumerate(moments):
            number, form = tiktok_id(moment), "photo" if i == 1 else "video"
            link = f"https://www.tiktok.com/@simulasi.bogor/{form}/{number}"
            title = ("Antre KTP\ntanpa calo", "", "Bogor, hari ini")[i]
            local = moment.astimezone(wib).date()
            table.append([no_year(date(2026, 11, 18), language), title, link, no_year(local, language), 40 + i, 3, 2, 900 + i])
            expected.append(
                {
                    "post_id": number,
                    "published_at": iso(moment),
                    "published_on": local.isoformat(),
                    "published_precision": "instant",
                    "caption": title or None,
                    "permalink": link,
                    "handle": "simulasi.bogor",
                    "post_type": form,
                    "likes": 40 + i,
                    "comments": 3,
                    "shares": 2,
                    "views": 900 + i,
                }
            )
        data, starts = studio(table)
        found = {"grain": "post", "platform": "tiktok", "rows": rows(expected, starts[1:])}
        found |= {"sums": sums(expected, "likes", "comments", "shares", "views"), "captured_from": "file"}
        save("tiktok_studio_content", case, "Content.csv", data, [found])


def tiktok_business() -> None:
    window = days(date(2025, 10, 1), 4)
    fields = "views reach profile_views likes shares comments phone_clicks leads follows_net follows_gained follows_lost".split()
    head = "Date,Video views,Reached audience,Profile views,Likes,Shares,Comments,Phone number clicks ,Leads submission,"
    head += "Net growth,New followers,Lost followers"
    table, expected = [head.split(",")], []
    for i, day in enumerate(window):
        values = [700 + i, "NAN" if i == 0 else 500 + i, 12, 30, 2, 3, 0, 0, i - 2, 4 + i, 6]
        table.append([day.strftime("%Y/%m/%d"), *values])
        known = dict(zip(fields, [None if v == "NAN" else v for v in values], strict=True))
        expected.append({"day": day.isoformat(), "day_zone": "UTC"} | known)
    data, starts = csv(table, bom=True, final=False)
    found = {"grain": "account_day", "platform": "tiktok", "sums": sums(expected, *(f for f in fields if f != "reach"))}
    save(
        "tiktok_business_overview",
        "english",
        "ikhtisar akun.csv",
        data,
        [found | {"rows": rows(expected, starts[1:])}],
        accounts=["tiktok"],
    )
    table, expected = [["Date", "New followers", "Total followers", "Reached audience", "Engaged audience"]], []
    for i, day in enumerate(window):
        last = i == len(window) - 1
        table.append([day.strftime("%Y/%m/%d"), 5 + i, 4321 if last else "--", "NAN" if i == 0 else 300 + i, 40])
        expected.append(
            {
                "day": day.isoformat(),
                "day_zone": "UTC",
                "follows_gained": 5 + i,
                "followers": 4321 if last else None,
                "reach": 300 + i if i else None,
                "engaged_audience": 40,
            }
        )
    data, starts = csv(table, bom=True, final=False)
    found = {"grain": "account_day", "platform": "tiktok", "sums": sums(expected, "follows_gained")}
    save(
        "tiktok_business_audience",
        "english",
        "pengikut.csv",
        data,
        [found | {"rows": rows(expected, starts[1:])}],
        accounts=["tiktok"],
    )
    tiktok_business_video()


def tiktok_business_video() -> None:
    head = ["Video title", "Video link", "Post time", "Video views", "Likes", "Comments", "Shares", "Add to Favorites"]
    table, expected = [head], []
    for i in range(3):
        moment = datetime(2025, 11, 2 + i, 9, 15, 30, tzinfo=UTC)
        number = tiktok_id(moment)
        printed = moment + timedelta(seconds=2 + 3 * i)  # the printed time follows the id by 2-8 seconds
        link = f"https://www.tiktok.com/@simulasi.bogor/video/{number}"
        table.append(["Banjir, info resmi", link, printed.strftime("%Y/%m/%d %H:%M:%S"), 800 + i, 50, 4, 6, 7])
        expected.append(
            {
                "post_id": number,
                "published_at": iso(printed),
                "published_on": printed.date().isoformat(),
                "published_precision": "instant",
                "caption": "Banjir, info resmi",
                "permalink": link,
                "handle": "simulasi.bogor",
                "post_type": "video",
                "views": 800 + i,
                "likes": 50,
                "comments": 4,
                "shares": 6,
                "saves": 7,
            }
        )
    data, starts = csv(table, bom=True, final=False)
    found = {"grain": "post", "platform": "tiktok", "rows": rows(expected, starts[1:])}
    found["sums"] = sums(expected, "views", "likes", "comments", "shares", "saves")
    save("tiktok_business_video", "english", "video.csv", data, [found])


# ---- LinkedIn -------------------------------------------------------------------------------------------------------------

NOTE = "Aggregated metrics for your page. Data may be delayed up to 48 hours. All dates and times are in UTC"


def linkedin_metric_days() -> tuple[list[list], list[dict]]:
    """Five days; on one a reaction was withdrawn, so the day is negative."""
    parts, table, expected = ("organic", "sponsored", "total"), [[NOTE]], []
    head = ["Date"] + [f"Impressions ({p})" for p in parts] + ["Unique impressions (organic)"]
    head += [f"{q} ({p})" for q in ("Clicks", "Reactions", "Comments", "Reposts") for p in parts]
    table.append(head + [f"Engagement rate ({p})" for p in parts])
    for i, day in enumerate(days(date(2026, 1, 11), 5)):
        organic, sponsored = [300 + i, 9, -1 if i == 2 else 6, 1, 2], [100, 3, 1, 0, 0]
        both = [a + b for a, b in zip(organic, sponsored, strict=True)]
        groups = [organic, sponsored, both]
        record = [day.strftime("%m/%d/%Y"), *(g[0] for g in groups), 200]
        record += [g[q] for q in range(1, 5) for g in groups]
        table.append(record + [sum(g[1:]) / g[0] for g in groups])
        row = {"day": day.isoformat(), "day_zone": "UTC", "unique_impressions_organic": 200}
        for q, name in enumerate(("impressions", "clicks", "reactions", "comments", "reposts")):
            row |= {f"{name}_organic": organic[q], f"{name}_sponsored": sponsored[q], name: both[q]}
        expected.append(row)
    return table, expected


def linkedin_posts() -> tuple[list[list], list[dict]]:
    """Three posts: plain, boosted by two campaigns (Organic + 2 Sponsored + Total: one row out), a lone Total."""
    head = "Post title,Post link,Post type,Campaign name,Posted by,Created date,Campaign start date,Campaign end date,Audience"
    head += ",Impressions,Views,Offsite Views,Clicks,Click through rate (CTR),Likes,Comments,Reposts,Follows,Engagement rate"
    table, expected = [[NOTE], (head + ",Content Type").split(",")], []
    fields = "impressions clicks likes comments reposts follows_gained".split()

    def add(moment: datetime, kind: str, values: list[int], views: int | None, media: str) -> dict:
        link = f"https://www.linkedin.com/feed/update/urn:li:activity:{linkedin_id(moment)}"
        campaign = ("Kampanye A", "01/02/2026", "01/09/2026") if kind == "Sponsored" else ("", "", "")
        impressions, clicks, likes, comments, reposts, follows = values
        rates = (clicks / impressions, (clicks + likes + comments + reposts) / impressions)
        record = ["𝗟𝗼𝘄𝗼𝗻𝗴𝗮𝗻 kerja\nBogor", link, kind, campaign[0], "Nama Pegawai", moment.strftime("%m/%d/%Y"), *campaign[1:]]
        record += ["", impressions, views, None, clicks, rates[0], likes, comments, reposts, follows, rates[1], media]
        table.append(record)
        return {
            "post_id": linkedin_id(moment),
            "published_at": iso(moment),
            "published_on": moment.date().isoformat(),
            "published_precision": "instant",
            "caption": "𝗟𝗼𝘄𝗼𝗻𝗴𝗮𝗻 kerja\nBogor",
            "permalink": link,
            "views": views,
        } | dict(zip(fields, values, strict=True))

    first = datetime(2026, 1, 5, 4, 30, 15, 250000, tzinfo=UTC)
    expected.append({"row_number": 3} | add(first, "Organic", [500, 20, 12, 3, 4, 1], 90, "Video") | {"post_type": "video"})
    boosted = first + timedelta(days=1, hours=5)
    merged = add(boosted, "Organic", [400, 10, 8, 2, 1, 0], None, "")
    add(boosted, "Sponsored", [1000, 30, 5, 0, 1, 2], None, "")
    add(boosted, "Sponsored", [600, 15, 2, 0, 0, 1], None, "")
    add(boosted, "Total", [2000, 55, 15, 2, 2, 3], None, "")
    expected.append({"row_number": 4} | merged | dict(zip(fields, [2000, 55, 15, 2, 2, 3], strict=True)))
    alone = add(first + timedelta(days=3), "Total", [50, 1, 1, 0, 0, 0], None, "Document")
    expected.append({"row_number": 8} | alone | {"post_type": "carousel"})
    return table, expected


def linkedin_content() -> None:
    metrics, days_found = linkedin_metric_days()
    posts, posts_found = linkedin_posts()
    strip = lambda e: {k: v for k, v in e.items() if v is not None}  # noqa: E731
    additive = [f for f in days_found[0] if f not in ("day", "day_zone", "unique_impressions_organic")]
    first = {
        "kind": "linkedin_page_content_metrics",
        "member": "sheet:Metrics",
        "grain": "account_day",
        "platform": "linkedin",
        "sums": sums(days_found, *additive),
        "rows": rows(days_found, [3, 4, 5, 6, 7]),
    }
    second = {
        "kind": "linkedin_page_content_posts",
        "member": "sheet:All posts",
        "grain": "post",
        "platform": "linkedin",
        "dropped": {"total_row": 1, "sponsored_row": 2},
        "sums": sums(posts_found, "impressions", "views", "clicks", "likes", "comments", "reposts", "follows_gained"),
        "rows": [strip(e) for e in posts_found],
    }
    sheets = {"Metrics": metrics, "All posts": posts}
    made = int(datetime(2026, 1, 20, 2, 0, tzinfo=UTC).timestamp() * 1000)
    captured = {"captured_at": "2026-01-20T02:00:00Z", "captured_from": "file_name"}
    for case, ending, data in (("xls", "xls", xls(sheets)), ("xlsx", "xlsx", xlsx(sheets))):
        name = f"dinas-simulasi-bogor_content_{made}.{ending}"
        exports = [first | captured, second | captured]
        save("linkedin_page_content_metrics", case, name, data, exports, accounts=["linkedin"])
    old = [[c.replace("Reposts", "Shares") if isinstance(c, str) else c for c in record] for record in metrics]
    save(
        "linkedin_page_content_metrics",
        "shares",
        f"dinas-simulasi-bogor_content_{made}.xls",
        xls({"Metrics": old}),
        [first | captured],
    )
    name = f"dinas-simulasi-bogor_content_{made}.xlsx"
    save("linkedin_page_content_posts", "posts_only", name, xlsx({"All posts": posts}), [second | captured])


def linkedin_people() -> None:
    """Followers and visitors workbooks with their demographic sheets."""
    window = days(date(2026, 1, 11), 3)
    followers = [["Date", "Sponsored followers", "Organic followers", "Auto-invited followers", "Total followers"]]
    found = []
    for i, day in enumerate(window):
        followers.append([day.strftime("%m/%d/%Y"), 1, 4 + i, 2, 7 + i])
        found.append(
            {
                "day": day.isoformat(),
                "day_zone": "UTC",
                "follows_gained_sponsored": 1,
                "follows_gained_organic": 4 + i,
                "follows_gained_auto_invited": 2,
                "follows_gained": 7 + i,
            }
        )
    places = [["Location", "Total followers"], ["Greater Bogor", 812], ["Jakarta Metropolitan Area", 344]]
    ranks = [["Seniority", "Total followers"], ["Entry", 500], ["Senior", 300]]
    exports = [
        {
            "kind": "linkedin_page_followers_daily",
            "member": "sheet:New followers",
            "grain": "account_day",
            "platform": "linkedin",
            "sums": sums(found, *(f for f in found[0] if f.startswith("follows"))),
            "rows": rows(found, [2, 3, 4]),
        },
        demographic("Location", "location", places, "followers"),
        demographic("Seniority", "seniority", ranks, "followers"),
    ]
    made = int(datetime(2026, 1, 20, 2, 0, tzinfo=UTC).timestamp() * 1000)
    sheets = {"New followers": followers, "Location": places, "Seniority": ranks}
    save(
        "linkedin_page_followers_daily",
        "xls",
        f"dinas-simulasi-bogor_followers_{made}.xls",
        xls(sheets),
        exports,
        accounts=["linkedin"],
    )
    data, starts = csv(followers)
    plain = exports[0] | {"member": "", "rows": rows(found, starts[1:])}
    save("linkedin_page_followers_daily", "numbers_csv", "New followers-Table 1.csv", data, [plain], accounts=["linkedin"])
    linkedin_visitors(window, made)


def demographic(sheet: str, dimension: str, table: list[list], metric: str) -> dict:
    found = [
        {"dimension": dimension, "label": label, "metric": metric, "value": value, "unit": "count"} for label, value in table[1:]
    ]
    place = {"kind": "linkedin_page_demographics", "member": f"sheet:{sheet}", "grain": "audience", "platform": "linkedin"}
    return place | {"rows": rows(found, list(range(2, len(table) + 1)))}


def linkedin_visitors(window: list[date], made: int) -> None:
    tabs = (("Overview", "overview_"), ("Life", "life_"), ("Jobs", "jobs_"), ("Total", ""))
    names = [
        (
            f"{tab} {'page views' if q else 'unique visitors'} ({device})",
            f"{prefix}{'page_views' if q else 'unique_visitors'}{suffix}",
        )
        for tab, prefix in tabs
        for q in (True, False)
        for device, suffix in (("desktop", "_desktop"), ("mobile", "_mobile"), ("total", ""))
    ]
    table, found = [["Date", *(h for h, _ in names)]], []
    for i, day in enumerate(window):
        values = [n + i for n in range(len(names))]
        table.append([day.strftime("%m/%d/%Y"), *values])
        found.append({"day": day.isoformat(), "day_zone": "UTC"} | {f: v for (_, f), v in zip(names, values, strict=True)})
    industry = [["Industry", "Total views"], ["Government Administration", 55]]
    exports = [
        {
            "kind": "linkedin_page_visitors_daily",
            "member": "sheet:Visitor metrics",
            "grain": "account_day",
            "platform": "linkedin",
            "sums": sums(found, *(f for _, f in names if "page_views" in f)),
            "rows": rows(found, [2, 3, 4]),
        },
        demographic("Industry", "industry", industry, "page_views"),
    ]
    sheets = {"Visitor metrics": table, "Industry": industry}
    save(
        "linkedin_page_visitors_daily",
        "xls",
        f"dinas-simulasi-bogor_visitors_{made}.xls",
        xls(sheets),
        exports,
        accounts=["linkedin"],
    )
    only = xls({"Location": [["Location", "Total visitors"], ["Greater Bogor", 12]]})
    found = demographic("Location", "location", [["Location", "Total visitors"], ["Greater Bogor", 12]], "unique_visitors")
    save(
        "linkedin_page_demographics",
        "visitors",
        f"dinas-simulasi-bogor_visitors_{made}.xls",
        only,
        [found],
        accounts=["linkedin"],
    )


def linkedin_others() -> None:
    """Competitor pages, and a person's own analytics: flagged, because a person is not a page."""
    pages = [
        ["Jan 1, 2026 - Jan 31, 2026"],
        ["Page", "Total Followers", "New Followers", "Total post engagements", "Total posts"],
    ]
    pages += [["Dinas Simulasi", 1200, 14, 88.5, 9], ["Dinas Tetangga", 3400, 20, 40, 4]]
    names = ("followers", "follows_gained", "engagements_reported", "posts_published")
    found = [
        {"row_number": 3 + i, "dimension": "page", "label": record[0], "metric": m, "value": v, "unit": "count"}
        for i, record in enumerate(pages[2:])
        for m, v in zip(names, record[1:], strict=True)
    ]
    made = int(datetime(2026, 2, 1, 2, 0, tzinfo=UTC).timestamp() * 1000)
    exports = [{"grain": "audience", "platform": "linkedin", "member": "sheet:Competitors", "n_rows": 2, "rows": found}]
    name = f"dinas-simulasi_competitor_analytics_{made}.xlsx"
    save("linkedin_page_competitors", "xlsx", name, xlsx({"Competitors": pages}), exports, accounts=["linkedin"])
    linkedin_member()


def linkedin_member() -> None:
    window = days(date(2026, 1, 9), 3)
    printed = [f"{d.month}/{d.day}/{d.year}" for d in window]
    moment = datetime(2026, 1, 5, 4, 30, 15, tzinfo=UTC)
    links = [f"https://www.linkedin.com/feed/update/urn:li:activity:{linkedin_id(moment + timedelta(days=i))}" for i in range(2)]
    sheets = {
        "DISCOVERY": [["Overall Performance", "1/9/2026 - 1/11/2026"], ["Impressions", 300], ["Members reached", 120]],
        "ENGAGEMENT": [["Date", "Impressions", "Engagements"], *([d, 100 + i, 4] for i, d in enumerate(printed))],
        "TOP POSTS": [
            ["Maximum of 50 posts available to include in this list"],
            [],
            ["Post URL", "Post publish date", "Engagements", "", "Post URL", "Post publish date", "Impressions"],
            [links[0], "1/5/2026", 9, "", links[1], "1/6/2026", 80],
            [links[1], "1/6/2026", 3, "", links[0], "1/5/2026", 70],
        ],
        "FOLLOWERS": [
            ["Total followers on 1/11/2026:", 512],
            [],
            ["Date", "New followers"],
            *([d, i] for i, d in enumerate(printed)),
        ],
        "DEMOGRAPHICS": [
            ["Top Demographics", "Value", "Percentage"],
            ["Job titles", "Civil Servant", 0.12],
            ["Locations", "Greater Bogor", "< 1%"],
        ],
    }
    dated = [{"day": d.isoformat(), "day_zone": "UTC"} for d in window]
    posts = [
        {
            "row_number": 4,
            "post_id": linkedin_id(moment + timedelta(days=i)),
            "permalink": links[i],
            "published_at": iso(moment + timedelta(days=i)),
            "published_on": (moment + timedelta(days=i)).date().isoformat(),
            "published_precision": "instant",
            "engagements_reported": (9, 3)[i],
            "impressions": (70, 80)[i],
        }
        for i in range(2)
    ]
    people = {"dimension": "demographics", "metric": "followers", "unit": "share"}
    found = [
        (
            "ENGAGEMENT",
            "account_day",
            rows([d | {"impressions": 100 + i, "engagements_reported": 4} for i, d in enumerate(dated)], [2, 3, 4]),
        ),
        ("TOP POSTS", "post", posts),
        ("FOLLOWERS", "account_day", rows([d | {"follows_gained": i} for i, d in enumerate(dated)], [4, 5, 6])),
        (
            "DEMOGRAPHICS",
            "audience",
            [
                {"row_number": 2, "label": "Job titles: Civil Servant", "value": 0.12} | people,
                {"row_number": 3, "label": "Locations: Greater Bogor"} | people,
            ],
        ),
    ]
    exports = [
        {
            "member": f"sheet:{s}",
            "grain": g,
            "platform": "linkedin",
            "outcome": "flagged",
            "codes": ["PERSONAL_PROFILE"],
            "rows": r,
        }
        for s, g, r in found
    ]
    name = "AggregateAnalytics_Pegawai Simulasi_2026-01-09_2026-01-11.xlsx"
    save("linkedin_member_aggregate", "xlsx", name, xlsx(sheets), exports, accounts=["linkedin"])


# ---- SP4N-LAPOR, Hootsuite, our own sheets --------------------------------------------------------------------------------


def lapor() -> None:
    head = "Tracking ID,Tanggal Laporan Masuk,Waktu Laporan Masuk,Nama Pelapor,Klasifikasi Laporan,ID Kategori,Kategori,"
    head += "Judul Laporan,Isi Laporan Awal,Isi Laporan Akhir,Tipe Laporan (Anonim/Rahasia),Sumber Laporan,Instansi Induk,"
    head += "ID Instansi Terdisposisi,Instansi Terdisposisi,Status Laporan,Alasan Tunda/Arsip,Provinsi,Kota/Kabupaten,Kecamatan,"
    head += "Kelurahan,Nomor SK,Url SK,Url Dokumen Laporan Tahunan,Laporan yang Masuk melalui Kanal Aduan Setwapres,Rating"
    preamble = [["Laporan SP4N-LAPOR!"], ["Pemerintah Kabupaten Simulasi"], ["Dicetak 20 Okt 2026"], *[[""]] * 7]
    cases = (
        (
            "9049672",
            "6 Jan 2026",
            "08:05",
            "Pengaduan Tidak Berkadar Pengawasan",
            "Jalan",
            "Ditutup oleh Admin",
            "closed",
            "without_supervision",
            "2026-01-06",
        ),
        (
            "9049673.0",
            "17 Mei 2026",
            "23:59:01",
            "Permintaan Informasi",
            "Adminduk",
            "Terverifikasi",
            "received",
            "information_request",
            "2026-05-17",
        ),
        (
            "9049674",
            "3 Aug 2026",
            "",
            "Pengaduan Berkadar Pengawasan",
            "Sampah",
            "Diarsipkan oleh Sistem",
            "archived",
            "with_supervision",
            "2026-08-03",
        ),
        ("9049675", "9 Okt 2026", "10:00", "Aspirasi", "Jalan", "Ditanggapi oleh Pelapor", "received", None, "2026-10-09"),
    )
    table, expected = [*preamble, head.split(",")], []
    for number, day, clock, classed, topic, said, state, sla, iso_day in cases:
        record = [number, day, clock, "Warga Satu", classed, "12", topic, "Judul", "Isi", "Isi", "Anonim", "Web", "Pemkab"]
        record += ["77", "Dinas PU Simulasi", said, "", "Jawa Barat", "Simulasi", "Cibinong", "Pakansari", *[""] * 5]
        table.append(record)
        time = {"08:05": "08:05:00", "23:59:01": "23:59:01", "10:00": "10:00:00"}.get(clock)
        expected.append(
            {
                "case_id": number.split(".")[0],
                "channel": "lapor",
                "agency_name": "Dinas PU Simulasi",
                "received_on": iso_day,
                "received_at": f"{iso_day}T{time}" if time else None,
                "status_reported": said,
                "status": state,
                "sla_class": sla,
                "category": topic,
                "district": "Cibinong",
            }
        )
    table.append(["Catatan: data per tanggal cetak"])
    found = {"grain": "case", "platform": "sp4n_lapor", "rows": rows(expected, [12, 13, 14, 15]), "dropped": {"trailer": 1}}
    found |= {"member": "sheet:Laporan", "forbidden": ["Warga Satu", "Judul", "Isi"]}
    save("sp4n_lapor_admin_xlsx", "admin", "Laporan Oktober.xlsx", xlsx({"Laporan": table}), [found])
    head = "tracking_id,tanggal_masuk,kategori,dinas_tujuan,isi_laporan_awal,isi_laporan_akhir,status_final,kecamatan_final"
    table, expected = [head.split(",")], []
    for number, day in (("8100001", "2024-03-01"), ("8100002", "2024-03-13")):
        table.append([number, day, "Jalan", "DPUPR", "rahasia", "rahasia", "Selesai", "Ciawi"])
        expected.append(
            {
                "case_id": number,
                "channel": "lapor",
                "agency_name": "DPUPR",
                "received_on": day,
                "status_reported": "Selesai",
                "status": "closed",
                "category": "Jalan",
                "district": "Ciawi",
            }
        )
    data, starts = csv(table)
    found = {"grain": "case", "platform": "sp4n_lapor", "rows": rows(expected, starts[1:]), "forbidden": ["rahasia"]}
    save("sp4n_lapor_opendata", "csv", "sp4n-lapor_2021-2024.csv", data, [found])


def hootsuite() -> None:
    head = "Conversation ID,Medium,Channel,Channel Display Name,Contact Profile ID,Contact Primary Identifier,"
    head += "Contact Secondary Identifier,Created at,Last Status Change Agent ID"
    table = [
        head.split(","),
        ["C-1", "Instagram", "ig:1", "Dinas", "p9", "warga.satu", "Warga Satu", "2026-10-01T20:30:00+00:00", "a1"],
    ]
    data, starts = csv(table)
    row = {"case_id": "C-1", "channel": "instagram", "status": "closed", "received_on": "2026-10-02"}
    expected = [row | {"received_at": "2026-10-02T03:30:00"}]
    found = {
        "grain": "case",
        "platform": "hootsuite",
        "rows": rows(expected, starts[1:]),
        "forbidden": ["warga.satu", "Warga Satu"],
    }
    save("hootsuite_inbox_resolved_conversations", "documented", "inbox.csv", data, [found])


def sheets() -> None:
    for case, head in (("english", ["date", "followers"]), ("indonesian", ["tanggal", "pengikut"])):
        table = [head, ["2026-09-30", 1250], ["2026-10-31", 1311]]
        expected = [{"day": d, "day_zone": "Asia/Jakarta", "followers": n} for d, n in table[1:]]
        data, starts = csv(table)
        found = {"grain": "account_day", "sums": {}, "rows": rows(expected, starts[1:]), "platform": "whatsapp"}
        save("template_followers", case, "pengikut.csv", data, [found], accounts=["whatsapp"])
    table = [
        ["nomor", "saluran", "diterima", "dibalas", "selesai", "kategori", "status", "kelas", "kecamatan"],
        ["K-1", "dm", "2026-10-01 09:15", "2026-10-01 11:40", "", "adminduk", "answered", "information_request", "Cibinong"],
        ["K-2", "comment", "2026-10-02 22:01", "", "", "jalan", "received", "", ""],
    ]
    expected = [
        {
            "case_id": "K-1",
            "channel": "dm",
            "received_at": "2026-10-01T09:15:00",
            "first_reply_at": "2026-10-01T11:40:00",
            "received_on": "2026-10-01",
            "category": "adminduk",
            "status": "answered",
            "sla_class": "information_request",
            "district": "Cibinong",
        },
        {"case_id": "K-2", "channel": "comment", "received_at": "2026-10-02T22:01:00", "received_on": "2026-10-02"}
        | {"category": "jalan", "status": "received"},
    ]
    english = "case_id channel received_at first_reply_at closed_at category status sla_class district".split()
    for case, head in (("english", english), ("indonesian", table[0])):
        data, starts = csv([head, *table[1:]])
        found = {"grain": "case", "rows": rows(expected, starts[1:])}
        save("template_responses", case, "tanggapan.csv", data, [found], accounts=["instagram"])
    channels()


def channels() -> None:
    """Threads, WhatsApp and Telegram, noted by hand from the app."""
    common = {"indonesian": ["tautan", "tayang", "dicatat", "teks"], "english": ["link", "published_at", "read_on", "text"]}
    for name, platform, link, number, handle, heads, fields in (
        (
            "threads",
            "threads",
            "https://www.threads.net/@simulasi.bogor/post/DAbC-12_xyz",
            "DAbC-12_xyz",
            "simulasi.bogor",
            ["tayangan", "suka", "balasan", "posting_ulang", "kutipan", "dibagikan"],
            ["views", "likes", "replies", "reposts", "quotes", "shares"],
        ),
        (
            "whatsapp",
            "whatsapp",
            "https://whatsapp.com/channel/0029VaSimulasi/101",
            "101",
            "0029VaSimulasi",
            ["reaksi", "diteruskan"],
            ["reactions", "forwards"],
        ),
        (
            "telegram",
            "telegram",
            "https://t.me/simulasi_bogor/55",
            "55",
            "simulasi_bogor",
            ["tayangan", "reaksi", "diteruskan", "komentar"],
            ["views", "reactions", "forwards", "comments"],
        ),
    ):
        values = [40 + i for i in range(len(heads))]
        row = [link, "2026-10-01 07:30", "2026-10-10", "Info layanan", *values]
        expected = {
            "post_id": number,
            "permalink": link,
            "handle": handle,
            "published_at": "2026-10-01T00:30:00Z",
            "published_on": "2026-10-01",
            "published_precision": "minute",
            "caption": "Info layanan",
        } | dict(zip(fields, values, strict=True))
        for case, head in (("indonesian", heads), ("english", fields)):
            data, starts = csv([common[case] + head, row])
            found = {"grain": "post", "platform": platform, "captured_from": "file", "rows": rows([expected], starts[1:])}
            save(f"template_{name}", case, f"{name}.csv", data, [found | {"sums": sums([expected], *fields)}])
    data, _ = csv(
        [["plan_id", "agency_id", "platform", "planned_at", "topic"], ["R-1", "dinkes", "instagram", "2026-10-01 07:30", "gizi"]]
    )
    save("register_plan", "misplaced", "plan.csv", data, [{"outcome": "refused", "codes": ["REGISTER_FILE"]}])


def taught() -> None:
    """A table of another tool, and the mapping a data keeper wrote for it. Semicolons and day first, as such tools do here."""
    head = ["Network", "Published", "Link", "Text", "Video views", "Likes", "Comments", "Shares", "Watch time (h)", "ER"]
    table, expected = [head], []
    for i in range(3):
        moment = datetime(2026, 10, 13 + i, 2, 5, tzinfo=UTC)
        number = tiktok_id(moment - timedelta(seconds=20))
        link = f"https://www.tiktok.com/@simulasi.bogor/video/{number}"
        local = moment.astimezone(ZoneInfo("Asia/Jakarta"))
        table.append(["TikTok", f"{local:%d/%m/%Y %H:%M}", link, "Info", 700 + i, 30, "-" if i else 4, 5, "1,25", "5,1%"])
        expected.append(
            {
                "post_id": number,
                "published_at": iso(moment),
                "published_on": local.date().isoformat(),
                "published_precision": "minute",
                "caption": "Info",
                "permalink": link,
                "views": 700 + i,
                "likes": 30,
                "comments": None if i else 4,
                "shares": 5,
                "watch_seconds": 4500.0,
            }
        )
    data, starts = csv(table, delimiter=";", eol="\r\n")
    mapping = """name = "Alat lain: unggahan TikTok"
platform = "tiktok"
grain = "post"
values = "lifetime"
zone = "Asia/Jakarta"
dates = ["%d/%m/%Y %H:%M"]
empty = ["", "-"]

[columns]
"Network" = "-"
"Published" = "published_at"
"Link" = "permalink"
"Text" = "caption"
"Video views" = "views"
"Likes" = "likes"
"Comments" = "comments"
"Shares" = "shares"
"Watch time (h)" = { field = "watch_seconds", scale = 3600 }
"ER" = "-"
"""
    found = {"grain": "post", "platform": "tiktok", "rows": rows(expected, starts[1:])}
    found["sums"] = sums(expected, "views", "likes", "comments", "shares", "watch_seconds")
    save("mapped_table", "other_tool", "laporan.csv", data, [found], accounts=["tiktok"], mappings=True)
    (HERE / "mapped_table" / "other_tool" / "mapping.toml").write_text(mapping, encoding="utf-8")


def main() -> None:
    for maker in (x_content, x_overview, x_classic, x_video, yt_content, yt_charts, yt_dates, yt_breakdowns):
        maker()
    for maker in (tiktok_overview, tiktok_followers, tiktok_viewers, tiktok_content, tiktok_business):
        maker()
    for maker in (linkedin_content, linkedin_people, linkedin_others, lapor, hootsuite, sheets, taught):
        maker()


if __name__ == "__main__":
    main()
