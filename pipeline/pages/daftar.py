"""All agencies: which one is mine, and where does it stand? Alphabetical, with search, filter and sort."""

from datetime import date

from pipeline.charts import Column, Table
from pipeline.html import render
from pipeline.html.mini import sparkline
from pipeline.pages import common
from pipeline.pages.sheet import Sheet

PATH = "daftar.html"


def build(sheet: Sheet) -> str:
    w = sheet.words
    agencies = common.ranked_agencies(sheet.facts)
    main = [a for a in sheet.facts.agencies if a not in agencies]
    found = listing(sheet, agencies)
    body = render(
        "daftar.html",
        w,
        p=sheet.opening(
            w.ngettext("{n} agency, in alphabetical order", "All {n} agencies, in alphabetical order", len(agencies)),
            [w._("Each agency is compared with its expected value and with its own peer group, never with a rank of all.")],
            kind=w._("Index"),
            csv=found["csv"],
        ),
        listing=found,
        others=[{"agency": a, "url": sheet.agency_url(a)} for a in main],
        peers=common.peer_label,
    )
    return sheet.page(body, title=w.plain("Agencies"))


def listing(sheet: Sheet, agencies: list[dict]) -> dict:
    """Rows for the `daftar` table, with the same values as CSV."""
    facts, w = sheet.facts, sheet.words
    scale, groups, months = common.scale_of(facts), common.peer_values(facts), sheet.facts.months()
    has_reply = any(common.reply(facts, a["agency_id"]) for a in agencies)
    rows = [_row(sheet, agency, scale, groups, months) for agency in agencies]
    labels = sorted({(row["group"], row["group_label"]) for row in rows}, key=lambda pair: pair[1])
    return {
        "rows": rows,
        "groups": labels,
        "has_reply": has_reply,
        "csv": sheet.csv("perangkat-daerah", w.plain("All agencies"), _table(rows, sheet)),
        "directions": [(k, common.direction_word(k, w)) for k in ("up", "flat", "down", "data")],
        "axis": [(scale.at(v), w.times(v, d)) for v, d in _axis_marks(scale)],
        "axis_width": scale.width,
        "period": sheet.period,
    }


def _axis_marks(scale) -> list[tuple[float, int]]:
    marks = [(0.5, 1), (1.0, 0), (2.0, 0)] if scale.high / scale.low > 3 else [(0.8, 1), (1.0, 0), (1.25, 2)]
    return [(v, d) for v, d in marks if scale.low <= v <= scale.high]


def _row(sheet: Sheet, agency: dict, scale, groups: dict, months: list[date]) -> dict:
    facts, w, window = sheet.facts, sheet.words, agency["window"]
    state, level = common.direction(window), common.level(window)
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
        "box": scale.row(
            window.get("vs_expected"),
            window.get("lower"),
            window.get("upper"),
            level,
            common.peer_box(groups, agency["agency_id"], agency["peer_group"]),
        ),
        "value": window.get("vs_expected"),
        "value_text": w.times(window.get("vs_expected")),
        "interval": w.interval(window.get("lower"), window.get("upper"), kind="times")
        if known
        else common.state_reason(window, w),
        "change": window.get("change"),
        "change_text": w.change(window.get("change")),
        "posts": window.get("n_posts"),
        "posts_text": w.integer(window.get("n_posts")),
        "reply": answers and answers["median_hours"],
        "reply_text": w.hours(answers["median_hours"]) if answers else "–",
        "spark": sparkline([series.get(m) for m in months], tint=state if state in ("up", "down") else "neutral", size=(92, 24)),
        "search": f"{agency['short']} {agency['long']} {agency['agency_id']}",
    }


def _table(rows: list[dict], sheet: Sheet) -> Table:
    w = sheet.words
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("agency", w.plain("Agency")),
        Column("peer_group", w.plain("Peer group")),
        Column("vs_expected", w.plain("× expected"), "times"),
        Column("lower", w.plain("95% lower"), "times"),
        Column("upper", w.plain("95% upper"), "times"),
        Column("change", w.plain("Change, factor"), "times"),
        Column("change_lower", w.plain("Change, 95% lower"), "times"),
        Column("change_upper", w.plain("Change, 95% upper"), "times"),
        Column("n_posts", w.plain("Posts"), "integer"),
        Column("median_reply_hours", w.plain("Median reply, hours"), "number", 1),
        Column("direction", w.plain("Direction")),
        Column("period_start", w.plain("Period from"), "day"),
        Column("period_end", w.plain("Period to"), "day"),
    )
    first, last = sheet.facts.period
    return Table(
        columns,
        tuple(
            (
                r["agency"]["agency_id"],
                r["agency"]["short"],
                r["group_label"],
                r["value"],
                r["agency"]["window"].get("lower"),
                r["agency"]["window"].get("upper"),
                r["change"],
                r["agency"]["window"].get("change_lower"),
                r["agency"]["window"].get("change_upper"),
                r["posts"],
                r["reply"],
                r["word"],
                first,
                last,
            )
            for r in rows
        ),
    )
