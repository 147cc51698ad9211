"""What is known of erased files: keyed hashes, nothing else. They tell an export that was redacted from one never seen, and
cannot be guessed without the key, which lies in the workspace with mode 0600.

The book is written twice, beside the archive and beside the proofs: damage to one of the two costs nothing. Where both are gone, or
the key is, the night stops: going on would bring back who was erased.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pipeline.files import write_atomically
from pipeline.settings import Workspace

Book = dict[str, str | None]


class RecordsLost(RuntimeError):
    """Somebody was erased here, and what proves it against a returning file is lost."""

    exit_status = 6

    def __init__(self, what: Path):
        self.id = (
            f"Catatan penghapusan tidak lengkap: {what} hilang atau rusak. Kembalikan berkas itu dari cadangan, lalu ulangi."
        )
        self.en = f"The records of erasures are not whole: {what} is lost or damaged. Put it back from a backup, then try again."
        super().__init__(self.en)


def key_file(workspace: Workspace) -> Path:
    return workspace.root / "erasure.key"


def books(workspace: Workspace) -> tuple[Path, Path]:
    """The book and its twin."""
    return workspace.archive / "erased.json", workspace.erasures / "book.json"


def keyed(workspace: Workspace, text: str) -> str:
    """HMAC-SHA-256 of a text with the key of this workspace, which is made when first needed. Raises RecordsLost."""
    place = key_file(workspace)
    if not place.exists():
        if _has_erased(workspace):
            raise RecordsLost(place)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
    key = place.read_bytes()
    if len(key) != 32:
        raise RecordsLost(place)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def known(workspace: Workspace) -> Book:
    """Keyed hash of an erased file -> SHA-256 of its redacted copy (None: the whole file went). Raises RecordsLost."""
    first, second = (_read(place) for place in books(workspace))
    if first is None and second is None and _has_erased(workspace):
        raise RecordsLost(books(workspace)[0])
    book = (second or {}) | (first or {})  # the first is written first
    if missing := _proven(workspace) - set(book):
        raise RecordsLost(books(workspace)[0]) from KeyError(min(missing))
    return book


def _read(place: Path) -> Book | None:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _has_erased(workspace: Workspace) -> bool:
    return any(place.exists() for place in books(workspace)) or bool(_proofs(workspace))


def _proofs(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.erasures.glob("*.json") if path not in books(workspace)]


def _proven(workspace: Workspace) -> set[str]:
    """The keyed hashes of all files that proofs of erasure name."""
    found: set[str] = set()
    for proof in _proofs(workspace):
        said = _read(proof) or {}
        files: object = said.get("files")
        found |= {str(one["keyed_hash"]) for one in files if "keyed_hash" in one} if isinstance(files, list) else set()
    return found


def write(workspace: Workspace, book: Book) -> None:
    for place in books(workspace):
        place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomically(place, json.dumps(book, indent=1, sort_keys=True))


def replaced(workspace: Workspace) -> Callable[[str], tuple[bool, str | None]]:
    """A function that gives (True, redacted SHA-256 or None) for a file that was erased, and (False, None) for any other."""
    book = known(workspace)
    if book:
        keyed(workspace, "")  # at once, so that a lost key stops the night before it reads anything

    def look(sha256: str) -> tuple[bool, str | None]:
        mark = keyed(workspace, sha256) if book else ""
        return mark in book, book.get(mark)

    return look
