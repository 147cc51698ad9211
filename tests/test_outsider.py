"""Files as an outsider would bring them, through the command: `terukur inspect --json` against what was counted by hand.

Structures are those of real exports, the content is invented; nothing here is made by the makers of the samples.
"""

# ruff: noqa: E501  (records are shown whole)

import contextlib
import io
import json
import os
import sys
import zipfile
from datetime import UTC, datetime

import pytest
import xlsxwriter

from pipeline.cli import command as cli

IG = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,Data comment,"
    "Date,Views,Likes,Shares,Comments,Saves,Reach,Follows"
)
IG_ID = (
    "ID Postingan;ID Akun;Nama pengguna akun;Nama akun;Deskripsi;Durasi (detik);Waktu penerbitan;Permalink;Jenis postingan;"
    "Komentar data;Tanggal;Tayangan;Suka;Frekuensi dibagikan;Komentar;Frekuensi disimpan;Jangkauan;Mengikuti"
)
IG_MANY = f"{IG}\n" + "".join(
    f"180123456789{n:05d},17841400000000009,uji,Uji,Info,0,03/10/2026 08:31,https://www.instagram.com/p/DVtaBcDeF{n:02d}/,IG image,,"
    f"Lifetime,160,{n},3,2,4,45,1\n"
    for n in range(1, 61)
)
X = (
    "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,"
    "Profile visits,Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
)
X_ROWS = (
    '1846000000000000001,"Tue, Oct 15, 2024",Halo warga,https://x.com/uji/status/1846000000000000001,500,7,20,0,1,0,2,3,4,5,0,0,0\n'
    '1846400000000000001,"Wed, Oct 16, 2024","Info, penting",https://x.com/uji/status/1846400000000000001,300,5,9,1,0,0,1,0,1,1,0,0,0\n'
)
DAYS = "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits,Create Post,"
DAYS += "Video views,Media views"
TIKTOK = '"Date","Video Views","Profile Views","Likes","Comments","Shares"\n"August 31","1441","52","31","2","11"\n'
TIKTOK += '"September 1","2110","77","57","1","6"\n"September 2","902","72","73","0","3"\n'
YT = (
    "Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers\nTotal,,,,620,23.5,12\n"
    'abcDEF12345,"Cara urus KTP","Sep 10, 2026",61,500,20.25,10\nXyz_-987654,Profil,"Sep 12, 2026",95,120,3.25,2\n'
)

