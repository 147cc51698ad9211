"""Compare: how do two to five agencies of one group stand beside each other, in this or an earlier period, and where on the map?

Without scripts the page lists every group side by side. With them a reader ticks agencies, whose cells are shown as cards, and
chooses among the published months and three-month reports: all values lie in the page, none is computed in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.html import render
from pipeline.html.locale import Words
from pipeline.html.mini import SIGNS, RatioScale, Tile, tile_map
from pipeline.pages import common
from pipeline.pages.parts import Part, parts
from pipeline.pages.sheet import Sheet

PATH = "banding.html"
MOST = 5  # agencies side by side
NAMED = 3  # of more, a headline gives the number
WINDOW, REPLIES = "estimates.agency_window", "estimates.response_summary"
MONTHS = "estimates.agency_month_index"


def build(sheet: Sheet) -> str:
    """All groups on one page, or above a hundred agencies the map and the list of their pages."""
    w, some = sheet.words, parts(sheet.facts.listed)
    listed = [] if some else groups(sheet)
    body = render(
        "banding.html",
        w,
        p=sheet.opening(headline(sheet), lede(sheet), kind=w._("Compare")),
        map=district_map(sheet),
        groups=listed,
        first=max(listed, key=lambda found: len(found["rows"]), default={"id": ""})["id"],
        choice=None if some else choice(sheet, sheet.facts.listed),
        parts=[{"label": part.label(w), "url": sheet.url(part_url(part)), "n": w.integer(len(part.agencies))} for part in some],
        back=None,
        most=MOST,
    )
    return sheet.page(body, title=w.plain("Compare"))


def build_part(sheet: Sheet, part: Part) -> str:
    w = sheet.words
    body = render(
        "banding.html",
        w,
        p=sheet.opening(w._("Compare: {group}", group=part.label(w)), lede(sheet), kind=w._("Compare")),
        map=None,
        groups=[group(sheet, part.group, part.agencies, part.label(w))],
        first=part.group or "",
        choice=choice(sheet, part.agencies),
        parts=[],
        back=sheet.url(PATH),
        most=MOST,
    )
    return sheet.page(body, title=w.plain("Compare"))


def part_url(part: Part) -> str:
    return f"banding/{part.slug}.html"


def page_of(facts: Any, agency: dict[str, Any]) -> str | None:
    """Where an agency stands beside its group, for the link on its own page."""
    if not any(other["agency_id"] == agency["agency_id"] for other in facts.listed):
        return None
    for part in parts(facts.listed):
        if any(other["agency_id"] == agency["agency_id"] for other in part.agencies):
            return f"{part_url(part)}#bd-{agency['slug']}"
    return f"{PATH}#bd-{agency['slug']}"


def headline(sheet: Sheet) -> str:
    w, table, regency = sheet.words, "estimates.group_window", sheet.facts.regency
    sides = {side: [a["short"] for a in sheet.facts.listed if common.level(a) == side] for side in ("up", "down")}
    if all(0 < len(names) <= NAMED for names in sides.values()):
        return w._(
            "{above} certainly draw more response than usual, {below} less",
            above=w.join(sides["up"]),
            below=w.join(sides["down"]),
        )
    above, below = sheet.number(table, regency, "n_above"), sheet.number(table, regency, "n_below")
    if not above.value and not below.value:
        return w._("No agency lies certainly above or below the usual")
    if not below.value:
        return w.ngettext(
            "{n} agency certainly draws more response than usual",
            "{n} agencies certainly draw more response than usual",
            above.value,
            n=above,
        )
    if not above.value:
        return w.ngettext(
            "{n} agency certainly draws less response than usual",
            "{n} agencies certainly draw less response than usual",
            below.value,
            n=below,
        )
    return w._("{above} agencies certainly draw more response than usual, {below} less", above=above, below=below)


def lede(sheet: Sheet) -> list[str]:
    return [
        sheet.words._(
            "Each agency is compared with what is usual for accounts like its own. Where the ranges of two overlap, a difference "
            "between them is not certain."
        )
    ]


# -- the groups ----------------------------------------------------------------------------------------------------------------
def groups(sheet: Sheet) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for agency in sheet.facts.listed:
        found.setdefault(agency["peer_group"] or "", []).append(agency)
    labelled = [(common.peer_label(key, sheet.words), key, members) for key, members in found.items()]
    return [group(sheet, key, members, label) for label, key, members in sorted(labelled)]


def group(sheet: Sheet, key: str | None, members: Sequence[dict[str, Any]], label: str) -> dict[str, Any]:
    scale = common.scale_of(sheet.facts)
    row = sheet.facts.row("estimates.group_window", peer_group=key)
    rows = [_row(sheet, agency, scale) for agency in members]
    return {
        "id": key or "",
        "label": label,
        "middle": sheet.number("estimates.group_window", row, "median", "times"),
        "between": sheet.between("estimates.group_window", row, "times"),
        "rows": rows,
        "has_reply": any(row["reply"].value is not None for row in rows),  # few districts have a log of questions
        "heads": [
            sheet.words._("Response against the usual"),
            sheet.words._("Change against the three months before"),
            sheet.words._("Posts that were judged"),
            sheet.words._("Half answered within"),
            sheet.words._("Days covered by downloads"),
        ],
    }


def _row(sheet: Sheet, agency: dict[str, Any], scale: RatioScale) -> dict[str, Any]:
    facts, w, window = sheet.facts, sheet.words, agency["window"]
    level, answers = common.level(agency), common.reply(facts, agency["agency_id"])
    known = window.get("vs_expected") is not None
    return {
        "agency": agency,
        "url": sheet.agency_url(agency),
        "word": common.level_word(level, w),
        "level": level,
        "box": common.box(facts, agency, scale),
        "low": window.get("lower") if common.is_judged(agency) else None,
        "high": window.get("upper") if common.is_judged(agency) else None,
        "value": sheet.number(WINDOW, window, "vs_expected", "times"),
        "between": sheet.between(WINDOW, window, "times") if known else common.state_reason(window, w),
        "change": sheet.number(WINDOW, window, "change", "change"),
        "change_between": sheet.between(WINDOW, window, "change", bounds=("change_lower", "change_upper")),
        "posts": sheet.number(WINDOW, window, "n_posts"),
        "reply": sheet.number(REPLIES, answers, "median_hours", "hours"),
        "answered": sheet.number(REPLIES, answers, "answered_24h", "percent"),
        "coverage": sheet.number(WINDOW, window, "coverage", "percent"),
    }


# -- other periods -------------------------------------------------------------------------------------------------------------
def choice(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The published periods and, per agency, what each said: value, lower, upper, posts, as they are written on this page.

    Months come from this version; reports of earlier three-month windows from the versions that published them."""
    w, facts = sheet.words, sheet.facts
    months = list(reversed(facts.months()))
    earlier = [past for past in reversed(facts.past) if past.month < (facts.period[1] or past.month).replace(day=1)]
    periods = [
        *((f"q{past.month:%Y-%m}", w.months(*past.facts.period), w.plain("Reports of three months")) for past in earlier),
        *((f"m{month:%Y-%m}", w.month(month), w.plain("Single months")) for month in months),
    ]
    values: dict[str, list[list[str]]] = {}
    windows = [{row["agency_id"]: row for row in past.facts.frames[WINDOW].to_dicts()} for past in earlier]
    for agency in agencies:
        series = {row["month"]: row for row in facts.of(MONTHS, agency["agency_id"]).to_dicts()}
        rows = [*(window.get(agency["agency_id"]) for window in windows), *(series.get(month) for month in months)]
        values[agency["slug"]] = [_said(row, sheet) for row in rows]
    return {
        "now": sheet.period,
        "periods": periods,
        "data": {"periods": [key for key, *_ in periods], "values": values, "terms": spoken(w)},
    }


