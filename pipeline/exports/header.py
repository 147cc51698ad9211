"""What the header of a table means: one column of its format per cell, or UNKNOWN_HEADER."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.exports.messages import Refused
from pipeline.exports.model import HeaderReport
from pipeline.exports.text import trim
from pipeline.formats import Column, Format, Notes, normalise


@dataclass(frozen=True)
class Plan:
    """A header of a format: everything about a table that its first line decides. Tables of one plan are typed together."""

    form: Format
    header: tuple[str, ...]  # as written
    columns: tuple[Column | None, ...]  # per cell of the header; None where nothing is read
    report: HeaderReport
    language: str | None

    @property
    def read(self) -> list[Column]:
        return [c for c in self.columns if c is not None and c.kind not in ("ignored", "person")]


def plan_of(form: Format, cells: list[str]) -> Plan:
    """What a header line means. Raises Refused: TOO_LARGE, UNKNOWN_HEADER."""
    header = trim(cells)
    if len(header) > form.max_columns:
        raise Refused("TOO_LARGE", seen=f"{len(header)} kolom/columns > {form.max_columns}")
    columns, report, language = map_header(form, header)
    return Plan(form, tuple(header), tuple(columns), report, language)


def shown(column: Column) -> str:
    """The name by which a message calls a column."""
    return (column.en or column.id or column.other or (column.field,))[0]


def map_header(form: Format, header: Sequence[str]) -> tuple[list[Column | None], HeaderReport, str | None]:
    """One column (or None) per header cell. A duplicate that the format does not expect is UNKNOWN_HEADER."""
    report = HeaderReport()
    names = [normalise(h) for h in header]
    mapped = _by_place(form, names, [form.column_for(n) for n in names])
    columns: list[Column | None] = []
    seen: dict[str, str] = {}
    for text, name, column in zip(header, names, mapped, strict=True):
        if column is None:
            if name:
                if name in seen:
                    raise Refused("UNKNOWN_HEADER", seen=f"judul ganda/duplicate: {text}")
                seen[name] = text
                report.unknown.append(text)
            columns.append(None)
        elif column.kind in ("ignored", "person"):
            if text in report.ignored and not column.pattern:
                raise Refused("UNKNOWN_HEADER", seen=f"judul ganda/duplicate: {text}")
            report.ignored.append(text)
            columns.append(column)
        else:
            if column.field in seen and column.repeated == "refuse":
                raise Refused("UNKNOWN_HEADER", seen=f"judul ganda/duplicate: {text}")
            columns.append(None if column.field in seen and column.repeated == "first" else column)
            seen[column.field] = text
            report.mapped[text] = column.field
            if column is not form.column_for(name):
                report.placed.append(text)
    # Where several columns make one field (the longer of two texts), each of them is missed by itself.
    lacking = [
        c for c in form.columns
        if c.required and (not any(c is m for m in mapped) if c.repeated == "longest" else c.field not in seen)
    ]  # fmt: skip
    if lacking:
        missing = ", ".join((c.en or c.id or (c.field,))[0] for c in lacking)
        raise Refused("UNKNOWN_HEADER", place=f"{form.kind}; tidak ada/missing: {missing}", seen=", ".join(header))
    if report.unknown and form.unknown_columns == "refuse":
        raise Refused("UNKNOWN_HEADER", place=form.kind, seen=", ".join(report.unknown))
    return columns, report, _language(names, mapped)


def _by_place(form: Format, names: Sequence[str], mapped: list[Column | None]) -> list[Column | None]:
    """Leading columns whose name is not known, by their place: only where every known one stands in its own.

    Meta translates its header names, its order of the leading columns is fixed; not every translation was seen.
    """
    leading = [form.by_header[normalise(h)] for h in form.leading]
    found = mapped[: len(leading)]
    if len(found) < len(leading) or all(found) or not all(names[: len(leading)]):
        return mapped
    if any(c is not None and c is not own for c, own in zip(found, leading, strict=True)) or any(
        c in leading for c in mapped[len(leading) :]
    ):
        return mapped
    return leading + mapped[len(leading) :]


def note_header(form: Format, report: HeaderReport, notes: Notes) -> None:
    """What the header alone gives cause to say."""
    if report.unknown and form.unknown_columns == "flag":
        notes.flag("UNKNOWN_COLUMN", "", ", ".join(report.unknown))
    if report.placed:
        notes.flag("NAMED_BY_PLACE", "", ", ".join(report.placed))


def _language(names: Sequence[str], columns: Sequence[Column | None]) -> str | None:
    """Language of the header: of the names that exist in one language only, the majority; English if all are common."""
    votes = {"en": 0, "id": 0}
    for name, column in zip(names, columns, strict=True):
        if column is not None:
            is_en, is_id = name in map(normalise, column.en), name in map(normalise, column.id)
            if is_en != is_id:
                votes["en" if is_en else "id"] += 1
    if not any(votes.values()):
        return "en" if any(columns) else None
    return "id" if votes["id"] >= votes["en"] else "en"
