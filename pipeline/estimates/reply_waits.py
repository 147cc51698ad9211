"""How long people waited for a first reply over the judged months: the waits that a tenth, a quarter, a half … stayed under."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipeline.statistics import survival
from pipeline.tables import Table

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
SHORTEST = 1 / 60  # an answer within the same minute
SCHEMA = {"agency_id": pl.Utf8, "share": pl.Float64, "hours": pl.Float64, "n": pl.Int64}


def reply_waits(clocks: pl.DataFrame, summary: pl.DataFrame) -> pl.DataFrame:
    """One row per agency and share, from the same Kaplan-Meier curve as the median of `estimates.response_summary`.

    An open question is a wait that has not ended, so a share that the curve has not reached has no hours.
    """
    found: list[tuple[Any, ...]] = []
    window = summary.drop_nulls(["agency_id", "period_start", "period_end"])
    for agency_id, first, last in window.select("agency_id", "period_start", "period_end").iter_rows():
        waits = clocks.filter(
            (pl.col("agency_id") == agency_id)
            & pl.col("received_at_wib").dt.date().is_between(first, last)
            & pl.col("needs_answer")
            & pl.col("waited_hours").is_not_null()
        )
        if waits.height:
            curve = survival.kaplan_meier(waits["waited_hours"].to_numpy(), waits["is_answered"].cast(pl.Float64).to_numpy() > 0)
            hours = [curve.quantile(share) for share in SHARES]
            found += [
                (agency_id, share, max(float(h), SHORTEST) if np.isfinite(h) else None, waits.height)
                for share, h in zip(SHARES, hours, strict=True)
            ]
    return pl.DataFrame(found, schema=SCHEMA, orient="row").sort("agency_id", "share")


TABLES = {
    "estimates.reply_waits": Table.of(
        reply_waits,
        "estimates.case_clocks",
        "estimates.response_summary",
        description="One row per agency and share of its questions: the hours within which they had a first reply.",
        key=("agency_id", "share"),
    )
}
