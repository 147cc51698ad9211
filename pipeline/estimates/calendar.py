"""Days and working minutes: the calendar of Indonesian offices, and the two clocks of response times.

A working day is Monday to Friday without public holidays and cuti bersama. Hours follow Perpres 21/2023 (37.5 hours a week, 32.5
in Ramadan) and can be changed in `settings.toml`:

    [working_hours]            # local time; the lunch break is not taken off, a citizen waits through it too
    monday_to_thursday = ["07:30", "16:00"]
    friday = ["07:30", "16:30"]
    ramadan_monday_to_thursday = ["08:00", "15:00"]
    ramadan_friday = ["08:00", "15:30"]

    [days_off]                 # days that only this regency has off, or that came too late for the holiday table
    2026-06-03 = "Hari Jadi Bogor"

All times here are wall clock in Asia/Jakarta (no daylight saving time since 1964), so they are naive.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from typing import Any

import holidays
import numpy as np
import polars as pl

from pipeline.files import shipped
from pipeline.registry import SLA_WORKING_DAYS
from pipeline.tables import Table

RAMADAN_FILE = shipped("warehouse", "ramadan.csv")
FIRST, LAST = date(2018, 1, 1), date(2030, 12, 31)  # at least; what the data span is added in whole years
EARLIEST, LATEST = date(2000, 1, 1), date(2050, 12, 31)  # a day beyond is a slip of the pen in a register
WORKING_HOURS: dict[str, tuple[str, str]] = {
    "monday_to_thursday": ("07:30", "16:00"),
    "friday": ("07:30", "16:30"),
    "ramadan_monday_to_thursday": ("08:00", "15:00"),
    "ramadan_friday": ("08:00", "15:30"),
}


def minute_of_day(text: str | time) -> int:
    """Minutes since midnight of a clock time such as '07:30' (a TOML local time is accepted too)."""
    clock = text if isinstance(text, time) else time.fromisoformat(str(text))
    return clock.hour * 60 + clock.minute


def working_hours(settings: Mapping[str, Any] | None = None) -> dict[str, tuple[int, int]]:
    """Start and end minute per kind of day. Raises ValueError for an unknown kind or an end before its start."""
    given = dict((settings or {}).get("working_hours", {}))
    unknown = sorted(set(given) - set(WORKING_HOURS))
    if unknown:
        known = ", ".join(WORKING_HOURS)
        raise ValueError(
            f"settings.toml [working_hours]: tidak dikenal: {', '.join(unknown)}. Yang ada: {known} / "
            f"unknown: {', '.join(unknown)}. Known: {known}"
        )
    hours = {}
    for kind, default in WORKING_HOURS.items():
        span = [minute_of_day(clock) for clock in given.get(kind, default)]
        if len(span) != 2 or not 0 <= span[0] < span[1]:
            raise ValueError(
                f"settings.toml [working_hours] {kind}: jam mulai harus sebelum jam selesai / start must be before end"
            )
        hours[kind] = (span[0], span[1])
    return hours


def sla_days(settings: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Working days allowed per class of complaint."""
    return SLA_WORKING_DAYS | {str(k): int(v) for k, v in (settings or {}).get("sla_days", {}).items()}


def ramadan() -> pl.DataFrame:
    """One row per Ramadan as decided in Indonesia; Umm al-Qura converters are a day off in five of these years."""
    return pl.read_csv(RAMADAN_FILE, try_parse_dates=True)


@lru_cache(maxsize=8)
def _holiday_names(first: int, last: int) -> tuple[dict[date, str], dict[date, str]]:
    years = range(first, last + 1)
    public = holidays.country_holidays("ID", categories=("public",), language="id", years=years)
    joint = holidays.country_holidays("ID", categories=("government",), language="id", years=years)
    return dict(public.items()), dict(joint.items())


def span(first: date | None, last: date | None) -> tuple[date, date]:
    """The days of the calendar: at least FIRST to LAST, and every year that the data reach into."""
    low = min(FIRST, max(first or FIRST, EARLIEST))
    high = max(LAST, min(last or LAST, LATEST))
    return date(low.year, 1, 1), date(high.year, 12, 31)


def calendar(settings: Mapping[str, Any] | None = None, first: date | None = None, last: date | None = None) -> pl.DataFrame:
    """One row per day. `is_ramadan` is null in years whose Ramadan is not in the table; hours are then the normal ones.

    `first` and `last` are the first and last day that the data speak of: the calendar spans whatever they span.
    """
    first, last = span(first, last)
    public, joint = _holiday_names(first.year, last.year)
    own = {date.fromisoformat(str(day)): str(name) for day, name in dict((settings or {}).get("days_off", {})).items()}
    days = pl.DataFrame({"date": pl.date_range(first, last, "1d", eager=True)})
    named = [(d, d in public or d in own, d in joint, _name(d, public, joint, own)) for d in days["date"]]
    holiday = pl.DataFrame(
        named,
        schema={"date": pl.Date, "is_holiday": pl.Boolean, "is_joint_leave": pl.Boolean, "holiday_name": pl.Utf8},
        orient="row",
    )
    return _with_hours(_with_ramadan(days.join(holiday, on="date", how="left")), working_hours(settings))


def _name(day: date, *tables: Mapping[date, str]) -> str | None:
    names = [table[day] for table in tables if day in table]
    return "; ".join(names) or None


