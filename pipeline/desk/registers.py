"""Registers edited on a page: one row at a time, under the rules of the whole registry, each change kept with its day.

A change is tried on a copy of the registry first. Where the copy does not load, nothing is written and every problem is told with
its line and column; else the file is replaced in one step. Comments, order and all other rows stay as they were, byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline import registry
from pipeline.desk.links import locked
from pipeline.files import write_atomically
from pipeline.settings import Workspace

EDITABLE = ("accounts", "followers", "plan")
CHANGES = "changes.jsonl"
CELL = 2000


@dataclass(frozen=True)
class Line:
    """One row of a register: its first line in the file, its text as it stands there, its cells by column."""

    number: int
    text: str
    cells: dict[str, str]


@dataclass
class Sheet:
    """A register as it lies in the file."""

    name: str
    columns: list[str]
    lines: list[Line] = field(default_factory=list)
    delimiter: str = ","
    newline: str = "\n"
    head: str = ""  # comments and the header


@dataclass
class Done:
    """What became of an edit: saved, or why not."""

    saved: bool = False
    wrong: list[registry.Problem] = field(default_factory=list)
    reason: str = ""  # stale: somebody else changed the row meanwhile; unknown: no such thing to do
    values: dict[str, str] = field(default_factory=dict)

    def problems(self, language: str) -> list[str]:
        return [
            f"{p.place()}: {p.problem_id}" if language == "id" else f"{p.place('line', 'column')}: {p.problem_en}"
            for p in self.wrong
        ]


def register(workspace: Workspace, name: str) -> Sheet:
    """A register with the exact text of each row. A file that does not exist yet has the columns of its model and no rows."""
    place = workspace.registry / f"{name}.csv"
    columns = list(registry.MODELS[name].model_fields)
    if not place.exists():
        return Sheet(name, columns, head=",".join(columns) + "\n")
    text = place.read_bytes().decode("utf-8")
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(bom)
    lines = text.splitlines(keepends=True)
    top = 0
    while top < len(lines) and (not lines[top].strip(" ,;\t\r\n") or lines[top].lstrip('"').startswith("#")):
        top += 1
    if top == len(lines):
        return Sheet(name, columns, head=text + ("" if text.endswith("\n") or not text else "\n") + ",".join(columns) + "\n")
    delimiter = max(",;\t", key=lines[top].count)
    newline = "\r\n" if lines[top].endswith("\r\n") else "\n"
    found = Sheet(name, _cells(lines[top], delimiter), delimiter=delimiter, newline=newline, head=bom + "".join(lines[: top + 1]))
    for number, raw in _records(lines[top + 1 :], top + 2):
        cells = _cells(raw, delimiter)
        if len(cells) == len(found.columns) and any(cells):
            found.lines.append(Line(number, raw, dict(zip(found.columns, cells, strict=True))))
        else:
            found.lines.append(Line(number, raw, {}))  # kept as it is; the registry says what is wrong with it
    return found


def _cells(raw: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter), [])]


def _records(lines: Sequence[str], first: int) -> list[tuple[int, str]]:
    """Lines, joined where a quoted cell holds a line end."""
    found, waiting, start = [], "", first
    for number, line in enumerate(lines, first):
        start = start if waiting else number
        waiting += line
        if waiting.count('"') % 2 == 0:
            found.append((start, waiting))
            waiting = ""
    return [*found, (start, waiting)] if waiting else found


def edit(workspace: Workspace, name: str, fields: Mapping[str, Sequence[str]], by: str, now: datetime) -> Done:
    """Add (`aksi` tambah), change (ubah) or take out (hapus) one row. `baris` and `semula` name the row as it was seen."""

    def said(key: str) -> str:
        return (list(fields.get(key, ())) or [""])[0]

    action, number, before = said("aksi"), said("baris"), said("semula")
    with locked(workspace.registry, ".registers.lock"):
        sheet = register(workspace, name)
        values = {column: " ".join(said(f"k-{column}").split())[:CELL] for column in sheet.columns}
        done = Done(values=values)
        place = next((i for i, x in enumerate(sheet.lines) if str(x.number) == number and _same(x.text, before)), None)
        if action not in ("tambah", "ubah", "hapus"):
            done.reason = "unknown"
        elif action != "tambah" and place is None:
            done.reason = "stale"
        if done.reason:
            return done
        fresh = _row(sheet, values)
        old = sheet.lines[place].text if place is not None and action != "tambah" else ""
        texts = [line.text for line in sheet.lines]
        if action == "tambah":
            if texts and not texts[-1].endswith("\n"):
                texts[-1] += sheet.newline
            texts.append(fresh)
        elif place is not None:
            texts[place : place + 1] = [fresh] if action == "ubah" else []
        whole = sheet.head + ("" if sheet.head.endswith("\n") else sheet.newline) + "".join(texts)
        done.wrong = _tried(workspace.registry, name, whole)
        if not done.wrong:
            _keep(workspace.registry, name, action, old, "" if action == "hapus" else fresh, by, now)
            write_atomically(workspace.registry / f"{name}.csv", whole)
            done.saved, done.values = True, {}
    return done


def _same(text: str, seen: str) -> bool:
    """A browser gives line ends back as it likes."""
    return text.strip("\r\n") == seen.strip("\r\n") or text.split() == seen.split()


def _row(sheet: Sheet, values: Mapping[str, str]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=sheet.delimiter, lineterminator=sheet.newline).writerow([values[c] for c in sheet.columns])
    return out.getvalue()


def _tried(folder: Path, name: str, text: str) -> list[registry.Problem]:
    """What the registry would say with this text in place of the file."""
    with tempfile.TemporaryDirectory(prefix="terukur-") as aside:
        copy = Path(aside) / "registry"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*", "links.csv", CHANGES))
        (copy / f"{name}.csv").write_text(text, encoding="utf-8")
        try:
            registry.load(copy)
        except registry.RegistryError as error:
            return error.problems
    return []


def _keep(folder: Path, name: str, action: str, old: str, new: str, by: str, now: datetime) -> None:
    """Write the change down before it is made: nothing changes that nobody can look up."""
    entry = {"at": now.isoformat(timespec="seconds"), "by": by, "register": name, "action": action, "before": old, "after": new}
    handle = os.open(folder / CHANGES, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        os.write(handle, (json.dumps(entry, ensure_ascii=False) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def changes(workspace: Workspace, limit: int = 20) -> list[dict[str, str]]:
    """The last changes, newest first."""
    place = workspace.registry / CHANGES
    if not place.exists():
        return []
    found = []
    for line in place.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found[::-1][:limit]
