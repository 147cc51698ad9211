"""Maturity curves of the regency: consecutive exports of the same posts, per platform and quantity."""

import numpy as np
import polars as pl

from pipeline.statistics import maturity as m
from pipeline.tables import Schema

DAYS = 180
SCHEMA = {
    "platform": pl.Utf8,
    "quantity": pl.Utf8,
    "half_life_hours": pl.Float64,
    "shape_k": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "pairs": pl.Int64,
    "fell": pl.Int64,
    "source": pl.Utf8,
}


def snapshot_pairs(history: pl.DataFrame, quantity: str) -> dict[str, m.Pairs]:
    """Per platform, consecutive snapshots of a post in the last 180 days that report `quantity` (nulls are no snapshot)."""
    if quantity not in history.columns or history.is_empty():
        return {}
    rows = history.filter(pl.col(quantity).is_not_null() & pl.col("age_hours").is_not_null())
    rows = rows.filter(pl.col("captured_at") > pl.col("captured_at").max() - pl.duration(days=DAYS)).sort(
        "post_key", "captured_at"
    )
    if quantity != "engagement" or "engagement_parts" not in rows.columns:
        rows = rows.with_columns(engagement_parts=pl.lit(""))
    seen = (quantity, "age_hours", "engagement_parts")
    rows = rows.with_columns(pl.col(c).shift(1).over("post_key").alias(f"{c}_before") for c in seen)
    # Saves that one file has and the next lacks are no growth.
    rows = rows.filter(
        pl.col(f"{quantity}_before").is_not_null(), pl.col("engagement_parts") == pl.col("engagement_parts_before")
    )
    columns = (f"{quantity}_before", quantity, "age_hours_before", "age_hours", "post_key")
    return {p[0]: m.pairs(*(g[c].to_numpy() for c in columns)) for p, g in rows.group_by("platform")}


def maturity_curves(history: pl.DataFrame) -> pl.DataFrame:
    """Every platform gets a curve for engagement and exposure; `source` says whether it is its own."""
    rows = []
    for quantity in ("engagement", "exposure"):
        found = snapshot_pairs(history, quantity)
        platforms = sorted(set(m.defaults()) | set(history["platform"].drop_nulls().to_list() if len(history) else []))
        own = {p: m.fit_or_default(found[p], p) for p in platforms if p in found and len(found[p]) >= m.MINIMUM_PAIRS}
        for p in platforms:
            curve = own.get(p) or m.fit_or_default(found.get(p), p, regency=_regency(own, p))
            fell = found[p].fell if p in found else 0
            rows.append((p, quantity, curve.half_life, curve.k, curve.lower, curve.upper, curve.n_pairs, fell, curve.source))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("platform", "quantity")


def _regency(own: dict[str, m.Maturity], platform: str) -> m.Maturity | None:
    """The platform's default, faster or slower by as much as the regency's fitted platforms are against their defaults."""
    if not own:
        return None
    ratios = [np.log(c.half_life / m.defaults().get(p, m.FALLBACK)[0]) for p, c in own.items()]
    h, k = m.defaults().get(platform, m.FALLBACK)
    h *= float(np.exp(np.median(ratios)))
    return m.Maturity(h, k, h / 2, h * 2, 0, "regency")


GRID = np.array([24.0, 48.0, 72.0, 168.0, 336.0, 672.0, 1344.0])
CHECK_SCHEMA: Schema = {
    **dict.fromkeys(("platform", "quantity"), pl.Utf8),
    **dict.fromkeys(("age_hours", "fitted", "chain", "difference"), pl.Float64),
    "pairs": pl.Int64,
}


def maturity_check(history: pl.DataFrame, curves: pl.DataFrame) -> pl.DataFrame:
    """One row per fitted curve and age (1 to 56 days): share by the curve and by a chain ladder that assumes no shape.

    The last age is where both are set equal; ages that fewer than 200 pairs cross have no chain-ladder share.
    """
    found = {q: snapshot_pairs(history, q) for q in ("engagement", "exposure")}
    rows = []
    for platform, quantity, h, k in (
        curves.filter(pl.col("source") == "fitted").select("platform", "quantity", "half_life_hours", "shape_k").iter_rows()
    ):
        fitted = m.share(GRID, h, k)
        chain, pairs = m.chain_shares(found[quantity][platform], GRID, float(fitted[-1]))
        for age, a, b, n in zip(GRID, fitted, chain, pairs, strict=True):
            known = n >= m.MINIMUM_PAIRS
            rows.append((platform, quantity, age, a, b if known else None, b - a if known else None, int(n)))
    return pl.DataFrame(rows, schema=CHECK_SCHEMA, orient="row").sort("platform", "quantity", "age_hours")
