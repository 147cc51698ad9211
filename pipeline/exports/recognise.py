"""Which kind of export a table is, by its header alone: exactly one kind, or a refusal that names the nearest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.exports.messages import Refused
from pipeline.exports.text import trim
from pipeline.formats import Detection, Format, Table, normalise

REMEMBERED = 2048  # headers per format


@dataclass(frozen=True)
class Found:
    """A recognised table: its format and the position of the header among the non-blank records."""

    format: Format
    header: int
    score: tuple[int, int, int]


class Tie(Refused):
    """A header that fits several kinds equally well."""


def recognise(table: Table, container: str, formats: Sequence[Format]) -> Found:
    """The one kind this table is. Raises UNKNOWN_HEADER: nearest kind with the columns that differ, or both ids of a tie."""
    best: list[Found] = []
    names: dict[int, tuple[str, ...]] = {}
    for form in formats:
        if form.blocks == (table.title is not None) and container in form.containers:
            found = _match(table, form, container, names, formats)
            if found and (not best or found.score > best[0].score):
                best = [found]
            elif found and found.score == best[0].score:
                best.append(found)
    if len(best) == 1:
        return best[0]
    if best:
        raise Tie("UNKNOWN_HEADER", seen=" = ".join(sorted(f.format.kind for f in best)))
    raise unknown(table, formats)


def _names(record: list[str], formats: Sequence[Format]) -> tuple[str, ...]:
    """A header's names. Raises TOO_LARGE where it is wider than any kind: two million columns are not compared with each."""
    cells, widest = trim(record), max(form.max_columns for form in formats)
    if len(cells) > widest:
        raise Refused("TOO_LARGE", seen=f"{len(cells)} kolom/columns > {widest}")
    return tuple(normalise(cell) for cell in cells)


def _match(
    table: Table, form: Format, container: str, names: dict[int, tuple[str, ...]], formats: Sequence[Format]
) -> Found | None:
    best: Found | None = None
    for number, detection in enumerate(form.detect):
        for position in range(detection.header_row - 1, max(detection.header_row, detection.header_search)):
            if position >= len(table.records):
                break
            if position not in names:
                names[position] = _names(table.records[position][1], formats)
            if _holds(table, form, detection, number, position, names[position], container):
                score = _score(detection)
                if best is None or score > best.score:
                    best = Found(form, position, score)
                break
    return best


def _score(detection: Detection) -> tuple[int, int, int]:
    size = max(len(detection.all_of), 1 if detection.first_column or detection.positional else 0)
    return size, 1 if detection.columns_exactly else 0, len(detection.any_of)


def _holds(
    table: Table, form: Format, detection: Detection, number: int, position: int, names: tuple[str, ...], container: str
) -> bool:
    if detection.sheet and container != "csv" and normalise(table.sheet or "") not in map(normalise, detection.sheet):
        return False
    if detection.titles and _title(table, position) not in map(normalise, detection.titles):
        return False
    known = form.seen_headers.get((number, names))
    if known is None:
        known = names_fit(form, detection, names)
        if len(form.seen_headers) < REMEMBERED:
            form.seen_headers[number, names] = known
    if known and detection.positional:
        part = Table(table.records[position:], table.sheet, table.title, table.file_name, table.siblings)
        return _shaped(detection.positional, part)
    return known


def names_fit(form: Format, detection: Detection, names: tuple[str, ...]) -> bool:
    """What a detection asks of the header's names alone."""
    if not names or (detection.columns_exactly and len(names) != detection.columns_exactly):
        return False
    if detection.min_columns and len(names) < detection.min_columns:
        return False
    columns = [form.column_for(name) for name in names]
    fields = {c.field for c in columns if c}

    def has(entry: str) -> bool:
        return entry in fields if entry in form.fields else normalise(entry) in names

    if not all(map(has, detection.all_of)) or any(map(has, detection.none_of)):
        return False
    if detection.any_of and not any(map(has, detection.any_of)):
        return False
    first = columns[0].field if columns[0] else None
    return not detection.first_column or any(
        e == first if e in form.fields else normalise(e) == names[0] for e in detection.first_column
    )


def _shaped(test: Callable[[Table], bool], part: Table) -> bool:
    """A test of shape that stumbles over a strange table says no."""
    try:
        return test(part)
    except (IndexError, KeyError, ValueError, StopIteration, AttributeError):
        return False


def _title(table: Table, position: int) -> str:
    if table.title is not None:
        return normalise(table.title)
    return normalise(next((c for c in table.records[position - 1][1] if c), "")) if position else ""


def unknown(table: Table, formats: Sequence[Format]) -> Refused:
    """UNKNOWN_HEADER with the nearest kind, what it misses and what it does not know."""
    header = [normalise(c) for c in trim(table.records[0][1])] if table.records else []
    names = {n for n in header if n}
    best: tuple[float, str, list[str], list[str]] = (0.0, "", [], [])
    for form in formats:
        needed = {f for d in form.detect for f in d.all_of}
        for language in ("en", "id"):
            expected = {normalise(h): c.field in needed for c in form.columns for h in (getattr(c, language) or c.en)[:1]}
            union = expected.keys() | names
            share = len(expected.keys() & names) / len(union) if union else 0.0
            if share > best[0]:
                lacks = sorted((not is_needed, name) for name, is_needed in expected.items() if name not in names)
                best = (share, form.kind, [name for _, name in lacks], sorted(names - expected.keys()))
    seen = f"{table.title}: {', '.join(header)}" if table.title else ", ".join(header)
    if not best[1]:
        return Refused("UNKNOWN_HEADER", place=table.title or "", seen=seen)
    lacking, extra = ", ".join(best[2][:4]) or "-", ", ".join(best[3][:4]) or "-"
    place = f"terdekat/nearest {best[1]}; tidak ada/missing: {lacking}; tidak dikenal/unknown: {extra}"
    return Refused("UNKNOWN_HEADER", place=place, seen=seen)


def is_unknown(refused: Refused) -> bool:
    """No kind fits; a tie between kinds is not that."""
    return refused.code == "UNKNOWN_HEADER" and not isinstance(refused, Tie)
