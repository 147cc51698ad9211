"""How fast the door answers and how much memory it takes: ``python -m benchmarks.door`` (a minute; loopback only).

Files are Instagram content exports of about 200 KB, each with other bytes. *One after the other* is a person with a fast line,
from the first byte sent to the whole verdict. *Twenty at once* are twenty links that hand in at one moment. Memory is that of the
service and its worker together, resident: at rest (the worker has gone home), and at most while twenty hand in.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import exports_in_tests as e  # noqa: E402
from desk_in_tests import workspace  # noqa: E402
from test_desk_kill import free_port, post, start  # noqa: E402

from pipeline.desk import links  # noqa: E402

SENDERS = 20
TARGETS = {"median_seconds": 3.0, "p95_of_twenty_seconds": 15.0, "idle_mib": 150, "load_mib": 600}


def export(number: int) -> bytes:
    """About 200 KB, as no other export is."""
    records = e.instagram(200)
    for row in records[1:]:
        row[4] = f"ayo ke posyandu {number} " * 45
    return e.plain(records)


def resident(pid: int) -> int:
    """MiB of a process and its children."""
    total = 0
    for each in (pid, *children(pid)):
        try:
            total += int(Path(f"/proc/{each}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total // 2**20


def children(pid: int) -> list[int]:
    try:
        own = [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for task in Path(f"/proc/{pid}/task").iterdir():
            own += [int(c) for c in (task / "children").read_text().split() if int(c) not in own]
    except OSError:
        return []
    return own + [g for c in own for g in children(c)]


def measure(rounds: int) -> dict[str, float]:
    root = Path(tempfile.mkdtemp(prefix="door-"))
    made, port = workspace(root), free_port()
    base = f"http://127.0.0.1:{port}"
    ways = [base + links.make(made, "dinkes").path for _ in range(SENDERS)]
    process = start(made, port)
    try:
        time.sleep(1)
        idle = resident(process.pid)
        with urllib.request.urlopen(ways[0], timeout=60) as page:  # a person opens the page first; the worker starts with it
            page.read()
        numbers = iter(range(10_000))
        post(ways[0], "warm.csv", export(next(numbers)))
        singles = [hand_in(ways[0], next(numbers)) for _ in range(rounds)]
        peak, stop = [0], threading.Event()
        watching = threading.Thread(target=watch, args=(process.pid, peak, stop))
        watching.start()
        crowd: list[float] = []
        with ThreadPoolExecutor(SENDERS) as pool:
            for _ in range(3):
                crowd += pool.map(hand_in, ways, [next(numbers) for _ in ways])
        stop.set()
        watching.join()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        shutil.rmtree(root, ignore_errors=True)
    return {
        "kilobytes": len(export(0)) // 1000,
        "median_seconds": round(median(singles), 2),
        "median_of_twenty_seconds": round(median(crowd), 2),
        "p95_of_twenty_seconds": round(quantiles(crowd, n=20)[-1], 2),
        "idle_mib": idle,
        "load_mib": peak[0],
    }


def hand_in(url: str, number: int) -> float:
    data = export(number)
    began = time.monotonic()
    records = post(url, f"u-{number}.csv", data)
    assert records and records[0]["stored"], records
    return time.monotonic() - began


def watch(pid: int, peak: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.02):
        peak[0] = max(peak[0], resident(pid))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    found = measure(parser.parse_args().rounds)
    print(json.dumps(found, indent=1))
    missed = [name for name, most in TARGETS.items() if found[name] > most]
    for name in missed:
        print(f"{name}: {found[name]}, at most {TARGETS[name]} wanted", file=sys.stderr)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
