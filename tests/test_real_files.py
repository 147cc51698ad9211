"""What real exports do that a strict reader once refused or misplaced, and its relatives in the other formats."""

import csv
import inspect as source
import io
import json
import os
import re
import zipfile
from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest
import xlsxwriter

from pipeline import registry
from pipeline.engine import connections
from pipeline.exports import Job, contents, guards, read, read_many, workbook
from pipeline.exports.messages import AGAIN, TEXTS
from pipeline.exports.report import report, shape
from pipeline.formats import Table, all_formats, by_kind, meta, rules
from pipeline.intake import inbox, ledger
from pipeline.settings import Workspace
from tests import fake_exports
from tests.exports_in_tests import BOM, FB_EN, IG_EN, archive, days, facebook, instagram, youtube
from tests.test_formats import CASES

KNOWN = registry.frame(
    "accounts",
    [
        {"account_id": "a-ig", "platform": "instagram", "agency_id": "dinkes", "handle": "dinkes.simulasi"},
        {"account_id": "b-ig", "platform": "instagram", "agency_id": "disdik", "handle": "disdik.simulasi"},
        {"account_id": "a-fb", "platform": "facebook", "agency_id": "dinkes", "platform_account_id": "100000000000001"},
        {"account_id": "a-li", "platform": "linkedin", "agency_id": "dinkes", "handle": "dinkes"},
        {"account_id": "k-li", "platform": "linkedin", "agency_id": "dinkes", "handle": "kadinkes", "holder": "person"},
    ],
)
REGISTRY = SimpleNamespace(accounts=KNOWN, mappings=())


def csv_of(table: list[list[str]]) -> bytes:
    quoted = [",".join('"' + c.replace('"', '""') + '"' if re.search(r'[",\n]', c) else c for c in row) for row in table]
    return BOM + ("\n".join(quoted) + "\n").encode()


