"""Who still holds a text: every file is searched as bytes and as a person reads it. Shares nothing with `pipeline.intake`."""

from __future__ import annotations

import gzip
import html
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

CODES = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
UNSEEN = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD])
QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})


def copies(root: Path, person: str, spellings: Iterable[str], leave: tuple[str, ...] = ()) -> list[str]:
    """Files below `root` that hold the person, however it is written; `leave`: folders that are not ours."""
    wanted, written = plain(person), [s.encode(code) for s in spellings for code in ("utf-8", "utf-16-le")]
    found = []
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        name = str(path.relative_to(root))
        if name.split("/")[0] in leave:
            continue
        for data in opened(path.read_bytes()):
            if any(one in data for one in written) or any(wanted in text for text in texts(data)):
                found.append(name)
                break
    return found


def opened(data: bytes) -> Iterator[bytes]:
    """The bytes, and those of what is packed in them."""
    yield data
    if data[:2] == b"\x1f\x8b":
        yield from opened(gzip.decompress(data))
    elif data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            for name in box.namelist():
                yield name.encode()
                yield from opened(box.read(name))


def texts(data: bytes) -> Iterator[str]:
    for code in CODES:
        text = data.decode(code, errors="ignore")
        yield plain(text)
        yield plain(re.sub(r"\\\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text.replace("\\\\u", "\\u")))
        yield plain(re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text))
        yield plain(re.sub(r"<[^>]*>", "", text))


def plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(text))).translate(UNSEEN).translate(QUOTES)
    return " ".join(text.casefold().split())
