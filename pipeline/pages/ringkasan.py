"""Overview: in sixty seconds, is public response moving, who improved, who needs help, what to do first?"""

import math

from markupsafe import Markup

from pipeline.charts.funnel import expected_range
from pipeline.charts.trend import regency_trend
from pipeline.html import render
from pipeline.html.mini import sparkline
from pipeline.pages import common, daftar
from pipeline.pages.advice import needs, regency_actions
from pipeline.pages.data import Facts, month_back
from pipeline.pages.parts import LISTED, parts
from pipeline.pages.sheet import Sheet

PATH = "index.html"
SHOWN = 5
LEVELS_SHOWN = 8


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    agencies = common.ranked_agencies(facts)
    groups = by_direction(agencies)
    found = needs(facts, agencies, w)
    some = parts(agencies)
    listing = None if some else daftar.listing(sheet, agencies)
    apart = levels(sheet, agencies)
    short = max(min(len(groups["up"]), SHOWN), min(len(found), SHOWN)) <= 3  # page 1 on paper has room for more
    body = render(
        "ringkasan.html",
        w,
        p=sheet.opening(
            headline(groups, found, sheet),
            lede(sheet, groups, agencies),
            kind=w._("Monthly report"),
            csv=listing["csv"] if listing else daftar.whole_csv(sheet, agencies),
        ),
        strip=[
            (kind, len(groups[kind]), squares(len(groups[kind]), kind, len(agencies)), strip_word(kind, sheet))
            for kind in groups
            if groups[kind]
        ],
        cells=five_numbers(sheet, agencies),
        improved=improved(sheet, groups["up"]),
        calm=calm(sheet, agencies) if not groups["up"] else [],
        levels=apart,
        is_short=short,
        improved_more=max(0, len(groups["up"]) - SHOWN),
        improved_count=len(groups["up"]),
        help=[{"need": need, "url": sheet.agency_url(need.agency)} for need in found[:SHOWN]],
        help_more=max(0, len(found) - SHOWN),
        help_count=len(found),
        actions=[{**a, "url": sheet.url(a["page"])} for a in regency_actions(facts, found, w)[:3]],
        charts=charts(sheet),
        listing=listing,
        groups=daftar.group_rows(sheet, some),
        count=len(agencies),
        index=sheet.url(daftar.PATH),
        method=method(sheet),
    )
    return sheet.page(body, title=w.plain("Overview"))


def by_direction(agencies: list[dict]) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {"up": [], "flat": [], "down": [], "data": []}
    for agency in agencies:
        groups[common.direction(agency["window"])].append(agency)
    return groups


def headline(groups: dict[str, list], found: list, sheet: Sheet) -> str:
    """The state and who needs help, in one sentence that the evidence supports."""
    w, up, help_count = sheet.words, len(groups["up"]), len(found)
    if not groups["up"] and not groups["flat"] and not groups["down"]:
        return w._("Not enough data yet to judge any agency")
    if up and help_count:
        return w.ngettext(
            "{n} agency improved for certain; {help} in need of support",
            "{n} agencies improved for certain; {help} in need of support",
            up,
            help=w.integer(help_count),
        )
    if up:
        return w.ngettext(
            "{n} agency improved for certain; none needs support", "{n} agencies improved for certain; none needs support", up
        )
    if help_count:
        return w.ngettext(
            "No certain improvement in this period; {n} agency needs support",
            "No certain improvement in this period; {n} agencies need support",
            help_count,
        )
    return w._("No certain change in this period, and no agency needs support")


def lede(sheet: Sheet, groups: dict[str, list], agencies: list[dict]) -> list[str]:
    w, _facts = sheet.words, sheet.facts
    windows = [
        a["window"] for a in agencies if a["window"].get("state") in ("judged", "not_ranked") and a["window"].get("vs_expected")
    ]
    middle, low, high = common.median_interval([x["vs_expected"] for x in windows])
    sentences = []
    if middle is not None:
        sentences.append(
            w._(
                "The agency in the middle draws {times} its expected response ({interval}).",
                times=common.times_bold(middle, w),
                interval=w.interval(low, high, kind="times"),
            )
        )
        sentences.append(change_sentence(sheet, groups))
    complete = sum((a["window"].get("coverage") or 0) >= common.COMPLETE for a in agencies)
    if not agencies:
        sentences.append(w._("No agency is registered yet."))
    elif complete == len(agencies):
        sentences.append(w._("The data of all agencies are complete."))
    else:
        sentences.append(
            w._(
                "The data of {complete} of {all} agencies are complete.",
                complete=w.integer(complete),
                all=w.integer(len(agencies)),
            )
        )
    return sentences


