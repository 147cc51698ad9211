"""The keeper's side: what came today and from whom, what was refused and why, who has not sent, and the registers."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.desk import book, chat, coverage, senders
from pipeline.desk.directory import Agency, Directory
from pipeline.desk.handin import Answer, Sender, hand_in
from pipeline.desk.quarantine import Quarantine, Ticket, open_body
from pipeline.desk.registers import EDITABLE, Done, edit, register
from pipeline.desk.worker import Reader
from pipeline.exports import guards
from pipeline.exports.messages import TEXTS, Refused
from pipeline.html.locale import Words
from pipeline.settings import Workspace

if TYPE_CHECKING:
    from pipeline.desk.office import Office

LACKING_SHOWN = 6


@dataclass(frozen=True)
class Sent:
    """One agency: when it last sent anything, how many whole days ago, what its accounts lack."""

    agency_id: str
    name: str
    last: datetime | None
    days: int | None
    today: int
    lacking: tuple[tuple[str, str, tuple[date, ...]], ...]  # account id, its label, first days of months
    is_silent: bool


@dataclass(frozen=True)
class File:
    """One file of the day with what became of it in the end; `parts`: how many tables of it were told the same."""

    entry: book.Entry
    parts: int


@dataclass(frozen=True)
class Today:
    """One day at the door. `counts`: files by outcome; `files`: newest first."""

    day: date
    counts: dict[str, int]
    files: tuple[File, ...]
    agencies: tuple[Sent, ...]
    warning_days: int

    @property
    def silent(self) -> list[Sent]:
        """Agencies with accounts that sent nothing for longer than the registry's `data_age_warning_days`, or never."""
        return [a for a in self.agencies if a.is_silent]

    def as_json(self) -> dict[str, Any]:
        """The same numbers for `terukur status --json`."""
        entries = [f.entry for f in self.files]
        return {
            "day": f"{self.day}",
            "files": len(self.files),
            "counts": self.counts,
            "agencies": len({e.agency_id for e in entries if e.agency_id}),
            "problems": [asdict(e) for e in entries if e.outcome in ("refused", "held")],
            "not_sent": [
                {"agency_id": a.agency_id, "last_sent_at": a.last.isoformat() if a.last else None, "days": a.days}
                for a in self.silent
            ],
        }


def today(workspace: Workspace, known: Directory, found: dict[str, Any], now: datetime) -> Today:
    """The day of `now` in Bogor. `found`: what the published version covers (:func:`coverage.collect`)."""
    day = now.astimezone(book.WIB).date()
    recent = book.read(workspace, day - timedelta(days=book.KEEP_DAYS))
    entries = [e for e in recent if e.day == day]
    files = _files(entries)
    last = book.last_sent(recent)
    agencies = [_sent(a, found, last, entries, day, known.warning_days) for a in known.agencies.values() if a.accounts]
    agencies.sort(key=lambda a: (not a.is_silent, -(a.days if a.days is not None else 10**6), a.name))
    counts = dict(sorted(Counter(f.entry.outcome for f in files).items()))
    return Today(day, counts, tuple(files), tuple(agencies), known.warning_days)


def _files(entries: list[book.Entry]) -> list[File]:
    """One line per file and outcome, newest first. A table that was taken in the end is not also waiting or here twice."""
    final: dict[tuple[str | None, str, str, str], book.Entry] = {}
    for entry in entries:
        whole = (entry.agency_id, entry.sha256, entry.file, entry.member)
        if whole not in final or final[whole].outcome not in ("accepted", "flagged"):
            final[whole] = entry
    groups: dict[tuple[str | None, ...], list[book.Entry]] = {}
    for entry in sorted(final.values(), key=lambda e: e.at, reverse=True):
        groups.setdefault((entry.agency_id, entry.sha256, entry.file, entry.outcome, entry.account_id, entry.at), []).append(
            entry
        )
    return [File(group[0], len(group)) for group in groups.values()]


def _sent(
    agency: Agency, found: dict[str, Any], last: dict[str, datetime], entries: list[book.Entry], day: date, limit: int
) -> Sent:
    moments, lacking = [], []
    for account in agency.accounts:
        covered = coverage.of_account(found, account.account_id, day)
        moments += [m for m in (covered.last, last.get(account.account_id)) if m is not None]
        months = tuple(m.first for m in covered.months if m.state in coverage.WAITING and m.first < day.replace(day=1))
        if months:
            lacking.append((account.account_id, account.label, months[-LACKING_SHOWN:]))
    newest = max(moments, default=None)
    days = (day - newest.astimezone(book.WIB).date()).days if newest else None
    came = len({e.sha256 for e in entries if e.agency_id == agency.agency_id})
    return Sent(agency.agency_id, agency.name, newest, days, came, tuple(lacking), days is None or days > limit)


