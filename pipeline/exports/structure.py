"""Which rows of a table are data: without blanks, total rows and trailers; as wide as the header; no second header among them.

A table comes as records, or, proven as wide as its header, as columns in a stack of many. Both go through :func:`data_rows`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.exports import text
from pipeline.exports.header import Plan
from pipeline.exports.messages import Refused
from pipeline.exports.placeholders import without_placeholders
from pipeline.exports.stack import Around, Stack, is_short, place
from pipeline.exports.text import trim
from pipeline.formats import Format, Notes, Table, normalise

BATCH = 128  # records that Meta writes at a time
TOTAL = re.compile(r"(grand |sub)?total( .*)?|jumlah( .*)?|rata-rata( .*)?|average( .*)?|sum")
UNTOLD = ("text", "enum", "ignored", "person")  # kinds of a first column in which a word like "total" may be a value
Records = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class Rows:
    """The rows below a header as :func:`data_rows` looks at them. ``blank``: all cells are empty."""

    firsts: Sequence[str]
    blank: Sequence[bool]
    lines: Sequence[int]
    cells: Callable[[int], list[str]]


def data_rows(plan: Plan, rows: Rows, labels: set[str], notes: Notes) -> tuple[list[int], list[str] | None]:
    """Positions of the data rows, and the total row. ``labels``: first cells that may be no data (:func:`labels_among`).

    Raises Refused: EXTRA_CONTENT for a header, a total or a second total where none may be.
    """
    kept: list[int] = []
    total: list[str] | None = None
    blanks = 0
    names = [normalise(h) for h in plan.header]
    for i, first in enumerate(rows.firsts):
        if rows.blank[i]:
            blanks += 1
            continue
        notes.drop("blank", blanks)
        blanks = 0
        if first in labels:
            name = normalise(first)
            if name == names[0] and [normalise(c) for c in trim(rows.cells(i))] == names:
                raise Refused("EXTRA_CONTENT", place=place(rows.lines[i]), seen="judul kolom berulang/header twice")
            if (TOTAL.fullmatch(name) or name in plan.form.total_labels) and _is_total(plan, name, rows.lines[i]):
                if total is not None:
                    raise Refused("EXTRA_CONTENT", place=place(rows.lines[i]), seen=first)
                total = rows.cells(i)
                notes.drop("total_row", 1)
                continue
        kept.append(i)
    if kept and plan.form.one_cell_trailers and _is_trailer(plan.form, rows.cells(kept[-1])):
        last = kept.pop()
        notes.flag("POSSIBLY_CUT", place(rows.lines[last]), rows.firsts[last])
        notes.drop("trailer", 1)
    return kept, total


def labels_among(plan: Plan, texts: set[str]) -> set[str]:
    """Those of some first cells that read like a total or like the header's own first cell."""
    own = normalise(plan.header[0])
    digits = any(name[:1].isdigit() for name in (own, *plan.form.total_labels))
    found = set()
    for first in texts:
        if len(first) < 80 and (digits or not "0" <= first[:1] <= "9"):
            name = normalise(first)
            if name == own or TOTAL.fullmatch(name) or name in plan.form.total_labels:
                found.add(first)
    return found


def _is_total(plan: Plan, first: str, row: int) -> bool:
    """Is a row labelled so a total? Where the format knows none it is foreign content, unless the column is free text."""
    if first in map(normalise, plan.form.total_labels):
        return True
    column = plan.columns[0]
    if plan.form.grain == "audience" or (column is not None and column.kind not in UNTOLD):
        raise Refused("EXTRA_CONTENT", place=place(row), seen=first)
    return False


def _is_trailer(form: Format, cells: list[str]) -> bool:
    return len(trim(cells)) == 1 and any(re.fullmatch(p, cells[0].strip()) for p in form.one_cell_trailers)


# --- from records


@dataclass
class Body:
    """The data rows of one table as records of the header's width."""

    records: Records
    notes: Notes
    total: list[str] | None = None
    padded: int = 0  # row of the first short record that was filled, 0 if there is none


def body_of(plan: Plan, table: Table, around: Around) -> Body:
    """The data rows of a table of records. Raises Refused: EXTRA_CONTENT, BAD_STRUCTURE, TRUNCATED."""
    records, notes = table.records, Notes()
    described = plan.form.second_header and len(records) > 1 and not re.search(r"[0-9]", (records[1][1] or [""])[0])
    data = records[2:] if described else records[1:]
    firsts = [cells[0] if cells else "" for _, cells in data]
    rows = Rows(firsts, [not any(cells) for _, cells in data], [row for row, _ in data], lambda i: data[i][1])
    kept, total = data_rows(plan, rows, labels_among(plan, set(firsts)), notes)
    body = Body([data[i] for i in kept], notes, total)
    _same_width(plan, body, around)
    if around.open_end and plan.form.ends_with_newline:
        raise Refused("TRUNCATED", place=place(records[-1][0]), seen="baris terakhir/last row")
    return body


