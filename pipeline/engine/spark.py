"""The SQL of `warehouse/` on Spark: Sail in this process, without Java, or a cluster that TERUKUR_SPARK_REMOTE names.

DuckDB stays the home of a version. What a table reads is laid down as Parquet in the build's folder, raw rows by the month in
which they were captured; Spark writes the result beside it, and DuckDB takes it in under the names and types that it would give
the same SELECT itself. Nothing is written down per table, and whoever reads the version cannot tell which engine made it. The
folder must lie where every worker of a cluster sees it under the same path.
"""

from __future__ import annotations

import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from pipeline.engine.connections import quote
from pipeline.engine.models import Model
from pipeline.engine.raw import GRAINS
from pipeline.settings import settings

MONTH = "captured_month"  # names the folders of raw rows; no column of any table
SECONDS = 10  # to answer at all: the client itself would try for ten minutes
UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


class NoSpark(RuntimeError):
    """The second engine is asked for and is not there. Nothing was changed."""

    exit_status = 2

    def __init__(self, indonesian: str, english: str):
        kept = ("Atau hapus TERUKUR_ENGINE: DuckDB selalu ada.", "Or remove TERUKUR_ENGINE: DuckDB is always there.")
        self.id, self.en = f"{indonesian} {kept[0]}", f"{english} {kept[1]}"
        super().__init__(f"{self.id} / {self.en}")


class OtherColumns(RuntimeError):
    """Spark gave a table other columns than DuckDB would: our SQL is not as portable as its tests say."""


def written(sql: str) -> str:
    """The SELECT in Spark's dialect, reading views in place of schemas."""
    sqlglot = _installed()[1]
    exp = sqlglot.exp
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            alias = exp.to_identifier(table.alias or table.name)
            table.set("this", exp.to_identifier(_view(f"{table.db}.{table.name}")))
            table.set("db", None)
            table.set("alias", exp.TableAlias(this=alias))
    for split in list(tree.find_all(exp.Split)):  # on one plain character, as the lint demands: no quoting needed
        split.replace(exp.RegexpSplit(this=split.this.copy(), expression=split.expression.copy()))
    return str(tree.sql(dialect="spark"))


def _view(table: str) -> str:
    return table.replace(".", "__")


def _installed() -> tuple[Any, Any]:
    """The Spark client's session class and sqlglot. Raises NoSpark."""
    try:
        with _quietly():
            import sqlglot
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise NoSpark(
            f"TERUKUR_ENGINE=spark memerlukan paket {error.name}. Pasang: make spark, atau pip install 'terukur[spark]'.",
            f"TERUKUR_ENGINE=spark needs the package {error.name}. Install it: make spark, or pip install 'terukur[spark]'.",
        ) from error
    return SparkSession, sqlglot


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the client thinks of pandas, which is not used here
        yield


