"""Empirical-Bayes shrinkage: each estimate is pulled towards its expectation by as much as its own noise deserves.

Rates of posts use the normal-normal model on the log scale: the unit of replication is the post, never the viewer
(a binomial with reach as trials gives intervals about seven times too narrow). Yes/no per case uses beta-binomial.
Sources: Efron & Morris 1975; Paule & Mandel 1982; Gelman et al., BDA3 sections 5.1 and 5.4.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from scipy.special import betaln

Array = np.ndarray


@dataclass(frozen=True)
class Shrunk:
    """`tau2` is the variance between units beyond sampling noise; `mean`/`sd` are posterior per unit, in y's unit."""

    mu: float
    mu_se: float
    tau2: float
    mean: Array
    sd: Array
    weight: Array  # share of its own value that each unit keeps, 1 - B


def _weighted(y: Array, s2: Array, tau2: float) -> tuple[float, Array]:
    w = 1.0 / (s2 + tau2)
    return float((w * y).sum() / w.sum()), w


def heterogeneity_q(y: Array, s: Array, tau2: float = 0.0) -> float:
    """Cochran's Q at a given tau2."""
    mu, w = _weighted(y, s**2, tau2)
    return float((w * (y - mu) ** 2).sum())


def paule_mandel(y: Array, s: Array) -> float:
    """tau2 that makes the generalised Q equal to its degrees of freedom; 0 when Q is already below them."""
    df = len(y) - 1
    if df < 1 or heterogeneity_q(y, s) <= df:
        return 0.0
    high = 10 * float(np.var(y)) + 1e-12
    while heterogeneity_q(y, s, high) > df:
        high *= 2
    return float(optimize.brentq(lambda t: heterogeneity_q(y, s, t) - df, 0.0, high, xtol=1e-14))


def heterogeneity_interval(y: Array, s: Array, level: float = 0.95) -> tuple[float, float]:
    """tau from the Q profile (Viechtbauer 2007): every tau at which the generalised Q is no surprise to chi-squared.

    A lower end of 0 says that noise alone may explain the spread. Fewer than two estimates say nothing: (0, inf)."""
    df = len(y) - 1
    if df < 1:
        return 0.0, float("inf")
    tail = (1 - level) / 2

    def root(quantile: float) -> float:
        if heterogeneity_q(y, s) <= quantile:
            return 0.0
        high = 10 * float(np.var(y)) + 1e-12
        while heterogeneity_q(y, s, high) > quantile:
            high *= 2
        return float(optimize.brentq(lambda t: heterogeneity_q(y, s, t) - quantile, 0.0, high, xtol=1e-14))

    low, high = (stats.chi2.ppf(share, df) for share in (1 - tail, tail))
    return float(np.sqrt(root(float(low)))), float(np.sqrt(root(float(high))))


def shrink(y: Array, s: Array, *, towards: float | None = None, tau2: float | None = None) -> Shrunk:
    """Normal-normal shrinkage of estimates `y` with standard errors `s`.

    `towards=None` pulls to the weighted mean; a number pulls to it (0 for residuals from an expectation). The posterior
    sd carries the uncertainty of the centre, B^2 / sum(w), so that a unit with little data of its own is not overconfident.
    """
    y, s = np.asarray(y, float), np.asarray(s, float)
    t = paule_mandel(y, s) if tau2 is None else tau2
    mu, w = _weighted(y, s**2, t)
    mu_se = float(1 / np.sqrt(w.sum()))
    b = s**2 / (s**2 + t) if t > 0 else np.ones_like(s)
    centre = mu if towards is None else towards
    return Shrunk(mu, mu_se, t, centre + (1 - b) * (y - centre), np.sqrt((1 - b) * s**2 + b**2 / w.sum()), 1 - b)


def shrink_integrated(y: Array, s: Array, *, towards: float = 0.0, grid: int = 80) -> Shrunk:
    """As `shrink`, but averaged over what tau may be (flat prior on tau, restricted likelihood) instead of one best value.

    A single tau2 makes intervals too short when it is estimated as nearly 0: "everybody is equal, surely". Here that doubt
    widens the intervals (BDA3 section 5.4). `tau2` is the posterior mean.
    """
    y, s = np.asarray(y, float), np.asarray(s, float)
    if len(y) < 4:
        return shrink(y, s, towards=towards)
    top = 3 * float(np.sqrt(max(np.var(y), min((s**2).min(), 1.0))))  # no spread is learned from pure noise
    tau2 = (np.arange(grid) + 0.5)[:, None] ** 2 * (top / grid) ** 2
    w = 1 / (s**2 + tau2)
    mu = (w * y).sum(1, keepdims=True) / w.sum(1, keepdims=True)
    loglik = 0.5 * (np.log(w).sum(1) - np.log(w.sum(1)) - (w * (y - mu) ** 2).sum(1))
    p = np.exp(loglik - loglik.max())
    p = (p / p.sum())[:, None]
    b = s**2 * w
    means = towards + (1 - b) * (y - towards)
    variances = (1 - b) * s**2 + b**2 / w.sum(1, keepdims=True)
    mean = (p * means).sum(0)
    sd = np.sqrt((p * (variances + (means - mean) ** 2)).sum(0))
    centre, spread = float((p * mu).sum()), float((p / w.sum(1, keepdims=True)).sum())
    return Shrunk(centre, float(np.sqrt(spread)), float((p * tau2).sum()), mean, sd, (p * (1 - b)).sum(0))


@dataclass(frozen=True)
class BetaBinomial:
    alpha: float
    beta: float

    def mean(self, y: Array, n: Array) -> Array:
        """Posterior mean of each unit's probability."""
        return (np.asarray(y) + self.alpha) / (np.asarray(n) + self.alpha + self.beta)


def beta_binomial(y: Array, n: Array) -> BetaBinomial:
    """Maximum likelihood of (alpha, beta), searched on the logit of the mean and the log of the size."""
    y, n = np.asarray(y, float), np.asarray(n, float)

    def loss(theta: Array) -> float:
        mu, size = 1 / (1 + np.exp(-theta[0])), np.exp(np.clip(theta[1], -8, 12))
        a, b = mu * size, (1 - mu) * size
        return -float((betaln(y + a, n - y + b) - betaln(a, b)).sum())

    start = np.clip((y.sum() + 0.5) / (n.sum() + 1), 1e-6, 1 - 1e-6)
    theta = _minimise(loss, np.array([np.log(start / (1 - start)), np.log(10.0)]))
    mu, size = 1 / (1 + np.exp(-theta[0])), np.exp(np.clip(theta[1], -8, 12))
    return BetaBinomial(float(mu * size), float((1 - mu) * size))


def _minimise(loss: Callable[[Array], float], start: Array) -> Array:
    options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000, "maxfev": 4000}
    found = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    again: Array = optimize.minimize(loss, found.x, method="Nelder-Mead", options=options).x
    return again
