"""Comma-separated files of one header, proven well-formed by :mod:`pipeline.exports.proof`, joined and parsed at once.

Files are joined with a row of random text before each, so that a parser which lost its place is noticed. A file of which there is
no proof, or whose header does not decide alone what it is, is left to the tokeniser: nothing here refuses.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl

from pipeline.exports import digits, guards, proof, structure, text
from pipeline.exports.blocks import is_day_header
from pipeline.exports.fields import TEXT_KINDS
from pipeline.exports.header import Plan, plan_of
from pipeline.exports.messages import Refused
from pipeline.exports.prepared import Prepared, placed
from pipeline.exports.recognise import names_fit, recognise
from pipeline.exports.source import Part
from pipeline.exports.stack import Around, Stack
from pipeline.formats import Detection, Format, Table, all_formats, normalise

JOINED = 12 * 2**20  # bytes parsed at a time
HEAD = 64 * 1024  # a header line is not longer
REMOVED = r"\ufeff|[\s\x1c-\x1f]{2}|^[\s\x1c-\x1f\x22\uff02]|[\s\x1c-\x1f\x22\uff02]$"  # what comparing a header takes off
DEEP = 25  # rows in which a title above a header may hide one


@dataclass(frozen=True)
class Sniffed:
    """A part that may be read here: its header line and its body, without BOM."""

    part: Part
    header: bytes
    body: memoryview
    open_end: bool


@dataclass
class Proven:
    """Well-formed tables of one header: their rows one behind the other, the physical line of each row, rows per table."""

    plan: Plan
    tables: list[Sniffed]
    rows: pl.DataFrame
    lines: np.ndarray
    sizes: np.ndarray


def groups_of(parts: Sequence[Part], few: int, small: int) -> Iterator[tuple[Plan, list[Sniffed]]]:
    """Files that may be read here, those of one header together, as many as are parsed at a time.

    Groups of up to ``few`` files and ``small`` bytes are left: they are read faster one by one.
    """
    groups: dict[tuple[bytes, bool], list[Sniffed]] = {}
    for part in parts:
        if table := _sniff(part):
            groups.setdefault((table.header, table.open_end), []).append(table)
    for (header, open_end), tables in groups.items():
        size = sum(len(t.body) for t in tables)
        plan = _plan(header) if len(tables) > few or size > small else None
        if plan and not (open_end and plan.form.ends_with_newline):
            yield from ((plan, chunk) for chunk in _chunks(tables))


def prove(plan: Plan, tables: list[Sniffed]) -> Proven | None:
    """Prove and parse tables of one header; one that is too large for one go in pieces, all of which must hold."""
    crlf = tables[0].header.endswith(b"\r\n")
    how = _How(len(plan.header), crlf, tables[0].part.source.limits.field, count_columns(plan))
    if len(tables) == 1 and len(tables[0].body) > JOINED:
        found = _in_pieces(tables[0].body, how) or _in_pieces(tables[0].body, replace(how, counts=()))
        return Proven(plan, tables, *found) if found else None
    parsed = _parsed([t.body for t in tables], how)
    return Proven(plan, [t for t, fine in zip(tables, parsed[0], strict=True) if fine], *parsed[1:]) if parsed else None


def stack_of(found: Proven) -> tuple[list[tuple[Part, Prepared]], Stack]:
    """Proven tables of their parts, without those whose rows may say that they are something else after all."""
    texts = [found.rows[name] for name in found.rows.columns]
    ready = [_prepared(found.plan, table) for table in found.tables]
    stack = Stack(found.plan, [p.table for p in ready], [p.around for p in ready], texts, found.lines, found.sizes)
    mine = np.flatnonzero(~_something_else(stack))
    if len(mine) < len(ready):
        stack = stack.of(mine)
    return [(found.tables[i].part, ready[i]) for i in mine.tolist()], structure.settle_columns(stack)


def _prepared(plan: Plan, table: Sniffed) -> Prepared:
    source = table.part.source
    around = Around("csv", source.first_seen.date(), open_end=table.open_end)
    return placed(plan.form, Table([(1, list(plan.header))], file_name=source.file), source, around)


def count_columns(plan: Plan) -> tuple[int, ...]:
    """Positions of columns that hold whole numbers, each the only one of its field."""
    fields = [c.field for c in plan.columns if c]
    return tuple(i for i, c in enumerate(plan.columns) if i and c and c.kind == "count" and fields.count(c.field) == 1)


# --- recognising by the header alone


def _sniff(part: Part) -> Sniffed | None:
    """Header line (with its line end) and body of what looks like comma-separated text; None leaves it to the tokeniser."""
    data, start = part.data, 0
    if part.kind != "csv":
        return None
    if data.startswith(text.BOMS[0][0]):
        start = len(text.BOMS[0][0])
    elif data.startswith((text.BOMS[1][0], text.BOMS[2][0])):
        try:
            data = data[2:].decode("utf-16-le" if data.startswith(text.BOMS[1][0]) else "utf-16-be").encode()
        except UnicodeError:
            return None
    end = data.find(b"\n", start, start + HEAD) + 1
    header = data[start:end]
    if not end or end == len(data) or b"," not in header or _plan(header) is None:
        return None
    try:
        guards.check_name(part.source.member or part.source.name, "csv")
    except Refused:
        return None
    open_end = not data.endswith(b"\n")
    if open_end and data.endswith(b"\r"):
        return None
    if open_end:
        return Sniffed(part, header, memoryview(data[end:] + (b"\r\n" if header.endswith(b"\r\n") else b"\n")), True)
    return Sniffed(part, header, memoryview(data)[end:], False)


@cache
def _plan(header: bytes) -> Plan | None:
    """What a first line means, if it decides alone: one built-in kind, at the first row, whatever the rows say."""
    try:
        line = header.decode().removesuffix("\n").removesuffix("\r")
        if "\r" in line or "\x00" in line or line.startswith("\ufeff") or text.SEP_LINE.match(line):
            return None
        records = list(text.tokenise(line, text.Dialect(",")))
    except (UnicodeError, Refused):
        return None
    if len(records) != 1 or len(records[0][1]) < 2 or not all(c.strip() for c in records[0][1]):
        return None
    cells = records[0][1]
    names = tuple(normalise(c) for c in cells)
    table = Table([(1, list(cells))])
    if is_day_header(cells):
        return None
    shaped = [(f, d) for f in all_formats() for d in f.detect if d.positional and "csv" in f.containers and not f.blocks]
    if any(names_fit(form, detection, names) for form, detection in shaped):
        return None
    try:
        found = recognise(table, "csv", all_formats())
    except Refused:
        return None
    form = found.format
    if found.header or form.reshape or form.platform_from or callable(form.dimension) or form.second_header:
        return None
    try:
        return plan_of(form, cells)
    except Refused:
        return None


@cache
def _anchors() -> tuple[str, ...] | None:
    """For each detection that may find a header below the first row, a name that such a header cannot lack."""
    anchors = []
    for form in all_formats():
        for detection in form.detect:
            if "csv" in form.containers and not form.blocks and max(detection.header_row, detection.header_search) > 1:
                name = _anchor(form, detection)
                if name is None or detection.header_search > DEEP or detection.header_row > DEEP:
                    return None
                anchors.append(name)
    return tuple(anchors)


def _anchor(form: Format, detection: Detection) -> str | None:
    names = [normalise(e) for e in detection.all_of if e not in form.fields]
    names = [n for n in names if n.isascii() and len(n) > 6]
    return max(names, key=len, default=None)


def _something_else(stack: Stack) -> np.ndarray:
    """Tables whose rows are one cell each, which may hold a row; or whose first rows hold a name of another kind's header.

    That header would stand below a title.
    """
    others: np.ndarray = stack.per_table(structure.nearly_blank(stack.texts)) == stack.sizes
    anchors = _anchors()
    if anchors is None:
        return np.ones(len(stack.sizes), dtype=bool)
    depth = np.arange(len(stack.table)) - stack.starts[stack.table]
    top = np.flatnonzero(depth < DEEP)
    for column, own in zip(stack.texts, stack.plan.columns, strict=True):
        if own is None or own.kind in (*TEXT_KINDS, "ignored", "person"):
            texts = column.gather(top)
            likely = _may_be(texts, anchors)
            few = texts.gather(likely)
            names = [t for t in few.unique() if normalise(t) in anchors]
            if names:
                others[stack.table[top[likely[few.is_in(names).to_numpy()]]]] = True
    return others


def _may_be(texts: pl.Series, anchors: tuple[str, ...]) -> np.ndarray:
    """Places of texts that :func:`normalise` could turn into one of the names: all that do, and few others.

    It takes away only space, quotes and BOMs, so a text longer than all names must have these at its ends, or doubled. Of ASCII
    it changes nothing else but capitals, so a word of a name must be there. Of other texts nothing is said.
    """
    sizes, words = [len(name) for name in anchors], [max(name.split(), key=len) for name in anchors]
    length = texts.str.len_chars()
    may = np.flatnonzero((length <= max(sizes)).fill_null(False).to_numpy())
    long = np.flatnonzero((length > max(sizes)).fill_null(False).to_numpy())
    if len(long):
        may = np.union1d(may, long[texts.gather(long).str.contains(REMOVED).to_numpy()])
    texts, length = texts.gather(may), length.gather(may)
    foreign = texts.str.len_bytes() != length
    named = (length >= min(sizes)) & texts.str.contains_any(words, ascii_case_insensitive=True)
    likely: np.ndarray = may[(foreign | named).to_numpy()]
    return likely


# --- one chunk of files with one header


def _chunks(tables: list[Sniffed]) -> Iterator[list[Sniffed]]:
    chunk: list[Sniffed] = []
    size = 0
    for table in tables:
        if chunk and size + len(table.body) > JOINED:
            yield chunk
            chunk, size = [], 0
        chunk.append(table)
        size += len(table.body)
    if chunk:
        yield chunk


def _in_pieces(body: memoryview, how: "_How") -> tuple[pl.DataFrame, np.ndarray, np.ndarray] | None:
    """Rows, lines and their number; None where a piece is not proven, or its columns are numbers where another's are text."""
    frames: list[pl.DataFrame] = []
    lines: list[np.ndarray] = []
    before = 0
    for piece in _pieces(body):
        found = _parsed([piece], how)
        if found is None or (frames and found[1].schema != frames[0].schema):
            return None
        frames.append(found[1])
        lines.append(found[2] + before)
        before += int(np.count_nonzero(np.frombuffer(piece, dtype=np.uint8) == proof.LF))
    stacked = np.concatenate(lines)
    return pl.concat(frames), stacked, np.array([len(stacked)])


