"""A plotly figure as inline SVG, drawn in Python.

The same figure later becomes the live layer over this drawing, so positions follow plotly's own rules (margins, domains, log
axes, shifts, bar gaps). The set of traces and attributes is closed: anything unknown raises `UnknownMark`, because a drawing that
silently lacks a mark shows a wrong number. Colours leave as classes of the design tokens, so dark mode and print need no second
drawing.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from typing import Any

from markupsafe import Markup

from pipeline.html.live import Spec
from pipeline.html.tokens import variable_of

Mark = tuple[str, str, float, float, float]  # paint, symbol, x, y, size
Points = list[tuple[float, float] | None]  # on the axes' own scales; None for a gap


class UnknownMark(ValueError):
    """The figure asks for something that this renderer cannot draw."""


# Widths of Helvetica in 1/1000 em (Adobe font metrics), widened a little because the page's font may be Inter, Roboto or DejaVu.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 225),
    **dict.fromkeys(" .,:;/!ftI[]·\u2009", 280),
    **dict.fromkeys('r()-–"*°', 335),
    **dict.fromkeys("ckJsvxyz", 500),
    **dict.fromkeys("abdeghnopqu0123456789LT$#?_", 556),
    **dict.fromkeys("+−=<>~×", 584),
    **dict.fromkeys("FZ", 611),
    **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("wCDHNRU", 722),
    **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("mM", 833),
    **dict.fromkeys("W%@", 944),
    **dict.fromkeys("▲▼●○…—", 1000),
}
_WIDEN = 1.1

_FONT = {"color", "size", "family", "weight"}
_AXIS = {
    "type",
    "range",
    "tickvals",
    "ticktext",
    "tickmode",
    "showgrid",
    "gridcolor",
    "zeroline",
    "showline",
    "linecolor",
    "ticks",
    "tickfont",
    "fixedrange",
    "automargin",
    "title",
    "domain",
    "anchor",
    "side",
    "showticklabels",
    "categoryorder",
    "categoryarray",
    "visible",
    "gridwidth",
    "griddash",
}
_ALLOWED = {
    "layout": {
        "font",
        "paper_bgcolor",
        "plot_bgcolor",
        "colorway",
        "showlegend",
        "hovermode",
        "dragmode",
        "separators",
        "margin",
        "hoverlabel",
        "annotationdefaults",
        "bargap",
        "width",
        "height",
        "shapes",
        "annotations",
        "template",
        "barmode",
        "meta",
    },
    "scatter": {
        "type",
        "mode",
        "x",
        "y",
        "xaxis",
        "yaxis",
        "line",
        "marker",
        "fill",
        "fillcolor",
        "opacity",
        "customdata",
        "hovertemplate",
        "hoverinfo",
        "name",
        "showlegend",
        "cliponaxis",
        "connectgaps",
        "meta",
    },
    "bar": {
        "type",
        "x",
        "y",
        "xaxis",
        "yaxis",
        "marker",
        "width",
        "customdata",
        "hovertemplate",
        "hoverinfo",
        "name",
        "showlegend",
        "text",
        "textposition",
        "textfont",
        "opacity",
        "constraintext",
        "cliponaxis",
        "textangle",
        "insidetextanchor",
        "meta",
    },
    "line": {"color", "width", "dash"},
    "marker": {"color", "size", "symbol", "opacity", "line"},
    "marker_line": {"color", "width"},
    "shape": {"type", "x0", "x1", "y0", "y1", "xref", "yref", "line", "fillcolor", "layer", "opacity"},
    "annotation": {
        "x",
        "y",
        "xref",
        "yref",
        "text",
        "showarrow",
        "xanchor",
        "yanchor",
        "xshift",
        "yshift",
        "font",
        "align",
        "name",
    },
    "title": {"text", "standoff", "font"},
    "font": _FONT,
    "axis": _AXIS,
}
_DASH = {"solid": None, "dot": "2 3", "dash": "6 4", "dashdot": "6 3 2 3"}
CROWD = 100  # so many equal dots are drawn as one path
_SYMBOLS = {"circle", "circle-open", "triangle-up", "triangle-down", "square", "square-open", "diamond"}


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width in px of plain text; an upper estimate for the fonts in the token list."""
    units = sum(_WIDTHS.get(c, 667 if c.isupper() else 600) for c in text)
    return units / 1000 * size * _WIDEN * (1.06 if bold else 1.0)


