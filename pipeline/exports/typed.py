"""Tables of one header become typed rows in canonical columns, each table or none: the steps are those of :func:`read_tables`.

A column is read at once for all tables where its text has one plain reading: bare digits, a dot as decimal mark that the table
itself proves, dates in the format's own pattern. Of a table with anything else in that column, these cells are read one by one
(:mod:`pipeline.exports.values`, :mod:`pipeline.exports.dates`), which gives the value or words the refusal.
"""

import logging
import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from pipeline.exports import checks, clocks, moments, numbers, summary, values
from pipeline.exports.fields import Field, Quick, read_fields, settle
from pipeline.exports.header import note_header, shown
from pipeline.exports.messages import Refused
from pipeline.exports.model import HeaderReport, Identities, Shared
from pipeline.exports.source import crash
from pipeline.exports.stack import Stack, place
from pipeline.exports.text import SPACE
from pipeline.formats import Notes, normalise

LOG = logging.getLogger(__name__)
# A group of people is never called 4.2, 12% or 1.2K: such a row has moved by a column, or is a total whose name is gone.
NUMBER_AS_LABEL = r"^[-+]?[0-9]+([.,][0-9]+)+ ?%?$|^[-+]?[0-9]+([.,][0-9]+)? ?(%|[KkMm]|rb|jt)$"


@dataclass
class Typed:
    """The rows of one table and everything to be said about them."""

    rows: Shared
    height: int  # rows of the table, before an audience table is turned long
    header: HeaderReport
    language: str | None
    notes: Notes
    sums: dict[str, int | float]
    nulls: dict[str, int]
    span: summary.Span
    identities: Identities
    captured: datetime | None = None


Result = Typed | Refused


def read_tables(stack: Stack) -> list[Result]:
    """Every table typed, or why not. A mistake of ours costs the one table that meets it (READER_CRASHED), no other."""
    is_empty = stack.sizes == 0
    if len(stack.sizes) > 1 and is_empty.any():  # hooks do not see an empty table: it has columns of its own
        return _apart(stack)
    try:
        return _read_tables(stack.copy())
    except Exception as error:
        if len(stack.sizes) == 1:
            return [crash(error)]
        LOG.exception("%d tables of %s are read one by one", len(stack.sizes), stack.plan.form.kind)
        return [result for number in range(len(stack.sizes)) for result in read_tables(stack.of(np.array([number])))]


def _apart(stack: Stack) -> list[Result]:
    """Empty tables one by one, the others together."""
    filled = np.flatnonzero(stack.sizes)
    found = dict(zip(filled.tolist(), read_tables(stack.of(filled)) if len(filled) else [], strict=True))
    return [found[i] if i in found else read_tables(stack.of(np.array([i])))[0] for i in range(len(stack.sizes))]


def _read_tables(stack: Stack) -> list[Result]:
    """Text to values, clocks, totals, hooks, repairs, rules, uniqueness; in this order."""
    fields = read_fields(stack)
    frame, instants = _values(stack, fields)
    if stack.plan.form.grain == "post":
        frame = moments.publish(stack, frame, instants)
    frame = stack.without_refused(frame)
    checks.compare_totals(stack, frame)
    checks.note_caps(stack)
    frame = checks.run_hooks(stack, frame)
    frame = checks.repair(stack, frame)
    checks.check_rules(stack, frame)
    checks.check_padded(stack, frame)
    checks.check_unique(stack, frame)
    for number in stack.open():
        if stack.notes[number].refusals:
            code, where, seen = stack.notes[number].refusals[0]
            stack.refuse(number, Refused(code, place=where, seen=seen))
    return _results(stack, stack.without_refused(frame))


# --- values


def _values(stack: Stack, fields: dict[str, Field]) -> tuple[pl.DataFrame, pl.Series | None]:
    """Typed columns in a fixed order, and the instants that ids tell."""
    data = {"row_number": pl.Series(stack.lines, dtype=pl.Int64)}
    for name, field in fields.items():
        if field.column.kind == "id":
            data[name] = _ids(stack, field)
        elif field.is_text:
            data[name] = field.text
    _post_ids(stack, data)
    instants = _instants(stack, data)
    for name, field in fields.items():
        if field.column.kind in ("date", "datetime"):
            data |= moments.read_column(stack, field, name, instants)
    numbers.read_columns(stack, fields, data)
    _check_keys(stack, fields, data)
    return _enums(stack, fields, pl.DataFrame(data)), instants


def _ids(stack: Stack, field: Field) -> pl.Series:
    """Ids of a plain shape at once; those that may have been rewritten by a spreadsheet cell by cell."""
    name, pattern = shown(field.column), field.column.shape

    def quick() -> Quick:
        text = field.text
        shape = (pattern or "[!-~]+").replace(r"\d", "[0-9]")
        odd = ~text.str.contains(f"^(?:{shape})$")
        if not re.fullmatch(r"[\[\]0-9|{},_-]+", shape):  # more than digits: spaces, or a number that a spreadsheet rewrote
            odd = odd | ~text.str.contains("^[!-~]+$") | text.str.contains(r"^-?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$")
        tables = stack.with_any(odd)
        if text.str.ends_with("0").any():
            rounded = stack.per_table(text.str.contains("^[0-9]{15}(0|00|[0-9]*000)$"))
            tables |= (rounded > 0) & (rounded == stack.per_table(text.is_not_null()))
        return text, tables

    return settle(stack, field, pl.String, lambda _, cells: values.ids(name, cells, pattern), quick)


