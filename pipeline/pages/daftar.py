"""All agencies: which one is mine, and where does it stand? Alphabetical, with search, filter and sort."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from pipeline.charts import Column, Table
from pipeline.html import render
from pipeline.html.mini import RatioScale, sparkline
from pipeline.pages import common
from pipeline.pages.parts import Part, parts
from pipeline.pages.sheet import Sheet

PATH = "daftar.html"
WINDOW, GROUP = "estimates.agency_window", "estimates.group_window"


def build(sheet: Sheet) -> str:
    """The whole table, or above a hundred agencies the index of its parts with every name on it."""
    agencies = sheet.facts.listed
    main = [a for a in sheet.facts.agencies if not a["summary"].get("is_listed") and not a.get("valid_to")]
    gone = [a for a in sheet.facts.agencies if not a["summary"].get("is_listed") and a.get("valid_to")]
    some = parts(agencies)
    found = None if some else listing(sheet, agencies)
    title = headline(sheet, agencies)
    csv = found["csv"] if found else whole_csv(sheet, agencies)
    body = render(
        "daftar_indeks.html" if some else "daftar.html",
        sheet.words,
        p=_opening(sheet, title, csv),
        listing=found,
        groups=group_rows(sheet, some),
        others=[{"agency": a, "url": sheet.agency_url(a)} for a in main],
        gone=[{"agency": a, "url": sheet.agency_url(a)} for a in gone],
        back=None,
    )
    return sheet.page(body, title=sheet.words.plain("Agencies"))


def headline(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> Markup:
    """How many lie above and below the usual, of how many."""
    w, regency = sheet.words, sheet.facts.regency
    if regency.get("n_above") is None or not (regency["n_above"] or regency["n_below"]):
        return w.ngettext("{n} agency, in alphabetical order", "All {n} agencies, in alphabetical order", len(agencies))
    return w._(
        "Of {n} agencies {above} draw more response than usual, {below} less",
        n=sheet.number(GROUP, regency, "n_agencies"),
        above=sheet.number(GROUP, regency, "n_above"),
        below=sheet.number(GROUP, regency, "n_below"),
    )


def build_part(sheet: Sheet, part: Part) -> str:
    """The table of one part."""
    w = sheet.words
    found = listing(sheet, part.agencies, name=f"perangkat-daerah-{part.slug}")
    title = w.ngettext("{group}: {n} agency", "{group}: {n} agencies", len(part.agencies), group=part.label(w))
    body = render(
        "daftar.html", w, p=_opening(sheet, title, found["csv"]), listing=found, others=[], gone=[], back=sheet.url(PATH)
    )
    return sheet.page(body, title=part.label(w))


def _opening(sheet: Sheet, title: str, csv: dict[str, Any]) -> dict[str, Any]:
    w = sheet.words
    lede = w._("Each agency is compared with what is usual for accounts like its own, never with a rank of all.")
    return sheet.opening(title, [lede], kind=w._("List"), csv=csv)


def part_url(part: Part) -> str:
    return f"daftar/{part.slug}.html"


def group_rows(sheet: Sheet, some: Sequence[Part]) -> list[dict[str, Any]]:
    """One row per part with its names; a group's counts and its agency in the middle stand at its first part."""
    w, rows = sheet.words, []
    for part in some:
        row = sheet.facts.row(GROUP, peer_group=part.group) if part.number == 1 else {}
        rows.append(
            {
                "slug": part.slug,
                "label": part.label(w),
                "url": sheet.url(part_url(part)),
                "n": sheet.number(GROUP, row, "n_agencies"),
                "counts": [
                    (kind, sheet.number(GROUP, row, name))
                    for kind, name in (("up", "n_up"), ("flat", "n_flat"), ("down", "n_down"), ("data", "n_uncompared"))
                ],
                "middle": sheet.number(GROUP, row, "median", "times"),
                "between": sheet.between(GROUP, row, "times"),
                "names": [
                    {"url": sheet.agency_url(a), "short": a["short"], "state": common.direction(a), "search": _search(a)}
                    for a in part.agencies
                ],
            }
        )
    return rows


def _search(agency: dict[str, Any]) -> str:
    """What a reader may type to find an agency."""
    known = (agency["short"], agency["long"], agency["agency_id"])
    return " ".join(dict.fromkeys(known))


