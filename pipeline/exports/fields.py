"""The text of each field of a header: nulls marked, columns of one field merged; and how a column is read cell by cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import values
from pipeline.exports.messages import Refused
from pipeline.exports.stack import Stack
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
    is_text = column.kind in TEXT_KINDS
    marks = frozenset(("",) if is_text else declared)
    field = Field(column, _text(stack.texts[at], column, marks))
    raw = stack.objects[at] if stack.objects is not None else []
    if stack.objects is None or set(map(type, raw)) <= {str}:
        return field
    if column.field == "caption":
        field.objects = [t or None for t in raw]
    elif is_text:
        field.objects = [values.bare(t) or None for t in raw]
    else:
        field.objects = [None if values.blank(t, marks) else t for t in raw]
    unreadable = np.array([isinstance(t, Unreadable) for t in field.objects], dtype=bool)
    stack.refuse_where(
        unreadable,
        lambda row: Refused("UNREADABLE_CELL", place=values.place_of(name, int(stack.lines[row])), seen=raw[row]),
    )
    if column.kind not in AS_TEXT:
        field.special = stack.with_any(np.array([type(t) is not str and t is not None for t in field.objects], dtype=bool))
    return field


def _text(text: pl.Series, column: Column, marks: frozenset[str]) -> pl.Series:
    """Text without its marks for "not reported"; spaces around it are part of a caption and of a value that is read later."""
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


def settle(
    stack: Stack,
    field: Field,
    quick: pl.Series,
    odd: pl.Series | np.ndarray,
    slow: Callable[[int, Cells], Sequence[Any]],
) -> pl.Series:
    """A column: what was read at once, and cell by cell (``slow`` of table and cells) where that has no plain reading.

    odd: tables that ``slow`` must read, or rows of such tables. A table that it refuses is refused.
    """
    tables = odd if isinstance(odd, np.ndarray) else stack.with_any(odd)
    if field.special is not None:
        tables = tables | field.special
    at: list[np.ndarray] = []
    found: list[Any] = []
    for number in np.flatnonzero(tables).tolist():
        if stack.refused[number] is not None:
            continue
        try:
            found.extend(slow(number, field.cells(stack, number)))
        except Refused as refused:
            stack.refuse(number, refused)
            continue
        rows = stack.where(number)
        at.append(np.arange(rows.start, rows.stop))
    if not at:
        return quick
    read = pl.Series(found, dtype=quick.dtype)
    return read if len(read) == len(quick) else quick.scatter(np.concatenate(at), read)
