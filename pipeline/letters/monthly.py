"""The monthly letter of the communications office to leadership, and the one-page briefing."""

from __future__ import annotations

from typing import Any

from pipeline.letters import parts
from pipeline.letters.origin import Origin
from pipeline.letters.paper import Document, Words_, inline
from pipeline.pages import advice, common, ringkasan
from pipeline.pages.sheet import Sheet, Shown

KIND = "bulanan"
SHOWN = 5


def letter(origin: Origin, language: str = "id") -> Document:
    """The letter with its annexes: what happened, what is certain, who needs help, what to do, every agency, method, figures."""
    page = parts.document(origin, language, "")
    sheet, w = page.sheet, page.sheet.words
    page.title = w.plain("Monthly report on social media, {month}", month=w.month(origin.month))
    page.letterhead, _ = parts.letterhead(origin, sheet)
    page.facts = [
        (w.plain("Number"), "................................"),
        (w.plain("Attachments"), w.plain("List of agencies; annex of figures")),
        (w.plain("Subject"), w.plain("Performance of the official social media accounts")),
        *parts.dated_facts(sheet),
    ]
    page.say(ringkasan.headline(sheet), big=True)
    page.say(*ringkasan.lede(sheet))
    parts.regency_coverage(page)
    findings(page)
    actions(page)
    page.heading(w.plain("What the platforms counted"))
    parts.platform_table(page, ringkasan.platform_rows(sheet), notes=False)
    chart(page, ringkasan.charts(sheet)[0])
    parts.corrections(page, origin)
    parts.signed(page, origin, KIND)
    every_agency(page)
    parts.disputed(page, sheet.facts.listed)
    parts.method(page, ringkasan.method(sheet))
    return page


def briefing(origin: Origin, language: str = "id") -> Document:
    """One A4 page for sixty seconds: the answer, how certain it is, what to do. Nobody signs it."""
    page = parts.document(origin, language, "", compact=True)
    sheet, w = page.sheet, page.sheet.words
    page.title = w.plain("Briefing: social media, {month}", month=w.month(origin.month))
    page.subtitle = " · ".join(f"{label}: {value}" for label, value in parts.dated_facts(sheet))
    page.say(ringkasan.headline(sheet), big=True)
    page.say(*ringkasan.lede(sheet))
    parts.regency_coverage(page)
    findings(page, 3)
    actions(page)
    chart(page, ringkasan.charts(sheet)[0])
    return page


def findings(page: Document, shown: int = SHOWN) -> None:
    """What is certainly better and worse, and who needs help; a list that goes on says how many more."""
    sheet, w = page.sheet, page.sheet.words
    better, worse = ringkasan.certain(sheet, "up"), ringkasan.certain(sheet, "down")
    if not better and not worse:
        page.heading(w.plain("What is certain"))
        page.say(ringkasan.calm(sheet))
    for title, found in (
        (w.plain("Certainly better or above usual"), better),
        (w.plain("Certainly worse or below usual"), worse),
    ):
        if found:
            page.heading(title)
            named = [(w._("{name}: {value}", name=f["name"], value=f["value"]), f["text"]) for f in found[:shown]]
            page.points(named, mark=" –")
            more(page, len(found) - shown)
    needed = advice.needs(sheet.facts, w)
    if needed:
        page.heading(w.plain("Who needs help"))
        rests = [Shown(w.plain("evidence"), n["figure"] or "") for n in needed[:shown]]
        page.points([(n["agency"]["short"], n["text"]) for n in needed[:shown]], rests_on=rests)
        more(page, len(needed) - shown)


def more(page: Document, count: int) -> None:
    if count > 0:
        w = page.sheet.words
        page.say(w.ngettext("{n} more stands on the overview page.", "{n} more stand on the overview page.", count))


def actions(page: Document) -> None:
    w, found = page.sheet.words, advice.regency_actions(page.sheet)
    if found:
        page.heading(w.plain("What to do"))
        page.points([(a["title"], a["text"]) for a in found], numbered=True, rests_on=parts.advice_figures(page.sheet))


def chart(page: Document, made: dict[str, Any]) -> None:
    if made["chart"].figures:
        page.drawing(inline(str(made["svg"])), read_plain(made["chart"].title), read_plain(made["chart"].description))


def read_plain(text: str) -> str:
    from html import unescape

    return unescape(text)


def every_agency(page: Document) -> None:
    """The list of agencies by alphabet: posts, response against the usual with its range, change, direction. No rank."""
    w = page.sheet.words
    columns = [
        (w.plain("Agency"), "left"),
        (w.plain("Posts judged"), "right"),
        (w.plain("Response"), "right"),
        (w.plain("range (95%)"), "left"),
        (w.plain("Change"), "right"),
        (w.plain("range (95%)"), "left"),
        (w.plain("Direction"), "left"),
        (w.plain("Days"), "right"),
    ]
    page.new_page()
    page.heading(w.plain("All agencies, by alphabet"))
    page.say(
        w._(
            "Response: times what is usual for accounts of this size, platform and mix of posts. Change: of the response, "
            "against the three months before. Days: share of the days that downloads cover. Nobody is ranked."
        )
    )
    page.table(columns, [agency_line(page, a) for a in page.sheet.facts.listed], widths=(2.1, 0.9, 1.05, 1.5, 0.9, 1.7, 1.3, 0.7))


def agency_line(page: Document, agency: dict[str, Any]) -> list[Words_]:
    """Where an agency is not judged the reason stands instead of its figures."""
    sheet, w = page.sheet, page.sheet.words
    window = agency["window"]
    posts = sheet.number(ringkasan.WINDOW, window, "n_posts")
    covered = sheet.number(ringkasan.WINDOW, window, "coverage", "percent")
    if not common.is_judged(agency):
        return [agency["short"], posts, "–", "–", "–", "–", w.plain("too little data"), covered]
    direction = common.direction_word(common.direction(agency), w)
    level = sheet.number(ringkasan.WINDOW, window, "vs_expected", "times")
    change = sheet.number(ringkasan.WINDOW, window, "change", "change")
    return [
        agency["short"],
        posts,
        level,
        between(sheet, window, "times", ("lower", "upper")),
        change,
        between(sheet, window, "change", ("change_lower", "change_upper")),
        direction,
        covered,
    ]


def between(sheet: Sheet, row: dict[str, Any], kind: str, bounds: tuple[str, str]) -> Words_:
    """A range short enough for a table: ×0.79 – ×1.43."""
    if any(row.get(name) is None for name in bounds):
        return "–"
    low, high = (sheet.number(ringkasan.WINDOW, row, name, kind, 2 if kind == "times" else 0) for name in bounds)
    return sheet.words._("{low} to {high}", low=low, high=high)
