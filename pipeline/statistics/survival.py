"""Waiting times with open cases: Kaplan-Meier, Greenwood intervals on the log-log scale.

The mean of answered cases drops the unanswered and always flatters; an open case counts as "not answered yet at its
present age". Times in any unit, same unit out.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.statistics.intervals import Z

Array = np.ndarray


@dataclass(frozen=True)
class Curve:
    time: Array  # distinct event times, ascending
    survival: Array  # share still waiting just after each
    se: Array  # Greenwood
    at_risk: Array
    n: int
    last: float  # longest observed time, event or not

    def at(self, t: float) -> float:
        """Share still waiting after t; NaN beyond the longest observation while somebody still waits."""
        if self.n == 0 or (t > self.last and (self.survival[-1] if len(self.survival) else 1.0) > 0):
            return float("nan")
        i = np.searchsorted(self.time, t, side="right")
        return float(self.survival[i - 1]) if i else 1.0

    def interval(self, t: float, z: float = Z) -> tuple[float, float]:
        """Log-log interval of `at(t)`; (NaN, NaN) where the curve is unknown, exact ends where it is 0 or 1 at no risk."""
        s = self.at(t)
        if np.isnan(s):
            return float("nan"), float("nan")
        if s in (0.0, 1.0):
            return _edge_interval(s, self._risk_at(t))
        i = np.searchsorted(self.time, t, side="right") - 1
        half = z * self.se[i] / (s * abs(np.log(s)))
        return float(s ** np.exp(half)), float(s ** np.exp(-half))

    def quantile(self, p: float = 0.5) -> float:
        """Time by which a share p is over; NaN when the curve never gets that far."""
        hit = np.flatnonzero(self.survival <= 1 - p + 1e-12)
        return float(self.time[hit[0]]) if len(hit) else float("nan")

    def quantile_interval(self, p: float = 0.5, z: float = Z) -> tuple[float, float]:
        """Times at which the curve's interval crosses 1 - p (Brookmeyer & Crowley); NaN upper when it never does."""
        bounds = [self.interval(t, z) for t in self.time]
        low = [t for t, (lower, _) in zip(self.time, bounds, strict=True) if lower <= 1 - p]
        high = [t for t, (_, upper) in zip(self.time, bounds, strict=True) if upper <= 1 - p]
        return float(low[0]) if low else float("nan"), float(high[0]) if high else float("nan")

    def _risk_at(self, t: float) -> int:
        i = np.searchsorted(self.time, t, side="right")
        return int(self.at_risk[i - 1]) if i else self.n


def _edge_interval(s: float, n: int) -> tuple[float, float]:
    reach = 1 - 0.025 ** (1 / max(n, 1))  # Clopper-Pearson for none or all of n
    return (0.0, reach) if s == 0.0 else (1 - reach, 1.0)


def kaplan_meier(time: Array, event: Array) -> Curve:
    """`event` false = still open (censored) at `time`. Ties: events before censorings, as usual."""
    time, event = np.asarray(time, float), np.asarray(event, bool)
    if not len(time):
        return Curve(np.array([]), np.array([]), np.array([]), np.array([], int), 0, float("nan"))
    ordered = np.sort(time)
    at, d = np.unique(time[event], return_counts=True)
    risk = len(time) - np.searchsorted(ordered, at, side="left")
    s = np.cumprod(1 - d / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(np.where(risk > d, d / (risk * (risk - d)), np.nan))
        se = np.where(s > 0, s * np.sqrt(greenwood), 0.0)
    return Curve(at, s, se, risk, len(time), float(time.max()))
