"""What worked: posts against the account's own normal, and programmes against the average post (METRICS 10).

Content is not assigned at random, so a programme's lift is an association. Lifts are factors, 1 = like the account's average.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from pipeline.statistics import comparison as c
from pipeline.statistics.discovery import q_values
from pipeline.statistics.intervals import Z
from pipeline.tables import Schema
from pipeline.thresholds import DEFAULT, Thresholds

MINIMUM_ACCOUNT_POSTS = 20
MINIMUM_PROGRAMME_POSTS = 10
UNTAGGED = "untagged"

LIFT_SCHEMA = {"post_key": pl.Int64, "expected_ln": pl.Float64, "lift": pl.Float64, "n_account_posts": pl.Int64}


def post_lift(post_facts: pl.DataFrame) -> pl.DataFrame:
    """One row per comparable post: its reactions over what its account, format and month let expect of its exposure.

    The account's level is that of the last 13 months without the post itself; null with fewer than 20 such posts. Half a reaction
    is added to what came and to what was expected: where next to nothing was expected, nothing is no failure and one no triumph.
    """
    posts = c.comparable_posts(post_facts)
    if posts.is_empty():
        return pl.DataFrame(schema=LIFT_SCHEMA)
    last: Any = posts["month"].max()
    posts = c.post_effects(posts).filter(pl.col("month") > c.add_months(last, -c.FIT_MONTHS))
    n = pl.len().over("account_id")
    known = pl.col("information") * pl.col("level_part")
    level = (known.sum().over("account_id") - known) / (pl.col("information").sum().over("account_id") - pl.col("information"))
    expected = pl.when(n >= MINIMUM_ACCOUNT_POSTS).then(level + pl.col("format_part") + pl.col("month_part"))
    out = posts.with_columns(expected_ln=expected, n_account_posts=n)
    grown = pl.col("age_ln").fill_null(0.0) if "age_ln" in posts.columns else pl.lit(0.0)
    hoped = pl.col("exposure") * (pl.col("expected_ln") + grown).exp()
    out = out.with_columns(lift=(pl.col("engagement") + 0.5) / (hoped + 0.5))
    return out.select(pl.col(k).cast(t) for k, t in LIFT_SCHEMA.items()).sort("post_key")


THEME_SCHEMA = {
    "scheme_id": pl.Utf8,
    "programme": pl.Utf8,
    "lift": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "n_posts": pl.Int64,
    "n_agencies": pl.Int64,
    "share_posts": pl.Float64,
    "share_engagement": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
}


def tagged_posts(post_facts: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """Comparable posts whose caption could be tagged, with the working values of comparison.post_effects, scheme and primary
    programme ('untagged' where none fits)."""
    tags = themes.filter(pl.col("scheme_id").is_not_null())
    if "is_taggable" in tags.columns:
        tags = tags.filter("is_taggable")
    tags = tags.select("post_key", "scheme_id", programme=pl.col("programme").fill_null(UNTAGGED))
    return c.post_effects(c.comparable_posts(post_facts.drop("programme", strict=False))).join(tags, on="post_key")


def through_lens(themes: pl.DataFrame, programmes: pl.DataFrame, lens: str | None) -> pl.DataFrame:
    """`core.post_themes` with a second row for every post with a text: its primary programme in the scheme `lens`.

    A post whose own scheme is the lens has one row already; a post without a scheme on its day has only that of the lens.
    """
    if lens is None or themes.is_empty():
        return themes
    keep = ["post_key", "scheme_id", "programme", "is_taggable"]
    primary = programmes.filter(pl.col("is_primary") & (pl.col("scheme_id") == lens)).select(
        "post_key", lens_programme="programme"
    )
    second = themes.filter(pl.col("has_caption") & (pl.col("scheme_id").is_null() | (pl.col("scheme_id") != lens)))
    second = second.select("post_key", scheme_id=pl.lit(lens), is_taggable=pl.lit(True)).join(primary, on="post_key", how="left")
    return pl.concat([themes.select(keep), second.rename({"lens_programme": "programme"}).select(keep)])


def theme_window(
    post_facts: pl.DataFrame, themes: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per scheme and programme over the last three complete months: lift with interval, shares of posts and engagement.

    Post-level ln rate on programme, account, month, format and hour, clustered by account; lift against the average post.
    `share_posts` is of tagged posts (for 'untagged': of all); engagement shares are taken inside a platform, then averaged.
    """
    last = c.last_complete_month(account_month)
    posts = tagged_posts(post_facts, themes)
    if last is None or posts.is_empty():
        return pl.DataFrame(schema=THEME_SCHEMA)
    posts = posts.filter(pl.col("month").is_in(c.window(last, t.window_months)))
    parts = [_scheme_window(g) for g in posts.partition_by("scheme_id")]
    return pl.concat(parts).sort("scheme_id", "programme") if parts else pl.DataFrame(schema=THEME_SCHEMA)


