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
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import guards, joined, ownership, proof, provenance, reading, scope, text, typed
from pipeline.exports.messages import Refused
from pipeline.exports.model import Export
from pipeline.exports.recognise import names_fit, recognise
from pipeline.formats import Detection, Format, Table, all_formats, normalise

LOG = logging.getLogger(__name__)
JOINED = 24 * 2**20  # bytes parsed at a time
AT_ONCE = 96 * 2**20  # bytes held at a time
FEW = 2  # files, or
SMALL = 64 * 1024  # bytes of one header that are read faster one by one
HEAD = 64 * 1024  # a header line is not longer
CHILDREN = 2  # workbooks that are read at a time
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
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


@dataclass
class _Part:
    """A file, or a member of an archive, and what became of it."""

    source: reading.Source
    data: bytes
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
    """A part that may be read fast: its body without BOM and header line."""

    part: _Part
    body: bytes
    open_end: bool


def read_many(
    jobs: Iterable[Job], *, registry: Any | None = None, limits: guards.Limits | None = None, few: int = FEW, small: int = SMALL
) -> Iterator[list[Export]]:
    """The exports of each file, in the order of the jobs. Never raises for a bad file. Groups below ``few`` files and ``small``
    bytes are read one by one."""
    reader = _Reader(registry, limits or guards.Limits(), few, small)
    files: list[_File] = []
    held = 0
    for job in jobs:
        files.append(reader.open(job))
        held += sum(len(p.data) for p in files[-1].parts)
        if held > AT_ONCE:
            yield from reader.finish(files)
            files, held = [], 0
    yield from reader.finish(files)


class _Reader:
    def __init__(self, registry: Any | None, limits: guards.Limits, few: int, small: int):
        self.accounts = ownership.Accounts(registry)
        self.taught = tuple(getattr(registry, "mappings", ()))
        self.limits, self.few, self.small = limits, few, small

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

    def finish(self, files: list[_File]) -> Iterator[list[Export]]:
        """Read what is open. Workbooks wait for their child processes in the background, while text is read."""
        with ThreadPoolExecutor(CHILDREN) as pool:
            books = [(p, pool.submit(_strictly, p)) for f in files for p in f.parts if p.data[:4] in WORKBOOKS]
            self._read_text(files)
            for part, book in books:
                with suppress(Exception):  # met again, and reported, where the part is read alone
                    part.exports = book.result()
        for file in files:
            yield file.answer if file.answer is not None else _answer(file)

    def _read_text(self, files: list[_File]) -> None:
        groups: dict[tuple[bytes, bool], list[_Table]] = {}
        for part in (p for f in files for p in f.parts):
            if found := _sniff(part):
                groups.setdefault(found[0], []).append(found[1])
        for (header, open_end), tables in groups.items():
            size = sum(len(t.body) for t in tables)
            plan = _plan(header) if len(tables) > self.few or size > self.small else None
            if plan and not (open_end and plan.form.ends_with_newline):
                for chunk in _chunks(tables):
                    _or_left(_read_chunk, plan, header, chunk)
        _prepare([p for f in files for p in f.parts if p.exports is None and p.data[:4] not in WORKBOOKS])


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
            if guards.container(part.data) != "csv":
                continue
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


def _or_left(step: Callable[..., None], *arguments: Any) -> None:
    """A mistake on the fast way costs speed, never a file: what it did not finish is read strictly. The log keeps the mistake."""
    try:
        step(*arguments)
    except Exception:
        LOG.exception("fast reading gave up")


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
    if guards.container(data) != "zip":
        return [_Part(source, data)]
    guards.check_name(source.member or source.name, "zip")
    if reading.is_office_document(data):
        return [_Part(source, data)]
    members = [m for m in guards.unpack(data, source.limits) if not guards.is_noise(m.name)]
    if not members:
        return [_Part(source, data)]
    return [_Part(replace(source.place(m.name), archive=source.name), m.data, is_member=True) for m in members]


# --- recognising by the header alone


