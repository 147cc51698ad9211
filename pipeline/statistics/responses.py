"""How fast people get an answer, with those who still wait counted (METRICS 7). Plain hours and working hours, both."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipeline.calendar import WorkingClock, sla_days
from pipeline.statistics import comparison as c
from pipeline.statistics.survival import Curve, kaplan_meier

MINIMUM_CASES = 20

SCHEMA = (
    {"agency_id": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date, "n": pl.Int64, "open": pl.Int64}
    | dict.fromkeys(("median_hours", "median_lower", "median_upper", "answered_1h", "answered_24h", "lower", "upper"), pl.Float64)
    | dict.fromkeys(("working_median_hours", "oldest_open_hours"), pl.Float64)
    | {"backlog": pl.Int64, "sla_due": pl.Int64, "sla_met": pl.Int64, "sla_rate": pl.Float64, "state": pl.Utf8}
)


def timed_cases(cases: pl.DataFrame, calendar: pl.DataFrame, days_allowed: dict[str, int]) -> pl.DataFrame:
    """Cases that need an answer with hours waited (plain and working), answered or not, and whether their deadline was met.

    An open case has waited until the newest time in the log, not until today: the log says nothing after that.
    """
    rows = cases.filter(pl.col("received_at_wib").is_not_null() & pl.col("needs_answer").fill_null(True))
    if rows.is_empty():
        return rows.with_columns(
            hours=pl.lit(0.0), working_hours=pl.lit(0.0), is_answered=pl.lit(False), is_due=None, is_met=None
        )
    until = max(t for t in (rows[k].max() for k in ("received_at_wib", "first_reply_at_wib", "closed_at_wib")) if t is not None)
    rows = rows.with_columns(
        end=pl.coalesce("first_reply_at_wib", pl.lit(until)), is_answered=pl.col("first_reply_at_wib").is_not_null()
    )
    rows = rows.filter(pl.col("end") >= pl.col("received_at_wib"))  # an answer before its question is an error of the log
    clock = WorkingClock(calendar)
    allowed = rows["sla_class"].replace_strict(days_allowed, default=None, return_dtype=pl.Float64)
    rows = rows.with_columns(
        hours=(pl.col("end") - pl.col("received_at_wib")).dt.total_seconds() / 3600,
        working_hours=clock.minutes(rows["received_at_wib"], rows["end"]) / 60,
        deadline=clock.deadline(rows["received_at_wib"], allowed),
    )
    closed = pl.col("closed_at_wib").dt.date()
    return rows.with_columns(is_due=pl.col("deadline") <= until.date(), is_met=closed <= pl.col("deadline"))


def _curve(rows: pl.DataFrame, column: str = "hours") -> Curve:
    rows = rows.filter(pl.col(column).is_not_null())
    return kaplan_meier(rows[column].to_numpy(), rows["is_answered"].to_numpy())


def _null(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _answered(curve: Curve, hours: float) -> tuple[float | None, float | None, float | None]:
    low, high = curve.interval(hours)
    return _null(1 - curve.at(hours)), _null(1 - high), _null(1 - low)


def summary(rows: pl.DataFrame) -> dict:
    """The numbers of one group of timed cases; fewer than 20 cases are shown but judged `too_few_cases`."""
    curve, working = _curve(rows), _curve(rows, "working_hours")
    share, lower, upper = _answered(curve, 24)
    low, high = curve.quantile_interval()
    waiting = rows.filter(~pl.col("is_answered"))["hours"]
    due = rows.filter(pl.col("is_due").fill_null(False))
    met = int(due["is_met"].fill_null(False).sum())
    return {
        "n": len(rows),
        "open": len(waiting),
        "median_hours": _null(curve.quantile()),
        "median_lower": _null(low),
        "median_upper": _null(high),
        "answered_1h": _answered(curve, 1)[0],
        "answered_24h": share,
        "lower": lower,
        "upper": upper,
        "working_median_hours": _null(working.quantile()),
        "oldest_open_hours": waiting.max(),
        "backlog": int((waiting > 24).sum()),
        "sla_due": len(due),
        "sla_met": met,
        "sla_rate": met / len(due) if len(due) else None,
        "state": "judged" if len(rows) >= MINIMUM_CASES else "too_few_cases",
    }


def response_summary(frames: dict[str, pl.DataFrame], registry) -> pl.DataFrame:
    """One row per agency with cases in the last three complete months, and one with agency_id '' for the whole regency."""
    timed = timed_cases(frames["core.cases"], frames["core.calendar"], sla_days(_settings(registry)))
    months = _window(frames["marts.account_month"], timed)
    if not months or timed.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    end = c.add_months(months[-1], 1) - timedelta(days=1)
    rows = timed.filter(pl.col("received_at_wib").dt.date().is_between(months[0], end))
    span = {"period_start": months[0], "period_end": end}
    out = [
        {"agency_id": a[0]} | span | summary(g) for a, g in rows.filter(pl.col("agency_id").is_not_null()).group_by("agency_id")
    ]
    if len(rows):
        out.append({"agency_id": ""} | span | summary(rows))
    return pl.DataFrame(out, schema=SCHEMA).sort("agency_id")


MONTH_SCHEMA = {k: v for k, v in SCHEMA.items() if k not in ("period_start", "period_end", "sla_due", "sla_met", "sla_rate")}


def response_month(frames: dict[str, pl.DataFrame], registry) -> pl.DataFrame:
    """One row per agency ('' = whole regency) and month of receipt."""
    timed = timed_cases(frames["core.cases"], frames["core.calendar"], sla_days(_settings(registry)))
    schema = {"agency_id": pl.Utf8, "month": pl.Date} | {k: v for k, v in MONTH_SCHEMA.items() if k != "agency_id"}
    if timed.is_empty():
        return pl.DataFrame(schema=schema)
    timed = timed.with_columns(month=pl.col("received_at_wib").dt.date().dt.truncate("1mo"))
    out = [{"agency_id": "", "month": m[0]} | summary(g) for m, g in timed.group_by("month")]
    own = timed.filter(pl.col("agency_id").is_not_null())
    out += [{"agency_id": a, "month": m} | summary(g) for (a, m), g in own.group_by("agency_id", "month")]
    return pl.DataFrame([{k: r[k] for k in schema} for r in out], schema=schema).sort("agency_id", "month")


def _settings(registry) -> dict:
    return dict(getattr(registry, "settings", None) or {})


def _window(account_month: pl.DataFrame, timed: pl.DataFrame) -> list[date]:
    last = c.last_complete_month(account_month)
    if last is None and len(timed):
        newest = timed["received_at_wib"].max()
        last = c.add_months(date(newest.year, newest.month, 1), -1)
    return c.window(last) if last else []
