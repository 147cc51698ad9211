"""Every agency with its range against its number of posts: the same test as everywhere, drawn once."""

from __future__ import annotations

import math
from collections.abc import Iterable

import polars as pl

from pipeline.charts import JUDGED, SIZES, Chart, Column, Figure, Row, Table, finish, frame_size, note, outside, ratio_axis, rule
from pipeline.charts.marks import interval_columns, lines, points, upright
from pipeline.html.escape import teks
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.svg import plain_text, text_width

MARKS = {
    "up": ("up", "triangle-up"),
    "down": ("down", "triangle-down"),
    "flat": ("neutral", "circle"),
    "data": ("neutral", "circle-open"),
}
BY_PARTS = "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<br>%{customdata[3]}<extra></extra>"
LISTED = 60  # agencies; above that the page lists those apart, the CSV and the table of agencies all of them


def expected_range(frame: pl.DataFrame, words: Words) -> Chart:
    """`vs_expected` (log) against number of judged posts (log), each agency with its own 95% interval.

    frame: agency_id, short_name, vs_expected, lower, upper, n_posts, state. Coloured and named are the judged agencies whose
    whole interval lies on one side of ×1: the test of the lists and of the agencies' own pages, and no second one."""
    rows = [
        {**r, "side": outside(r["vs_expected"], r["lower"], r["upper"]) if r["state"] in JUDGED else "data"}
        for r in frame.sort("short_name").to_dicts()
        if r["vs_expected"] and (r["n_posts"] or 0) > 0
    ]
    counts = {kind: sum(r["side"] == kind for r in rows) for kind in MARKS}
    silent = frame.height - len(rows)  # without a post that could be judged: nothing to draw
    judged = len(rows) - counts["data"]
    table = _table(rows, words)
    apart = tuple(row for row, r in zip(table.rows, rows, strict=True) if r["side"] in ("up", "down"))
    return Chart(
        name="rentang",
        title=_title(counts, judged, words),
        subtitle=words._("Response against the usual (×1.00), by number of posts. One dot is one agency."),
        reading=words._(
            "The thin bar is the range in which the agency's true value very probably lies; the fewer posts, the longer it is. "
            "Coloured and named: the whole bar lies above or below ×1. A grey dot should be neither praised nor blamed for its "
            "place."
        ),
        source=words._("Source: platform files downloaded by the agencies"),
        description=_description(counts, judged, silent, words),
        table=table,
        figures={size: _figure(rows, words, size) for size in SIZES} if rows else {},
        keys=_keys(counts, silent, words),
        listed=Table(table.columns, apart) if len(rows) > LISTED else None,
        listed_note=words._("Only agencies above or below are listed here; all {n} are in the CSV.", n=words.integer(len(rows))),
    )


def _table(rows: list[Row], words: Words) -> Table:
    return Table(
        (
            Column("agency", words.plain("Agency")),
            Column("n_posts", words.plain("Posts that were judged"), "integer"),
            Column("vs_expected", words.plain("× usual"), "times"),
            *interval_columns(words),
            Column("side", words.plain("Against the usual")),
        ),
        tuple((r["short_name"], r["n_posts"], r["vs_expected"], r["lower"], r["upper"], _side(r["side"], words)) for r in rows),
    )


def _description(counts: dict[str, int], judged: int, silent: int, words: Words) -> str:
    return words._(
        "{above} of {judged} judged agencies lie above the usual, {below} below, {inside} are not certainly "
        "different; {hollow} are not judged and {silent} have no value to draw.",
        inside=counts["flat"],
        judged=judged,
        above=counts["up"],
        below=counts["down"],
        hollow=counts["data"],
        silent=silent,
    )


def _keys(counts: dict[str, int], silent: int, words: Words) -> tuple[tuple[str, str, str], ...]:
    return (
        ("up", "▲", words._("above the usual ({n})", n=counts["up"])),
        ("neutral", "●", words._("not certainly different ({n})", n=counts["flat"])),
        ("down", "▼", words._("below the usual ({n})", n=counts["down"])),
        ("neutral", "○", words._("too few posts, not judged ({n})", n=counts["data"])),
        *((("neutral", "", words._("without a value, not drawn ({n})", n=silent)),) if silent else ()),
    )


def _title(counts: dict[str, int], judged: int, words: Words) -> str:
    if not judged:
        return words._("No agency has enough data to be judged yet")
    if counts["flat"] == judged:
        return words.ngettext(
            "The one judged agency draws about the usual response",
            "All {n} judged agencies draw about the usual response",
            judged,
        )
    return words._("{inside} of {judged} agencies draw about the usual response", inside=counts["flat"], judged=judged)


def _side(side: str, words: Words) -> str:
    return {
        "up": words.plain("above"),
        "down": words.plain("below"),
        "flat": words.plain("inside"),
        "data": words.plain("not judged"),
    }[side]


def _figure(rows: list[Row], words: Words, size: str) -> Figure:
    font = 11 if size == "n" else 12
    counts = [r["n_posts"] for r in rows]
    low, high = min(counts) / 1.35, max(counts) * 1.5
    axis = ratio_axis(_drawn(rows), words)
    data = []
    for side in ("data", "flat", "down", "up"):
        group = [r for r in rows if r["side"] == side]
        spans = [(r["lower"], r["upper"], r["n_posts"]) for r in group if r["lower"] and r["upper"]]
        if spans:
            apart = side in ("up", "down")
            data.append(lines(*upright(spans), MARKS[side][0], width=2 if apart else 1, opacity=0.8 if apart else 0.3))
        if group:
            data.append(_dots(group, side, words))
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
                "title": {"text": words.plotly("Posts that were judged (log scale)")},
            },
            "yaxis": axis,
            "shapes": [rule("y", 1.0)],
            "annotations": _names(rows, size, axis["range"], (math.log10(low), math.log10(high)), font),
        },
        size,
        height={"w": 400, "m": 300, "n": 360}[size],
    )


def _drawn(rows: list[Row]) -> Iterable[float]:
    """What the axis must hold: every value and the ranges of judged agencies; the huge range of a few posts leaves the
    drawing."""
    values = [r["vs_expected"] for r in rows]
    bounds = [r[name] for r in rows if r["side"] != "data" for name in ("lower", "upper")]
    return [*values, *bounds]


def _dots(group: list[Row], side: str, words: Words) -> Spec:
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


def _names(rows: list[Row], size: str, y_range: list[float], x_range: tuple[float, float], font: int) -> list[Spec]:
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