def spoken(w: Words) -> dict[str, str]:
    """What the script says; its sentences are the catalogue's like all others."""
    return {
        "pick": w.plain("Tick two to five agencies in the table below."),
        "see": w.plain("See {n} side by side", n="{n}"),
        "most": w.plain("Five agencies at most: untick one first."),
        "value": w.plain("Response against the usual"),
        "between": w.plain("about between {low} and {high}"),
        "posts": w.plain("Posts that were judged"),
        "unjudged": w.plain("too little data"),
        "incomplete": w.plain("Month not complete: the number may still change."),
        "apart": w.plain("{a} certainly draws more response than {b}."),
        "overlap": w.plain("The ranges overlap: no difference between these agencies is certain."),
    }


def _said(row: dict[str, Any] | None, sheet: Sheet) -> list[str]:
    """[value, lower, upper, posts]; empty where nothing was judged. An incomplete month keeps its mark."""
    if not row or row.get("vs_expected") is None:
        return []
    w = sheet.words
    mark = "" if row.get("complete", True) else "*"
    bounds = [w.bound(row[name])[1:] if row.get(name) is not None else "" for name in ("lower", "upper")]
    return [w.number(row["vs_expected"], 2) + mark, *bounds, w.integer(row.get("n_posts"))]


# -- the map -------------------------------------------------------------------------------------------------------------------
def district_map(sheet: Sheet) -> dict[str, Any] | None:
    """Every tile of the registry's schematic map with the verdict of its agency; nothing where the registry has no map."""
    w, known = sheet.words, {a["agency_id"]: a for a in sheet.facts.listed}
    placed = [(x, y, name) for y, row in enumerate(sheet.facts.tiles) for x, name in enumerate(row) if name]
    found = [known[name] for _, _, name in placed if name in known]
    if not found:
        return None
    numbers = {agency["agency_id"]: i for i, agency in enumerate(found, 1)}
    tiles = [_tile(sheet, x, y, known.get(name), numbers.get(name, 0)) for x, y, name in placed]
    sides = [common.level(agency) for agency in found]
    title, counts = map_title(found, w), {side: w.integer(sides.count(side)) for side in SIGNS}
    keys = [(side, SIGNS[side], common.level_word(side, w), counts[side]) for side in SIGNS if side in sides]
    return {
        "title": title,
        "drawings": [tile_map(tiles, title, size=size) for size in ("w", "n")],
        "keys": keys,
        "absent": w.integer(len(placed) - len(found)) if len(placed) > len(found) else "",
        "listed": [(tile.number, tile.name, tile.side, SIGNS[tile.side], tile.words, tile.url) for tile in tiles if tile.side],
    }


