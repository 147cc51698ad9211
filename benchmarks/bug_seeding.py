"""Puts one bug at a time into a copy of the reader and asks whether the tests of the reader notice it.

``python -m benchmarks.bug_seeding`` prints each seed with its verdict and the score (at least 95 % must be caught). Seeds are
``benchmarks/bug_seeds.tsv``: file of ``pipeline/exports``, text before (exactly once in it; ⏎ is a line end), text after, what it
does. A seed whose text is gone is an error: the list must be brought up to date.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEDS = Path(__file__).with_name("bug_seeds.tsv")
TESTS = ("test_exports", "test_resaved", "test_formats", "test_mutants")
PARTS = ("pipeline", "tests", "warehouse", "docs", "benchmarks", "pyproject.toml")


def seeds() -> list[dict[str, str]]:
    with SEEDS.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{k: v.replace("⏎", "\n") for k, v in row.items()} for row in rows]


def seeded(seed: dict[str, str]) -> str:
    """The source with its bug; ValueError if the seed does not fit it exactly once."""
    source = (ROOT / "pipeline" / "exports" / seed["file"]).read_text(encoding="utf-8")
    if source.count(seed["before"]) != 1 or seed["before"] == seed["after"]:
        raise ValueError(f"{seed['file']}: {seed['before']!r} occurs {source.count(seed['before'])} times")
    return source.replace(seed["before"], seed["after"])


def is_caught(seed: dict[str, str]) -> tuple[bool, str, float]:
    """Whether the tests fail with the bug in, the first that does, and the seconds it took."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source, target = ROOT / part, Path(folder) / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        (Path(folder) / "pipeline" / "exports" / seed["file"]).write_text(seeded(seed), encoding="utf-8")
        tests = [f"tests/{t}.py" for t in TESTS]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    first = next((x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))), "").split(" - ")[0]
    return done.returncode == 1 and first.startswith("FAILED"), first or done.stdout[-300:], time.monotonic() - begun


def main() -> int:
    found = seeds()
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(is_caught, found))
    for seed, (caught, first, seconds) in zip(found, results, strict=True):
        print(
            f"{'caught' if caught else 'MISSED':7}{seconds:6.1f} s  {seed['file']:18} {seed['what']:48} {first if caught else ''}"
        )
    score = sum(caught for caught, _, _ in results) / len(results)
    print(f"{sum(c for c, _, _ in results)} of {len(results)} seeded bugs caught: {score:.1%}")
    return 0 if score >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
