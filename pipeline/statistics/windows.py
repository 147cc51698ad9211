"""Estimates per agency: the window of the last three complete months against the three before, and the months.

Every table keeps agencies without data in sight with a state; a value that is not known is null, never 0 or 1.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from pipeline.statistics import comparison as c
from pipeline.statistics import discovery, ranks
from pipeline.statistics.shrinkage import Shrunk, shrink, shrink_integrated

FDR = 0.10
Z = 1.959964
HISTORY_WINDOWS = 8


@dataclass(frozen=True)
class Evidence:
    """What all window tables start from. `history[0]` is the current window, [1] the previous one."""

    last: date | None
    covered: list[pl.DataFrame]  # account_id, coverage per window
    history: list[pl.DataFrame]  # account windows, covered and with at least five mature posts
    all_now: pl.DataFrame  # account windows of now, covered, any number of posts
    alone: pl.DataFrame  # agency_id, platform of covered accounts with enough posts, but no others to expect a value from
    noise: c.Noise


def evidence(expected: pl.DataFrame, account_month: pl.DataFrame) -> Evidence:
    last = c.last_complete_month(account_month)
    if last is None:
        empty = c.account_windows(expected.clear(), [])
        return Evidence(None, [], [empty, empty], empty, empty.select("agency_id", "platform"), c.Noise(0.0, 0.0, 0))
    first: Any = account_month["month"].min()
    covered, history, everything = [], [], []
    for k in range(HISTORY_WINDOWS):
        months = c.window(c.add_months(last, -c.WINDOW_MONTHS * k))
        if k > 1 and months[0] < first:
            break
        share = window_coverage(account_month, months)
        owned = ["account_id", "agency_id"]  # an account that moved was covered for whom it belonged to, not for the next
        good = share.filter(pl.col("coverage") >= c.MINIMUM_COVERAGE).select(owned)
        rows = c.account_windows(expected, months).join(good, on=owned, how="semi")
        covered.append(share)
        everything.append(rows)
        history.append(rows.filter(pl.col("n") >= c.MINIMUM_POSTS))
    return Evidence(last, covered, history, everything[0], _alone(expected, covered[0], c.window(last)), c.noise(history))


def _alone(expected: pl.DataFrame, share: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """agency_id, platform: an account is covered and has enough mature posts, but its platform has too few accounts to say what
    was to be expected."""
    good = share.filter(pl.col("coverage") >= c.MINIMUM_COVERAGE)
    rows = expected.filter(pl.col("month").is_in(months) & pl.col("expected_ln").is_null()).join(
        good, on="account_id", how="semi"
    )
    enough = rows.group_by("account_id", "agency_id", "platform").agg(pl.col("n").sum()).filter(pl.col("n") >= c.MINIMUM_POSTS)
    return enough.select("agency_id", "platform").unique()


def window_coverage(account_month: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """account_id, agency_id, coverage, has_data: covered days of the window's days; a month without a row is not covered."""
    days = sum((c.add_months(m, 1) - m).days for m in months)
    rows = account_month.filter(pl.col("month").is_in(months))
    return rows.group_by("account_id", "agency_id").agg(
        (pl.col("covered_days").fill_null(0).sum() / days).alias("coverage"),
        ((pl.col("covered_days").fill_null(0) > 0) | (pl.col("posts").fill_null(0) > 0)).any().alias("has_data")
        if "posts" in rows.columns
        else (pl.col("covered_days").fill_null(0) > 0).any().alias("has_data"),
    )


def agencies_in(agencies: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """One row per agency that existed in the window."""
    rows = agencies
    if "valid_from" in rows.columns:
        rows = rows.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= end))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= start))
        )
    return rows.select("agency_id", "peer_group", "is_ranked").unique("agency_id", keep="last").sort("agency_id")


# ---- agency_window --------------------------------------------------------------------------------------------------


