"""Reads one workbook in a process of its own, with limits on memory and time. Run as a script; imports nothing of this package.

stdin: the bytes. argv: container (xlsx | xls | spreadsheetml), row limit, cell limit. stdout: a line with one JSON object
``{"sheets": [{name, hidden, hidden_rows, hidden_columns, merges, rows: [numbers, letters, texts]}], "epoch_1904": bool}``
or ``{"refused": [code, place, seen]}``. A sheet that is damaged in itself is ``{name, refused: [code, place, seen]}`` beside its
sound neighbours; what concerns the package, or the table of texts that all sheets share, refuses the workbook.
Of each row: its number, a letter per cell, and a list of texts or one text in which DEL parts the cells. ``texts`` is a list
of these, or a number: so many bytes behind the line are theirs, in which RS parts the rows (as JSON they would take a third
as long as reading them). The letter of a cell: s text, n number, p percent number, d date-time, t time of day or duration (a
fraction of a day), b boolean, e error, f formula without a stored value, a space for an empty cell. Inside this module a cell
is its text behind its letter, and "" if it is empty.
"""

import contextlib
import gc
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict
from xml.parsers import expat

Attributes = dict[str, str]
Texts = str | list[str]  # of one row's cells
Row = tuple[int, str, Texts]  # its number, a letter per cell, the texts

MEMORY = 1536 * 1024 * 1024
SECONDS = 50
BUILTIN_DATES = {*range(14, 18), 22, *range(27, 32), 34, 35, 36, *range(50, 59)}
BUILTIN_TIMES = {18, 19, 20, 21, 32, 33, 45, 46, 47}


class Read(TypedDict, total=False):
    """One sheet. `rows` is a list of `Row`, and in the answer the columns of them; of a damaged one only name and `refused`."""

    name: str
    hidden: bool
    hidden_rows: bool
    hidden_columns: bool
    merges: list[str]
    rows: list[Any]
    refused: Sequence[str]


class Stop(Exception):
    """A refusal: code, place, seen."""


class Shared(Stop):
    """A refusal that a sheet cannot keep to itself: what is at fault may serve its neighbours too."""


DAMAGE = (ValueError, LookupError, OverflowError)  # parts that do not fit together: a damaged file, not a mistake of ours


def refusal(error: Exception) -> list[Any]:
    """A refusal as it is handed over: code, place, seen."""
    return list(error.args) if isinstance(error, Stop) else ["UNREADABLE_CELL", "", f"{type(error).__name__}: {error}"]


def limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit remains
        return
    for kind, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or hard >= value:
            resource.setrlimit(kind, (value, hard))


def local(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def parse(
    data: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Run expat over ``data`` with handlers that get local names; a document type is never allowed."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 65536

    def doctype(*_: object) -> None:
        raise Shared("ACTIVE_CONTENT", "", "DTD")

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler = lambda name, attributes: start(local(name), attributes)
    if end:
        parser.EndElementHandler = lambda name: end(local(name))
    if text:
        parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise Stop("UNREADABLE_CELL", f"line {error.lineno}", "XML") from error


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def packed(number: int, line: Sequence[str]) -> Row:
    """A row as it is handed over: number, one letter per cell, texts."""
    return number, "".join([c[:1] or " " for c in line]), joined([c[1:] for c in line])


def joined(texts: list[str]) -> Texts:
    """The texts in one, which is handed over in half the time; as they are if one of them holds what parts them."""
    together = SEPARATOR.join(texts)
    return together if together.count(SEPARATOR) == len(texts) - 1 else texts


def columns(rows: Sequence[Row], behind: list[bytes]) -> list[Any]:
    """Rows as they are handed over: numbers, letters, texts. Texts in which nothing else parts rows go ``behind``."""
    if not rows:
        return [[], [], []]
    numbers, letters, texts = map(list, zip(*rows, strict=True))
    if all(type(t) is str for t in texts):
        together = ROWS_APART.join(texts)
        with contextlib.suppress(UnicodeEncodeError):  # half of a pair, which Excel may write as _xD83D_
            if together.count(ROWS_APART) == len(texts) - 1:
                behind.append(together.encode())
                return [numbers, letters, len(behind[-1])]
    return [numbers, letters, texts]


SEPARATOR = "\x7f"
ROWS_APART = "\x1e"
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})\Z")


