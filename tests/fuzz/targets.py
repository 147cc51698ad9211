"""One target per part of the reader: ``TARGETS`` name -> function of bytes that raises where a promise is broken."""

import contextlib
import io
import json
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from benchmarks.mutants import legible, strict
from pipeline.cli import screen
from pipeline.exports import Job, dates, guards, read, read_many, values, workbook, workbook_child
from pipeline.exports import text as texts
from pipeline.exports.messages import TEXTS, Refused
from pipeline.formats import mapped
from tests.fuzz import checks

SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
TARGETS: dict[str, Callable[[bytes], None]] = {}


def target(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
    TARGETS[function.__name__] = function
    return function


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """A refusal is an answer, if its code is known."""
    try:
        yield
    except Refused as refused:
        assert refused.code in TEXTS, refused.code


@cache
def folder() -> Path:
    place = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="terukur-fuzz-", dir=place if place.is_dir() else None))


def given(data: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


# --- text


@target
def text(data: bytes) -> None:
    """Bytes to records: what the tokeniser accepts, a letter-by-letter parser reads the same way."""
    with refusing():
        content = texts.decode(data)
        for delimiter in texts.DELIMITERS:
            with refusing():
                how = texts.dialect(content, delimiter)
                records = list(texts.tokenise(content, how))
                rest = content[how.start :]
                if not texts.SEP_LINE.match(rest):
                    found = strict(rest, delimiter)
                    assert found is not None and [c for _, c in records] == [c for _, c in found]
                    assert "\r" in rest or [n - how.first_line for n, _ in records] == [n - 1 for n, _ in found]


def csv(data: bytes, platform: str) -> None:
    """A file, read alone and among others, given to a platform's folder."""
    path = given(data, f"{platform}.csv")
    alone = read(path, accounts=[platform], first_seen=SEEN)
    jobs = [Job(path, accounts=(platform,), first_seen=SEEN)] * 2
    one, other = read_many(jobs, few=0, small=0)
    checks.well_formed(alone)
    checks.same(alone, one)
    checks.same(one, other)
    checks.sums(alone)
    if data[:2] not in (b"PK", b"\xd0\xcf") and any(e.rows is not None for e in alone):
        checks.cells(_decoded(data), alone)


def _decoded(data: bytes) -> str:
    """The text as any program would decode it; old Page Insights are in a Western code page."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "ignore")  # cut inside a letter: what came before it counts
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


for _platform in ("facebook", "instagram", "x", "youtube", "tiktok", "linkedin", "other"):

    def _csv(data: bytes, platform: str = _platform) -> None:
        csv(data, platform)

    _csv.__name__ = f"csv_{_platform}"
    target(_csv)


# --- workbooks and archives


def _child(data: bytes, container: str) -> dict[str, Any]:
    """The child's work without the child: here its mistakes are seen."""
    return json.loads(json.dumps(workbook_child.answer(container, data, workbook.MAX_ROWS, workbook.MAX_CELLS)))


def book(data: bytes, name: str) -> None:
    with mock.patch.object(workbook, "_ask_child", _child):
        exports = read(given(data, name), accounts=["linkedin"], first_seen=SEEN)
    checks.well_formed(exports)
    checks.sums(exports)


PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")


@cache
def _parts() -> dict[str, bytes]:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
        made.add_worksheet("Sheet1").write_row(0, 0, ["Date", "Followers"])
    with zipfile.ZipFile(buffer) as box:
        return {n: box.read(n) for n in box.namelist()}


@target
def xlsx(data: bytes) -> None:
    """The first byte chooses a part of a workbook, the rest is its XML; or it is a whole file."""
    if data[:2] == b"PK":
        book(data, "a.xlsx")
        return
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as box:
        for name, content in (_parts() | {PARTS[data[0] % len(PARTS)]: data[1:]} if data else _parts()).items():
            box.writestr(name, content)
    book(out.getvalue(), "a.xlsx")


@target
def spreadsheetml(data: bytes) -> None:
    """Excel 2003 XML, and whatever else may be called .xls but a BIFF file, whose parser is not ours."""
    if not data.startswith(b"\xd0\xcf\x11\xe0"):
        book(data, "a.xls")


@target
def archive(data: bytes) -> None:
    """What the guards let pass, Python's own zipfile reads to the same bytes."""
    with refusing():
        members = guards.unpack(data, guards.Limits(unpacked=16 * guards.MIB))
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            assert box.testzip() is None
            assert [(m.name, m.data) for m in members] == [(i.filename, box.read(i)) for i in box.infolist() if not i.is_dir()]
    checks.well_formed(read(given(data, "a.zip"), accounts=["youtube"], first_seen=SEEN))


# --- cells

PATTERNS = (
    ("%m/%d/%Y %H:%M",),
    ("%Y-%m-%d",),
    ("%a, %b %-d, %Y",),
    ("%b %-d, %Y", "%-d %b %Y"),
    ("%d %B",),
    ("%Y-%m-%dT%H:%M:%S%z",),
    ("%m/%d/%Y %-I:%M %p",),
)


@target
def cells(data: bytes) -> None:
    """Lines as the cells of a column: each value can be read in its own cell, or the column is refused."""
    lines = data.decode("utf-8", "replace").splitlines()[:50]
    column = [(n, line if line.strip() else None) for n, line in enumerate(lines, start=2)]
    with refusing():
        _legible(column, values.counts("Kolom", column, values.Locale(), negative=True))
    with refusing():
        locale = values.Locale()
        values.find_locale([("Kolom", column)], locale)
        values.settle_locale([("Kolom", column)], locale, ";")
        _legible(column, values.decimals("Kolom", column, locale, negative=True, percent=False, share=True, places=None))
    with refusing():
        _legible(column, values.durations("Kolom", column))
    with refusing():
        for (_, cell), value in zip(column, values.ids("Kolom", column, r"[0-9]{3,20}"), strict=True):
            assert value == (cell.strip() if cell else None)
    for patterns in PATTERNS:
        with refusing():
            around = dates.Around(today=date(2026, 11, 20), daily=len(lines) % 2 == 0)
            found = dates.read("Kolom", column, patterns, around)
            if not found.zoned:
                _legible(column, [None if v is None else v.date().isoformat() for v in found.values])


def _legible(column: list[tuple[int, str | None]], found: list[Any]) -> None:
    for (_, cell), value in zip(column, found, strict=True):
        assert (value is None) == (cell is None), (cell, value)
        assert value is None or cell is None or legible(cell, value), (cell, value)


# --- what a data keeper writes, and what a person is shown


@target
def mapping(data: bytes) -> None:
    """A mapping is taken whole or named wrong; a proposal is TOML that names every column of its table."""
    content = data.decode("utf-8", "replace")
    with contextlib.suppress(tomllib.TOMLDecodeError, mapped._Wrong):
        form = mapped.as_format(tomllib.loads(content))
        registry = SimpleNamespace(accounts=None, mappings=(form,))
        table = "\n".join(";".join('"x"' if n else h for h in form.fields) for n in range(2)) + "\n"
        checks.well_formed(read(given(table.encode(), "a.csv"), registry=registry, accounts=["x"], first_seen=SEEN))
    rows = [line.split(";") for line in content.splitlines()]
    header = list(dict.fromkeys(rows[0])) if rows else []
    if len(header) > 2 and all(h.isprintable() for h in header):
        proposed = tomllib.loads(mapped.propose(header, rows[1:], "tiktok"))
        assert list(proposed["columns"]) == [h for h in header if h.strip()]


@target
def inspect(data: bytes) -> None:
    """Any bytes under any name: what `terukur inspect` shows a person and a program never fails.

    Except for BIFF: its parser is not ours and may die on a damaged file, in a process of its own (READER_CRASHED).
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return
    for name in ("a.json", "berkas"):
        exports = read(given(data, name), accounts=["instagram"], first_seen=SEEN)
        checks.well_formed(exports)
        checks.sums(exports)
        for export in exports:
            for language in ("id", "en"):
                _shown(screen.card(export, language))


def _shown(panel: Any) -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100, highlight=False).print(panel)
    assert not set(out.getvalue()) & set("\x1b\x07\u202e")
