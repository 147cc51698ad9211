"""What is known of erased files: keyed hashes, nothing else. They tell an export that was redacted from one never seen, and
cannot be guessed without the key, which lies in the workspace with mode 0600.

The book is written twice, beside the archive and beside the proofs, and every proof repeats its part of it: what is damaged is
taken from the others. Where none of them tells it, or the key is gone, the night stops: going on would bring back who was erased.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.files import write_atomically
from pipeline.settings import Workspace

Book = dict[str, str | None]


class RecordsLost(RuntimeError):
    """Somebody was erased here, and what proves it against a returning file is lost."""

    exit_status = 6

    def __init__(self, what: Path):
        self.id = (
            f"Catatan penghapusan tidak lengkap: {what} hilang atau rusak. Kembalikan berkas itu dari cadangan, lalu ulangi. "
            "Bila tidak ada cadangannya: pindahkan erasure.key, archive/erased.json, dan folder erasures/ ke tempat lain, lalu "
            "jalankan `terukur erase` lagi untuk setiap orang yang pernah dihapus."
        )
        self.en = (
            f"The records of erasures are not whole: {what} is lost or damaged. Put it back from a backup, then try again. "
            "Where there is no backup: move erasure.key, archive/erased.json and the folder erasures/ elsewhere, then run "
            "`terukur erase` again for everybody who was ever erased."
        )
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
    proven = [_proven(proof) for proof in _proofs(workspace)]
    if first is None and second is None and _has_erased(workspace) and (not proven or None in proven):
        raise RecordsLost(books(workspace)[0])
    book: Book = {}
    for told in (*proven, second, first):  # the first is written first, so it is the newest
        book |= told or {}
    return book


def _read(place: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _has_erased(workspace: Workspace) -> bool:
    return any(place.exists() for place in books(workspace)) or bool(_proofs(workspace))


def _proofs(workspace: Workspace) -> list[Path]:
    return sorted(path for path in workspace.erasures.glob("*.json") if path not in books(workspace))


def _proven(proof: Path) -> Book | None:
    """What a proof of erasure says of its files; None where it cannot be read."""
    files: object = (_read(proof) or {}).get("files")
    if not isinstance(files, list):
        return None
    return {str(one["keyed_hash"]): one.get("redacted_sha256") for one in files if "keyed_hash" in one}


def write(workspace: Workspace, book: Book) -> None:
    for place in books(workspace):
        place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_atomically(place, json.dumps(book, indent=1, sort_keys=True))


def mend(workspace: Workspace) -> None:
    """Write the book and its twin anew where one of them is damaged, lost or older. Raises RecordsLost."""
    book = known(workspace)
    if book and any(_read(place) != book for place in books(workspace)):
        write(workspace, book)


def replaced(workspace: Workspace) -> Callable[[str], tuple[bool, str | None]]:
    """A function that gives (True, redacted SHA-256 or None) for a file that was erased, and (False, None) for any other."""
    book = known(workspace)
    if book:
        keyed(workspace, "")  # at once, so that a lost key stops the night before it reads anything

    def look(sha256: str) -> tuple[bool, str | None]:
        if not book or (mark := keyed(workspace, sha256)) not in book:
            return False, None
        copy = book[mark]
        while (
            copy and (again := keyed(workspace, copy)) in book
        ):  # a redacted copy that was redacted once more, as proofs have it
            copy = book[again]
        return True, copy

    return look
