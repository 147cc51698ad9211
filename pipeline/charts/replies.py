"""How long people wait for a first reply: a strip of quantiles on a log scale, with the target."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.charts import SIZES, Chart, Column, Figure, Table, finish, note, rule
from pipeline.charts.marks import lines, points
from pipeline.html.locale import Words

TARGET_HOURS = 24.0


def reply_times(waits: pl.DataFrame, summary: Mapping[str, Any], words: Words, *, agency_id: str) -> Chart:
    """waits: share, hours (null where the share is not reached yet), of `estimates.reply_waits`; summary: the row of
    `estimates.response_summary`. Open questions are waits that have not ended; they are counted, not left out."""
    found = [(share, hours) for share, hours in waits.sort("share").select("share", "hours").iter_rows()]
    table = Table(
        (
            Column("share", words.plain("Share of questions answered"), "percent"),
            Column("hours", words.plain("Within, hours"), "hours"),
        ),
        tuple(found),
    )
    return Chart(
        name="balasan",
        title=_title(dict(found), summary, words),
        subtitle=words.ngettext(
            "Time to the first reply to {n} question, {open} still open",
            "Time to the first reply to {n} questions, {open} still open",
            summary["n"],
            open=words.integer(summary["open"]),
        ),
        reading=words._(
            "Thick bar: the middle half of questions; thin line: from the fastest tenth to the slowest tenth; dot: half of the "
            "questions have a reply by then. Dashed: the target of 24 hours. Open questions count as still waiting, they are not "
            "left out."
        ),
        source=words._("Source: response log"),
        description="; ".join(_reached(share, hours, words) for share, hours in found)
        or words.plain("There are too few questions to draw how long they waited."),
        table=table,
        figures={size: _figure(found, words, size) for size in SIZES} if any(h is not None for _, h in found) else {},
        figure_id=f"response_summary:median_hours:agency_id={agency_id}",
    )


def _reached(share: float, hours: float | None, words: Words) -> str:
    if hours is None:
        return words.plain("{share} not reached yet", share=words.percent(share))
    return words.plain("{share} within {hours}", share=words.percent(share), hours=words.hours(hours))


def _title(at: dict[float, float | None], summary: Mapping[str, Any], words: Words) -> str:
    middle = at.get(0.5)
    if not at:
        return words._("There are too few questions to say how fast they are answered")
    if middle is None:
        return words._("More than half of the questions have no reply yet")
    if middle <= TARGET_HOURS:
        return words._("Half of the questions get a reply within {hours}", hours=words.hours(middle))
    return words._("Only {share} of questions get a reply within 24 hours", share=words.percent(summary["answered_24h"]))


def _figure(found: list[tuple[float, float | None]], words: Words, size: str) -> Figure:
    at: dict[float, float | None] = dict.fromkeys((0.1, 0.25, 0.5, 0.75, 0.9)) | dict(found)
    seen = [h for _, h in found if h is not None]
    high = max(72.0, *seen) * 1.4
    low = min(0.5, *seen) / 1.2
    end = {share: math.nan if h is None else h for share, h in at.items()}
    ticks = [t for t in (0.1, 1, 6, 24, 72, 168, 720, 2160) if low <= t <= high]
    data = [
        lines([at[left], high if at[right] is None else end[right]], [0, 0], "brand", width=width, opacity=opacity)
        for left, right, width, opacity in ((0.1, 0.9, 3, 0.5), (0.25, 0.75, 12, 0.45))
        if at[left] is not None
    ]
    if at[0.5] is not None:
        data.append(points([at[0.5]], [0], "brand", [words.hours(at[0.5])], size=13))
    font = 11 if size == "n" else 12
    notes = [note(words.plotly("target 24 hours"), math.log10(TARGET_HOURS), 1, size=font, yref="paper", yanchor="bottom")]
    if at[0.5] is not None:
        notes.append(note(words.hours(at[0.5]), math.log10(at[0.5]), 0, size=font + 1, tint="brand", bold=True, yshift=20))
    return finish(
        data,
        {
            "margin": {"l": 14, "r": 14, "t": 24, "b": 30},
            "xaxis": {
                "type": "log",
                "range": [math.log10(low), math.log10(high)],
                "tickvals": ticks,
                "ticktext": [re.sub(r"[.,]0(?=\D)", "", words.hours(t)) for t in ticks],
            },
            "yaxis": {"type": "linear", "range": [-1, 1], "showgrid": False, "showticklabels": False},
            "shapes": [rule("x", TARGET_HOURS, dash="dash")],
            "annotations": notes,
        },
        size,
        height={"w": 150, "m": 130, "n": 150}[size],
    )
