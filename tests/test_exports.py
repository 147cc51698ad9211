"""Every row of the reliability table about input files, and what any reading must keep: exactly right, or refused."""

import io
import os
import struct
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import xlsxwriter
from exports_in_tests import (
    BOM,
    FB_EN,
    IG_EN,
    IG_ID,
    archive,
    blocks,
    days,
    facebook,
    instagram,
    pacific,
    plain,
    series,
    text,
    workbook,
    youtube,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.exports import docs, guards, read
from pipeline.exports.clocks import to_utc
from pipeline.exports.messages import TEXTS, escape, message
from pipeline.exports.text import Dialect, tokenise
from pipeline.formats import GRAINS, all_formats

SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.fixture
def look(tmp_path):
    """Write bytes under a name and read them: all exports."""

    def reader(data, name="berkas.csv", **options):
        path = tmp_path / name
        path.write_bytes(data)
        options.setdefault("first_seen", SEEN)
        return read(path, **options)

    return reader


def only(exports):
    assert len(exports) == 1, [e.member for e in exports]
    return exports[0]


def codes(export):
    return [m.code for m in export.messages]


def refused(exports, code, place="", seen=""):
    """Refused whole, for one reason: told in two sentences, with the place and what was seen there."""
    export = only(exports)
    assert (export.outcome, codes(export)) == ("refused", [code]), [m.as_json() for m in export.messages]
    assert export.rows is None
    (said,) = export.messages
    assert said.id and said.en and said.id != said.en
    assert (len(said.seen) <= 40 and (said.place, said.seen) != ("", "")) or code == "EMPTY"
    assert place in said.place and seen in said.seen, said.as_json()
    return export


def same_rows(a, b):
    drop = ["row_number", "post_type"]
    return a.rows.drop(drop, strict=False).equals(b.rows.drop(drop, strict=False))


# --- A1: what a file may look like and still be the same file


@pytest.mark.parametrize("records", [instagram(), facebook(), days()], ids=["instagram", "facebook", "x"])
def test_a1_dialects_give_the_same_rows(look, records):
    truth = only(look(plain(records)))
    assert truth.outcome == "accepted"
    variants = {
        "no_bom": text(records).encode(),
        "crlf": plain(records, eol="\r\n"),
        "cr": text([[c.replace("\n", " ") for c in r] for r in records], eol="\r").encode(),
        "semicolon": plain(records, delimiter=";"),
        "tab": plain(records, delimiter="\t"),
        "quoted": plain(records, quote_all=True),
        "utf16": b"\xff\xfe" + text(records).encode("utf-16-le"),
        "utf16be": b"\xfe\xff" + text(records).encode("utf-16-be"),
        "sep": BOM + ("sep=,\n" + text(records)).encode(),
        "sep_semicolon": BOM + ("sep=;\r\n" + text(records, delimiter=";", eol="\r\n")).encode(),
        "blank_end": plain(records) + b"\n\n\n",
        "empty_rows_end": plain([*records, [""] * len(records[0]), [""] * len(records[0])]),
        "padded": plain([[*r, "", ""] for r in records], delimiter=";"),
        "reversed_columns": plain([r[::-1] for r in records]),
    }
    for name, data in variants.items():
        got = only(look(data))
        assert got.outcome == "accepted", (name, codes(got), got.messages)
        assert got.sums == truth.sums and (got.first, got.last) == (truth.first, truth.last), name
        if name not in ("cr", "reversed_columns"):
            assert same_rows(got, truth), name


def test_a1_header_language_changes_nothing_but_the_language(look):
    english, indonesian = only(look(plain(instagram()))), only(look(plain(instagram(header=IG_ID))))
    assert (english.language, indonesian.language) == ("en", "id")
    assert same_rows(english, indonesian) and english.rows["post_type"].to_list() == indonesian.rows["post_type"].to_list()


def test_a1_workbook_gives_the_rows_of_the_text(look):
    truth, book = only(look(plain(instagram()))), only(look(workbook(instagram()), "unduhan.xlsx"))
    assert book.member == "sheet:Sheet1" and book.outcome == "accepted"
    assert same_rows(truth, book)


# --- A2 to A5: encoding, damage, emptiness


def test_a2_other_encodings_are_refused_with_the_byte(look):
    body = text(facebook()).replace("Judul 1", "Jud\u00fcl 1").encode("cp1252")
    refused(look(body), "ENCODING", f"byte {body.index(0xFC)}", "fc 6c")
    refused(look(text(facebook()).encode("utf-16-le")), "ENCODING", "byte 0", "UTF-16 without BOM")
    data = bytearray(plain(facebook()))
    at = data.index(b"Judul 3")
    data[at] = 0xFF
    refused(look(bytes(data)), "ENCODING", f"byte {at}", "ff 75")


def test_a3_zero_bytes_are_refused(look):
    data = plain(facebook())
    refused(look(data[:300] + b"\x00" + data[300:]), "NUL_BYTES", "byte 300")
    refused(look(data + b"\x00" * 4096), "NUL_BYTES", f"byte {len(data)}")


@pytest.mark.parametrize("data", [b"", BOM, b"\n\r\n \n", b"\xff\xfe", b"\xff\xfe\n\x00"])
def test_a4_nothing_is_empty(look, data):
    refused(look(data), "EMPTY")


def test_a5_a_header_alone_is_not_zero(look):
    export = only(look(plain(instagram(0))))
    assert (export.outcome, codes(export), export.n_rows, export.sums) == ("flagged", ["NO_ROWS"], 0, {})


# --- A6 to A9: structure


def test_a6_unknown_headers_name_the_nearest_kind(look):
    records = instagram()
    records[0][0] = "Nomor"
    export = refused(look(plain(records)), "UNKNOWN_HEADER")
    assert "meta.content.instagram" in export.messages[0].place and "post id" in export.messages[0].place
    refused(look(plain([["a", "b"], ["1", "2"]])), "UNKNOWN_HEADER")


def test_a6_a_duplicate_or_missing_header_is_unknown(look):
    records = instagram()
    records[0][records[0].index("Likes")] = "Views"
    refused(look(plain(records)), "UNKNOWN_HEADER")
    refused(look(plain([r[:6] + r[7:] for r in instagram()])), "UNKNOWN_HEADER")


def test_a6_a_further_column_is_reported_and_left_out(look):
    records = [[*r, "x"] for r in instagram()]
    records[0][-1] = "Metrik baru"
    export = only(look(plain(records)))
    assert (export.outcome, codes(export)) == ("flagged", ["UNKNOWN_COLUMN"])
    assert export.header.unknown == ["Metrik baru"]


def renamed(records, **names):
    """The records with other header texts; `_` in a name stands for a space."""
    words = {old.replace("_", " "): new for old, new in names.items()}
    return [[words.get(h, h) for h in records[0]], *records[1:]]


def test_a6_a_leading_column_with_an_unknown_name_is_known_by_its_place(look):
    shared = facebook()
    shared[2][10] = "1"
    one = only(look(plain(shared)))
    two = only(look(plain(renamed(shared, Is_crosspost="Kiriman silang", Is_share="Dibagikan ulang"))))
    assert (two.outcome, codes(two)) == ("flagged", ["NAMED_BY_PLACE"])
    assert two.header.mapped["Dibagikan ulang"] == "is_share"
    assert two.messages[0].seen == "Kiriman silang, Dibagikan ulang"
    assert two.rows.equals(one.rows) and two.rows["is_share"].sum() == 1


def test_a6_a_place_says_nothing_where_the_order_is_another(look):
    def moved(records, a, b):
        for r in records:
            r[a], r[b] = r[b], r[a]
        return records

    unknown = renamed(facebook(), Is_share="Dibagikan ulang")
    refused(look(plain(moved(unknown, 3, 4))), "UNKNOWN_HEADER")
    refused(look(plain(moved(renamed(facebook(), Is_share="Dibagikan ulang"), 10, 18))), "UNKNOWN_HEADER")
    refused(look(plain([r[:9] + r[10:] for r in renamed(facebook(), Is_share="Dibagikan ulang")])), "UNKNOWN_HEADER")
    refused(look(plain(renamed(facebook(), Is_share=""))), "UNKNOWN_HEADER")


def test_a6_another_quantity_in_the_place_of_a_flag_is_refused(look):
    records = renamed(facebook(), Is_share="Suka")
    records[3][10] = "7"
    assert only(look(plain(records))).outcome == "refused"


def lines_of(records, change):
    lines = text([[c.replace("\n", " ").replace('"', "") for c in r] for r in records]).split("\n")
    change(lines)
    return BOM + "\n".join(lines).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines.__setitem__(3, lines[3].rsplit(",", 1)[0]),
        lambda lines: lines.__setitem__(3, lines[3] + ",7"),
        lambda lines: lines.__setitem__(3, '"' + lines[3]),
        lambda lines: lines.__setitem__(3, lines[3].replace("Simulasi", 'Sim"ulasi', 1)),
        lambda lines: lines.__setitem__(3, '"179"x' + lines[3][17:]),
        lambda lines: lines.__setitem__(3, lines[3] + "\r"),
    ],
    ids=["fewer", "more", "open_quote", "inner_quote", "after_quote", "mixed_ends"],
)
def test_a7_broken_rows_are_refused(look, change):
    export = refused(look(lines_of(instagram(), change)), "BAD_STRUCTURE")
    assert export.messages[0].place in ("baris/row 4", "baris/line 4")