def why(entry: book.Entry, words: Words) -> str:
    """What was said to the sender, from the one catalogue of messages; two of its sentences speak of folders, not of a door."""
    if entry.outcome not in ("refused", "held", "flagged"):
        return ""
    if entry.code == "UNKNOWN_ACCOUNT" and not entry.stored:
        return words.plain("The file does not say whose it is; the sender was asked to choose the account.")
    if entry.code == "WRONG_ACCOUNT":
        return words.plain("The file is of an account that is not this sender's; it was not kept.")
    text = TEXTS.get(entry.code or "")
    return (text.id if words.language == "id" else text.en) if text else entry.code or ""


def reminder(sent: Sent, words: Words, region: str) -> str:
    """A friendly text for an agency's admin. It holds no link: only the admin's own card does."""
    lines = [words.plain("Dear admin of {agency},", agency=sent.name)]
    if sent.last is not None:
        since = words.day_long(sent.last.astimezone(book.WIB).date())
        lines.append(words.plain("we last received social-media data from you on {day}.", day=since))
    else:
        lines.append(words.plain("we have not received any social-media data from you yet."))
    for _, label, months in sent.lacking:
        named = ", ".join(str(words.month(month)) for month in months)
        lines.append(words.plain("Still missing for {account}: {months}.", account=label, months=named))
    lines.append(words.plain("Please download the files and hand them in with the link or QR code on your card. Thank you."))
    lines.append(region)
    return "\n".join(lines)


def whatsapp(text: str) -> str:
    """A link that opens WhatsApp with the text ready; whom it goes to is chosen there."""
    return f"https://wa.me/?text={quote(text, safe='')}"


# --- the chat archive ---------------------------------------------------------------------------------------------------------


@dataclass
class Taken:
    """What became of a chat archive: answers per attachment, and how many files came of unknown senders."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    strangers: Counter[str] = field(default_factory=Counter)
    problem: chat.ChatError | None = None

    def as_json(self) -> dict[str, Any]:
        told = {"id": self.problem.id, "en": self.problem.en} if self.problem else None
        return {
            "records": [answer.record for _, answer in self.answers],
            "unknown_senders": sum(self.strangers.values()),
            "problem": told,
        }


def take_chat(office: Office, ticket: Ticket, order: str | None = None) -> Taken:
    return read_chat(office.workspace, office.reader, office.quarantine, office.directory(), ticket, order, office.now())


def read_chat(
    workspace: Workspace,
    reader: Reader,
    quarantine: Quarantine,
    known: Directory,
    ticket: Ticket,
    order: str | None,
    now: datetime,
) -> Taken:
    """Attachments of a chat export, each handed in for the agency of its sender, with the day on which it was sent."""
    taken = Taken()
    everyone = senders.load(workspace.registry, known)
    try:
        with guards.opened(ticket.body) as archive:
            for item in chat.attachments(archive, now.astimezone(book.WIB).date(), order):
                one = everyone.get(senders.key(item.who))
                who = senders.sender(known, one, "chat") if one else senders.by_handle(known, item.who, "chat")
                if who is None:
                    taken.strangers[item.who] += 1
                    continue
                copy = _copy(quarantine, archive, item)
                answers = hand_in(workspace, reader, copy, who, now=now, day=item.day)
                taken.answers += [(item.who, answer) for answer in answers]
    except Refused:
        taken.problem = chat.ChatError("not_a_chat")
    except chat.ChatError as error:
        taken.problem = error
    return taken


def _copy(quarantine: Quarantine, archive: zipfile.ZipFile, item: chat.Attachment) -> Ticket:
    copy = quarantine.open("chat", item.name)
    try:
        with open_body(copy, "wb") as file:
            for piece in chat.pieces(archive, item.member):
                file.write(piece)
    except BaseException:
        copy.discard()
        raise
    return copy


__all__ = ["EDITABLE", "Done", "Sender", "Taken", "Today", "edit", "read_chat", "register", "reminder", "take_chat", "today"]
