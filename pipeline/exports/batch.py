"""Many files at once: those of one header are proven well-formed, joined, parsed and typed together; the rest goes one by one.

Every file comes out as :func:`pipeline.exports.read` would give it: where the fast way has no proof or no plain reading, the
strict tokeniser reads the file alone. Files are joined with a row of random text before each, so that a parser which lost its
place is noticed.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from pipeline.exports import digits, guards, joined, ownership, proof, provenance, reading, scope, text, typed
from pipeline.exports.messages import Refused
from pipeline.exports.model import Export
from pipeline.exports.recognise import names_fit, recognise
from pipeline.formats import Detection, Format, Table, all_formats, normalise

T = TypeVar("T")
LOG = logging.getLogger(__name__)
JOINED = 12 * 2**20  # bytes parsed at a time
AT_ONCE = 12 * 2**20  # bytes read and parsed at a time, while those before them are typed
FEW = 2  # files, or
SMALL = 64 * 1024  # bytes of one header that are read faster one by one
HEAD = 64 * 1024  # a header line is not longer
CHILDREN = 2  # workbooks that are read at a time
WORKBOOKS = ("xlsx", "xls", "spreadsheetml")
REMOVED = r"\ufeff|[\s\x1c-\x1f]{2}|^[\s\x1c-\x1f\x22\uff02]|[\s\x1c-\x1f\x22\uff02]$"  # what comparing a header takes off
DEEP = 25  # rows in which a title above a header may hide one


@dataclass(frozen=True)
class Job:
    """One file to read; the fields are the arguments of :func:`pipeline.exports.read`."""

    path: Path
    name: str | None = None
    accounts: Sequence[str] = ()
    folder_date: date | None = None
    captured_at: datetime | None = None
    first_seen: datetime | None = None
    modified: datetime | None = None


@dataclass
class _Part:
    """A file, or a member of an archive, and what became of it."""

    source: reading.Source
    data: bytes
    kind: str | None = None  # container; None where a guard refuses it
    is_member: bool = False
    exports: list[Any] | None = None  # Export, or Prepared until it is typed


@dataclass
class _File:
    """A job on its way: its parts in order, or the answer for the file as a whole."""

    job: Job
    source: reading.Source
    parts: list[_Part] = field(default_factory=list)
    answer: list[Export] | None = None


@dataclass(frozen=True)
class _Table:
    """A part that may be read fast: its header line and its body, without BOM."""

    part: _Part
    header: bytes
    body: memoryview
    open_end: bool


def read_many(
    jobs: Iterable[Job], *, registry: Any | None = None, limits: guards.Limits | None = None, few: int = FEW, small: int = SMALL
) -> Iterator[list[Export]]:
    """The exports of each file, in the order of the jobs. Never raises for a bad file. Groups below ``few`` files and ``small``
    bytes are read one by one."""
    reader = _Reader(registry, limits or guards.Limits(), few, small)
    for window in _ahead(reader.windows(jobs)):
        yield from reader.finish(window)


def _ahead(steps: Iterator[T]) -> Iterator[T]:
    """Each step, while a thread of its own works on the next one: reading, hashing and proving leave the interpreter free."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = pool.submit(next, steps, None)
            yield step


class _Reader:
    def __init__(self, registry: Any | None, limits: guards.Limits, few: int, small: int):
        self.accounts = ownership.Accounts(registry)
        self.taught = tuple(getattr(registry, "mappings", ()))
        self.limits, self.few, self.small = limits, few, small

    def windows(self, jobs: Iterable[Job]) -> "Iterator[_Window]":
        """Files opened one after the other, as many at a time as may be held, and what of them is proven."""
        files: list[_File] = []
        held = 0
        for job in jobs:
            files.append(self.open(job))
            held += sum(len(p.data) for p in files[-1].parts)
            if held > AT_ONCE:
                yield _Window(files, list(self.proven(files)))
                files, held = [], 0
        if files:
            yield _Window(files, list(self.proven(files)))

    def open(self, job: Job) -> _File:
        source = reading.source_of(
            job.path,
            job.name,
            self.accounts,
            job.accounts,
            job.folder_date,
            job.captured_at,
            job.first_seen,
            self.limits,
            self.taught,
            job.modified,
        )
        file = _File(job, source)
        try:
            data = reading.load(job.path, source)
            file.source = source = replace(source, sha256=guards.sha256(data))
            file.parts = _parts(data, source)
        except Refused as refused:
            file.answer = [reading.refusal(source, refused)]
        except (MemoryError, RecursionError, Exception) as error:
            file.answer = [reading.crashed(source, error)]
        return file

    def finish(self, window: "_Window") -> Iterator[list[Export]]:
        """Read what is open. Workbooks wait for their child processes in the background, while text is read."""
        with ThreadPoolExecutor(CHILDREN) as pool:
            books = [(p, pool.submit(_strictly, p)) for f in window.files for p in f.parts if p.kind in WORKBOOKS]
            self._read_text(window)
            for part, book in books:
                with suppress(Exception):  # met again, and reported, where the part is read alone
                    part.exports = book.result()
        for file in window.files:
            yield file.answer if file.answer is not None else _answer(file)

    def _read_text(self, window: "_Window") -> None:
        while window.proven:
            plan, proven = window.proven.pop(0)
            _or_left(_read_chunk, plan, *proven)
            del proven
        _prepare([p for f in window.files for p in f.parts if p.exports is None and p.kind == "csv"])

    def proven(self, files: list[_File]) -> Iterator[tuple[joined.Plan, "Proven"]]:
        """What of these files is well-formed, parsed, chunk by chunk."""
        for plan, header, tables in self.chunks(files):
            if found := _or_left(_proven, plan, header, tables):
                yield plan, found

    def chunks(self, files: list[_File]) -> Iterator[tuple[joined.Plan, bytes, list[_Table]]]:
        """Tables that may be read fast, those of one header together, as many as are parsed at a time."""
        groups: dict[tuple[bytes, bool], list[_Table]] = {}
        for part in (p for f in files for p in f.parts):
            if table := _sniff(part):
                groups.setdefault((table.header, table.open_end), []).append(table)
        for (header, open_end), tables in groups.items():
            size = sum(len(t.body) for t in tables)
            plan = _plan(header) if len(tables) > self.few or size > self.small else None
            if plan and not (open_end and plan.form.ends_with_newline):
                yield from ((plan, header, chunk) for chunk in _chunks(tables))


