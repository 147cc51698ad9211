"""One text, one reading: what a date, a number, an id or a header may mean, cell by cell. Whole files: test_exports.py."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from pipeline.exports import dates, ownership, provenance, read, values, workbook
from pipeline.exports.messages import Refused
from pipeline.exports.recognise import recognise
from pipeline.exports.workbook import DayTime, Number
from pipeline.formats import Column, Detection, Format, Table
from tests.exports_in_tests import IG_EN, archive, instagram, plain, youtube

TODAY = date(2026, 11, 20)


def column(*texts):
    return list(enumerate(texts, start=2))


def read_dates(*texts, patterns=(), **around):
    return dates.read("Tanggal", column(*texts), patterns, dates.Around(**{"today": TODAY} | around))


def refuses(code, function, *args, **how):
    with pytest.raises(Refused) as refused:
        function(*args, **how)
    assert refused.value.code == code
    return refused.value


# --- dates


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("10/13/2026 1:05 PM", "%m/%d/%Y %-I:%M %p", datetime(2026, 10, 13, 13, 5)),
        ("10/13/2026 12:05 AM", "%m/%d/%Y %I:%M %p", datetime(2026, 10, 13, 0, 5)),
        ("10/13/2026 12:05 pm", "%m/%d/%Y %I:%M %p", datetime(2026, 10, 13, 12, 5)),
        ("13 Okt 26", "%d %b %y", datetime(2026, 10, 13)),
        ("2026-10-13T09:05:00+0700", "%Y-%m-%dT%H:%M:%S%z", datetime(2026, 10, 13, 2, 5)),
        ("2026-10-12T19:05:00-07:00", "%Y-%m-%dT%H:%M:%S%z", datetime(2026, 10, 13, 2, 5)),
        ("2026-10-13T02:05:00Z", "%Y-%m-%dT%H:%M:%S%z", datetime(2026, 10, 13, 2, 5)),
    ],
)
def test_a_date_is_read_by_its_pattern(text, pattern, moment):
    assert read_dates(text, patterns=[pattern]).values == [moment]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("10/13/2026 13:05 PM", "%m/%d/%Y %I:%M %p"),
        ("10/13/2026 0:05 AM", "%m/%d/%Y %-I:%M %p"),
        ("31 Feb 2026", "%d %b %Y"),
        ("13 Xyz 2026", "%d %b %Y"),
        ("21 Nov 2027", "%d %b %Y"),
        ("13 Okt 1999", "%d %b %Y"),
        ("2026-10-13T09:05:00+70:00", "%Y-%m-%dT%H:%M:%S%z"),
        ("2026-10-13T09:05:00+07:60", "%Y-%m-%dT%H:%M:%S%z"),
        ("2026-10-13T09:05:00-14:30", "%Y-%m-%dT%H:%M:%S%z"),
    ],
)
def test_a_date_that_is_none_is_refused(text, pattern):
    refuses("DATE_INVALID", read_dates, text, patterns=[pattern])


@pytest.mark.parametrize("cell", ["45678", "45678.5", Number("45678"), Number("20261013")])
def test_a19_a_serial_number_is_named_as_one_and_never_a_date(cell):
    assert "angka seri" in refuses("DATE_INVALID", read_dates, cell, patterns=["%Y%m%d"]).seen


def test_a18_a_period_that_holds_only_with_day_and_month_exchanged_refuses_the_pattern():
    period = (date(2026, 7, 1), date(2026, 7, 31))
    refuses("DATE_AMBIGUOUS", read_dates, "03/07/2026", "09/07/2026", patterns=["%m/%d/%Y"], period=period)
    assert read_dates("07/03/2026", patterns=["%m/%d/%Y"], period=period).values == [datetime(2026, 7, 3)]
    assert read_dates("03/07/2026", "03/14/2026", patterns=["%m/%d/%Y"], period=period).order == "pattern"


@pytest.mark.parametrize(
    ("around", "order"),
    [
        ({"clock": [datetime(2026, 7, 3, 5, tzinfo=UTC)] * 2}, "clock"),
        ({"period": (date(2026, 7, 1), date(2026, 7, 31))}, "period"),
        ({"daily": True}, "daily_run"),
        ({"date_order": "dmy"}, "date_order"),
    ],
)
def test_a18_each_evidence_settles_the_order_and_says_so(around, order):
    found = read_dates("03/07/2026", "04/07/2026", **around)
    assert (found.values, found.order) == ([datetime(2026, 7, 3), datetime(2026, 7, 4)], order)


def test_a18_a_reading_that_needs_the_future_is_none():
    found = read_dates("03/12/2026", "04/12/2026")
    assert (found.values, found.order) == ([datetime(2026, 3, 12), datetime(2026, 4, 12)], "past")


def test_a18_without_evidence_the_two_readings_are_shown():
    assert refuses("DATE_AMBIGUOUS", read_dates, "03/07/2026").seen == "03/07/2026: 2026-07-03 / 2026-03-07"


def test_date_cells_with_a_day_above_12_stand_as_they_are():
    cells = [DayTime("2026-03-07T00:00:00"), DayTime("2026-03-14T00:00:00")]
    assert read_dates(*cells, patterns=["%m/%d/%Y"]).values == [datetime(2026, 3, 7), datetime(2026, 3, 14)]
    refuses("DATE_AMBIGUOUS", read_dates, cells[0], patterns=["%m/%d/%Y"])


# --- numbers and ids


def fractions(*texts, negative=False, percent=False, share=False, places=None, delimiter=","):
    locale, cells = values.Locale(), column(*texts)
    values.find_locale([("Nilai", cells)], locale)
    values.settle_locale([("Nilai", cells)], locale, delimiter)
    return values.decimals("Nilai", cells, locale, negative=negative, percent=percent, share=share, places=places)


@pytest.mark.parametrize(
    ("texts", "how", "read"),
    [
        (("1.5", "1.234"), {}, [1.5, 1.234]),
        (("1,5", "1.234"), {}, [1.5, 1234.0]),
        (("1.234,5", "2.000"), {}, [1234.5, 2000.0]),
        (("1,234.5", "2,000"), {}, [1234.5, 2000.0]),
        (("1,234",), {"delimiter": ";"}, [1.234]),
        (("-1.5",), {"negative": True}, [-1.5]),
        (("12.5%", "3%"), {"share": True}, [0.125, 0.03]),
        (("12.5",), {"percent": True}, [0.125]),
        (("7", None), {}, [7.0, None]),
    ],
)
def test_a20_a_decimal_is_read_where_the_file_shows_its_mark(texts, how, read):
    assert fractions(*texts, **how) == read


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (("-1.5",), "IMPLAUSIBLE"),
        (("1.234",), "NUMBER_AMBIGUOUS"),
        (("1.5", "1,5"), "NUMBER_AMBIGUOUS"),
        (("1.2K",), "NOT_A_COUNT"),
        (("4.5%",), "NOT_A_COUNT"),
        ((workbook.Percent("0.045"),), "NOT_A_COUNT"),
        (("1.234.5",), "NUMBER_AMBIGUOUS"),
        (("1.234,567.8",), "NOT_A_COUNT"),
    ],
)
def test_a20_a_decimal_with_no_one_reading_is_refused(texts, code):
    refuses(code, fractions, *texts)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ((Number("179123456789012345"),), "ID_DESTROYED"),
        (("1.79E+17",), "ID_DESTROYED"),
        (("1791234567890123000", "1791234567890456000"), "ID_DESTROYED"),
        (("1220000000000010", "1220000000000020", "1220000000000430"), "ID_DESTROYED"),
        (("12200000000000100", "12200000000000200"), "ID_DESTROYED"),
        (("122000000000001000",), "ID_DESTROYED"),
        (("1220000000001000",), "ID_DESTROYED"),
        (("12a",), "ID_INVALID"),
    ],
)
def test_a16_an_id_that_a_spreadsheet_touched_is_refused(texts, code):
    refuses(code, values.ids, "ID", column(*texts), r"[0-9]+")


def test_a16_short_ids_may_be_numbers_and_one_round_id_is_no_damage():
    ids = column(Number("4711.0"), "1791234567890123000", "1791234567890123001", None)
    assert values.ids("ID", ids, r"[0-9]+") == ["4711", "1791234567890123000", "1791234567890123001", None]


@pytest.mark.parametrize(
    "texts",
    [
        ("1220000000000010", "1220000000000020"),  # one in a hundred such pairs ends so by chance
        ("1220000000000010", "1220000000000020", "1220000000000431"),
        ("12200000000000100", "12200000000000210"),
        ("122000000000001000", "100000000000001"),
        ("122000000000000",) * 4,
        ("12200000000000100",) * 4,  # an account, once per row
    ],
)
def test_a16_ids_that_end_in_zeros_by_chance_are_read(texts):
    assert values.ids("ID", column(*texts), r"[0-9]+") == list(texts)


@pytest.mark.parametrize(
    ("text", "seconds"), [("95\x1f", 95), ("1:02:03", 3723), ("2:03", 123), ("0:00:07.5", 7.5), ("95", 95), ("75:00", 4500)]
)
def test_a_duration_is_hours_minutes_seconds(text, seconds):
    assert values.durations("Durasi", column(text)) == [seconds]


@pytest.mark.parametrize("text", ["1:75:00", "2:3", "-5", "1h"])
def test_a_duration_that_is_none_is_refused(text):
    refuses("NOT_A_COUNT", values.durations, "Durasi", column(text))


# --- tables


@pytest.fixture
def look(tmp_path):
    def reader(records):
        path = tmp_path / "berkas.csv"
        path.write_bytes(plain(records))
        (export,) = read(path, accounts=["youtube"], first_seen=datetime(2026, 11, 20, 3, tzinfo=UTC))
        return export.outcome, [m.code for m in export.messages][:1], export.rows

    return reader


def test_a6_one_field_under_its_names_in_two_languages_refuses_the_file(look):
    records = instagram(4, [*IG_EN, "Suka"])
    assert look([records[0], *[[*r, r[13]] for r in records[1:]]]) == ("refused", ["UNKNOWN_HEADER"], None)


def test_a8_a_second_total_row_refuses_the_file(look):
    header, total, *rows = youtube([["Qx7_zLk2m-N", "Judul", "Oct 13, 2026", "60", "7", "0"]])
    assert look([header, total, *rows])[0] == "flagged"  # its period is not known
    assert look([header, total, *rows, total]) == ("refused", ["EXTRA_CONTENT"], None)


def test_a_post_without_its_printed_time_refuses_the_file(look):
    records = instagram(4)
    records[2][6] = ""
    assert look(records) == ("refused", ["BAD_STRUCTURE"], None)


def test_two_kinds_that_fit_equally_are_named_and_none_is_taken():
    def kind(name):
        fields = (Column("post_id", "id", ("Kode",)), Column("likes", "count", ("Suka",)))
        detect = (Detection(all_of=("Kode", "Suka")),)
        return Format(
            kind=name, platform="x", grain="post", title_id="-", title_en="-", menu_id="-", confidence="seen",
            columns=fields, detect=detect,
        )  # fmt: skip

    table = Table([(1, ["Kode", "Suka"]), (2, ["1", "2"])])
    assert recognise(table, "csv", [kind("satu")]).format.kind == "satu"
    for order in (["satu", "dua"], ["dua", "satu"]):
        refused = refuses("UNKNOWN_HEADER", recognise, table, "csv", [kind(n) for n in order])
        assert refused.seen == "dua = satu"


@pytest.mark.parametrize("name", ["Reach", "Impressions", "page_likes"])
def test_a_header_that_is_called_like_a_field_is_not_that_field(tmp_path, name):
    """Another tool's table of days, in the folder of a Facebook page: no kind of Facebook's knows these columns."""
    path = tmp_path / "alat.csv"
    path.write_bytes(plain([["Date", name, "Engagement"], ["2026-10-05", "400", "4.5"], ["2026-10-06", "410", "4.4"]]))
    (export,) = read(path, accounts=["facebook"], first_seen=SEEN)
    assert (export.outcome, [m.code for m in export.messages]) == ("refused", ["UNKNOWN_HEADER"])
    assert "Engagement" in export.proposal


def test_a13_entities_are_refused_before_the_parser_is_asked(tmp_path, monkeypatch):
    def asked(*_):
        raise AssertionError("the parser saw it")

    monkeypatch.setattr(workbook, "_ask_child", asked)
    path = tmp_path / "a.xlsx"
    sheet = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "ha">]><worksheet>&e;</worksheet>'
    path.write_bytes(archive(("xl/workbook.xml", b"<workbook/>"), ("xl/worksheets/sheet1.xml", sheet)))
    (export,) = read(path)
    assert [(m.code, m.place) for m in export.messages] == [("ACTIVE_CONTENT", "xl/worksheets/sheet1.xml")]


# --- whose and when

ACCOUNTS = ownership.Accounts(
    SimpleNamespace(
        accounts=pl.DataFrame(
            [
                {"account_id": "a", "platform": "instagram", "platform_account_id": "17841400000000001", "handle": "dinkes.satu"},
                {"account_id": "b", "platform": "instagram", "platform_account_id": None, "handle": "@Dinkes.Dua"},
                {"account_id": "c", "platform": "tiktok", "platform_account_id": None, "handle": "dinkes.satu"},
            ]
        )
    )
)


@pytest.mark.parametrize(
    ("platform", "number", "handle", "account"),
    [
        ("instagram", "17841400000000001", "nama.lama", "a"),
        ("instagram", None, "@DINKES.satu", "a"),
        ("instagram", "17841400000000009", "dinkes.satu", None),
        ("instagram", "17841400000000009", "dinkes.dua", "b"),
        ("instagram", None, "dinkes.tiga", None),
        ("tiktok", None, "dinkes.satu", "c"),
        ("facebook", None, "dinkes.satu", None),
    ],
)
def test_a26_an_account_is_known_by_its_number_then_by_its_name(platform, number, handle, account):
    assert ACCOUNTS.find(platform, number, handle) == account


SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
EARLIER, LATER = SEEN - timedelta(days=3), SEEN + timedelta(days=3)


@pytest.mark.parametrize(
    ("said", "moment", "source"),
    [
        ({"option": LATER}, LATER, "option"),
        ({"in_file": EARLIER, "folder": date(2026, 11, 1)}, EARLIER, "file"),
        ({"in_file": LATER}, SEEN, "first_seen"),
        ({"in_file": SEEN + timedelta(hours=5)}, SEEN, "file"),
        ({"file_name": provenance.Named(captured=LATER), "folder": date(2026, 11, 1)}, None, "folder"),
        ({"archive_name": provenance.Named(captured=EARLIER)}, EARLIER, "archive_name"),
        ({"folder": date(2026, 11, 20)}, SEEN, "folder"),
        ({"folder": date(2026, 11, 21)}, SEEN, "first_seen"),
        ({}, SEEN, "first_seen"),
    ],
)
def test_the_moment_of_the_export_is_the_best_statement_that_is_not_of_the_future(said, moment, source):
    nothing = {
        "option": None,
        "in_file": None,
        "file_name": provenance.Named(),
        "archive_name": provenance.Named(),
        "folder": None,
    }
    found = provenance.captured(**nothing | said, first_seen=SEEN)
    assert found == (moment or provenance.end_of_day(date(2026, 11, 1)), source)


@pytest.mark.parametrize(("exclusive", "last"), [(True, date(2026, 10, 31)), (False, date(2026, 11, 1))])
def test_a_period_in_a_name_ends_where_the_platform_means_it_to(exclusive, last):
    form = SimpleNamespace(file_names=(r"(?P<handle>\w+) (?P<first>\d{8})-(?P<last>\d{8})\.csv",), last_is_exclusive=exclusive)
    found = provenance.named(form, "folder/dinkes 20261001-20261101.csv")
    assert found == provenance.Named("dinkes", (date(2026, 10, 1), last), None)


@pytest.mark.parametrize("label", ["4.2", "12%", "1.2K", "3,4 rb", "1.234"])
def test_a29_a_group_that_is_called_by_a_number_refuses_the_table(look, label):
    """A row that moved by a column, or the total row under a number, would else count as one more country."""
    head = ["Geography", "Views", "Watch time (hours)"]
    rows = [["Total", "700", "20.0"], ["ID", "640", "18.5"], ["MY", "12", "0.25"]]
    assert look([head, *rows])[0] == "accepted"
    assert look([head, *rows, [label, "48", "1.25"]]) == ("refused", ["BAD_STRUCTURE"], None)


# --- workbooks


@pytest.mark.parametrize(
    "row",
    [
        '<row r="2"><c r="A3"><v>5</v></c></row>',
        '<row r="2"><c r="A2"><v>nan</v></c></row>',
        '<row r="2"><c r="A2"><v>1_0</v></c></row>',
    ],
)
def test_a23_a_cell_in_another_row_or_without_a_number_refuses_the_workbook(tmp_path, row):
    from benchmarks.hostile import sheet_parts

    path = tmp_path / "a.xlsx"
    path.write_bytes(sheet_parts('<row r="1"><c r="A1" t="inlineStr"><is><t>Date</t></is></c></row>' + row))
    (export,) = read(path)
    assert [m.code for m in export.messages] == ["UNREADABLE_CELL"]


def test_a23_a_number_that_is_none_in_spreadsheetml_refuses_the_workbook(tmp_path):
    space = 'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    cell = '<Row><Cell><Data ss:Type="Number">12x</Data></Cell></Row>'
    path = tmp_path / "a.xls"
    path.write_text(f'<?xml version="1.0"?><Workbook {space}><Worksheet ss:Name="A"><Table>{cell}</Table></Worksheet></Workbook>')
    (export,) = read(path)
    assert [m.code for m in export.messages] == ["UNREADABLE_CELL"]


def test_a_numeric_cell_stays_known_as_one():
    """Its decimal mark is a dot, so 1.234 has one reading; the same text in a text cell has two."""
    from pipeline.exports.guards import Limits
    from tests.exports_in_tests import workbook as book_of

    data = book_of([["Nilai", "Teks"], ["5", "5x"]], extra=lambda _, page: page.write_number(2, 0, 1.234))
    (sheet,) = workbook.read(data, "xlsx", Limits())
    assert [type(cells[0]) for _, cells in sheet.records[1:]] == [Number, Number]
    assert values.decimals(
        "Nilai", [(3, sheet.records[2][1][0])], values.Locale(), negative=False, percent=False, share=False, places=None
    ) == [1.234]
