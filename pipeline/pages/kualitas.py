"""Data quality: what to do first, what is missing or refused and whose it is, and which numbers each gap touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from pipeline.charts import Column, Table
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages import advice, common
from pipeline.pages.parts import Part, parts
from pipeline.pages.perangkat import coverage_rows, file_row, files_table
from pipeline.pages.sheet import Sheet

PATH = "kualitas.html"
GAPS_SHOWN = 40  # of many groups; their own pages list all
REFUSED_SHOWN = 60
CONTRADICTIONS = 8
MOVED_SHOWN = 30
GAPS = ("agency_no_data", "agency_not_covered")
GROUP, WINDOW = "marts.coverage_group", "estimates.agency_window"
STATES = ("months_complete", "months_partial", "months_missing", "months_refused")


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    some = parts(facts.agencies)
    rows = [] if some else grid_rows(sheet, facts.agencies)
    holes, moved, stopped = gaps(sheet), touched(sheet, facts.agencies), refused(sheet)
    body = render(
        "kualitas.html",
        w,
        p=sheet.opening(headline(sheet, holes, stopped), lede(sheet), kind=w._("Data quality"), csv=grid_csv(sheet)),
        rows=rows,
        groups=group_rows(sheet, some),
        months=facts.months(),
        gaps=holes[:GAPS_SHOWN] if some else holes,
        gaps_count=len(holes),
        refused=stopped,
        checks=checks(sheet),
        restated=restated(sheet),
        moved=moved_values(sheet),
        contradictions=contradictions(sheet),
        touched=[] if some else moved,
        touched_count=len(moved),
        breaks=breaks(sheet),
        version=tampil(facts.info.get("version"), 60),
        built=w.instant(facts.info.get("built_at")),
    )
    return sheet.page(body, title=w.plain("Data quality"))


def build_part(sheet: Sheet, part: Part) -> str:
    """Gaps, months and touched numbers of the agencies of one part."""
    w, inside = sheet.words, {a["agency_id"] for a in part.agencies}
    row, label = sheet.facts.row(GROUP, peer_group=part.group), part.label(w)
    title = (
        w._("{group}: the data are {share} complete", group=label, share=_share(sheet, row))
        if row
        else w._("{group}: no account is registered yet", group=label)
    )
    body = render(
        "kualitas_kelompok.html",
        w,
        p=sheet.opening(title, [], kind=w._("Data quality")),
        back=sheet.url(PATH),
        rows=grid_rows(sheet, part.agencies),
        months=sheet.facts.months(),
        gaps=[gap for gap in gaps(sheet) if gap["need"]["agency"]["agency_id"] in inside],
        touched=touched(sheet, part.agencies),
    )
    return sheet.page(body, title=label)


def part_url(part: Part) -> str:
    return f"kualitas/{part.slug}.html"


def _share(sheet: Sheet, row: dict[str, Any]) -> Any:
    return sheet.number(GROUP, row, "share_complete", "percent")


def grid_rows(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Agencies with a registered account, each with its accounts by month."""
    months = sheet.facts.months()
    return [
        {"agency": a, "url": sheet.agency_url(a), "accounts": found}
        for a in agencies
        if (found := coverage_rows(sheet.facts, a["agency_id"], months, sheet))
    ]


def group_rows(sheet: Sheet, some: Sequence[Part]) -> list[dict[str, Any]]:
    """One row per part; the counts of a group stand at its first part."""
    w, rows = sheet.words, []
    for part in some:
        row = sheet.facts.row(GROUP, peer_group=part.group) if part.number == 1 else {}
        rows.append(
            {
                "label": part.label(w),
                "url": sheet.url(part_url(part)),
                "n": w.integer(len(part.agencies)),
                "counts": [sheet.number(GROUP, row, name) for name in STATES],
                "share": _share(sheet, row),
            }
        )
    return rows


def headline(sheet: Sheet, holes: list[Any], stopped: dict[str, Any]) -> str:
    """What to do: whose data to ask for, which files to download again."""
    w, row = sheet.words, sheet.facts.row(GROUP, peer_group=None)
    if not row:
        return w._("No account is registered yet, so nothing is known of completeness")
    if holes and stopped["count"]:
        return w.ngettext(
            "Ask {n} agency for its data, and have {files} refused files downloaded again",
            "Ask {n} agencies for their data, and have {files} refused files downloaded again",
            len(holes),
            files=w.integer(stopped["count"]),
        )
    if holes:
        return w.ngettext("Ask {n} agency for its data", "Ask {n} agencies for their data", len(holes))
    if stopped["count"]:
        return w.ngettext("Have {n} refused file downloaded again", "Have {n} refused files downloaded again", stopped["count"])
    return w._("Nothing to do: all agencies sent their data and no file was refused")