def _same_width(plan: Plan, body: Body, around: Around) -> None:
    """Every record as wide as the header: cells a spreadsheet left out are filled, and declared ragged batches."""
    width = len(plan.header)
    if all(len(cells) == width for _, cells in body.records):
        return
    if around.container != "csv":
        for row, cells in body.records:
            if any(cells[width:]):
                raise Refused("BAD_STRUCTURE", place=place(row), seen=f"{len(trim(cells))} > {width}")
    else:
        padded = max(len(c) for _, c in body.records)
        for row, cells in body.records:
            if len(cells) > width and (any(cells[width:]) or len(cells) != padded):
                raise Refused("BAD_STRUCTURE", place=place(row), seen=f"{len(cells)} kolom/fields > {width}")
        short = next((i for i, (_, cells) in enumerate(body.records) if len(cells) < width), None)
        if short is not None:
            _check_ragged(plan.form, body.records, width, short, around)
            body.padded = body.records[short][0]
    body.records = [(row, cells[:width] + [""] * (width - len(cells))) for row, cells in body.records]


def _check_ragged(form: Format, body: Records, width: int, first: int, around: Around) -> None:
    """Short rows are allowed only as whole batches of 128 (256 is two), at least one batch being as wide as the header."""
    batches = [{len(cells) for _, cells in body[i : i + BATCH]} for i in range(0, len(body), BATCH)]
    whole = form.ragged_batches and all(len(b) == 1 for b in batches) and any(b == {width} for b in batches)
    if not whole:
        row, cells = body[first]
        last = first == len(body) - 1 and around.open_end
        raise Refused("TRUNCATED" if last else "BAD_STRUCTURE", place=place(row), seen=f"{len(cells)} < {width}")


def stack_bodies(plan: Plan, tables: list[Table], around: list[Around], bodies: list[Body]) -> Stack:
    """Tables of records of one plan, one behind the other."""
    records = [record for body in bodies for record in body.records]
    columns = list(zip(*(cells for _, cells in records), strict=True)) if records else [()] * len(plan.header)
    is_plain = all(a.container == "csv" for a in around) and not is_short(len(records))
    stack = Stack(
        plan,
        tables,
        around,
        [pl.Series(column, dtype=pl.String) for column in columns],
        np.array([row for row, _ in records], dtype=np.int64),
        np.array([len(body.records) for body in bodies], dtype=np.int64),
        None if is_plain else [list(column) for column in columns],
        [body.notes for body in bodies],
        [body.total for body in bodies],
        [body.padded for body in bodies],
    )
    return without_placeholders(without_error_rows(stack))


# --- from columns


def nearly_blank(texts: list[pl.Series]) -> np.ndarray:
    """Rows in which no cell but perhaps the first says anything."""
    empty = [t.is_null() if t.dtype == pl.Int64 else (t.is_null() | (t == "")) for t in texts[1:]]
    rows = empty[0] if empty else pl.Series([True]).new_from_index(0, len(texts[0]))
    for other in empty[1:]:
        if not rows.any():
            break
        rows = rows & other
    return rows.to_numpy()


def settle_columns(stack: Stack) -> Stack:
    """Takes off what is no data from tables that are proven as wide as their header. Only odd rows are looked at."""
    firsts = stack.texts[0].fill_null("")
    labels = labels_among(stack.plan, set(firsts.unique().to_list()))
    odd = nearly_blank(stack.texts)
    if labels:
        odd |= firsts.is_in(list(labels)).to_numpy()
    keep = np.ones(len(stack.lines), dtype=bool)
    for number in np.unique(stack.table[odd]).tolist():
        rows = stack.where(number)
        plain = np.flatnonzero(~odd[rows])[-1:]  # what stands before and behind the last plain row is told apart
        places = np.sort(np.concatenate((np.flatnonzero(odd[rows]), plain))) + rows.start
        try:
            kept = _look(stack, number, places.tolist(), firsts, labels)
            keep[np.setdiff1d(places, kept)] = False
        except Refused as refused:
            stack.refuse(number, refused)
    stack.keep(keep)
    return without_placeholders(without_error_rows(stack))


def _look(stack: Stack, number: int, places: list[int], firsts: pl.Series, labels: set[str]) -> list[int]:
    """Those of some rows of a table that are data."""

    def cells(i: int) -> list[str]:
        return ["" if (c := column[places[i]]) is None else str(c) for column in stack.texts]

    own = [firsts[i] for i in places]
    rows = Rows(own, [not any(cells(i)) for i in range(len(places))], [int(stack.lines[i]) for i in places], cells)
    kept, stack.totals[number] = data_rows(stack.plan, rows, labels, stack.notes[number])
    return [places[i] for i in kept]


def without_error_rows(stack: Stack) -> Stack:
    """Rows that hold an error sentence instead of a post: taken off and counted."""
    at = {c.field: i for i, c in enumerate(stack.plan.columns) if c}
    note, key, link = at.get(stack.plan.form.row_note or ""), at.get("post_id"), at.get("permalink")
    if note is None or key is None:
        return stack

    def bare(place: int) -> pl.Series:
        return stack.texts[place].fill_null("").str.strip_chars(text.SPACE)

    no_post = bare(key) == ""
    if not no_post.any():
        return stack
    if link is not None:
        no_post &= bare(link) == ""
    errors = (no_post & (bare(note).str.len_chars() >= 20) & bare(note).str.contains(" ", literal=True)).to_numpy()
    for number, rows in enumerate(stack.per_table(errors).tolist()):
        stack.notes[number].drop("row_note", rows)
    stack.keep(~errors)
    return stack
