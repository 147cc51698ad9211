"""Agencies against what chance allows: the funnel of section 4 of the metric catalogue."""

import math
from statistics import median
from typing import Any

import polars as pl

from pipeline.charts import JUDGED, SIZES, Chart, Column, Table, band, finish, frame_size, note, outside, ratio_axis, rule
from pipeline.charts.marks import interval_columns, points
from pipeline.html.escape import teks
from pipeline.html.locale import Words
from pipeline.html.svg import plain_text, text_width

MARKS = {
    "up": ("up", "triangle-up"),
    "down": ("down", "triangle-down"),
    "flat": ("neutral", "circle"),
    "data": ("neutral", "circle-open"),
}
LIMIT = 1.959964
BY_PARTS = "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<extra></extra>"
LISTED = 60  # agencies; above that the page lists those outside, the CSV and the table of agencies all of them


def expected_range(frame: pl.DataFrame, words: Words) -> Chart:
    """`vs_expected` (log) against number of mature posts (log), with over-dispersed 68% and 95% limits.

    frame: agency_id, short_name, vs_expected, lower, upper, n_posts, state. Only judged agencies outside the limits are
    coloured and named (`judge`)."""
    rows = [r for r in frame.sort("short_name").to_dicts() if r["vs_expected"] and (r["n_posts"] or 0) > 0]
    judge(rows)
    counts = {kind: sum(r["side"] == kind for r in rows) for kind in MARKS}
    judged = len(rows) - counts["data"]
    table = Table(
        (
            Column("agency", words.plain("Agency")),
            Column("n_posts", words.plain("Posts"), "integer"),
            Column("vs_expected", words.plain("× expected"), "times"),
            *interval_columns(words),
            Column("side", words.plain("Against the expected range")),
        ),
        tuple((r["short_name"], r["n_posts"], r["vs_expected"], r["lower"], r["upper"], _side(r["side"], words)) for r in rows),
    )
    apart = tuple(row for row, r in zip(table.rows, rows, strict=True) if r["side"] in ("up", "down"))
    return Chart(
        name="rentang",
        title=_title(counts, judged, words),
        subtitle=words._("Response against the expected value, by number of posts. One dot is one agency."),
        reading=words._(
            "The fewer the posts, the wider the swing that chance alone produces. A dot inside the grey band should be neither "
            "praised nor blamed for its place; and about {n} would lie outside by chance alone.",
            n=words.integer(round(0.05 * judged)),
        ),
        source=words._("Source: platform exports downloaded by the agencies"),
        description=words._(
            "{inside} of {judged} judged agencies lie inside the expected range, {above} above, {below} below; {hollow} are not "
            "judged.",
            inside=counts["flat"],
            judged=judged,
            above=counts["up"],
            below=counts["down"],
            hollow=counts["data"],
        ),
        table=table,
        figures={size: _figure(rows, words, size) for size in SIZES} if rows else {},
        figure_id="agency_window:vs_expected",
        keys=(
            ("up", "▲", words._("above the expected range ({n})", n=counts["up"])),
            ("neutral", "●", words._("inside the expected range ({n})", n=counts["flat"])),
            ("down", "▼", words._("below the expected range ({n})", n=counts["down"])),
            ("neutral", "○", words._("too little data, not judged ({n})", n=counts["data"])),
        ),
        listed=Table(table.columns, apart) if len(rows) > LISTED else None,
        listed_note=words._(
            "Only agencies outside the range are listed here; all {n} are in the CSV.", n=words.integer(len(rows))
        ),
    )


def _title(counts: dict[str, int], judged: int, words: Words) -> str:
    if not judged:
        return words._("No agency has enough data to be judged yet")
    if counts["flat"] == judged:
        return words.ngettext(
            "The one judged agency lies inside the range that chance allows",
            "All {n} judged agencies lie inside the range that chance allows",
            judged,
        )
    return words._("{inside} of {judged} agencies lie inside the range that chance allows", inside=counts["flat"], judged=judged)