CLASSIC = (
    "Tweet id,Tweet permalink,Tweet text,time,impressions,engagements,engagement rate,retweets,replies,{likes},user profile clicks,"
    "url clicks,hashtag clicks,detail expands,permalink clicks,app opens,app installs,follows,email tweet,dial phone,media views,"
    "media engagements,promoted impressions,promoted engagements,promoted engagement rate,promoted retweets,promoted replies,"
    "promoted {likes},promoted user profile clicks,promoted url clicks,promoted hashtag clicks,promoted detail expands,"
    "promoted permalink clicks,promoted app opens,promoted app installs,promoted follows,promoted email tweet,promoted dial phone,"
    "promoted media views,promoted media engagements"
)
CLASSIC_OF_2015 = (
    '"{header}"\n'
    '"649293177409679360","https://twitter.com/uji_bogor/status/649293177409679360","Info, warga","2015-09-30 18:42 +0000",'
    '"424.0","8.0","0.018867924528301886","1.0","2.0","5.0","0.0","0.0","0.0","0.0","0.0","0","0","0","0","0","0","0",{dashes}\n'
    '"649064976133525504","https://twitter.com/uji_bogor/status/649064976133525504","Halo","2015-09-30 03:35 +0000",'
    '"400.0","4.0","0.01","0.0","0.0","4.0","0.0","0.0","0.0","0.0","0.0","0","0","0","0","0","0","0",{dashes}\n'
).format(header=CLASSIC.format(likes="favorites").replace(",", '","'), dashes=",".join(['"-"'] * 18))
CLASSIC_OF_2022 = (
    f"{CLASSIC.format(likes='likes')}\n"
    "1592000000000012345,https://twitter.com/uji_bogor/status/1592000000000012345,Halo,2022-11-14 03:42 +0000,"
    f"300.0,6.0,0.02,1.0,0.0,5.0,0.0,0.0,0.0,0.0,0.0,0.0,0,0,0,0,0,0,{','.join('-' * 18)}\n"
)
LEGACY = (
    "Post ID,Permalink,Post Message,Type,Countries,Languages,Posted,Audience Targeting,Lifetime Post Total Reach,"
    "Lifetime Post organic reach,Lifetime Post Paid Reach,Lifetime Post Total Impressions,Lifetime Post Organic Impressions,"
    "Lifetime Engaged Users,Lifetime Negative Feedback from Users,Lifetime Organic views to 95%,Lifetime Organic views to 95%\n"
    ",,,,,,,,Lifetime: people,Lifetime: people,Lifetime: people,Lifetime: count,Lifetime: count,Lifetime: people,Lifetime: count,"
    "Lifetime: count,Lifetime: people\n"
    '951745098223517_980422845355742,https://www.facebook.com/uji/posts/980422845355742:0,"Mudik, aman",Photo,,,'
    "07/14/2014 05:30:00 AM, ,80,70,10,110,90,14,1,,\n"
)
YT_ALL = (
    "Content,Unique viewers,New viewers,Returning viewers,Shares,Average percentage viewed (%),Engaged views,Views,"
    "Watch time (hours),Subscribers,Average view duration,Impressions,Impressions click-through rate (%)\n"
    "Total,400,300,100,9,41.25,600,620,23.5,12,0:02:16,9000,4.2\n"
    "abcDEF12345,300,250,60,5,40.1,480,500,20.25,10,0:02:25,7000,4.5\nXyz_-987654,120,60,45,4,45,120,120,3.25,2,0:01:37,2000,3\n"
)
YT_2021 = (
    "Video,Video title,Video publish time,Comments added,Shares,Dislikes,Likes,Subscribers lost,Subscribers gained,RPM (USD),"
    "CPM (USD),Average percentage viewed (%),Average view duration,Views,Watch time (hours),Subscribers,"
    "Your estimated revenue (USD),Impressions,Impressions click-through rate (%)\n"
    "Total,,,3,2,1,30,1,13,0.5,1.25,40.5,0:02:16,620,23.5,12,0.31,9000,4.2\n"
    'abcDEF12345,"Cara urus KTP","Jun 10, 2021",2,2,1,20,1,11,0.5,1.2,40.1,0:02:25,500,20.25,10,0.25,7000,4.5\n'
    'Xyz_-987654,Profil,"Jun 12, 2021",1,0,0,10,0,2,0.5,1.5,45,0:01:37,120,3.25,2,0.06,2000,3\n'
)
YT_ID = (
    "Konten,Judul video,Waktu publikasi video,Durasi,Penayangan,Waktu tonton (jam),Subscriber,Tayangan,"
    "Rasio klik-tayang dari tayangan (%)\nTotal,,,,620,23.5,12,9000,4.2\n"
    "abcDEF12345,Cara urus KTP,10 Sep 2026,61,500,20.25,10,7000,4.5\nXyz_-987654,Profil,12 Sep 2026,95,120,3.25,2,2000,3\n"
)
TIKTOK_CONTENT = (
    '"Time","Video title","Video link","Post time","Total likes","Total comments","Total shares","Total views"\n'
    '"September 20","Antre, rapi","https://www.tiktok.com/@uji.bogor/video/7680153011075219463","August 30","40","3","2","900"\n'
    '"September 20","","https://www.tiktok.com/@uji.bogor/video/7681870521679564053","September 4","7","0","1","120"'
)
STUDIO = (
    "Post ID,Page ID,Page name,Title,Description,Duration (sec),Publish time,Caption type,Permalink,Is crosspost,Is share,"
    "Post type,Languages,Custom labels,Funded content status,Data comment,Date,Impressions,Reach,"
    '"Reactions, Comments and Shares",Reactions,Comments,Shares,Total clicks,Other Clicks,Photo Views,Link Clicks\n'
    "1.22158E+17,6.1571E+13,Uji,Judul,Isi,27,11/10/2025 21:00,,https://www.facebook.com/reel/1,0,0,Reels,,,,,Lifetime,"
    "9,8,6,3,2,1,4,2,1,1\n"
)
LINKEDIN_NOTE = "Aggregated page performance from Sep 1, 2026 to Sep 3, 2026"
LINKEDIN = ["Date"] + [f"{q} ({p})" for q in ("Impressions",) for p in ("organic", "sponsored", "total")]
LINKEDIN += ["Unique impressions (organic)"]
LINKEDIN += [f"{q} ({p})" for q in ("Clicks", "Reactions", "Comments", "Reposts") for p in ("organic", "sponsored", "total")]
LINKEDIN += [f"Engagement rate ({p})" for p in ("organic", "sponsored", "total")]


