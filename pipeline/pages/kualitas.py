"""Data quality: what is complete, late, missing or refused, and which numbers does each gap touch?"""

from collections.abc import Sequence

import polars as pl

from pipeline.charts import Column, Table
from pipeline.charts.dots import PLATFORM_NAMES
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages import common
from pipeline.pages.advice import needs
from pipeline.pages.data import utc_date
from pipeline.pages.parts import Part, parts
from pipeline.pages.perangkat import coverage_rows, file_row, files_table
from pipeline.pages.sheet import Sheet

PATH = "kualitas.html"
GAPS_SHOWN = 40  # of many groups; their own pages list all
REFUSED_SHOWN = 60
CONTRADICTIONS = 8


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    agencies = common.ranked_agencies(facts)
    rows, some = grid_rows(sheet, facts.agencies), parts(facts.agencies)
    counts = count_states(rows)
    holes, moved = gaps(sheet, agencies), touched(sheet, facts.agencies)
    body = render(
        "kualitas.html",
        w,
        p=sheet.opening(headline(sheet, counts), lede(sheet, counts, agencies), kind=w._("Data quality"), csv=grid_csv(sheet)),
        rows=rows,
        groups=group_rows(sheet, some),
        months=facts.months(),
        gaps=holes[:GAPS_SHOWN] if some else holes,
        gaps_count=len(holes),
        refused=refused(sheet),
        checks=checks(sheet),
        restated=restated(sheet),
        contradictions=contradictions(sheet),
        touched=[] if some else moved,
        touched_count=len(moved),
        breaks=breaks(sheet),
        absent=[tampil(name, 80) for name in sorted(set(facts.absent))],
        trail=trail(sheet),
    )
    return sheet.page(body, title=w.plain("Data quality"))


def build_part(sheet: Sheet, part: Part) -> str:
    """Gaps, months and touched numbers of the agencies of one part."""
    w, ranked = sheet.words, {a["agency_id"] for a in common.ranked_agencies(sheet.facts)}
    rows = grid_rows(sheet, part.agencies)
    counts, label = count_states(rows), part.label(w)
    needed = sum(counts[k] for k in "lstx")
    title = (
        w._("{group}: {share} of account-months are complete", group=label, share=w.percent(counts["l"] / needed))
        if needed
        else w._("{group}: no account is registered yet", group=label)
    )
    body = render(
        "kualitas_kelompok.html",
        w,
        p=sheet.opening(title, [], kind=w._("Data quality")),
        back=sheet.url(PATH),
        rows=rows,
        months=sheet.facts.months(),
        gaps=gaps(sheet, [a for a in part.agencies if a["agency_id"] in ranked]),
        touched=touched(sheet, part.agencies),
    )
    return sheet.page(body, title=label)


def part_url(part: Part) -> str:
    return f"kualitas/{part.slug}.html"


def grid_rows(sheet: Sheet, agencies: Sequence[dict]) -> list[dict]:
    """Agencies with a registered account, each with its accounts by month."""
    months = sheet.facts.months()
    return [
        {"agency": a, "url": sheet.agency_url(a), "accounts": found}
        for a in agencies
        if (found := coverage_rows(sheet.facts, a["agency_id"], months, sheet))
    ]


def group_rows(sheet: Sheet, some: Sequence[Part]) -> list[dict]:
    w, rows = sheet.words, []
    for part in some:
        counts = count_states(grid_rows(sheet, part.agencies))
        needed = sum(counts[k] for k in "lstx")
        rows.append(
            {
                "label": part.label(w),
                "url": sheet.url(part_url(part)),
                "n": w.integer(len(part.agencies)),
                "counts": [w.integer(counts[k]) for k in "lstx"],
                "share": w.percent(counts["l"] / needed if needed else None),
            }
        )
    return rows


def count_states(rows: list[dict]) -> dict[str, int]:
    cells = [kind for row in rows for account in row["accounts"] for kind, _ in account["cells"]]
    return {kind: cells.count(kind) for kind in "lstxd"}


