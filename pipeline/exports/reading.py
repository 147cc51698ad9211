"""``read``: one file in, one :class:`Export` per table found in it, in the order they lie there. Never raises for a bad file."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import guards, ownership, provenance, resaved, scope, text, typed, workbook
from pipeline.exports.messages import Refused, level, message
from pipeline.exports.model import Export
from pipeline.exports.recognise import Found, is_unknown, recognise, unknown
from pipeline.formats import Format, Table, all_formats, mapped, normalise

SNIFF = 40  # records looked at to recognise a header


@dataclass(frozen=True)
class Prepared:
    """A recognised table of a source and what is known around it, before its text is typed."""

    form: Format
    table: Table
    source: "Source"
    around: typed.Around
    own: provenance.Named
    outer: provenance.Named


@dataclass(frozen=True)
class Source:
    """A file as it was given, and everything known about it from outside."""

    name: str
    sha256: str
    accounts: ownership.Accounts
    given: tuple[str, ...]
    folder_date: date | None
    captured_at: datetime | None
    first_seen: datetime
    limits: guards.Limits
    modified: datetime | None = None  # the file's own date, as its folder shows it
    has_bom: bool = True
    is_resaved: bool = False  # it bears the marks of a spreadsheet
    taught: tuple[Format, ...] = ()  # kinds that the registry's mappings describe; asked only where no built-in kind fits
    archive: str | None = None  # name of the archive the file is a member of
    member: str = ""
    defer: bool = False  # tables of text files are only recognised; who asked types many of them at once

    def place(self, part: str) -> "Source":
        return replace(self, member=f"{self.member}/{part}" if self.member and part else part or self.member)


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
    """Every export in a file: one per archive member, recognised sheet or titled block.

    name: the name it was dropped under, if ``path`` is an archived copy. accounts: account ids, or bare platforms, that the
    folder or an option names. captured_at: an option that overrules what the file says. first_seen: default now. modified: the
    date of the file itself, which may tell when it was exported where nothing else does. Times are UTC.
    """
    taught = tuple(getattr(registry, "mappings", ()))
    source = source_of(
        path,
        name,
        ownership.Accounts(registry),
        accounts,
        folder_date,
        captured_at,
        first_seen,
        limits or guards.Limits(),
        taught,
        modified,
    )
    try:
        data = load(path, source)
        source = replace(source, sha256=guards.sha256(data))
        return scope.settle(list(read_bytes(data, source)))
    except Refused as refused:
        return [refusal(source, refused)]
    except (MemoryError, RecursionError, Exception) as error:  # a bug must cost one file, never the night
        return [crashed(source, error)]


def source_of(
    path: Path,
    name: str | None,
    known: ownership.Accounts,
    accounts: Sequence[str],
    folder_date: date | None,
    captured_at: datetime | None,
    first_seen: datetime | None,
    limits: guards.Limits,
    taught: tuple[Format, ...],
    modified: datetime | None = None,
) -> Source:
    """A file as it was given, with its name escaped where it is no text."""
    return Source(
        name=(name if name is not None else os.path.basename(os.fspath(path))).encode("utf-8", "backslashreplace").decode(),
        sha256="",
        accounts=known,
        given=tuple(accounts),
        folder_date=folder_date,
        captured_at=_utc(captured_at),
        first_seen=_utc(first_seen) or datetime.now(UTC),
        limits=limits,
        taught=taught,
        modified=_utc(modified),
    )


def load(path: Path, source: Source) -> bytes:
    """The bytes of a file that is finished and regular; raises Refused."""
    if guards.is_partial(source.name):
        raise Refused("STILL_CHANGING", seen=source.name, held=True)
    return guards.load(Path(path), source.limits)


def crashed(source: Source, error: BaseException) -> Export:
    """What is said of a file that our own mistake kept from being read."""
    return refusal(source, Refused("READER_CRASHED", seen=f"{type(error).__name__}: {error}"))


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def refusal(source: Source, refused: Refused, found: Format | None = None) -> Export:
    outcome = "held" if refused.held or level(refused.code) == "held" else "refused"
    export = Export(file=source.name, member=source.member, sha256=source.sha256, outcome=outcome)
    if found:
        export.kind, export.platform, export.grain, export.version = found.kind, found.platform, found.grain, found.version
    lost_bom = found is not None and found.bom and not source.has_bom
    is_resaved = refused.resaved or source.is_resaved or lost_bom
    export.messages.append(message(refused.code, refused.place, refused.seen, resaved=is_resaved))
    return export


def read_bytes(data: bytes, source: Source) -> Iterator[Export]:
    kind = guards.container(data)
    guards.check_name(source.member or source.name, kind)
    if kind == "zip":
        if is_office_document(data):
            raise Refused("WRONG_TYPE", seen="dokumen kantor/office document")
        yield from _archive(data, source)
    elif kind == "json":
        yield from _json(data, source)
    elif kind == "csv":
        yield from _text(data, source)
    else:
        yield from _workbook(data, kind, source)


def is_office_document(data: bytes) -> bool:
    """A text document or slides: archives too, but not of exports."""
    return b"mimetypeapplication/vnd.oasis" in data[:200] or b"word/document.xml" in data or b"ppt/presentation.xml" in data


def _archive(data: bytes, source: Source) -> Iterator[Export]:
    """Every member on its own: a bad one refuses itself, never its siblings."""
    members = [m for m in guards.unpack(data, source.limits) if not guards.is_noise(m.name)]
    if not members:
        raise Refused("EMPTY", seen="arsip kosong/empty archive")
    for member in members:
        inside = replace(source.place(member.name), archive=source.name)
        try:
            yield from read_bytes(member.data, inside)
        except Refused as refused:
            yield refusal(inside, refused)


# --- text


def _text(data: bytes, source: Source) -> Iterator[Export]:
    formats: Sequence[Format] = all_formats()
    try:
        content = text.decode(data)
    except Refused as refused:
        legacy = sorted({e for f in formats for e in f.encodings}) if refused.code == "ENCODING" else []
        for encoding in legacy:
            own = [f for f in formats if encoding in f.encodings]
            try:
                content = text.decode(data, encoding)
                known = _dialect(content, own)[1]
            except Refused:
                continue
            if not known:
                continue
            yield from _decoded(content, source, own)
            return
        raise
    has_bom = data.startswith(tuple(bom for bom, _ in text.BOMS))
    source = replace(source, has_bom=has_bom, is_resaved=resaved.bears_marks(content))
    try:
        yield from list(_decoded(content, source, formats))
    except Refused as refused:
        if not is_unknown(refused):
            raise
        yield from _taught(content, source, refused)


def _taught(content: str, source: Source, refused: Refused) -> Iterator[Export]:
    """A table that no built-in kind knows: by the registry's mappings, or refused with a mapping to start from."""
    try:
        if not source.taught:
            raise refused
        yield from list(_decoded(content, source, source.taught))
    except Refused as still:
        if not is_unknown(still):
            raise
        export = refusal(source, refused)
        *_, records = _dialect(content, ())
        export.proposal = _proposed(_filled(records), source)
        yield export


