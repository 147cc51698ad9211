"""Text of many tables of one header to typed columns: the same values as :mod:`pipeline.exports.typed`, or no answer.

Only what has one plain reading is read here: bare digits, a dot as decimal mark that the file itself proves, dates in the
format's own pattern. A file with anything else, or about which anything is to be said, is left to the strict way, which also
words the refusal. So nothing here refuses, and nothing here guesses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import clocks, dates, typed
from pipeline.exports.messages import Refused
from pipeline.exports.model import HeaderReport, Shared
from pipeline.exports.provenance import end_of_day
from pipeline.exports.text import trim
from pipeline.formats import Column, Format, Notes, Table, normalise

MANY = 2**62  # sums stay far from the end of Int64
SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace())  # what Python strips
NO_DATE_NOTES = ("pattern", "same", "rolled", "id_year")
QUICK_DATES = {
    "%m/%d/%Y %H:%M": (r"^[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}$", True),
    "%Y-%m-%d": (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", False),
}


@dataclass(frozen=True)
class Plan:
    """What one header means: everything about a table that its first line decides."""

    form: Format
    header: tuple[str, ...]
    columns: tuple[Column | None, ...]
    report: HeaderReport
    language: str | None
    dimension: str | None = None


def plan(form: Format, table: Table) -> Plan | None:
    """What the header of a table means, once ``reshape`` has run; None where its rows need more than a plan."""
    header = trim(table.records[0][1])
    if form.second_header or len(header) < 2:
        return None
    if len(header) > form.max_columns or any(not normalise(h) for h in header):
        return None
    try:
        columns, report, language = typed.map_header(form, header)
        dimension = form.dimension(table) if callable(form.dimension) else form.dimension
    except (Refused, IndexError, KeyError, StopIteration):
        return None
    return Plan(form, tuple(header), tuple(columns), report, language, dimension)


def count_columns(plan: Plan) -> tuple[int, ...]:
    """Positions of columns that hold whole numbers, each the only one of its field."""
    fields = [c.field for c in plan.columns if c]
    return tuple(i for i, c in enumerate(plan.columns) if i and c and c.kind == "count" and fields.count(c.field) == 1)


@dataclass
class Stack:
    """Rows of many files, one file behind the other. ``sizes``: rows per file; ``ok``: files that are still read here."""

    plan: Plan
    around: Sequence[typed.Around]
    raw: pl.DataFrame  # columns named by position: text, or whole numbers that were plain digits
    lines: np.ndarray
    sizes: np.ndarray
    trusted: bool = True  # the platform's own dialect: its declared number of decimals is believed
    ok: np.ndarray = field(init=False)
    file: np.ndarray = field(init=False)
    starts: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.ok = self.sizes > 0
        self.index()

    def index(self) -> None:
        self.file = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1])).astype(np.int64)

    def leave(self, rows: pl.Series | np.ndarray) -> None:
        """Files with one of these rows are left to the strict way."""
        mask = rows.fill_null(False).to_numpy() if isinstance(rows, pl.Series) else rows
        if mask.any():
            self.ok[np.unique(self.file[mask])] = False

    def leave_files(self, mask: np.ndarray) -> None:
        self.ok &= ~mask

    def per_file(self, mask: pl.Series | np.ndarray) -> np.ndarray:
        """How many rows of each file are marked."""
        marked = mask.fill_null(False).to_numpy() if isinstance(mask, pl.Series) else mask
        return np.bincount(self.file, weights=marked, minlength=len(self.sizes)).astype(np.int64)

    def slices(self) -> list[tuple[int, slice]]:
        return [
            (i, slice(int(s), int(s + n))) for i, (s, n) in enumerate(zip(self.starts, self.sizes, strict=True)) if self.ok[i]
        ]

    def drop_left(self, *frames: pl.DataFrame) -> list[pl.DataFrame]:
        """Take the rows of files that were left off the given frames and off this stack."""
        keep = self.ok[self.file]
        if keep.all():
            return list(frames)
        mask = pl.Series(keep)
        self.raw, self.lines = self.raw.filter(mask), self.lines[keep]
        self.sizes = np.where(self.ok, self.sizes, 0)
        kept = [f.filter(mask) for f in frames]
        self.index()
        return kept


def read_tables(stack: Stack) -> list[typed.Typed | None]:
    """Every table of the stack that has one plain reading, typed; None for each that the strict way must read."""
    totals = _first_cells(stack)
    cells = _cells(stack)
    _plain_numbers(stack, cells)
    (frame,) = stack.drop_left(pl.DataFrame({name: text for name, (_, text) in cells.items()}))
    if frame.height:
        data = _values(stack, {name: (column, frame[name]) for name, (column, _) in cells.items()})
        frame = _enums(stack.plan.form, pl.DataFrame(data))
        frame = _publish(stack, frame, data) if stack.plan.form.grain == "post" else frame
        _compare_totals(stack, frame, totals)
        stack.leave_files(np.isin(stack.sizes, (*stack.plan.form.caps, *typed.EXCEL_CAPS)))
        (frame,) = stack.drop_left(frame.drop("_instant", strict=False))
    if not frame.height:
        return [None] * len(stack.sizes)
    frame, notes = _hooks(stack, frame.with_columns(pl.int_range(frame.height, dtype=pl.Int64).alias("row_number")))
    _rules(stack, frame)
    _unique(stack, frame)
    (frame,) = stack.drop_left(frame)
    return _results(stack, frame, notes, totals) if frame.height else [None] * len(stack.sizes)


# --- structure


def _first_cells(stack: Stack) -> dict[int, list[str]]:
    """Takes off known total rows, returned per file; leaves files with blank rows, a header again, or a foreign total."""
    form, raw = stack.plan.form, stack.raw
    others = [pl.col(c).is_null() if t == pl.Int64 else (pl.col(c).is_null() | (pl.col(c) == "")) for c, t in raw.schema.items()]
    stack.leave(raw.select(pl.all_horizontal(others[1:]).alias("empty"))["empty"])
    first = raw[raw.columns[0]].fill_null("")
    column = stack.plan.columns[0]
    is_text = column is None or column.kind in (*typed.TEXT_KINDS, "ignored", "person")
    likely = first if is_text else first.filter(first.str.contains(r"(?i)total|jumlah|rata|average|sum|[^\x00-\x7f]"))
    labels = {normalise(t) for t in form.total_labels}
    head = normalise(stack.plan.header[0])
    known, strange = [], []
    for text in likely.unique().to_list():
        name = normalise(text) if len(text) < 80 else ""
        if name in labels:
            known.append(text)
        elif name == head or (typed.TOTAL.fullmatch(name) and (form.grain == "audience" or column is None or not is_text)):
            strange.append(text)
    stack.leave(first.is_in(strange))
    if not known:
        return {}
    is_total = first.is_in(known).to_numpy()
    stack.leave_files(stack.per_file(is_total) > 1)
    totals = {
        int(stack.file[row]): ["" if c is None else str(c) for c in raw.row(int(row))]
        for row in np.flatnonzero(is_total)
        if stack.ok[stack.file[row]]
    }
    stack.sizes = stack.sizes - stack.per_file(is_total)
    stack.raw, stack.lines = raw.filter(pl.Series(~is_total)), stack.lines[~is_total]
    stack.ok &= stack.sizes > 0
    stack.index()
    return totals


def _cells(stack: Stack) -> dict[str, tuple[Column, pl.Series]]:
    """Per field: its column and its text, nulls as null. Columns of one field are merged as it declares."""
    merged: dict[str, tuple[Column, pl.Series]] = {}
    for name, column in zip(stack.raw.columns, stack.plan.columns, strict=True):
        if column is None or column.kind in ("ignored", "person"):
            continue
        text = stack.raw[name]
        if text.dtype == pl.Int64:
            if "" not in (column.nulls if column.nulls is not None else stack.plan.form.nulls):
                stack.leave(text.is_null())
            merged[column.field] = (column, text)
            continue
        nulls = column.nulls if column.nulls is not None else stack.plan.form.nulls
        marks = ("",) if column.kind in typed.TEXT_KINDS else nulls
        if column.kind in typed.TEXT_KINDS and column.field != "caption":
            stack.leave(text.str.strip_chars(SPACE).str.len_bytes() != text.str.len_bytes())
        if "" not in marks:
            stack.leave(text.fill_null("") == "")
        text = text.set(text.is_in([*marks, ""]), None)
        if column.kind == "percent":
            text = text.str.strip_suffix("%")
        if column.field in merged:
            text = _merged(stack, column, merged[column.field][1], text)
        merged[column.field] = (column, text)
    return merged


def _merged(stack: Stack, column: Column, first: pl.Series, second: pl.Series) -> pl.Series:
    if column.repeated == "longest":
        longer = second.str.len_chars().fill_null(0) > first.str.len_chars().fill_null(0)
        return second.zip_with(longer, first)
    stack.leave(first.ne_missing(second))
    return first


# --- values


def _plain_numbers(stack: Stack, cells: dict[str, tuple[Column, pl.Series]]) -> None:
    """Leaves files with numbers, ids, flags or durations that are not written in the one plain way."""
    patterns = {
        "flag": r"^(0|1|true|false|True|False|TRUE|FALSE)$",
        "duration": r"^([0-9]{1,9}|([0-9]{1,6}:)?[0-9]{1,2}:[0-5][0-9])$",
        "decimal": r"^-?[0-9]{1,15}(\.[0-9]{1,17})?$",
    }
    patterns["percent"] = patterns["decimal"]
    for column, text in cells.values():
        if column.kind == "count" and text.dtype == pl.String:
            stack.leave(~text.str.contains(r"^-?[0-9]{1,15}$" if column.allow_negative else r"^[0-9]{1,15}$"))
        elif column.kind == "id":
            _plain_ids(stack, column, text)
        elif column.kind in patterns:
            stack.leave(~text.str.contains(patterns[column.kind]))
            if column.kind == "duration":
                minutes = text.str.extract(r"^[0-9]+:([0-9]{1,2}):", 1).cast(pl.Int64)
                stack.leave(minutes >= 60)
            elif column.kind != "flag" and not column.allow_negative:
                stack.leave(text.str.starts_with("-"))
    fractions = [(c, t) for c, t in cells.values() if c.kind in ("decimal", "percent")]
    _decimal_marks(stack, fractions)


def _plain_ids(stack: Stack, column: Column, text: pl.Series) -> None:
    shape = (column.shape or "[!-~]+").replace(r"\d", "[0-9]")
    stack.leave(~text.str.contains(f"^(?:{shape})$"))
    if not re.fullmatch(r"[\[\]0-9|{},_-]+", shape):  # more than digits: spaces, or a number that a spreadsheet rewrote
        stack.leave(~text.str.contains("^[!-~]+$"))
        stack.leave(text.str.contains(r"^-?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$"))
    rounded = text.str.ends_with("0")
    if rounded.any():
        rounded = text.str.contains("^[0-9]{15}(0|00|[0-9]*000)$")
        stack.leave_files((stack.per_file(rounded) == stack.per_file(text.is_not_null())) & (stack.per_file(rounded) > 0))


def _decimal_marks(stack: Stack, fractions: list[tuple[Column, pl.Series]]) -> None:
    """``1.234`` is left, unless the file shows elsewhere that its dot is a decimal mark or always writes three decimals here."""
    evidence = np.zeros(len(stack.sizes), dtype=bool)
    doubtful: list[tuple[Column, pl.Series, np.ndarray]] = []
    for column, text in fractions:
        ambiguous = text.str.contains(r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$")
        evidence |= stack.per_file(text.str.contains(".", literal=True) & ~ambiguous) > 0
        doubtful.append((column, text, stack.per_file(ambiguous) > 0))
    for column, text, is_doubtful in doubtful:
        always = stack.per_file(~text.str.contains(r"\.[0-9]{3}$")) == 0
        fixed = always if column.decimals == 3 and stack.trusted else np.zeros(len(evidence), dtype=bool)
        stack.leave_files(is_doubtful & ~evidence & ~fixed)


def _values(stack: Stack, cells: dict[str, tuple[Column, pl.Series]]) -> dict[str, pl.Series]:
    """Typed columns in the order in which the strict way makes them."""
    form = stack.plan.form
    data = {"row_number": pl.Series(np.arange(len(stack.lines)), dtype=pl.Int64)}
    data |= {n: text for n, (column, text) in cells.items() if column.kind == "id" or column.kind in typed.TEXT_KINDS}
    _post_ids(stack, data)
    instants = _instants(stack, data)
    for name, (column, text) in cells.items():
        if column.kind in ("date", "datetime"):
            data |= _dates(stack, column, name, text, instants)
    data |= {n: number for n, (c, text) in cells.items() if (number := _number(c, text)) is not None}
    for name, (column, _) in cells.items():
        is_key = name == "published_at" if form.grain == "post" else column.kind == "date" or name == form.label_field
        if column.required and is_key:
            stack.leave(data[name].is_null())
        if form.grain == "audience" and name == form.label_field and data[name].dtype == pl.String:
            stack.leave(data[name].str.contains(typed.NUMBER_AS_LABEL))
    if instants is not None:
        data["_instant"] = instants
    return data


def _number(column: Column, text: pl.Series) -> pl.Series | None:
    if column.kind == "count":
        number = text.cast(pl.Int64)
        return number if column.scale == 1 else number.cast(pl.Float64) * column.scale
    if column.kind in ("decimal", "percent"):
        number = text.cast(pl.Float64)
        if column.kind == "percent":  # polars multiplies by 1 / 100, which rounds otherwise than a division
            number = pl.Series(number.fill_null(0).to_numpy() / 100).set(number.is_null(), None)
        return number * column.scale
    if column.kind == "duration":
        parts = [text.str.extract(r"^(?:([0-9]+):)?([0-9]{1,2}):([0-9]{2})$", i).cast(pl.Float64) for i in (1, 2, 3)]
        clock = parts[0].fill_null(0) * 3600 + parts[1] * 60 + parts[2]
        return clock.zip_with(parts[2].is_not_null(), text.cast(pl.Float64, strict=False))
    if column.kind == "flag":
        return text.str.to_lowercase().is_in(["1", "true"])
    return None


def _post_ids(stack: Stack, data: dict[str, pl.Series]) -> None:
    form = stack.plan.form
    if form.grain != "post":
        return
    if form.post_id_from and form.post_id_from[0] in data:
        source, pattern = form.post_id_from
        linked = data[source].str.extract(f"{pattern}(?:[/?#&]|$)", 1)
        if "post_id" in data:
            stack.leave(data["post_id"] != linked)
            data["post_id"] = data["post_id"].fill_null(linked)
        else:
            data["post_id"] = linked
    if "post_id" in data:
        stack.leave(data["post_id"].is_null())
    if form.handle_from and form.handle_from[0] in data:
        linked = data[form.handle_from[0]].str.extract(form.handle_from[1], 1)
        data["handle"] = data["handle"].fill_null(linked) if "handle" in data else linked


def _instants(stack: Stack, data: dict[str, pl.Series]) -> pl.Series | None:
    clock = stack.plan.form.clock
    if clock is None or clock.source not in data:
        return None
    texts = data[clock.source]
    instants = clocks.instants(clock.name, texts)
    if clock.name == "tiktok":
        stack.leave(texts.is_not_null() & (texts != "") & instants.is_null())
    return instants


# --- dates


def _dates(stack: Stack, column: Column, name: str, text: pl.Series, instants: pl.Series | None) -> dict[str, pl.Series]:
    patterns = column.formats if column.formats is not None else stack.plan.form.dates
    if len(patterns) == 1 and patterns[0] in QUICK_DATES:
        return _quick_dates(stack, patterns[0], column, name, text)
    return _dates_by_file(stack, column, name, text, instants)


def _quick_dates(stack: Stack, pattern: str, column: Column, name: str, text: pl.Series) -> dict[str, pl.Series]:
    """Dates in a format's only pattern, which has one reading whatever the row."""
    shape, has_time = QUICK_DATES[pattern]
    moments = text.str.to_datetime(pattern, strict=False, time_unit="us")
    stack.leave(text.is_not_null() & ~(text.str.contains(shape) & moments.is_not_null()))
    days = moments.dt.date()
    latest = pl.Series([a.today + timedelta(days=1) for a in stack.around], dtype=pl.Date).gather(stack.file)
    stack.leave((days > latest) | (days.dt.year() < dates.EARLIEST))
    if dates.compiled(pattern)[1]:
        _in_period(stack, days)
    if name == "day":
        stack.leave(days.is_null())
    if column.kind == "date" and name != "published_at":
        return {name: days}
    if name != "published_at":
        return {name: moments}
    stack.leave_files(stack.per_file(moments.is_not_null()) == 0)
    precision = pl.repeat("minute" if has_time else "day", len(text), dtype=pl.Utf8, eager=True)
    return {name: moments, "published_precision": precision, "_zoned": pl.repeat(False, len(text), eager=True)}


