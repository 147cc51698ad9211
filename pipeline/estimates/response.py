"""Response: both clocks per case, Kaplan-Meier per agency, deadlines by class, comments answered.

An open case is censored at the last moment its own log knows of: to claim that it waited longer would be a guess. A reply or
closing before the question is an error in the log; such a case is kept out of the clocks and counted in `n_wrong`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from pipeline.estimates import calendar
from pipeline.statistics import comparison, shrinkage, survival
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

TIMES = ("received_at_wib", "first_reply_at_wib", "closed_at_wib")


def case_clocks(cases: pl.DataFrame, days: pl.DataFrame, sla: Mapping[str, int]) -> pl.DataFrame:
    """One row per case: hours waited (plain and working), answered or not, deadline and whether it was kept."""
    clock = calendar.WorkingClock(days)
    rows = cases.with_columns(pl.col(*TIMES).cast(pl.Datetime("us"))).filter(pl.col("received_at_wib").is_not_null())
    latest = pl.max_horizontal(*TIMES).max().over("source")
    rows = rows.with_columns(as_of=latest, answered_at=pl.coalesce("first_reply_at_wib", "closed_at_wib"))
    rows = rows.with_columns(is_answered=pl.col("answered_at").is_not_null(), until=pl.coalesce("answered_at", "as_of"))
    received, until = rows["received_at_wib"], rows["until"]
    allowed = rows["sla_class"].replace_strict(dict(sla), default=None, return_dtype=pl.Float64)
    rows = rows.with_columns(
        waited_hours=calendar.plain_minutes(received, until) / 60,
        working_hours=clock.minutes(received, until) / 60,
        deadline=clock.deadline(received, allowed),
        month=received.dt.date().dt.month_start(),
        needs_answer=pl.col("needs_answer").fill_null(True),
    )
    closed, due = pl.col("closed_at_wib").dt.date(), pl.col("deadline")
    rows = rows.with_columns(is_due=pl.col("needs_answer") & due.is_not_null() & (due < pl.col("as_of").dt.date()))
    return rows.select(
        "channel",
        "case_id",
        "agency_id",
        "account_id",
        "month",
        "received_at_wib",
        "category",
        "district",
        "sla_class",
        "source",
        "export_id",
        "as_of",
        "needs_answer",
        "is_answered",
        "waited_hours",
        "working_hours",
        "deadline",
        "is_due",
        is_within_deadline=pl.when("is_due").then((closed <= due).fill_null(False)),
    ).sort("channel", "case_id")


SUMMARY = {
    "n": pl.Int64,
    "open": pl.Int64,
    "n_wrong": pl.Int64,
    "median_hours": pl.Float64,
    "median_lower": pl.Float64,
    "median_upper": pl.Float64,
    "working_median_hours": pl.Float64,
    "answered_1h": pl.Float64,
    "answered_24h": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "open_over_24h": pl.Int64,
    "oldest_open_hours": pl.Float64,
    "state": pl.Utf8,
}


def summarise(cases: pl.DataFrame, t: Thresholds = DEFAULT) -> dict[str, object]:
    """One set of cases. `lower` and `upper` belong to answered_24h; values are null with too few cases, counts are not."""
    asked = cases.filter("needs_answer")
    known = asked.filter(pl.col("waited_hours").is_not_null())
    waiting = known.filter(~pl.col("is_answered"))
    row: dict[str, object] = dict.fromkeys(SUMMARY)
    row |= {
        "n": known.height,
        "open": waiting.height,
        "n_wrong": asked.height - known.height,
        "open_over_24h": waiting.filter(pl.col("waited_hours") > 24).height,
        "oldest_open_hours": waiting["waited_hours"].max(),
        "state": "judged" if known.height >= t.minimum_cases else "too_few_cases",
    }
    if known.height < t.minimum_cases:
        return row
    curve = survival.kaplan_meier(known["waited_hours"].to_numpy(), known["is_answered"].to_numpy())
    work = known.filter(pl.col("working_hours").is_not_null())
    working = survival.kaplan_meier(work["working_hours"].to_numpy(), work["is_answered"].to_numpy())
    low, high = curve.interval(24.0)
    row["median_lower"], row["median_upper"] = curve.quantile_interval()
    row |= {"median_hours": curve.quantile(), "working_median_hours": working.quantile()}
    row |= {"answered_1h": 1 - curve.at(1.0), "answered_24h": 1 - curve.at(24.0), "lower": 1 - high, "upper": 1 - low}
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}


def response_month(cases: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per agency and month in which cases were received."""
    groups = cases.filter(pl.col("agency_id").is_not_null()).group_by("agency_id", "month", maintain_order=True)
    rows = [{"agency_id": agency, "month": month, **summarise(group, t)} for (agency, month), group in groups]
    return pl.DataFrame(rows, schema={"agency_id": pl.Utf8, "month": pl.Date, **SUMMARY}).sort("agency_id", "month")


