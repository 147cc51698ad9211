"""95 % intervals of shares, rates and medians of independent units: one of each, for metrics, estimates and notebooks.

SciPy's functions are imported where they are called (and never `scipy.stats`, which computes the same): a letter or a page that
needs none of them does not wait for it."""

import math
from collections.abc import Sequence

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
    from scipy import special

    low = float(special.gammaincinv(events, 0.025)) if events > 0 else 0.0
    return low / exposure, float(special.gammaincinv(events + 1, 0.975)) / exposure


def order_statistics(values: Sequence[float]) -> tuple[float, float]:
    """Distribution-free 95 % interval of the median; NaN below six values, where no pair of them reaches 95 %."""
    ordered, n = sorted(values), len(values)
    k = _lower_rank(n)
    return (ordered[k - 1], ordered[n - k]) if k >= 1 and n >= 6 else (math.nan, math.nan)


def _lower_rank(n: int) -> int:
    """The smallest k with at least 2.5 % of the binomial (n, 1/2) at or below it."""
    from scipy import special

    k = max(0, math.ceil(special.bdtrik(0.025, n, 0.5))) if n else 0
    return k - 1 if k and special.bdtr(k - 1, n, 0.5) >= 0.025 else k


def student(df: float) -> float:
    """The 97.5 % point of Student's t."""
    from scipy import special

    return float(special.stdtrit(df, 0.975))