def linkedin_days(**wrong):
    """A page's days as LinkedIn makes its workbook: a note above the header, dates as text, numbers as numbers."""
    rows = [[LINKEDIN_NOTE], LINKEDIN]
    for day, impressions in (("09/01/2026", 300), ("09/02/2026", 310), ("09/03/2026", 290)):
        rows.append([day, impressions, 100, impressions + 100 + wrong.get("more", 0), 200, 9, 3, 12, 6, 1, 7, 1, 0, 1, 2, 0, 2])
        rows[-1] += [18 / impressions, 0.04, 22 / (impressions + 100)]
    return cells({"Metrics": rows})


def cells(sheets):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
    return out.getvalue()


def book(text, delimiter=","):
    import csv

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False}) as made:
        page = made.add_worksheet("Lembar1")
        for number, record in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter)):
            for place, value in enumerate(record):
                is_number = value.isdigit() and len(value) < 15
                (page.write_number if is_number else page.write_string)(number, place, int(value) if is_number else value)
    return out.getvalue()


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members.items():
            box.writestr(name.replace("__", " ") + ".csv", data)
    return out.getvalue()


YT_SUMS = {"views": 620, "watch_seconds": 84600, "follows_net": 12}
X_SUMS = {"impressions": 800, "likes": 12, "reposts": 3, "bookmarks": 1}
# name, bytes, platform, kind, rows, some of the sums, first and last
FILES = {
    "x as downloaded": ("isi.csv", f"{X}\n{X_ROWS}".encode(), "x", "x_account_content", 2, X_SUMS, ("2024-10-15", "2024-10-16")),
    "x in UTF-16 with tabs": (
        "isi.csv",
        f"{X}\n{X_ROWS}".replace('"Tue, Oct 15, 2024"', "Tue# Oct 15# 2024")
        .replace('"Wed, Oct 16, 2024"', "Wed# Oct 16# 2024")
        .replace('"Info, penting"', "Info# penting")
        .replace(",", "\t")
        .replace("#", ",")
        .encode("utf-16"),
        "x",
        "x_account_content",
        2,
        X_SUMS,
        ("2024-10-15", "2024-10-16"),
    ),
    "x as a workbook": ("isi.xlsx", book(f"{X}\n{X_ROWS}"), "x", "x_account_content", 2, X_SUMS, ("2024-10-15", "2024-10-16")),
    "x days, newest first": (
        "ringkasan.csv",
        f'{DAYS}\n"Sat, Apr 27, 2024",90,1,8,0,0,0,0,0,0,0,0,0,0\n"Fri, Apr 26, 2024",100,2,10,0,0,0,0,0,0,0,0,0,0\n'.encode(),
        "x",
        "x_account_overview",
        2,
        {"impressions": 190, "likes": 3},
        ("2024-04-26", "2024-04-27"),
    ),
    "tiktok, days without a year": (
        "Overview.csv",
        TIKTOK.encode(),
        "tiktok",
        "tiktok_studio_overview",
        3,
        {"likes": 161},
        ("2026-08-31", "2026-09-02"),
    ),
    "tiktok with semicolons": (
        "Overview.csv",
        ("\ufeff" + TIKTOK.replace('"', "").replace(",", ";").replace("\n", "\r\n")).encode(),
        "tiktok",
        "tiktok_studio_overview",
        3,
        {"likes": 161, "shares": 20},
        ("2026-08-31", "2026-09-02"),
    ),
    "youtube as downloaded": ("Table data.csv", YT.encode(), "youtube", "yt_table_content", 2, YT_SUMS, None),
    "youtube in its archive": ("unduhan.zip", zipped(Table__data=YT.encode()), "youtube", "yt_table_content", 2, YT_SUMS, None),
    "youtube quoted by Numbers": (
        "Table data.csv",
        "\r\n".join(
            ",".join(c if c.startswith('"') else f'"{c}"' for c in line.split(","))
            for line in YT.replace('"Sep 10, 2026"', "Sep 10 2026").replace('"Sep 12, 2026"', "Sep 12 2026").splitlines()
        ).encode()
        + b"\r\n",
        "youtube",
        None,
        0,
        {},
        None,
    ),
    "instagram, ids rounded by a spreadsheet": (
        "ig.csv",
        f"{IG_ID}\r\n1,80012E+16;1,78414E+16;uji;Uji;Info;0;10/03/2026 08:31;https://www.instagram.com/p/C9aBcDeFgHi/;Gambar IG;;"
        "Sepanjang Masa;160;5;3;2;4;45;1\r\n".encode(),
        "instagram",
        None,
        0,
        {},
        None,
    ),
    "instagram, shortened counts": (
        "ig.csv",
        f"{IG}\n18012345678901234,17841400000000009,uji,Uji,Info,0,10/03/2026 08:31,https://www.instagram.com/p/C9aBcDeFgHi/,IG image,,"
        "Lifetime,1.2K,5,3,2,4,45,1\n".encode(),
        "instagram",
        None,
        0,
        {},
        None,
    ),
    "facebook reach in Indonesian, by day": (
        "Jangkauan Facebook.csv",
        'sep=,\n"Jangkauan Facebook"\n"Tanggal","Primary"\n"2026-09-01T00:00:00","40"\n"2026-09-02T00:00:00","55"\n\n'.encode(
            "utf-16"
        ),
        "facebook",
        "meta.overview.daily",
        2,
        {},
        ("2026-09-01", "2026-09-02"),
    ),
    "youtube days in Indonesian, tabs": (
        "Data tabel.csv",
        b"Tanggal\tPenayangan\tWaktu tonton (jam)\nTotal\t30\t1.5\n2026-09-02\t20\t1.25\n2026-09-01\t10\t0.25\n",
        "youtube",
        "yt_table_date",
        2,
        {"views": 30, "watch_seconds": 5400},
        ("2026-09-01", "2026-09-02"),
    ),
    "followers noted by hand in Excel": (
        "pengikut.csv",
        b"tanggal;pengikut\r\n2026-08-31;900\r\n2026-09-30;950\r\n",
        "whatsapp",
        "template_followers",
        2,
        {},
        ("2026-08-31", "2026-09-30"),
    ),
    "tiktok followers with a fall": (
        "FollowerHistory.csv",
        b'"Date","Followers","Difference in followers from previous day"\n"September 1","10","0"\n"September 2","9","-1"\n"September 3","9","0"\n',
        "tiktok",
        "tiktok_studio_follower_history",
        3,
        {},
        ("2026-09-01", "2026-09-03"),
    ),
    "x classic of 2015, favorites": (
        "tweet_activity_metrics_uji_bogor_20150901_20151001_en.csv",
        CLASSIC_OF_2015.encode(),
        "x",
        "x_classic_by_tweet",
        2,
        {"impressions": 824, "likes": 9, "reposts": 1, "replies": 2, "engagements_reported": 12},
        ("2015-09-30", "2015-09-30"),
    ),
    "x classic of 2022": (
        "tweet_activity_metrics_uji_bogor_20221101_20221201_en.csv",
        CLASSIC_OF_2022.encode(),
        "x",
        "x_classic_by_tweet",
        1,
        {"impressions": 300, "likes": 5},
        ("2022-11-14", "2022-11-14"),
    ),
    "x days, saved again by an online spreadsheet": (
        "ringkasan.csv",
        f"{DAYS}\n4/27/2024,90,1,8,0,0,0,0,0,0,0,0,0,0\n4/26/2024,100,2,10,0,0,0,0,0,0,0,0,0,0".encode(),
        "x",
        "x_account_overview",
        2,
        {"impressions": 190, "likes": 3},
        ("2024-04-26", "2024-04-27"),
    ),
    "x, one day of two readings": (
        "ringkasan.csv",
        f"{DAYS}\n4/7/2024,90,1,8,0,0,0,0,0,0,0,0,0,0\n".encode(),
        "x",
        None,
        0,
        {},
        None,
    ),
    "facebook posts of 2014, second header row": (
        "Facebook Insights Data Export (Post Level) - Uji - 2014-08-01.csv",
        LEGACY.encode(),
        "facebook",
        "meta.legacy.page_insights.post",
        1,
        {"impressions": 110},
        ("2014-07-14", "2014-07-14"),
    ),
    "facebook posts, ids in scientific notation": ("posts.csv", STUDIO.encode(), "facebook", None, 0, {}, None),
    "facebook posts, ids whole": (
        "posts.csv",
        STUDIO.replace("1.22158E+17", "122158000000000123").replace("6.1571E+13", "61571000000001").encode(),
        "facebook",
        "meta.content.facebook.post",
        1,
        {"impressions": 9, "engagement_rcs": 6, "total_clicks": 4, "photo_clicks": 1},
        ("2025-11-11", "2025-11-11"),
    ),
    "facebook reach, saved again by an online spreadsheet": (
        "Reach.csv",
        b"Facebook reach,\nDate,Primary\n9/1/2026,40\n9/2/2026,55\n,\n",
        "facebook",
        "meta.overview.daily",
        2,
        {},
        ("2026-09-01", "2026-09-02"),
    ),
    "instagram, one cell per row": (
        "ig.csv",
        "".join('"' + line.replace('"', '""') + '"\r\n' for line in IG_MANY.splitlines()).encode(),
        "instagram",
        "meta.content.instagram.post",
        60,
        {"likes": 1830, "views": 9600, "saves": 240},
        None,
    ),
    "youtube of 2021, with revenue": (
        "Table data.csv",
        YT_2021.encode(),
        "youtube",
        "yt_table_content",
        2,
        YT_SUMS | {"likes": 30, "dislikes": 1, "follows_gained": 13, "follows_lost": 1},
        ("2021-06-10", "2021-06-12"),
    ),
    "youtube in Indonesian": (
        "Data tabel.csv",
        YT_ID.encode(),
        "youtube",
        "yt_table_content",
        2,
        YT_SUMS | {"impressions": 9000},
        ("2026-09-10", "2026-09-12"),
    ),
    "youtube, saved again by Excel in Indonesian": (
        "Data tabel.csv",
        YT_ID.replace(",", ";").replace(".", ",").replace("\n", "\r\n").encode(),
        "youtube",
        "yt_table_content",
        2,
        YT_SUMS | {"impressions": 9000},
        ("2026-09-10", "2026-09-12"),
    ),
    "youtube, no titles and no days": ("Informations relatives aux tableaux.csv", YT_ALL.encode(), "youtube", None, 0, {}, None),
    "tiktok posts, newest day last, no line end": (
        "Content.csv",
        TIKTOK_CONTENT.encode(),
        "tiktok",
        "tiktok_studio_content",
        2,
        {"likes": 47, "comments": 3, "shares": 3, "views": 1020},
        ("2026-08-31", "2026-09-05"),
    ),
    "linkedin days as a workbook": (
        "uji-bogor_content_1789000000000.xlsx",
        linkedin_days(),
        "linkedin",
        "linkedin_page_content_metrics",
        3,
        {"impressions": 1200, "impressions_organic": 900, "clicks": 36, "reactions": 21, "comments": 3, "reposts": 6},
        ("2026-09-01", "2026-09-03"),
    ),
    "linkedin days whose parts are not the whole": (
        "uji-bogor_content_1789000000000.xlsx",
        linkedin_days(more=5),
        "linkedin",
        None,
        0,
        {},
        None,
    ),
    "x, cut in the middle of a row": ("isi.csv", f"{X}\n{X_ROWS}"[:-30].encode(), "x", None, 0, {}, None),
    "youtube, a video twice": ("Table data.csv", (YT + YT.splitlines()[-1] + "\n").encode(), "youtube", None, 0, {}, None),
    "a login page": ("Table data.csv", b"<!doctype html><html><body>Masuk</body></html>", "youtube", None, 0, {}, None),
    "a table nobody knows": ("x.csv", b"nama,umur,kota\nAni,4,Bogor\n", "x", None, 0, {}, None),
}


