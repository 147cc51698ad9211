"""The tables in a file, found by content: text under every delimiter, sheets of a workbook, JSON documents, titled blocks.

What is found is either :class:`Prepared`, to be typed, or already an :class:`Export`: a refusal, or a block without rows.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pipeline.exports import guards, ownership, text, workbook
from pipeline.exports.blocks import blocks_of, titles_of
from pipeline.exports.group import type_tables
from pipeline.exports.messages import Refused, message
from pipeline.exports.model import Export
from pipeline.exports.prepared import Prepared, flag_unwrapped, prepare
from pipeline.exports.recognise import Found, is_unknown, recognise, unknown
from pipeline.exports.source import Part, Source, refusal
from pipeline.exports.stack import Around
from pipeline.exports.typed import Typed
from pipeline.formats import Format, Table, all_formats, mapped, normalise

SNIFF = 40  # records looked at to recognise a header
UNKNOWN, UNKNOWN_BLOCKS, KNOWN = range(3)  # how far the start of a text is recognised
Records = list[tuple[int, list[str]]]
Item = Prepared | Export


def look_into(part: Part) -> None:
    """Find the tables of a part, letter by letter. A refusal is one of the exports found, a mistake of ours its ``error``."""
    part.found, done = None, []
    try:
        for item in _found(part):
            done.append(item)
        part.found = done
    except Refused as refused:
        part.found = [*(done if part.is_member else []), refusal(part.source, refused)]
    except (MemoryError, RecursionError, Exception) as error:  # a bug must cost one file, never the night
        part.error = error


def _found(part: Part) -> Iterator[Item]:
    kind = part.kind or guards.container(part.data)
    guards.check_name(part.source.member or part.source.name, kind)
    if kind == "zip":
        raise Refused("UNSAFE_ARCHIVE", seen="nested archive")
    if kind == "json":
        yield from _json(part.data, part.source)
    elif kind == "csv":
        yield from _text(part.data, part.source)
    else:
        yield from _workbook(part.data, kind, part.source)


# --- text


def _text(data: bytes, source: Source) -> Iterator[Item]:
    formats: Sequence[Format] = all_formats()
    try:
        content = text.decode(data)
    except Refused as refused:
        if refused.code == "TRUNCATED" and (whole := _before_the_cut(data, source, formats, refused)):
            yield from whole
            return
        if refused.code != "ENCODING" or (found := _in_code_page(data, source, formats)) is None:
            raise
        yield from found
        return
    source = source.marked(data, content)
    try:
        yield from list(_decoded(content, source, formats))
    except Refused as refused:
        if not is_unknown(refused):
            raise
        yield from _taught(content, source, refused)


def _before_the_cut(data: bytes, source: Source, formats: Sequence[Format], refused: Refused) -> list[Item]:
    """The titled blocks of a text that ends inside a letter: the last one is cut, those before it are whole."""
    at = int(refused.place.removeprefix("byte "))
    try:
        items = list(_decoded(text.decode(data[:at]), source, formats))
    except Refused:
        return []
    last = items[-1] if len(items) > 1 else None
    member = last.source.member if isinstance(last, Prepared) else last.member if last else ""
    return [*items[:-1], refusal(replace(source, member=member), refused)] if "#" in member else []


def _in_code_page(data: bytes, source: Source, formats: Sequence[Format]) -> Iterator[Item] | None:
    """Bytes that are no UTF-8, by a legacy code page that a format asks for and under which it is recognised."""
    for encoding in sorted({e for f in formats for e in f.encodings}):
        own = [f for f in formats if encoding in f.encodings]
        try:
            content = text.decode(data, encoding)
            if _dialect(content, own)[1]:
                return _decoded(content, source, own)
        except Refused:
            continue
    return None


def _taught(content: str, source: Source, refused: Refused) -> Iterator[Item]:
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


def _proposed(records: Records, source: Source) -> str | None:
    """A mapping to start from, for what looks like a table: 3 to 200 named columns and a row."""
    header = text.trim(records[0][1]) if records else []
    if not 3 <= len(header) <= 200 or len(records) < 2:
        return None
    return mapped.propose(header, [cells for _, cells in records[1:]], ownership.platform_hint(source.given, source.accounts))


def _decoded(content: str, source: Source, formats: Sequence[Format], unwrapped: bool = False) -> Iterator[Item]:
    how, certainty, records = _dialect(content, formats)
    if certainty < KNOWN and not unwrapped and (rewritten := _rewritten(content, source, formats)):
        yield from rewritten
        return
    if certainty == UNKNOWN:
        inner = None
        if not unwrapped and text.unwrap(records):  # all records then, not those few that were looked at
            inner = text.unwrap(list(text.tokenise(content, how, source.limits.field)))
        if inner is None:
            raise unknown(Table(_filled(records), file_name=source.name), formats)
        yield from _unwrapped(inner, source, formats)
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
        yield from _unwrapped(inner, source, formats)
        return
    around = Around("csv", source.first_seen.date(), delimiter=how.delimiter, open_end=text.ends_open(content))
    yield from _tables(records, source, around, formats)


def _rewritten(content: str, source: Source, formats: Sequence[Format]) -> list[Item]:
    """What a file holds of which a spreadsheet wrapped some lines, if every table of it is sound then; else nothing."""
    inner = text.unwrap_lines(content)
    try:
        items = list(_unwrapped(inner, source, formats)) if inner is not None else []
    except Refused:
        return []
    type_tables([item for item in items if isinstance(item, Prepared)])
    return items if all(isinstance(item, Prepared) and isinstance(item.result, Typed) for item in items) else []


def _is_partly_wrapped(records: Records, how: text.Dialect) -> bool:
    """Beside whole rows there are some that hold the text of one in their only cell."""
    return any(len(cells) == 1 and cells[0].count(how.delimiter) > 1 for _, cells in records)


def _by_block(content: str, how: text.Dialect, source: Source, formats: Sequence[Format]) -> list[Item]:
    """The titled blocks of a file of which one is damaged: it refuses itself, never its neighbours."""
    titles, starts, at = titles_of(formats), [], 0
    beside: list[str] = []
    for line in content.splitlines(keepends=True):
        if (title := normalise(line.strip().rstrip(how.delimiter))) in titles:
            starts.append(at)
            beside.append(title)
        at += len(line)
    items: list[Item] = []
    for start, stop in zip(starts, [*starts[1:], len(content)], strict=True) if len(starts) > 1 else ():
        part = content[start:stop]
        title = part.splitlines()[0].strip().rstrip(how.delimiter).strip('"')
        before = content.count("\n", 0, start)
        try:
            records = list(text.tokenise(part, replace(how, start=0, first_line=1 + before)))
            is_last = stop == len(content)
            around = Around("csv", source.first_seen.date(), how.delimiter, is_last and text.ends_open(content))
            items += list(_tables(records, source, around, formats, tuple(beside)))
        except Refused as refused:
            items.append(refusal(source.place(f"#{title}"), refused))
    return items


def _unwrapped(inner: str, source: Source, formats: Sequence[Format]) -> Iterator[Item]:
    for item in _decoded(inner, source, formats, unwrapped=True):
        if isinstance(item, Prepared):
            item.unwrapped = True
            yield item
        else:
            yield flag_unwrapped(item)


def _dialect(content: str, formats: Sequence[Format]) -> tuple[text.Dialect, int, Records]:
    """The delimiter under which the first records are recognised, else the likeliest one; how far they are; these records.

    Every delimiter is tried on the strict tokeniser, the one that a ``sep=`` line names first. An error of structure is raised
    only if no delimiter leads to a record: a guessed delimiter's error never hides that the header is unknown.
    """
    declared, _ = text.sep_line(content)
    tried: list[tuple[int, int, text.Dialect, Records]] = []
    problem: Refused | None = None
    for delimiter in dict.fromkeys(d for d in (declared, *text.DELIMITERS) if d):
        how = text.dialect(content, delimiter)
        records: Records = []
        try:
            for record in islice(text.tokenise(content, how), SNIFF):
                records.append(record)
        except Refused as refused:
            problem = problem or refused
        if any(any(c) for _, c in records):
            tried.append((_certainty(records, formats), len(text.trim(_filled(records)[0][1])), how, records))
            if tried[-1][0] == KNOWN:
                break
    if not tried:
        raise problem or Refused("EMPTY")
    best = max(tried, key=lambda t: (t[0], t[1] if not t[0] else 0))
    return best[2], best[0], best[3]


def _kind_of(records: Records, formats: Sequence[Format]) -> Format | None:
    """The kind that the start of a broken file shows, to be named in its refusal."""
    try:
        return recognise(Table(_filled(records)), "csv", formats).format
    except Refused:
        return None


def _certainty(records: Records, formats: Sequence[Format]) -> int:
    """Whether a table or a block of a known kind starts here, or titled blocks of which none is known."""
    blocks = list(blocks_of(records, formats, ""))
    for table in blocks or [Table(_filled(records))]:
        try:
            recognise(table, "csv", formats)
            return KNOWN
        except Refused as refused:
            if not is_unknown(refused):
                return KNOWN
    return UNKNOWN_BLOCKS if blocks else UNKNOWN


def _filled(records: Records) -> Records:
    """From the first record that is not blank on."""
    start = next((i for i, (_, cells) in enumerate(records) if any(cells)), len(records))
    return records[start:]


def _tables(
    records: Records, source: Source, around: Around, formats: Sequence[Format], beside: tuple[str, ...] = ()
) -> Iterator[Item]:
    """The table that the records are, or their titled blocks; ``beside``: titles in the same file, if not those found here."""
    blocks = list(blocks_of(records, formats, source.file))
    if not blocks:
        yield prepare(Table(_filled(records), file_name=source.file), source, around, formats)
        return
    names: dict[str, int] = {}
    for number, table in enumerate(blocks, start=1):
        title = table.title or ""
        names[title] = names.get(title, 0) + 1
        part = "" if not title else f"#{title}" if names[title] == 1 else f"#{title} ({names[title]})"
        inside = source.place(part)
        try:
            open_end = around.open_end and number == len(blocks)  # only the last one can have been cut
            table.siblings = beside or table.siblings
            yield prepare(table, inside, replace(around, open_end=open_end), formats)
        except Refused as refused:
            yield refusal(inside, refused)


# --- workbooks


def _workbook(data: bytes, container: str, source: Source) -> Iterator[Item]:
    """One table per recognised sheet; sheets that no format knows are reported, or refuse the file if none is known.

    A damaged sheet refuses itself.
    """
    formats = all_formats()
    if container == "xls" and not any("xls" in f.containers for f in formats):
        raise Refused("ENCRYPTED_OR_XLS", seen="BIFF .xls")
    found = workbook.read(data, container, source.limits)
    results: list[Item] = [refusal(source.place(f"sheet:{s.name}"), s.refused) for s in found if s.refused]
    sheets = [s for s in found if s.records]
    if not sheets and not results:
        raise Refused("EMPTY", seen="buku kerja kosong/empty workbook")
    sheets = _gathered(sheets, formats)
    siblings = tuple(normalise(s.name) for s in (*sheets, *(s for s in found if s.refused)))
    strangers: list[tuple[workbook.Sheet, Refused]] = []
    for sheet in sheets:
        inside = source.place(f"sheet:{sheet.name}")
        around = Around(container, source.first_seen.date())
        try:
            results += list(_sheet(sheet, siblings, inside, around, formats))
        except Refused as refused:
            if not is_unknown(refused):
                results.append(refusal(inside, refused))
            elif exports := _taught_sheet(sheet, inside, around):
                results += exports
            else:
                strangers.append((sheet, refused))
    if not results:
        if container == "xls":
            raise Refused("ENCRYPTED_OR_XLS", seen=f"BIFF .xls: {strangers[0][1].seen}")
        export = refusal(source, strangers[0][1])
        export.proposal = _proposed([(row, list(cells)) for row, cells in strangers[0][0].records], source)
        results.append(export)
    for item in results:
        if isinstance(item, Prepared):
            item.beside = tuple(s.name for s, _ in strangers)
        yield item


def _gathered(sheets: list[workbook.Sheet], formats: Sequence[Format]) -> list[workbook.Sheet]:
    """The sheets that are left once those that only split a column of another one have become columns of it."""
    for form in formats:
        if form.gather and len(sheets) > 1:
            tables = {t.sheet: t for t in form.gather([Table(s.records, sheet=s.name) for s in sheets])}
            sheets = [replace(s, records=tables[s.name].records) for s in sheets if s.name in tables]
    return sheets


def _sheet(
    sheet: workbook.Sheet, siblings: tuple[str, ...], source: Source, around: Around, formats: Sequence[Format]
) -> Iterator[Item]:
    for item in _tables_of_sheet(sheet, siblings, source, around, formats):
        if isinstance(item, Prepared):
            item.sheet = sheet
        yield item


def _tables_of_sheet(
    sheet: workbook.Sheet, siblings: tuple[str, ...], source: Source, around: Around, formats: Sequence[Format]
) -> Iterator[Item]:
    plain = [(row, list(cells)) for row, cells in sheet.records]
    table = Table(plain, sheet=sheet.name, file_name=source.member or source.name, siblings=siblings)
    try:
        found = recognise(table, around.container, formats)
    except Refused as refused:
        if inner := text.unwrap(plain, parted=";"):  # Indonesian; a tab would be another letter of a caption
            yield from _unwrapped(inner, source, formats)
            return
        if not list(blocks_of(plain, formats, source.file)):
            raise refused
        yield from _tables(plain, source, around, formats)
        return
    header_row = table.records[found.header][0]
    for row in sheet.merged_rows:
        if row > header_row:
            raise Refused("UNREADABLE_CELL", place=f"sheet:{sheet.name}, baris/row {row}", seen="sel gabungan/merged cells")
    yield prepare(table, source, around, formats, found)


def _taught_sheet(sheet: workbook.Sheet, source: Source, around: Around) -> list[Item]:
    """What the registry's mappings make of a sheet; nothing if they do not know it."""
    if not source.taught:
        return []
    try:
        return list(_sheet(sheet, (), source, around, source.taught))
    except Refused as refused:
        return [] if is_unknown(refused) else [refusal(source, refused)]