def _in_period(stack: Stack, days: pl.Series) -> None:
    """Leaves files with days outside the period of their name and no day above 12: their order is in question."""
    day = timedelta(days=1)
    first = pl.Series([a.period[0] - day if a.period else None for a in stack.around], dtype=pl.Date).gather(stack.file)
    last = pl.Series([a.period[1] + day if a.period else None for a in stack.around], dtype=pl.Date).gather(stack.file)
    beyond = stack.per_file((days < first) | (days > last)) > 0
    stack.leave_files(beyond & (stack.per_file(days.dt.day() > 12) == 0))


def _dates_by_file(stack: Stack, column: Column, name: str, text: pl.Series, instants: pl.Series | None) -> dict[str, pl.Series]:
    """Dates whose reading depends on their neighbours: file by file, by the strict way itself; one to be flagged is left."""
    parts: dict[str, list[pl.Series]] = {}
    heights: list[int] = []
    texts, known = text.to_list(), instants.to_list() if instants is not None else []
    lines = stack.lines.tolist()
    for number, where in stack.slices():
        found: dict[str, pl.Series] = {}
        notes = Notes()
        cells = list(zip(lines[where], texts[where], strict=True))
        try:
            typed._dates(stack.plan.form, column, cells, stack.around[number], known[where], found, notes, name)
        except Refused:
            notes.refuse("")
        if notes.refusals or notes.flags:
            stack.ok[number] = False
            continue
        heights.append(number)
        for key, series in found.items():
            parts.setdefault(key, []).append(series)
    return {key: _spread(stack, heights, series) for key, series in parts.items()} or {
        name: pl.Series([None] * len(text), dtype=pl.Date)
    }