def draw(figure: object, *, name: str, label: str, css_class: str = "") -> Markup:
    """The figure as one `<svg role="img">`; `name` makes ids unique and stable, `label` is its accessible name."""
    return _Drawing(figure, name).svg(label, css_class)


def plain_text(text: object) -> str:
    """Figure text without `<br>`, `<b>` and entities."""
    return unescape(re.sub(r"</?b>", "", str(text).replace("<br>", " ")))


class _Axis:
    def __init__(self, spec: Spec, start: float, length: float, *, horizontal: bool):
        self.spec, self.start, self.length, self.horizontal = spec, start, length, horizontal
        self.kind = spec.get("type", "linear")
        if self.kind not in ("linear", "log", "category"):
            raise UnknownMark(f"axis type {self.kind!r}")
        self.categories = list(spec.get("categoryarray") or [])
        if self.kind == "category" and not self.categories:
            raise UnknownMark("a category axis needs categoryarray")
        if "range" not in spec and self.kind != "category":
            raise UnknownMark("an axis needs an explicit range")
        low, high = spec.get("range") or (-0.5, len(self.categories) - 0.5)
        self.low, self.high = float(low), float(high)
        low_side, high_side = spec.get("domain") or (0.0, 1.0)
        self.first = start + length * (low_side if horizontal else 1 - low_side)
        self.last = start + length * (high_side if horizontal else 1 - high_side)

    def value(self, raw: object) -> float | None:
        """The position on the linear (or log10, or category index) scale; None for a gap."""
        if raw is None or (isinstance(raw, float) and math.isnan(raw)):
            return None
        if self.kind == "category":
            if isinstance(raw, (int, float)) and raw not in self.categories:
                return float(raw)
            return float(self.categories.index(raw))
        number = float(raw)  # type: ignore[arg-type]
        if self.kind == "log":
            if number <= 0:
                raise UnknownMark(f"{number} on a log axis")
            return math.log10(number)
        return number

    def shape_value(self, raw: object) -> float | None:
        """Annotations on log axes are given as exponents, shapes as values (plotly's own rule)."""
        return self.value(raw)

    def at(self, position: float) -> float:
        return self.first + (position - self.low) / ((self.high - self.low) or 1) * (self.last - self.first)

    def holds(self, position: float) -> bool:
        slack = abs(self.high - self.low) * 1e-6
        return min(self.low, self.high) - slack <= position <= max(self.low, self.high) + slack


