"""Programme themes: which theme is heard, which is missing, and how sure is the tagging?"""

import functools
import json
import math
from datetime import date
from html import unescape
from pathlib import Path

import polars as pl

from pipeline.charts import Column, Table
from pipeline.charts.dots import PLATFORM_NAMES, theme_side
from pipeline.estimates.themes import post_programmes
from pipeline.html import render
from pipeline.html.escape import safe_link, tampil
from pipeline.html.mini import sparkline
from pipeline.pages import common, daftar
from pipeline.pages.data import LENS
from pipeline.pages.parts import parts
from pipeline.pages.sheet import Sheet

PATH = "pancakarsa.html"
MINIMUM_SHOWN = 5
TOP = 3
SAMPLE_DAY = date(2022, 5, 4)


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    frame = facts.frames["estimates.theme_window"].filter(pl.col("scheme_id") == facts.scheme)
    labels = {key: both[w.language] for key, both in facts.themes.items()}
    chart = common.theme_chart(sheet, facts.scheme)
    tagged = tagging(sheet)
    others = [
        other_scheme(sheet, scheme, labels, i) for i, scheme in enumerate([s for s in facts.schemes if s != facts.scheme], 1)
    ]
    body = render(
        "pancakarsa.html",
        w,
        p=sheet.opening(headline(sheet, frame), lede(sheet, tagged), kind=labels.get(facts.scheme, w._("Programme themes"))),
        chart=sheet.chart(chart, prefix="tema-"),
        shares=shares(sheet, frame, labels),
        others=others,
        top=top_posts(sheet, labels),
        top_scheme=labels.get(facts.tagged_by, facts.tagged_by),
        asked=aspirations(sheet),
        grid=grid(sheet, labels),
        tagged=tagged,
        check=tag_check(facts.rules, w),
    )
    return sheet.page(body, title=w.plain("Pancakarsa"))


def other_scheme(sheet: Sheet, scheme: str, labels: dict[str, str], number: int) -> dict:
    """The programmes of another scheme: a chart of their own, or, where they group the same posts, only which is which."""
    name, pairs = labels.get(scheme, scheme), same_posts(sheet.facts.frames["estimates.theme_window"], sheet.facts.scheme, scheme)
    if pairs:
        return {"name": name, "chart": None, "pairs": [(labels.get(b, b), labels.get(a, a)) for a, b in pairs]}
    chart = sheet.chart(common.theme_chart(sheet, scheme, name=f"program-{number}"), prefix="tema-")
    return {"name": name, "chart": chart, "pairs": []}


def same_posts(window: pl.DataFrame, lead: str, other: str) -> list[tuple[str, str]]:
    """(theme of the leading scheme, programme of the other) when both schemes sort the same posts one for one, else nothing.

    Told by counts, shares and lift together: two groups of posts that agree in all of them to nine digits are one group."""

    def groups(scheme: str) -> dict[tuple, str]:
        columns = ["n_posts", "n_agencies", "share_posts", "share_engagement", "lift"]
        rows = window.filter(pl.col("scheme_id") == scheme).sort("programme").to_dicts()
        return {tuple(None if r[c] is None else round(r[c], 9) for c in columns): r["programme"] for r in rows}

    mine, theirs = groups(lead), groups(other)
    if not mine or set(mine) != set(theirs) or len(mine) != window.filter(pl.col("scheme_id") == other).height:
        return []
    return sorted((theme, theirs[key]) for key, theme in mine.items())


def headline(sheet: Sheet, frame: pl.DataFrame) -> str:
    """How many programmes differ for certain, and how much is posted on none."""
    w, rows = sheet.words, frame.to_dicts()
    judged = [theme_side(r) for r in rows if r["lower"] is not None]
    if not judged:
        return w._("Too few tagged posts to compare themes")
    clear, none = sum(side in ("up", "down") for side in judged), sheet.facts.untagged.get(sheet.facts.scheme)
    sure = (
        w.ngettext(
            "{n} of {all} themes draws more or less response for certain",
            "{n} of {all} themes draw more or less response for certain",
            clear,
            all=w.integer(len(judged)),
        )
        if clear
        else w._("No theme draws more or less response for certain")
    )
    return sure if none is None else w._("{finding}; {share} of posts carry no theme", finding=sure, share=w.percent(none))


