"""Many small regencies, each with its own workspace, united: time, rows, size. `python -m benchmarks.province --regencies 27`

The regencies are simulated (profile tiny, one seed each). Their nights are not part of what is timed.
"""

import argparse
import re
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path


def regency(root: Path, number: int) -> Path:
    """One workspace with a published version."""
    from pipeline import registry
    from pipeline.engine import build
    from pipeline.intake import ledger
    from pipeline.samples import generate
    from pipeline.settings import Workspace

    place = root / f"daerah-{number:02}"
    generate(place, profile="tiny", seed=2000 + number)
    said = place / "registry" / "settings.toml"
    said.write_text(re.sub(r'(?m)^name = ".*"$', f'name = "Kabupaten Uji {number:02}"', said.read_text(encoding="utf-8")))
    workspace = Workspace(place)
    workspace.mend()
    known = registry.load(workspace.registry)
    ledger.ingest(workspace, known)
    build.build(workspace, registry=known)
    shutil.rmtree(workspace.inbox)
    return place


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--regencies", type=int, default=27)
    asked.add_argument("--at-once", type=int, default=2)
    asked.add_argument("--keep", type=Path, help="where the workspaces are left")
    said = asked.parse_args()
    from pipeline.pages import provinsi
    from pipeline.province import unite
    from pipeline.settings import Workspace

    with tempfile.TemporaryDirectory() as scratch:
        root = said.keep or Path(scratch)
        began = time.monotonic()
        with ProcessPoolExecutor(said.at_once, mp_context=get_context("spawn")) as pool:
            places = list(pool.map(regency, [root] * said.regencies, range(1, said.regencies + 1)))
        print(f"{said.regencies} nights: {time.monotonic() - began:.1f} s")
        began, cpu = time.monotonic(), time.process_time()
        target = Workspace(root / "provinsi")
        with unite.unite([Workspace(place) for place in places], target, "Provinsi Uji") as version:
            united = time.monotonic() - began
            made = provinsi.build(version, target.site)
            rows = sum(version.sql("SELECT rows FROM meta.tables")["rows"])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = (target.versions / f"{made.version}.duckdb").stat().st_size / 2**20
        took, used = time.monotonic() - began, time.process_time() - cpu
        print(f"union {united:.1f} s; union and {made.pages} pages {took:.1f} s (CPU {used:.1f} s)")
        print(f"{rows} rows, {size:.1f} MiB, peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
