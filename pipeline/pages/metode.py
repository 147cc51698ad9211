"""Method: how the numbers are made, in plain words, with their limits."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipeline.html import render
from pipeline.pages import common
from pipeline.pages.sheet import Sheet

PATH = "metode.html"


def build(sheet: Sheet) -> str:
    w = sheet.words
    body = render(
        "prosa.html",
        w,
        p=sheet.opening(
            w._("How these numbers are made, and what they cannot say"),
            [w._("The rules are the same for every agency and every month.")],
            kind=w._("Method"),
        ),
        sections=sections(sheet),
    )
    return sheet.page(body, title=w.plain("Method"))


def _section(title: str, *texts: str) -> dict[str, Any]:
    return {"title": title, "terms": [], "texts": list(texts)}


def sections(sheet: Sheet) -> list[dict[str, Any]]:
    w = sheet.words
    return [
        _section(
            w._("From file to number"),
            w._(
                "The agencies' admins download the platforms' own files and hand them in. Each file is read exactly right or "
                "refused with a reason; no part of a refused file enters a number."
            ),
            w._("Every file is kept unchanged, and every number can be followed back to its rows."),
        ),
        _section(
            w._("What counts as response"),
            w._(
                "Response is what the public does in the open: likes or reactions, comments, shares, saves. Clicks are not "
                "included."
            ),
            w._(
                "Response is divided by how often the post was seen: reach on Facebook and Instagram, impressions on X and "
                "LinkedIn, views on YouTube and TikTok. These are counted differently, so they are never added up or averaged."
            ),
            w._("A post is judged once it is old enough: once at least 90% of its response has usually come in."),
        ),
        _section(
            w._("What “usual” means"),
            w._(
                "Small accounts, videos and holiday months draw different response for everyone. What is usual takes this into "
                "account: it is what an account of this size, platform, mix of posts and month usually draws, worked out without "
                "the agency itself."
            ),
            w._("×1.00 means as usual; ×1.20 means a fifth more."),
            w._("An agency with few posts is moved towards the middle, because so few posts say little."),
        ),
        _section(
            w._("When something counts as certain"),
            w._(
                "Every number that is estimated has a range in which the true one very probably lies (95%). It counts as certain "
                "only when the whole range lies on one side. ▲ and ▼ at a change are checked so that at most one in "
                "ten of them is "
                "chance."
            ),
            w._("“Not certain” is a normal result: the data cannot tell a change from ordinary ups and downs."),
            w._("Ranks are given as ranges. An order of all agencies would mostly show chance."),
        ),
        _section(
            w._("What if other thresholds were chosen?"),
            w._("People choose the thresholds. Each was tried with other values while the rest stayed as chosen:"),
            *sensitivity(sheet),
        ),
        _section(
            w._("What these pages cannot say"),
            w._(
                "Response is not understanding, trust or better service. What happened at the same time is not called the cause."
            ),
            w._("Paid distribution is told apart only where the file says so; otherwise a post is marked as possibly paid."),
        ),
    ]


def sensitivity(sheet: Sheet) -> list[str]:
    """One sentence per threshold: how many agencies are judged, above and below with each value tried; the chosen one first."""
    w, table = sheet.words, "estimates.threshold_effect"
    rows = sheet.facts.frames[table].sort("threshold_name", "is_chosen", "value", descending=[False, True, False]).to_dicts()
    lines: dict[str, list[str]] = {}
    for row in rows:
        digits = 0 if row["value"] == int(row["value"]) else 2
        said = w._(
            "{value}: {judged} judged, {above} above, {below} below, {up} ▲, {down} ▼",
            value=sheet.number(table, row, "value", "number", digits),
            judged=sheet.number(table, row, "n_judged"),
            above=sheet.number(table, row, "n_above"),
            below=sheet.number(table, row, "n_below"),
            up=sheet.number(table, row, "n_up"),
            down=sheet.number(table, row, "n_down"),
        )
        lines.setdefault(row["threshold_name"], []).append(w._("{said} (chosen)", said=said) if row["is_chosen"] else said)
    return [
        Markup("{}. {}.").format(common.threshold_word(name, w).capitalize(), Markup("; ").join(said))
        for name, said in lines.items()
    ]
