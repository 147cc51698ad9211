"""The one place that opens a database: with the limits of this deployment, and locked against everything it does not need."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipeline.engine import raw
from pipeline.files import fsync
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


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, *options: str) -> None:
    listed = f" ({', '.join(options)})" if options else ""
    con.execute(f"ATTACH {quote(str(path))} AS {name}{listed}")


DAMAGE = ("not a valid duckdb", "corrupt", "checksum", "deserialize", "truncated", "metadata", "could not read enough bytes")


def set_aside_if_damaged(workspace: Workspace) -> Path | None:
    """Move a private database that cannot be opened out of the way; it is made again from the archive.

    One that another version of DuckDB wrote is not damaged: it is left alone, and both versions are named.
    """
    if not workspace.raw_db.exists():
        return None
    try:
        with open_raw(workspace):
            return None
    except duckdb.Error as error:
        other_format(workspace.raw_db, error)
        if not any(word in str(error).casefold() for word in DAMAGE):
            raise  # held by another process, not permitted: nothing that a new file would mend
        aside = workspace.raw_db.with_name(f"raw.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        os.replace(workspace.raw_db, aside)
        workspace.raw_db.with_name("raw.duckdb.wal").unlink(missing_ok=True)
        fsync(workspace.warehouse)
        return aside


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
def open_raw(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private database, for the job only: its tables are `raw.exports`, `raw.post_snapshots`, …"""
    workspace.warehouse.mkdir(parents=True, exist_ok=True, mode=0o750)
    con = connect(workspace.warehouse / f"work-{os.getpid()}")
    try:
        attach(con, workspace.raw_db, "raw")
        raw.create(con)
        yield con
    finally:
        con.close()
        shutil.rmtree(workspace.warehouse / f"work-{os.getpid()}", ignore_errors=True)