def whole_csv(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every agency in one file, also where the page lists only some."""
    return sheet.csv("perangkat-daerah", sheet.words.plain("All agencies"), _table(sheet, agencies))


def listing(sheet: Sheet, agencies: Sequence[dict[str, Any]], *, name: str = "perangkat-daerah") -> dict[str, Any]:
    """Rows for the `daftar` table, with the same values as CSV."""
    facts, w = sheet.facts, sheet.words
    scale, months = common.scale_of(facts), sheet.facts.months()
    has_reply = any(common.reply(facts, a["agency_id"]) for a in agencies)
    rows = [_row(sheet, agency, scale, months) for agency in agencies]
    found = {row["direction"] for row in rows} | {"up", "flat", "down", "data"}
    labels = sorted({(row["group"], row["group_label"]) for row in rows}, key=lambda pair: pair[1])
    return {
        "rows": rows,
        "groups": labels,
        "has_reply": has_reply,
        "csv": sheet.csv(name, w.plain("All agencies"), _table(sheet, agencies)),
        "directions": [(k, common.direction_word(k, w)) for k in ("up", common.MOBILISED, "flat", "down", "data") if k in found],
        "axis": [(scale.at(v), w.times(v, d)) for v, d in _axis_marks(scale)],
        "axis_width": scale.width,
        "period": sheet.period,
    }


def _axis_marks(scale: RatioScale) -> list[tuple[float, int]]:
    marks = [(0.5, 1), (1.0, 0), (2.0, 0)] if scale.high / scale.low > 3 else [(0.8, 1), (1.0, 0), (1.25, 2)]
    return [(v, d) for v, d in marks if scale.low <= v <= scale.high]


def _row(sheet: Sheet, agency: dict[str, Any], scale: RatioScale, months: list[date]) -> dict[str, Any]:
    facts, w, window = sheet.facts, sheet.words, agency["window"]
    state, level = common.direction(agency), common.level(agency)
    series = dict(facts.of("estimates.agency_month_index", agency["agency_id"]).select("month", "vs_expected").iter_rows())
    answers = common.reply(facts, agency["agency_id"])
    known = window.get("vs_expected") is not None
    return {
        "agency": agency,
        "url": sheet.agency_url(agency),
        "group": agency["peer_group"],
        "group_label": common.peer_label(agency["peer_group"], w),
        "direction": state,
        "word": common.direction_word(state, w),
        "level": level,
        "pale": level == "data",
        "box": common.box(facts, agency, scale),
        "value": sheet.number(WINDOW, window, "vs_expected", "times"),
        "between": sheet.between(WINDOW, window, "times") if known else common.state_reason(window, w),
        "change": sheet.number(WINDOW, window, "change", "change"),
        "posts": sheet.number(WINDOW, window, "n_posts"),
        "reply": sheet.number("estimates.response_summary", answers, "median_hours", "hours"),
        "spark": sparkline([series.get(m) for m in months], tint=state if state in ("up", "down") else "neutral", size=(92, 24)),
        "search": _search(agency),
        "note": [text for text in (common.sent_line(sheet, window), common.without_likes(sheet, window)) if text],
    }


def _table(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> Table:
    w = sheet.words
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("agency", w.plain("Agency")),
        Column("peer_group", w.plain("Peer group")),
        Column("vs_expected", w.plain("× usual"), "times"),
        Column("lower", w.plain("95% lower"), "times"),
        Column("upper", w.plain("95% upper"), "times"),
        Column("change", w.plain("Change, factor"), "times"),
        Column("change_lower", w.plain("Change, 95% lower"), "times"),
        Column("change_upper", w.plain("Change, 95% upper"), "times"),
        Column("n_posts", w.plain("Posts that were judged"), "integer"),
        Column("median_reply_hours", w.plain("Half answered within, hours"), "number", 1),
        Column("direction", w.plain("Direction")),
        Column("period_start", w.plain("Period from"), "day"),
        Column("period_end", w.plain("Period to"), "day"),
    )
    first, last = sheet.facts.period
    estimates = ("vs_expected", "lower", "upper", "change", "change_lower", "change_upper")
    rows = [
        (
            agency["agency_id"],
            agency["short"],
            common.peer_label(agency["peer_group"], w),
            *(agency["window"].get(name) for name in estimates),
            agency["window"].get("n_posts"),
            common.reply(sheet.facts, agency["agency_id"]).get("median_hours"),
            common.direction_word(common.direction(agency), w),
            first,
            last,
        )
        for agency in agencies
    ]
    return Table(columns, tuple(rows))
