"""What a notebook shows: MIME bundles that JupyterLab, VS Code and the overnight export can each read.

Nothing here needs an editor's scripts: a drawing travels as a plotly figure for the editors that know it and as SVG for
everything else, and the page of the site gets the card of the house.
"""

from __future__ import annotations

import html
import re
import sys
from functools import cache
from typing import Any

import polars as pl

from pipeline.charts import Chart
from pipeline.html.locale import Words

OUTPUT = "application/vnd.terukur.v1+json"  # what the overnight export reads; editors ignore it


_spoken = ["id"]


def speak(language: str) -> None:
    """The language of what is shown from here on: Indonesian, or English for the twin of a notebook."""
    _spoken[:] = [language]


def kata() -> Words:
    """How numbers and dates are written in a notebook."""
    return _words(_spoken[0])


@cache
def _words(language: str) -> Words:
    return Words(language)


def tampilkan(isi: str, *, bagian: str = "teks") -> None:
    """HTML of our own making, shown in the editor and in the exported page. Outside text must be escaped before."""
    display({"text/html": isi, "text/plain": _bare(isi), OUTPUT: {"part": bagian, "html": isi}})


def catat(*kalimat: str) -> None:
    """Computed sentences as prose: one is a paragraph, several are a list. Everything is shown as text."""
    safe = [html.escape(html.unescape(k), quote=False) for k in kalimat]
    shown = f"<p>{safe[0]}</p>" if len(safe) == 1 else "<ul>" + "".join(f"<li>{k}</li>" for k in safe) + "</ul>"
    plain = "\n".join(html.unescape(k) for k in kalimat)
    display({"text/html": shown, "text/plain": plain, OUTPUT: {"part": "text", "html": shown}})


def jawab(kalimat: str) -> None:
    """The answer in one or two computed sentences. The exported page carries it under its title."""
    shown = html.escape(html.unescape(kalimat), quote=False)  # the house's sentences arrive escaped, names do not
    display(
        {
            "text/html": f'<p style="font-size:1.15em"><b>Jawaban.</b> {shown}</p>',
            "text/plain": html.unescape(kalimat),
            OUTPUT: {"part": "answer", "html": shown},
        }
    )


def display(bundle: dict[str, Any]) -> None:
    """Hand a MIME bundle to the editor; outside one, print its text."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        if get_ipython() is not None:
            from IPython.display import publish_display_data

            publish_display_data(bundle)  # type: ignore[no-untyped-call]
            return
    print(bundle["text/plain"])


def _bare(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", markup)).strip()


class Gambar:
    """A chart of the house in a notebook: live in the editor, drawn as SVG where nothing runs, whole in the exported page."""

    def __init__(self, chart: Chart):
        self.chart = chart

    @property
    def judul(self) -> str:
        return html.unescape(self.chart.title)

    @property
    def data(self) -> pl.DataFrame:
        """The numbers that are drawn."""
        table = self.chart.table
        columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.columns)
        return pl.DataFrame({c.name: list(values) for c, values in zip(table.columns, columns, strict=True)}, strict=False)

    def tampil(self) -> None:
        """Show it now: inside an `if`, where a notebook does not show the last value by itself."""
        from pipeline.notebook.nbview import card, lab_parts

        head, body, foot = lab_parts(self.chart)
        display({"text/html": head, "text/plain": self.judul, OUTPUT: {"part": "none"}})
        html_card, figures = card(self.chart, kata())
        whole = {OUTPUT: {"part": "chart", "html": html_card, "figures": figures}, "text/plain": self.judul}
        display({**whole, **body})
        display({"text/html": foot, "text/plain": "", OUTPUT: {"part": "none"}})

    _ipython_display_ = tampil
