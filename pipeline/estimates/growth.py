"""Followers: last known totals, growth and losses. Totals come from files that carry them, else from the register."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

PURGE = 0.05  # a fall of more than 5 % in one day is the platform's doing, not the account's
OLDEST_DAYS = 120  # a follower count older than this says nothing about a post


def growth(followers: pl.DataFrame, days: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per account and month with a known total or known flows.

    `followers_start` is the reading nearest the month's first day, `followers_end` the one nearest the next month's first day,
    both at most `growth_slack_days` away; both are observations, never interpolated. The rate is scaled to a year by the days
    between them. Where no reading is near enough `followers_end` is the last one of the month, and no growth is claimed.
    """
    seen = followers.filter(pl.col("followers").is_not_null()).with_columns(month=pl.col("date").dt.month_start())
    seen = seen.sort("account_id", "date").with_columns(before=pl.col("followers").shift().over("account_id"))
    seen = seen.with_columns(before_on=pl.col("date").shift().over("account_id"))
    one_day = (pl.col("date") - pl.col("before_on")) == timedelta(days=1)
    fall = pl.when(one_day).then(1 - pl.col("followers") / pl.col("before"))
    keys = ["account_id", "agency_id", "platform", "month"]
    totals = (
        seen.with_columns(fall=fall)
        .group_by(keys, maintain_order=True)
        .agg(
            last_followers=pl.col("followers").last().cast(pl.Int64),
            last_on=pl.col("date").last(),
            followers_observations=pl.len().cast(pl.Int64),
            largest_fall=pl.col("fall").max(),
        )
    )
    rows = totals.join(_flows(days), on=keys, how="full", coalesce=True)
    slack = timedelta(days=t.growth_slack_days)
    rows = _nearest(rows, seen, pl.col("month"), "start", slack)
    rows = _nearest(rows, seen, pl.col("month").dt.offset_by("1mo"), "end", slack)
    is_month = (pl.col("ended_on") > pl.col("started_on")).fill_null(False)
    rows = rows.with_columns(
        growth_days=pl.when(is_month).then((pl.col("ended_on") - pl.col("started_on")).dt.total_days()),
        followers_end=pl.when(is_month).then("followers_end").otherwise("last_followers"),
        ended_on=pl.when(is_month).then("ended_on").otherwise("last_on"),
    ).drop("last_followers", "last_on")
    return rows.with_columns(
        growth_rate=pl.when(pl.col("growth_days") > 0, pl.col("followers_start") > 0).then(
            (pl.col("followers_end") / pl.col("followers_start") - 1) * 365.25 / pl.col("growth_days")
        ),
        churn_rate=pl.when(pl.col("followers_start") > 0).then(pl.col("follows_lost") / pl.col("followers_start")),
        has_purge=pl.col("largest_fall").fill_null(0.0) > PURGE,
    ).sort("account_id", "agency_id", "month")


def _nearest(rows: pl.DataFrame, seen: pl.DataFrame, day: pl.Expr, which: str, slack: timedelta) -> pl.DataFrame:
    """`rows` with followers_start, started_on (or followers_end, ended_on): the account's reading nearest `day`, if any."""
    readings = seen.select("account_id", "date", pl.col("followers").cast(pl.Int64)).sort("date")
    found = (
        rows.with_columns(wanted=day)
        .sort("wanted")
        .join_asof(
            readings,
            left_on="wanted",
            right_on="date",
            by="account_id",
            strategy="nearest",
            tolerance=slack,
            check_sortedness=False,
        )
    )
    return found.drop("wanted").rename({"followers": f"followers_{which}", "date": f"{which}ed_on"})


def _flows(days: pl.DataFrame) -> pl.DataFrame:
    """Follows gained and lost per account and month, null where no file reports them."""
    keys = ["account_id", "agency_id", "platform", "month"]
    rows = days.filter(pl.col("metric").is_in(["follows_gained", "follows_lost"]))

    def total(metric: str) -> pl.Expr:
        value = pl.col("value").filter(pl.col("metric") == metric)
        return pl.when(value.count() > 0).then(value.sum()).cast(pl.Int64).alias(metric)

    return rows.group_by(keys).agg(
        total("follows_gained"), total("follows_lost"), flow_days=pl.col("day").n_unique().cast(pl.Int64)
    )


def post_followers(posts: pl.DataFrame, followers: pl.DataFrame) -> pl.DataFrame:
    """(post_key, followers_at_publish): the last total known on the day, at most 120 days old."""
    known = followers.filter(pl.col("followers") > 0).select("account_id", "date", "followers").sort("date")
    rows = posts.select("post_key", "account_id", "published_on").drop_nulls().sort("published_on")
    joined = rows.join_asof(
        known,
        left_on="published_on",
        right_on="date",
        by="account_id",
        strategy="backward",
        tolerance=timedelta(days=OLDEST_DAYS),
        check_sortedness=False,
    )
    return joined.select("post_key", followers_at_publish=pl.col("followers").cast(pl.Int64)).sort("post_key")


TABLES = {
    "estimates.growth": Table.judged(
        growth,
        "core.followers",
        "core.account_days",
        description="One row per account and month: followers at its start and end, gained and lost, purges marked.",
        key=("account_id", "agency_id", "month"),
    ),
    "estimates.post_followers": Table.of(
        post_followers,
        "core.posts",
        "core.followers",
        description="One row per post: the last follower total known on the day of publication, at most 120 days old.",
        key=("post_key",),
    ),
}
