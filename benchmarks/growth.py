"""How the tables of SQL grow with the rows: `python -m benchmarks.growth WORKSPACE --copies 1 4 16`

The accounts of a published regency and all their raw rows are taken several times, each time as other accounts with other posts,
and every table of SQL is built from them; tables that Python makes are taken from the published version as they are. Per size:
rows, seconds, CPU, the most memory, disk, what the build costs beside the CREATE TABLE alone, and the exponent with which CPU
grows. Memory is that of the settings: TERUKUR_MEMORY_LIMIT=512MB.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

SHIFT = 2**53  # keys have 53 bits
KEYS = {"export_id", "account_key", "owner_key", "post_key", "text_key"}
NAMES = {"account_id", "post_id"}
ENDING = "CASE k WHEN 0 THEN '' ELSE '-' || k END"


def multiplied(source: Path, target: Path, copies: int) -> None:
    """The raw database with every account several times; the first copy is as it was."""
    import duckdb

    from pipeline.engine import raw

    with duckdb.connect(str(target)) as con:
        con.execute("SET memory_limit = '2GB'")
        con.execute(f"ATTACH '{source}' AS given (READ_ONLY)")
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'given'").fetchall():
            if table not in raw.TABLES:
                con.execute(f"CREATE TABLE {table} AS SELECT * FROM given.{table}")
                continue
            con.execute(f"CREATE TABLE {table} AS SELECT * FROM given.{table} LIMIT 0")
            columns = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()]
            made = [f'"{c}" + k * {SHIFT}' if c in KEYS else f'"{c}" || {ENDING}' if c in NAMES else f'"{c}"' for c in columns]
            con.execute(f"INSERT INTO {table} SELECT {', '.join(made)} FROM range({copies}) r(k) CROSS JOIN given.{table}")


def registers(folder: Path, copies: int):
    import polars as pl

    from pipeline import registry

    known = registry.load(folder)
    more = [
        known.accounts.with_columns(pl.col("account_id") + (f"-{k}" if k else ""), pl.col("handle") + (f"-{k}" if k else ""))
        for k in range(copies)
    ]
    object.__setattr__(known, "accounts", pl.concat(more))
    return known


def build(root: Path, copies: int) -> None:
    """All tables of SQL, once; prints what it took."""
    from pipeline.engine import build, models
    from pipeline.settings import Workspace

    class Measured(build.Build):
        alone = 0.0

        def _build(self, model) -> None:
            began = time.process_time()
            super()._build(model)
            self.alone += time.process_time() - began

    with Measured(Workspace(root), registers(root / "registry", copies)) as making:
        began, cpu, slowest = time.monotonic(), time.process_time(), []
        for model in models.models():
            if model.table:
                making.con.execute(f"CREATE TABLE {model.name} AS SELECT * FROM previous.{model.name}")
                making.contents[model.name] = making.made_of[model.name] = model.name
            else:
                slowest.append((making.create(model).seconds, model.name))
        took, used = time.monotonic() - began, time.process_time() - cpu
        rows = making._scalar("SELECT count(*) FROM raw.post_snapshots"), making._scalar("SELECT count(*) FROM raw.account_days")
        size = sum(path.stat().st_size for path in making.folder.rglob("*") if path.is_file()) / 2**20
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    names = ", ".join(f"{name} {seconds:.1f}" for seconds, name in sorted(slowest, reverse=True)[:3])
    print(f"{rows[0]}\t{rows[1]}\t{took:.1f}\t{used:.1f}\t{peak:.0f}\t{size:.0f}\t{used / making.alone:.2f}\t{names}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("workspace", type=Path)
    asked.add_argument("--copies", type=int, nargs="+", default=[1, 4, 16])
    asked.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    said = asked.parse_args()
    if said.alone:
        return build(said.workspace, said.copies[0])
    print(f"TERUKUR_MEMORY_LIMIT={os.environ.get('TERUKUR_MEMORY_LIMIT', '1GB')}; load {os.getloadavg()[0]:.0f}")
    print("snapshots account days   seconds      CPU peak MiB disk MiB  CPU / of SQL alone; the slowest")
    points = []
    for copies in said.copies:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copytree(said.workspace / "registry", root / "registry")
            shutil.copytree(said.workspace / "warehouse" / "versions", root / "warehouse" / "versions")
            shutil.copy(said.workspace / "warehouse" / "CURRENT", root / "warehouse" / "CURRENT")
            multiplied(said.workspace.absolute() / "warehouse" / "raw.duckdb", root / "warehouse" / "raw.duckdb", copies)
            command = [sys.executable, "-m", "benchmarks.growth", str(root), "--alone", "--copies", str(copies)]
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{copies} copies: {done.stderr.strip().splitlines()[-1]}")
            break
        parts = done.stdout.strip().split("\t")
        print("{:>9} {:>12} {:>9} {:>8} {:>8} {:>8}  {}; {}".format(*parts), flush=True)
        points.append((math.log(float(parts[0])), math.log(float(parts[3]))))
    if len(points) > 1:
        steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
        print("exponent of CPU between sizes: " + ", ".join(f"{s:.2f}" for s in steps))


if __name__ == "__main__":
    main()