def headline(sheet: Sheet, counts: dict[str, int]) -> str:
    w, needed = sheet.words, sum(counts[k] for k in "lstx")
    if not needed:
        return w._("No account-month is registered yet, so completeness is unknown")
    return w._(
        "{share} of account-months are complete; {missing} are missing or refused",
        share=w.percent(counts["l"] / needed),
        missing=w.integer(counts["t"] + counts["x"]),
    )


def lede(sheet: Sheet, counts: dict[str, int], agencies: list[dict]) -> list[str]:
    w, info = sheet.words, sheet.facts.info
    unjudged = sum(common.direction(a["window"]) == "data" for a in agencies)
    return [
        w._(
            "{files} export files were read, {refused} were refused.",
            files=w.integer(info.get("export_count")),
            refused=w.integer(info.get("refused_count")),
        ),
        w.ngettext(
            "Because of gaps or too few posts {n} agency is not judged on the other pages.",
            "Because of gaps or too few posts {n} agencies are not judged on the other pages.",
            unjudged,
        ),
        w._("What is not known stands as not known; it is never counted as zero."),
    ]


def grid_csv(sheet: Sheet) -> dict | None:
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
    rows = tuple(
        frame.select("agency_id", "account_id", "platform", "month", "state", "covered_days", "days", "reason_code").iter_rows()
    )
    return sheet.csv("cakupan", w.plain("Exports by account and month"), Table(columns, rows))


def gaps(sheet: Sheet, agencies: Sequence[dict]) -> list[dict]:
    """Agencies whose numbers the gaps touch: what is missing, who can fix it."""
    found = [n for n in needs(sheet.facts, agencies, sheet.words) if n.kind in ("no_data", "not_covered")]
    return [{"need": n, "url": sheet.agency_url(n.agency)} for n in found]


def refused(sheet: Sheet) -> dict:
    w = sheet.words
    frame = sheet.facts.frames["marts.export_files"].filter(pl.col("outcome").is_in(["refused", "held", "flagged"]))
    rows = frame.sort("first_seen_at", "file_name", "export_id", descending=[True, False, False], nulls_last=True).to_dicts()
    count = sum(r["outcome"] == "refused" for r in rows)
    title = w.ngettext("{n} file was refused", "{n} files were refused", count) if count else w._("No file was refused")
    csv = sheet.csv("berkas-ditolak", w.plain("Refused and flagged files"), files_table(rows, sheet)) if rows else None
    stopped = [r for r in rows if r["outcome"] != "flagged"]
    flagged = [r for r in rows if r["outcome"] == "flagged"]
    return {
        "rows": [file_row(r, sheet) for r in stopped[:REFUSED_SHOWN]],
        "flagged": [file_row(r, sheet) for r in flagged[:REFUSED_SHOWN]],
        "flagged_count": len(flagged),
        "more": max(0, len(stopped) - REFUSED_SHOWN) + max(0, len(flagged) - REFUSED_SHOWN),
        "title": title,
        "csv": csv,
    }


def checks(sheet: Sheet) -> dict:
    w = sheet.words
    rows = sheet.facts.frames["meta.checks"].sort("name").to_dicts()
    failed = [r for r in rows if r["passed"] is False]
    listed = [
        {
            "name": tampil(r["name"], 80),
            "blocking": bool(r["blocking"]),
            "rows": w.integer(r["failed_rows"]),
            "message": tampil(r["message_id"] if w.language == "id" else r["message_en"], 300),
        }
        for r in failed
    ]
    return {"total": len(rows), "failed": listed}


def restated(sheet: Sheet) -> list[dict]:
    """Published values that a later export changed, by field."""
    w = sheet.words
    frame = sheet.facts.frames["marts.restatements"].drop_nulls("field")
    return [
        {"field": tampil(r["field"], 40), "n": w.integer(r["n"]), "down": w.integer(r["down"])}
        for r in frame.group_by("field")
        .agg(pl.len().alias("n"), (pl.col("new_value") < pl.col("old_value")).sum().alias("down"))
        .sort("field")
        .to_dicts()
    ]


