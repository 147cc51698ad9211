from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipeline.estimates import (
    aspirations,
    audience,
    calendar,
    campaigns,
    growth,
    information,
    plan,
    response,
    rhythm,
    risk,
    shrunk,
)

DAY = date(2026, 10, 5)  # a Monday
ACCOUNTS = pl.DataFrame(
    [("ig-a", "a", "instagram", None, None)],
    schema={"account_id": pl.Utf8, "agency_id": pl.Utf8, "platform": pl.Utf8, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)


def spans(*periods: tuple[date, date]) -> pl.DataFrame:
    rows = [(i, "ig-a", first, last, True) for i, (first, last) in enumerate(periods)]
    days = {"first_day": pl.Date, "last_day": pl.Date}
    schema = {"export_id": pl.Int64, "account_id": pl.Utf8} | days | {"is_whole": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def posts(*moments: datetime, **columns: list) -> pl.DataFrame:
    n = len(moments)
    frame = pl.DataFrame(
        {
            "post_key": range(n),
            "post_id": [f"p{i}" for i in range(n)],
            "account_id": ["ig-a"] * n,
            "agency_id": ["a"] * n,
            "platform": ["instagram"] * n,
            "published_at_wib": list(moments),
            "published_precision": ["minute"] * n,
            "is_counted": [True] * n,
            "is_top_list": [False] * n,
            "export_id": [0] * n,
            "caption": [""] * n,
        },
        schema_overrides={"published_at_wib": pl.Datetime("us"), "post_key": pl.Int64},
    )
    day = pl.col("published_at_wib").dt.date()
    frame = frame.with_columns(published_on=day, month=day.dt.month_start(), week_start=day.dt.truncate("1w"))
    return frame.with_columns(pl.Series(name, values) for name, values in columns.items())


# ---- rhythm ---------------------------------------------------------------------------------------------------------------


def test_a_week_counts_only_when_all_its_days_are_covered():
    weeks = rhythm.account_weeks(
        posts(datetime(2026, 10, 6, 9)),
        spans((DAY, DAY + timedelta(days=6)), (DAY + timedelta(days=7), DAY + timedelta(days=9))),
        ACCOUNTS,
    )
    assert weeks.select("week_start", "posts", "covered_days", "is_covered").rows() == [
        (DAY, 1, 7, True),
        (DAY + timedelta(days=7), 0, 3, False),
    ]


def test_a_top_list_makes_no_week_no_gap_and_no_hour():
    """Between the posts of a list of the best ones others were published: a gap measured there is an invention."""
    made = posts(datetime(2026, 10, 6, 9), datetime(2026, 10, 9, 9)).with_columns(is_top_list=True)
    known = spans((DAY, DAY + timedelta(days=6))).with_columns(is_whole=False)
    assert not rhythm.account_weeks(made, known, ACCOUNTS)["is_covered"].any()
    assert rhythm.post_gaps(made, known).is_empty()


def test_the_gap_that_still_runs_is_there_and_open():
    gaps = rhythm.post_gaps(posts(datetime(2026, 10, 5, 9), datetime(2026, 10, 6, 9)), spans((DAY, DAY + timedelta(days=9))))
    assert gaps.select("gap_hours", "is_open").rows() == [(24.0, False), (24 * 8 + 15.0, True)]


def test_hours_fit_fully_when_all_posts_fall_evenly_in_the_best_hours():
    best = [(h, 3.0) for h in (7, 8, 9, 12, 19, 20)] + [(h, 0.5) for h in (1, 2, 3)]
    rows = [("x", "g", False, hour, lift) for hour, lift in best for _ in range(25)]
    rows += [("ig-a", "g", False, hour, None) for hour in (7, 8, 9, 12, 19, 20) for _ in range(3)]
    rows += [("ig-b", "g", False, 2, None) for _ in range(12)]
    schema = {"account_id": pl.Utf8, "peer_group": pl.Utf8, "is_ramadan": pl.Boolean, "hour": pl.Int32, "lift": pl.Float64}
    fit = rhythm.hour_fit(pl.DataFrame(rows, schema=schema, orient="row").with_columns(quarter=date(2026, 10, 1)))
    values = dict(fit.select("account_id", "hour_fit").iter_rows())
    assert (values["ig-a"], values["ig-b"]) == (pytest.approx(1.0), 0.0)


def test_the_hours_of_an_account_are_held_to_the_response_of_others_not_to_its_own():
    """Else an account that is most of its group would fit by definition, and losing its rates would move its hours."""
    rows = [("x", hour, 2.0 if hour < 6 else 1.0) for hour in range(12) for _ in range(20)]
    rows += [("big", hour, 9.0 if hour >= 6 else 0.1) for hour in range(12) for _ in range(40)]
    schema = {"account_id": pl.Utf8, "hour": pl.Int32, "lift": pl.Float64}
    facts = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        peer_group=pl.lit("g"), is_ramadan=pl.lit(False), quarter=date(2026, 10, 1)
    )
    silent = facts.with_columns(lift=pl.when(pl.col("account_id") == "x").then(pl.col("lift")))
    best = rhythm.best_hours(facts)
    assert set(best.filter(pl.col("account_id") == "big")["hour"]) == set(range(6))
    assert set(best.filter(pl.col("account_id") == "x")["hour"]) == set(range(6, 12))
    assert rhythm.best_hours(silent).filter(pl.col("account_id") == "big").equals(best.filter(pl.col("account_id") == "big"))


# ---- growth and audience --------------------------------------------------------------------------------------------------


def test_growth_is_between_observations_and_a_purge_is_marked():
    seen = [(date(2026, 9, 30), 1000), (date(2026, 10, 14), 1100), (date(2026, 10, 15), 1000), (date(2026, 10, 30), 1010)]
    followers = pl.DataFrame(
        [("ig-a", "a", "instagram", d, n) for d, n in seen],
        orient="row",
        schema=["account_id", "agency_id", "platform", "date", "followers"],
    )
    days = pl.DataFrame(
        [("ig-a", "a", "instagram", date(2026, 10, 1), date(2026, 10, 3), "follows_gained", 7.0)],
        orient="row",
        schema=["account_id", "agency_id", "platform", "month", "day", "metric", "value"],
    )
    row = growth.growth(followers, days).filter(pl.col("month") == date(2026, 10, 1)).row(0, named=True)
    assert (row["followers_start"], row["followers_end"], row["growth_days"], row["has_purge"]) == (1000, 1010, 30, True)
    assert row["growth_rate"] == pytest.approx(0.01 * 365.25 / 30)
    assert (row["follows_gained"], row["follows_lost"]) == (7.0, None)


def test_growth_from_nobody_is_unknown_not_infinite():
    names = ["account_id", "agency_id", "platform", "date", "followers"]
    seen = [("ig-a", "a", "instagram", date(2026, 9, 30), 0), ("ig-a", "a", "instagram", date(2026, 10, 30), 40)]
    days = [("ig-a", "a", "instagram", date(2026, 10, 1), date(2026, 10, 3), "follows_lost", 1.0)]
    flows = pl.DataFrame(days, orient="row", schema=["account_id", "agency_id", "platform", "month", "day", "metric", "value"])
    table = growth.growth(pl.DataFrame(seen, orient="row", schema=names), flows).filter(pl.col("month") == date(2026, 10, 1))
    assert table.select("followers_start", "growth_rate", "churn_rate").rows() == [(0, None, None)]


def test_followers_of_a_post_are_the_last_known_and_never_from_the_future_or_long_ago():
    followers = pl.DataFrame(
        {"account_id": ["ig-a"] * 2, "date": [date(2026, 1, 1), date(2026, 10, 6)], "followers": [900, 1000]}
    )
    found = growth.post_followers(posts(datetime(2026, 2, 1), datetime(2026, 10, 5), datetime(2026, 10, 7)), followers)
    assert found["followers_at_publish"].to_list() == [900, None, 1000]


def audience_rows(*rows: tuple[str, str, float, str]) -> pl.DataFrame:
    data = [
        ("ig-a", "a", "instagram", datetime(2026, 10, 1), 5, d, label, "followers", value, unit, True)
        for d, label, value, unit in rows
    ]
    names = [
        "account_id",
        "agency_id",
        "platform",
        "captured_at",
        "export_id",
        "dimension",
        "label",
        "metric",
        "value",
        "unit",
        "is_latest",
    ]
    return pl.DataFrame(data, schema=names, orient="row")


AGENCIES = pl.DataFrame({"agency_id": ["a", "b"], "peer_group": ["g", "g"]})


def test_local_share_of_percentages_is_a_lower_bound_of_everybody():
    rows = audience_rows(
        ("city", "Bogor, Jawa Barat", 0.5, "share"),
        ("city", "Jakarta, Indonesia", 0.1, "share"),
        ("country", "Indonesia", 0.9, "share"),
        ("country", "MY", 0.05, "share"),
    )
    row = audience.audience_reach(rows, AGENCIES, ["Bogor"], "Indonesia").row(0, named=True)
    assert (row["local_share"], row["n_known"], row["is_lower_bound"]) == (0.5, None, True)
    assert row["intl_share"] == pytest.approx(1 - 0.9 / 0.95)
    assert row["local_lift"] is None


def test_places_by_watch_time_do_not_stand_in_for_places_by_views():
    watched = audience_rows(("city", "Bogor", 900.0, "seconds"), ("city", "Jakarta", 100.0, "seconds"))
    watched = watched.with_columns(platform=pl.lit("youtube"), metric=pl.lit("watch_seconds"))
    assert audience.audience_reach(watched, AGENCIES, ["Bogor"], "Indonesia").is_empty()
    viewed = watched.with_columns(metric=pl.lit("views"), unit=pl.lit("count"), value=pl.Series([30.0, 70.0]))
    row = audience.audience_reach(pl.concat([watched, viewed]), AGENCIES, ["Bogor"], "Indonesia").row(0, named=True)
    assert (row["local_share"], row["metric"], row["n_places"]) == (0.3, "views", 2)


def test_local_share_of_counts_is_of_the_known_cities_and_a_missing_part_stays_null():
    row = audience.audience_reach(
        audience_rows(("city", "Bogor", 30, "count"), ("city", "Bogorejo", 70, "count")), AGENCIES, ["Bogor"], "Indonesia"
    ).row(0, named=True)
    assert (row["local_share"], row["n_known"], row["national_share"], row["intl_share"]) == (0.3, 100.0, None, None)


# ---- response -------------------------------------------------------------------------------------------------------------


def cases(*rows: tuple[datetime, datetime | None, datetime | None, str | None]) -> pl.DataFrame:
    data = [
        ("comment", str(i), "a", "ig-a", received, reply, closed, "jalan", sla, "Cibinong", True, "register", None)
        for i, (received, reply, closed, sla) in enumerate(rows)
    ]
    schema = dict.fromkeys(("channel", "case_id", "agency_id", "account_id"), pl.Utf8)
    schema |= dict.fromkeys(response.TIMES, pl.Datetime("us"))
    schema |= {"category": pl.Utf8, "sla_class": pl.Utf8, "district": pl.Utf8, "needs_answer": pl.Boolean}
    return pl.DataFrame(data, schema=schema | {"source": pl.Utf8, "export_id": pl.Int64}, orient="row")


def clocks(*rows: tuple) -> pl.DataFrame:
    return response.case_clocks(cases(*rows), calendar.calendar(), calendar.SLA_WORKING_DAYS)


def test_an_open_case_waits_until_the_last_moment_that_its_log_knows():
    table = clocks(
        (datetime(2026, 10, 2, 15), None, None, None), (datetime(2026, 10, 5, 8), datetime(2026, 10, 5, 9), None, None)
    )
    assert table.select("is_answered", "waited_hours", "working_hours").rows() == [(False, 66.0, 3.0), (True, 1.0, 1.0)]


def test_a_reply_before_the_question_is_an_error_not_a_fast_answer():
    table = clocks((datetime(2026, 10, 5, 9), datetime(2026, 10, 5, 8), None, None))
    assert table["waited_hours"].to_list() == [None]
    assert response.summarise(table)["n_wrong"] == 1


def test_deadlines_run_in_working_days_and_an_undue_open_case_is_not_judged():
    received = datetime(2026, 10, 5, 9)
    table = clocks(
        (received, None, datetime(2026, 10, 12, 9), "normative"),
        (received, None, datetime(2026, 10, 13, 9), "normative"),
        (received, None, None, "with_supervision"),
        (received, None, datetime(2026, 10, 6), "unknown class"),
    )
    assert table["deadline"].to_list()[0] == date(2026, 10, 12)
    assert table.select("is_due", "is_within_deadline").rows() == [(True, True), (True, False), (False, None), (False, None)]


def test_a_case_closed_before_its_deadline_is_judged_with_the_open_ones_of_its_day_not_before():
    """Else the quick ones of a month are in and the waiting ones are not: compliance of a young month would be 100 %."""
    received = datetime(2026, 10, 5, 9)
    young = clocks((received, None, datetime(2026, 10, 6, 9), "normative"), (received, None, None, "normative"))
    assert not young["is_due"].any()
    later = (datetime(2026, 10, 20, 9), None, None, None)
    old = clocks((received, None, datetime(2026, 10, 6, 9), "normative"), (received, None, None, "normative"), later)
    assert old.select("is_due", "is_within_deadline").rows()[:2] == [(True, True), (True, False)]


def test_a_complaint_export_without_reply_times_is_counted_and_never_late():
    """SP4N-LAPOR says that a case is closed, not when: it must not read as unanswered for weeks, nor as a broken deadline."""
    many = [(datetime(2026, 9, 1, 8), None, None, "normative")] * 30
    told = cases(*many).with_columns(needs_answer=pl.lit(False), source=pl.lit("export"))
    table = response.case_clocks(told, calendar.calendar(), calendar.SLA_WORKING_DAYS)
    assert table.height == 30 and not table["is_due"].any()
    row = response.summarise(table)
    assert (row["n"], row["open"], row["answered_24h"]) == (0, 0, None)


def test_below_twenty_cases_counts_are_told_and_rates_are_not():
    many = [(datetime(2026, 10, 5, 8), datetime(2026, 10, 5, 10) if i % 4 else None, None, None) for i in range(24)]
    row = response.summarise(clocks(*many))
    assert (row["n"], row["open"], row["state"], row["median_hours"]) == (24, 6, "judged", 2.0)
    few = response.summarise(clocks(*many[:8]))
    assert (few["n"], few["state"], few["median_hours"], few["answered_24h"]) == (8, "too_few_cases", None, None)


def test_an_agency_without_a_log_stays_in_sight():
    table = response.response_summary(clocks((datetime(2026, 10, 5, 8), None, None, None)), AGENCIES, date(2026, 10, 1))
    assert dict(table.select("agency_id", "state").iter_rows()) == {"a": "too_few_cases", "b": "no_log", None: "too_few_cases"}


# ---- plan and targets -----------------------------------------------------------------------------------------------------


def items(*rows: tuple[str, datetime, str, str | None, date]) -> pl.DataFrame:
    data = [
        (i, "a", "instagram", at, topic, "sehat", "image", "Gempur Stunting", post, seen) for i, at, topic, post, seen in rows
    ]
    schema = {
        "plan_id": pl.Utf8,
        "agency_id": pl.Utf8,
        "platform": pl.Utf8,
        "planned_at_wib": pl.Datetime("us"),
        "topic": pl.Utf8,
    }
    schema |= dict.fromkeys(("programme", "format", "campaign", "post_id"), pl.Utf8) | {"captured_on": pl.Date}
    return pl.DataFrame(data, schema=schema, orient="row")


MORNING = datetime(2026, 10, 6, 9)
COVERED = spans((DAY, DAY + timedelta(days=6)))


def test_a_plan_item_is_matched_once_by_words_and_day_and_judged_on_time():
    made = posts(
        MORNING + timedelta(hours=1), MORNING + timedelta(hours=30), caption=["Ayo imunisasi balita!", "Imunisasi balita lagi"]
    )
    planned = items(("1", MORNING, "Imunisasi balita", None, DAY), ("2", MORNING, "Imunisasi balita", None, DAY))
    table = plan.plan_items(planned, made, COVERED, ACCOUNTS)
    assert table.select("plan_id", "post_key", "is_on_time", "lag_hours").rows() == [("1", 0, True, 1.0), ("2", 1, False, 30.0)]


def test_a_plan_written_after_the_day_is_no_plan_and_a_day_without_data_is_no_failure():
    planned = items(
        ("1", MORNING, "x", "p0", DAY + timedelta(days=9)), ("2", MORNING + timedelta(days=20), "tidak ada", None, DAY)
    )
    table = plan.plan_items(planned, posts(MORNING), COVERED, ACCOUNTS)
    assert table.select("is_frozen", "is_due", "is_matched").rows() == [(False, False, False), (True, False, False)]


def test_an_item_at_the_edge_of_what_is_covered_has_not_failed_yet():
    """Its post may come a day late, on a day of which no file tells."""
    last, inside = datetime(2026, 10, 11, 9), datetime(2026, 10, 10, 9)
    planned = items(("1", last, "senam", None, DAY), ("2", inside, "senam", None, DAY))
    table = plan.plan_items(planned, posts(MORNING, caption=["x"]), COVERED, ACCOUNTS)
    assert dict(table.select("plan_id", "is_due").iter_rows()) == {"1": False, "2": True}


def test_a_target_is_not_missed_by_posts_that_a_top_list_does_not_count():
    measured = {"value": 12.0, "lower": None, "upper": None, "n": 12, "coverage": 1.0, "basis": "without_top_list"}
    measured["is_enough"] = True
    asked = {"agency_id": "a", "metric": "posts", "period": "2026-10", "target": 20.0, "direction": "up"}
    assert plan._judge(asked, measured, True)["status"] == "undetermined"
    assert plan._judge(asked | {"target": 10.0}, measured, True)["status"] == "reached"
    assert plan._judge(asked, measured | {"basis": None}, True)["status"] == "missed"


def test_an_item_beside_a_post_without_text_is_unknown_and_so_is_that_post():
    silent = posts(MORNING, MORNING + timedelta(days=7)).with_columns(caption=pl.lit(None, pl.Utf8))
    planned = items(("1", MORNING, "vaksin di balai desa", None, DAY), ("2", MORNING + timedelta(days=3), "senam", None, DAY))
    table = plan.plan_items(planned, silent, COVERED, ACCOUNTS)
    assert dict(table.select("plan_id", "is_due").iter_rows()) == {"1": False, "2": True}
    named = plan.plan_items(items(("1", MORNING, None, "p0", DAY)), silent, COVERED, ACCOUNTS)
    assert named.select("is_due", "is_matched").row(0) == (True, True)
    themes = pl.DataFrame(schema={"post_key": pl.Int64, "programme": pl.Utf8})
    row = plan.plan_summary(named, silent, themes, named.clear()).row(0, named=True)
    assert (row["posts"], row["unplanned"], row["unplanned_share"]) == (2, 0, 0.0)


THEMES = {
    "schemes": [
        {"id": "old", "valid_from": "2019-01-01", "valid_to": "2023-12-31", "programmes": [{"id": "sehat"}]},
        {"id": "new", "valid_from": "2025-02-20", "valid_to": None, "programmes": [{"id": "kesehatan", "maps_from": ["sehat"]}]},
    ]
}


def test_a_plan_in_the_words_of_the_old_scheme_is_compared_in_the_new_one():
    table = plan.plan_items(items(*((str(i), MORNING, "x", None, DAY) for i in range(6))), posts(MORNING), COVERED, ACCOUNTS)
    tagged = plan.in_scheme(table, THEMES, None)
    assert tagged["programme"].unique().to_list() == ["kesehatan"]
    made = posts(*([MORNING] * 6))
    tags = pl.DataFrame(
        {"post_key": range(6), "programme": ["kesehatan"] * 3 + ["ekonomi"] * 3}, schema_overrides={"post_key": pl.Int64}
    )
    row = plan.plan_summary(table, made, tags, tagged).row(0, named=True)
    assert (row["mix_distance"], row["n_tagged"], row["due"], row["posts"]) == (0.5, 6, 6, 6)


@pytest.mark.parametrize(
    ("value", "lower", "upper", "direction", "is_over", "expected"),
    [
        (1.5, 1.2, 1.9, "up", True, "reached"),
        (1.5, 0.9, 1.9, "up", True, "undetermined"),
        (0.5, 0.2, 0.9, "up", True, "missed"),
        (0.5, 0.2, 0.9, "down", True, "reached"),
        (0.5, None, None, "up", False, "undetermined"),
        (0.5, None, None, "up", True, "missed"),
        (1.5, None, None, "up", False, "reached"),
        (0.5, None, None, "down", False, "undetermined"),
        (None, None, None, "up", True, "undetermined"),
    ],
)
def test_a_target_has_three_states(value, lower, upper, direction, is_over, expected):
    assert plan.status(value, lower, upper, 1.0, direction, is_over) == expected


def test_periods_are_months_quarters_and_years_and_nothing_else():
    assert plan.period("2026-Q4") == (date(2026, 10, 1), date(2026, 12, 1))
    assert plan.period("2026-02") == (date(2026, 2, 1), date(2026, 2, 1))
    assert plan.period("2026") == (date(2026, 1, 1), date(2026, 12, 1))
    with pytest.raises(ValueError, match="Q4 2026"):
        plan.period("Q4 2026")


def test_a_campaign_counts_invited_agencies_within_72_hours_and_unknown_exposure_is_no_gain():
    start = datetime(2026, 10, 6, 9)
    made = posts(start, start + timedelta(hours=5), start + timedelta(hours=90), exposure=[100, 250, 70]).with_columns(
        agency_id=pl.Series(["a", "b", "c"])
    )
    tags = pl.DataFrame({"post_key": [0, 1, 2], "hashtags": [["gempurstunting"]] * 3})
    planned = pl.DataFrame(
        {
            "plan_id": ["1", "2", "3"],
            "agency_id": ["a", "b", "c"],
            "platform": ["instagram"] * 3,
            "campaign": ["Gempur Stunting"] * 3,
            "post_key": [None] * 3,
        },
        schema_overrides={"post_key": pl.Int64},
    )
    days = [start.date() + timedelta(days=k) for k in range(4)]
    covered = pl.DataFrame({"agency_id": ["c"] * 4, "platform": ["instagram"] * 4, "date": days})
    row = campaigns.campaigns(planned, made, tags, covered).row(0, named=True)
    assert (row["invited"], row["joined"], row["unknown"], row["breadth"], row["gain"]) == (2, 1, 0, 0.5, 2.5)
    unknown = made.with_columns(exposure=pl.Series([100, None, 70]))
    assert campaigns.campaigns(planned, unknown, tags, covered)["gain"].to_list() == [None]
    # An invited agency whose files do not speak for one of the days is not one that stayed away.
    row = campaigns.campaigns(planned, made, tags, covered.head(3)).row(0, named=True)
    assert (row["invited"], row["joined"], row["unknown"], row["breadth"], row["gain"]) == (2, 1, 1, 1.0, None)


# ---- aspirations, information, risk -----------------------------------------------------------------------------------------

TOPICS = [
    {"id": "jalan", "any": ["jalan.{0,15}(rusak|bolong)"]},
    {"id": "air", "any": ["air (pdam|mati)"]},
    {"id": "lainnya", "any": []},
]


def asked(category: str, n: int, district: str | None = "Cibinong") -> pl.DataFrame:
    return pl.DataFrame(
        {"category": [category] * n, "district": [district] * n, "received_at_wib": [datetime(2026, 10, 5)] * n},
        schema_overrides={"district": pl.Utf8},
    )


def test_cells_below_five_are_not_published():
    table = aspirations.aspirations(pl.concat([asked("jalan", 5), asked("air", 4), asked("Jalan desa kami rusak", 2)]), TOPICS)
    assert table.rows() == [("jalan", "Cibinong", date(2026, 10, 1), 7)]


def test_what_people_ask_is_set_against_what_agencies_tell():
    told = posts(
        *([datetime(2026, 10, 6)] * 4), caption=["Air mati hari ini", "air PDAM", "jalan rusak diperbaiki", "Selamat pagi"]
    )
    table = aspirations.aspiration_gap(pl.concat([asked("jalan", 9), asked("apa saja", 1)]), told, TOPICS, date(2026, 10, 1))
    assert table.select("topic", "cases", "posts").rows() == [("jalan", 9, 1)]
    assert table["gap"].item() == pytest.approx(0.9 - 1 / 3)


@pytest.mark.parametrize(
    ("caption", "parts"),
    [
        ("Jam layanan kantor Ciawi: Senin-Jumat 08.00-15.30 WIB. Bawa KTP. Hubungi 0251-8321234", 4),
        ("Pelayanan kami prima dan ramah", 0),
        ("Imunisasi 12 Mei di Puskesmas, gratis", 3),
    ],
)
def test_service_information_is_counted_by_its_parts(caption, parts):
    tags = pl.DataFrame({"post_key": [0], "content_type": ["layanan"]}, schema_overrides={"post_key": pl.Int64})
    assert information.service_posts(posts(MORNING, caption=[caption]), tags)["parts"].to_list() == [parts]


def test_no_log_of_corrections_is_not_no_correction():
    made = posts(MORNING, captured_at=[datetime(2026, 10, 8)])
    exports = pl.DataFrame(
        {"export_id": [0, 1], "kind": ["k", "k"], "period_first": [DAY, DAY], "captured_at": [datetime(2026, 10, 8)] * 2}
    )
    incidents = pl.DataFrame(
        schema={"incident_id": pl.Utf8, "agency_id": pl.Utf8, "kind": pl.Utf8, "started_at_wib": pl.Datetime}
    )
    service = information.service_posts(made, pl.DataFrame(schema={"post_key": pl.Int64, "content_type": pl.Utf8}))
    row = information.information_quality(made, service, incidents, exports, COVERED).row(0, named=True)
    assert (row["posts"], row["corrections"], row["has_log"], row["possibly_deleted"]) == (1, None, False, 0)


def test_a_post_that_a_later_export_of_its_days_lacks_is_possibly_deleted():
    made = posts(MORNING, captured_at=[datetime(2026, 10, 8)])
    exports = pl.DataFrame(
        {
            "export_id": [0, 1],
            "kind": ["k", "k"],
            "period_first": [DAY, DAY],
            "captured_at": [datetime(2026, 10, 8), datetime(2026, 10, 15)],
        }
    )
    week = (DAY, DAY + timedelta(days=6))
    assert information.possibly_deleted(made, exports, spans(week, week)).height == 1
    # A list of the best posts drops a post without anybody deleting it, and so does a window that began after it.
    top_list = spans(week, week).with_columns(is_whole=False)
    assert information.possibly_deleted(made, exports, top_list).height == 0
    later = exports.with_columns(period_first=pl.Series([DAY, DAY + timedelta(days=2)]))
    assert information.possibly_deleted(made, later, spans(week, week)).height == 0
    assert (
        information.possibly_deleted(made, exports.with_columns(kind=pl.Series(["k", "stories"])), spans(week, week)).height == 0
    )


def test_emergencies_without_an_answer_stay_open():
    incidents = pl.DataFrame(
        [
            ("1", "a", "emergency", datetime(2026, 10, 6, 8), None, "p0"),
            ("2", "a", "emergency", datetime(2026, 10, 6, 8), None, None),
        ],
        schema={
            "incident_id": pl.Utf8,
            "agency_id": pl.Utf8,
            "kind": pl.Utf8,
            "started_at_wib": pl.Datetime("us"),
            "acknowledged_at_wib": pl.Datetime("us"),
            "post_id": pl.Utf8,
        },
        orient="row",
    )
    table = information.incident_lags(incidents, posts(MORNING, captured_at=[datetime(2026, 10, 6, 5)]))
    assert table.select("is_answered", "lag_minutes").rows() == [(True, 60.0), (False, 240.0)]


def test_trained_communicators_are_never_more_than_there_are():
    rows = [("a", date(2026, 3, 1), 4, 5), ("a", date(2026, 9, 1), 3, 3), ("b", date(2026, 3, 1), 2, None)]
    table = information.trained_share(
        pl.DataFrame(rows, schema=["agency_id", "date", "participants", "communicators"], orient="row")
    )
    assert table.select("agency_id", "participants", "communicators").rows() == [("a", 3, 3)]


def test_an_agency_without_a_training_that_year_counts_as_none_trained():
    """SIPD 000636 is of all communicators: left out, those who did not come would raise the share."""
    rows = [("a", date(2025, 3, 1), 4, 5), ("b", date(2026, 3, 1), 2, 8)]
    table = information.trained_share(
        pl.DataFrame(rows, schema=["agency_id", "date", "participants", "communicators"], orient="row")
    )
    found = table.select("agency_id", "year", "participants", "communicators", "trainings").rows()
    assert found == [("a", 2025, 4, 5, 1), ("a", 2026, 0, 5, 0), ("b", 2025, 0, 8, 0), ("b", 2026, 2, 8, 1)]


def test_a_post_with_far_more_comments_than_its_account_ever_has_is_flagged():
    n = 30
    made = posts(
        *([MORNING] * n), comments=[2] * (n - 1) + [60], likes=[40] * (n - 1) + [20], reactions=[None] * n, replies=[None] * n
    )
    table = risk.risk_ratios(made)
    assert table.filter("is_flagged")["post_key"].to_list() == [n - 1]
    assert not risk.risk_ratios(made.tail(5))["is_judged"].any()


def alarm(day: int, score: float, is_alarm: bool) -> tuple:
    return ("ig-a", "a", DAY + timedelta(days=day), "comments", 50.0, 5.0, score, is_alarm)


def test_a_surge_ends_with_three_calm_days_and_its_answer_comes_from_the_log():
    rows = [alarm(0, 5.0, True), alarm(1, 7.0, True), alarm(2, 1.5, False), alarm(10, 4.0, True)]
    names = ["account_id", "agency_id", "date", "metric", "value", "expected", "score", "is_alarm"]
    days = pl.DataFrame({"account_id": ["ig-a"], "day": [DAY + timedelta(days=11)]})
    incident = ("k1", "a", "crisis", datetime(2026, 10, 5, 10), datetime(2026, 10, 5, 12))
    schema = {
        "incident_id": pl.Utf8,
        "agency_id": pl.Utf8,
        "kind": pl.Utf8,
        "started_at_wib": pl.Datetime,
        "acknowledged_at_wib": pl.Datetime,
    }
    table = risk.surges(
        pl.DataFrame(rows, schema=names, orient="row"), days, pl.DataFrame([incident], schema=schema, orient="row")
    )
    found = table.select("started_on", "alarm_days", "peak_score", "recovery_days", "is_recovered", "ack_hours").rows()
    assert found == [(DAY, 2, 7.0, 3, True, 12.0), (DAY + timedelta(days=10), 1, 4.0, 1, False, None)]


def test_few_posts_are_pulled_towards_what_is_expected():
    rows = [
        (f"x{i}", "a", "x", "", date(2026, 10, 1), 9, y, s, -4.0)
        for i, (y, s) in enumerate([(-3.0, 0.1), (-3.0, 1.0), (-5.0, 0.1), (-4.0, None)])
    ]
    names = ["account_id", "agency_id", "platform", "basis", "month", "n", "y", "se", "expected_ln"]
    rates = shrunk.account_month_shrunk(pl.DataFrame(rows, schema=names, orient="row"), AGENCIES)["er_shrunk"].log().to_list()
    assert -3.1 < rates[0] < -3.0 and -4.0 < rates[1] < -3.2 and rates[3] is None
