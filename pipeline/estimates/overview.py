"""What the overview says of the whole regency and of each peer group: counts, the agency in the middle, and what could be seen.

Medians and quartiles stand here and not in SQL because engines differ in them; a page reads them and computes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipeline.statistics.windows import MOBILISED, median_interval
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

WINDOW, SUMMARY = "estimates.agency_window", "marts.agency_summary"
COUNTS = {
    "n_agencies": pl.lit(1),
    "n_up": pl.col("direction") == "up",
    "n_flat": pl.col("direction").is_in(["flat", MOBILISED]),  # a rise that may be staff's is not a certain one
    "n_down": pl.col("direction") == "down",
    "n_uncompared": pl.col("direction") == "data",
    "n_unjudged": pl.col("level") == "data",
    "n_judged": pl.col("level") != "data",
    "n_above": pl.col("level") == "up",
    "n_below": pl.col("level") == "down",
    "n_awaited": pl.col("completeness") != "not_required",
    "n_complete": pl.col("completeness") == "complete",
    "n_partial": pl.col("completeness") == "partial",
    "n_silent": pl.col("completeness") == "silent",
}
SCHEMA = {
    "peer_group": pl.Utf8,
    "period_start": pl.Date,
    "period_end": pl.Date,
    **dict.fromkeys(COUNTS, pl.Int64),
    "median": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "q1": pl.Float64,
    "q3": pl.Float64,
    "detectable_easy": pl.Float64,
    "detectable_median": pl.Float64,
}


def listed(summary: pl.DataFrame, window: pl.DataFrame) -> pl.DataFrame:
    """The agencies that are compared, each with its counts and its estimate."""
    estimate = window.select("agency_id", "vs_expected", "detectable")
    return summary.filter("is_listed").join(estimate, on="agency_id", how="left")


def detectable(rows: pl.DataFrame, t: Thresholds) -> tuple[float | None, float | None]:
    """The rise (a factor) that the rule that decides would call one four times in five, for an agency with many posts (lower
    quarter) and for one in the middle; nothing below `minimum_peers` agencies."""
    known = rows["detectable"].drop_nulls().to_numpy()
    if len(known) < t.minimum_peers:
        return None, None
    easy, middle = (float(np.quantile(known, share)) for share in (0.25, 0.5))
    return easy, middle


def _row(group: str | None, rows: pl.DataFrame, t: Thresholds) -> dict[str, Any]:
    judged = rows.filter((pl.col("level") != "data") & pl.col("vs_expected").is_not_null())["vs_expected"].to_numpy()
    middle = median_interval(judged)[:5] if len(judged) else (None,) * 5
    counts = rows.select(expression.cast(pl.Int64).sum().alias(name) for name, expression in COUNTS.items()).row(0, named=True)
    easy, typical = detectable(rows, t)
    return {
        "peer_group": group,
        "period_start": rows["period_start"].max(),
        "period_end": rows["period_end"].max(),
        **counts,
        "n_agencies": rows.height,
        **dict(zip(("median", "lower", "upper", "q1", "q3"), middle, strict=True)),
        "detectable_easy": easy,
        "detectable_median": typical,
    }


def group_window(summary: pl.DataFrame, window: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """The whole regency (peer_group null) and each peer group."""
    rows = listed(summary, window)
    groups = [_row(str(key[0]), part, t) for key, part in rows.partition_by("peer_group", as_dict=True).items() if key[0]]
    return pl.DataFrame([_row(None, rows, t), *groups], schema=SCHEMA).sort("peer_group", nulls_last=False)


def peer_box(summary: pl.DataFrame, window: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """The middle half of the other judged members of an agency's group; no row below `minimum_peers` members."""
    everyone = listed(summary, window)
    found: list[dict[str, Any]] = []
    rows = everyone.filter((pl.col("level") != "data") & pl.col("vs_expected").is_not_null())
    for agency_id, group in everyone.drop_nulls("peer_group").select("agency_id", "peer_group").iter_rows():
        others = rows.filter((pl.col("peer_group") == group) & (pl.col("agency_id") != agency_id))["vs_expected"].to_numpy()
        if len(others) >= t.minimum_peers - 1:
            q1, q3 = (float(np.quantile(others, share)) for share in (0.25, 0.75))
            found.append({"agency_id": agency_id, "q1": q1, "q3": q3, "n": len(others)})
    schema = {"agency_id": pl.Utf8, "q1": pl.Float64, "q3": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(found, schema=schema).sort("agency_id")


TABLES = {
    "estimates.group_window": Table.judged(
        group_window,
        SUMMARY,
        WINDOW,
        description="One row per peer group and one for the regency: agencies by direction and level, the one in the middle.",
        key=("peer_group",),
    ),
    "estimates.peer_box": Table.judged(
        peer_box,
        SUMMARY,
        WINDOW,
        description="One row per agency: the middle half of the other members of its peer group, without itself.",
        key=("agency_id",),
    ),
}