@dataclass(frozen=True)
class _How:
    """How the bytes of a chunk are read: fields per record, line end, limit of a field, positions of columns of counts."""

    width: int
    crlf: bool
    limit: int
    counts: tuple[int, ...]


Parsed = tuple[np.ndarray, pl.DataFrame, np.ndarray, np.ndarray]


def _parsed(bodies: Sequence[memoryview], how: _How) -> Parsed | None:
    """Which bodies are proven; their rows, physical lines, and rows per proven body. None if the parser lost its place."""
    nonce = secrets.token_hex(16).encode()
    mark = nonce + b"," * (how.width - 1) + (b"\r\n" if how.crlf else b"\n")
    fine = np.ones(len(bodies), dtype=bool)
    data, starts = _join(bodies, mark)
    if not _is_text(data):
        fine = np.array([_is_text(b) for b in bodies])
        data, starts = _join(_only(bodies, fine), mark)
    if not len(starts):
        return None
    proven = proof.prove(data, starts, how.width, how.crlf, how.limit)
    if proven.ends is None:
        fine[np.flatnonzero(fine)[~proven.proven]] = False
        if not fine.any():
            return None
        data, starts = _join(_only(bodies, fine), mark)
        proven = proof.prove(data, starts, how.width, how.crlf, how.limit)
        if proven.ends is None:
            return None
    numbers = _numbers(data, proven.ends, how)
    try:
        frame = _parse(data, how.width, [i for i in range(how.width) if i not in numbers])
    except pl.exceptions.PolarsError:
        return None
    heads = np.cumsum(proven.records) - proven.records
    marks = frame["c0"] == nonce.decode()
    if frame.height != proven.records.sum() or not np.array_equal(np.flatnonzero(marks.to_numpy()), heads):
        return None
    body = np.ones(frame.height, dtype=bool)
    body[heads] = False
    lines = proven.lines[body] + 1  # the mark stands where the header line stood: line 1
    columns = [numbers[i].alias(f"c{i}") if i in numbers else frame[f"c{i}"] for i in range(how.width)]
    rows = pl.DataFrame(columns)
    rows = rows.slice(1) if len(heads) == 1 else rows.filter(pl.Series(body))
    return fine, rows, lines, proven.records - 1