def test_a8_second_tables_repeated_headers_and_totals_are_refused(look):
    records = instagram()
    refused(look(plain([*records, records[0], *records[1:3]])), "EXTRA_CONTENT", "row 26", "header twice")
    width = len(records[0])
    for label in ("Total", "Jumlah", "Grand total", "Jumlah keseluruhan"):
        refused(look(plain([*records, [label, *[""] * (width - 2), "9"]])), "EXTRA_CONTENT", "row 26", label.lower())


def test_a8_a_known_total_row_is_taken_off_and_compared(look):
    rows = [[f"vid{i:08d}", f"Video {i}", "Feb 19, 2023", "70", str(i), "0.5"] for i in range(1, 6)]
    good = only(look(plain(youtube(rows))))
    assert (good.outcome, good.dropped, good.sums["views"]) == ("flagged", {"total_row": 1}, 15)
    broken = youtube(rows)
    broken[1][4] = "3"
    assert "TOTAL_DIFFERS" in codes(only(look(plain(broken))))


def test_a9_cut_files_are_truncated(look):
    data = plain(instagram())
    for cut in (len(data) - 1, len(data) - 9, len(data) - 30, len(data) - 75):
        refused(look(data[:cut]), "TRUNCATED", "row 24")
    refused(look(workbook(instagram())[:-30], "x.xlsx"), "TRUNCATED", seen="no end record")
    refused(look(archive(("a.csv", data))[:-15], "x.zip"), "TRUNCATED", seen="no end record")


@pytest.mark.parametrize("name", ["a.csv.part", "b.crdownload", "~$c.xlsx", "d.tmp"])
def test_a10_files_still_arriving_are_held(look, name):
    export = only(look(plain(instagram()), name))
    assert (export.outcome, codes(export), export.rows) == ("held", ["STILL_CHANGING"], None)