def lede(sheet: Sheet) -> list[str]:
    w, info, row = sheet.words, sheet.facts.info, sheet.facts.row(GROUP, peer_group=None)
    found = [
        w._(
            "The data are {share} complete; {missing} months are missing, counted account by account.",
            share=_share(sheet, row),
            missing=sheet.number(GROUP, row, "months_missing"),
        )
        if row
        else "",
        w._(
            "{files} files were read, {refused} were refused.",
            files=sheet.number("meta.version", info, "export_count"),
            refused=sheet.number("meta.version", info, "refused_count"),
        ),
        w._("What is not known stands as not known; it is never counted as zero."),
    ]
    return [sentence for sentence in found if sentence]


def grid_csv(sheet: Sheet) -> dict[str, Any] | None:
    w = sheet.words
    frame = sheet.facts.frames["marts.coverage_month"].sort("agency_id", "platform", "account_id", "month")
    if frame.is_empty():
        return None
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("account_id", w.plain("Account")),
        Column("platform", w.plain("Platform")),
        Column("month", w.plain("Month"), "day"),
        Column("state", w.plain("State")),
        Column("covered_days", w.plain("Days covered"), "integer"),
        Column("days", w.plain("Days"), "integer"),
        Column("reason_code", w.plain("Code")),
    )
    rows = tuple(frame.select(column.name for column in columns).iter_rows())
    return sheet.csv("cakupan", w.plain("Downloads by account and month"), Table(columns, rows))


def gaps(sheet: Sheet) -> list[dict[str, Any]]:
    """Agencies whose numbers the gaps touch: what is missing, who can fix it."""
    found = [n for n in advice.needs(sheet.facts, sheet.words) if n["rule"] in GAPS]
    return [{"need": n, "url": sheet.agency_url(n["agency"])} for n in found]


def refused(sheet: Sheet) -> dict[str, Any]:
    """Files that were refused or held, each with its account and agency, and those read with a warning."""
    w = sheet.words
    frame = sheet.facts.frames["marts.export_files"].filter(pl.col("outcome").is_in(["refused", "held", "flagged"]))
    rows = frame.sort("first_seen_at", "file_name", "export_id", descending=[True, False, False], nulls_last=True).to_dicts()
    agencies = {a["agency_id"]: a for a in sheet.facts.agencies}
    stopped = [r for r in rows if r["outcome"] != "flagged"]
    flagged = [r for r in rows if r["outcome"] == "flagged"]

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        agency = agencies.get(row["agency_id"] or "")
        return {**file_row(row, sheet), "agency": agency, "url": sheet.agency_url(agency) if agency else None}

    count, held = (sum(r["outcome"] == outcome for r in stopped) for outcome in ("refused", "held"))
    title = w.ngettext("{n} file was refused", "{n} files were refused", count) if count else w._("No file was refused")
    if held:
        title = w._("{refused}; {held} held", refused=title, held=w.integer(held))
    csv = sheet.csv("berkas-ditolak", w.plain("Refused and flagged files"), files_table(rows, sheet)) if rows else None
    return {
        "count": count,
        "rows": [shown(r) for r in stopped[:REFUSED_SHOWN]],
        "flagged": [shown(r) for r in flagged[:REFUSED_SHOWN]],
        "flagged_count": len(flagged),
        "more": max(0, len(stopped) - REFUSED_SHOWN),
        "flagged_more": max(0, len(flagged) - REFUSED_SHOWN),
        "title": title,
        "csv": csv,
    }


def checks(sheet: Sheet) -> dict[str, Any]:
    w, table = sheet.words, "meta.checks"
    rows = sheet.facts.frames[table].sort("name").to_dicts()
    failed = [r for r in rows if r["passed"] is False]
    listed = [
        {
            "name": tampil(r["name"], 80),
            "rows": w.integer(r["failed_rows"]),
            "message": tampil(r["message_id"] if w.language == "id" else r["message_en"], 300),
        }
        for r in failed
    ]
    return {"total": len(rows), "failed": listed}