def _proposed(records: list[tuple[int, list[str]]], source: Source) -> str | None:
    """A mapping to start from, for what looks like a table: 3 to 200 named columns and a row."""
    header = text.trim(records[0][1]) if records else []
    if not 3 <= len(header) <= 200 or len(records) < 2:
        return None
    return mapped.propose(header, [cells for _, cells in records[1:]], ownership.platform_hint(source.given, source.accounts))


def _decoded(content: str, source: Source, formats: Sequence[Format], unwrapped: bool = False) -> Iterator[Export]:
    how, is_known, records = _dialect(content, formats)
    if not is_known:
        if not unwrapped and (rewritten := _rewritten(content, source, formats)):
            yield from rewritten
            return
        inner = None
        if not unwrapped and text.unwrap(records):  # all records then, not those few that were looked at
            inner = text.unwrap(list(text.tokenise(content, how, source.limits.field)))
        if inner is None:
            raise unknown(Table(_filled(records), file_name=source.name), formats)
        yield from _flagged_unwrapped(inner, source, formats)
        return
    try:
        records = list(text.tokenise(content, how, source.limits.field))
    except Refused as refused:
        if not unwrapped and (rewritten := _rewritten(content, source, formats) or _by_block(content, how, source, formats)):
            yield from rewritten
        else:
            yield refusal(source, refused, _kind_of(records, formats))
        return
    if not unwrapped and _is_partly_wrapped(records, how) and (rewritten := _rewritten(content, source, formats)):
        yield from rewritten
        return
    if not unwrapped and (inner := text.unwrap_body(records, how.delimiter)):
        yield from _flagged_unwrapped(inner, source, formats)
        return
    around = typed.Around(
        container="csv", today=source.first_seen.date(), delimiter=how.delimiter, open_end=text.ends_open(content)
    )
    yield from _tables(records, source, around, formats)


