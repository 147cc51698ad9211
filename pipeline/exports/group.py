"""Recognised tables are typed, those of one format and one header together; each gets its rows or its refusal."""

import logging
from dataclasses import replace

from pipeline.exports import structure, typed
from pipeline.exports.header import plan_of
from pipeline.exports.messages import Refused
from pipeline.exports.prepared import Prepared
from pipeline.exports.source import crash
from pipeline.exports.text import trim
from pipeline.formats import Table

LOG = logging.getLogger(__name__)


def type_tables(found: list[Prepared]) -> None:
    """Fill ``result`` of each table."""
    groups: dict[tuple[int, tuple[str, ...]], list[tuple[Prepared, Table]]] = {}
    for prepared in found:
        try:
            table = _reshaped(prepared)
            key = (id(prepared.form), tuple(trim(table.records[0][1])))
            groups.setdefault(key, []).append((prepared, table))
        except Refused as refused:
            prepared.result = refused
        except Exception as error:  # a mistake in one format costs one table, never its siblings
            prepared.result = crash(error)
    for group in groups.values():
        _type_safely(group)


def _reshaped(prepared: Prepared) -> Table:
    table = prepared.table
    if prepared.form.reshape is None:
        return table
    return prepared.form.reshape(replace(table, records=[(row, list(cells)) for row, cells in table.records]))


def _type_safely(group: list[tuple[Prepared, Table]]) -> None:
    """A mistake of ours costs the one table that meets it, never its siblings."""
    try:
        _type_group(group)
    except Exception as error:
        if len(group) == 1:
            group[0][0].result = crash(error)
            return
        LOG.exception("%d tables are read one by one", len(group))
        for one in group:
            _type_safely([one])


def _type_group(group: list[tuple[Prepared, Table]]) -> None:
    """Tables of one format and one header."""
    try:
        plan = plan_of(group[0][0].form, list(group[0][1].records[0][1]))
    except Refused as refused:
        for prepared, _ in group:
            prepared.result = refused
        return
    sound: list[tuple[Prepared, Table, structure.Body]] = []
    for prepared, table in group:
        try:
            sound.append((prepared, table, structure.body_of(plan, table, prepared.around)))
        except Refused as refused:
            prepared.result = refused
    if sound:
        ready, tables, bodies = zip(*sound, strict=True)
        stack = structure.stack_bodies(plan, list(tables), [p.around for p in ready], list(bodies))
        for prepared, result in zip(ready, typed.read_tables(stack), strict=True):
            prepared.result = result
