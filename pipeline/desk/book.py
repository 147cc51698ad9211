"""What was handed in and what was answered: a line per file, a page per day, on the disk before the answer goes out.

A line says who (link, agency, account), what (name, kind, period, rows) and what became of it; never a secret, never a row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pipeline.desk.links import locked
from pipeline.files import fsync, write_atomically
from pipeline.intake import redact
from pipeline.settings import Workspace

WIB = timezone(timedelta(hours=7))
KEEP_DAYS = 400  # a year and a month: as far back as the coverage shown at the door


@dataclass(frozen=True)
class Entry:
    """One export of one file. `at` is UTC; `stored`: its file is in the inbox; `door`: web, form, mail, chat."""

    at: str
    door: str
    link_id: str | None
    agency_id: str | None
    account_id: str | None
    file: str
    member: str
    sha256: str
    outcome: str
    code: str | None
    kind: str | None
    platform: str | None
    rows: int
    first: str | None
    last: str | None
    stored: bool

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def day(self) -> date:
        return self.moment.astimezone(WIB).date()


def _folder(workspace: Workspace) -> Path:
    return workspace.desk / "book"


def write(workspace: Workspace, entries: list[Entry]) -> None:
    """Add lines to the page of their day, safe from a power cut once this returns."""
    if not entries:
        return
    folder = _folder(workspace)
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    page = folder / f"{entries[0].day:%Y-%m-%d}.jsonl"
    text = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries).encode()
    with locked(workspace.desk, "book.lock"):
        is_new = not page.exists()
        handle = os.open(page, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":  # a writer was killed in the middle of its line
                text = b"\n" + text
            while text:
                text = text[os.write(handle, text) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            fsync(folder)


def read(workspace: Workspace, since: date, until: date | None = None) -> list[Entry]:
    """All lines of these days, oldest first; half a line of a killed writer is none."""
    pages = sorted(p for p in _folder(workspace).glob("*.jsonl") if f"{since:%Y-%m-%d}" <= p.stem)
    return [entry for page in pages if until is None or page.stem <= f"{until:%Y-%m-%d}" for entry in _lines(page)]


def _lines(page: Path) -> Iterator[Entry]:
    for line in page.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values: dict[str, Any] = json.loads(line)
            yield Entry(**values)
        except (ValueError, TypeError):
            continue


def last_sent(entries: list[Entry]) -> dict[str, datetime]:
    """Account -> when a file of it was last taken in."""
    found: dict[str, datetime] = {}
    for entry in entries:
        if entry.stored and entry.account_id:
            found[entry.account_id] = max(entry.moment, found.get(entry.account_id, entry.moment))
    return found


def sweep(workspace: Workspace, today: date) -> None:
    """Pages older than the book has to be kept go."""
    oldest = f"{today - timedelta(days=KEEP_DAYS):%Y-%m-%d}"
    for page in _folder(workspace).glob("*.jsonl"):
        if page.stem < oldest:
            page.unlink()


def forget(workspace: Workspace, subject: str) -> int:
    """Take every line that holds a text out of the book (an erasure). Gives how many lines went."""
    gone = 0
    with locked(workspace.desk, "book.lock"):
        for page in sorted(_folder(workspace).glob("*.jsonl")):
            lines = page.read_text(encoding="utf-8", errors="replace").splitlines()
            kept = [line for line in lines if not redact.has(line, subject)]
            if len(kept) < len(lines):
                gone += len(lines) - len(kept)
                write_atomically(page, "".join(f"{line}\n" for line in kept))
    return gone
