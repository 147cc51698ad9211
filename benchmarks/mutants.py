"""Damages every sample in every way we know and asks one question of the reader: exactly right, or refused?

``python -m benchmarks.mutants 5000`` prints the table; ``--others 40`` shows what some of the class *other* changed. The oracle
shares no code with the reader: it knows the rows that a sample holds (``expected.json``, written by the sample makers), what the
mutator did, and has its own strict RFC 4180 parser.

Classes. *exact*: the sample's own rows. *refused*: no row is kept (or held). *other*: the damage made another sound file - a row
less, another digit, two columns under exchanged names - and the rows say just what that file says: every value can be read in its
own cell, every row of the file is there, nothing derived changed without its cause. *wrong*: everything else. A mutator that
changes only the dialect or the way values are written (``same``) leaves no other file: its mutants are exact, refused or wrong.
"""

import argparse
import csv
import html
import io
import json
import math
import random
import re
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import xlsxwriter

from pipeline.exports import read
from pipeline.formats import mapped

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "samples"
SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
Records = list[list[str]]
BIFF = b"\xd0\xcf\x11\xe0"


# --- samples


@dataclass
class Case:
    """One sample, or one CSV member of a sample archive: its text as records with their lines, and the rows it holds."""

    name: str
    file: str
    data: bytes
    options: dict
    exports: list[dict]
    encoding: str = ""  # "" where it is no text
    delimiter: str = ","
    records: Records = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    member: str = ""  # of the archive the mutated text goes back into
    beside: list[tuple[str, bytes]] = field(default_factory=list)


def cases() -> list[Case]:
    found = []
    for path in sorted(SAMPLES.rglob("expected.json")):
        want = json.loads(path.read_text(encoding="utf-8"))
        if not all("rows" in e for e in want["exports"]) or not any(e["rows"] for e in want["exports"]):
            continue
        options: dict = {"accounts": want["options"].get("accounts", []), "first_seen": SEEN}
        if want["options"].get("mappings"):
            taught, _ = mapped.load(path.parent)
            options["registry"] = SimpleNamespace(accounts=None, mappings=taught)
        name = f"{path.parent.parent.name}/{path.parent.name}"
        case = Case(name, want["file"], (path.parent / want["file"]).read_bytes(), options, want["exports"])
        found.append(_opened(case))
    return found


def _opened(case: Case) -> Case:
    """The records of a text sample, or of the first CSV member of an archive of one table."""
    data = case.data
    if case.file.endswith(".zip") and len(case.exports) == 1:
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            members = [(n, box.read(n)) for n in box.namelist()]
        inner = [m for m in members if m[0].endswith(".csv") and case.exports[0].get("member", m[0]) == m[0]]
        if len(inner) == 1:
            case.member, data = inner[0]
            case.beside = [m for m in members if m[0] != case.member]
    if case.member or case.file.endswith(".csv"):
        case.encoding = "utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig"
        text = data.decode(case.encoding)
        case.delimiter = max(",;\t", key=text.partition("\n")[0].count) if "sep=" not in text[:5] else ","
        parsed = strict(text, case.delimiter)
    elif data[:5] == b"<?xml":
        parsed = _spreadsheetml(data)
    else:
        return case
    assert parsed is not None, case.name
    case.lines, case.records = [n for n, _ in parsed], [c for _, c in parsed]
    return case


# --- an independent strict parser


def strict(text: str, delimiter: str) -> list[tuple[int, list[str]]] | None:
    """Records with the line each starts on, by RFC 4180 letter by letter; None if the text breaks it anywhere."""
    out: list[tuple[int, list[str]]] = []
    line = 1
    if found := re.match(r"sep=(.)\r?\n", text):
        text, line, delimiter = text[found.end() :], 2, found[1]
    i, size, start = 0, len(text), line
    cells: list[str] = []
    while i < size or cells:
        if i < size and text[i] == '"':
            i, parts = i + 1, []
            while True:
                j = text.find('"', i)
                if j < 0:
                    return None
                parts.append(text[i:j])
                if text[j + 1 : j + 2] != '"':
                    i = j + 1
                    break
                parts.append('"')
                i = j + 2
            cell = "".join(parts)
            line += cell.count("\n")
        else:
            j = i
            while j < size and text[j] not in (delimiter, "\r", "\n"):
                if text[j] == '"':
                    return None
                j += 1
            cell, i = text[i:j], j
        cells.append(cell)
        if i < size and text[i] == delimiter:
            i += 1
            if i < size:
                continue
            cells.append("")
        elif i < size and text[i] not in "\r\n":
            return None
        i += 2 if text[i : i + 2] == "\r\n" else 1
        out.append((start, cells))
        line += 1
        start, cells = line, []
    return out


# --- writing


def write(records: Records, delimiter: str = ",", eol: str = "\n", quote_all: bool = False) -> str:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=eol, quoting=quoting).writerows(records)
    return out.getvalue()


def packed(case: Case, data: bytes) -> bytes:
    """The mutated text back in its archive."""
    if not case.member:
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in [*case.beside, (case.member, data)]:
            box.writestr(name, content)
    return out.getvalue()


@dataclass
class Mutant:
    """``view``: the records of the mutated file with their lines, if it is sound; ``same``: it says what the sample says.

    ``one_place``: one cell or one name may say something else, where no parser of ours can tell which (BIFF has no checksums).
    """

    data: bytes
    name: str
    same: bool = False
    view: list[tuple[int, list[str]]] | None = None
    one_place: bool = False


