"""Alarms: account days whose comments, negative feedback or unfollows are far above the account's own recent past.

Daily files give the count of a day. Where a platform has no daily comments, the comments of the posts published on a day stand
for it, with the number of posts as exposure. A surge may be praise: a person must read before acting.
"""

import numpy as np
import polars as pl

from pipeline.statistics import anomalies as a

DAILY = ("comments", "replies", "negative_total", "follows_lost", "dislikes")
OF_POSTS = {"comments_of_posts": ("comments", "replies"), "negative_of_posts": ("negative_total",)}

CALM_SCORE = 1.0  # a day below is calm and left out: what recovery is counted by
ALARM_SCHEMA = {
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


def alarms(account_days: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """One row per account, day and metric of the last 26 weeks that the budget threshold or score 2 singles out.

    `threshold` is the score that 3 days a week of the whole regency exceed; `is_alarm` is at or above it. False alarms are
    therefore bounded by the budget, not by a p-value. `days_to_detect` says how late the export was.
    """
    series = pl.concat([_daily(account_days), *(_of_posts(posts, name, columns) for name, columns in OF_POSTS.items())])
    if series.is_empty():
        return pl.DataFrame(schema=ALARM_SCHEMA)
    scored = pl.concat([_scored(g) for g in series.partition_by("metric")])
    last = series["date"].max()
    recent = scored.filter(pl.col("date") > last - pl.duration(days=a.HISTORY_DAYS)).filter(pl.col("score").is_not_nan())
    if recent.is_empty():
        return pl.DataFrame(schema=ALARM_SCHEMA)
    days = min(a.HISTORY_DAYS, (last - recent["date"].min()).days + 1)
    threshold = a.budget_threshold(recent["score"].to_numpy(), days)
    out = recent.filter(pl.col("score") >= CALM_SCORE).with_columns(
        threshold=pl.lit(threshold),
        is_alarm=pl.col("score") >= threshold,
        days_to_detect=(pl.col("detected_at").dt.date() - pl.col("date")).dt.total_days(),
    )
    out = out.with_columns(pl.col("detected_at").cast(pl.Datetime("us")))
    return out.select(pl.col(k).cast(t) for k, t in ALARM_SCHEMA.items()).sort("date", "account_id", "metric")


def _daily(account_days: pl.DataFrame) -> pl.DataFrame:
    rows = account_days.filter(pl.col("metric").is_in(DAILY) & pl.col("value").is_not_null() & (pl.col("value") >= 0))
    rows = rows.group_by("account_id", "agency_id", "metric", date="day").agg(
        pl.col("value").last().cast(pl.Float64), pl.col("captured_at").min().cast(pl.Datetime("us")).alias("detected_at")
    )
    return rows.select(
        "account_id", "agency_id", "metric", "date", "value", n_posts=pl.lit(None, pl.Int64), detected_at="detected_at"
    )


def _of_posts(posts: pl.DataFrame, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """A count summed over the posts of a day (the first column that a platform reports); days without posts are left out."""
    known = [pl.col(k) for k in columns if k in posts.columns] or [pl.lit(None, pl.Int64)]
    rows = posts.with_columns(value=pl.coalesce(known)).filter(pl.col("value").is_not_null() & pl.col("account_id").is_not_null())
    if "is_counted" in rows.columns:
        rows = rows.filter("is_counted")
    rows = rows.group_by("account_id", "agency_id", date="published_on").agg(
        pl.col("value").sum().cast(pl.Float64),
        pl.len().cast(pl.Int64).alias("n_posts"),
        pl.col("captured_at").min().cast(pl.Datetime("us")).alias("detected_at"),
    )
    return rows.select("account_id", "agency_id", pl.lit(name).alias("metric"), "date", "value", "n_posts", "detected_at")


def _scored(series: pl.DataFrame) -> pl.DataFrame:
    """Scores of one metric for all accounts at once, on an accounts x days grid."""
    metric, first = series["metric"][0], series["date"].min()
    accounts = sorted(series["account_id"].unique().to_list())
    row = series["account_id"].replace_strict(accounts, list(range(len(accounts))), return_dtype=pl.Int64).to_numpy()
    day = (series["date"] - first).dt.total_days().to_numpy()
    counts = np.full((len(accounts), int(day.max()) + 1), np.nan)
    counts[row, day] = series["value"].to_numpy()
    exposure = None
    if metric in OF_POSTS:
        exposure = np.full(counts.shape, np.nan)
        exposure[row, day] = series["n_posts"].to_numpy()
    score, expected = a.grid_scores(counts, (np.arange(counts.shape[1]) + first.weekday()) % 7, exposure=exposure)
    return series.with_columns(score=pl.Series(score[row, day]), expected=pl.Series(expected[row, day]))
