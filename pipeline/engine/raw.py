"""The private database of the job: the ledger and the raw rows, one table per grain. Surrogate keys are hashes of natural keys.

A key made by counting would depend on the order in which files arrive; a hash does not, so the same files give the same database
whatever the order. Keys have 53 bits: exact in every consumer, JavaScript included. Two natural keys with one hash are found
when the second is inserted (`Collision`), never merged: for a million posts the chance is 6 in 100,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.columns import columns, of_post

SCHEMA = 1  # of the raw tables: count it up when their definition changes; an older database is then read again from the archive
IDENTITY = {
    "platform_account_id": "VARCHAR",
    "handle": "VARCHAR",
    "published_at": "TIMESTAMP",
    "published_on": "DATE",
    "published_precision": "VARCHAR",
    "post_type": "VARCHAR",
    "is_share": "BOOLEAN",
    "row_note": "VARCHAR",
    "value_scope": "VARCHAR",
    "period_start": "DATE",
    "period_end": "DATE",
}
TABLES = {
    "exports": """export_id BIGINT, sha256 VARCHAR, member VARCHAR, file_name VARCHAR, names_seen JSON, size_bytes BIGINT,
        kind VARCHAR, format_version VARCHAR, platform VARCHAR, grain VARCHAR, language VARCHAR, outcome VARCHAR, code VARCHAR,
        n_rows BIGINT, n_stored BIGINT, dropped JSON, messages JSON, account_id VARCHAR, owners JSON, value_scope VARCHAR,
        captured_at TIMESTAMP, captured_from VARCHAR, period_first DATE, period_last DATE, period_start DATE, period_end DATE,
        first_seen_at TIMESTAMP, last_seen_at TIMESTAMP, sightings BIGINT, unknown_columns JSON, registry_token VARCHAR""",
    "sightings": """name VARCHAR, size_bytes BIGINT, mtime_ns BIGINT, inode BIGINT, sha256 VARCHAR, account_id VARCHAR,
        folder_date DATE, first_seen_at TIMESTAMP, last_seen_at TIMESTAMP, runs BIGINT""",
    "account_keys": "account_key BIGINT, account_id VARCHAR, platform VARCHAR",
    "post_keys": "post_key BIGINT, platform VARCHAR, post_id VARCHAR",
    "post_texts": "text_key BIGINT, caption VARCHAR, permalink VARCHAR",
    "post_snapshots": ", ".join(
        [
            "export_id BIGINT, row_number BIGINT, post_key BIGINT, account_key BIGINT, owner_key BIGINT, text_key BIGINT",
            "captured_at TIMESTAMP",
            *(f"{name} {kind}" for name, kind in IDENTITY.items()),
        ]
    ),
    "account_days": """export_id BIGINT, row_number BIGINT, account_key BIGINT, day DATE, day_zone VARCHAR, metric VARCHAR,
        value DOUBLE, captured_at TIMESTAMP""",
    "audience": """export_id BIGINT, row_number BIGINT, account_key BIGINT, dimension VARCHAR, label VARCHAR, label2 VARCHAR,
        metric VARCHAR, value DOUBLE, unit VARCHAR, period_start DATE, period_end DATE, captured_at TIMESTAMP""",
    "cases": """export_id BIGINT, row_number BIGINT, account_key BIGINT, case_id VARCHAR, channel VARCHAR, agency_name VARCHAR,
        received_at TIMESTAMP, received_on DATE, first_reply_at TIMESTAMP, closed_at TIMESTAMP, sla_class VARCHAR,
        category VARCHAR, status VARCHAR, district VARCHAR, captured_at TIMESTAMP""",
}
GRAINS = {"post": "post_snapshots", "account_day": "account_days", "audience": "audience", "case": "cases"}
NOT_METRICS = {*IDENTITY, "row_number", "post_id", "caption", "permalink", "account_name", "day", "day_zone"}


class Collision(RuntimeError):
    """Two natural keys share one hash. Nothing was written. ``hashed``: the column; ``keys``: its values that are disputed."""

    def __init__(self, table: str, hashed: str, keys: Iterable[int]):
        self.hashed, self.keys = hashed, frozenset(keys)
        super().__init__(f"raw.{table}: two natural keys share one {hashed}: {sorted(self.keys)[:3]}")


def schema_of(con: duckdb.DuckDBPyConnection) -> int:
    """The schema of the attached `raw`; 0: of the time before it was numbered."""
    there = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'raw' AND table_name = 'schema_version'")
    if not there.fetchall()[0][0]:
        return 0
    return int(con.execute("SELECT max(version) FROM raw.schema_version").fetchall()[0][0] or 0)


def definition(table: str) -> str:
    """The columns of a raw table as the engine takes them; a post also has every value that columns.yml knows of one."""
    values = of_post() if table == "post_snapshots" else {}
    return ", ".join([TABLES[table], *(f"{name} {kind}" for name, kind in values.items())])


@cache
def column_names(table: str) -> frozenset[str]:
    """The columns that a raw table is made with, as the engine itself reads its definition."""
    with duckdb.connect(":memory:") as con:
        con.execute(f"CREATE TABLE made ({definition(table)})")
        return frozenset(name for name, *_ in con.execute("DESCRIBE made").fetchall())


def key(*parts: str) -> int:
    """Surrogate key of a natural key, 53 bits."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big") >> 11


