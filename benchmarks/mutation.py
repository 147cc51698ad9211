"""Delete every column of every export in turn: a figure that needs it must turn into "not reported", never into 0 or another.

    python -m benchmarks.mutation [--agencies 5] [--seed 2026] [--only meta.content] [--jobs 1]

A small regency with every platform is built once. Then, for each table of one agency's exports and each of its columns, the
regency is built again with that single column taken out of that single file, and every metric is measured again, at the first
grain of `GRAINS` that it knows. Nothing else differs between the two builds, so every difference is the column's doing. A column
whose loss leaves all raw rows as they were cannot move a figure and is not built. One export per account, so that no maturity
curve moves with the mutation.

Printed: column | what became of the figures of that account. "not reported": null with n 0. "zero", "another number": what must
not be. "other parts": another number that says in its basis that it is made of other parts (TikTok saves, which the published
definition counts where a file has them). "fewer behind it": a figure over several accounts that rests on what is left, and says
so by a smaller n.
Exit status 0: no zero and no other number.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import math
import shutil
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import openpyxl

from pipeline import registry, samples, settings
from pipeline.engine import build, metrics, versions
from pipeline.intake import ledger
from pipeline.samples.dialects import workbook
from pipeline.samples.regency import ALL_PLATFORMS, MAIN, SHORT, Profile, shipped_agencies

# They say whether files came and when: a refused file makes them 0 or later, and that is the truth.
ABOUT_FILES = ("coverage_accounts", "coverage_days", "data_age", "quarantine_share")
# The first of these that a metric can be measured at; rows of the account that lost the column are judged.
GRAINS = (
    ("account_id",),
    ("account_id", "metric"),
    ("account_id", "month"),
    ("account_id", "quarter"),
    ("agency_id", "platform"),
    ("agency_id",),
    ("agency_id", "month"),
    ("agency_id", "year"),
    ("topic", "district", "month"),
    ("topic",),
    ("scheme_id", "programme"),
    ("programme",),
    ("campaign", "platform"),
)
Figure = tuple[float | None, int, str | None]  # value, n, basis
Figures = dict[tuple[str, tuple], Figure]
NOTHING: Figure = (None, 0, None)


@dataclass(frozen=True)
class Cut:
    """One column of one table of one file."""

    path: str
    member: str
    kind: str
    account_id: str | None
    number: int
    column: str


def regency(root: Path, n: int, seed: int) -> dict:
    """The main channel and `n` districts with every platform, twelve weeks, one export on the last day."""
    districts = [a for a in shipped_agencies() if a.startswith("kec-")][:n]
    forced = dict.fromkeys((MAIN, *districts), (*ALL_PLATFORMS, "linkedin"))
    plan = Profile("mutasi", 12, (MAIN, *districts), (), "", "", (), ("", ""), every_days=84, forced=forced, all_arrive=True)
    return samples.generate(root, plan, seed)


# ---- taking a column away -------------------------------------------------------------------------------------------------


def _text_rows(data: bytes) -> tuple[list[list[str]], int | None]:
    """Records of a text file and where its header stands; None for the blocks of an audience, which have no columns to lose."""
    if data[:2] == b"\xff\xfe":  # a chart: separator line, title, header
        rows = list(csv.reader(io.StringIO(data.decode("utf-16"))))
        return rows, 2 if rows[2:] and len(rows[2]) == 2 and rows[2][0] in ("Date", "Tanggal") else None
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))), 0


def _text(rows: list[list[str]], like: bytes) -> bytes:
    if like[:2] == b"\xff\xfe":
        return "".join(",".join(f'"{c}"' for c in r) + "\n" for r in rows).encode("utf-16")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig" if like[:3] == b"\xef\xbb\xbf" else "utf-8")


def _sheets(data: bytes) -> dict[str, list[list]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {s.title: [list(r) for r in s.iter_rows(values_only=True)] for s in book.worksheets}


def _header_of(rows: list[list]) -> int:
    """The first record with as many names as the table is wide: titles and notes stand above it."""
    return next(i for i, row in enumerate(rows) if len([c for c in row if c is not None]) > 2)


def columns_of(path: Path, member: str) -> list[str]:
    """The names of one table of a file, in their order."""
    data = path.read_bytes()
    if path.suffix == ".xlsx":
        rows = _sheets(data)[member.removeprefix("sheet:")]
        return [str(c) for c in rows[_header_of(rows)]]
    rows, header = _text_rows(zipfile.ZipFile(io.BytesIO(data)).read(member) if path.suffix == ".zip" else data)
    return rows[header] if header is not None else []


def _without(rows: list[list], header: int, k: int) -> list[list]:
    width = len(rows[header])  # a short record has lost its last cells already
    return [row[:k] + row[k + 1 :] if i >= header and len(row) == width else row for i, row in enumerate(rows)]


def cut_out(path: Path, member: str, k: int) -> None:
    """Rewrite a file with one table lacking its column k."""
    data = path.read_bytes()
    if path.suffix == ".xlsx":
        sheets = _sheets(data)
        for name, rows in sheets.items():
            header = _header_of(rows)
            rows[:header] = [[c for c in row if c is not None] for row in rows[:header]]
            if name == member.removeprefix("sheet:"):
                sheets[name] = _without(rows, header, k)
        path.write_bytes(workbook(sheets, dt.datetime(2026, 11, 22)))
        return
    if path.suffix == ".zip":
        archive, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for item in archive.namelist():
                text = archive.read(item)
                target.writestr(item, _cut_text(text, k) if item == member else text)
        path.write_bytes(out.getvalue())
        return
    path.write_bytes(_cut_text(data, k))


def _cut_text(data: bytes, k: int) -> bytes:
    rows, header = _text_rows(data)
    assert header is not None
    return _text(_without(rows, header, k), data)


def cuts(root: Path, truth: dict, only: str = "") -> Iterator[Cut]:
    """Every column of every kind of export, each taken from the first file that has it: one agency's, the main channel's
    where nobody else has the kind."""
    seen: set[tuple[str, int]] = set()
    files = sorted(truth["files"].items(), key=lambda item: (str(item[1]["account_id"]).endswith(MAIN), item[0]))
    for path, record in files:
        for export in record["exports"]:
            kind, member = export["kind"], export["member"]
            if not kind.startswith(only):
                continue
            for k, column in enumerate(columns_of(root / path, member)):
                if (kind, k) not in seen:
                    seen.add((kind, k))
                    yield Cut(path, member, kind, record["account_id"], k, column)


# ---- the figures of a build -----------------------------------------------------------------------------------------------


def ingest(root: Path) -> settings.Workspace:
    workspace = settings.workspace(root)
    ledger.ingest(workspace, registry.load(workspace.registry))
    return workspace


def figures(workspace: settings.Workspace) -> dict[str, tuple[tuple[str, ...], Figures]]:
    """{metric: (grain, {(metric, row): (value, n, basis)})}, at the first of `GRAINS` that the metric knows."""
    build.build(workspace)
    out: dict[str, tuple[tuple[str, ...], Figures]] = {}
    with versions.open_version(workspace) as version:
        for metric in sorted(metrics.catalogue().metrics.keys() - set(ABOUT_FILES)):
            for grain in GRAINS:
                try:
                    rows = metrics.measure(version, metric, by=grain)
                except metrics.MetricError:
                    continue
                known = rows.select(*grain, "value", "n", "basis").rows()
                out[metric] = (grain, {(metric, tuple(r[:-3])): tuple(r[-3:]) for r in known})
                break
    return out


RAW = ("post_snapshots", "account_days", "audience", "cases")
EXPORTS = "SELECT file_name, member, kind, outcome, captured_at, captured_from, period_first, period_last FROM {}.exports"


def outcome_of(workspace: settings.Workspace, cut: Cut) -> str:
    with duckdb.connect(str(workspace.raw_db), read_only=True) as con:
        found = con.execute(
            "SELECT outcome FROM exports WHERE file_name = ? AND member = ?", [Path(cut.path).name, cut.member]
        ).fetchall()
    return found[0][0] if len(found) == 1 else "refused"  # a table that is not recognised has no member of its own


def same_rows(sound: settings.Workspace, harmed: settings.Workspace) -> bool:
    """Whether both private databases hold the same rows, whatever their exports are numbered."""
    with duckdb.connect() as con:
        for name, workspace in (("a", sound), ("b", harmed)):
            con.execute(f"ATTACH '{workspace.raw_db}' AS {name} (READ_ONLY)")
        queries = [(EXPORTS.format("a"), EXPORTS.format("b"))]
        queries += [tuple(f"SELECT * EXCLUDE (export_id) FROM {n}.{table}" for n in "ab") for table in RAW]
        return not any(
            con.execute(f"SELECT count(*) FROM (({x} EXCEPT ALL {y}) UNION ALL ({y} EXCEPT ALL {x}))").fetchone()[0]
            for x, y in queries
        )


# ---- one column at a time -------------------------------------------------------------------------------------------------


def agency_of(account_id: str) -> str:
    return account_id.split("-", 1)[1]


def platform_of(cut: Cut) -> str:
    return next((name for name, short in SHORT.items() if short == (cut.account_id or "").split("-")[0]), "")


def _is_his(grain: tuple[str, ...], row: tuple, cut: Cut, platform: str) -> bool:
    """Whether a row is a figure of the account that lost the column (or of its agency, or of nobody in particular)."""
    if cut.account_id is None:
        return True
    own = {"account_id": cut.account_id, "agency_id": agency_of(cut.account_id), "platform": platform}
    named = [(name, value) for name, value in zip(grain, row, strict=True) if name in own]
    return bool(named) and all(own[name] == value for name, value in named)


def mark(was: Figure, now: Figure, whole: bool) -> str | None:
    """What became of a figure; None: nothing. `whole`: of this account alone, so a smaller n is no excuse."""
    if was[0] is None and now[0] is None:
        return None
    if now[0] is None:
        return "not reported" if now[1] == 0 or not whole else "null with n"
    if was[0] is not None and math.isclose(was[0], now[0], rel_tol=1e-9):
        return None
    if not whole and now[1] < was[1]:
        return "fewer behind it"
    if was[2] != now[2] and now[2] is not None:
        return "other parts"
    return "zero" if now[0] == 0 else "another number"


def compare(before: dict, after: dict, cut: Cut, platform: str) -> dict[str, set[str]]:
    """{mark: metrics} of the figures that belong to the account of the cut."""
    found: dict[str, set[str]] = defaultdict(set)
    for metric, (grain, known) in before.items():
        whole = "account_id" in grain or {"agency_id", "platform"} <= set(grain)
        rest = after.get(metric, (grain, {}))[1]
        for key in known.keys() | rest.keys():
            if not _is_his(grain, key[1], cut, platform):
                continue
            word = mark(known.get(key, NOTHING), rest.get(key, NOTHING), whole)
            if word:
                found[word].add(metric)
    return found


def harm(cut: Cut, root: Path, sound: Path, before: dict) -> tuple[Cut, str, dict[str, set[str]]]:
    """Build the regency without one column: (the cut, outcome of the file, what became of which metric)."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        copy = Path(folder) / "w"
        for part in ("registry", "inbox"):
            shutil.copytree(sound / part, copy / part)
        cut_out(copy / cut.path, cut.member, cut.number)
        workspace = ingest(copy)
        outcome = outcome_of(workspace, cut)
        if outcome not in ("accepted", "flagged") or same_rows(settings.workspace(sound), workspace):
            return cut, outcome, {}
        return cut, outcome, compare(before, figures(workspace), cut, platform_of(cut))


