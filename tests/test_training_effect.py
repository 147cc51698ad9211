"""The effect of training: found where it is, absent where it is not, refused where it cannot be known."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.regency import simulate
from pipeline.statistics import comparison, panel, training

CASES = pl.DataFrame(
    schema={"agency_id": pl.Utf8} | dict.fromkeys(("received_at_wib", "first_reply_at_wib", "closed_at_wib"), pl.Datetime("us"))
)


def inputs(r):
    posts = r.post_facts.group_by("account_id", "month").agg(posts=pl.len().cast(pl.Int64))
    account_month = r.account_month.join(posts, on=["account_id", "month"], how="left").with_columns(pl.col("posts").fill_null(0))
    return comparison.account_month_expected(r.post_facts, account_month), account_month, CASES, r.trainings, r.agencies


@pytest.fixture(scope="module")
def trained():
    return inputs(simulate(0))


def test_effect_is_found_and_the_naive_difference_has_the_wrong_sign(trained, monkeypatch):
    monkeypatch.setattr(training, "DRAWS", 99)
    table = training.training_effect(*trained)
    er = {r["estimator"]: r for r in table.filter(pl.col("outcome") == "er").iter_rows(named=True)}
    assert er["imputation"]["lower"] < 0.219 < er["imputation"]["upper"]
    assert abs(er["callaway_santanna"]["effect"] - 0.219) < 0.09
    assert er["naive"]["effect"] < 0 < er["imputation"]["effect"]
    assert er["imputation"]["p_randomisation"] <= 0.05
    assert table["state"].unique().to_list() == ["claimed"]
    assert 0 < er["imputation"]["minimum_detectable"] < 0.2


def test_every_part_of_the_page_has_rows_that_agree(trained):
    event, cohort, left = (
        f(*trained) for f in (training.training_event, training.training_cohort, training.training_sensitivity)
    )
    assert event.filter(pl.col("outcome") == "er")["event_month"].to_list() == list(range(-6, 13))
    assert (event["band_lower"] <= event["lower"]).all() and (event["upper"] <= event["band_upper"]).all()
    assert cohort.filter(pl.col("outcome") == "er")["n"].sum() == 54
    assert left.filter((pl.col("outcome") == "er") & (pl.col("effect") < 0)).is_empty()
    agencies = training.training_agency(*trained).filter(pl.col("outcome") == "er")
    assert len(agencies) == 54


def test_too_few_trained_agencies_are_refused_with_a_reason():
    r = simulate(1, agencies=24, months=18)
    few = r.trainings.head(6)
    expected, account_month, cases, _, agencies = inputs(r)
    table = training.training_effect(expected, account_month, cases, few, agencies)
    assert set(table["state"]) == {"refused"} and set(table["reason"]) == {"too_few_trained"}
    assert table["effect"].null_count() == len(table)
    assert training.training_event(expected, account_month, cases, few, agencies).is_empty()


def test_no_trainings_no_rows(trained):
    expected, account_month, cases, trainings, agencies = trained
    assert training.training_effect(expected, account_month, cases, trainings.clear(), agencies).is_empty()


def waves(rng, n=30, months=14, effect=0.0):
    g = np.repeat([0, 6, 9], n // 3)
    t = np.arange(1, months + 1)
    Y = rng.normal(size=(n, 1)) + rng.normal(size=months) + rng.normal(0, 0.2, (n, months))
    return Y + effect * panel.treated(g, t), g, t


@given(st.integers(0, 10_000), st.floats(-2, 2), st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_adding_a_constant_effect_moves_imputation_by_it_and_levels_do_not_matter(seed, effect, shift):
    rng = np.random.default_rng(seed)
    Y, g, t = waves(rng)
    base = panel.imputation(Y, g, t).overall
    unit, month = rng.normal(size=(len(g), 1)) * shift, rng.normal(size=len(t)) * shift
    moved = panel.imputation(Y + unit + month + effect * panel.treated(g, t), g, t).overall
    assert moved.effect == pytest.approx(base.effect + effect, abs=1e-7)
    assert moved.se == pytest.approx(base.se, abs=1e-7)


def test_missing_cells_are_left_out_not_read_as_zero():
    Y, g, t = waves(np.random.default_rng(5), effect=0.5)
    Y[np.random.default_rng(6).random(Y.shape) < 0.15] = np.nan
    assert panel.imputation(Y, g, t).overall.effect == pytest.approx(0.5, abs=0.15)
    assert panel.simple(panel.att_gt(Y, g, t)).effect == pytest.approx(0.5, abs=0.2)


def test_randomisation_test_keeps_its_size_on_a_null_panel():
    rejected = [panel.randomisation_p(*waves(np.random.default_rng(s)), draws=99, seed=s) <= 0.05 for s in range(100)]
    assert np.mean(rejected) <= 0.10


def test_placebo_and_leads_are_quiet_without_an_effect_and_loud_with_a_trend():
    Y, g, t = waves(np.random.default_rng(8))
    p, leads = panel.pre_trend(Y, g, t, np.array([-4, -3, -2]))
    assert p > 0.05 and len(leads) == 3
    trended = Y + np.where(g[:, None] > 0, 0.3 * t, 0.0)
    assert panel.pre_trend(trended, g, t, np.array([-4, -3, -2]))[0] < 0.001
    assert abs(panel.placebo(Y, g, t, earlier=3).effect) < 0.2


@pytest.mark.parametrize(
    "trained_n, never_n, before, reason",
    [
        (9, 20, 8, "too_few_trained"),
        (12, 9, 8, "too_few_not_yet_trained"),
        (12, 12, 3, "too_few_months_before"),
        (12, 12, 8, ""),
    ],
)
def test_refusal_says_why(trained_n, never_n, before, reason):
    t = np.arange(1, 15)
    g = np.array([before + 1] * trained_n + [0] * never_n)
    assert panel.refusal(g, t, np.zeros((len(g), len(t)))) == reason


def test_a_trend_break_bound_is_wider_than_the_interval_and_breaks_down_where_it_meets_zero():
    rng = np.random.default_rng(3)
    g, t = np.repeat([0, 8, 12], 20), np.arange(1, 19)
    Y = rng.normal(size=(60, 1)) + rng.normal(size=18) + rng.normal(0, 0.1, (60, 18)) + 0.8 * panel.treated(g, t)
    low, high = panel.imputation(Y, g, t).overall.interval
    wide_low, wide_high, breakdown = panel.trend_break_bound(Y, g, t)
    assert wide_low < low < high < wide_high
    assert breakdown > 0
    assert panel.trend_break_bound(Y, g, t, times=breakdown)[0] == pytest.approx(0, abs=1e-9)


def test_the_bound_of_no_effect_breaks_down_at_once():
    rng = np.random.default_rng(5)
    g, t = np.repeat([0, 8], 20), np.arange(1, 15)
    assert panel.trend_break_bound(rng.normal(size=(40, 14)), g, t)[2] == 0


def test_orders_drawn_inside_peer_groups_are_shuffled_inside_them():
    """Two groups, one trained wholly in the first wave: inside it nothing can be shuffled, so only the other decides."""
    rng = np.random.default_rng(1)
    g, t = np.array([6] * 10 + [0] * 5 + [6] * 5), np.arange(1, 13)
    stratum = np.array(["a"] * 10 + ["b"] * 10)
    Y = rng.normal(0, 0.1, (20, 12)) + 0.5 * (panel.treated(g, t) & (stratum == "a")[:, None])
    assert panel.randomisation_p(Y, g, t, stratum=stratum, draws=99) > panel.randomisation_p(Y, g, t, draws=99)


def idle_channels(effect):
    """24 agencies with a YouTube channel and no post; 12 trained in month 8, with or without a jump of impressions."""
    rng, months = np.random.default_rng(11), [comparison.add_months(date(2025, 1, 1), k) for k in range(16)]
    agencies = [f"a{i:02d}" for i in range(24)]
    days, covered = [], []
    for i, agency in enumerate(agencies):
        for k, month in enumerate(months):
            level = 5 + 0.1 * i + rng.normal(0, 0.1) + effect * (i < 12 and k >= 8)
            covered.append((f"yt-{agency}", agency, "youtube", month, 1.0))
            days += [(f"yt-{agency}", agency, "impressions", month + timedelta(days=d), float(np.exp(level))) for d in range(28)]
    account_days = pl.DataFrame(days, schema=["account_id", "agency_id", "metric", "day", "value"], orient="row")
    account_month = pl.DataFrame(covered, schema=["account_id", "agency_id", "platform", "month", "coverage"], orient="row")
    posts = pl.DataFrame(schema={"platform": pl.Utf8, "agency_id": pl.Utf8, "month": pl.Date})
    trainings = pl.DataFrame({"agency_id": agencies[:12], "date": [months[8]] * 12, "wave": ["1"] * 12})
    groups = pl.DataFrame({"agency_id": agencies, "peer_group": ["x"] * 24})
    return account_days, posts, account_month, trainings, groups


@pytest.mark.parametrize(("effect", "is_moved"), [(0.0, False), (0.5, True)])
def test_an_outcome_that_training_cannot_move_tells_whether_the_groups_compare(effect, is_moved):
    row = training.training_placebo(*idle_channels(effect)).row(0, named=True)
    assert row["state"] == "judged"
    assert (row["lower"] > 0) == is_moved
    assert (row["p_randomisation"] < 0.05) == is_moved


def test_without_idle_channels_the_placebo_is_refused_and_null():
    days, posts, months, trainings, groups = idle_channels(0.0)
    row = training.training_placebo(days.clear(), posts, months, trainings, groups).row(0, named=True)
    assert (row["state"], row["effect"]) == ("refused", None)
