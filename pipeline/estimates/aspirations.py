"""What citizens ask for: counts per topic only. Cells below five cases are not published, nor any text or name."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipeline import thresholds
from pipeline.estimates.themes import Themes, contains, normalise
from pipeline.statistics import comparison
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

MINIMUM_CELL = 5
OTHER = "lainnya"
NOT_A_NEED = ("apresiasi",)


def topics_of(texts: pl.Series, topics: list[Themes]) -> pl.Series:
    """The first topic of themes.yml whose words stand in a text, or whose id it is; others are `lainnya`, null stays null."""
    distinct = pl.DataFrame({"text": texts.unique().drop_nulls()}, schema={"text": pl.Utf8})
    distinct = distinct.with_columns(plain=normalise(pl.col("text")))
    plain = pl.col("plain")
    named = [
        pl.when(pl.any_horizontal(plain == topic["id"], *(contains(plain, term) for term in topic.get("any") or ()))).then(
            pl.lit(topic["id"])
        )
        for topic in topics
        if topic["id"] != OTHER
    ]
    found = distinct.select("text", topic=pl.coalesce([*named, pl.lit(OTHER)]))
    return pl.DataFrame({"text": texts}, schema={"text": pl.Utf8}).join(found, on="text", how="left", maintain_order="left")[
        "topic"
    ]


def aspirations(cases: pl.DataFrame, topics: list[Themes]) -> pl.DataFrame:
    """One row per topic, district and month with at least five cases; an unknown district is an empty text."""
    known = cases.filter(pl.col("received_at_wib").is_not_null())
    rows = known.select(
        topic=topics_of(known["category"], topics),
        district=pl.col("district").fill_null(""),
        month=pl.col("received_at_wib").dt.date().dt.month_start(),
    )
    cells = rows.filter(pl.col("topic").is_not_null()).group_by("topic", "district", "month").agg(cases=pl.len().cast(pl.Int64))
    return cells.filter(pl.col("cases") >= MINIMUM_CELL).sort("topic", "district", "month")


def aspiration_gap(
    cases: pl.DataFrame, posts: pl.DataFrame, topics: list[Themes], last: date | None, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per topic of the last three complete months: share in aspirations, share in posts that name any topic, and their
    gap."""
    schema = {"topic": pl.Utf8, "cases": pl.Int64, "posts": pl.Int64} | dict.fromkeys(
        ("share_cases", "share_posts", "gap"), pl.Float64
    )
    if last is None:
        return pl.DataFrame(schema=schema)
    first, end = comparison.window(last, t.window_months)[0], comparison.add_months(last, 1)
    asked = cases.filter(pl.col("received_at_wib").dt.date().is_between(first, end, closed="left"))
    told = posts.filter("is_counted", ~pl.col("is_top_list"), pl.col("published_on").is_between(first, end, closed="left"))
    needs = [topic for topic in topics if topic["id"] not in NOT_A_NEED]
    asked = (
        asked.select(topic=topics_of(asked["category"], needs)).drop_nulls().group_by("topic").agg(cases=pl.len().cast(pl.Int64))
    )
    told = told.select(topic=topics_of(told["caption"], needs)).drop_nulls().filter(pl.col("topic") != OTHER)
    told = told.group_by("topic").agg(posts=pl.len().cast(pl.Int64))
    rows = asked.join(told, on="topic", how="left").with_columns(pl.col("posts").fill_null(0))
    rows = rows.with_columns(
        share_cases=pl.col("cases") / pl.col("cases").sum(), share_posts=pl.col("posts") / told["posts"].sum()
    )
    known = pl.col("topic") != OTHER
    rows = rows.with_columns(share_posts=pl.when(known & pl.col("share_posts").is_finite()).then(pl.col("share_posts")))
    rows = rows.with_columns(gap=pl.col("share_cases") - pl.col("share_posts"))
    return rows.filter(pl.col("cases") >= MINIMUM_CELL).select(pl.col(k).cast(t) for k, t in schema.items()).sort("topic")


def _topics(registry: object) -> dict[str, list[Themes]]:
    return {"topics": list(dict(getattr(registry, "themes", None) or {}).get("aspiration_topics", []))}


def _gap(
    cases: pl.DataFrame, posts: pl.DataFrame, account_month: pl.DataFrame, topics: list[Themes], t: Thresholds
) -> pl.DataFrame:
    return aspiration_gap(cases, posts, topics, comparison.last_complete_month(account_month), t)


TABLES = {
    "estimates.aspirations": Table.of(
        aspirations,
        "core.cases",
        given=_topics,
        description="One row per topic, district and month with at least five questions or complaints.",
        key=("topic", "district", "month"),
    ),
    "estimates.aspiration_gap": Table.of(
        _gap,
        "core.cases",
        "core.posts",
        "marts.account_month",
        given=lambda registry: {**_topics(registry), "t": thresholds.of(registry)},
        description="One row per topic asked five times or more in three months: its share in questions and in posts.",
        key=("topic",),
    ),
}