class _Drawing:
    def __init__(self, figure: object, name: str):
        spec: Spec = figure.to_plotly_json() if hasattr(figure, "to_plotly_json") else figure  # type: ignore[assignment]
        layout = dict(spec.get("layout", {}))
        template = layout.pop("template", None) or {}
        self.layout = _merge(template.get("layout", {}), layout)
        defaults = template.get("data", {})
        self.traces = [_merge((defaults.get(t.get("type", "scatter")) or [{}])[0], t) for t in spec.get("data", [])]
        self.name = name
        self._check_layout()
        self.width, self.height = float(self.layout["width"]), float(self.layout["height"])
        margin = {"l": 0, "r": 0, "t": 0, "b": 0, **self.layout.get("margin", {})}
        self.left, self.top = margin["l"], margin["t"]
        self.plot_width = self.width - margin["l"] - margin["r"]
        self.plot_height = self.height - margin["t"] - margin["b"]
        self.axes = {
            key.replace("axis", ""): _Axis(
                value,
                self.left if key[0] == "x" else self.top,
                self.plot_width if key[0] == "x" else self.plot_height,
                horizontal=key[0] == "x",
            )
            for key, value in self.layout.items()
            if re.fullmatch(r"[xy]axis\d*", key)
        }
        self.clips: dict[str, str] = {}

    # -- the closed set --------------------------------------------------------------------------------------------------------
    def _check_layout(self) -> None:
        for key, value in self.layout.items():
            if re.fullmatch(r"[xy]axis\d*", key):
                _known(value, "axis", key)
                _known(value.get("title") or {}, "title", f"{key}.title")
                _known(value.get("tickfont") or {}, "font", f"{key}.tickfont")
            elif key not in _ALLOWED["layout"]:
                raise UnknownMark(f"layout.{key}")
        for shape in self.layout.get("shapes") or []:
            _known(shape, "shape", "shape")
            _known(shape.get("line") or {}, "line", "shape.line")
        for note in self.layout.get("annotations") or []:
            _known(note, "annotation", "annotation")
            _known(note.get("font") or {}, "font", "annotation.font")
            if note.get("showarrow"):
                raise UnknownMark("annotation.showarrow")
        for trace in self.traces:
            kind = trace.get("type", "scatter")
            if kind not in ("scatter", "bar"):
                raise UnknownMark(f"trace type {kind!r}")
            _known(trace, kind, kind)
            marker = trace.get("marker") or {}
            _known(marker, "marker", f"{kind}.marker")
            _known(marker.get("line") or {}, "marker_line", f"{kind}.marker.line")
            _known(trace.get("line") or {}, "line", f"{kind}.line")

    # -- the whole -------------------------------------------------------------------------------------------------------------
    def svg(self, label: str, css_class: str) -> Markup:
        shapes = self.layout.get("shapes") or []
        body = [
            *(part for shape in shapes if shape.get("layer") == "below" for part in self._shape(shape)),
            *self._grids(),
            *(part for trace in self.traces for part in self._trace(trace)),
            *(part for shape in shapes if shape.get("layer") != "below" for part in self._shape(shape)),
            *self._tick_labels(),
            *(part for note in self.layout.get("annotations") or [] for part in self._annotation(note)),
        ]
        clips = "".join(self.clips.values())
        defs = f"<defs>{clips}</defs>" if clips else ""
        size = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}" width="{_n(self.width)}" height="{_n(self.height)}"'
        kind = f' class="{escape(css_class)}"' if css_class else ""
        head = f'<svg{kind} {size} role="img" aria-label="{escape(label)}" font-size="{_n(self._font_size())}">'
        return Markup(head + defs + "".join(body) + "</svg>")  # noqa: S704  # every text passed _text, every value _n

    def _font_size(self) -> float:
        return float((self.layout.get("font") or {}).get("size", 12))

    def _axes_of(self, trace: Spec) -> tuple[_Axis, _Axis]:
        return self.axes[trace.get("xaxis") or "x"], self.axes[trace.get("yaxis") or "y"]

    # -- axes ------------------------------------------------------------------------------------------------------------------
    def _partner(self, key: str) -> _Axis:
        other = self.axes[key].spec.get("anchor")
        return self.axes[other if other in self.axes else ("y" if key[0] == "x" else "x")]

    def _ticks(self, axis: _Axis) -> Iterator[tuple[float, str]]:
        values, texts = axis.spec.get("tickvals"), axis.spec.get("ticktext")
        if values is None:
            if axis.spec.get("showticklabels", True) and axis.spec.get("visible", True):
                raise UnknownMark("tickvals and ticktext are always written by Python")
            return
        for raw, text in zip(values, texts if texts is not None else [""] * len(values), strict=True):
            position = axis.value(raw)
            if position is not None and axis.holds(position):
                yield axis.at(position), text

    def _grids(self) -> Iterator[str]:
        for key, axis in self.axes.items():
            if axis.spec.get("visible") is False:
                continue
            across = self._partner(key)
            if axis.spec.get("showgrid"):
                stroke = _stroke(axis.spec.get("gridcolor"))
                for at, _ in self._ticks(axis):
                    ends = (at, across.first, at, across.last) if axis.horizontal else (across.first, at, across.last, at)
                    yield _line(*ends, stroke)
            if axis.spec.get("showline"):
                at = across.first
                ends = (axis.first, at, axis.last, at) if axis.horizontal else (at, axis.first, at, axis.last)
                yield _line(*ends, _stroke(axis.spec.get("linecolor")))

    def _tick_labels(self) -> Iterator[str]:
        for key, axis in self.axes.items():
            if axis.spec.get("visible") is False:
                continue
            across = self._partner(key)
            font = {**(self.layout.get("font") or {}), **(axis.spec.get("tickfont") or {})}
            size = float(font.get("size", 12))
            if axis.spec.get("showticklabels", True):
                for at, text in self._ticks(axis):
                    if axis.horizontal:
                        below = axis.spec.get("side", "bottom") == "bottom"
                        y = across.first + size * 1.15 if below else across.last - size * 0.33
                        yield self._text(text, at, y, font, "middle")
                    else:
                        right = axis.spec.get("side") == "right"
                        x = across.last + 2 if right else across.first - 2
                        yield self._text(text, x, at + size * 0.35, font, "start" if right else "end")
            title = axis.spec.get("title") or {}
            if title.get("text"):
                if not axis.horizontal:
                    raise UnknownMark("a title on a y axis (write it above the axis as an annotation)")
                font = {**font, **(title.get("font") or {})}
                middle = (axis.first + axis.last) / 2
                yield self._text(title["text"], middle, across.first + size * 1.35 + size * 1.75, font, "middle")

    # -- traces ----------------------------------------------------------------------------------------------------------------
    def _trace(self, trace: Spec) -> Iterator[str]:
        yield from self._bars(trace) if trace.get("type") == "bar" else self._scatter(trace)

    def _points(self, trace: Spec) -> Points:
        x_axis, y_axis = self._axes_of(trace)
        found: Points = []
        for raw_x, raw_y in zip(trace.get("x") or [], trace.get("y") or [], strict=True):
            x, y = x_axis.value(raw_x), y_axis.value(raw_y)
            found.append(None if x is None or y is None else (x, y))
        return found

    def _scatter(self, trace: Spec) -> Iterator[str]:
        x_axis, y_axis = self._axes_of(trace)
        mode = trace.get("mode", "lines")
        if not set(mode.split("+")) <= {"lines", "markers", "none"}:
            raise UnknownMark(f"scatter mode {mode!r}")
        points = self._points(trace)
        if trace.get("fill") not in (None, "none"):
            yield self._fill(trace, points, x_axis, y_axis)
        if "lines" in mode:
            line = trace.get("line") or {}
            width = float(line.get("width", 2))
            if width:
                path = "".join(
                    "M" + "L".join(f"{_n(x_axis.at(x))},{_n(y_axis.at(y))}" for x, y in run)
                    for run in _runs(points)
                    if len(run) > 1
                )
                if path:
                    clip = self._clip(x_axis, y_axis)
                    yield (
                        f'<path d="{path}" fill="none" {_stroke(line.get("color"), width, line.get("dash"))}{clip} '
                        f'stroke-linejoin="round"{_opacity(trace)}/>'
                    )
        if "markers" in mode:
            yield from self._markers(trace, points, x_axis, y_axis)

    def _fill(self, trace: Spec, points: Points, x_axis: _Axis, y_axis: _Axis) -> str:
        if trace["fill"] != "toself":
            raise UnknownMark(f"fill {trace['fill']!r} (only toself: a band is one closed outline)")
        path = "".join("M" + "L".join(f"{_n(x_axis.at(x))},{_n(y_axis.at(y))}" for x, y in run) + "Z" for run in _runs(points))
        return f'<path d="{path}" {_paint("fill", trace.get("fillcolor"))}{self._clip(x_axis, y_axis)}{_opacity(trace)}/>'

    def _markers(self, trace: Spec, points: Points, x_axis: _Axis, y_axis: _Axis) -> Iterator[str]:
        """Marks of one paint share a group: five hundred agencies are five hundred dots on three drawings."""
        marker = trace.get("marker") or {}
        edge = marker.get("line") or {}
        looks = (
            marker.get("symbol", "circle"),
            marker.get("size", 6),
            marker.get("color"),
            edge.get("color"),
            edge.get("width", 0),
        )
        one = None if any(isinstance(look, (list, tuple)) for look in looks) else _look(*looks)
        marks = []
        for index, point in enumerate(points):
            if point is None:
                continue
            if not (x_axis.holds(point[0]) and y_axis.holds(point[1])):
                raise UnknownMark(f"{self.name}: a marker lies outside the axes {point}")
            paint, symbol, size = one or _look(*(_nth(look, index) for look in looks))
            marks.append((paint, symbol, x_axis.at(point[0]), y_axis.at(point[1]), size))
        opacity = _opacity(marker)
        for paint, same in itertools.groupby(marks, key=lambda mark: mark[0]):
            run = list(same)
            if len(run) > CROWD and {(m[1], m[4]) for m in run} == {("circle", run[0][4])} and "s-" not in paint:
                yield _crowd(run, opacity)
            elif len(run) > 2 and not opacity:
                yield f"<g {paint}>" + "".join(_symbol(*mark[1:]) + "/>" for mark in run) + "</g>"
            else:
                yield from (f"{_symbol(*mark[1:])} {paint}{opacity}/>" for mark in run)

    def _bars(self, trace: Spec) -> Iterator[str]:
        x_axis, y_axis = self._axes_of(trace)
        marker, texts = trace.get("marker") or {}, trace.get("text")
        if trace.get("textposition", "none") not in ("none", "inside"):
            raise UnknownMark(f"bar textposition {trace['textposition']!r}")
        points = self._points(trace)
        spots = sorted({p[0] for p in points if p})
        step = min((b - a for a, b in itertools.pairwise(spots)), default=1.0)
        default_width = step * (1 - float(self.layout.get("bargap", 0.2)))
        zero = y_axis.at(0.0)
        font = {**(self.layout.get("font") or {}), **(trace.get("textfont") or {})}
        for index, point in enumerate(points):
            if point is None:
                continue
            width = float(_nth(trace.get("width"), index) or default_width)
            left, right = x_axis.at(point[0] - width / 2), x_axis.at(point[0] + width / 2)
            top = y_axis.at(point[1])
            colour = _nth(marker.get("color"), index)
            yield (
                f'<rect x="{_n(left)}" y="{_n(min(top, zero))}" width="{_n(right - left)}" height="{_n(abs(zero - top))}" '
                f"{_paint('fill', colour)}/>"
            )
            if texts is not None and texts[index] and trace.get("textposition") == "inside":
                size = float(_nth(font.get("size", 12), index))
                one = {**font, "color": _nth(font.get("color"), index), "size": size}
                yield self._text(texts[index], (left + right) / 2, (top + zero) / 2 + size * 0.35, one, "middle")

    def _clip(self, x_axis: _Axis, y_axis: _Axis) -> str:
        x, y = min(x_axis.first, x_axis.last), min(y_axis.first, y_axis.last)
        width, height = abs(x_axis.last - x_axis.first), abs(y_axis.last - y_axis.first)
        name = f"{self.name}-{_n(y).replace('.', '_')}"
        self.clips.setdefault(
            name, f'<clipPath id="{name}"><rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"/></clipPath>'
        )
        return f' clip-path="url(#{name})"'

    # -- shapes and annotations ------------------------------------------------------------------------------------------------
    def _place(self, ref: str, raw: object, *, horizontal: bool, exponent: bool = False) -> float:
        start, length = (self.left, self.plot_width) if horizontal else (self.top, self.plot_height)
        if ref == "paper":
            share = float(raw)  # type: ignore[arg-type]
            return float(start + length * (share if horizontal else 1 - share))
        if ref.endswith(" domain"):
            axis = self.axes[ref.removesuffix(" domain")]
            return axis.first + (axis.last - axis.first) * float(raw)  # type: ignore[arg-type]
        axis = self.axes[ref]
        position = float(raw) if exponent and axis.kind == "log" else axis.value(raw)  # type: ignore[arg-type]
        if position is None:
            raise UnknownMark("a shape or annotation without a position")
        return axis.at(position)

    def _shape(self, shape: Spec) -> Iterator[str]:
        x0 = self._place(shape.get("xref", "x"), shape["x0"], horizontal=True)
        x1 = self._place(shape.get("xref", "x"), shape["x1"], horizontal=True)
        y0 = self._place(shape.get("yref", "y"), shape["y0"], horizontal=False)
        y1 = self._place(shape.get("yref", "y"), shape["y1"], horizontal=False)
        line = shape.get("line") or {}
        if shape["type"] == "line":
            yield _line(x0, y0, x1, y1, _stroke(line.get("color"), float(line.get("width", 1)), line.get("dash")))
        elif shape["type"] == "rect":
            edge = _stroke(line.get("color"), float(line["width"]), line.get("dash")) if line.get("width") else ""
            x, y, width, height = min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)
            fill = _paint("fill", shape.get("fillcolor"))
            yield f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" {fill} {edge}{_opacity(shape)}/>'
        else:
            raise UnknownMark(f"shape {shape['type']!r}")

    def _annotation(self, note: Spec) -> Iterator[str]:
        note = {**(self.layout.get("annotationdefaults") or {}), **note}
        font = {**(self.layout.get("font") or {}), **(note.get("font") or {})}
        size = float(font.get("size", 12))
        x = self._place(note.get("xref", "x"), note["x"], horizontal=True, exponent=True) + float(note.get("xshift", 0))
        y = self._place(note.get("yref", "y"), note["y"], horizontal=False, exponent=True) - float(note.get("yshift", 0))
        lines = str(note["text"]).split("<br>")
        height = len(lines) * size * 1.3
        top = {"top": y, "middle": y - height / 2, "bottom": y - height}[note.get("yanchor", "middle")]
        anchor = {"left": "start", "center": "middle", "right": "end"}[note.get("xanchor", "center")]
        yield self._text(note["text"], x, top + size * 1.02, font, anchor)

    def _text(self, text: object, x: float, y: float, font: Spec, anchor: str) -> str:
        size = float(font.get("size", 12))
        lines = str(text).split("<br>")
        bold = ' font-weight="600"' if font.get("weight", 400) not in (400, "normal", None) else ""
        own = f' font-size="{_n(size)}"' if size != self._font_size() else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        if len(lines) == 1:
            inner = _rich(lines[0])
        else:
            inner = "".join(
                f'<tspan x="{_n(x)}"{f" dy={chr(34)}{_n(size * 1.3)}{chr(34)}" if i else ""}>{_rich(part)}</tspan>'
                for i, part in enumerate(lines)
            )
        return f'<text x="{_n(x)}" y="{_n(y)}"{place}{own}{bold} {_paint("fill", font.get("color"))}>{inner}</text>'


