"""95 % intervals of shares, rates and medians of independent units: one of each, for metrics, estimates and notebooks."""

import math
from collections.abc import Sequence

from scipy import stats

Z = 1.959963984540054


def wilson(successes: float, n: float) -> tuple[float, float]:
    """95 % Wilson interval of a share of independent yes-or-no units. Not for viewers: they are not independent (METHODS 2a)."""
    if n <= 0:
        return math.nan, math.nan
    share, z2 = successes / n, Z * Z
    centre, half = share + z2 / (2 * n), Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z2 / n)), min(1.0, (centre + half) / (1 + z2 / n))


def poisson(events: float, exposure: float) -> tuple[float, float]:
    """95 % exact (Garwood) interval of a rate of rare events."""
    if exposure <= 0:
        return math.nan, math.nan
    low = stats.chi2.ppf(0.025, 2 * events) / 2 if events > 0 else 0.0
    return low / exposure, stats.chi2.ppf(0.975, 2 * events + 2) / 2 / exposure


def order_statistics(values: Sequence[float]) -> tuple[float, float]:
    """Distribution-free 95 % interval of the median; NaN below six values, where no pair of them reaches 95 %."""
    ordered, n = sorted(values), len(values)
    k = int(stats.binom.ppf(0.025, n, 0.5))
    return (ordered[k - 1], ordered[n - k]) if k >= 1 and n >= 6 else (math.nan, math.nan)
