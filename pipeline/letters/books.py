"""The workbooks of a month: all agencies (a table to sort), the platforms, and one book per agency."""

from __future__ import annotations

from typing import Any

from pipeline.letters.origin import Origin
from pipeline.letters.workbook import Book, Column
from pipeline.pages import common, perangkat, ringkasan
from pipeline.pages.sheet import Sheet, Shown

WINDOW, SUMMARY, ACCOUNTS, PLATFORMS = ringkasan.WINDOW, perangkat.SUMMARY, perangkat.ACCOUNTS, ringkasan.PLATFORMS
TOTALS = ("posts", "engagement", "exposure", "followers")


def month(origin: Origin, language: str = "id") -> bytes:
    """Agencies, accounts, platforms and coverage of one month."""
    sheet = origin.sheet(language)
    w = sheet.words
    book = Book(origin, sheet, w.plain("Social media, {month}", month=w.month(origin.month)))
    league(book)
    account_table(book, sheet.facts.listed)
    totals(
        book,
        w.plain("Platforms"),
        PLATFORMS,
        sheet.facts.frames[PLATFORMS].sort("platform").to_dicts(),
        lambda row: [common.platform_name(row["platform"])],
        [Column(w.plain("Platform"), width=16)],
    )
    coverage(book, [a["agency_id"] for a in sheet.facts.listed])
    return book.close()


def agency(origin: Origin, found: dict[str, Any], language: str = "id") -> bytes:
    """One agency: its accounts, all its posts of the period, its coverage."""
    sheet = origin.sheet(language)
    book = Book(origin, sheet, f"{found['short']}, {sheet.words.month(origin.month)}")
    account_table(book, [found])
    posts(book, found)
    coverage(book, [found["agency_id"]])
    return book.close()


def league(book: Book) -> None:
    """All agencies by alphabet with intervals, and the range of places where one may be shown: to sort, never a bare rank."""
    sheet, w = book.sheet, book.sheet.words
    columns = [
        Column(w.plain("Agency"), width=26),
        Column(w.plain("Peer group"), width=22),
        Column(w.plain("Posts judged"), "integer"),
        Column(w.plain("Response"), "times"),
        Column(w.plain("lower (95%)"), "times"),
        Column(w.plain("upper (95%)"), "times"),
        Column(w.plain("Change"), "change"),
        Column(w.plain("lower (95%)"), "change"),
        Column(w.plain("upper (95%)"), "change"),
        Column(w.plain("Direction"), width=18),
        Column(w.plain("place from"), "integer"),
        Column(w.plain("place to"), "integer"),
        Column(w.plain("of"), "integer"),
        Column(w.plain("Days covered"), "percent"),
        Column(w.plain("Note"), width=60, wrapped=True),
    ]
    note = w.plain(
        "Places are ranges: two agencies whose ranges overlap cannot be told apart. What is empty is not known, not zero."
    )
    book.table(w.plain("Agencies"), columns, [_league_row(sheet, a) for a in sheet.facts.listed], note)


def _league_row(sheet: Sheet, agency: dict[str, Any]) -> list[Any]:
    w, window = sheet.words, agency["window"]
    is_judged = common.is_judged(agency)

    def cell(column: str, kind: str = "times", digits: int = 2) -> Shown | None:
        return sheet.number(WINDOW, window, column, kind, digits) if is_judged else None

    is_ranked = window.get("is_rank_shown")
    places = [cell(c, "integer", 0) if is_ranked else None for c in ("rank_lower", "rank_upper", "rank_group_size")]
    return [
        agency["short"],
        common.peer_label(agency["peer_group"], w),
        sheet.number(WINDOW, window, "n_posts"),
        *(cell(c) for c in ("vs_expected", "lower", "upper")),
        *(cell(c, "change", 0) for c in ("change", "change_lower", "change_upper")),
        common.direction_word(common.direction(agency), w),
        *places,
        sheet.number(WINDOW, window, "coverage", "percent"),
        "" if is_judged else str(common.state_reason(window, w)),
    ]


def account_table(book: Book, agencies: list[dict[str, Any]]) -> None:
    sheet, w = book.sheet, book.sheet.words
    names = {a["agency_id"]: a["short"] for a in agencies}
    rows = [r for a in agencies for r in sheet.facts.of(ACCOUNTS, a["agency_id"]).sort("platform", "account_id").to_dicts()]
    front = [Column(w.plain("Agency"), width=26), Column(w.plain("Platform")), Column(w.plain("Account"), width=24)]

    def said(row: dict[str, Any]) -> list[Any]:
        return [names[row["agency_id"]], common.platform_name(row["platform"]), row["account_id"]]

    totals(book, w.plain("Accounts"), ACCOUNTS, rows, said, front)


def totals(book: Book, name: str, table: str, rows: list[dict[str, Any]], front: Any, columns: list[Column]) -> None:
    """Totals with their changes. The unit of what was seen stands beside it, because three units are never added."""
    sheet, w = book.sheet, book.sheet.words
    labels = (w.plain("Posts"), w.plain("Interactions"), w.plain("Seen"), w.plain("Followers"))
    heads = [c for label in labels for c in (Column(label, "integer"), Column(w.plain("change"), "change", 10))]
    lines = []
    for row in rows:
        cells = [c for n in TOTALS for c in (sheet.number(table, row, n), sheet.number(table, row, f"{n}_change", "change"))]
        covered = sheet.number(table, row, "coverage", "percent")
        lines.append([*front(row), *cells, common.exposure_word(row["platform"], w), covered])
    last = [Column(w.plain("Seen, counted as")), Column(w.plain("Days covered"), "percent")]
    note = w.plain(
        "Changes only of accounts that are complete in both quarters. Rows of different platforms are not to be added up."
    )
    book.table(name, [*columns, *heads, *last], lines, note)


def posts(book: Book, agency: dict[str, Any]) -> None:
    """Every post of the period, as the page's CSV holds them."""
    sheet = book.sheet
    rows = sheet.facts.of(perangkat.POSTS, agency["agency_id"])
    rows = rows.sort("published_on", "post_key", descending=[True, False])
    made = perangkat.posts_table(sheet, rows.to_dicts())
    wide = {"caption": 70.0, "permalink": 40.0}
    columns = [
        Column(c.label, c.kind if c.kind in ("day", "integer", "times") else "text", wide.get(c.name, 14)) for c in made.columns
    ]
    book.table(sheet.words.plain("Posts"), columns, made.rows)


def coverage(book: Book, agencies: list[str]) -> None:
    """Which month of which account is covered."""
    sheet, w = book.sheet, book.sheet.words
    months = sheet.facts.months()
    columns = [Column(w.plain("Agency"), width=26), Column(w.plain("Account"), width=24)]
    columns += [Column(f"{month:%Y-%m}", width=12) for month in months]
    names = {a["agency_id"]: a["short"] for a in sheet.facts.agencies}
    lines = [
        [names[agency], row["label"], *(word for _, word in row["cells"])]
        for agency in agencies
        for row in perangkat.coverage_rows(sheet.facts, agency, months, sheet)
    ]
    book.table(w.plain("Coverage"), columns, lines)
