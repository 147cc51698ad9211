"""Alarms: account days whose comments, negative feedback or unfollows are far above the account's own recent past.

Daily files give the count of a day. Posts give, per day of publication, comments against their other engagement and negative
feedback against their reach: a viral post brings all of them in proportion and is no alarm, a controversy changes the proportion.
A surge may still be praise: a person must read before acting.
"""

from typing import Any

import numpy as np
import polars as pl

from pipeline.statistics import anomalies as a
from pipeline.tables import Schema
from pipeline.thresholds import DEFAULT, Thresholds

DAILY = ("comments", "replies", "negative_total", "follows_lost", "dislikes")
OF_POSTS = {  # name: (count, the first column that a platform reports; what it is measured against)
    "comments_of_posts": (("comments", "replies"), pl.col("engagement") - pl.col("value") + 1),
    "negative_of_posts": (("negative_total",), pl.col("exposure") + 1),
}

FLOOR, EPISODE_GAP = 2.0, 3
KNOWN_AT = pl.coalesce("first_captured_at", "captured_at")  # the first export made when the day was over, else the only one
CALM_SCORE = 1.0  # a day below is calm and left out: what recovery is counted by

ALARM_SCHEMA: Schema = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "date": pl.Date,
    "metric": pl.Utf8,
    "value": pl.Float64,
    "expected": pl.Float64,
    "score": pl.Float64,
    "detected_at": pl.Datetime("us"),
    "days_to_detect": pl.Int64,
    "n_posts": pl.Int64,
    "threshold": pl.Float64,
    "is_alarm": pl.Boolean,
}


def alarms(account_days: pl.DataFrame, posts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per account, day and metric of the last 26 weeks with a score of at least 1.

    `threshold` is the score that `alarm_budget_per_week` episodes a week of the whole regency exceed (an episode: one agency,
    days at most three apart, whatever the account and metric: one thing to read); `is_alarm` is at or above it. False alarms are
    so bounded by the budget, not by a p-value. `days_to_detect` says how late the first export made after the day was; the count
    itself is as last reported.
    """
    series = pl.concat([_daily(account_days), *(_of_posts(posts, name, *how) for name, how in OF_POSTS.items())])
    if series.is_empty():
        return pl.DataFrame(schema=ALARM_SCHEMA)
    scored = pl.concat([_scored(g) for g in series.partition_by("metric")])
    last: Any = series["date"].max()
    recent = scored.filter(pl.col("date") > last - pl.duration(days=a.HISTORY_DAYS)).filter(pl.col("score").is_not_nan())
    if recent.is_empty():
        return pl.DataFrame(schema=ALARM_SCHEMA)
    first: Any = recent["date"].min()
    days = min(a.HISTORY_DAYS, (last - first).days + 1)
    notable = recent.filter(pl.col("score") >= FLOOR)
    threshold = a.budget_threshold(_episodes(notable)["score"].to_numpy(), days, per_week=t.alarm_budget_per_week, floor=FLOOR)
    out = recent.filter(pl.col("score") >= CALM_SCORE).with_columns(
        threshold=pl.lit(threshold),
        is_alarm=pl.col("score") >= threshold,
        days_to_detect=(pl.col("detected_at").dt.date() - pl.col("date")).dt.total_days(),
    )
    out = out.with_columns(pl.col("detected_at").cast(pl.Datetime("us")))
    return out.select(pl.col(k).cast(t) for k, t in ALARM_SCHEMA.items()).sort("date", "account_id", "metric")


def _episodes(notable: pl.DataFrame) -> pl.DataFrame:
    """agency_id, episode, score: the highest score of each run of notable days of an agency."""
    days = notable.group_by("agency_id", "date").agg(pl.col("score").max()).sort("agency_id", "date")
    gap = (pl.col("date") - pl.col("date").shift(1).over("agency_id")).dt.total_days()
    return (
        days.with_columns(episode=(gap.fill_null(99) > EPISODE_GAP).cum_sum())
        .group_by("agency_id", "episode")
        .agg(pl.col("score").max())
    )


def _daily(account_days: pl.DataFrame) -> pl.DataFrame:
    rows = account_days.filter(pl.col("metric").is_in(DAILY) & pl.col("value").is_not_null() & (pl.col("value") >= 0))
    rows = rows.group_by("account_id", "agency_id", "metric", date="day").agg(
        pl.col("value").last().cast(pl.Float64), KNOWN_AT.min().cast(pl.Datetime("us")).alias("detected_at")
    )
    return rows.select(
        "account_id",
        "agency_id",
        "metric",
        "date",
        "value",
        against=pl.lit(None, pl.Float64),
        n_posts=pl.lit(None, pl.Int64),
        detected_at="detected_at",
    )


def _of_posts(posts: pl.DataFrame, name: str, columns: tuple[str, ...], against: pl.Expr) -> pl.DataFrame:
    """A count summed over the posts of a day and what it is measured against; days without posts are left out."""
    known = [pl.col(k) for k in columns if k in posts.columns] or [pl.lit(None, pl.Int64)]
    rows = posts.with_columns(value=pl.coalesce(known)).filter(pl.col("value").is_not_null() & pl.col("account_id").is_not_null())
    if "is_counted" in rows.columns:
        rows = rows.filter("is_counted")
    rows = rows.with_columns(against=against.cast(pl.Float64)).filter(pl.col("against") > 0)
    rows = rows.group_by("account_id", "agency_id", date="published_on").agg(
        pl.col("against").sum(),
        pl.col("value").sum().cast(pl.Float64),
        pl.len().cast(pl.Int64).alias("n_posts"),
        KNOWN_AT.min().cast(pl.Datetime("us")).alias("detected_at"),
    )
    return rows.select(
        "account_id", "agency_id", pl.lit(name).alias("metric"), "date", "value", "against", "n_posts", "detected_at"
    )


def _scored(series: pl.DataFrame) -> pl.DataFrame:
    """Scores of one metric for all accounts at once, on an accounts x days grid."""
    metric: str = series["metric"][0]
    first: Any = series["date"].min()
    accounts = sorted(series["account_id"].unique().to_list())
    row = series["account_id"].replace_strict(accounts, list(range(len(accounts))), return_dtype=pl.Int64).to_numpy()
    day = (series["date"] - first).dt.total_days().to_numpy()
    counts = np.full((len(accounts), int(day.max()) + 1), np.nan)
    counts[row, day] = series["value"].to_numpy()
    exposure = None
    if metric in OF_POSTS:
        exposure = np.full(counts.shape, np.nan)
        exposure[row, day] = series["against"].to_numpy()
    score, expected = a.grid_scores(counts, (np.arange(counts.shape[1]) + first.weekday()) % 7, exposure=exposure)
    return series.with_columns(score=pl.Series(score[row, day]), expected=pl.Series(expected[row, day]))