def _spread(stack: Stack, numbers: list[int], parts: list[pl.Series]) -> pl.Series:
    """Series of some files laid over the rows of all; rows of the others are null."""
    joined = pl.concat(parts)
    if len(joined) == len(stack.file):
        return joined
    at = np.flatnonzero(np.isin(stack.file, numbers))
    return pl.Series([None] * len(stack.file), dtype=joined.dtype).scatter(at, joined)


def _enums(form: Format, frame: pl.DataFrame) -> pl.DataFrame:
    """Closed vocabularies: known text to its canonical word; other text stays as it is."""
    vocabularies = [(c.field, c.values) for c in form.columns if c.kind == "enum" and c.values]
    if form.post_types:
        vocabularies.append(("post_type", form.post_types))
    for name, words in vocabularies:
        if name in frame.columns:
            known = {normalise(k): v for k, v in words.items()}
            mapping = {t: known.get(normalise(t), t) for t in frame[name].unique().drop_nulls()}
            frame = frame.with_columns(frame[name].replace(mapping).alias(name))
    return frame


# --- publication time


def _publish(stack: Stack, frame: pl.DataFrame, data: dict[str, pl.Series]) -> pl.DataFrame:
    """published_at (UTC), published_on, published_precision; files whose clock change or ids need a word are left."""
    form, height = stack.plan.form, frame.height
    nothing = pl.Series([None] * height, dtype=pl.Datetime("us"))
    printed = frame["published_at"] if "published_at" in frame.columns else nothing
    days = frame["published_on"] if "published_on" in frame.columns else nothing.dt.date()
    known = data.get("_instant", nothing.dt.replace_time_zone("UTC"))
    precision = frame["published_precision"] if "published_precision" in frame.columns else pl.repeat("day", height, eager=True)
    if "_zoned" in frame.columns:
        stack.leave(frame["_zoned"])
    wall = printed.fill_null(days.cast(pl.Datetime("us"))) if printed.null_count() else printed
    at = wall.dt.replace_time_zone(form.zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
    stack.leave(wall.is_not_null() & at.is_null())
    on = days.fill_null(printed.dt.date())
    if form.clock is not None:
        _agree(stack, at, on, precision == "day", known)
        if form.clock.use == "settle":
            on = on.fill_null(known.dt.date())
            settled = known.is_not_null()
            precision = precision.set(settled, "instant")
            at = known.zip_with(settled, at)
    precision = precision.set(at.is_null(), None)
    return frame.drop("_zoned", strict=False).with_columns(
        at.alias("published_at"), on.alias("published_on"), precision.alias("published_precision")
    )


def _agree(stack: Stack, at: pl.Series, on: pl.Series, by_day: pl.Series, known: pl.Series) -> None:
    """Leaves files in which a printed time lies further from its id than the tolerance."""
    slack = timedelta(seconds=stack.plan.form.clock.tolerance if stack.plan.form.clock else 0)
    start = on.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    far_from_day = (known < start - slack) | (known > start + timedelta(days=1) + slack)
    far_from_time = ((at - known) > slack) | ((known - at) > slack)
    by_day = by_day.fill_null(False) & on.is_not_null()
    stack.leave(at.is_not_null() & known.is_not_null() & far_from_day.zip_with(by_day, far_from_time))


# --- checks


def _compare_totals(stack: Stack, frame: pl.DataFrame, totals: dict[int, list[str]]) -> None:
    """Leaves files whose total row says other than the sum of their rows."""
    form = stack.plan.form
    if not totals or form.total_rule == "report":
        return
    for place, column in enumerate(stack.plan.columns):
        if column is None or column.kind != "count" or not column.is_additive or column.field not in frame.columns:
            continue
        added = _sums(stack, frame[column.field])
        for number, cells in totals.items():
            text = cells[place].strip()
            if text.isascii() and text.isdigit():
                said = int(text)
                if said != added[number] and not (form.total_rule == "at_least" and said > added[number]):
                    stack.ok[number] = False


def _sums(stack: Stack, numbers: pl.Series) -> list[int | float]:
    """Sum per file: exact for whole numbers, and for others added one after the other, as everywhere."""
    if numbers.dtype.is_integer():
        filled = numbers.fill_null(0).to_numpy()
        if len(filled) and float(np.abs(filled).max()) * len(filled) < MANY:
            running = np.concatenate(([0], np.cumsum(filled)))
            return (running[stack.starts + stack.sizes] - running[stack.starts]).tolist()
    values = numbers.fill_null(0).to_list()
    return [sum(values[s : s + n]) for s, n in zip(stack.starts.tolist(), stack.sizes.tolist(), strict=True)]


def _hooks(stack: Stack, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, Notes]]:
    """The format's own lines of Python: on all rows at once where they look at one row at a time, else file by file."""
    form = stack.plan.form
    notes: dict[int, Notes] = {}
    if form.finish:
        said = Notes()
        together = form.finish(frame, said) if form.finish_by_row else frame
        if form.finish_by_row and not (said.flags or said.refusals or said.dropped):
            frame = together
        else:
            parts = []
            for number, where in stack.slices():
                notes[number] = Notes()
                parts.append(form.finish(frame[where], notes[number]))
                stack.ok[number] &= not (notes[number].flags or notes[number].refusals)
            frame = pl.concat(parts)
            _regrouped(stack, frame)
    for repair in form.repairs:
        if all(n in frame.columns for n in repair.needs):
            stack.leave(frame.select(repair.when.fill_null(False).alias("hit"))["hit"])
    return frame, notes