def _rewritten(content: str, source: Source, formats: Sequence[Format]) -> list[Export]:
    """What a file holds of which a spreadsheet wrapped some lines, if every table of it is sound then; else nothing."""
    inner = text.unwrap_lines(content)
    try:
        exports = list(_flagged_unwrapped(inner, source, formats)) if inner is not None else []
    except Refused:
        return []
    return exports if all(e.rows is not None for e in exports) else []


def _is_partly_wrapped(records: list[tuple[int, list[str]]], how: text.Dialect) -> bool:
    """Beside whole rows there are some that hold the text of one in their only cell."""
    return any(len(cells) == 1 and cells[0].count(how.delimiter) > 1 for _, cells in records)


def _by_block(content: str, how: text.Dialect, source: Source, formats: Sequence[Format]) -> list[Export]:
    """The titled blocks of a file of which one is damaged: it refuses itself, never its neighbours."""
    titles, starts, at = _titles(formats), [], 0
    for line in content.splitlines(keepends=True):
        if normalise(line.strip().rstrip(how.delimiter)) in titles:
            starts.append(at)
        at += len(line)
    exports: list[Export] = []
    for start, stop in zip(starts, [*starts[1:], len(content)], strict=True) if len(starts) > 1 else ():
        part = content[start:stop]
        title = part.splitlines()[0].strip().rstrip(how.delimiter).strip('"')
        before = content.count("\n", 0, start)
        try:
            records = [(row + before, cells) for row, cells in text.tokenise(part, replace(how, start=0, first_line=1))]
            is_last = stop == len(content)
            around = typed.Around("csv", source.first_seen.date(), how.delimiter, is_last and text.ends_open(content))
            exports += list(_tables(records, replace(source, defer=False), around, formats))
        except Refused as refused:
            exports.append(refusal(source.place(f"#{title}"), refused))
    return exports


def _dialect(content: str, formats: Sequence[Format]) -> tuple[text.Dialect, bool, list[tuple[int, list[str]]]]:
    """The delimiter under which the first records are recognised, else the likeliest one; whether they are; these records.

    Every delimiter is tried on the strict tokeniser, the one that a ``sep=`` line names first. An error of structure is raised
    only if no delimiter leads to a record: a guessed delimiter's error never hides that the header is unknown.
    """
    declared, _ = text.sep_line(content)
    tried: list[tuple[int, int, text.Dialect, list[tuple[int, list[str]]]]] = []
    problem: Refused | None = None
    for delimiter in dict.fromkeys(d for d in (declared, *text.DELIMITERS) if d):
        how = text.dialect(content, delimiter)
        records: list[tuple[int, list[str]]] = []
        try:
            for record in islice(text.tokenise(content, how), SNIFF):
                records.append(record)
        except Refused as refused:
            problem = problem or refused
        if any(any(c) for _, c in records):
            tried.append((_certainty(records, formats), len(text.trim(_first(records))), how, records))
            if tried[-1][0] == 2:
                break
    if not tried:
        raise problem or Refused("EMPTY")
    best = max(tried, key=lambda t: (t[0], t[1] if not t[0] else 0))
    return best[2], bool(best[0]), best[3]


