"""Take the records that hold a text out of an export file and leave every other byte of meaning where it was.

A record goes as a whole: what is left of it (a link, a time, three counts) would still tell who it was about. A total that the
file prints no longer fits its rows then, and the reader refuses the file: a gap, not a wrong number.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator

ZIP, XLS, PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ROW = re.compile(r"<row\b[^>]*?(?:/>|>.*?</row>)", re.DOTALL)
_SHARED = re.compile(r"<si\b[^>]*?(?:/>|>.*?</si>)", re.DOTALL)
_CELL = re.compile(r'<c\b[^>]*\bt="s"[^>]*>.*?<v>(\d+)</v>', re.DOTALL)


def holds(data: bytes, subject: str) -> bool:
    """Whether the text stands anywhere in a file, upper or lower case, also inside archives and workbooks."""
    if data.startswith(ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return any(
                    subject.casefold() in n.filename.casefold() or holds(archive.read(n), subject) for n in archive.infolist()
                )
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
            pass  # not readable as an archive: looked through as it is
    if any(subject.encode(code, "ignore") in data for code in ("utf-8", "utf-16-le") if subject.encode(code, "ignore")):
        return True
    return _has(_decoded(data)[2], subject)


def redact(data: bytes, subject: str) -> bytes | None:
    """The file without the records that hold the text; None where only the whole file can go."""
    if data.startswith(ZIP):
        return _archive(data, subject)
    bom, code, text = _decoded(data)
    if data.startswith((XLS, PDF)) or text.lstrip().startswith("<") or "\x00" in text:
        return None
    header, *rows = list(_records(text)) or [""]
    if _has(header, subject):
        return None
    kept = bom + "".join([header, *(row for row in rows if not _has(row, subject))]).encode(code)
    return None if holds(kept, subject) else kept


def _decoded(data: bytes) -> tuple[bytes, str, str]:
    for bom, code in BOMS:
        if data.startswith(bom):
            return bom, code, data[len(bom) :].decode(code, "replace")
    try:
        return b"", "utf-8", data.decode("utf-8")
    except UnicodeDecodeError:
        return b"", "latin-1", data.decode("latin-1")


def _has(text: str, subject: str) -> bool:
    """Also where quotes are doubled (CSV) or signs are escaped (XML)."""
    folded, wanted = text.casefold(), subject.casefold()
    return any(
        form in folded for form in {wanted, wanted.replace('"', '""'), html.escape(wanted), html.escape(wanted, quote=False)}
    )


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
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            shared = _shared(old.read("xl/sharedStrings.xml").decode(), subject) if "xl/sharedStrings.xml" in names else set()
            for member in old.infolist():
                content: bytes | None = old.read(member)
                if subject.casefold() in member.filename.casefold():
                    continue
                if "xl/workbook.xml" in names:
                    content = _part(member.filename, old.read(member), subject, shared)
                elif holds(old.read(member), subject):
                    content = redact(old.read(member), subject)
                if content is not None:
                    new.writestr(zipfile.ZipInfo(member.filename, member.date_time), content, zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, UnicodeDecodeError):
        return None
    return None if holds(out.getvalue(), subject) else out.getvalue()


def _shared(xml: str, subject: str) -> set[str]:
    """Numbers of the shared texts that hold it; a text may be cut into runs of different type."""
    return {str(n) for n, text in enumerate(_SHARED.findall(xml)) if _has(re.sub(r"<[^>]+>", "", text), subject)}


def _part(name: str, data: bytes, subject: str, shared: set[str]) -> bytes:
    """One part of a workbook without the rows and texts that hold it."""
    if name == "xl/sharedStrings.xml":
        numbers = iter(range(10**9))
        return _SHARED.sub(lambda m: "<si><t></t></si>" if str(next(numbers)) in shared else m[0], data.decode()).encode()
    if name.startswith("xl/worksheets/") and name.endswith(".xml"):
        return _ROW.sub(
            lambda m: "" if _has(m[0], subject) or shared & set(_CELL.findall(m[0])) else m[0], data.decode()
        ).encode()
    return data