def as_text(case: Case, text: str, *, same: bool = False, encoding: str = "", delimiter: str = "") -> Mutant:
    """A code page that lacks a letter writes ? for it, and that is then what the file says."""
    encoding, delimiter = encoding or case.encoding, delimiter or case.delimiter
    data = text.encode(encoding, "replace")
    same = same and data.decode(encoding) == text
    return Mutant(packed(case, data), case.file, same, None if same else strict(data.decode(encoding), delimiter))


def as_table(case: Case, records: Records) -> Mutant:
    return as_text(case, write(records, case.delimiter))


def original(case: Case) -> str:
    data = case.data
    if case.member:
        with zipfile.ZipFile(io.BytesIO(case.data)) as box:
            data = box.read(case.member)
    return data.decode(case.encoding)


# --- mutators: dialect (the same file, written otherwise)

Mutator = Callable[[Case, random.Random], Mutant | None]
MUTATORS: dict[str, Mutator] = {}


def mutator(name: str) -> Callable[[Mutator], Mutator]:
    def keep(function: Mutator) -> Mutator:
        MUTATORS[name] = function
        return function

    return keep


def dialect(name: str, encoding: str = "utf-8-sig", **how) -> None:
    def change(case: Case, rng: random.Random) -> Mutant | None:
        return as_text(case, write(case.records, **how), same=True, encoding=encoding, delimiter=how.get("delimiter", ","))

    MUTATORS[name] = change


dialect("pollock: other delimiter ;", delimiter=";")
dialect("pollock: other delimiter tab", delimiter="\t")
dialect("pollock: other delimiter |", delimiter="|")
dialect("pollock: other delimiter space", delimiter=" ")
dialect("pollock: row end CRLF", eol="\r\n")
dialect("pollock: row end CR", eol="\r")
dialect("re-save: everything quoted", quote_all=True)
dialect("re-save: UTF-16 with tabs", encoding="utf-16", delimiter="\t", eol="\r\n")
dialect("re-save: UTF-16 without BOM", encoding="utf-16-le")
dialect("re-save: cp1252 with semicolons", encoding="cp1252", delimiter=";", eol="\r\n")


@mutator("pollock: delimiter of two characters")
def _(case, rng):
    text = "\n".join(", ".join(_cell(c, ", ") for c in r) for r in case.records) + "\n"
    return as_text(case, text, delimiter=",")


def _cell(text: str, delimiter: str, quote: str = '"') -> str:
    if any(c in text for c in (*delimiter, quote, "\n", "\r")):
        return quote + text.replace(quote, quote * 2) + quote
    return text


@mutator("pollock: other quote character")
def _(case, rng):
    return as_text(case, "\n".join(",".join(_cell(c, ",", "'") for c in r) for r in case.records) + "\n", delimiter=",")


@mutator("pollock: other escape character")
def _(case, rng):
    text = "\n".join(",".join('"' + c.replace('"', '\\"') + '"' for c in r) for r in case.records) + "\n"
    return as_text(case, text, same='"' not in str(case.records), delimiter=",")


@mutator("pollock: no payload")
def _(case, rng):
    return as_text(case, "", same=True)


@mutator("pollock: no newline at the end")
def _(case, rng):
    return as_text(case, original(case).rstrip("\r\n"))


@mutator("pollock: newlines at the end")
def _(case, rng):
    return as_text(case, original(case).rstrip("\r\n") + "\n" * rng.randint(2, 4), same=True)


@mutator("pollock: no header")
def _(case, rng):
    return as_table(case, case.records[1:])


@mutator("pollock: header only")
def _(case, rng):
    return as_table(case, case.records[:1])


@mutator("pollock: one row")
def _(case, rng):
    return as_table(case, case.records[:2])


@mutator("pollock: header of several rows")
def _(case, rng):
    return as_table(case, [case.records[0]] * rng.randint(2, 3) + case.records[1:])


@mutator("pollock: preamble")
def _(case, rng):
    lines = [["Laporan bulanan"], ["Dinas Kesehatan", "Bogor"], [""]][: rng.randint(1, 3)]
    return as_table(case, lines + case.records)


def second_table(name: str, width: Callable[[int], int]) -> None:
    def change(case: Case, rng: random.Random) -> Mutant:
        n = max(1, width(len(case.records[0])))
        table = [[f"k{i}" for i in range(n)], *[[str(rng.randint(1, 99)) for _ in range(n)] for _ in range(3)]]
        gap = [[""]] if rng.random() < 0.5 else []
        return as_table(case, case.records + gap + table)

    MUTATORS[name] = change


second_table("pollock: second table, narrower", lambda n: n - 1)
second_table("pollock: second table, as wide", lambda n: n)
second_table("pollock: second table, wider", lambda n: n + 2)


@mutator("pollock: header name twice")
def _(case, rng):
    header = list(case.records[0])
    if len(header) < 2:
        return None
    a, b = rng.sample(range(len(header)), 2)
    header[a] = header[b]
    return as_table(case, [header, *case.records[1:]])


@mutator("pollock: blank line in the middle")
def _(case, rng):
    if any(len(r) < 2 for r in case.records):
        return None  # titled blocks: a blank line means something there
    at = rng.randint(1, len(case.records))
    return as_text(case, write([*case.records[:at], [], *case.records[at:]], case.delimiter), same=True)


# --- mutators: one row


