"""Programme themes: which theme is heard, which is missing, and how sure is the tagging?"""

import polars as pl

from pipeline.charts import Column, Table
from pipeline.charts.dots import theme_dots
from pipeline.html import render
from pipeline.html.mini import sparkline
from pipeline.pages import common
from pipeline.pages.daftar import last_months
from pipeline.pages.sheet import Sheet

PATH = "pancakarsa.html"


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    frame = facts.frames["estimates.theme_window"].filter(pl.col("scheme_id") == facts.scheme)
    labels = {key: both[w.language] for key, both in facts.themes.items()}
    chart = theme_dots(frame, labels, w, scheme_id=facts.scheme or "")
    tagged = tagging(sheet)
    body = render(
        "pancakarsa.html",
        w,
        p=sheet.opening(chart.title, lede(sheet, tagged), kind=w._("Programme themes")),
        chart=sheet.chart(chart, prefix="tema-"),
        shares=shares(sheet, frame, labels),
        grid=grid(sheet, labels),
        tagged=tagged,
    )
    return sheet.page(body, title=w.plain("Programme themes"))


def tagging(sheet: Sheet) -> dict:
    """Share of posts of the period with a theme. Untagged posts are always shown beside the themes."""
    first, last = sheet.facts.period
    posts = sheet.facts.frames["posts"]
    if first is not None:
        posts = posts.filter(pl.col("published_on").is_between(first, last))
    total = posts.height
    with_theme = posts["programme"].is_not_null().sum() if total else 0
    return {"total": total, "tagged": with_theme, "share": with_theme / total if total else None}


def lede(sheet: Sheet, tagged: dict) -> list[str]:
    w = sheet.words
    if not tagged["total"]:
        return [w._("There are no posts in this period.")]
    return [
        w._(
            "{tagged} of {total} posts in {period} carry a theme ({share}); the others are shown as “no theme”, not left out.",
            tagged=w.integer(tagged["tagged"]),
            total=w.integer(tagged["total"]),
            period=sheet.period,
            share=w.percent(tagged["share"]),
        ),
        w._(
            "Themes are found by words and hashtags, so some posts are tagged wrongly; small differences between themes "
            "mean little."
        ),
    ]


def shares(sheet: Sheet, frame: pl.DataFrame, labels: dict[str, str]) -> dict:
    """Share of posts and share of interactions per theme, with 13 months of the share of posts."""
    w, months = sheet.words, last_months(sheet)
    monthly = sheet.facts.frames["estimates.theme_month"].filter(pl.col("scheme_id") == sheet.facts.scheme)
    series = {
        key[0]: dict(part.select("month", "share_posts").iter_rows())
        for key, part in monthly.partition_by("programme", as_dict=True).items()
    }
    rows = []
    for row in frame.sort("programme").to_dicts():
        gap = (
            None
            if row["share_engagement"] is None or row["share_posts"] is None
            else (row["share_engagement"] - row["share_posts"]) * 100
        )
        line = [series.get(row["programme"], {}).get(m) for m in months]
        rows.append(
            {
                "label": labels.get(row["programme"], row["programme"]),
                "posts": w.percent(row["share_posts"], 1),
                "response": w.percent(row["share_engagement"], 1),
                "gap": w.points(gap, 1),
                "n": w.integer(row["n_posts"]),
                "spark": sparkline(line, size=(92, 24)),
                "raw": row,
                "figure": f"theme_window:share_posts:programme={row['programme']}",
            }
        )
    columns = (
        Column("programme", w.plain("Theme")),
        Column("share_posts", w.plain("Share of posts"), "percent", 1),
        Column("share_engagement", w.plain("Share of interactions"), "percent", 1),
        Column("n_posts", w.plain("Posts"), "integer"),
    )
    values = tuple((r["label"], r["raw"]["share_posts"], r["raw"]["share_engagement"], r["raw"]["n_posts"]) for r in rows)
    return {
        "rows": rows,
        "csv": sheet.csv("tema-porsi", w.plain("Share of posts and of interactions"), Table(columns, values)) if rows else None,
    }


def grid(sheet: Sheet, labels: dict[str, str]) -> dict:
    """Agency × theme counts in the judged period; the column “no theme” is part of the grid."""
    w, (first, last) = sheet.words, sheet.facts.period
    posts = sheet.facts.frames["posts"]
    programmes = sorted(
        sheet.facts.frames["estimates.theme_window"]
        .filter(pl.col("scheme_id") == sheet.facts.scheme)["programme"]
        .drop_nulls()
        .unique()
    )
    agencies = common.ranked_agencies(sheet.facts)
    counts: dict[tuple[str, str | None], int] = {}
    if first is not None:
        tally = posts.filter(pl.col("published_on").is_between(first, last)).group_by("agency_id", "programme").len()
        counts = {(r["agency_id"], r["programme"]): r["len"] for r in tally.to_dicts()}
    rows = []
    for agency in agencies:
        values = [counts.get((agency["agency_id"], p), 0) for p in programmes]
        other = sum(n for (a, p), n in counts.items() if a == agency["agency_id"] and p not in programmes)
        rows.append(
            {"agency": agency, "url": sheet.agency_url(agency), "cells": [(w.integer(v), shade(v)) for v in (*values, other)]}
        )
    return {"names": [*(labels.get(p, p) for p in programmes), w._("no theme")], "rows": rows}


def shade(count: int) -> str:
    if count == 0:
        return "nol"
    return "sedikit" if count < 5 else "r1" if count < 10 else "r2" if count < 20 else "r3"
