"""Which tables a build may take over from the version before, because building them again would give the same rows.

A table is made from its fingerprint (`fingerprints`), from the rows that it reads, and, if Python makes it, from the registers.
Rows are compared by content, not by date: a table that was built again and came out as before changes nothing that reads it. No
table knows what day it is, so the clock is no part of it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import polars as pl

from pipeline import stamps
from pipeline.engine.models import Check, Model, tables_of
from pipeline.stamps import digest

TABLE = "meta.made_from"
SCHEMA = {"name": pl.Utf8, "made_from": pl.Utf8, "content": pl.Utf8, "rows": pl.Int64, "columns": pl.Utf8}
SAID = "said"  # what is told of the tables
CHECK = "check:"  # before the name of a check, which is kept beside the tables
# The ledger's own notes about nights: they change when nothing came, and no table and no check reads them.
NOTES = frozenset({"last_seen_at", "sightings", "names_seen", "registry_token"})


@dataclasses.dataclass(frozen=True)
class Made:
    """One table of a version: what it was made from, what its rows are, how many, and its columns with their types."""

    made_from: str
    content: str
    rows: int = 0
    columns: dict[str, str] = dataclasses.field(default_factory=dict)


def of_previous(con: duckdb.DuckDBPyConnection) -> dict[str, Made]:
    """What the version before says of its tables; nothing where it is of a release that did not."""
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'previous' AND schema_name || '.' || table_name = ?", [TABLE]
    ).fetchall()[0][0]
    if not there:
        return {}
    rows = con.execute(f"SELECT name, made_from, content, rows, columns FROM previous.{TABLE}").fetchall()  # noqa: S608
    return {name: Made(made, content, count, json.loads(columns)) for name, made, content, count, columns in rows}


def content(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The rows of a table without their order, and its columns with their types."""
    columns = [(row[0], row[1]) for row in con.execute(f"DESCRIBE {table}").fetchall()]
    if table.startswith("raw."):
        columns = [(name, kind) for name, kind in columns if name not in NOTES]
    values = ", ".join(f'"{name}"' for name, _ in columns)
    query = f"SELECT count(*), bit_xor(h), sum(CAST(h AS HUGEINT)) FROM (SELECT hash({values}) AS h FROM {table})"  # noqa: S608
    return digest(map(str, (columns, con.execute(query).fetchall())))


def of_registry(registry: Any) -> str:
    """All that Python tables may ask the registers: rows, settings, themes."""
    parts = []
    for field in dataclasses.fields(registry):
        value = getattr(registry, field.name)
        said = value.write_ndjson() if isinstance(value, pl.DataFrame) else json.dumps(value, sort_keys=True, default=repr)
        parts += [field.name, said]
    return digest(parts)


def of_table(model: Model, fingerprint: str, contents: Mapping[str, str], registry: str) -> str:
    read = [f"{name} {contents[name]}" for name in (*model.depends_on, *model.sources)]
    return digest([stamps.libraries(), fingerprint, *read, registry if model.table else ""])


def of_check(check: Check, sql: str, contents: Mapping[str, str]) -> str:
    """`sql`: the check as it runs, once the tables are known."""
    said = (check.message_id, check.message_en, str(check.blocking))
    return digest([stamps.libraries(), sql, *said, *(f"{name} {contents[name]}" for name in tables_of(sql))])


def said_of(models: Iterable[Model]) -> str:
    """What a version tells people about its tables beside their rows: a new sentence is published too."""
    return digest(part for model in models for part in (model.name, model.description, *model.key))
