"""Counts as counts: the rate behind a post's reactions, from how many were counted and how many people saw the post.

E ~ Poisson(X exp(eta + eps)), eps ~ N(0, s^2): a Poisson-lognormal model with exposure X as offset. Posts differ (s), and a
count is noisy on top of it. A post that three people saw and nobody liked says next to nothing, a post that ten thousand saw
says what ln(E/X) says: nothing is added to E or X, so being unseen is no merit and no fault.

A linear predictor eta is fitted by Fisher scoring. Every post gets a working value z = eta + m / share and its information
share / s^2: m is the posterior mean of eps given E, share = E[m^2] / s^2 what its count tells of what a perfect one would.
Means of z weighted by it are one scoring step from eta for any further split of the posts (months, programmes, weeks).
Sources: Aitchison & Ho 1989 (Poisson-lognormal); Breslow & Clayton 1993 (working values); information by a rational
approximation, within 5 % of the exact value for s up to 1.2 (tests/test_counts.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

Array = np.ndarray

ROUNDS = 8
PRIOR_VARIANCE = 0.5  # of an account's level around its centre: where a level is linearised that the counts hardly know
PRIOR_DF = 20.0  # weight, in posts, of the platform's spread of posts when an account's own spread is estimated
ASSUMED_SPREAD = 0.9  # sd of ln rates between posts (METHODS 4.2) until there are posts to learn it from
LEAST_SPREAD = 0.1  # real accounts have 0.3 to 0.8; equal numbers in a made-up file are no certainty
NODES, WEIGHTS = hermegauss(7)


def posterior_mean(count: Array, mean: Array, variance: Array) -> Array:
    """E[eps | count] with eps ~ N(0, variance) and count ~ Poisson(mean exp(eps)): adaptive Gauss-Hermite around the mode."""
    eps = np.clip(np.log((count + 0.5) / (mean + 0.5)), -3.0, 3.0)
    for _ in range(12):
        seen = mean * np.exp(eps)
        step = np.clip((count - seen - eps / variance) / (seen + 1 / variance), -1.5, 1.5)
        eps = eps + step
        if np.abs(step).max(initial=0.0) < 1e-6:
            break
    sd = 1 / np.sqrt(mean * np.exp(eps) + 1 / variance)
    at = eps[:, None] + sd[:, None] * NODES
    log = count[:, None] * at - mean[:, None] * np.exp(at) - at**2 / (2 * variance[:, None]) + NODES**2 / 2
    p = WEIGHTS * np.exp(log - log.max(1, keepdims=True))
    mean_at: Array = (p * at).sum(1) / p.sum(1)
    return mean_at


def information_share(mean: Array, variance: Array) -> Array:
    """E[m^2] / s^2 of a post with count ~ Poisson(`mean` exp(eps)): 0 where nothing can be seen, towards 1 for large counts."""
    known = variance * mean
    known = known * np.exp(variance / 2 / (1 + 3 * known))
    share: Array = known / (1 + known)
    return share


@dataclass(frozen=True)
class Fit:
    """Per post: z, information (1 / variance on the ln scale), effects of the blocks; per account: level and its spread."""

    z: Array
    information: Array
    effects: Array  # n x blocks, each centred over the information
    level: Array
    spread: Array


def fit(
    count: Array,
    offset: Array,
    account: Array,
    month: Array,
    blocks: list[Array],
    *,
    centre: Array | None = None,
    extra_variance: Array | float = 0.0,
) -> Fit:
    """Levels of accounts plus effects of `blocks` (integer codes per post, e.g. format and month) of one platform.

    `offset` is ln of the exposure (and of whatever else scales the count); `month` codes the cells inside which posts are
    compared to learn their spread. `centre` is where levels are drawn to that the counts do not know; it only decides where the
    likelihood is linearised, for z is freed of it. `extra_variance` of a post is added to its spread.
    """
    count, offset = np.asarray(count, float), np.asarray(offset, float)
    design, owner = _design(blocks, len(count))
    accounts = int(account.max()) + 1
    cell = np.unique(account * (int(month.max()) + 1) + month, return_inverse=True)[1]
    cells = np.unique(cell, return_index=True)[1]
    rate = np.log(np.maximum(count.sum(), 0.5)) - np.log(np.exp(offset).sum()) - ASSUMED_SPREAD**2 / 2
    middle = np.full(accounts, rate) if centre is None else centre
    level, b = middle.copy(), np.zeros(design.shape[1])
    spread2 = np.full(accounts, ASSUMED_SPREAD**2)
    for k in range(ROUNDS):
        variance = spread2[account] + extra_variance
        eta = level[account] + design @ b
        mean = np.exp(np.clip(offset + eta, -30.0, 30.0))
        m, share = posterior_mean(count, mean, variance), information_share(mean, variance)
        information = share / variance
        z = eta + m / share
        if k == ROUNDS - 1:
            break
        if centre is None:
            middle = np.full(accounts, _centre(level, np.bincount(account, information, accounts)))
        new, b = _solve(z, information, account, design, middle)
        level = level + np.clip(new - level, -1.0, 1.0)
        spread2 = _spread(m, share, cell, account[cells], accounts)
    effects = np.zeros((len(count), len(blocks)))
    for j in range(len(blocks)):
        effects[:, j] = design[:, owner == j] @ b[owner == j]
        effects[:, j] -= np.average(effects[:, j], weights=information)
    return Fit(z, information, effects, level, np.sqrt(spread2))


def _design(blocks: list[Array], n: int) -> tuple[Array, Array]:
    """(dummies without each block's most frequent code, block of each column)."""
    columns, owner = [], []
    for j, code in enumerate(blocks):
        reference = int(np.bincount(code).argmax())
        for k in range(int(code.max()) + 1):
            if k != reference:
                columns.append(code == k)
                owner.append(j)
    return (np.column_stack(columns).astype(float) if columns else np.zeros((n, 0))), np.array(owner, int)


def _centre(level: Array, information: Array) -> float:
    """The middle of the levels, each with the weight that its counts deserve: accounts nobody sees have none."""
    weight = information / (information + 1 / PRIOR_VARIANCE)
    order = np.argsort(level, kind="stable")
    passed = np.cumsum(weight[order])
    return float(level[order][np.searchsorted(passed, passed[-1] / 2)]) if passed[-1] > 0 else float(np.median(level))


def _solve(z: Array, information: Array, account: Array, x: Array, middle: Array) -> tuple[Array, Array]:
    """Weighted least squares of z on levels (drawn to `middle` with PRIOR_VARIANCE) and on the columns of x."""
    own = np.bincount(account, information, len(middle)) + 1 / PRIOR_VARIANCE
    rest = z - middle[account]
    b = np.zeros(x.shape[1])
    if x.shape[1]:
        means = np.column_stack([np.bincount(account, information * c, len(middle)) for c in x.T])
        gram = (x * information[:, None]).T @ x - (means / own[:, None]).T @ means
        moment = x.T @ (information * rest) - (means / own[:, None]).T @ np.bincount(account, information * rest, len(middle))
        ridge = 1e-6 * max(float(np.trace(gram)) / len(gram), 1e-12)
        b = np.linalg.lstsq(gram + ridge * np.eye(len(gram)), moment, rcond=None)[0]
    left = np.bincount(account, information * (rest - x @ b), len(middle))
    return middle + left / own, b


def _spread(m: Array, share: Array, cell: Array, account_of_cell: Array, accounts: int) -> Array:
    """Variance of posts within account and month, the account's own pulled to the platform's.

    E[m^2] = s^2 share, so sums of both over the posts of a cell, its own mean taken off, give s^2 without trusting small counts.
    """
    whole = np.bincount(cell, share)
    shift = np.bincount(cell, m) / np.maximum(whole, 1e-12)
    squares = np.bincount(cell, (m - share * shift[cell]) ** 2)
    df = np.maximum(whole - np.bincount(cell, share**2) / np.maximum(whole, 1e-12), 0.0)
    own = np.bincount(account_of_cell, squares, accounts), np.bincount(account_of_cell, df, accounts)
    pooled = (ASSUMED_SPREAD**2 + own[0].sum()) / (1 + own[1].sum())
    spread: Array = np.maximum((PRIOR_DF * pooled + own[0]) / (PRIOR_DF + own[1]), LEAST_SPREAD**2)
    return spread
