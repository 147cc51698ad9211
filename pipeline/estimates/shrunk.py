"""The adjusted engagement rate: account-months with few posts are pulled towards what size, format and month let expect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipeline.statistics import shrinkage
from pipeline.statistics.intervals import Z
from pipeline.tables import Table

Spreads = Mapping[tuple[str, str, str], float]  # platform, basis, month -> variance between accounts elsewhere


def account_month_shrunk(expected: pl.DataFrame, agencies: pl.DataFrame, *, elsewhere: Spreads | None = None) -> pl.DataFrame:
    """One row per account-month. Normal-normal on the log scale within platform, basis and month (METHODS 2a); null where se is
    unknown. Fewer than three accounts do not say how far accounts lie apart; packs of other regencies do (`elsewhere`):
    only their spread, never their level."""
    rows = expected.join(agencies.select("agency_id", "peer_group"), on="agency_id", how="left")
    alike = ["platform", "basis", "month"]
    rows = rows.sort(*alike, "account_id", "agency_id")
    parts = [_shrunk(part, elsewhere or {}) for part in rows.partition_by(alike, maintain_order=True)]
    empty = _shrunk(rows.clear(), {})
    return pl.concat([empty, *parts]).sort("account_id", "agency_id", "month")


def _shrunk(rows: pl.DataFrame, elsewhere: Spreads) -> pl.DataFrame:
    deviation = (rows["y"] - rows["expected_ln"]).cast(pl.Float64).to_numpy()
    se = rows["se"].cast(pl.Float64).to_numpy()
    good = np.isfinite(deviation) & np.isfinite(se) & (se > 0)
    mean, sd = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    platform, basis, month = map(str, rows.select("platform", "basis", "month").row(0)) if len(rows) else ("", "", "")
    spread = elsewhere.get((platform, basis, month))
    if good.sum() >= 3 or (good.any() and spread is not None):
        found = shrinkage.shrink(deviation[good], se[good], towards=0.0, tau2=None if good.sum() >= 3 else spread)
        mean[good], sd[good] = found.mean, found.sd
    centre = rows["expected_ln"].cast(pl.Float64).to_numpy() + mean
    values = {"er_shrunk": centre, "er_shrunk_lower": centre - Z * sd, "er_shrunk_upper": centre + Z * sd}
    columns = [pl.Series(name, np.exp(value), dtype=pl.Float64, nan_to_null=True) for name, value in values.items()]
    return rows.select("account_id", "agency_id", "platform", "basis", "peer_group", "month", "n", "expected_ln").with_columns(
        columns
    )


TABLES = {
    "estimates.account_month_shrunk": Table.of(
        account_month_shrunk,
        "estimates.account_month_expected",
        "core.agencies",
        description="One row per account and month: engagement rate pulled towards its expected value by the data it has.",
        key=("account_id", "agency_id", "month"),
        given=lambda registry: {"elsewhere": getattr(registry, "spreads", {})},
    )
}
