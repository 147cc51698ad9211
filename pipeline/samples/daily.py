"""Daily series of accounts, made from the same posts: what was earned on which day of the platform's clock."""

from __future__ import annotations

import numpy as np

from pipeline.samples.posts import EXPOSURE_FIELDS, Posts, World
from pipeline.samples.regency import EXPOSURE_SPEED, PLATFORMS, Account
from pipeline.samples.streams import DAY, pacific_offset, stream

LAGS = (1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 35, 60, 100)  # ends of the age bins in days; older growth is left out


def day_of(posts: Posts, zone: str) -> np.ndarray:
    offset = pacific_offset(posts.at) if zone == "pacific" else 0
    return (posts.at + offset) // DAY


def by_day(world: World, account: Account, posts: Posts, names: list[str], zone: str) -> dict[str, np.ndarray]:
    """Counts per day of the period: every post's final count spread over the days by the growth curve."""
    rng = stream(world.seed, "spread", account.account_id)
    platform, n = PLATFORMS[account.platform], len(posts)
    start = day_of(posts, zone)
    offset = pacific_offset(posts.at) if zone == "pacific" else 0
    midnight = ((start + 1) * DAY - offset - posts.at) / 3600  # hours from the post to the end of its day
    final = np.array([posts.final[k] for k in names], dtype=np.int64).reshape(len(names), n)
    speeds = np.array([EXPOSURE_SPEED if k in EXPOSURE_FIELDS else 1.0 for k in names])
    left, before = final.copy(), np.zeros(final.shape)
    out = np.zeros((len(names), world.days), np.int64)
    previous = 0
    for lag in LAGS:
        hours = midnight + (lag - 1) * 24
        now = np.where((speeds == 1.0)[:, None], platform.share_reached(hours), platform.share_reached(hours, EXPOSURE_SPEED))
        earned = rng.binomial(left, np.clip((now - before) / np.maximum(1 - before, 1e-12), 0, 1))
        left, before = left - earned, now
        day = start + previous + rng.integers(0, lag - previous, n) - world.first
        known = (day >= 0) & (day < world.days)
        for i in range(len(names)):
            out[i] += np.bincount(day[known], weights=earned[i, known], minlength=world.days).astype(np.int64)
        previous = lag
    return dict(zip(names, out, strict=True))


def posts_by_day(world: World, posts: Posts, zone: str) -> np.ndarray:
    day = day_of(posts, zone) - world.first
    return np.bincount(day[(day >= 0) & (day < world.days)], minlength=world.days)
