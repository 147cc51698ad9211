"""Notebooks: the list of what analysts ask, and each notebook as a page, its code folded."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.notebook.execution import Record
from pipeline.pages.sheet import Sheet

PATH = "buku/index.html"
PROSE = ("text", "code", "table", "print")


def build(sheet: Sheet) -> str:
    """The list: question, answer, and whether tonight's run worked."""
    w = sheet.words
    rows = [_row(sheet, record) for record in sheet.facts.notebooks]
    body = render(
        "buku_daftar.html",
        w,
        p=sheet.opening(
            w._("Questions that analysts ask, answered every night"),
            [
                w._("Each notebook asks one question of the same tables as these pages. It runs again on every new version."),
                w._("To dig further, open it with {command}.", command="terukur lab"),
            ],
            kind=w._("Notebooks"),
        ),
        rows=rows,
    )
    return sheet.page(body, title=w.plain("Notebooks"))


def _row(sheet: Sheet, record: Record) -> dict[str, Any]:
    said = record.said(sheet.words.language)
    return {
        "url": sheet.url(path_of(record)) if record.parts else None,
        "title": tampil(said.title, 120),
        "question": tampil(said.question, 400),
        "answer": Markup(said.answer),  # noqa: S704  # escaped in pipeline.notebook
        "notice": notice(sheet, record),
    }


def path_of(record: Record) -> str:
    return f"buku/{record.name}.html"


def notice(sheet: Sheet, record: Record) -> str:
    """Said on the page itself when it is older than its neighbours."""
    w, now = sheet.words, str(sheet.facts.info.get("version") or "")
    if record.failure and not record.parts:
        return w._("This notebook failed on version {now} and has no earlier page.", now=record.failure.get("version", now))
    if record.failure:
        return w._(
            "This notebook failed on version {now}; what you see was made from version {old}.",
            now=record.failure.get("version", now),
            old=record.version,
        )
    return w._("Made from version {old}, not from {now}.", old=record.version, now=now) if record.version != now else ""


def page(sheet: Sheet, record: Record) -> str:
    """One notebook: title, answer, then prose, charts and tables as they were shown; code in a fold."""
    w, kept = sheet.words, record
    record = kept.said(w.language)
    sheet.figures.update(record.figures)
    body = render(
        "buku.html",
        w,
        p=sheet.opening(tampil(record.title, 160), [], kind=w._("Notebook {number}", number=record.name[:2])),
        question=tampil(record.question, 400),
        answer=Markup(record.answer),  # noqa: S704  # escaped in pipeline.notebook
        summary=tampil(record.summary, 900) if record is kept else "",
        language="id" if record is kept else w.language,
        notice=notice(sheet, kept),
        blocks=blocks(record.parts),
        source=f"notebooks/{record.name}.ipynb",
        parameters=", ".join(f"{k} = {v}" for k, v in sorted(record.parameters.items())),
    )
    return sheet.page(body, title=tampil(record.title, 120))


def blocks(parts: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Cards: a chart stands alone; prose, tables and folded code between charts share one, a new one at each heading."""
    found: list[dict[str, Any]] = []
    for kind, content in parts:
        markup = Markup(content)  # noqa: S704  # escaped where it was made: notebook.py, nbview.py, execution.py
        if kind not in PROSE and kind != "coverage":
            found.append({"kind": "chart", "parts": [("chart", markup)]})
            continue
        fresh = not found or found[-1]["kind"] == "chart" or (kind == "text" and re.match(r"<h2", content))
        if fresh:
            found.append({"kind": "prose", "parts": []})
        so_far = found[-1]["parts"]
        if kind == "code" and so_far and so_far[-1][0] == "code":
            so_far[-1] = ("code", so_far[-1][1] + Markup("\n\n") + markup)  # parameters and opening: one fold
        else:
            so_far.append((kind, markup))
    return found
