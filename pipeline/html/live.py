"""A figure as the small JSON that the live layer of a page, or an editor, draws."""

import math
from datetime import date

import plotly.graph_objects as go


def live_data(wide: go.Figure, phone: go.Figure) -> dict:
    """Both live sizes; traces that do not differ are written once."""
    first, second = figure_data(wide), figure_data(phone)
    if first["data"] == second["data"]:
        del second["data"]
    return {"w": first, "n": second}


def figure_data(figure: go.Figure) -> dict:
    """The figure as small JSON: five significant digits are far below a pixel."""
    spec = figure.to_plotly_json()
    return _rounded({"data": spec["data"], "layout": spec["layout"]})


def _rounded(value: object):
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.5g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items() if k != "template"}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