def one_row(name: str, change: Callable[[str, random.Random], str]) -> None:
    """Changes the text of one line that holds a whole record."""

    def mutate(case: Case, rng: random.Random) -> Mutant | None:
        plain = [i for i, r in enumerate(case.records) if not any("\n" in c for c in r) and any(r)]
        if not plain:
            return None
        lines = [",".join(_cell(c, ",") for c in r) for r in case.records]
        at = rng.choice(plain)
        lines[at] = change(lines[at], rng)
        return as_text(case, "\n".join(lines) + "\n", delimiter=",")

    MUTATORS[name] = mutate


def _at(text: str, mark: str, rng: random.Random) -> int | None:
    places = [m.start() for m in re.finditer(re.escape(mark), text)]
    return rng.choice(places) if places else None


def _without(text: str, rng: random.Random) -> str:
    at = _at(text, ",", rng)
    return text if at is None else text[:at] + text[at + 1 :]


def _more(text: str, rng: random.Random) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + "," + text[at:]


def _quote(text: str, rng: random.Random) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + '"' + text[at:]


one_row("pollock: row with more delimiters", _more)
one_row("pollock: row with fewer delimiters", _without)
one_row("pollock: extra quote in a row", _quote)
one_row("pollock: other delimiter in a row", lambda t, r: t.replace(",", r.choice(";\t|")))
one_row("pollock: other quote in a row", lambda t, r: t.replace('"', "'"))
one_row("pollock: other row end in a row", lambda t, r: t + "\r")
one_row("pollock: other escape in a row", lambda t, r: t.replace('""', '\\"'))


# --- mutators: bytes


@mutator("damage: cut at any byte")
def _(case, rng):
    text = original(case)
    return as_text(case, text[: rng.randint(1, len(text) - 1)])


@mutator("damage: cut at the end of a row")
def _(case, rng):
    at = rng.randint(1, len(case.records) - 1) if len(case.records) > 1 else 1
    return as_table(case, case.records[:at])


@mutator("damage: one character changed")
def _(case, rng):
    text = original(case)
    at = rng.randrange(len(text))
    return as_text(case, text[:at] + rng.choice('0123456789,;"\n xZ-./') + text[at + 1 :])


@mutator("damage: one character lost")
def _(case, rng):
    text = original(case)
    at = rng.randrange(len(text))
    return as_text(case, text[:at] + text[at + 1 :])


@mutator("damage: one character added")
def _(case, rng):
    text = original(case)
    at = rng.randrange(len(text))
    return as_text(case, text[:at] + rng.choice('0123456789,;"\n xZ-./') + text[at:])


@mutator("damage: a bit flipped in the file")
def _(case, rng):
    data = bytearray(case.data)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    mutant = _raw(case, bytes(data))
    mutant.one_place = case.data[:4] == BIFF
    return mutant


@mutator("damage: file cut")
def _(case, rng):
    return _raw(case, case.data[: rng.randint(1, len(case.data) - 1)])


@mutator("damage: a piece of the file lost")
def _(case, rng):
    at = rng.randrange(len(case.data))
    return _raw(case, case.data[:at] + case.data[at + rng.randint(1, 400) :])


@mutator("damage: zeros at the end")
def _(case, rng):
    return Mutant(case.data + b"\0" * rng.randint(1, 4096), case.file, same=True)


@mutator("damage: zeros inside")
def _(case, rng):
    at = rng.randrange(len(case.data))
    return _raw(case, case.data[:at] + b"\0" * rng.choice((1, 2, 512)) + case.data[at:])


@mutator("damage: the file twice")
def _(case, rng):
    return _raw(case, case.data + case.data)


def _raw(case: Case, data: bytes) -> Mutant:
    """Bytes as they are: what a text file now says is parsed; archives carry checksums and have no other reading."""
    view = None
    if case.encoding and not case.member:
        try:
            view = strict(data.decode(case.encoding), case.delimiter)
        except UnicodeDecodeError:
            view = None
    elif case.file.endswith(".xls") and data[:1] in b"<\xef":
        return Mutant(data, case.file, view=_spreadsheetml(data))
    return Mutant(data, case.file, view=view)


def _spreadsheetml(data: bytes) -> list[tuple[int, list[str]]] | None:
    """The records of the first sheet; exports of the time wrote a bare ``&``, and Latin-1 where they promised UTF-8."""
    from xml.etree import ElementTree

    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    try:
        root = ElementTree.fromstring(re.sub(r"&(?!#?\w+;)", "&amp;", text))
    except ElementTree.ParseError:
        return None
    sheet = next((e for e in root.iter() if e.tag.endswith("}Table")), root)
    records: list[tuple[int, list[str]]] = []
    for number, row in enumerate((e for e in sheet if e.tag.endswith("}Row")), start=1):
        cells: list[str] = []
        for cell in row:
            index = next((v for k, v in cell.attrib.items() if k.endswith("}Index")), "")
            at = int(index) - 1 if index.isdigit() else len(cells)
            cells += [""] * (at - len(cells))
            cells.append("".join(d.text or "" for d in cell if d.tag.endswith("}Data")))
        records.append((number, cells))
    return records


# --- mutators: the table


def table(name: str) -> Callable:
    def keep(change: Callable[[Records, random.Random], Records | None]) -> Callable:
        def mutate(case: Case, rng: random.Random) -> Mutant | None:
            changed = change([list(r) for r in case.records], rng)
            return None if changed is None else as_table(case, changed)

        MUTATORS[name] = mutate
        return change

    return keep