def _with_ramadan(days: pl.DataFrame) -> pl.DataFrame:
    fasting = ramadan()
    known = pl.col("date").dt.year().is_in(fasting["first"].dt.year().implode())
    inside = pl.any_horizontal(
        *(pl.col("date").is_between(first, last) for first, last in fasting.select("first", "last").iter_rows())
    )
    return days.with_columns(
        month=pl.col("date").dt.month_start(),
        iso_year=pl.col("date").dt.iso_year(),
        iso_week=pl.col("date").dt.week(),
        week_start=pl.col("date").dt.truncate("1w"),
        weekday=pl.col("date").dt.weekday() - 1,
        is_ramadan=pl.when(known).then(inside),
    ).with_columns(
        is_weekend=pl.col("weekday") >= 5,
        is_day_off=(pl.col("weekday") >= 5) | pl.col("is_holiday") | pl.col("is_joint_leave"),
    )


def _with_hours(days: pl.DataFrame, hours: Mapping[str, tuple[int, int]]) -> pl.DataFrame:
    friday, fasting = pl.col("weekday") == 4, pl.col("is_ramadan").fill_null(False)

    def side(i: int) -> pl.Expr:
        in_ramadan = pl.when(friday).then(hours["ramadan_friday"][i]).otherwise(hours["ramadan_monday_to_thursday"][i])
        normal = pl.when(friday).then(hours["friday"][i]).otherwise(hours["monday_to_thursday"][i])
        return pl.when(~pl.col("is_day_off")).then(pl.when(fasting).then(in_ramadan).otherwise(normal)).cast(pl.Int32)

    return days.with_columns(work_start_minute=side(0), work_end_minute=side(1)).select(
        "date",
        "month",
        pl.col("iso_year").cast(pl.Int32),
        pl.col("iso_week").cast(pl.Int32),
        "week_start",
        pl.col("weekday").cast(pl.Int32),
        "is_weekend",
        "is_holiday",
        "is_joint_leave",
        "holiday_name",
        "is_day_off",
        "is_ramadan",
        "work_start_minute",
        "work_end_minute",
    )


class WorkingClock:
    """Counts working minutes and working days on a calendar frame.

    Times are naive WIB datetimes. A span that starts or ends outside the calendar, or ends before it starts, is null: it is an
    error in the log, not a fast answer.
    """

    def __init__(self, days: pl.DataFrame) -> None:
        days = days.sort("date")
        self._first = days["date"].to_numpy().astype("datetime64[D]")[0]
        self._start = days["work_start_minute"].fill_null(0).to_numpy().astype(np.float64)
        self._end = days["work_end_minute"].fill_null(0).to_numpy().astype(np.float64)
        minutes = self._end - self._start
        self._before = np.concatenate([[0.0], np.cumsum(minutes)])
        self._working = np.cumsum(minutes > 0)
        self._working_index = np.flatnonzero(minutes > 0)

    def _elapsed(self, instants: np.ndarray) -> np.ndarray:
        """Working minutes from the first day of the calendar to each instant; NaN outside."""
        missing = np.isnat(instants)
        day = (np.where(missing, self._first, instants).astype("datetime64[D]") - self._first).astype(np.int64)
        outside = missing | (day < 0) | (day >= len(self._start))
        day = np.where(outside, 0, day)
        minute = (instants - instants.astype("datetime64[D]")).astype("timedelta64[us]").astype(np.float64) / 60e6
        today = np.clip(np.minimum(minute, self._end[day]) - self._start[day], 0, None)
        return np.where(outside, np.nan, self._before[day] + today)

    def minutes(self, start: pl.Series, end: pl.Series) -> pl.Series:
        """Working minutes from `start` to `end`, elementwise."""
        a, b = _instants(start), _instants(end)
        spent = np.where(b >= a, self._elapsed(b) - self._elapsed(a), np.nan)
        return pl.Series("working_minutes", spent, nan_to_null=True)

    def deadline(self, received: pl.Series, working_days: pl.Series) -> pl.Series:
        """The date of the n-th working day after each received date; null where the calendar ends before it."""
        day = received.cast(pl.Date).to_numpy().astype("datetime64[D]")
        index = np.where(np.isnat(day), -1, (day - self._first).astype(np.int64))
        n = working_days.cast(pl.Float64).to_numpy()
        known = (index >= 0) & (index < len(self._start)) & ~np.isnan(n)
        place = self._working[np.where(known, index, 0)] + np.where(known, n, 0).astype(np.int64) - 1
        known &= (place >= 0) & (place < len(self._working_index))
        due = self._first + self._working_index[np.where(known, place, 0)].astype("timedelta64[D]")
        return pl.Series("deadline", np.where(known, due, np.datetime64("NaT", "D")), dtype=pl.Date)


def plain_minutes(start: pl.Series, end: pl.Series) -> pl.Series:
    """Minutes on the wall clock from `start` to `end`; null where the end is before the start."""
    a, b = _instants(start), _instants(end)
    spent = np.where(b >= a, (b - a).astype("timedelta64[us]").astype(np.float64) / 60e6, np.nan)
    return pl.Series("minutes", spent, nan_to_null=True)


def _instants(times: pl.Series) -> np.ndarray:
    return times.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]")


def build_calendar(frames: dict[str, pl.DataFrame], registry: object) -> pl.DataFrame:
    """`core.calendar` from the settings of the registry, as long as the data are."""
    first, last = frames["staging.data_span"].row(0)
    return calendar(getattr(registry, "settings", None), first, last)


TABLES = {
    "core.calendar": Table(
        build=build_calendar,
        needs=("staging.data_span",),
        description="One row per day: ISO week, Indonesian public holidays, cuti bersama, Ramadan, working hours of the day.",
        key=("date",),
    )
}
