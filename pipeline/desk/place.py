"""From the quarantine into the inbox in one step: the night sees a whole file under its name, or nothing.

A kill leaves the file here or there, never half; the same bytes for the same account lie there once, however often they come.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.desk.links import locked
from pipeline.desk.quarantine import safe_name
from pipeline.files import fsync
from pipeline.settings import Workspace


@dataclass(frozen=True)
class Placed:
    """Where a file lies. `is_new` is False where the same bytes of this account were here before."""

    path: Path | None
    is_new: bool


def place(workspace: Workspace, source: Path, day: date, account_id: str | None, name: str) -> Placed:
    """Put a file into inbox/<day>/<account>/ under a name that is free. Raises OSError where the disk cannot take it."""
    with open(source, "rb") as file:
        sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    with locked(workspace.desk, "place.lock"):
        if (known := here(workspace, account_id, sha256, size)) is not None:
            return known
        folder = _folder(workspace.inbox, f"{day:%Y-%m-%d}", *([account_id] if account_id else []))
        fsync(source)
        target = _move(source, folder, safe_name(name))
        fsync(folder)
    return Placed(target, is_new=True)


def here(workspace: Workspace, account_id: str | None, sha256: str, size: int) -> Placed | None:
    """The same bytes for the same account, in the inbox or in what the nights remember."""
    for path in _inbox_files(workspace.inbox, account_id):
        try:
            if path.stat().st_size == size and _sha256(path) == sha256:
                return Placed(path, is_new=False)
        except OSError:  # moved away meanwhile: then it is not here
            continue
    return Placed(None, is_new=False) if _remembered(workspace.archive / "names.jsonl", sha256, account_id) else None


def _inbox_files(inbox: Path, account_id: str | None) -> Iterator[Path]:
    """Files of the account's own folders, under the inbox or under a day."""
    days = [entry.path for entry in _listed(inbox) if entry.is_dir(follow_symlinks=False)]
    folders = [os.path.join(day, account_id) for day in [str(inbox), *days]] if account_id else days
    for folder in folders:
        yield from (Path(entry.path) for entry in _listed(folder) if entry.is_file(follow_symlinks=False))


def _listed(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(names: Path, sha256: str, account_id: str | None) -> bool:
    """Whether a night saw these bytes for this account (the names beside the archive can be read while a night writes)."""
    try:
        with open(names, encoding="utf-8") as lines:
            return any(json.loads(line).get("account_id") == account_id for line in lines if sha256 in line)
    except (FileNotFoundError, ValueError):
        return False


def _folder(root: Path, *parts: str) -> Path:
    """A folder whose own name survives a power cut."""
    folder = root
    for part in parts:
        if part != os.path.basename(part) or part in ("", ".", ".."):
            raise ValueError("not a folder name")
        folder = folder / part
        if not folder.is_dir():
            folder.mkdir(mode=0o750, exist_ok=True, parents=True)
            fsync(folder.parent)
    return folder


def _free(folder: Path, name: str) -> Path:
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot else (name, "")
    target, number = folder / name, 2
    while os.path.lexists(target):
        target, number = folder / f"{stem} ({number}){suffix}", number + 1
    return target


def _move(source: Path, folder: Path, name: str) -> Path:
    """Give the file a free name in the inbox; where that is another disk, copy it under a name that the night does not open."""
    os.chmod(source, 0o640)
    while True:
        target = _free(folder, name)
        try:
            os.link(source, target, follow_symlinks=False)
            return target
        except FileExistsError:  # `terukur add` took the name meanwhile
            continue
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
                raise
        return _copy(source, target)


def _copy(source: Path, target: Path) -> Path:
    part = target.with_name(f".{os.getpid()}.part")
    try:
        shutil.copyfile(source, part)
        part.chmod(0o640)
        fsync(part)
        os.rename(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target