def _row(records: Records, rng: random.Random) -> int:
    return rng.randint(1, len(records) - 1)


def _column(records: Records, rng: random.Random) -> int:
    return rng.randrange(len(records[0]))


@table("damage: a row lost")
def _(records, rng):
    del records[_row(records, rng)]
    return records


@table("damage: a row twice")
def _(records, rng):
    at = _row(records, rng)
    return [*records[: at + 1], *records[at:]]


@table("damage: two rows exchanged")
def _(records, rng):
    a, b = _row(records, rng), _row(records, rng)
    records[a], records[b] = records[b], records[a]
    return records


@table("damage: two columns exchanged under their names")
def _(records, rng):
    a, b = _column(records, rng), _column(records, rng)
    for record in records[1:]:
        if len(record) > max(a, b):
            record[a], record[b] = record[b], record[a]
    return records


@table("damage: two cells of a row exchanged")
def _(records, rng):
    record = records[_row(records, rng)]
    a, b = rng.randrange(len(record)), rng.randrange(len(record))
    record[a], record[b] = record[b], record[a]
    return records


@table("damage: a row moved by one column")
def _(records, rng):
    at = _row(records, rng)
    record = records[at]
    records[at] = ["", *record[:-1]] if rng.random() < 0.5 else [*record[1:], ""]
    return records


@table("damage: a column moved by one row")
def _(records, rng):
    column = _column(records, rng)
    wide = [r for r in records[1:] if len(r) > column]
    values = [r[column] for r in wide]
    for record, value in zip(wide, values[-1:] + values[:-1], strict=True):
        record[column] = value
    return records


@table("damage: a column lost")
def _(records, rng):
    column = _column(records, rng)
    return [r[:column] + r[column + 1 :] for r in records]


@table("damage: a column sorted alone")
def _(records, rng):
    column = _column(records, rng)
    wide = [r for r in records[1:] if len(r) > column]
    for record, value in zip(wide, sorted(r[column] for r in wide), strict=True):
        record[column] = value
    return records


@table("damage: a header renamed")
def _(records, rng):
    at = _column(records, rng)
    name = records[0][at]
    where = rng.randrange(len(name)) if name else 0
    records[0][at] = name[:where] + rng.choice("xq ") + name[where + 1 :]
    return records


@table("damage: two headers exchanged")
def _(records, rng):
    a, b = _column(records, rng), _column(records, rng)
    records[0][a], records[0][b] = records[0][b], records[0][a]
    return records


def cell(name: str, change: Callable[[str, random.Random], str]) -> None:
    def mutate(records: Records, rng: random.Random) -> Records:
        record = records[_row(records, rng)]
        at = rng.randrange(len(record))
        record[at] = change(record[at], rng)
        return records

    table(name)(mutate)


def _digit(text: str, rng: random.Random) -> str:
    places = [i for i, c in enumerate(text) if c.isdigit()]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + rng.choice("0123456789") + text[at + 1 :]


cell("damage: a digit changed", _digit)
cell("damage: a cell emptied", lambda t, r: "")
cell("damage: a cell padded", lambda t, r: f" {t}  ")
cell("damage: a mark in a cell", lambda t, r: r.choice(("-", "--", "N/A", "NULL", "null", "#REF!", "#N/A", "?", "n.a.", "nan")))
cell("damage: a sign", lambda t, r: f"-{t}")
cell("damage: a short form", lambda t, r: r.choice(("1.2K", "3,4 rb", "1,5 jt", "12.5", "12-Mei", "1e3", "1,234", "1.234", "٣")))
cell("damage: a unit behind", lambda t, r: t + r.choice((" ", "%", " x", "K", ".0", ",5", "\u00a0")))


@table("damage: a total row added")
def _(records, rng):
    if len(records) < 3 or len(records[0]) < 2:
        return None
    columns = list(zip(*(r for r in records[1:] if len(r) == len(records[0])), strict=True))
    total = [str(sum(map(int, c))) if all(v.isdigit() and len(v) < 12 for v in c) else "" for c in columns]
    if not total:
        return None
    total[0] = rng.choice(("Total", "Jumlah", "Grand Total", "TOTAL", "Sum", "Rata-rata"))
    return [*records, total]


# --- mutators: what spreadsheets do


def _moment(text: str, is_meta: bool) -> tuple[datetime, bool] | None:
    """A cell that a spreadsheet takes for a date, and whether it has a time."""
    patterns = [
        ("%Y-%m-%d", False),
        ("%b %d, %Y", False),
        ("%a, %b %d, %Y", False),
        ("%Y/%m/%d", False),
        ("%Y-%m-%d %H:%M", True),
    ]
    if is_meta:
        patterns += [("%m/%d/%Y %H:%M", True), ("%m/%d/%Y", False)]
    for pattern, timed in patterns:
        try:
            return datetime.strptime(text.strip(), pattern), timed
        except ValueError:
            continue
    return None


def resave(name: str, change: Callable[[str, bool], str], **how) -> None:
    """Every cell as a spreadsheet writes it back; nothing else is said, so the rows must be the sample's own."""

    def mutate(case: Case, rng: random.Random) -> Mutant | None:
        is_meta = case.name.startswith("meta.")
        body = [[change(c, is_meta) for c in r] for r in case.records]
        width = max(map(len, body))
        padded = [r + [""] * (width - len(r)) for r in body] if len(body[0]) > 1 else body
        text = write(padded, delimiter=";", eol="\r\n")
        return as_text(case, text, same=True, encoding=how.get("encoding", "utf-8-sig"))

    MUTATORS[name] = mutate


