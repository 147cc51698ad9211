"""Confidence sets of ranks: which places an agency may hold, given how noisy everybody's estimate is.

Mogstad, Romano, Shaikh & Wilhelm (Review of Economic Studies 2024): all ordered pairs are tested with the max-t of
studentised differences (parametric bootstrap) and step-down. The best place is 1 + the number significantly above,
the worst p - the number significantly below. Feed unshrunk estimates with their standard errors. Rank 1 is the largest.
"""

import numpy as np

Array = np.ndarray
GOLDSTEIN_HEALY = 1.386  # bars of 1.39 se: a plotting aid only, equal errors assumed; say so in the caption
BANDS = ((0.8, "sangat_mungkin"), (0.5, "mungkin"), (0.2, "belum_jelas"), (0.0, "kecil"))


def rejections(
    x: Array, se: Array, *, level: float = 0.95, active: Array | None = None, draws: int = 4000, seed: int = 0
) -> Array:
    """rejected[j, k] is true where unit j is significantly above unit k, family-wise over `active` pairs."""
    p = len(x)
    noise = np.random.default_rng(seed).standard_normal((draws, p)) * se
    scale = np.sqrt(se[:, None] ** 2 + se**2)
    t = (x[:, None] - x) / scale
    active = ~np.eye(p, dtype=bool) if active is None else active & ~np.eye(p, dtype=bool)
    rejected = np.zeros((p, p), bool)
    while active.any():
        new = active & (t > _max_t_quantile(noise, scale, active, level))
        if not new.any():
            break
        rejected |= new
        active = active & ~new
    return rejected


def _max_t_quantile(noise: Array, scale: Array, active: Array, level: float) -> float:
    top = np.full(len(noise), -np.inf)
    for j in np.flatnonzero(active.any(1)):
        k = np.flatnonzero(active[j])
        np.maximum(top, ((noise[:, [j]] - noise[:, k]) / scale[j, k]).max(1), out=top)
    return float(np.quantile(top, level))


def simultaneous(x: Array, se: Array, *, level: float = 0.95, draws: int = 4000, seed: int = 0) -> tuple[Array, Array]:
    """(best, worst) rank of every unit, all sets right together with probability `level`: for a table of all."""
    rejected = rejections(np.asarray(x, float), np.asarray(se, float), level=level, draws=draws, seed=seed)
    return 1 + rejected.sum(0), len(x) - rejected.sum(1)


def marginal(x: Array, se: Array, *, level: float = 0.95, draws: int = 4000, seed: int = 0) -> tuple[Array, Array]:
    """(best, worst) rank of every unit, each set right on its own with probability `level`: for an agency's own page."""
    x, se = np.asarray(x, float), np.asarray(se, float)
    best, worst = np.empty(len(x), int), np.empty(len(x), int)
    for i in range(len(x)):
        active = np.zeros((len(x), len(x)), bool)
        active[i, :] = active[:, i] = True
        rejected = rejections(x, se, level=level, active=active, draws=draws, seed=seed)
        best[i], worst[i] = 1 + rejected[:, i].sum(), len(x) - rejected[i].sum()
    return best, worst


def p_top(mean: Array, sd: Array, *, share: float = 0.25, draws: int = 2000, seed: int = 0) -> Array:
    """Posterior probability of being in the top `share` of the group, from independent normal posteriors."""
    theta = mean + np.random.default_rng(seed).standard_normal((draws, len(mean))) * sd
    cut = max(1, round(share * len(mean)))
    places = (-theta).argsort(1).argsort(1)
    chance: Array = (places < cut).mean(0)
    return chance


def band(probability: float) -> str:
    """The words of METHODS 2b for a probability of the top quartile."""
    return next(name for floor, name in BANDS if probability >= floor)


def too_wide(best: Array, worst: Array) -> bool:
    """True when the median set spans more than half of the group: then print bands, no rank numbers."""
    return bool(np.median(worst - best + 1) > len(best) / 2)
