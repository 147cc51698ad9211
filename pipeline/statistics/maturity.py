"""How much of its final count a post has at a given age, learned from repeated exports of the same posts.

Seen backwards in time an earlier count is a binomial thinning of a later one: C(a1) | C(a2) ~ Binomial(C(a2), m(a1)/m(a2))
with m(a) = 1 - (1 + a/s)^-k, s = h / (2^(1/k) - 1), h = half-life in hours (METHODS 2d). Ages in hours.
Falling counts (purges, unlikes) are clipped to the later count and counted.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import optimize

from pipeline.platforms import platforms
from pipeline.statistics.intervals import Z

Array = np.ndarray

FALLBACK = (24.0, 1.0)  # half-life in hours and shape where nothing is learned and platforms.yml says nothing
CHAIN_PAIRS = 20_000  # evenly chosen; more say the same
MINIMUM_PAIRS = 200
TRUSTED_COUNT = 300.0  # a post of 30,000 views is not 30,000 witnesses: purges and luck do not shrink with its size


@cache
def defaults() -> dict[str, tuple[float, float]]:
    """Half-life in hours and shape of a platform where nothing is learned yet, from platforms.yml."""
    return {name: (p.maturity.half_life_hours, p.maturity.shape) for name, p in platforms().items() if p.maturity}


def share(age: Array | float, half_life: float, k: float) -> Array:
    """m(a): share of the final count reached at age `a` hours; exactly one half at the half-life."""
    s = half_life / (2 ** (1 / k) - 1)
    reached: Array = 1 - (1 + np.maximum(np.asarray(age, float), 0.0) / s) ** -k
    return reached


@dataclass(frozen=True)
class Pairs:
    """Two counts of the same post: `earlier` at `age1`, `later` at `age2` > `age1`; `post` groups pairs for the bootstrap."""

    earlier: Array
    later: Array
    age1: Array
    age2: Array
    post: Array
    fell: int = 0

    def __len__(self) -> int:
        return len(self.earlier)

    def take(self, rows: Array) -> "Pairs":
        return Pairs(self.earlier[rows], self.later[rows], self.age1[rows], self.age2[rows], self.post[rows], self.fell)


def pairs(earlier: Array, later: Array, age1: Array, age2: Array, post: Array) -> Pairs:
    """Clip falling counts and drop pairs that say nothing (no growth in time, nothing counted)."""
    earlier, later = np.asarray(earlier, float), np.asarray(later, float)
    age1, age2 = np.maximum(np.asarray(age1, float), 0.05), np.asarray(age2, float)
    fell = int((earlier > later).sum())
    keep = (age2 > age1) & (later > 0) & ~np.isnan(earlier)
    return Pairs(np.minimum(earlier, later)[keep], later[keep], age1[keep], age2[keep], np.asarray(post)[keep], fell)


@dataclass(frozen=True)
class Maturity:
    """`lower`/`upper` bound the half-life; `source` says whose data it is: fitted | regency | default."""

    half_life: float
    k: float
    lower: float
    upper: float
    n_pairs: int
    source: str

    def share(self, age: Array | float) -> Array:
        return share(age, self.half_life, self.k)


def negative_log_likelihood(theta: Array, p: Pairs, weight: Array | float = 1.0) -> float:
    """Of (ln h, ln k), up to a constant."""
    h, k = np.exp(np.clip(theta, [-4, -2.5], [9, 2.5]))
    r = np.clip(share(p.age1, h, k) / np.maximum(share(p.age2, h, k), 1e-12), 1e-9, 1 - 1e-12)
    return -float((weight * (p.earlier * np.log(r) + (p.later - p.earlier) * np.log1p(-r))).sum())


def _maximise(p: Pairs, start: Array, weight: Array | float = 1.0, precise: bool = True) -> Array:
    scale = max(p.later.sum(), 1.0)
    options = {"xatol": 1e-5, "fatol": 1e-9, "maxiter": 600} if precise else {"xatol": 3e-3, "fatol": 1e-6, "maxiter": 120}
    found = optimize.minimize(
        lambda t: negative_log_likelihood(t, p, weight) / scale, start, method="Nelder-Mead", options=options
    )
    theta: Array = np.clip(found.x, [-4, -2.5], [9, 2.5])
    return theta


def fit(p: Pairs, *, start: tuple[float, float] = FALLBACK, draws: int = 40, seed: int = 0, source: str = "fitted") -> Maturity:
    """Maximum likelihood with an interval of the half-life from a bootstrap that resamples whole posts."""
    p = informative(p)
    trust = 1 / (1 + p.later / TRUSTED_COUNT)
    theta = _maximise(p, np.log(start), trust)
    posts, index = np.unique(p.post, return_inverse=True)
    rng = np.random.default_rng(seed)
    boot = [
        _maximise(p, theta, trust * rng.multinomial(len(posts), np.full(len(posts), 1 / len(posts)))[index], precise=False)[0]
        for _ in range(draws)
    ]
    spread = Z * float(np.std(boot, ddof=1)) if draws > 1 else 0.0
    h, k = np.exp(theta)
    return Maturity(float(h), float(k), float(h * np.exp(-spread)), float(h * np.exp(spread)), len(p), source)


def informative(p: Pairs, limit: int = 6000) -> Pairs:
    """At most `limit` pairs, the youngest first: old pairs barely move and carry almost no information about the curve."""
    if len(p) <= limit:
        return p
    return p.take(np.sort(np.argsort(p.age1, kind="stable")[:limit]))


def fit_or_default(p: Pairs | None, platform: str, regency: Maturity | None = None, **options: Any) -> Maturity:
    """The platform's own curve, else the regency's (fewer than 200 pairs), else the published default (no pairs at all)."""
    default = defaults().get(platform, FALLBACK)
    if p is not None and len(p) >= MINIMUM_PAIRS:
        return fit(p, start=default, **options)
    n = 0 if p is None else len(p)
    if regency is not None and n:
        return Maturity(regency.half_life, regency.k, regency.lower, regency.upper, n, "regency")
    h, k = default
    return Maturity(h, k, h / 2, h * 2, n, "default")


def chain_shares(p: Pairs, grid: Array, tail: float) -> tuple[Array, Array]:
    """(m at the grid ages, pairs that cross each age) without assuming the shape of the curve; `tail` = m at the last age.

    Chain ladder for posts seen at any age: between two grid ages ln m is straight in ln age, its steps are the development
    factors, and they maximise the same likelihood as `fit`. With exports exactly at the grid ages these are the chain-ladder
    factors, sum of later over sum of earlier counts (weighted as in `fit`: very large counts count less).
    """
    x = np.log(grid)
    rows = np.flatnonzero((p.age1 >= 0.9 * grid[0]) & (p.age2 <= 1.1 * grid[-1]))  # what began or ended elsewhere says less
    p = p.take(rows[:: max(1, len(rows) // CHAIN_PAIRS)])
    knots = np.clip(np.log(np.array([p.age1, p.age2])), x[0], x[-1])
    steps = np.clip((knots[:, :, None] - x[:-1]) / np.diff(x), 0.0, 1.0)
    span = steps[1] - steps[0]  # pairs x steps: how much of each step lies between the two ages
    keep = span.sum(1) > 1e-9
    span, earlier, later = span[keep], p.earlier[keep], p.later[keep]
    weight = 1 / (1 + later / TRUSTED_COUNT)

    def loss(theta: Array) -> tuple[float, Array]:
        step = np.exp(np.clip(theta, -14, 4))
        down = span @ step
        rest = -np.expm1(-np.maximum(down, 1e-12))
        value = (weight * (earlier * down - (later - earlier) * np.log(rest))).sum()
        slope = weight * (earlier - (later - earlier) * (1 - rest) / rest)
        return value / scale, (span.T @ slope) * step / scale

    scale = max(float((weight * later).sum()), 1.0)
    found = optimize.minimize(loss, np.full(len(grid) - 1, np.log(0.1)), jac=True, method="L-BFGS-B")
    step = np.exp(np.clip(found.x, -14, 4))
    crossed = ((knots[0][:, None] <= x) & (knots[1][:, None] >= x) & keep[:, None]).sum(0)
    return tail * np.exp(-np.append(np.cumsum(step[::-1])[::-1], 0.0)), crossed
