"""Robust regression for expected values: a few unusual accounts must not decide what is expected of all others."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

Array = np.ndarray
SLOPE_RANGE = (-0.4, 0.0)  # METHODS 2c: bigger accounts get a lower rate; outside this the fit says more about chance
MINIMUM_ACCOUNTS = 15
MINIMUM_OTHERS = 4  # accounts of other agencies: five in all, the least that is said anything about anywhere else


@dataclass(frozen=True)
class Fit:
    coefficient: Array
    fitted: Array
    left_out: Array  # fitted value of each row without its own group; NaN when nothing else is left
    weight: Array
    scale: float
    left_out_se: Array  # standard error of left_out: what is expected is itself an estimate


def huber(
    x: Array, y: Array, *, case_weight: Array | None = None, group: Array | None = None, c: float = 1.345, rounds: int = 50
) -> Fit:
    """Iteratively reweighted least squares with Huber weights and MAD scale; `x` includes its own constant column.

    `group` says which rows leave the fit together (each row alone without it); their weights stay those of the whole fit."""
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
    fitted = x @ b
    freedom = max(w.sum() ** 2 / (w**2).sum() - x.shape[1], 1.0) / (w.sum() ** 2 / (w**2).sum())
    spread = (w * (y - fitted) ** 2).sum() / w.sum() / freedom
    left_out, leverage = _without_group(x, y, w, gram, b, np.arange(len(y)) if group is None else np.asarray(group))
    return Fit(b, fitted, left_out, w, scale, np.sqrt(spread * leverage * (w**2).sum() / w.sum()))


def _without_group(x: Array, y: Array, w: Array, gram: Array, b: Array, group: Array) -> tuple[Array, Array]:
    """Fitted value and x'(X'WX)⁻¹x of each row from the fit without its group: by leverage for one row, anew for several."""
    q = np.einsum("ij,jk,ik->i", x, gram, x)
    h = np.clip(w * q, 0, 1 - 1e-9)
    left_out, leverage = y - (y - x @ b) / (1 - h), q / (1 - h)
    for name in [name for name, n in zip(*np.unique(group, return_counts=True), strict=True) if n > 1]:
        mine = group == name
        rest, weight = x[~mine], w[~mine]
        if not weight.sum() > 0:
            left_out[mine] = leverage[mine] = np.nan
            continue
        gram_rest = np.linalg.pinv((rest * weight[:, None]).T @ rest)
        left_out[mine] = x[mine] @ (gram_rest @ (rest.T @ (weight * y[~mine])))
        leverage[mine] = np.einsum("ij,jk,ik->i", x[mine], gram_rest, x[mine])
    return left_out, leverage


def theil_sen(x: Array, y: Array) -> tuple[float, float, float, float]:
    """(slope, intercept, lower, upper): median of pairwise slopes with Kendall's 95 % interval."""
    found = stats.theilslopes(y, x, alpha=0.95)
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


@dataclass(frozen=True)
class Expected:
    """`adjusted` false: the size adjustment was refused for `reason` and the expectation is the group's centre."""

    value: Array  # expected y of each account, its agency left out
    se: Array
    slope: float
    adjusted: bool
    reason: str


def expected_by_size(y: Array, size: Array, *, agency: Array | None = None, case_weight: Array | None = None) -> Expected:
    """Expected ln rate of each account from ln size over all accounts of one platform, its whole agency left out.

    Refused with fewer than 15 accounts of known size, or when the slope is outside -0.4..0: then the left-out
    weighted Huber centre of the platform is expected (accounts of unknown size always get that). NaN with fewer than
    `MINIMUM_OTHERS` accounts of other agencies.
    """
    y, size = np.asarray(y, float), np.asarray(size, float)
    owner = np.arange(len(y)) if agency is None else np.unique(agency, return_inverse=True)[1]
    base = np.ones(len(y)) if case_weight is None else np.asarray(case_weight, float)
    lonely = len(y) - np.bincount(owner)[owner] < MINIMUM_OTHERS
    if lonely.all():
        nothing = np.full(len(y), np.nan)
        return Expected(nothing, nothing, float("nan"), False, "too_few_accounts")
    whole = huber(np.ones((len(y), 1)), y, case_weight=base, group=owner)
    value, se = (np.where(lonely, np.nan, part) for part in (whole.left_out, whole.left_out_se))
    known = np.isfinite(size)
    if known.sum() < MINIMUM_ACCOUNTS:
        return Expected(value, se, float("nan"), False, "too_few_accounts")
    z = size[known] - size[known].mean()
    if z.std() < 1e-9:
        return Expected(value, se, float("nan"), False, "size_does_not_vary")
    columns = np.column_stack([np.ones(known.sum()), z])
    fitted = huber(columns, y[known], case_weight=base[known], group=owner[known])
    slope = float(fitted.coefficient[1])
    if not SLOPE_RANGE[0] <= slope <= SLOPE_RANGE[1]:
        return Expected(value, se, slope, False, "slope_out_of_range")
    by_size = known & ~lonely
    value[by_size], se[by_size] = fitted.left_out[~lonely[known]], fitted.left_out_se[~lonely[known]]
    return Expected(value, se, slope, True, "")
