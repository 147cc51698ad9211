"""Kills: SIGKILL in every stage of a night, with a reader beside them that opens what is published over and over.

A few of them fall into whole nights, the rest into the part of a night that holds the stage: hundreds of kills in minutes. Kills
of the stage that writes pages have a workspace of their own with two versions, so that each try writes the pages of another one.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.engine import versions
from pipeline.settings import Workspace
from tests.fake_exports import file_number

ROOT = Path(__file__).parents[1]
WHOLE = "files,tables,pages"
PART_OF = {"archive": "files", "ingest": "files", "ledger": "files", "transform": "few", "publish": "few", "dashboards": "pages"}
STAGES = tuple(PART_OF)


class Worker:
    """Nights in forked children of one process; `kill_in` aims at a stage."""

    def __init__(self, root: Path):
        command = [sys.executable, "-m", "tests.night_worker"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.root, self.child = root, 0
        assert self.line() == "ready"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def start(self, number: int, parts: str) -> None:
        self.process.stdin.write(f"run {self.root} {number} {parts}\n")
        self.process.stdin.flush()
        self.child = int(self.line().split()[1])

    def to_its_end(self, number: int, parts: str = WHOLE) -> dict[str, float]:
        """Seconds that each stage took."""
        self.start(number, parts)
        began: list[tuple[str, float]] = []
        while not (said := self.line()).startswith("end"):
            began.append((said, time.monotonic()))
        assert said == "end 0"
        ends = [moment for _, moment in began[1:]] + [time.monotonic()]
        return {stage: end - start for (stage, start), end in zip(began, ends, strict=True)}

    def kill_in(self, stage: str, number: int, after: float, parts: str = WHOLE) -> bool:
        """SIGKILL `after` seconds into the stage; whether the child was still working."""
        self.start(number, parts)
        while (said := self.line()) != stage and not said.startswith("end"):
            pass
        assert not said.startswith("end"), f"{stage} was never reached: {said}"
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):  # a night that was faster than the first one is a miss, not a fault
            os.kill(self.child, signal.SIGKILL)
        while not (said := self.line()).startswith("end"):
            pass
        return said == f"end -{signal.SIGKILL.value}"

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Reader(threading.Thread):
    """Opens what CURRENT names, over and over, and reads it whole; versions must never go back."""

    def __init__(self, workspace: Workspace):
        super().__init__(daemon=True)
        self.workspace, self.opens, self.wrong, self.over = workspace, 0, [], threading.Event()

    def run(self) -> None:
        newest = 0
        while not self.over.is_set():
            try:
                with versions.open_version(self.workspace) as version:
                    number = int(version.name.removeprefix("w-"))
                    sealed = versions.manifest(self.workspace, version.name)["tables"]["core.posts"]["rows"]
                    if version.sql("SELECT count(*) FROM core.posts").item() != sealed or number < newest:
                        self.wrong.append(f"{version.name}: incomplete, or older than w-{newest}")
                    newest = number
            except Exception as error:
                self.wrong.append(repr(error))
            self.opens += 1
            self.over.wait(0.1)


@dataclass
class Killed:
    """What the kills left: the workspace after one clean night, who read beside them, how many hit the work, and torn pages."""

    workspace: Workspace
    reader: Reader
    hit: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    torn: list[str] = field(default_factory=list)

    @property
    def tries(self) -> int:
        return self.tried.total()


def kills(root: Path, n: int, seed: int, whole: int = 1, until: float = math.inf) -> Killed:
    """n kills spread over all stages; a new file arrives before each. Every `whole`-th falls into a whole night.

    `until`: a moment of the monotonic clock after which no kill is tried any more.
    """
    workspace, chance = Workspace(root / "killed").create(), random.Random(seed)
    _arrives(workspace, 0)
    worker, found = Worker(workspace.root), Killed(workspace, Reader(workspace))
    try:
        seconds = {WHOLE: worker.to_its_end(0)}
        for parts in sorted({*PART_OF.values()} - {"pages"}):
            seconds[parts] = worker.to_its_end(0, parts)
        worker.to_its_end(1)
        printed = _Printed(workspace, root / "printed")
        seconds["pages"] = printed.seconds
        found.reader.start()
        for i in range(1, n + 1):
            if time.monotonic() > until:
                break
            stage = STAGES[i % len(STAGES)]
            parts = WHOLE if i % whole == 0 else PART_OF[stage]
            after = chance.uniform(0, 0.7 * seconds[parts][stage])  # the first night is the slowest: its caches are cold
            found.tried[stage] += 1
            found.whole += parts == WHOLE
            if parts == "pages":
                found.hit[stage] += printed.kill(i, after)
                found.torn += printed.torn()
                continue
            _arrives(workspace, i)
            found.hit[stage] += worker.kill_in(stage, i, after, parts)
        for number in range(found.tries + 1):
            _arrives(workspace, number)
        worker.to_its_end(n + 1)
        printed.close()
        found.torn += printed.torn()
    finally:
        found.reader.over.set()
        worker.close()
    found.reader.join()
    return found


class _Printed:
    """Two published versions whose pages are written in turn."""

    def __init__(self, published: Workspace, root: Path):
        shutil.copytree(published.root, root, symlinks=True)
        self.workspace, self.worker = Workspace(root), Worker(root)
        self.names = [versions.versions(self.workspace)[at]["version"] for at in (0, -1)]  # between them are some of few tables
        self.whole = {}
        for name in self.names:
            self._next(name)
            self.seconds = self.worker.to_its_end(0, "pages")
            self.whole[name] = self._pages()

    def _next(self, name: str) -> None:
        self.workspace.current_file.write_text(name + "\n", encoding="utf-8")
        if self._shown().name != name:
            shutil.rmtree(self.workspace.site / name, ignore_errors=True)

    def _shown(self) -> Path:
        return (self.workspace.site / "latest").resolve()

    def _pages(self) -> dict[str, str]:
        place = self._shown()
        said = {path: re.search(r'content="(w-\d+)"', path.read_text(encoding="utf-8")) for path in place.rglob("*.html")}
        return {str(path.relative_to(place)): found[1] if found else "" for path, found in said.items()}

    def kill(self, number: int, after: float) -> bool:
        """Mostly the pages of the version that is not shown, sometimes those of the same one again."""
        other = next(name for name in self.names if name != self._shown().name)
        self._next(self._shown().name if number % 4 == 0 else other)
        return self.worker.kill_in("dashboards", number, after, "pages")

    def torn(self) -> list[str]:
        found, shown = self._pages(), self._shown().name
        return [] if found == self.whole[shown] else [f"{shown}: {len(found)} of {len(self.whole[shown])} pages"]

    def close(self) -> None:
        self.worker.to_its_end(0, "pages")
        self.worker.close()


def _arrives(workspace: Workspace, number: int) -> None:
    if not (workspace.inbox / f"a-fb/{number:03}.csv").exists():
        file_number(workspace, number)


def never_killed(place: Path, n: int) -> Workspace:
    """The same files in one night that nobody disturbed."""
    workspace = Workspace(place).create()
    for number in range(n + 1):
        _arrives(workspace, number)
    worker = Worker(workspace.root)
    worker.to_its_end(0)
    worker.close()
    return workspace


def leftovers(workspace: Workspace) -> list[str]:
    builds = [p.name for p in workspace.warehouse.iterdir() if p.name.startswith(("build-", "work-"))]
    return [*builds, *(p.name for p in (*workspace.site.glob(".susun-*"), *workspace.archive.glob(".copy-*")))]
