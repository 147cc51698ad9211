"""Why an account is not judged: `estimates.account_reasons`, one row per account and agency in the last three complete months.

Codes only; what each means and what mends it stands once, in `warehouse/reasons.yml` (`pipeline/reasons.py`).
"""

import polars as pl

from pipeline.statistics import comparison as c
from pipeline.thresholds import DEFAULT, Thresholds

# Of an account whose days are covered, in the order in which they are told: what a download lacks before what was not published.
POST_REASONS = (
    "no_posts",
    "no_exposure",
    "no_engagement",
    "paid_unknown",
    "unseen",
    "too_young",
    "other_parts",
    "few_posts",
)

ACCOUNT_WINDOW_SCHEMA = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "platform": pl.Utf8,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "coverage": pl.Float64,
    "posts": pl.Int64,
    "compared_posts": pl.Int64,
    "without_exposure": pl.Int64,
    "without_engagement": pl.Int64,
    "unseen_posts": pl.Int64,
    "young_posts": pl.Int64,
    "unknown_paid_posts": pl.Int64,
    "reason": pl.Utf8,
}


def account_window(
    post_facts: pl.DataFrame, expected: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per account and agency of the window: its posts, how many can be compared and what hides the others.

    `reason` is null where the account is judged (it has enough comparable posts, its days are covered, its platform has others).
    Counts are null where no whole list of posts speaks for the account.
    """
    last = c.last_complete_month(account_month)
    if last is None:
        return pl.DataFrame(schema=ACCOUNT_WINDOW_SCHEMA)
    months = c.window(last, t.window_months)
    rows = account_month.filter(pl.col("month").is_in(months) & pl.col("agency_id").is_not_null())
    required = pl.col("is_required").fill_null(True).any() if "is_required" in rows.columns else pl.lit(True)
    covered = pl.col("covered_days").fill_null(0)
    share = rows.group_by("account_id", "agency_id", "platform").agg(
        coverage=covered.sum() / pl.col("days_in_month").sum(),
        has_data=(covered > 0).any(),
        is_required=required,
        is_listed=(pl.col("listed_days") > 0).any() if "listed_days" in rows.columns else pl.lit(True),
    )
    owned = ["account_id", "agency_id"]
    out = share.join(_hidden(post_facts.filter(pl.col("month").is_in(months)), t), on=owned, how="left")
    here = expected.filter(pl.col("month").is_in(months))
    seen = here.group_by(owned).agg(compared_posts=pl.col("n").sum(), is_expected=pl.col("expected_ln").is_not_null().any())
    out = out.join(seen, on=owned, how="left").with_columns(
        period_start=pl.lit(months[0]), period_end=pl.lit(c.add_months(last, 1)).dt.offset_by("-1d"), reason=_reason(t)
    )
    counted = [k for k, v in ACCOUNT_WINDOW_SCHEMA.items() if v == pl.Int64]
    known = pl.col("has_data") & (pl.col("is_listed") | (pl.col("posts") > 0)).fill_null(False)
    out = out.with_columns(pl.when(known).then(pl.col(k).fill_null(0)).alias(k) for k in counted)
    return out.select(pl.col(k).cast(v) for k, v in ACCOUNT_WINDOW_SCHEMA.items()).sort("agency_id", "account_id")


def _hidden(posts: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """account_id, agency_id, posts and how many of them cannot be compared, by the first reason that hides each."""
    exposure, engagement = pl.col("exposure").is_not_null(), pl.col("engagement").is_not_null()
    paid = pl.col("is_paid_left_out").fill_null(False) if "is_paid_left_out" in posts.columns else pl.lit(False)
    seen = pl.col("exposure") >= t.minimum_exposure
    young = ~pl.col("is_comparable").fill_null(False) & ~paid
    return posts.group_by("account_id", "agency_id").agg(
        posts=pl.len().cast(pl.Int64),
        without_exposure=(~exposure).sum().cast(pl.Int64),
        without_engagement=(exposure & ~engagement).sum().cast(pl.Int64),
        unseen_posts=(exposure & engagement & ~seen).sum().cast(pl.Int64),
        unknown_paid_posts=(exposure & engagement & seen & paid).sum().cast(pl.Int64),
        young_posts=(exposure & engagement & seen & young).sum().cast(pl.Int64),
    )


def _reason(t: Thresholds) -> pl.Expr:
    n = {k: pl.col(k).fill_null(0) for k in ("posts", "compared_posts", "without_exposure", "without_engagement")}
    n |= {k: pl.col(k).fill_null(0) for k in ("unseen_posts", "young_posts", "unknown_paid_posts")}
    enough = t.minimum_posts
    hidden = n["posts"] - n["compared_posts"]

    def hides(count: str) -> pl.Expr:
        """Without this fault the account would have posts enough."""
        return (n["compared_posts"] + n[count] >= enough) & (n[count] > 0)

    cases = (
        (~pl.col("is_required") & ~pl.col("has_data"), "not_required"),
        (~pl.col("has_data"), "nothing_sent"),
        (pl.col("coverage") < t.minimum_coverage, "days_missing"),
        ((n["compared_posts"] >= enough) & ~pl.col("is_expected").fill_null(False), "no_peers"),
        (n["without_exposure"] > (1 - t.minimum_coverage) * n["posts"], "no_exposure"),
        (n["without_engagement"] > (1 - t.minimum_coverage) * n["posts"], "no_engagement"),
        (n["compared_posts"] >= enough, ""),
        ((n["posts"] == 0) & (n["compared_posts"] == 0), "no_posts"),
        (hides("without_exposure"), "no_exposure"),
        (hides("without_engagement"), "no_engagement"),
        (hides("unknown_paid_posts"), "paid_unknown"),
        (hides("unseen_posts"), "unseen"),
        (hides("young_posts"), "too_young"),
        ((n["posts"] >= enough) & (hidden > n["young_posts"] + n["unseen_posts"] + n["unknown_paid_posts"]), "other_parts"),
    )
    reason = pl.lit("few_posts")
    for condition, name in reversed(cases):
        reason = pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(reason)
    return pl.when(reason != "").then(reason)
