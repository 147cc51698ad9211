"""Days on which a count is far above what the account's own recent past predicts (METHODS 2e).

Predictive negative binomial: trailing 56-day baseline that ends two days before, weekday factor, dispersion by moments
times 1.5. The score is -log10 of the upper tail. The threshold comes from an alarm budget for the whole regency: it is
the pooled quantile of the last 26 weeks that would have given that many alarms per week.
"""

import numpy as np
from scipy import stats

from pipeline.thresholds import DEFAULT

Array = np.ndarray
BASELINE_DAYS, GAP_DAYS, MINIMUM_DAYS, INFLATION = 56, 2, 28, 1.5
HISTORY_DAYS = 182


def grid_scores(counts: Array, weekday: Array, *, exposure: Array | None = None) -> tuple[Array, Array]:
    """(score, expected), accounts x days; NaN where the day is missing or too few baseline days are known.

    `counts` has one entry per calendar day, NaN = not reported (never 0); `weekday` 0 = Monday. With `exposure` (posts of
    the day) the rate per unit is learned, only days with exposure count, and ten of them are enough.
    """
    units = np.ones(counts.shape) if exposure is None else np.where(exposure > 0, exposure, np.nan)
    counts = np.where(np.isnan(units), np.nan, counts)
    needed = MINIMUM_DAYS if exposure is None else 10
    weekend = np.broadcast_to(np.asarray(weekday) >= 5, counts.shape)
    sums = {k: [_trailing(v) for v in _moments(counts, units, weekend == bool(k))] for k in (0, 1)}
    n, total, size = (sums[0][i] + sums[1][i] for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = (total + 0.5) / size
        rate, excess = {}, 0.0
        for k in (0, 1):
            _, y, u, yy, yu, uy = sums[k]
            prior = 5 * size / n
            rate[k] = (y + prior * overall) / (u + prior)
            # sum over days of ((y - f u)^2 - f u) / (f u)^2, expanded so that it needs sums only
            excess = excess + yy / rate[k] ** 2 - 2 * yu / rate[k] + sums[k][0] - uy / rate[k]
        dispersion = np.maximum(excess / n, 0.0) * INFLATION + 1 / n
        expected = np.where(weekend, rate[1], rate[0]) * units
    known = ~np.isnan(counts) & (n >= needed) & (expected > 0)
    score = np.full(counts.shape, np.nan)
    score[known] = -tail_log10(counts[known], expected[known], dispersion[known])
    return score, np.where(known, expected, np.nan)


def _moments(y: Array, u: Array, kind: Array) -> list[Array]:
    """Per day, 0 where unknown: days, y, u, y^2/u^2, y/u, 1/u. Their sums are all that the dispersion needs."""
    known = kind & ~np.isnan(y)
    v, w = np.where(known, y, 0.0), np.where(known, u, 1.0)
    on = known.astype(float)
    return [on, v, w * on, (v / w) ** 2 * on, v / w * on, on / w]


def _trailing(x: Array) -> Array:
    """Sum over the 56 days that end two days before each day."""
    c = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x, 1)], 1)
    day = np.arange(x.shape[1])
    stop = np.maximum(day - GAP_DAYS + 1, 0)
    trailing: Array = c[:, stop] - c[:, np.maximum(stop - BASELINE_DAYS, 0)]
    return trailing


def scores(counts: Array, weekday: Array) -> tuple[Array, Array]:
    """(score, expected) per day of one account."""
    score, expected = grid_scores(np.asarray(counts, float)[None, :], weekday)
    return score[0], expected[0]


def tail_log10(count: Array, mean: Array, dispersion: Array) -> Array:
    """log10 P(N >= count) of the negative binomial with var = mean + dispersion mean^2."""
    size = 1 / np.maximum(dispersion, 1e-9)
    tail: Array = stats.nbinom.logsf(np.asarray(count) - 1, size, size / (size + mean)) / np.log(10)
    return tail


def budget_threshold(pooled: Array, days: int, *, per_week: float = DEFAULT.alarm_budget_per_week, floor: float = 2.0) -> float:
    """Score that `per_week` days of the regency exceed, from the pooled scores of `days` days; never below `floor`."""
    known = np.sort(np.asarray(pooled, float)[~np.isnan(pooled)])[::-1]
    allowed = int(np.floor(per_week * days / 7))
    if len(known) <= allowed:
        return floor
    return max(floor, float(known[allowed]))
