"""What is said about an agency: states for what is missing, intervals that hold, nobody singled out by chance."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import fire
from benchmarks.regency import simulate
from pipeline.statistics import comparison, windows
from pipeline.thresholds import DEFAULT


def tables(r, account_month=None, post_facts=None):
    account_month = (r.account_month if account_month is None else account_month).with_columns(engagement=None, exposure=None)
    expected = comparison.account_month_expected(r.post_facts if post_facts is None else post_facts, account_month)
    return expected, windows.agency_window(expected, account_month, r.agencies), account_month


@pytest.fixture(scope="module")
def regency():
    return simulate(3, agencies=60, months=18)


def test_intervals_cover_the_true_quality(regency):
    _, window, _ = tables(regency)
    truth = np.array([regency.quality[a] for a in window["agency_id"]])
    lift = {a: regency.effect[int(w)] for a, _, w in regency.trainings.iter_rows()}
    truth = truth + np.array([lift.get(a, 0.0) for a in window["agency_id"]])
    truth = np.exp(truth - truth.mean())
    inside = (window["lower"].to_numpy() <= truth) & (truth <= window["upper"].to_numpy())
    assert inside.mean() > 0.88


def test_null_regency_singles_out_nobody():
    found = []
    for seed in range(4):
        r = simulate(seed, agencies=60, months=18, null=True)
        window = tables(r)[1]
        found.append(window["direction"].is_in(["up", "down"]).any())
        assert ((window["lower"] > 1) | (window["upper"] < 1)).sum() <= 1
    assert sum(found) <= 1


def test_silent_agency_is_no_data_and_null_never_zero(regency):
    silent = "ag07"
    cut = date(2025, 6, 1)
    late = (pl.col("agency_id") == silent) & (pl.col("month") >= cut)
    months = regency.account_month.with_columns(
        covered_days=pl.when(late).then(0).otherwise("covered_days"),
        coverage=pl.when(late).then(0.0).otherwise("coverage"),
        is_complete=~late,
    )
    expected, window, account_month = tables(regency, months, regency.post_facts.filter(~late))
    row = window.row(by_predicate=pl.col("agency_id") == silent, named=True)
    assert row["state"] == "no_data" and row["direction"] == "data"
    nulls = ("vs_expected", "lower", "upper", "n_posts", "change", "p", "rank_lower")
    assert all(row[k] is None for k in nulls)
    index = windows.agency_month_index(expected, account_month, regency.agencies)
    later = index.filter((pl.col("agency_id") == silent) & (pl.col("month") >= cut))
    assert later["vs_expected"].null_count() == len(later) and not later["complete"].any()


def test_too_few_posts_is_greyed_and_unranked(regency):
    """Four mature posts in an account are too few; the fifth makes it judged."""
    agency, last = "ag03", regency.post_facts["month"].max()
    mine = pl.col("agency_id") == agency
    for kept, state in ((4, "too_few_posts"), (5, "judged")):
        first = pl.col("post_key").rank("ordinal").over("account_id", "month") <= kept
        facts = regency.post_facts.filter(~mine | ((pl.col("month") == last) & first & pl.col("is_comparable")))
        row = tables(regency, post_facts=facts)[1].row(by_predicate=mine, named=True)
        assert row["state"] == state
        assert (row["rank_lower"] is None) == (state == "too_few_posts")
        assert row["direction"] == "data", "nothing before to compare with"


def test_an_account_without_others_on_its_platform_is_not_called_lazy(regency):
    """A single LinkedIn account has posts enough; what is missing is somebody to expect a value from."""
    agency = "ag03"
    mine = pl.col("agency_id") == agency
    elsewhere = pl.when(mine).then(pl.lit("linkedin")).otherwise("platform")
    facts = regency.post_facts.with_columns(platform=elsewhere)
    months = regency.account_month.with_columns(platform=elsewhere)
    expected, window, account_month = tables(regency, months, facts)
    assert window.row(by_predicate=mine, named=True)["state"] == "too_few_accounts"
    platform = windows.agency_platform_window(expected, account_month, regency.agencies).filter(mine)
    assert platform["state"].to_list() == ["too_few_accounts"]
    assert platform["n_posts"][0] >= DEFAULT.minimum_posts and platform["vs_expected"][0] is None


def test_a_platform_with_exports_but_no_mature_post_has_none_not_unknown(regency):
    agency = "ag03"
    mine = pl.col("agency_id") == agency
    expected, _, account_month = tables(regency, post_facts=regency.post_facts.filter(~mine))
    rows = windows.agency_platform_window(expected, account_month, regency.agencies).filter(mine)
    assert rows["state"].unique().to_list() == ["too_few_posts"] and rows["n_posts"].unique().to_list() == [0]


def test_small_groups_have_a_value_but_no_rank(regency):
    small = regency.agencies.with_columns(is_ranked=pl.col("peer_group") != "penunjang")
    expected, _, account_month = tables(regency)
    window = windows.agency_window(expected, account_month, small).filter(pl.col("peer_group") == "penunjang")
    assert (window["state"] == "not_ranked").all()
    assert window["vs_expected"].null_count() == 0 and window["rank_lower"].null_count() == len(window)


def test_empty_frames_give_empty_tables_with_all_columns(regency):
    expected, window, account_month = tables(regency, regency.account_month.clear(), regency.post_facts.clear())
    assert window.columns == list(windows.AGENCY_WINDOW_SCHEMA)
    assert set(window["state"]) <= {"no_data"}
    assert windows.agency_platform_window(expected, account_month, regency.agencies).is_empty()
    index = windows.agency_month_index(expected, account_month, regency.agencies)
    assert windows.regency_month(index).is_empty() and windows.peer_month(index).is_empty()


def test_months_and_peers_agree_with_the_index(regency):
    expected, _, account_month = tables(regency)
    index = windows.agency_month_index(expected, account_month, regency.agencies)
    month = windows.regency_month(index)
    assert month["median"].is_between(month["lower"], month["upper"]).all()
    assert month["median"].is_between(month["q1"], month["q3"]).all()
    peers = windows.peer_month(index)
    assert peers["n"].sum() == month["n"].sum()


def test_platforms_keep_their_own_units(regency):
    """Multiplying one platform's exposure by ten must not move anybody against expectation."""
    louder = regency.post_facts.with_columns(
        exposure=pl.when(pl.col("platform") == "youtube").then(pl.col("exposure") * 10).otherwise("exposure")
    )
    _, base, _ = tables(regency)
    _, moved, _ = tables(regency, post_facts=louder)
    np.testing.assert_allclose(base["vs_expected"].to_numpy(), moved["vs_expected"].to_numpy(), rtol=1e-4)


