"""What typed rows must obey, table by table: totals, limits of platforms, the format's own Python, repairs, rules, uniqueness."""

import re

import numpy as np
import polars as pl

from pipeline.exports import summary
from pipeline.exports.header import shown
from pipeline.exports.messages import Refused
from pipeline.exports.stack import Stack, place
from pipeline.formats import Notes

EXCEL_CAPS = (500, 1_000, 5_000, 65_535, 1_048_575)


def compare_totals(stack: Stack, frame: pl.DataFrame) -> None:
    """The platform's total against the sum of the rows, for whole additive numbers. ``report`` only takes it off."""
    form = stack.plan.form
    said_by = [i for i in stack.open() if stack.totals[i] is not None and stack.sizes[i]]
    if form.total_rule == "report" or not said_by:
        return
    for at, column in enumerate(stack.plan.columns):
        if column is None or column.kind != "count" or not column.is_additive or column.field not in frame.columns:
            continue
        added = summary.sums(stack, frame[column.field])
        for number in said_by:
            text = ((stack.totals[number] or [])[at : at + 1] or [""])[0].strip()
            if re.fullmatch(r"[0-9]+", text):
                said = int(text)
                if said != added[number] and not (form.total_rule == "at_least" and said > added[number]):
                    stack.notes[number].flag("TOTAL_DIFFERS", shown(column), f"{said} <> {added[number]}")


def note_caps(stack: Stack) -> None:
    """Where a platform or a spreadsheet stops writing rows."""
    caps = (*stack.plan.form.caps, *EXCEL_CAPS)
    for number in np.flatnonzero(np.isin(stack.sizes, caps)).tolist():
        stack.notes[number].flag("POSSIBLY_CUT", "", f"{stack.sizes[number]} baris/rows")


def run_hooks(stack: Stack, frame: pl.DataFrame) -> pl.DataFrame:
    """The format's own lines of Python: on all rows at once where they look at one row at a time, else table by table."""
    form = stack.plan.form
    if not form.finish or not frame.height:
        return frame
    if form.finish_by_row and len(stack.sizes) > 1:
        said = Notes()
        together = form.finish(frame, said)
        if not (said.flags or said.refusals or said.dropped) and together.height == frame.height:
            return together
    parts, sizes = [], np.zeros(len(stack.sizes), dtype=np.int64)
    for number in stack.open():
        part = form.finish(frame[stack.where(number)], stack.notes[number])
        parts.append(part)
        sizes[number] = part.height
    stack.resize(sizes)
    return pl.concat(parts)


def repair(stack: Stack, frame: pl.DataFrame) -> pl.DataFrame:
    """Values known to be false in real files become unknown."""
    for repair in stack.plan.form.repairs:
        if all(n in frame.columns for n in repair.needs):
            hit = frame.select(repair.when.fill_null(False).alias("hit"))["hit"]
            if hit.any():
                counts = stack.per_table(hit)
                for number in np.flatnonzero(counts).tolist():
                    stack.notes[number].flag(repair.code, repair.field, str(int(counts[number])))
                frame = frame.with_columns(pl.when(hit).then(None).otherwise(pl.col(repair.field)).alias(repair.field))
    return frame


def check_rules(stack: Stack, frame: pl.DataFrame) -> None:
    """Relations between columns: a table that breaks one more often than the format bears is refused or flagged."""
    for rule in stack.plan.form.checks:
        if not all(n in frame.columns for n in rule.needs):
            continue
        holds = frame.select((rule.holds(frame.columns) if callable(rule.holds) else rule.holds).alias("holds"))["holds"]
        broken = stack.per_table(~holds)
        if not broken.any():
            continue
        known = stack.per_table(holds.is_not_null())
        rows = frame["row_number"].filter((~holds).fill_null(False))
        first = np.cumsum(broken) - broken
        for number in np.flatnonzero(broken).tolist():
            n, share = int(broken[number]), broken[number] / known[number]
            where, seen = f"{rule.name}, {place(rows[int(first[number])])}", f"{n} baris/rows"
            if rule.hard:
                stack.refuse(number, Refused(rule.code, place=where, seen=seen))
            elif share > rule.flag_above:
                stack.notes[number].flag(rule.code, where, seen)


def check_padded(stack: Stack, frame: pl.DataFrame) -> None:
    """Short records were filled on the word of a hard rule; without one there is no proof that no column moved."""
    if not any(r.hard and all(n in frame.columns for n in r.needs) for r in stack.plan.form.rules):
        for number, row in enumerate(stack.padded):
            if row:
                stack.refuse(
                    number, Refused("BAD_STRUCTURE", place=place(row), seen="baris pendek tanpa bukti/short rows without proof")
                )


def check_unique(stack: Stack, frame: pl.DataFrame) -> None:
    form = stack.plan.form
    names = [n for n in form.unique if n in frame.columns]
    if not names or len(names) < len(form.unique) or not frame.height:
        return
    keyed = frame.select(pl.Series("_table", stack.table), *names)
    twice = keyed.select(pl.struct(pl.all()).is_duplicated().alias("twice"))["twice"].to_numpy()
    code = "ID_INVALID" if "post_id" in names else "EXTRA_CONTENT"
    for number in np.flatnonzero(stack.with_any(twice)).tolist():
        rows = stack.where(number)
        one, other = (np.flatnonzero(twice[rows])[:2] + rows.start).tolist()
        seen = " ".join(str(frame[n][one]) for n in names)
        stack.refuse(number, Refused(code, place=place(frame["row_number"][other]), seen=seen))
