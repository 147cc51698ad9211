"""A copy of all that cannot be made again, in a folder on another disk: made, verified, and put back on an empty workspace.

`TUJUAN/archive/` holds every archived file once under its SHA-256; each backup is a folder `TUJUAN/<moment>/` with registers,
records and the key of erasures, letters, seals, the book of the door, and files of the inbox that no night has archived yet. Its
manifest has the SHA-256 of everything. A file that was erased since leaves the backups too. The key lies in the backup, so a
backup is as confidential as the workspace.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.files import fsync, is_running, program_version, sha256_of
from pipeline.intake import tombstones
from pipeline.intake.inbox import archived
from pipeline.settings import SCHEMA, Workspace

KEEP = 14  # backups; their archive is one
OWN = ("registry", "erasures", "erasure.key", "laporan", "desk/book", "archive/names.jsonl", "archive/erased.json")
MANIFEST = "manifest.json"


class BackupError(ValueError):
    """What was asked for is not possible, or a backup is not whole; nothing was changed in the workspace."""

    def __init__(self, indonesian: str, english: str, status: int = 2):
        self.id, self.en, self.exit_status = indonesian, english, status
        super().__init__(f"{indonesian} / {english}")


@dataclass
class Found:
    """What a look at a backup found: how many files it names, and those that are missing or not what they were."""

    moment: str
    files: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.missing and not self.damaged


# --- make -------------------------------------------------------------------------------------------------------------------


def make(workspace: Workspace, target: Path, now: datetime | None = None) -> Path:
    """Copy into `target`; gives the folder of this backup. The caller holds the lock. Raises BackupError, OSError."""
    target = target.expanduser().absolute()
    if target.resolve().is_relative_to(workspace.root.resolve()):
        raise BackupError(
            f"{target} ada di dalam ruang kerja; pilih folder di disk lain.",
            f"{target} is in the workspace; choose another disk.",
        )
    if not workspace.registry.is_dir():
        raise BackupError(f"Belum ada ruang kerja di {workspace.root}.", f"There is no workspace at {workspace.root}.")
    target.mkdir(mode=0o750, parents=True, exist_ok=True)
    _sweep(target)
    moment = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    staging = target / f".susun-{os.getpid()}"
    staging.mkdir(mode=0o700)
    try:
        kept = _keep_archive(workspace, target)
        files = _copy_own(workspace, staging) | _copy_waiting(workspace, staging, kept)
        said = {"moment": moment, "schema": SCHEMA, "program": program_version(), "files": files, "archive": sorted(kept)}
        (staging / MANIFEST).write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
        for path in staging.rglob("*"):
            fsync(path)
        place = target / moment
        shutil.rmtree(place, ignore_errors=True)
        os.replace(staging, place)
        fsync(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for old in backups(target)[:-KEEP]:
        shutil.rmtree(target / old)
    _forget_erased(workspace, target)
    return place


def _sweep(target: Path) -> None:
    for left in target.glob(".susun-*"):
        if not is_running(left.name.rsplit("-", 1)[1]):
            shutil.rmtree(left, ignore_errors=True)


def _keep_archive(workspace: Workspace, target: Path) -> set[str]:
    """Copy what the backup's archive lacks, compared with its name on the way: damage is not carried into a backup."""
    kept = set()
    for path in sorted(workspace.archive.glob("??/*")):
        if len(path.name) != 64:
            continue
        place = archived(target / "archive", path.name)
        if not (place.exists() and place.stat().st_size == path.stat().st_size):
            if sha256_of(path) != path.name:
                continue  # told by the night
            place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _copy(path, place)
        kept.add(path.name)
    return kept


def _copy(source: Path, place: Path) -> None:
    temporary = place.with_name(f".{place.name}.tmp-{os.getpid()}")
    shutil.copyfile(source, temporary)
    shutil.copymode(source, temporary)
    fsync(temporary)
    os.replace(temporary, place)


def _copy_own(workspace: Workspace, staging: Path) -> dict[str, str]:
    """Everything of OWN, by name with its SHA-256."""
    files = {}
    for name in OWN:
        source = workspace.root / name
        for path in [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file()):
            relative = path.relative_to(workspace.root)
            place = staging / "files" / relative
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            shutil.copymode(path, place)
            shutil.copystat(path, place)
            files[relative.as_posix()] = sha256_of(place)
    return files


