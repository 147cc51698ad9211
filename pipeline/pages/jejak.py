"""The files behind the numbers: which agency's files, how many, how fresh, with a way to every single one of them."""

from __future__ import annotations

from typing import Any

from pipeline.charts import Column, Table
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages import common
from pipeline.pages.sheet import Sheet

PATH = "jejak.html"
TABLE = "marts.export_platforms"


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
                "name": common.platform_name(row["platform"]),
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
