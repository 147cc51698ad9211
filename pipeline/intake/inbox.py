"""The inbox is only ever read: what lies in it, which files may be opened, and their copy in the archive.

A name never decides anything but two things that people say with folders: whose account it is (`inbox/<account_id>/...`) and on
which day it was downloaded (`inbox/<YYYY-MM-DD>/...`). Only a regular file is ever opened: a FIFO hangs every
reader.
"""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import FileIO
from itertools import count, repeat
from pathlib import Path

from pipeline.files import fsync, is_running, sha256_of

UNFINISHED = (".part", ".tmp", ".crdownload", ".download", ".partial")
CLUTTER = {".ds_store", "thumbs.db", "desktop.ini", ".gitkeep", ".directory"}
RECENT_SECONDS = 60


class NoInbox(OSError):
    """The inbox is gone or cannot be listed: without it nobody can say that nothing came."""

    exit_status = 6

    def __init__(self, inbox: Path, error: OSError):
        said = error.strerror or type(error).__name__
        self.id = f"Inbox tidak dapat dibaca: {inbox} ({said}). Sambungkan atau buat lagi foldernya, lalu ulangi."
        self.en = f"The inbox cannot be read: {inbox} ({said}). Connect or make the folder again, then try again."
        super().__init__(error.errno, said, str(inbox))


CHANGED = "berubah saat dibaca / changed while reading"
OPEN = "baru saja berubah, mungkin masih disalin / changed just now, perhaps still being copied"
LARGEST = 64 * 2**20  # what the reader refuses is hashed, not copied: one video must not fill the disk of the archive
CHUNK = 2**20
ERASED = "erased"  # in place of a SHA-256: the whole file was erased on request
BATCH = 1024  # files that are copied before the first of them is fsynced
COPIES = 2  # at a time: hashing and copying leave the interpreter free
FSYNCS = 16  # that wait for the disk at a time: it writes them together


@dataclass(frozen=True)
class Found:
    """One entry of the inbox as `lstat` sees it. `problem` is None, NOT_A_FILE or STILL_CHANGING; `seen` says what it is."""

    place: str
    name: str  # relative to the inbox
    size: int
    mtime_ns: int
    inode: int
    account: str | None
    folder_date: date | None
    problem: str | None = None
    seen: str = ""

    @property
    def path(self) -> Path:
        return Path(self.place)

    @property
    def stamp(self) -> tuple[int, int, int]:
        return self.size, self.mtime_ns, self.inode


def scan(inbox: Path, accounts: Collection[str] = (), settle_seconds: float = 0.5, now: float | None = None) -> list[Found]:
    """Everything in the inbox, sorted by name.

    A file touched in the last minute is waited for: it is held unless it rests for `settle_seconds` and is proven finished.
    Raises NoInbox.
    """
    first = list(_walk(inbox, frozenset(accounts)))
    recent = ((now if now is not None else time.time()) - RECENT_SECONDS) * 1e9
    moving = {f.name for f in first if f.problem is None and f.mtime_ns > recent}
    if moving:
        time.sleep(settle_seconds)
    return [_rested(f) if f.name in moving else f for f in first]


def _rested(found: Found) -> Found:
    if _stamp(found.place) != found.stamp:
        return _held(found, CHANGED)
    return found if _is_finished(found.place) else _held(found, OPEN)


def _stamp(place: str) -> tuple[int, int, int] | None:
    try:
        info = os.lstat(place)
    except OSError:
        return None
    return info.st_size, info.st_mtime_ns, info.st_ino