# -- small pieces --------------------------------------------------------------------------------------------------------------
def _known(spec: Spec, kind: str, where: str) -> None:
    unknown = set(spec) - _ALLOWED[kind]
    if unknown:
        raise UnknownMark(f"{where}: {', '.join(sorted(unknown))}")


def _merge(base: Spec, over: Spec) -> Spec:
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    # axes beyond the first inherit the first axis' template (plotly keeps one template per axis letter)
    for key in over:
        stem = re.sub(r"\d+$", "", key)
        if stem != key and stem in base and isinstance(over[key], dict):
            merged[key] = _merge(base[stem], over[key])
    return merged


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for point in points:
        if point is None:
            if run:
                yield run
            run = []
        else:
            run.append(point)
    if run:
        yield run


def _nth(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, (list, tuple)) else value


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _paint(what: str, colour: object) -> str:
    """A class of the design tokens; any other colour is unknown, because it would not follow the theme."""
    if colour in ("rgba(0,0,0,0)", "none"):
        return f'{what}="none"'
    name = variable_of().get(str(colour).lower())
    if name is None:
        raise UnknownMark(f"colour {colour!r} is not a design token")
    return f'class="{"f" if what == "fill" else "s"}-{name}"'


def _stroke(colour: object, width: float = 1.0, dash: object = None) -> str:
    if dash not in (None, *_DASH):
        raise UnknownMark(f"dash {dash!r}")
    pattern = _DASH.get(str(dash)) if dash else None
    extra = f' stroke-dasharray="{pattern}"' if pattern else ""
    wide = f' stroke-width="{_n(width)}"' if width != 1 else ""
    return _paint("stroke", colour) + wide + extra


