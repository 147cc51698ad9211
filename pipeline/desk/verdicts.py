"""An answer in a person's words: what was handed in, what it changes, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipeline.desk.coverage import Covered
from pipeline.desk.directory import Directory
from pipeline.desk.handin import Answer
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.platforms import platforms

TONES = {"accepted": "baik", "flagged": "catatan", "duplicate": "baik", "held": "tunggu", "refused": "tolak"}
MARKS = {"accepted": "✓", "flagged": "✓", "duplicate": "✓", "held": "…", "refused": "✕"}
NOTES_SHOWN = 4
Spans = list[tuple[date, date]]


@dataclass
class Card:
    """One verdict as the page shows it; every text is plain and escaped by the template."""

    outcome: str
    tone: str
    mark: str
    title: str
    file: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    change: str = ""
    notes: list[str] = field(default_factory=list)
    next: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    ticket: str | None = None
    platform: str | None = None


def grouped(answers: Iterable[Answer]) -> list[list[Answer]]:
    """Answers that say the same of one file (its sheets, its blocks) together: a person handed in one file."""
    groups: dict[tuple[object, ...], list[Answer]] = {}
    for a in answers:
        first = a.record["messages"][0]["code"] if a.record["messages"] else None
        key = (a.record["sha256"], a.record["file"], a.outcome, a.account_id, a.ticket, a.other_door, a.code and first)
        groups.setdefault(key, []).append(a)
    return list(groups.values())


def title(outcome: str, words: Words) -> str:
    said = {
        "accepted": words.plain("Accepted"),
        "flagged": words.plain("Accepted, with a note"),
        "duplicate": words.plain("Already here"),
        "held": words.plain("Waiting"),
        "refused": words.plain("Refused"),
    }
    return said.get(outcome, outcome)


def card(group: list[Answer], words: Words, known: Directory, covered: Callable[[str], Covered], today: date) -> Card:
    """One card for answers that say the same of one file (:func:`grouped`)."""
    answer = max(group, key=lambda a: (a.record["grain"] == "post", a.span is not None))  # the one that speaks of months
    record = answer.record
    name = record["file"] + (f" › {record['member']}" if record["member"] and len(group) == 1 else "")
    shown = Card(answer.outcome, TONES[answer.outcome], MARKS[answer.outcome], title(answer.outcome, words), tampil(name, 120))
    shown.facts = list(_facts(answer, group, words, known))
    shown.platform = record["platform"]
    if record["stored"] and answer.outcome in ("accepted", "flagged"):
        account = covered(answer.account_id) if answer.account_id else Covered()
        shown.change = change(answer, account, words, today)
    shown.next = next_step(answer, words, known)
    shown.notes = notes(group, words.language) if answer.outcome in ("accepted", "flagged") else []
    if answer.ticket:
        shown.choices = [(a.account_id, f"{platform_name(a.platform)} {a.label}") for a in known.of(answer.choices)]
        shown.ticket = answer.ticket
    return shown


def _facts(answer: Answer, group: list[Answer], words: Words, known: Directory) -> Iterable[tuple[str, str]]:
    record = answer.record
    kinds = dict.fromkeys((a.title_id if words.language == "id" else a.title_en) or a.record["kind"] for a in group)
    if any(kinds):
        yield words.plain("What"), "; ".join(filter(None, kinds))
    if answer.account_id:
        account = known.accounts.get(answer.account_id)
        yield words.plain("Account"), f"{platform_name(account.platform)} {account.label}" if account else answer.account_id
    elif record["accounts"]:
        yield words.plain("Account"), tampil(" ".join(_named(record["accounts"][0])), 60)
    if record["first"] and record["last"]:
        first, last = date.fromisoformat(record["first"][:10]), date.fromisoformat(record["last"][:10])
        yield words.plain("Period"), f"{words.day(first)} – {words.day(last)}" if first != last else words.day(first)
    if record["outcome"] in ("accepted", "flagged", "duplicate"):
        yield words.plain("Rows"), words.integer(sum(a.record["rows"] for a in group))


def _named(account: dict[str, Any]) -> list[str]:
    return [f"@{account['handle']}"] if account["handle"] else [account["platform_account_id"] or ""]


def platform_name(platform: str) -> str:
    """How a platform writes itself."""
    known = platforms()
    return known[platform].label if platform in known else platform


def change(answer: Answer, covered: Covered, words: Words, today: date) -> str:
    """What the night will have more of, by the warehouse's own rule of which days a file covers."""
    if answer.span is None:
        return words.plain("The figures of this file are added tonight.")
    first, last = answer.span
    last = min(last, today - timedelta(days=1))
    if answer.record["grain"] != "post":
        return words.plain(
            "Daily figures from {first} to {last} are added tonight.", first=words.day(first), last=words.day(last)
        )
    closed: Spans = []
    added: Spans = []
    month = first.replace(day=1)
    while month <= last:
        end = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        days = (min(last, end) - max(first, month)).days + 1
        known = covered.month(month)
        if known is None or known.state != "complete":
            (closed if days >= 0.9 * end.day else added).append((max(first, month), min(last, end)))
        month = end + timedelta(days=1)
    return " ".join(_changes(closed, added, words)) or words.plain(
        "These months were complete already; their figures are brought up to date tonight."
    )


