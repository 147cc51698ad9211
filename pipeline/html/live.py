"""A figure as the small JSON that the live layer of a page, or an editor, draws."""

import math
from datetime import date
from typing import Any, Protocol

Spec = dict[str, Any]  # a figure, or a part of one, as plotly's JSON


class Drawable(Protocol):
    """A figure of ours or of plotly's."""

    def to_plotly_json(self) -> Spec: ...


def live_data(wide: Drawable, phone: Drawable) -> Spec:
    """Both live sizes; the phone's holds only the traces and the parts of the layout that differ."""
    first, second = figure_data(wide), figure_data(phone)
    if len(first["data"]) != len(second["data"]) or set(first["layout"]) - set(second["layout"]):
        raise ValueError("the sizes of a figure have the same traces and the same parts of the layout")
    traces = [None if one == other else other for one, other in zip(first["data"], second["data"], strict=True)]
    layout = {key: value for key, value in second["layout"].items() if first["layout"].get(key) != value}
    return {"w": first, "n": {"layout": layout, **({"data": traces} if any(traces) else {})}}


def figure_data(figure: Drawable) -> Spec:
    """The figure as small JSON: five significant digits are far below a pixel."""
    spec = figure.to_plotly_json()
    return {"data": _rounded(spec["data"]), "layout": _rounded(spec["layout"])}


def _rounded(value: object) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.5g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items() if k != "template"}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


_PLAIN = {str, int, bool, type(None)}