def _post_ids(stack: Stack, data: dict[str, pl.Series]) -> None:
    """Post ids from links, or compared with them: an id that is not in its own link was damaged (A16)."""
    form = stack.plan.form
    if form.grain != "post":
        return
    if form.post_id_from and form.post_id_from[0] in data:
        source, pattern = form.post_id_from
        linked = data[source].str.extract(f"{pattern}(?:[/?#&]|$)", 1)  # a number that goes on is another number
        if "post_id" in data:
            own = data["post_id"]
            stack.refuse_where(
                (own != linked) & (own != "") & (linked != ""),
                lambda row: Refused("ID_DESTROYED", place=_place(stack, row), seen=f"{own[row]} <> {linked[row]}"),
            )
            data["post_id"] = own.fill_null(linked)
        else:
            data["post_id"] = linked
    if "post_id" in data:
        nameless = data["post_id"].is_null()
        stack.refuse_where(nameless, lambda row: Refused("ID_INVALID", place=_place(stack, row), seen="tanpa ID/no id"))
    if form.handle_from and form.handle_from[0] in data:
        linked = data[form.handle_from[0]].str.extract(form.handle_from[1], 1)
        data["handle"] = data["handle"].fill_null(linked) if "handle" in data else linked


def _place(stack: Stack, row: int) -> str:
    return place(int(stack.lines[row]))


def _instants(stack: Stack, data: dict[str, pl.Series]) -> pl.Series | None:
    """The instant hidden in each id; every TikTok id has one, X ids before 2010 and foreign links need not."""
    clock = stack.plan.form.clock
    if clock is None or clock.source not in data:
        return None
    texts = data[clock.source]
    if stack.is_short:
        alone = clocks.CLOCKS[clock.name]
        instants = pl.Series([alone(t) if t else None for t in texts], dtype=moments.INSTANT)
    else:
        instants = clocks.instants(clock.name, texts)
    if clock.name == "tiktok":
        timeless = instants.is_null() & texts.is_not_null() & (texts != "")
        stack.refuse_where(timeless, lambda row: Refused("ID_INVALID", place=_place(stack, row), seen=texts[row]))
    return instants


def _check_keys(stack: Stack, fields: dict[str, Field], data: dict[str, pl.Series]) -> None:
    """A day or label that every row must have, and a printed publication time, are never empty in a sound file."""
    form = stack.plan.form
    if form.grain not in ("post", "account_day", "audience"):
        return
    for name, field in fields.items():
        column = field.column
        is_key = name == "published_at" if form.grain == "post" else column.kind == "date" or name == form.label_field
        if column.required and is_key:
            _refuse_cells(stack, field, data[name].is_null(), "kosong/empty")
        if form.grain == "audience" and name == form.label_field and field.text.dtype == pl.String:
            _refuse_cells(stack, field, field.text.str.strip_chars(SPACE).str.contains(NUMBER_AS_LABEL))


def _refuse_cells(stack: Stack, field: Field, rows: pl.Series, seen: str = "") -> None:
    def word(row: int) -> Refused:
        where = values.place_of(shown(field.column), int(stack.lines[row]))
        return Refused("BAD_STRUCTURE", place=where, seen=seen or field.text[row])

    stack.refuse_where(rows, word)


def _enums(stack: Stack, fields: dict[str, Field], frame: pl.DataFrame) -> pl.DataFrame:
    """Closed vocabularies: known text to its canonical word; other text stays as it is."""
    vocabularies = [(n, f.column.values) for n, f in fields.items() if f.column.kind == "enum" and f.column.values]
    if stack.plan.form.post_types and "post_type" in frame.columns:
        vocabularies.append(("post_type", stack.plan.form.post_types))
    for name, words in vocabularies:
        known = {normalise(k): v for k, v in words.items()}
        mapping = {t: known.get(normalise(t), t) for t in frame[name].unique().drop_nulls()}
        frame = frame.with_columns(frame[name].replace(mapping).alias(name))
    return frame


# --- what comes out


def _results(stack: Stack, frame: pl.DataFrame) -> list[Result]:
    plan = stack.plan
    used = {c.field: c for c in plan.columns if c}
    sums, nulls = summary.totals(stack, used, frame)
    captured = summary.captured(stack, frame)
    rows, tall = summary.finish(stack, used, frame)
    edges = np.concatenate(([0], np.cumsum(tall)))
    spans, named = summary.spans(plan.form.grain, rows, edges), summary.identities(rows, edges)
    results: list[Result] = []
    for number, refused in enumerate(stack.refused):
        if refused is not None:
            results.append(refused)
            continue
        notes, height = stack.notes[number], int(stack.sizes[number])
        note_header(plan.form, plan.report, notes)
        if not height:
            notes.flag("NO_ROWS")
        part = Shared(rows, int(edges[number]), int(tall[number]))
        facts = (sums[number], nulls[number], spans[number], named[number], captured[number])
        results.append(Typed(part, height, plan.report, plan.language, notes, *facts))
    return results