def _side(side: str, words: Words) -> str:
    return {
        "up": words.plain("above"),
        "down": words.plain("below"),
        "flat": words.plain("inside"),
        "data": words.plain("not judged"),
    }[side]


def judge(rows: list[dict]) -> None:
    """Adds `side` to each row: up, down, flat, or data when it is not judged.

    Outside means both: beyond the over-dispersed 95% limit of Spiegelhalter (2005), z = ln(×) / √(τ² + se²) with τ² by moments on
    winsorised z, and the agency's own interval clear of ×1. Chance alone puts about 5% outside, and the chart says so."""
    judged = [r for r in rows if r["state"] in JUDGED and r["lower"] and r["upper"] and r["upper"] > r["lower"]]
    spread = over_dispersion(judged)
    for row in rows:
        row["side"] = "data"
    for row in judged:
        z = math.log(row["vs_expected"]) / math.sqrt(spread + _se(row) ** 2)
        clear = outside(row["vs_expected"], row["lower"], row["upper"])
        row["side"] = clear if abs(z) > LIMIT else "flat"


def _se(row: dict) -> float:
    return math.log(row["upper"] / row["lower"]) / (2 * LIMIT)


def over_dispersion(judged: list[dict]) -> float:
    """τ²: spread between agencies beyond their own error, by DerSimonian–Laird moments on z winsorised at 10% and 90%."""
    if len(judged) < 3:
        return 0.0
    scores = sorted(math.log(r["vs_expected"]) / _se(r) for r in judged)
    low, high = scores[int(0.1 * (len(scores) - 1))], scores[math.ceil(0.9 * (len(scores) - 1))]
    squares = sum(min(max(z, low), high) ** 2 for z in scores)
    weights = [1 / _se(r) ** 2 for r in judged]
    total = sum(weights) - sum(w * w for w in weights) / sum(weights)
    return max(0.0, (squares - (len(judged) - 1)) / total) if total > 0 else 0.0


def _figure(rows: list[dict], words: Words, size: str):
    font = 11 if size == "n" else 12
    counts = [r["n_posts"] for r in rows]
    low, high = min(counts) / 1.35, max(counts) * 1.5
    judged = [r for r in rows if r["side"] != "data"]
    grid = [low * (high / low) ** (i / 40) for i in range(41)]
    limits = _limits(judged, grid)
    seen = [r["vs_expected"] for r in rows]
    # the band of very few posts is wide; it leaves the drawing rather than pressing the agencies together
    edges = [min(max(v, min(seen) / 1.25), max(seen) * 1.25) for pair in limits.get(1.96, []) for v in pair]
    axis = ratio_axis([*seen, *edges], words)
    data = [
        band(grid, [lo for lo, _ in pairs], [hi for _, hi in pairs], tint)
        for z, tint in ((1.96, "surface2"), (1.0, "neutralbg"))
        if (pairs := limits.get(z))
    ]
    for side in ("data", "flat", "down", "up"):
        group = [r for r in rows if r["side"] == side]
        if group:
            data.append(_dots(group, side, words))
    notes = _names(rows, size, axis["range"], (math.log10(low), math.log10(high)), font)
    if limits:
        top = min(math.log10(limits[1.96][0][1]), axis["range"][1])
        corner: dict[str, Any] = {"xanchor": "left", "yanchor": "top", "xshift": 5, "yshift": -2}
        notes.append(note(words.plotly("95% expected range"), math.log10(low), top, size=font - 1, **corner))
    fives = high / low < 12  # a short axis has room for 5, 50 and 500 as well
    ticks = [t for t in (1, 3, 5, 10, 30, 50, 100, 300, 500, 1000, 3000) if low <= t <= high and (fives or t not in (5, 50, 500))]
    return finish(
        data,
        {
            "margin": {"l": 50, "r": 14, "t": 14, "b": 46},
            "xaxis": {
                "type": "log",
                "range": [math.log10(low), math.log10(high)],
                "tickvals": ticks,
                "ticktext": [words.integer(t) for t in ticks],
                "title": {"text": words.plotly("Posts in the period (log scale)")},
            },
            "yaxis": axis,
            "shapes": [rule("y", 1.0)],
            "annotations": notes,
        },
        size,
        height={"w": 400, "m": 300, "n": 360}[size],
    )