def _scheme_window(posts: pl.DataFrame) -> pl.DataFrame:
    names = sorted(posts["programme"].unique().to_list())
    effect, se = programme_effects(posts, names)
    agencies = posts.group_by("programme").agg(pl.len().alias("n_posts"), pl.col("agency_id").n_unique().alias("n_agencies"))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.norm.sf(np.abs(effect / se))
    lifts = pl.DataFrame(
        {
            "programme": names,
            "lift": np.exp(effect),
            "lower": np.exp(effect - Z * se),
            "upper": np.exp(effect + Z * se),
            "p": p,
            "q": q_values(p),
        }
    )
    out = (
        agencies.join(lifts, on="programme")
        .join(shares(posts), on="programme", how="left")
        .with_columns(scheme_id=pl.lit(posts["scheme_id"][0]))
    )
    few = pl.col("n_posts") < MINIMUM_PROGRAMME_POSTS
    values = [pl.when(~few).then(pl.col(k).fill_nan(None)).alias(k) for k in ("lift", "lower", "upper", "p", "q")]
    return out.with_columns(values).select(pl.col(k).cast(t) for k, t in THEME_SCHEMA.items())


def programme_effects(posts: pl.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(effect, se) of each programme against the post-weighted mean of all, ln scale; accounts partialled out, clustered."""
    account = posts["account_id"].rank("dense").to_numpy().astype(int) - 1
    size = np.bincount(account).astype(float)
    blocks = [posts["programme"].to_numpy() == k for k in names]
    for column in ("platform_month", "platform_format", "hour_block"):
        code = _nuisance(posts, column)
        blocks += [code == k for k in range(1, code.max() + 1)]
    x = np.column_stack(blocks).astype(float)
    y, w = posts["ln_rate"].to_numpy(), posts["information"].to_numpy()
    whole = np.bincount(account, w)
    xw = x - np.column_stack([(np.bincount(account, w * v) / whole) for v in x.T])[account]
    yw = y - (np.bincount(account, w * y) / whole)[account]
    bread = np.linalg.pinv((xw * w[:, None]).T @ xw, rcond=1e-9, hermitian=True)
    b = bread @ (xw.T @ (w * yw))
    e = yw - xw @ b
    score = np.zeros((len(size), x.shape[1]))
    np.add.at(score, account, xw * (w * e)[:, None])
    clusters = len(size)
    v = bread @ (score.T @ score) @ bread * clusters / max(clusters - 1, 1)
    k = len(names)
    linked = _linked(x[:, :k], account, len(size))
    weight = np.where(linked, x[:, :k].mean(0), 0.0)
    centre = np.eye(k) - weight[None, :] / max(weight.sum(), 1e-12)
    se = np.sqrt(np.clip(np.diag(centre @ v[:k, :k] @ centre.T), 0, None))
    return np.where(linked, centre @ b[:k], np.nan), np.where(linked, se, np.nan)


def _linked(programme: np.ndarray, account: np.ndarray, accounts: int) -> np.ndarray:
    """Which programmes can be compared with most posts: those that share accounts with them, directly or over others.

    An account that has posts of one programme only says nothing about it, since its own level goes with it.
    """
    has = np.zeros((accounts, programme.shape[1]), bool)
    np.logical_or.at(has, account, programme > 0)
    reach = (has.T.astype(int) @ has.astype(int)) > 0
    for _ in range(programme.shape[1]):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    posts = programme.sum(0)
    linked: np.ndarray = reach[np.argmax(reach @ posts)] & (posts > 0)
    return linked


def _nuisance(posts: pl.DataFrame, column: str) -> np.ndarray:
    made = {
        "platform_month": pl.concat_str("platform", pl.col("month").cast(pl.Utf8), separator="/"),
        "platform_format": pl.concat_str("platform", "format", separator="/"),
        "hour_block": (pl.col("hour").cast(pl.Int64) // 3).fill_null(99) if "hour" in posts.columns else pl.lit(0),
    }
    return posts.select(made[column].rank("dense").alias("k"))["k"].to_numpy().astype(int) - 1


def shares(posts: pl.DataFrame) -> pl.DataFrame:
    """programme, share_posts, share_engagement of one scheme. Platforms and engagement of different parts are never added: shares
    inside each, by posts. Posts of a top list have a lift, but no share: how many others there were is not known."""
    if "basis" in posts.columns:
        posts = posts.filter(~pl.col("basis").str.ends_with(c.TOP_LIST))
    tagged = pl.col("programme") != UNTAGGED
    total = pl.when(tagged).then(tagged.sum()).otherwise(pl.len())
    counted = posts.with_columns(base=total).group_by("programme").agg(share_posts=pl.len() / pl.col("base").first())
    alike = ["platform", "basis"] if "basis" in posts.columns else ["platform"]
    weight = tagged.sum().over(alike) / tagged.sum()
    engaged = posts.with_columns(weight=weight, whole=pl.col("engagement").filter(tagged).sum().over(alike))
    part = (
        engaged.filter(tagged & (pl.col("whole") > 0))
        .group_by("programme")
        .agg(share_engagement=(pl.col("engagement") / pl.col("whole") * pl.col("weight")).sum())
    )
    return counted.join(part, on="programme", how="left")


THEME_MONTH_SCHEMA = {
    "scheme_id": pl.Utf8,
    "programme": pl.Utf8,
    "month": pl.Date,
    "n_posts": pl.Int64,
    "n_agencies": pl.Int64,
    "share_posts": pl.Float64,
    "share_engagement": pl.Float64,
    "lift": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
}


def theme_month(post_facts: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """One row per scheme, programme and month: shares, and the mean lift of its posts against their accounts' normal."""
    posts = tagged_posts(post_facts, themes)
    if posts.is_empty():
        return pl.DataFrame(schema=THEME_MONTH_SCHEMA)
    posts = posts.with_columns(residual=pl.col("level_part") - c.weighted("level_part").over("account_id"))
    se = 1 / pl.col("information").sum().sqrt()
    centre = c.weighted("residual")
    keys = ["scheme_id", "programme", "month"]
    lifts = posts.group_by(keys).agg(
        pl.len().alias("n_posts"),
        pl.col("agency_id").n_unique().alias("n_agencies"),
        centre.alias("centre"),
        se.alias("se"),
    )
    known = pl.col("n_posts") >= MINIMUM_PROGRAMME_POSTS
    lifts = lifts.with_columns(
        lift=pl.when(known).then(pl.col("centre").exp()),
        lower=pl.when(known).then((pl.col("centre") - Z * pl.col("se")).exp()),
        upper=pl.when(known).then((pl.col("centre") + Z * pl.col("se")).exp()),
    )
    part = [shares(g).with_columns(scheme_id=pl.lit(s), month=pl.lit(m)) for (s, m), g in posts.group_by("scheme_id", "month")]
    out = lifts.join(pl.concat(part), on=keys, how="left")
    return out.select(pl.col(k).cast(t) for k, t in THEME_MONTH_SCHEMA.items()).sort(keys)


# ---- what an agency's own posts say about kinds, hours and themes -------------------------------------------------------------

AGENCY_LIFT_DAYS, MINIMUM_KIND_POSTS = 183, 10
KINDS = {"format": "format", "content_type": "content_type", "programme": "programme", "hours": "hours"}
AGENCY_LIFT_SCHEMA: Schema = (
    {"agency_id": pl.Utf8, "dimension": pl.Utf8, "kind": pl.Utf8}
    | dict.fromkeys(("lift", "lower", "upper", "base_share", "p", "q"), pl.Float64)
    | {"n_posts": pl.Int64, "n_other_posts": pl.Int64, "is_advised": pl.Boolean}
)


def agency_lift(post_facts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per agency, dimension (format, content_type, programme, hours) and kind: its posts of half a year against the
    agency's own other posts, account levels and months taken out (and formats, except where formats are compared).

    `base_share` is the kind's share of those posts: where most posts are photos, most good posts are. `is_advised` only where the
    whole interval is above 1 and the discovery survives the number of all kinds and agencies tried.
    """
    posts = c.comparable_posts(post_facts, t)
    if posts.is_empty():
        return pl.DataFrame(schema=AGENCY_LIFT_SCHEMA)
    last: Any = posts["published_on"].max()
    posts = c.post_effects(posts).filter(pl.col("published_on") > last - timedelta(days=AGENCY_LIFT_DAYS))
    own = c.weighted("level_part").over("account_id", "agency_id")
    hour = (
        (pl.col("hour").cast(pl.Int64) // 3 * 3).cast(pl.Utf8).str.zfill(2) if "hour" in posts.columns else pl.lit(None, pl.Utf8)
    )
    posts = posts.with_columns(rest=pl.col("level_part") - own, hours=hour)
    parts = [_kinds(posts, name, column) for name, column in KINDS.items() if column in posts.columns]
    out = pl.concat(parts)
    if out.is_empty():
        return pl.DataFrame(schema=AGENCY_LIFT_SCHEMA)
    out = out.with_columns(p=pl.Series(2 * stats.norm.sf(np.abs((out["effect"] / out["se"]).to_numpy()))))
    out = out.with_columns(q=pl.Series(q_values(out["p"].to_numpy())))
    z = float(stats.norm.isf(0.025))
    lower = (pl.col("effect") - z * pl.col("se")).exp()
    out = out.with_columns(lift=pl.col("effect").exp(), lower=lower, upper=(pl.col("effect") + z * pl.col("se")).exp())
    out = out.with_columns(is_advised=(pl.col("lower") > 1) & (pl.col("q") <= t.false_discovery_share))
    return out.select(pl.col(k).cast(v) for k, v in AGENCY_LIFT_SCHEMA.items()).sort("agency_id", "dimension", "kind")


def _kinds(posts: pl.DataFrame, name: str, column: str) -> pl.DataFrame:
    """agency_id, dimension, kind, effect, se, n_posts, n_other_posts, base_share where both sides have ten posts."""
    value = pl.col("rest") + (pl.col("format_part") if name == "format" else 0.0)
    rows = posts.filter(pl.col(column).is_not_null()).with_columns(value=value, kind=pl.col(column).cast(pl.Utf8))
    w, v = pl.col("information"), pl.col("value")
    square = (w * v**2).sum()
    kinds = rows.group_by("agency_id", "kind").agg(n=pl.len(), w=w.sum(), s=(w * v).sum(), s2=square)
    whole = rows.group_by("agency_id").agg(N=pl.len(), W=w.sum(), S=(w * v).sum(), S2=square)
    both = kinds.join(whole, on="agency_id").with_columns(m=pl.col("N") - pl.col("n"))
    both = both.filter(pl.col("n") >= MINIMUM_KIND_POSTS, pl.col("m") >= MINIMUM_KIND_POSTS)
    mean, other = pl.col("s") / pl.col("w"), (pl.col("S") - pl.col("s")) / (pl.col("W") - pl.col("w"))
    spread = (pl.col("S2") - pl.col("S") ** 2 / pl.col("W")) / (pl.col("N") - 2)  # 1 where posts differ as much as the model says
    noise = (1 / pl.col("w") + 1 / (pl.col("W") - pl.col("w"))) * pl.max_horizontal(spread, pl.lit(1.0))
    return both.select(
        "agency_id",
        "kind",
        dimension=pl.lit(name),
        effect=mean - other,
        se=noise.sqrt(),
        n_posts=pl.col("n").cast(pl.Int64),
        n_other_posts=pl.col("m").cast(pl.Int64),
        base_share=pl.col("n") / pl.col("N"),
    )