def settle_sheets(found: list[tuple[Prepared | None, Export]]) -> None:
    """What the typed sheets of one workbook say about each other, and what their cells did not show.

    Two sheets of one kind are two candidates for the same table (A23), unless the kind splits by sheet, or they tell of
    different days or posts, as where somebody keeps a sheet for every month.
    """
    rivals: dict[Any, list[Export]] = {}
    for _, export in found:
        if export.rows is not None and export.grain != "audience" and "#" not in export.member:
            rivals.setdefault(_table_of(export), []).append(export)
    for exports in rivals.values():
        told = [key for e in exports for key in _keys(e)]
        for export in exports if len(set(told)) < len(told) else []:
            export.outcome, export.rows = "refused", None
            export.messages.append(message("UNREADABLE_CELL", export.member, "dua lembar sama/two equal sheets"))
    for prepared, export in found:
        if prepared is not None and prepared.sheet is not None and export.rows is not None:
            _sheet_notes(prepared.sheet, export, prepared.beside)


def _keys(export: Export) -> set[Any]:
    """What the rows of a sheet tell of: posts or days, each of its account; nothing that can be told apart is one thing."""
    if export.rows is None:
        return set()
    names = [c for c in ("post_id", "day", "case_id") if c in export.rows.columns]
    whose = [c for c in ("platform_account_id",) if c in export.rows.columns]
    return set(export.rows.select(*names, *whose).iter_rows()) if names else {None}


def _table_of(export: Export) -> tuple[str | None, frozenset[str]]:
    return export.kind, frozenset(export.header.mapped.values())


def _sheet_notes(sheet: workbook.Sheet, export: Export, strangers: Sequence[str]) -> None:
    if sheet.hidden or sheet.hidden_parts or sheet.epoch_1904:
        export.outcome = "flagged"
        export.messages.append(message("HIDDEN_CONTENT", f"sheet:{sheet.name}", "1904" if sheet.epoch_1904 else ""))
    if strangers:
        export.messages.append(message("SHEETS_IGNORED", "", ", ".join(strangers)))


# --- JSON


def _json(data: bytes, source: Source) -> Iterator[Item]:
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
            around = Around("json", source.first_seen.date())
            yield prepare(table, source, around, [form], Found(form, 0, (1, 0, 0)))
            return
    raise Refused("WRONG_TYPE", seen="JSON")


def _json_records(form: Format, document: Any) -> list[list[str]] | None:
    """A document of another shape than its format expects is not of that kind."""
    try:
        return form.from_json(document) if form.from_json else None
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError, OSError):
        return None
