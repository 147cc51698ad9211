"""The overview as slides: whole sentences, and charts that can be edited because their numbers are inside.

Every chart shows its range or says what it leaves out; the ids of its figures stand in the notes of its slide.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
from pptx.enum.dml import MSO_LINE
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from pipeline.html.tokens import colour
from pipeline.letters.origin import Origin
from pipeline.letters.paper import Words_, inked, read
from pipeline.pages import advice, common, ringkasan
from pipeline.pages.sheet import Sheet, figure_id

WIDE, HIGH = Inches(13.333), Inches(7.5)
EDGE = Inches(0.6)
MONTH, PLATFORMS, GROUP = "estimates.regency_month", ringkasan.PLATFORMS, ringkasan.GROUP
SHOWN = 6
FULL = 420  # characters of a slide, above which the letters become smaller


class Deck:
    """Slides in the making. Text is text: what a name holds is neither formatted nor followed."""

    def __init__(self, origin: Origin, language: str):
        self.origin, self.sheet = origin, origin.sheet(language)
        self.w = self.sheet.words
        self.file = Presentation()
        self.file.slide_width, self.file.slide_height = WIDE, HIGH
        self.file.core_properties.title = self.w.plain("Social media, {month}", month=self.w.month(origin.month))
        self.file.core_properties.created = self.file.core_properties.modified = origin.built_at
        self.file.core_properties.author = "Terukur"

    def slide(self, title: str) -> Any:
        """An empty slide with its title, the label of simulated data, and the version below."""
        made = self.file.slides.add_slide(self.file.slide_layouts[5])
        head = made.shapes.title
        head.left, head.top, head.width, head.height = EDGE, Inches(0.45), WIDE - 2 * EDGE, Inches(1.0)
        write(head.text_frame, [inked(title)], 30, bold=True)
        head.text_frame.paragraphs[0].alignment, head.text_frame.vertical_anchor = PP_ALIGN.LEFT, MSO_ANCHOR.MIDDLE
        band = made.shapes.add_shape(MSO_SHAPE.RECTANGLE, 0, 0, WIDE, Inches(0.18))
        band.fill.solid()
        band.fill.fore_color.rgb = ink("brand")
        band.line.fill.background()
        foot = made.shapes.add_textbox(EDGE, HIGH - Inches(0.55), WIDE - 2 * EDGE, Inches(0.4)).text_frame
        label = [self.w.plain("SIMULATED DATA – not real figures")] if self.origin.facts.simulated else []
        write(foot, [" · ".join([*label, self.sheet.period, f"Terukur {self.origin.version}"])], 12, tone="ink2")
        return made

    def text(self, title: str, lines: Sequence[Words_]) -> None:
        """A slide of sentences; their figures go to the notes."""
        said = [read(line) for line in lines if line]
        if said:
            made = self.slide(title)
            box = made.shapes.add_textbox(EDGE, Inches(1.6), WIDE - 2 * EDGE, Inches(5.1)).text_frame
            write(box, [text for text, _ in said], 24 if sum(len(text) for text, _ in said) < FULL else 20)
            self.notes(made, [figure for _, figures in said for figure in figures])

    def chart(self, title: str, kind: Any, names: list[str], series: list[tuple[str, list[float | None], str]], note: str) -> Any:
        """A slide with one native chart and the sentence that says how to read it. `series`: (name, values, colour)."""
        made = self.slide(title)
        data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
        data.categories = [inked(name) for name in names]
        for name, values, _ in series:
            data.add_series(inked(name), values)
        frame = made.shapes.add_chart(kind, EDGE, Inches(1.5), WIDE - 2 * EDGE, Inches(4.7), data)
        drawn = frame.chart
        drawn.font.size = Pt(14)
        drawn.has_title = False
        drawn.has_legend = len(series) > 1
        if drawn.has_legend:
            drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
        for plotted, (_, _, tone) in zip(drawn.plots[0].series, series, strict=True):
            paint(plotted, kind, tone)
        box = made.shapes.add_textbox(EDGE, Inches(6.25), WIDE - 2 * EDGE, Inches(0.7)).text_frame
        write(box, [inked(note)], 14, tone="ink2")
        return made

    def notes(self, made: Any, figures: Sequence[tuple[str, str]]) -> None:
        unique = dict.fromkeys(figures)
        made.notes_slide.notes_text_frame.text = "\n".join(f"{text}  {figure}" for figure, text in unique)


def write(frame: Any, lines: Sequence[str], size: int, *, bold: bool = False, tone: str = "ink") -> None:
    frame.word_wrap = True
    for place, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, "Calibri"
        run.font.color.rgb = ink(tone)
        paragraph.space_after = Pt(size * 0.5)


def ink(tone: str) -> RGBColor:
    red, green, blue = bytes.fromhex(colour(tone).lstrip("#"))
    return RGBColor(red, green, blue)  # type: ignore[no-untyped-call]


def paint(plotted: Any, kind: Any, tone: str) -> None:
    rgb = ink(tone)
    if kind == XL_CHART_TYPE.LINE_MARKERS:
        plotted.smooth = False
        plotted.format.line.color.rgb = rgb
        plotted.format.line.width = Pt(2.5) if tone == "brand" else Pt(1)
        if tone != "brand":
            plotted.format.line.dash_style = MSO_LINE.DASH
        plotted.marker.format.fill.solid()
        plotted.marker.format.fill.fore_color.rgb = rgb
        plotted.marker.size = 7 if tone == "brand" else 3
    else:
        plotted.format.fill.solid()
        plotted.format.fill.fore_color.rgb = rgb


def overview(origin: Origin, language: str = "id") -> bytes:
    """Answer, what is certain, the months, the directions, the platforms, who needs help, what to do, how to read."""
    deck = Deck(origin, language)
    sheet, w = deck.sheet, deck.w
    deck.text(read(ringkasan.headline(sheet))[0], [ringkasan.headline(sheet), *ringkasan.lede(sheet)][1:])
    certain = [(side, f) for side in ("up", "down") for f in ringkasan.certain(sheet, side)]
    marks = {"up": "▲", "down": "▼"}
    lines: list[Words_] = [
        w._("{mark} {name}: {value} – {text}", mark=marks[side], name=f["name"], value=f["value"], text=f["text"])
        for side, f in certain[:SHOWN]
    ]
    deck.text(w.plain("What is certain"), lines or [ringkasan.calm(sheet)])
    months(deck)
    directions(deck)
    platform_posts(deck)
    needed = advice.needs(sheet.facts, w)[:SHOWN]
    deck.text(w.plain("Who needs help"), [w._("{name}: {value}", name=n["agency"]["short"], value=n["text"]) for n in needed])
    actions = advice.regency_actions(sheet)
    deck.text(w.plain("What to do"), [w._("{name}: {value}", name=a["title"], value=a["text"]) for a in actions])
    terms = common.method_terms(w)[:2]
    deck.text(w.plain("How to read the figures"), [w._("{name}: {value}", name=name, value=text) for name, text in terms])
    out = io.BytesIO()
    deck.file.save(out)
    return out.getvalue()


def months(deck: Deck) -> None:
    """The middle agency of each month with the range of that middle; the running month is left out."""
    sheet, w = deck.sheet, deck.w
    rows = sheet.facts.frames[MONTH].sort("month").to_dicts()
    end = sheet.facts.period[1]
    rows = [r for r in rows if end and r["month"] <= end and r["median"] is not None]
    if len(rows) < 2:
        return
    series = [(w.plain("Agency in the middle"), [r["median"] for r in rows], "brand")]
    labels = {"lower": w.plain("lower (95%)"), "upper": w.plain("upper (95%)")}
    series += [(labels[name], [r[name] for r in rows], "ink2") for name in labels]
    names = [f"{w.month_short(r['month'])} {r['month'].year}" for r in rows]
    note = w.plain("1 means as usual. Where the dashed lines of two months overlap, the months cannot be told apart.")
    made = deck.chart(w.plain("Response against the usual, month by month"), XL_CHART_TYPE.LINE_MARKERS, names, series, note)
    deck.notes(made, [shown for r in rows for c in ("median", "lower", "upper") for shown in _noted(sheet, MONTH, r, c)])


def directions(deck: Deck) -> None:
    """How many agencies certainly improved, certainly declined, neither, or cannot be compared."""
    sheet, w, row = deck.sheet, deck.w, deck.sheet.facts.regency
    columns = {
        "n_up": w.plain("improving"),
        "n_flat": w.plain("no certain change"),
        "n_down": w.plain("declining"),
        "n_uncompared": w.plain("too little data"),
    }
    if any(row.get(c) is None for c in columns):
        return
    series = [(w.plain("Agencies"), [row[c] for c in columns], "brand")]
    note = w.plain("A direction counts only where it was checked so that at most one in ten of such marks is chance.")
    title = w.plain("Agencies by the direction of their response")
    made = deck.chart(title, XL_CHART_TYPE.COLUMN_CLUSTERED, list(columns.values()), series, note)
    deck.notes(made, [shown for c in columns for shown in _noted(sheet, GROUP, row, c)])


def platform_posts(deck: Deck) -> None:
    """Posts of each platform: the one number of these that is counted alike everywhere."""
    sheet, w = deck.sheet, deck.w
    rows = [r for r in sheet.facts.frames[PLATFORMS].sort("platform").to_dicts() if r["posts"] is not None]
    if not rows:
        return
    names = [f"{common.platform_name(r['platform'])} ({r['accounts_known']}/{r['accounts']})" for r in rows]
    series = [(w.plain("Posts"), [r["posts"] for r in rows], "brand")]
    note = w.plain(
        "In brackets: accounts whose posts are all known, of all. Reach, impressions and views are different units and stand in "
        "no common chart."
    )
    made = deck.chart(w.plain("Posts by platform"), XL_CHART_TYPE.BAR_CLUSTERED, names, series, note)
    deck.notes(made, [shown for r in rows for shown in _noted(sheet, PLATFORMS, r, "posts")])


def _noted(sheet: Sheet, table: str, row: dict[str, Any], column: str) -> list[tuple[str, str]]:
    if row[column] is None:
        return []
    return [
        (figure_id(table, column, row, sheet.facts.keys.get(table, ())), sheet.words.number(row[column], 2).removesuffix(",00"))
    ]
