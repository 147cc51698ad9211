"""Risk: posts with far more comments than likes, and surges from their first day to recovery."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from pipeline.platforms import having, platforms
from pipeline.statistics.surges import CALM_SCORE
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

TAIL = 0.99
CALM_DAYS = 3


def risk_ratios(posts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per post with comments and likes. Flagged above the account's own 99th percentile, from
    `minimum_ratio_comments` comments on.

    What counts as a like and as a comment on a platform (Facebook: reactions, X: replies) is in platforms.yml. An account with
    fewer than `minimum_ratio_posts` such posts has no percentile of its own.
    """
    rows = posts.filter("is_counted", pl.col("platform").is_in(having("ratio_flag"))).with_columns(
        comments=_of_platform("comment"), likes=_of_platform("like")
    )
    rows = rows.filter(pl.col("comments").is_not_null(), pl.col("likes").is_not_null())
    rows = rows.with_columns(ratio=pl.col("comments") / pl.max_horizontal(pl.col("likes"), pl.lit(1)))
    rows = rows.with_columns(
        threshold=pl.col("ratio").quantile(TAIL, "linear").over("account_id"),
        n_account=pl.len().over("account_id").cast(pl.Int64),
    )
    judged = pl.col("n_account") >= t.minimum_ratio_posts
    flagged = judged & (pl.col("ratio") > pl.col("threshold")) & (pl.col("comments") >= t.minimum_ratio_comments)
    return rows.select(
        "post_key",
        "platform",
        "account_id",
        "agency_id",
        "month",
        "export_id",
        "comments",
        "likes",
        "ratio",
        "threshold",
        "n_account",
        is_judged=judged,
        is_flagged=flagged,
    ).sort("post_key")


def _of_platform(role: str) -> pl.Expr:
    """The column that plays this role on the platform of the row; null where none does."""
    return pl.coalesce(pl.when(pl.col("platform") == name).then(getattr(platforms()[name], role)) for name in having(role))


SURGE_SCHEMA = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "metric": pl.Utf8,
    "started_on": pl.Date,
    "month": pl.Date,
    "alarm_days": pl.Int64,
    "peak_score": pl.Float64,
    "peak_value": pl.Float64,
    "peak_expected": pl.Float64,
    "recovery_days": pl.Int64,
    "is_recovered": pl.Boolean,
    "ack_hours": pl.Float64,
    "is_acknowledged": pl.Boolean,
    "incident_id": pl.Utf8,
}


def surges(alarms: pl.DataFrame, days: pl.DataFrame, incidents: pl.DataFrame) -> pl.DataFrame:
    """One row per surge: alarm days of one account and count that are not three calm days apart.

    Calm is a score below 1; `alarms` holds every day that is not. Recovered is the first of three calm days in a row within the
    days that the account reports; until then `recovery_days` counts the days so far. Acknowledged is what the incident log says
    of an incident that began within two days of the surge: a routine post is no answer.
    """
    until = dict(days.group_by("account_id").agg(pl.col("day").max()).iter_rows())
    rows = [
        surge
        for (account, metric), group in alarms.sort("date").group_by("account_id", "metric", maintain_order=True)
        if group["is_alarm"].any()
        for surge in _episodes(group, max(group["date"].max(), until.get(account, date.min)))
    ]
    table = pl.DataFrame(rows, schema={k: v for k, v in SURGE_SCHEMA.items() if k not in ACK}, orient="row")
    return _acknowledge(table, incidents).select(SURGE_SCHEMA.keys()).sort("account_id", "metric", "started_on")


ACK = ("ack_hours", "is_acknowledged", "incident_id")


def _episodes(group: pl.DataFrame, last: date) -> list[dict[str, Any]]:
    """The surges of one account and count, walking the calendar from its first alarm to the last reported day."""
    rows = {row["date"]: row for row in group.iter_rows(named=True)}
    found: list[dict[str, Any]] = []
    surge: dict[str, Any] | None = None
    calm = 0
    day: Any = group.filter("is_alarm")["date"].min()
    while day <= last:
        row = rows.get(day)
        if row is not None and row["is_alarm"]:
            surge = _more(surge, row, found)
        if surge is not None:
            calm = calm + 1 if row is None or row["score"] < CALM_SCORE else 0
            surge["recovery_days"] = (day - surge["started_on"]).days
            if calm == CALM_DAYS:
                surge |= {"recovery_days": surge["recovery_days"] - CALM_DAYS + 1, "is_recovered": True}
                surge, calm = None, 0
        day += timedelta(days=1)
    return found


def _more(surge: dict[str, Any] | None, row: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
    """The surge with one more alarm day; a new one when there is none."""
    if surge is None:
        surge = {name: row[name] for name in ("account_id", "agency_id", "metric")}
        surge |= {"started_on": row["date"], "month": row["date"].replace(day=1), "alarm_days": 0, "peak_score": 0.0}
        surge |= {"peak_value": None, "peak_expected": None, "recovery_days": 0, "is_recovered": False}
        found.append(surge)
    surge["alarm_days"] += 1
    if row["score"] > surge["peak_score"]:
        surge |= {"peak_score": row["score"], "peak_value": row["value"], "peak_expected": row["expected"]}
    return surge


def _acknowledge(table: pl.DataFrame, incidents: pl.DataFrame) -> pl.DataFrame:
    known = incidents.filter(pl.col("kind") == "crisis", pl.col("started_at_wib").is_not_null()).rows(named=True)
    hours, answered, names = [], [], []
    for surge in table.iter_rows(named=True):
        start = datetime.combine(surge["started_on"], datetime.min.time())
        near = [
            incident
            for incident in known
            if incident["agency_id"] == surge["agency_id"] and abs((incident["started_at_wib"] - start).days) <= 2
        ]
        nearest = min(near, key=lambda incident: abs(incident["started_at_wib"] - start), default=None)
        done = nearest["acknowledged_at_wib"] if nearest else None
        hours.append(max(0.0, (done - start).total_seconds() / 3600) if done else None)
        answered.append(done is not None)
        names.append(nearest["incident_id"] if nearest else None)
    return table.with_columns(
        ack_hours=pl.Series(hours, dtype=pl.Float64),
        is_acknowledged=pl.Series(answered, dtype=pl.Boolean),
        incident_id=pl.Series(names, dtype=pl.Utf8),
    )


TABLES = {
    "estimates.risk_ratios": Table.judged(
        risk_ratios,
        "core.posts",
        description="One row per post with comments and likes: their ratio against the account's own 99th percentile.",
        key=("post_key",),
    ),
    "estimates.surges": Table.of(
        surges,
        "estimates.alarms",
        "core.account_days",
        "core.incidents",
        description="One row per surge of an account's count: its days, peak, acknowledgement and recovery.",
        key=("account_id", "metric", "started_on"),
    ),
}
