"""Files about persons are kept whole for a limited time: then the archive has them without their personal columns.

`person_files_retention_days` of settings.toml counts from the day a file was first seen. What an export says besides names and
messages is kept, so everything can still be read again; a file that cannot be taken apart, or is a person's own profile that
nobody registered, goes whole. A proof is written as for an erasure. The inbox is the agencies' own: what lies there is named.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb

from pipeline.exports.model import Export
from pipeline.files import fsync
from pipeline.formats import all_formats, normalise
from pipeline.intake import tombstones
from pipeline.intake.blank import blanked
from pipeline.intake.inbox import ERASED, archived
from pipeline.settings import Workspace

Read = Callable[[str, Path], list[Export]]  # of an archived hash, from this place
DUE_SQL = """SELECT sha256, min(first_seen_at) FROM raw.exports
WHERE kind IN (SELECT unnest($kinds)) AND sha256 NOT IN ('', $erased) GROUP BY sha256 HAVING min(first_seen_at) < $before"""


@dataclass(frozen=True)
class Retired:
    """A file whose time is over: what stands for it now (None: nothing), and where it still lies in the inbox."""

    old: str
    new: str | None
    names: tuple[str, ...]


@cache
def personal() -> dict[str, frozenset[str]]:
    """Kinds of exports about persons: the headers of their personal columns; none where the whole file is a person's."""
    found = {}
    for kind in all_formats():
        headers = frozenset(normalise(h) for c in kind.columns if c.kind == "person" for h in c.headers)
        if headers or kind.of_person:
            found[kind.kind] = frozenset() if kind.of_person else headers
    return found


def retire(workspace: Workspace, con: duckdb.DuckDBPyConnection, days: int, now: datetime, read: Read) -> list[Retired]:
    """Put emptied copies beside the files that are due, and note what stands for what. The caller's transaction forgets the rows
    of the old ones; `finish` deletes them once that is committed, so a kill costs nothing."""
    asked = {"kinds": sorted(personal()), "erased": ERASED, "before": now - timedelta(days=days)}
    due = [sha for sha, _ in con.execute(DUE_SQL, asked).fetchall()]
    if not due:
        return []
    book = tombstones.known(workspace)
    stand_ins, found = set(book.values()), []
    for sha in sorted(set(due) - {s for s in stand_ins if s}):
        place = archived(workspace.archive, sha)
        if place.exists() and (one := _one(workspace, con, sha, place, read)):
            found.append(one)
    marks = {tombstones.keyed(workspace, one.old): one.new for one in found}
    if marks:
        tombstones.write(workspace, book | marks)
    return found


def _one(workspace: Workspace, con: duckdb.DuckDBPyConnection, sha: str, place: Path, read: Read) -> Retired | None:
    kinds = con.execute("SELECT DISTINCT kind, outcome FROM raw.exports WHERE sha256 = $s", {"s": sha}).fetchall()
    if any(not personal()[kind] and outcome in ("accepted", "flagged") for kind, outcome in kinds if kind in personal()):
        return None  # a profile that the registry declares: not a private person's any more
    headers = frozenset().union(*(personal().get(kind, frozenset()) for kind, _ in kinds))
    whole = place.read_bytes()
    if hashlib.sha256(whole).hexdigest() != sha:
        return None  # damaged: told by the night's own look at the archive, and never made a copy of
    fresh = blanked(whole, headers) if headers else None
    if fresh == whole:
        return None
    if fresh is not None and not _reads_alike(sha, place, fresh, read):
        fresh = None
    names = con.execute("SELECT DISTINCT name FROM raw.sightings WHERE sha256 = $s", {"s": sha}).fetchall()
    here = tuple(sorted(name for (name,) in names if (workspace.inbox / name).is_file()))
    return Retired(sha, _put(workspace, fresh) if fresh is not None else None, here)


def _reads_alike(sha: str, place: Path, fresh: bytes, read: Read) -> bool:
    """Whether the emptied copy says what the whole file says, in every row."""
    with tempfile.TemporaryDirectory(prefix="terukur-") as folder:
        copy = Path(folder) / "copy"
        copy.write_bytes(fresh)
        before, after = read(sha, place), read(sha, copy)
    return len(before) == len(after) and all(map(_alike, before, after))


def _alike(one: Export, other: Export) -> bool:
    rows = [e.shared.cut() if e.shared is not None else None for e in (one, other)]
    same = (one.outcome, one.kind, one.n_rows) == (other.outcome, other.kind, other.n_rows)
    return same and (rows[0] is None) == (rows[1] is None) and (rows[0] is None or rows[1] is None or rows[0].equals(rows[1]))


def _put(workspace: Workspace, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    place = archived(workspace.archive, digest)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    temporary = workspace.archive / f".copy-0-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.write_bytes(data)
    temporary.chmod(0o440)
    fsync(temporary)
    os.replace(temporary, place)
    fsync(place.parent)
    return digest


def finish(workspace: Workspace, retired: list[Retired], days: int) -> Path | None:
    """Delete the files that are stood for, and write the proof."""
    if not retired:
        return None
    for one in retired:
        archived(workspace.archive, one.old).unlink(missing_ok=True)
    now = datetime.now(UTC)
    report = {
        "retired_at": now.isoformat(timespec="seconds"),
        "reason": f"person_files_retention_days = {days}",
        "files": [{"keyed_hash": tombstones.keyed(workspace, one.old), "redacted_sha256": one.new} for one in retired],
        "copies_left": [one.old for one in retired if archived(workspace.archive, one.old).exists()],
        "still_in_the_inbox": sorted(name for one in retired for name in one.names),
    }
    place = workspace.erasures / f"{now:%Y%m%dT%H%M%S%fZ}-retensi.json"
    place.parent.mkdir(mode=0o750, exist_ok=True)
    place.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    place.chmod(0o440)
    return place
