"""The few marks that the charts are drawn with: thin or thick lines for intervals, points, shaded ranges, short rules.

Each is plain plotly JSON in the house's colours; a colour is a name of `design/tokens`."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.charts import HOVER, Column
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.tokens import colour

Places = list[float | None]  # on one axis; None parts one line from the next
BAR = 8  # width in px of the bar that shows a 95% interval
FADED = 0.45  # its opacity, so that the estimate stands out


def lines(x: Sequence[Any], y: Sequence[Any], tint: str, *, width: float = BAR, opacity: float = FADED) -> Spec:
    """Straight lines without a tooltip; None in x and y separates one from the next."""
    line = {"color": colour(tint), "width": width}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", "opacity": opacity, "line": line}


def across(spans: Iterable[tuple[float, float, float]]) -> tuple[Places, Places]:
    """Horizontal lines as (x, y) for `lines`: each span is (from, to, at)."""
    spans = list(spans)
    return [v for a, b, _ in spans for v in (a, b, None)], [v for _, _, at in spans for v in (at, at, None)]


def upright(spans: Iterable[tuple[float, float, float]]) -> tuple[Places, Places]:
    """Vertical lines as (x, y) for `lines`: each span is (from, to, at)."""
    y, x = across(spans)
    return x, y


def points(
    x: Sequence[Any], y: Sequence[Any], tint: str, hover: Sequence[Any], *, size: float, hollow: bool = False, **marker: Any
) -> Spec:
    """Points with a rim of the ground's colour, or hollow ones: the shape of "not judged" in every chart."""
    fill, rim = ("surface", tint) if hollow else (tint, "surface")
    edge = {"width": 1.5 if hollow else 1, "color": colour(rim)}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "cliponaxis": False,
        "customdata": hover,
        "hovertemplate": HOVER,
        "marker": {"size": size, "color": colour(fill), "line": edge, **marker},
    }


def shade(low: float, high: float) -> Spec:
    """A shaded range of x over the whole height."""
    return {
        "type": "rect",
        **{"xref": "x", "x0": low, "x1": high},
        **{"yref": "paper", "y0": 0, "y1": 1},
        "layer": "below",
        "fillcolor": colour("surface2"),
        "line": {"width": 0},
    }


def short_rule(at: float, low: float, high: float, *, tint: str = "ink3", width: float = 1.2, below: bool = True) -> Spec:
    """An upright line at x = `at`, only from y = `low` to `high`."""
    return {
        "type": "line",
        **{"xref": "x", "x0": at, "x1": at},
        **{"yref": "y", "y0": low, "y1": high},
        "layer": "below" if below else "above",
        "line": {"color": colour(tint), "width": width, "dash": "solid"},
    }


def interval_columns(words: Words) -> tuple[Column, Column]:
    """The two columns that every table with an estimate in × has."""
    return Column("lower", words.plain("95% lower"), "times"), Column("upper", words.plain("95% upper"), "times")


def hover_interval(words: Words, value: float | None, lower: float | None, upper: float | None) -> str:
    """Estimate and interval, as a tooltip writes them."""
    return f"{words.times(value)}<br>{words.interval(lower, upper, kind='times')}"
