"""An erasure at the door: what the book says of a text, and files that wait for a choice and hold it, go."""

from __future__ import annotations

from pipeline.desk import book
from pipeline.desk.quarantine import Ticket
from pipeline.intake import redact
from pipeline.settings import Workspace


def forget(workspace: Workspace, subject: str) -> int:
    """Take a text out of the book and the quarantine. Gives how many lines and files went; a file is handed in again instead."""
    gone = book.forget(workspace, subject)
    for body in sorted(workspace.desk.glob("quarantine*/*/*/body*")):
        ticket = Ticket(body.parent, "")
        note = body.parent / "note.json"
        named = note.read_text(encoding="utf-8", errors="replace") if note.exists() else ""
        if body.exists() and (redact.holds(body.read_bytes(), subject) or redact.has(named, subject)):
            ticket.discard()
            gone += 1
    return gone
