"""A night of new files against a build of everything, without pages: `python -m benchmarks.incremental WORKSPACE --files 300`

WORKSPACE is a simulated regency; a copy of it is used. New files are exports of its accounts a week later.
CPU seconds say more than the clock on a machine that does other things. Ends with 1 where a table of the night differs from the
whole build's.
"""

import argparse
import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from pipeline import registry, samples
from pipeline.engine import build, models, versions
from pipeline.files import sha256_of
from pipeline.intake import ledger
from pipeline.settings import Workspace


def timed(name: str, what):
    began, cpu = time.monotonic(), time.process_time()
    result = what()
    print(f"{name:58}{time.monotonic() - began:8.1f} s {time.process_time() - cpu:8.1f} s CPU", flush=True)
    return result


def tables(workspace: Workspace) -> dict[str, pl.DataFrame]:
    keys = {m.name: m.key for m in models.models()}
    with versions.open_version(workspace) as version:
        return {n: version.table(n).sort(keys[n], nulls_last=True) for n in version.tables if n in keys}


def later(folder: Path, workspace: Workspace, profile: str, files: int) -> int:
    """Put exports that are new to the workspace into its inbox."""
    samples.generate(folder, profile, today=samples.TODAY + dt.timedelta(days=7))
    known = "\n".join(path.name for path in workspace.archive.rglob("*"))
    count = 0
    for path in sorted((folder / "inbox").rglob("*"), reverse=True):
        if path.is_file() and count < files and sha256_of(path) not in known:
            target = workspace.inbox / path.relative_to(folder / "inbox")
            target = target.with_name(f"later-{target.name}") if target.exists() else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            count += 1
    return count


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("workspace", type=Path)
    asked.add_argument("--files", type=int, default=300)
    asked.add_argument("--profile", default="demo", help="of the workspace")
    said = asked.parse_args()
    print(f"load {os.getloadavg()[0]:.0f}")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "w"
        for part in ("registry", "archive", "inbox", "warehouse"):
            shutil.copytree(said.workspace / part, root / part)
        workspace = Workspace(root)
        known = registry.load(workspace.registry)
        timed("read (nothing new)", lambda: ledger.ingest(workspace, known, settle_seconds=0))
        timed("build of everything", lambda: build.build(workspace, registry=known))
        timed("build, nothing new", lambda: build.build(workspace, registry=known, reusing=True))
        count = later(Path(scratch) / "later", workspace, said.profile, said.files)
        timed(f"read {count} new files", lambda: ledger.ingest(workspace, known, settle_seconds=0))
        grown = timed("build of what changed", lambda: build.build(workspace, registry=known, reusing=True))
        print(f"  {sum(t.is_reused for t in grown.tables)} of {len(grown.tables)} tables taken over")
        ours = tables(workspace)
        timed("build of everything again", lambda: build.build(workspace, registry=known))
        whole = tables(workspace)
    status = Path("/proc/self/status").read_text().splitlines()
    print(f"most memory {next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) / 1024:.0f} MiB")
    wrong = []
    for name, frame in whole.items():
        try:
            assert_frame_equal(ours[name], frame, rel_tol=1e-9, abs_tol=1e-12)
        except AssertionError as error:
            wrong.append(f"{name}: {' '.join(str(error).split())[:200]}")
    print(f"{len(whole)} tables, {len(wrong)} different", *wrong, sep="\n  ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