@pytest.mark.parametrize(
    ("data", "name", "seen"),
    [
        (b"<!DOCTYPE html><html><body>Masuk</body></html>", "Reach.csv", "HTML"),
        (b"\n<html><head></head></html>", "x.csv", "HTML"),
        (b'{"error": {"message": "login"}}', "x.csv", "JSON"),
        (b"%PDF-1.7 ...", "x.csv", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "x.csv", "image"),
        (workbook(instagram()), "x.csv", "XLSX bernama / named .csv"),
        (plain(instagram()), "x.xlsx", "CSV bernama / named .xlsx"),
        (plain(instagram()), "x.zip", "CSV bernama / named .zip"),
        (b"<?xml version='1.0'?><a/>", "x.xml", "XML"),
    ],
)
def test_a11_the_bytes_say_the_type(look, data, name, seen):
    refused(look(data, name), "WRONG_TYPE", seen=seen)


@pytest.mark.parametrize("name", ["x.xlsx", "x.xls", "x.csv"])
def test_a12_a_workbook_with_a_password_is_called_that_whatever_its_name(look, name):
    """Office writes a workbook with a password into an OLE container and calls it .xlsx all the same."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
    export = refused(
        look(head + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 600, name), "ENCRYPTED_OR_XLS", seen="password"
    )
    assert "dikunci kata sandi" in export.messages[0].id and "has a password" in export.messages[0].en


def test_a12_old_workbooks_are_refused(look):
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504
    refused(look(head + "Workbook".encode("utf-16-le") + b"\x00" * 600, "x.xls"), "ENCRYPTED_OR_XLS")


def test_a12_what_a_parser_says_of_a_password_is_passed_on(monkeypatch):
    import fastexcel

    from pipeline.exports import workbook_child

    def locked(_):
        raise fastexcel.FastExcelError("calamine error: Xls error: Workbook is password protected")

    monkeypatch.setattr(fastexcel, "read_excel", locked)
    with pytest.raises(workbook_child.Stop) as stopped:
        workbook_child.read_xls(b"", 10, 10)
    assert stopped.value.args[0] == "ENCRYPTED_OR_XLS" and "password" in stopped.value.args


def test_a15_a_header_wider_than_any_kind_is_not_compared_with_each(look, monkeypatch):
    """Twenty megabytes of two million columns once took two minutes; what is too wide is refused before names are looked up."""
    from pipeline.formats import Format

    asked = []
    inner = Format.column_for
    monkeypatch.setattr(Format, "column_for", lambda self, name: asked.append(name) or inner(self, name))
    wide = plain([[f"k{n}" for n in range(50_000)], ["1"] * 50_000])
    refused(look(wide, "x.csv"), "TOO_LARGE", seen="50000 kolom/columns")
    assert len(asked) < 10_000


def changed_book(extra_name=None, extra=b"x", change=None):
    source, out = io.BytesIO(workbook(instagram())), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(name, data) if change else data)
        if extra_name:
            new.writestr(extra_name, extra)
    return out.getvalue()


def with_doctype(name, data):
    return data.replace(b"<sst", b'<!DOCTYPE x [<!ENTITY a "b">]><sst', 1) if name.endswith("sharedStrings.xml") else data


def test_a13_active_content_is_refused_before_parsing(look):
    refused(look(changed_book("xl/vbaProject.bin"), "x.xlsx"), "ACTIVE_CONTENT", "xl/vbaProject.bin", "vbaProject")
    refused(
        look(changed_book("xl/externalLinks/externalLink1.xml"), "x.xlsx"), "ACTIVE_CONTENT", "externalLink1.xml", "externalLinks"
    )
    refused(look(changed_book(change=with_doctype), "x.xlsx"), "ACTIVE_CONTENT", "xl/sharedStrings.xml", "DTD")


def test_a13_plain_hyperlinks_are_not_active(look):
    def link(book, page):
        page.write_url(1, 7, instagram()[1][7])

    assert only(look(workbook(instagram(), extra=link), "x.xlsx")).outcome == "accepted"


def raw_zip(name, data, declared=None, flags=0, method=0):
    """A one-member archive with any lie in its headers."""
    import zlib

    size = len(data) if declared is None else declared
    crc = zlib.crc32(data)
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, flags, method, 0, 33, crc, len(data), size, len(name), 0) + name + data
    )
    central = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, flags, method, 0, 33, crc, len(data), size, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(name), len(local), 0)
    return local + central + name + end


def test_a14_unsafe_archives_are_refused_whole(look, tmp_path):
    good, said = plain(instagram()), {}
    bad = {
        "ratio": archive(("a.csv", b"0" * 3_000_000)),
        "members": archive(*[(f"{i}.csv", b"x") for i in range(201)]),
        "name": archive(("../a.csv", good)),
        "absolute": archive(("/etc/a.csv", good)),
        "nested": archive(("a.zip", archive(("b.csv", good)))),
        "before": b"junk" + archive(("a.csv", good)),
        "declared": raw_zip(b"a.csv", good, declared=10),
        "encrypted": raw_zip(b"a.csv", good, flags=1),
        "patched": raw_zip(b"a.csv", good, flags=0x20),
        "strongly encrypted": raw_zip(b"a.csv", good, flags=0x40),
        "method": raw_zip(b"a.csv", good, method=99),
        "crc": archive(("a.csv", good)).replace(archive(("a.csv", good))[14:18], b"abcd"),
        "after": archive(("a.csv", good)) + b"junk",
    }
    for rule, data in bad.items():
        export = only(look(data, "x.zip" if not data.startswith(b"junk") else "x"))
        assert (export.outcome, codes(export), export.rows) == ("refused", ["UNSAFE_ARCHIVE"], None), (rule, export.messages)
        said.setdefault(export.messages[0].seen, []).append(rule)
    assert "" not in said and len(said) >= 10, said  # each is told by its own rule
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x", "x.zip"]  # nothing was extracted


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a14_duplicate_members_and_links_are_refused(look):
    refused(look(archive(("a.csv", b"x"), ("a.csv", b"y")), "x.zip"), "UNSAFE_ARCHIVE", "a.csv", "duplicate name")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        info = zipfile.ZipInfo("a.csv")
        info.external_attr = 0o120777 << 16
        out.writestr(info, "/etc/passwd")
    refused(look(buffer.getvalue(), "x.zip"), "UNSAFE_ARCHIVE", "a.csv", "symlink")


def test_a14_a_bad_member_refuses_itself_only(look):
    members = look(archive(("a.csv", plain(instagram())), ("__MACOSX/._a.csv", b"x"), ("b.csv", b"a,b\n1,2\n")), "x.zip")
    assert [(e.member, e.outcome) for e in members] == [("a.csv", "accepted"), ("b.csv", "refused")]


def test_a15_too_large_is_not_read(look):
    refused(look(plain(instagram()), limits=guards.Limits(bytes=500)), "TOO_LARGE", seen="byte > 500")
    records = [[*r, *[f"k{i}" if not n else "" for i in range(400)]] for n, r in enumerate(instagram(1))]
    refused(look(plain(records)), "TOO_LARGE", seen="418 kolom/columns > 400")
    long = instagram(2)
    long[1][4] = "x" * (guards.MIB + 1)
    refused(look(plain(long)), "TOO_LARGE", "line", "field > 1048576")

    def corner(book, page):
        page.write_string(1_048_575, 16_383, "x")

    refused(look(workbook(instagram(), extra=corner), "x.xlsx"), "TOO_LARGE", "row 1048576", "> 200000 rows")


# --- A16 to A22: ids, dates, numbers, nulls


@pytest.mark.parametrize("bad", ["1,79123E+17", "1.79E+17", "1.79123456789012E+17"])
def test_a16_scientific_ids_are_destroyed(look, bad):
    records = instagram()
    records[4][0] = bad
    refused(look(plain(records)), "ID_DESTROYED", "Post ID, baris/row 8", bad)


def test_a16_rounded_and_numeric_ids_are_destroyed(look):
    records = instagram()
    for row in records[1:]:
        row[0] = row[0][:14] + "000"
    refused(look(plain(records)), "ID_DESTROYED")
    refused(look(workbook(instagram(), ids_as_numbers=True), "x.xlsx"), "ID_DESTROYED")


def test_a16_an_id_must_be_in_its_own_link(look):
    header = ["Post id", "Date", "Post text", "Post Link", "Impressions", "Likes"]
    number = str(((1785715520431 - 1288834974657) << 22) | 5)
    row = [number, "Mon, Aug 3, 2026", "Halo", f"https://x.com/simulasi/status/{number[:-1]}9", "5", "1"]
    refused(look(text([header, row]).encode()), "ID_DESTROYED")


def test_a17_ids_of_wrong_shape_or_twice_are_invalid(look):
    records = instagram()
    records[2][0] = "12345"
    refused(look(plain(records)), "ID_INVALID", "Post ID, baris/row 4", "12345")
    records = instagram()
    records[2][0] = records[1][0]
    refused(look(plain(records)), "ID_INVALID")


def test_a17_an_id_inside_a_broken_link_is_invalid(look):
    header = ["Video title", "Video link", "Post time", "Video views", "Likes", "Comments", "Shares", "Add to Favorites"]
    number = str((int(datetime(2026, 3, 1, 4, tzinfo=UTC).timestamp()) << 32) | 7)
    good = ["Halo", f"https://www.tiktok.com/@simulasi/video/{number}", "2026/03/01 04:00:05", "5", "1", "0", "0", "0"]
    assert only(look(plain([header, good]))).outcome == "accepted"
    for broken in (number[:9] + " " + number[9:], number[:9] + "O" + number[10:], number[:4]):
        refused(look(plain([header, [good[0], good[1].replace(number, broken), *good[2:]]])), "ID_INVALID")


def totals(dates_):
    return text([["Date", "Views"], *[[d, "3"] for d in dates_]]).encode()


def test_a18_dates_with_two_readings_need_evidence(look):
    export = refused(look(totals(["03/04/2026", "05/06/2026"])), "DATE_AMBIGUOUS", "Date, baris/row 2")
    assert export.messages[0].seen == "03/04/2026: 2026-04-03 / 2026-03-04" and "date_order" in export.messages[0].id
    settled = only(look(totals(["13/04/2026", "05/06/2026"])))
    assert settled.rows["day"].to_list() == [date(2026, 4, 13), date(2026, 6, 5)]
    run = only(look(totals([f"{d:02d}/04/2026" for d in range(1, 12)])))
    assert run.rows["day"].to_list()[-1] == date(2026, 4, 11)
    accounts = pl.DataFrame(
        [{"account_id": "yt", "platform": "youtube", "handle": "@a", "platform_account_id": None, "date_order": "dmy"}]
    )
    declared = only(look(totals(["03/04/2026", "05/06/2026"]), registry=SimpleNamespace(accounts=accounts), accounts=["yt"]))
    assert declared.rows["day"].to_list() == [date(2026, 4, 3), date(2026, 6, 5)]


def test_a18_the_format_of_the_platform_settles_first(look):
    records = facebook(2)
    records[1][6], records[2][6] = "03/04/2026 10:30", "05/06/2026 11:00"
    export = only(look(plain(records)))
    assert export.rows["published_on"].to_list() == [date(2026, 3, 4), date(2026, 5, 6)]


def test_a18_a_spreadsheets_delimiter_takes_the_patterns_authority(look):
    """Where no day is above 12, a file with semicolons may have been rewritten from mm/dd to dd/mm: that needs evidence."""
    records = facebook(3)
    for row, day in zip(records[1:], ("02/03/2026 01:00", "02/04/2026 01:00", "03/05/2026 01:00"), strict=True):
        row[6] = day
    assert only(look(plain(records))).first == "2026-02-03T09:00:00Z"
    refused(look(plain(records, delimiter=";")), "DATE_AMBIGUOUS")
    export = only(look(plain(records, delimiter=";"), "Feb-01-2026_Mar-31-2026_123456789012345.csv"))
    assert (export.outcome, export.first) == ("accepted", "2026-02-03T09:00:00Z")


def test_a18_short_codes_settle_resaved_dates(look):
    records = instagram(8)
    for row in records[1:]:
        month, day, rest = row[6].split("/")
        row[6] = f"{int(day)}/{int(month)}/{rest}"
    export = only(look(plain(records, delimiter=";")))
    assert export.first == only(look(plain(instagram(8)))).first


@pytest.mark.parametrize(
    "values",
    [["13/04/2026", "04/13/2026"], ["30/02/2026"], ["46113"], ["2027-01-01"], ["2026-01-01", "kemarin"], ["1999-01-01"]],
)
def test_a19_impossible_dates_are_invalid(look, values):
    refused(look(totals(values)), "DATE_INVALID", "column Date, baris/row")


def test_a19_date_cells_beside_text_are_invalid(look):
    def as_date(book, page):
        page.write_datetime(2, 6, datetime(2026, 4, 3, 10, 0), book.add_format({"num_format": "dd/mm/yyyy hh:mm"}))

    refused(look(workbook(facebook(), extra=as_date), "x.xlsx"), "DATE_INVALID")


def video(hours):
    return plain(youtube([[f"vid{i:08d}", "V", "Feb 19, 2023", "70", "5", h] for i, h in enumerate(hours)]))


def test_a20_a_decimal_with_two_readings_needs_evidence(look):
    refused(look(video(["1.234", "5.678"])), "NUMBER_AMBIGUOUS")
    assert only(look(video(["1.234", "0.5"]))).rows["watch_seconds"].to_list() == [1.234 * 3600, 1800]
    assert only(look(video(["1.234", "1.234,5"]))).rows["watch_seconds"].to_list() == [1234 * 3600, 1234.5 * 3600]


def count_column(values):
    records = instagram(len(values))
    for row, value in zip(records[1:], values, strict=True):
        row[IG_EN.index("Likes")] = value
    return plain(records)


def test_a21_grouped_counts_are_counts(look):
    assert only(look(count_column(["1.234", "12.345", "7"]))).sums["likes"] == 13586
    assert only(look(count_column(["1,234", "12,345", "7"]))).sums["likes"] == 13586


@pytest.mark.parametrize(
    "values",
    [
        ["1.2K", "3"],
        ["3,4 rb", "3"],
        ["1,5 jt", "3"],
        ["12.5", "3"],
        ["-5", "3"],
        ["12-Mei", "3"],
        ["banyak", "3"],
        ["1.234", "1,234"],
        ["1.234", "12345"],
        ["1.23", "3"],
        ["12.34.567", "3"],
        ["1e3", "3"],
        ["99999999999999999999", "3"],
    ],
    ids=str,
)
def test_a21_anything_else_is_not_a_count(look, values):
    refused(look(count_column(values)), "NOT_A_COUNT", "column Likes, baris/row")


@pytest.mark.parametrize("mark", ["--", "-", "N/A", "NULL", "null"])
def test_a22_null_marks_count_only_where_declared(look, mark):
    refused(look(count_column([mark, "3"])), "NOT_A_COUNT")
    records = instagram(2, handle="NULL")
    records[1][4] = mark
    export = only(look(plain(records)))
    assert export.accounts[0].handle == "NULL" and export.rows["caption"][0] == mark


def test_a22_empty_is_unknown_and_never_zero(look):
    export = only(look(count_column(["", "3"])))
    assert (export.sums["likes"], export.nulls["likes"]) == (3, 1)


# --- A23, A24: workbooks


def test_a23_cells_without_a_sure_value_are_refused(look):
    def formula(book, page):
        page.write_formula(2, 13, "=A1+1", value="")

    def error(book, page):
        page.write_formula(2, 13, "=1/0", value="#DIV/0!")

    def merged(book, page):
        page.merge_range(2, 3, 3, 3, "x")

    def twin(book, page):
        other = book.add_worksheet("Salinan")
        for r, record in enumerate(instagram(2)):
            for c, value in enumerate(record):
                other.write_string(r, c, value)

    refused(look(workbook(instagram(), extra=formula), "x.xlsx"), "UNREADABLE_CELL", "Likes, baris/row 3", "=?")
    refused(look(workbook(instagram(), extra=error), "x.xlsx"), "UNREADABLE_CELL", "Likes, baris/row 3", "#DIV/0!")
    refused(look(workbook(instagram(), extra=merged), "x.xlsx"), "UNREADABLE_CELL", "baris/row 3", "merged")
    assert {(e.outcome, *codes(e)) for e in look(workbook(instagram(), extra=twin), "x.xlsx")} == {("refused", "UNREADABLE_CELL")}


def test_a24_hidden_content_is_read_and_flagged(look):
    def hide(book, page):
        page.set_row(3, None, None, {"hidden": True})

    export = only(look(workbook(instagram(), extra=hide), "x.xlsx"))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["HIDDEN_CONTENT"], 12)


def test_a24_the_1904_epoch_is_honoured(look):
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "date_1904": True})
    page = book.add_worksheet()
    iso = book.add_format({"num_format": "yyyy-mm-dd"})
    for c, name in enumerate(["Date", "Views"]):
        page.write_string(0, c, name)
    for r in range(1, 5):
        page.write_datetime(r, 0, datetime(2026, 1, r), iso)
        page.write_number(r, 1, r)
    book.close()
    export = only(look(buffer.getvalue(), "x.xlsx"))
    assert (export.first, export.last) == ("2026-01-01", "2026-01-04") and codes(export) == ["HIDDEN_CONTENT"]


# --- A25 to A29


def test_a25_round_row_counts_may_be_cut(look):
    export = only(look(plain(instagram(500)), first_seen=datetime(2028, 1, 1, tzinfo=UTC)))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["POSSIBLY_CUT"], 500)


ACCOUNTS = pl.DataFrame(
    [
        {"account_id": a, "platform": p, "handle": h, "platform_account_id": i, "date_order": None}
        for a, p, h, i in [
            ("ig-dinkes", "instagram", "dinkes.simulasi", "17841400000000001"),
            ("ig-dishub", "instagram", "dishub.simulasi", "17841400000000002"),
            ("fb-dinkes", "facebook", None, "100000000000001"),
        ]
    ]
)
REGISTRY = SimpleNamespace(accounts=ACCOUNTS)


def test_a26_another_account_than_the_folders_is_refused(look):
    good = only(look(plain(instagram()), registry=REGISTRY, accounts=["ig-dinkes"]))
    assert (good.outcome, good.accounts[0].account_id) == ("accepted", "ig-dinkes")
    for other in ("ig-dishub", "fb-dinkes"):
        refused(
            look(plain(instagram()), registry=REGISTRY, accounts=[other]), "WRONG_ACCOUNT", other, "dinkes.simulasi (ig-dinkes)"
        )


def test_a26_collaboration_rows_do_not_make_a_file_foreign(look):
    records = instagram()
    records[3][1:4] = ["17841499999999999", "mitra", "Mitra"]
    export = only(look(plain(records), registry=REGISTRY, accounts=["ig-dinkes"]))
    assert (export.outcome, codes(export), export.n_rows) == ("accepted", ["COLLAB_ROWS"], 12)


def test_a27_unknown_accounts_are_held(look):
    export = only(look(plain(instagram(account="17841499999999999", handle="lain")), registry=REGISTRY))
    assert (export.outcome, codes(export), export.rows) == ("held", ["UNKNOWN_ACCOUNT"], None)
    assert (export.messages[0].place, export.messages[0].seen) == ("accounts.csv", "…,instagram,lain,17841499999999999")  # to add
    export = only(look(text(days()).encode(), registry=REGISTRY))
    assert (export.outcome, codes(export)) == ("held", ["UNKNOWN_ACCOUNT"])


def test_a29_swapped_columns_break_the_identities(look):
    records = facebook()
    i, j = FB_EN.index("Reactions, Comments and Shares"), FB_EN.index("Reactions")
    records[0] = [*FB_EN]
    records[0][i], records[0][j] = records[0][j], records[0][i]
    refused(look(plain(records)), "IMPLAUSIBLE")
    records = instagram()
    records[0] = [*IG_EN]
    a, b = IG_EN.index("Views"), IG_EN.index("Reach")
    records[0][a], records[0][b] = records[0][b], records[0][a]
    export = only(look(plain(records)))  # boosted posts look the same: a warning, no proof
    assert (export.outcome, codes(export)) == ("flagged", ["IMPLAUSIBLE"])


def test_a29_zero_views_with_reach_are_unknown(look):
    records = instagram()
    records[2][IG_EN.index("Views")] = "0"
    export = only(look(plain(records)))
    assert (export.outcome, codes(export), export.nulls["views"]) == ("flagged", ["VALUE_BLANKED"], 1)


# --- A34 to A36


def test_a34_captions_are_kept_exactly(look):
    hostile = [
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "$x$ \u202eabc\u200b",
        "a\r\nb",
        "\x07\x1b[31m",
        "Ha\u0308 \U0001f600",
    ]
    records = instagram(len(hostile))
    for row, caption in zip(records[1:], hostile, strict=True):
        row[4] = caption
    export = only(look(plain(records)))
    assert export.outcome == "accepted" and export.rows["caption"].to_list() == hostile


@pytest.mark.parametrize(
    "name", ["-rf.csv", "a\nb.csv", "\u202egnp.csv", "e\u0301.csv", "x" * 240 + ".csv", "tanpa akhiran", "a;b'.csv"]
)
def test_a35_strange_names_are_only_names(look, name):
    assert only(look(plain(instagram()), name)).outcome == "accepted"


def test_a35_a_given_name_may_be_anything(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(plain(instagram()))
    export = only(read(path, name="../../etc/\udcff\n.csv", first_seen=SEEN))
    assert export.outcome == "accepted" and export.file.encode()


def test_a36_links_pipes_and_folders_are_never_opened(tmp_path):
    (tmp_path / "a.csv").write_bytes(plain(instagram()))
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("link.csv", "pipe.csv", "folder.csv", "missing.csv"):
        refused(read(tmp_path / name), "NOT_A_FILE")


# --- Meta's own oddities


def test_facebook_error_rows_are_counted_and_left_out(look):
    records = facebook()
    note = "An error occurred while computing metadata for content with ID 1"
    records.insert(3, ["" if i != FB_EN.index("Data comment") else note for i in range(len(FB_EN))])
    export = only(look(plain(records)))
    assert (export.outcome, export.dropped, export.n_rows) == ("accepted", {"row_note": 1}, 6)


def test_facebook_batches_may_be_short_only_as_a_whole(look):
    records = facebook(300)
    for row in records[1:129]:
        row[-2:] = []
    export = only(look(plain(records), first_seen=datetime(2027, 6, 1, tzinfo=UTC)))
    assert export.n_rows == 300 and export.nulls["watch_seconds"] == 128
    records[140][-2:] = []
    refused(look(plain(records)), "BAD_STRUCTURE")
    unproven = [[c for i, c in enumerate(r) if not 18 < i < 28] for r in facebook(300)]
    for row in unproven[1:129]:
        del row[-1]
    refused(look(plain(unproven), first_seen=datetime(2027, 6, 1, tzinfo=UTC)), "BAD_STRUCTURE")


def test_overview_blocks_are_exports_of_their_own(look):
    both = look(
        blocks(
            ("Facebook visits", series(3, "Facebook Page likes")), ("Instagram profile visits", series(4, "Instagram followers"))
        )
    )
    assert [(e.member, e.platform, e.n_rows, e.sums) for e in both] == [
        ("#Facebook visits", "facebook", 3, {"page_visits": 30}),
        ("#Instagram profile visits", "instagram", 4, {"profile_visits": 60}),
    ]


def test_overview_days_are_the_platforms_own(look):
    records = series(2)
    records[1][0], records[2][0] = "2026-01-01T01:00:00", "2026-07-01T23:00:00"
    export = only(look(blocks(("Reach", records))))
    assert export.rows["day"].to_list() == [date(2026, 1, 1), date(2026, 7, 2)]
    assert export.sums == {"reach": 10} and export.rows["day_zone"][0] == "America/Los_Angeles"


@pytest.mark.parametrize("header", [["", "", "Men"], ["", "12.5", "Men"], ["Women", "Men", ""], ["", "Women", "Womenn"]])
def test_overview_groups_of_people_are_called_by_their_known_names(look, header):
    rows = [["18-24", "10.1", "12.5"], ["65+", "1", "0.4"]]
    sound = only(look(blocks(("Age & gender", [["", "Women", "Men"], *rows]))))
    assert sound.rows["label2"].to_list() == ["female", "male"] * 2
    refused(look(blocks(("Age & gender", [header, *rows]))), "BAD_STRUCTURE")


@pytest.mark.parametrize(("hour", "code"), [("0;", "BAD_STRUCTURE"), ("24", "BAD_STRUCTURE"), ("7", None)])
def test_tiktok_hours_are_hours(look, hour, code):
    export = look(plain([["Date", "Hour", "Active followers"], ["November 3", hour, "12"]]))
    assert export[0].outcome == ("refused" if code else "accepted") and (code or "YEAR_TAKEN") in codes(export[0])


def test_days_without_a_year_that_nothing_tells_are_asked_for(look):
    table = plain([["Date", "Hour", "Active followers"], ["September 3", "7", "12"]])
    export = only(look(table))
    assert (export.outcome, codes(export), export.rows) == ("held", ["YEAR_UNKNOWN"], None)
    dated = only(look(table, folder_date=date(2025, 9, 10)))
    assert dated.rows["period_start"].to_list() == [date(2025, 9, 3)]
    by_its_date = only(look(table, modified=datetime(2024, 9, 5, tzinfo=UTC)))
    assert by_its_date.rows["period_start"].to_list() == [date(2024, 9, 3)]


def test_overview_without_title_takes_it_from_the_name(look):
    data = b"\xff\xfe" + ("sep=,\n" + text(series(5), quote_all=True)).encode("utf-16-le")
    export = only(look(data, "Content interactions (1).csv"))
    assert (export.sums, codes(export)) == ({"interactions": 100}, ["TITLE_FROM_NAME"])
    refused(look(data, "apa.csv"), "UNKNOWN_HEADER")


def test_overview_platform_comes_from_the_account_where_the_title_is_silent(look):
    data = blocks(("Views", series(3)))
    assert only(look(data)).platform is None
    assert only(look(data, registry=REGISTRY, accounts=["fb-dinkes"])).accounts[0].account_id == "fb-dinkes"
    mixed = only(look(blocks(("Instagram reach", series(3))), registry=REGISTRY, accounts=["fb-dinkes"]))
    assert codes(mixed) == ["WRONG_ACCOUNT"]


def test_wrapped_lines_are_unwrapped_and_flagged(look):
    lines = text(instagram()).split("\n")[:-1]
    export = only(look(plain([[line] for line in lines], eol="\r\n", quote_all=True)))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["UNWRAPPED"], 12)
    assert export.sums == only(look(plain(instagram()))).sums


def test_a_wrapped_file_longer_than_what_shows_its_header_keeps_its_last_row(look):
    export = only(look(plain([[text([r])[:-1]] for r in instagram(95)], quote_all=True)))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["UNWRAPPED"], 95)


def test_wrapped_rows_under_a_sound_header_are_unwrapped_too(look):
    lines = text([[c.replace("\n", " ") for c in r] for r in instagram()]).split("\n")[:-1]
    export = only(look(text([[line] for line in lines], delimiter=";", eol="\r\n").encode()))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["UNWRAPPED"], 12)


def test_overview_saved_again_by_a_spreadsheet_is_still_read(look):
    rows = [["Facebook follows", ""], *series(6), ["", ""], ["Instagram follows", ""], *series(4), ["", ""]]
    sums = [{"follows_gained": 150}, {"follows_gained": 60}]
    local = [["Facebook follows"], ["Date", "Primary"], *[[f"{i:02d}/01/2026 00.00", "2"] for i in range(1, 8)]]
    assert [e.sums for e in look(text(rows, delimiter=";", eol="\r\n").encode())] == sums
    tabs = "sep=,\t\r\n" + text(rows, delimiter="\t", eol="\r\n")
    assert [e.sums for e in look(b"\xff\xfe" + tabs.encode("utf-16-le"))] == sums
    assert [e.sums for e in look(workbook(rows), "Follows.xlsx")] == sums
    assert [e.rows["day"].to_list()[-1] for e in look(text(local, delimiter=";").encode())] == [date(2026, 1, 7)]
    export = only(look(workbook(series(5)), "Reach.xlsx"))
    assert (export.n_rows, codes(export)) == (5, ["TITLE_FROM_NAME"])


# --- clocks


def test_the_repeated_hour_is_settled_by_the_id_else_by_the_first():
    wall = datetime(2026, 11, 1, 1, 30)
    later = datetime(2026, 11, 1, 9, 29, tzinfo=UTC)
    assert to_utc(wall, "America/Los_Angeles") == (datetime(2026, 11, 1, 8, 30, tzinfo=UTC), True)
    assert to_utc(wall, "America/Los_Angeles", later) == (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), False)


def test_an_hour_that_never_was_moves_on():
    assert to_utc(datetime(2026, 3, 8, 2, 30), "America/Los_Angeles")[0] == datetime(2026, 3, 8, 10, 30, tzinfo=UTC)


def test_a_printed_time_before_its_short_code_is_refused(look):
    records = instagram(5)
    records[2][6] = pacific(datetime(2026, 3, 1, tzinfo=UTC))
    refused(look(plain(records)), "DATE_INVALID")


@pytest.mark.parametrize("count", [1, 4, 10])
def test_scheduled_posts_are_flagged_be_it_all_of_them(look, count):
    records = instagram(10)
    for row, moment in zip(records[1 : 1 + count], range(10), strict=False):
        row[6] = pacific(datetime(2026, 5, 10, tzinfo=UTC) + timedelta(days=moment))
    export = only(look(plain(records)))
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["CLOCK_DIFFERS"], 10)


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "UTC", "America/New_York"])
@pytest.mark.parametrize("count", [2, 10])
def test_times_of_another_zone_are_refused_for_all_are_late_by_the_same_hours(look, zone, count):
    records = instagram(count)
    for row in records[1:]:
        printed = datetime.strptime(row[6], "%m/%d/%Y %H:%M").replace(tzinfo=ZoneInfo("America/Los_Angeles"))
        row[6] = printed.astimezone(ZoneInfo(zone)).strftime("%m/%d/%Y %H:%M")
    refused(look(plain(records)), "DATE_INVALID")


# --- properties


CELLS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\r"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_the_tokeniser_gives_back_what_was_written(records, delimiter):
    written = text(records, delimiter=delimiter, quote_all=True)
    assert [cells for _, cells in tokenise(written, Dialect(delimiter))] == records


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(len(IG_EN))), st.sampled_from(",;\t"), st.booleans(), st.booleans())
def test_column_order_delimiter_and_language_change_nothing(look, order, delimiter, indonesian, quote_all):
    records = [[r[i] for i in order] for r in instagram(header=IG_ID if indonesian else IG_EN)]
    export = only(look(plain(records, delimiter=delimiter, quote_all=quote_all)))
    truth = only(look(plain(instagram())))
    assert (export.outcome, export.sums, export.first, export.last) == ("accepted", truth.sums, truth.first, truth.last)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.binary(min_size=0, max_size=2), st.integers(0, 3))
def test_damage_anywhere_is_read_or_refused_and_never_raises(look, position, change, cut):
    data = plain(instagram(4))
    position %= len(data)
    for export in look(data[:position] + change + data[position + cut :]):
        assert export.outcome in ("accepted", "flagged", "refused", "held")
        assert export.messages or export.rows is not None


# --- words


@pytest.mark.parametrize("code", TEXTS)
def test_every_message_speaks_both_languages(code):
    said = message(code, "x", "y" * 100)
    assert said.id.endswith(".") and said.en.endswith(".") and said.id != said.en and len(said.seen) <= 40


def test_the_page_of_messages_is_current():
    assert docs.FILE.read_text(encoding="utf-8") == docs.text(), "run: python -m pipeline.exports.docs"


def test_what_was_seen_is_shown_harmless():
    assert escape("a\n\u202eb\x1b[31m") == "a\\n\\u202eb\\x1b[31m"


@pytest.mark.parametrize("form", all_formats(), ids=lambda f: f.kind)
def test_every_format_declares_what_the_reader_needs(form):
    assert form.grain in (*GRAINS, "register")
    assert all(d.all_of or d.any_of or d.first_column or d.positional or d.titles for d in form.detect)
    assert form.grain != "audience" or form.dimension


META = """
meta.content.facebook.post meta.content.facebook.video meta.content.facebook.post_2021_2022 meta.content.instagram.post
meta.content.instagram.story meta.overview.daily meta.overview.audience meta.overview.content_formats
meta.legacy.page_insights.page meta.legacy.page_insights.post meta.legacy.page_insights.video
meta.dyi.instagram.past_insights
""".split()  # noqa: SIM905


@pytest.mark.parametrize("kind", META)
def test_every_kind_of_metas_catalogue_is_a_format_with_a_sample(kind):
    assert kind in {f.kind for f in all_formats()}
    assert list((Path(__file__).parent / "samples" / kind).rglob("expected.json"))
