"""Themes of the regency's programmes: which one draws response, how much is posted on it, what do people ask about?"""

from __future__ import annotations

from html import unescape
from typing import Any

import polars as pl
from markupsafe import Markup

from pipeline.charts import Column, Table
from pipeline.charts.dots import theme_side
from pipeline.html import render
from pipeline.html.escape import safe_link, tampil
from pipeline.html.mini import sparkline
from pipeline.pages import common, daftar
from pipeline.pages.data import UNTAGGED
from pipeline.pages.parts import parts
from pipeline.pages.sheet import Sheet

PATH = "pancakarsa.html"
MINIMUM_SHOWN = 5  # questions of a topic: below it a topic could point at a person
OTHER = "lainnya"
TOP = 3
WINDOW, POSTS, GAP, CHECK = "estimates.theme_window", "marts.post_list", "estimates.aspiration_gap", "estimates.theme_check"


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    frame, labels = facts.programmes(facts.scheme), common.theme_labels(facts, w)
    others = [
        other_scheme(sheet, scheme, labels, i) for i, scheme in enumerate([s for s in facts.schemes if s != facts.scheme], 1)
    ]
    title = labels.get(facts.scheme, w._("Programme themes"))
    body = render(
        "pancakarsa.html",
        w,
        p=sheet.opening(headline(sheet, frame, labels), lede(sheet, frame, labels), kind=title),
        chart=sheet.chart(common.theme_chart(facts, w, facts.scheme), prefix="tema-"),
        shares=shares(sheet, frame, labels),
        others=others,
        top=top_posts(sheet, labels),
        asked=aspirations(sheet),
        grid=grid(sheet, labels),
        check=tag_check(sheet),
    )
    return sheet.page(body, title=sheet.themes_label)


def other_scheme(sheet: Sheet, scheme: str, labels: dict[str, str], number: int) -> dict[str, Any]:
    """The programmes of another scheme: a chart of their own, or, where they group the same posts, only which is which."""
    name, pairs = labels.get(scheme, scheme), same_posts(sheet.facts.frames[WINDOW], sheet.facts.scheme, scheme)
    if pairs:
        return {"name": name, "chart": None, "pairs": [(labels.get(b, b), labels.get(a, a)) for a, b in pairs]}
    chart = sheet.chart(common.theme_chart(sheet.facts, sheet.words, scheme, name=f"program-{number}"), prefix="tema-")
    return {"name": name, "chart": chart, "pairs": []}


def same_posts(window: pl.DataFrame, lead: str, other: str) -> list[tuple[str, str]]:
    """(theme of the leading scheme, programme of the other) when both schemes sort the same posts one for one, else nothing.

    Told by counts, shares and lift together: two groups of posts that agree in all of them to nine digits are one group."""

    def groups(scheme: str) -> dict[tuple[Any, ...], str]:
        columns = ["n_posts", "n_agencies", "share_posts", "share_engagement", "lift"]
        rows = window.filter(pl.col("scheme_id") == scheme, pl.col("programme") != UNTAGGED).sort("programme").to_dicts()
        return {tuple(None if r[c] is None else round(r[c], 9) for c in columns): r["programme"] for r in rows}

    mine, theirs = groups(lead), groups(other)
    if (
        not mine
        or set(mine) != set(theirs)
        or len(mine) != window.filter(pl.col("scheme_id") == other, pl.col("programme") != UNTAGGED).height
    ):
        return []
    return sorted((theme, theirs[key]) for key, theme in mine.items())


def headline(sheet: Sheet, frame: pl.DataFrame, labels: dict[str, str]) -> str:
    """The finding by name: which theme draws most, as far as its range goes."""
    w, rows = sheet.words, frame.to_dicts()
    names = {side: [labels.get(r["programme"], r["programme"]) for r in rows if theme_side(r) == side] for side in ("up", "down")}
    if not any(r["lower"] is not None for r in rows):
        return w._("Too few posts with a theme to compare themes")
    if names["up"] and names["down"]:
        return w._("{up} draws more response than other posts, {down} less", up=w.join(names["up"]), down=w.join(names["down"]))
    if names["up"]:
        return w._("Only {up} certainly draws more response than other posts", up=w.join(names["up"]))
    if names["down"]:
        return w._("{down} draws less response than other posts", down=w.join(names["down"]))
    return w._("All themes draw about the same response")