BAD = ("zero", "another number", "null with n")


def words(outcome: str, found: dict[str, set[str]]) -> str:
    if outcome not in ("accepted", "flagged"):
        return "refused as a whole"
    return "; ".join(f"{m}: {', '.join(sorted(v))}" for m, v in sorted(found.items())) or "no figure uses it"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agencies", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", default="", help="kinds whose name begins so")
    parser.add_argument("--column", default="", help="one column only")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, sound = Path(folder), Path(folder) / "sound"
        truth = regency(sound, asked.agencies, asked.seed)
        before = figures(ingest(sound))
        todo = [c for c in cuts(sound, truth, asked.only) if asked.column in ("", c.column)]
        work = partial(harm, root=root, sound=sound, before=before)
        counts: dict[str, int] = defaultdict(int)
        with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:  # a fork inherits locks of threads
            for cut, outcome, found in pool.map(work, todo):
                print(f"{cut.kind} | {cut.column} | {words(outcome, found)}", flush=True)
                for name, which in found.items():
                    counts[name] += len(which)
                counts["refused"] += outcome not in ("accepted", "flagged")
    print(
        f"{len(todo)} columns taken away, {counts['refused']} files refused; of {len(before)} metrics: "
        f"{counts['not reported']} not reported, {counts['fewer behind it']} with fewer behind them, "
        f"{counts['other parts']} of other parts and saying so, "
        f"{counts['another number'] + counts['null with n']} moved, {counts['zero']} zero"
    )
    return 1 if any(counts[name] for name in BAD) else 0


if __name__ == "__main__":
    sys.exit(main())
