"""What is known of erased files: keyed hashes, nothing else. They tell an export that was redacted from one never seen, and
cannot be guessed without the key, which lies in the workspace with mode 0600 and must be left out of backups."""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable

from pipeline.files import write_atomically
from pipeline.settings import Workspace


def keyed(workspace: Workspace, text: str) -> str:
    """HMAC-SHA-256 of a text with the key of this workspace, which is made when first needed."""
    place = workspace.root / "erasure.key"
    if not place.exists():
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
    return hmac.new(place.read_bytes(), text.encode(), hashlib.sha256).hexdigest()


def known(workspace: Workspace) -> dict[str, str | None]:
    """Keyed hash of an erased file -> SHA-256 of its redacted copy (None: the whole file went)."""
    try:
        book: dict[str, str | None] = json.loads((workspace.archive / "erased.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return book


def write(workspace: Workspace, book: dict[str, str | None]) -> None:
    write_atomically(workspace.archive / "erased.json", json.dumps(book, indent=1, sort_keys=True))


def replaced(workspace: Workspace) -> Callable[[str], tuple[bool, str | None]]:
    """A function that gives (True, redacted SHA-256 or None) for a file that was erased, and (False, None) for any other."""
    book = known(workspace)

    def look(sha256: str) -> tuple[bool, str | None]:
        mark = keyed(workspace, sha256) if book else ""
        return mark in book, book.get(mark)

    return look