def serial_date(value: str, epoch_1904: bool) -> str:
    """Excel serial number to text. Serial 60 is a day that never was, and before it all days are one off."""
    days = float(value)
    if days < 0 or days > 2958466:
        return "n" + value
    base = datetime(1904, 1, 1) if epoch_1904 else (datetime(1899, 12, 30) if days >= 60 else datetime(1899, 12, 31))
    moment = base + timedelta(seconds=round(days * 86400))
    return "d" + moment.isoformat()


def format_kind(code: str) -> str:
    plain = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', "", code, flags=re.I).lower()
    if "%" in plain:
        return "p"
    if re.search(r"[dy]", plain) or re.search(r"mmm", plain):
        return "d"
    if re.search(r"[hs]", plain):
        return "t"
    return "n"


def read_styles(data: bytes) -> list[str]:
    """Kind of number (n, p, d, t) for each cell style index."""
    custom: dict[int, str] = {}
    kinds: list[str] = []
    state = {"in": False}

    def start(name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            custom[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            state["in"] = True
        elif name == "xf" and state["in"]:
            number = int(attributes.get("numFmtId", 0))
            if number in custom:
                kinds.append(format_kind(custom[number]))
            else:
                builtin = "d" if number in BUILTIN_DATES else "t" if number in BUILTIN_TIMES else "n"
                kinds.append("p" if number in (9, 10) else builtin)

    def end(name: str) -> None:
        if name == "cellXfs":
            state["in"] = False

    parse(data, start, end)
    return kinds


def read_strings(data: bytes) -> list[str]:
    """The shared strings: rich text runs joined, phonetic hints left out."""
    strings: list[str] = []
    state: dict[str, Any] = {"buffer": [], "take": False, "phonetic": 0}

    def start(name: str, attributes: Attributes) -> None:
        if name == "si":
            state["buffer"] = []
        elif name == "rPh":
            state["phonetic"] += 1
        elif name == "t":
            state["take"] = not state["phonetic"]

    def end(name: str) -> None:
        if name == "si":
            strings.append(unescape("".join(state["buffer"])))
        elif name == "rPh":
            state["phonetic"] -= 1
        elif name == "t":
            state["take"] = False

    def text(value: str) -> None:
        if state["take"]:
            state["buffer"].append(value)

    parse(data, start, end, text)
    return strings


def unescape(text: str) -> str:
    """Excel writes control characters as _x000D_."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text)


class Sheet:
    """Collects the cells of one worksheet."""

    def __init__(self, strings: list[str], kinds: list[str], epoch_1904: bool, max_rows: int, max_cells: int) -> None:
        self.strings, self.kinds, self.epoch_1904 = strings, kinds, epoch_1904
        self.max_rows, self.max_cells = max_rows, max_cells
        self.rows: list[Row] = []
        self.cells: dict[int, str] = {}
        self.widest = 0
        self.hidden_rows = self.hidden_columns = False
        self.merges: list[str] = []
        self.row = self.column = 0
        self.attributes: Attributes = {}
        self.inline: list[str] = []
        self.value: list[str] | None = []
        self.formula = self.in_value = self.in_inline = False
        self.phonetic = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self.open_cell(attributes)
        elif name == "v":
            self.in_value, self.value = True, []
        elif name == "f":
            self.formula = True
        elif name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column, self.cells = 0, {}
            if attributes.get("hidden") in ("1", "true"):
                self.hidden_rows = True
            if self.row > self.max_rows:
                raise Stop("TOO_LARGE", f"row {self.row}", f"> {self.max_rows} rows")
        elif name == "t" and not self.phonetic:
            self.in_inline = True
        elif name == "rPh":
            self.phonetic += 1
        elif name == "mergeCell":
            self.merges.append(attributes.get("ref", ""))
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            self.hidden_columns = True

    def open_cell(self, attributes: Attributes) -> None:
        found = REFERENCE.match(attributes.get("r", ""))
        if found:
            self.column = column_number(found[1])
            if int(found[2]) != self.row:
                raise Stop("UNREADABLE_CELL", attributes["r"], f"row {self.row}")
        else:
            self.column += 1
        if self.column in self.cells or self.column > 16384:
            raise Stop("UNREADABLE_CELL", attributes.get("r", ""), "cell twice")
        self.attributes, self.value, self.formula = attributes, None, False
        self.inline = []

    def text(self, value: str) -> None:
        if self.in_value and self.value is not None:
            self.value.append(value)
        elif self.in_inline:
            self.inline.append(value)

    def end(self, name: str) -> None:
        if name == "c":
            cell = self.close_cell()
            if cell:
                self.cells[self.column] = cell
        elif name == "v":
            self.in_value = False
        elif name == "t":
            self.in_inline = False
        elif name == "rPh":
            self.phonetic -= 1
        elif name == "row" and self.cells:
            width = max(self.cells)
            self.widest = max(self.widest, width)
            if self.widest * self.row > self.max_cells:
                raise Stop("TOO_LARGE", f"row {self.row}", f"> {self.max_cells} cells")
            line = [""] * width
            for column, cell in self.cells.items():
                line[column - 1] = cell
            self.rows.append(packed(self.row, line))

    def close_cell(self) -> str:
        kind = self.attributes.get("t", "n")
        if kind == "inlineStr":
            return "s" + unescape("".join(self.inline)) if self.inline else ""
        value = None if self.value is None else "".join(self.value)
        if value is None or (value == "" and kind != "str"):
            return "f" if self.formula else ""
        if kind == "s":
            if not (value.isascii() and value.isdigit()):  # int() would take 1_0
                raise Stop("UNREADABLE_CELL", self.attributes.get("r", ""), value[:20])
            index = int(value)
            if index >= len(self.strings):
                raise Shared("UNREADABLE_CELL", self.attributes.get("r", ""), "shared string")
            return "s" + self.strings[index] if self.strings[index] else ""
        if kind in ("str", "d"):
            return ("s" if kind == "str" else "d") + unescape(value) if value else ("f" if self.formula else "")
        if kind in ("e", "b"):
            return kind + value
        return self.number(value)

    def number(self, value: str) -> str:
        style = int(self.attributes.get("s", 0))
        kind = self.kinds[style] if style < len(self.kinds) else "n"
        if not NUMBER.match(value):  # float() would take nan, inf and 1_000 as well
            raise Stop("UNREADABLE_CELL", self.attributes.get("r", ""), value[:20])
        if kind == "d":
            return serial_date(value, self.epoch_1904)
        return kind + value


def read_sheet(data: bytes, strings: list[str], kinds: list[str], epoch_1904: bool, max_rows: int, max_cells: int) -> Sheet:
    """One worksheet: its rows as a whole where they are written the plain way, else cell by cell by expat, the oracle."""
    if len(data) > QUICK_FROM and (sheet := quick_sheet(data, strings, kinds, epoch_1904, max_rows, max_cells)):
        return sheet
    sheet = Sheet(strings, kinds, epoch_1904, max_rows, max_cells)
    parse(data, sheet.start, sheet.end, sheet.text)
    return sheet


# --- the plain way: rows of one shape are one regular expression. Whatever does not fit gives None, never another answer.
# The rest of the sheet, without its rows, goes through expat as ever.

QUICK_FROM = 64 * 1024
SHAPES = 64  # row shapes that get an expression of their own
ATTRIBUTES = r'((?: [A-Za-z][A-Za-z0-9:]*="[^"<&\x80-\xff]*")*)'
ROW = re.compile(rf'<row r="([1-9][0-9]{{0,6}})"{ATTRIBUTES}(/?)>')
CELL = re.compile(
    r'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"((?: s="[0-9]{1,5}")?(?: t="(?:s|n|str|b|e|inlineStr)")?)'
    r'(?:( ?/>|></c>)|><v>([^<]*)</v></c>|><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>)'
)
DECLARED = re.compile(
    r'(?:<\?xml version="1\.0"(?: encoding="(?:UTF-8|utf-8)")?(?: standalone="(?:yes|no)")?\s?\?>\s*)?<worksheet[ >]'
)
ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
UNUSUAL = bytes([*range(9), 11, 12, 13, *range(14, 32)])  # no XML, or line ends that a parser changes


class Unusual(Exception):
    """Something for expat to judge."""


def quick_sheet(
    data: bytes, strings: list[str], kinds: list[str], epoch_1904: bool, max_rows: int, max_cells: int
) -> Sheet | None:
    """The sheet, if every byte of it is one of the few ways in which programs write plain rows; else None."""
    if any(pair[-1:] in data and pair in data for pair in (b"]]", b"<!", b"\xef\xbf")):
        return None
    if len(data.translate(None, UNUSUAL)) != len(data):
        return None
    text = data.decode("latin-1")  # a byte per character: cells that are more than ASCII are decoded one by one
    start, stop = text.find("<sheetData>"), text.rfind("</sheetData>")
    if text.count("sheetData") != 2 or not 0 <= start < stop or not DECLARED.match(text):
        return None
    sheet = Sheet(strings, kinds, epoch_1904, max_rows, max_cells)
    start += len("<sheetData>")
    parse(data[:start] + data[stop:], sheet.start, sheet.end, sheet.text)
    if sheet.row or sheet.attributes or sheet.inline or sheet.formula or sheet.value != []:
        return None  # a cell outside the rows
    try:
        QuickRows(sheet).read(text, start, stop)
    except (Unusual, UnicodeDecodeError):
        return None
    return sheet


class Shape:
    """Rows whose cells lie in the same columns with the same attributes."""

    def __init__(self, pattern: str, cells: Sequence[tuple[int, str, str]]) -> None:
        self.pattern = re.compile(pattern)
        self.columns = [column for column, _, _ in cells]
        self.marks = [letter for _, letter, _ in cells]
        self.width = max(self.columns, default=0)
        self.is_dense = self.columns == list(range(1, self.width + 1))
        self.special = [(place, letter, how) for place, (_, letter, how) in enumerate(cells) if how != "text"]
        letters = [" "] * self.width
        for column, letter, _ in cells:
            letters[column - 1] = letter
        self.letters = "".join(letters)


class QuickRows:
    """Reads plain rows into a sheet; raises Unusual."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.shapes: list[Shape] = []  # the last that fitted first
        self.known_attributes: dict[str, bool] = {}
        self.dates: dict[str, str] = {}

    def read(self, text: str, position: int, stop: int) -> None:
        while position < stop:
            for place, shape in enumerate(self.shapes):  # noqa: B007 - used below
                if found := shape.pattern.match(text, position, stop):
                    break
            else:
                shape, place = self.learn(text, position, stop), 0
                found = shape.pattern.match(text, position, stop)
                self.shapes = [shape, *self.shapes[: SHAPES - 1]]
                if not found:
                    raise Unusual
            if place:
                self.shapes.insert(0, self.shapes.pop(place))
            number, attributes, *values = found.groups()
            self.open_row(int(number), attributes)
            if values:
                self.add(int(number), shape, values, text[position : found.end()])
            position = found.end()

    def learn(self, text: str, position: int, stop: int) -> Shape:
        """The shape of the row that starts here."""
        opened = ROW.match(text, position, stop)
        if not opened:
            raise Unusual
        if opened[3]:
            return Shape(rf'<row r="([1-9][0-9]{{0,6}})"{ATTRIBUTES}/>', [])
        cells: list[tuple[int, str, str]] = []
        pattern, last = [rf'<row r="([1-9][0-9]{{0,6}})"{ATTRIBUTES}>'], 0
        position = opened.end()
        while found := CELL.match(text, position, stop):
            letters, row, given, empty, _, inline = found.groups()
            column = column_number(letters)
            if row != opened[1] or column <= last or column > 16384:
                raise Unusual
            last, position = column, found.end()
            body = re.escape(empty) if empty else VALUE if inline is None else INLINE
            pattern.append(rf'<c r="{letters}\1"{re.escape(given)}{body}')
            if not empty:
                cells.append((column, *self.kind(given, inline is not None)))
        return Shape("".join([*pattern, "</row>"]), cells)

    def kind(self, given: str, is_inline: bool) -> tuple[str, str]:
        """Letter and way of reading of a cell with these attributes."""
        named, style = re.search(r't="(\w+)"', given), re.search(r's="([0-9]+)"', given)
        kind = named[1] if named else "n"
        if is_inline != (kind == "inlineStr"):
            raise Unusual
        if kind in ("str", "inlineStr"):
            return "s", "text"
        if kind in ("e", "b"):
            return kind, "mark"
        if kind == "s":
            return "s", "shared"
        place = int(style[1]) if style else 0
        letter = self.sheet.kinds[place] if place < len(self.sheet.kinds) else "n"
        return letter, "date" if letter == "d" else "number"

    def open_row(self, number: int, attributes: str) -> None:
        if number > self.sheet.max_rows:
            raise Unusual
        if attributes not in self.known_attributes:
            pairs = re.findall(r' ([A-Za-z0-9:]+)="([^"]*)"', attributes)
            names = {local(name) for name, _ in pairs} | {"r"}
            if len(names) != len(pairs) + 1:
                raise Unusual
            self.known_attributes[attributes] = dict(pairs).get("hidden") in ("1", "true")
        self.sheet.hidden_rows |= self.known_attributes[attributes]

    def add(self, number: int, shape: Shape, values: list[str], row: str) -> None:
        if not row.isascii():
            values = [v if v.isascii() else v.encode("latin-1").decode() for v in values]
        if "&" in row:
            values = [decoded(v) if "&" in v else v for v in values]
        if "_x" in row:
            values = [unescape(v) if mark == "s" else v for v, mark in zip(values, shape.marks, strict=True)]
        marks = shape.marks
        for place, letter, how in shape.special:
            if value := values[place]:
                made = self.cell(letter, how, value)
                values[place] = made[1:]
                if made[:1] != letter:
                    marks = [*marks[:place], made[:1], *marks[place + 1 :]]
        if marks is shape.marks and "" not in values:
            texts = values
            if not shape.is_dense:
                texts = [""] * shape.width
                for column, value in zip(shape.columns, values, strict=True):
                    texts[column - 1] = value
            self.keep(number, shape.letters, joined(texts))
            return
        line = [""] * shape.width
        for column, mark, value in zip(shape.columns, marks, values, strict=True):
            line[column - 1] = mark + value if value else ""
        while line and not line[-1]:
            line.pop()
        if line:
            self.keep(*packed(number, line))

    def keep(self, number: int, letters: str, texts: Texts) -> None:
        sheet = self.sheet
        sheet.widest = max(sheet.widest, len(letters))
        if sheet.widest * number > sheet.max_cells:
            raise Unusual
        sheet.rows.append((number, letters, texts))

    def cell(self, letter: str, how: str, value: str) -> str:
        """A cell that is more than its text, behind its letter."""
        if how == "mark":
            return letter + value
        if how == "shared":
            if not value.isascii() or not value.isdigit() or int(value) >= len(self.sheet.strings):
                raise Unusual
            text = self.sheet.strings[int(value)]
            return "s" + text if text else ""
        if not PLAIN_NUMBER.match(value):
            raise Unusual
        if how == "number":
            return letter + value
        if value not in self.dates:
            self.dates[value] = serial_date(value, self.sheet.epoch_1904)
        return self.dates[value]


VALUE = "><v>([^<]*)</v></c>"
INLINE = '><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>'


def decoded(text: str) -> str:
    """Text with its entities replaced; Unusual if there is another than the plain ones."""

    def letter(found: re.Match[str]) -> str:
        name, decimal, hexadecimal = found.groups()
        if name:
            return ENTITIES[name]
        code = int(decimal) if decimal else int(hexadecimal, 16)
        if not (code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000):
            raise Unusual
        return chr(code)

    plain, count = ENTITY.subn(letter, text)
    if count != text.count("&"):
        raise Unusual
    return plain


def read_relations(data: bytes) -> dict[str | None, str]:
    targets: dict[str | None, str] = {}

    def start(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            targets[attributes.get("Id")] = attributes.get("Target", "")

    parse(data, start)
    return targets


def read_workbook_list(data: bytes) -> tuple[list[tuple[str, str, bool]], bool]:
    sheets: list[tuple[str, str, bool]] = []
    state = {"epoch": False}

    def start(name: str, attributes: Attributes) -> None:
        if name == "workbookPr":
            state["epoch"] = attributes.get("date1904") in ("1", "true")
        elif name == "sheet":
            relation = next((v for k, v in attributes.items() if local(k) == "id"), "")
            sheets.append((attributes.get("name", ""), relation, attributes.get("state", "visible") != "visible"))

    parse(data, start)
    return sheets, state["epoch"]


def xlsx_sheet(name: str, hidden: bool, data: bytes, *around: Any) -> Read:
    """One worksheet as it is handed over, or its refusal."""
    try:
        sheet = read_sheet(data, *around)
    except Shared:
        raise
    except (Stop, *DAMAGE) as error:
        return {"name": name, "refused": refusal(error)}
    return {
        "name": name,
        "hidden": hidden,
        "hidden_rows": sheet.hidden_rows,
        "hidden_columns": sheet.hidden_columns,
        "merges": sheet.merges,
        "rows": sheet.rows,
    }


def read_xlsx(data: bytes, max_rows: int, max_cells: int) -> dict[str, Any]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        raise Stop("WRONG_TYPE", "", "no xl/workbook.xml")
    listed, epoch = read_workbook_list(archive.read("xl/workbook.xml"))
    relations = read_relations(archive.read("xl/_rels/workbook.xml.rels")) if "xl/_rels/workbook.xml.rels" in names else {}
    strings = read_strings(archive.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
    kinds = read_styles(archive.read("xl/styles.xml")) if "xl/styles.xml" in names else []
    sheets: list[Read] = []
    for name, relation, hidden in listed:
        target = relations.get(relation, "")
        path = target.lstrip("/") if target.startswith("/") else "xl/" + target
        if "worksheets/" not in path or path not in names:
            continue  # chart sheets hold no cells
        sheets.append(xlsx_sheet(name, hidden, archive.read(path), strings, kinds, epoch, max_rows, max_cells))
    return {"sheets": sheets, "epoch_1904": epoch}


NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")


def xls_sheet(book: Any, name: str, max_rows: int, max_cells: int) -> Read:
    """One sheet of a BIFF workbook as it is handed over, or its refusal."""
    loaded = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    if loaded.total_height > max_rows or loaded.total_height * loaded.width > max_cells:
        return {"name": name, "refused": ["TOO_LARGE", "", f"{loaded.total_height} x {loaded.width}"]}
    rows = []
    columns = [column.to_pylist() for column in loaded.to_arrow().columns]
    for index, row in enumerate(zip(*columns, strict=True), start=1):
        cells = ["" if c in (None, "") else ("n" if NUMBER.match(c) else "s") + c for c in row]
        if any(cells):
            rows.append(packed(index, cells))
    hidden = loaded.visible != "visible"
    return {"name": name, "hidden": hidden, "hidden_rows": False, "hidden_columns": False, "merges": [], "rows": rows}


def read_xls(data: bytes, max_rows: int, max_cells: int) -> dict[str, Any]:
    """A BIFF workbook. The library gives text only, so what looks like a number is taken to be a numeric cell."""
    import fastexcel

    try:
        book = fastexcel.read_excel(data)
    except Exception as error:
        said = str(error)
        raise Stop("ENCRYPTED_OR_XLS", "", "password" if "password" in said.casefold() else said[:40]) from error
    sheets = [xls_sheet(book, name, max_rows, max_cells) for name in book.sheet_names]
    return {"sheets": sheets, "epoch_1904": False}


class SpreadsheetML:
    """Excel 2003 XML: ``ss:Index`` can skip rows and cells. What is wrong with a sheet ends the reading of that sheet."""

    def __init__(self, max_rows: int, max_cells: int) -> None:
        self.max_rows, self.max_cells = max_rows, max_cells
        self.sheets: list[Read] = []
        self.cells: dict[int, str] = {}
        self.row = self.column = self.widest = 0
        self.data: list[str] | None = None
        self.kind = "String"

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Worksheet" or not self.is_refused():
            self.or_refused(self.opened, name, attributes)

    def end(self, name: str) -> None:
        if not self.is_refused():
            self.or_refused(self.closed, name)

    def is_refused(self) -> bool:
        return bool(self.sheets) and "refused" in self.sheets[-1]

    def or_refused(self, step: Callable[..., None], *arguments: object) -> None:
        """Take a step; a sheet that it stumbles over is refused, and nothing more of it is kept."""
        try:
            step(*arguments)
        except (Stop, *DAMAGE) as error:
            if not self.sheets:
                raise
            self.sheets[-1] = {"name": self.sheets[-1]["name"], "refused": refusal(error)}
            self.data, self.cells = None, {}

    def opened(self, name: str, attributes: Attributes) -> None:
        plain = {local(k): v for k, v in attributes.items()}
        if name == "Worksheet":
            name = plain.get("Name", "")
            self.sheets.append(
                {"name": name, "hidden": False, "hidden_rows": False, "hidden_columns": False, "merges": [], "rows": []}
            )
            self.row = self.widest = 0
        elif name == "Row":
            self.row = int(plain.get("Index", self.row + 1))
            self.column, self.cells = 0, {}
            self.sheets[-1]["hidden_rows"] |= plain.get("Hidden") == "1"
            if self.row > self.max_rows:
                raise Stop("TOO_LARGE", f"row {self.row}", f"> {self.max_rows} rows")
        elif name == "Cell":
            self.column = int(plain.get("Index", self.column + 1))
            if int(plain.get("MergeAcross", 0)) or int(plain.get("MergeDown", 0)):
                self.sheets[-1]["merges"].append(f"{self.row}:{self.column}")
        elif name == "Data":
            self.kind, self.data = plain.get("Type", "String"), []

    def text(self, value: str) -> None:
        if self.data is not None:
            self.data.append(value)

    def closed(self, name: str) -> None:
        if name == "Data":
            value = "".join(self.data or [])
            letter = {"Number": "n", "DateTime": "d", "Boolean": "b", "Error": "e"}.get(self.kind, "s")
            if letter == "n" and value and not NUMBER.match(value):
                raise Stop("UNREADABLE_CELL", f"{self.row}:{self.column}", value[:20])
            if value:
                self.cells[self.column] = letter + value
            self.data = None
        elif name == "Row" and self.cells:
            width = max(self.cells)
            self.widest = max(self.widest, width)
            if width > 16384 or self.widest * self.row > self.max_cells:
                raise Stop("TOO_LARGE", f"row {self.row}", f"> {self.max_cells} cells")
            line = [""] * width
            for column, cell in self.cells.items():
                line[column - 1] = cell
            self.sheets[-1]["rows"].append(packed(self.row, line))


def read_spreadsheetml(data: bytes, max_rows: int, max_cells: int) -> dict[str, Any]:
    """A seen file holds an invalid UTF-8 byte, so text is decoded with replacement before it is parsed."""
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-8", "replace").lstrip("\ufeff").encode()
    reader = SpreadsheetML(max_rows, max_cells)
    parse(data.lstrip(), reader.start, reader.end, reader.text)
    return {"sheets": reader.sheets, "epoch_1904": False}


def answer(kind: str, data: bytes, max_rows: int, max_cells: int) -> dict[str, Any]:
    """The sheets, or the refusal of the workbook as a whole."""
    try:
        return {"xlsx": read_xlsx, "xls": read_xls, "spreadsheetml": read_spreadsheetml}[kind](data, max_rows, max_cells)
    except (Stop, *DAMAGE, zipfile.BadZipFile) as error:
        return {"refused": refusal(error)}


def main() -> None:
    kind, max_rows, max_cells = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limit_resources()
    data = sys.stdin.buffer.read()
    gc.disable()  # what is read is handed over as a whole
    found = answer(kind, data, max_rows, max_cells)
    behind: list[bytes] = []
    for sheet in found.get("sheets", ()):
        if "refused" not in sheet:
            sheet["rows"] = columns(sheet["rows"], behind)
    sys.stdout.buffer.write(json.dumps(found).encode() + b"\n")
    for block in behind:
        sys.stdout.buffer.write(block)


if __name__ == "__main__":
    main()