def _is_finished(place: str) -> bool:
    """Whether nobody has the file open for writing. The system knows it of its own disks: it gives a read lease only then.

    Where it does not know (a network share, another system) the file is not proven finished, and a minute's rest has to do.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # who breaks the lease tells us so by a signal that does nothing
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _walk(inbox: Path, accounts: frozenset[str]) -> Iterator[Found]:
    said: dict[str, tuple[str | None, date | None]] = {}
    start = len(os.path.join(inbox, ""))
    for folder, base, entry in sorted(_entries(inbox), key=lambda found: os.fsencode(found[2])):
        if base.casefold() not in CLUTTER:
            if folder not in said:
                said[folder] = said_by(folder[start:].split(os.sep), accounts)
            found = _look(entry, shown(entry[start:]).replace(os.sep, "/"), *said[folder])
            if found is not None:
                yield found


def shown(name: str) -> str:
    """A name as text: bytes that are no UTF-8 are spelled out, so that whatever it is called it can be noted and told."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _entries(inbox: Path) -> Iterator[tuple[str, str, str]]:
    """Folder, name and place of everything that is no folder itself, or a folder that cannot be looked into; links to folders
    are not followed."""
    folders = [os.fspath(inbox)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        yield folder, entry.name, entry.path
        except OSError as error:
            if folder == os.fspath(inbox):
                raise NoInbox(inbox, error) from error
            if not isinstance(error, FileNotFoundError):  # else gone since it was listed
                yield os.path.dirname(folder), os.path.basename(folder), folder


def said_by(folders: Sequence[str], accounts: frozenset[str]) -> tuple[str | None, date | None]:
    """The account and the day that the folders of a file name, the nearest first."""
    account = next((part for part in reversed(folders) if part in accounts), None)
    return account, next((d for d in map(_iso_date, reversed(folders)) if d is not None), None)


def _look(entry: str, name: str, account: str | None, day: date | None) -> Found | None:
    try:
        info = os.lstat(entry)
    except FileNotFoundError:
        return None  # gone since the listing: nothing to say about it
    except OSError as error:
        return _refused(Found(entry, name, 0, 0, 0, account, day), _reason(error))
    found = Found(entry, name, info.st_size, info.st_mtime_ns, info.st_ino, account, day)
    if stat.S_ISDIR(info.st_mode):
        return _refused(found, "folder tidak dapat dibuka / folder cannot be opened")
    if not stat.S_ISREG(info.st_mode):
        return _refused(found, _file_type(info.st_mode))
    if not os.access(entry, os.R_OK):
        return _refused(found, "tidak dapat dibaca / not readable")
    base = name.rpartition("/")[2]
    if base.casefold().endswith(UNFINISHED) or base.startswith("~$"):
        return _held(found, "unduhan belum selesai / unfinished download")
    return found


@lru_cache(maxsize=1024)
def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _file_type(mode: int) -> str:
    names = {
        stat.S_IFLNK: "symlink",
        stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket",
        stat.S_IFBLK: "device",
        stat.S_IFCHR: "device",
    }
    return names.get(stat.S_IFMT(mode), "?")


def _refused(found: Found, seen: str) -> Found:
    return Found(**{**found.__dict__, "problem": "NOT_A_FILE", "seen": seen})


def _held(found: Found, seen: str) -> Found:
    return Found(**{**found.__dict__, "problem": "STILL_CHANGING", "seen": seen})


def _reason(error: OSError) -> str:
    return f"tidak dapat dibaca / not readable: {error.strerror or type(error).__name__}"


def keep(
    found: Sequence[Found],
    archive: Path,
    replaced: Callable[[str], tuple[bool, str | None]] = lambda _: (False, None),
    problems: dict[str, str] | None = None,
) -> list[str | None]:
    """Copy files into the archive under their SHA-256, mode 0440; give the hash of each, in order.

    None where a file is gone, or changed between the listing and the end of the copy: it is looked at again next time. All copies
    are fsynced, then all renamed, then each folder is fsynced once: the same promise as file by file, at a fraction of its waits.
    `replaced` knows files that were erased: they are not archived again, and their redacted copy stands for them. `problems`
    takes, by name, why a file could not be opened or read: the others go on.
    """
    digests: list[str | None] = []
    problems = problems if problems is not None else {}
    if found:
        archive.mkdir(parents=True, exist_ok=True, mode=0o750)
    with ThreadPoolExecutor(COPIES) as copying, ThreadPoolExecutor(1) as behind:
        settling: Future[None] | None = None  # the batch before goes to the disk while this one is copied
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            copied = [_instead(c, replaced) for c in copying.map(_one, some, repeat(archive), count(start), repeat(problems))]
            digests += [c[0] if c else None for c in copied]
            if settling:
                settling.result()
            settling = behind.submit(_settle, [(temporary, d) for d, temporary in filter(None, copied) if temporary], archive)
        if settling:
            settling.result()
    return digests


def _settle(copies: Sequence[tuple[Path, str]], archive: Path) -> None:
    """Give copies their names once their bytes are safe, then make the names safe."""
    with ThreadPoolExecutor(FSYNCS) as pool:
        list(pool.map(fsync, [temporary for temporary, _ in copies]))
        folders = {archived(archive, digest).parent for _, digest in copies}
        for folder in folders:
            folder.mkdir(exist_ok=True, mode=0o750)
        for temporary, digest in copies:
            place = archived(archive, digest)
            if place.exists() and sha256_of(place) == digest:
                temporary.unlink()
            else:
                os.replace(temporary, place)
        list(pool.map(fsync, [*folders, archive]))


def _instead(
    copied: tuple[str, Path | None] | None, replaced: Callable[[str], tuple[bool, str | None]]
) -> tuple[str, Path | None] | None:
    """The copy, or where the file was erased its redacted stand-in, which the archive holds already."""
    is_erased, digest = replaced(copied[0]) if copied else (False, None)
    if copied is None or not is_erased:
        return copied
    if copied[1]:
        copied[1].unlink(missing_ok=True)
    return digest or ERASED, None


class _Unreadable(Exception):
    """Reading a file failed, not writing its copy: that is told of the file, the other stops the night."""


def _one(found: Found, archive: Path, number: int, problems: dict[str, str]) -> tuple[str, Path | None] | None:
    """Hash of a file and its temporary copy (None: too large to be kept), or None where it is not to be read now."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(found.place, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        problems[found.name] = _reason(error)
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            return None
        temporary = archive / f".copy-{number}-{os.getpid()}"
        try:
            copied = _copy(source, temporary, found.size)
        except _Unreadable as error:
            problems[found.name] = str(error)
            temporary.unlink(missing_ok=True)
            return None
        info = os.fstat(source.fileno())
        if (info.st_size, info.st_mtime_ns, info.st_ino) != found.stamp:
            if copied[1]:
                copied[1].unlink(missing_ok=True)
            return None
    return copied


def _read(source: FileIO, size: int) -> bytes:
    try:
        return source.read(size) or b""
    except OSError as error:
        raise _Unreadable(_reason(error)) from error


def _copy(source: FileIO, temporary: Path, expected: int) -> tuple[str, Path | None]:
    digest = hashlib.sha256()
    if expected > LARGEST:
        while chunk := _read(source, CHUNK):
            digest.update(chunk)
        return digest.hexdigest(), None
    size = 0
    with open(temporary, "wb", buffering=0) as target:
        os.fchmod(target.fileno(), 0o440)
        while size <= LARGEST and (chunk := _read(source, min(CHUNK, expected + 1))):  # larger: it grew while it was copied
            digest.update(chunk)
            size += len(chunk)
            while chunk:
                chunk = chunk[target.write(chunk) :]
    return digest.hexdigest(), temporary


def archived(archive: Path, sha256: str) -> Path:
    """Where a file with this hash is kept."""
    return archive / sha256[:2] / sha256


def sweep(archive: Path) -> None:
    """Remove half copies of processes that were killed."""
    for leftover in archive.glob(".copy-*"):
        if not is_running(leftover.name.rsplit("-", 1)[1]):
            leftover.unlink(missing_ok=True)