def _dates(pattern: str, clock: str) -> Callable[[str, bool], str]:
    def change(text: str, is_meta: bool) -> str:
        found = _moment(text, is_meta)
        return text if not found else found[0].strftime(pattern + (clock if found[1] else ""))

    return change


def _comma(text: str, is_meta: bool) -> str:
    return text.replace(".", ",") if re.fullmatch(r"-?\d+\.\d+", text) else text


def _scientific(text: str, is_meta: bool) -> str:
    return f"{float(text):.5E}".replace(".", ",") if re.fullmatch(r"\d{12,20}", text) else text


def _rounded(text: str, is_meta: bool) -> str:
    return text[:15] + "0" * (len(text) - 15) if re.fullmatch(r"\d{16,20}", text) else text


def _grouped(text: str, is_meta: bool) -> str:
    return f"{int(text):,}".replace(",", ".") if re.fullmatch(r"[1-9]\d{3,8}", text) else text


def _serial(text: str, is_meta: bool) -> str:
    found = _moment(text, is_meta)
    return text if not found else str((found[0].date() - date(1899, 12, 30)).days)


def _indonesian(text: str, is_meta: bool) -> str:
    for change in (_dates("%d/%m/%Y", " %H.%M"), _comma, _scientific):
        text = change(text, is_meta)
    return text


resave("re-save: Indonesian Excel (; , dd/mm ids)", _indonesian)
resave("re-save: dd/mm/yyyy", _dates("%d/%m/%Y", " %H:%M"))
resave("re-save: mm/dd/yyyy", _dates("%m/%d/%Y", " %H:%M"))
resave("re-save: dd-Mmm-yy", _dates("%d-%b-%y", " %H:%M"))
resave("re-save: days as serial numbers", _serial)
resave("re-save: decimal comma", _comma)
resave("re-save: scientific ids", _scientific)
resave("re-save: ids rounded to 15 digits", _rounded)
resave("re-save: thousands grouped", _grouped)


@mutator("re-save: some days turned around")
def _(case, rng):
    """A spreadsheet reads mm/dd as dd/mm where it can and leaves the rest as text. ISO days and names are never turned."""

    def turned(text: str) -> str:
        found = _moment(text, True)
        if not found or not re.match(r"\d\d/\d\d/", text) or found[0].day > 12:
            return text
        wrong = found[0].replace(month=found[0].day, day=found[0].month)
        return wrong.strftime("%d/%m/%Y" + (" %H:%M" if found[1] else ""))

    records = [[turned(c) for c in r] for r in case.records]
    return as_text(case, write(records, delimiter=";", eol="\r\n"), same=True)


@mutator("re-save: every row in one cell")
def _(case, rng):
    lines = [",".join(_cell(c, ",") for c in r) for r in case.records]
    tail = ";" * rng.randint(0, 3)
    return as_text(case, "\r\n".join('"' + line.replace('"', '""') + '"' + tail for line in lines) + "\r\n", same=True)


def workbook(case: Case, cells: Callable, book_cell: Callable, name: str = "Sheet1") -> Mutant:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet(name)
    formats = {"date": book.add_format({"num_format": "dd/mm/yyyy hh:mm"})}
    for r, record in enumerate(case.records):
        for c, text in enumerate(record):
            if text:
                book_cell(sheet, r, c, cells(text), formats)
    book.close()
    return Mutant(out.getvalue(), Path(case.file).stem + ".xlsx", same=True)


def _typed_cell(sheet, r, c, value, formats) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(r, c, value, formats["date"])
    elif isinstance(value, (int, float)) and r:
        sheet.write_number(r, c, value)
    else:
        sheet.write_string(r, c, str(value))


@mutator("re-save: workbook of texts")
def _(case, rng):
    return workbook(case, lambda t: t, _typed_cell)


@mutator("re-save: workbook with numbers")
def _(case, rng):
    return workbook(case, lambda t: float(t) if re.fullmatch(r"-?\d{1,11}(\.\d+)?", t) else t, _typed_cell)


@mutator("re-save: workbook with numbers, ids too")
def _(case, rng):
    return workbook(case, lambda t: float(t) if re.fullmatch(r"-?\d+(\.\d+)?", t) else t, _typed_cell)


@mutator("re-save: workbook with date cells")
def _(case, rng):
    is_meta = case.name.startswith("meta.")

    def typed(text: str) -> object:
        found = _moment(text, is_meta)
        return found[0] if found else float(text) if re.fullmatch(r"-?\d{1,11}", text) else text

    return workbook(case, typed, _typed_cell)


@mutator("re-save: workbook with dates turned around")
def _(case, rng):

    def typed(text: str) -> object:
        found = _moment(text, True) if re.match(r"\d\d/\d\d/", text) else None
        if not found:
            return float(text) if re.fullmatch(r"-?\d{1,11}", text) else text
        moment = found[0]
        return moment.replace(month=moment.day, day=moment.month) if moment.day <= 12 else text

    return workbook(case, typed, _typed_cell)


BINARY = tuple(
    f"damage: {w}"
    for w in (
        "a bit flipped in the file",
        "file cut",
        "a piece of the file lost",
        "zeros at the end",
        "zeros inside",
        "the file twice",
    )
)


# --- judging