@given(st.integers(2000, 2100), st.integers(1, 12), st.integers(-60, 60))
@settings(max_examples=50, deadline=None)
def test_months_add_up(year, month, k):
    start = date(year, month, 1)
    assert comparison.add_months(comparison.add_months(start, k), -k) == start


def test_good_months_last_so_a_level_is_less_sure_than_a_change():
    r = simulate(5, agencies=80, months=30, train=False)
    expected, _, months = tables(r)
    noise = windows.evidence(expected, months).noise
    assert noise.shock > noise.change / 2 > 0


def test_an_account_that_came_late_is_not_compared_because_it_was_covered_for_its_former_agency(regency):
    """Coverage belongs to the account and the agency: of the ten days that it was the new one's, two are covered."""
    account = regency.account_month["account_id"][0]
    owner, month = regency.account_month["agency_id"][0], regency.account_month["month"].max()
    last = (pl.col("account_id") == account) & (pl.col("month") == month)
    moved = regency.account_month.filter(last).with_columns(
        agency_id=pl.lit("ag59"), covered_days=pl.lit(2, pl.Int64), days_in_month=pl.lit(10, pl.Int64)
    )
    months = pl.concat([regency.account_month, moved])
    late = last & (pl.col("published_on").dt.day() > 20)
    posts = regency.post_facts.with_columns(agency_id=pl.when(late).then(pl.lit("ag59")).otherwise("agency_id"))
    evidence = windows.evidence(comparison.account_month_expected(posts, months), months)
    held = evidence.all_now.filter(pl.col("account_id") == account)["agency_id"].to_list()
    assert len(posts.filter(late)) and held == [owner]


# ---- counts as counts ---------------------------------------------------------------------------------------------------------


def deaden(r, share=0.1, seed=0):
    """`r` with accounts that nobody sees: reach of about three and never a reaction, the first of every tenth agency."""
    chosen = sorted(set(r.post_facts["agency_id"]))[:: round(1 / share)]
    accounts = r.post_facts.filter(pl.col("agency_id").is_in(chosen)).group_by("agency_id").agg(pl.col("account_id").min())
    dead = pl.col("account_id").is_in(accounts["account_id"].to_list())
    few = pl.Series(np.random.default_rng(seed).integers(2, 6, len(r.post_facts)))
    return r.post_facts.with_columns(
        exposure=pl.when(dead).then(few).otherwise("exposure"), engagement=pl.when(dead).then(0).otherwise("engagement")
    ), accounts["account_id"].to_list()


