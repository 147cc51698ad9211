"""Season and trend: what every account of a platform does in a week is season; what is left is the account's own."""

import numpy as np

from pipeline.statistics.regression import theil_sen

Array = np.ndarray


def two_way(
    y: Array, unit: Array, time: Array, *, weight: Array | None = None, rounds: int = 200, tolerance: float = 1e-9
) -> tuple[Array, Array, Array]:
    """(unit effects, time effects, residual) of y = unit + time by weighted alternating projection.

    Effects are indexed by the sorted unique labels; time effects are centred so that the units keep the level.
    """
    units, i = np.unique(unit, return_inverse=True)
    times, t = np.unique(time, return_inverse=True)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    wi, wt = np.bincount(i, w, len(units)), np.bincount(t, w, len(times))
    a, b = np.zeros(len(units)), np.zeros(len(times))
    for _ in range(rounds):
        a = np.bincount(i, w * (y - b[t]), len(units)) / wi
        new = np.bincount(t, w * (y - a[i]), len(times)) / wt
        new -= np.average(new, weights=wt)
        done = np.abs(new - b).max() < tolerance
        b = new
        if done:
            break
    a = np.bincount(i, w * (y - b[t]), len(units)) / wi
    return a, b, y - a[i] - b[t]


def slope(y: Array, *, minimum: int = 8) -> tuple[float, float, float]:
    """(slope per step, lower, upper) by Theil-Sen over the known steps; NaN with fewer than `minimum`."""
    y = np.asarray(y, float)
    known = np.flatnonzero(~np.isnan(y))
    if len(known) < minimum:
        return float("nan"), float("nan"), float("nan")
    middle, _, lower, upper = theil_sen(known.astype(float), y[known])
    return middle, lower, upper
