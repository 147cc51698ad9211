"""One function per chart: frame in, `Chart` out.

A chart is a finding (title), a measure (subtitle), how to read it, the numbers behind it, and one plotly figure per size: wide
screen, A4 print, phone. Pages draw the figures as SVG, notebooks show them live; both therefore say the same. The house template
and `finish()` are here; every figure passes through it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.svg import text_width
from pipeline.html.tokens import colour, tokens

if TYPE_CHECKING:
    import plotly.graph_objects as go

Row = dict[str, Any]  # of a mart, or of a chart: a value by the name of its column

SIZES = ("w", "m", "n")  # wide screen, A4 print, phone
HOVER = "%{customdata}<extra></extra>"
EMPTY_HEIGHT = 120
BOUNDS = ("lower", "upper")  # columns that keep the digit which shows on which side of ×1 they lie, as the drawing does
EDGE = 3  # pixels between a label and the edge of its picture: no two fonts are equally wide
JUDGED = ("judged", "not_ranked")  # not_ranked: enough data, but a group too small for ranks


@dataclass(frozen=True)
class Column:
    """One column of a table: machine name (CSV), heading (page), how its values are written."""

    name: str
    label: str
    # text | integer | compact | spoken | number | times | percent | change | growth | signed | month | day | hours
    kind: str = "text"
    digits: int = 0

    def show(self, words: Words, value: Any) -> str:
        if value is None:
            return "–" if self.kind != "text" else ""
        writers: dict[str, Callable[[Any], str]] = {
            "integer": words.integer,
            "compact": words.compact,
            "spoken": words.spoken,
            "growth": lambda v: words.change(math.exp(v), self.digits),  # ln scale
            "signed": lambda v: words.number(v, self.digits, signed=True),
            "number": lambda v: words.number(v, self.digits),
            "times": lambda v: words.bound(v) if self.name in BOUNDS else words.times(v, self.digits or 2),
            "percent": lambda v: words.percent(v, self.digits),
            "change": lambda v: words.change(v, self.digits),
            "month": lambda v: words.months(v, v),
            "day": words.day,
            "hours": words.hours,
        }
        return writers[self.kind](value) if self.kind in writers else str(value)

    @property
    def is_number(self) -> bool:
        return self.kind not in ("text", "month", "day")


@dataclass(frozen=True)
class Table:
    """The numbers behind a chart or a list: shown on the page and written to CSV from the same values."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    def csv_rows(self) -> list[list[Any]]:
        return [[v.isoformat() if isinstance(v, date) else v for v in row] for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """One size of a chart in plotly's own JSON. Building a `go.Figure` costs more than drawing it, and 500 agencies want a dozen
    drawings each in two languages, so pages read the JSON; `plotly()` is the figure for whoever wants plotly itself."""

    spec: Spec

    def to_plotly_json(self) -> Spec:
        return self.spec

    def plotly(self) -> go.Figure:
        """The validated plotly figure."""
        import plotly.graph_objects as go

        return go.Figure(self.spec)


@dataclass(frozen=True)
class Chart:
    name: str
    title: str
    subtitle: str
    reading: str
    source: str
    description: str
    table: Table
    figures: dict[str, Figure] = field(default_factory=dict)
    figure_id: str = ""
    keys: tuple[tuple[str, str, str], ...] = ()  # (symbol class, glyph, words)
    listed: Table | None = None  # what the page lists when the whole table is only in the CSV
    listed_note: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.figures


def frame_size(size: str, *, height: float | None = None) -> Spec:
    spec = tokens()["chart"]["sizes"][size]
    return {"width": spec["width"], "height": height or spec["height"], "font": spec["font"]}


def finish(data: Sequence[Spec], layout: Spec, size: str, *, height: float | None = None) -> Figure:
    """The house style on any figure. Validation by plotly is left to the tests, which pass every chart through it."""
    box = frame_size(size, height=height)
    template = tokens()["chart"]["plotly_template"]
    base = {**template["layout"], "font": {**template["layout"]["font"], "size": box["font"]}}
    merged = {**base, "width": box["width"], "height": box["height"], "template": {}, **layout}
    for key in [k for k in merged if k[:5] in ("xaxis", "yaxis")]:
        merged[key] = {**base[key[:5]], **merged[key], "tickfont": {"color": colour("ink2"), "size": box["font"]}}
    margin = {"l": 0, "r": 0, **merged.get("margin", {})}
    if merged.get("xaxis", {}).get("type") == "log":
        merged["xaxis"].update(_thin(merged["xaxis"], box, margin))
    return Figure({"data": [dict(trace) for trace in data], "layout": merged})


def _thin(axis: Spec, box: Spec, margin: Spec) -> Spec:
    """Ticks of a log x axis whose labels keep clear of each other and of the edges: ×1 first, then doubles and halves, then the
    rest."""
    low, high = axis["range"]
    width = box["width"] - margin["l"] - margin["r"]
    kept: dict[int, tuple[float, float]] = {}  # tick → its place and the half width of its label
    order = sorted(
        range(len(axis["tickvals"])), key=lambda i: (_plainness(axis["tickvals"][i]), abs(math.log(axis["tickvals"][i])))
    )
    for i in order:
        at = (math.log10(axis["tickvals"][i]) - low) / (high - low) * width
        half = text_width(axis["ticktext"][i], box["font"]) / 2
        inside = at - half >= EDGE - margin["l"] and at + half <= width + margin["r"] - EDGE
        if inside and all(abs(at - other) >= half + wide + 6 for other, wide in kept.values()):
            kept[i] = at, half
    return {name: [axis[name][i] for i in sorted(kept)] for name in ("tickvals", "ticktext")}


def _plainness(value: float) -> int:
    """0 for 1, 10, 100…; 1 for their halves and doubles; 2 for any other."""
    power = value / 10 ** math.floor(math.log10(value) + 1e-9)
    return 0 if abs(power - 1) < 1e-9 else 1 if min(abs(power - 2), abs(power - 5)) < 1e-9 else 2


def note(text: str, x: float, y: float, *, size: float, tint: str = "ink2", bold: bool = False, **place: Any) -> Spec:
    """An annotation: direct labels instead of a legend."""
    words = f"<b>{text}</b>" if bold else text
    return {"text": words, "x": x, "y": y, "showarrow": False, "font": {"color": colour(tint), "size": size}, **place}


def rule(axis: str, at: float, *, tint: str = "ink3", dash: str = "solid", width: float = 1.2, below: bool = True) -> Spec:
    """A reference line across the plot."""
    line = {"color": colour(tint), "width": width, "dash": dash}
    across = {"xref": "x", "x0": at, "x1": at, "yref": "y domain", "y0": 0, "y1": 1}
    along = {"xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": at, "y1": at}
    return {"type": "line", "line": line, "layer": "below" if below else "above", **(across if axis == "x" else along)}


def band(x: Sequence[float], low: Sequence[float | None], high: Sequence[float | None], tint: str) -> Spec:
    """The area between two lines as closed outlines, one per run without gaps."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    run: list[int] = []
    for index in [*range(len(x)), None]:
        if index is not None and low[index] is not None and high[index] is not None:
            run.append(index)
            continue
        if run:
            if xs:
                xs.append(None)
                ys.append(None)
            xs.extend([x[i] for i in run] + [x[i] for i in reversed(run)])
            ys.extend([high[i] for i in run] + [low[i] for i in reversed(run)])
        run = []
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "fill": "toself",
        "fillcolor": colour(tint),
        "line": {"width": 0, "color": colour(tint)},
        "hoverinfo": "skip",
    }


def month_ticks(months: Sequence[date], words: Words, size: str) -> Spec:
    """Ticks for months at 0, 1, 2…: the year is written at the first tick and at each January; phones show every third."""
    step = 3 if size == "n" and len(months) > 7 else 1
    shown = [i for i in range(len(months)) if (len(months) - 1 - i) % step == 0]
    texts, year = [], None
    for i in shown:
        month = months[i]
        texts.append(words.month_short(month) + (f"<br>{month.year}" if month.year != year else ""))
        year = month.year
    return {"tickvals": shown, "ticktext": texts, "range": [-0.5, len(months) - 0.5], "type": "linear"}


def ratio_axis(values: Iterable[float | None], words: Words) -> Spec:
    """A log axis for ×-values around ×1: symmetric enough that half as much and twice as much look alike."""
    seen = [v for v in values if v is not None and v > 0]
    low, high = min([0.8, *seen]) / 1.12, max([1.25, *seen]) * 1.12
    steps = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 5.0, 10.0, 20.0]
    if high / low > 6:
        steps = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    ticks = [s for s in steps if low <= s <= high]
    labels = [words.times(s, 2) for s in ticks]
    return {"type": "log", "range": [math.log10(low), math.log10(high)], "tickvals": ticks, "ticktext": labels}


def outside(value: float | None, lower: float | None, upper: float | None, centre: float = 1.0) -> str:
    """'up' or 'down' when the whole interval lies beyond the centre, 'flat' when it touches it, 'data' when there is none."""
    if value is None or lower is None or upper is None:
        return "data"
    return "up" if lower > centre else "down" if upper < centre else "flat"
