"""Charts for questions that have no chart of their own yet: lines, dots, bars and interval rows in the house style.

The words come from the caller (a notebook), the drawing from here; the table behind the chart is what was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pipeline.charts import (
    HOVER,
    SIZES,
    Chart,
    Column,
    Figure,
    Row,
    Table,
    band,
    finish,
    frame_size,
    month_ticks,
    note,
    outside,
    rule,
)
from pipeline.charts.dots import _figures as row_figures
from pipeline.html.escape import teks
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.svg import text_width
from pipeline.html.tokens import colour

HEIGHTS = {"w": 340, "m": 290, "n": 300}
DASHES = ("solid", "dash", "dot", "dashdot", "solid", "dash")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "circle-open")


@dataclass(frozen=True)
class Texts:
    """What stands around a chart. `title` is the finding, `subtitle` the measure, period and group."""

    name: str
    title: str
    subtitle: str
    reading: str
    source: str = ""
    description: str = ""

    def sourced(self, words: Words) -> Texts:
        """The same with a source: without one, the files of the platforms."""
        return self if self.source else replace(self, source=words.plain("Source: platform files downloaded by the agencies"))

    def chart(self, table: Table, figures: dict[str, Figure], figure_id: str = "") -> Chart:
        """Everything outside text passes through the templates' escape; the description falls back to the title."""
        told = self.description or f"{self.title}. {self.subtitle}"
        return Chart(
            self.name, self.title, self.subtitle, self.reading, self.source, told, table, figures=figures, figure_id=figure_id
        )


