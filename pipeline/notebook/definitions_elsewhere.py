"""The same posts as other tools would print them: a translator of definitions, never a source of our own numbers.

Leadership meets figures of Rival IQ, Hootsuite, Emplifi, Fanpage Karma, Socialinsider, Metricool, Orlo and others. They differ
tenfold
for the same week because each divides by something else. Here every definition is one formula over the same frames:

    posts: day, reach, impressions, interactions (or reactions, comments, shares), clicks; one row per post of one account
    followers: day, followers; one row per day of the period, without gaps

Values are percentages where the tool prints a percentage. A definition whose input is not reported gives null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Week:
    """The inputs of one account and period, interactions added."""

    posts: pl.DataFrame
    followers: pl.DataFrame


@dataclass(frozen=True)
class Definition:
    """One figure of one tool: `unit` is '%', 'per 1000' or ''; `text` says what is divided by what."""

    definition_id: str
    tool: str
    label_id: str
    label_en: str
    unit: str
    text_id: str
    text_en: str
    value: Callable[[Week], float | None]


def week(posts: pl.DataFrame, followers: pl.DataFrame) -> Week:
    """Adds what every definition needs: interactions and the followers of the day of the post. ValueError names a missing
    column."""
    missing = [name for name in ("day", "comments", "shares") if name not in posts.columns]
    missing += [name for name in ("day", "followers") if name not in followers.columns]
    if missing:
        raise ValueError(f"kolom tidak ada / missing columns: {', '.join(missing)}")
    for name in ("reactions", "reach", "impressions", "clicks"):
        if name not in posts.columns:
            posts = posts.with_columns(pl.lit(None, pl.Int64).alias(name))
    if "interactions" not in posts.columns:
        posts = posts.with_columns(interactions=pl.col("reactions") + pl.col("comments") + pl.col("shares"))
    return Week(posts.join(followers, on="day", how="left"), followers.sort("day"))


def _only(frame: pl.DataFrame, expression: pl.Expr) -> float | None:
    """One number of a frame; null where there is none."""
    value: Any = frame.select(expression).item()
    return None if value is None else float(value)


def _ratio(top: pl.Expr, bottom: pl.Expr, scale: float = 100.0) -> Callable[[Week], float | None]:
    """Pooled: sum over posts / sum over posts, of posts that report both."""

    def value(given: Week) -> float | None:
        rows = given.posts.select(top=top, bottom=bottom).drop_nulls()
        total = _only(rows, pl.col("bottom").sum())
        return _only(rows, pl.col("top").sum() / pl.col("bottom").sum() * scale) if rows.height and total else None

    return value


def _mean(top: pl.Expr, bottom: pl.Expr, scale: float = 100.0) -> Callable[[Week], float | None]:
    """Mean over posts of the ratio of each post."""

    def value(given: Week) -> float | None:
        rows = given.posts.select(top=top, bottom=bottom).drop_nulls().filter(pl.col("bottom") > 0)
        return _only(rows, (pl.col("top") / pl.col("bottom")).mean() * scale) if rows.height else None

    return value


def _sum(expression: pl.Expr, scale: float) -> Callable[[Week], float | None]:
    def value(given: Week) -> float | None:
        rows = given.posts.select(x=expression)
        return _only(rows, pl.col("x").sum() * scale) if rows.height and rows["x"].null_count() == 0 else None

    return value


def _per_post(column: str) -> Callable[[Week], float | None]:
    def value(given: Week) -> float | None:
        return _only(given.posts, pl.col(column).mean())

    return value


def _total_interactions(given: Week) -> float | None:
    values = given.posts["interactions"]
    return float(values.sum()) if len(values) and values.null_count() == 0 else None


def _by_last_day(given: Week, over: float) -> float | None:
    total = _total_interactions(given)
    last = _only(given.followers, pl.col("followers").last()) if given.followers.height else None
    return None if total is None or not last or not over else total / over / last * 100


def _daily(given: Week) -> pl.DataFrame:
    totals = given.posts.group_by("day").agg(pl.col("interactions").sum())
    days = given.followers.join(totals, on="day", how="left").with_columns(pl.col("interactions").fill_null(0))
    return days.with_columns(rate=pl.col("interactions") / pl.col("followers"))


def _fanpage_karma(given: Week) -> float | None:
    return None if _total_interactions(given) is None else _only(_daily(given), pl.col("rate").mean() * 100)


def _posting_days(given: Week) -> float | None:
    """Mean over the days with posts of interactions per follower and post of that day."""
    if _total_interactions(given) is None:
        return None
    days = given.posts.group_by("day").agg(e=pl.col("interactions").sum(), n=pl.len(), f=pl.col("followers").first())
    return _only(days, (pl.col("e") / pl.col("f") / pl.col("n")).mean() * 100)


def _growth(given: Week) -> float | None:
    known = given.followers.drop_nulls("followers")
    if known.height < 2 or not _only(known, pl.col("followers").first()):
        return None
    return _only(known, (pl.col("followers").last() / pl.col("followers").first() - 1) * 100)


E_, F_, R_, I_ = pl.col("interactions"), pl.col("followers"), pl.col("reach"), pl.col("impressions")
WEIGHTED = pl.col("reactions") + 2 * pl.col("comments") + 3 * pl.col("shares")


def _define(
    definition_id: str, tool: str, labels: tuple[str, str], unit: str, texts: tuple[str, str], value: Callable
) -> Definition:
    return Definition(definition_id, tool, *labels, unit, *texts, value)


DEFINITIONS: tuple[Definition, ...] = (
    _define(
        "hootsuite_daily",
        "Hootsuite",
        ("Rata-rata ER harian", "Average daily ER"),
        "%",
        ("jumlah interaksi / (hari × pengikut hari terakhir)", "interactions / (days × followers on the last day)"),
        lambda given: _by_last_day(given, given.followers.height),
    ),
    _define(
        "fanpage_karma_engagement",
        "Fanpage Karma",
        ("Engagement", "Engagement"),
        "%",
        (
            "rata-rata harian interaksi / pengikut, hari kosong ikut",
            "mean of daily interactions / followers, empty days included",
        ),
        _fanpage_karma,
    ),
    _define(
        "post_interaction",
        "Fanpage Karma",
        ("Interaksi unggahan", "Post interaction"),
        "%",
        ("per pengikut per unggahan, hanya hari yang ada unggahan", "per follower and post, posting days only"),
        _posting_days,
    ),
    _define(
        "orlo_benchmark",
        "Orlo",
        ("ER pembanding", "ER benchmark"),
        "%",
        ("rata-rata interaksi per unggahan / pengikut hari terakhir", "mean interactions per post / followers on the last day"),
        lambda given: _by_last_day(given, given.posts.height),
    ),
    _define(
        "rival_iq_follower",
        "Rival IQ",
        ("ER per pengikut", "ER by follower"),
        "%",
        ("rata-rata per unggahan interaksi / pengikut hari terbit", "mean over posts of interactions / followers at publication"),
        _mean(E_, F_),
    ),
    _define(
        "rival_iq_weighted",
        "Rival IQ",
        ("ER per pengikut, tertimbang", "ER by follower, follower-weighted"),
        "%",
        ("jumlah interaksi / jumlah pengikut tiap unggahan", "sum of interactions / sum of followers over posts"),
        _ratio(E_, F_),
    ),
    _define(
        "fanpage_karma_weighted",
        "Fanpage Karma",
        ("Interaksi tertimbang 1/2/3", "Weighted 1/2/3"),
        "%",
        ("reaksi×1, komentar×2, bagikan×3 per pengikut per unggahan", "reactions×1, comments×2, shares×3 per follower and post"),
        _mean(WEIGHTED, F_),
    ),
    _define(
        "impressions_mean",
        "Hootsuite, Buffer, Brandwatch",
        ("ER per tayangan, rata-rata unggahan", "ER by impressions, mean of posts"),
        "%",
        ("rata-rata per unggahan interaksi / tayangan", "mean over posts of interactions / impressions"),
        _mean(E_, I_),
    ),
    _define(
        "impressions_pooled",
        "Hootsuite, Buffer, Brandwatch",
        ("ER per tayangan, gabungan", "ER by impressions, pooled"),
        "%",
        ("jumlah interaksi / jumlah tayangan", "sum of interactions / sum of impressions"),
        _ratio(E_, I_),
    ),
    _define(
        "reach_mean",
        "Hootsuite (ERR)",
        ("ER per jangkauan, rata-rata unggahan", "ER by reach, mean of posts"),
        "%",
        ("rata-rata per unggahan interaksi / jangkauan", "mean over posts of interactions / reach"),
        _mean(E_, R_),
    ),
    _define(
        "reach_pooled",
        "Metricool (×100)",
        ("ER per jangkauan, gabungan", "ER by reach, pooled"),
        "%",
        ("jumlah interaksi / jumlah jangkauan", "sum of interactions / sum of reach"),
        _ratio(E_, R_),
    ),
    _define(
        "orlo_with_clicks",
        "Orlo",
        ("ER dengan klik per tayangan", "ER with clicks by impressions"),
        "%",
        ("(interaksi + klik) / tayangan", "(interactions + clicks) / impressions"),
        _ratio(E_ + pl.col("clicks"), I_),
    ),
    _define(
        "socialinsider_followers",
        "Socialinsider",
        ("ER total per pengikut", "Total ER by followers"),
        "%",
        ("jumlah interaksi / pengikut akhir", "sum of interactions / followers at the end"),
        lambda given: _by_last_day(given, 1.0),
    ),
    _define(
        "metricool_per_1000",
        "Metricool (×1000)",
        ("Engagement", "Engagement"),
        "per 1000",
        ("jumlah interaksi / jumlah jangkauan × 1.000", "sum of interactions / sum of reach × 1,000"),
        _ratio(E_, R_, 1000.0),
    ),
    _define(
        "emplifi_per_1000",
        "Emplifi",
        ("Interaksi per 1.000 pengikut", "Interactions per 1,000 followers"),
        "per 1000",
        ("jumlah per unggahan interaksi / pengikut × 1.000", "sum over posts of interactions / followers × 1,000"),
        _sum(E_ / F_, 1000.0),
    ),
    _define(
        "applause",
        "Kaushik / TrueSocialMetrics",
        ("Tepuk tangan per unggahan", "Applause per post"),
        "",
        ("reaksi / unggahan", "reactions / posts"),
        _per_post("reactions"),
    ),
    _define(
        "conversation",
        "Kaushik / TrueSocialMetrics",
        ("Percakapan per unggahan", "Conversation per post"),
        "",
        ("komentar / unggahan", "comments / posts"),
        _per_post("comments"),
    ),
    _define(
        "amplification",
        "Kaushik / TrueSocialMetrics",
        ("Penyebaran per unggahan", "Amplification per post"),
        "",
        ("bagikan / unggahan", "shares / posts"),
        _per_post("shares"),
    ),
    _define(
        "virality",
        "—",
        ("Viralitas", "Virality"),
        "%",
        ("bagikan / tayangan", "shares / impressions"),
        _ratio(pl.col("shares"), I_),
    ),
    _define(
        "growth",
        "Brandwatch",
        ("Pertumbuhan", "Growth"),
        "%",
        ("(pengikut akhir − awal) / awal", "(followers at the end − start) / start"),
        _growth,
    ),
)


def translate(posts: pl.DataFrame, followers: pl.DataFrame) -> pl.DataFrame:
    """One row per definition: definition_id, tool, label_id, label_en, value, unit, text_id, text_en, n_posts, n_days."""
    given = week(posts, followers)
    rows = [
        {
            "definition_id": d.definition_id,
            "tool": d.tool,
            "label_id": d.label_id,
            "label_en": d.label_en,
            "value": d.value(given),
            "unit": d.unit,
            "text_id": d.text_id,
            "text_en": d.text_en,
            "n_posts": given.posts.height,
            "n_days": given.followers.height,
        }
        for d in DEFINITIONS
    ]
    return pl.DataFrame(rows, schema_overrides={"value": pl.Float64})
