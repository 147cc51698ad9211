"""Plain rows of a worksheet are read at once or left to expat: never otherwise than expat reads them."""

import io
import random
import re
import zipfile
from datetime import datetime

import openpyxl
import pytest
import xlsxwriter

from pipeline.exports import guards, workbook
from pipeline.exports import workbook_child as child

CELLS = [
    "teks",
    "  spasi ",
    'a & b < c > d "e"',
    "baris\nbaru",
    "tab\tdi dalam",
    "🙏 terima kasih, Pak/Bu é",
    "_x000D_",
    "\x7f dihapus",
    "=1+1",
    "",
    None,
    0,
    12,
    -3.25,
    1e21,
    0.1,
    17912345678901234,
    True,
    datetime(2026, 3, 1),
    datetime(2026, 3, 1, 7, 45, 30),
]


def by_expat(data, *around):
    sheet = child.Sheet(*around)
    child.parse(data, sheet.start, sheet.end, sheet.text)
    return sheet


def facts(sheet):
    return sheet.rows, sheet.hidden_rows, sheet.hidden_columns, sheet.merges, sheet.widest


def sheet_parts(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        strings = child.read_strings(archive.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
        sheet = next(n for n in names if n.startswith("xl/worksheets/sheet"))
        return archive.read(sheet), (strings, child.read_styles(archive.read("xl/styles.xml")), False, 200_000, 5_000_000)


def by_xlsxwriter(rows, **options):
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm", "strings_to_formulas": False} | options
    )
    sheet = book.add_worksheet()
    for r, row in enumerate(rows):
        sheet.write_row(r, 0, row)
    book.close()
    return out.getvalue()


def by_openpyxl(rows):
    out = io.BytesIO()
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([f"'{c}" if isinstance(c, str) and c.startswith("=") else c for c in row])
    book.save(out)
    return out.getvalue()


def rows_of(seed, n=30):
    random_ = random.Random(seed)
    shape = [random_.choice(CELLS) for _ in range(9)]
    return [[random_.choice(CELLS) if random_.random() < 0.15 else cell for cell in shape] for _ in range(n)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "write", [by_xlsxwriter, by_openpyxl, lambda rows: by_xlsxwriter(rows, constant_memory=True, in_memory=False)]
)
def test_sheets_as_programs_write_them_read_the_same_both_ways(seed, write):
    data, around = sheet_parts(write(rows_of(seed)))
    quick = child.quick_sheet(data, *around)
    assert quick is not None
    assert facts(quick) == facts(by_expat(data, *around))


PIECES = [
    b'"',
    b"<",
    b">",
    b"&",
    b"&amp;",
    b"&#10;",
    b"&#0;",
    b"\r",
    b"\x00",
    b"\xff",
    b"</c>",
    b"<v>",
    b"</row>",
    b"<c ",
    b'r="A1"',
    b"1",
    b"s",
]
PIECES += [
    b"<f>1</f>",
    b' t="s"',
    b' t="d"',
    b' hidden="1"',
    b' r="2"',
    b"<!-- x -->",
    b"]]>",
    b"_x000D_",
    b"\xc3\xa9",
    b"\xe2\x80\xa8",
    b"<row/>",
]


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_sheet_is_never_read_otherwise_than_by_expat(seed):
    random_ = random.Random(seed)
    write = (by_xlsxwriter, by_openpyxl, lambda rows: by_xlsxwriter(rows, constant_memory=True, in_memory=False))[seed % 3]
    original, around = sheet_parts(write(rows_of(seed, 6)))
    quickly = 0
    inside = [m.end() for m in re.finditer(rb"<(v|t)[^>]*>", original)]
    for _ in range(250):
        data = original
        for at in [random_.choice(inside)] if random_.random() < 0.6 else random_.choices(range(len(data)), k=2):
            length = random_.choice([0, 0, 0, 1, 5, 20])
            data = data[:at] + random_.choice([b"", *PIECES]) + data[at + length :]
        try:
            expected = facts(by_expat(data, *around))
        except Exception as stop:  # a refusal, or what ends the child
            expected = stop
        try:
            quick = child.quick_sheet(data, *around)
        except Exception:
            assert isinstance(expected, Exception)
            continue
        if quick is not None:
            quickly += 1
            assert facts(quick) == expected, data
    assert quickly


def test_limits_hold_in_plain_sheets_too():
    data, (strings, kinds, *_) = sheet_parts(by_xlsxwriter([["a", "b"]] * 50))
    for limits in ((49, 5_000_000), (200_000, 99)):
        assert child.quick_sheet(data, strings, kinds, False, *limits) is None
        with pytest.raises(child.Stop):
            child.read_sheet(data, strings, kinds, False, *limits)


def test_a_large_workbook_goes_the_quick_way_with_the_same_cells(monkeypatch):
    data = by_xlsxwriter(rows_of(3, 1500), constant_memory=True, in_memory=False)
    quick = workbook.read(data, "xlsx", guards.Limits())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("xl/worksheets/sheet1.xml").file_size > child.QUICK_FROM
    monkeypatch.setattr(child, "QUICK_FROM", 1 << 40)
    slow = child.read_xlsx(data, workbook.MAX_ROWS, workbook.MAX_CELLS)
    expected = workbook._sheet(slow["sheets"][0], slow["epoch_1904"])
    assert [(r, [(type(c), c) for c in cells]) for r, cells in quick[0].records] == [
        (r, [(type(c), c) for c in cells]) for r, cells in expected.records
    ]


@pytest.mark.parametrize("text", ["garis\x1ebaris", "\x7f\x1e", "setengah \ud83d", "é\nb", ""])
def test_no_text_runs_into_the_next_row_or_sheet(text):
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for _ in range(3):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["é awal", "SISIPAN", "b"])
        sheet.write_row(4, 0, ["🙏", "akhir"])
    book.close()
    changed = io.BytesIO()
    written = re.sub(r"[\x7f\x1e\ud83d]", lambda m: f"_x{ord(m[0]):04X}_", text).encode()
    with zipfile.ZipFile(out) as archive, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in archive.namelist():
            target.writestr(name, archive.read(name).replace(b"SISIPAN", written))
    sheets = workbook.read(changed.getvalue(), "xlsx", guards.Limits())
    assert [s.records for s in sheets] == [[(1, ["é awal", text, "b"]), (5, ["🙏", "akhir"])]] * 3
