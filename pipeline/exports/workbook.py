"""A workbook as tables of text, read in a guarded child process; a cell remembers whether it was typed as a number or a date."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.exports import guards
from pipeline.exports.messages import Refused

MAX_ROWS = 200_000
MAX_CELLS = 5_000_000
TIMEOUT = 60


class Cell(str):
    """Text of a cell that was not plain text in the workbook."""

    __slots__ = ()


class Number(Cell):
    """A numeric cell: its decimal mark is a dot, whatever the locale."""

    __slots__ = ()


class Percent(Number):
    """A numeric cell shown as a percentage: the value is already a ratio."""

    __slots__ = ()


class DayTime(Cell):
    """A date or date-time cell, as ISO text: already interpreted by the program that saved it."""

    __slots__ = ()


class Unreadable(Cell):
    """An error value, or a formula whose result was not stored."""

    __slots__ = ()


LETTERS = {"n": Number, "p": Percent, "d": DayTime, "t": Number, "b": Number, "e": Unreadable}


@dataclass
class Sheet:
    """One worksheet: its non-empty rows with their numbers, and what a reader should know about it."""

    name: str
    records: list[tuple[int, list[str]]]
    hidden: bool = False
    hidden_parts: bool = False
    epoch_1904: bool = False
    merged_rows: list[int] = field(default_factory=list)
    refused: Refused | None = None  # it is damaged in itself and has no records


def read(data: bytes, container: str, limits: guards.Limits) -> list[Sheet]:
    """The sheets of an xlsx, xls or SpreadsheetML file. Every guard runs before the parser; a dead child is READER_CRASHED.

    A sheet that is damaged in itself says so and stands beside its sound neighbours.
    """
    if container == "xlsx":
        guards.check_workbook(guards.unpack(data, limits, workbook=True))
    elif container == "xls":
        guards.check_ole(data)
    else:
        guards.check_spreadsheetml(data)
    answer = _ask_child(data, container)
    if "refused" in answer:
        raise _refused(answer)
    sheets = [_sheet(s, answer["epoch_1904"]) for s in answer["sheets"]]
    if container == "spreadsheetml":  # written by the platform itself: its dates were never interpreted by a spreadsheet
        for sheet in sheets:
            sheet.records = [(n, [str(c) if isinstance(c, DayTime) else c for c in cells]) for n, cells in sheet.records]
    return sheets


def _refused(said: Mapping[str, Any]) -> Refused:
    code, place, seen = (*said["refused"], "", "")[:3]
    return Refused(code, place=place, seen=seen)


def _ask_child(data: bytes, container: str) -> dict[str, Any]:
    script = Path(__file__).with_name("workbook_child.py")
    command = [sys.executable, "-I", str(script), container, str(MAX_ROWS), str(MAX_CELLS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise Refused("READER_CRASHED", seen=f"> {TIMEOUT} s") from error
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        raise Refused("READER_CRASHED", seen=last or f"exit {done.returncode}")
    return _answer(done.stdout)


def _answer(said: bytes) -> dict[str, Any]:
    """What the child says in its first line, with the texts that lie behind it in their place."""
    place = said.index(b"\n") + 1
    answer: dict[str, Any] = json.loads(said[:place])
    for sheet in answer.get("sheets", ()):
        if "refused" in sheet:
            continue
        numbers, letters, texts = sheet["rows"]
        if isinstance(texts, int):
            end = place + texts
            texts, place = said[place:end].decode().split("\x1e"), end
        sheet["rows"] = zip(numbers, letters, texts, strict=True)
    return answer


def _sheet(raw: Mapping[str, Any], epoch_1904: bool) -> Sheet:
    if "refused" in raw:
        return Sheet(raw["name"], [], refused=_refused(raw))
    return Sheet(
        name=raw["name"],
        records=[(number, _cells(letters, texts)) for number, letters, texts in raw["rows"]],
        hidden=raw["hidden"],
        hidden_parts=raw["hidden_rows"] or raw["hidden_columns"],
        epoch_1904=epoch_1904,
        merged_rows=[row for merge in raw["merges"] for row in _rows_of(merge)],
    )


def _cells(letters: str, together: str | list[str]) -> list[str]:
    """The texts, those of cells that are not plain text as what they are."""
    texts = together.split("\x7f") if isinstance(together, str) else together
    for place, kind in _typed(letters):
        texts[place] = Unreadable("=?") if kind is None else kind(texts[place])
    return texts


@lru_cache(maxsize=1024)
def _typed(letters: str) -> tuple[tuple[int, Any], ...]:
    """Places that hold no plain text, and what they hold; None for a formula without a stored value."""
    kinds: dict[str, Any] = {**LETTERS, "f": None}
    return tuple((i, kinds[letter]) for i, letter in enumerate(letters) if letter not in "s ")


def _rows_of(merge: str) -> list[int]:
    """First and last row of a merged range, ``A3:C5`` or ``row:column`` of SpreadsheetML."""
    parts = ["".join(c for c in part if c.isdigit()) for part in merge.split(":")]
    return [int(p) for p in (parts if merge[:1].isalpha() else parts[:1]) if p]