def response_summary(cases: pl.DataFrame, agencies: pl.DataFrame, last: date | None, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per agency for the last three complete months, and one for the regency (agency_id null).

    An agency without a log stays in sight with state `no_log`.
    """
    schema = {"agency_id": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date, **SUMMARY}
    if last is None:
        return pl.DataFrame(schema=schema)
    first, end = comparison.window(last, t.window_months)[0], comparison.add_months(last, 1) - timedelta(days=1)
    inside = cases.filter(pl.col("month").is_between(first, last))
    found = {agency: summarise(group, t) for (agency,), group in inside.group_by("agency_id")}
    nothing = dict.fromkeys(SUMMARY) | {"n": 0, "open": 0, "n_wrong": 0, "open_over_24h": 0, "state": "no_log"}
    rows = [
        {"agency_id": agency, "period_start": first, "period_end": end, **found.get(agency, nothing)}
        for agency in sorted(agencies["agency_id"].to_list())
    ]
    if inside.height:
        rows.append({"agency_id": None, "period_start": first, "period_end": end, **summarise(inside, t)})
    return pl.DataFrame(rows, schema=schema)


CHANNEL = {"agency_id": pl.Utf8, "channel": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date} | SUMMARY
CHANNEL |= {"is_slow": pl.Boolean}


def response_channel(cases: pl.DataFrame, last: date | None, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per agency and channel over the last three complete months: a comment and a formal complaint have different clocks.

    `is_slow` only where the whole interval of the share answered within a day lies below `slow_answered_share`; null with too few
    cases. A median without its interval calls nobody slow.
    """
    if last is None:
        return pl.DataFrame(schema=CHANNEL)
    first, end = comparison.window(last, t.window_months)[0], comparison.add_months(last, 1) - timedelta(days=1)
    inside = cases.filter(pl.col("month").is_between(first, last), pl.col("agency_id").is_not_null())
    rows = []
    for (agency, channel), group in inside.group_by("agency_id", "channel"):
        row = summarise(group, t)
        upper: Any = row["upper"]
        slow = None if upper is None else upper < t.slow_answered_share
        rows.append({"agency_id": agency, "channel": channel, "period_start": first, "period_end": end, **row, "is_slow": slow})
    return pl.DataFrame(rows, schema=CHANNEL).sort("agency_id", "channel")


def reply_share(cases: pl.DataFrame) -> pl.DataFrame:
    """One row per agency with logged comments: share answered, beta-binomial over agencies; raw share with 3 agencies or
    fewer."""
    comments = cases.filter("needs_answer", pl.col("channel") == "comment", pl.col("agency_id").is_not_null())
    table = comments.group_by("agency_id").agg(answered=pl.col("is_answered").sum().cast(pl.Int64), n=pl.len().cast(pl.Int64))
    table = table.sort("agency_id")
    y, n = table["answered"].to_numpy().astype(float), table["n"].to_numpy().astype(float)
    a = b = 0.5  # Jeffreys, where there are too few agencies to learn the spread between them
    if len(table) > 3:
        fitted = shrinkage.beta_binomial(y, n)
        a, b = fitted.alpha, fitted.beta
    low, high = stats.beta.ppf(0.025, a + y, b + n - y), stats.beta.ppf(0.975, a + y, b + n - y)
    return table.with_columns(reply_share=pl.Series((a + y) / (a + b + n)), lower=pl.Series(low), upper=pl.Series(high))


def _summary(cases: pl.DataFrame, agencies: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    return response_summary(cases, agencies, comparison.last_complete_month(account_month), t)


def _channel(cases: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    return response_channel(cases, comparison.last_complete_month(account_month), t)


TABLES = {
    "estimates.case_clocks": Table.of(
        case_clocks,
        "core.cases",
        "core.calendar",
        given=lambda registry: {"sla": calendar.sla_days(getattr(registry, "settings", None))},
        description="One row per question or complaint: hours waited on both clocks, answered or open, deadline kept or not.",
        key=("channel", "case_id"),
    ),
    "estimates.response_month": Table.judged(
        response_month,
        "estimates.case_clocks",
        description="One row per agency and month: Kaplan-Meier response times with open cases counted.",
        key=("agency_id", "month"),
    ),
    "estimates.response_summary": Table.judged(
        _summary,
        "estimates.case_clocks",
        "core.agencies",
        "marts.account_month",
        description="One row per agency, and one without an id for the regency: response times of three complete months.",
        key=("agency_id",),
    ),
    "estimates.response_channel": Table.judged(
        _channel,
        "estimates.case_clocks",
        "marts.account_month",
        description="One row per agency and channel: response times of three complete months with intervals, slow or not.",
        key=("agency_id", "channel"),
    ),
    "estimates.reply_share": Table.of(
        reply_share,
        "estimates.case_clocks",
        description="One row per agency: share of logged comments needing an answer that got one (beta-binomial).",
        key=("agency_id",),
    ),
}
