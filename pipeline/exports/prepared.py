"""A recognised table: what is known around it before its text is typed, and the :class:`Export` that comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import ownership, provenance, resaved, summary, workbook
from pipeline.exports.messages import Refused, level, message
from pipeline.exports.model import Export
from pipeline.exports.recognise import Found, recognise
from pipeline.exports.source import Source, captured, refusal
from pipeline.exports.stack import Around
from pipeline.exports.typed import Result, Typed
from pipeline.formats import Format, Table, normalise


@dataclass
class Prepared:
    """A table on its way. ``result`` is there once it is typed."""

    form: Format
    table: Table
    source: Source
    around: Around
    own: provenance.Named  # what the file's name says
    outer: provenance.Named  # and that of its archive
    sheet: workbook.Sheet | None = None
    beside: tuple[str, ...] = ()  # sheets of the same workbook that no format knows
    unwrapped: bool = False  # each row was one cell, which held the row
    result: Result | None = None


def prepare(
    table: Table, source: Source, around: Around, formats: Sequence[Format], found: Found | None = None
) -> Prepared | Export:
    """A table, recognised and dated; a block without rows is an Export already. Raises Refused."""
    if table.title is not None and not table.records:
        return _empty_block(table, source, formats)
    found = found or recognise(table, around.container, formats)
    part = Table(table.records[found.header :], table.sheet, table.title, table.file_name, table.siblings)
    if around.container == "csv" and around.delimiter == "," and (whole := resaved.with_whole_dates(found.format, part.records)):
        prepared = placed(found.format, replace(part, records=whole), source.resaved(), around)
        prepared.unwrapped = True
        return prepared
    return placed(found.format, part, source, around)


def placed(form: Format, table: Table, source: Source, around: Around) -> Prepared:
    """A table with what the names of its file and archive add to what is known about it."""
    own, outer = _by_names(form, source)
    moment, origin = captured(source, own, outer)
    is_known = origin not in provenance.ESTIMATED
    context = replace(
        around,
        anchor=(moment if is_known else source.modified or source.first_seen).date(),
        anchor_is_known=is_known,
        period=own.period or outer.period,
        date_order=ownership.date_order(source.given, source.accounts),
    )
    return Prepared(form, table, source, context, own, outer)


def _by_names(form: Format, source: Source) -> tuple[provenance.Named, provenance.Named]:
    """What the name of a file says and what that of its archive, or of the folder that one was unpacked to."""
    nothing = provenance.Named()
    paths = (source.archive or source.name, *source.names)
    tells = next((said for path in paths if (said := provenance.named(form, path)) != nothing), nothing)
    own, outer = (provenance.named(form, source.file), tells) if source.archive else (tells, nothing)
    if form.period_sums and not (own.period or outer.period):
        outer = next((said for path in paths if (said := provenance.unpacked(form, path)).period), outer)
    return own, outer


def _empty_block(table: Table, source: Source, formats: Sequence[Format]) -> Export:
    """A title followed by blank lines: known, and nothing to read."""
    title = normalise(table.title or "")
    form = next((f for f in formats if f.blocks for d in f.detect if title in map(normalise, d.titles)), None)
    export = refusal(source, Refused("NO_ROWS", seen=table.title or ""), form)
    export.outcome = "flagged"
    export.captured_at, export.captured_from = captured(source, provenance.Named(), provenance.Named())
    return export


def export_of(prepared: Prepared) -> Export:
    """What is said of a typed table. A refusal behind the recognition keeps the kind."""
    if isinstance(prepared.result, Typed):
        export = _assemble(prepared, prepared.result)
    else:
        export = refusal(prepared.source, prepared.result or Refused("READER_CRASHED"), prepared.form)
    return flag_unwrapped(export) if prepared.unwrapped else export


def flag_unwrapped(export: Export) -> Export:
    """Says that each row of the file was one cell."""
    if export.outcome in ("accepted", "flagged"):
        export.outcome = "flagged"
        export.messages.append(message("UNWRAPPED"))
    return export


def _assemble(prepared: Prepared, result: Typed) -> Export:
    form, table, source = prepared.form, prepared.table, prepared.source
    own, outer = prepared.own, prepared.outer
    moment, origin = captured(source, own, outer, result.captured, result.span[1])
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
        dropped=result.notes.dropped,
        captured_at=moment,
        captured_from=origin,
        period=own.period or outer.period,
        sums=result.sums,
        nulls=result.nulls,
        header=result.header,
        version=form.version,
        period_sums=form.period_sums,
        identities=result.identities,
    )
    if form.platform_from:
        _name_platform(export, *form.platform_from(table), ownership.platform_hint(source.given, source.accounts))
    handle = own.handle or outer.handle
    if handle and export.rows is not None and export.rows["handle"].null_count() == export.n_rows:
        export.rows = export.rows.with_columns(pl.lit(handle).alias("handle"))
        export.identities = summary.identities(export.rows, np.array([0, export.rows.height]))[0]
    export.messages += [message(*flag) for flag in result.notes.flags]
    if table.title == "":
        export.messages.append(message("TITLE_FROM_NAME", "", source.name))
    if any(level(m.code) != "info" for m in export.messages):
        export.outcome = "flagged"
    _first_last(export, *result.span)
    ownership.assign(export, source.given, source.accounts, form)
    return export


def _name_platform(export: Export, platform: str | None, stated: bool, folder: str | None) -> None:
    """What the table states is so. Where it states nothing the folder decides, which is told if every file seen was another's."""
    export.platform, export.names_platform = platform, stated
    if stated or not folder:
        return
    export.platform = folder
    if platform not in (None, folder):
        export.messages.append(message("PLATFORM_BY_PLACE", export.member, platform))


def _first_last(export: Export, low: Any, high: Any) -> None:
    if isinstance(low, datetime):
        export.first, export.last = f"{low:%Y-%m-%dT%H:%M:%SZ}", f"{high:%Y-%m-%dT%H:%M:%SZ}"
    elif low is not None:
        export.first, export.last = str(low), str(high)
        if export.period is None:
            export.period = (low, high)
