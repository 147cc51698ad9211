"""The files behind the numbers: which agency's files, how many, how fresh, with a way to every single one of them."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.charts import Column, Table
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.pages import advice, common
from pipeline.pages.sheet import Sheet

PATH = "jejak.html"
TABLE = "marts.export_platforms"
SHOWN = 60  # rows of evidence on the page; all of them are in the CSV


def build(sheet: Sheet) -> str:
    w, info = sheet.words, sheet.facts.info
    rows = agency_rows(sheet)
    body = render(
        "jejak.html",
        w,
        p=sheet.opening(
            w._(
                "{files} files stand behind these numbers",
                files=sheet.number("meta.version", info, "export_count"),
            ),
            [
                w._("Every number is made from rows of files that the agencies downloaded from the platforms."),
                w._("Choose an agency to see its files; each is kept unchanged, with its fingerprint."),
            ],
            kind=w._("Files behind these numbers"),
            csv=_csv(sheet),
        ),
        rows=rows,
        grounds=grounds(sheet),
        version=tampil(info.get("version"), 60),
        built=w.instant(info.get("built_at")),
        command="terukur trace agency_window:vs_expected:agency_id=…",
    )
    return sheet.page(body, title=w.plain("Files behind these numbers"))


def agency_rows(sheet: Sheet) -> list[dict[str, Any]]:
    w, found = sheet.words, []
    for agency in sheet.facts.agencies:
        rows = sheet.facts.of(TABLE, agency["agency_id"]).sort("platform", nulls_last=True).to_dicts()
        url = sheet.url(f"perangkat/{agency['slug']}.html#berkas")
        platforms = [
            {
                "name": common.platform_name(row["platform"]) if row["platform"] else w._("not recognised"),
                "files": sheet.number(TABLE, row, "files"),
                "rows": sheet.number(TABLE, row, "n_rows"),
                "refused": sheet.number(TABLE, row, "refused"),
                "captured": w.day(row["captured_at"].date()) if row["captured_at"] else "–",
            }
            for row in rows
        ]
        if platforms:
            found.append({"agency": agency, "url": url, "platforms": platforms})
    return found


# -- what the advice rests on --------------------------------------------------------------------------------------------------
def grounds(sheet: Sheet) -> list[dict[str, Any]]:
    """The advice of this report for the regency, each with the rows that it rests on."""
    w, columns, found = sheet.words, ground_columns(sheet.words), []
    for row in sheet.facts.frames["estimates.actions"].filter(pl.col("agency_id").is_null()).sort("rank").to_dicts():
        rows = sheet.facts.grounds.get(row["rule"], pl.DataFrame())
        known = tuple(column for column in columns.get(row["rule"], ()) if column.name in rows.columns)
        if not known or not rows.height:
            continue
        cells = sorted(rows.select(column.name for column in known).iter_rows(), key=lambda r: (str(r[0]).casefold(), str(r)))
        values = tuple(tuple(_readable(column, cell, w) for column, cell in zip(known, r, strict=True)) for r in cells)
        said = advice.told(row, w)
        name = f"saran-{row['rule']}"
        found.append(
            {
                "id": name,
                "title": said["title"],
                "text": said["text"],
                "table": Table(known, values[:SHOWN]),
                "more": w.ngettext("{n} more row in the CSV", "{n} more rows in the CSV", len(values) - SHOWN)
                if len(values) > SHOWN
                else "",
                "csv": sheet.csv(name, str(said["title"]), Table(known, values)),
            }
        )
    return found


def ground_columns(w: Words) -> dict[str, tuple[Column, ...]]:
    """What is shown of the evidence of each rule whose evidence has no page of its own."""
    agency, account = Column("short_name", w.plain("Agency")), Column("account_id", w.plain("Account"))
    moved = (
        agency,
        Column("change", w.plain("Change"), "change"),
        Column("change_lower", w.plain("95% lower"), "change"),
        Column("change_upper", w.plain("95% upper"), "change"),
        Column("n_posts", w.plain("Posts that were judged"), "integer"),
    )
    return {
        "regency_surges": (
            agency,
            account,
            Column("metric", w.plain("What")),
            Column("started_on", w.plain("Since"), "day"),
            Column("peak_value", w.plain("Highest day"), "integer"),
            Column("peak_expected", w.plain("Usual"), "integer"),
        ),
        "regency_slow": (
            agency,
            Column("channel", w.plain("Channel")),
            Column("n", w.plain("Questions"), "integer"),
            Column("answered_24h", w.plain("Answered within 24 hours"), "percent"),
        ),
        "regency_down": moved,
        "regency_up": moved,
        "regency_service": (
            agency,
            account,
            Column("service", w.plain("Service posts"), "integer"),
            Column("ceremonial", w.plain("Ceremonial posts"), "integer"),
            Column("difference", w.plain("Service against ceremonial"), "growth"),
        ),
        "regency_incomplete": (
            agency,
            Column("posts", w.plain("Service posts"), "integer"),
            Column("complete", w.plain("Complete"), "integer"),
            Column("without_time", w.plain("Without time"), "integer"),
            Column("without_contact", w.plain("Without contact"), "integer"),
        ),
    }


def _readable(column: Column, value: Any, w: Words) -> Any:
    """Codes as words; texts of files cleaned for display."""
    if column.name == "channel":
        return common.channel_word(str(value), w)
    if column.name == "metric":
        return common.field_word(str(value), w)
    return tampil(value, 60) if isinstance(value, str) else value


def _csv(sheet: Sheet) -> dict[str, Any] | None:
    w = sheet.words
    frame = sheet.facts.frames[TABLE].sort("agency_id", "platform", nulls_last=True)
    columns = (
        Column("agency_id", w.plain("Agency id")),
        Column("platform", w.plain("Platform")),
        Column("files", w.plain("Files"), "integer"),
        Column("n_rows", w.plain("Rows"), "integer"),
        Column("refused", w.plain("Refused"), "integer"),
        Column("captured_at", w.plain("Last downloaded"), "day"),
    )
    rows = tuple(
        (*values[:-1], values[-1].date() if values[-1] else None)
        for values in frame.select(column.name for column in columns).iter_rows()
    )
    return sheet.csv("jejak-berkas", w.plain("Files behind these numbers"), Table(columns, rows)) if rows else None