def normal(name: str) -> str:
    return re.sub(r"\s+", " ", name.replace("\ufeff", "")).strip().strip('"').strip().casefold()


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def equal(a: object, b: object) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    if (
        isinstance(a, str)
        and isinstance(b, str)
        and a != b
        and re.match(r"\d{4}-\d\d-\d\dT", a)
        and re.match(r"\d{4}-\d\d-\d\dT", b)
    ):
        return datetime.fromisoformat(a.replace("Z", "+00:00")) == datetime.fromisoformat(b.replace("Z", "+00:00"))
    return a == b


def rows_of(exports: list) -> list[dict]:
    """Every row that is kept, as plain values without nulls."""
    out = []
    for export in exports:
        if export.rows is not None:
            out += [{k: plain(v) for k, v in r.items() if v is not None} for r in export.rows.to_dicts()]
    return out


def expected_rows(case: Case) -> list[dict]:
    return [dict(r) for e in case.exports for r in e["rows"]]


def is_exact(found: list[dict], expected: list[dict]) -> bool:
    if len(found) != len(expected):
        return False
    rest = [{k: v for k, v in r.items() if k != "row_number"} for r in found]
    for want in expected:
        fields = {k: v for k, v in want.items() if k != "row_number"}
        hit = next((i for i, r in enumerate(rest) if _agrees(r, fields)), None)
        if hit is None:
            return False
        del rest[hit]
    return True


def _agrees(row: dict, want: dict) -> bool:
    unsaid = [n for n in ("handle", "platform_account_id") if n not in want]
    names = set(row) - set(unsaid)
    return names == set(want) and all(equal(row[n], want[n]) for n in names)


BLANK = ("", "-", "--", "N/A", "n/a", "NULL")
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
MONTHS_ID = "jan feb mar apr mei jun jul agu sep okt nov des".split()  # noqa: SIM905


def legible(text: str, value: object) -> bool:
    """Can the value be read in the text of the cell?"""
    text = text.strip()
    if isinstance(value, bool):
        return text.lower() in (("1", "true", "1.0") if value else ("0", "false", "0.0"))
    if isinstance(value, (int, float)):
        return _number(text, value)
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d(T|\Z)", value) and not text.startswith("http"):
        return _date(text, value)
    value = str(value).strip()
    if value.isdigit() and text.isdigit() and len(value) < 4:
        return int(text) == int(value)  # an hour
    text, value = (t.replace("\u2013", "-").removesuffix(" years").removesuffix(" tahun") for t in (text, value))
    value = re.sub(r" \([^()]*\)\Z", "", value)  # two cities of one name are told apart by their ids
    same = (text, html.unescape(text), text.removesuffix(".0"), text.lstrip("@"), re.sub(r"\s+", " ", text))
    is_linked = value.isdigit() and re.search(rf"/{value}(?!\w)", text) is not None  # an id, however short
    return value in same or value.casefold() == text.casefold() or (len(value) > 2 and value in text) or is_linked


def _number(text: str, value: float) -> bool:
    if found := re.fullmatch(r"(?:(\d+):)?(\d+):(\d\d)(?:\.\d+)?", text):
        return math.isclose(int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3]), value, abs_tol=1)
    body = text.removesuffix("%").strip().replace("\u00a0", "")
    readings = {body, body.replace(",", ""), body.replace(".", ""), body.replace(",", "."), body.replace(" ", "")}
    for reading in readings:
        try:
            number = float(reading)
        except ValueError:
            continue
        if any(math.isclose(number * scale, value, rel_tol=1e-9, abs_tol=1e-12) for scale in (1, 0.01, 60, 3600, 0.001)):
            return True
    return False


def _date(text: str, value: str) -> bool:
    moment = datetime.fromisoformat(value.replace("Z", "")[:26])
    if re.fullmatch(r"\d{15,20}", text):
        number = int(text)
        clocks = ((number >> 22) + 1288834974657, (number >> 32) * 1000, number >> 22)
        return any(abs(c / 1000 - moment.replace(tzinfo=UTC).timestamp()) < 2 for c in clocks)
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    words = re.findall(r"[a-z]+", text.lower())
    for shift in (-1, 0, 1):
        day = (moment + timedelta(days=shift)).date()
        named = any(w[:3] in (MONTHS[day.month - 1], MONTHS_ID[day.month - 1]) for w in words)
        years = [n for n in numbers if n > 31]
        if day.day in numbers and (named or day.month in numbers) and (not years or day.year in years or day.year % 100 in years):
            return True
    return False


@dataclass
class Said:
    """What the lines of a file say: per line its cells by header name."""

    cells: dict[int, dict[str, str]]
    body: int  # records that are neither header, title nor blank


def said(view: list[tuple[int, list[str]]], titled: bool) -> Said:
    """Header of a line: the first record of several cells; among titled blocks, the first behind a line of one cell or none."""
    cells: dict[int, dict[str, str]] = {}
    header: list[str] | None = None
    body = 0
    for line, record in view:
        filled = [c for c in record if c.strip()]
        if len(filled) < 2 and (header is None or not filled or len(record) == 1):
            header = None if titled and len(record) <= 2 else header
            continue
        if header is None:
            header = [normal(c) for c in record]
            continue
        body += 1
        cells[line] = {}
        for i, text in enumerate(record):
            cells[line].setdefault((header[i] if i < len(header) else "") or f"#{i}", text)
    return Said(cells, body)


GROUP = ("row_number", "dimension", "label", "label2", "metric")


