"""Real workbooks: typed cells, frozen headers, a sheet with the method and one with the sources of every number.

Text is written as text and never looked at: a name that begins with `=` is a name. Numbers are numbers, dates are dates, so a
spreadsheet can sort and add them; what is not known is an empty cell, never a zero.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from pipeline.html.escape import tampil
from pipeline.letters.origin import Origin
from pipeline.pages import common
from pipeline.pages.sheet import Sheet, Shown

FORMATS = {
    "text": {},
    "integer": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.00"},
    "times": {"num_format": '"×"0.00'},
    "percent": {"num_format": "0%"},
    "change": {"num_format": "+0%;-0%;0%"},  # the cell holds change − 1
    "day": {"num_format": "yyyy-mm-dd"},
    "month": {"num_format": "yyyy-mm"},
}
LONGEST = 32_000  # characters that a cell holds
LINE = 15  # points; spreadsheets that are only converted do not fit the height of wrapped rows by themselves


@dataclass(frozen=True)
class Column:
    """`kind` is one of FORMATS; `width` in characters; text of a `wrapped` column goes on below."""

    label: str
    kind: str = "text"
    width: float = 14
    wrapped: bool = False


@dataclass
class Book:
    """A workbook in the making; `sources` collects what each traced cell rests on."""

    origin: Origin
    sheet: Sheet
    title: str
    sources: list[tuple[str, str, Any, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._out = io.BytesIO()
        safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
        self._book = xlsxwriter.Workbook(self._out, safe)
        self._book.set_properties({"title": self.title, "created": self.origin.built_at, "author": "Terukur"})
        base = {"font_name": "Calibri", "valign": "top"}
        self._formats = {kind: self._book.add_format({**base, **said}) for kind, said in FORMATS.items()}
        self._wrapped = self._book.add_format({**base, "text_wrap": True})
        head = {**base, "bold": True, "bg_color": "#EEF3F0", "bottom": 1, "text_wrap": True}
        self._head = self._book.add_format(head)
        self._big = self._book.add_format({**base, "bold": True, "font_size": 14})
        self._warn = self._book.add_format({**base, "bold": True, "font_color": "#7A4700", "bg_color": "#FFF3D6"})

    def table(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], *notes: str) -> None:
        """A sheet: title, label of simulated data, notes, header, rows. The header stays in view and filters."""
        page = self._book.add_worksheet(name[:31])
        top = self._opening(page, name, notes)
        for place, column in enumerate(columns):
            page.write_string(top, place, column.label, self._head)
            page.set_column(place, place, column.width)
        page.set_row(top, LINE * max(lines(column.label, column.width) for column in columns))
        last = top
        for row in rows:
            last += 1
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._cell(page, name[:31], last, place, column.kind, value)
            self._lowered(page, last, columns, row)
        page.freeze_panes(top + 1, 1)
        page.autofilter(top, 0, max(last, top + 1), len(columns) - 1)
        page.repeat_rows(top)
        self._on_a4(page)

    def _on_a4(self, page: Any) -> None:
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)

    def _lowered(self, page: Any, row: int, columns: Sequence[Column], values: Sequence[Any]) -> None:
        """Text of wrapped columns goes on below, in a row that is high enough."""
        wrapped = {place: (c, values[place]) for place, c in enumerate(columns) if c.wrapped and values[place]}
        for place, (_, value) in wrapped.items():
            page.write_string(row, place, tampil(str(value))[:LONGEST], self._wrapped)
        if wrapped:
            page.set_row(row, LINE * max(lines(str(value), column.width) for column, value in wrapped.values()))

    def _opening(self, page: Any, name: str, notes: Sequence[str]) -> int:
        page.write_string(0, 0, f"{self.title} · {name}", self._big)
        row = 1
        if self.sheet.facts.simulated:
            page.write_string(row, 0, self.sheet.words.plain("SIMULATED DATA – not real figures"), self._warn)
            row += 1
        for line in filter(None, notes):
            page.write_string(row, 0, line[:LONGEST], self._formats["text"])
            row += 1
        return row + 1

    def _cell(self, page: Any, name: str, row: int, place: int, kind: str, value: Any) -> None:
        if isinstance(value, Shown):
            if value.figure:
                self.sources.append((name, xl_rowcol_to_cell(row, place), value.text, value.figure))
            value = value.value
        form = self._formats[kind]
        if value is None or value == "":
            page.write_blank(row, place, None, form)
        elif isinstance(value, bool):
            page.write_string(row, place, "ya" if value else "tidak", form)
        elif isinstance(value, int | float) and kind != "text":
            page.write_number(row, place, value - 1 if kind == "change" else value, form)
        elif isinstance(value, datetime | date):
            page.write_datetime(row, place, value, form)
        else:
            page.write_string(row, place, tampil(str(value))[:LONGEST], form)

    def close(self) -> bytes:
        """The method and the sources as the last two sheets, then the file's bytes."""
        w = self.sheet.words
        page = self._book.add_worksheet(w.plain("Method"))
        page.set_column(0, 0, 28)
        page.set_column(1, 1, 110)
        start = self._opening(page, w.plain("Method"), ())
        for row, (term, text) in enumerate([*common.method_terms(w), *self._identity()], start):
            page.write_string(row, 0, str(term), self._head)
            page.write_string(row, 1, str(text), self._wrapped)
            page.set_row(row, LINE * max(lines(str(term), 28), lines(str(text), 110)))
        self._on_a4(page)
        columns = [Column(w.plain("Sheet"), width=24), Column(w.plain("Cell")), Column(w.plain("As printed"))]
        columns.append(Column(w.plain("Id of the figure"), width=80))
        self.table(w.plain("Sources"), columns, list(self.sources), w.plain("terukur trace with an id lists files and rows."))
        self._book.close()
        return self._out.getvalue()

    def _identity(self) -> list[tuple[str, str]]:
        w, origin = self.sheet.words, self.origin
        return [
            (w.plain("Period"), self.sheet.period),
            (w.plain("Version"), f"{origin.version} · SHA-256 {origin.version_sha256}"),
            (w.plain("Archive"), f"SHA-256 {origin.archive} ({w.integer(origin.archive_files)})"),
        ]


def lines(text: str, width: float) -> int:
    """How many lines a text takes in a cell, rather one too many."""
    return max(1, -(-int(len(text) * 1.15) // int(width)))
