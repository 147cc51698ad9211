"""The effect of a training that reached agencies at different times, from a panel of agencies x months.

Three estimators of the same question (METHODS 2f). `imputation` is the headline (Borusyak, Jaravel & Spiess 2024),
`att_gt` with `aggregate` the cross-check (Callaway & Sant'Anna 2021, analytic influence functions), `two_way_fixed_effects`
is shown only to say why it is not used. Y is n x T, NaN = not observed; g is each unit's first treated time, 0 = never.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.statistics.intervals import Z

Array = np.ndarray


@dataclass(frozen=True)
class Effect:
    effect: float
    se: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.effect - Z * self.se, self.effect + Z * self.se


def treated(g: Array, t: Array) -> Array:
    """n x T: is the unit treated at that time?"""
    g = np.asarray(g)[:, None]
    return (g > 0) & (np.asarray(t)[None, :] >= g)


# ---- imputation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imputation:
    """Residuals of every cell from the untreated fit, and what the estimator gives each cell as weight."""

    overall: Effect
    tau: Array  # n x T, effect of each treated cell, NaN elsewhere
    weight: Array  # n x T
    usable: Array  # n x T treated cells that can be imputed (unit and month both seen untreated)
    untreated_residual: Array  # n x T, NaN elsewhere


def imputation(Y: Array, g: Array, t: Array, *, target: Array | None = None, variance: bool = True) -> Imputation:
    """Average over `target` cells (default: every treated cell) of outcome minus what the untreated cells predict.

    Units without an untreated month, or months without an untreated unit, cannot be predicted: their treated cells are
    left out and `usable` says so. The variance is clustered by unit and conservative: treated residuals are centred
    within cohort and month with weights v^2.
    """
    Y, g, t = np.asarray(Y, float), np.asarray(g), np.asarray(t)
    seen, d = ~np.isnan(Y), treated(g, t)
    free = seen & ~d
    fit = _two_way_fit(free)
    usable = seen & d & free.any(1)[:, None] & free.any(0)[None, :]
    chosen = usable if target is None else usable & target
    if not chosen.any():
        nothing = np.full(Y.shape, np.nan)
        return Imputation(Effect(float("nan"), float("nan")), nothing, np.zeros(Y.shape), chosen, nothing)
    fitted = fit.predict(np.where(free, Y, 0.0))
    residual = Y - fitted
    tau = np.where(usable, residual, np.nan)
    v = np.where(chosen, 1.0 / chosen.sum(), 0.0)
    effect = float(np.nansum(np.where(chosen, residual * v, 0.0)))
    if not variance:
        return Imputation(Effect(effect, float("nan")), tau, v, usable, np.where(free, residual, np.nan))
    v = v + np.where(free, fit.weights_of(v), 0.0)
    e = np.where(free, residual, 0.0) + _centred(np.where(chosen, residual, 0.0), v, g, chosen)
    se = float(np.sqrt(((v * e).sum(1) ** 2).sum()))
    return Imputation(Effect(effect, se), tau, v, usable, np.where(free, residual, np.nan))


class _two_way_fit:
    """Least squares of unit + month on a mask of cells; unit effects are solved out, so only T x T is inverted."""

    def __init__(self, free: Array):
        self.free = free.astype(float)
        self.n_i = np.maximum(self.free.sum(1), 1e-300)
        self.has = self.free.sum(1) > 0
        inner = np.diag(self.free.sum(0)) - self.free.T @ (self.free / self.n_i[:, None])
        self.inverse = np.linalg.pinv(inner, rcond=1e-10, hermitian=True)

    def predict(self, y: Array) -> Array:
        """Fitted values of all cells from y (0 where not free); rows never free are fitted with unit effect 0."""
        y = y * self.free
        row = np.where(self.has, y.sum(1) / self.n_i, 0.0)
        b = self.inverse @ (y.sum(0) - self.free.T @ row)
        a = np.where(self.has, row - (self.free @ b) / self.n_i, 0.0)
        fitted: Array = a[:, None] + b[None, :]
        return fitted

    def weights_of(self, v: Array) -> Array:
        """-Z_U (Z_U'Z_U)^-1 Z_D' v: what each untreated cell contributes, the same projection as a fit."""
        unit, month = v.sum(1), v.sum(0)
        row = np.where(self.has, unit / self.n_i, 0.0)
        b = self.inverse @ (month - self.free.T @ row)
        a = np.where(self.has, row - (self.free @ b) / self.n_i, 0.0)
        weights: Array = -(a[:, None] + b[None, :]) * self.free
        return weights


def _centred(e: Array, v: Array, g: Array, cells: Array) -> Array:
    out = np.zeros_like(e)
    for cohort in np.unique(g[g > 0]):
        rows = g == cohort
        w = np.where(cells[rows], v[rows] ** 2, 0.0)
        mean = (w * e[rows]).sum(0) / np.maximum(w.sum(0), 1e-300)
        out[rows] = np.where(cells[rows], e[rows] - mean, 0.0)
    return out


def by_event_time(Y: Array, g: Array, t: Array, events: Array) -> list[tuple[int, Effect, int]]:
    """(months since training, effect, cells) for each asked event time that has usable cells."""
    e = _event(g, t)
    found = ((int(k), imputation(Y, g, t, target=e == k)) for k in events)
    return [(k, r.overall, int((r.usable & (e == k)).sum())) for k, r in found if np.isfinite(r.overall.effect)]


def _event(g: Array, t: Array) -> Array:
    """n x T months since first training on the index of t, far away for the never treated."""
    position = np.searchsorted(t, g)
    e = np.arange(len(t))[None, :] - position[:, None]
    return np.where(np.asarray(g)[:, None] > 0, e, 10_000)


def pre_trend(Y: Array, g: Array, t: Array, leads: Array) -> tuple[float, list[tuple[int, Effect, int]]]:
    """(p of the joint test that all leads are zero, the leads) on untreated cells only, clustered by unit.

    Regression of untreated outcomes on unit, month and lead dummies, as in Borusyak, Jaravel & Spiess section 4.3;
    Wald statistic referred to F(q, units - 1) because clusters are few.
    """
    from scipy import stats

    Y, e = np.asarray(Y, float), _event(g, t)
    free = ~np.isnan(Y) & ~treated(g, t)
    fit = _two_way_fit(free)
    columns = [(int(k), free & (e == k)) for k in leads]
    columns = [(k, c) for k, c in columns if c.any()]
    if not columns:
        return float("nan"), []

    def residual(y: Array) -> Array:
        return np.where(free, y - fit.predict(np.where(free, y, 0.0)), 0.0)

    X = np.stack([residual(c.astype(float)) for _, c in columns], -1)
    gram = np.einsum("itk,itl->kl", X, X)
    if np.linalg.matrix_rank(gram) < len(columns):
        return float("nan"), []
    bread = np.linalg.inv(gram)
    y = residual(np.where(free, Y, 0.0))
    b = bread @ np.einsum("itk,it->k", X, y)
    score = np.einsum("itk,it->ik", X, y - X @ b)
    n = int(free.any(1).sum())
    V = bread @ (score.T @ score) @ bread * n / (n - 1)
    wald = float(b @ np.linalg.pinv(V, hermitian=True) @ b) / len(b)
    p = float(stats.f.sf(wald, len(b), n - 1))
    return p, [(k, Effect(float(b[i]), float(np.sqrt(V[i, i]))), int(c.sum())) for i, (k, c) in enumerate(columns)]


# ---- Callaway & Sant'Anna -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupTime:
    """One row per (cohort, time): the effect and, per unit, its influence (n x cells)."""

    group: Array
    time: Array
    att: Array
    influence: Array
    g: Array
    t: Array

    @property
    def se(self) -> Array:
        spread: Array = np.sqrt((self.influence**2).sum(0))
        return spread / len(self.g)


def att_gt(Y: Array, g: Array, t: Array, control: str = "not_yet") -> GroupTime:
    """Group-time effects, varying base period; control 'never' or 'not_yet' treated.

    Where a unit misses one of the two months of a comparison it is left out of that comparison only.
    """
    Y, g, t = np.asarray(Y, float), np.asarray(g), np.asarray(t)
    groups, times, att, influence = [], [], [], []
    for cohort in np.unique(g[(g > t[0]) & (g <= t[-1])]):
        before = int(np.searchsorted(t, cohort)) - 1
        for i in range(1, len(t)):
            b = i - 1 if t[i] < cohort else before
            others = (g == 0) if control == "never" else ((g == 0) | (g > max(t[i], t[b]))) & (g != cohort)
            dy = Y[:, i] - Y[:, b]
            known = ~np.isnan(dy)
            own, others = (g == cohort) & known, others & known
            if not own.any() or not others.any():
                continue
            dy = np.where(known, dy, 0.0)
            a1, a0 = dy[own].mean(), dy[others].mean()
            groups.append(cohort)
            times.append(t[i])
            att.append(a1 - a0)
            influence.append(np.where(own, (dy - a1) / own.mean(), 0.0) - np.where(others, (dy - a0) / others.mean(), 0.0))
    stacked = np.array(influence).T if influence else np.empty((len(g), 0))
    return GroupTime(np.array(groups, int), np.array(times, int), np.array(att, float), stacked, g, t)


def _average(r: GroupTime, cells: Array) -> tuple[Effect, Array]:
    """Cells weighted by cohort size, with the influence of estimating those sizes."""
    k = np.flatnonzero(cells)
    share = np.array([(r.g == r.group[c]).mean() for c in k])
    total = share.sum()
    member = np.stack([(r.g == r.group[c]) for c in k], 1).astype(float)
    deviation = member - share
    W = deviation / total - np.outer(deviation.sum(1), share) / total**2
    return _from_influence(float(share @ r.att[k] / total), r.influence[:, k] @ (share / total) + W @ r.att[k])


def _from_influence(effect: float, influence: Array) -> tuple[Effect, Array]:
    return Effect(effect, float(np.sqrt((influence**2).sum()) / len(influence))), influence


def _mean_of(parts: list[tuple[Effect, Array]]) -> Effect:
    return _from_influence(float(np.mean([p[0].effect for p in parts])), np.mean([p[1] for p in parts], 0))[0]


def simple(r: GroupTime) -> Effect:
    return _average(r, r.time >= r.group)[0]


def dynamic(r: GroupTime) -> tuple[list[tuple[int, Effect]], Effect, Array]:
    """(by event time, overall mean of e >= 0, influence n x events)."""
    e = np.searchsorted(r.t, r.time) - np.searchsorted(r.t, r.group)
    # A gap in the calendar (2004 to 2006) counts as elapsed time, as in the R package: labels, not positions.
    if np.issubdtype(r.t.dtype, np.integer):
        e = r.time - r.group
    kinds = np.unique(e)
    parts = [_average(r, e == k) for k in kinds]
    after = [p for k, p in zip(kinds, parts, strict=True) if k >= 0]
    influence = np.stack([p[1] for p in parts], 1)
    return [(int(k), p[0]) for k, p in zip(kinds, parts, strict=True)], _mean_of(after), influence


def group(r: GroupTime) -> tuple[list[tuple[int, Effect]], Effect]:
    """(by cohort, overall weighted by cohort size)."""
    kinds = np.unique(r.group)
    parts = [_plain_mean(r, (r.group == k) & (r.time >= k)) for k in kinds]
    share = np.array([(r.g == k).mean() for k in kinds])
    total = share.sum()
    deviation = np.stack([(r.g == k) for k in kinds], 1).astype(float) - share
    W = deviation / total - np.outer(deviation.sum(1), share) / total**2
    att = np.array([p[0].effect for p in parts])
    influence = np.stack([p[1] for p in parts], 1) @ (share / total) + W @ att
    overall = _from_influence(float(share @ att / total), influence)[0]
    return [(int(k), p[0]) for k, p in zip(kinds, parts, strict=True)], overall


def _plain_mean(r: GroupTime, cells: Array) -> tuple[Effect, Array]:
    return _from_influence(float(r.att[cells].mean()), r.influence[:, cells].mean(1))


def calendar(r: GroupTime) -> tuple[list[tuple[int, Effect]], Effect]:
    """(by calendar time, plain mean over times)."""
    kinds = np.unique(r.time[r.time >= r.group])
    parts = [_average(r, (r.time == k) & (r.time >= r.group)) for k in kinds]
    return [(int(k), p[0]) for k, p in zip(kinds, parts, strict=True)], _mean_of(parts)


def simultaneous_band(influence: Array, se: Array, *, level: float = 0.95, draws: int = 999, seed: int = 0) -> float:
    """Critical value for all event times at once: multiplier bootstrap with Rademacher weights on the influence functions."""
    n = len(influence)
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, n))
    known = se > 0
    t = np.abs(sign @ influence[:, known] / n) / se[known]
    return float(np.quantile(t.max(1), level))


# ---- comparisons that are not used for claims ----------------------------------------------------------------------


def two_way_fixed_effects(Y: Array, g: Array, t: Array) -> Effect:
    """Coefficient of 'treated' with unit and month effects, CRV1. Shown only to say why it is not used."""
    Y = np.asarray(Y, float)
    seen, d = ~np.isnan(Y), treated(g, t).astype(float)
    fit = _two_way_fit(seen)
    x = np.where(seen, d - fit.predict(np.where(seen, d, 0.0)), 0.0)
    y = np.where(seen, Y - fit.predict(np.where(seen, Y, 0.0)), 0.0)
    xx = (x**2).sum()
    if xx < 1e-9:
        return Effect(float("nan"), float("nan"))
    b = (x * y).sum() / xx
    units, cells = int(seen.any(1).sum()), int(seen.sum())
    k = 1 + int(seen.any(0).sum())  # unit effects nest in the clusters and are not counted (fixest, pyfixest)
    factor = units / (units - 1) * (cells - 1) / (cells - k)
    se = np.sqrt(((x * (y - b * x)).sum(1) ** 2).sum() * factor) / xx
    return Effect(float(b), float(se))


def naive_difference(Y: Array, g: Array, t: Array) -> Effect:
    """Treated cells minus all others, no adjustment: what one gets when nobody thinks."""
    Y, d = np.asarray(Y, float), treated(g, t)
    a, b = Y[d & ~np.isnan(Y)], Y[~d & ~np.isnan(Y)]
    if not len(a) or not len(b):
        return Effect(float("nan"), float("nan"))
    return Effect(float(a.mean() - b.mean()), float(np.sqrt(a.var() / len(a) + b.var() / len(b))))


# ---- inference without assumptions about noise ----------------------------------------------------------------------


def randomisation_p(Y: Array, g: Array, t: Array, *, stratum: Array | None = None, draws: int = 999, seed: int = 0) -> float:
    """Share of shuffles of the training dates (within stratum) whose imputation effect is at least as large; (b+1)/(R+1)."""
    g = np.asarray(g)
    observed = abs(imputation(Y, g, t, variance=False).overall.effect)
    rng = np.random.default_rng(seed)
    groups = [np.arange(len(g))] if stratum is None else [np.flatnonzero(stratum == s) for s in np.unique(stratum)]
    beyond = 0
    for _ in range(draws):
        shuffled = g.copy()
        for rows in groups:
            shuffled[rows] = g[rng.permutation(rows)]
        beyond += abs(imputation(Y, shuffled, t, variance=False).overall.effect) >= observed - 1e-12
    return (beyond + 1) / (draws + 1)


def placebo(Y: Array, g: Array, t: Array, *, earlier: int = 6) -> Effect:
    """Effect of a pretended training `earlier` steps before the real one, on data from before the real one only."""
    Y, t = np.asarray(Y, float), np.asarray(t)
    before = np.where(treated(g, t), np.nan, Y)
    position = np.searchsorted(t, g) - earlier
    fake = np.where((np.asarray(g) > 0) & (position >= 2), t[np.clip(position, 0, len(t) - 1)], 0)
    keep = (np.asarray(g) == 0) | (fake > 0)
    if not (fake > 0).any():
        return Effect(float("nan"), float("nan"))
    return imputation(before[keep], fake[keep], t).overall


def trend_break_bound(Y: Array, g: Array, t: Array, *, times: float = 1.0) -> tuple[float, float, float]:
    """(lower, upper, breakdown) if parallel trends may break, each month, by `times` the largest break seen before training.

    Relative-magnitude restriction of Rambachan & Roth (2023): the difference between the groups' trends of two neighbouring
    months after training is at most `times` the largest such difference in the six months before. After e + 1 months it has
    added up to (e + 1) times that. The bound is widened by the sampling error of the effect; the largest of several noisy
    leads is itself too large, so it is cautious. `breakdown` = the multiple at which the interval first holds 0 (0 when it
    does without any break).
    """
    overall = imputation(Y, g, t).overall
    by_event, _, _ = dynamic(att_gt(Y, g, t))
    before = [abs(e.effect) for k, e in by_event if -6 <= k < 0]
    e = _event(g, t)
    cells = treated(g, t) & ~np.isnan(np.asarray(Y, float)) & (e < 10_000)
    if not before or not cells.any() or not np.isfinite(overall.se):
        return float("nan"), float("nan"), float("nan")
    drift = max(before) * float((e[cells] + 1).mean())
    low, high = overall.interval
    certain = max(low, -high, 0.0)
    return low - times * drift, high + times * drift, certain / drift if drift > 0 else float("inf")


def minimum_detectable(se: float, *, power: float = 0.8) -> float:
    """Smallest effect found with `power` by a 5 % two-sided test of this standard error."""
    from scipy import stats

    return float((Z + stats.norm.ppf(power)) * se)


def refusal(g: Array, t: Array, Y: Array, *, trained: int = 10, control: int = 10, months_before: int = 6) -> str:
    """'' when an effect may be claimed, else why not (METRICS 12): too few trained, not-yet-trained, or months before.

    Counts only trained agencies with at least six months before their training; not-yet = untrained half-way through.
    """
    Y, g, t = np.asarray(Y, float), np.asarray(g), np.asarray(t)
    before = (~np.isnan(Y) & (t[None, :] < g[:, None])).sum(1)
    in_window = (g > t[0]) & (g <= t[-1])
    if (in_window & (before >= months_before)).sum() == 0 and in_window.any():
        return "too_few_months_before"
    if (in_window & (before >= months_before)).sum() < trained:
        return "too_few_trained"
    first = g[in_window & (before >= months_before)].min()
    if ((g == 0) | (g > first)).sum() < control:
        return "too_few_not_yet_trained"
    return ""
