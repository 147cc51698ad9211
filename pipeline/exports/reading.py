"""Files in, exports out: :func:`read` for one file, :func:`read_many` for many. Never raises for a bad file.

A file's way: it is opened (a guard may refuse it) and unpacked into parts. Comma-separated parts of one header are proven, joined
and parsed together (:mod:`proven`); every other part is looked into letter by letter (:mod:`contents`). All tables are typed,
those of one header at once (:mod:`typed`), and become exports (:mod:`prepared`). Then the exports of a file are settled.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pipeline.exports import contents, guards, ownership, proven, scope, text, typed
from pipeline.exports.group import type_tables
from pipeline.exports.messages import Refused
from pipeline.exports.model import Export
from pipeline.exports.prepared import Prepared, export_of
from pipeline.exports.proven import Proven
from pipeline.exports.source import Job, Part, Source, crash, load, parts_of, refusal, source_of

T = TypeVar("T")
LOG = logging.getLogger(__name__)
AT_ONCE = 12 * 2**20  # bytes read and parsed at a time, while those before them are typed
FEW = 2  # files, or
SMALL = 64 * 1024  # bytes of one header that are read faster one by one
CHILDREN = 2  # workbooks that are read at a time
WORKBOOKS = ("xlsx", "xls", "spreadsheetml")


def read(
    path: Path,
    *,
    name: str | None = None,
    registry: Any | None = None,
    accounts: Sequence[str] = (),
    folder_date: date | None = None,
    captured_at: datetime | None = None,
    first_seen: datetime | None = None,
    modified: datetime | None = None,
    limits: guards.Limits | None = None,
) -> list[Export]:
    """Every export in a file: one per archive member, recognised sheet or titled block, in the order they lie there.

    The arguments are those of :class:`Job`.
    """
    job = Job(path, name, accounts, folder_date, captured_at, first_seen, modified)
    return next(read_many([job], registry=registry, limits=limits))


def read_many(
    jobs: Iterable[Job], *, registry: Any | None = None, limits: guards.Limits | None = None, few: int = FEW, small: int = SMALL
) -> Iterator[list[Export]]:
    """The exports of each file, in the order of the jobs.

    Up to ``few`` files and ``small`` bytes of one header are looked into one by one.
    """
    opener = Opener(registry, limits or guards.Limits(), few, small)
    for window in ahead(opener.windows(jobs)):
        yield from _finished(window)


def ahead(steps: Iterator[T]) -> Iterator[T]:
    """Each step, while a thread of its own works on the next one: reading, hashing and proving leave the interpreter free."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = pool.submit(next, steps, None)
            yield step


# --- opened


@dataclass
class File:
    """A job on its way: its parts in order, or the answer for the file as a whole."""

    source: Source
    parts: list[Part] = field(default_factory=list)
    answer: list[Export] | None = None


@dataclass
class Window:
    """Files that are held at a time, and those tables of them that are well-formed, parsed."""

    files: list[File]
    proven: list[Proven]

    def parts(self) -> Iterator[Part]:
        return (p for f in self.files for p in f.parts)


class Opener:
    """Opens files one after the other, as many at a time as may be held, and proves what of them can be proven."""

    def __init__(self, registry: Any | None, limits: guards.Limits, few: int, small: int):
        self.accounts = ownership.Accounts(registry)
        self.taught = tuple(getattr(registry, "mappings", ()))
        self.limits, self.few, self.small = limits, few, small

    def windows(self, jobs: Iterable[Job]) -> Iterator[Window]:
        files: list[File] = []
        held = 0
        for job in jobs:
            files.append(self.open(job))
            held += sum(len(p.data) for p in files[-1].parts)
            if held > AT_ONCE:
                yield self._window(files)
                files, held = [], 0
        if files:
            yield self._window(files)

    def open(self, job: Job) -> File:
        file = File(source_of(job, self.accounts, self.limits, self.taught))
        try:
            data = load(job.path, file.source)
            file.source = replace(file.source, sha256=guards.sha256(data))
            file.parts = parts_of(data, file.source)
        except Refused as refused:
            file.answer = [refusal(file.source, refused)]
        except (MemoryError, RecursionError, Exception) as error:  # a bug must cost one file, never the night
            file.answer = [refusal(file.source, crash(error))]
        return file

    def _window(self, files: list[File]) -> Window:
        window = Window(files, [])
        for plan, tables in proven.groups_of(list(window.parts()), self.few, self.small):
            if found := _or_left(proven.prove, plan, tables):
                window.proven.append(found)
        return window


def _or_left(step: Callable[..., T], *arguments: Any) -> T | None:
    """A mistake in what reads many at once costs speed, never a file: they are looked into one by one. The log keeps it."""
    try:
        return step(*arguments)
    except Exception:
        LOG.exception("fast reading gave up")
        return None


# --- found, typed, settled


def _finished(window: Window) -> Iterator[list[Export]]:
    """The exports of each file. Workbooks wait for their child processes in the background, while text is read."""
    with ThreadPoolExecutor(CHILDREN) as pool:
        books = [(p, pool.submit(contents.look_into, p)) for p in window.parts() if p.kind in WORKBOOKS]
        while window.proven:
            _or_left(_type_proven, window.proven.pop(0))
        texts = [p for p in window.parts() if p.found is None and p.kind not in WORKBOOKS]
        for part in texts:
            contents.look_into(part)
        type_tables(_prepared(texts))
        for _, book in books:
            book.result()
        type_tables(_prepared([part for part, _ in books]))
    for file in window.files:
        yield file.answer if file.answer is not None else _settled(file)


def _type_proven(found: Proven) -> None:
    tables, stack = proven.stack_of(found)
    for (part, prepared), result in zip(tables, typed.read_tables(stack) if tables else [], strict=True):
        prepared.result = result
        if isinstance(result, Refused):
            prepared.source = prepared.source.marked(part.data, text.decode(part.data))
        part.found = [prepared]


def _prepared(parts: list[Part]) -> list[Prepared]:
    return [item for p in parts for item in p.found or [] if isinstance(item, Prepared)]


def _settled(file: File) -> list[Export]:
    """The exports of a file whose tables are typed."""
    exports: list[Export] = []
    try:
        for part in file.parts:
            if part.error is not None:  # of an archive the other members are read
                exports.append(refusal(part.source, crash(part.error)))
            found: list[tuple[Prepared | None, Export]] = []
            for item in part.found or []:
                found.append((item, export_of(item)) if isinstance(item, Prepared) else (None, item))
            if part.kind in WORKBOOKS:
                contents.settle_sheets(found)
            exports += [export for _, export in found]
            part.data, part.found = b"", None
        return scope.settle(exports)
    except (MemoryError, RecursionError, Exception) as error:  # a bug must cost one file, never the night
        return [refusal(file.source, crash(error))]