def agency_window(expected: pl.DataFrame, account_month: pl.DataFrame, agencies: pl.DataFrame) -> pl.DataFrame:
    """One row per agency: standing now, previous standing, change, direction and rank set in its peer group."""
    e = evidence(expected, account_month)
    if e.last is None:
        return _finish(
            agencies_in(agencies, date.min, date.max).with_columns(period_start=None, period_end=None, state=pl.lit("no_data"))
        )
    months = c.window(e.last)
    end = c.add_months(e.last, 1) - timedelta(days=1)
    out = agencies_in(agencies, months[0], end).with_columns(period_start=pl.lit(months[0]), period_end=pl.lit(end))
    now, before = standings(e.history[0], e.noise), standings(e.history[1], e.noise)
    few = standings(e.all_now.join(e.history[0], on="agency_id", how="anti"), e.noise, tau2=now.tau2)
    values = pl.concat([now.frame, few.frame]).drop("mean", "sd", "y", "s")
    out = out.join(values, on="agency_id", how="left")
    out = out.join(_months_with_posts(expected, months), on="agency_id", how="left")
    out = out.join(_states(e, out), on="agency_id", how="left")
    out = out.join(before.frame.select("agency_id", previous="vs_expected"), on="agency_id", how="left")
    out = out.join(_changes(e), on="agency_id", how="left")
    out = out.join(_rank_sets(out, now.frame), on="agency_id", how="left")
    return _finish(out)


@dataclass(frozen=True)
class Standings:
    frame: pl.DataFrame
    tau2: float


def standings(accounts: pl.DataFrame, noise: c.Noise, tau2: float | None = None) -> Standings:
    """Per agency: unshrunk y and s, posterior mean and sd (ln), vs_expected with interval (factor), n_posts, n_accounts."""
    levels = c.agency_levels(accounts, noise)
    if not len(levels):
        columns = ["y", "s", "n_posts", "n_accounts", "mean", "sd", "vs_expected", "lower", "upper"]
        whole = ("n_posts", "n_accounts")
        return Standings(
            pl.DataFrame(schema={"agency_id": pl.Utf8} | {k: pl.Int64 if k in whole else pl.Float64 for k in columns}), 0.0
        )
    y, s = levels["y"].to_numpy(), levels["s"].to_numpy()
    found: Shrunk = shrink_integrated(y, s) if tau2 is None else shrink(y, s, towards=0.0, tau2=tau2)
    frame = levels.with_columns(mean=pl.Series(found.mean), sd=pl.Series(found.sd)).with_columns(
        vs_expected=pl.col("mean").exp(),
        lower=(pl.col("mean") - Z * pl.col("sd")).exp(),
        upper=(pl.col("mean") + Z * pl.col("sd")).exp(),
    )
    return Standings(frame, found.tau2)


