"""The one place that opens a database: with the limits of this deployment, and locked against everything it does not need."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipeline.engine import raw
from pipeline.files import fsync, set_aside
from pipeline.settings import Workspace, settings

STORAGE_VERSION = "v1.5.0"  # of published files: analysts with DuckDB 1.5 can open them


def connect(folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in memory with the limits of this deployment; `lock` closes it after everything is attached."""
    limits = settings()
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET memory_limit = {quote(limits.memory_limit)}")
    con.execute(f"SET threads = {limits.threads}")
    con.execute("SET preserve_insertion_order = true")
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)  # DuckDB makes the last folder of a path only
    con.execute(f"SET temp_directory = {quote(str(folder / 'spill') if folder else '')}")
    return con


def lock(con: duckdb.DuckDBPyConnection, folder: Path | None = None) -> None:
    """No files but those attached, no network, no extensions, no variables of ours as tables; and no way back."""
    if folder:
        con.execute(f"SET allowed_directories = [{quote(str(folder))}]")
    for setting in (
        "enable_external_access = false",
        "allow_community_extensions = false",
        "allow_unsigned_extensions = false",
        "allow_persistent_secrets = false",
        "python_enable_replacements = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


def quote(text: str) -> str:
    """A text literal. Used only for paths and settings, which cannot be parameters of ATTACH and SET."""
    return "'" + text.replace("'", "''") + "'"


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, *options: str, wait: float | None = None) -> None:
    """Attach a database file. Waits for another process that holds it, then raises InUse, which names that process."""
    listed = f" ({', '.join(options)})" if options else ""
    until = time.monotonic() + (WAIT_SECONDS if wait is None else wait)
    while True:
        try:
            con.execute(f"ATTACH {quote(str(path))} AS {name}{listed}")
            return
        except duckdb.IOException as error:
            holder = HELD.search(str(error))
            if holder is None:
                raise
            if time.monotonic() > until:
                raise InUse(path, *holder.groups()) from None
            time.sleep(0.25)


WAIT_SECONDS = 20.0
HELD = re.compile(r"[Cc]onflicting lock is held in (.*?) \(PID (\d+)\)")


class InUse(RuntimeError):
    """Another process holds a database file of ours. Nothing was changed."""

    exit_status = 5

    def __init__(self, path: Path, program: str, process: str):
        by = f"{program.rsplit('/', 1)[-1]}, proses {process}"
        self.id = f"{path.name} sedang dibuka program lain ({by}). Tutup program itu, lalu ulangi."
        self.en = f"{path.name} is open in another program ({by}). Close that program, then try again."
        super().__init__(f"{self.id} / {self.en}")


DAMAGE = (
    "not a valid duckdb", "corrupt", "checksum", "deserialize", "truncated", "metadata", "could not read enough bytes",
    "internal error",
)  # fmt: skip


def is_damage(error: duckdb.Error) -> bool:
    """Whether the bytes of a database are not what was written; false where a new file would mend nothing."""
    return any(word in str(error).casefold() for word in DAMAGE)


def set_aside_if_damaged(workspace: Workspace) -> Path | None:
    """Move a private database out of the way that cannot be opened or read to its end; it is made again from the archive.

    Every block bears a checksum, so reading every table once finds any damage before the night relies on it. A database that
    another version of DuckDB wrote is not damaged: it is left alone, and both versions are named.
    """
    if not workspace.raw_db.exists():
        return None
    try:
        with open_raw(workspace) as con:
            for table in raw.TABLES:
                con.execute(f"SELECT bit_xor(hash(t)) FROM raw.{table} t").fetchall()  # noqa: S608 - our own names
            return None
    except duckdb.Error as error:
        other_format(workspace.raw_db, error)
        if not is_damage(error):
            raise
        workspace.raw_db.with_name("raw.duckdb.wal").unlink(missing_ok=True)
        return set_aside(workspace.raw_db)


def migrate(workspace: Workspace) -> Path | None:
    """Bring the private database to this program's schema; gives the copy that is kept of an older one, None where none was.

    What was seen is carried over, everything else is read again from the archive. Raises NewerSchema, having changed nothing.
    """
    if not workspace.raw_db.exists():
        return None
    con = connect()
    try:
        attach(con, workspace.raw_db, "raw", "READ_ONLY")
        found = raw.schema_of(con)
        if found > raw.SCHEMA:
            raise NewerSchema(workspace.raw_db, found, raw.SCHEMA)
        if found == raw.SCHEMA:
            return None
        tables = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'raw'").fetchall()}
        seen = con.sql("SELECT * FROM raw.sightings").pl() if "sightings" in tables else None
    finally:
        con.close()
    kept = workspace.raw_db.with_name(f"raw.duckdb.schema-{found}")
    kept.unlink(missing_ok=True)
    os.replace(workspace.raw_db, kept)
    with open_raw(workspace) as fresh:
        if seen is not None:
            known = [c for c in seen.columns if c in raw.column_names("sightings")]
            raw.insert(fresh, "sightings", seen.select(known))
    fsync(workspace.warehouse)
    return kept


class NewerSchema(RuntimeError):
    """A newer version of this program wrote here. Nothing was changed."""

    exit_status = 2

    def __init__(self, path: Path, found: int, here: int):
        self.id = (
            f"{path.name} ditulis oleh Terukur yang lebih baru (skema {found}; di sini {here}). Pasang versi itu. Tidak diubah."
        )
        self.en = (
            f"{path.name} was written by a newer Terukur (schema {found}; here {here}). Install that version. Left untouched."
        )
        super().__init__(f"{self.id} / {self.en}")


class OtherFormat(RuntimeError):
    """A database in a storage format that this DuckDB does not read. It was not touched."""

    exit_status = 2

    def __init__(self, path: Path, error: Exception):
        said = " ".join(str(error).split())[:200]
        here = f"DuckDB {duckdb.__version__}"
        self.id = f"{path.name} ditulis oleh versi DuckDB lain; di sini {here}. Berkas tidak diubah. ({said})"
        self.en = f"{path.name} was written by another version of DuckDB; here it is {here}. Left untouched. ({said})"
        super().__init__(f"{self.id} / {self.en}")


def other_format(path: Path, error: Exception) -> None:
    """Raise OtherFormat where the file says so: its version number follows the magic bytes."""
    if "version number" in str(error) or "storage version" in str(error).casefold():
        raise OtherFormat(path, error) from error


@contextlib.contextmanager
def open_raw(workspace: Workspace, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private database, for the job only: its tables are `raw.exports`, `raw.post_snapshots`, …"""
    workspace.warehouse.mkdir(parents=True, exist_ok=True, mode=0o750)
    con = connect(workspace.warehouse / f"work-{os.getpid()}")
    try:
        if read_only:  # several may read at once: `terukur status` while a version is built
            attach(con, workspace.raw_db, "raw", "READ_ONLY", wait=1.0)
        else:
            attach(con, workspace.raw_db, "raw")
            raw.create(con)
        yield con
    finally:
        con.close()
        shutil.rmtree(workspace.warehouse / f"work-{os.getpid()}", ignore_errors=True)
