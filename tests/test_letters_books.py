"""Workbooks and hand-ins: typed, inert, sourced; bounds instead of sums, and nothing called checked that nobody checked."""

import dataclasses
import io
from datetime import date

import openpyxl
import polars as pl
import pytest

from pipeline.html.locale import Words
from pipeline.letters import books, handins
from pipeline.letters.origin import opened
from pipeline.letters.workbook import Book, Column
from tests.one_version import HOSTILE


@pytest.fixture(scope="module")
def made(home):
    with opened(home) as found:
        yield found


def read(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def cells(book: openpyxl.Workbook):
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row]


def header_of(sheet) -> list:
    return [cell.value for cell in sheet[int(sheet.freeze_panes[1:]) - 1]]


def test_the_months_workbook_is_typed_frozen_and_sourced(made):
    book = read(books.month(made))
    assert not [cell for cell in cells(book) if cell.data_type == "f"]
    assert all(sheet.freeze_panes for sheet in list(book)[:-2])
    league = book.worksheets[0]
    head = header_of(league)
    place = head.index("Tanggapan")
    value = next(row[place] for row in league.iter_rows(min_row=int(league.freeze_panes[1:])) if row[place].value is not None)
    assert value.data_type == "n"
    sources = {(row[0].value, row[1].value): row[3].value for row in book.worksheets[-1].iter_rows()}
    assert sources[(league.title, value.coordinate)].startswith("agency_window:vs_expected:agency_id=")


@pytest.mark.parametrize("said", [HOSTILE, "=1+1", "+1", "@SUM(A1)", "-2", "http://contoh.invalid", "0812", '=HYPERLINK("x")'])
def test_text_from_outside_stays_text(made, said):
    book = Book(made, made.sheet("id"), said)
    book.table("Uji", [Column("a"), Column(said)], [[said, said]])
    loaded = read(book.close())
    assert not [c for c in cells(loaded) if c.data_type == "f" or c.hyperlink]
    assert {c.data_type for c in loaded.worksheets[0][loaded.worksheets[0].max_row]} == {"s"}


def test_what_is_not_known_is_an_empty_cell(made):
    book = Book(made, made.sheet("id"), "Uji")
    book.table("Uji", [Column("a"), Column("b", "integer"), Column("c", "change")], [["x", None, 1.25], ["y", 0, None]])
    sheet = read(book.close()).worksheets[0]
    assert [[c.value for c in row] for row in sheet.iter_rows(min_row=int(sheet.freeze_panes[1:]))] == [
        ["x", None, 0.25],
        ["y", 0, None],
    ]


def test_a_book_of_one_agency_holds_its_posts_only(made):
    one = made.facts.listed[0]
    book = read(books.agency(made, one))
    posts = book["Unggahan"]
    assert posts.max_row - int(posts.freeze_panes[1:]) + 1 == max(1, made.facts.of("marts.post_list", one["agency_id"]).height)


def test_one_workbook_twice_is_the_same_bytes(made):
    assert books.month(made) == books.month(made)


def test_people_are_bounded_by_one_post_and_by_the_sum(made):
    found = handins.people(made, made.month.year)
    reach = made.tables.sql(
        "SELECT reach FROM core.posts WHERE is_counted AND platform IN ('facebook', 'instagram') AND year(published_on) = $y",
        y=made.month.year,
    )["reach"].drop_nulls()
    assert (found.lower, found.upper) == (reach.max(), reach.sum()) and found.lower < found.upper
    sheet = read(handins.book(made))["IKK LPPD"]
    said = [c.value for row in sheet.iter_rows() for c in row]
    assert "belum diperiksa" in " ".join(map(str, said)) and "tidak dapat disebut; tulis kedua batasnya" in said


def test_a_year_without_posts_has_no_bounds(made):
    assert handins.people(made, 1999) == handins.People(None, None, 0, 0, None, None)


def test_the_trained_share_never_passes_one_and_counts_nobody_unknown():
    rows = [
        {"participants": 5, "communicators": 6},
        {"participants": 9, "communicators": 6},
        {"participants": 3, "communicators": None},
    ]
    assert handins.trained_share(rows) == (11, 12, 1)


def test_the_size_of_accounts_is_told_only_where_there_are_enough():
    few = pl.DataFrame({"followers": [1, 2, 3], "engagement": [1, 2, 3]})
    many = pl.DataFrame({"followers": list(range(20)), "engagement": [i * i for i in range(19)] + [None]})
    assert handins.size_correlation(few) == (None, 3)
    assert handins.size_correlation(many) == (1.0, 19)


@pytest.mark.parametrize(
    ("by", "today", "due"),
    [
        ("03-31", date(2026, 3, 31), date(2026, 3, 31)),
        ("03-31", date(2026, 4, 1), date(2027, 3, 31)),
        (10, date(2026, 12, 11), date(2027, 1, 10)),
        (None, date(2026, 1, 1), None),
    ],
)
def test_the_next_due_day(by, today, due):
    entry = handins.calendar()[0].model_copy(update={"by": by})
    assert entry.due(today) == due


def test_nothing_is_called_checked_that_nobody_checked():
    words = Words("id")
    assert {row[3] for row in handins.listing(words, date(2026, 11, 1))} == {"belum diperiksa"}
    entry = handins.calendar()[0].model_copy(update={"checked": date(2026, 5, 1)})
    assert handins.state(entry, words) == "diperiksa 1 Mei 2026"


def test_every_link_names_the_file_that_proves_it(made):
    rows = handins.links(made, made.month.year)
    assert rows and all(len(row["sha256"]) == 64 and row["permalink"].startswith("http") for row in rows)


def test_english_books_speak_english(made):
    sheet = read(books.month(dataclasses.replace(made), "en")).worksheets[0]
    assert header_of(sheet)[:4] == ["Agency", "Peer group", "Posts judged", "Response"]


def test_text_that_goes_on_below_has_a_row_that_is_high_enough(made):
    """A viewer that fits no heights by itself would print lines over one another."""
    book = read(books.month(made))
    page = book["Metode"]
    long = [cell for row in page.iter_rows() for cell in row if cell.alignment.wrap_text and len(str(cell.value)) > 220]
    assert long and all(page.row_dimensions[cell.row].height >= 3 * 15 for cell in long)
    said = [
        cell for row in book["Perangkat daerah"].iter_rows() for cell in row if cell.alignment.wrap_text and cell.column == 15
    ]
    heights = book["Perangkat daerah"].row_dimensions
    assert all((heights[c.row].height or 15) >= 15 * len(str(c.value)) / 60 for c in said)
