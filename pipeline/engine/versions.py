"""Published versions: sealed, named, verified, read.

A version is one file nobody ever writes again. `CURRENT` names the newest; readers attach it read-only from a connection in
memory, so a notebook that keeps one open all night blocks nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.engine import models as graph
from pipeline.engine.connections import STORAGE_VERSION, attach, connect, lock, other_format
from pipeline.files import fsync, sha256_of, write_atomically
from pipeline.settings import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SEAL = {"version": str, "built_at": str, "sha256": str, "size_bytes": int, "tables": dict}


class Damaged(RuntimeError):
    """A version is missing, or its bytes are not the ones that were sealed. Nothing was changed."""

    exit_status = 6

    def __init__(self, indonesian: str, english: str):
        self.id, self.en = indonesian, english
        super().__init__(f"{indonesian} / {english}")


def _number(name: str) -> int:
    return int(name.removeprefix("w-")) if name.removeprefix("w-").isdigit() else 0


def _names(workspace: Workspace) -> list[str]:
    """Sealed versions, oldest first: those with a manifest."""
    return sorted((p.stem for p in workspace.versions.glob("w-*.json")), key=lambda n: (_number(n), n))


def next_name(workspace: Workspace) -> str:
    taken = [_number(p.stem) for p in workspace.versions.glob("w-*.*")]
    return f"w-{max([*taken, _number(current(workspace) or 'w-0')]) + 1}"


def up_to_current(workspace: Workspace) -> list[str]:
    """The current version and those before it, newest first, whole or not."""
    now = current(workspace)
    return [name for name in reversed(_names(workspace)) if now and (_number(name), name) <= (_number(now), now)]


def was_simulated(workspace: Workspace) -> bool:
    """Whether any version here was made of simulated data."""
    return any(found.get("simulated") for found in _sealed(workspace))


def seal(
    workspace: Workspace, built: Path, name: str, now: datetime, tables: Mapping[str, Any], *, simulated: bool = False
) -> Path:
    """fsync, rename, fsync of the folder; the manifest goes first, so a version without one was never finished."""
    place = workspace.versions / f"{name}.duckdb"
    built.chmod(0o440)
    fsync(built)
    manifest = {
        "version": name,
        "built_at": now.isoformat(),
        "sha256": sha256_of(built),
        "size_bytes": built.stat().st_size,
        "storage_version": STORAGE_VERSION,
        "duckdb": duckdb.__version__,
        "simulated": simulated,
        "tables": dict(tables),
    }
    os.replace(built, place)
    fsync(workspace.versions)
    write_atomically(workspace.versions / f"{name}.json", json.dumps(manifest, indent=1, sort_keys=True))
    return place


def current(workspace: Workspace) -> str | None:
    """The name in CURRENT, or None where nothing was ever published.

    Where CURRENT is damaged or lost it is the newest version whose seal can be read: only what passed every check is sealed.
    """
    try:
        name = workspace.current_file.read_bytes().decode("ascii").strip()
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        name = ""
    if NAME.fullmatch(name):
        return name
    return next((found["version"] for found in reversed(_sealed(workspace))), None)


def _sealed(workspace: Workspace) -> list[dict[str, Any]]:
    """The manifests that can be read, oldest version first."""
    found = []
    for name in _names(workspace):
        with contextlib.suppress(Damaged):
            found.append(manifest(workspace, name))
    return found


def manifest(workspace: Workspace, name: str) -> dict[str, Any]:
    """Row counts, sums and SHA-256 of a sealed version. Raises Damaged where it has no readable seal."""
    try:
        found = json.loads((workspace.versions / f"{name}.json").read_bytes())
        if not isinstance(found, dict) or {k: type(found.get(k)) for k in SEAL} != SEAL or found["version"] != name:
            raise ValueError("not a manifest")
    except (FileNotFoundError, IsADirectoryError, ValueError) as error:
        raise Damaged(
            f"Segel versi {name} hilang atau rusak ({error}); jalankan `terukur run`, atau `terukur rollback`.",
            f"The seal of version {name} is lost or damaged ({error}); run `terukur run`, or `terukur rollback`.",
        ) from None
    return found


def verify(workspace: Workspace, name: str) -> None:
    """Compare a version with its seal. Raises Damaged; the same bytes are hashed once per process."""
    path = workspace.versions / f"{name}.duckdb"
    sealed = manifest(workspace, name)
    try:
        info = path.stat()
    except FileNotFoundError:
        raise Damaged(f"Berkas versi {name} hilang: {path.name}", f"The file of version {name} is missing: {path.name}") from None
    if (
        info.st_size != sealed["size_bytes"]
        or _known_digest(path, info.st_size, info.st_mtime_ns, info.st_ino) != sealed["sha256"]
    ):
        raise Damaged(f"Versi {name} rusak; jalankan `terukur run` lagi.", f"Version {name} is damaged; run `terukur run` again.")


@lru_cache(maxsize=64)
def _known_digest(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    return sha256_of(path)


def versions(workspace: Workspace) -> list[dict[str, Any]]:
    """Sealed versions, oldest first: name, built_at, size_bytes, is_current."""
    now = current(workspace)
    return [
        {"version": m["version"], "built_at": m["built_at"], "size_bytes": m["size_bytes"], "is_current": m["version"] == now}
        for m in _sealed(workspace)
    ]


def earlier(workspace: Workspace) -> str:
    """The newest whole version before the current one. Raises Damaged where there is none."""
    now = current(workspace)
    for name in [before for before in up_to_current(workspace) if before != now]:
        with contextlib.suppress(Damaged):
            verify(workspace, name)
            return name
    raise Damaged("Tidak ada versi sebelumnya yang utuh.", "There is no whole earlier version.")


def rollback(workspace: Workspace, contents: int = 0) -> str:
    """Make the version before the current one current again and hold it there; returns its name. Raises Damaged.

    `contents`: how many files the house knew then. The hold ends when it knows more, or when somebody lifts it.
    """
    name = earlier(workspace)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"version": name, "withdrawn": current(workspace), "since": now, "contents": contents}
    write_atomically(_hold_file(workspace), json.dumps(note))
    write_atomically(workspace.current_file, f"{name}\n")
    return name


def held(workspace: Workspace) -> dict[str, Any] | None:
    """What a rollback holds: `version`, `withdrawn`, `since`, `contents`; None where nothing is held.

    A note that cannot be read holds until it is lifted: figures that were withdrawn do not come back by themselves.
    """
    place = _hold_file(workspace)
    if not place.exists():
        return None
    try:
        note = json.loads(place.read_bytes())
        if isinstance(note, dict) and {"version", "withdrawn", "since", "contents"} <= set(note):
            return note if note["version"] == current(workspace) else None
    except (OSError, ValueError):
        pass
    return {"version": current(workspace), "withdrawn": "?", "since": "?", "contents": None}


def lift(workspace: Workspace) -> bool:
    """End a hold; whether there was one."""
    there = _hold_file(workspace).exists()
    _hold_file(workspace).unlink(missing_ok=True)
    return there


def _hold_file(workspace: Workspace) -> Path:
    return workspace.warehouse / "HELD"


def retain(workspace: Workspace, keep: int) -> None:
    """Keep the newest `keep` versions and the last one of every month; never touch the current one.

    A version whose seal is damaged can never be opened again and is kept no longer than its turn.
    """
    names = _names(workspace)
    last_of_month = {found["built_at"][:7]: found["version"] for found in _sealed(workspace)}
    kept = {*names[-keep:], *last_of_month.values(), current(workspace)}
    for name in names:
        if name not in kept:
            (workspace.versions / f"{name}.json").unlink(missing_ok=True)
            (workspace.versions / f"{name}.duckdb").unlink(missing_ok=True)


class Version:
    """A published version, read-only. `sql` and `table` give frames; `info` says what it is and how old."""

    def __init__(self, workspace: Workspace, name: str):
        verify(workspace, name)
        self.workspace, self.name = workspace, name
        self.con = connect()
        try:
            attach(self.con, workspace.versions / f"{name}.duckdb", "version", "READ_ONLY")
            self.con.execute("USE version")
            lock(self.con)
        except duckdb.Error as error:
            self.con.close()
            other_format(workspace.versions / f"{name}.duckdb", error)
            raise Damaged(f"Versi {name} tidak dapat dibuka: {error}", f"Version {name} cannot be opened: {error}") from error

    def sql(self, query: str, **params: Any) -> pl.DataFrame:
        """The rows of a SELECT; values enter as `$name` parameters only."""
        rows: pl.DataFrame = self.con.sql(query, params=params or None).pl()
        return rows

    def table(self, name: str) -> pl.DataFrame:
        """A whole table, e.g. `marts.account_month`. KeyError with the nearest name where there is none."""
        if name not in self.tables:
            raise KeyError(
                f"{name}: tidak ada / no such table. Terdekat / nearest: {graph._nearest(name, dict.fromkeys(self.tables))}"
            )
        return self.sql(f"SELECT * FROM {name}")  # noqa: S608 - one of our own names

    @property
    def tables(self) -> list[str]:
        """Names of all tables of this version."""
        query = (
            "SELECT schema_name || '.' || table_name AS name FROM duckdb_tables() WHERE database_name = 'version' ORDER BY name"
        )
        return list(self.sql(query)["name"])

    @property
    def info(self) -> dict[str, Any]:
        """meta.version as a dict, with `newer`: the name of the current version where that is another one."""
        newest = current(self.workspace)
        return self.sql("SELECT * FROM meta.version").to_dicts()[0] | {"newer": newest if newest != self.name else None}

    def close(self) -> None:
        self.con.close()

    def __enter__(self) -> Version:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_version(workspace: Workspace, name: str | None = None) -> Version:
    """The current version, or the one named. Raises Damaged where there is none or its seal is broken."""
    chosen = name or current(workspace)
    if chosen is None:
        raise Damaged("Belum ada versi yang terbit; jalankan `terukur run`.", "Nothing is published yet; run `terukur run`.")
    return Version(workspace, chosen)