def _changes(closed: Spans, added: Spans, words: Words) -> Iterable[str]:
    if closed:
        months = str(words.join(words.month(first) for first, _ in closed))
        yield words.plain("Closes {months}.", months=months)
    for first, last in added:
        if first == last:
            yield words.plain("Adds {day}.", day=words.day(first))
        else:
            yield words.plain("Adds {first} to {last}.", first=words.day(first), last=words.day(last))


def notes(group: list[Answer], language: str) -> list[str]:
    """What else is to be known about a file that was taken, each sentence once."""
    said = dict.fromkeys(m[language] for answer in group for m in answer.record["messages"])
    return list(said)[:NOTES_SHOWN]


def next_step(answer: Answer, words: Words, known: Directory) -> str:
    """The one thing to do; empty where there is nothing to do."""
    if answer.other_door:
        return other_door(answer, words, known)
    if answer.ticket:
        return words.plain("The file does not say whose it is. Choose the account below.")
    if answer.choices:
        return words.plain(
            "The file does not say whose it is. Hand it in through the page of your link and choose its account there."
        )
    if answer.outcome == "held" and answer.record["stored"]:
        return words.plain("The account is not registered yet. Nothing to do: the file waits, and is read once it is.")
    if answer.outcome == "duplicate":
        return words.plain("Nothing to do: this very file was received before.")
    if answer.outcome in ("held", "refused") and answer.record["messages"]:
        first = answer.record["messages"][0]
        where = tampil(first["place"], 60)
        sentence = str(first[words.language])
        if first["code"] == "WRONG_ACCOUNT" and not answer.other_door:
            sentence = words.plain("This file is of an account that is not on your list. Download it from your own account.")
        return f"{sentence} ({where})" if where and first["code"] != "WRONG_ACCOUNT" else sentence
    return ""


def other_door(answer: Answer, words: Words, known: Directory) -> str:
    """A file of another agency's account: which door is right. It was not kept here."""
    agency = known.agency_of(answer.other_door)
    label = known.label(answer.other_door or "")
    name = agency.name if agency else label
    return words.plain(
        "This file is of {account}, which belongs to {agency}. It was not kept here; hand it in through that agency's own link.",
        account=label,
        agency=name,
    )


def in_words(
    answers: Iterable[Answer], words: Words, known: Directory, covered: Callable[[str], Covered], today: date
) -> Iterable[str]:
    """The same as plain text, a few lines per file, for a mail or a terminal."""
    for group in grouped(answers):
        shown = card(group, words, known, covered, today)
        lines = [f"{shown.title}: {shown.file}", *(f"  {label}: {value}" for label, value in shown.facts)]
        yield "\n".join([*lines, *(f"  {text}" for text in (shown.change, *shown.notes, shown.next) if text)])