def spread(rows: list[dict]) -> dict[str, str]:
    """Dimension -> label or label2, where one line has several of these: the header's own words, one to each cell."""
    found: dict[tuple[int, str, str], set[str]] = {}
    for row in rows:
        for name in ("label", "label2"):
            found.setdefault((row["row_number"], row.get("dimension", ""), name), set()).add(row.get(name, ""))
    return {dimension: name for (_, dimension, name), labels in found.items() if len(labels) > 1}


def wide(rows: list[dict], dimensions: dict[str, str]) -> dict[int, dict]:
    """Audience rows of one line joined: one value per metric, and per label where these are the header's words."""
    out: dict[int, dict] = {}
    for row in rows:
        row = dict(row)
        number = row.pop("row_number")
        if "metric" in row:
            metric, value = row.pop("metric"), row.pop("value", None)
            row.pop("unit", None)
            label = row.pop(dimensions.get(row.get("dimension", ""), ""), None)
            of = f" of {' '.join(label.split())}" if label else ""
            row |= {} if value is None else {f"metric {metric}{of}": value}
        out.setdefault(number, {}).update(row)
    return out


def explained(case: Case, mutant: Mutant, exports: list) -> str:
    """'' if the rows say just what the mutated file says, else what they say beyond it."""
    if mutant.view is None:
        return "the file is broken"
    titled = any(sum(map(bool, r)) < 2 for r in case.records)
    now, base = said(mutant.view, titled), said(list(zip(case.lines, case.records, strict=True)), titled)
    groups = Counter(tuple(r.get(n) for n in GROUP) for r in rows_of(exports) if "metric" in r)
    if twice := [g for g, n in groups.items() if n > 1]:
        return f"two values of one group: {twice[0]}"
    dimensions = spread(expected_rows(case))
    want, got = wide(expected_rows(case), dimensions), wide(rows_of(exports), dimensions)
    owner = _owners(base, want)
    pairs = [(n, r, v) for n, r in want.items() for v in r.values() if isinstance(v, str)]
    seen = {(h, c, v) for n, r, v in pairs for h, c in base.cells.get(n, {}).items()}
    blanked = any(m.code == "VALUE_BLANKED" for e in exports for m in e.messages)
    alone = {line: {"#": c[0]} for line, c in mutant.view if len(c) == 1 and c[0].strip()}  # values of a table one cell wide
    printed = {normal(c) for _, r in mutant.view for c in r} | {_label(r["label"]) for r in want.values() if "label" in r}
    is_renamed = [normal(c) for c in mutant.view[0][1]] != [normal(c) for c in case.records[0]] if mutant.view else True
    absent = {f for r in want.values() for f in r if is_renamed and not any(f in g for g in got.values())}
    for line, row in got.items():
        cells = now.cells.get(line) or alone.get(line)
        if cells is None:
            return f"row {line} is not in the file"
        changed, nearest = _nearest(cells, base, want)
        if "label" in row and "label" not in owner and _label(row["label"]) in printed:
            row |= {"label": nearest["label"]} if nearest else {}
            row = (
                row if nearest else {k: v for k, v in row.items() if k != "label"}
            )  # some tables have their labels in the header, or in none
        kept = {k: v for k, v in nearest.items() if k not in absent}
        problem = _row_problem(row, cells, owner, changed, kept, blanked, seen)
        if problem:
            return f"row {line}: {problem}"
    dropped = sum(n for e in exports for reason, n in e.dropped.items() if reason != "blank")
    if all(e.rows is not None for e in exports) and now.body > len(got) + dropped + _described(case):
        return f"{now.body} rows in the file, {len(got)} read, {dropped} dropped"
    return ""


def _label(text: str) -> str:
    return normal(re.sub(r" \([^()]*\)\Z", "", text)).removeprefix("-")


def _described(case: Case) -> int:
    return 1 if "legacy" in case.name else 0  # their second row describes the columns


def _owners(base: Said, want: dict[int, dict]) -> dict[str, set[str]]:
    """Field -> the headers in whose cells every expected value of it can be read."""
    fields = {f for r in want.values() for f in r}
    headers = {h for line in want for h in base.cells.get(line, {})}
    owner: dict[str, set[str]] = {}
    for name in fields:
        for header in headers:
            pairs = [(base.cells[n].get(header), r.get(name)) for n, r in want.items() if n in base.cells]
            if all((v is None and (t or "") in BLANK) or (t is not None and v is not None and legible(t, v)) for t, v in pairs):
                owner.setdefault(name, set()).add(header)
    return owner


def _nearest(cells: dict[str, str], base: Said, want: dict[int, dict]) -> tuple[set[str], dict]:
    """The sample's row that this one was made of, and the headers of the cells that differ."""
    best: tuple[set[str], dict] = (set(cells), {})
    for line, row in want.items():
        before = base.cells.get(line, {})
        differing = {h for h in set(cells) | set(before) if cells.get(h, "").strip() != before.get(h, "").strip()}
        if len(differing) < len(best[0]):
            best = differing, row
    return best


