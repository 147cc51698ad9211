"""What must hold around a run, whoever starts it: one at a time, room on the disk, and a plain word when something stops it."""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.files import set_aside
from pipeline.settings import Workspace

# Exit statuses of every command.
DONE, BUG, USAGE, PARTLY, NOT_PUBLISHED, BUSY, ENVIRONMENT = 0, 1, 2, 3, 4, 5, 6
SPARE_BYTES = 64 * 1024 * 1024
_held: set[Path] = set()
Result = TypeVar("Result")


class NotPossible(ValueError):
    """What was asked for does not exist: a figure, an agency, a month. The sentences say what does."""

    exit_status = USAGE

    def __init__(self, indonesian: str, english: str):
        self.id, self.en = indonesian, english
        super().__init__(f"{indonesian} / {english}")


class Busy(RuntimeError):
    """Another process is working in this workspace."""

    def __init__(self, pid: int, since: str):
        self.pid, self.since = pid, since
        self.exit_status = BUSY
        self.id = f"Pekerjaan lain sedang berjalan (proses {pid}, sejak {since}). Tunggu sampai selesai."
        self.en = f"Another run is working (process {pid}, since {since}). Wait until it is done."
        super().__init__(f"another run is working (process {pid}, since {since})")


class NoRoom(OSError):
    """Too little free space to build a version beside the current one."""

    def __init__(self, path: Path, needed: int, free: int):
        self.needed, self.free = needed, free
        self.exit_status = ENVIRONMENT
        need, left = needed // 2**20, free // 2**20
        self.id = f"Ruang disk kurang: perlu {need} MiB, tersedia {left} MiB. Versi terakhir tetap terbit."
        self.en = f"Too little disk space: {need} MiB needed, {left} MiB free. The last version stays published."
        super().__init__(errno.ENOSPC, f"needs {needed // 2**20} MiB, {free // 2**20} MiB free", str(path))


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's lock. The system releases it when the process dies, so no stale lock can exist.

    Within one process it nests: a command that holds it may run a job that asks for it again.
    """
    path = workspace.lock_file.resolve()
    if path in _held:
        yield
        return
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if path.is_dir():
        set_aside(path)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(handle) from None
        note = {"pid": os.getpid(), "since": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _busy(handle: int) -> Busy:
    try:
        note = json.loads(os.pread(handle, 1000, 0) or b"{}")
    except ValueError:
        note = {}
    return Busy(int(note.get("pid", 0)), str(note.get("since", "?")))


def is_free(workspace: Workspace) -> bool:
    """Whether nobody is working here now. Being told so is not a promise for the next moment: `alone` is."""
    try:
        with alone(workspace):
            return True
    except Busy:
        return False


def require_room(workspace: Workspace) -> None:
    """Refuse to start with less than three times the newest version free: the build, its successor, and a margin."""
    newest = max((p.stat().st_size for p in workspace.versions.glob("w-*.duckdb")), default=0)
    needed = max(3 * newest, SPARE_BYTES)
    free = shutil.disk_usage(_existing(workspace.root)).free
    if free < needed:
        raise NoRoom(workspace.root, needed, free)


def stoppable(work: Callable[[], Result], farewell: str) -> Result:
    """Do `work` so that Ctrl-C and SIGTERM end this process at once, with 130 and 143 as is usual, after saying `farewell`.

    Dagster takes both signals over in the main thread and raises wherever the program happens to be, which a library may
    swallow; so the work has a thread of its own. To die at any moment is safe: tests kill the night everywhere.
    """
    done: list[Result] = []
    broken: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            broken.append(error)

    def stop(number: int, _: object) -> None:
        print(farewell, file=sys.stderr, flush=True)
        os._exit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    worker = threading.Thread(target=run, name="overnight", daemon=True)
    try:
        worker.start()
        worker.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if broken:
        raise broken[0]
    return done[0]


def _existing(path: Path) -> Path:
    return path if path.exists() or path == path.parent else _existing(path.parent)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first; Dagster wraps what our code raised."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = getattr(current, "user_exception", None) or current.__cause__ or current.__context__


def explain(error: BaseException, log: Path | None = None) -> tuple[int, str, str]:
    """Exit status and the sentence for a person, in Indonesian and English. A traceback goes to the log, never to a person."""
    for cause in causes(error):
        if hasattr(cause, "exit_status") and hasattr(cause, "id") and hasattr(cause, "en"):
            return int(cause.exit_status), str(cause.id), str(cause.en)  # an error that knows its own sentences
        number = _errno(cause)
        if number in _ENVIRONMENT:
            place = getattr(cause, "filename", None) or _said(cause)
            return ENVIRONMENT, f"{_ENVIRONMENT[number][0]}: {place}", f"{_ENVIRONMENT[number][1]}: {place}"
    where = f" Rincian: {log}" if log else ""
    where_en = f" Details: {log}" if log else ""
    return (
        BUG,
        f"Terjadi kesalahan pada program ({type(error).__name__}); versi terakhir tetap terbit.{where}",
        f"A fault in the program ({type(error).__name__}); the last version stays published.{where_en}",
    )


@dataclass(frozen=True)
class Stopped:
    """A step of the night that stopped: its exit status, and the sentence for a person in Indonesian and English."""

    step: str
    status: int
    id: str
    en: str


def told(workspace: Workspace, error: BaseException) -> tuple[int, str, str]:
    """What `explain` says; where the fault is ours its traceback is kept in the workspace's log, and the sentence says where."""
    said = explain(error)
    return said if said[0] != BUG else explain(error, write_log(workspace, error))


def _errno(error: BaseException) -> int | None:
    """The system's number for what failed. Databases only quote the system's words, or their own for a full disk."""
    if isinstance(error, OSError):
        return error.errno
    if any(words in str(error) for words in (os.strerror(errno.ENOSPC), "database or disk is full")):
        return errno.ENOSPC
    if type(error).__name__ == "OperationalError" and "disk I/O error" in str(error):
        return errno.EIO  # SQLite's words, for a disk without room for its shared memory too
    if type(error).__module__.partition(".")[0] not in ("duckdb", "_duckdb"):
        return None
    return next((number for number in _ENVIRONMENT if os.strerror(number).casefold() in str(error).casefold()), None)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or "disk"


_ENVIRONMENT = {
    errno.ENOSPC: ("Disk penuh", "Disk full"),
    errno.EDQUOT: ("Kuota disk habis", "Disk quota used up"),
    errno.EACCES: ("Tidak ada izin", "No permission"),
    errno.EPERM: ("Tidak ada izin", "No permission"),
    errno.EADDRINUSE: ("Alamat sudah dipakai program lain (pilih --port)", "Address used by another program (choose --port)"),
    errno.EROFS: ("Hanya dapat dibaca", "Read-only"),
    errno.EIO: ("Disk tidak dapat dibaca atau ditulis", "The disk cannot be read or written"),
    errno.ENOTDIR: ("Bukan folder", "Not a folder"),
    errno.EEXIST: ("Seharusnya folder", "Should be a folder"),
}


def write_log(workspace: Workspace, error: BaseException) -> Path | None:
    """Keep the traceback for whoever mends it; None where even that cannot be written."""
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    try:
        workspace.logs.mkdir(mode=0o750, parents=True, exist_ok=True)
        path = workspace.logs / name
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return None
    return path
