"""What the keeper of the data can send on about a file that is not known: header lines, shapes, counts; no caption and no name.

Letters of values become ``a`` and digits ``9``, so a column shows how it is written and not what it says. A line is shown as it
stands only where it is a header: short words, no number, no address, and another line under it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.exports import guards, text, workbook
from pipeline.exports.messages import Refused
from pipeline.exports.model import Export

SHAPES, COLUMNS, HEADER_ROWS, WIDTHS = 3, 120, 12, 5
LONGEST = 60  # a longer cell is no header
IS_VALUE = re.compile(r"^[\W_]*\d[\d.,:/\- ]*%?$|://|@")
PLACED = (  # of these, the place is a column and a row, never words of the file
    *("BAD_STRUCTURE", "TRUNCATED", "NOT_A_COUNT", "NUMBER_AMBIGUOUS", "DATE_AMBIGUOUS", "DATE_INVALID", "ID_DESTROYED"),
    *("ID_INVALID", "EXTRA_CONTENT", "IMPLAUSIBLE", "BELOW_ZERO", "ENCODING", "NUL_BYTES"),
)
Records = Sequence[tuple[int, Sequence[str]]]


def report(path: Path, exports: Sequence[Export]) -> dict[str, Any]:
    """One file: its container and tables by their shape, and what the reader made of it."""
    found: dict[str, Any] = {"suffix": path.suffix.lower(), "read": [_verdict(e) for e in exports]}
    try:
        data = guards.load(path, guards.Limits())
        found |= {"sha256": guards.sha256(data), "bytes": len(data)} | _content(data)
    except Refused as refused:
        found["unopened"] = refused.code
    return found


def _verdict(export: Export) -> dict[str, Any]:
    said = [{"code": m.code} | ({"place": m.place} if m.code in PLACED else {}) for m in export.messages]
    about = {"outcome": export.outcome, "kind": export.kind, "platform": export.platform, "rows": export.n_rows}
    return about | {"dropped": dict(export.dropped), "messages": said}


def _content(data: bytes) -> dict[str, Any]:
    kind = guards.container(data)
    if kind == "zip":
        members = [m for m in guards.unpack(data, guards.Limits()) if not guards.is_noise(m.name)]
        return {"container": kind, "members": [{"suffix": Path(m.name).suffix.lower()} | _member(m.data) for m in members]}
    if kind == "json":
        return {"container": kind}
    if kind == "csv":
        return {"container": kind} | _text(data)
    sheets = workbook.read(data, kind, guards.Limits())
    return {"container": kind, "sheets": [{"sheet": s.name} | _table(s.records) for s in sheets]}


def _member(data: bytes) -> dict[str, Any]:
    try:
        return _content(data)
    except Refused as refused:
        return {"unopened": refused.code}


def _text(data: bytes) -> dict[str, Any]:
    bom = next((name for mark, name in text.BOMS if data.startswith(mark)), None)
    try:
        content = text.decode(data)
    except Refused as refused:
        return {"bom": bom, "unopened": refused.code, "place": refused.place}
    ends = {"crlf": content.count("\r\n"), "lf": content.count("\n"), "cr": content.count("\r"), "open": text.ends_open(content)}
    declared, _ = text.sep_line(content)
    first = next((line for line in content.splitlines() if line.strip()), "")
    delimiter = declared or max(text.DELIMITERS, key=first.count)
    records: list[tuple[int, list[str]]] = []
    broken: dict[str, str] = {}
    try:
        for record in text.tokenise(content, text.dialect(content, delimiter)):
            records.append(record)
    except Refused as refused:
        broken = {"broken": refused.code, "place": refused.place}
    return {"bom": bom, "ends": ends, "sep_line": declared, "delimiter": delimiter} | broken | _table(records)


def _table(records: Records) -> dict[str, Any]:
    filled = [(row, [str(c).strip() for c in cells]) for row, cells in records if any(cells)]
    widths = Counter(len(text.trim(cells)) for _, cells in filled)
    headers = [n for n in range(len(filled) - 1) if _is_header(filled[n][1], filled[n + 1][1])][:HEADER_ROWS]
    shown = [{"line": filled[n][0], "cells": text.trim(filled[n][1])[:COLUMNS]} for n in headers]
    body = [cells for n, (_, cells) in enumerate(filled) if n not in headers]
    return {"rows": len(filled), "widths": dict(widths.most_common(WIDTHS)), "headers": shown, "columns": _shapes(body)}


def _is_header(cells: Sequence[str], under: Sequence[str]) -> bool:
    """Words, of which none is a value; a title in one cell counts where a header of days stands under it."""
    named = [c for c in cells if c]
    if not named or any(len(c) > LONGEST or IS_VALUE.search(c) for c in named):
        return False
    if len(named) == 1:
        return len(named[0].split()) <= 6 and bool(under) and under[0].casefold() in ("date", "tanggal")
    return len(set(named)) == len(named) and any(IS_VALUE.search(c) for c in under if c)


def _shapes(body: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    wide = min(max((len(cells) for cells in body), default=0), COLUMNS)
    columns = [[cells[i] for cells in body if i < len(cells)] for i in range(wide)]
    return [
        {"filled": sum(map(bool, column)), "shapes": dict(Counter(shape(c) for c in column if c).most_common(SHAPES))}
        for column in columns
    ]


def shape(value: str) -> str:
    """``Sel, 4 Agu 2026`` -> ``a, 9 a 9999``: runs of letters are one letter, digits keep their number."""
    plain = re.sub(r"\d", "9", re.sub(r"[^\W\d_]+", "a", value[:200]))
    return re.sub(r"(?:a[^\w/:.@-]*){4,}", "a… ", plain)[:32]