def _regrouped(stack: Stack, frame: pl.DataFrame) -> None:
    """After a hook that took rows off: the rows that are left, by the number they carry."""
    at = frame["row_number"].to_numpy()
    files, lines = stack.file[at], stack.lines[at]
    stack.sizes = np.bincount(files, minlength=len(stack.sizes))
    stack.lines = lines
    stack.raw = stack.raw[at]
    stack.ok &= stack.sizes > 0
    stack.index()


def _rules(stack: Stack, frame: pl.DataFrame) -> None:
    """Leaves files that break a relation more often than the format lets pass in silence."""
    for rule in stack.plan.form.checks:
        if not all(n in frame.columns for n in rule.needs):
            continue
        holds = frame.select((rule.holds(frame.columns) if callable(rule.holds) else rule.holds).alias("holds"))["holds"]
        broken = stack.per_file(~holds)
        share = broken / np.maximum(stack.per_file(holds.is_not_null()), 1)
        speaks = rule.hard | (share > rule.flag_above)
        stack.leave_files((broken > 0) & speaks)


def _unique(stack: Stack, frame: pl.DataFrame) -> None:
    form = stack.plan.form
    names = [n for n in form.unique if n in frame.columns]
    if names and len(names) == len(form.unique):
        keyed = frame.select(pl.Series("_file", stack.file), *names)
        stack.leave(keyed.select(pl.struct(pl.all()).is_duplicated().alias("twice"))["twice"])