@dataclass
class _Window:
    """Files that are held at a time, and those tables of them that are well-formed, parsed."""

    files: list[_File]
    proven: "list[tuple[joined.Plan, Proven]]"


def _answer(file: _File) -> list[Export]:
    """Parts that the fast way left are read strictly now; then all of them are settled together."""
    exports: list[Export] = []
    try:
        for part in file.parts:
            found = part.exports if part.exports is not None else _strictly(part)
            exports += [reading.complete(e) if isinstance(e, reading.Prepared) else e for e in found]
            part.data = b""
        return scope.settle(exports)
    except (MemoryError, RecursionError, Exception) as error:  # a bug must cost one file, never the night
        return [reading.crashed(file.source, error)]


def _strictly(part: _Part, defer: bool = False) -> list[Any]:
    done: list[Any] = []
    try:
        for export in reading.read_bytes(part.data, replace(part.source, defer=defer)):
            done.append(export)
    except Refused as refused:
        return [*(done if part.is_member else []), reading.refusal(part.source, refused)]
    return done


def _prepare(parts: list[_Part]) -> None:
    """Text that has no proof, or blocks with titles: the strict tokeniser's records, typed together where they have one plan."""
    groups: dict[tuple, tuple[joined.Plan, list[tuple[list[Any], int, reading.Prepared, Table]]]] = {}
    for part in parts:
        try:
            part.exports = _strictly(part, defer=True)
        except Exception:  # a mistake is met again, and reported, where the part is read alone
            part.exports = None
            continue
        for place, prepared in enumerate(part.exports):
            if found := _planned(prepared):
                key = (id(found[0].form), found[0].header, found[0].dimension)
                groups.setdefault(key, (found[0], []))[1].append((part.exports, place, prepared, found[1]))
    for plan, tables in groups.values():
        if len(tables) > 1:
            _or_left(_type_records, plan, tables)


def _or_left(step: Callable[..., T], *arguments: Any) -> T | None:
    """A mistake on the fast way costs speed, never a file: what it did not finish is read strictly. The log keeps the mistake."""
    try:
        return step(*arguments)
    except Exception:
        LOG.exception("fast reading gave up")
        return None


def _planned(prepared: Any) -> tuple[joined.Plan, Table] | None:
    """The plan of a tokenised table and the table as its format reshapes it; None if a row is not as wide as the header."""
    if not isinstance(prepared, reading.Prepared) or prepared.around.delimiter != ",":
        return None
    form, table = prepared.form, prepared.table
    if form.reshape:
        copy = [(row, list(cells)) for row, cells in table.records]
        try:
            table = form.reshape(replace(table, records=copy))
        except Exception:
            return None
    if len(table.records) < 2 or (prepared.around.open_end and form.ends_with_newline):
        return None
    plan = joined.plan(form, table)
    if plan is None or any(len(cells) != len(plan.header) for _, cells in table.records[1:]):
        return None
    return plan, table


def _type_records(plan: joined.Plan, tables: list[tuple[list[Any], int, reading.Prepared, Table]]) -> None:
    records = [record for *_, table in tables for record in table.records[1:]]
    columns = zip(*(cells for _, cells in records), strict=True)
    frame = pl.DataFrame(
        {f"c{i}": column for i, column in enumerate(columns)}, schema={f"c{i}": pl.String for i in range(len(plan.header))}
    )
    sizes = np.array([len(table.records) - 1 for *_, table in tables], dtype=np.int64)
    lines = np.array([row for row, _ in records], dtype=np.int64)
    stack = joined.Stack(plan, [p.around for _, _, p, _ in tables], frame, lines, sizes)
    for (exports, place, prepared, _), result in zip(tables, joined.read_tables(stack), strict=True):
        if result is not None:
            exports[place] = reading.complete(prepared, result)


