"""Properties that hold for any data: shrinkage, rank sets, false discovery, survival, maturity, regression, alarms."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.statistics import (
    anomalies,
    curves,
    discovery,
    intervals,
    maturity,
    ranks,
    regression,
    season,
    shrinkage,
    survival,
    trend,
)
from pipeline.thresholds import DEFAULT

finite = st.floats(-5, 5, allow_nan=False)
SEEDS = st.integers(0, 100_000)


@given(SEEDS, st.integers(3, 40))
@settings(max_examples=40, deadline=None)
def test_shrunk_values_lie_between_value_and_centre(seed, k):
    rng = np.random.default_rng(seed)
    y, s = rng.normal(0, 1, k), rng.uniform(0.1, 1, k)
    found = shrinkage.shrink(y, s, towards=0.0)
    assert (np.abs(found.mean) <= np.abs(y) + 1e-12).all() and (found.mean * y >= -1e-12).all()
    assert (found.sd > 0).all() and found.tau2 >= 0


def test_intervals_are_those_of_scipy_stats_without_its_half_second_of_import():
    from scipy import stats

    assert [intervals.student(df) for df in (1, 2.5, 7, 400)] == [stats.t.ppf(0.975, df) for df in (1, 2.5, 7, 400)]
    for events in (0, 0.5, 1, 3, 17.25, 400):
        low = stats.chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
        assert intervals.poisson(events, 2.0) == (low / 2, stats.chi2.ppf(0.975, 2 * events + 2) / 2 / 2)
    for n in range(1, 200):
        k = int(stats.binom.ppf(0.025, n, 0.5))
        found = intervals.order_statistics(range(n))
        assert found == (k - 1, n - k) if n >= 6 else np.isnan(found).all()


def test_no_spread_beyond_noise_shrinks_completely():
    y, s = np.array([0.01, -0.01, 0.0, 0.02]), np.full(4, 0.5)
    assert shrinkage.shrink(y, s).tau2 == 0
    np.testing.assert_allclose(shrinkage.shrink(y, s).mean, y.mean(), atol=1e-12)


def test_the_range_of_the_spread_holds_the_true_spread_and_starts_at_zero_where_noise_is_enough():
    rng, inside = np.random.default_rng(11), []
    for _ in range(300):
        s = rng.uniform(0.1, 0.5, 20)
        low, high = shrinkage.heterogeneity_interval(rng.normal(0, 0.35, 20) + rng.normal(0, s), s)
        inside.append(low <= 0.35 <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.035)
    low, high = shrinkage.heterogeneity_interval(np.array([0.01, -0.2, 0.3, 0.02]), np.full(4, 0.5))
    assert low == 0 and high < 2
    assert shrinkage.heterogeneity_interval(np.array([1.0]), np.array([0.1])) == (0.0, float("inf"))


def test_posterior_intervals_cover():
    rng, inside = np.random.default_rng(3), []
    for _ in range(200):
        s = rng.uniform(0.1, 0.5, 40)
        theta = rng.normal(0, 0.35, 40)
        found = shrinkage.shrink(theta + rng.normal(0, s), s)
        inside.append(np.abs(found.mean - theta) < 1.96 * found.sd)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)


@given(SEEDS, st.integers(2, 12))
@settings(max_examples=20, deadline=None)
def test_rank_sets_contain_the_observed_rank_and_marginal_is_inside_simultaneous(seed, p):
    rng = np.random.default_rng(seed)
    x, se = rng.normal(0, 1, p), rng.uniform(0.05, 0.6, p)
    observed = (-x).argsort().argsort() + 1
    best, worst = ranks.marginal(x, se, draws=800)
    best_all, worst_all = ranks.simultaneous(x, se, draws=800)
    assert ((best <= observed) & (observed <= worst)).all()
    assert ((best_all <= best) & (worst <= worst_all)).mean() >= 0.9  # both are simulated, borders may differ by one
    assert best_all.min() == 1 and worst_all.max() == p


def test_rank_sets_are_jointly_right_in_at_least_93_percent():
    rng, right = np.random.default_rng(11), []
    for seed in range(120):
        theta = rng.normal(0, 0.43, 20)
        best, worst = ranks.simultaneous(theta + rng.normal(0, 0.13, 20), np.full(20, 0.13), draws=1000, seed=seed)
        rank = (-theta).argsort().argsort() + 1
        right.append(((best <= rank) & (rank <= worst)).all())
    assert np.mean(right) >= 0.93


def test_bands_and_the_chance_of_the_top_quartile():
    assert [ranks.band(p) for p in (0.95, 0.8, 0.6, 0.3, 0.05)] == [
        "sangat_mungkin",
        "sangat_mungkin",
        "mungkin",
        "belum_jelas",
        "kecil",
    ]
    p = ranks.p_top(np.arange(8.0), np.full(8, 0.01))
    np.testing.assert_allclose(p, [0] * 6 + [1] * 2, atol=1e-9)


@given(hnp.arrays(float, st.integers(1, 30), elements=st.floats(0, 1)))
@settings(max_examples=60, deadline=None)
def test_q_values_are_at_least_p_and_keep_their_order(p):
    q = discovery.q_values(p)
    assert (q >= p - 1e-12).all() and (q <= 1).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_untested_stays_untested():
    np.testing.assert_allclose(discovery.q_values(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])


@given(st.lists(st.tuples(st.floats(0.1, 500), st.booleans()), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_survival_falls_and_stays_within_its_interval(cases):
    time, event = map(np.array, zip(*cases, strict=True))
    curve = survival.kaplan_meier(time, event)
    assert (np.diff(curve.survival) <= 1e-12).all()
    for t in np.quantile(time, [0.1, 0.5, 0.9]):
        low, high = curve.interval(t)
        assert np.isnan(curve.at(t)) or low - 1e-9 <= curve.at(t) <= high + 1e-9


def test_open_cases_lengthen_the_median_and_all_open_gives_none():
    hours = np.arange(1.0, 21.0)
    answered = survival.kaplan_meier(hours, np.ones(20, bool))
    half_open = survival.kaplan_meier(hours, np.arange(20) % 2 == 0)
    assert half_open.quantile() > answered.quantile()
    assert np.isnan(survival.kaplan_meier(hours, np.zeros(20, bool)).quantile())
    assert np.isnan(survival.kaplan_meier(np.array([]), np.array([])).at(24))


@given(st.floats(0.5, 400), st.floats(0.4, 3))
@settings(max_examples=60, deadline=None)
def test_maturity_is_a_half_at_the_half_life_and_rises_to_one(h, k):
    assert maturity.share(h, h, k) == pytest.approx(0.5)
    m = maturity.share(np.array([0.0, h / 10, h, 10 * h, 1e9]), h, k)
    assert m[0] == 0 and (np.diff(m) > 0).all() and m[-1] <= 1


def grown(rng, h, k, n=800, every=168.0):
    """Final counts thinned at two ages, as weekly exports see them; a purge takes 2 % off some later counts."""
    age1 = rng.uniform(1, every, n)
    age2 = age1 + every
    final = rng.poisson(np.exp(rng.normal(4, 1, n)))
    later = rng.binomial(final, maturity.share(age2, h, k))
    earlier = rng.binomial(later, maturity.share(age1, h, k) / maturity.share(age2, h, k))
    purge = rng.random(n) < 0.02
    return maturity.pairs(earlier, np.where(purge, (later * 0.98).astype(int), later), age1, age2, np.arange(n))


@pytest.mark.parametrize("platform", ["instagram", "facebook", "tiktok"])
def test_maturity_curve_is_recovered_from_weekly_exports(platform):
    h, k = maturity.defaults()[platform]
    pairs = grown(np.random.default_rng(7), h, k, n=2500)
    found = maturity.fit(pairs, start=(24.0, 1.0), draws=10)
    assert found.half_life == pytest.approx(h, rel=0.12)
    assert found.share(168) == pytest.approx(maturity.share(168, h, k), abs=0.015)
    assert found.lower < h < found.upper * 1.1 and pairs.fell > 0


def test_few_pairs_fall_back_and_say_so():
    few = grown(np.random.default_rng(1), 19, 1.1, n=50)
    assert maturity.fit_or_default(None, "x").source == "default"
    assert maturity.fit_or_default(few, "instagram").source == "default"
    assert maturity.fit_or_default(few, "instagram", regency=maturity.Maturity(10, 1, 9, 11, 900, "fitted")).source == "regency"


def test_huber_ignores_a_wild_account_and_leaves_out_itself():
    rng = np.random.default_rng(2)
    size = rng.normal(8, 1, 40)
    y = -3 - 0.2 * (size - 8) + rng.normal(0, 0.1, 40)
    y[0] = 5
    found = regression.expected_by_size(y, size)
    assert found.adjusted and found.slope == pytest.approx(-0.2, abs=0.06)
    wilder = y.copy()
    wilder[0] = 50
    np.testing.assert_allclose(regression.expected_by_size(wilder, size).value[0], found.value[0], atol=0.02)


@pytest.mark.parametrize(
    "slope, n, reason", [(0.3, 40, "slope_out_of_range"), (-0.9, 40, "slope_out_of_range"), (-0.2, 14, "too_few_accounts")]
)
def test_size_adjustment_is_refused(slope, n, reason):
    rng = np.random.default_rng(4)
    size = rng.normal(8, 1, n)
    found = regression.expected_by_size(slope * size + rng.normal(0, 0.05, n), size)
    assert not found.adjusted and found.reason == reason
    assert np.ptp(found.value) < 0.5  # the common centre, only the account itself left out


def test_an_agency_is_no_part_of_its_own_expectation_even_with_two_accounts():
    """Two accounts of one agency on one platform: whatever both do, what is expected of them stays what the others do."""
    rng = np.random.default_rng(6)
    size, agency = rng.normal(8, 1, 40), np.array(["own", "own", *(f"a{i}" for i in range(38))])
    y = -3 - 0.2 * (size - 8) + rng.normal(0, 0.1, 40)
    calm = regression.expected_by_size(y, size, agency=agency)
    y[:2] += 1.5
    moved = regression.expected_by_size(y, size, agency=agency)
    np.testing.assert_allclose(moved.value[:2], calm.value[:2], atol=0.02)
    alone = regression.huber(np.ones((38, 1)), y[2:]).fitted[0]
    whole = regression.huber(np.ones((40, 1)), y, group=agency)
    np.testing.assert_allclose(whole.left_out[:2], [alone, alone], atol=0.01)


@pytest.mark.parametrize("others, known", [(3, False), (4, True)])
def test_nothing_is_expected_from_a_handful_of_others(others, known):
    y = np.linspace(-3.2, -2.8, others + 2)
    found = regression.expected_by_size(y, np.full(len(y), np.nan), agency=np.array(["own", "own", *map(str, range(others))]))
    assert np.isfinite(found.value[:2]).all() == known and np.isfinite(found.se[:2]).all() == known


def test_theil_sen_resists_a_third_of_outliers():
    x = np.arange(30.0)
    y = 0.1 * x
    y[::4] = 40
    assert regression.theil_sen(x, y)[0] == pytest.approx(0.1, abs=0.05)


def test_season_is_what_all_share_and_trend_is_what_is_left():
    rng = np.random.default_rng(3)
    week, unit = np.meshgrid(np.arange(26), np.arange(12))
    season = rng.normal(0, 1, 26)
    y = season[week] + unit * 0.1 + np.where(unit == 3, 0.05 * week, 0.0)
    _, effects, residual = trend.two_way(y.ravel(), unit.ravel(), week.ravel())
    assert np.corrcoef(effects, season)[0, 1] > 0.99
    assert trend.slope(residual[unit.ravel() == 3])[0] == pytest.approx(0.05 * 11 / 12, abs=0.01)
    assert np.isnan(trend.slope(np.array([1.0, np.nan, 2.0]))[0])


def counts(rng, accounts=60, days=240):
    level = np.exp(rng.normal(1, 1, (accounts, 1))) * np.exp(rng.normal(0, 0.5, (accounts, days)))
    return rng.poisson(level * np.where(np.arange(days) % 7 >= 5, 0.6, 1)).astype(float)


def test_alarm_scores_keep_their_tail_on_heavy_data_and_find_most_eightfold_days():
    rng = np.random.default_rng(0)
    y = counts(rng)
    weekday = np.arange(y.shape[1]) % 7
    score, _ = anomalies.grid_scores(y, weekday)
    assert np.nanmean(score > 3) < 0.004
    threshold = anomalies.budget_threshold(score, y.shape[1])
    assert (score > threshold).sum() <= DEFAULT.alarm_budget_per_week * y.shape[1] / 7 + 1
    rows, day = np.arange(len(y)), rng.integers(100, y.shape[1], len(y))
    y[rows, day] *= 8
    assert (anomalies.grid_scores(y, weekday)[0][rows, day] >= 2.5).mean() > 0.5


def test_alarm_scores_of_one_account_equal_the_grid_and_missing_days_have_none():
    y = counts(np.random.default_rng(1), accounts=2)
    y[0, 100] = np.nan
    weekday = np.arange(y.shape[1]) % 7
    grid, expected = anomalies.grid_scores(y, weekday)
    one, own = anomalies.scores(y[0], weekday)
    np.testing.assert_allclose(one, grid[0])
    assert np.isnan(one[100]) and np.isnan(expected[0, 100]) and np.isnan(one[:28]).all() and own[200] > 0


def test_the_last_two_days_do_not_hide_a_surge_that_lasts():
    y = np.full(120, 5.0)
    y[-2:] = 60
    score, _ = anomalies.scores(y, np.arange(120) % 7)
    assert score[-1] > 3 and score[-1] == pytest.approx(score[-2], rel=0.2)


def test_the_chain_ladder_of_posts_agrees_with_the_curve_that_made_them():
    rng = np.random.default_rng(4)
    grid, final = np.array([24.0, 72.0, 168.0, 672.0]), rng.poisson(200, 3000)
    shares = maturity.share(grid, 19.0, 1.1)
    counts, left, reached = [], final.copy(), 0.0
    for share in shares:
        left = left - rng.binomial(left, (share - reached) / (1 - reached))
        reached = share
        counts.append(final - left)
    rows = [(counts[i], counts[i + 1], np.full(3000, grid[i]), np.full(3000, grid[i + 1]), np.arange(3000)) for i in range(3)]
    found, crossed = maturity.chain_shares(
        maturity.pairs(*(np.concatenate(x) for x in zip(*rows, strict=True))), grid, shares[-1]
    )
    assert found == pytest.approx(shares, abs=0.005)
    assert crossed.tolist() == [3000, 6000, 6000, 3000]


def weekly_posts(slope, weeks=20, accounts=12):
    """A post a day; all accounts share a season, the first has a slope of its own."""
    rng = np.random.default_rng(7)
    rows = []
    for i in range(accounts):
        for day in range(weeks * 7):
            week = day // 7
            y = 0.2 * i + 0.3 * np.sin(week) + (slope * week if i == 0 else 0.0) + rng.normal(0, 0.2)
            rows.append(
                (
                    f"a{i}",
                    f"g{i}",
                    "instagram",
                    date(2026, 1, 5) + timedelta(days=day),
                    "photo",
                    round(1e5 * np.exp(y - 4)),
                    100_000,
                    True,
                )
            )
    names = ["account_id", "agency_id", "platform", "published_on", "format", "engagement", "exposure", "is_comparable"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(month=pl.col("published_on").dt.truncate("1mo"))


def test_the_season_is_common_and_only_the_account_with_a_slope_has_a_trend():
    posts = weekly_posts(0.05)
    trend = {r["account_id"]: r for r in season.account_trend(posts).to_dicts()}
    assert trend["a0"]["direction"] == "up"
    assert trend["a0"]["slope"] == pytest.approx(0.05, abs=0.02)
    assert sum(r["direction"] in ("up", "down") for a, r in trend.items() if a != "a0") <= 2
    common = season.season(posts)["effect"].to_numpy()
    assert np.corrcoef(common, np.sin(np.arange(20)))[0, 1] > 0.95


def test_an_account_with_few_weeks_has_no_trend():
    posts = weekly_posts(0.0).filter((pl.col("account_id") != "a1") | (pl.col("published_on") > date(2026, 4, 20)))
    row = season.account_trend(posts).row(by_predicate=pl.col("account_id") == "a1", named=True)
    assert (row["slope"], row["direction"]) == (None, "data")


def test_a_post_whose_counts_changed_their_parts_is_no_pair_of_engagement():
    at = [datetime(2026, 10, day) for day in (1, 8, 15, 22)]
    parts = ["likes", "likes", "likes+saves", "likes+saves"]
    history = pl.DataFrame({"post_key": 1, "platform": "tiktok", "captured_at": at, "age_hours": [24.0, 192.0, 360.0, 528.0]})
    history = history.with_columns(engagement=pl.Series([10, 12, 19, 20]), exposure=100, engagement_parts=pl.Series(parts))
    pairs = curves.snapshot_pairs(history, "engagement")["tiktok"]
    assert list(zip(pairs.earlier, pairs.later, strict=True)) == [(10.0, 12.0), (19.0, 20.0)]
    assert len(curves.snapshot_pairs(history, "exposure")["tiktok"]) == 3
