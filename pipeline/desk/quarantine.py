"""Where handed-in bytes lie until they have been read: a folder of their own, limited, never listed, never served.

A sender's file name is a word about a file, never a path: files here are called `body`, and what goes to the inbox gets a name of
harmless signs. A ticket is one file on its way in; it may arrive in pieces and be resumed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.exports.guards import PARTIAL, Limits
from pipeline.intake.inbox import CLUTTER, UNFINISHED
from pipeline.settings import Workspace

MIB = 1024 * 1024
FILE_BYTES = Limits().bytes  # what the reader would refuse unread need not be carried to its end
REQUEST_FILES = 20
REQUEST_BYTES = 256 * MIB
LINK_BYTES = 512 * MIB  # of one link that wait or stopped half-way
SPARE_BYTES = 128 * MIB  # of the disk that are left to the night
TICKET_HOURS = 24
NAME_BYTES = 120
TICKET = re.compile(r"[0-9a-f]{32}")


class TooLarge(Exception):
    """A file, a request or a link is over its limit."""


class NoSpace(OSError):
    """The disk is (nearly) full: nothing was taken in."""


class WrongOffset(Exception):
    """A piece does not continue where the last one ended."""

    def __init__(self, size: int):
        self.size = size
        super().__init__(size)


@dataclass(frozen=True)
class Ticket:
    """One file on its way in: `folder` holds `body`, and `note.json` once it waits for an answer."""

    folder: Path
    name: str

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def body(self) -> Path:
        return self.folder / "body"

    @property
    def size(self) -> int:
        try:
            return self.body.stat().st_size
        except FileNotFoundError:
            return 0

    def sha256(self) -> str:
        with open(self.body, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Quarantine:
    """The folder of one door of a workspace; `link_id` parts what different senders hand in."""

    def __init__(self, workspace: Workspace, door: str = "quarantine"):
        self.root = workspace.desk / door

    def create(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def open(self, link_id: str, name: str) -> Ticket:
        """A ticket that nobody else can name."""
        return self.ticket(link_id, secrets.token_hex(16), name)

    def ticket(self, link_id: str, number: str, name: str = "") -> Ticket:
        """The ticket with this number, which the sender made up; only the same link can name it."""
        if not TICKET.fullmatch(number) or not re.fullmatch(r"[a-z0-9]{1,16}", link_id):
            raise ValueError("not a ticket")
        self.create()
        folder = self.root / link_id / number
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Ticket(folder, safe_name(name))

    def require_room(self, link_id: str, coming: int) -> None:
        """Raises before a byte is taken where the disk or the link has no room for it."""
        if shutil.disk_usage(self.root).free < SPARE_BYTES + coming:
            raise NoSpace(28, "no space")
        waiting = sum(p.stat().st_size for p in (self.root / link_id).glob("*/body") if p.exists())
        if waiting + coming > LINK_BYTES:
            raise TooLarge

    def sweep(self, now: float | None = None, *, everything: bool = False) -> int:
        """Remove what nobody waits for any more; `everything`: but what can be resumed or answered. Gives how many went."""
        limit = (now or time.time()) - TICKET_HOURS * 3600
        gone = 0
        for folder in self.root.glob("*/*"):
            is_resumable = (folder / "pieces").exists() or (folder / "note.json").exists()
            if folder.stat().st_mtime < limit or (everything and not is_resumable):
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
        return gone


def write_piece(ticket: Ticket, offset: int, data: bytes) -> int:
    """Append one piece of a file; gives its new size. A piece already here is not written again, a file that waits not at all."""
    if (ticket.folder / "note.json").exists():
        raise WrongOffset(0)
    (ticket.folder / "pieces").touch(mode=0o600)
    with open_body(ticket, "ab") as file:
        size = file.tell()
        if offset > size:
            raise WrongOffset(size)
        fresh = data[size - offset :]
        if size + len(fresh) > FILE_BYTES:
            raise TooLarge
        file.write(fresh)
    return size + len(fresh)


def open_body(ticket: Ticket, mode: str) -> BinaryIO:
    """The body of a ticket, private to us; a link that somebody put in its place is not followed."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_APPEND if "a" in mode else os.O_TRUNC)
    handle = os.fdopen(os.open(ticket.body, flags, 0o600), mode)
    if "a" in mode:
        handle.seek(0, os.SEEK_END)
    return handle  # type: ignore[return-value]


def again(ticket: Ticket, source: Path, name: str, choices: list[str]) -> Ticket:
    """A ticket of its own for a file that waits until its sender has said whose it is."""
    folder = ticket.folder.with_name(secrets.token_hex(16))
    folder.mkdir(mode=0o700)
    os.replace(source, folder / "body")
    (folder / "note.json").write_text(json.dumps({"name": name, "choices": choices}), encoding="utf-8")
    return Ticket(folder, name)


def recall(quarantine: Quarantine, link_id: str, number: str) -> tuple[Ticket, dict[str, Any]] | None:
    """A file that waits for an answer of this link, or None."""
    if not TICKET.fullmatch(number):
        return None
    folder = quarantine.root / link_id / number
    try:
        note = json.loads((folder / "note.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return Ticket(folder, note["name"]), note


def safe_name(name: str) -> str:
    """A file name made of letters, digits and a few signs. It keeps what readers take from names (handles, dates, kinds)."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c if c.isalnum() or c in " ._-()@+" else "_" for c in base)
    kept = re.sub(r"\s+", " ", kept).lstrip(". -~").strip()
    stem, dot, suffix = kept.rpartition(".")
    if not dot or len(suffix) > 8:
        stem, suffix = kept, ""
    stem = stem.encode()[: NAME_BYTES - len(suffix.encode()) - 1].decode(errors="ignore").strip(" .") or "berkas"
    whole = f"{stem}.{suffix}" if suffix else stem
    is_special = whole.casefold().endswith((*UNFINISHED, *PARTIAL)) or whole.casefold() in CLUTTER
    return f"{whole}_" if is_special else whole