def test_a_page_that_nobody_sees_leads_nobody_and_moves_nobody(regency):
    posts, dead = deaden(regency)
    expected, window, _ = tables(regency, post_facts=posts)
    rows = expected.filter(pl.col("account_id").is_in(dead) & pl.col("deviation").is_not_null())
    assert len(rows) and (rows["se"] > 1).all(), "three people seen tell next to nothing"
    only = posts.filter(~pl.col("account_id").is_in(dead))
    _, without, _ = tables(regency, post_facts=only)
    others = ~pl.col("agency_id").is_in(posts.filter(pl.col("account_id").is_in(dead))["agency_id"].unique().to_list())
    a, b = (np.log(w.filter(others)["vs_expected"].to_numpy()) for w in (window, without))
    assert np.abs(a - b).max() < 0.1 and ((a > 0) == (b > 0)).mean() > 0.95, "nobody else is moved by them"


def test_a_dead_page_alone_stands_below_expectation_and_its_rate_is_no_12_per_cent(regency):
    agency = "ag05"
    mine = pl.col("agency_id") == agency
    posts = regency.post_facts.with_columns(
        exposure=pl.when(mine).then(3).otherwise("exposure"), engagement=pl.when(mine).then(0).otherwise("engagement")
    )
    expected, window, months = tables(regency, post_facts=posts)
    row = window.row(by_predicate=mine, named=True)
    assert row["vs_expected"] < 1 < row["upper"]
    assert row["rank_upper"] > 1
    rates = windows.agency_platform_window(expected, months, regency.agencies).filter(mine)["er_account"]
    assert rates.max() < 0.05


@pytest.mark.parametrize("likes", [1, 2])
def test_a_page_that_only_its_own_people_see_and_like_leads_nobody(regency, likes):
    """Three viewers and the like of the one who posts are a rate of a third, fortyfold: no verdict in either direction."""
    mine = pl.col("agency_id").is_in(["ag05", "ag06"])
    now = mine & (pl.col("month").is_in(regency.months[-3:]) | (pl.col("agency_id") == "ag05"))  # ag06 only began to
    posts = regency.post_facts.with_columns(
        exposure=pl.when(mine).then(3).otherwise("exposure"),
        engagement=pl.when(now).then(likes).when(mine).then(0).otherwise("engagement"),
    )
    _, window, _ = tables(regency, post_facts=posts)
    for row in window.filter(mine).to_dicts():
        assert row["lower"] < 1 < row["upper"] and row["rank_upper"] > 1 and row["vs_expected"] < 1.25
        assert row["direction"] == "data" and row["change"] is None, "+17,000 %, give or take, is no change"


def test_equal_numbers_everywhere_are_an_answer_not_an_error(regency):
    """All posts with one rate, two agencies: the spread between posts and between agencies is 0, and the night goes on."""
    two = regency.post_facts.filter(pl.col("agency_id").is_in(["ag00", "ag01"])).with_columns(engagement=50, exposure=1000)
    _, window, _ = tables(regency, regency.account_month.filter(pl.col("agency_id").is_in(["ag00", "ag01"])), two)
    assert len(window) and window["state"].is_in(["too_few_accounts", "not_required"]).all()
    everybody = regency.post_facts.with_columns(engagement=50, exposure=1000)
    window = tables(regency, post_facts=everybody)[1]
    assert window["vs_expected"].is_between(0.95, 1.05).all() and not window["direction"].is_in(["up", "down"]).any()


