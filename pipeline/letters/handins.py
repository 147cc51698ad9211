"""The calendar of hand-ins: what Diskominfo owes to others, when, and the facts and bounds that these data can give for it.

Dates and definitions stand in `handins.yml`, each with the day on which somebody compared it with the official text. Nothing is
made up: a date that is not known stays open, an entry that nobody compared is marked so wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipeline import files
from pipeline.html.escape import safe_link, tampil
from pipeline.html.locale import Words
from pipeline.letters.origin import Origin
from pipeline.letters.workbook import Book, Column
from pipeline.pages import common, perangkat
from pipeline.platforms import platforms

PLACE = Path(__file__).parent / "handins.yml"
COUNTS_PEOPLE = "reach"  # the one unit of exposure that counts accounts once per post; impressions and views count looks
MINIMUM_PAIRS = 8


class Both(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    en: str

    def of(self, words: Words) -> str:
        return self.id if words.language == "id" else self.en


class HandIn(BaseModel):
    """One entry of handins.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    every: Literal["month", "quarter", "year", "on_request"]
    by: str | int | None
    checked: date | None
    facts: Literal["people", "fair", "links", "trained", "targets"] | None
    name: Both
    to: Both
    basis: Both
    warning: Both

    def due(self, today: date) -> date | None:
        """The next day on which it is due, counted from `today`; None where the day is not known."""
        if isinstance(self.by, int):
            here = date(today.year, today.month, self.by)
            return here if today <= here else date(today.year + today.month // 12, today.month % 12 + 1, self.by)
        if self.by is None:
            return None
        month, day = map(int, self.by.split("-"))
        here = date(today.year, month, day)
        return here if today <= here else date(today.year + 1, month, day)


@cache
def calendar() -> tuple[HandIn, ...]:
    entries = files.load_yaml(PLACE.read_text(encoding="utf-8"))
    return tuple(HandIn.model_validate(entry) for entry in entries)


def state(entry: HandIn, words: Words) -> str:
    """Whether somebody compared the entry with the official text."""
    return words.plain("checked on {day}", day=words.day(entry.checked)) if entry.checked else words.plain("not checked yet")


def listing(words: Words, today: date) -> list[tuple[str, str, str, str]]:
    """(due, what, to whom, checked or not), the next one first; what has no known day last."""
    entries = sorted(calendar(), key=lambda e: (e.due(today) or date.max, e.id))
    asked = words.plain("day not known")
    return [
        (words.day(e.due(today)) if e.due(today) else asked, e.name.of(words), e.to.of(words), state(e, words)) for e in entries
    ]


# -- facts ---------------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class People:
    """Bounds on how many people the posts of a year reached. `lower`: the largest reach of one post; `upper`: the sum over posts.

    One post counts a person once, two posts may count the same person twice: no post's reach exceeds the people, and these
    do not exceed the sum. Posts without a reach are in neither bound, so the upper bound holds for the others only.
    """

    lower: int | None
    upper: int | None
    posts: int
    unknown: int
    largest_agency: str | None
    largest_post: int | None


def people(origin: Origin, year: int) -> People:
    counting = [name for name, p in platforms().items() if p.exposure == COUNTS_PEOPLE]
    query = """
        SELECT max(reach) AS lower, CAST(sum(reach) AS BIGINT) AS upper, count(*) AS posts, count(*) - count(reach) AS unknown,
            arg_max(agency_id, reach) AS largest_agency, arg_max(post_key, reach) AS largest_post
        FROM core.posts
        WHERE is_counted AND platform IN (SELECT unnest($platforms)) AND year(published_on) = $year"""
    return People(**origin.tables.sql(query, platforms=counting, year=year).to_dicts()[0])


def trained(origin: Origin, year: int) -> list[dict[str, Any]]:
    """Per agency with a training in the year: participants and communicators as registered."""
    query = "SELECT * FROM estimates.trained_share WHERE year = $year ORDER BY agency_id"
    rows: list[dict[str, Any]] = origin.tables.sql(query, year=year).to_dicts()
    return rows


def trained_share(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """(trained, communicators, agencies that did not say how many communicators they have). A share above one cannot be."""
    known = [r for r in rows if r["communicators"]]
    done = sum(min(r["participants"] or 0, r["communicators"]) for r in known)
    return done, sum(r["communicators"] for r in known), len(rows) - len(known)


def size_correlation(rows: pl.DataFrame) -> tuple[float | None, int]:
    """Rank correlation of interactions with followers over accounts, and over how many; None below MINIMUM_PAIRS."""
    pairs = rows.select("followers", "engagement").drop_nulls()
    if pairs.height < MINIMUM_PAIRS:
        return None, pairs.height
    value = pairs.select(pl.corr("followers", "engagement", method="spearman")).item()
    return (None if value is None or value != value else float(value)), pairs.height


def links(origin: Origin, year: int) -> list[dict[str, Any]]:
    """Posts with service information and an address that can be opened, each with the file that proves it; newest first."""
    query = """
        SELECT p.agency_id, p.platform, p.published_on, p.permalink, p.caption, s.parts, x.sha256, x.file_name, p.row_number,
            p.captured_at
        FROM estimates.service_posts s
        JOIN core.posts p ON p.post_key = s.post_key
        LEFT JOIN marts.export_files x ON x.export_id = p.export_id
        WHERE p.is_counted AND year(p.published_on) = $year AND p.permalink IS NOT NULL
        ORDER BY p.published_on DESC, p.post_key"""
    rows = origin.tables.sql(query, year=year).to_dicts()
    return [row for row in rows if safe_link(row["permalink"])]


# -- the workbook --------------------------------------------------------------------------------------------------------------
def book(origin: Origin, language: str = "id") -> bytes:
    """All hand-ins of the year of the judged month: the calendar, then a sheet of facts for each entry that has any."""
    sheet, year = origin.sheet(language), origin.month.year
    w = sheet.words
    made = Book(origin, sheet, w.plain("Hand-ins {year}", year=str(year)))
    columns = [Column(w.plain("Due"), width=16), Column(w.plain("What"), width=60), Column(w.plain("To whom"), width=36)]
    columns += [
        Column(w.plain("Official text"), width=18),
        Column(w.plain("Basis"), width=70),
        Column(w.plain("Warning"), width=90),
    ]
    today = origin.built_at.date()
    said = {e.name.of(w): (e.basis.of(w), e.warning.of(w)) for e in calendar()}
    made.table(w.plain("Calendar"), columns, [[*row, *said[row[1]]] for row in listing(w, today)])
    for entry in calendar():
        if entry.facts:
            SHEETS[entry.facts](made, entry, year)
    return made.close()


def _notes(book: Book, entry: HandIn) -> tuple[str, ...]:
    w = book.sheet.words
    official = w.plain("Official text: {state}", state=state(entry, w))
    return entry.name.of(w), official, entry.basis.of(w), w.plain("Mind: {warning}", warning=entry.warning.of(w))


def _people(book: Book, entry: HandIn, year: int) -> None:
    w, found = book.sheet.words, people(book.origin, year)
    names = {a["agency_id"]: a["short"] for a in book.sheet.facts.agencies}
    columns = [
        Column(w.plain("What"), width=70),
        Column(w.plain("Value"), "integer", 16),
        Column(w.plain("Where from"), width=60),
    ]
    largest = f"post_facts:exposure:post_key={found.largest_post}" if found.largest_post else ""
    rows: list[list[Any]] = [
        [
            w.plain("At least: the largest reach of one post"),
            found.lower,
            f"{names.get(found.largest_agency or '', '')} {largest}".strip(),
        ],
        [
            w.plain("At most: the sum of the reach of all posts"),
            found.upper,
            w.plain("{n} posts", n=w.integer(found.posts - found.unknown)),
        ],
        [w.plain("Posts whose reach is not known (in neither bound)"), found.unknown, ""],
        [w.plain("One number of people"), None, w.plain("cannot be given: write both bounds")],
    ]
    units = w.plain("Only platforms that count people once per post; impressions and views count looks.")
    book.table("IKK LPPD", columns, rows, *_notes(book, entry), units)


def _fair(book: Book, entry: HandIn, _year: int) -> None:
    sheet, w = book.sheet, book.sheet.words
    table, window = perangkat.ACCOUNTS, "estimates.agency_platform_window"
    frame = sheet.facts.frames[table]
    value, n = size_correlation(frame)
    said = w.plain(
        "Among {n} accounts, interactions go with followers (rank correlation {value}; 1 means that only size counts).",
        n=w.integer(n),
        value=w.number(value, 2),
    )
    own = {(r["agency_id"], r["platform"]): r for r in sheet.facts.frames[window].to_dicts()}
    labels = (w.plain("Agency"), w.plain("Platform"), w.plain("Account"))
    columns = [Column(label, width=24) for label in labels]
    counts = ("F: " + w.plain("Followers"), "A: " + w.plain("Posts"), "I: " + w.plain("Interactions"))
    columns += [Column(label, "integer") for label in counts]
    columns += [Column("R: " + w.plain("Questions answered within 24 hours"), "percent", 18)]
    columns += [
        Column(w.plain("Response"), "times"),
        Column(w.plain("lower (95%)"), "times"),
        Column(w.plain("upper (95%)"), "times"),
    ]
    rows = []
    for agency in sheet.facts.agencies:
        reply = common.reply(sheet.facts, agency["agency_id"])
        for row in sheet.facts.of(table, agency["agency_id"]).sort("platform", "account_id").to_dicts():
            usual = own.get((agency["agency_id"], row["platform"]), {})
            is_judged = usual.get("state") in ("judged", "not_ranked")
            ours = [sheet.number(window, usual, c, "times", 2) if is_judged else None for c in ("vs_expected", "lower", "upper")]
            names = [agency["short"], common.platform_name(row["platform"]), row["account_id"]]
            counted = [sheet.number(table, row, c) for c in ("followers", "posts", "engagement")]
            answered = sheet.number("estimates.response_summary", reply, "answered_24h", "percent")
            rows.append([*names, *counted, answered, *ours])
    book.table("FAIR", columns, rows, *_notes(book, entry), said if value is not None else "")


def _links(book: Book, entry: HandIn, year: int) -> None:
    w, names = book.sheet.words, {a["agency_id"]: a["short"] for a in book.sheet.facts.agencies}
    labels = (w.plain("Agency"), w.plain("Platform"))
    columns = [Column(label, width=20) for label in labels]
    columns += [Column(w.plain("Date"), "day"), Column(w.plain("Address"), width=60), Column(w.plain("Post"), width=60)]
    columns += [Column(w.plain("Parts of service information (of 4)"), "integer"), Column("SHA-256", width=66)]
    columns += [
        Column(w.plain("File"), width=30),
        Column(w.plain("Row"), "integer"),
        Column(w.plain("Downloaded from the platform"), "day"),
    ]
    rows = [
        [
            names.get(r["agency_id"], r["agency_id"]),
            common.platform_name(r["platform"]),
            r["published_on"],
            safe_link(r["permalink"]),
            tampil(r["caption"], 120),
            r["parts"],
            r["sha256"],
            tampil(r["file_name"], 80),
            r["row_number"],
            r["captured_at"].date() if r["captured_at"] else None,
        ]
        for r in links(book.origin, year)
    ]
    book.table(w.plain("Links"), columns, rows, *_notes(book, entry))


def _trained(book: Book, entry: HandIn, year: int) -> None:
    sheet, w, rows = book.sheet, book.sheet.words, trained(book.origin, year)
    done, all_, silent = trained_share(rows)
    names = {a["agency_id"]: a["short"] for a in sheet.facts.agencies}
    columns = [
        Column(w.plain("Agency"), width=36),
        Column(w.plain("Trained"), "integer"),
        Column(w.plain("Communicators"), "integer", 18),
    ]
    columns += [Column(w.plain("Share"), "percent")]
    lines = [
        [
            names.get(r["agency_id"], r["agency_id"]),
            r["participants"],
            r["communicators"],
            min(1.0, r["participants"] / r["communicators"]) if r["communicators"] and r["participants"] is not None else None,
        ]
        for r in rows
    ]
    lines.append([w.plain("All agencies with a record"), done, all_, done / all_ if all_ else None])
    missing = len(sheet.facts.listed) - len(rows) + silent
    note = w.plain("{n} agencies have no record of how many communicators they have.", n=w.integer(missing))
    book.table("SIPD 000636", columns, lines, *_notes(book, entry), note)


def _targets(book: Book, entry: HandIn, year: int) -> None:
    sheet, w, table = book.sheet, book.sheet.words, perangkat.TARGETS
    columns = [Column(w.plain("Agency"), width=26), Column(w.plain("Target"), width=40), Column(w.plain("Period"))]
    labels = (w.plain("Promised"), w.plain("Reached"), w.plain("lower (95%)"), w.plain("upper (95%)"))
    columns += [Column(label, "number") for label in labels]
    columns += [
        Column(w.plain("Cases"), "integer"),
        Column(w.plain("Days covered"), "percent"),
        Column(w.plain("Result"), width=24),
    ]
    rows = []
    for agency in sheet.facts.agencies:
        for r in sheet.facts.of(table, agency["agency_id"]).sort("metric", "period").to_dicts():
            if str(r["period"]).startswith(str(year)):
                values = [sheet.number(table, r, c, "number", 2) for c in ("target", "value", "lower", "upper")]
                rest = [sheet.number(table, r, "n"), sheet.number(table, r, "coverage", "percent"), perangkat.target_status(r, w)]
                rows.append([agency["short"], perangkat.target_word(r["metric"], w), r["period"], *values, *rest])
    book.table("LKjIP", columns, rows, *_notes(book, entry))


SHEETS: dict[str, Callable[[Book, HandIn, int], None]] = {
    "people": _people,
    "fair": _fair,
    "links": _links,
    "trained": _trained,
    "targets": _targets,
}
