"""Files as an outsider would bring them, through the command: `terukur inspect --json` against what was counted by hand.

Structures are those of real exports, the content is invented; nothing here is made by the makers of the samples.
"""

# ruff: noqa: E501  (records are shown whole)

import contextlib
import io
import json
import sys
import zipfile

import pytest
import xlsxwriter

from pipeline import cli

IG = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,Data comment,"
    "Date,Views,Likes,Shares,Comments,Saves,Reach,Follows"
)
IG_ID = (
    "ID Postingan;ID Akun;Nama pengguna akun;Nama akun;Deskripsi;Durasi (detik);Waktu penerbitan;Permalink;Jenis postingan;"
    "Komentar data;Tanggal;Tayangan;Suka;Frekuensi dibagikan;Komentar;Frekuensi disimpan;Jangkauan;Mengikuti"
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
    "x, cut in the middle of a row": ("isi.csv", f"{X}\n{X_ROWS}"[:-30].encode(), "x", None, 0, {}, None),
    "youtube, a video twice": ("Table data.csv", (YT + YT.splitlines()[-1] + "\n").encode(), "youtube", None, 0, {}, None),
    "a login page": ("Table data.csv", b"<!doctype html><html><body>Masuk</body></html>", "youtube", None, 0, {}, None),
    "a table nobody knows": ("x.csv", b"nama,umur,kota\nAni,4,Bogor\n", "x", None, 0, {}, None),
}


@pytest.mark.parametrize(("name", "data", "platform", "kind", "rows", "sums", "span"), FILES.values(), ids=FILES)
def test_what_the_command_says_is_what_was_counted_by_hand(tmp_path, monkeypatch, name, data, platform, kind, rows, sums, span):
    path = tmp_path / name
    path.write_bytes(data)
    said = inspect(path, platform, monkeypatch)
    (export,) = said
    if kind is None:
        assert export["outcome"] == "refused" and export["messages"] and export["rows"] == 0
        return
    assert (export["kind"], export["rows"]) == (kind, rows), export["messages"]
    assert {n: export["sums"].get(n) for n in sums} == sums
    assert span is None or (export["first"][:10], export["last"][:10]) == span


def inspect(path, platform, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(
        sys, "argv", ["terukur", "--workspace", str(path.parent / "w"), "inspect", str(path), "--account", platform, "--json"]
    )
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        cli.main()
    found = json.loads(out.getvalue())
    return found if isinstance(found, list) else [found]