def _kind_of(records: list[tuple[int, list[str]]], formats: Sequence[Format]) -> Format | None:
    """The kind that the start of a broken file shows, to be named in its refusal."""
    try:
        return recognise(Table(_filled(records)), "csv", formats).format
    except Refused:
        return None


def _first(records: list[tuple[int, list[str]]]) -> list[str]:
    return next((cells for _, cells in records if any(cells)), [])


def _certainty(records: list[tuple[int, list[str]]], formats: Sequence[Format]) -> int:
    """2: a table or a block of a known kind starts here; 1: titled blocks, none of which is known; 0: neither."""
    blocks = list(_blocks(records, formats, ""))
    for table in blocks or [Table(_filled(records))]:
        try:
            recognise(table, "csv", formats)
            return 2
        except Refused as refused:
            if " = " in refused.seen:
                return 2
    return 1 if blocks else 0


def _filled(records: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """From the first record that is not blank on."""
    start = next((i for i, (_, cells) in enumerate(records) if any(cells)), len(records))
    return records[start:]


def _tables(
    records: list[tuple[int, list[str]]], source: Source, around: typed.Around, formats: Sequence[Format]
) -> Iterator[Export]:
    blocks = list(_blocks(records, formats, file_of(source)))
    if not blocks:
        table = Table(_filled(records), file_name=file_of(source))
        yield _export(table, source, around, formats)
        return
    names: dict[str, int] = {}
    for number, table in enumerate(blocks, start=1):
        title = table.title or ""
        names[title] = names.get(title, 0) + 1
        part = "" if not title else f"#{title}" if names[title] == 1 else f"#{title} ({names[title]})"
        inside = source.place(part)
        try:
            open_end = around.open_end and number == len(blocks)  # only the last one can have been cut
            yield _export(table, inside, replace(around, open_end=open_end), formats)
        except Refused as refused:
            yield refusal(inside, refused)


# --- blocks: a line with a title, a header, rows, a blank line; several of them in one file


def _blocks(records: list[tuple[int, list[str]]], formats: Sequence[Format], name: str) -> Iterator[Table]:
    """The titled blocks of a file, or nothing if it does not start with one."""
    titles = _titles(formats)
    first = next((i for i, (_, cells) in enumerate(records) if any(cells)), None)
    if not titles or first is None:
        return
    second = next((i for i in range(first + 1, len(records)) if any(records[i][1])), None)
    top = [(row, text.trim(cells)) for row, cells in records[: (second or first) + 1]]
    if not _starts_block(top, first, second, titles):
        if is_day_header(top[first][1]):
            yield Table(_narrowed(records[first:]), title="", file_name=name)
        return
    lines = [(row, text.trim(cells)) for row, cells in records]
    filled = [i for i, (_, cells) in enumerate(lines) if cells]
    starts = [i for n, i in enumerate(filled) if _starts_block(lines, i, filled[n + 1] if n + 1 < len(filled) else None, titles)]
    beside = tuple(normalise(lines[start][1][0]) for start in starts)
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Table(_narrowed(records[start + 1 : stop]), title=lines[start][1][0], file_name=name, siblings=beside)


def _titles(formats: Sequence[Format]) -> set[str]:
    return _known_titles() if formats is all_formats() else _titles_of(formats)


@cache
def _known_titles() -> set[str]:
    return _titles_of(all_formats())


def _titles_of(formats: Sequence[Format]) -> set[str]:
    return {normalise(t) for f in formats if f.blocks for d in f.detect for t in d.titles}


def _narrowed(records: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The records of a block that are not blank, without the empty cells that a spreadsheet adds behind its header's width."""
    filled = [(row, cells) for row, cells in records if any(cells)]
    if not filled:
        return []
    width = len(text.trim(filled[0][1]))
    return [(row, cells if any(cells[width:]) else cells[:width]) for row, cells in filled]


def _starts_block(lines: list[tuple[int, list[str]]], i: int, following: int | None, titles: set[str]) -> bool:
    cells = lines[i][1]
    if len(cells) != 1:
        return False
    return normalise(cells[0]) in titles or (following is not None and is_day_header(lines[following][1]))


def is_day_header(cells: list[str]) -> bool:
    """Meta's overview heads its values 'Primary', or in 2023 by words about Facebook or Instagram, not always the right ones."""
    if len(cells) != 2 or normalise(cells[0]) not in ("date", "tanggal"):
        return False
    return normalise(cells[1]) == "primary" or any(p in normalise(cells[1]) for p in ("facebook", "instagram"))


# --- workbooks and JSON


def _workbook(data: bytes, container: str, source: Source) -> Iterator[Export]:
    """One export per recognised sheet; sheets that no format knows are reported, or refuse the file if none is known."""
    formats = all_formats()
    if container == "xls" and not any("xls" in f.containers for f in formats):
        raise Refused("ENCRYPTED_OR_XLS", seen="BIFF .xls")
    sheets = [s for s in workbook.read(data, container, source.limits) if s.records]
    if not sheets:
        raise Refused("EMPTY", seen="buku kerja kosong/empty workbook")
    sheets = _gathered(sheets, formats)
    siblings = tuple(normalise(s.name) for s in sheets)
    results: list[tuple[workbook.Sheet, list[Export]]] = []
    strangers: list[tuple[workbook.Sheet, Refused]] = []
    for sheet in sheets:
        inside = source.place(f"sheet:{sheet.name}")
        around = typed.Around(container=container, today=source.first_seen.date())
        try:
            exports = list(_sheet(sheet, siblings, inside, around, formats))
            results.append((sheet, exports))
        except Refused as refused:
            if is_unknown(refused) and (exports := _taught_sheet(sheet, inside, around)):
                results.append((sheet, exports))
            elif is_unknown(refused):
                strangers.append((sheet, refused))
            else:
                results.append((sheet, [refusal(inside, refused)]))
    if not results:
        if container == "xls":
            raise Refused("ENCRYPTED_OR_XLS", seen=f"BIFF .xls: {strangers[0][1].seen}")
        export = refusal(source, strangers[0][1])
        export.proposal = _proposed([(row, list(cells)) for row, cells in strangers[0][0].records], source)
        yield export
        return
    _refuse_twins([e for _, exports in results for e in exports])
    for sheet, exports in results:
        for export in exports:
            _sheet_notes(sheet, export, [s.name for s, _ in strangers])
            yield export


def _gathered(sheets: list[workbook.Sheet], formats: Sequence[Format]) -> list[workbook.Sheet]:
    """The sheets that are left once those that only split a column of another one have become columns of it."""
    for form in formats:
        if form.gather and len(sheets) > 1:
            tables = {t.sheet: t for t in form.gather([Table(s.records, sheet=s.name) for s in sheets])}
            sheets = [replace(s, records=tables[s.name].records) for s in sheets if s.name in tables]
    return sheets


def _sheet(
    sheet: workbook.Sheet, siblings: tuple[str, ...], source: Source, around: typed.Around, formats: Sequence[Format]
) -> Iterator[Export]:
    plain = [(row, list(cells)) for row, cells in sheet.records]
    table = Table(plain, sheet=sheet.name, file_name=source.member or source.name, siblings=siblings)
    try:
        found = recognise(table, around.container, formats)
    except Refused as refused:
        if inner := text.unwrap(plain):
            yield from _flagged_unwrapped(inner, source, formats)
            return
        blocks = list(_blocks(plain, formats, file_of(source)))
        if not blocks:
            raise refused
        yield from _tables(plain, source, around, formats)
        return
    header_row = table.records[found.header][0]
    for row in sheet.merged_rows:
        if row > header_row:
            raise Refused("UNREADABLE_CELL", place=f"sheet:{sheet.name}, baris/row {row}", seen="sel gabungan/merged cells")
    yield _export(table, source, around, formats, found)


def _taught_sheet(sheet: workbook.Sheet, source: Source, around: typed.Around) -> list[Export]:
    """What the registry's mappings make of a sheet; nothing if they do not know it."""
    if not source.taught:
        return []
    try:
        return list(_sheet(sheet, (), source, around, source.taught))
    except Refused as refused:
        return [] if is_unknown(refused) else [refusal(source, refused)]


def _flagged_unwrapped(inner: str, source: Source, formats: Sequence[Format]) -> Iterator[Export]:
    for export in _decoded(inner, replace(source, defer=False), formats, unwrapped=True):
        if export.outcome in ("accepted", "flagged"):
            export.outcome = "flagged"
            export.messages.append(message("UNWRAPPED"))
        yield export


def _table_of(export: Export) -> tuple[str | None, frozenset[str]]:
    return export.kind, frozenset(export.header.mapped.values())


def _refuse_twins(exports: list[Export]) -> None:
    """Two sheets of one kind are two candidates for the same table (A23), unless the kind splits by sheet."""
    tables = [_table_of(e) for e in exports if e.rows is not None and e.grain != "audience" and "#" not in e.member]
    for export in exports:
        if export.rows is not None and tables.count(_table_of(export)) > 1:
            export.outcome, export.rows = "refused", None
            export.messages.append(message("UNREADABLE_CELL", export.member, "dua lembar sama/two equal sheets"))


def _sheet_notes(sheet: workbook.Sheet, export: Export, strangers: list[str]) -> None:
    if (sheet.hidden or sheet.hidden_parts or sheet.epoch_1904) and export.rows is not None:
        export.outcome = "flagged"
        export.messages.append(message("HIDDEN_CONTENT", f"sheet:{sheet.name}", "1904" if sheet.epoch_1904 else ""))
    if strangers and export.rows is not None:
        export.messages.append(message("SHEETS_IGNORED", "", ", ".join(strangers)))


def _json(data: bytes, source: Source) -> Iterator[Export]:
    """JSON is read only where a format knows the document."""
    try:
        document = json.loads(text.decode(data))
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.pos < len(data) - 2:
            yield from _text(data, source)
            return
        raise Refused("WRONG_TYPE", seen="JSON") from error
    for form in all_formats():
        if form.from_json and (records := _json_records(form, document)):
            table = Table(list(enumerate(records, start=1)), file_name=source.member or source.name)
            around = typed.Around(container="json", today=source.first_seen.date())
            yield _export(table, source, around, [form], Found(form, 0, (1, 0, 0)))
            return
    raise Refused("WRONG_TYPE", seen="JSON")


def _json_records(form: Format, document: Any) -> list[list[str]] | None:
    """A document of another shape than its format expects is not of that kind."""
    try:
        return form.from_json(document) if form.from_json else None
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError, OSError):
        return None


# --- one table


def _export(table: Table, source: Source, around: typed.Around, formats: Sequence[Format], found: Found | None = None) -> Any:
    """A table to an Export: recognised, dated, typed, owned. A refusal behind the recognition keeps the kind.

    Where the source defers, a table of a text file comes back Prepared.
    """
    if table.title is not None and not table.records:
        return _empty_block(table, source, formats)
    found = found or recognise(table, around.container, formats)
    form = found.format
    part = Table(table.records[found.header :], table.sheet, table.title, table.file_name, table.siblings)
    context, own, outer = context_of(form, source, around)
    prepared = Prepared(form, part, source, context, own, outer)
    if source.defer and context.container == "csv":
        return prepared
    return complete(prepared)


def complete(prepared: Prepared, result: typed.Typed | None = None) -> Export:
    """Type a table, unless that is done, and say everything else that is to be said about it."""
    form, part, source = prepared.form, prepared.table, prepared.source
    try:
        result = result or typed.read_table(form, part, prepared.around)
    except Refused as refused:
        return refusal(source, refused, form)
    except Exception as error:  # a mistake in one format costs one table, never its siblings
        return refusal(source, Refused("READER_CRASHED", seen=f"{type(error).__name__}: {error}"), form)
    return assemble(form, part, source, result, prepared.own, prepared.outer)


def context_of(form: Format, source: Source, around: typed.Around) -> tuple[typed.Around, provenance.Named, provenance.Named]:
    """What the names of a file and of its archive add to what is known about a table, and what each of them says."""
    own = provenance.named(form, file_of(source))
    outer = provenance.named(form, source.archive) if source.archive else provenance.Named()
    captured, origin = _captured(source, own, outer, None)
    is_known = origin not in provenance.ESTIMATED
    context = replace(
        around,
        anchor=(captured if is_known else source.modified or source.first_seen).date(),
        anchor_is_known=is_known,
        period=own.period or outer.period,
        date_order=ownership.date_order(source.given, source.accounts),
    )
    return context, own, outer


def file_of(source: Source) -> str:
    """The name that may tell handle, period and instant: the archive member's, or the file's; never a sheet's or block's."""
    parts = [p for p in source.member.split("/") if p and not p.startswith(("sheet:", "#"))]
    return parts[-1] if parts else source.name


def _captured(
    source: Source, own: provenance.Named, outer: provenance.Named, in_file: datetime | None, newest: Any = None
) -> tuple[datetime, str]:
    return provenance.captured(
        option=source.captured_at,
        in_file=in_file,
        file_name=own,
        archive_name=outer,
        folder=source.folder_date,
        first_seen=source.first_seen,
        newest=newest,
        modified=source.modified,
    )


def _empty_block(table: Table, source: Source, formats: Sequence[Format]) -> Export:
    """A title followed by blank lines: known, and nothing to read."""
    title = normalise(table.title or "")
    form = next((f for f in formats if f.blocks for d in f.detect if title in map(normalise, d.titles)), None)
    export = refusal(source, Refused("NO_ROWS", seen=table.title or ""), form)
    export.outcome = "flagged"
    export.captured_at, export.captured_from = _captured(source, provenance.Named(), provenance.Named(), None)
    return export


def assemble(
    form: Format, table: Table, source: Source, result: typed.Typed, own: provenance.Named, outer: provenance.Named
) -> Export:
    captured, origin = _captured(source, own, outer, result.captured, result.span[1])
    export = Export(
        file=source.name,
        member=source.member,
        sha256=source.sha256,
        kind=form.kind,
        platform=form.platform,
        grain=form.grain,
        language=form.language_from(table) if form.language_from else result.language,
        rows=result.rows,
        n_rows=result.height,
        dropped=result.dropped,
        captured_at=captured,
        captured_from=origin,
        period=own.period or outer.period,
        sums=result.sums,
        nulls=result.nulls,
        header=result.header,
        version=form.version,
        period_sums=form.period_sums,
        identities=result.identities,
    )
    stated = True
    if form.platform_from:
        export.platform, stated = form.platform_from(table)
        hint = ownership.platform_hint(source.given, source.accounts)
        if not stated and hint:
            export.platform = hint
    handle = own.handle or outer.handle
    if handle and export.rows is not None and export.rows["handle"].null_count() == export.n_rows:
        export.rows = export.rows.with_columns(pl.lit(handle).alias("handle"))
        export.identities = typed.identities(export.rows, np.array([0, export.rows.height]))[0]
    export.messages += [message(*flag) for flag in result.notes.flags]
    if table.title == "":
        export.messages.append(message("TITLE_FROM_NAME", "", source.name))
    if any(level(m.code) != "info" for m in export.messages):
        export.outcome = "flagged"
    _first_last(export, *result.span)
    ownership.assign(export, source.given, source.accounts, form)
    return export


def _first_last(export: Export, low: Any, high: Any) -> None:
    if isinstance(low, datetime):
        export.first, export.last = f"{low:%Y-%m-%dT%H:%M:%SZ}", f"{high:%Y-%m-%dT%H:%M:%SZ}"
    elif low is not None:
        export.first, export.last = str(low), str(high)
        if export.period is None:
            export.period = (low, high)
