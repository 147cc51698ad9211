"""A document in the making, and how it becomes a PDF.

A document is plain data: blocks of text, lists, tables and drawings in reading order. Nothing of it is markup, so a name can
neither format nor run anything. Each figure that a sentence or a cell shows is noted in the annex with the id that
`terukur trace` follows; the small number behind a sentence or a row leads there.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from pipeline.html.escape import tampil
from pipeline.html.tokens import colour
from pipeline.pages.sheet import Sheet, Shown

TEMPLATE = Path(__file__).parent / "surat.typ"
FONT = "Libertinus Serif"  # typst carries it: a letter looks the same on every machine
_SIGNS = "–—‘’“”„…•·×±−→↑↓▲▼≤≥≈€°²³§©®"
_UNPRINTABLE = re.compile(rf"[^\x20-\x7e\xa0-\u024f{re.escape(_SIGNS)}]+")
Words_ = str | Markup | Shown


class _Reader(HTMLParser):
    """The text of a sentence of the pages, and its figures as (id, text)."""

    def __init__(self, markup: str):
        super().__init__()
        self.text: list[str] = []
        self.figures: list[tuple[str, str]] = []
        self._figure: str | None = None
        self._in_link = False
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._figure = dict(attrs).get("data-figure") or self._figure
        self._in_link = self._in_link or tag == "a"

    def handle_endtag(self, tag: str) -> None:
        self._figure = None
        self._in_link = self._in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._in_link:  # "See why" leads nowhere on paper
            return
        self.text.append(data)
        if self._figure:
            self.figures.append((self._figure, data))


def inked(text: object) -> str:
    """Text that the letter's fonts can print: decorated letters become plain ones, pictures in names and captions are left out.

    PDF/A forbids a character without a shape, and one emoji must not cost an agency its report.
    """
    shown = str(text).translate({0x2011: "-", 0x202F: "\u00a0"})
    plain = _UNPRINTABLE.sub("", shown)
    if plain != shown:
        plain = _UNPRINTABLE.sub("", unicodedata.normalize("NFKC", shown))
    return tampil(plain)


def read(said: Words_ | None) -> tuple[str, list[tuple[str, str]]]:
    """A sentence or a number as printable text, with the figures in it."""
    if said is None:
        return "", []
    reader = _Reader(str(escape(said)))
    return inked("".join(reader.text)), reader.figures


@dataclass
class Annex:
    """Every figure of a document, grouped by the row of the table that it was read from; groups are numbered as they appear."""

    groups: dict[str, int] = field(default_factory=dict)
    figures: dict[str, tuple[int, str]] = field(default_factory=dict)  # id → (group, text as printed)

    def note(self, figures: Iterable[tuple[str, str]]) -> list[int]:
        """The numbers to print behind what shows these figures."""
        found = []
        for figure, text in figures:
            table, _, rest = figure.partition(":")
            group = f"{table}:{rest.partition(':')[2]}"
            number = self.groups.setdefault(group, len(self.groups) + 1)
            self.figures.setdefault(figure, (number, inked(text)))
            found.append(number)
        return sorted(set(found))

    def rows(self) -> list[list[str]]:
        """(number, figure as printed, id), by number."""
        ordered = sorted(((number, text, figure) for figure, (number, text) in self.figures.items()), key=lambda row: row[0])
        return [[str(number), text, figure] for number, text, figure in ordered]


@dataclass
class Document:
    """One letter or report. `facts` stand above the text as label and value; `signatures` are empty for what nobody signs."""

    sheet: Sheet
    title: str
    subtitle: str = ""
    letterhead: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[dict[str, str]] = field(default_factory=list)
    place: str = ""
    footer: list[str] = field(default_factory=list)
    annex: Annex = field(default_factory=Annex)
    has_annex: bool = True
    compact: bool = False

    def heading(self, text: str) -> None:
        self.blocks.append({"kind": "heading", "text": inked(text)})

    def say(self, *sentences: Words_, big: bool = False, rests_on: Sequence[Shown] = ()) -> None:
        """One paragraph."""
        texts: list[str] = []
        figures = [figure for shown in rests_on for figure in read(shown)[1]]
        for sentence in sentences:
            text, seen = read(sentence)
            if not text:
                continue
            texts.append(text)
            figures += seen
        if texts:
            self.blocks.append({"kind": "say", "text": " ".join(texts), "refs": self.annex.note(figures), "big": big})

    def points(
        self,
        items: Iterable[tuple[Words_, Words_]],
        *,
        numbered: bool = False,
        rests_on: Sequence[Shown] = (),
        mark: str = ".",
    ) -> None:
        """(what in bold, text) one below the other, `mark` between them; `rests_on`: per item the figure behind a text that shows
        none by itself."""
        rows = []
        for place, (title, text) in enumerate(items):
            (name, first), (said, second) = read(title), read(text)
            _, third = read(rests_on[place]) if rests_on else ("", [])
            rows.append({"title": name, "text": said, "refs": self.annex.note([*first, *second, *third])})
        if rows:
            self.blocks.append({"kind": "points", "items": rows, "numbered": numbered, "mark": mark})

    def box(self, title: str, items: Iterable[tuple[Words_, Words_, str]]) -> None:
        """Numbers side by side: (value, what it is, small words below)."""
        cells = []
        for value, label, note in items:
            (shown, figures), (name, more), (small, rest) = read(value), read(label), read(note)
            cells.append({"value": shown, "label": name, "note": small, "refs": self.annex.note([*figures, *more, *rest])})
        self.blocks.append({"kind": "box", "title": inked(title), "cells": cells})

    def table(
        self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Words_]], *, widths: Sequence[float] = ()
    ) -> None:
        """`columns` are (label, "left" or "right"); the numbers into the annex stand behind the first cell of a row."""
        lines = []
        for row in rows:
            cells = [read(cell) for cell in row]
            refs = self.annex.note(figure for _, figures in cells for figure in figures)
            lines.append({"cells": [text for text, _ in cells], "refs": refs})
        if lines:
            labels = [{"label": inked(label), "align": align} for label, align in columns]
            self.blocks.append({"kind": "table", "columns": labels, "rows": lines, "widths": list(widths)})

    def sign(self) -> None:
        """Here the signatures stand."""
        self.blocks.append({"kind": "sign"})

    def new_page(self) -> None:
        self.blocks.append({"kind": "page"})

    def drawing(self, svg: str, title: str, description: str) -> None:
        self.blocks.append({"kind": "drawing", "svg": svg, "title": inked(title), "alt": inked(description)})

    def as_data(self) -> dict[str, Any]:
        w = self.sheet.words
        texts = {
            "simulated": w.plain("SIMULATED DATA – not real figures"),
            "page": w.plain("Page"),
            "annex": w.plain("Annex: where each figure comes from"),
            "annex_intro": w.plain(
                "The number behind a sentence or a row leads here. The command terukur trace with the id of a figure lists the "
                "files and rows behind it."
            ),
            "number": w.plain("No."),
            "figure": w.plain("As printed"),
            "id": w.plain("Id of the figure"),
            "sign": w.plain("Name and signature"),
        }
        return {
            "language": w.language,
            "title": inked(self.title),
            "subtitle": inked(self.subtitle),
            "letterhead": [inked(line) for line in self.letterhead if line],
            "facts": [[inked(label), inked(value)] for label, value in self.facts],
            "blocks": self.blocks,
            "signatures": [{name: inked(text) for name, text in s.items()} for s in self.signatures],
            "place": inked(self.place),
            "footer": [inked(line) for line in self.footer],
            "annex": self.annex.rows() if self.has_annex else [],
            "simulated": self.sheet.facts.simulated,
            "compact": self.compact,
            "t": texts,
        }


def inline(svg: str) -> str:
    """A drawing of the pages with its colours written out: paper knows no style sheet."""

    def painted(match: re.Match[str]) -> str:
        names = match.group(1).split()
        marks = [(name[0], colour(name[2:])) for name in names if re.fullmatch(r"[fs]-[\w]+", name)]
        return " ".join(f'{"fill" if kind == "f" else "stroke"}="{tone}"' for kind, tone in marks)

    found = re.search(r"<svg.*?</svg>", svg, re.S)
    drawn = re.sub(r'class="([^"]*)"', painted, found.group(0) if found else svg)
    return drawn.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" font-family="{FONT}" fill="{colour("ink")}" ', 1)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


def compile_pdf(document: Document) -> bytes:
    """The document as tagged PDF/A-2b; the same document gives the same bytes."""
    import typst

    built = document.sheet.built_at
    moment = built if built.tzinfo else built.replace(tzinfo=UTC)
    return typst.compile(
        _template(),
        format="pdf",
        sys_inputs={"document": json.dumps(document.as_data(), ensure_ascii=False)},
        pdf_standards=["a-2b"],
        pdf_tags=True,
        ignore_system_fonts=True,
        timestamp=int(moment.timestamp()),
    )