def restated(sheet: Sheet) -> list[dict[str, Any]]:
    """Published values that a later file changed, by field."""
    table = "marts.restatement_fields"
    return [
        {
            "field": common.field_word(r["field"], sheet.words),
            "n": sheet.number(table, r, "n"),
            "down": sheet.number(table, r, "n_lowered"),
        }
        for r in sheet.facts.frames[table].sort("field").to_dicts()
    ]


def moved_values(sheet: Sheet) -> dict[str, Any]:
    """Values of published months that became another number, the newest moves first, each with its day and its cause."""
    w, facts, table = sheet.words, sheet.facts, "meta.moved_values"
    names = {a["agency_id"]: a for a in facts.agencies}
    why = {
        "own": w.plain("files of its own"),
        "others": w.plain("files of others it is compared with"),
        "window": w.plain("a newer month is complete; this one now stands with its quarter"),
        "rules": w.plain("a new version of the program counts it differently"),
    }
    found = facts.frames[table].sort("moved_on", "month", "agency_id", descending=[True, True, False])

    def said(value: float | None) -> str:
        return w.times(value) if value is not None else w.plain("not judged")

    rows = [
        {
            "agency": names.get(r["agency_id"]),
            "url": sheet.agency_url(names[r["agency_id"]]) if r["agency_id"] in names else None,
            "month": w.month_short(r["month"]),
            "old": said(r["old_value"]),
            "new": said(r["new_value"]),
            "why": f"{w.day(r['moved_on'])}: {why[r['cause']]}",
        }
        for r in found.head(MOVED_SHOWN).to_dicts()
    ]
    return {"n": found.height, "rows": rows}


def contradictions(sheet: Sheet) -> dict[str, Any]:
    """Files that disagree about the same thing: counts that cannot fall but did, largest share first."""
    w, facts, table = sheet.words, sheet.facts, "marts.contradictions"
    names = {a["agency_id"]: a for a in facts.agencies}
    rows = []
    for r in facts.frames[table].sort("place").head(CONTRADICTIONS).to_dicts():
        agency = names.get(r["agency_id"] or "")
        rows.append(
            {
                "agency": agency,
                "url": sheet.agency_url(agency) if agency else None,
                "account": tampil(r["account_id"], 40),
                "field": common.field_word(r["field"], w),
                "old": w.integer(r["old_value"]),
                "new": w.integer(r["new_value"]),
                "fall": w.percent(r["fall"], 1),
                "days": f"{w.day(r['old_captured_at'].date())} → {w.day(r['new_captured_at'].date())}",
            }
        )
    return {"n": facts.frames[table].height, "rows": rows}


def touched(sheet: Sheet, agencies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The numbers of other pages that rest on an incomplete or refused month of the judged period, per agency."""
    w, facts = sheet.words, sheet.facts
    first, last = facts.period
    if first is None or last is None:
        return []
    gap = facts.frames["marts.coverage_month"].filter(
        pl.col("month").is_between(first, last) & pl.col("state").is_in(["partial", "missing", "refused"])
    )
    by_agency: dict[str, list[dict[str, Any]]] = {}
    for row in gap.sort("agency_id", "platform", "month", "account_id").to_dicts():
        by_agency.setdefault(row["agency_id"] or "", []).append(row)
    found = []
    for agency in agencies:
        rows = by_agency.get(agency["agency_id"])
        if not rows:
            continue
        window = agency["window"]
        figures = [(w._("response against the usual"), sheet.number(WINDOW, window, "vs_expected", "times"))]
        figures += [(w._("change"), sheet.number(WINDOW, window, "change", "change"))]
        known = [w._("{name} {value}", name=name, value=value) for name, value in figures if value.value is not None]
        found.append(
            {
                "agency": agency,
                "url": sheet.agency_url(agency),
                "platforms": w.join(sorted({common.platform_name(r["platform"]) for r in rows})),
                "months": w.join(w.month_short(m) for m in sorted({r["month"] for r in rows})),
                "numbers": w.join(known) if known else w._("not judged"),
            }
        )
    return found


def breaks(sheet: Sheet) -> list[dict[str, Any]]:
    w = sheet.words
    rows = sheet.facts.frames["core.series_breaks"].sort("date", "platform", "field", nulls_last=True).to_dicts()
    return [
        {
            "day": w.day(r["date"]),
            "platform": common.platform_name(r["platform"]),
            "field": common.field_word(r["field"], w) if r["field"] else "–",
            "note": tampil(r["note_id"] if w.language == "id" else r["note_en"], 400),
        }
        for r in rows
    ]
