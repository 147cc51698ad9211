"""How fast files become typed rows, against other ways to read the same bytes, all in one run on one machine.

    python benchmarks/reading.py [--small] [--files 20000] [--bytes 1100000000] [--large 500000000]

Simulated Instagram exports (18 columns as the platform writes them, captions with line feeds in quotes) are put into a temporary
folder: many small files, one large one, and a workbook. Every way reads them warm from the page cache; what they are
compared with must give the same sums, or the run stops. Ratios hold better than seconds; a missed target is printed as missed.
"""

# ruff: noqa: SIM905  (names read better in one line; statements hold our own paths only)

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import xlsxwriter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline import registry
from pipeline.exports import Job, guards, read_many
from pipeline.exports import reading as reader
from pipeline.settings import Workspace

HEADER = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,Data comment,"
    "Date,Views,Reach,Likes,Shares,Comments,Saves,Follows"
).split(",")
COUNTS = HEADER[11:]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
PACIFIC = ZoneInfo("America/Los_Angeles")
WORDS = "warga posyandu banjir jalan desa layanan puskesmas kecamatan bupati sekolah vaksin UMKM wisata 🙏 pelatihan".split()
ACCOUNTS = 125


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="reading-"))
    try:
        return run(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--bytes", type=int, default=1_100_000_000)
    parser.add_argument("--large", type=int, default=500_000_000)
    parser.add_argument("--small", action="store_true", help="600 files of 30 MB together and a large file of 20 MB")
    options = parser.parse_args()
    if options.small:
        options.files, options.bytes, options.large = 600, 30_000_000, 20_000_000
    return options


# ---- files to read --------------------------------------------------------------------------------------------------------


def lines(n: int, account: int, seed: int) -> str:
    """Rows of one account's export; ids, links and times agree with each other, as in real files."""
    random = np.random.default_rng(seed)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    counts = random.integers(1, 5000, (n, len(COUNTS)))
    start = datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(minutes=int(random.integers(0, 1000)))
    words = random.integers(0, len(WORDS), (n, 24))
    for i in range(n):
        moment = start + timedelta(minutes=i * max(1, 400_000 // max(n, 1)) if n < 400_000 else i % 400_000)
        number = ((int(moment.timestamp() * 1000) - 1314220021721) << 23) | (account * 65536 + i) % (1 << 23)
        code = "".join(ALPHABET[(number >> shift) & 63] for shift in range(60, -1, -6))
        views, reach = int(counts[i, 0] + counts[i, 1]), int(counts[i, 1])
        text = " ".join(WORDS[w] for w in words[i, :12]) + "\n" + " ".join(WORDS[w] for w in words[i, 12:])
        local = moment.astimezone(PACIFIC).strftime("%m/%d/%Y %H:%M")
        link = f"https://www.instagram.com/p/{code}/"
        row = [
            f"179{account:04d}{i:09d}7",
            f"178414000{account:04d}1357",
            f"sim.akun{account}",
            f"Simulasi {account}",
            text,
            0,
            local,
        ]
        writer.writerow([*row, link, "IG image", "", "Lifetime", views, reach, *counts[i, 2:].tolist()])
    return out.getvalue()


def write_files(folder: Path, files: int, size: int, first: int = 0) -> list[Path]:
    """``files`` exports of together about ``size`` bytes, in the folders of their accounts and nights."""
    header = ",".join(HEADER) + "\n"
    sample = lines(50, 1, 0)
    rows = max(2, int((size / files - len(header)) / (len(sample.encode()) / 50)))
    pool = [lines(rows, account, account) for account in range(ACCOUNTS)]
    paths = []
    for number in range(first, first + files):
        account, night = number % ACCOUNTS, number // ACCOUNTS
        day = datetime(2026, 10, 1, tzinfo=UTC) - timedelta(days=night)
        place = folder / day.strftime("%Y-%m-%d") / f"a{account}"
        place.mkdir(parents=True, exist_ok=True)
        paths.append(place / f"export-{number}.csv")
        # The last like count is the file's own number, so that no two files are equal bytes.
        body, _, last = pool[account].rstrip("\n").rpartition(",")
        paths[-1].write_text(f"{header}{body},{int(last) + number}\n", encoding="utf-8-sig", newline="")
    return paths


def write_large(folder: Path, size: int) -> Path:
    block = lines(20_000, 9000, 1)
    path = folder / "large.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(HEADER) + "\n")
        for number in range(max(1, size // len(block.encode()))):
            out.write(block.replace("\n1799000", f"\n179{number:04d}").replace("1799000", f"179{number:04d}", 1))
    return path


def write_workbook(folder: Path, rows: int) -> Path:
    path = folder / "book.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Sheet1")
    for r, record in enumerate(csv.reader(io.StringIO(",".join(HEADER) + "\n" + lines(rows, 7, 7), newline=""))):
        sheet.write_row(r, 0, record)
    book.close()
    return path


def register(folder: Path) -> None:
    """A registry that knows the simulated accounts."""
    registry.write_template(folder, template="kabupaten-bogor")
    agency = registry.load(folder).agencies["agency_id"][0]
    header = (folder / "accounts.csv").read_text(encoding="utf-8-sig").splitlines()
    names = next(line for line in header if line.startswith("account_id")).split(",")
    rows = [
        {
            "account_id": f"a{n}",
            "platform": "instagram",
            "handle": f"sim.akun{n}",
            "platform_account_id": f"178414000{n:04d}1357",
            "agency_id": agency,
            "valid_from": "2020-01-01",
            "status": "active",
        }
        for n in range(ACCOUNTS)
    ]
    with (folder / "accounts.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(rows)


# ---- ways to read ---------------------------------------------------------------------------------------------------------


def cat(paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb", buffering=0) as handle:
            while handle.read(1 << 20):
                pass


def ours(paths: list[Path], limits: guards.Limits | None = None) -> int:
    """Read, prove, parse and type; the sum of the likes."""
    total = 0
    for exports in read_many([Job(p, first_seen=SEEN) for p in paths], limits=limits):
        if exports[0].outcome != "accepted":
            raise SystemExit(f"{exports[0].file}: {exports[0].messages}")
        total += int(exports[0].sums["likes"])
    return total


def parsed(paths: list[Path], limits: guards.Limits | None = None) -> int:
    """Read, hash, prove and parse: the first half of what `ours` does, by the same steps; the number of rows."""
    opener = reader.Opener(None, limits or guards.Limits(), reader.FEW, reader.SMALL)
    rows = seen = 0
    for window in reader.ahead(opener.windows(Job(p, first_seen=SEEN) for p in paths)):
        for found in window.proven:
            seen += len(found.tables)
            rows += found.rows.height
    if seen < len(paths):
        raise SystemExit(f"{len(paths) - seen} files were not proven")
    return rows


def polars_alone(paths: list[Path]) -> int:
    """What the fast parser costs by itself: files of one header each, all columns as text, nothing checked."""
    schema = dict.fromkeys(HEADER, pl.String)
    return sum(pl.read_csv(p, schema=schema, quote_char='"').height for p in paths)


def duckdb_alone(paths: list[Path]) -> int:
    """What DuckDB's parser costs by itself, with pinned columns, into memory."""
    con = duckdb.connect()
    try:
        return sum(con.execute(f"SELECT count(COLUMNS(*)) FROM read_csv('{p}', {PINNED})").fetchall()[0][0] for p in paths)
    finally:
        con.close()


COLUMNS = {h: ("BIGINT" if h in COUNTS else "VARCHAR") for h in HEADER}
PINNED = f"columns = {COLUMNS}, header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false, new_line = '\\n'"


def duck(paths: list[Path], target: Path, statement: str) -> int:
    con = duckdb.connect(str(target))
    try:
        types = ", ".join(f'"{h}" {t}' for h, t in COLUMNS.items())
        con.execute(f"CREATE TABLE t ({types})")
        con.execute("BEGIN")
        for path in paths:
            con.execute(statement.format(path=str(path)))
        con.execute("COMMIT")
        con.execute("CHECKPOINT")
        return con.execute('SELECT sum("Likes") FROM t').fetchall()[0][0]
    finally:
        con.close()


def panda(paths: list[Path], target: Path) -> int:
    """An importer as people write it: one frame per file, typed, dated, appended to a table."""
    con = duckdb.connect(str(target))
    total = 0
    for number, path in enumerate(paths):
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype={h: str for h in HEADER if h not in COUNTS})
        frame["Publish time"] = pd.to_datetime(frame["Publish time"], format="%m/%d/%Y %H:%M")
        con.register("frame", frame)
        con.execute("CREATE TABLE t AS SELECT * FROM frame" if number == 0 else "INSERT INTO t SELECT * FROM frame")
        con.unregister("frame")
        total += int(frame["Likes"].sum())
    con.close()
    return total


def concatenated(paths: list[Path], folder: Path, parts: int = 4) -> list[Path]:
    """The same rows in a few files: one header each."""
    folder.mkdir()
    made = []
    for part in range(parts):
        made.append(folder / f"{part}.csv")
        with made[-1].open("wb") as out:
            out.write((",".join(HEADER) + "\n").encode())
            for path in paths[part::parts]:
                out.write(path.read_bytes().split(b"\n", 1)[1])
    return made


def book_with_openpyxl(path: Path) -> int:
    sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    return sum(1 for _ in sheet.iter_rows(values_only=True))


# ---- the run --------------------------------------------------------------------------------------------------------------


def timed(what: Callable, *arguments: object) -> tuple[float, object]:
    start = time.perf_counter()
    result = what(*arguments)
    return time.perf_counter() - start, result


TARGETS: list[bool] = []  # whether each was reached, in the order in which they were printed
MEMORY = 1024  # MB


def verdict(
    name: str, seconds: float, ratio: float | None = None, target: str = "", met: bool | None = None, peak: float | None = None
) -> None:
    shown = "" if ratio is None else f"{ratio:.2f}x"
    memory = "" if peak is None else f"{peak:.0f} MB"
    print(f"{name:<54}{seconds:9.2f} s {shown:>9} {memory:>8}  {target:<24} {said(met)}".rstrip(), flush=True)


def memory_verdict(name: str, peak: float) -> None:
    print(f"{name:<75} {f'{peak:.0f} MB':>8}  {f'<= {MEMORY} MB':<24} {said(peak <= MEMORY)}", flush=True)


def said(met: bool | None) -> str:
    if met is None:
        return ""
    TARGETS.append(met)
    return "reached" if met else "NOT REACHED"


def run(folder: Path, options: argparse.Namespace) -> int:
    inbox = folder / "workspace" / "inbox"
    paths = write_files(inbox, options.files, options.bytes)
    size = sum(p.stat().st_size for p in paths)
    print(
        f"{len(paths)} files, {size / 1e6:.0f} MB; polars {pl.__version__}, duckdb {duckdb.__version__}, pandas {pd.__version__}"
    )
    likes = reading(folder, inbox, paths)
    disk = to_disk(folder / "workspace", options)
    against_others(folder, paths, disk, likes)
    large_file(folder, options)
    workbooks(folder, 2_000 if options.small else 40_000)
    print(f"{sum(TARGETS)} of {len(TARGETS)} targets reached; MB is the most memory that the process of a line held")
    return 0


def reading(folder: Path, inbox: Path, paths: list[Path]) -> object:
    """The lines about reading alone, with what hashing and other parsers cost as a reference."""
    cat(paths)
    cat_seconds, _ = timed(cat, paths)
    verdict("cat of the same bytes (warm)", cat_seconds)

    def against_cat(name: str, what: Callable, files: list[Path]) -> object:
        seconds, result = timed(what, files)
        verdict(name, seconds, seconds / cat_seconds)
        return result

    seconds, peak, rows = measured("parsed", inbox)
    parse_name = "ours: read + hash + prove + parse"
    verdict(parse_name, seconds, seconds / cat_seconds, "<= 3x cat", seconds <= 3 * cat_seconds, peak)
    seconds, peak, likes = measured("ours", inbox)
    verdict("ours: the same, typed and checked", seconds, seconds / cat_seconds, peak=peak)
    few = concatenated(paths, folder / "few")
    same(against_cat("reference: polars.read_csv, a few concatenated files", polars_alone, few), rows)
    same(against_cat("reference: DuckDB read_csv, the same", duckdb_alone, few), rows)
    against_cat("reference: SHA-256 of every file", hashed, paths)
    return likes


ALONE = """
import sys, time
from pathlib import Path
from benchmarks import reading
from pipeline.exports import guards
what, place, largest = getattr(reading, sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
paths = sorted(place.rglob("*.csv")) if place.is_dir() else [place]
start = time.perf_counter()
result = what(paths, guards.Limits(bytes=largest))
print(time.perf_counter() - start, peak(), result)
"""


def measured(what: str, place: Path, largest: int = guards.Limits.bytes) -> tuple[float, float, int]:
    """`parsed` or `ours` in a process of its own: seconds, peak memory in MB, result."""
    seconds, peak, result = python(ALONE, what, str(place), str(largest)).split()[-3:]
    return float(seconds), float(peak), int(result)


def hashed(paths: list[Path]) -> None:
    for path in paths:
        hashlib.sha256(path.read_bytes()).hexdigest()


PEAK = """
def peak():
    # MB of this process alone; what getrusage says begins with the memory of the process that started it
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
"""
INGEST = """
import sys, time
from pathlib import Path
from pipeline import registry
from pipeline.intake import ledger
from pipeline.settings import Workspace
workspace = Workspace(Path(sys.argv[1]))
known = registry.load(workspace.registry)
start = time.perf_counter()
report = ledger.ingest(workspace, known, settle_seconds=0)
print(time.perf_counter() - start, peak(), report.counts["accepted"], report.counts.total(), report.unchanged)
"""


def python(code: str, *arguments: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    return done.stdout


def ingest(root: Path) -> tuple[float, float, int]:
    """One night in a process of its own: seconds, peak memory in MB, files accepted."""
    seconds, peak, accepted, total, _ = map(float, python(INGEST, str(root)).split()[-5:])
    if accepted != total:
        raise SystemExit(f"{total - accepted:.0f} files were not accepted")
    return seconds, peak, int(accepted)


def to_disk(root: Path, options: argparse.Namespace) -> float:
    """Archive, ledger and rows; then the same folder again, then with 300 files on top."""
    workspace = Workspace(root).create()
    register(workspace.registry)
    first, peak, _ = ingest(root)
    verdict("ours to disk: archived, owned, stored (first night)", first, peak=peak)
    memory_verdict("its memory", peak)
    second, peak, _ = ingest(root)
    verdict("the same folder again", second, second / first, "<= 3 % of the first", second <= 0.03 * first, peak)
    fresh = min(300, max(3, options.files // 66))
    write_files(workspace.inbox, fresh, int(options.bytes / options.files * fresh), first=options.files)
    third, peak, _ = ingest(root)
    verdict(f"{fresh} new files on top", third, third / first, "<= 5 % of the first", third <= 0.05 * first, peak)
    return first


def against_others(folder: Path, paths: list[Path], disk: float, likes: object) -> None:
    few = sorted((folder / "few").iterdir())
    insert = "INSERT INTO t SELECT * FROM read_csv('{path}', " + PINNED.replace("{", "{{").replace("}", "}}") + ")"
    joined, total = timed(duck, few, folder / "few.duckdb", insert)
    same(total, likes)
    verdict("DuckDB, a few concatenated files", joined, disk / joined, "ours to disk <= 1.5x", disk <= 1.5 * joined)
    alone, total = timed(duck, paths, folder / "alone.duckdb", insert)
    same(total, likes)
    verdict("DuckDB, file by file, explicit columns", alone, alone / disk, "ours >= 1.8x faster", alone >= 1.8 * disk)
    pandas_seconds, total = timed(panda, paths, folder / "pandas.duckdb")
    same(total, likes)
    verdict("pandas, file by file", pandas_seconds, pandas_seconds / disk, "ours >= 5x faster", pandas_seconds >= 5 * disk)


def same(total: object, likes: object) -> None:
    if total != likes:
        raise SystemExit(f"sums differ: {total} <> {likes}")


def large_file(folder: Path, options: argparse.Namespace) -> None:
    path = write_large(folder, options.large)
    cat([path])
    cat_seconds, _ = timed(cat, [path])
    largest = 2 * options.large + 10_000_000
    name = f"one file of {path.stat().st_size / 1e6:.0f} MB"
    verdict(f"{name}: cat", cat_seconds)
    seconds, peak, _ = measured("parsed", path, largest)
    parse_name = f"{name}: read + hash + prove + parse"
    verdict(parse_name, seconds, seconds / cat_seconds, "<= 3x cat", seconds <= 3 * cat_seconds, peak)
    seconds, peak, _ = measured("ours", path, largest)
    verdict(f"{name}: the same, typed and checked", seconds, seconds / cat_seconds, peak=peak)
    memory_verdict("its memory", peak)
    path.unlink()


BOOK = """
import resource, sys, time
from pathlib import Path
from pipeline.exports import guards, workbook
data = Path(sys.argv[1]).read_bytes()
start = time.perf_counter()
sheets = workbook.read(data, "xlsx", guards.Limits(unpacked=2**31, ratio=10_000))
seconds = time.perf_counter() - start
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(seconds, peak() + child, len(sheets[0].records))
"""


def workbooks(folder: Path, rows: int) -> None:
    path = write_workbook(folder, rows)
    seconds, peak, n = map(float, python(BOOK, str(path)).split()[-3:])
    theirs, expected = timed(book_with_openpyxl, path)
    same(n, expected)
    verdict(f"XLSX of {rows} rows, guarded child process", seconds, peak=peak)
    verdict("openpyxl, the same workbook", theirs, theirs / seconds, "ours >= 8x faster", theirs >= 8 * seconds)


if __name__ == "__main__":
    raise SystemExit(main())