@pytest.mark.parametrize(("name", "data", "platform", "kind", "rows", "sums", "span"), FILES.values(), ids=FILES)
def test_what_the_command_says_is_what_was_counted_by_hand(tmp_path, monkeypatch, name, data, platform, kind, rows, sums, span):
    path = tmp_path / name
    path.write_bytes(data)
    if (kind or "").startswith("tiktok_studio"):  # their days bear no year: the date of the file itself tells it
        os.utime(path, (EXPORTED.timestamp(), EXPORTED.timestamp()))
    said = inspect(path, platform, monkeypatch)
    (export,) = said
    if kind is None:
        assert export["outcome"] == "refused" and export["messages"] and export["rows"] == 0
        return
    assert (export["kind"], export["rows"]) == (kind, rows), export["messages"]
    assert {n: export["sums"].get(n) for n in sums} == sums
    assert span is None or (export["first"][:10], export["last"][:10]) == span


EXPORTED = datetime(2026, 9, 23, 3, tzinfo=UTC)


def inspect(path, platform, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(
        sys, "argv", ["terukur", "--workspace", str(path.parent / "w"), "inspect", str(path), "--account", platform, "--json"]
    )
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        cli.main()
    found = json.loads(out.getvalue())
    return found if isinstance(found, list) else [found]
