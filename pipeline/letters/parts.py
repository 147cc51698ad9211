"""Pieces that several documents share: letterhead, who signs, the coverage box, the method note, the footer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.letters import seal
from pipeline.letters.origin import Origin
from pipeline.letters.paper import Document, Words_
from pipeline.pages import perangkat
from pipeline.pages.ringkasan import GROUP, REGENCY
from pipeline.pages.sheet import Sheet, Shown

ACTIONS = "estimates.actions"
META = "meta.version"


def document(origin: Origin, language: str, title: str, **more: Any) -> Document:
    """An empty document of this version, with its footer."""
    sheet = origin.sheet(language)
    w = sheet.words
    footer = [
        w.plain("Terukur · version {version} · SHA-256 {hash}", version=origin.version, hash=origin.version_sha256),
        w.plain("Archive of {n} files · SHA-256 {hash}", n=w.integer(origin.archive_files), hash=origin.archive),
    ]
    if sealed := seal.latest(origin.workspace, origin.month):
        footer.append(w.plain("Seal of the month · SHA-256 {hash}", hash=sealed["seal"]))
    return Document(sheet, title, footer=footer, **more)


def letterhead(origin: Origin, sheet: Sheet) -> tuple[list[str], str]:
    """Lines of the letterhead, and the place before the date; what the registry does not say is not printed."""
    said = origin.known.settings["letterhead"]
    office = next((a["long"] for a in origin.facts.agencies if a["agency_id"] == said["office"]), "")
    head = sheet.words.plain("Government of {region}", region=sheet.site_name)
    return [head, office, *(said[name] or "" for name in ("address", "contact"))], said["place"] or ""


def signatures(origin: Origin, kind: str, on: date) -> list[dict[str, str]]:
    """Who signs a kind of document on a day. Nobody in the registry: one empty line to sign."""
    rows = [
        row
        for row in origin.known.signatories.to_dicts()
        if row["document"] in (kind, "semua") and (row["valid_from"] or on) <= on <= (row["valid_to"] or on)
    ]
    own = [row for row in rows if row["document"] == kind] or rows
    found = [
        {
            "heading": row["heading"] or "",
            "position": row["position"],
            "name": row["name"] or "",
            "rank": row["rank"] or "",
            "number": row["employee_number"] or "",
        }
        for row in sorted(own, key=lambda row: row["order"])
    ]
    return found or [{"heading": "", "position": "", "name": "", "rank": "", "number": ""}]


def regency_coverage(page: Document) -> None:
    """How complete the data of all agencies are: beside every figure of the letter, before the first of them."""
    sheet, w = page.sheet, page.sheet.words
    regency, window = sheet.facts.regency, sheet.facts.row(REGENCY)
    page.box(
        w.plain("How complete the data are"),
        [
            (
                w._("{n} of {all}", n=sheet.number(GROUP, regency, "n_complete"), all=sheet.number(GROUP, regency, "n_awaited")),
                w._("agencies complete"),
                w._("{n} without data", n=sheet.number(GROUP, regency, "n_silent")),
            ),
            (
                w._(
                    "{n} of {all}",
                    n=sheet.number(REGENCY, window, "accounts_known"),
                    all=sheet.number(REGENCY, window, "accounts"),
                ),
                w._("accounts whose posts are all known"),
                w._("{n} give only their best posts", n=sheet.number(REGENCY, window, "accounts_top_list")),
            ),
            (sheet.number(REGENCY, window, "coverage", "percent"), w._("days covered by downloads"), sheet.period),
            (
                sheet.number(META, sheet.facts.info, "export_count"),
                w._("files read"),
                w._("{n} refused", n=sheet.number(META, sheet.facts.info, "refused_count")),
            ),
        ],
    )


def method(page: Document, terms: list[tuple[str, str]]) -> None:
    page.heading(page.sheet.words.plain("How to read the figures"))
    page.points(terms)


def corrections(page: Document, origin: Origin) -> None:
    """What was sealed before and corrected since, with the reason; nothing where nothing was."""
    w, found = page.sheet.words, seal.corrections(origin.workspace, origin.month)
    if found:
        page.heading(w.plain("Corrections after the month was closed"))
        page.points(
            (
                w._("{day}", day=w.day_long(datetime.fromisoformat(entry["closed_at"]).date())),
                w._(
                    "{reason} It replaces the seal {old}…; {n} files of the bundle differ.",
                    reason=entry["reason"].rstrip(".") + ".",
                    old=entry["corrects"][:12],
                    n=w.integer(len(entry["changed"])),
                ),
            )
            for entry in found
        )


def dated_facts(sheet: Sheet) -> list[tuple[str, str]]:
    w, info = sheet.words, sheet.facts.info
    cut = w.day_long(info["data_cutoff"].date()) if info.get("data_cutoff") else "–"
    return [(w.plain("Period"), sheet.period), (w.plain("Data to"), cut)]


def advice_figures(sheet: Sheet, agency_id: str | None = None) -> list[Shown]:
    """What each piece of advice rests on, in its order: how many rows its evidence has, with the id that leads to them."""
    rows = sheet.facts.frames[ACTIONS]
    rows = rows.filter(pl.col("agency_id").is_null() if agency_id is None else pl.col("agency_id") == agency_id).sort("rank")
    return [sheet.number(ACTIONS, row, "evidence_n") for row in rows.to_dicts()]


def platform_table(page: Document, rows: list[dict[str, Any]], *, notes: bool) -> None:
    """Totals of platforms or accounts with their change against the three months before. Nothing is added up across rows."""
    w = page.sheet.words
    columns = [(w.plain("Platform"), "left")]
    columns += [(name, "right") for name in (w.plain("Posts"), w.plain("Interactions"), w.plain("Seen"), w.plain("Followers"))]
    columns += [(w.plain("Note") if notes else w.plain("Accounts"), "left" if notes else "right")]

    def cell(found: dict[str, Any]) -> Words_:
        return w._("{value} ({change})", **found) if found["change"] else found["value"]

    lines = []
    for row in rows:
        last: Words_ = row.get("note") or "" if notes else w._("{n} of {all}", n=row["known"], all=row["accounts"])
        seen = w._("{cell} {unit}", cell=cell(row["exposure"]), unit=row["unit"]) if row["exposure"]["value"] else "–"
        lines.append([row["name"], cell(row["posts"]), cell(row["engagement"]), seen, cell(row["followers"]), last])
    page.table(columns, lines, widths=(1.25, 1, 1.35, 2, 1.35, 1.5 if notes else 0.8))
    page.say(
        w._(
            "In brackets: change against the three months before, of accounts that are complete in both. Reach, impressions and "
            "views are different units, so platforms are never added up."
        )
    )


def signed(page: Document, origin: Origin, kind: str) -> None:
    _, place = letterhead(origin, page.sheet)
    page.signatures = signatures(origin, kind, origin.built_at.date())
    page.place = f"{place or '..................'}, {'.' * 36}"
    page.sign()


def disputed(page: Document, agencies: list[dict[str, Any]]) -> None:
    """The right of reply: what agencies say against figures about them stands beside these until it is decided."""
    said = [(a["short"], text) for a in agencies for text in perangkat.objections(page.sheet, a)]
    if said:
        page.heading(page.sheet.words.ngettext("{n} figure is disputed", "{n} figures are disputed", len(said)))
        page.points(said)
