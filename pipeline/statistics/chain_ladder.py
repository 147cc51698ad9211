"""Chain ladder with Mack's standard errors (Mack 1993, ASTIN Bulletin 23(2)).

The counts of posts by age are the same problem as claims by development year: it checks the fitted maturity curve
without assuming its shape. Rows = cohorts, columns = ages, cumulative, NaN where not yet observed.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class ChainLadder:
    factors: Array
    ultimate: Array
    reserve: Array  # what is still to come, per row
    se: Array
    total: float
    total_se: float


def chain_ladder(triangle: Array) -> ChainLadder:
    """Fit a triangle whose row i is observed for the first n - i columns."""
    c = np.asarray(triangle, float)
    n = c.shape[1]
    factors, sigma2 = _factors(c)
    last = np.array([np.flatnonzero(~np.isnan(row))[-1] for row in c])
    ultimate = np.array([row[k] * factors[k:].prod() for row, k in zip(c, last, strict=True)])
    full = c.copy()
    for k in range(1, n):
        full[:, k] = np.where(np.isnan(full[:, k]), full[:, k - 1] * factors[k - 1], full[:, k])
    column = np.array([c[~np.isnan(c[:, k + 1]), k].sum() for k in range(n - 1)])
    ratio = sigma2 / factors**2
    mse = np.array(
        [
            ultimate[i] ** 2 * sum(ratio[k] * (1 / full[i, k] + 1 / column[k]) for k in range(last[i], n - 1))
            for i in range(len(c))
        ]
    )
    cross = [
        ultimate[i] * ultimate[i + 1 :].sum() * sum(2 * ratio[k] / column[k] for k in range(last[i], n - 1))
        for i in range(len(c))
    ]
    reserve = ultimate - c[np.arange(len(c)), last]
    return ChainLadder(factors, ultimate, reserve, np.sqrt(mse), float(reserve.sum()), float(np.sqrt(mse.sum() + sum(cross))))


def _factors(c: Array) -> tuple[Array, Array]:
    """Volume-weighted factors and Mack's variance per column; the last variance is extrapolated as Mack does."""
    n = c.shape[1]
    f, s2 = np.empty(n - 1), np.empty(n - 1)
    for k in range(n - 1):
        seen = ~np.isnan(c[:, k + 1])
        a, b = c[seen, k], c[seen, k + 1]
        f[k] = b.sum() / a.sum()
        s2[k] = (a * (b / a - f[k]) ** 2).sum() / (len(a) - 1) if len(a) > 1 else np.nan
    if np.isnan(s2[-1]):
        s2[-1] = min(s2[-2] ** 2 / s2[-3], s2[-3], s2[-2]) if n > 3 and s2[-3] > 0 else s2[-2]
    return f, s2