def _months_with_posts(expected: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    rows = expected.filter(pl.col("month").is_in(months))
    return rows.group_by("agency_id").agg(pl.col("month").n_unique().cast(pl.Int64).alias("n_months"))


def _states(e: Evidence, out: pl.DataFrame) -> pl.DataFrame:
    """agency_id, coverage, state. Order matters: what is missing is said before what is too little."""
    share = (
        e.covered[0]
        .group_by("agency_id")
        .agg(
            pl.col("coverage").mean(),
            pl.col("has_data").any(),
            (pl.col("coverage") >= c.MINIMUM_COVERAGE).any().alias("is_covered"),
        )
    )
    enough = e.history[0].select("agency_id").unique().with_columns(enough=pl.lit(True))
    alone = e.alone.select("agency_id", alone=pl.lit(True)).unique()
    rows = out.select("agency_id", "is_ranked")
    for part in (share, enough, alone):
        rows = rows.join(part, on="agency_id", how="left")
    state = (
        pl.when(~pl.col("has_data").fill_null(False))
        .then(pl.lit("no_data"))
        .when(~pl.col("is_covered").fill_null(False))
        .then(pl.lit("not_covered"))
        .when(~pl.col("enough").fill_null(False) & pl.col("alone").fill_null(False))
        .then(pl.lit("too_few_accounts"))
        .when(~pl.col("enough").fill_null(False))
        .then(pl.lit("too_few_posts"))
        .when(~pl.col("is_ranked").fill_null(False))
        .then(pl.lit("not_ranked"))
        .otherwise(pl.lit("judged"))
    )
    return rows.select("agency_id", "coverage", state=state)


def change_estimates(now: pl.DataFrame, before: pl.DataFrame, noise: c.Noise) -> pl.DataFrame:
    """agency_id, d, se, p, q: change on the ln scale relative to the regency's own movement, false discoveries controlled.

    The noise of a change is post noise plus two quarters' shocks. The t reference has as many degrees of freedom as posts
    were there to learn their spread from, and not more than past changes to learn the shocks from.
    """
    rows = c.agency_changes(now, before, noise.change)
    d = rows["change"].to_numpy() - (np.median(rows["change"].to_numpy()) if len(rows) >= 5 else 0.0)
    se = np.sqrt(rows["variance"].to_numpy() + noise.change)
    df = np.minimum(c.PRIOR_DF + 2 * rows["n"].to_numpy() - 2, max(noise.df - 1, 1))
    p = 2 * stats.t.sf(np.abs(d) / se, df) if len(rows) else np.array([])
    return pl.DataFrame({"agency_id": rows["agency_id"], "d": d, "se": se, "p": p, "q": discovery.q_values(p)})


def _changes(e: Evidence) -> pl.DataFrame:
    rows = change_estimates(e.history[0], e.history[1], e.noise)
    moved = pl.when(pl.col("q") > FDR).then(pl.lit("flat")).when(pl.col("d") > 0).then(pl.lit("up")).otherwise(pl.lit("down"))
    return rows.select(
        "agency_id",
        change=pl.col("d").exp(),
        change_lower=(pl.col("d") - Z * pl.col("se")).exp(),
        change_upper=(pl.col("d") + Z * pl.col("se")).exp(),
        p="p",
        q="q",
        direction=moved,
    )


RANK_SCHEMA = {
    "agency_id": pl.Utf8,
    "rank_lower": pl.Int64,
    "rank_upper": pl.Int64,
    "rank_lower_all": pl.Int64,
    "rank_upper_all": pl.Int64,
    "rank_group_size": pl.Int64,
    "is_rank_shown": pl.Boolean,
    "p_top": pl.Float64,
    "band": pl.Utf8,
    "peer_median": pl.Float64,
}


def _rank_sets(out: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    judged = out.filter(pl.col("state") == "judged").select("agency_id", "peer_group").join(now, on="agency_id")
    found = [rank_group(g) for g in judged.sort("peer_group", "agency_id").partition_by("peer_group", maintain_order=True)]
    parts = [p for p in found if p is not None]
    return pl.concat(parts) if parts else pl.DataFrame(schema=RANK_SCHEMA)


def rank_group(g: pl.DataFrame) -> pl.DataFrame | None:
    """Rank sets of one peer group with at least eight judged members: marginal (own page) and _all (simultaneous, table)."""
    if len(g) < c.MINIMUM_GROUP:
        return None
    y, s, mean, sd = (g[k].to_numpy() for k in ("y", "s", "mean", "sd"))
    best, worst = ranks.marginal(y, s)
    best_all, worst_all = ranks.simultaneous(y, s)
    top = ranks.p_top(mean, sd)
    others = [float(np.exp(np.median(np.delete(mean, i)))) for i in range(len(mean))]
    values = [
        g["agency_id"],
        best,
        worst,
        best_all,
        worst_all,
        [len(g)] * len(g),
        [not ranks.too_wide(best, worst)] * len(g),
        top,
    ]
    values += [[ranks.band(p) for p in top], others]
    return pl.DataFrame(dict(zip(RANK_SCHEMA, values, strict=True)), schema=RANK_SCHEMA)


AGENCY_WINDOW_SCHEMA = (
    {"agency_id": pl.Utf8, "peer_group": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    | dict.fromkeys(("vs_expected", "lower", "upper"), pl.Float64)
    | {"n_posts": pl.Int64, "n_accounts": pl.Int64, "n_months": pl.Int64, "coverage": pl.Float64, "state": pl.Utf8}
    | dict.fromkeys(("previous", "change", "change_lower", "change_upper", "p", "q"), pl.Float64)
    | {"direction": pl.Utf8}
    | {k: v for k, v in RANK_SCHEMA.items() if k != "agency_id"}
)


def _finish(out: pl.DataFrame) -> pl.DataFrame:
    """Exact columns; counts without rows are 0 posts, estimates without rows stay null."""
    missing = [pl.lit(None, t).alias(k) for k, t in AGENCY_WINDOW_SCHEMA.items() if k not in out.columns]
    out = out.with_columns(missing).select(pl.col(k).cast(t) for k, t in AGENCY_WINDOW_SCHEMA.items())
    counted = pl.col("state").is_in(["judged", "not_ranked", "too_few_posts", "too_few_accounts"])
    return out.with_columns(
        *(pl.when(counted).then(pl.col(k).fill_null(0)).alias(k) for k in ("n_posts", "n_accounts", "n_months")),
        direction=pl.col("direction").fill_null("data"),
    ).sort("agency_id")


# ---- by platform ----------------------------------------------------------------------------------------------------

PLATFORM_WINDOW_SCHEMA = (
    {"agency_id": pl.Utf8, "platform": pl.Utf8, "peer_group": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    | dict.fromkeys(("vs_expected", "lower", "upper"), pl.Float64)
    | {"n_posts": pl.Int64, "n_accounts": pl.Int64, "state": pl.Utf8}
    | dict.fromkeys(("previous", "change", "change_lower", "change_upper", "p", "q"), pl.Float64)
    | {"direction": pl.Utf8, "er_account": pl.Float64, "er_pooled": pl.Float64, "er_expected": pl.Float64, "coverage": pl.Float64}
    | {"basis": pl.Utf8}
)


def agency_platform_window(expected: pl.DataFrame, account_month: pl.DataFrame, agencies: pl.DataFrame) -> pl.DataFrame:
    """One row per agency and platform on which it has an account: as agency_window, each platform against itself only."""
    e = evidence(expected, account_month)
    if e.last is None:
        return pl.DataFrame(schema=PLATFORM_WINDOW_SCHEMA)
    months = c.window(e.last)
    end = c.add_months(e.last, 1) - timedelta(days=1)
    groups = agencies_in(agencies, months[0], end).select("agency_id", "peer_group")
    rows = account_month.filter(pl.col("month").is_in(months) & pl.col("agency_id").is_not_null())
    platforms = sorted(rows["platform"].unique().to_list())
    parts = [_one_platform(e, p, rows.filter(pl.col("platform") == p), expected, months) for p in platforms]
    if not parts:
        return pl.DataFrame(schema=PLATFORM_WINDOW_SCHEMA)
    out = (
        pl.concat(parts, how="diagonal")
        .join(groups, on="agency_id")
        .with_columns(period_start=pl.lit(months[0]), period_end=pl.lit(end))
    )
    q = discovery.q_values(out["p"].fill_null(np.nan).to_numpy())
    out = out.with_columns(q=pl.Series(q).fill_nan(None)).with_columns(
        direction=pl.when(pl.col("q").is_null())
        .then(pl.lit("data"))
        .when(pl.col("q") > FDR)
        .then(pl.lit("flat"))
        .otherwise(pl.when(pl.col("change") > 1).then(pl.lit("up")).otherwise(pl.lit("down")))
    )
    return out.select(pl.col(k).cast(t) for k, t in PLATFORM_WINDOW_SCHEMA.items()).sort("agency_id", "platform")


def _one_platform(e: Evidence, platform: str, rows: pl.DataFrame, expected: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    mine = [h.filter(pl.col("platform") == platform) for h in e.history]
    now, before = standings(mine[0], e.noise), standings(mine[1], e.noise)
    share = e.covered[0].join(rows.select("account_id", "agency_id").unique(), on=["account_id", "agency_id"], how="semi")
    share = share.group_by("agency_id").agg(pl.col("coverage").mean(), pl.col("has_data").any())
    n = pl.col("n").sum()
    rates = (
        expected.filter(pl.col("month").is_in(months) & (pl.col("platform") == platform))
        .group_by("agency_id")
        .agg(
            ((pl.col("y") * pl.col("n")).sum() / n).exp().alias("er_account"),
            ((pl.col("expected_ln") * pl.col("n")).sum() / n).exp().alias("er_expected"),
            n.alias("seen_posts"),
            pl.col("basis").unique().sort().str.join(" | "),
        )
    )
    pooled = (
        rows.filter(pl.col("exposure") > 0)
        .group_by("agency_id")
        .agg((pl.col("engagement").sum() / pl.col("exposure").sum()).alias("er_pooled"))
    )
    out = rows.select("agency_id").unique().with_columns(platform=pl.lit(platform)).join(share, on="agency_id", how="left")
    for part in (now.frame.drop("mean", "sd", "y", "s"), before.frame.select("agency_id", previous="vs_expected"), rates, pooled):
        out = out.join(part, on="agency_id", how="left")
    out = out.join(
        _changes(Evidence(e.last, e.covered, mine, mine[0], e.alone, e.noise)).drop("q", "direction"), on="agency_id", how="left"
    )
    alone = e.alone.filter(pl.col("platform") == platform).select("agency_id", alone=pl.lit(True))
    out = out.join(alone, on="agency_id", how="left")
    state = (
        pl.when(~pl.col("has_data").fill_null(False)).then(pl.lit("no_data"))
        .when(pl.col("vs_expected").is_not_null()).then(pl.lit("judged"))
        .when(pl.col("coverage") < c.MINIMUM_COVERAGE).then(pl.lit("not_covered"))
        .when(pl.col("alone").fill_null(False)).then(pl.lit("too_few_accounts"))
        .otherwise(pl.lit("too_few_posts"))
    )  # fmt: skip
    none = pl.when(pl.col("has_data").fill_null(False)).then(0)  # exports came, and no post in them is mature: none, not unknown
    return out.with_columns(state=state, n_posts=pl.coalesce("n_posts", "seen_posts", none))


# ---- months ---------------------------------------------------------------------------------------------------------

INDEX_SCHEMA = {
    "agency_id": pl.Utf8,
    "peer_group": pl.Utf8,
    "month": pl.Date,
    "vs_expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "n_posts": pl.Int64,
    "coverage": pl.Float64,
    "complete": pl.Boolean,
}


def agency_month_index(expected: pl.DataFrame, account_month: pl.DataFrame, agencies: pl.DataFrame) -> pl.DataFrame:
    """One row per agency and month: its level plus how far the month's posts were from it, season left in.

    The level is the shrunk deviation over the last 13 months, so that one line has one height; the months move around it
    by the precision-weighted difference of each account to itself, so that a missing account does not look like a change.
    Null with fewer than five mature posts; `complete` false with less than 90 % of account-days covered.
    """
    if account_month.is_empty():
        return pl.DataFrame(schema=INDEX_SCHEMA)
    rows = expected.filter(pl.col("deviation").is_not_null())
    month = _month_differences(rows)
    level = _long_levels(rows)
    cover = account_month.group_by("agency_id", "month").agg(
        coverage=pl.col("covered_days").fill_null(0).sum() / pl.col("days_in_month").sum()
    )
    grid = agencies.select("agency_id", "peer_group").unique("agency_id", keep="last").join(cover, on="agency_id")
    out = grid.join(month, on=["agency_id", "month"], how="left").join(level, on="agency_id", how="left")
    known = pl.col("n_posts").fill_null(0) >= c.MINIMUM_POSTS
    centre, sd = pl.col("mean") + pl.col("difference"), (pl.col("sd") ** 2 + pl.col("variance")).sqrt()
    return out.select(
        "agency_id",
        "peer_group",
        "month",
        vs_expected=pl.when(known).then(centre.exp()),
        lower=pl.when(known).then((centre - Z * sd).exp()),
        upper=pl.when(known).then((centre + Z * sd).exp()),
        n_posts=pl.when(pl.col("coverage") > 0).then(pl.col("n_posts").fill_null(0)),
        coverage="coverage",
        complete=pl.col("coverage") >= c.MINIMUM_COVERAGE,
    ).sort("agency_id", "month")


def _month_differences(rows: pl.DataFrame) -> pl.DataFrame:
    seasonal = rows.with_columns(
        d=pl.col("deviation") + pl.col("month_part") / pl.col("sensitivity"), se=pl.col("se") / pl.col("sensitivity")
    )
    own = (pl.col("d") * pl.col("n")).sum().over("account_id", "agency_id") / pl.col("n").sum().over("account_id", "agency_id")
    w = 1 / pl.col("se") ** 2
    return (
        seasonal.with_columns(d=pl.col("d") - own)
        .group_by("agency_id", "month")
        .agg(difference=(w * pl.col("d")).sum() / w.sum(), variance=1 / w.sum(), n_posts=pl.col("n").sum())
    )


def _long_levels(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema={"agency_id": pl.Utf8, "mean": pl.Float64, "sd": pl.Float64})
    last: Any = rows["month"].max()
    accounts = c.account_windows(rows, c.window(last, c.FIT_MONTHS)).filter(pl.col("n") >= c.MINIMUM_POSTS)
    return standings(accounts, c.Noise(c.account_variance([accounts]), 0.0, 0)).frame.select("agency_id", "mean", "sd")


def regency_month(index: pl.DataFrame) -> pl.DataFrame:
    """One row per month: median of agencies with a distribution-free 95 % interval, middle half, n agencies, coverage."""
    whole = index.group_by("month").agg(coverage=pl.col("coverage").mean())
    rows = [(m[0], *median_interval(g["vs_expected"].to_numpy())) for m, g in _known(index).group_by("month")]
    schema = {
        "month": pl.Date,
        "median": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "q1": pl.Float64,
        "q3": pl.Float64,
        "n": pl.Int64,
    }
    return (
        whole.join(pl.DataFrame(rows, schema=schema, orient="row"), on="month", how="left")
        .select(*schema, "coverage")
        .sort("month")
    )


def peer_month(index: pl.DataFrame) -> pl.DataFrame:
    """One row per peer group and month: median, quartiles and number of agencies with a value."""
    out = (
        _known(index)
        .group_by("peer_group", "month")
        .agg(
            pl.col("vs_expected").median().alias("median"),
            pl.col("vs_expected").quantile(0.25, "linear").alias("q1"),
            pl.col("vs_expected").quantile(0.75, "linear").alias("q3"),
            pl.len().cast(pl.Int64).alias("n"),
        )
    )
    return out.sort("peer_group", "month")


def _known(index: pl.DataFrame) -> pl.DataFrame:
    return index.filter(pl.col("vs_expected").is_not_null())


def median_interval(x: np.ndarray) -> tuple[float, float | None, float | None, float, float, int]:
    """(median, lower, upper, q1, q3, n); order-statistic interval, null below six values where none has 95 %."""
    x = np.sort(x)
    n = len(x)
    k = int(stats.binom.ppf(0.025, n, 0.5))
    low, high = (float(x[k - 1]), float(x[n - k])) if n >= 6 and k >= 1 else (None, None)
    return float(np.median(x)), low, high, float(np.quantile(x, 0.25)), float(np.quantile(x, 0.75)), n
