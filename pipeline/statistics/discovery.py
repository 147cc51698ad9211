"""False discovery control (Benjamini & Hochberg 1995) for claims about many agencies at once."""

import numpy as np


def q_values(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values; NaN stays NaN and does not count as a test."""
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
