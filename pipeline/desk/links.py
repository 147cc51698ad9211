"""Secret links: who may hand in files for which agency, and who may look at the keeper's view.

`registry/links.csv` keeps a salted hash of each secret, never the secret: a link is shown once, when it is made. A secret has 128
random bits, so one SHA-256 is enough (a slow hash protects passwords that people choose).
"""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import hmac
import io
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.files import write_atomically
from pipeline.settings import Workspace

FILE = "links.csv"
SECRET_BYTES = 16
PATH = "/k/"
_TOKEN = re.compile(r"([a-z2-7]{8})-([a-z2-7]{26})")
_NOBODY = ("00", hashlib.sha256(b"").hexdigest())  # compared with where there is no such link: that takes as long
HEAD = """# Tautan rahasia perangkat daerah. Dibuat oleh 'terukur terima tautan'; di sini hanya sidiknya.
# Secret links. Made by 'terukur terima tautan'; only its salted hash is kept here.
"""


class Link(BaseModel):
    """One link. `agency_id` is null for the keeper; `account_id` limits a link to one account of its agency. Times are UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link_id: str = Field(pattern=r"^[a-z2-7]{8}$")
    role: Literal["agency", "keeper"]
    agency_id: str | None = None
    account_id: str | None = None
    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    made_at: datetime
    revoked_at: datetime | None = None


class LinksError(ValueError):
    """`links.csv` was damaged by hand; no link is believed until it is mended."""

    exit_status = 2

    def __init__(self, line: int, column: str):
        self.id = f"registry/{FILE}, baris {line}, kolom {column}: tidak dapat dibaca. Hapus baris itu, lalu buat tautan baru."
        self.en = f"registry/{FILE}, line {line}, column {column}: cannot be read. Delete that line and make a new link."
        super().__init__(self.en)


@dataclass(frozen=True)
class Made:
    """A link just made and its secret, which nobody can ask for again."""

    link: Link
    token: str

    @property
    def path(self) -> str:
        return PATH + self.token

    def address(self, base: str) -> str:
        return base.rstrip("/") + self.path


def _text(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()


def load(registry: Path) -> list[Link]:
    """Every link ever made, revoked ones too. Raises LinksError."""
    place = registry / FILE
    if not place.exists():
        return []
    lines = place.read_text(encoding="utf-8").splitlines()
    top = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    found = []
    for number, row in enumerate(csv.DictReader(lines[top:]), top + 2):
        try:
            found.append(Link.model_validate({name: value or None for name, value in row.items()}))
        except (ValidationError, TypeError) as error:
            place_of = str(error.errors()[0]["loc"][0]) if isinstance(error, ValidationError) else ""
            raise LinksError(number, place_of) from None
    return found


def _save(registry: Path, links: list[Link]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(Link.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(link.model_dump(mode="json") for link in links)
    write_atomically(registry / FILE, HEAD + out.getvalue())
    (registry / FILE).chmod(0o640)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """One writer at a time, also between processes; the lock dies with its holder."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    handle = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make(
    workspace: Workspace,
    agency_id: str | None,
    account_id: str | None = None,
    *,
    renew: bool = False,
    now: datetime | None = None,
) -> Made:
    """A new link (without an agency: the keeper's). `renew` revokes those that led to the same place before."""
    moment = (now or datetime.now(UTC)).replace(microsecond=0)
    salt, secret = secrets.token_hex(SECRET_BYTES), _text(SECRET_BYTES)
    link = Link(
        link_id=_text(5),
        role="agency" if agency_id else "keeper",
        agency_id=agency_id,
        account_id=account_id,
        salt=salt,
        hash=_hash(salt, secret),
        made_at=moment,
    )
    with locked(workspace.registry, ".links.lock"):
        known = load(workspace.registry)
        if renew:
            known = [_ended(old, moment) if _same_place(old, link) else old for old in known]
        _save(workspace.registry, [*known, link])
    return Made(link, f"{link.link_id}-{secret}")


def revoke(workspace: Workspace, which: str, *, now: datetime | None = None) -> list[Link]:
    """End links at once: one by its id, or all of an agency or account. Gives those that were ended."""
    moment = (now or datetime.now(UTC)).replace(microsecond=0)
    with locked(workspace.registry, ".links.lock"):
        known = load(workspace.registry)
        ended = {
            link.link_id for link in known if link.revoked_at is None and which in (link.link_id, link.agency_id, link.account_id)
        }
        if ended:
            _save(workspace.registry, [_ended(link, moment) if link.link_id in ended else link for link in known])
    return [link for link in known if link.link_id in ended]


def _ended(link: Link, moment: datetime) -> Link:
    return link if link.revoked_at else link.model_copy(update={"revoked_at": moment})


def _same_place(one: Link, other: Link) -> bool:
    return (one.role, one.agency_id, one.account_id) == (other.role, other.agency_id, other.account_id)


class Doorman:
    """Knows whose link a token is; looks at `links.csv` again when it has changed."""

    def __init__(self, registry: Path):
        self.registry = registry
        self._stamp: tuple[int, int, int] | None = None
        self._links: dict[str, Link] = {}
        self._lock = threading.Lock()

    def whose(self, token: str) -> Link | None:
        """The link that a token opens, or None; as slow for a wrong token as for a right one."""
        found = _TOKEN.fullmatch(token)
        name, secret = (found[1], found[2]) if found else ("", "")
        link = self._known().get(name)
        salt, expected = (link.salt, link.hash) if link else _NOBODY
        fits = hmac.compare_digest(_hash(salt, secret), expected)
        return link if fits and link is not None and link.revoked_at is None else None

    def _known(self) -> dict[str, Link]:
        with self._lock:
            try:
                info = (self.registry / FILE).stat()
                stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
            except FileNotFoundError:
                stamp = None
            if stamp != self._stamp:
                self._links = {link.link_id: link for link in load(self.registry)} if stamp else {}
                self._stamp = stamp
            return self._links