def test_a_regency_in_which_nobody_reacts_has_no_ranges_of_ten_digits(regency):
    window = tables(regency, post_facts=regency.post_facts.with_columns(engagement=0))[1]
    assert (window["upper"].is_null() | (window["upper"] < 1000)).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 10**7)), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_no_counts_stop_the_night(rows):
    """Any counts at all, more reactions than people too: every estimate is a number or null."""
    day = date(2026, 3, 5)
    posts = pl.DataFrame(
        [(f"a{a}", f"g{a}", "facebook", date(2026, 1 + k % 3, 1), day, "photo", e, x, True) for k, (a, e, x) in enumerate(rows)],
        schema=[
            "account_id",
            "agency_id",
            "platform",
            "month",
            "published_on",
            "format",
            "engagement",
            "exposure",
            "is_comparable",
        ],
        orient="row",
    ).with_columns(post_key=pl.int_range(pl.len()), peer_group=pl.lit("p"))
    months = [(f"a{a}", f"g{a}", "facebook", date(2026, m, 1), None, 28, 28, 1.0, True) for a in range(4) for m in (1, 2, 3)]
    names = ["account_id", "agency_id", "platform", "month", "followers_end", "covered_days", "days_in_month", "coverage"]
    months = pl.DataFrame(months, schema=[*names, "is_complete"], orient="row").with_columns(
        pl.col("followers_end").cast(pl.Float64), engagement=None, exposure=None
    )
    agencies = pl.DataFrame({"agency_id": [f"g{a}" for a in range(4)], "peer_group": "p", "is_ranked": True})
    expected = comparison.account_month_expected(posts, months)
    window = windows.agency_window(expected, months, agencies)
    for frame in (expected, window, windows.agency_month_index(expected, months, agencies)):
        numbers = frame.select(pl.selectors.float())
        assert all(numbers[c].drop_nulls().is_finite().all() for c in numbers.columns)


# ---- what is missing on purpose -----------------------------------------------------------------------------------------------


def without(months, account, first):
    """`account` sent nothing from `first` on."""
    gone = (pl.col("account_id") == account) & (pl.col("month") >= first)
    return months.with_columns(
        covered_days=pl.when(gone).then(0).otherwise("covered_days"),
        coverage=pl.when(gone).then(0.0).otherwise("coverage"),
        is_complete=~gone,
    )


def test_half_of_the_accounts_is_not_the_agency_and_two_of_three_widen_the_interval(regency):
    sizes = regency.account_month.group_by("agency_id").agg(pl.col("account_id").unique().sort())
    accounts = {len(ids): (agency, ids) for agency, ids in sizes.sort("agency_id").iter_rows()}
    (two, (first, _)), (three, (a, *_)) = accounts[2], accounts[3]
    last = comparison.window(regency.account_month["month"].max(), DEFAULT.window_months)[0]
    months = without(without(regency.account_month, first, last), a, last)
    _, whole, _ = tables(regency)
    _, window, _ = tables(regency, months)
    half = window.row(by_predicate=pl.col("agency_id") == two, named=True)
    assert (half["state"], half["reason"], half["missing_accounts"], half["vs_expected"]) == (
        "not_covered", "accounts_missing", first, None,
    )  # fmt: skip
    most = window.row(by_predicate=pl.col("agency_id") == three, named=True)
    before = whole.row(by_predicate=pl.col("agency_id") == three, named=True)
    assert most["state"] == before["state"] and (most["n_sent"], most["n_required"]) == (2, 3)
    assert np.log(most["upper"] / most["lower"]) > np.log(before["upper"] / before["lower"])


def test_an_account_is_complete_from_its_first_day(regency):
    """Opened, split off or moved in the window: the days before were not its own."""
    agency, last = "ag03", regency.account_month["month"].max()
    mine = pl.col("agency_id") == agency
    months = regency.account_month.filter(~mine | (pl.col("month") == last))
    posts = regency.post_facts.filter(~mine | (pl.col("month") == last))
    window = tables(regency, months, posts)[1]
    assert window.row(by_predicate=mine, named=True)["state"] == "judged"


def test_three_months_lie_between_their_months(regency):
    expected, window, months = tables(regency)
    index = windows.agency_month_index(expected, months, regency.agencies)
    inside = index.filter(pl.col("month").is_between(window["period_start"][0], window["period_end"][0]))
    seen = inside.group_by("agency_id").agg(
        low=pl.col("vs_expected").min(), high=pl.col("vs_expected").max(), n=pl.col("vs_expected").count()
    )
    both = window.join(seen, on="agency_id").filter(pl.col("n") == 3, pl.col("vs_expected").is_not_null())
    assert len(both) > 30 and (both["vs_expected"].is_between(both["low"] - 1e-9, both["high"] + 1e-9)).all()


# ---- what a rate is made of ---------------------------------------------------------------------------------------------------


