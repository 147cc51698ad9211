"""Bytes to text to records: strict UTF-8 or a BOM, and an RFC 4180 tokeniser that accepts no damage.

What :mod:`pipeline.exports.proof` claims about a file must equal what the tokeniser says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pipeline.exports.messages import Refused

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
DELIMITERS = (",", ";", "\t")
IN_A_LETTER = "cut inside a character"
SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace())  # what Python strips
SEP_LINE = re.compile(r'"?sep=([^\r\n]?)"?[,;\t"]*(\r\n|\n|\r|\Z)', re.I)


def decode(data: bytes, legacy: str | None = None) -> str:
    """Text without its BOM. Strict; ``legacy`` is a code page that only a format may ask for."""
    encoding, before = "utf-8", 0
    for bom, name in BOMS:
        if data.startswith(bom):
            data, encoding, legacy, before = data[len(bom) :], name, None, len(bom)
            break
    else:
        if b"\x00" in data:
            _refuse_zeros(data)
    try:
        text = data.decode(legacy or encoding)
    except UnicodeDecodeError as error:
        place = f"byte {before + error.start}"
        if legacy is None and ("unexpected end" in error.reason or error.reason == "truncated data"):
            raise Refused("TRUNCATED", place=place, seen=IN_A_LETTER) from error
        raise Refused("ENCODING", place=place, seen=data[error.start : error.start + 4].hex(" ")) from error
    if "\x00" in text:
        raise Refused("NUL_BYTES", place=f"byte {before + len(text[: text.index(chr(0))].encode(encoding))}")
    if not text.strip("\ufeff \t\r\n"):
        raise Refused("EMPTY", seen=f"{len(data)} byte")
    return text.removeprefix("\ufeff")


def _refuse_zeros(data: bytes) -> None:
    head = data[:2000]
    evens, odds = head[0::2].count(0), head[1::2].count(0)
    if max(evens, odds) > 0.3 * (len(head) / 2) and min(evens, odds) < 0.1 * (len(head) / 2):
        raise Refused("ENCODING", place="byte 0", seen="UTF-16 without BOM")
    raise Refused("NUL_BYTES", place=f"byte {data.index(0)}")


@dataclass(frozen=True)
class Dialect:
    """How the records of a text are separated. ``row_end`` is LF, CRLF or CR; ``first_line`` numbers its first record."""

    delimiter: str
    row_end: str = "\n"
    start: int = 0  # offset of the first record (behind a sep= line)
    first_line: int = 1


def sep_line(text: str) -> tuple[str | None, int]:
    """The delimiter that a leading ``sep=`` line declares, and the offset behind that line (0 if there is none)."""
    found = SEP_LINE.match(text)
    if not found:
        return None, 0
    return (found[1] or None), found.end()


def dialect(text: str, delimiter: str) -> Dialect:
    """The dialect of a text under a delimiter: skips ``sep=``, and takes the row end from the first record."""
    _, start = sep_line(text)
    return Dialect(delimiter, _row_end(text, delimiter, start), start, 1 + (1 if start else 0))


def _row_end(text: str, delimiter: str, start: int) -> str:
    if "\r" not in text:
        return "\n"
    pattern = _field(delimiter)
    position = start
    while found := pattern.match(text, position):
        if found[2] != delimiter:
            return found[2] or "\n"
        position = found.end()
    return "\r\n" if "\r\n" in text else ("\n" if "\n" in text else "\r")


def _field(delimiter: str) -> re.Pattern[str]:
    """One field and what ends it: group 1 its raw text (with quotes), group 2 the delimiter, a line end or nothing."""
    d = re.escape(delimiter)
    return re.compile(rf'("(?:[^"]++|"")*+"|[^"{d}\r\n]*+)({d}|\r\n|\n|\r|\Z)')


def tokenise(text: str, how: Dialect, max_field: int = 1024 * 1024) -> Iterator[tuple[int, list[str]]]:
    """Records with the physical line each starts on. A blank line gives ``[""]``.

    Raises Refused: BAD_STRUCTURE for a quote inside an unquoted field, text after a closing quote, mixed row ends;
    a quote that is never closed is TRUNCATED if the text ends inside it without a line end, else BAD_STRUCTURE.
    """
    delimiter, end = how.delimiter, how.row_end
    foreign = [c for c in "\r\n" if c in text and c not in end] if end != "\r\n" else None
    counter = "\r" if end == "\r" else "\n"
    pattern = _field(delimiter)
    position, line, size = how.start, how.first_line, len(text)
    while position < size:
        stop = text.find(end, position)
        chunk = text[position:stop] if stop >= 0 else text[position:]
        if '"' not in chunk:
            if (foreign is None and ("\r" in chunk or "\n" in chunk)) or (foreign and any(c in chunk for c in foreign)):
                raise Refused("BAD_STRUCTURE", place=f"baris/line {line}", seen="mixed line ends")
            cells = chunk.split(delimiter)
            position = stop + len(end) if stop >= 0 else size
            yield line, cells
            line += 1
        else:
            cells, next_position = _quoted(text, position, line, pattern, how)
            yield line, cells
            line += text.count(counter, position, next_position)
            position = next_position
        if len(chunk) > max_field and any(len(c) > max_field for c in cells):
            raise Refused("TOO_LARGE", place=f"baris/line {line}", seen=f"field > {max_field}")


def _quoted(text: str, position: int, line: int, pattern: re.Pattern[str], how: Dialect) -> tuple[list[str], int]:
    cells: list[str] = []
    while True:
        found = pattern.match(text, position)
        if found is None:
            raise _broken(text, position, line)
        raw = found[1]
        cells.append(raw[1:-1].replace('""', '"') if raw[:1] == '"' else raw)
        position = found.end()
        if found[2] != how.delimiter:
            if found[2] not in (how.row_end, ""):
                raise Refused("BAD_STRUCTURE", place=f"baris/line {line}", seen="mixed line ends")
            return cells, position


def _broken(text: str, position: int, line: int) -> Refused:
    """What is wrong with the field at ``position``; in a last line without a line end it is a cut."""
    place = f"baris/line {line}"
    code = "BAD_STRUCTURE" if "\n" in text[position:] or "\r" in text[position:] else "TRUNCATED"
    if text[position] != '"':
        return Refused(code, place=place, seen="quote inside an unquoted field")
    if re.compile(r'"(?:[^"]++|"")*+"').match(text, position):
        return Refused(code, place=place, seen="text after a closing quote")
    return Refused("BAD_STRUCTURE" if text.endswith(("\n", "\r")) else "TRUNCATED", place=place, seen="quote never closed")


def ends_open(text: str) -> bool:
    """Is the last record not ended by a line end?"""
    return not text.endswith(("\n", "\r"))


def trim(cells: list[str]) -> list[str]:
    """Without the empty cells at its end, which a spreadsheet adds to short rows."""
    last = len(cells)
    while last and not cells[last - 1]:
        last -= 1
    return cells[:last]


def unwrap(records: list[tuple[int, list[str]]], parted: str = "") -> str | None:
    """The text inside records that each hold one whole line of another file in one cell; None if these are not such.

    ``parted``: the separator of a spreadsheet that split lines with it in a caption; the header stands in one cell all the same.
    """
    bodies = [trim(cells) for _, cells in records]
    filled = [b for b in bodies if b]
    if len(filled) < 2 or any(len(b) > 1 for b in (bodies if not parted else filled[:1])):
        return None
    if not any(d in filled[0][0] or d in filled[-1][0] for d in DELIMITERS):
        return None
    return "\n".join(parted.join(b) for b in bodies) + "\n"


def unwrap_lines(text: str) -> str | None:
    """The text of which a spreadsheet took each line as a row, and wrapped those that hold a quote; None if it did not.

    A spreadsheet whose list separator is not the comma sees one cell in each line of a comma-separated file, or several where a
    caption holds its separator. Saving, it quotes what holds a quote and leaves the other lines alone. Whether what comes out is
    a sound table is for the tokeniser to say.
    """
    body = text[sep_line(text)[1] :]
    for separator in (";", "\t"):
        rows = [_one_line(line, separator) for line in re.split(r"\r\n|\n|\r", body)]
        known = [cells for cells in rows if cells is not None]
        head = next((cells for cells in known if any(cells)), [])
        is_one = len(trim(head)) == 1 and "," in head[0]  # the header holds no separator of its own
        holds_quotes = is_one and any('"' in cell for cells in known for cell in cells)
        if len(known) < len(rows) or not (holds_quotes or any(is_wrapped(line) for line in body.splitlines())):
            continue
        is_padded = is_one and len(head) > 1 and len({len(cells) for cells in known if cells != [""]}) == 1
        return "\n".join(separator.join(trim(cells) if is_padded else cells) for cells in known)
    return None


def is_wrapped(line: str) -> bool:
    """One quoted cell, with quotes inside."""
    return len(line) > 2 and line[0] == line[-1] == '"' and '""' in line[1:-1]


def _one_line(line: str, separator: str) -> list[str] | None:
    """The cells of one physical line; None where its quotes do not close in it."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(tokenise(line, Dialect(separator)))[1]
    except Refused:
        return None


def unwrap_body(records: list[tuple[int, list[str]]], delimiter: str) -> str | None:
    """As :func:`unwrap`, where the header line needed no quotes and so looks sound: only the rows are one cell each."""
    head = list(islice((trim(cells) for _, cells in records if any(cells)), 2))
    if len(head) < 2 or len(head[0]) < 3 or len(head[1]) != 1:
        return None
    filled = [(row, trim(cells)) for row, cells in records if any(cells)]
    body = filled[1:]
    if len(filled) < 2 or len(filled[0][1]) < 3 or not all(len(c) == 1 and c[0].count(delimiter) > 1 for _, c in body):
        return None
    header = delimiter.join('"' + c.replace('"', '""') + '"' for c in filled[0][1])
    return "\n".join([header, *(c[0] for _, c in body)]) + "\n"