def _line(x0: float, y0: float, x1: float, y1: float, stroke: str) -> str:
    return f'<line x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x1)}" y2="{_n(y1)}" {stroke}/>'


def _opacity(spec: Spec) -> str:
    value = spec.get("opacity")
    return "" if value in (None, 1) else f' opacity="{float(value):.2f}"'


def _look(symbol: str, size: float, colour: object, edge: object, edge_width: float) -> tuple[str, str, float]:
    """Paint, symbol and size of one mark."""
    if symbol not in _SYMBOLS:
        raise UnknownMark(f"symbol {symbol!r}")
    return _symbol_paint(symbol, colour, edge, float(edge_width)), symbol, float(size)


def _symbol_paint(symbol: str, colour: object, edge: object, edge_width: float) -> str:
    if symbol.endswith("-open"):
        return f'class="f-surface s-{variable_of()[str(colour).lower()]}" stroke-width="1.5"'
    if not edge_width or edge is None:
        return _paint("fill", colour)
    fill, line = variable_of().get(str(colour).lower()), variable_of().get(str(edge).lower())
    if fill is None or line is None:
        raise UnknownMark(f"marker colours {colour!r}, {edge!r} are not design tokens")
    return f'class="f-{fill} s-{line}"' + (f' stroke-width="{_n(edge_width)}"' if edge_width != 1 else "")