def map_title(found: Sequence[dict[str, Any]], w: Words) -> str:
    """Who lies certainly above or below the usual: by name, of many only how many."""
    sides: dict[str, list[str]] = {side: [a["short"] for a in found if common.level(a) == side] for side in ("up", "down")}
    if not sides["up"] and not sides["down"]:
        return w.plain("On the map no district lies certainly above or below the usual")
    counted = {side: w.integer(len(names)) for side, names in sides.items()}
    above, below = (w.join(sides[side]) if len(sides[side]) <= NAMED else counted[side] for side in ("up", "down"))
    if not sides["down"]:
        return w.plain("On the map: more response than usual in {above}", above=above)
    if not sides["up"]:
        return w.plain("On the map: less response than usual in {below}", below=below)
    return w.plain("On the map: more response than usual in {above}, less in {below}", above=above, below=below)


def _tile(sheet: Sheet, x: int, y: int, agency: dict[str, Any] | None, number: int) -> Tile:
    if agency is None:
        return Tile(x, y)
    level = common.level(agency)
    name = agency["short"].removeprefix("Kec. ")
    words = sheet.words.plain("{name}: {verdict}", name=agency["short"], verdict=common.level_word(level, sheet.words))
    return Tile(x, y, name, level, words, sheet.agency_url(agency), number)
