"""The archive proves itself: a file is what its name says, or is filled again from the inbox, or is told to a person.

A file's name is the SHA-256 of its bytes. Whatever is missing is noticed every night; bytes are compared before they are read,
and all of them in turn within `EVERY_DAYS` days. What is damaged is set aside and never read: a changed digit would be a wrong
number.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from pipeline.files import fsync, set_aside, sha256_of, write_atomically
from pipeline.intake.inbox import FSYNCS, archived
from pipeline.settings import Workspace

EVERY_DAYS = 30
FOLDERS = [f"{n:02x}" for n in range(256)]


def lost(workspace: Workspace, names: Mapping[str, Iterable[str]], to_read: Iterable[str], today: date) -> set[str]:
    """Hashes whose bytes are neither in the archive nor, under any of their names, in the inbox.

    `names`: everything that should be in the archive, with the names under which it was seen. `to_read` and the folders whose
    turn it is are compared byte by byte.
    """
    archive, turn = workspace.archive, _turn(workspace, today)
    there = {path.name for path in archive.glob("??/*")}
    compared = sorted({*to_read, *(sha for sha in names if sha[:2] in turn)} & there & set(names))
    with ThreadPoolExecutor(FSYNCS) as pool:
        are_whole = pool.map(lambda sha: _is_whole(archive, sha), compared)
        damaged = {sha for sha, is_whole in zip(compared, are_whole, strict=True) if not is_whole}
    for sha in damaged:
        set_aside(archived(archive, sha))
    wanting = {sha for sha in names if sha not in there} | damaged
    gone = {sha for sha in wanting if not _refill(workspace, sha, names[sha])}
    _note(workspace, turn, today)
    return gone


def _is_whole(archive: Path, sha256: str) -> bool:
    try:
        return sha256_of(archived(archive, sha256)) == sha256
    except OSError as error:
        if error.errno == errno.EIO:
            return False
        raise


def _refill(workspace: Workspace, sha256: str, names: Iterable[str]) -> bool:
    """Copy the bytes from the inbox again, where they still lie there under one of their names."""
    workspace.archive.mkdir(mode=0o750, parents=True, exist_ok=True)
    for name in names:
        source = workspace.inbox / name
        try:
            data = source.read_bytes() if source.is_file() and not source.is_symlink() else b""
        except OSError:
            continue
        temporary = workspace.archive / f".copy-0-{os.getpid()}"
        temporary.unlink(missing_ok=True)
        temporary.write_bytes(data)
        if sha256_of(temporary) == sha256:
            place = archived(workspace.archive, sha256)
            place.parent.mkdir(exist_ok=True, mode=0o750)
            temporary.chmod(0o440)
            fsync(temporary)
            os.replace(temporary, place)
            fsync(place.parent)
            return True
        temporary.unlink()
    return False


def _turn(workspace: Workspace, today: date) -> set[str]:
    """The folders that were compared longest ago, as many as a night needs to do so that all have their turn in time."""
    last = _book(workspace)
    waiting = sorted((name for name in FOLDERS if last.get(name, "") < f"{today}"), key=lambda name: last.get(name, ""))
    return set(waiting[: -(-len(FOLDERS) // EVERY_DAYS)])


def _note(workspace: Workspace, turn: set[str], today: date) -> None:
    if turn:
        workspace.warehouse.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomically(_place(workspace), json.dumps(_book(workspace) | dict.fromkeys(sorted(turn), f"{today}")))


def _place(workspace: Workspace) -> Path:
    return workspace.warehouse / "archive-compared.json"


def _book(workspace: Workspace) -> dict[str, str]:
    """When each folder of the archive was compared last; nothing where that is lost, and all have their turn again."""
    try:
        found = json.loads(_place(workspace).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: day for name, day in found.items() if isinstance(day, str)} if isinstance(found, dict) else {}
