"""Columns of counts, fractions, percentages, durations and flags."""

import numpy as np
import polars as pl

from pipeline.exports import values
from pipeline.exports.fields import Field, settle
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
    column, name = field.column, shown(field.column)
    text = field.text
    odd = np.zeros(len(stack.sizes), dtype=bool)
    if text.dtype == pl.String:
        odd = stack.with_any(~text.str.contains(r"^-?[0-9]{1,15}$" if column.allow_negative else r"^[0-9]{1,15}$"))
        text = text.cast(pl.Int64, strict=False)
    whole = settle(
        stack, field, text, odd, lambda i, cells: values.counts(name, cells, fractions.locale(i), column.allow_negative)
    )
    return whole if column.scale == 1 else whole.cast(pl.Float64) * column.scale


def _durations(stack: Stack, field: Field) -> pl.Series:
    """Seconds."""
    text = field.text
    odd = ~text.str.contains(DURATION) | (text.str.extract(r"^[0-9]+:([0-9]{1,2}):", 1).cast(pl.Int64) >= 60).fill_null(False)
    parts = [text.str.extract(r"^(?:([0-9]+):)?([0-9]{1,2}):([0-9]{2})$", i).cast(pl.Float64, strict=False) for i in (1, 2, 3)]
    clock = parts[0].fill_null(0) * 3600 + parts[1] * 60 + parts[2]
    seconds = clock.zip_with(parts[2].is_not_null(), text.cast(pl.Float64, strict=False))
    return settle(stack, field, seconds, odd, lambda _, cells: values.durations(shown(field.column), cells))


def _flags(stack: Stack, field: Field) -> pl.Series:
    truth = field.text.str.to_lowercase().is_in(["1", "true"])
    return settle(stack, field, truth, ~field.text.str.contains(FLAG), lambda _, cells: values.flags(shown(field.column), cells))


class Fractions:
    """Decimals and percentages of the tables of a stack, and what each table shows about its separators.

    ``1.234`` is left to :func:`values.decimals`, unless the table shows elsewhere that its dot is a decimal mark, or always writes
    three decimals here.
    """

    def __init__(self, stack: Stack, fields: list[Field]):
        self.stack, self.fields = stack, fields
        self.locales: dict[int, values.Locale] = {}
        self.proven = np.zeros(len(stack.sizes), dtype=bool)  # tables whose dot is a decimal mark
        self.odd: dict[str, np.ndarray] = {}
        for field in fields:
            text = _body(field)
            odd = ~text.str.contains(FRACTION)
            if not field.column.allow_negative:
                odd = odd | text.str.starts_with("-")
            self.odd[field.column.field] = stack.with_any(odd)
            if field.special is not None:
                self.odd[field.column.field] |= field.special
            self.proven |= stack.with_any(text.str.contains(".", literal=True) & ~text.str.contains(THOUSAND))
        for number in np.flatnonzero(np.any([*self.odd.values(), self.proven & False], axis=0)).tolist():
            try:  # marks that contradict each other are found before any number is read
                self.proven[number] = self.locale(number).decimal == "."
            except Refused as refused:
                stack.refuse(number, refused)

    def locale(self, number: int) -> values.Locale:
        """What a table shows about its separators. Raises Refused: NUMBER_AMBIGUOUS."""
        if number not in self.locales:
            found = values.Locale(trusted=bool(self.stack.trusted[number]))
            cells = [(shown(f.column), f.cells(self.stack, number)) for f in self.fields]
            values.find_locale(cells, found)
            values.settle_locale(cells, found, self.stack.around[number].delimiter)
            self.locales[number] = found
        return self.locales[number]

    def read(self, field: Field) -> pl.Series:
        """Float64; a percentage as a ratio."""
        column, text = field.column, _body(field)
        doubtful = self.stack.with_any(text.str.contains(THOUSAND)) & ~self.proven
        if column.decimals == 3 and doubtful.any():
            doubtful &= ~self.stack.trusted | self.stack.with_any(~field.text.str.contains(r"\.[0-9]{3}$"))
        number = text.cast(pl.Float64, strict=False)
        if column.kind == "percent":  # polars multiplies by 1 / 100, which rounds otherwise than a division
            number = pl.Series(number.fill_null(0).to_numpy() / 100).set(number.is_null(), None)

        def slow(i: int, cells: list[tuple[int, str | None]]) -> list[float | None]:
            return values.decimals(
                shown(column),
                cells,
                self.locale(i),
                negative=column.allow_negative,
                percent=column.kind == "percent",
                share=column.unit == "share",
                places=column.decimals,
            )

        return settle(self.stack, field, number, self.odd[column.field] | doubtful, slow) * column.scale


def _body(field: Field) -> pl.Series:
    """The text of a fraction without the sign of a percentage."""
    return field.text.str.strip_suffix("%") if field.column.kind == "percent" else field.text