def theme_sentence(sheet: Sheet, row: dict[str, Any], labels: dict[str, str]) -> Markup:
    """How much more or less a theme draws that certainly differs: a factor, its range, and on how many posts it rests."""
    return sheet.words._(
        "Posts on {theme} draw {times} times the response of the same accounts' other posts ({between}, {posts} posts).",
        theme=labels.get(row["programme"], row["programme"]),
        times=sheet.number(WINDOW, row, "lift", "number", 2),
        between=sheet.between(WINDOW, row, "times"),
        posts=sheet.number(WINDOW, row, "n_posts"),
    )


def lede(sheet: Sheet, frame: pl.DataFrame, labels: dict[str, str]) -> list[str]:
    w, none = sheet.words, sheet.facts.untagged(sheet.facts.scheme)
    if not none:
        return [w._("There are no posts in this period.")]
    return [
        *(theme_sentence(sheet, row, labels) for row in frame.to_dicts() if theme_side(row) in ("up", "down")),
        w._(
            "{share} of the judged posts in {period} carry no theme; they are shown beside the themes and not left out.",
            share=sheet.number(WINDOW, none, "share_posts", "percent"),
            period=sheet.period,
        ),
        w._("Themes are found by words and hashtags, so some posts are sorted wrongly; small differences mean little."),
    ]


def top_posts(sheet: Sheet, labels: dict[str, str]) -> list[dict[str, Any]]:
    """Per theme the three posts with the highest pull, from themes with at least five comparable posts."""
    w, facts = sheet.words, sheet.facts
    agencies = {a["agency_id"]: a for a in facts.agencies}
    found: dict[str, list[dict[str, Any]]] = {}
    rows = facts.frames[POSTS].filter(pl.col("place_theme") <= TOP).sort("programme", "place_theme").to_dicts()
    for row in rows:
        agency = agencies.get(row["agency_id"])
        found.setdefault(row["programme"], []).append(
            {
                "text": tampil(row["caption"], 300) or w.plain("(no text)"),
                "url": safe_link(row["permalink"]),
                "agency": agency,
                "agency_url": sheet.agency_url(agency) if agency else None,
                "platform": common.platform_name(row["platform"]),
                "day": w.day(row["published_on"]),
                "lift": sheet.number(POSTS, row, "lift", "times", 1),
            }
        )
    return [{"label": labels.get(p, p), "rows": rows} for p, rows in sorted(found.items())]


def aspirations(sheet: Sheet) -> dict[str, Any]:
    """What citizens ask about beside what is posted; only topics with at least five questions, never a name or a sentence."""
    w = sheet.words
    known = {t["id"]: t.get(f"name_{w.language}", t["id"]) for t in sheet.facts.rules.get("aspiration_topics", [])}
    frame = sheet.facts.frames[GAP].filter(pl.col("cases") >= MINIMUM_SHOWN)
    rest = pl.col("topic") == OTHER  # what fits no topic stands last
    rows = frame.sort(rest, "cases", "topic", descending=[False, True, False]).to_dicts()
    columns = (
        Column("topic", w.plain("Topic")),
        Column("cases", w.plain("Questions"), "integer"),
        Column("share_cases", w.plain("Share of questions"), "percent", 1),
        Column("posts", w.plain("Posts on it"), "integer"),
        Column("share_posts", w.plain("Share of posts on topics"), "percent", 1),
    )
    values = tuple((known.get(r["topic"], r["topic"]), r["cases"], r["share_cases"], r["posts"], r["share_posts"]) for r in rows)
    silent = [known.get(r["topic"], r["topic"]) for r in rows if r["posts"] == 0 and r["topic"] != OTHER]
    table = Table(columns, values)
    title = (
        w._("Asked about but not posted on: {topics}", topics=w.join(silent[:4])) if silent else w._("What citizens ask about")
    )
    return {"table": table, "title": title, "csv": sheet.csv("tema-aspirasi", w.plain("Aspirations"), table) if rows else None}