def contradictions(sheet: Sheet) -> dict:
    """Exports that disagree about the same thing: counts that cannot fall but did, largest share first."""
    w, facts = sheet.words, sheet.facts
    frame = facts.frames["marts.restatements"].filter((pl.col("new_value") < pl.col("old_value")) & (pl.col("old_value") > 0))
    owners = {r["account_id"]: r for r in facts.frames["core.accounts"].sort("account_id").to_dicts()}
    names = {a["agency_id"]: a for a in facts.agencies}
    frame = frame.with_columns(fall=(pl.col("old_value") - pl.col("new_value")) / pl.col("old_value"))
    order = ["fall", "account_id", "field", "post_key", "day"]
    rows = []
    for r in frame.sort(order, descending=[True, False, False, False, False], nulls_last=True).head(CONTRADICTIONS).to_dicts():
        agency = names.get((owners.get(r["account_id"]) or {}).get("agency_id"))
        rows.append(
            {
                "agency": agency,
                "url": sheet.agency_url(agency) if agency else None,
                "account": tampil(r["account_id"], 40),
                "field": tampil(r["field"], 40),
                "old": w.integer(r["old_value"]),
                "new": w.integer(r["new_value"]),
                "fall": w.percent(r["fall"], 1),
                "days": f"{w.day(utc_date(r['old_captured_at']))} → {w.day(utc_date(r['new_captured_at']))}",
            }
        )
    return {"n": frame.height, "posts": frame["post_key"].drop_nulls().n_unique() if frame.height else 0, "rows": rows}


def touched(sheet: Sheet, agencies: Sequence[dict]) -> list[dict]:
    """The numbers of other pages that rest on an incomplete or refused month of the judged period, per agency."""
    w, facts = sheet.words, sheet.facts
    first, last = facts.period
    if first is None:
        return []
    gap = facts.frames["marts.coverage_month"].filter(
        pl.col("month").is_between(first, last) & pl.col("state").is_in(["partial", "missing", "refused"])
    )
    by_agency: dict[str, list[dict]] = {}
    for row in gap.sort("agency_id", "platform", "month", "account_id").to_dicts():
        by_agency.setdefault(row["agency_id"] or "", []).append(row)
    found = []
    for agency in agencies:
        rows = by_agency.get(agency["agency_id"])
        if not rows:
            continue
        window, w_platforms = agency["window"], sorted({PLATFORM_NAMES.get(r["platform"], r["platform"] or "–") for r in rows})
        months = sorted({r["month"] for r in rows})
        figures = [(w._("response against expected"), w.times(window["vs_expected"]))] if window.get("vs_expected") else []
        figures += [(w._("change"), w.change(window["change"]))] if window.get("change") else []
        found.append(
            {
                "agency": agency,
                "url": sheet.agency_url(agency),
                "platforms": w.join(w_platforms),
                "months": w.join(w.month_short(m) for m in months),
                "numbers": w.join(f"{name} {value}" for name, value in figures) if figures else w._("not judged"),
                "figure": f"agency_window:vs_expected:agency_id={agency['agency_id']}",
            }
        )
    return found


def breaks(sheet: Sheet) -> list[dict]:
    w = sheet.words
    rows = sheet.facts.frames["core.series_breaks"].sort("date", "platform", "field", nulls_last=True).to_dicts()
    return [
        {
            "day": w.day(r["date"]),
            "platform": r["platform"] or "–",
            "field": r["field"] or "–",
            "note": tampil(r["note_id"] if w.language == "id" else r["note_en"], 400),
        }
        for r in rows
    ]


def trail(sheet: Sheet) -> dict:
    info, w = sheet.facts.info, sheet.words
    return {
        "version": tampil(info.get("version"), 60),
        "command": "terukur trace agency_window:vs_expected:agency_id=…",
        "built": w.instant(info.get("built_at")),
    }
