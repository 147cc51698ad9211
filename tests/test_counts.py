"""The count model: unbiased where counts are small, silent where nothing can be known, and exact about its own noise."""

import numpy as np
import pytest

from pipeline.statistics import counts


@pytest.mark.parametrize("spread", [0.3, 0.6, 0.9, 1.2])
@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0, 40.0])
def test_working_values_are_unbiased_and_their_information_is_what_it_says(spread, mean):
    rng = np.random.default_rng([int(spread * 10), int(mean * 100)])
    n = 40_000
    count = rng.poisson(mean * np.exp(rng.normal(0, spread, n))).astype(float)
    m = counts.posterior_mean(count, np.full(n, mean), np.full(n, spread**2))
    share = counts.information_share(np.array([mean]), np.array([spread**2]))[0]
    assert abs(m.mean()) < 4 * m.std() / np.sqrt(n)
    assert (m**2).mean() / spread**2 == pytest.approx(share, rel=0.08)


def simulate(levels, exposure, seed=0, posts=60, spread=0.8):
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(len(levels)), posts)
    x = np.maximum(np.round(np.asarray(exposure)[account] * np.exp(rng.normal(0, 0.4, len(account)))), 1)
    e = rng.poisson(x * np.exp(np.asarray(levels)[account] + rng.normal(0, spread, len(account))))
    month = np.tile(np.arange(posts) % 6, len(levels))
    found = counts.fit(e, np.log(x), account, month, [month])
    level = np.bincount(account, found.information * (found.z - found.effects[:, 0])) / np.bincount(account, found.information)
    return level, 1 / np.sqrt(np.bincount(account, found.information)), found


def test_small_accounts_are_as_right_as_large_ones():
    """Reach 30 or 3,000: the same rate is found, with more doubt where fewer saw it."""
    rng = np.random.default_rng(1)
    levels = rng.normal(np.log(0.03), 0.4, 200)
    exposure = np.where(np.arange(200) % 2, 30, 3000)
    level, se, _ = simulate(levels, exposure)
    error = level - levels
    small, large = error[exposure == 30], error[exposure == 3000]
    assert abs(small.mean() - large.mean()) < 0.06
    assert np.std(error / se) == pytest.approx(1, abs=0.15)
    assert (np.abs(error) < 1.96 * se).mean() > 0.92


def test_an_account_without_a_reaction_is_below_the_others_but_nobody_knows_how_far():
    levels = np.r_[np.full(20, np.log(0.02)), np.log(1e-9)]
    level, se, _ = simulate(levels, np.r_[np.full(20, 1000), 3])
    assert level[-1] < np.median(level[:-1]) and se[-1] > 5 * np.median(se[:-1])


def test_equal_counts_leave_the_noise_of_counting():
    count, account = np.full(200, 25.0), np.repeat(np.arange(10), 20)
    found = counts.fit(count, np.log(np.full(200, 500.0)), account, np.tile(np.arange(20) % 3, 10), [])
    assert np.isfinite(found.z).all() and np.isfinite(found.information).all()
    assert (1 / np.sqrt(found.information) >= 1 / np.sqrt(25) * 0.99).all(), "a count of 25 is never surer than a fifth"
