"""Columns of counts, fractions, percentages, durations and flags."""

import numpy as np
import polars as pl

from pipeline.exports import values
from pipeline.exports.fields import Cells, Field, Quick, settle
from pipeline.exports.header import shown
from pipeline.exports.messages import Refused
from pipeline.exports.stack import Stack

FRACTION = r"^-?[0-9]{1,15}(\.[0-9]{1,17})?$"
THOUSAND = r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$"  # one dot that may be a decimal mark or group thousands
DURATION = r"^([0-9]{1,9}|([0-9]{1,6}:)?[0-9]{1,2}:[0-5][0-9])$"
FLAG = r"^(0|1|true|false|True|False|TRUE|FALSE)$"


def read_columns(stack: Stack, fields: dict[str, Field], data: dict[str, pl.Series]) -> None:
    """Numbers of every field that holds some. What one column shows about separators counts for all columns of its table."""
    fractions = Fractions(stack, [f for f in fields.values() if f.column.kind in ("decimal", "percent")])
    for name, field in fields.items():
        match field.column.kind:
            case "count":
                data[name] = _counts(stack, field, fractions)
            case "decimal" | "percent":
                data[name] = fractions.read(field)
            case "duration":
                data[name] = _durations(stack, field)
            case "flag":
                data[name] = _flags(stack, field)


def _counts(stack: Stack, field: Field, fractions: "Fractions") -> pl.Series:
    column = field.column

    def quick() -> Quick:
        digits = r"^-?[0-9]{1,15}$" if column.allow_negative else r"^[0-9]{1,15}$"
        return field.text.cast(pl.Int64, strict=False), ~field.text.str.contains(digits)

    def slow(number: int, cells: Cells) -> list[int | None]:
        return values.counts(shown(column), cells, fractions.locale(number), column.allow_negative)

    whole = field.text if field.text.dtype == pl.Int64 else settle(stack, field, pl.Int64, slow, quick)
    return whole if column.scale == 1 else whole.cast(pl.Float64) * column.scale


def _durations(stack: Stack, field: Field) -> pl.Series:
    """Seconds."""

    def quick() -> Quick:
        text = field.text
        minutes = text.str.extract(r"^[0-9]+:([0-9]{1,2}):", 1).cast(pl.Int64, strict=False)
        odd = ~text.str.contains(DURATION) | (minutes >= 60).fill_null(False)
        parts = [
            text.str.extract(r"^(?:([0-9]+):)?([0-9]{1,2}):([0-9]{2})$", i).cast(pl.Float64, strict=False) for i in (1, 2, 3)
        ]
        clock = parts[0].fill_null(0) * 3600 + parts[1] * 60 + parts[2]
        return clock.zip_with(parts[2].is_not_null(), text.cast(pl.Float64, strict=False)), odd

    return settle(stack, field, pl.Float64, lambda _, cells: values.durations(shown(field.column), cells), quick)


def _flags(stack: Stack, field: Field) -> pl.Series:
    def quick() -> Quick:
        return field.text.str.to_lowercase().is_in(["1", "true"]), ~field.text.str.contains(FLAG)

    return settle(stack, field, pl.Boolean, lambda _, cells: values.flags(shown(field.column), cells), quick)


class Fractions:
    """Decimals and percentages of the tables of a stack, and what each table shows about its separators.

    ``1.234`` is left to :func:`values.decimals`, unless the table shows elsewhere that its dot is a decimal mark, or always
    writes three decimals here.
    """

    def __init__(self, stack: Stack, fields: list[Field]):
        self.stack, self.fields = stack, fields
        self.locales: dict[int, values.Locale] = {}
        self.proven = np.zeros(len(stack.sizes), dtype=bool)  # tables whose dot is a decimal mark
        self.odd = {
            f.column.field: np.ones(len(stack.sizes), dtype=bool) for f in fields
        }  # tables with other than plain fractions
        if not stack.is_short:
            for field in fields:
                self._look(field)
        for number in np.flatnonzero(np.any([self.proven & False, *self.odd.values()], axis=0)).tolist():
            try:  # marks that contradict each other are found before any number is read
                self.proven[number] = self.locale(number).decimal == "."
            except Refused as refused:
                stack.refuse(number, refused)

    def _look(self, field: Field) -> None:
        text = _body(field)
        odd = ~text.str.contains(FRACTION)
        if not field.column.allow_negative:
            odd = odd | text.str.starts_with("-")
        tables = self.stack.with_any(odd)
        self.odd[field.column.field] = tables if field.special is None else tables | field.special
        self.proven |= self.stack.with_any(text.str.contains(".", literal=True) & ~text.str.contains(THOUSAND))

    def locale(self, number: int) -> values.Locale:
        """What a table shows about its separators. Raises Refused: NUMBER_AMBIGUOUS."""
        if number not in self.locales:
            found = values.Locale(trusted=self.stack.around[number].is_trusted)
            cells = [(shown(f.column), f.cells(self.stack, number)) for f in self.fields]
            values.find_locale(cells, found)
            values.settle_locale(cells, found, self.stack.around[number].delimiter)
            self.locales[number] = found
        return self.locales[number]

    def read(self, field: Field) -> pl.Series:
        """Float64; a percentage as a ratio."""
        column = field.column

        def slow(number: int, cells: Cells) -> list[float | None]:
            return values.decimals(
                shown(column),
                cells,
                self.locale(number),
                negative=column.allow_negative,
                percent=column.kind == "percent",
                share=column.unit == "share",
                places=column.decimals,
            )

        read = settle(self.stack, field, pl.Float64, slow, lambda: self._quick(field))
        return read if column.scale == 1 else read * column.scale

    def _quick(self, field: Field) -> Quick:
        column, text = field.column, _body(field)
        doubtful = self.stack.with_any(text.str.contains(THOUSAND)) & ~self.proven
        if column.decimals == 3 and doubtful.any():
            trusted = np.array([a.is_trusted for a in self.stack.around], dtype=bool)
            doubtful &= ~trusted | self.stack.with_any(~field.text.str.contains(r"\.[0-9]{3}$"))
        number = text.cast(pl.Float64, strict=False)
        if column.kind == "percent":  # polars multiplies by 1 / 100, which rounds otherwise than a division
            number = pl.Series(number.fill_null(0).to_numpy() / 100).set(number.is_null(), None)
        return number, self.odd[column.field] | doubtful


def _body(field: Field) -> pl.Series:
    """The text of a fraction without the sign of a percentage."""
    return field.text.str.strip_suffix("%") if field.column.kind == "percent" else field.text
