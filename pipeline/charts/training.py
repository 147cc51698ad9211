"""Trained against not-yet-trained agencies, by months from the training."""

import math

import polars as pl

from pipeline.charts import SIZES, Chart, Column, Figure, Row, Table, finish, note, outside, ratio_axis, rule
from pipeline.charts.marks import hover_interval, interval_columns, lines, points, shade, upright
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.tokens import colour


def event_study(frame: pl.DataFrame, words: Words, *, pretrend_p: float | None) -> Chart:
    """Difference by month from training (0 = first month after), with interval.

    frame: event_month, effect, lower, upper, n, all on the ln scale; drawn as factors."""
    rows = []
    for r in frame.sort("event_month").to_dicts():
        if r["effect"] is not None:
            rows.append({**r, **{c: math.exp(r[c]) if r[c] is not None else None for c in ("effect", "lower", "upper")}})
    table = Table(
        (
            Column("event_month", words.plain("Months from training"), "integer"),
            Column("factor", words.plain("Difference ×"), "times"),
            *interval_columns(words),
            Column("n", words.plain("Agencies"), "integer"),
        ),
        tuple((r["event_month"], r["effect"], r["lower"], r["upper"], r.get("n")) for r in rows),
    )
    return Chart(
        name="peristiwa",
        title=_title(rows, pretrend_p, words),
        subtitle=words._("Trained against not-yet-trained, by months from the training (×1.00 = no difference)")
        if pretrend_p is None
        else words._(
            "Trained against not-yet-trained, by months from the training (×1.00 = no difference). No difference was found "
            "before the training.",
        )
        if pretrend_p >= 0.05
        else words._(
            "Trained against not-yet-trained, by months from the training (×1.00 = no difference). They already differed before "
            "the training.",
        ),
        reading=words._(
            "Shaded: before the training; there the dots should lie at ×1. After it, a dot whose bar does not touch ×1 is a "
            "difference that chance alone rarely produces."
        ),
        source=words._("Source: training register and platform files"),
        description=_description(rows, words),
        table=table,
        figures={size: _figure(rows, words, size) for size in SIZES} if rows else {},
        figure_id="training_event:effect",
    )


def _title(rows: list[Row], pretrend_p: float | None, words: Words) -> str:
    after = [outside(r["effect"], r["lower"], r["upper"]) for r in rows if r["event_month"] >= 0]
    if not after:
        return words._("No month after a training can be judged yet")
    if pretrend_p is not None and pretrend_p < 0.05:
        return words._("The groups already differed before the training, so no effect is claimed")
    clear = sum(s == "up" for s in after), sum(s == "down" for s in after)
    if clear[0] > len(after) / 2:
        return words._("Higher in {n} of {all} months after the training", n=clear[0], all=len(after))
    if clear[1] > len(after) / 2:
        return words._("Lower in {n} of {all} months after the training", n=clear[1], all=len(after))
    return words._("No certain difference in most months after the training")


def _description(rows: list[Row], words: Words) -> str:
    """How many months before and after the training lie certainly apart from ×1, and on which side."""
    sides = [(r["event_month"] >= 0, outside(r["effect"], r["lower"], r["upper"])) for r in rows]
    counts = {(after, side): words.integer(sides.count((after, side))) for after in (False, True) for side in ("up", "down")}
    return words._(
        "Of {after} months after the training, {after_up} lie certainly above ×1.00 and {after_down} below; of {before} months "
        "before it, {before_up} above and {before_down} below.",
        after=words.integer(sum(after for after, _ in sides)),
        after_up=counts[True, "up"],
        after_down=counts[True, "down"],
        before=words.integer(sum(not after for after, _ in sides)),
        before_up=counts[False, "up"],
        before_down=counts[False, "down"],
    )


def _figure(rows: list[Row], words: Words, size: str) -> Figure:
    font = 11 if size == "n" else 12
    x = [r["event_month"] for r in rows]
    sides = [outside(r["effect"], r["lower"], r["upper"]) for r in rows]
    tints = [
        {"up": "up", "down": "down"}.get(s, "neutral") if r["event_month"] >= 0 else "neutral"
        for s, r in zip(sides, rows, strict=True)
    ]
    spans = [r for r in rows if r["lower"] and r["upper"]]
    step = 1 if len(x) <= 14 and size != "n" else 3
    ticks = [m for m in x if m % step == 0]
    low, high = min(x) - 0.6, max(x) + 0.6
    before = low < -0.5
    place: Spec = {"yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 5, "yshift": -3}
    hover = [hover_interval(words, r["effect"], r["lower"], r["upper"]) for r in rows]
    return finish(
        [
            lines(*upright((r["lower"], r["upper"], r["event_month"]) for r in spans), "neutral", width=1.5, opacity=1.0),
            points(x, [r["effect"] for r in rows], "neutral", hover, size=9, color=[colour(t) for t in tints]),
        ],
        {
            "margin": {"l": 50, "r": 14, "t": 12, "b": 46},
            "xaxis": {
                "type": "linear",
                "range": [low, high],
                "tickvals": ticks,
                "ticktext": [words.number(t, signed=True) for t in ticks],
                "title": {"text": words.plotly("Months from the training")},
            },
            "yaxis": ratio_axis([v for r in rows for v in (r["effect"], r["lower"], r["upper"])], words),
            "shapes": [*([shade(low, -0.5)] if before else []), rule("y", 1.0)],
            "annotations": [note(words.plotly("before"), low, 1, size=font - 1, **place)] if before else [],
        },
        size,
        height={"w": 340, "m": 290, "n": 300}[size],
    )
