"""The promises P1 to P14 with figures beside their targets: ``python -m benchmarks.reliability --write docs/reliability.md``.

Each part measures something and keeps its rows in ``--keep``, so that long parts can run on their own (``--only kills
--kills 500``) and the table is printed from all that were run. What a part did not run is said so, never guessed. Needs the
tests; a full disk needs leave to mount a file system of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import night
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.settings import Workspace
from tests import injuries, test_faults
from tests.fake_exports import NOW, ingest, registers
from tests.night_worker import few_agencies
from tests.test_faults import dump, file_number

ROOT = Path(__file__).parents[1]
PROMISES = {
    "P1": "No lost, doubled or torn row after a kill",
    "P2": "The published version always opens and is whole",
    "P3": "No silent mis-read",
    "P4": "Untouched exports are read",
    "P5": "Same files, any order: the same warehouse",
    "P6": "One bad file cannot hurt the night",
    "P7": "Recovers alone",
    "P8": "History is not rewritten unseen",
    "P9": "Outputs are inert",
    "P10": "Erasure is real",
    "P11": "One account's data never stop or bend the others",
    "P12": "What one may undo is undone whole",
    "P13": "A silent night is impossible",
    "P14": "Every setting and promise is kept by code",
}
# Promises whose proof is a set of tests: pytest's files and -k expression.
TESTS = {
    "P4": (["tests/test_real_files.py", "tests/test_formats.py"], ""),
    "P8": (["tests/test_checks.py", "tests/test_faults.py"], "history or b11 or restate"),
    "P9": (
        ["tests/test_html.py", "tests/test_browser.py", "tests/test_letters_books.py"],
        "inert or script or formula or hostile",
    ),
    "P10": (["tests/test_faults.py", "tests/test_erasure.py"], "b18 or p10"),
    "P11": (["tests/test_checks.py"], ""),
    "P12": (["tests/test_undo.py"], ""),
    "P13": (["tests/test_letters_nightly.py", "tests/test_status.py"], ""),
    "P14": (["tests/test_promises.py"], ""),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    promise: str
    what: str
    measured: str
    target: str
    is_met: bool


def kills(place: Path, given: argparse.Namespace) -> list[Row]:
    """Random SIGKILLs spread over six stages with a reader beside them, then one clean night."""
    killed, reader, hit = test_faults.kills(place, given.kills, seed=given.seed)
    unharmed = Workspace(place / "unharmed").create()
    for n in range(given.kills + 1):
        file_number(unharmed, n)
    worker = test_faults.Worker(unharmed.root)
    worker.whole_night(0)
    worker.close()
    left, right = dump(killed), dump(unharmed)
    different = [name for name in left if left[name] != right[name]]
    return [
        Row(
            "P1",
            f"{given.kills} SIGKILLs in 6 stages, {hit} while at work",
            f"{len(different)} of {len(left)} tables differ",
            "0 after 500",
            not different and given.kills >= 500,
        ),
        Row("P2", "a reader beside them", f"{reader.opens} opens, {len(reader.wrong)} wrong", "0 wrong", not reader.wrong),
    ]  # fmt: skip


def alone(place: Path, given: argparse.Namespace) -> list[Row]:
    """Each injury by itself."""
    return [_injured(place, "each injury alone", [(one,) for one in injuries.INJURIES], given.seed)]


def pairs(place: Path, given: argparse.Namespace) -> list[Row]:
    """Two injuries at once, chosen at random."""
    chance = random.Random(given.seed)
    chosen = [tuple(chance.sample(injuries.INJURIES, 2)) for _ in range(given.pairs)]
    return [_injured(place, "two injuries at once", chosen, given.seed)]


def _injured(place: Path, what: str, chosen: list[tuple[injuries.Injury, ...]], seed: int) -> Row:
    healthy = Workspace(place / "healthy").create()
    for n in range(3):
        file_number(healthy, n)
    injuries.whole_night(healthy)
    injuries.whole_night(healthy, NOW + timedelta(hours=1))
    before, wrong, asked = dump(healthy), [], 0
    for number, harmed in enumerate(chosen):
        shutil.rmtree(place / "data", ignore_errors=True)
        shutil.copytree(healthy.root, place / "data", symlinks=True)
        workspace, chance = Workspace(place / "data"), random.Random(seed + number)
        try:
            for injury in harmed:
                with contextlib.suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):
                    injury.harm(workspace, chance)  # the first may have left nothing for the second
            asked += bool(injuries.recover(workspace, harmed))
            if dump(workspace) != before:
                wrong.append(f"{[i.name for i in harmed]}: other figures")
        except Exception as error:
            wrong.append(f"{[i.name for i in harmed]}: {error}")
    for line in wrong:
        print(line, file=sys.stderr)
    mended = len(chosen) - len(wrong)
    told = f"{mended} of {len(chosen)} back to the same figures, {asked} of them after one named step"
    return Row("P7", f"{what} ({len(chosen)})", told, "all", not wrong)


def orders(place: Path, given: argparse.Namespace) -> list[Row]:
    """The same files in random orders, repeats and nights; and everything read again from the archive."""
    chance, first, wrong = random.Random(given.seed), None, 0
    for number in range(given.orders):
        workspace = Workspace(place / f"o{number}").create()
        files = list(range(given.files))
        chance.shuffle(files)
        while files:
            some, files = files[: (size := chance.randint(5, given.files))], files[size:]
            for n in some:
                file_number(workspace, n)
            ingest(workspace)
        if number % 10 == 9:
            ledger.rebuild(workspace, registers(), now=NOW, settle_seconds=0, read=injuries.read)
        build.build(workspace, registry=few_agencies(), now=NOW)
        found = dump(workspace)
        first = first or found
        wrong += found != first
        shutil.rmtree(workspace.root)
    what = f"{given.orders} random orders and splits of {given.files} files, every tenth rebuilt from its archive"
    return [Row("P5", what, f"{wrong} differ", "0 of 200", not wrong and given.orders >= 200)]


def disk(place: Path, given: argparse.Namespace) -> list[Row]:
    """A disk that is full at different moments of a night, each followed by one night with room."""
    small = place / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(small)], check=False).returncode:
        return [Row("P7", "a full disk", "not run: no file system can be mounted here", "status 6, then recovered", False)]
    try:
        return [_full(small, given.points)]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def _full(small: Path, points: int) -> Row:
    workspace = Workspace(small / "data").create()
    for n in range(3):
        file_number(workspace, n)
    injuries.whole_night(workspace)
    statuses: list[int] = []
    wrong: list[str] = []
    for point in range(points):
        file_number(workspace, 3 + point)
        spare = int(12e6 * (point / points) ** 2)
        (small / "filler").write_bytes(b"x" * max(shutil.disk_usage(small).free - spare, 0))
        before = versions.current(workspace)
        try:
            injuries.whole_night(workspace)
            statuses.append(night.DONE)
        except Exception as error:
            statuses.append(night.explain(error)[0])
            if statuses[-1] != night.ENVIRONMENT:
                wrong.append(f"{spare} bytes: {night.explain(error)[2]} {error!r}")
        with versions.open_version(workspace) as version:
            if statuses[-1] and version.name not in (before, f"w-{int((before or 'w-0')[2:]) + 1}"):
                wrong.append(f"{spare} bytes: {version.name}")
        (small / "filler").unlink()
        injuries.whole_night(workspace)
        for old in sorted(workspace.versions.glob("w-*.duckdb"), key=lambda p: int(p.stem[2:]))[:-3]:
            old.unlink()
            old.with_suffix(".json").unlink()
    for line in wrong:
        print(line, file=sys.stderr)
    told = f"{statuses.count(6)} times status 6, {statuses.count(0)} times room enough, {len(wrong)} wrong; "
    told += "the next night good each time"
    return Row("P7", f"a disk that is full at {points} points", told, "0 wrong", not wrong)


def zones(place: Path, given: argparse.Namespace) -> list[Row]:
    test_faults.test_b10_four_time_zones_give_the_same_dump(place)
    return [Row("P5", "4 time zones", "1 dump", "1", True)]


def hostile(place: Path, given: argparse.Namespace) -> list[Row]:
    from benchmarks.hostile import run

    found = run(place, given.hostile)
    return [
        Row(
            "P6",
            f"{given.hostile} hostile files and 20 good ones",
            _short(found),
            "good ones published, status 3",
            found["exit"] == 3,
        )
    ]


def _short(found: dict[str, object]) -> str:
    return "; ".join(f"{name} {value}" for name, value in found.items() if isinstance(value, int | float | str))[:200]


def mutants(place: Path, given: argparse.Namespace) -> list[Row]:
    from benchmarks.mutants import run

    found = run(given.mutants, given.seed)
    return [Row("P3", f"{given.mutants} mutated exports", f"{len(found.wrong)} wrong", "0", not found.wrong)]


def silence(place: Path, given: argparse.Namespace) -> list[Row]:
    """A night that failed, one that was killed, one that never began: when a person is told."""
    from tests import nights_that_fail

    return [
        Row("P13", what, f"{said} ({seconds:.1f} s after it could be known)", "within an hour", bool(said) and seconds <= 3600)
        for what, said, seconds in nights_that_fail.told(place)
    ]


def tested(place: Path, given: argparse.Namespace) -> list[Row]:
    """The promises whose proof is a set of tests."""
    rows = []
    for promise, (files, chosen) in TESTS.items():
        here = [name for name in files if (ROOT / name).exists()]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *here, *(["-k", chosen] if chosen else [])]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        last = made.stdout.strip().splitlines()[-1] if made.stdout.strip() else made.stderr.strip()[-80:]
        counts = _counts(made.stdout) or last
        rows.append(Row(promise, f"tests: {', '.join(Path(n).stem for n in here)}", counts, "0 failed", made.returncode == 0))
    return rows


def _counts(said: str) -> str:
    found = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for n, word in re.findall(r"(\d+) (passed|failed|skipped)", said):
        found[word] = int(n)
    if not any(found.values()):  # quiet mode prints a mark for each
        marks = "".join(re.findall(r"^([.FsExX]+)\s+\[", said, re.MULTILINE))
        found = {"passed": marks.count("."), "failed": marks.count("F") + marks.count("E"), "skipped": marks.count("s")}
    return ", ".join(f"{n} {word}" for word, n in found.items() if n or word != "skipped")


PARTS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    part.__name__: part for part in (kills, alone, pairs, orders, disk, zones, hostile, mutants, silence, tested)
}


def table(kept: Path) -> list[str]:
    """The table of all that was run, newest result of each part, in Markdown."""
    lines = ["| P | promise | what was done | measured | target | met |", "|---|---|---|---|---|---|"]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(kept.glob("*.json"))]
    rows = [(Row(**row), one["at"]) for one in found for row in one["rows"]]
    for promise, words in PROMISES.items():
        mine = [(row, at) for row, at in rows if row.promise == promise]
        for row, at in mine:
            cells = (promise, words, f"{row.what} ({at[:10]})", row.measured, row.target, "yes" if row.is_met else "**no**")
            lines.append(f"| {' | '.join(cells)} |")
        if not mine:
            lines.append(f"| {promise} | {words} | not run | – | – | – |")
    return lines


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    options.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "terukur-reliability")
    options.add_argument("--write", type=Path, help="the Markdown file to write the table into")
    options.add_argument("--seed", type=int, default=2026)
    for name, size in {"kills": 25, "pairs": 20, "orders": 10, "files": 50, "points": 20, "hostile": 40, "mutants": 500}.items():
        options.add_argument(f"--{name}", type=int, default=size)
    given = options.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"terukur-{name}-") as place:
            rows = PARTS[name](Path(place), given)
        kept = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began),
            "rows": [asdict(r) for r in rows],
        }
        (given.keep / f"{name}.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
        print(name, f"{kept['seconds']} s", *(f"\n  {r.promise} {r.what}: {r.measured}" for r in rows), flush=True)
    lines = table(given.keep)
    print("\n".join(lines))
    if given.write:
        _document(given, lines)
    return 0 if all(row["is_met"] for path in given.keep.glob("*.json") for row in json.loads(path.read_text())["rows"]) else 1


def _document(given: argparse.Namespace, lines: list[str]) -> None:
    """The table with its day and the machine it was measured on."""
    said = [
        "# What is promised, and what was measured",
        "",
        f"Written on {datetime.now(UTC):%Y-%m-%d} by `python -m benchmarks.reliability` on {os.cpu_count()} cores. Each line",
        "says what was done and on which day; `not run` means that nothing was.",
        "",
    ]
    given.write.write_text("\n".join([*said, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
