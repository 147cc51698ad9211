"""Take the records that hold a text out of an export file and leave every other byte of meaning where it was.

A record goes as a whole: what is left of it (a link, a time, three counts) would still tell who it was about. A total that the
file prints no longer fits its rows then, and the reader refuses the file: a gap, not a wrong number.
"""

from __future__ import annotations

import contextlib
import gzip
import html
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator

from pipeline.exports import guards
from pipeline.exports.messages import Refused

ZIP, XLS, PDF, GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b"
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ROW = re.compile(r"<row\b[^>]*?(?:/>|>.*?</row>)", re.DOTALL)
_SHARED = re.compile(r"<si\b[^>]*?(?:/>|>.*?</si>)", re.DOTALL)
_CELL = re.compile(r'<c\b[^>]*\bt="s"[^>]*>.*?<v>(\d+)</v>', re.DOTALL)


_TAG = re.compile(r"<[^<>]*>")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_SAME = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u02bb\u0060\u00b4", "'") | {"\u201c": '"', "\u201d": '"'})
PLAIN_BYTES = 64 * 2**20  # a larger file is one of our databases, whose columns are looked through one by one


def has(text: str, subject: str) -> bool:
    """Whether a text holds the subject however it is written: upper or lower case, composed or not (NFC, NFD), with any kind of
    space or apostrophe, with doubled quotes (CSV), as entities (HTML, XML), as JSON escapes, or cut into runs."""
    wanted = _plain(subject)
    return bool(wanted) and any(wanted in _plain(form) for form in _forms(text))


def _forms(text: str) -> Iterator[str]:
    yield text
    if '""' in text:
        yield text.replace('""', '"')
    if "\\" in text:
        text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\n", " ").replace("\\/", "/")
        yield text
    if "&" in text:
        text = html.unescape(html.unescape(text))
        yield text
    if "<" in text:
        yield html.unescape(html.unescape(_TAG.sub("", text)))


def _plain(text: str) -> str:
    """Compared without case, without marks that nobody sees, with one kind of space and of apostrophe."""
    folded = unicodedata.normalize("NFKC", text).translate(_SAME).casefold()
    if not folded.isascii():
        folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return " ".join(folded.split())


def holds(data: bytes, subject: str) -> bool:
    """Whether the text stands anywhere in a file, however it is written (:func:`has`), also inside archives and workbooks."""
    if data.startswith(ZIP):
        with contextlib.suppress(Refused), guards.opened(data) as archive:  # else it is looked through as it is
            return any(has(n.filename, subject) or holds(guards.content(archive, n), subject) for n in archive.infolist())
    if data.startswith(GZIP):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            return holds(gzip.decompress(data), subject)
    if any(form.encode(code, "ignore") in data for form in _spelled(subject) for code in ("utf-8", "utf-16-le", "utf-16-be")):
        return True
    return len(data) <= PLAIN_BYTES and has(decoded(data)[2], subject)


def _spelled(subject: str) -> set[str]:
    """As it was typed, composed and decomposed: what a search of raw bytes can find."""
    return {subject, *(unicodedata.normalize(form, subject) for form in ("NFC", "NFD"))}


def is_opaque(data: bytes) -> bool:
    """Whether nobody can say what a file holds: encrypted, or pages whose letters are only drawn."""
    if data.startswith(ZIP):
        with contextlib.suppress(Refused), guards.opened(data) as archive:
            return any(member.flag_bits & 1 for member in archive.infolist())
        return False
    return data.startswith(PDF) or (data.startswith(XLS) and "EncryptedPackage".encode("utf-16-le") in data)


def redact(data: bytes, subject: str) -> bytes | None:
    """The file without the records that hold the text; None where only the whole file can go."""
    if data.startswith(ZIP):
        return _archive(data, subject)
    bom, code, text = decoded(data)
    if data.startswith((XLS, PDF, GZIP)) or text.lstrip().startswith("<") or "\x00" in text:
        return None
    header, *rows = list(_records(text)) or [""]
    if has(header, subject):
        return None
    kept = bom + "".join([header, *(row for row in rows if not has(row, subject))]).encode(code)
    return None if holds(kept, subject) else kept


def decoded(data: bytes) -> tuple[bytes, str, str]:
    for bom, code in BOMS:
        if data.startswith(bom):
            return bom, code, data[len(bom) :].decode(code, "replace")
    try:
        return b"", "utf-8", data.decode("utf-8")
    except UnicodeDecodeError:
        return b"", "latin-1", data.decode("latin-1")


def _records(text: str) -> Iterator[str]:
    """Lines, joined where a quoted field holds a line end."""
    waiting, is_open = "", False
    for line in text.splitlines(keepends=True):
        waiting += line
        is_open ^= line.count('"') % 2 == 1
        if not is_open:
            yield waiting
            waiting = ""
    if waiting:
        yield waiting


def _archive(data: bytes, subject: str) -> bytes | None:
    """A ZIP or workbook, written anew: bytes of a member that stays are those it had."""
    out = io.BytesIO()
    try:
        with guards.opened(data) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            parts = {member: guards.content(old, member) for member in old.infolist()}
            texts = next((d for m, d in parts.items() if m.filename == "xl/sharedStrings.xml"), b"")
            is_workbook = "xl/workbook.xml" in old.namelist()
            shared = _shared(texts.decode(), subject)
            for member, content in parts.items():
                if has(member.filename, subject):
                    continue
                kept: bytes | None = content
                if is_workbook:
                    kept = _part(member.filename, content, subject, shared)
                elif holds(content, subject):
                    kept = redact(content, subject)
                if kept is not None:
                    new.writestr(zipfile.ZipInfo(member.filename, member.date_time), kept, zipfile.ZIP_DEFLATED)
    except (Refused, UnicodeDecodeError):
        return None
    return None if holds(out.getvalue(), subject) else out.getvalue()


def _shared(xml: str, subject: str) -> set[str]:
    """Numbers of the shared texts that hold it; a text may be cut into runs of different type."""
    return {str(n) for n, text in enumerate(_SHARED.findall(xml)) if has(text, subject)}


def _part(name: str, data: bytes, subject: str, shared: set[str]) -> bytes:
    """One part of a workbook without the rows and texts that hold it."""
    if name == "xl/sharedStrings.xml":
        numbers = iter(range(10**9))
        return _SHARED.sub(lambda m: "<si><t></t></si>" if str(next(numbers)) in shared else m[0], data.decode()).encode()
    if name.startswith("xl/worksheets/") and name.endswith(".xml"):
        return _ROW.sub(lambda m: "" if has(m[0], subject) or shared & set(_CELL.findall(m[0])) else m[0], data.decode()).encode()
    return data