def _symbol(symbol: str, x: float, y: float, size: float) -> str:
    """The element without its paint, still open."""
    radius = size / 2
    if symbol.startswith("circle"):
        return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"'
    if symbol.startswith("square"):
        return f'<rect x="{_n(x - radius)}" y="{_n(y - radius)}" width="{_n(size)}" height="{_n(size)}"'
    if symbol == "diamond":
        reach = radius * 1.3
        side, back = _n(reach), _n(-reach)
        return f'<path d="M{_n(x)},{_n(y - reach)}l{side},{side}l{back},{side}l{back},{back}Z"'
    half, up = radius * 2 / math.sqrt(3), radius if symbol == "triangle-up" else -radius
    return f'<path d="M{_n(x - half)},{_n(y + up / 2)}H{_n(x + half)}L{_n(x)},{_n(y - up)}Z"'


def _crowd(run: list[Mark], opacity: str) -> str:
    """Many equal dots without an edge as one path of points with round ends: a sixth of the bytes of as many circles."""
    paint, _, _, _, size = run[0]
    dots = "".join(f"M{x:.0f},{y:.0f}h0" for _, _, x, y, _ in run)
    stroke = paint.replace("f-", "s-", 1)
    return f'<path d="{dots}" fill="none" {stroke} stroke-width="{_n(size)}" stroke-linecap="round"{opacity}/>'


def _rich(line: str) -> str:
    """One line of figure text: `<b>` is kept, entities are read, everything else is text. A stray `<` is unknown."""
    out = []
    for part in re.split(r"(</?b>)", line):
        if part in ("<b>", "</b>"):
            out.append('<tspan font-weight="600">' if part == "<b>" else "</tspan>")
        elif "<" in part:
            raise UnknownMark(f"markup in figure text {line!r}")
        else:
            out.append(escape(unescape(part), quote=False))
    return "".join(out)
