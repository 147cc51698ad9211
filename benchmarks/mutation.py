"""Delete every column of every export in turn: each figure that needs it must turn into "not reported", none into 0.

    python benchmarks/mutation.py [--agencies 44] [--seed 2026]

A regency of many agencies is built twice. In the second copy every account lacks one column of one kind: the accounts of
a platform share its columns out among themselves. Every metric that can be measured per account is then compared for the account
that lost the column. One export per account, so that no fitted curve moves with the mutation.
Printed: column x metric. "-" not reported any more, "~" another number, "0" a false zero, "R" the file was refused as a whole.
Exit status 0: no false zero.
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
from pathlib import Path

import openpyxl
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline import ledger, metrics, registry, samples, settings, warehouse
from pipeline.samples.dialects import workbook
from pipeline.samples.regency import ALL_PLATFORMS, Profile, shipped_agencies

Key = tuple[str, str]  # account_id, kind
# They say whether files came and when: a refused file makes them 0 or later, and that is the truth.
ABOUT_FILES = ("coverage_accounts", "coverage_days", "data_age", "quarantine_share")


def regency(root: Path, n: int, seed: int) -> dict:
    """Every agency with every platform, twelve weeks, one export on the last day."""
    cast = tuple(a for a, rows in shipped_agencies().items() if not rows[0]["valid_from"] and not rows[-1]["valid_to"])[1 : n + 1]
    forced = dict.fromkeys(cast, (*ALL_PLATFORMS, "linkedin"))
    plan = Profile("mutasi", 12, cast, (), "", "", (), ("", ""), every_days=84, forced=forced, all_arrive=True)
    return samples.generate(root, plan, seed)


# ---- taking a column away -------------------------------------------------------------------------------------------------


def without(rows: list[list], k: int, header: int) -> str | None:
    """Remove column k of a table whose names stand in row `header`; returns its name, None if there is no such column."""
    names = rows[header]
    if k >= len(names) or len(names) < 2:
        return None
    name, width = names[k], len(names)
    for row in rows[header:]:
        if len(row) == width:  # a short row has lost its last cells already
            del row[k]
    return str(name)


def mutate_text(data: bytes, k: int) -> tuple[bytes, str | None]:
    if data[:2] == b"\xff\xfe":  # a chart: separator line, title, header; or blocks of an audience, which have no columns to lose
        rows = list(csv.reader(io.StringIO(data.decode("utf-16"))))
        name = without(rows, k, 2) if rows[2:] and len(rows[2]) == 2 and rows[2][0] in ("Date", "Tanggal") else None
        return "".join(",".join(f'"{c}"' for c in r) + "\n" for r in rows).encode("utf-16"), name
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    name = without(rows, k, 0)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "utf-8"), name


def mutate(path: Path, k: int, member: str) -> str | None:
    """Take column k away from one table of a file; its name, None (and an untouched file) if there is no such column."""
    data, name = path.read_bytes(), None
    if path.suffix == ".zip":
        archive, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for item in archive.namelist():
                text = archive.read(item)
                if item == member:
                    text, name = mutate_text(text, k)
                target.writestr(item, text)
        data = out.getvalue()
    elif path.suffix == ".xlsx":
        sheets = {s.title: [list(r) for r in s.iter_rows(values_only=True)] for s in openpyxl.load_workbook(path)}
        for rows in sheets.values():
            rows[0] = rows[0][:1]
        name = without(sheets[member.removeprefix("sheet:")], k, 1)
        data = workbook(sheets, dt.datetime(2026, 11, 22))
    else:
        data, name = mutate_text(data, k)
    if name:
        path.write_bytes(data)
    return name


def turns(truth: dict) -> dict[str, list[tuple[str, int]]]:
    """For each platform every (kind, column number) it offers, in a fixed order."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for record in truth["files"].values():
        if record["account_id"]:
            kinds[record["account_id"].split("-", 1)[0]] |= {e["kind"] for e in record["exports"]}
    width = {"meta.content.facebook.post": 35, "meta.content.instagram.story": 21, "meta.content.instagram.post": 18}
    return {p: [(kind, k) for kind in sorted(found) for k in range(width.get(kind, 20))] for p, found in kinds.items()}


