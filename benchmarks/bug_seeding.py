"""Puts one bug at a time into a copy of the reader and asks whether the tests of the reader notice it.

``python -m benchmarks.bug_seeding`` prints each seed's verdict as it falls, and the score (at least 95 % must be caught).
``--only TEXT`` takes the seeds whose file or description holds the text; ``--workers 2`` judges two at a time.

Seeds are ``benchmarks/bug_seeds.tsv``: file below ``pipeline/``, text before (exactly once in it; ⏎ is a line end), text after,
what it does. Verdicts: *caught* - a test failed, or ran on without end; *missed* - every test passed; *error* - the seed's text
is gone, its file no longer compiles, or no test came to a verdict. An error is not a catch: the list must be brought up to date.

The tests run in a temporary copy of the tree, the nearest ones first and the mutants last. They run on the untouched copy before
any seed does: it must pass, and what it takes is the measure of what running without end means: four times its processor time for
the whole, twice its seconds for a single test that waits. Compiled files in the copy are checked by the hash of their source and
never written again, so that no seed can leave anything to the next one.
"""

import argparse
import csv
import os
import py_compile
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
SEEDS = Path(__file__).with_name("bug_seeds.tsv")
PARTS = ("pipeline", "tests", "benchmarks", "warehouse", "docs", "pyproject.toml")
TESTS = ("test_readings", "test_exports", "test_formats", "test_resaved", "test_mapped", "test_batch", "test_mutants")
AT_ONCE = ("proven", "proof", "digits", "stack", "structure", "fields", "typed", "numbers", "moments", "checks", "summary")
NEAR = dict.fromkeys(AT_ONCE, "test_batch") | {"mapped": "test_mapped"}
PLACES = "test_every_seeded_bug_still_has_its_place"  # fails for every seed: it asks whether the seeded text is still there
ENDLESS = 4  # times the processor time of the clean run
WAITS = 2  # times the seconds of the clean run, for one test
PATIENCE = 3600  # seconds after which a run has no verdict


@dataclass(frozen=True)
class Limits:
    """Seconds of the processor for all tests, and seconds for one test; 0 without end."""

    processor: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Verdict:
    word: str  # caught | missed | error
    by: str  # the test that failed, or what went wrong
    seconds: float


def seeds() -> list[dict[str, str]]:
    with SEEDS.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{k: v.replace("⏎", "\n") for k, v in row.items()} for row in rows]


def seeded(seed: dict[str, str]) -> str:
    """The source with its bug; ValueError if the seed does not fit it exactly once."""
    source = (ROOT / "pipeline" / seed["file"]).read_text(encoding="utf-8")
    if source.count(seed["before"]) != 1 or seed["before"] == seed["after"]:
        raise ValueError(f"{seed['file']}: {seed['before']!r} occurs {source.count(seed['before'])} times")
    return source.replace(seed["before"], seed["after"])


def order(file: str) -> list[str]:
    """The tests of a source file, nearest first."""
    near = NEAR.get(Path(file).stem, TESTS[0])
    return [f"tests/{t}.py" for t in (near, *(t for t in TESTS if t != near))]


def copy_tree(place: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, place / part)
    for source in (place / "pipeline").rglob("*.py"):
        py_compile.compile(str(source), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def run_tests(place: Path, file: str, limits: Limits = Limits()) -> Verdict:
    """The tests on the copy in ``place``, up to the first that fails."""

    def limit() -> None:
        if limits.processor:
            resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor))

    begun = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        f"--timeout={limits.waiting}",
        "--timeout-method=thread",  # ends the process: a thread that waits for a pipe would keep it alive
    ]
    command += ["--tb=no", "--deselect", f"tests/test_mutants.py::{PLACES}", *order(file)]
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    try:
        done = subprocess.run(
            command,
            cwd=place,
            env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            preexec_fn=limit,
        )
    except subprocess.TimeoutExpired:
        return Verdict("error", f"no verdict after {PATIENCE} s", time.monotonic() - begun)
    seconds = time.monotonic() - begun
    first = next((x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))), "").split(" - ")[0]
    if limits.processor and done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Verdict("caught", f"ran on for more than {limits.processor} s of processor time", seconds)
    if limits.waiting and "+ Timeout +" in done.stdout + done.stderr:
        return Verdict("caught", f"a test waited for more than {limits.waiting} s", seconds)
    if done.returncode == 1 and first.startswith("FAILED"):
        return Verdict("caught", first.removeprefix("FAILED tests/"), seconds)
    if done.returncode == 0:
        return Verdict("missed", "", seconds)
    return Verdict("error", first or (done.stdout + done.stderr)[-300:], seconds)


def judge(seed: dict[str, str], place: Path, limits: Limits) -> Verdict:
    """The verdict on one seed in a copy that is as it was afterwards."""
    target = place / "pipeline" / seed["file"]
    clean = target.read_bytes()
    try:
        source = seeded(seed)
        compile(source, seed["file"], "exec")
        target.write_text(source, encoding="utf-8")
        return run_tests(place, seed["file"], limits)
    except (ValueError, SyntaxError) as error:
        return Verdict("error", str(error), 0)
    finally:
        target.write_bytes(clean)


def clean_run(place: Path) -> Limits:
    """What the tests may take; ends here if they fail without any bug."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    verdict = run_tests(place, TESTS[0])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if verdict.word != "missed":
        sys.exit(f"the tests fail without a bug: {verdict.by}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"without a bug: every test passes in {verdict.seconds:.0f} s, {used:.0f} s of the processor", flush=True)
    return Limits(int(used * ENDLESS) + 30, int(verdict.seconds * WAITS) + 60)


def verdicts(chosen: list[dict[str, str]], workers: int) -> Iterator[tuple[dict[str, str], Verdict]]:
    """Each seed with its verdict, in order, as soon as it is there."""
    with tempfile.TemporaryDirectory() as folder:
        places: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            place = Path(folder) / str(number)
            place.mkdir()
            copy_tree(place)
            places.put(place)
        limits = clean_run(Path(folder) / "0")

        def one(seed: dict[str, str]) -> Verdict:
            place = places.get()
            try:
                return judge(seed, place, limits)
            finally:
                places.put(place)

        with ThreadPoolExecutor(workers) as pool:
            yield from zip(chosen, pool.map(one, chosen), strict=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="seeds whose file or description holds this text")
    options.add_argument("--workers", type=int, default=1, help="seeds judged at a time")
    given = options.parse_args()
    chosen = [s for s in seeds() if given.only in f"{s['file']} {s['what']}"]
    count: Counter[str] = Counter()
    for seed, verdict in verdicts(chosen, given.workers):
        count[verdict.word] += 1
        print(f"{verdict.word:7}{verdict.seconds:6.0f} s  {seed['file']:26}{seed['what']:50} {verdict.by}", flush=True)
    score = count["caught"] / max(1, len(chosen))
    print(
        f"{count['caught']} of {len(chosen)} seeded bugs caught: {score:.1%}; {count['missed']} missed, {count['error']} errors"
    )
    return 0 if score >= 0.95 and not count["error"] else 1


if __name__ == "__main__":
    sys.exit(main())