def _row_problem(row: dict, cells: dict, owner: dict, changed: set, nearest: dict, blanked: bool, seen: set) -> str:
    for name, value in row.items():
        own = owner.get(name, set())
        if any(h in cells and legible(cells[h], value) for h in own):
            continue
        if isinstance(value, str) and any((h, cells.get(h), value) in seen for h in own | set(cells)):
            continue  # a word of the platform, as in the sample
        if name in nearest and equal(nearest[name], value) and not (own and own <= changed and own & set(cells)):
            continue
        near = cells if name in ("caption", "label") else changed  # of two columns, or of the one that has a name
        if name.startswith("metric ") and own & set(cells):
            near = set()  # its own cell is there and says something else
        if any(legible(cells.get(h, ""), value) for h in near) or (name in LOOSE and changed):
            continue
        if name in ("handle", "platform_account_id", "period_start", "period_end", "value_scope", "dimension"):
            continue  # from the name, the folder or the title
        return f"{name}={value!r} is in no cell"
    for name, value in nearest.items():
        own = owner.get(name, set())
        if name in row or blanked:
            continue
        if not own and changed:
            continue
        if any(h not in cells or h in changed or cells[h].strip() in BLANK for h in own):
            continue
        return f"{name}={value!r} was lost"
    return ""


# derived from several columns: a changed cell may change them
LOOSE = ("post_type", "published_precision", "is_share", "status", "sla_class")


def judge(case: Case, mutant: Mutant, exports: list) -> tuple[str, str]:
    """exact | refused | other | wrong, and why."""
    found = rows_of(exports)
    if not found:
        return "refused", ",".join(sorted({m.code for e in exports for m in e.messages}))
    if is_exact(found, expected_rows(case)):
        return "exact", ""
    kept = {e.member for e in exports if e.rows is not None}
    some = [r for e in case.exports if e.get("member", "") in kept for r in e["rows"]]
    if len(kept) < len(case.exports) and is_exact(found, some):
        return "exact", "other tables of the file refused"
    if mutant.same:
        return "wrong", "other rows than the sample's"
    problem = differs_widely(case, exports) if mutant.one_place else explained(case, mutant, exports)
    return ("wrong", problem) if problem else ("other", difference(case, exports))


def differs_widely(case: Case, exports: list) -> str:
    """'' if the rows differ from the sample's in one cell, or in one field of every row; else how."""
    want, got = (
        [{k: v for k, v in r.items() if k != "handle"} for r in rows] for rows in (expected_rows(case), rows_of(exports))
    )
    if len(want) != len(got):
        return difference(case, exports)
    places = [
        (row, name)
        for row, (one, other) in enumerate(zip(want, got, strict=True))
        for name in one.keys() | other.keys()
        if not equal(one.get(name), other.get(name))
    ]
    return difference(case, exports) if len(places) > 1 and len({name for _, name in places}) > 1 else ""


def difference(case: Case, exports: list) -> str:
    """How the rows of a mutant differ from the sample's, for a person who wants to see that they say what the file says."""
    dimensions = spread(expected_rows(case))
    want, got = wide(expected_rows(case), dimensions), wide(rows_of(exports), dimensions)
    said = [f"{len(want)} -> {len(got)} rows"] if len(want) != len(got) else []
    for line in sorted(want.keys() & got.keys()):
        for name in sorted(want[line].keys() | got[line].keys()):
            before, after = want[line].get(name), got[line].get(name)
            if not equal(before, after):
                said.append(f"{line} {name}: {before!r} -> {after!r}")
    return "; ".join(said[:6]) + (f"; and {len(said) - 6} more" if len(said) > 6 else "")


# --- running


def mutants(count: int, seed: int = 0) -> Iterator[tuple[str, Case, Mutant]]:
    """``count`` mutants: every mutator in turn, each on samples drawn at random but the same ones for a seed."""
    pool = cases()
    text = [c for c in pool if c.encoding]
    names = sorted(MUTATORS)
    made = turn = 0
    while made < count:
        name = names[turn % len(names)]
        rng = random.Random(f"{seed} {turn}")
        case = rng.choice(pool if name in BINARY else text)
        turn += 1
        mutant = MUTATORS[name](case, rng)
        if mutant is not None and mutant.data != case.data:
            made += 1
            yield name, case, mutant


@dataclass
class Result:
    classes: dict[str, Counter]
    wrong: list[tuple[str, str, str, bytes]]
    others: list[tuple[str, str, str]] = field(default_factory=list)

    def text(self) -> str:
        lines = [f"{'':52}{'exact':>7}{'refused':>9}{'other':>7}{'wrong':>7}"]
        for name, n in [*sorted(self.classes.items()), ("all", sum(self.classes.values(), Counter()))]:
            lines.append(f"{name:52}{n['exact']:7}{n['refused']:9}{n['other']:7}{n['wrong']:7}")
        return "\n".join(lines)


def run(count: int, seed: int = 0) -> Result:
    classes: dict[str, Counter] = {name: Counter() for name in sorted(MUTATORS)}
    wrong, others = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, case, mutant in mutants(count, seed):
            path = Path(folder) / mutant.name
            path.write_bytes(mutant.data)
            verdict, why = judge(case, mutant, read(path, **case.options))
            classes[name][verdict] += 1
            if verdict == "wrong":
                wrong.append((name, case.name, why, mutant.data))
            elif verdict == "other":
                others.append((name, case.name, why))
    return Result(classes, wrong, others)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("count", nargs="?", type=int, default=500, help="mutants")
    options.add_argument("seed", nargs="?", type=int, default=0, help="another seed draws other mutants")
    options.add_argument("--others", type=int, default=0, help="show so many of the mutants that are another sound file")
    given = options.parse_args()
    result = run(given.count, given.seed)
    print(result.text())
    for name, sample, why, _ in result.wrong[:60]:
        print(f"wrong: {name} | {sample} | {why}")
    shown = random.Random(given.seed).sample(result.others, min(given.others, len(result.others)))
    for name, sample, why in shown:
        print(f"other: {name} | {sample} | {why}")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