def test_every_month_is_told_by_one_window_and_older_ones_by_their_quarter():
    for k in range(12):
        last = comparison.add_months(date(2026, 10, 1), k)
        parts = windows.month_windows(last, date(2025, 2, 1), 3)
        told = [m for _, months in parts for m in months]
        assert sorted(told) == [comparison.add_months(date(2025, 2, 1), -1 + i) for i in range(len(told))]
        assert parts[0] == (comparison.window(last, 3), comparison.window(last, 3))
        for months, inside in parts[1:]:
            assert months[0].month % 3 == 1 and set(inside) <= set(months) and months[-1] <= last


def test_what_was_told_of_a_month_hardly_moves_when_a_further_month_is_complete(regency):
    """Windows counted back from the newest month moved six values in seven by more than one per cent a month."""
    newest, found = regency.months[-1], []
    for until in (comparison.add_months(newest, -1), newest):
        here = pl.col("month") <= until
        months = regency.account_month.filter(here)
        expected, _, _ = tables(regency, months, regency.post_facts.filter(here))
        found.append(windows.agency_month_index(expected, months, regency.agencies))
    both = found[0].join(found[1], on=["agency_id", "month"], suffix="_now")
    settled = both.filter(pl.col("month") < comparison.add_months(newest, -3), pl.col("vs_expected").is_not_null())
    step = np.abs(np.log(settled["vs_expected_now"].to_numpy() / settled["vs_expected"].to_numpy()))
    assert len(step) > 300 and np.median(step) < 0.01 and np.quantile(step, 0.99) < 0.06


def with_parts(posts: pl.DataFrame, rich: list[str]) -> pl.DataFrame:
    """Accounts of `rich` count saves, which makes all their rates twice as high; the others' files have none."""
    saves = pl.col("account_id").is_in(rich)
    return posts.with_columns(
        engagement_parts=pl.when(saves).then(pl.lit("likes+comments+shares+saves")).otherwise(pl.lit("likes+comments+shares")),
        engagement=pl.col("engagement") * pl.when(saves).then(2).otherwise(1),
        is_top_list=False,
    )


def test_accounts_are_expected_to_do_what_accounts_of_the_same_parts_do(regency):
    tiktok = sorted(regency.post_facts.filter(pl.col("platform") == "tiktok")["account_id"].unique())
    posts = with_parts(regency.post_facts, tiktok[::2])
    expected, _, _ = tables(regency, post_facts=posts)
    rows = expected.filter(pl.col("platform") == "tiktok").with_columns(is_rich=pl.col("account_id").is_in(tiktok[::2]))
    assert set(rows["basis"]) == {"likes+comments+shares", "likes+comments+shares+saves"}
    means = dict(rows.group_by("is_rich").agg(pl.col("deviation").mean()).iter_rows())
    assert abs(means[True] - means[False]) < 0.35, "saves are no merit"


def test_an_account_whose_parts_nobody_shares_is_expected_nothing_and_is_not_compared(regency):
    alone = regency.post_facts.filter(pl.col("platform") == "tiktok")["account_id"][0]
    expected, _, _ = tables(regency, post_facts=with_parts(regency.post_facts, [alone]))
    rows = expected.filter(pl.col("account_id") == alone)
    assert len(rows) and rows["y"].null_count() == 0 and rows["deviation"].null_count() == len(rows)


def test_an_account_that_changes_its_parts_is_compared_on_those_of_most_of_its_posts(regency):
    posts = with_parts(regency.post_facts, [])
    account = posts.filter(pl.col("platform") == "tiktok")["account_id"][0]
    last = posts["month"].max()
    late = (pl.col("account_id") == account) & (pl.col("month") == last)
    posts = posts.with_columns(
        engagement_parts=pl.when(late).then(pl.lit("likes+comments+shares+saves")).otherwise("engagement_parts")
    )
    kept = comparison.comparable_posts(posts).filter(pl.col("account_id") == account)
    assert set(kept["basis"]) == {"likes+comments+shares"} and kept["month"].max() < last
    listed = posts.with_columns(is_top_list=pl.col("account_id") == account)
    seen = comparison.comparable_posts(listed).filter(pl.col("account_id") == account)
    assert set(seen["basis"]) == {"likes+comments+shares; top_list"}


@pytest.mark.nightly
def test_every_trouble_of_real_regencies_is_tried_and_the_intervals_hold():
    """A small draw of benchmarks/fire.py: its full run has hundreds of regencies."""
    found = {row.trouble: row for row in fire.rows([3001], agencies=12)}
    assert found.keys() == fire.TROUBLES.keys()
    assert all(row.coverage[0] > 0.7 and 0 <= row.power[0] <= 1 for row in found.values())