# --- what comes out


def _results(
    stack: Stack, frame: pl.DataFrame, notes: dict[int, Notes], totals: dict[int, list[str]]
) -> list[typed.Typed | None]:
    plan = stack.plan
    used = {c.field: c for c in plan.columns if c}
    sums, nulls = _summaries(stack, used, frame)
    stated = frame["captured_on"] if "captured_on" in frame.columns else None
    numbered = frame.with_columns(pl.int_range(frame.height, dtype=pl.Int64).alias("row_number"))
    form = replace(plan.form, dimension=plan.dimension) if callable(plan.form.dimension) else plan.form
    rows = typed._finish(form, used, numbered, Table([]))
    at = rows["row_number"].to_numpy()
    rows = rows.with_columns(pl.Series("row_number", stack.lines[at], dtype=pl.Int64))
    tall = np.bincount(stack.file[at], minlength=len(stack.sizes))
    edges = np.concatenate(([0], np.cumsum(tall)))
    spans, named = typed.spans(form.grain, rows, edges), typed.identities(rows, edges)
    results: list[typed.Typed | None] = [None] * len(stack.sizes)
    for number, where in stack.slices():
        said = notes.get(number) or Notes()
        said.drop("total_row", int(number in totals))
        typed.note_header(plan.form, plan.report, said)
        part = Shared(rows, int(edges[number]), int(tall[number]))
        facts = (sums[number], nulls[number], spans[number], named[number])
        made = typed.Typed(part, int(stack.sizes[number]), plan.report, plan.language, said.dropped, said, *facts)
        day: Any = None if stated is None else stated[where].max()
        if day:
            made.captured = end_of_day(day)
        results[number] = made
    return results


def _summaries(
    stack: Stack, used: dict[str, Column], frame: pl.DataFrame
) -> tuple[list[dict[str, int | float]], list[dict[str, int]]]:
    """Totals of additive fields and null counts of all fields, per file."""
    files = range(len(stack.sizes))
    sums: list[dict[str, int | float]] = [{} for _ in files]
    for column in typed._metrics(used, frame):
        if column.is_summed:
            series = frame[column.field]
            filled = stack.per_file(series.is_not_null())
            for number, exact in enumerate(_sums(stack, series)):
                if filled[number]:
                    sums[number][column.field] = exact if isinstance(exact, int) else round(exact, 6)
    hidden = ("row_number", "published_precision", "captured_on")
    names = [n for n in frame.columns if not n.startswith("_") and n not in hidden]
    counts = [stack.per_file(frame[n].is_null()).tolist() if frame[n].null_count() else [0] * len(sums) for n in names]
    return sums, [dict(zip(names, row, strict=True)) for row in zip(*counts, strict=True)]