def tag_check(sheet: Sheet) -> list[str]:
    """How often the rules are right on the shipped hand-labelled captions, and how small that sample is."""
    w, row = sheet.words, sheet.facts.row(CHECK)
    if not row:
        return [w._("The register has no rules for themes, so their error rate cannot be checked here.")]
    return [
        w._(
            "On {n} hand-labelled captions the rules gave {given} themes, {right} of them right ({precision} are "
            "right), and found "
            "{right} of {true} themes present ({recall} are found).",
            n=sheet.number(CHECK, row, "n_captions"),
            given=sheet.number(CHECK, row, "given"),
            right=sheet.number(CHECK, row, "right"),
            true=sheet.number(CHECK, row, "present"),
            precision=sheet.between(CHECK, row, "percent", bounds=("precision_lower", "precision_upper")),
            recall=sheet.between(CHECK, row, "percent", bounds=("recall_lower", "recall_upper")),
        ),
        w._(
            "That sample is very small and was written beside the rules, so it is a lower hurdle than real captions. "
            "Before themes "
            "carry a decision, two people should label 200 real captions."
        ),
    ]


def shares(sheet: Sheet, frame: pl.DataFrame, labels: dict[str, str]) -> dict[str, Any]:
    """Share of posts and share of interactions per theme, with 13 months of the share of posts."""
    w, months = sheet.words, sheet.facts.months()
    monthly = sheet.facts.frames["estimates.theme_month"].filter(pl.col("scheme_id") == sheet.facts.scheme)
    series = {
        key[0]: dict(part.select("month", "share_posts").iter_rows())
        for key, part in monthly.partition_by("programme", as_dict=True).items()
    }
    rows = [
        {
            "label": labels.get(row["programme"], row["programme"]),
            "posts": sheet.number(WINDOW, row, "share_posts", "percent", 1),
            "response": sheet.number(WINDOW, row, "share_engagement", "percent", 1),
            "n": sheet.number(WINDOW, row, "n_posts"),
            "spark": sparkline([series.get(row["programme"], {}).get(m) for m in months], size=(92, 24)),
            "raw": row,
        }
        for row in frame.to_dicts()
    ]
    columns = (
        Column("programme", w.plain("Theme")),
        Column("share_posts", w.plain("Share of posts"), "percent", 1),
        Column("share_engagement", w.plain("Share of interactions"), "percent", 1),
        Column("n_posts", w.plain("Posts that were judged"), "integer"),
    )
    values = tuple((r["label"], r["raw"]["share_posts"], r["raw"]["share_engagement"], r["raw"]["n_posts"]) for r in rows)
    return {
        "rows": rows,
        "csv": sheet.csv("tema-porsi", w.plain("Share of posts and of interactions"), Table(columns, values)) if rows else None,
    }


def grid(sheet: Sheet, labels: dict[str, str]) -> dict[str, Any]:
    """Agency × theme counts of posts in the judged period, with a column “no theme”; above a hundred agencies only names and the
    CSV, because a page of five hundred rows is no page."""
    w, table = sheet.words, "marts.theme_agency"
    rows = sheet.facts.frames[table].to_dicts()
    programmes = [*sorted({r["programme"] for r in rows} - {UNTAGGED}), UNTAGGED]
    cells = {(r["agency_id"], r["programme"]): r for r in rows}
    names = [*(labels.get(p, p) for p in programmes[:-1]), w._("no theme")]

    def shown(agency_id: str, programme: str) -> tuple[Any, str]:
        row = cells.get((agency_id, programme), {})
        return (sheet.number(table, row, "n_posts") if row else "", shade(row.get("n_posts") or 0))

    some = parts(sheet.facts.listed)
    listed = (
        [(part.label(w), sheet.url(daftar.part_url(part)), []) for part in some]
        if some
        else [(a["short"], sheet.agency_url(a), [shown(a["agency_id"], p) for p in programmes]) for a in sheet.facts.listed]
    )
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("agency", w.plain("Agency")),
        *(Column(p, unescape(n), "integer") for p, n in zip(programmes, names, strict=True)),
    )
    values = tuple(
        (a["agency_id"], a["short"], *(cells.get((a["agency_id"], p), {}).get("n_posts", 0) for p in programmes))
        for a in sheet.facts.listed
    )
    csv = sheet.csv("tema-perangkat-daerah", w.plain("Who posts on what"), Table(columns, values)) if values else None
    return {
        "names": [] if some else names,
        "rows": [{"label": label, "url": url, "cells": found} for label, url, found in listed],
        "csv": csv,
        "grouped": bool(some),
    }


def shade(count: int) -> str:
    if count == 0:
        return "nol"
    return "sedikit" if count < 5 else "r1" if count < 10 else "r2" if count < 20 else "r3"
