"""The memory of this process's children and theirs, all together, while something works."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Used:
    """`peak_mib`: the most that all descendants held at one moment; shared pages are counted once."""

    peak_mib = 0.0

    def look(self) -> None:
        self.peak_mib = max(self.peak_mib, sum(map(_mib, descendants(os.getpid()))))


@contextmanager
def memory(every: float = 0.2) -> Iterator[Used]:
    used, over = Used(), threading.Event()

    def watch() -> None:
        while not over.wait(every):
            used.look()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield used
    finally:
        over.set()
        watching.join()


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(place.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(place.parent.name))
    found, queue = [], [pid]
    while queue:
        found += (mine := children.get(queue.pop(), []))
        queue += mine
    return found


def _mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
