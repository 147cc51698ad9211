"""The text of each field of a header: nulls marked, columns of one field merged; and how a column is read cell by cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import values
from pipeline.exports.messages import Refused
from pipeline.exports.stack import Mask, Stack, laid_over
from pipeline.exports.text import SPACE
from pipeline.exports.workbook import Unreadable
from pipeline.formats import Column

TEXT_KINDS = ("text", "url", "enum", "time")
AS_TEXT = (*TEXT_KINDS, "count", "flag")  # kinds to which a typed cell of a workbook says no more than its text
Cells = list[tuple[int, str | None]]


@dataclass
class Field:
    """One canonical field of the tables of a stack.

    text: what its cells say, null where that means "not reported"; whole numbers where every cell was plain digits.
    objects: the same as typed cells of a workbook, where some are more than text. special: tables with such cells.
    """

    column: Column
    text: pl.Series
    objects: list[str | None] | None = None
    special: np.ndarray | None = None

    @property
    def is_text(self) -> bool:
        return self.column.kind in TEXT_KINDS

    def cells(self, stack: Stack, number: int) -> Cells:
        """(row number, text) of one table."""
        rows = stack.where(number)
        texts: Sequence[str | None] = self.text[rows].to_list() if self.objects is None else self.objects[rows]
        return list(zip(stack.lines[rows].tolist(), texts, strict=True))


def read_fields(stack: Stack) -> dict[str, Field]:
    """Per field: its column and its text, in the order of the header. Columns of one field are merged as it declares.

    Refuses: UNKNOWN_HEADER for text below no header and for two columns that disagree, UNREADABLE_CELL.
    """
    fields: dict[str, Field] = {}
    for at, (name, column) in enumerate(zip(stack.plan.header, stack.plan.columns, strict=True)):
        if column is None or column.kind in ("ignored", "person"):
            if not name.strip():
                text = stack.texts[at]
                filled = text.is_not_null() if text.dtype == pl.Int64 else text != ""
                stack.refuse_where(filled, lambda _: Refused("UNKNOWN_HEADER", seen="kolom tanpa judul/column without a header"))
            continue
        field = _field(stack, at, column, name)
        fields[column.field] = _merged(stack, name, fields[column.field], field) if column.field in fields else field
    return fields


def _field(stack: Stack, at: int, column: Column, name: str) -> Field:
    declared = column.nulls if column.nulls is not None else stack.plan.form.nulls
    marks = frozenset(("",) if column.kind in TEXT_KINDS else declared)
    if stack.objects is None:
        return Field(column, _text(stack.texts[at], column, marks))
    cells = stack.objects[at]
    if column.field == "caption":  # kept exactly; of every other text, spaces around it are no part
        said = [t or None for t in cells]
    elif column.kind in TEXT_KINDS:
        said = [values.bare(t) or None for t in cells]
    else:
        said = [None if values.blank(t, marks) else t for t in cells]
    field = Field(column, pl.Series(said, dtype=pl.String), said)
    if not set(map(type, cells)) <= {str}:
        _look_at_cells(stack, field, name)
    return field


def _look_at_cells(stack: Stack, field: Field, name: str) -> None:
    """Refuses error cells and formulas without a value (A23), and finds the tables whose cells say more than their text."""
    said = field.objects or []
    unreadable = np.array([isinstance(t, Unreadable) for t in said], dtype=bool)
    stack.refuse_where(
        unreadable,
        lambda row: Refused("UNREADABLE_CELL", place=values.place_of(name, int(stack.lines[row])), seen=str(said[row])),
    )
    if field.column.kind not in AS_TEXT:
        field.special = stack.with_any(np.array([t is not None and type(t) is not str for t in said], dtype=bool))


def _text(text: pl.Series, column: Column, marks: frozenset[str]) -> pl.Series:
    """As :func:`_field` does for cells, for whole columns of text."""
    if text.dtype == pl.Int64:
        return text if "" in marks or not text.null_count() else text.cast(pl.String).fill_null("")
    if column.field == "caption":
        return text.set(text == "", None)
    if column.kind in TEXT_KINDS:
        text = text.str.strip_chars(SPACE)
        return text.set(text == "", None)
    if "" not in marks:
        text = text.fill_null("")
    nothing = text.is_in(list(marks)) | text.str.strip_chars(SPACE).is_in(list(marks))
    return text.set(nothing, None)


def _merged(stack: Stack, name: str, first: Field, second: Field) -> Field:
    if second.column.repeated == "longest":
        longer = second.text.str.len_chars().fill_null(0) > first.text.str.len_chars().fill_null(0)
        return Field(second.column, second.text.zip_with(longer, first.text))
    stack.refuse_where(
        first.text.ne_missing(second.text),
        lambda row: Refused(
            "UNKNOWN_HEADER",
            place=values.place_of(name, int(stack.lines[row])),
            seen=f"{first.text[row]} / {second.text[row]}",
        ),
    )
    return Field(second.column, first.text, first.objects, first.special)


Quick = tuple[pl.Series, Mask]


def settle(
    stack: Stack, field: Field, dtype: Any, slow: Callable[[int, Cells], Sequence[Any]], quick: Callable[[], Quick]
) -> pl.Series:
    """A column: ``quick`` gives what was read at once, and a mark per table, or per row, that has no plain reading.

    These are read by ``slow``, of table and cells. A table that it refuses is refused. Where all tables are such, or short,
    nothing is read at once.
    """
    alone = np.ones(len(stack.sizes), dtype=bool) if stack.is_short else field.special
    read: pl.Series | None = None
    if alone is None or not alone.all():
        read, odd = quick()
        tables = odd if isinstance(odd, np.ndarray) else stack.with_any(odd)
        alone = tables if alone is None else alone | tables
    rows: list[slice] = []
    found: list[Any] = []
    for number in np.flatnonzero(alone).tolist():
        rows.append(stack.where(number))
        try:
            cells = [] if stack.refused[number] else slow(number, field.cells(stack, number))
        except Refused as refused:
            stack.refuse(number, refused)
            cells = []
        found.extend(cells or [None] * int(stack.sizes[number]))
    return laid_over(read, rows, pl.Series(found, dtype=dtype))