def _parts(data: bytes, source: reading.Source) -> list[_Part]:
    """The file itself, or the members of an archive. Whatever is not a plain archive of tables stays whole."""
    kind = guards.container(data)
    if kind != "zip":
        return [_Part(source, data, kind)]
    guards.check_name(source.member or source.name, "zip")
    if reading.is_office_document(data):
        return [_Part(source, data, kind)]
    members = [m for m in guards.unpack(data, source.limits) if not guards.is_noise(m.name)]
    if not members:
        return [_Part(source, data, kind)]
    return [_Part(replace(source.place(m.name), archive=source.name), m.data, _kind(m.data), is_member=True) for m in members]


def _kind(data: bytes) -> str | None:
    try:
        return guards.container(data)
    except Refused:
        return None


# --- recognising by the header alone


def _sniff(part: _Part) -> _Table | None:
    """Header line (with its line end) and body of what looks like comma-separated text; None leaves it to the strict way."""
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
        return _Table(part, header, memoryview(data[end:] + (b"\r\n" if header.endswith(b"\r\n") else b"\n")), True)
    return _Table(part, header, memoryview(data)[end:], False)


@cache
def _plan(header: bytes) -> joined.Plan | None:
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
    if reading.is_day_header(cells):
        return None
    shaped = [(f, d) for f in all_formats() for d in f.detect if d.positional and "csv" in f.containers and not f.blocks]
    if any(names_fit(form, detection, names) for form, detection in shaped):
        return None
    try:
        found = recognise(table, "csv", all_formats())
    except Refused:
        return None
    form = found.format
    if found.header or form.reshape or form.platform_from or callable(form.dimension):
        return None
    return joined.plan(form, table)


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


# --- one chunk of files with one header


def _chunks(tables: list[_Table]) -> Iterator[list[_Table]]:
    chunk: list[_Table] = []
    size = 0
    for table in tables:
        if chunk and size + len(table.body) > JOINED:
            yield chunk
            chunk, size = [], 0
        chunk.append(table)
        size += len(table.body)
    if chunk:
        yield chunk


def _read_chunk(plan: joined.Plan, kept: list[_Table], frame: pl.DataFrame, lines: np.ndarray, sizes: np.ndarray) -> None:
    """Fill in the exports of every proven table that has one plain reading."""
    contexts = [_context(plan, t) for t in kept]
    stacked = joined.Stack(plan, [c[0] for c in contexts], frame, lines, sizes)
    _leave_deep_headers(stacked)
    cells = list(plan.header)
    for table, context, result in zip(kept, contexts, joined.read_tables(stacked), strict=True):
        if result is not None:
            source = table.part.source
            header_only = Table([(1, cells)], file_name=reading.file_of(source))
            table.part.exports = [reading.assemble(plan.form, header_only, source, result, context[1], context[2])]


Proven = tuple[list[_Table], pl.DataFrame, np.ndarray, np.ndarray]
"""Tables that are well-formed, their rows one behind the other, the physical line of each row, rows per table."""


def _proven(plan: joined.Plan, header: bytes, tables: list[_Table]) -> Proven | None:
    """Prove and parse tables of one header; one that is too large for one go in pieces, all of which must hold."""
    how = _How(len(plan.header), header.endswith(b"\r\n"), tables[0].part.source.limits.field, joined.count_columns(plan))
    if len(tables) == 1 and len(tables[0].body) > JOINED:
        found = _in_pieces(tables[0].body, how) or _in_pieces(tables[0].body, replace(how, counts=()))
        return found and (tables, *found)
    parsed = _parsed([t.body for t in tables], how)
    return parsed and ([t for t, fine in zip(tables, parsed[0], strict=True) if fine], *parsed[1:])


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


def _context(plan: joined.Plan, table: _Table) -> tuple[typed.Around, provenance.Named, provenance.Named]:
    source = table.part.source
    around = typed.Around(container="csv", today=source.first_seen.date(), delimiter=",", open_end=table.open_end)
    return reading.context_of(plan.form, source, around)


def _leave_deep_headers(stack: joined.Stack) -> None:
    """Leaves files whose first rows hold the name that another kind's header, below a title, would hold."""
    anchors = _anchors()
    if anchors is None:
        stack.ok[:] = False
        return
    depth = np.arange(len(stack.file)) - stack.starts[stack.file]
    top = np.flatnonzero(depth < DEEP)
    free = [
        name
        for name, column in zip(stack.raw.columns, stack.plan.columns, strict=True)
        if column is None or column.kind in (*typed.TEXT_KINDS, "ignored", "person")
    ]
    for name in free:
        texts = stack.raw[name].gather(top)
        likely = _may_be(texts, anchors)
        if len(likely):
            few = texts.gather(likely)
            names = [t for t in few.unique() if normalise(t) in anchors]
            stack.ok[stack.file[top[likely[few.is_in(names).to_numpy()]]]] = False


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
    return may[(foreign | named).to_numpy()]


__all__ = ["Job", "read_many"]
