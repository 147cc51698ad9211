"""Comparisons across regencies, inside a platform and a peer group: frames in, frames out. Platforms never meet in a number.

Rates are compared on one basis only (which parts make up engagement, `basis`), between accounts with enough posts in the judged
months, against the account in the middle. No posts are needed: an account-month has its mean log rate, its error and its posts.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipeline.statistics.intervals import Z
from pipeline.thresholds import Thresholds

CELL = ("platform", "basis", "peer_group")
MEDIAN_ERROR = 1.2533**2  # the variance of a median against that of a mean, for a normal distribution


def account_rates(
    account_month: pl.DataFrame, expected: pl.DataFrame, agencies: pl.DataFrame, first: date, last: date
) -> pl.DataFrame:
    """One row per account and basis over the judged months: posts, mean log rate and its error, each month by its posts.

    What `expected` adjusts is not taken, because it is learned from the accounts of one regency; of it comes the basis only.
    """
    keys = ["regency_id", "agency_id", "account_id", "month"]
    grouped = agencies.select("regency_id", "agency_id", "peer_group")
    rows = (
        account_month.filter(pl.col("month").is_between(first, last) & (pl.col("mature_posts") > 0))
        .join(expected.select(*keys, "basis"), on=keys)
        .join(grouped, on=["regency_id", "agency_id"], how="left")
    )
    n = pl.col("mature_posts").cast(pl.Float64)
    within = ((n - 1) * pl.col("er_log_sd") ** 2).sum() / (n - 1).sum()  # variance of a post around its month
    made = rows.group_by("regency_id", "agency_id", "account_id", *CELL).agg(
        pl.col("mature_posts").sum().alias("posts"),
        ((pl.col("er_log_mean") * n).sum() / n.sum()).alias("ln_rate"),
        pl.when((n - 1).sum() > 0).then((within / n.sum()).sqrt()).alias("se"),
    )
    return made.sort("regency_id", "agency_id", "account_id", *CELL)


def account_places(rates: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """Each account beside those like it in all regencies: a factor (1 = the middle) with its interval; null says why."""
    alike = list(CELL)
    enough = rates.filter((pl.col("posts") >= t.minimum_posts) & pl.col("peer_group").is_not_null())
    middle = enough.group_by(alike).agg(
        pl.len().alias("peers"),
        pl.col("regency_id").n_unique().alias("regencies"),
        pl.col("ln_rate").median().alias("middle"),
        pl.col("ln_rate").var().alias("spread"),
    )
    rows = rates.join(middle, on=alike, how="left").with_columns(pl.col("peers", "regencies").fill_null(0))
    few = pl.col("posts") < t.minimum_posts
    reason = pl.when(few).then(pl.lit("FEW_POSTS")).when(pl.col("peers") < t.minimum_peers).then(pl.lit("FEW_PEERS"))
    error = (pl.col("se") ** 2 + MEDIAN_ERROR * pl.col("spread") / pl.col("peers")).sqrt()
    apart = pl.col("ln_rate") - pl.col("middle")
    rows = rows.with_columns(reason=reason, apart=apart, error=error)
    known = pl.col("reason").is_null()
    return rows.select(
        "regency_id", "agency_id", "account_id", *CELL, "posts", "peers", "regencies", "reason",
        pl.when(known).then(pl.col("apart").exp()).alias("vs_peers"),
        pl.when(known).then((pl.col("apart") - Z * pl.col("error")).exp()).alias("lower"),
        pl.when(known).then((pl.col("apart") + Z * pl.col("error")).exp()).alias("upper"),
    ).sort("regency_id", "agency_id", "account_id", "basis")  # fmt: skip


def peer_platform(rates: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """One row per platform, basis and peer group: accounts, regencies, the rate in the middle and the middle half.

    Below `minimum_peers` accounts there is no middle, only how many there are."""
    enough = (pl.col("posts") >= t.minimum_posts) & pl.col("peer_group").is_not_null()
    rate = pl.col("ln_rate").exp()
    many = pl.len() >= t.minimum_peers
    made = rates.filter(enough).group_by(list(CELL)).agg(
        pl.len().alias("accounts"),
        pl.col("regency_id").n_unique().alias("regencies"),
        *(
            pl.when(many).then(rate.quantile(q, "linear")).alias(name)
            for name, q in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))
        ),
    )  # fmt: skip
    return made.sort(list(CELL))


def regency_platform(account_window: pl.DataFrame, rates: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """One row per regency and platform: its accounts, how many reported, their posts, and the account in the middle.

    The middle is of the basis that most of its accounts have, where at least `minimum_peers` of them compare."""
    counted = account_window.group_by("regency_id", "platform").agg(
        pl.len().alias("accounts"),
        pl.col("posts").count().alias("accounts_known"),
        pl.when(pl.col("posts").count() > 0).then(pl.col("posts").sum()).alias("posts"),
        (pl.col("covered_days").sum() / pl.col("days").sum().cast(pl.Float64)).alias("coverage"),
    )
    by = ["regency_id", "platform", "basis"]
    some = rates.filter(pl.col("posts") >= t.minimum_posts).group_by(by).agg(
        pl.len().alias("compared"), pl.col("ln_rate").median().exp().alias("median")
    )  # fmt: skip
    best = some.sort(["compared", "basis"], descending=[True, False]).unique(["regency_id", "platform"], keep="first")
    rows = counted.join(best, on=["regency_id", "platform"], how="left").with_columns(pl.col("compared").fill_null(0))
    enough = pl.col("compared") >= t.minimum_peers
    return rows.with_columns(pl.when(enough).then(pl.col("median")).alias("median")).sort("platform", "regency_id")
