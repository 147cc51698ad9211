"""How an agency does against what is expected of it: from posts to a deviation on the log scale, with its noise.

ln rate of a post = account level + format + month of the platform + noise. The account level is compared with the level
expected from size (regression.expected_by_size, the account left out). What is left is the account's deviation; deviations
of an agency's accounts are combined by precision, never their rates (reach, impressions and views are different units).

Three kinds of noise are told apart and all enter the intervals: posts differ (within account and month), accounts of one
agency differ (`account_variance`), and an agency has good and bad quarters (`shock_variance`). All estimated from the data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy import optimize, stats

from pipeline.statistics.regression import expected_by_size

MINIMUM_POSTS, MINIMUM_COVERAGE, MINIMUM_GROUP = 5, 0.9, 8
WINDOW_MONTHS, FIT_MONTHS = 3, 13
MINIMUM_CHANGES = 5
LEAST_SENSITIVITY = 0.4  # below it the counts are mostly 0 and a correction would only blow up noise
TOP_LIST = "; top_list"  # follows the parts of engagement where only the best posts are known
PRIOR_DF = 20.0  # weight, in posts, of the platform's spread of posts when an account's own spread is estimated

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
    "format_part": pl.Float64,
    "month_part": pl.Float64,
    "expected_ln": pl.Float64,
    "sensitivity": pl.Float64,
    "deviation": pl.Float64,
    "size_slope": pl.Float64,
    "is_size_adjusted": pl.Boolean,
    "reason": pl.Utf8,
}


def add_months(month: date, k: int) -> date:
    i = month.year * 12 + month.month - 1 + k
    return date(i // 12, i % 12 + 1, 1)


def window(last: date, months: int = WINDOW_MONTHS) -> list[date]:
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
    for month, n in complete.sort("month", descending=True).iter_rows():
        recent = seen.filter(pl.col("month").is_in(window(month)))["account_id"].n_unique()
        if n >= 0.5 * recent:
            return month
    return None


def comparable_posts(post_facts: pl.DataFrame) -> pl.DataFrame:
    """Mature owned posts with a rate: what levels are computed from. `basis` says what their engagement is made of and whether
    they come from a top list.

    An account has one basis, that of most of its posts of the last 13 months; the others are left out. A rate with saves beside
    rates without, or of the most watched videos beside rates of all, would be a better or worse account and is neither.
    """
    known = pl.col("is_comparable") & pl.col("ln_rate").is_finite() & pl.col("agency_id").is_not_null()
    posts = post_facts.filter(known).with_columns(pl.col("format").fill_null("other"), basis=_basis(post_facts))
    if posts.select("platform", "basis").n_unique() == posts["platform"].n_unique():
        return posts
    recent = posts.filter(pl.col("month").dt.offset_by(f"{FIT_MONTHS}mo") > pl.col("month").max().over("account_id"))
    counts = recent.group_by("account_id", "basis").len().sort("account_id", "len", "basis", descending=[False, True, False])
    return posts.join(counts.unique("account_id", keep="first", maintain_order=True), on=["account_id", "basis"], how="semi")


def _basis(post_facts: pl.DataFrame) -> pl.Expr:
    parts = pl.col("engagement_parts").fill_null("") if "engagement_parts" in post_facts.columns else pl.lit("")
    listed = pl.col("is_top_list").fill_null(False) if "is_top_list" in post_facts.columns else pl.lit(False)
    return parts + pl.when(listed).then(pl.lit(TOP_LIST)).otherwise(pl.lit(""))


def post_effects(posts: pl.DataFrame) -> pl.DataFrame:
    """`posts` with format_part, month_part (platform effects, ln) and level_part = ln_rate without them."""
    parts = [_platform_effects(p) for p in posts.partition_by("platform", maintain_order=True)]
    if not parts:
        return posts.with_columns(*(pl.lit(None, pl.Float64).alias(c) for c in ("format_part", "month_part", "level_part")))
    return pl.concat(parts)


def _platform_effects(posts: pl.DataFrame) -> pl.DataFrame:
    account = posts["account_id"].rank("dense").to_numpy().astype(int) - 1
    y = posts["ln_rate"].to_numpy()
    blocks, labels = [], []
    for column in ("format", "month"):
        code = posts[column].rank("dense").to_numpy().astype(int) - 1
        reference = int(np.bincount(code).argmax())
        for k in range(code.max() + 1):
            if k != reference:
                blocks.append(code == k)
                labels.append(column)
    if not blocks:
        return posts.with_columns(format_part=pl.lit(0.0), month_part=pl.lit(0.0), level_part=pl.col("ln_rate"))
    x = np.column_stack(blocks).astype(float)
    size = np.bincount(account).astype(float)

    def within(v: np.ndarray) -> np.ndarray:
        return v - (np.bincount(account, v) / size)[account]

    xw = np.column_stack([within(c) for c in x.T])
    b = np.linalg.lstsq(xw.T @ xw + 1e-6 * np.eye(x.shape[1]), xw.T @ within(y), rcond=None)[0]
    is_format = np.array([c == "format" for c in labels])
    form, month = x[:, is_format] @ b[is_format], x[:, ~is_format] @ b[~is_format]
    form, month = form - form.mean(), month - month.mean()
    return posts.with_columns(format_part=pl.Series(form), month_part=pl.Series(month), level_part=pl.Series(y - form - month))


def post_spread(posts: pl.DataFrame) -> pl.DataFrame:
    """account_id, spread: sd of ln rates within account and month, the account's own pulled to the platform's."""
    cell = ["account_id", "month"]
    squares = posts.with_columns(e2=(pl.col("level_part") - pl.col("level_part").mean().over(cell)) ** 2)
    by_cell = squares.group_by("platform", *cell).agg(pl.col("e2").sum(), (pl.len() - 1).alias("df"))
    by_account = by_cell.group_by("platform", "account_id").agg(pl.col("e2").sum(), pl.col("df").sum())
    pooled = pl.col("e2").sum().over("platform") / pl.max_horizontal(pl.col("df").sum().over("platform"), 1)
    variance = (PRIOR_DF * pooled + pl.col("e2")) / (PRIOR_DF + pl.col("df"))
    return by_account.select("account_id", spread=variance.sqrt())


def post_sensitivity(posts: pl.DataFrame) -> pl.DataFrame:
    """account_id, sensitivity: by how much ln(E + 0.5) moves when the ln of the expected engagement moves by one, 0.4 to 1.1.

    A post that is expected to get one or two reactions mostly has 0, and doubling its rate does not double E + 0.5. For a
    Poisson count d/d ln(mu) E f(C) = E[C (f(C) - f(C - 1))] exactly, so the mean of C ln((C + .5)/(C - .5)) needs no model
    of the posts.
    """
    e = pl.col("engagement").cast(pl.Float64)
    term = pl.when(e > 0).then(e * ((e + 0.5) / (e - 0.5)).log()).otherwise(0.0)
    return posts.group_by("account_id").agg(term.mean().clip(LEAST_SENSITIVITY).alias("sensitivity"))


def account_month_expected(post_facts: pl.DataFrame, account_month: pl.DataFrame) -> pl.DataFrame:
    """One row per account, agency and month with mature posts: mean ln rate, what was expected, and the deviation.

    `se` is of y; `deviation` = (y - expected_ln) / sensitivity, so that small counts do not pull towards the expectation.
    """
    posts = comparable_posts(post_facts)
    if posts.is_empty():
        return pl.DataFrame(schema=EXPECTED_SCHEMA)
    posts = post_effects(posts)
    last: Any = posts["month"].max()
    recent = posts.filter(pl.col("month") > add_months(last, -FIT_MONTHS))
    expected = _expected_levels(recent, _sizes(recent, account_month))
    cell = ["account_id", "agency_id", "platform", "month"]
    months = posts.group_by(cell).agg(
        pl.col("basis").first(),
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("ln_rate").mean().alias("y"),
        pl.col("format_part").mean(),
        pl.col("month_part").mean(),
    )
    out = months.join(post_spread(posts), on="account_id").join(expected, on=["account_id", "platform"], how="left")
    out = out.join(post_sensitivity(posts), on="account_id")
    out = out.with_columns(
        se=pl.col("spread") / pl.col("n").sqrt(),
        expected_ln=pl.col("level_expected") + pl.col("format_part") + pl.col("month_part"),
    ).with_columns(deviation=(pl.col("y") - pl.col("expected_ln")) / pl.col("sensitivity"))
    return out.select(pl.col(c).cast(t) for c, t in EXPECTED_SCHEMA.items()).sort(cell)


def _sizes(posts: pl.DataFrame, account_month: pl.DataFrame) -> pl.DataFrame:
    """account_id, ln_size: followers where a platform knows them for most accounts, else median exposure of its posts."""
    followers = account_month.group_by("account_id").agg(pl.col("followers_end").median().alias("followers"))
    sizes = (
        posts.group_by("platform", "account_id")
        .agg(pl.col("exposure").median().alias("reach"))
        .join(followers, on="account_id", how="left")
    )
    sizes = sizes.with_columns(known=(pl.col("followers") > 0).fill_null(False).mean().over("platform"))
    size = pl.when(pl.col("known") >= 0.8).then(pl.col("followers")).otherwise(pl.col("reach"))
    return sizes.select("account_id", ln_size=pl.when(size > 0).then(size).log())


def _expected_levels(posts: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Per account what its size lets expect, from accounts of its platform whose rates have the same basis."""
    series = ["platform", "basis", "account_id"]
    levels = posts.group_by(series).agg(
        pl.col("level_part").mean().alias("level"),
        pl.len().alias("n"),
        pl.col("agency_id").sort_by("month", "agency_id").last(),
    )
    levels = levels.join(sizes, on="account_id", how="left").sort(series)
    parts = []
    for p in levels.partition_by("platform", "basis", maintain_order=True):
        n = p["n"].to_numpy().astype(float)
        size = p["ln_size"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        found = expected_by_size(p["level"].to_numpy(), size, agency=p["agency_id"].to_numpy(), case_weight=n / (n + 10))
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
    """account_id, agency_id, platform, deviation, se (of posts), expected_se, n over the given months (post-weighted)."""
    rows = expected.filter(pl.col("month").is_in(months) & pl.col("deviation").is_not_null())
    n = pl.col("n").sum()
    return (
        rows.group_by("account_id", "agency_id", "platform")
        .agg(
            ((pl.col("deviation") * pl.col("n")).sum() / n).alias("deviation"),
            (((pl.col("se") / pl.col("sensitivity")) ** 2 * pl.col("n") ** 2).sum().sqrt() / n).alias("se"),
            n.alias("n"),
            (pl.col("expected_se") / pl.col("sensitivity")).mean(),
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
    """Variance between accounts of one agency beyond post noise, from agencies with at least two accounts."""
    deviations, variances, groups = [], [], []
    for i, w in enumerate(windows):
        rows = w.filter(pl.len().over("agency_id") > 1)
        deviations.append(rows["deviation"].to_numpy())
        variances.append(rows["se"].to_numpy() ** 2)
        groups.append(np.array([f"{i}/{a}" for a in rows["agency_id"]], dtype=object))
    y, v, g = np.concatenate(deviations), np.concatenate(variances), np.concatenate(groups)
    if not len(y):
        return 0.0
    _, code = np.unique(g.astype(str), return_inverse=True)
    df = len(y) - (code.max() + 1)

    def excess(t: float) -> float:
        w = 1 / (v + t)
        centre = np.bincount(code, w * y) / np.bincount(code, w)
        return float((w * (y - centre[code]) ** 2).sum() - df)

    if excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, 100 * max(float(np.var(y)), 1e-6) + 1.0))


def robust_excess(d: np.ndarray, v: np.ndarray, c: float = 2.0) -> float:
    """Variance beyond `v` of centred values `d`, with squares capped at c^2 so that real changes do not inflate it."""
    if len(d) < 5:
        return 0.0
    target = stats.chi2.cdf(c**2, 3) + c**2 * stats.chi2.sf(c**2, 1)  # E min(Z^2, c^2)

    def excess(t: float) -> float:
        return float(np.minimum(d**2 / (v + t), c**2).mean() - target)

    if excess(0.0) <= 0:
        return 0.0
    high = max(float(np.var(d)), 1e-6)
    while excess(high) > 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high))


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
    changes = [agency_changes(a, b, 0.02) for a, b in pairs]
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