def judged_posts(sheet: Sheet) -> pl.DataFrame:
    first, last = sheet.facts.period
    posts = sheet.facts.frames["posts"]
    return posts if first is None else posts.filter(pl.col("published_on").is_between(first, last))


def top_posts(sheet: Sheet, labels: dict[str, str]) -> list[dict]:
    """Per theme the three posts with the highest lift, from themes with at least five comparable posts."""
    w, facts = sheet.words, sheet.facts
    agencies = {a["agency_id"]: a for a in facts.agencies}
    posts = judged_posts(sheet).filter(
        pl.col("programme").is_not_null()
        & pl.col("lift").is_finite()
        & pl.col("is_comparable")
        & pl.col("agency_id").is_not_null()
    )
    posts = posts.filter(pl.len().over("programme") >= MINIMUM_SHOWN)
    posts = posts.sort("lift", "post_key", descending=[True, False]).group_by("programme", maintain_order=True).head(TOP)
    if posts.is_empty():
        return []
    texts = facts.frames["texts"].select("post_key", "caption", "permalink").unique("post_key")
    found: dict[str, list[dict]] = {}
    for row in posts.join(texts, on="post_key", how="left", maintain_order="left").to_dicts():
        agency = agencies.get(row["agency_id"])
        found.setdefault(row["programme"], []).append(
            {
                "text": tampil(row["caption"], 80) or w.plain("(no text)"),
                "url": safe_link(row["permalink"]),
                "agency": agency,
                "agency_url": sheet.agency_url(agency) if agency else None,
                "platform": PLATFORM_NAMES.get(row["platform"], row["platform"]),
                "day": w.day(row["published_on"]),
                "lift": w.times(row["lift"], 1),
                "figure": f"post_lift:lift:post_key={row['post_key']}",
            }
        )
    return [{"label": labels.get(p, p), "rows": rows} for p, rows in sorted(found.items())]


def aspirations(sheet: Sheet) -> dict:
    """What citizens ask about beside what is posted; only topics with at least five questions, never a name or a sentence."""
    w = sheet.words
    known = {t["id"]: t.get(f"name_{w.language}", t["id"]) for t in sheet.facts.rules.get("aspiration_topics", [])}
    frame = sheet.facts.frames["estimates.aspiration_gap"].filter(pl.col("cases") >= MINIMUM_SHOWN)
    rows = frame.sort("cases", "topic", descending=[True, False]).to_dicts()
    columns = (
        Column("topic", w.plain("Topic")),
        Column("cases", w.plain("Questions"), "integer"),
        Column("share_cases", w.plain("Share of questions"), "percent", 1),
        Column("posts", w.plain("Posts on it"), "integer"),
        Column("share_posts", w.plain("Share of posts on topics"), "percent", 1),
    )
    values = tuple((known.get(r["topic"], r["topic"]), r["cases"], r["share_cases"], r["posts"], r["share_posts"]) for r in rows)
    silent = [known.get(r["topic"], r["topic"]) for r in rows if r["posts"] == 0 and r["topic"] != "lainnya"]
    table = Table(columns, values)
    title = (
        w._("Asked about but not posted on: {topics}", topics=w.join(silent[:4])) if silent else w._("What citizens ask about")
    )
    return {"table": table, "title": title, "csv": sheet.csv("tema-aspirasi", w.plain("Aspirations"), table) if rows else None}


@functools.cache
def checked_sample() -> tuple[dict, ...]:
    return tuple(json.loads((Path(__file__).parent / "theme_cases.json").read_text(encoding="utf-8")))


