"""The report of one agency: the sentences of its page on paper, to be handed over and signed."""

from __future__ import annotations

from typing import Any

from pipeline.letters import parts
from pipeline.letters.monthly import chart
from pipeline.letters.origin import Origin
from pipeline.letters.paper import Document
from pipeline.pages import advice, perangkat

KIND = "perangkat"


def report(origin: Origin, agency: dict[str, Any], language: str = "id") -> Document:
    """What it did and reached, how certain that is, what drew response, what was promised, what next, on which files it rests."""
    page = parts.document(origin, language, "")
    sheet, w = page.sheet, page.sheet.words
    page.title = w.plain("Social media report: {agency}", agency=agency["long"])
    page.letterhead, _ = parts.letterhead(origin, sheet)
    page.facts = parts.dated_facts(sheet)
    page.say(perangkat.headline(sheet, agency), big=True)
    page.say(*[s for s in perangkat.lede(sheet, agency) if str(s) != f"{agency['long']}."])
    numbers(page, agency)
    parts.disputed(page, [agency])
    page.heading(w.plain("Next step"))
    page.say(advice.next_step(sheet, agency), rests_on=parts.advice_figures(sheet, agency["agency_id"])[:1])
    accounts(page, agency)
    for made in perangkat.charts(sheet, agency)[1:2]:
        chart(page, made)
    drew_response(page, agency)
    promised(page, agency)
    if asked := perangkat.asked(sheet, agency):
        page.heading(w.plain("Questions and complaints"))
        page.say(*asked)
    trust(page, agency)
    parts.signed(page, origin, KIND)
    parts.method(page, perangkat.method(sheet, agency))
    return page


def numbers(page: Document, agency: dict[str, Any]) -> None:
    cells = perangkat.five_numbers(page.sheet, agency)
    page.box(
        page.sheet.words.plain("The figures, and how certain they are"),
        [(cell["value"], cell["label"], cell["lines"][0][1] if cell["lines"] else "") for cell in cells],
    )


def accounts(page: Document, agency: dict[str, Any]) -> None:
    if rows := perangkat.account_rows(page.sheet, agency):
        page.heading(page.sheet.words.plain("What the platforms counted"))
        parts.platform_table(page, rows, notes=True)


def drew_response(page: Document, agency: dict[str, Any]) -> None:
    """The posts with the most pull, with why each is listed; none where too few are known to say."""
    sheet, w = page.sheet, page.sheet.words
    best = perangkat.listed_posts(sheet, agency, "place_best", perangkat.BEST)
    if best:
        page.heading(w.plain("Posts that drew the most for their kind"))
        page.table(
            [(w.plain("Date"), "left"), (w.plain("Platform"), "left"), (w.plain("Post"), "left"), (w.plain("Pull"), "right")],
            [[row["day"], row["platform"], row["text"][:140], row["lift"]] for row in best],
            widths=(0.8, 0.8, 3.6, 0.5),
        )


def promised(page: Document, agency: dict[str, Any]) -> None:
    w = page.sheet.words
    if rows := perangkat.targets(page.sheet, agency):
        page.heading(w.plain("Targets"))
        page.table(
            [
                (w.plain("Target"), "left"),
                (w.plain("Period"), "left"),
                (w.plain("Promised"), "right"),
                (w.plain("Reached"), "right"),
                (w.plain("Range"), "left"),
                (w.plain("Result"), "left"),
            ],
            [[r["name"], r["period"], r["target"], r["value"], r["between"], r["status"]] for r in rows],
            widths=(2.2, 1, 0.9, 0.9, 2, 1.2),
        )


def trust(page: Document, agency: dict[str, Any]) -> None:
    """Months covered per account in letters, and the files per platform."""
    sheet, w = page.sheet, page.sheet.words
    found = perangkat.coverage(sheet, agency)
    page.heading(w.plain("What this report rests on"))
    page.say(w._("{sentence}.", sentence=found["title"]))
    newest = perangkat.newest_files(sheet, agency)
    page.table(
        [
            (w.plain("Platform"), "left"),
            (w.plain("Files"), "right"),
            (w.plain("Refused"), "right"),
            (w.plain("Rows"), "right"),
            (w.plain("Newest download"), "left"),
        ],
        [[row["platform"], row["files"], row["refused"], row["rows"], row["captured"]] for row in newest],
    )