def _numbers(data: bytes, ends: np.ndarray, how: _How) -> dict[int, pl.Series]:
    """Columns of counts in which every field is plain digits or empty, as numbers."""
    if not how.counts:
        return {}
    places = np.array(how.counts)
    begins, ends = ends[:, places - 1] + 1, ends[:, places] - (how.crlf & (places == how.width - 1))
    numbers, plain = digits.whole(data, begins, ends)
    empty = begins == ends
    sound = (plain | empty).all(axis=0)
    return {int(place): pl.Series(numbers[:, i]).set(pl.Series(empty[:, i]), None) for i, place in enumerate(places) if sound[i]}


def _only(bodies: Sequence[memoryview], wanted: np.ndarray) -> list[memoryview]:
    return [b for b, is_wanted in zip(bodies, wanted, strict=True) if is_wanted]


def _is_text(data: bytes | memoryview) -> bool:
    """Is it UTF-8? (Polars checks this ten times faster than Python decodes.)"""
    try:
        pl.Series([bytes(data)], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _pieces(body: memoryview) -> Iterator[memoryview]:
    """A body cut behind records, if it is well-formed: behind line ends up to which the quotes are even."""
    whole = bytes(body) if not isinstance(body.obj, bytes) else body.obj
    start = len(whole) - len(body)
    while len(whole) - start > JOINED:
        at = whole.rfind(b"\n", start, start + JOINED) + 1
        quotes = whole.count(b'"', start, at)
        while at and quotes % 2:
            before = whole.rfind(b"\n", start, at - 1) + 1
            quotes -= whole.count(b'"', before, at)
            at = before
        if not at:
            break
        yield memoryview(whole)[start:at]
        start = at
    yield memoryview(whole)[start:]


def _join(bodies: Sequence[memoryview], mark: bytes) -> tuple[bytes, np.ndarray]:
    pieces: list[bytes | memoryview] = []
    for body in bodies:
        pieces += (mark, body)
    sizes = np.array([len(mark) + len(b) for b in bodies], dtype=np.int64)
    return b"".join(pieces), np.cumsum(sizes) - sizes


def _parse(data: bytes, width: int, wanted: Sequence[int]) -> pl.DataFrame:
    names = [f"c{i}" for i in range(width)]
    return pl.read_csv(
        data,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        columns=list(wanted),
        quote_char='"',
        separator=",",
        truncate_ragged_lines=False,
        ignore_errors=False,
        try_parse_dates=False,
        encoding="utf8",
    )