def tag_check(rules: dict, words) -> list[str]:
    """Precision and recall of the rules on the shipped hand-labelled captions: Wilson intervals, and how small the sample is."""
    cases = checked_sample()
    frame = pl.DataFrame(
        [(i, case["caption"], None, SAMPLE_DAY) for i, case in enumerate(cases)],
        schema={"post_key": pl.Int64, "caption": pl.Utf8, "agency_id": pl.Utf8, "published_on": pl.Date},
        orient="row",
    )
    if not any(s["id"] == LENS for s in rules.get("schemes", [])):
        return [words._("The register has no Pancakarsa rules, so their error rate cannot be checked here.")]
    given = set(post_programmes(frame, rules, LENS).select("post_key", "programme").iter_rows())
    true = {(i, p) for i, case in enumerate(cases) for p in case["programmes"]}
    right = len(given & true)
    return [
        words._(
            "On {n} hand-labelled captions the rules gave {given} themes, {right} of them right (precision; {precision}), and "
            "found {right} of {true} themes present (recall; {recall}).",
            n=words.integer(len(cases)),
            given=words.integer(len(given)),
            right=words.integer(right),
            true=words.integer(len(true)),
            precision=words.interval(*wilson(right, len(given)), kind="percent"),
            recall=words.interval(*wilson(right, len(true)), kind="percent"),
        ),
        words._(
            "That sample is very small and was written beside the rules, so it is a lower hurdle than real captions. Before "
            "themes carry a decision, two people should label 200 real captions."
        ),
    ]


def wilson(hits: int, n: int) -> tuple[float | None, float | None]:
    """95% interval of a share (Wilson 1927)."""
    if not n:
        return None, None
    z = 1.959964
    middle = (hits / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(hits / n * (1 - hits / n) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def tagging(sheet: Sheet) -> dict:
    """Share of posts of the period with a theme. Untagged posts are always shown beside the themes."""
    posts = judged_posts(sheet)
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
            "Themes are found by words and hashtags, so some posts are tagged wrongly; small differences between themes mean "
            "little."
        ),
    ]


def shares(sheet: Sheet, frame: pl.DataFrame, labels: dict[str, str]) -> dict:
    """Share of posts and share of interactions per theme, with 13 months of the share of posts."""
    w, months = sheet.words, sheet.facts.months()
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
                "figure": f"theme_window:share_posts:scheme_id={row['scheme_id']},programme={row['programme']}",
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
    """Agency × theme counts in the judged period, with a column “no theme”; above a hundred agencies the page adds them up by
    group and the CSV has every agency."""
    w, (first, last) = sheet.words, sheet.facts.period
    posts, windows = sheet.facts.frames["counted"], sheet.facts.frames["estimates.theme_window"]
    programmes = sorted(windows.filter(pl.col("scheme_id") == sheet.facts.tagged_by)["programme"].drop_nulls().unique())
    counts: dict[str, list[int]] = {}
    if first is not None:
        tally = posts.filter(pl.col("published_on").is_between(first, last)).group_by("agency_id", "programme").len()
        for row in tally.to_dicts():
            place = programmes.index(row["programme"]) if row["programme"] in programmes else -1
            counts.setdefault(row["agency_id"], [0] * (len(programmes) + 1))[place] += row["len"]
    agencies = common.ranked_agencies(sheet.facts)
    tallies = {a["agency_id"]: counts.get(a["agency_id"], [0] * (len(programmes) + 1)) for a in agencies}
    some = parts(agencies)
    members = [(part.label(w), sheet.url(daftar.part_url(part)), part.agencies) for part in some] or [
        (a["short"], sheet.agency_url(a), (a,)) for a in agencies
    ]
    rows = []
    for label, url, group in members:
        sums = [sum(column) for column in zip(*(tallies[a["agency_id"]] for a in group), strict=True)]
        rows.append({"label": label, "url": url, "cells": [(w.integer(n), shade(n)) for n in sums]})
    names = [*(labels.get(p, p) for p in programmes), w._("no theme")]
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("agency", w.plain("Agency")),
        *(Column(p, unescape(n), "integer") for p, n in zip([*programmes, "untagged"], names, strict=True)),
    )
    table = Table(columns, tuple((a["agency_id"], a["short"], *tallies[a["agency_id"]]) for a in agencies))
    csv = sheet.csv("tema-perangkat-daerah", w.plain("Who posts on what"), table) if agencies else None
    return {"names": names, "rows": rows, "csv": csv, "grouped": bool(some)}


def shade(count: int) -> str:
    if count == 0:
        return "nol"
    return "sedikit" if count < 5 else "r1" if count < 10 else "r2" if count < 20 else "r3"
