"""The promises P1 to P14 with figures beside their targets: ``python -m benchmarks.reliability``.

Runs every part (`benchmarks.promises`), prints the table and writes it to docs/reliability.md. All of them in full take hours,
so parts run on their own and on different days (``--only kills --minutes 60``), each keeping its rows with the day and the
load in benchmarks/reliability.json, from which the table is always made; ``--table`` runs nothing. What no part ran is said so,
never guessed. What people wrote under *Read with it* in the document stays. Needs the tests; a full disk needs leave to mount a
file system of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.promises import PARTS, SMALL, Row, Size
from pipeline.files import write_atomically

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
DOCUMENT = ROOT / "docs" / "reliability.md"
NOTES = "## Read with it"
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


def read(kept: Path = KEPT) -> dict[str, dict[str, Any]]:
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}


def keep(part: str, rows: list[Row], seconds: float, kept: Path = KEPT, at: datetime | None = None) -> None:
    """Put the rows of a part in the place of its earlier ones; a smaller run without a fault displaces no larger one."""
    with open(kept.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found, before = read(kept), rows_of(read(kept).get(part, {}))
        if before and all(row.held for row in (*rows, *before)) and rows[0].tries < before[0].tries:
            return
        about = {"at": (at or datetime.now(UTC)).isoformat(timespec="minutes"), "seconds": round(seconds)}
        found[part] = about | {"load": round(os.getloadavg()[1]), "cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}
        write_atomically(kept, json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    kept.with_suffix(".lock").unlink(missing_ok=True)


def rows_of(one: dict[str, Any]) -> list[Row]:
    return [Row(**row) for row in one.get("rows", [])]


def table(found: dict[str, dict[str, Any]]) -> list[str]:
    """All that was run, in Markdown; *so far* says that nothing was wrong in fewer tries than the target asks for."""
    lines = ["| P | promise | what was done | measured | target | met |", "|---|---|---|---|---|---|"]
    for promise, words in PROMISES.items():
        mine = [(row, one) for _, one in sorted(found.items()) for row in rows_of(one) if row.promise == promise]
        for row, one in mine:
            met = "yes" if row.is_met else f"so far: {row.tries} of {row.asked}" if row.held else "**no**"
            done = f"{row.what} ({one['at'][:10]}, load {one['load']})"
            lines.append(f"| {' | '.join((promise, words, done, row.measured, row.target, met))} |")
        if not mine:
            lines.append(f"| {promise} | {words} | not run | – | – | – |")
    return lines


def document(found: dict[str, dict[str, Any]], before: str) -> str:
    """The table, and below it what people wrote of it."""
    head = f"""# What is promised, and what was measured

Written by `python -m benchmarks.reliability` on {os.cpu_count()} cores, shared with other work (the load stands beside
each day). Each line says what was done and when; `not run` means that nothing was. One part alone: `--only kills --minutes 60`.
"""
    notes = before[before.index(NOTES) :] if NOTES in before else f"{NOTES}\n"
    return "\n".join([head, *table(found), "", notes])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="*", choices=sorted(PARTS), default=list(PARTS), help="these parts only")
    options.add_argument("--table", action="store_true", help="run nothing")
    options.add_argument("--small", action="store_true", help="few tries of each")
    options.add_argument("--minutes", type=float, default=float("inf"), help="begin no try of a part after so many")
    for field in dataclasses.fields(Size):
        if field.name != "until":
            options.add_argument(f"--{field.name}", type=int)
    given = options.parse_args()
    said = {f.name: n for f in dataclasses.fields(Size) if (n := getattr(given, f.name, None)) is not None}
    for name in [] if given.table else given.only:
        began = time.monotonic()
        size = dataclasses.replace(SMALL if given.small else Size(), **said, until=began + 60 * given.minutes)
        with tempfile.TemporaryDirectory(prefix=f"terukur-{name}-") as place:
            rows = PARTS[name](Path(place), size)
        keep(name, rows, time.monotonic() - began)
        print(name, f"{time.monotonic() - began:.0f} s", *(f"\n  {r.promise} {r.what}: {r.measured}" for r in rows), flush=True)
    found = read()
    print("\n".join(table(found)))
    write_atomically(DOCUMENT, document(found, DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""))
    return 0 if all(row.held for one in found.values() for row in rows_of(one)) else 1


if __name__ == "__main__":
    sys.exit(main())
