"""One file from a sender to its answer: read it, keep what may be kept, write it down, say so.

The order is the promise: a file is in the inbox and its line is in the book, both on the disk, before anybody is told that it was
taken. Whatever breaks on the way leaves nothing behind, and sending the file again does no harm.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline import registry
from pipeline.desk import book, quarantine
from pipeline.desk.place import Placed, place
from pipeline.desk.worker import Crashed, Reader
from pipeline.settings import Workspace

KEPT = ("accepted", "flagged")
ASKING = ("web", "form")  # doors at which a sender can answer whose a file is; a mail and a chat have no buttons


@dataclass(frozen=True)
class Sender:
    """Who hands in: the agency (None: the keeper), the accounts that this door is for, and the door: web, form, mail, chat."""

    agency_id: str | None
    accounts: tuple[str, ...]
    door: str = "web"
    link_id: str | None = None


@dataclass
class Answer:
    """What is said about one export. `record` is that of `inspect --json` with `stored`; the rest is for the page."""

    record: dict[str, Any]
    title_id: str = ""
    title_en: str = ""
    account_id: str | None = None
    other_door: str | None = None
    choices: list[str] = field(default_factory=list)
    span: tuple[date, date] | None = None
    ticket: str | None = None  # of the file that waits for a choice among `choices`

    @property
    def outcome(self) -> str:
        return str(self.record["outcome"])

    @property
    def code(self) -> str | None:
        """What decided: the first message, unless the file was plainly accepted."""
        messages = self.record["messages"]
        return messages[0]["code"] if messages and self.outcome not in ("accepted", "duplicate") else None


def hand_in(
    workspace: Workspace, reader: Reader, ticket: quarantine.Ticket, sender: Sender, *, now: datetime, day: date | None = None
) -> list[Answer]:
    """Read the file of a ticket and keep what is right. The ticket is gone afterwards; a file whose account the sender has to
    choose waits under a new one, where the door can ask him.

    Raises OSError where the disk cannot keep it: then nothing was kept and nobody must say otherwise.
    """
    stamp = day or now.astimezone(book.WIB).date()
    request = {
        "do": "read",
        "workspace": str(workspace.root),
        "path": str(ticket.body),
        "name": ticket.name,
        "accounts": list(sender.accounts),
        "day": f"{stamp:%Y-%m-%d}",
        "now": now.isoformat(),
    }
    try:
        try:
            told = reader.ask(request)
            _not_the_files_fault(workspace, told.get("error"))
            parts = told.get("parts") or [_gave_up(ticket, told.get("error", ""))]
        except Crashed as error:
            parts = [_gave_up(ticket, str(error))]
        answers = [answer for part in parts for answer in _settle(workspace, ticket, part, stamp, sender.door in ASKING)]
        book.write(workspace, [_entry(answer, sender, now) for answer in answers])
        return answers
    finally:
        ticket.discard()


def _not_the_files_fault(workspace: Workspace, error: str | None) -> None:
    """Raise what kept the worker from reading at all: registers that are being mended, a disk that is full."""
    if error == "RegistryError":
        registry.load(workspace.registry)
    if error in ("RegistryError", "OSError"):
        raise OSError(errno.EAGAIN, "the worker could not read")


def _settle(workspace: Workspace, ticket: quarantine.Ticket, part: dict[str, Any], day: date, can_ask: bool) -> list[Answer]:
    """Keep the file of one part where something in it is right, or where it waits for the keeper; say so in each record."""
    found = part["found"]
    source = ticket.folder / Path(part["path"]).name
    accounts = list(dict.fromkeys(a for f in found if f["record"]["outcome"] in KEPT for a in f["targets"]))
    is_right = any(f["record"]["outcome"] in KEPT for f in found)
    is_unknown = not is_right and any(_waits_for_keeper(f) for f in found)
    placed: list[Placed] = []
    if is_right or is_unknown:
        placed = [place(workspace, source, day, account, part["name"]) for account in accounts or [None]]
    answers = [_answer(f, bool(placed), any(p.is_new for p in placed)) for f in found]
    choices = {account: None for answer in answers for account in answer.choices}
    if choices and not placed and can_ask:
        waiting = quarantine.again(ticket, source, part["name"], list(choices))
        for answer in answers:
            answer.ticket = waiting.id if answer.choices else None
    return answers


def _waits_for_keeper(found: dict[str, Any]) -> bool:
    """Held because the account that the file names is not in the registry yet: the night reads it once it is."""
    codes = {m["code"] for m in found["record"]["messages"]}
    return found["record"]["outcome"] == "held" and "UNKNOWN_ACCOUNT" in codes and bool(found["record"]["accounts"])


def _answer(found: dict[str, Any], is_placed: bool, is_new: bool) -> Answer:
    record = dict(found["record"])
    stored = is_placed and (record["outcome"] in KEPT or _waits_for_keeper(found))
    if stored and not is_new and record["outcome"] in KEPT:
        record["outcome"] = "duplicate"
    record["stored"] = stored
    span = found["span"]
    return Answer(
        record,
        found["title_id"],
        found["title_en"],
        found["targets"][0] if found["targets"] else None,
        found["door"],
        [] if stored else list(found["choices"]),
        (date.fromisoformat(span[0]), date.fromisoformat(span[1])) if span else None,
    )


def _gave_up(ticket: quarantine.Ticket, why: str) -> dict[str, Any]:
    """What is said of a file on which the worker died, ran out of time or of memory: refused, as at night."""
    return refused(ticket, "READER_CRASHED", why)


def refused(ticket: quarantine.Ticket, code: str, seen: str = "") -> dict[str, Any]:
    """A part that was refused before or instead of being read."""
    from pipeline.exports.messages import message
    from pipeline.exports.model import Export

    sha256 = ticket.sha256() if ticket.body.exists() else ""
    export = Export(ticket.name, "", sha256, outcome="refused", messages=[message(code, "", seen)])
    found: dict[str, Any] = {
        "record": export.as_json(),
        "title_id": "",
        "title_en": "",
        "targets": [],
        "door": None,
        "choices": [],
        "span": None,
    }
    return {"path": "body", "name": ticket.name, "found": [found]}


def refuse(
    workspace: Workspace, ticket: quarantine.Ticket, sender: Sender, code: str, seen: str, *, now: datetime
) -> list[Answer]:
    """Refuse a file unread (too large, say), with a line in the book."""
    answers = [_answer(f, is_placed=False, is_new=False) for f in refused(ticket, code, seen)["found"]]
    book.write(workspace, [_entry(answer, sender, now) for answer in answers])
    ticket.discard()
    return answers


def _entry(answer: Answer, sender: Sender, now: datetime) -> book.Entry:
    record = answer.record
    named: Sequence[dict[str, Any]] = record["accounts"]
    account = answer.account_id or next((a["account_id"] for a in named if a["account_id"] in sender.accounts), None)
    return book.Entry(
        at=now.isoformat(timespec="seconds"),
        door=sender.door,
        link_id=sender.link_id,
        agency_id=sender.agency_id,
        account_id=account,
        file=record["file"],
        member=record["member"],
        sha256=record["sha256"],
        outcome=record["outcome"],
        code=answer.code,
        kind=record["kind"],
        platform=record["platform"],
        rows=record["rows"],
        first=record["first"],
        last=record["last"],
        stored=record["stored"],
    )
