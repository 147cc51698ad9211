"""Method: how the numbers are made, in plain words, with their limits."""

from __future__ import annotations

from typing import Any

from pipeline.html import render
from pipeline.html.locale import Words
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


def sections(sheet: Sheet) -> list[dict[str, Any]]:
    w = sheet.words
    return [*_reading(w), *_judging(w), thresholds(sheet), *_limits(w)]


def _reading(w: Words) -> list[dict[str, Any]]:
    """What a number is made of."""
    return [
        common.section(
            w._("From file to number"),
            w._(
                "The agencies' admins download the platforms' own files and hand them in. Each file is read exactly right or "
                "refused with a reason; no part of a refused file enters a number."
            ),
            w._("Every file is kept unchanged, and every number can be followed back to its rows."),
        ),
        common.section(
            w._("What counts as response"),
            common.interactions_are(w),
            common.response_is(w),
            w._("A post is judged once it is old enough: once at least 90% of its response has usually come in."),
        ),
    ]


def _judging(w: Words) -> list[dict[str, Any]]:
    """What it is compared with, and when the comparison says something."""
    return [
        common.section(
            w._("What “usual” means"),
            w._(
                "Small accounts, videos and holiday months draw different response for everyone. What is usual takes this into "
                "account: it is what an account of this size, platform, mix of posts and month usually draws, worked out without "
                "the agency itself."
            ),
            w._("×1.00 means as usual; ×1.20 means a fifth more."),
            w._("An agency with few posts is moved towards the middle, because so few posts say little."),
        ),
        common.section(
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
    ]


def _limits(w: Words) -> list[dict[str, Any]]:
    return [
        common.section(
            w._("What these pages cannot say"),
            w._(
                "Response is not understanding, trust or better service. What happened at the same time is not called the cause."
            ),
            w._("Paid distribution is told apart only where the file says so; otherwise a post is marked as possibly paid."),
        ),
    ]


def thresholds(sheet: Sheet) -> dict[str, Any]:
    """One row per threshold and value tried: how many agencies are judged, above and below; the chosen value first."""
    w, table = sheet.words, "estimates.threshold_effect"
    tried = sheet.facts.frames[table].sort("threshold_name", "is_chosen", "value", descending=[False, True, False])
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in tried.to_dicts():
        digits = 0 if row["value"] == int(row["value"]) else 2
        value = sheet.number(table, row, "value", "number", digits)
        groups.setdefault(common.threshold_word(row["threshold_name"], w).capitalize(), []).append(
            {
                "value": w._("{said} (chosen)", said=value) if row["is_chosen"] else value,
                "counts": [sheet.number(table, row, name) for name in ("n_judged", "n_above", "n_below", "n_up", "n_down")],
            }
        )
    heads = [w._("Value"), w._("ranked"), w._("above"), w._("below"), "▲", "▼"]
    return common.section(
        w._("What if other thresholds were chosen?"),
        w._("People choose the thresholds. Each was tried with other values while the rest stayed as chosen."),
        w._(
            "Counted here are only agencies that are ranked in their group, by the value alone: beyond the limits of “as usual”, "
            "whether certain or not. The overview counts all agencies and only what is certain, so its numbers are others."
        ),
        table={"heads": heads, "groups": groups, "fold": w._("See what would change")},
    )