def _sniff(part: _Part) -> tuple[tuple[bytes, bool], _Table] | None:
    """Header line (with its line end) and body of what looks like comma-separated text; None leaves it to the strict way."""
    data = part.data
    for bom, name in text.BOMS:
        if data.startswith(bom):
            if name != "utf-8":
                try:
                    data = bom[:0] + data[len(bom) :].decode(name).encode()
                except UnicodeError:
                    return None
            else:
                data = data[len(bom) :]
            break
    end = data.find(b"\n", 0, HEAD) + 1
    header = data[:end]
    if not end or end == len(data) or b"," not in header or _plan(header) is None:
        return None
    try:
        if guards.container(part.data) != "csv":
            return None
        guards.check_name(part.source.member or part.source.name, "csv")
    except Refused:
        return None
    open_end = not data.endswith(b"\n")
    if open_end and data.endswith(b"\r"):
        return None
    eol = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    body = data[end:] + eol if open_end else data[end:]
    return (header, open_end), _Table(part, body, open_end)


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


def _read_chunk(plan: joined.Plan, header: bytes, tables: list[_Table]) -> None:
    """Fill in the exports of every table that is proven and plain."""
    tables = [t for t in tables if _is_text(t.body)]
    stack = _stack(plan, tables, header.endswith(b"\r\n")) if tables else None
    if stack is None:
        return
    kept, frame, lines, sizes, contexts = stack
    around = [c[0] for c in contexts]
    stacked = joined.Stack(plan, around, frame, lines, sizes)
    _leave_deep_headers(stacked)
    for table, context, result in zip(kept, contexts, joined.read_tables(stacked), strict=True):
        if result is not None:
            source = table.part.source
            header_only = Table([(1, list(plan.header))], file_name=reading.file_of(source))
            table.part.exports = [reading.assemble(plan.form, header_only, source, result, context[1], context[2])]


def _is_text(body: bytes) -> bool:
    try:
        return not body.decode().isspace()
    except UnicodeDecodeError:
        return False


def _stack(plan: joined.Plan, tables: list[_Table], crlf: bool) -> tuple | None:
    """Proven tables with their rows as text, physical lines, sizes and contexts; None if the parser did not keep its place."""
    width = len(plan.header)
    nonce = secrets.token_hex(16).encode()
    mark = nonce + b"," * (width - 1) + (b"\r\n" if crlf else b"\n")
    limit = tables[0].part.source.limits.field
    data, starts = _join(tables, mark)
    proven = proof.prove(data, starts, width, crlf, limit)
    if not proven.proven.all():
        kept = [t for t, fine in zip(tables, proven.proven, strict=True) if fine]
        if not kept:
            return None
        tables = kept
        data, starts = _join(tables, mark)
        proven = proof.prove(data, starts, width, crlf, limit)
        if not proven.proven.all():
            return None
    try:
        frame = _parse(data, width)
    except pl.exceptions.PolarsError:
        return None
    heads = np.concatenate(([0], np.cumsum(proven.records)[:-1])).astype(np.int64)
    marks = frame["c0"] == nonce.decode()
    if frame.height != proven.records.sum() or not np.array_equal(np.flatnonzero(marks.to_numpy()), heads):
        return None
    body = np.ones(frame.height, dtype=bool)
    body[heads] = False
    lines = proven.lines[body] + 1  # the mark stands where the header line stood: line 1
    return tables, frame.filter(pl.Series(body)), lines, proven.records - 1, [_context(plan, t) for t in tables]


def _join(tables: list[_Table], mark: bytes) -> tuple[bytes, np.ndarray]:
    pieces: list[bytes] = []
    for table in tables:
        pieces += (mark, table.body)
    sizes = np.array([len(mark) + len(t.body) for t in tables], dtype=np.int64)
    return b"".join(pieces), np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)


def _parse(data: bytes, width: int) -> pl.DataFrame:
    names = [f"c{i}" for i in range(width)]
    return pl.read_csv(
        data,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
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
    top = depth < DEEP
    free = [
        name
        for name, column in zip(stack.raw.columns, stack.plan.columns, strict=True)
        if column is None or column.kind in (*typed.TEXT_KINDS, "ignored", "person")
    ]
    found = np.zeros(len(stack.file), dtype=bool)
    rows = stack.raw.filter(pl.Series(top)).select(free)
    for name in free:
        plain = rows[name].str.normalize("NFKC").str.replace_all("[ßẞ]", "ss").str.to_lowercase()
        plain = plain.str.replace_all("\ufeff", "", literal=True).str.replace_all(r"[\s\x1c-\x1f]+", " ")
        found[top] |= plain.str.contains_any(list(anchors)).fill_null(False).to_numpy()
    stack.leave(found)


__all__ = ["Job", "read_many"]