def _limits(judged: list[dict], grid: list[float]) -> dict[float, list[tuple[float, float]]]:
    """Limits of chance at each number of posts: √(τ² + s²/n), s² the typical squared error per post."""
    if len(judged) < 8:
        return {}
    spread = over_dispersion(judged)
    per_post = median(_se(r) ** 2 * r["n_posts"] for r in judged)
    return {
        z: [(math.exp(-z * w), math.exp(z * w)) for w in (math.sqrt(spread + per_post / n) for n in grid)] for z in (1.96, 1.0)
    }


def _dots(group: list[dict], side: str, words: Words) -> dict:
    tint, symbol = MARKS[side]
    hover = [
        [
            teks(r["short_name"]),
            words.times(r["vs_expected"]),
            words.interval(r["lower"], r["upper"], kind="times"),
            words.plotly("{n} posts", n=words.integer(r["n_posts"])),
        ]
        for r in group
    ]
    place = [r["n_posts"] for r in group], [r["vs_expected"] for r in group]
    wide = 11 if side in ("up", "down") else 8
    dots = points(*place, tint, hover, size=wide, hollow=side == "data", symbol=symbol.removesuffix("-open"))
    return {**dots, "hovertemplate": BY_PARTS}


def _names(rows: list[dict], size: str, y_range: list[float], x_range: tuple[float, float], font: int) -> list[dict]:
    """Names of the agencies outside, placed greedily where they touch no other name and no dot."""
    box = frame_size(size, height={"w": 400, "m": 300, "n": 360}[size])
    width, height = box["width"] - 64, box["height"] - 60
    spot = {
        r["agency_id"]: (
            (math.log10(r["n_posts"]) - x_range[0]) / (x_range[1] - x_range[0]) * width,
            (math.log10(r["vs_expected"]) - y_range[0]) / (y_range[1] - y_range[0]) * height,
        )
        for r in rows
    }
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in spot.values()]
    notes = []
    for row in sorted(
        (r for r in rows if r["side"] in ("up", "down")), key=lambda r: (-abs(math.log(r["vs_expected"])), r["agency_id"])
    ):
        x, y = spot[row["agency_id"]]
        name = teks(row["short_name"], 26)
        wide, tall = text_width(plain_text(name), font - 0.5), font * 1.25
        for anchor, left, bottom, dx, dy in (
            ("left", x + 9, y - tall / 2, 9, 0),
            ("right", x - 9 - wide, y - tall / 2, -9, 0),
            ("center", x - wide / 2, y + 8, 0, 8 + tall / 2),
            ("center", x - wide / 2, y - 8 - tall, 0, -8 - tall / 2),
            *(
                (side, x + (7 if side == "left" else -7 - wide), y + lift - tall / 2, 7 if side == "left" else -7, lift)
                for lift in (11, -11, 20, -20, 29, -29)
                for side in ("left", "right")
            ),
        ):
            place = (left, bottom, left + wide, bottom + tall)
            free = left >= 0 and left + wide <= width + 10 and bottom >= -4 and bottom + tall <= height + 8
            if free and not any(place[0] < t[2] and t[0] < place[2] and place[1] < t[3] and t[1] < place[3] for t in taken):
                taken.append(place)
                notes.append(
                    note(
                        name,
                        math.log10(row["n_posts"]),
                        math.log10(row["vs_expected"]),
                        size=font - 0.5,
                        tint=row["side"],
                        xanchor=anchor,
                        xshift=dx,
                        yshift=dy,
                    )
                )
                break
    return notes