def change_sentence(sheet: Sheet, groups: dict[str, list]) -> str:
    """How many changes are certain, with a sentence of its own for none, some, all and no comparison at all."""
    w, flat = sheet.words, len(groups["flat"])
    judged = sum(len(groups[k]) for k in ("up", "flat", "down"))
    if not judged:
        return w._("No agency can be compared with the three months before yet.")
    if flat == judged:
        return w.ngettext(
            "For the one judged agency the change against the three months before is not certain.",
            "For all {n} judged agencies the change against the three months before is not certain.",
            judged,
            n=common.bold(w.integer(judged)),
        )
    if not flat:
        return w._("For every judged agency the change against the three months before is certain.")
    return w._(
        "For {flat} of {judged} agencies no change against the three months before is certain.",
        flat=common.bold(w.integer(flat)),
        judged=w.integer(judged),
    )


def strip_word(kind: str, sheet: Sheet) -> str:
    w = sheet.words
    return {
        "up": w._("improving"),
        "flat": w._("change not certain"),
        "down": w._("declining"),
        "data": w._("too little data"),
    }[kind]


def squares(count: int, kind: str, total: int) -> Markup:
    """Every agency is one square, in as many rows as a screen needs, so that shares can be seen and counted."""
    tint = {"up": "up", "down": "down", "flat": "neutral", "data": "neutral"}[kind]
    paint = f'class="f-surface s-{tint}" stroke-dasharray="2.5 2"' if kind == "data" else f'class="f-{tint}"'
    rows = min(count, max(2, -(-total // 70)))
    columns = -(-count // rows)
    places = [((i % columns) * 15 + 1, (i // columns) * 15 + 1) for i in range(count)]
    if total > LISTED:  # one path instead of five hundred elements
        cells = f'<path d="{"".join(f"M{x},{y}h12v12h-12z" for x, y in places)}" {paint}/>'
    else:
        cells = "".join(f'<rect x="{x}" y="{y}" width="12" height="12" rx="2.5" {paint}/>' for x, y in places)
    width, height = columns * 15, rows * 15
    return Markup(f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">{cells}</svg>')  # noqa: S704


# -- five numbers --------------------------------------------------------------------------------------------------------------
def five_numbers(sheet: Sheet, agencies: list[dict]) -> list[dict]:
    """Only numbers that have data: without a response log the reply cell vanishes, it does not become zero."""
    cells = [
        level_cell(sheet),
        posts_cell(sheet, agencies),
        standing_cell(sheet, agencies),
        reply_cell(sheet),
        data_cell(sheet, agencies),
    ]
    return [cell for cell in cells if cell]


def level_cell(sheet: Sheet) -> dict | None:
    w = sheet.words
    rows = list(sheet.facts.frames["estimates.regency_month"].sort("month").tail(13).to_dicts())
    end = sheet.facts.period[1]
    seen = [r for r in rows if r["median"] is not None and (end is None or r["month"] <= end)]
    if not seen:
        return None
    last = seen[-1]
    earlier = next((r for r in seen if r["month"] == month_back(last["month"], 3)), None)
    lines = [("", w.interval(last["lower"], last["upper"], kind="times"))] if last["lower"] else []
    if earlier:
        verdict = common.moved(
            (last["median"], last["lower"], last["upper"]), (earlier["median"], earlier["lower"], earlier["upper"])
        )
        lines.insert(0, change_line(verdict, earlier["month"], sheet))
    return {
        "label": w._("{month} alone: median against the expected value", month=w.month_only(last["month"])),
        "value": w.times(last["median"]),
        "unit": "",
        "lines": lines,
        "spark": sparkline([r["median"] for r in seen], tint="brand", size=(180, 30)),
        "figure": f"regency_month:median:month={last['month'].isoformat()}",
    }


def change_line(verdict: str, since, sheet: Sheet) -> tuple[str, str]:
    w, month = sheet.words, sheet.words.month_only(since)
    if verdict == "up":
        return "up-t", w._("▲ higher than in {month}", month=month)
    if verdict == "down":
        return "down-t", w._("▼ lower than in {month}", month=month)
    if verdict == "flat":
        return "", w._("no certain change since {month}", month=month)
    return "", w._("no comparison with {month} yet", month=month)


def posts_cell(sheet: Sheet, agencies: list[dict]) -> dict | None:
    w, frame = sheet.words, sheet.facts.frames["marts.agency_month"]
    last = sheet.facts.period[1]
    keep = {a["agency_id"] for a in agencies}
    months: dict = {}
    for row in frame.to_dicts():
        if row["agency_id"] in keep and row["posts"] is not None and (row["coverage"] or 0) >= common.COMPLETE:
            days = (month_back(row["month"], -1) - row["month"]).days
            months.setdefault(row["month"], []).append(row["posts"] / days * 7)
    if last is None or last.replace(day=1) not in months:
        return None
    now_month = last.replace(day=1)
    now, before = (common.median_interval(months.get(m, [])) for m in (now_month, month_back(now_month, 3)))
    series = [common.median_interval(months.get(month_back(now_month, k), []))[0] for k in range(12, -1, -1)]
    lines = [change_line(common.moved(now, before), month_back(now_month, 3), sheet)]
    if now[1] is not None:
        lines.append(("", w.interval(now[1], now[2], 1)))
    unlisted = len(sheet.facts.unlisted())
    if unlisted:
        text = w.ngettext(
            "{n} account left out: only its top posts are known",
            "{n} accounts left out: only their top posts are known",
            unlisted,
        )
        lines.append(("", text))
    return {
        "label": w._("Posts a week, median, {month}", month=w.month_only(now_month)),
        "value": w.number(now[0], 1),
        "unit": "",
        "lines": lines,
        "spark": sparkline(series, size=(180, 30)),
        "figure": f"agency_month:posts:month={now_month.isoformat()}",
    }


def standing_cell(sheet: Sheet, agencies: list[dict]) -> dict | None:
    w = sheet.words
    levels = [common.level(a["window"]) for a in agencies]
    judged = sum(x != "data" for x in levels)
    if not judged:
        return None
    below = levels.count("down")
    lines: list[tuple[str, str]] = []
    if below:
        text = w.ngettext("{n} certainly below", "{n} certainly below", below)
        lines.append(("down-t", Markup("▼ {}").format(text)))
    return {
        "label": w._("Judged agencies not certainly below their expected value"),
        "value": w.integer(judged - below),
        "unit": w._("of {n}", n=w.integer(judged)),
        "lines": lines,
        "spark": None,
        "figure": "agency_window:vs_expected",
    }


def reply_cell(sheet: Sheet) -> dict | None:
    w = sheet.words
    rows = sheet.facts.frames["estimates.response_summary"].filter(
        sheet.facts.frames["estimates.response_summary"]["agency_id"].is_null()
    )
    row = next(iter(rows.sort("period_start", descending=True, nulls_last=True).to_dicts()), None)
    if row is None or (row["n"] or 0) < 20 or row["answered_24h"] is None:
        return None
    lines = [("", w.interval(row["lower"], row["upper"], kind="percent"))] if row["lower"] is not None else []
    lines.append(("", w._("{n} cases, {open} still open", n=w.integer(row["n"]), open=w.integer(row["open"]))))
    return {
        "label": w._("Questions answered within 24 hours"),
        "value": w.percent(row["answered_24h"]),
        "unit": "",
        "lines": lines,
        "spark": None,
        "figure": "response_summary:answered_24h",
    }


def data_cell(sheet: Sheet, agencies: list[dict]) -> dict | None:
    w = sheet.words
    complete = sum((a["window"].get("coverage") or 0) >= common.COMPLETE for a in agencies)
    silent = sum((a["window"].get("state") or "no_data") == "no_data" for a in agencies)
    partial = len(agencies) - complete - silent
    lines = []
    if partial > 0:
        lines.append(("", w.ngettext("{n} partial", "{n} partial", partial)))
    if silent:
        lines.append(("down-t", w.ngettext("{n} sent nothing", "{n} sent nothing", silent)))
    months = sheet.facts.frames["estimates.regency_month"].sort("month")
    last = sheet.facts.period[1]
    shares = (months.filter(months["month"] <= last) if last else months).tail(13)["coverage"].to_list()
    if not agencies:
        return None
    return {
        "label": w._("Agencies with complete data, {period}", period=sheet.period),
        "value": w.integer(complete),
        "unit": w._("of {n}", n=w.integer(len(agencies))),
        "lines": lines,
        "spark": sparkline(shares, size=(180, 30)),
        "figure": "agency_window:coverage",
    }


# -- when nothing moved for certain, and who stands apart ----------------------------------------------------------------------
def calm(sheet: Sheet, agencies: list[dict]) -> list[str]:
    """What would be needed to see a change: the smallest rise found with 80% power, from the agencies' own errors."""
    w = sheet.words
    if all(common.direction(a["window"]) == "data" for a in agencies):
        return [w._("No agency has enough data in both quarters to see a change.")]
    sentences = [w._("No rise goes beyond what chance allows. That is a normal result for three months.")]
    errors = sorted(
        math.log(x["change_upper"] / x["change_lower"]) / (2 * 1.96)
        for x in (a["window"] for a in agencies)
        if x.get("change_lower") and x.get("change_upper") and x["change_upper"] > x["change_lower"]
    )
    if len(errors) >= common.MINIMUM_PEERS:
        easy, middle = (math.exp(2.8 * common.quantile(errors, share)) for share in (0.25, 0.5))
        sentences.append(
            w._(
                "With the posts of these months, a typical agency would have to rise by about {middle} to be noticed (four "
                "times in five); one with many posts by about {easy}.",
                middle=common.bold(w.change(middle)),
                easy=w.change(easy),
            )
        )
        sentences.append(w._("Smaller changes need more months or more posts of a kind; they are not denied, only not visible."))
    return sentences


def levels(sheet: Sheet, agencies: list[dict]) -> list[dict]:
    """Agencies whose whole interval lies on one side of ×1: a level, not a change, so without colour and by alphabet."""
    w = sheet.words
    titles = {"up": w._("Above their expected value"), "down": w._("Below their expected value")}
    found = []
    for side, title in titles.items():
        rows = [
            {
                "agency": a,
                "url": sheet.agency_url(a),
                "value": w.times(a["window"]["vs_expected"]),
                "interval": w.interval(a["window"]["lower"], a["window"]["upper"], kind="times"),
                "figure": f"agency_window:vs_expected:agency_id={a['agency_id']}",
            }
            for a in agencies
            if common.level(a["window"]) == side
        ]
        found.append({"title": title, "rows": rows, "more": max(0, len(rows) - LEVELS_SHOWN), "shown": rows[:LEVELS_SHOWN]})
    return found if any(part["rows"] for part in found) else []


# -- lists and charts ----------------------------------------------------------------------------------------------------------
def improved(sheet: Sheet, agencies: list[dict]) -> list[dict]:
    """Ordered by the lower end of the interval of the change: the surest first."""
    w = sheet.words
    ordered = sorted(agencies, key=lambda a: (-(a["window"]["change_lower"] or 0), a["short"].casefold()))
    return [
        {
            "agency": a,
            "url": sheet.agency_url(a),
            "change": w.change(a["window"]["change"]),
            "interval": w.interval(a["window"]["change_lower"], a["window"]["change_upper"], kind="change"),
            "text": common.habit_change(sheet.facts, a["agency_id"], w),
            "figure": f"agency_window:change:agency_id={a['agency_id']}",
        }
        for a in ordered[:SHOWN]
    ]


def training_marks(facts: Facts, sheet: Sheet) -> list[tuple]:
    waves: dict = {}
    for row in facts.frames["core.trainings"].sort("date", nulls_last=True).to_dicts():
        if row["date"]:
            waves.setdefault(row["wave"], row["date"])
    return [(day, common.wave_word(wave, sheet.words)) for wave, day in waves.items()][:6]


def charts(sheet: Sheet) -> list[dict]:
    facts, w = sheet.facts, sheet.words
    names = {a["agency_id"]: a["short"] for a in facts.agencies}
    ids = {a["agency_id"] for a in common.ranked_agencies(facts)}
    windows = facts.frames["estimates.agency_window"]
    windows = windows.filter(windows["agency_id"].is_in(sorted(ids)))
    windows = windows.with_columns(windows["agency_id"].replace(names).alias("short_name"))
    return [
        sheet.chart(
            regency_trend(
                facts.frames["estimates.regency_month"], w, marks=training_marks(facts, sheet), through=facts.period[1]
            ),
            prefix="ringkasan-",
        ),
        sheet.chart(expected_range(windows, w), prefix="ringkasan-"),
        sheet.chart(common.theme_chart(sheet, facts.scheme), prefix="ringkasan-"),
    ]


def method(sheet: Sheet) -> list[tuple[str, str]]:
    w, info = sheet.words, sheet.facts.info
    return [
        *common.method_terms(w),
        (
            w._("Not judged"),
            w._("Fewer than 5 mature posts, or too few days covered by exports. Too little data is never counted as zero."),
        ),
        (
            w._("Data trail"),
            w._(
                "Version {version} · {files} export files, {refused} refused.",
                version=info.get("version") or "–",
                files=w.integer(info.get("export_count")),
                refused=w.integer(info.get("refused_count")),
            ),
        ),
    ]