def keys(frame: pl.DataFrame, *names: str) -> pl.Series:
    """`key` of each row; null where any part is null."""
    if frame.is_empty():
        return pl.Series("key", [], dtype=pl.Int64)
    distinct = frame.select(names).unique().drop_nulls()
    made = distinct.with_columns(pl.Series("key", [key(*map(str, row)) for row in distinct.iter_rows()], dtype=pl.Int64))
    return frame.select(names).join(made, on=list(names), how="left", maintain_order="left")["key"]


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that `raw` lacks, and the columns for values of a post that it does not know yet.

    Only a new database gets this program's schema: an older one keeps its own until it is migrated.
    """
    if not con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'raw'").fetchall()[0][0]:
        con.execute(f"CREATE TABLE raw.schema_version AS SELECT {SCHEMA} AS version")
    for table in TABLES:
        con.execute(f"CREATE TABLE IF NOT EXISTS raw.{table} ({definition(table)})")
    have = _columns(con)
    for name, kind in of_post().items():
        if name not in have:
            con.execute(f'ALTER TABLE raw.post_snapshots ADD COLUMN "{name}" {kind}')


def _columns(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in con.execute("SELECT column_name FROM (DESCRIBE raw.post_snapshots)").fetchall()}


@contextmanager
def arriving(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> Iterator[None]:
    """The frame as the table `arriving`, which a statement may read once.

    It is given as a stream: of a registered table DuckDB lets go only when the transaction ends, which is a whole night.
    """
    table = frame.to_arrow()
    con.register("arriving", pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches())))
    try:
        yield
    finally:
        con.unregister("arriving")


def insert(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> int:
    """Append rows; columns of the table that the frame lacks become null. Column names are matched, never positions."""
    if frame.is_empty():
        return 0
    names = ", ".join(f'"{c}"' for c in frame.columns)
    with arriving(con, frame):
        con.execute(f"INSERT INTO raw.{table} ({names}) SELECT {names} FROM arriving")  # noqa: S608 - our own identifiers
    return frame.height


def insert_keys(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add natural keys that are new. Raises Collision where a hash is taken by another natural key."""
    if frame.is_empty():
        return
    hashed, *natural = frame.columns
    fresh = frame.unique()
    same = " AND ".join(f"k.{c} IS NOT DISTINCT FROM a.{c}" for c in natural)
    taken = set(fresh.filter(pl.col(hashed).is_duplicated() | pl.col(hashed).is_null())[hashed].to_list())
    with arriving(con, fresh):
        query = f"SELECT a.{hashed} FROM arriving a JOIN raw.{table} k ON k.{hashed} = a.{hashed} WHERE NOT ({same})"  # noqa: S608
        taken |= {row[0] for row in con.execute(query).fetchall()}
    if taken:
        raise Collision(table, hashed, taken)
    with arriving(con, fresh):
        con.execute(
            f"INSERT INTO raw.{table} ({', '.join(frame.columns)}) SELECT a.* FROM arriving a "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM raw.{table} k WHERE k.{hashed} = a.{hashed})"
        )


def metric_columns(frame: pl.DataFrame) -> list[str]:
    """The metric columns of a wide frame: numbers that are in the vocabulary and are not identity."""
    return [c for c, t in frame.schema.items() if c not in NOT_METRICS and t.is_numeric() and c in columns()]


def add_metric_columns(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> None:
    """Give `raw.post_snapshots` a column for each metric it has not met yet: nothing that a file says is thrown away."""
    have = _columns(con)
    for name in metric_columns(frame):
        if name not in have:
            kind = "BIGINT" if frame.schema[name].is_integer() else "DOUBLE"
            con.execute(f'ALTER TABLE raw.post_snapshots ADD COLUMN "{name}" {kind}')


def delete_exports(con: duckdb.DuckDBPyConnection, export_ids: Iterable[int]) -> None:
    """Take back every row of these exports; the ledger entry stays for the caller to rewrite."""
    ids = list(export_ids)
    if ids:
        for table in GRAINS.values():
            con.execute(f"DELETE FROM raw.{table} WHERE export_id IN (SELECT unnest($ids))", {"ids": ids})  # noqa: S608
