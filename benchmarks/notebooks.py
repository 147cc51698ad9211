"""Open notebooks against busy nights, the first chart of a cold kernel, and what the notebooks of a regency cost.

    python benchmarks/notebooks.py [--kernels 20] [--nights 30] [--whole-every 5] [--workspace data] [--skip-nights]

1. A small regency receives one more export each night and publishes (`--nights` times; every `--whole-every`th night is the
   whole Dagster job with notebooks and pages) while `--kernels` Jupyter kernels hold versions open. Every kernel asks the same
   three questions of its version all the time and reopens the newest now and then; within one version every answer must stay the
   same, and nobody may meet a lock or a missing file.
2. With `--workspace` of a published regency: a kernel is started five times, and the time from its readiness to the first chart
   of the first cells is printed (wall and processor seconds; the processor's are what a busy machine does not change).
3. Every notebook of that regency runs, two at a time, and is exported; seconds, processor seconds and sizes are printed.
Exit status 0: no error, no torn read, all within their limits.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline import night, pages, registry, samples
from pipeline.cli.run import overnight
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.notebook import execution
from pipeline.settings import Workspace, workspace

LIMIT_SECONDS, LIMIT_BYTES, LIMIT_CHART = 120, 1_000_000, 2.0
READER = """
import contextlib, io, json, os, time
from pipeline.notebook import buka
ASK = ("select version, built_at from meta.version", "select count(*) n, sum(engagement) e, max(captured_at) c from core.posts",
       "select sum(vs_expected) v, count(*) n from estimates.agency_window")
done = lambda: os.path.exists({stop!r})
seen, errors, torn, reads, opened = {{}}, [], 0, 0, 0
while not done():
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            db = buka(ruang={root!r})
        opened += 1
        until = time.time() + 6.0
        while time.time() < until and not done():
            answer = [db.sql(q).rows() for q in ASK]
            first = seen.setdefault(db.versi.name, answer)
            torn += answer != first or answer[0][0][0] != db.versi.name
            reads += 1
            time.sleep(0.7)
        db.tutup()
    except Exception as error:
        errors.append(f"{{type(error).__name__}}: {{error}}"[:200])
        time.sleep(0.05)
json.dump(dict(reads=reads, opened=opened, torn=torn, errors=errors, versions=sorted(seen)), open({out!r}, "w"))
"""
FIRST_CELLS = "from pipeline.notebook import buka\ndb = buka()\ndb.grafik.tren_daerah()"


@contextmanager
def kernel(**environment: str) -> Iterator[Any]:
    """A ready kernel of this source tree and a client of it; `client.pid` is its process."""
    manager, place = execution._manager()
    root = str(Path(__file__).resolve().parent.parent)
    manager.start_kernel(env={**os.environ, "PYTHONPATH": root, **environment}, cwd=str(place))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=180)
        client.pid = manager.provisioner.pid
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        shutil.rmtree(place, ignore_errors=True)


# -- open notebooks and busy nights ----------------------------------------------------------------------------------------------
def busy_nights(kernels: int, nights: int, whole_every: int) -> bool:
    """True when no kernel met an error or a torn read and every night published."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Workspace(Path(folder) / "data")
        samples.generate(place.root, profile="tiny")
        held = withhold(place.create(), Path(folder) / "later", nights)
        publish(place)
        stop = Path(folder) / "stop"
        began = time.monotonic()
        readers = [stack.enter_context(kernel(TERUKUR_THREADS="1")) for _ in range(kernels)]
        for number, reader in enumerate(readers):
            reader.execute(READER.format(stop=str(stop), root=str(place.root), out=f"{folder}/{number}.json"))
        print(f"{kernels} kernels ready after {time.monotonic() - began:.0f} s", flush=True)
        seconds, seen = [], {versions.current(place)}
        for number, late in enumerate(held, start=1):
            late()
            began = time.monotonic()
            (whole_night if number % whole_every == 0 else publish)(place)
            seconds.append(time.monotonic() - began)
            seen.add(versions.current(place))
        stop.touch()
        found = [_told(Path(folder) / f"{number}.json") for number in range(kernels)]
    return _verdict(found, seconds, seen, nights, whole_every)


def _verdict(found: list[dict], seconds: list[float], versions: set, nights: int, whole_every: int) -> bool:
    errors, torn = [e for f in found for e in f["errors"]], sum(f["torn"] for f in found)
    held = {v for f in found for v in f["versions"]}
    whole = seconds[whole_every - 1 :: whole_every]
    print(
        f"{nights} nights, {len(whole)} of them whole: {sum(seconds):.0f} s (whole: {statistics.median(whole or [0]):.1f} s each)"
    )
    print(f"{len(versions)} versions published, {len(held)} of them held open by kernels")
    print(f"{sum(f['opened'] for f in found)} openings, {sum(f['reads'] for f in found)} reads of three questions")
    print(f"errors: {len(errors)} {sorted(set(errors))[:3]}; torn reads: {torn}")
    return not errors and not torn and len(versions) == nights + 1 and all(f["reads"] for f in found)


