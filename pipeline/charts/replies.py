"""How long people wait for a first reply: a strip of quantiles on a log scale, with the target."""

import math
import re
from collections.abc import Sequence

from pipeline.charts import SIZES, Chart, Column, Table, finish, note, rule
from pipeline.charts.marks import lines, points
from pipeline.html.locale import Words

TARGET_HOURS = 24.0
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
LONGEST = 1e9


def reply_times(waited: Sequence[tuple[float, bool]], words: Words, *, agency_id: str, minimum: int) -> Chart:
    """`waited`: (hours, answered) of every question of the period. Open questions are waits that have not ended: they stay in the
    order at the end, so a quantile that falls among them is written as not reached."""
    n, open_count = len(waited), sum(not answered for _, answered in waited)
    ordered = sorted(hours if answered else LONGEST for hours, answered in waited)
    enough = n >= minimum
    found = [(share, _at(ordered, share)) for share in SHARES] if enough else []
    within = sum(h <= TARGET_HOURS for h in ordered) / n if n else None
    table = Table(
        (
            Column("share", words.plain("Share of questions answered"), "percent"),
            Column("hours", words.plain("Within, hours"), "number", 1),
        ),
        tuple((share, None if hours is None else hours) for share, hours in found),
    )
    return Chart(
        name="balasan",
        title=_title(found, within, enough, words),
        subtitle=words.ngettext(
            "Time to the first reply to {n} question, {open} still open",
            "Time to the first reply to {n} questions, {open} still open",
            n,
            open=words.integer(open_count),
        ),
        reading=words._(
            "Thick bar: the middle half of questions; thin line: from the fastest tenth to the slowest tenth; dot: the median. "
            "Dashed: the target of 24 hours. Open questions count as still waiting, they are not left out."
        ),
        source=words._("Source: response log"),
        description="; ".join(
            words.plain("{share} within {hours}", share=words.percent(share), hours=_hours(hours, words))
            for share, hours in found
        ),
        table=table,
        figures={size: _figure(found, words, size) for size in SIZES} if any(h is not None for _, h in found) else {},
        figure_id=f"response_summary:median_hours:agency_id={agency_id}",
    )


def _at(ordered: list[float], share: float) -> float | None:
    value = ordered[max(0, math.ceil(share * len(ordered)) - 1)]
    return None if value >= LONGEST else max(value, 1 / 60)


def _hours(hours: float | None, words: Words) -> str:
    return words.plain("not reached yet") if hours is None else words.hours(hours)


def _title(found: list[tuple[float, float | None]], within: float | None, enough: bool, words: Words) -> str:
    if not enough:
        return words._("Too few questions in the log to judge reply times")
    middle = dict(found)[0.5]
    if middle is None:
        return words._("More than half of the questions have no reply yet")
    if middle <= TARGET_HOURS:
        return words._("Half of the questions get a reply within {hours}", hours=words.hours(middle))
    return words._("Only {share} of questions get a reply within 24 hours", share=words.percent(within))


def _figure(found: list[tuple[float, float | None]], words: Words, size: str):
    at = dict(found)
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
