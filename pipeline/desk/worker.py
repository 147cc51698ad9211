"""Reads files in a process of its own, with limits on memory and time: a hostile file stops the worker, never the page.

One line of JSON in, one line of JSON out. The other end is :class:`Reader`, which ends a worker that takes too long or grows too
large and starts another one; run as a script this module is the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

SECONDS = 45  # for one file; the largest that is taken needs a third of it
START_SECONDS = 30
MEMORY = 1536 * 1024 * 1024  # of address space beyond what the libraries reserve
RECYCLE_BYTES = 320 * 1024 * 1024  # a worker that has grown larger is replaced once it has answered
IDLE_SECONDS = 90


class Crashed(RuntimeError):
    """The worker died or took too long on this request."""


class Reader:
    """One worker and the line to it. `ask` is one request at a time; callers wait for each other."""

    def __init__(self, *, seconds: float = SECONDS):
        self.seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._used = time.monotonic()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer. Raises Crashed where it gives none in time, or dies of this request twice."""
        with self._lock:
            answer = self._answer(request, tries=2)
            if answer.get("bytes", 0) > RECYCLE_BYTES:
                self._end()
            self._used = time.monotonic()
            return answer

    def _answer(self, request: dict[str, Any], tries: int) -> dict[str, Any]:
        """One more try with a fresh worker where the first one died: it may have been killed for no fault of the file."""
        self._used = time.monotonic()
        process = self._running()
        try:
            return self._exchange(process, request)
        except (OSError, EOFError, ValueError) as error:
            self._end()
            if tries > 1:
                return self._answer(request, tries - 1)
            raise Crashed(type(error).__name__) from None
        except Crashed:
            self._end()
            raise

    def warm(self) -> None:
        """Have a worker ready, without waiting for it."""
        if self._lock.acquire(blocking=False):
            try:
                self._used = time.monotonic()
                self._running()
            finally:
                self._lock.release()

    def rest(self) -> None:
        """End the worker if nobody has asked it for a while: it takes more memory than everything else."""
        if time.monotonic() - self._used > IDLE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def stop(self) -> None:
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            environment = {**os.environ, "POLARS_MAX_THREADS": "2", "PYTHONUNBUFFERED": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.desk.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=environment,
            )
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + self.seconds
        line = bytearray()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise Crashed("took too long")
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            if not chunk:
                raise EOFError("the worker ended")
            line += chunk
        said: dict[str, Any] = json.loads(line)
        return said

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with the children that read workbooks
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


# --- the worker's side --------------------------------------------------------------------------------------------------------


def limit() -> None:
    """No core dumps, no file larger than one that may be handed in, and a bound on memory."""
    import resource

    from pipeline.desk.quarantine import FILE_BYTES

    now = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if Path("/proc/self/statm").exists() else 0
    )
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 4 * FILE_BYTES),
        (resource.RLIMIT_AS, now + MEMORY if now else resource.RLIM_INFINITY),
    ):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or (value != resource.RLIM_INFINITY and value <= hard):
            resource.setrlimit(kind, (value, hard))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """One request: `read` a file, or tell what is covered so far."""
    from pipeline.settings import Workspace

    workspace = Workspace(Path(request["workspace"]))
    if request["do"] == "coverage":
        from pipeline.desk.coverage import collect

        return {"coverage": collect(workspace)}
    return {"parts": _read(workspace, request)}


def _read(workspace: Any, request: dict[str, Any]) -> list[dict[str, Any]]:
    from pipeline import registry
    from pipeline.desk.directory import directory
    from pipeline.desk.judge import Case, judge

    known = registry.load(workspace.registry)
    day = date.fromisoformat(request["day"])
    case = Case(known, directory(known, day), tuple(request["accounts"]), day, datetime.fromisoformat(request["now"]))
    return [part.as_json() for part in judge(Path(request["path"]), request["name"], case)]


def main() -> None:
    """Serve until the other end closes. What a library prints must not reach the line to it."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import pipeline.desk.judge  # what every reading needs, before the first is asked for

    del pipeline
    limit()
    for line in sys.stdin.buffer:
        try:
            found = answer(json.loads(line))
        except Exception as error:  # told to the other end, which knows what to say about it
            found = {"error": type(error).__name__}
        out.write(json.dumps({**found, "bytes": _size()}, default=str).encode() + b"\n")


def _size() -> int:
    """Resident bytes of this process, 0 where that cannot be known."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main()
