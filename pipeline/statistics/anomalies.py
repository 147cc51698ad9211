"""Days on which a count is far above what the account's own recent past predicts (METHODS 2e).

Predictive negative binomial: trailing 56-day baseline that ends two days before, weekday factor, dispersion by moments
times 1.5. The score is -log10 of the upper tail. The threshold comes from an alarm budget for the whole regency: it is
the pooled quantile of the last 26 weeks that would have given that many alarms per week.
"""

import numpy as np
from scipy import stats

Array = np.ndarray
BASELINE_DAYS, GAP_DAYS, MINIMUM_DAYS, INFLATION = 56, 2, 28, 1.5
BUDGET_PER_WEEK = 3.0
HISTORY_DAYS = 182


def scores(counts: Array, weekday: Array) -> tuple[Array, Array]:
    """(score, expected) per day of one account; NaN where the day is missing or fewer than 28 baseline days are known.

    `counts` has one entry per calendar day, NaN = not reported (never 0). `weekday` 0 = Monday.
    """
    counts, weekday = np.asarray(counts, float), np.asarray(weekday)
    score, expected = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    weekend = weekday >= 5
    for day in range(MINIMUM_DAYS + GAP_DAYS - 1, len(counts)):
        if np.isnan(counts[day]):
            continue
        stop = day - GAP_DAYS + 1
        window = slice(max(0, stop - BASELINE_DAYS), stop)
        base = counts[window]
        known = ~np.isnan(base)
        if known.sum() < MINIMUM_DAYS:
            continue
        mean, dispersion = _predictive(base[known], weekend[window][known], weekend[day])
        expected[day] = mean
        score[day] = -tail_log10(counts[day], mean, dispersion)
    return score, expected


def _predictive(base: Array, weekend: Array, is_weekend: bool) -> tuple[float, float]:
    """(mean of the day, variance beyond Poisson in units of mean^2), both with a little prior so that zeros are possible."""
    overall = base.mean() + 0.5 / len(base)
    factor = np.ones(2)
    for kind in (0, 1):
        days = weekend == bool(kind)
        factor[kind] = (base[days].sum() + 5 * overall) / ((days.sum() + 5) * overall)
    fitted = overall * factor[weekend.astype(int)]
    dispersion = max(0.0, float((((base - fitted) ** 2 - fitted) / fitted**2).mean())) * INFLATION
    return float(overall * factor[int(is_weekend)]), dispersion + 1 / len(base)


def tail_log10(count: float, mean: float, dispersion: float) -> float:
    """log10 P(N >= count) of the negative binomial with var = mean + dispersion mean^2."""
    size = 1 / max(dispersion, 1e-9)
    return float(stats.nbinom.logsf(count - 1, size, size / (size + mean)) / np.log(10))


def budget_threshold(pooled: Array, days: int, *, per_week: float = BUDGET_PER_WEEK, floor: float = 2.0) -> float:
    """Score that `per_week` days of the regency exceed, from the pooled scores of `days` days; never below `floor`."""
    known = np.sort(np.asarray(pooled, float)[~np.isnan(pooled)])[::-1]
    allowed = int(np.floor(per_week * days / 7))
    if len(known) <= allowed:
        return floor
    return max(floor, float(known[allowed]))


def ratio_flags(comments: Array, likes: Array, *, minimum: int = 20, quantile: float = 0.99) -> Array:
    """Posts whose comments per like are above the account's own 99th percentile, with at least 20 comments; NaN = false."""
    comments, likes = np.asarray(comments, float), np.asarray(likes, float)
    ratio = comments / np.maximum(likes, 1.0)
    known = ~np.isnan(ratio)
    if known.sum() < 20:
        return np.zeros(len(ratio), bool)
    return known & (ratio >= np.quantile(ratio[known], quantile)) & (comments >= minimum)
