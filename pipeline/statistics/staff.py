"""Whose response is it? Whether an account's likes grew in a way that citizens do not produce: `estimates.staff_likes`.

Where staff are told to like every post, two things move that a better account does not move. The same number of likes comes on
every post, so the worst posts are no longer far below the usual one (the floor). And likes grow while what staff do not
make, saves and clicks on links, does not (the mix). Both are compared with the account's own past quarters and with what happened
to the other accounts of its platform. It says nothing about persons and nothing about intent: a circular is a public paper.

Floor: ln of the 10th percentile over the median of likes + 1/2, its error from a bootstrap of posts. Mix: ln of the sum of likes
over the sum of saves and clicks, its error from a jackknife of posts (a post's luck is in both sums). Calibrated by simulation:
benchmarks/truth.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.platforms import platforms
from pipeline.statistics import comparison as c
from pipeline.statistics import windows
from pipeline.statistics.intervals import Z
from pipeline.thresholds import DEFAULT, Thresholds

Array = np.ndarray
MINIMUM_POSTS = 8  # in a quarter: below it the 10th percentile is the least post
MINIMUM_OTHERS = 10  # saves and clicks of a quarter: below it the mix says nothing
MINIMUM_LIKES = 20  # median from which a floor is no play of small numbers
PAST_WINDOWS, DRAWS = 4, 200
LEAST_SE = 0.02  # equal numbers in every post are no certainty
FLOOR_Z, MIX_Z, BOTH_Z = 1.6, 1.8, 0.7  # either sign alone, or both at BOTH_Z
STAFF_FREE = ("saves", "bookmarks", "link_clicks")

SCHEMA = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "platform": pl.Utf8,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "n_posts": pl.Int64,
    "likes_median": pl.Float64,
    "floor_ratio": pl.Float64,
    "floor_ratio_before": pl.Float64,
    "likes_per_other": pl.Float64,
    "likes_per_other_before": pl.Float64,
    "floor_z": pl.Float64,
    "mix_z": pl.Float64,
    "circulars": pl.Utf8,
    "is_lit": pl.Boolean,
}


@dataclass(frozen=True)
class Quarter:
    """The likes of one account in one quarter: `floor` and `mix` on the ln scale with standard errors (nan: unknown)."""

    n: int
    median: float
    floor: float
    floor_se: float
    mix: float
    mix_se: float


def quarter(likes: Array, others: Array | None, rng: np.random.Generator) -> Quarter:
    """`others`: saves and clicks per post, None where the platform reports neither."""
    likes = np.asarray(likes, float)
    n = len(likes)
    if n < MINIMUM_POSTS:
        return Quarter(n, float(np.median(likes)) if n else np.nan, np.nan, np.nan, np.nan, np.nan)
    logs = np.log(likes + 0.5)
    low, middle = np.quantile(logs, [0.1, 0.5])
    drawn = np.quantile(logs[rng.integers(0, n, (DRAWS, n))], [0.1, 0.5], axis=1)
    mix = mix_se = np.nan
    if others is not None and np.nansum(others) >= MINIMUM_OTHERS and likes.sum() > 0:
        other = np.nan_to_num(np.asarray(others, float))
        mix = float(np.log(likes.sum() + 0.5) - np.log(other.sum() + 0.5))
        left = np.log(likes.sum() + 0.5 - likes) - np.log(other.sum() + 0.5 - other)
        mix_se = float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum() + LEAST_SE**2))
    return Quarter(n, float(np.median(likes)), float(low - middle), float(np.std(drawn[0] - drawn[1]) + 0.05), mix, mix_se)


def shift(now: Quarter, past: list[Quarter]) -> tuple[float, float]:
    """(floor, mix): by how many standard errors each rose against the account's own past quarters; nan where it is unknown."""
    found = []
    for value, error in (("floor", "floor_se"), ("mix", "mix_se")):
        known = [(getattr(q, value), getattr(q, error)) for q in past if np.isfinite(getattr(q, value))]
        if not known or not np.isfinite(getattr(now, value)):
            found.append(float("nan"))
            continue
        before, se = np.array(known).T
        centre = float(np.average(before, weights=1 / se**2))
        own = float(np.var(before, ddof=1)) if len(before) > 2 else 0.0  # a mix that always wanders proves nothing
        noise = getattr(now, error) ** 2 + 1 / (1 / se**2).sum() + own + MIX_WANDER**2 * (value == "mix")
        found.append(float((getattr(now, value) - centre) / np.sqrt(noise)))
    return found[0], found[1]


MIX_WANDER = (
    0.08  # sd of ln(likes per save and click) between quarters, for kinds of content change: three more of a hundred are not news
)


def is_lit(now: Quarter, floor_z: float, mix_z: float, t: Thresholds = DEFAULT) -> bool:
    """Either sign strongly, both moderately, or a floor that no account has by itself."""
    many = now.median >= MINIMUM_LIKES  # with two likes a post, a floor is a play of small numbers
    floor, mix = np.nan_to_num(floor_z, nan=0.0) if many else 0.0, np.nan_to_num(mix_z, nan=0.0)
    high = many and np.exp(now.floor) >= t.staff_floor_ratio
    return bool(floor > FLOOR_Z or mix > MIX_Z or (floor > BOTH_Z and mix > BOTH_Z) or high)