def _copy_waiting(workspace: Workspace, staging: Path, kept: set[str]) -> dict[str, str]:
    """Files of the inbox that no night has archived yet."""
    files: dict[str, str] = {}
    gone = tombstones.replaced(workspace)
    for path in sorted(p for p in workspace.inbox.rglob("*") if p.is_file() and not p.is_symlink()):
        digest = sha256_of(path)
        if digest in kept or gone(digest)[0]:
            continue
        relative = path.relative_to(workspace.root)
        place = staging / "files" / relative
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(path, place)
        files[relative.as_posix()] = digest
    return files


def _forget_erased(workspace: Workspace, target: Path) -> None:
    """What was erased from the workspace goes from all backups too, their records and waiting files included."""
    gone = tombstones.replaced(workspace)
    for path in (target / "archive").glob("??/*"):
        if gone(path.name)[0]:
            path.unlink()
    for backup in backups(target):
        for name, digest in _manifest(target, backup)["files"].items():
            if gone(digest)[0]:
                (target / backup / "files" / name).unlink(missing_ok=True)


# --- look and put back --------------------------------------------------------------------------------------------------------


def backups(target: Path) -> list[str]:
    """The backups in a folder, oldest first."""
    return sorted(path.parent.name for path in Path(target).glob(f"*/{MANIFEST}"))


def _manifest(target: Path, moment: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((target / moment / MANIFEST).read_bytes())
        if not {"files", "archive", "schema"} <= set(said):
            raise ValueError("not a manifest")
    except (OSError, ValueError) as error:
        raise BackupError(f"Cadangan {moment} rusak: {error}", f"Backup {moment} is damaged: {error}", 6) from None
    return said


def check(target: Path, moment: str | None = None) -> Found:
    """Compare every byte of a backup (the newest, unless one is named) with its manifest. Raises BackupError."""
    target = target.expanduser().absolute()
    chosen = moment or next(reversed(backups(target)), None)
    if chosen is None or chosen not in backups(target):
        raise BackupError(f"Tidak ada cadangan di {target}.", f"There is no backup in {target}.")
    said = _manifest(target, chosen)
    found = Found(chosen, len(said["files"]) + len(said["archive"]))
    places = {name: (target / chosen / "files" / name, digest) for name, digest in said["files"].items()}
    places |= {f"archive/{sha}": (archived(target / "archive", sha), sha) for sha in said["archive"]}
    gone = tombstones.replaced(Workspace(target / backups(target)[-1] / "files"))  # what was erased since is not missing
    for name, (path, digest) in sorted(places.items()):
        if not path.is_file():
            found.missing += [] if gone(digest)[0] else [name]
        elif sha256_of(path) != digest:
            found.damaged.append(name)
    return found


def restore(workspace: Workspace, target: Path, moment: str | None = None) -> Found:
    """Put a whole backup on an empty workspace. Raises BackupError, OSError; then nothing was put anywhere."""
    target = target.expanduser().absolute()
    if any(place.is_file() for name in ("registry", "archive", "inbox") for place in (workspace.root / name).rglob("*")):
        raise BackupError(
            f"{workspace.root} sudah berisi data; pulihkan ke folder kosong: --workspace FOLDER",
            f"{workspace.root} holds data already; restore to an empty folder: --workspace FOLDER",
        )
    found = check(target, moment)
    if not found.is_whole:
        first = (found.damaged + found.missing)[0]
        raise BackupError(
            f"Cadangan {found.moment} tidak utuh ({len(found.damaged)} rusak, {len(found.missing)} hilang, misalnya {first}).",
            f"Backup {found.moment} is not whole ({len(found.damaged)} damaged, {len(found.missing)} missing, such as {first}).",
            6,
        )
    said = _manifest(target, found.moment)
    if said["schema"] > SCHEMA:
        raise BackupError(
            f"Cadangan dibuat oleh Terukur yang lebih baru ({said['program']}); pasang versi itu.",
            f"The backup was made by a newer Terukur ({said['program']}); install that version.",
        )
    workspace.create()
    for name in said["files"]:
        source, place = target / found.moment / "files" / name, workspace.root / name
        if source.is_file():
            place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            shutil.copy2(source, place)
    for sha in said["archive"]:
        if (source := archived(target / "archive", sha)).is_file():
            place = archived(workspace.archive, sha)
            place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _copy(source, place)
    return found
