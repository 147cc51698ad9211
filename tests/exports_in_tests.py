"""Small exports as the platforms write them, and what spreadsheets do to them. Nothing is imported from the reader."""

# ruff: noqa: SIM905  (headers read better the way the platforms write them)

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import xlsxwriter

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BOM = b"\xef\xbb\xbf"
IG_EN = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,"
    "Data comment,Date,Views,Reach,Likes,Shares,Comments,Saves,Follows"
).split(",")
IG_ID = (
    "ID Postingan,ID Akun,Nama pengguna akun,Nama akun,Deskripsi,Durasi (detik),Waktu penerbitan,Permalink,Jenis postingan,"
    "Komentar data,Tanggal,Tayangan,Jangkauan,Suka,Frekuensi dibagikan,Komentar,Frekuensi disimpan,Mengikuti"
).split(",")
FB_EN = (
    "Post ID|Page ID|Page name|Title|Description|Duration (sec)|Publish time|Caption type|Permalink|Is crosspost|Is share|"
    "Post type|Languages|Custom labels|Funded content status|Data comment|Date|Views|Reach|Reactions, Comments and Shares|"
    "Reactions|Comments|Shares|Total clicks|Link Clicks|Other Clicks|Matched Audience Targeting Consumption (Photo Click)|"
    "Matched Audience Targeting Consumption (Video Click)|Seconds viewed"
).split("|")


def shortcode(moment):
    number = ((int(moment.timestamp() * 1000) - 1314220021721) << 23) | 4242
    text = ""
    while number:
        number, digit = divmod(number, 64)
        text = LETTERS[digit] + text
    return text.rjust(11, "A")


def pacific(moment):
    return moment.astimezone(ZoneInfo("America/Los_Angeles")).strftime("%m/%d/%Y %H:%M")


def moments(n, start=datetime(2026, 3, 20, 3, 7, tzinfo=UTC)):
    return [start + timedelta(days=i, hours=i % 20) for i in range(n)]


def instagram(n=12, header=IG_EN, account="17841400000000001", handle="dinkes.simulasi"):
    """Header and rows of an Instagram content export."""
    indonesian = header is IG_ID
    rows = []
    for i, moment in enumerate(moments(n), start=1):
        kind, scope = ("Gambar IG", "Sepanjang Masa") if indonesian else ("IG image", "Lifetime")
        link = f"https://www.instagram.com/p/{shortcode(moment)}/"
        text = f'Halo "warga" {i}, ayo\nke posyandu'
        start = [f"179{i:013d}7", account, handle, "Dinkes Simulasi", text, "0", pacific(moment), link, kind, "", scope]
        rows.append([*start, str(100 + i), str(80 + i), str(10 + i), str(i), "2", "", "1"])
    return [list(header), *rows]


def facebook(n=6, page="100000000000001"):
    """Header and rows of a Facebook content export; the last two columns are the clicks on video and watch time."""
    rows = []
    for i, moment in enumerate(moments(n), start=1):
        link = f"https://www.facebook.com/{page}/posts/{i}"
        lead = [f"1220{i:011d}1", page, "Dinkes Simulasi", f"Judul {i}, lengkap", "", "0", pacific(moment), "N/A", link]
        middle = ["0", "0", "Photos", "", "", "", "", "Lifetime", str(200 + i), str(150 + i)]
        rows.append([*lead, *middle, str(3 * i + 3), str(3 * i), "2", "1", str(4 * i), str(i), str(i), str(2 * i), "0", "0.000"])
    return [FB_EN, *rows]


def days(n=10, start=datetime(2026, 1, 5)):
    """Header and rows of an X account overview."""
    header = "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits"
    rows = []
    for i in range(n):
        day = start + timedelta(days=n - 1 - i)
        rows.append(
            [day.strftime("%a, %b ") + f"{day.day}, {day.year}", str(900 + i), "5", "9", "0", "0", "1", "0", "0", "1", "4"]
        )
    return [[*header.split(","), "Create Post", "Video views", "Media views"], *[[*r, "1", "0", "0"] for r in rows]]


def youtube(rows):
    """A YouTube content table with its Total row."""
    header = ["Content", "Video title", "Video publish time", "Duration", "Views", "Watch time (hours)"]
    total = ["Total", "", "", "", str(sum(int(r[4]) for r in rows)), "0"]
    return [header, total, *rows]


def text(records, delimiter=",", eol="\n", final=True, quote_all=False):
    """The records as RFC 4180 text."""
    buffer = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(buffer, delimiter=delimiter, lineterminator=eol, quoting=quoting).writerows(records)
    return buffer.getvalue() if final else buffer.getvalue()[: -len(eol)]


def plain(records, **how):
    return BOM + text(records, **how).encode()


def blocks(*titled, sep=True, delimiter=","):
    """Meta overview: UTF-16 text of titled blocks, every cell quoted."""
    out = f"sep={delimiter}\n" if sep else ""
    for title, records in titled:
        out += text([[title], *records], delimiter=delimiter, quote_all=True) + "\n"
    return b"\xff\xfe" + out.encode("utf-16-le")


def series(n, value="Primary", first="Date", start=datetime(2026, 1, 1), scale=10):
    return [[first, value], *[[f"{start + timedelta(days=i):%Y-%m-%dT01:00:00}", str(i * scale)] for i in range(n)]]


def workbook(records, sheet="Sheet1", numbers=True, ids_as_numbers=False, extra=None):
    """XLSX bytes; whole numbers become numeric cells as a spreadsheet makes them."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    page = book.add_worksheet(sheet)
    for r, record in enumerate(records):
        for c, value in enumerate(record):
            if numbers and r and value.isdigit() and (len(value) < 15 or ids_as_numbers):
                page.write_number(r, c, int(value))
            elif value:
                page.write_string(r, c, value)
    if extra:
        extra(book, page)
    book.close()
    return buffer.getvalue()


def archive(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            out.writestr(name, data)
    return buffer.getvalue()