def staff_likes(
    posts: pl.DataFrame,
    account_month: pl.DataFrame,
    circulars: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per account of the window with likes: floor and mix now and before, and whether the guard lights.

    `circulars` names those in force in the window whose scope holds the agency: a reason to look, never a proof.
    """
    last = c.last_complete_month(account_month)
    if last is None or posts.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    liked = _liked(posts)
    size = t.window_months
    frames = [liked.filter(pl.col("month").is_in(c.window(c.add_months(last, -size * k), size))) for k in range(PAST_WINDOWS + 1)]
    quarters = [_quarters(frame) for frame in frames]
    rows = []
    for (account, agency, platform), now in quarters[0].items():
        past = [q[account, agency, platform] for q in quarters[1:] if (account, agency, platform) in q]
        floor_z, mix_z = shift(now, past)
        before = past[0] if past else Quarter(0, *[float("nan")] * 5)
        rows.append((account, agency, platform, now, before, floor_z, mix_z))
    common = {p: _common([r for r in rows if r[2] == p]) for p in {r[2] for r in rows}}
    first, end = c.window(last, size)[0], c.add_months(last, 1)
    papers = _papers(circulars, agencies, first, end)
    out = []
    for account, agency, platform, now, before, floor_z, mix_z in rows:
        floor_z, mix_z = floor_z - common[platform][0], mix_z - common[platform][1]
        values = (now.n, now.median, np.exp(now.floor), np.exp(before.floor), np.exp(now.mix), np.exp(before.mix), floor_z, mix_z)
        said = [None if not np.isfinite(v) else v for v in values]
        out.append((account, agency, platform, first, end, *said, papers.get(agency), is_lit(now, floor_z, mix_z, t)))
    table = pl.DataFrame(out, schema=SCHEMA, orient="row")
    return table.with_columns(pl.col("period_end").dt.offset_by("-1d")).sort("agency_id", "account_id")


def _liked(posts: pl.DataFrame) -> pl.DataFrame:
    """account, agency, platform, month, like, others (null where no file has them) of counted posts."""
    like = pl.lit(None, pl.Int64)
    for name, platform in platforms().items():
        if platform.like in posts.columns:
            like = pl.when(pl.col("platform") == name).then(pl.col(platform.like)).otherwise(like)
    parts = [pl.col(k) for k in STAFF_FREE if k in posts.columns]
    known = pl.any_horizontal(*(p.is_not_null() for p in parts)) if parts else pl.lit(False)
    others = pl.when(known).then(pl.sum_horizontal(*(p.fill_null(0) for p in parts)) if parts else pl.lit(0))
    counted = pl.col("is_counted") if "is_counted" in posts.columns else pl.lit(True)
    rows = posts.filter(counted & pl.col("agency_id").is_not_null())
    rows = rows.with_columns(like=like, others=others).filter(pl.col("like").is_not_null())
    return rows.select("account_id", "agency_id", "platform", "month", "like", "others").sort(
        "account_id", "month", "like", "others"
    )


def _quarters(rows: pl.DataFrame) -> dict[tuple[str, str, str], Quarter]:
    found = {}
    for (account, agency, platform), g in rows.group_by("account_id", "agency_id", "platform", maintain_order=True):
        others = None if g["others"].null_count() == len(g) else g["others"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        found[str(account), str(agency), str(platform)] = quarter(g["like"].to_numpy(), others, np.random.default_rng(len(g)))
    return found


def _common(rows: list[tuple[Any, ...]]) -> tuple[float, float]:
    """What moved every account of a platform alike is the platform's doing: the median shift, with at least eight accounts."""
    moved = np.array([(r[5], r[6]) for r in rows], float)
    out = []
    for column in moved.T:
        known = column[np.isfinite(column)]
        out.append(float(np.median(known)) if len(known) >= 8 else 0.0)
    return out[0], out[1]


def _papers(circulars: pl.DataFrame, agencies: pl.DataFrame, first: date, end: date) -> dict[str, str]:
    """agency_id -> ids of the circulars in force in the window whose scope holds it."""
    found: dict[str, list[str]] = {}
    valid = circulars.filter((pl.col("issued_on") < end) & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= first)))
    for key, scope in valid.sort("circular_id").select("circular_id", "scope").iter_rows():
        for agency, group in agencies.select("agency_id", "peer_group").iter_rows():
            if scope in ("semua", agency, group):
                found.setdefault(agency, []).append(key)
    return {agency: ", ".join(keys) for agency, keys in found.items()}


WITHOUT_SCHEMA = {"agency_id": pl.Utf8} | dict.fromkeys(
    ("change_without_likes", "change_without_likes_lower", "change_without_likes_upper"), pl.Float64
)


def change_without_likes(
    post_facts: pl.DataFrame, posts: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per agency: its change against the three months before, with likes left out of engagement (factor, 95 % interval).

    The same method on comments, shares and saves: what an order to like cannot move.
    """
    like = pl.lit(None, pl.Int64)
    for name, platform in platforms().items():
        if platform.like in posts.columns:
            like = pl.when(pl.col("platform") == name).then(pl.col(platform.like)).otherwise(like)
    rest = post_facts.join(posts.select("post_key", like=like), on="post_key", how="left")
    rest = rest.with_columns(engagement=pl.col("engagement") - pl.col("like")).drop("like")
    expected = c.account_month_expected(rest.filter(pl.col("engagement").is_not_null()), account_month, t)
    e = windows.evidence(expected, account_month, t)
    found = windows.change_estimates(e.history[0], e.history[1], e.noise)
    z = Z * pl.col("se")
    values = {"": pl.col("d"), "_lower": pl.col("d") - z, "_upper": pl.col("d") + z}
    columns = [value.exp().alias(f"change_without_likes{name}") for name, value in values.items()]
    return found.select("agency_id", *columns).select(pl.col(k).cast(v) for k, v in WITHOUT_SCHEMA.items()).sort("agency_id")
