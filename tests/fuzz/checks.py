"""What holds for every answer of the reader, whatever it was given. Nothing here asks the reader's own code for an opinion."""

import json
import math
import re

from benchmarks.mutants import legible, normal, strict
from pipeline.exports.messages import TEXTS
from pipeline.exports.model import Export

KEPT = ("accepted", "flagged", "duplicate")
REFUSED = ("refused", "held")


def well_formed(exports: list[Export]) -> None:
    """An outcome, known codes, both languages; rows where they were kept and nowhere else; JSON that a program can read."""
    assert exports, "no answer at all"
    for export in exports:
        codes = [m.code for m in export.messages]
        assert export.outcome in (*KEPT, *REFUSED), export.outcome
        assert set(codes) <= set(TEXTS), codes
        assert "READER_CRASHED" not in codes, export.messages[-1].seen
        assert all(m.id and m.en and len(m.seen) <= 40 for m in export.messages)
        if export.outcome in REFUSED:
            assert export.rows is None and codes, "refused without a reason"
        elif export.rows is None:
            assert "NO_ROWS" in codes, codes
        said = json.dumps(export.as_json(), allow_nan=False)
        said.encode("ascii")


def same(one: list[Export], other: list[Export]) -> None:
    """Two ways of reading one file say the same."""
    assert [_said(e) for e in one] == [_said(e) for e in other]
    for a, b in zip(one, other, strict=True):
        assert (a.rows is None) == (b.rows is None)
        if a.rows is not None and b.rows is not None:
            assert a.rows.schema == b.rows.schema and a.rows.equals(b.rows, null_equal=True)


def _said(export: Export) -> tuple:
    return export.as_json(), export.header, export.period, export.period_sums, export.proposal


def sums(exports: list[Export]) -> None:
    """Sums are the sums of the rows, whole numbers exactly."""
    for export in exports:
        for name, value in export.sums.items():
            if export.rows is not None and name in export.rows.columns:
                cells = [v for v in export.rows[name].to_list() if v is not None]
                assert math.isclose(value, math.fsum(cells), rel_tol=1e-9, abs_tol=1e-6), (name, value)


def cells(text: str, exports: list[Export]) -> None:
    """Every whole number that was kept is the one in its own cell, by a parser that shares no code with the reader."""
    for export in exports:
        if export.rows is None or not export.rows.height or any(m.code == "UNWRAPPED" for m in export.messages):
            continue
        if not any(strict(text, d) for d in ",;\t"):  # a damaged block refuses itself, and its neighbours are read
            assert "#" in export.member and any(e.outcome == "refused" for e in exports), "kept, but no strict parser reads it"
            continue
        lines = next((found for d in ",;\t" if (found := _lines(text, d, export))), None)
        if lines is None:
            continue  # a format that turns its table around names other columns than the file
        head, body = lines
        assert [n for n in export.rows["row_number"].to_list() if n not in body] == []
        for header, field in export.header.mapped.items():
            if field in export.rows.columns and export.rows.schema[field].is_integer() and head.count(normal(header)) == 1:
                _column(head.index(normal(header)), field, export, body)


def _lines(text: str, delimiter: str, export: Export) -> tuple[list[str], dict[int, list[str]]] | None:
    """The header and the records below it by their line; None if this is not the file's delimiter."""
    parsed = strict(text, delimiter)
    names = {normal(h) for h in export.header.mapped}
    first = min(export.rows["row_number"].to_list()) if export.rows is not None else 0
    found = [(line, [normal(c) for c in r]) for line, r in parsed or [] if line < first and names <= {normal(c) for c in r}]
    if not found or not parsed:
        return None
    line, head = found[-1]
    return head, {n: r for n, r in parsed if n > line}


def _column(place: int, field: str, export: Export, body: dict[int, list[str]]) -> None:
    assert export.rows is not None
    for number, value in export.rows.select("row_number", field).iter_rows():
        cell = body[number][place].strip() if place < len(body[number]) else ""
        if value is None:
            assert not re.fullmatch(r"[0-9]+", cell) or int(cell) == 0 or field in ("platform_account_id",), (field, cell)
        else:
            assert legible(cell, value), (field, cell, value)