def mutate_all(root: Path, truth: dict) -> dict[Key, str]:
    """Give every account the next column of its platform; what was lost from which kind of export."""
    waiting, mine, lost = turns(truth), {}, {}
    for path, record in truth["files"].items():
        account = record["account_id"] or ""
        kinds = {e["kind"] for e in record["exports"]}
        if not account or (account in mine and mine[account] is not None and mine[account] not in kinds):
            continue
        queue = waiting[account.split("-", 1)[0]]
        for kind, k in [pair for pair in queue if pair[0] in kinds] if account not in mine else []:
            queue.remove((kind, k))
            member = next(e["member"] for e in record["exports"] if e["kind"] == kind)
            name = mutate(root / path, k, member)
            if name:
                lost[account, kind], mine[account] = name, kind
                break
    return lost


# ---- the figures before and after -----------------------------------------------------------------------------------------


def figures(root: Path) -> tuple[dict[str, dict[str, float | None]], dict[Key, str]]:
    """{metric: {account: value}} of every metric with an account grain, and what became of each export."""
    workspace = settings.workspace(root)
    ledger.ingest(workspace, registry.load(workspace.registry))
    warehouse.build(workspace)
    out: dict[str, dict[str, float | None]] = {}
    with warehouse.open_version(workspace) as version:
        for metric in metrics.catalogue().metrics.keys() - set(ABOUT_FILES):
            try:
                rows = metrics.measure(version, metric, by=("account_id",))
            except metrics.MetricError:
                continue  # measured at other grains only
            if rows.height and rows.schema["value"].is_numeric():
                known = rows.with_columns(pl.col("value").cast(pl.Float64)).select("account_id", "value")
                out[metric] = {a: v for a, v in known.rows() if a and v is not None and math.isfinite(v)}
        exports = version.sql("SELECT account_id, file_name, kind, outcome FROM marts.export_files")
    return out, {(a, k): o for a, _, k, o in exports.rows() if a and k}


def compare(before: dict, after: dict, lost: dict[Key, str], outcomes: dict[Key, str]) -> list[tuple[str, str, str, str]]:
    """(kind, column, metric, mark) for every figure of an account that is not what it was."""
    out = []
    for (account, kind), column in sorted(lost.items(), key=lambda item: (item[0][1], item[1])):
        if outcomes.get((account, kind)) not in ("accepted", "flagged"):
            out.append((kind, column, "", "R"))
            continue
        for metric, values in before.items():
            was, now = values.get(account), after.get(metric, {}).get(account)
            if was is None or (now is not None and math.isclose(was, now, rel_tol=1e-9)):
                continue
            out.append((kind, column, metric, "-" if now is None else "0" if now == 0 else "~"))
    return out


def show(found: list[tuple[str, str, str, str]], lost: dict[Key, str]) -> None:
    rows: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, column, metric, mark in found:
        rows[kind, column][mark].append(metric)
    words = {"-": "not reported", "~": "another number", "0": "FALSE ZERO"}
    for kind, column in sorted({(kind, column) for (_, kind), column in lost.items()}):
        marks = rows[kind, column]
        text = (
            "refused as a whole"
            if "R" in marks
            else "; ".join(f"{words[m]}: {', '.join(sorted(set(v)))}" for m, v in marks.items())
        )
        print(f"{kind} | {column} | {text or 'no figure uses it'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agencies", type=int, default=44)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sound, harmed = Path(folder) / "sound", Path(folder) / "harmed"
        truth = regency(sound, options.agencies, options.seed)
        shutil.copytree(sound, harmed)
        lost = mutate_all(harmed, truth)
        before, _ = figures(sound)
        after, outcomes = figures(harmed)
    found = compare(before, after, lost, outcomes)
    show(found, lost)
    zeros = [f for f in found if f[3] == "0"]
    print(f"{len(lost)} columns taken away, {len(before)} metrics: {len(found)} figures changed, {len(zeros)} false zeros")
    return 1 if zeros else 0


if __name__ == "__main__":
    raise SystemExit(main())
