"""An export with the columns emptied that are about persons: every other cell stays, so it reads as it did before."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Collection

from pipeline.exports import guards
from pipeline.exports.messages import Refused
from pipeline.formats import normalise
from pipeline.intake.redact import ZIP, decoded

DELIMITERS = (",", ";", "\t")
_ROW = re.compile(r"<row\b[^>]*>.*?</row>", re.DOTALL)
_CELL = re.compile(r'<c\b[^>]*?\br="([A-Z]+)\d+"[^>]*?(?:/>|>(.*?)</c>)', re.DOTALL)
_SHARED_CELL = re.compile(r'\bt="s"')
_VALUE = re.compile(r"<v>(.*?)</v>", re.DOTALL)
_SI = re.compile(r"<si\b[^>]*?(?:/>|>.*?</si>)", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
EMPTY_SI = "<si><t></t></si>"


def blanked(data: bytes, headers: Collection[str]) -> bytes | None:
    """The file without the values under these headers (normalised); None where it cannot be taken apart."""
    return _workbook(data, headers) if data.startswith(ZIP) else _table(data, headers)


def _table(data: bytes, headers: Collection[str]) -> bytes | None:
    bom, code, text = decoded(data)
    if "\x00" in text or text.lstrip().startswith("<"):
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    for delimiter in DELIMITERS:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        top = next((n for n, row in enumerate(rows) if {normalise(cell) for cell in row} & set(headers) and len(row) > 1), None)
        if top is None:
            continue
        gone = {n for n, cell in enumerate(rows[top]) if normalise(cell) in headers}
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(
            [
                ["" if n in gone else cell for n, cell in enumerate(row)] if number > top else row
                for number, row in enumerate(rows)
            ]
        )
        kept = out.getvalue()
        return bom + (kept if text.endswith(("\n", "\r")) else kept.removesuffix(end)).encode(code)
    return None


def _workbook(data: bytes, headers: Collection[str]) -> bytes | None:
    """Cells under the headers go from every sheet, and so do the shared texts that no other cell names."""
    try:
        with guards.opened(data) as old:
            parts = {member.filename: guards.content(old, member) for member in old.infolist()}
            dates = {member.filename: member.date_time for member in old.infolist()}
    except Refused:
        return None
    if "xl/workbook.xml" not in parts or any("comments" in name.casefold() for name in parts):
        return None
    shared = _SI.findall(parts.get("xl/sharedStrings.xml", b"").decode())
    sheets = [name for name in parts if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    used: set[int] = set()
    found = False
    for name in sheets:
        text, has_header = _sheet(parts[name].decode(), [_text(si) for si in shared], headers)
        found |= has_header
        used |= {int(v[1]) for cell in _CELL.finditer(text) if _SHARED_CELL.search(cell[0]) and (v := _VALUE.search(cell[0]))}
        parts[name] = text.encode()
    if not found:
        return None
    if shared:
        numbers = iter(range(len(shared)))
        kept = _SI.sub(lambda m: m[0] if next(numbers) in used else EMPTY_SI, parts["xl/sharedStrings.xml"].decode())
        parts["xl/sharedStrings.xml"] = kept.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(zipfile.ZipInfo(name, dates[name]), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheet(xml: str, shared: list[str], headers: Collection[str]) -> tuple[str, bool]:
    """A sheet without the cells under the headers, and whether it has any of these."""
    gone: set[str] = set()

    def row(found: re.Match[str]) -> str:
        if gone:
            return _CELL.sub(lambda cell: "" if cell[1] in gone else cell[0], found[0])
        gone.update(cell[1] for cell in _CELL.finditer(found[0]) if normalise(_said(cell[0], shared)) in headers)
        return found[0]

    return _ROW.sub(row, xml), bool(gone)


def _said(cell: str, shared: list[str]) -> str:
    """The text of a cell."""
    if _SHARED_CELL.search(cell):
        number = _VALUE.search(cell)
        return shared[int(number[1])] if number and int(number[1]) < len(shared) else ""
    return _text(cell)


def _text(xml: str) -> str:
    return html.unescape(_TAG.sub("", xml))