def withhold(place: Workspace, later: Path, count: int) -> list:
    """Takes the last `count` exports out of the inbox; each function returned brings one back."""
    files = sorted(p for p in place.inbox.rglob("*") if p.is_file())[-count:]
    arrivals = []
    for number, path in enumerate(files):
        aside = later / str(number)
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, aside)
        arrivals.append(lambda aside=aside, path=path: (path.parent.mkdir(parents=True, exist_ok=True), shutil.move(aside, path)))
    return arrivals


def publish(place: Workspace) -> None:
    """A night without its pages: read what is new, build, check, publish."""
    with night.alone(place):
        known = registry.load(place.registry)
        ledger.ingest(place, known)
        build.build(place, registry=known)


def whole_night(place: Workspace) -> None:
    """What `terukur run` does: the Dagster job with notebooks and pages."""
    with night.alone(place):
        report = overnight(place)
    assert not report.failures, report.failures


def _told(path: Path, patience: float = 60.0) -> dict:
    until = time.monotonic() + patience
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(0.1)
    return (
        json.loads(path.read_text())
        if path.exists()
        else {"reads": 0, "opened": 0, "torn": 0, "errors": ["no answer"], "versions": []}
    )


# -- the first chart -------------------------------------------------------------------------------------------------------------
def first_chart(place: Workspace, times: int = 5) -> bool:
    """Seconds from a ready kernel to the first chart of the first cells."""
    measured = [_chart_in_a_new_kernel(place) for _ in range(times)]
    for wall, cpu in measured:
        print(f"first chart after {wall:.2f} s, {cpu:.2f} processor seconds")
    return statistics.median(min(pair) for pair in measured) < LIMIT_CHART


def _chart_in_a_new_kernel(place: Workspace) -> tuple[float, float]:
    with kernel(TERUKUR_WORKSPACE=str(place.root)) as client:
        spent, began = _processor_seconds(client.pid), time.monotonic()
        client.execute(FIRST_CELLS)
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "error":
                raise RuntimeError(message["content"]["evalue"])
            if "application/vnd.plotly.v1+json" in message["content"].get("data", {}):
                return time.monotonic() - began, _processor_seconds(client.pid) - spent


def _processor_seconds(pid: int) -> float:
    """Of one process with all its threads; the wall clock where the system does not tell."""
    told = Path(f"/proc/{pid}/stat")
    if not told.exists():
        return time.monotonic()
    user, system = told.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


# -- the cost of all -------------------------------------------------------------------------------------------------------------
def cost(place: Workspace) -> bool:
    """Every notebook on a published regency, in a copy of its notebooks folder: seconds and bytes."""
    name = versions.current(place)
    with tempfile.TemporaryDirectory() as folder, versions.open_version(place, name) as version:
        moment = version.info["built_at"].isoformat()
        aside = _Aside(place.root, Path(folder))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        ran = execution.run_all(aside, name, now=moment)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        site = pages.build(version, Path(folder) / "site", notebooks=aside.notebooks)
        sizes = {r.name: (site.folder / "id" / "buku" / f"{r.name}.html").stat().st_size for r in ran}
    for record in ran:
        print(f"{record.name:32} {record.seconds:6.2f} s {sizes[record.name] / 1000:7.0f} kB {record.failure or ''}")
    print(f"all {len(ran)}: {wall:.1f} s, {cpu:.1f} processor seconds; largest page {max(sizes.values()) / 1000:.0f} kB")
    return wall < LIMIT_SECONDS and max(sizes.values()) <= LIMIT_BYTES and not any(r.failure for r in ran)


class _Aside(Workspace):
    """A workspace whose notebook records go elsewhere."""

    def __init__(self, root: Path, folder: Path):
        super().__init__(root)
        object.__setattr__(self, "_folder", folder)

    @property
    def notebooks(self) -> Path:
        return self._folder / "notebooks"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kernels", type=int, default=20)
    options.add_argument("--nights", type=int, default=30)
    options.add_argument("--whole-every", type=int, default=5)
    options.add_argument("--workspace", type=Path)
    options.add_argument("--skip-nights", action="store_true")
    chosen = options.parse_args()
    good = chosen.skip_nights or busy_nights(chosen.kernels, chosen.nights, chosen.whole_every)
    if chosen.workspace:
        place = workspace(chosen.workspace)
        good &= first_chart(place)
        good &= cost(place)
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
