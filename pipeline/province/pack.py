"""Sealed packs: how accounts of a platform and a peer group spread in a month, without an account. Others load them.

What guards the accounts: a cell has at least K accounts, its count is rounded down to multiples of K, its middle to tenths of a
logarithm (about 10 %), quarters and spread are told of twice K accounts only, there are no sums, no means, no margins, and what
was once told of a cell is told again unchanged, so that two packs of one regency have no difference to look at.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.engine.versions import Version
from pipeline.files import write_atomically
from pipeline.registry import PACK_CELL, PackError, pack_digest, read_pack
from pipeline.registry import load as load_registry
from pipeline.settings import Workspace

K = 5
STEP = 0.1  # of a natural logarithm
CELL = PACK_CELL
MEMORY = "paket-terkirim.json"  # in the registry, which is backed up: without it a later pack differs from an earlier one


def cells(expected: pl.DataFrame, agencies: pl.DataFrame, until: Any) -> list[dict[str, Any]]:
    """The cells of all months up to `until`, rounded. `expected`: estimates.account_month_expected."""
    rows = expected.filter(pl.col("y").is_finite() & (pl.col("month") <= until)).join(
        agencies.select("agency_id", "peer_group"), on="agency_id"
    )
    rows = rows.filter(pl.col("peer_group").is_not_null())
    made = rows.group_by(list(CELL)).agg(
        pl.col("account_id").n_unique().alias("n"),
        *(pl.col("y").quantile(q, "linear").alias(name) for name, q in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))),
        ((pl.col("deviation").quantile(0.75, "linear") - pl.col("deviation").quantile(0.25, "linear")) / 1.349).alias("apart"),
        (pl.col("se") ** 2).median().alias("noise"),
    )
    enough = made.filter(pl.col("n") >= K).sort(list(CELL))
    return [_rounded(row) for row in enough.iter_rows(named=True)]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    many = row["n"] >= 2 * K
    between = None
    if many and row["apart"] is not None and row["noise"] is not None:
        between = math.sqrt(max(row["apart"] ** 2 - row["noise"], 0.0))
    told = {name: _step(row[name]) if many or name == "median" else None for name in ("q1", "median", "q3")}
    cell = {name: str(row[name]) for name in CELL}
    return cell | {"accounts": row["n"] // K * K} | told | {"spread": None if between is None else _step(between)}


def _step(value: float) -> float:
    return round(round(value / STEP) * STEP, 6)


def write(workspace: Workspace, version: Version, place: Path) -> int:
    """Write the pack of a published version; gives the number of its cells. What was told before is told as it was."""
    until = version.sql("SELECT period_end FROM marts.period").item()
    fresh = cells(version.table("estimates.account_month_expected"), version.table("core.agencies"), until) if until else []
    memory = workspace.registry / MEMORY
    chosen = remembered(_told(memory), fresh)
    memory.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_atomically(memory, json.dumps(chosen, indent=1))
    said = {"schema": 1, "k": K, "simulated": bool(version.info["simulated"]), "cells": chosen, "sha256": pack_digest(chosen)}
    write_atomically(place, json.dumps(said, indent=1, sort_keys=True))
    return len(chosen)


def remembered(told: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All cells of a pack: as they were told, those that never were as they are now."""
    cells = {_key(cell): cell for cell in (*fresh, *told)}
    return [cells[key] for key in sorted(cells)]


def _told(memory: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else []
    return found


def _key(cell: dict[str, Any]) -> str:
    return "\0".join(cell[name] for name in CELL)


def load(workspace: Workspace, source: Path) -> Path:
    """Keep another regency's pack in the registry, once it is proven whole. Raises PackError."""
    said = read_pack(source)
    simulated = bool(load_registry(workspace.registry).settings.get("simulated"))
    if said["simulated"] != simulated:
        raise PackError(source.name, "data simulasi dan data sungguhan tidak dicampur", "simulated and real data are not mixed")
    place = workspace.registry / "paket" / f"{said['sha256'][:16]}.json"
    place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_atomically(place, json.dumps(said, indent=1, sort_keys=True))
    return place
