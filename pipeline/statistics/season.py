"""Season and trend of ln rates by week: `estimates.season` and `estimates.account_trend` (METHODS 2e).

What all accounts of a platform do in the same week is season (Ramadan, school holidays, a change of the platform's rules). An
account's trend is the slope of what is left over its last 13 weeks. Formats are taken out first; ln scale, per week.
"""

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.statistics import comparison as c
from pipeline.statistics import trend
from pipeline.statistics.intervals import Z

WEEKS, MINIMUM_WEEKS, MINIMUM_ACCOUNTS = 13, 8, 5

SEASON_SCHEMA = {"platform": pl.Utf8, "week_start": pl.Date} | dict.fromkeys(("effect", "lower", "upper"), pl.Float64)
SEASON_SCHEMA |= {"n_accounts": pl.Int64, "n_posts": pl.Int64}
TREND_SCHEMA = {"account_id": pl.Utf8, "agency_id": pl.Utf8, "platform": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
TREND_SCHEMA |= dict.fromkeys(("slope", "slope_lower", "slope_upper", "change", "change_lower", "change_upper"), pl.Float64)
TREND_SCHEMA |= {"n_weeks": pl.Int64, "n_posts": pl.Int64, "direction": pl.Utf8}


def account_weeks(post_facts: pl.DataFrame) -> pl.DataFrame:
    """platform, account_id, agency_id, week_start, y (ln rate without format), information, n; residual and season of two_way."""
    posts = c.comparable_posts(post_facts)
    if posts.is_empty():
        return pl.DataFrame()
    posts = c.post_effects(posts).with_columns(week_start=pl.col("published_on").dt.truncate("1w"))
    weeks = posts.group_by("platform", "account_id", "week_start").agg(
        pl.col("agency_id").last(),
        c.weighted(pl.col("ln_rate") - pl.col("format_part")).alias("y"),
        pl.col("information").sum(),
        pl.len().alias("n"),
    )
    return pl.concat([_split(g) for g in weeks.sort("platform", "account_id", "week_start").partition_by("platform")])


def _split(g: pl.DataFrame) -> pl.DataFrame:
    week = g["week_start"].to_numpy()
    _, season, rest = trend.two_way(g["y"].to_numpy(), g["account_id"].to_numpy(), week, weight=g["information"].to_numpy())
    return g.with_columns(residual=pl.Series(rest), season=pl.Series(season[np.searchsorted(np.unique(week), week)]))


def season(post_facts: pl.DataFrame) -> pl.DataFrame:
    """One row per platform and week with at least five accounts: how far all of them were from their own levels together."""
    weeks = account_weeks(post_facts)
    if weeks.is_empty():
        return pl.DataFrame(schema=SEASON_SCHEMA)
    w = pl.col("information")
    out = weeks.group_by("platform", "week_start").agg(
        pl.col("season").first().alias("effect"),
        ((w * pl.col("residual")).pow(2).sum().sqrt() / w.sum()).alias("se"),
        pl.len().alias("n_accounts"),
        pl.col("n").sum().alias("n_posts"),
    )
    out = out.filter(pl.col("n_accounts") >= MINIMUM_ACCOUNTS)
    out = out.with_columns(lower=pl.col("effect") - Z * pl.col("se"), upper=pl.col("effect") + Z * pl.col("se"))
    return out.select(pl.col(k).cast(t) for k, t in SEASON_SCHEMA.items()).sort("platform", "week_start")


def account_trend(post_facts: pl.DataFrame) -> pl.DataFrame:
    """One row per account: slope per week (Theil-Sen, season taken out) over the last 13 weeks, and the change it adds up to.

    Null with fewer than eight weeks with posts; `direction` is up or down only where the whole interval is.
    """
    weeks = account_weeks(post_facts)
    if weeks.is_empty():
        return pl.DataFrame(schema=TREND_SCHEMA)
    last = weeks.select(pl.col("week_start").max()).item()
    first = last - timedelta(weeks=WEEKS - 1)
    rows = []
    for (account, platform), g in weeks.filter(pl.col("week_start") >= first).group_by("account_id", "platform"):
        y = np.full(WEEKS, np.nan)
        y[((g["week_start"] - first).dt.total_days() // 7).to_numpy()] = g["residual"].to_numpy()
        slopes = trend.slope(y, minimum=MINIMUM_WEEKS)
        moved = "data" if np.isnan(slopes[0]) else "up" if slopes[1] > 0 else "down" if slopes[2] < 0 else "flat"
        found = [None if np.isnan(x) else float(x) for x in slopes]
        change = [None if x is None else float(np.exp(x * (WEEKS - 1))) for x in found]
        end = last + timedelta(days=6)
        rows.append((account, g["agency_id"][-1], platform, first, end, *found, *change, len(g), int(g["n"].sum()), moved))
    return pl.DataFrame(rows, schema=TREND_SCHEMA, orient="row").sort("account_id")
