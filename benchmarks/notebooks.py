"""Open notebooks against a busy night, and what the notebooks of a regency cost.

    python benchmarks/notebooks.py [--readers 20] [--publishes 30] [--workspace data] [--skip-night]

First part: a small regency is built again and again (`--publishes` times) while `--readers` processes hold versions open as a
notebook does. Every reader asks the same three questions of its version all the time and reopens the newest now and then; within
one version every answer must stay the same, and nobody may meet a lock or a missing file. Second part (with `--workspace` of a
published regency): every notebook runs, two at a time, and is exported; seconds, processor seconds and sizes are printed.
Exit status 0: no error, no torn read, all within their limits.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline import execution, ledger, pages, registry, samples, warehouse
from pipeline.settings import Workspace, workspace

LIMIT_SECONDS, LIMIT_BYTES = 120, 1_000_000
READER = """
import json, os, sys, time, contextlib, io
from pipeline.notebook import buka
ASK = ("select version, built_at from meta.version", "select count(*) n, sum(engagement) e, max(captured_at) c from core.posts",
       "select sum(vs_expected) v, count(*) n from estimates.agency_window")
done = lambda: os.path.exists(sys.argv[2])
seen, errors, torn, reads, opened = {}, [], 0, 0, 0
while not done():
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            db = buka(ruang=sys.argv[1])
        opened += 1
        until = time.time() + 2.0
        while time.time() < until and not done():
            answer = [db.sql(q).rows() for q in ASK]
            first = seen.setdefault(db.versi.name, answer)
            torn += answer != first or answer[0][0][0] != db.versi.name
            reads += 1
            time.sleep(0.2)
        db.tutup()
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}"[:200])
        time.sleep(0.05)
print(json.dumps({"reads": reads, "opened": opened, "torn": torn, "errors": errors, "versions": sorted(seen)}))
"""


def busy_night(readers: int, publishes: int) -> bool:
    """True when no reader met an error or a torn read and every publish succeeded."""
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder) / "data")
        samples.generate(place.root, profile="tiny")
        known = registry.load(place.registry)
        ledger.ingest(place.create(), known)
        warehouse.build(place, registry=known)
        root = str(Path(__file__).resolve().parent.parent)
        stop = Path(folder) / "stop"
        command = [sys.executable, "-c", READER, str(place.root), str(stop)]
        open_readers = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": root, "TERUKUR_THREADS": "1"})
            for _ in range(readers)
        ]
        seconds = []
        for _ in range(publishes):
            began = time.monotonic()
            warehouse.build(place, registry=known)
            seconds.append(time.monotonic() - began)
        stop.touch()
        found = [json.loads(reader.communicate()[0]) for reader in open_readers]
    errors = [e for f in found for e in f["errors"]]
    torn = sum(f["torn"] for f in found)
    versions = {v for f in found for v in f["versions"]}
    print(f"{readers} readers, {len(seconds)} publishes ({sum(seconds):.0f} s, {max(seconds):.1f} s the slowest)")
    print(f"{sum(f['opened'] for f in found)} openings, {sum(f['reads'] for f in found)} reads of {len(versions)} versions")
    print(f"errors: {len(errors)} {sorted(set(errors))[:3]}; torn reads: {torn}")
    return not errors and not torn and len(seconds) == publishes


def cost(place: Workspace) -> bool:
    """Every notebook on a published regency, in a copy of its notebooks folder: seconds and bytes."""
    name = warehouse.current(place)
    with tempfile.TemporaryDirectory() as folder, warehouse.open_version(place, name) as version:
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
    options.add_argument("--readers", type=int, default=20)
    options.add_argument("--publishes", type=int, default=30)
    options.add_argument("--workspace", type=Path)
    options.add_argument("--skip-night", action="store_true")
    chosen = options.parse_args()
    good = chosen.skip_night or busy_night(chosen.readers, chosen.publishes)
    if chosen.workspace:
        good &= cost(workspace(chosen.workspace))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
