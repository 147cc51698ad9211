"""Robust regression for expected values: a few unusual accounts must not decide what is expected of all others."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

Array = np.ndarray
SLOPE_RANGE = (-0.4, 0.0)  # METHODS 2c: bigger accounts get a lower rate; outside this the fit says more about chance
MINIMUM_ACCOUNTS = 15


@dataclass(frozen=True)
class Fit:
    coefficient: Array
    fitted: Array
    left_out: Array  # fitted value of each row from a fit that downweights it to nothing
    weight: Array
    scale: float
    left_out_se: Array  # standard error of left_out: what is expected is itself an estimate


def huber(x: Array, y: Array, *, case_weight: Array | None = None, c: float = 1.345, rounds: int = 50) -> Fit:
    """Iteratively reweighted least squares with Huber weights and MAD scale; `x` includes its own constant column."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    base = np.ones(len(y)) if case_weight is None else np.asarray(case_weight, float)
    w = base.copy()
    for _ in range(rounds):
        root = np.sqrt(w)
        b = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
        r = y - x @ b
        scale = max(1.4826 * float(np.median(np.abs(r - np.median(r)))), 1e-9)
        new = base * np.minimum(1.0, c * scale / np.maximum(np.abs(r), 1e-12))
        if np.abs(new - w).max() < 1e-8:
            w = new
            break
        w = new
    gram = np.linalg.pinv((x * w[:, None]).T @ x)
    h = np.clip(w * np.einsum("ij,jk,ik->i", x, gram, x), 0, 1 - 1e-9)
    fitted = x @ b
    left_out = y - (y - fitted) / (1 - h)
    freedom = max(w.sum() ** 2 / (w**2).sum() - x.shape[1], 1.0) / (w.sum() ** 2 / (w**2).sum())
    spread = (w * (y - fitted) ** 2).sum() / w.sum() / freedom
    se = np.sqrt(spread * np.einsum("ij,jk,ik->i", x, gram, x) * (w**2).sum() / w.sum() / (1 - h))
    return Fit(b, fitted, left_out, w, scale, se)


def theil_sen(x: Array, y: Array) -> tuple[float, float, float, float]:
    """(slope, intercept, lower, upper): median of pairwise slopes with Kendall's 95 % interval."""
    found = stats.theilslopes(y, x, alpha=0.95)
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


@dataclass(frozen=True)
class Expected:
    """`adjusted` false: the size adjustment was refused for `reason` and the expectation is the group's centre."""

    value: Array  # expected y of each account, itself left out
    se: Array
    slope: float
    adjusted: bool
    reason: str


def expected_by_size(y: Array, size: Array, *, case_weight: Array | None = None) -> Expected:
    """Expected ln rate of each account from ln size over all accounts of one platform, the account itself left out.

    Refused with fewer than 15 accounts of known size, or when the slope is outside -0.4..0: then the left-out
    weighted Huber centre of the platform is expected (accounts of unknown size always get that).
    """
    y, size = np.asarray(y, float), np.asarray(size, float)
    base = np.ones(len(y)) if case_weight is None else np.asarray(case_weight, float)
    whole = huber(np.ones((len(y), 1)), y, case_weight=base) if len(y) > 1 else None
    centre, se = (whole.left_out, whole.left_out_se) if whole else np.full((2, len(y)), np.nan)
    known = np.isfinite(size)
    if known.sum() < MINIMUM_ACCOUNTS:
        return Expected(centre, se, float("nan"), False, "too_few_accounts")
    z = size[known] - size[known].mean()
    if z.std() < 1e-9:
        return Expected(centre, se, float("nan"), False, "size_does_not_vary")
    fitted = huber(np.column_stack([np.ones(known.sum()), z]), y[known], case_weight=base[known])
    slope = float(fitted.coefficient[1])
    if not SLOPE_RANGE[0] <= slope <= SLOPE_RANGE[1]:
        return Expected(centre, se, slope, False, "slope_out_of_range")
    value, se = centre.copy(), se.copy()
    value[known], se[known] = fitted.left_out, fitted.left_out_se
    return Expected(value, se, slope, True, "")
