"""How an agency does against what is expected of it: from posts to a deviation on the log scale, with its noise.

ln rate of a post = account level + format + month of the platform + noise, fitted to the counts themselves (statistics/counts.py:
Poisson-lognormal, exposure as offset). The account level is compared with the level expected from its followers
(regression.expected_by_size, the whole agency left out); an account of unknown size is expected the middle of its platform, for
reach is the denominator of a rate and must not stand on both sides. What is left is the account's deviation; deviations of an
agency's accounts are combined by precision, never their rates (reach, impressions and views are different units).

Three kinds of noise are told apart and all enter the intervals: posts differ (within account and month), accounts of one
agency differ (`account_variance`), and an agency has good and bad quarters (`shock_variance`). All estimated from the data.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy import optimize, stats

from pipeline.statistics import counts
from pipeline.statistics.regression import expected_by_size
from pipeline.thresholds import DEFAULT, Thresholds

FIT_MONTHS = 13
REPORTING_MONTHS = 3  # an account that sent nothing for longer is not waited for; the window of a verdict may be another
MINIMUM_CHANGES = 5
UNKNOWN_SE = float(np.log(10) / 1.96)  # of a ln value: tenfold either way; it says nothing and teaches nothing about noise
TOP_LIST = "; top_list"  # follows the parts of engagement where only the best posts are known
PAID = "; may_include_paid"  # follows them where nobody can tell paid from unpaid reach
PRIOR_DF = counts.PRIOR_DF
LEVEL_VARIANCE = 0.1  # between accounts beyond size: what an account's own noise is weighed against in what is expected of others
LEAST_ACCOUNT_VARIANCE = 0.04  # between accounts of one agency, where too few have two to learn it from

EXPECTED_SCHEMA = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "platform": pl.Utf8,
    "basis": pl.Utf8,
    "month": pl.Date,
    "n": pl.Int64,
    "y": pl.Float64,
    "se": pl.Float64,
    "level_expected": pl.Float64,
    "expected_se": pl.Float64,
    "own_se": pl.Float64,
    "format_part": pl.Float64,
    "month_part": pl.Float64,
    "expected_ln": pl.Float64,
    "deviation": pl.Float64,
    "size_slope": pl.Float64,
    "is_size_adjusted": pl.Boolean,
    "reason": pl.Utf8,
}


def add_months(month: date, k: int) -> date:
    i = month.year * 12 + month.month - 1 + k
    return date(i // 12, i % 12 + 1, 1)


def window(last: date, months: int) -> list[date]:
    """The months of the window that ends with `last`, ascending."""
    return [add_months(last, -k) for k in range(months - 1, -1, -1)]


def last_complete_month(account_month: pl.DataFrame) -> date | None:
    """The latest month that at least half of the accounts with any data in its three months delivered completely.

    The month in which the exports stop is complete for nobody; a few early or late accounts do not move the date.
    """
    if account_month.is_empty():
        return None
    complete = (
        account_month.filter(pl.col("is_complete")).group_by("month").agg(pl.col("account_id").n_unique().alias("complete"))
    )
    seen = account_month.filter(pl.col("covered_days") > 0).select("month", "account_id").unique()
    month: date
    for month, n in complete.sort("month", descending=True).iter_rows():
        recent = seen.filter(pl.col("month").is_in(window(month, REPORTING_MONTHS)))["account_id"].n_unique()
        if n >= 0.5 * recent:
            return month
    return None


def comparable_posts(post_facts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """Owned posts old enough to be compared that somebody could see: what levels are computed from. `basis` says what their
    engagement is made of, whether they come from a top list, and whether paid reach may be in it.

    An account has one basis, that of most of its posts of the last 13 months; the others are left out. A rate with saves beside
    rates without, or of the most watched videos beside rates of all, would be a better or worse account and is neither.
    """
    known = pl.col("is_comparable") & pl.col("agency_id").is_not_null() & (pl.col("engagement") >= 0)
    posts = post_facts.filter(known & (pl.col("exposure") >= t.minimum_exposure))
    posts = posts.with_columns(pl.col("format").fill_null("other"), basis=_basis(post_facts))
    if posts.select("platform", "basis").n_unique() == posts["platform"].n_unique():
        return posts
    recent = posts.filter(pl.col("month").dt.offset_by(f"{FIT_MONTHS}mo") > pl.col("month").max().over("account_id"))
    many = recent.group_by("account_id", "basis").len().sort("account_id", "len", "basis", descending=[False, True, False])
    return posts.join(many.unique("account_id", keep="first", maintain_order=True), on=["account_id", "basis"], how="semi")


def _basis(post_facts: pl.DataFrame) -> pl.Expr:
    parts = pl.col("engagement_parts").fill_null("") if "engagement_parts" in post_facts.columns else pl.lit("")
    for column, mark in (("is_top_list", TOP_LIST), ("is_paid_unknown", PAID)):
        if column in post_facts.columns:
            parts = parts + pl.when(pl.col(column).fill_null(False)).then(pl.lit(mark)).otherwise(pl.lit(""))
    return parts


EFFECTS = ("ln_rate", "information", "format_part", "month_part", "level_part", "account_level", "spread")


def post_effects(posts: pl.DataFrame, centre: pl.DataFrame | None = None) -> pl.DataFrame:
    """`posts` with ln_rate (working value of the count model) and its `information`, format_part, month_part (platform effects,
    ln), level_part = ln_rate without them, account_level and spread (sd of posts) of its account.

    `centre`: account_id, level_expected, where levels that the counts hardly know are linearised; else the platform's middle.
    """
    parts = [_platform_effects(p, centre) for p in posts.partition_by("platform", maintain_order=True)]
    if not parts:
        return posts.with_columns(*(pl.lit(None, pl.Float64).alias(c) for c in EFFECTS))
    return pl.concat(parts)


def _platform_effects(posts: pl.DataFrame, centre: pl.DataFrame | None) -> pl.DataFrame:
    code = {k: posts[k].rank("dense").to_numpy().astype(int) - 1 for k in ("account_id", "month", "format")}
    offset = posts["exposure"].cast(pl.Float64).log().to_numpy()
    extra: Any = 0.0
    if "age_ln" in posts.columns:  # a young post's reactions and viewers have not grown alike yet
        offset = offset + posts["age_ln"].fill_null(0.0).to_numpy()
        extra = posts["age_ln_sd"].fill_null(0.0).to_numpy() ** 2
    around = None
    if centre is not None:
        ids = (
            posts.select("account_id")
            .unique()
            .sort("account_id")
            .join(centre, on="account_id", how="left", maintain_order="left")
        )
        around = ids["level_expected"].to_numpy()
        around = None if np.isnan(around).all() else np.where(np.isnan(around), np.nanmedian(around), around)
    found = counts.fit(
        posts["engagement"].to_numpy(), offset, code["account_id"], code["month"], [code["format"], code["month"]],
        centre=around, extra_variance=extra,
    )  # fmt: skip
    form, month = found.effects.T
    own = code["account_id"]
    values = (found.z, found.information, form, month, found.z - form - month, found.level[own], found.spread[own])
    return posts.with_columns(pl.Series(name, value) for name, value in zip(EFFECTS, values, strict=True))


def weighted(column: str | pl.Expr, weight: str = "information") -> pl.Expr:
    """Mean of `column` weighted by `weight`: every post counts by what its counts say about a rate."""
    value = pl.col(column) if isinstance(column, str) else column
    return (value * pl.col(weight)).sum() / pl.col(weight).sum()


def account_month_expected(post_facts: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per account, agency and month with comparable posts: ln rate, what was expected, and the deviation.

    `se` is of y: posts differ, and their counts are noisy on top of it. `deviation` = y - expected_ln.
    """
    posts = comparable_posts(post_facts, t)
    if posts.is_empty():
        return pl.DataFrame(schema=EXPECTED_SCHEMA)
    posts = posts.with_columns(own_se=_own_reactions(t))
    last: Any = posts["month"].max()
    is_recent = pl.col("month") > add_months(last, -FIT_MONTHS)
    sizes = _sizes(account_month)
    around = _expected_levels(post_effects(posts).filter(is_recent), sizes).select("account_id", "level_expected")
    posts = post_effects(posts, around)
    expected = _expected_levels(posts.filter(is_recent), sizes)
    cell = ["account_id", "agency_id", "platform", "month"]
    months = posts.group_by(cell).agg(
        pl.col("basis").first(),
        pl.len().cast(pl.Int64).alias("n"),
        weighted("ln_rate").alias("y"),
        weighted("format_part").alias("format_part"),
        weighted("month_part").alias("month_part"),
        (1 / pl.col("information").sum().sqrt()).alias("se"),
        weighted("own_se").alias("own_se"),
    )
    out = months.join(expected, on=["account_id", "platform"], how="left").with_columns(
        expected_ln=pl.col("level_expected") + pl.col("format_part") + pl.col("month_part"),
    )
    out = out.with_columns(deviation=pl.col("y") - pl.col("expected_ln"))
    return out.select(pl.col(c).cast(t) for c, t in EXPECTED_SCHEMA.items()).sort(cell)


