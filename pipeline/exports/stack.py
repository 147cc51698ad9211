"""Tables of one header, one behind the other, on their way from text to values; each may be refused without its neighbours.

Rows are numbered through all tables. Every step is taken for all tables before the next one, so that of each table the first
thing wrong with it is what is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports.header import Plan
from pipeline.exports.messages import Refused
from pipeline.formats import Notes, Table

SHORT = 256  # rows
Mask = pl.Series | np.ndarray


@dataclass(frozen=True)
class Around:
    """What is known about the file a table lies in."""

    container: str
    today: date
    delimiter: str = ","
    open_end: bool = False  # the last record has no line end
    anchor: date | None = None  # day of export
    anchor_is_known: bool = False
    period: tuple[date, date] | None = None
    date_order: str | None = None

    @property
    def is_trusted(self) -> bool:
        """The platform's own dialect: the number of decimals that it always writes is believed."""
        return self.container == "csv" and self.delimiter == ","


@dataclass
class Stack:
    """The data rows of 1..n tables, without blanks, total rows and what else is no data.

    texts: a column per cell of the header: text, or whole numbers where every field was plain digits or empty (null).
    objects: the cells themselves, where some are more than text (workbooks). totals: the total row of each table.
    padded: row of the first short record that was filled, 0 if there is none.
    """

    plan: Plan
    tables: list[Table]
    around: list[Around]
    texts: list[pl.Series]
    lines: np.ndarray
    sizes: np.ndarray
    objects: list[list[str]] | None = None
    notes: list[Notes] = field(default_factory=list)
    totals: list[list[str] | None] = field(default_factory=list)
    padded: list[int] = field(default_factory=list)
    refused: list[Refused | None] = field(default_factory=list)
    table: np.ndarray = field(init=False)  # of each row
    starts: np.ndarray = field(init=False)  # first row of each table

    def __post_init__(self) -> None:
        n = len(self.sizes)
        self.notes = self.notes or [Notes() for _ in range(n)]
        self.totals, self.padded = self.totals or [None] * n, self.padded or [0] * n
        self.refused = self.refused or [None] * n
        self._index()

    def _index(self) -> None:
        self.table = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1])).astype(np.int64)

    @property
    def is_short(self) -> bool:
        """So few rows that reading them cell by cell is quicker than asking for whole columns."""
        return is_short(len(self.lines))

    def where(self, number: int) -> slice:
        start = int(self.starts[number])
        return slice(start, start + int(self.sizes[number]))

    def open(self) -> list[int]:
        """Tables that are not refused."""
        return [i for i, refused in enumerate(self.refused) if refused is None]

    def refuse(self, number: int, refused: Refused) -> None:
        """The first refusal of a table stands."""
        if self.refused[number] is None:
            self.refused[number] = refused

    def refuse_where(self, rows: Mask, word: Callable[[int], Refused]) -> None:
        """Refuse every table that has one of these rows, in the words for the first of them."""
        places = np.flatnonzero(_array(rows))
        if len(places):
            tables, first = np.unique(self.table[places], return_index=True)
            for number, row in zip(tables.tolist(), places[first].tolist(), strict=True):
                if self.refused[number] is None:
                    self.refuse(number, word(row))

    def per_table(self, rows: Mask) -> np.ndarray:
        """How many rows of each table are marked."""
        return np.bincount(self.table, weights=_array(rows), minlength=len(self.sizes)).astype(np.int64)

    def with_any(self, rows: Mask) -> np.ndarray:
        """Which tables have a marked row."""
        found = np.zeros(len(self.sizes), dtype=bool)
        marked = _array(rows)
        if marked.any():
            found[self.table[marked]] = True
        return found

    def spread(self, values: Sequence[Any], dtype: Any = None) -> pl.Series:
        """One value per table, laid over its rows."""
        return pl.Series(values, dtype=dtype).gather(self.table)

    def keep(self, rows: np.ndarray) -> None:
        """Take every other row off."""
        if rows.all():
            return
        mask = pl.Series(rows)
        self.texts = [t.filter(mask) for t in self.texts]
        if self.objects is not None:
            places = np.flatnonzero(rows).tolist()
            self.objects = [[column[i] for i in places] for column in self.objects]
        self.sizes, self.lines = self.per_table(rows), self.lines[rows]
        self._index()

    def without_refused(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A frame of all rows without those of refused tables, which have no rows from here on."""
        gone = np.array([r is not None for r in self.refused])
        if not gone.any():
            return frame
        frame = frame.filter(pl.Series(~gone[self.table], dtype=pl.Boolean))
        self.resize(np.where(gone, 0, self.sizes))
        return frame

    def resize(self, sizes: np.ndarray) -> None:
        """The rows of each table are now so many; the raw text is no longer needed."""
        self.sizes, self.texts, self.objects = sizes.astype(np.int64), [], None
        self._index()

    def copy(self) -> "Stack":
        """The same rows; what is said about them and what is taken off is the copy's own."""
        return self.of(np.arange(len(self.sizes)))

    def of(self, numbers: np.ndarray) -> "Stack":
        """Some of the tables, by themselves."""
        chosen = np.isin(np.arange(len(self.sizes)), numbers)
        picked = np.flatnonzero(chosen).tolist()
        part = Stack(
            self.plan,
            [self.tables[i] for i in picked],
            [self.around[i] for i in picked],
            self.texts,
            self.lines,
            self.sizes,
            self.objects,
        )
        part.keep(chosen[self.table])
        part.sizes = self.sizes[chosen]
        part.notes = [_copied(self.notes[i]) for i in picked]
        part.totals, part.padded = [self.totals[i] for i in picked], [self.padded[i] for i in picked]
        part.refused = [self.refused[i] for i in picked]
        part._index()
        return part


def _array(rows: Mask) -> np.ndarray:
    if isinstance(rows, np.ndarray):
        return rows
    return (rows.fill_null(False) if rows.null_count() else rows).to_numpy()


def _copied(notes: Notes) -> Notes:
    copy = Notes()
    copy.flags, copy.refusals, copy.dropped = list(notes.flags), list(notes.refusals), dict(notes.dropped)
    return copy


def is_short(rows: int) -> bool:
    return rows <= SHORT


def place(row: int) -> str:
    """Where a row stands, as messages say it."""
    return f"baris/row {row}"


def laid_over(column: pl.Series | None, rows: list[slice], values: pl.Series) -> pl.Series:
    """A column with some of its rows replaced; the values alone where they are all of it."""
    if column is None or len(values) == len(column):
        return values
    if not rows:
        return column
    return column.scatter(np.concatenate([np.arange(r.start, r.stop) for r in rows]), values)
