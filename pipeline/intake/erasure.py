"""Erasure on request (UU 27/2022, articles 42-44): a text leaves every file we own, and its export does not bring it back.

Of what was erased only keyed hashes remain (`tombstones.py`). The inbox belongs to the agencies and is only read: what still lies
there is named to the person who asked, and read in its redacted form from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipeline.engine import connections, versions
from pipeline.files import DAMAGED, fsync
from pipeline.intake import inbox, ledger, redact, tombstones
from pipeline.settings import Workspace

SHORTEST = 4  # a shorter text stands in every file by chance


class TooShort(ValueError):
    """A text of two letters would empty the archive."""

    exit_status = 2
    id = f"Teks yang dihapus paling sedikit {SHORTEST} huruf."
    en = f"A text to be erased has at least {SHORTEST} characters."


@dataclass
class Erased:
    """What was done. `files` are (keyed hash of the old file, SHA-256 of the redacted one or None if the whole file went)."""

    subject: str
    files: list[tuple[str, str | None]] = field(default_factory=list)
    inbox: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)


# --- the archive ------------------------------------------------------------------------------------------------------------


def clean_archive(workspace: Workspace, subject: str) -> Erased:
    """Replace every archived file that holds the text by its redacted copy. Tombstone first, so that a kill cannot undo it."""
    if len(subject.strip()) < SHORTEST:
        raise TooShort(subject)
    done = Erased(tombstones.keyed(workspace, " ".join(unicodedata.normalize("NFKC", subject).casefold().split())))
    for path in sorted(p for p in workspace.archive.glob("??/*") if p.is_file()):
        data = path.read_bytes()
        if not redact.holds(data, subject):
            continue
        fresh = redact.redact(data, subject)
        digest = hashlib.sha256(fresh).hexdigest() if fresh is not None else None
        if fresh is not None and digest is not None:
            _put(inbox.archived(workspace.archive, digest), fresh)
        mark = tombstones.keyed(workspace, path.name)
        _remember(workspace, mark, digest)
        _move_sightings(workspace, path.name, digest)
        path.unlink()
        done.files.append((mark, digest))
    return done


def _put(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    temporary = place.parents[1] / f".copy-0-{os.getpid()}"
    temporary.write_bytes(data)
    temporary.chmod(0o440)
    fsync(temporary)
    os.replace(temporary, place)
    fsync(place.parent)


def _remember(workspace: Workspace, mark: str, digest: str | None) -> None:
    """An older tombstone that pointed at a file which is now redacted again points at the newest copy."""
    tombstones.write(workspace, tombstones.known(workspace) | {mark: digest})


def _move_sightings(workspace: Workspace, old: str, new: str | None) -> None:
    """Names, accounts and days of an erased file now speak for its redacted copy, also in older tombstones."""
    book = tombstones.known(workspace)
    tombstones.write(workspace, {mark: new if digest == old else digest for mark, digest in book.items()})
    with connections.open_raw(workspace) as con:
        con.execute("UPDATE raw.sightings SET sha256 = $new WHERE sha256 = $old", {"old": old, "new": new or inbox.ERASED})
        con.execute("CHECKPOINT raw")


# --- everything made from it ------------------------------------------------------------------------------------------------


def renew_raw(workspace: Workspace, subject: str) -> None:
    """A new private database with the sightings only: freed pages of the old one would still hold what was deleted."""
    aside = workspace.raw_db.with_name(f"raw.duckdb.tmp-{os.getpid()}")
    aside.unlink(missing_ok=True)
    with connections.open_raw(workspace) as con:
        connections.attach(con, aside, "fresh")
        con.execute("CREATE TABLE fresh.sightings AS SELECT * FROM raw.sightings")
        names = [name for (name,) in con.execute("SELECT DISTINCT name FROM fresh.sightings").fetchall()]
        con.execute(
            "UPDATE fresh.sightings SET name = 'dihapus/' || substr(sha256, 1, 16) WHERE name IN (SELECT unnest($n))",
            {"n": [name for name in names if redact.has(name, subject)]},
        )
        con.execute("CREATE TABLE fresh.schema_version AS SELECT * FROM raw.schema_version")
        con.execute("DETACH fresh")
    for leftover in workspace.warehouse.glob("raw.duckdb.wal"):
        leftover.unlink()
    fsync(aside)
    os.replace(aside, workspace.raw_db)
    fsync(workspace.warehouse)
    ledger.remember_names(workspace)


def purge(workspace: Workspace) -> list[str]:
    """Delete every version but the current one, and everything made from the others. Gives what was removed."""
    now = versions.current(workspace)
    old = [p for p in workspace.versions.glob("w-*") if p.stem != now]
    old += [p for p in workspace.site.glob("*") if p.name not in (now, "latest")]
    old += [p for p in workspace.notebooks.glob("w-*") if p.stem != now and p.name != now]
    old += list(workspace.logs.glob("*"))
    old += list(workspace.warehouse.glob("raw.duckdb.schema-*"))
    old += [p for folder in (workspace.root, workspace.warehouse, workspace.archive) for p in folder.glob(f"*{DAMAGED}*")]
    for path in old:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return sorted(p.relative_to(workspace.root).as_posix() for p in old)


# --- proof ------------------------------------------------------------------------------------------------------------------


def search(workspace: Workspace, subject: str) -> list[str]:
    """Every file of ours that still holds the text: bytes, archives, workbooks, and the columns of every database."""
    found = []
    for path in sorted(p for p in workspace.root.rglob("*") if p.is_file() and not p.is_symlink()):
        relative = path.relative_to(workspace.root)
        if relative.parts[0] in ("inbox", "registry"):
            continue
        if (
            (path.suffix == ".duckdb" and _in_database(path, subject))
            or redact.has(relative.as_posix(), subject)
            or redact.holds(path.read_bytes(), subject)
        ):
            found.append(relative.as_posix())
    return found


def opaque(workspace: Workspace) -> list[str]:
    """Files of ours that no search can look into: encrypted ones, and letters as PDF. A person has to judge them."""
    found = []
    for path in sorted(p for p in workspace.root.rglob("*") if p.is_file() and not p.is_symlink()):
        relative = path.relative_to(workspace.root)
        if relative.parts[0] not in ("inbox", "registry", "warehouse") and redact.is_opaque(path.read_bytes()):
            found.append(relative.as_posix())
    return found


def _in_database(path: Path, subject: str) -> bool:
    con = duckdb.connect(":memory:")
    try:
        connections.attach(con, path, "seen", "READ_ONLY")
        columns = con.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'seen' AND data_type IN ('VARCHAR', 'JSON')"
        ).fetchall()
        for schema, table, column in columns:
            rows = con.execute(f'SELECT DISTINCT CAST("{column}" AS VARCHAR) FROM seen."{schema}"."{table}"')  # noqa: S608
            while some := rows.fetchmany(10_000):
                if any(text and redact.has(text, subject) for (text,) in some):
                    return True
        return False
    finally:
        con.close()


def in_inbox(workspace: Workspace, subject: str) -> list[str]:
    """Files of the agencies that still hold it, and registers: people must delete those themselves."""
    places = [
        p for folder in (workspace.inbox, workspace.registry) for p in folder.rglob("*") if p.is_file() and not p.is_symlink()
    ]
    found = []
    for path in sorted(places):
        with contextlib.suppress(OSError):
            if redact.holds(path.read_bytes(), subject):
                found.append(path.relative_to(workspace.root).as_posix())
    return found


def write_proof(workspace: Workspace, done: Erased, removed: list[str], reason: str) -> Path:
    """The report of an erasure: what was done and what a search found afterwards. It does not hold what was erased."""
    now = datetime.now(UTC)
    report = {
        "erased_at": now.isoformat(timespec="seconds"),
        "subject_keyed_hash": done.subject,
        "reason": reason,
        "files": [{"keyed_hash": old, "redacted_sha256": new} for old, new in done.files],
        "removed": removed,
        "copies_left": done.left,
        "files_that_cannot_be_searched": done.opaque,
        "copies_in_the_inbox_of_the_agencies": len(done.inbox),
    }
    place = workspace.erasures / f"{now:%Y%m%dT%H%M%SZ}-{done.subject[:12]}.json"
    place.parent.mkdir(mode=0o750, exist_ok=True)
    place.write_text(json.dumps(report, indent=1), encoding="utf-8")
    place.chmod(0o440)
    return place