def _sizes(account_month: pl.DataFrame) -> pl.DataFrame:
    """account_id, ln_size: followers, null where nobody noted them. Never reach or views: rates are divided by those."""
    followers = account_month.group_by("account_id").agg(pl.col("followers_end").median().alias("followers"))
    return followers.select("account_id", ln_size=pl.when(pl.col("followers") > 0).then(pl.col("followers")).log())


def _own_reactions(t: Thresholds) -> pl.Expr:
    """By how much (ln) the reactions of an account's own people may move the rate of a post, from how many its platform lets
    expect: hardly where these are several, by any factor where they are a small part of one. It is the same on every post of an
    account and no number of posts makes it smaller: the like of whoever posts is a third of three viewers, not of citizens."""
    series = ["platform", "basis"]
    reactions = pl.max_horizontal(pl.col("engagement").sum().over(series), 0.5)  # a platform on which nobody reacts at all
    expected = pl.col("exposure") * reactions / pl.col("exposure").sum().over(series)
    return pl.min_horizontal((t.own_reactions / expected).pow(2).log1p(), 4.0)


def _expected_levels(posts: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Per account what its size lets expect, from accounts of its platform whose rates have the same basis."""
    series = ["platform", "basis", "account_id"]
    levels = posts.group_by(series).agg(
        weighted("level_part").alias("level"),
        pl.col("information").sum(),
        weighted("own_se").alias("own_se"),
        pl.col("agency_id").sort_by("month", "agency_id").last(),
    )
    levels = levels.join(sizes, on="account_id", how="left").sort(series)
    parts = []
    for p in levels.partition_by("platform", "basis", maintain_order=True):
        noise = 1 / p["information"].to_numpy() + p["own_se"].to_numpy() ** 2
        size = p["ln_size"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        weight = LEVEL_VARIANCE / (LEVEL_VARIANCE + noise)
        found = expected_by_size(p["level"].to_numpy(), size, agency=p["agency_id"].to_numpy(), case_weight=weight)
        parts.append(
            p.select("platform", "account_id").with_columns(
                level_expected=pl.Series(found.value).fill_nan(None),
                expected_se=pl.Series(found.se).fill_nan(None),
                size_slope=pl.lit(found.slope).fill_nan(None),
                is_size_adjusted=pl.lit(found.adjusted),
                reason=pl.lit(found.reason),
            )
        )
    return pl.concat(parts)


# ---- from account months to agency windows --------------------------------------------------------------------------


def account_windows(expected: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """account_id, agency_id, platform, deviation, se (of posts and own reactions), expected_se, n over the given months."""
    rows = expected.filter(pl.col("month").is_in(months) & pl.col("deviation").is_not_null() & (pl.col("se") > 0))
    rows = rows.with_columns(information=1 / pl.col("se") ** 2)
    return (
        rows.group_by("account_id", "agency_id", "platform")
        .agg(
            weighted("deviation").alias("deviation"),
            (1 / pl.col("information").sum() + weighted(pl.col("own_se").fill_null(0.0)) ** 2).sqrt().alias("se"),
            pl.col("n").sum(),
            pl.col("expected_se").mean(),
        )
        .sort("agency_id", "account_id")
    )


@dataclass(frozen=True)
class Noise:
    """Variances on the ln scale. `shock` = of an agency's quarter around its level, `change` = of the difference between two
    neighbouring quarters (less than twice `shock`: good months last); `df` behind it."""

    account: float
    shock: float
    df: int
    change: float = 0.0


def account_variance(windows: list[pl.DataFrame]) -> float:
    """Variance between accounts of one agency beyond post noise, from agencies with at least two accounts.

    Squares are capped at CAP^2 of their own noise: one account that nobody looks at must not make all others doubtful.
    """
    deviations, variances, groups = [], [], []
    for i, w in enumerate(windows):
        rows = w.filter(pl.col("se") < UNKNOWN_SE).filter(pl.len().over("agency_id") > 1)
        deviations.append(rows["deviation"].to_numpy())
        variances.append(rows["se"].to_numpy() ** 2)
        groups.append(np.array([f"{i}/{a}" for a in rows["agency_id"]], dtype=object))
    y, v, g = np.concatenate(deviations), np.concatenate(variances), np.concatenate(groups)
    if not len(y):
        return 0.0
    _, code = np.unique(g.astype(str), return_inverse=True)

    def excess(t: float) -> float:
        w = 1 / (v + t)
        whole = np.bincount(code, w)
        free = np.maximum(1 - w / whole[code], 1e-9)  # what an account's own weight leaves of its distance to the centre
        squares = w * (y - (np.bincount(code, w * y) / whole)[code]) ** 2 / free
        return float((free * np.minimum(squares, CAP**2)).sum() - CAPPED * free.sum())

    return _root(excess, max(float(np.var(y)), 1e-6))


CAP = 2.0
CAPPED = float(stats.chi2.cdf(CAP**2, 3) + CAP**2 * stats.chi2.sf(CAP**2, 1))  # E min(Z^2, CAP^2)


def _root(excess: Callable[[float], float], high: float) -> float:
    """Where a falling function of a variance crosses 0; 0 where it is below from the start."""
    if excess(0.0) <= 0:
        return 0.0
    while excess(high) > 0 and high < 1e6:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high)) if excess(high) <= 0 else high


def robust_excess(d: np.ndarray, v: np.ndarray) -> float:
    """Variance beyond `v` of centred values `d`, with squares capped so that real changes do not inflate it."""
    if len(d) < 5:
        return 0.0

    def excess(t: float) -> float:
        return float(np.minimum(d**2 / (v + t), CAP**2).mean() - CAPPED)

    return _root(excess, max(float(np.var(d)), 1e-6))


def agency_changes(now: pl.DataFrame, before: pl.DataFrame, shock: float = 0.0) -> pl.DataFrame:
    """agency_id, change, variance (post noise only), n: precision-weighted change over accounts in both windows."""
    both = now.join(before, on=["account_id", "agency_id", "platform"], suffix="_before")
    both = both.with_columns(d=pl.col("deviation") - pl.col("deviation_before"), v=pl.col("se") ** 2 + pl.col("se_before") ** 2)
    w = 1 / (pl.col("v") + shock)
    return (
        both.group_by("agency_id")
        .agg(
            ((w * pl.col("d")).sum() / w.sum()).alias("change"),
            ((w**2 * pl.col("v")).sum() / w.sum() ** 2).alias("variance"),
            pl.min_horizontal(pl.col("n"), pl.col("n_before")).sum().alias("n"),
        )
        .sort("agency_id")
    )


def noise(history: list[pl.DataFrame]) -> Noise:
    """Variance components from past windows, newest first; few-post accounts should be filtered out before.

    A good month is followed by good months, so two neighbouring quarters differ by less than two quarters taken at random:
    the spread of a quarter around the agency's level is learned from windows two apart, that of a change from neighbours.
    """
    change, df = _spread_of_changes(pairwise(history))
    apart, apart_df = _spread_of_changes(zip(history, history[2:], strict=False))
    return Noise(account_variance(history), max(apart, change) / 2 if apart_df else change / 2, df, change)


def _spread_of_changes(pairs: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> tuple[float, int]:
    """(variance of an agency's change beyond post noise, changes behind it); a regency-wide movement is taken off first."""
    changes = [agency_changes(a, b, 0.02).filter(pl.col("variance") < UNKNOWN_SE**2) for a, b in pairs]
    changes = [p for p in changes if len(p) >= MINIMUM_CHANGES]
    if not changes:
        return 0.0, 0
    d = np.concatenate([p["change"].to_numpy() - np.median(p["change"].to_numpy()) for p in changes])
    v = np.concatenate([p["variance"].to_numpy() for p in changes])
    return robust_excess(d, v), len(d)


def agency_levels(accounts: pl.DataFrame, noise: Noise) -> pl.DataFrame:
    """agency_id, y, s, n_posts, n_accounts: unshrunk deviation of each agency with the se of all kinds of noise.

    What is expected of an account is an estimate too; its error is shared by accounts of a platform, so it is added last.
    """
    w = 1 / (pl.col("se") ** 2 + noise.account)
    fitted = (w**2 * pl.col("expected_se").fill_null(0.0) ** 2).sum() / w.sum() ** 2
    return (
        accounts.group_by("agency_id")
        .agg(
            ((w * pl.col("deviation")).sum() / w.sum()).alias("y"),
            (1 / w.sum() + noise.shock + fitted).sqrt().alias("s"),
            pl.col("n").sum().cast(pl.Int64).alias("n_posts"),
            pl.col("account_id").n_unique().cast(pl.Int64).alias("n_accounts"),
        )
        .sort("agency_id")
    )