@dataclass(frozen=True)
class Series:
    """One line or cloud. `x` are numbers (or positions of months), None in `y` is a gap; `lower`/`upper` draw a band."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    mode: str = "lines"
    tint: str = ""
    lower: Sequence[float | None] = ()
    upper: Sequence[float | None] = ()
    hover: Sequence[str] = ()
    hollow: bool = False


@dataclass(frozen=True)
class Axis:
    """`ticks` are (value, words); without them round numbers. `kind` is linear or log; `limits` in values."""

    kind: str = "linear"
    ticks: Sequence[tuple[float, str]] = ()
    limits: tuple[float, float] | None = None
    unit: str = "number"  # number | percent | times
    digits: int = 0
    title: str = ""


def xy(
    series: Sequence[Series],
    words: Words,
    texts: Texts,
    *,
    x: Axis | None = None,
    y: Axis | None = None,
    table: Table | None = None,
    rules: Sequence[tuple[str, float]] = (),
    figure_id: str = "",
) -> Chart:
    """Lines and dots over two numeric axes. `rules` are (axis, value) reference lines."""
    drawn = [s for s in series if any(v is not None for v in s.y)]
    x, y = x or Axis(), y or Axis()
    numbers = table or _numbers(drawn, x, y)
    figures = {size: _xy_figure(drawn, words, size, x, y, rules) for size in SIZES} if drawn else {}
    return texts.chart(numbers, figures, figure_id)


def by_month(
    months: Sequence[date],
    series: Sequence[Series],
    words: Words,
    texts: Texts,
    *,
    y: Axis | None = None,
    rules: Sequence[tuple[str, float]] = (),
) -> Chart:
    """Series over months: `x` of each series are positions in `months`."""
    columns = (
        Column("month", words.plain("Month"), "month"),
        *(Column(teks(s.label), s.label, *_kind(y or Axis())) for s in series),
    )
    rows = tuple((m, *(dict(zip(s.x, s.y, strict=True)).get(i) for s in series)) for i, m in enumerate(months))
    chart = xy(series, words, texts, y=y, rules=rules, table=Table(columns, rows))
    for size, figure in chart.figures.items():
        figure.spec["layout"]["xaxis"].update(month_ticks(list(months), words, size))
    return chart


def bars(
    labels: Sequence[str], values: Sequence[float | None], words: Words, texts: Texts, *, y: Axis | None = None, top: int = -1
) -> Chart:
    """One bar per label, from zero. `top` is the position of the bar to stress."""
    y = y or Axis()
    table = Table((Column("label", "Kelompok"), Column("value", "Nilai", *_kind(y))), tuple(zip(labels, values, strict=True)))
    known = any(values)
    figures = {size: _bars_figure(labels, values, words, size, y, top) for size in SIZES} if known else {}
    return texts.chart(table, figures)


def ratio_rows(rows: Sequence[Row], words: Words, texts: Texts, *, figure_id: str = "") -> Chart:
    """Dot-and-interval rows around ×1. rows: label, value, lower, upper, small; `side` may overrule up/down/flat/data."""
    full = [{"small": "", **r, "side": r.get("side") or outside(r["value"], r["lower"], r["upper"])} for r in rows]
    table = Table(
        (
            Column("label", "Baris"),
            Column("value", "×", "times"),
            Column("lower", "95% bawah", "times"),
            Column("upper", "95% atas", "times"),
            Column("note", "Catatan"),
        ),
        tuple((r["label"], r["value"], r["lower"], r["upper"], r["small"]) for r in full),
    )
    return texts.chart(table, row_figures(full, words) if full else {}, figure_id)


# -- drawing -------------------------------------------------------------------------------------------------------------------
def _kind(axis: Axis) -> tuple[str, int]:
    return ("percent", max(axis.digits, 1)) if axis.unit == "percent" else (axis.unit, axis.digits or 2)


def _numbers(series: Sequence[Series], x: Axis, y: Axis) -> Table:
    rows = tuple((s.label, a, b) for s in series for a, b in zip(s.x, s.y, strict=True) if b is not None)
    columns = (Column("series", "Deret"), Column("x", x.title or "x", *_kind(x)), Column("y", y.title or "y", *_kind(y)))
    return Table(columns, rows[:400])


def _write(axis: Axis, value: float, words: Words) -> str:
    if axis.unit == "percent":
        return words.percent(value, axis.digits)
    return words.times(value, axis.digits or 2) if axis.unit == "times" else words.number(value, axis.digits)


def _spec(axis: Axis, seen: Sequence[float], words: Words, *, floor: float | None) -> Spec:
    """An explicit range, and ticks written by us."""
    low, high = axis.limits or (min(seen), max(seen))
    if axis.kind == "log":
        low, high = low / 1.15, high * 1.15
        steps = [m * 10.0**e for e in range(-4, 8) for m in (1, 2, 5)]
        inside = [s for s in steps if low <= s <= high]
        inside = inside if len(inside) > 2 else _round_steps(low, high)
        ticks = axis.ticks or [(s, _write(axis, s, words)) for s in inside]
        shown = {"type": "log", "range": [math.log10(low), math.log10(high)]}
    else:
        low = min(low, floor) if floor is not None else low
        room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        low, high = (low if low == floor else low - room), high + room
        ticks = axis.ticks or [(s, _write(axis, s, words)) for s in _round_steps(low, high)]
        shown = {"type": "linear", "range": [low, high]}
    named = {"title": {"text": teks(axis.title), "standoff": 8}} if axis.title else {}
    return {**shown, **named, "tickvals": [t for t, _ in ticks], "ticktext": [teks(words_) for _, words_ in ticks]}


def _round_steps(low: float, high: float) -> list[float]:
    raw = (high - low) / 5
    scale = 10 ** math.floor(math.log10(raw))
    step = next(m * scale for m in (1, 2, 2.5, 5, 10) if m * scale >= raw)
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _xy_figure(series: Sequence[Series], words: Words, size: str, x: Axis, y: Axis, rules: Sequence[tuple[str, float]]) -> Figure:
    font = 11 if size == "n" else 12
    data = []
    for i, s in enumerate(series):
        tint = s.tint or f"c{i % 6 + 1}"
        if s.lower:
            data.append({**band(s.x, s.lower, s.upper, tint), "opacity": 0.18})
        data.append(_trace(s, i, tint))
    tall = [v for s in series for part in (s.y, s.lower, s.upper) for v in part if v is not None]
    across = [v for s in series for v in s.x]
    vertical = _spec(y, tall, words, floor=0.0 if y.kind == "linear" and min(tall) >= 0 else None)
    notes = _ends(series, size, font, vertical) if len(series) > 1 or any(s.mode == "lines" for s in series) else []
    wide = max((len(s.label) for s in series), default=0) if notes and size != "n" else 0
    top = 16 + 15 * len(series) if size == "n" and notes else 14
    return finish(
        data,
        {
            "margin": {"l": 54, "r": min(24 + wide * 7, 190) if wide else 16, "t": top, "b": 52 if x.title else 40},
            "xaxis": _spec(x, across, words, floor=None),
            "yaxis": vertical,
            "shapes": [rule(axis, at) for axis, at in rules],
            "annotations": notes,
        },
        size,
        height=HEIGHTS[size] + (15 * len(series) if size == "n" and notes else 0),
    )


def _trace(s: Series, i: int, tint: str) -> Spec:
    hover = {"customdata": [teks(h, 200) for h in s.hover], "hovertemplate": HOVER} if s.hover else {"hoverinfo": "skip"}
    shown = {
        "type": "scatter",
        "mode": s.mode,
        "x": list(s.x),
        "y": list(s.y),
        "connectgaps": False,
        "cliponaxis": False,
        **hover,
    }
    if "lines" in s.mode:
        shown["line"] = {"color": colour(tint), "width": 2, "dash": DASHES[i % 6]}
    if "markers" in s.mode:
        edge = {"color": colour(tint) if s.hollow else colour("surface"), "width": 1}
        shown["marker"] = {
            "color": colour("surface") if s.hollow else colour(tint),
            "size": 7,
            "symbol": SYMBOLS[i % 6].removesuffix("-open"),
            "line": edge,
        }
    return shown


def _ends(series: Sequence[Series], size: str, font: int, y: Spec) -> list[Spec]:
    """Direct labels: at the end of each line on wide sizes, as a list above the plot on phones. Shifted apart where they meet."""
    notes = []
    if size == "n":
        for i, s in enumerate(series):
            mark = "●" if "markers" in s.mode else ("—", "– –", "···", "–·–")[i % 4]
            text, tint = f"{mark} {teks(s.label, 44)}", s.tint or f"c{i % 6 + 1}"
            place: Spec = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top"}
            notes.append(note(text, 0, 1.0, size=font, tint=tint, **place, yshift=15 * (len(series) - i) + 4))
        return notes
    at: list[tuple[float, float, Series, str]] = []
    for i, s in enumerate(series):
        last = max(k for k, v in enumerate(s.y) if v is not None)
        value = s.y[last] or 0.0
        at.append((math.log10(value) if y["type"] == "log" and value else value, s.x[last], s, s.tint or f"c{i % 6 + 1}"))
    at.sort(key=lambda entry: entry[0])
    span, tall = y["range"][1] - y["range"][0], HEIGHTS[size] - 60
    right = max(entry[1] for entry in at)
    shift, before = 0.0, None
    for value, _, s, tint in at:
        gap = 0.0 if before is None else (value - before) / span * tall
        shift = 0.0 if before is None else max(0.0, shift + 16 - gap)
        notes.append(
            note(teks(s.label, 26), right, value, size=font, tint=tint, xanchor="left", xshift=9, yanchor="middle", yshift=shift)
        )
        before = value
    return notes


def _bars_figure(labels: Sequence[str], values: Sequence[float | None], words: Words, size: str, y: Axis, top: int) -> Figure:
    spots = list(range(len(labels)))
    room = frame_size(size)["width"] - 66
    widest = max((text_width(teks(t, 14), 12) for t in labels), default=1.0) + 8
    step = max(1, math.ceil(len(labels) * widest / room))
    shown = [(i, labels[i]) for i in spots if i % step == 0]
    data = {
        "type": "bar",
        "x": spots,
        "y": [v or 0.0 for v in values],
        "marker": {"color": [colour("brand") if i == top or top < 0 else colour("neutral") for i in spots]},
        "customdata": [
            f"{teks(a)}<br>{_write(y, b, words) if b is not None else '–'}" for a, b in zip(labels, values, strict=True)
        ],
        "hovertemplate": HOVER,
    }
    return finish(
        [data],
        {
            "margin": {"l": 54, "r": 12, "t": 14, "b": 44},
            "xaxis": {
                "type": "linear",
                "range": [-0.6, len(labels) - 0.4],
                "tickvals": [i for i, _ in shown],
                "ticktext": [teks(t, 14) for _, t in shown],
            },
            "yaxis": _spec(y, [v for v in values if v is not None], words, floor=0.0),
            "bargap": 0.25,
        },
        size,
        height=HEIGHTS[size] - 40,
    )


@dataclass(frozen=True)
class Points:
    """A cloud with names for a few of its points. Kept apart from `Series` because names need room."""

    label: str
    rows: Sequence[tuple[float, float, str]] = field(default_factory=tuple)

    def series(self, tint: str = "", hollow: bool = False) -> Series:
        xs, ys, names = zip(*self.rows, strict=True) if self.rows else ((), (), ())
        return Series(self.label, list(xs), list(ys), "markers", tint, hover=list(names), hollow=hollow)