def put(path, data: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def look(tmp_path, data: bytes, name: str = "berkas.csv", accounts=(), known=None):
    """Read alone and among others, which must agree."""
    path = put(tmp_path / name, data)
    alone = read(path, registry=known, accounts=accounts)
    (many,) = read_many([Job(path, accounts=accounts)], registry=known, few=0, small=0)
    said = [[(e.outcome, e.n_rows, [m.code for m in e.messages]) for e in found] for found in (alone, many)]
    assert said[0] == said[1]
    return alone


def codes(export) -> list[str]:
    return [m.code for m in export.messages]


# --- rows that are no rows


@pytest.mark.parametrize(
    ("kind", "link"),
    [("tiktok_business_video", "undefined"), ("x_account_content", "https://x.com/a/status/undefined"), ("yt_table_content", "")],
)
def test_a_row_that_names_no_post_and_bears_no_figure_is_left_out_and_counted(tmp_path, kind, link):
    form = by_kind(kind)
    samples = (path.read_bytes() for f in CASES if f.parent.name == kind for path in f.glob("*.csv"))
    data = next(d for d in samples if b"Showing top" not in d)
    data = data.rstrip(b"\r\n") + b"\n" if b"\r\n" not in data else data
    text, end = data.decode("utf-8-sig"), "\r\n" if b"\r\n" in data else "\n"
    header = text.splitlines()[0].split(",")
    columns = [form.column_for(h.strip('"').casefold()) for h in header]
    cells = [link if c and c.field == "permalink" else "0" if c and c.kind == "count" else "" for c in columns]
    (plain,) = read(put(tmp_path / "a.csv", data))
    (export,) = look(tmp_path, data + (",".join(cells) + end).encode(), "b.csv")
    assert (export.n_rows, export.dropped.get("placeholder")) == (plain.n_rows, 1)
    cells[next(i for i, c in enumerate(columns) if c and c.kind == "count")] = "7"
    (bad,) = look(tmp_path, data + (",".join(cells) + end).encode(), "c.csv")
    assert (bad.outcome, bad.rows) == ("refused", None)


@pytest.mark.parametrize(
    "link", ["", "undefined", "https://www.tiktok.com/@a/video/undefined", "https://www.tiktok.com/@a/video/"]
)
def test_a_row_without_an_id_in_its_link_is_left_out(tmp_path, link):
    table = tiktok_top()
    (export,) = look(tmp_path, csv_of([*table[:2], ["20 Agustus", "", link, "", "0", "0", "0", "0"], *table[2:]]))
    assert (export.n_rows, export.dropped.get("placeholder")) == (4, 1)


# --- counters that can fall


def test_what_is_counted_by_day_may_fall_and_is_flagged(tmp_path):
    table = days()
    table[3][table[0].index("Likes")] = "-4"
    (export,) = look(tmp_path, csv_of(table))
    assert (export.outcome, codes(export)) == ("flagged", ["BELOW_ZERO"]) and export.rows["likes"].min() == -4


def test_what_a_post_brought_may_be_net_of_who_left_again(tmp_path):
    table = instagram()
    table[3][IG_EN.index("Follows")] = "-1"
    (export,) = look(tmp_path, csv_of(table))
    assert (export.outcome, codes(export), export.sums["follows_gained"]) == ("flagged", ["BELOW_ZERO"], 10)


def test_a_total_since_publication_may_not(tmp_path):
    table = instagram()
    table[3][IG_EN.index("Likes")] = "-4"
    assert codes(look(tmp_path, csv_of(table))[0]) == ["NOT_A_COUNT"]


def test_no_number_of_people_or_total_may_be_negative_in_any_format():
    for form in all_formats():
        for column in form.columns:
            if column.kind == "count" and (not column.is_additive or (form.grain == "post" and not form.period_sums)):
                is_net = column.field.endswith("follows_gained")  # what a post brought may be net of who left again
                assert column.falls in ("never", "freely", *(["flagged"] if is_net else [])), (form.kind, column.field)


# --- hard rules


def test_the_table_of_hard_rules_is_current_and_gives_a_reason_for_each():
    assert rules.FILE.read_text(encoding="utf-8") == rules.text(), "run: python -m pipeline.formats.rules"
    for form in all_formats():
        assert all(r.because for r in form.rules if r.hard), form.kind
        assert all(why for _, _, why in rules.rows(form)), form.kind


def test_a_hook_that_refuses_declares_what_and_why():
    for form in all_formats():
        if form.finish is not None and "notes.refuse(" in source.getsource(source.getmodule(form.finish)):
            body = source.getsource(form.finish)
            said = set(re.findall(r'notes\.refuse\("(\w+)"', body)) | ({"IMPLAUSIBLE"} if "_lifetime_only(" in body else set())
            assert said <= {code for code, _ in form.refuses}, form.kind


def test_the_clock_of_one_account_seen_is_no_rule_where_the_id_is_exact(tmp_path):
    """The one TikTok Business account that was seen printed UTC; another may print its own time, all posts or some."""
    at = datetime(2026, 8, 1, 3, 7, 5, tzinfo=UTC)
    head = ["Video title", "Video link", "Post time", "Video views", "Likes", "Comments", "Shares", "Add to Favorites"]
    link = f"https://www.tiktok.com/@dinkes/video/{(int(at.timestamp()) << 32) | 777}"
    (export,) = look(tmp_path, csv_of([head, ["Satu", link, "2026/08/01 10:07:05", "1200", "30", "2", "1", "4"]]))
    assert (export.outcome, export.rows["published_at"][0]) == ("accepted", at)
    (far,) = look(tmp_path, csv_of([head, ["Satu", link, "2026/08/02 10:07:05", "1200", "30", "2", "1", "4"]]), "b.csv")
    assert codes(far) == ["DATE_INVALID"], "no clock is 31 hours ahead"


def test_numbers_that_contradict_each_other_are_sent_on_where_refused_and_kept_where_flagged(tmp_path):
    table = facebook()
    table[2][FB_EN.index("Reactions, Comments and Shares")] = "999"
    (refused,) = look(tmp_path, csv_of(table))
    assert codes(refused) == ["IMPLAUSIBLE"] and AGAIN["unknown"][0] in refused.messages[0].id
    table = instagram()
    table[3][IG_EN.index("Reach")] = "99999"
    (flagged,) = look(tmp_path, csv_of(table), "b.csv")
    assert (
        codes(flagged) == ["IMPLAUSIBLE"] and AGAIN["kept"][0] in flagged.messages[0].id and "unduh" not in flagged.messages[0].id
    )


# --- two accounts, one file


def overview(*blocks: tuple[str, list[str]]) -> bytes:
    lines = ["sep=,"]
    for title, rows in blocks:
        lines += [f'"{title}"', '"Date","Primary"', *rows, ""]
    return b"\xff\xfe" + ("\n".join(lines) + "\n").encode("utf-16-le")


WEEK = [f'"2024-02-0{d}T00:00:00","{d}"' for d in range(1, 8)]


@pytest.mark.parametrize(
    ("titles", "platforms"),
    [
        (("Follows", "Instagram follows"), ["facebook", "instagram"]),
        (("Reach", "Instagram reach"), ["facebook", "instagram"]),
        (("Jangkauan", "Jangkauan Facebook"), ["instagram", "facebook"]),
        (("Suka baru Halaman Facebook", "Pengikut Instagram baru"), ["facebook", "instagram"]),
        (("Facebook Page visits", "Instagram profile visits"), ["facebook", "instagram"]),
    ],
)
def test_a_block_is_its_titles_platforms_whatever_the_folder(tmp_path, titles, platforms):
    exports = look(tmp_path, overview(*((t, WEEK) for t in titles)), accounts=("a-ig", "a-fb"), known=REGISTRY)
    assert [(e.platform, e.outcome) for e in exports] == [(p, "accepted") for p in platforms]
    for given in ("a-ig", "a-fb"):
        own, other = sorted(
            look(tmp_path, overview(*((t, WEEK) for t in titles)), accounts=(given,), known=REGISTRY),
            key=lambda e: e.rows is None,
        )
        assert own.outcome == "accepted" and (other.outcome, codes(other)) == ("held", ["COPY_ALSO"])
        assert "jangan dipindahkan" in other.messages[0].id


BODIES = {  # what stands under a title of each kind
    "meta.overview.daily": ['"Date","Primary"', *WEEK],
    "meta.overview.content_formats": ['"Reels","Live"', '"900","350"'],
    "matrix": ['"","Women","Men"', '"18-24","12.3%","4%"'],
    "rows": ['"Bogor, Indonesia","Depok, Indonesia"', '"40.1","12"'],
    "pairs": ['"Top cities","Value"', '"Bogor, Indonesia","40.1%"'],
    "total": ['"FB_PAGE,FOLLOW,UNIQUE_USERS"', '"12345"'],
}
OVERVIEW = [(f.kind, t) for f in all_formats() if f.blocks for t in sorted({t for d in f.detect for t in d.titles})]
OURS_BY_USE = {"follows", "viewers", "penonton", "pemirsa"}  # bare, and Facebook's in every file seen
INSTAGRAMS_BY_USE = {"reach", "jangkauan"}  # bare, and told where a folder makes them Facebook's


def titled(*blocks: tuple[str, list[str]]) -> bytes:
    lines = [line for title, rows in blocks for line in (f'"{title}"', *rows, "")]
    return b"\xff\xfe" + ("\n".join(["sep=,", *lines]) + "\n").encode("utf-16-le")


def body(kind: str, title: str) -> list[str]:
    return BODIES[meta._audience_of(Table([], title=title))[1] if kind == "meta.overview.audience" else kind]


@pytest.mark.parametrize(("kind", "title"), OVERVIEW)
def test_a_title_that_names_its_platform_beats_the_folder_and_another_follows_it(tmp_path, kind, title):
    plain, data = title.casefold(), titled((title, body(kind, title)))
    stated = next((p for p in ("facebook", "instagram") if p in plain or (p == "facebook" and plain in OURS_BY_USE)), None)
    for account, platform in (("a-fb", "facebook"), ("a-ig", "instagram")):
        (export,) = look(tmp_path, data, accounts=(account,), known=REGISTRY)
        assert export.kind == kind
        if stated not in (None, platform):
            assert (export.platform, export.rows, codes(export)) == (stated, None, ["WRONG_ACCOUNT"])
            continue
        is_told = kind == "meta.overview.daily" and plain in INSTAGRAMS_BY_USE and platform == "facebook"
        assert (export.platform, export.owned.account_id) == (platform, account)
        assert codes(export) == (["PLATFORM_BY_PLACE"] if is_told else [])


def test_a_bare_title_is_told_by_those_beside_it_even_if_one_of_them_is_damaged(tmp_path):
    broken = [*WEEK[:3], '"2024-02-04T00:00:00","4', *WEEK[4:]]
    bare, _ = look(tmp_path, overview(("Reach", WEEK), ("Instagram reach", broken)), accounts=("a-ig", "a-fb"), known=REGISTRY)
    assert (bare.member, bare.platform, bare.outcome) == ("#Reach", "facebook", "accepted")
    blocks = [("Facebook followers by top cities", BODIES["pairs"]), ("Top countries", BODIES["rows"])]
    found = look(tmp_path, titled(*blocks), accounts=("a-ig",), known=REGISTRY)
    assert [(e.platform, e.rows, codes(e)) for e in found] == [("facebook", None, ["WRONG_ACCOUNT"])] * 2


OTHER = [line.replace('","', '","9') for line in WEEK]


@pytest.mark.parametrize(
    ("titles", "kept"),
    [
        (("Views", "Views"), []),
        (("Views", "Facebook views", "Instagram views"), ["#Facebook views"]),
        (("Reach", "Jangkauan"), []),
    ],
)
def test_two_answers_for_one_account_are_none_unless_a_title_says_which(tmp_path, titles, kept):
    exports = look(tmp_path, overview(*zip(titles, (WEEK, OTHER, WEEK), strict=False)), accounts=("a-fb",), known=REGISTRY)
    assert [e.member for e in exports if e.rows is not None] == kept
    assert any("TITLE_TWICE" in codes(e) for e in exports)
    same = look(tmp_path, overview(*((t, WEEK) for t in titles)), accounts=("a-fb",), known=REGISTRY)
    assert not any("TITLE_TWICE" in codes(e) for e in same)
    cities = titled(("Top cities", BODIES["rows"]), ("Top cities", [BODIES["rows"][0], '"41","12"']))
    assert [codes(e) for e in look(tmp_path, cities, accounts=("a-fb",), known=REGISTRY)] == [["TITLE_TWICE"]] * 2


def test_an_unknown_title_is_named(tmp_path):
    unknown = look(tmp_path, overview(("Facebook Page reach", WEEK), ("Jumlah tepuk tangan", WEEK)))[1]
    assert codes(unknown) == ["UNKNOWN_HEADER"] and "Jumlah tepuk tangan" in unknown.messages[0].id


@pytest.mark.parametrize("values", ["Primary", "Utama", "Pengunjung baru"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_block_that_nobody_knows_refuses_itself_and_not_its_neighbours(tmp_path, values, at):
    blocks = [("Facebook visits", ['"Date","Primary"', *WEEK]), ("Instagram reach", ['"Date","Primary"', *WEEK])]
    blocks.insert(at, ("Minat baru", [f'"Tanggal","{values}"', *WEEK]))
    exports = look(tmp_path, titled(*blocks))
    assert [(e.member, e.outcome) for e in exports if e.rows is not None] == [
        ("#Facebook visits", "accepted"),
        ("#Instagram reach", "accepted"),
    ]
    (unknown,) = (e for e in exports if e.rows is None)
    assert codes(unknown) == ["UNKNOWN_HEADER"] and "Minat baru" in unknown.messages[0].id


def test_a_damaged_block_is_told_by_its_line_in_the_file(tmp_path):
    broken = [*WEEK[:3], '"2024-02-04T00:00:00","4', *WEEK[4:]]
    data = overview(("Facebook reach", WEEK), ("Instagram reach", broken))
    (export,) = (e for e in look(tmp_path, data) if e.rows is None)
    line = next(n for n, text in enumerate(data.decode("utf-16").splitlines(), 1) if text.endswith('","4'))
    assert export.messages[0].place == f"baris/line {line}"


@pytest.mark.parametrize("cut", [1, 3, 41])
def test_a_text_cut_inside_a_letter_keeps_its_whole_blocks(tmp_path, cut):
    whole = overview(("Facebook reach", WEEK), ("Instagram reach", WEEK))
    exports = look(tmp_path, whole[:-cut])
    assert [(e.member, e.outcome, codes(e)) for e in exports] == [
        ("#Facebook reach", "accepted", []),
        ("#Instagram reach", "refused", ["TRUNCATED"]),
    ]
    (single,) = look(tmp_path, overview(("Facebook reach", WEEK))[:-cut])
    assert codes(single) == ["TRUNCATED"]


def test_a_sheet_for_every_month_is_no_second_candidate(tmp_path):
    def book(*months):
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as out:
            for number, table in enumerate(months):
                page = out.add_worksheet(f"Bulan {number}")
                for row, cells in enumerate(table):
                    page.write_row(row, 0, cells)
        return buffer.getvalue()

    table = instagram(10)
    exports = look(tmp_path, book(table[:6], [IG_EN, *table[6:]]), "a.xlsx", ("a-ig",), REGISTRY)
    assert [(e.outcome, e.n_rows) for e in exports] == [("accepted", 5), ("accepted", 5)]
    exports = look(tmp_path, book(table[:6], [IG_EN, *table[5:]]), "b.xlsx", ("a-ig",), REGISTRY)
    assert [codes(e) for e in exports] == [["UNREADABLE_CELL"]] * 2, "one post stands in both"


def test_a_damaged_block_refuses_itself(tmp_path):
    broken = [*WEEK[:3], '"2024-02-04T00:00:00","4', *WEEK[4:]]
    exports = look(tmp_path, overview(("Facebook reach", broken), ("Instagram reach", WEEK)))
    assert [(e.member, e.outcome) for e in exports] == [("#Facebook reach", "refused"), ("#Instagram reach", "accepted")]


# --- a bad sheet, member or table, and its neighbours

METRICS_AND_POSTS = next(f for f in CASES if f.parent.name == "linkedin_page_content_metrics" and f.name == "xlsx")


def edited(data: bytes, changes: dict[str, tuple[bytes, bytes]]) -> bytes:
    """A workbook of which parts were changed: part -> what of it is replaced by what, once."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in book.namelist():
            part = book.read(name)
            for old, new in [changes[name]] if name in changes else []:
                assert old in part, (name, part[:2000])
                part = part.replace(old, new, 1)
            target.writestr(name, part)
    return out.getvalue()


SHEET_DAMAGE = {
    "a number that is none": (b"<v>", b"<v>1_0"),
    "a cell twice": (b"</row>", b'<c r="A1"/><c r="A1"/></row>'),
    "a row of another number": (b'r="B2"', b'r="B9"'),
    "a row number that is none": (b"<sheetData>", b'<sheetData><row r="x"/>'),
    "too many rows": (b"</sheetData>", b'<row r="200001"><c r="A200001"><v>1</v></c></row></sheetData>'),
    "torn markup": (b"</sheetData>", b""),
}


@pytest.mark.parametrize("damage", SHEET_DAMAGE)
@pytest.mark.parametrize("number", [1, 2])
def test_a_damaged_sheet_refuses_itself_and_never_its_neighbour(tmp_path, number, damage):
    (path,) = METRICS_AND_POSTS.glob("*.xlsx")
    whole = {e.member: e for e in read(path)}
    data = edited(path.read_bytes(), {f"xl/worksheets/sheet{number}.xml": SHEET_DAMAGE[damage]})
    found = {e.member: e for e in look(tmp_path, data, path.name)}
    bad, good = ("sheet:Metrics", "sheet:All posts")[:: 1 if number == 1 else -1]
    assert found.keys() == whole.keys() == {bad, good}
    assert (found[bad].outcome, found[bad].rows) == ("refused", None)
    assert codes(found[bad]) == ["TOO_LARGE" if "too many" in damage else "UNREADABLE_CELL"]
    assert found[good].outcome == whole[good].outcome and found[good].rows.equals(whole[good].rows)


def test_what_sheets_share_refuses_the_workbook(tmp_path):
    (path,) = METRICS_AND_POSTS.glob("*.xlsx")
    dtd = edited(path.read_bytes(), {"xl/worksheets/sheet1.xml": (b"<worksheet", b"<!DOCTYPE x []><worksheet")})
    assert [(e.member, codes(e)) for e in look(tmp_path, dtd, "dtd.xlsx")] == [("", ["ACTIVE_CONTENT"])]
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for name in ("Satu", "Dua"):
        book.add_worksheet(name).write_row(0, 0, ["teks", 1])
    book.close()
    beyond = edited(out.getvalue(), {"xl/worksheets/sheet1.xml": (b't="s"><v>0', b't="s"><v>7')})
    assert [(e.member, codes(e)) for e in look(tmp_path, beyond, "teks.xlsx")] == [("", ["UNREADABLE_CELL"])]


def test_a_damaged_sheet_of_the_older_xml_refuses_itself_too():
    sheet = (
        '<Worksheet ss:Name="{}"><Table><Row><Cell><Data ss:Type="String">a</Data></Cell></Row>'
        '<Row{}><Cell><Data ss:Type="Number">{}</Data></Cell></Row></Table></Worksheet>'
    )
    for bad in (("", "1_0"), (' ss:Index="x"', "1"), (' ss:Index="200001"', "1")):
        sheets = sheet.format("Satu", "", 1) + sheet.format("Dua", *bad) + sheet.format("Tiga", "", 3)
        data = f'<?xml version="1.0"?><Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">{sheets}</Workbook>'
        found = workbook.read(data.encode(), "spreadsheetml", guards.Limits())
        assert [s.name for s in found] == ["Satu", "Dua", "Tiga"] and [s.refused is None for s in found] == [True, False, True]
        assert [s.records for s in found] == [[(1, ["a"]), (2, ["1"])], [], [(1, ["a"]), (2, ["3"])]]


def test_a_bad_member_refuses_itself_and_not_the_archive(tmp_path):
    good = csv_of(instagram(4))
    bad = [b"", b"\x00" * 40, b"%PDF-1.7", b"{}", good[:-30], b'{"organic_insights_posts": [{"media_map_data": 3}]}']
    found = look(tmp_path, archive(("0.csv", good), *((f"{i}.csv", b) for i, b in enumerate(bad, start=1))), "a.zip")
    assert [e.outcome for e in found] == ["accepted", *["refused"] * len(bad)]


def test_a_mistake_of_ours_in_one_member_costs_that_member(tmp_path, monkeypatch):
    original = contents.prepare

    def mistaken(table, source, *more):
        if source.member == "b.csv":
            raise ZeroDivisionError("uji")
        return original(table, source, *more)

    monkeypatch.setattr(contents, "prepare", mistaken)
    path = put(tmp_path / "a.zip", archive(*((f"{n}.csv", csv_of(instagram(4))) for n in "abc")))
    (found,) = read_many([Job(path)], few=9)
    assert [(e.member, e.outcome) for e in found] == [("a.csv", "accepted"), ("b.csv", "refused"), ("c.csv", "accepted")]


# --- lines that a spreadsheet wrapped


def wrapped(lines: list[str], separator: str = ";") -> str:
    return "\r\n".join('"' + x.replace('"', '""') + '"' if '"' in x or separator in x else x for x in lines) + "\r\n"


@pytest.mark.parametrize("separator", [";", "\t"])
def test_lines_of_which_some_were_wrapped_are_unwrapped(tmp_path, separator):
    table = facebook(4)
    table[2][FB_EN.index("Title")] = 'Posyandu, minggu ini\nSenin, Puskesmas A\n\n"Gratis" untuk semua'
    data = csv_of(table)
    (plain,) = look(tmp_path, data)
    (export,) = look(tmp_path, BOM + wrapped(data.decode("utf-8-sig").splitlines(), separator).encode(), "simpan.csv")
    assert (export.outcome, codes(export)) == ("flagged", ["UNWRAPPED"])
    assert export.rows.drop("row_number").equals(plain.rows.drop("row_number"))


def test_a_header_that_needed_no_quotes_hides_no_wrapped_row(tmp_path):
    table = days(4)  # only the dates hold a comma
    table[0][0], header = "Date", ",".join(table[0])
    lines = [header, *(",".join(f'"{c}"' if "," in c else c for c in row) for row in table[1:])]
    (export,) = look(tmp_path, wrapped(lines).encode())
    assert (export.outcome, codes(export), export.n_rows) == ("flagged", ["UNWRAPPED"], 4)


def opened_and_saved(lines: list[str], separator: str) -> list[list[str]]:
    """The cells that a spreadsheet of another list separator makes of lines whose first field needs no quotes."""
    return [line.split(separator) for line in lines]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_lines_are_unwrapped_where_captions_hold_the_separator_and_rows_were_padded(tmp_path, separator):
    table = instagram()
    for row in table[1:]:
        row[4] = f"Halo{separator} warga, ayo\nke{separator} posyandu"
    cells = opened_and_saved(csv_of(table).decode("utf-8-sig").splitlines(), separator)
    width = max(map(len, cells))
    padded = io.StringIO()
    csv.writer(padded, delimiter=separator, lineterminator="\r\n").writerows([*row, *[""] * (width - len(row))] for row in cells)
    (export,) = look(tmp_path, padded.getvalue().encode(), "a.csv")
    assert (codes(export), export.n_rows, export.sums["likes"]) == (["UNWRAPPED"], 12, 198)
    assert export.rows["caption"].to_list() == [row[4] for row in table[1:]]
    if separator == ";":  # what a workbook was split by is not written in it; a spreadsheet of ours splits by this
        book = io.BytesIO()
        with xlsxwriter.Workbook(book, {"in_memory": True}) as out:
            page = out.add_worksheet()
            for row, line in enumerate(cells):
                page.write_row(row, 0, line)
        (export,) = look(tmp_path, book.getvalue(), "a.xlsx")
        assert export.rows["caption"].to_list() == [row[4] for row in table[1:]]


def test_a_leading_date_that_lost_its_quotes_is_put_together_where_all_rows_show_it(tmp_path):
    bare = csv_of(days()).removeprefix(BOM).decode().replace('"', "")
    whole, (export,) = read(put(tmp_path / "a.csv", csv_of(days())))[0], look(tmp_path, bare.encode(), "b.csv")
    assert (codes(export), export.sums, export.first, export.last) == (["UNWRAPPED"], whole.sums, whole.first, whole.last)
    (odd,) = look(tmp_path, bare.replace(", 2026,909", ", 2026,9,09").encode(), "c.csv")
    assert codes(odd) == ["BAD_STRUCTURE"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_titled_blocks_are_unwrapped_too(tmp_path, separator):
    blocks = overview(("Facebook reach", WEEK), ("Jangkauan Instagram", WEEK)).decode("utf-16")
    lines = blocks.splitlines()[1:]  # with its first line a spreadsheet would have known the separator
    exports = look(tmp_path, BOM + wrapped(lines, separator).encode())
    assert [(e.platform, e.outcome, codes(e), e.n_rows) for e in exports] == [
        (platform, "flagged", ["UNWRAPPED"], 7) for platform in ("facebook", "instagram")
    ]


# --- a table kept without the archive that tells its period

VIDEOS = youtube(
    [["aaaaaaaaaaa", "Lama", "Dec 20, 2025", "60", "90", "1"], ["bbbbbbbbbbb", "Baru", "Jan 3, 2026", "60", "50", "1"]]
)
PERIOD = (date(2026, 1, 1), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("a-yt/Table data.csv", None),
        ("a-yt/Table data 2026-01-01_2026-01-31.csv", PERIOD),
        ("a-yt/Content 2026-01-01_2026-01-31 Dinkes Simulasi/Table data.csv", PERIOD),
        ("2026-02-02/a-yt/Table data.csv", None),
    ],
)
def test_a_loose_table_has_the_period_that_its_name_or_the_unpacked_folder_tells(tmp_path, name, period):
    path = put(tmp_path / name, csv_of(VIDEOS))
    for few in (0, 9):
        ((export,),) = read_many([Job(path, name=name)], few=few, small=few << 20)
        assert (export.period, export.rows["value_scope"].to_list()) == (
            period,
            ["period", "lifetime"] if period else ["unknown", "unknown"],
        )
        assert (export.outcome, codes(export)) == (("accepted", []) if period else ("flagged", ["PERIOD_UNKNOWN"]))


@pytest.mark.parametrize(
    "better", ["Table data 2026-01-01_2026-01-31.csv", "Content 2026-01-01_2026-01-31 Dinkes/Table data.csv"]
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_whose_period_is_told_later_is_read_again(workspace, better, order):
    """The advice is followed: the copy with a period in its name has the same bytes, and the first one may stay."""
    for name in ("Table data.csv", better)[::order]:
        put(workspace.inbox / "2026-02-02/a-yt" / name, csv_of(VIDEOS))
        ledger.ingest(workspace, fake_exports.registers(), now=datetime(2026, 11, 23), settle_seconds=0)
    with connections.open_raw(workspace) as con:
        found = con.execute("SELECT value_scope, count(*) FROM raw.post_snapshots GROUP BY ALL ORDER BY 1").fetchall()
    assert found == [("lifetime", 1), ("period", 1)]


@pytest.mark.parametrize(
    "name",
    [
        "Table data 2026-01-01..2026-01-31.csv",
        "2026-01-01 - 2026-01-31.csv",
        "Tabel 2026-01-01 s.d. 2026-01-31.csv",
        "2026-01-01 sampai 2026-01-31/Table data.csv",
        "2026-01-01_2026-01-31/Data tabel.csv",
    ],
)
def test_a_period_may_be_written_as_people_write_it(tmp_path, name):
    path = put(tmp_path / name, csv_of(VIDEOS))
    (export,) = read(path, name=name)
    assert export.period == (date(2026, 1, 1), date(2026, 1, 31)) and "PERIOD_UNKNOWN" not in codes(export)


# --- a year that the ids tell


def tiktok_top(year: int = 2026, day: str = "20 Agustus") -> list[list[str]]:
    head = ["Time", "Video title", "Video link", "Post time", "Total likes", "Total comments", "Total shares", "Total views"]
    rows = []
    for n in range(1, 5):
        number = (int(datetime(year, 8, n, 3, tzinfo=UTC).timestamp()) << 32) | 777
        rows.append([day, f"Judul {n}", f"https://www.tiktok.com/@dinkes/video/{number}", f"{n} Agustus", "30", "2", "1", "1200"])
    return [head, *rows]


def test_the_newest_post_tells_the_year_of_an_export_if_one_year_only_fits(tmp_path):
    seen = {"first_seen": datetime(2026, 12, 1, tzinfo=UTC)}
    for name, table in (("a", tiktok_top()), ("b", tiktok_top(2025))):
        put(tmp_path / f"{name}.csv", csv_of(table))
    (dated,), (open_,) = (read(tmp_path / f"{name}.csv", **seen) for name in "ab")
    assert (dated.outcome, dated.captured_at.date(), dated.captured_from) == ("accepted", date(2026, 8, 20), "file")
    assert (open_.outcome, codes(open_)) == ("held", ["YEAR_UNKNOWN"]), "of 2025 or of 2026"


# --- the legacy export of videos


def test_a_legacy_video_keeps_its_video_views_through_the_night(workspace):
    sample = next(f for f in CASES if f.parent.name == "meta.legacy.page_insights.video")
    (path,) = sample.glob("*.csv")
    put(workspace.inbox / "2026-02-02/a-fb" / path.name, path.read_bytes())
    known = fake_exports.registers(fake_exports.accounts(("a-fb", "facebook", "dinkes", "123456789012")))
    ledger.ingest(workspace, known, now=datetime(2026, 11, 23), settle_seconds=0)
    posts = fake_exports.tables(workspace, "core.posts", known=known)["core.posts"]
    kept = posts.select("account_id", "post_id", "post_type", "video_views", "views", "exposure").rows()
    assert kept == [("a-fb", "123456789012_987654321", "video", 77, None, None)], "video views are not the views of posts"


@pytest.mark.parametrize("more", [(), ("Countries", "Languages", "Audience Targeting")])
def test_a_legacy_video_export_is_not_taken_for_that_of_posts(tmp_path, more):
    sample = next(f for f in CASES if f.parent.name == "meta.legacy.page_insights.video")
    header, *rows = csv.reader(next(sample.glob("*.csv")).read_text("utf-8-sig").splitlines())
    table = [[*header[:4], *more, *header[4:]], *([*row[:4], *("" for _ in more), *row[4:]] for row in rows)]
    (export,) = look(tmp_path, csv_of(table))
    assert (export.kind, export.sums) == ("meta.legacy.page_insights.video", {"video_views": 77})


# --- who is blamed


def test_excel_is_named_only_where_the_file_bears_its_marks(tmp_path):
    table = instagram()
    table[4][IG_EN.index("Likes")] = "banyak"
    (plain,) = look(tmp_path, csv_of(table))
    assert AGAIN["unknown"][0] in plain.messages[0].id and "Excel" not in plain.messages[0].id + plain.messages[0].en
    text = "\n".join(";".join(c.replace("\n", " ").replace('"', "") for c in row) for row in table) + "\n"
    (saved,) = look(tmp_path, text.encode(), "x.csv")
    assert "Excel" in saved.messages[0].id
    (lost,) = look(tmp_path, csv_of(table).removeprefix(BOM), "y.csv")
    assert "Excel" in lost.messages[0].id


@pytest.mark.parametrize("cell", ["01/03/2026 10.00", "kemarin", "46080"])
def test_who_filled_in_a_sheet_is_told_to_mend_it_and_not_to_download_it(tmp_path, cell):
    sheet = "tautan;tayang;dicatat;teks;tayangan;reaksi;diteruskan;komentar\n"
    row = f"https://t.me/dinkes/12;{cell};2026-03-05;Halo;100;5;1;0\n"
    (export,) = look(tmp_path, (sheet + row).encode())
    assert export.kind == "template_telegram" and export.outcome == "refused"
    assert AGAIN["by_hand"][0] in export.messages[0].id and "unduh" not in export.messages[0].id.casefold()


def test_no_text_names_excel_by_itself():
    assert [code for code, t in TEXTS.items() if "Excel" in t.id + t.en] == ["UNWRAPPED"]


# --- an account may have several ids, a person's profile is nobody's page


def test_several_ids_of_one_account_are_parted_by_spaces(tmp_path):
    two = KNOWN.with_columns(
        pl.when(pl.col("account_id") == "a-fb").then(pl.lit("100000000000001 106900000000001")).otherwise("platform_account_id")
        .alias("platform_account_id")
    )  # fmt: skip
    page = next(f for f in CASES if f.parent.name == "meta.content.facebook.page_day" and f.name == "english")
    data = next(page.glob("*.csv")).read_bytes()
    (listed,) = look(tmp_path, data, accounts=("a-fb",), known=SimpleNamespace(accounts=two, mappings=()))
    assert (listed.outcome, listed.owned.account_id) == ("accepted", "a-fb")
    (new,) = look(tmp_path, data, accounts=("a-fb",), known=REGISTRY)
    assert (new.outcome, codes(new), new.owned.account_id) == ("flagged", ["ID_NOT_LISTED"], "a-fb")


def test_a_persons_profile_is_read_for_a_declared_person_only(tmp_path):
    folder = next(f for f in CASES if f.parent.name == "linkedin_member_aggregate")
    data = next(folder.glob("*.xlsx")).read_bytes()
    assert {(e.outcome, e.rows is None) for e in look(tmp_path, data, "a.xlsx", ("a-li",), REGISTRY)} == {("held", True)}
    assert {e.outcome for e in look(tmp_path, data, "a.xlsx", ("k-li",), REGISTRY)} == {"accepted"}


def test_a_persons_file_that_bears_a_name_is_no_account_to_be_added(tmp_path):
    folder = next(f for f in CASES if f.parent.name == "linkedin_member_aggregate")
    data = next(folder.glob("*.xlsx")).read_bytes()
    for accounts in (("a-li",), ()):
        exports = look(tmp_path, data, "AggregateAnalytics_Bu Siti_2026-08-01_2026-08-31.xlsx", accounts, REGISTRY)
        assert {(e.outcome, e.rows is None, tuple(codes(e))) for e in exports} == {("held", True, ("PERSONAL_PROFILE",))}


PAGE_DAYS = [["Page ID", "Page name", "Data comment", "Date", "Reach"]]
PAGE_DAYS += [[page, "A", "", f"09/0{d}/2026", "9"] for page in ("1069000000000011", "1069000000000022") for d in (1, 2, 3)]


def test_of_two_pages_that_nobody_knows_neither_is_the_folders(tmp_path):
    (export,) = look(tmp_path, csv_of(PAGE_DAYS[:6]), accounts=("a-fb",), known=REGISTRY)  # one of them has more days
    assert (export.outcome, export.rows, codes(export)) == ("held", None, ["UNKNOWN_ACCOUNT"])
    strangers = [[*r[:1], f"1784140000000{7 + i % 2}", f"siapa{i % 2}", *r[3:]] for i, r in enumerate(instagram(4)[1:])]
    (posts,) = look(tmp_path, csv_of([IG_EN, *strangers]), "b.csv", ("b-ig",), REGISTRY)
    assert (posts.outcome, posts.rows) == ("held", None)


def test_the_page_id_of_another_menu_is_no_new_account(tmp_path):
    (export,) = look(tmp_path, csv_of(PAGE_DAYS[:4]), accounts=("a-ig",), known=REGISTRY)
    assert (export.outcome, codes(export)) == ("refused", ["WRONG_ACCOUNT"])


def test_a_link_of_x_without_a_name_names_nobody(tmp_path):
    sample = next(f for f in CASES if f.parent.name == "x_account_content")
    data = re.sub(rb"(x\.com)/\w+/status", rb"\1/i/status", next(sample.glob("*.csv")).read_bytes())
    (export,) = look(tmp_path, data)
    assert export.rows is not None and export.rows["handle"].null_count() == export.n_rows


# --- empty exports


@pytest.mark.parametrize(
    "folder", [f for f in CASES if any(f.glob("*.csv")) and not f.parent.name.startswith(("register", "mapped"))], ids=str
)
def test_a_header_alone_is_an_export_of_every_format(tmp_path, folder):
    want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    data = (folder / want["file"]).read_bytes()
    if by_kind(want["exports"][0]["kind"]).blocks or not want["file"].endswith(".csv") or data[:2] == b"\xff\xfe":
        pytest.skip("titled blocks have a test of their own")
    if folder.name == "japanese" or any(d.header_row > 1 for d in by_kind(want["exports"][0]["kind"]).detect):
        pytest.skip("known by its rows, or below a title")
    accounts = want["options"].get("accounts", [])
    end = next(i for i, b in enumerate(data) if b == 10 and data[:i].count(b'"') % 2 == 0) + 1
    (export,) = look(tmp_path, data[:end], want["file"], accounts)
    assert (export.outcome, "NO_ROWS" in codes(export), export.kind) == ("flagged", True, want["exports"][0]["kind"])


# --- the night


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "w").create()


def known_to(workspace):
    return fake_exports.registers(KNOWN)


def entries(workspace):
    return ledger.status(workspace).select("account_id", "file_name", "outcome", "code").sort("account_id", "file_name").rows()


def night(workspace):
    return ledger.ingest(workspace, known_to(workspace), settle_seconds=0)


def test_the_account_that_the_file_names_keeps_its_rows_and_the_misplaced_copy_is_told(workspace):
    data = csv_of(instagram(handle="disdik.simulasi", account="17841400000000009"))
    put(workspace.inbox / "b-ig" / "asli.csv", data)
    put(workspace.inbox / "a-ig" / "salinan.csv", data)
    night(workspace)
    assert entries(workspace) == [
        ("a-ig", "salinan.csv", "refused", "MISPLACED_COPY"),
        ("b-ig", "asli.csv", "accepted", None),
    ] or entries(workspace) == [
        ("a-ig", "salinan.csv", "refused", "MISPLACED_COPY"),
        ("b-ig", "salinan.csv", "accepted", None),
    ]
    with connections.open_raw(workspace) as con:
        assert con.execute("SELECT count(*) FROM raw.post_snapshots").fetchall() == [(12,)]


def test_silent_accounts_that_send_the_same_bytes_each_have_their_entries(workspace):
    data = csv_of([IG_EN])
    for account in ("a-ig", "b-ig"):
        for month in ("Aug-01-2026_Aug-31-2026_1234567890123456", "Sep-01-2026_Sep-30-2026_1234567890123457"):
            put(workspace.inbox / account / f"{month}.csv", data)
    night(workspace)
    spans = ledger.status(workspace).select("account_id", "period_start", "period_end").sort(pl.all()).rows()
    august, september = (date(2026, 8, 1), date(2026, 8, 31)), (date(2026, 9, 1), date(2026, 9, 30))
    assert spans == [("a-ig", *august), ("a-ig", *september), ("b-ig", *august), ("b-ig", *september)]


def lapor() -> bytes:
    folder = next(f for f in CASES if f.parent.name == "hootsuite_inbox_resolved_conversations")
    return next(folder.glob("*.csv")).read_bytes()


def test_a_file_of_another_system_in_an_accounts_folder_stops_no_night(workspace):
    put(workspace.inbox / "a-ig" / "percakapan.csv", lapor())
    put(workspace.inbox / "a-ig" / "konten.csv", csv_of(instagram()))
    night(workspace)
    assert [(e[1], e[2]) for e in entries(workspace)] == [("konten.csv", "accepted"), ("percakapan.csv", "accepted")]


def test_a_workspace_that_holds_such_a_key_heals(workspace):
    put(workspace.inbox / "a-ig" / "percakapan.csv", lapor())
    night(workspace)
    with connections.open_raw(workspace) as con:
        con.execute("UPDATE raw.account_keys SET platform = 'hootsuite'")
    put(workspace.inbox / "a-ig" / "konten.csv", csv_of(instagram()))
    assert night(workspace).counts["accepted"] == 1


def test_a_collision_refuses_the_file_that_brings_it(workspace):
    put(workspace.inbox / "a-ig" / "konten.csv", csv_of(instagram()))
    night(workspace)
    with connections.open_raw(workspace) as con:
        con.execute("UPDATE raw.post_keys SET post_id = 'lain' WHERE post_key = (SELECT min(post_key) FROM raw.post_keys)")
    put(workspace.inbox / "a-ig" / "baru.csv", csv_of(instagram(13)))
    put(workspace.inbox / "b-ig" / "lain.csv", csv_of(instagram(3, account="17841400000000009", handle="disdik.simulasi")[:1]))
    report = night(workspace)
    assert [(e.file, e.outcome, codes(e)) for e in report.exports if e.file == "baru.csv"] == [
        ("baru.csv", "refused", ["SAME_KEY"])
    ]


def test_names_that_are_no_text_and_places_that_cannot_be_read_are_told(workspace, monkeypatch):
    strange = os.fsencode(workspace.inbox) + b"/a-ig/\xff\xfe.csv"
    (workspace.inbox / "a-ig").mkdir()
    with open(strange, "wb") as file:
        file.write(csv_of(instagram()))
    os.utime(put(workspace.inbox / "a-ig" / "rusak.csv", csv_of(days())), (1780000000, 1780000000))
    real = os.open

    def failing(path, *rest, **more):
        if os.fsencode(path).endswith(b"rusak.csv"):
            raise OSError(5, "Input/output error")
        return real(path, *rest, **more)

    monkeypatch.setattr(inbox.os, "open", failing)
    report = night(workspace)
    assert sorted((e.outcome, codes(e)) for e in report.exports) == [("accepted", []), ("refused", ["NOT_A_FILE"])]


def test_a_file_that_is_open_for_writing_is_not_read(workspace):
    path = put(workspace.inbox / "a-ig" / "konten.csv", b"")
    with open(path, "wb") as file:
        file.write(csv_of(instagram())[:900])
        file.flush()
        assert [codes(e) for e in night(workspace).exports] == [["STILL_CHANGING"]]
        file.write(csv_of(instagram())[900:])
    assert night(workspace).counts["accepted"] == 1


# --- what may be sent on


def test_a_report_shows_header_and_shapes_and_no_word_of_the_content(tmp_path):
    table = [["Kode", "Waktu", "Isi pesan"], ["A-1", "2026-01-01 10:00", "Terima kasih Bu Siti"]]
    path = put(tmp_path / "Siti.csv", csv_of(table))
    said = json.dumps(report(path, read(path)), ensure_ascii=False)
    assert "Isi pesan" in said and "UNKNOWN_HEADER" in said
    assert not any(word in said for word in ("Siti", "Terima", "A-1"))
    assert shape("Sel, 4 Agu 2026") == "a, 9 a 9999"


# --- zeros that nobody measured


@pytest.mark.parametrize(
    ("total", "new", "returning", "known"),
    [
        ("90", "60", "30", (60, 30)),
        ("90", "0", "90", (0, 90)),
        ("0", "0", "0", (0, 0)),
        ("90", "0", "0", (None, None)),  # who watched is new or returning: neither was measured
        ("undefined", "0", "0", (None, None)),
    ],
)
def test_viewers_that_are_neither_new_nor_returning_were_not_told_apart(tmp_path, total, new, returning, known):
    head = "Date,Total Viewers,New Viewers,Returning Viewers\n"
    rows = ["25 Agustus,80,50,30", "26 Agustus,85,45,40", f"27 Agustus,{total},{new},{returning}"]
    data = archive(("Viewers.csv", (head + "\n".join(rows) + "\n").encode()))
    (export,) = look(tmp_path, data, "Viewers_2026-08-25_1788134400_simulasi.bogor.zip")
    (one,) = [r for r in export.rows.to_dicts() if r["day"] == date(2026, 8, 27)]
    assert (one.get("new_viewers"), one.get("returning_viewers")) == known
