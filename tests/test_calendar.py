from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.estimates import calendar

DAYS = calendar.calendar()
CLOCK = calendar.WorkingClock(DAYS)
EID = [date(2019, 6, 5), date(2020, 5, 24), date(2021, 5, 13), date(2022, 5, 2), date(2023, 4, 22)]
EID += [date(2024, 4, 10), date(2025, 3, 31), date(2026, 3, 21), date(2027, 3, 10)]


def minutes(start: datetime, end: datetime) -> float | None:
    return CLOCK.minutes(pl.Series([start]), pl.Series([end]))[0]


def day(when: date) -> dict:
    return DAYS.row(by_predicate=pl.col("date") == when, named=True)


def test_calendar_has_one_row_per_day_and_the_promised_columns():
    assert DAYS["date"].is_unique().all()
    assert DAYS["date"].diff().drop_nulls().unique().to_list() == [timedelta(days=1)]
    assert DAYS.columns[:2] == ["date", "month"] and DAYS.columns[-2:] == ["work_start_minute", "work_end_minute"]


@pytest.mark.parametrize("eid", EID)
def test_eid_is_the_official_day_and_ramadan_ends_the_day_before(eid):
    assert day(eid)["is_holiday"] and "Idul Fitri" in day(eid)["holiday_name"]
    assert day(eid)["is_ramadan"] is False
    assert day(eid - timedelta(days=1))["is_ramadan"] is True


def test_2026_has_25_days_off_by_decree_of_which_8_are_joint_leave():
    year = DAYS.filter(pl.col("date").dt.year() == 2026)
    assert year.filter(pl.col("is_holiday") | pl.col("is_joint_leave")).height == 25
    assert year["is_joint_leave"].sum() == 8
    assert year.filter("is_joint_leave", "is_day_off").height == 8


def test_the_2027_eid_is_marked_as_estimated():
    assert "perkiraan" in day(date(2027, 3, 10))["holiday_name"]
    assert calendar.ramadan().filter(pl.col("eid") == date(2027, 3, 10))["estimated"].item() is True


def test_a_year_without_a_ramadan_table_is_unknown_not_false():
    assert day(date(2030, 1, 10))["is_ramadan"] is None
    assert day(date(2030, 1, 10))["work_start_minute"] == 450


def test_weekly_hours_are_those_of_the_decree_with_breaks_of_60_and_90_minutes():
    week = DAYS.filter(pl.col("date").is_between(date(2026, 7, 6), date(2026, 7, 12)))
    assert (week["work_end_minute"] - week["work_start_minute"]).sum() - 4 * 60 - 90 == 37.5 * 60
    fasting = DAYS.filter(pl.col("date").is_between(date(2026, 3, 2), date(2026, 3, 8)))
    assert (fasting["work_end_minute"] - fasting["work_start_minute"]).sum() - 4 * 30 - 60 == 32.5 * 60


def test_a_question_on_friday_evening_answered_monday_morning_took_half_an_hour_of_work():
    assert minutes(datetime(2026, 7, 3, 18, 0), datetime(2026, 7, 6, 8, 0)) == 30


def test_joint_leave_does_not_count_as_waiting_time():
    assert minutes(datetime(2026, 3, 17, 16, 0), datetime(2026, 3, 25, 8, 0)) == 30


def test_an_answer_before_the_question_and_a_day_outside_the_calendar_are_null():
    assert minutes(datetime(2026, 7, 6, 9), datetime(2026, 7, 6, 8)) is None
    assert minutes(datetime(1999, 7, 6, 9), datetime(2026, 7, 6, 8)) is None
    assert calendar.plain_minutes(pl.Series([datetime(2026, 7, 6, 9)]), pl.Series([datetime(2026, 7, 6, 8)]))[0] is None
    assert CLOCK.minutes(pl.Series([None], dtype=pl.Datetime), pl.Series([datetime(2026, 7, 6)]))[0] is None


def test_five_working_days_from_a_tuesday_before_eid_skip_holidays_and_joint_leave():
    due = CLOCK.deadline(pl.Series([date(2026, 3, 17)]), pl.Series([5]))
    assert due.to_list() == [date(2026, 3, 31)]
    assert CLOCK.deadline(pl.Series([date(2030, 12, 30)]), pl.Series([60]))[0] is None


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 30))


@given(INSTANTS, INSTANTS, INSTANTS)
def test_working_time_adds_up_and_never_exceeds_plain_time(a, b, c):
    a, b, c = sorted([a, b, c])
    assert minutes(a, b) + minutes(b, c) == pytest.approx(minutes(a, c), abs=1e-6)
    assert 0 <= minutes(a, c) <= calendar.plain_minutes(pl.Series([a]), pl.Series([c]))[0] + 1e-6


@given(INSTANTS, st.integers(0, 40))
def test_working_minutes_equal_a_minute_by_minute_count(start, hours):
    start = start.replace(second=0, microsecond=0)
    end = start + timedelta(hours=hours)
    hours_of = {
        row["date"]: row for row in DAYS.filter(pl.col("date").is_between(start.date(), end.date())).iter_rows(named=True)
    }
    counted = 0
    for i in range(hours * 60):
        t = start + timedelta(minutes=i)
        row = hours_of[t.date()]
        counted += not row["is_day_off"] and row["work_start_minute"] <= t.hour * 60 + t.minute < row["work_end_minute"]
    assert minutes(start, end) == counted


def test_settings_change_hours_and_days_off_and_name_what_is_unknown():
    days = calendar.calendar({"working_hours": {"friday": ["08:00", "11:30"]}, "days_off": {"2026-06-03": "Hari Jadi Bogor"}})
    assert days.row(by_predicate=pl.col("date") == date(2026, 7, 10), named=True)["work_end_minute"] == 690
    assert days.row(by_predicate=pl.col("date") == date(2026, 6, 3), named=True)["is_day_off"]
    with pytest.raises(ValueError, match="sabtu"):
        calendar.working_hours({"working_hours": {"sabtu": ["08:00", "11:30"]}})
    assert calendar.sla_days({"sla_days": {"ringan": 2}})["ringan"] == 2


def test_the_calendar_spans_what_the_data_span_in_whole_years():
    days = calendar.calendar(first=date(2016, 3, 5), last=date(2026, 8, 3))
    assert (days["date"].min(), days["date"].max()) == (date(2016, 1, 1), calendar.LAST)
    assert calendar.calendar(last=date(2031, 2, 1))["date"].max() == date(2031, 12, 31)


def test_a_slip_of_the_pen_does_not_stretch_the_calendar():
    days = calendar.calendar(first=date(202, 1, 1), last=date(2206, 1, 1))
    assert (days["date"].min(), days["date"].max()) == (calendar.EARLIEST, calendar.LATEST)