class Spark:
    """One session for one build. `run` makes a table; `close` ends the session and the server that was started for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spark"
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.seen: set[str] = set()  # tables that Spark has a view of
        self.server: Any = None
        maker, _ = _installed()
        address = settings().spark_remote or self._started()
        _answers(address)
        with _quietly():
            self.session = maker.builder.remote(address).create()
            self.session.client.set_retry_policies([_patience()])
            self.session.conf.set("spark.sql.session.timeZone", "UTC")

    def _started(self) -> str:
        """The address of a Sail server in this process, bound to this machine and to the memory of this deployment."""
        limits = {"TYPE": "fair", "FAIR__MAX_SIZE": str(_bytes(settings().memory_limit))}
        for name, value in limits.items():
            os.environ.setdefault(f"SAIL_RUNTIME__MEMORY_POOL__{name}", value)
        os.environ.setdefault("RUST_LOG", "error")
        try:
            from pysail.spark import SparkConnectServer
        except ImportError as error:
            raise NoSpark(
                "Sail tidak terpasang. Pasang: make spark; atau sebut alamat klaster di TERUKUR_SPARK_REMOTE.",
                "Sail is not installed. Install it: make spark; or name a cluster's address in TERUKUR_SPARK_REMOTE.",
            ) from error
        self.server = SparkConnectServer("127.0.0.1", 0)
        self.server.start(background=True)
        host, port = self.server.listening_address
        return f"sc://{host}:{port}"

    def run(self, con: duckdb.DuckDBPyConnection, model: Model) -> None:
        """Make one SQL table on Spark and store it in DuckDB."""
        for name in (*model.sources, *model.depends_on):
            if name not in self.seen:
                self._lay(con, name)
        place = self.folder / "made" / model.name
        self.session.sql(written(model.sql)).write.parquet(str(place))
        given = con.sql(model.sql)  # not run: only how DuckDB names and types it
        self._take(con, model, place, list(zip(given.columns, map(str, given.types), strict=True)))
        self._show(model.name, place)

    def _lay(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """What DuckDB holds, as Parquet."""
        place = self.folder / "read" / name
        place.mkdir(mode=0o750, parents=True)
        if name in {f"raw.{table}" for table in GRAINS.values()} and _has_rows(con, name):
            rows = f"SELECT *, strftime(captured_at, '%Y-%m') AS {MONTH} FROM {name}"  # noqa: S608 - names are ours
            con.execute(f"COPY ({rows}) TO {quote(str(place))} (FORMAT parquet, PARTITION_BY ({MONTH}), OVERWRITE_OR_IGNORE)")
        else:
            con.execute(f"COPY {name} TO {quote(str(place / 'rows.parquet'))} (FORMAT parquet)")
        self._show(name, place)

    def _take(self, con: duckdb.DuckDBPyConnection, model: Model, place: Path, columns: list[tuple[str, str]]) -> None:
        """Spark's rows as a table of DuckDB. Of an empty table Sail writes no file."""
        files = sorted(map(str, place.rglob("*.parquet")))
        if not files:
            con.execute(f"CREATE TABLE {model.name} AS SELECT * FROM ({model.sql}\n) LIMIT 0")  # noqa: S608 - a table of ours
            place.mkdir(parents=True, exist_ok=True)
            con.execute(f"COPY {model.name} TO {quote(str(place / 'none.parquet'))} (FORMAT parquet)")
            return
        found = f"read_parquet([{', '.join(map(quote, files))}])"
        names = con.sql(f"SELECT * FROM {found}").columns  # noqa: S608 - files of this build
        if names != [name for name, _ in columns]:
            raise OtherColumns(f"{model.name}: {names} instead of {[name for name, _ in columns]}")
        cast = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns)
        con.execute(f"CREATE TABLE {model.name} AS SELECT {cast} FROM {found}")  # noqa: S608

    def _show(self, name: str, place: Path) -> None:
        """Let Spark read a folder of Parquet as a table."""
        self.session.read.parquet(str(place)).drop(MONTH).createOrReplaceTempView(_view(name))
        self.seen.add(name)

    def close(self) -> None:
        self.session.stop()  # before the server: the client waits ten minutes for one that is gone
        if self.server is not None:
            self.server.stop()


def _patience() -> Any:
    """How often the client asks again: half a minute in place of ten, so that a lost server is an error and no standstill."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    return DefaultPolicy(max_retries=8, max_backoff=10_000, max_server_retry_delay=SECONDS * 1000)


def _has_rows(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())  # noqa: S608 - our own names


def _answers(address: str) -> None:
    """Raises NoSpark where nothing listens."""
    said = urlsplit(address)
    try:
        socket.create_connection((said.hostname or "", said.port or 15002), timeout=SECONDS).close()
    except OSError as error:
        raise NoSpark(
            f"Klaster Spark tidak menjawab di {said.hostname}:{said.port or 15002} ({error.strerror or error}).",
            f"No Spark cluster answers at {said.hostname}:{said.port or 15002} ({error.strerror or error}).",
        ) from error


def _bytes(limit: str) -> int:
    """A memory limit as the settings have it (1GB, 800 MiB) in bytes."""
    number, unit = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]+)B", limit.strip(), re.IGNORECASE).groups()  # type: ignore[union-attr]
    return int(float(number) * UNITS[unit.upper()])
