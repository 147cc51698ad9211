"""What a notebook shows, as HTML: the cards and tables of the pages, and a small part that stands alone inside an editor."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html import unescape
from typing import Any

from markupsafe import Markup

from pipeline.charts import Chart, Column, Table
from pipeline.html import render
from pipeline.html.live import figure_data, live_data
from pipeline.html.locale import Words
from pipeline.html.svg import draw, plain_text
from pipeline.html.tokens import tokens

PLOTLY = "application/vnd.plotly.v1+json"


def card(chart: Chart, words: Words) -> tuple[str, dict[str, Any]]:
    """The card of the pages and the figures of its live layer."""
    label = plain_text(f"{unescape(chart.title)}. {unescape(chart.description)}")
    svg = Markup("").join(
        draw(figure, name=f"{chart.name}-{size}", label=label, css_class=f"g-{size}") for size, figure in chart.figures.items()
    )
    piece = {"chart": chart, "svg": svg, "csv": None, "wide": True, "file": chart.name, "trace": None}
    figures = {chart.name: live_data(chart.figures["w"], chart.figures["n"])} if chart.figures else {}
    return str(render("buku_grafik.html", words, c=piece)), figures


def lab_parts(chart: Chart) -> tuple[str, dict[str, Any], str]:
    """Heading, MIME bundle of the drawing, and foot, for JupyterLab and VS Code, which know none of our styles."""
    head = f"<h4>{chart.title}</h4><p>{chart.subtitle}</p>"
    foot = f"<p><b>Cara membaca.</b> {chart.reading} <i>{chart.source}</i></p>"
    if chart.is_empty:
        return head, {"text/html": "<p>Data belum cukup untuk digambar; tidak ada yang diisikan.</p>"}, foot
    svg = draw(chart.figures["w"], name=f"{chart.name}-buku", label=plain_text(unescape(chart.title)))
    used = {kind: sorted(set(re.findall(rf"\b{kind}-([a-z0-9]+)", str(svg)))) for kind in "fs"}
    shades = tokens()["colour"]
    rules = [f".terukur .f-{t}{{fill:{shades[t]['light']}}}" for t in used["f"] if t in shades]
    rules += [f".terukur .s-{t}{{stroke:{shades[t]['light']}}}" for t in used["s"] if t in shades]
    drawing = (
        f'<div class="terukur" style="background:#fff;color:#111;max-width:900px"><style>{"".join(rules)}</style>{svg}</div>'
    )
    figure = figure_data(chart.figures["w"])
    return head, {PLOTLY: {**figure, "config": {"displaylogo": False}}, "text/html": drawing}, foot


def table_html(columns: Sequence[Column], rows: Sequence[tuple[object, ...]], caption: str, words: Words) -> str:
    """A table of the pages. Every cell is escaped."""
    return str(render("buku_tabel.html", words, t=Table(tuple(columns), tuple(rows)), caption=caption))


def grid_html(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[str, float | None]]]], caption: str
) -> str:
    """A shaded grid: each cell is (text, share 0–1 of the shade, or None for a pale cell)."""
    head = "".join(f'<th scope="col" class="n">{html.escape(c)}</th>' for c in columns)
    body = []
    for label, cells in rows:
        shown = "".join(
            f'<td class="n{" redup" if share is None else ""}"'
            + (f' style="background:color-mix(in srgb,var(--brand,#0b5f52) {round(share * 45)}%,transparent)"' if share else "")
            + f">{html.escape(text)}</td>"
            for text, share in cells
        )
        body.append(f'<tr><th scope="row">{html.escape(label)}</th>{shown}</tr>')
    return (
        f'<div class="geser" tabindex="0" role="group" aria-label="{html.escape(caption)}"><table class="kisi-angka">'
        f'<caption>{html.escape(caption)}</caption><thead><tr><th scope="col">{html.escape(corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
