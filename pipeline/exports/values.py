"""Text to numbers, flags and ids: one decision per column (and file) about separators, then every value or a refusal.

Values come as ``(row, text or None)`` lists; None means "not reported". Nothing here guesses: what has two readings is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.exports.messages import Refused
from pipeline.exports.workbook import Number, Percent, Unreadable

PLAIN = re.compile(r"-?[0-9]+\Z")
WHOLE_DECIMAL = re.compile(r"(-?[0-9]+)\.0\Z")
GROUPED = re.compile(r"-?[0-9]{1,3}(?:([.,\u00a0\u202f ])[0-9]{3})(?:\1[0-9]{3})*\Z")
DECIMAL = re.compile(r"-?[0-9]*[.,]?[0-9]+(?:[eE][+-]?[0-9]+)?\Z")
BOTH = re.compile(r"-?[0-9]{1,3}([.,])[0-9]{3}(?:\1[0-9]{3})*([.,])[0-9]+\Z")
LARGEST = 2**63 - 1


@dataclass
class Locale:
    """What a file shows about its separators. ``decimal`` is known once a value has one reading only; ``grouping`` likewise."""

    decimal: str | None = None
    grouping: str | None = None
    trusted: bool = False  # untouched dialect of the platform: its declared number of decimals may be believed
    evidence: list[str] = field(default_factory=list)

    def see_decimal(self, mark: str, place: str, text: str) -> None:
        if self.decimal and self.decimal != mark:
            raise Refused("NUMBER_AMBIGUOUS", place=place, seen=text)
        self.decimal = mark
        self.evidence.append(text)

    def see_grouping(self, mark: str, place: str, text: str) -> None:
        if (self.grouping and self.grouping != mark) or (self.decimal and self.decimal == mark):
            raise Refused("NOT_A_COUNT", place=place, seen=text)
        self.grouping = mark


def place_of(column: str, row: int) -> str:
    return f"kolom/column {column}, baris/row {row}"


def blank(text: str, nulls: frozenset[str]) -> bool:
    return text in nulls or text.strip() in nulls


def bare(text: str) -> str:
    """Text without the spaces around it; a cell that cannot be read stays one."""
    return text if isinstance(text, Unreadable) else text.strip()


def counts(column: str, cells: Sequence[tuple[int, str | None]], locale: Locale, negative: bool) -> list[int | None]:
    """Whole numbers. ``1.234`` is 1234 only if every number of the column above 999 is grouped, and all by one mark (A21).

    ``1203.0`` is a count only where the whole column is written so (X classic).
    """
    result: list[int | None] = []
    floats = all(t is None or isinstance(t, Number) or WHOLE_DECIMAL.match(t.strip()) for _, t in cells)
    grouped_at: tuple[str, str] | None = None
    plain_at: tuple[str, str] | None = None
    for row, text in cells:
        if text is None:
            result.append(None)
            continue
        value, mark = _count(text.strip() if not isinstance(text, Number) else text, floats)
        if value is None or (value < 0 and not negative) or abs(value) > LARGEST:
            raise Refused("NOT_A_COUNT", place=place_of(column, row), seen=text)
        if mark:
            locale.see_grouping(mark, place_of(column, row), text)
            grouped_at = grouped_at or (place_of(column, row), text)
        elif abs(value) > 999 and not isinstance(text, Number):
            plain_at = plain_at or (place_of(column, row), text)
        result.append(value)
    if grouped_at and plain_at:
        raise Refused("NOT_A_COUNT", place=grouped_at[0], seen=f"{grouped_at[1]} / {plain_at[1]}")
    return result


def _count(text: str, floats: bool) -> tuple[int | None, str | None]:
    """The whole number of a text and the grouping mark it uses; None where it is not one."""
    if PLAIN.match(text):
        return int(text), None
    if isinstance(text, Number):
        number = float(text)
        return (int(number), None) if number.is_integer() and abs(number) < 2**53 else (None, None)
    if floats and (found := WHOLE_DECIMAL.match(text)):
        return int(found[1]), None
    if found := GROUPED.match(text):
        return int(re.sub(r"[^0-9-]", "", text)), found[1]
    return None, None


def find_locale(columns: Iterable[tuple[str, Sequence[tuple[int, str | None]]]], locale: Locale) -> None:
    """Collect the evidence that decimal columns give about the decimal mark: values with one reading only."""
    for column, cells in columns:
        for row, text in cells:
            if text is None or isinstance(text, Number):
                continue
            mark = _only_decimal(text.strip().rstrip("%").strip())
            if mark:
                locale.see_decimal(mark, place_of(column, row), text)


def settle_locale(columns: Iterable[tuple[str, Sequence[tuple[int, str | None]]]], locale: Locale, delimiter: str) -> None:
    """Semicolons between fields and commas (but no dot) in the numbers are one locale: the comma is the decimal mark."""
    if locale.decimal or locale.grouping or delimiter != ";":
        return
    texts = [t for _, cells in columns for _, t in cells if t is not None and not isinstance(t, Number)]
    if any("," in t for t in texts) and not any("." in t for t in texts):
        locale.decimal = ","


def _only_decimal(text: str) -> str | None:
    """The decimal mark of a text that can be read in one way only; None if it has none or could be a grouping."""
    if found := BOTH.match(text):
        return found[2] if found[1] != found[2] else None
    found = re.match(r"-?([0-9]*)([.,])([0-9]+)(?:[eE][+-]?[0-9]+)?\Z", text)
    if not found:
        return None
    whole, mark, fraction = found[1], found[2], found[3]
    could_be_grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if could_be_grouped else mark


def decimals(
    column: str,
    cells: Sequence[tuple[int, str | None]],
    locale: Locale,
    *,
    negative: bool,
    percent: bool,
    share: bool,
    places: int | None,
) -> list[float | None]:
    """Numbers with a fraction. A value such as ``1.234`` needs evidence about the decimal mark from this file (A20).

    percent: 0-100 text becomes a ratio. share: only a ``%`` sign does that. In any other column the sign makes no number.
    """
    fixed = places == 3 and locale.trusted and all(c is None or re.search(r"\.[0-9]{3}\Z", c) for _, c in cells)
    result: list[float | None] = []
    for row, text in cells:
        if text is not None and not (percent or share) and (isinstance(text, Percent) or text.strip().endswith("%")):
            raise Refused("NOT_A_COUNT", place=place_of(column, row), seen=text)
        value = None if text is None else _decimal(column, row, text, locale, percent, fixed)
        if value is not None and value < 0 and not negative:
            raise Refused("IMPLAUSIBLE", place=place_of(column, row), seen=text)
        result.append(value)
    return result


def _decimal(column: str, row: int, text: str, locale: Locale, percent: bool, fixed: bool) -> float:
    if isinstance(text, Number):
        value = float(text)
        return value if isinstance(text, Percent) or not percent else value / 100
    body = text.strip()
    has_sign = body.endswith("%")
    body = body.removesuffix("%").strip()
    number = _plain_decimal(body, locale.decimal or ("." if fixed else None))
    if number is None:
        code = "NUMBER_AMBIGUOUS" if DECIMAL.match(body) or BOTH.match(body) or GROUPED.match(body) else "NOT_A_COUNT"
        raise Refused(code, place=place_of(column, row), seen=text)
    return number / 100 if percent or has_sign else number


def _plain_decimal(body: str, mark: str | None) -> float | None:
    """The number, if it has exactly one reading under the decimal mark (None: not known)."""
    if PLAIN.match(body):
        return float(body)
    if found := BOTH.match(body):
        if found[1] == found[2] or (mark and found[2] != mark):
            return None
        return float(body.replace(found[1], "").replace(found[2], "."))
    if not DECIMAL.match(body):
        if found := GROUPED.match(body):
            return float(body.replace(found[1], "")) if mark and found[1] != mark else None
        return None
    if "." not in body and "," not in body:
        return float(body)
    used = "." if "." in body else ","
    if mark == used:
        return float(body.replace(",", "."))
    if mark and GROUPED.match(body):
        return float(body.replace(used, ""))
    return None


DURATION = re.compile(r"(?:([0-9]+):)?([0-9]{1,2}):([0-5][0-9])(?:\.([0-9]+))?\Z")


def durations(column: str, cells: Sequence[tuple[int, str | None]]) -> list[float | None]:
    """Seconds from ``H:MM:SS``, ``M:SS`` or plain seconds; a workbook's time of day is a fraction of a day."""
    result: list[float | None] = []
    for row, text in cells:
        if text is None:
            result.append(None)
        elif isinstance(text, Number):
            result.append(round(float(text) * 86400, 3) if float(text) < 1 and text.startswith("0") else float(text))
        elif PLAIN.match(text.strip()) and not text.strip().startswith("-"):
            result.append(float(text.strip()))
        elif (found := DURATION.match(text.strip())) and (found[1] is None or int(found[2]) < 60):
            hours, minutes, seconds = int(found[1] or 0), int(found[2]), int(found[3])
            result.append(hours * 3600 + minutes * 60 + seconds + float(f"0.{found[4] or 0}"))
        else:
            raise Refused("NOT_A_COUNT", place=place_of(column, row), seen=text)
    return result


def flags(column: str, cells: Sequence[tuple[int, str | None]]) -> list[bool | None]:
    truth = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}
    result: list[bool | None] = []
    for row, text in cells:
        if text is not None and text.strip().lower() not in truth:
            raise Refused("NOT_A_COUNT", place=place_of(column, row), seen=text)
        result.append(None if text is None else truth[text.strip().lower()])
    return result


SCIENTIFIC = re.compile(r"-?[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+\Z")


def ids(column: str, cells: Sequence[tuple[int, str | None]], shape: str | None) -> list[str | None]:
    """Ids as text. Scientific notation, numeric cells of 1e15 and more, and long ids all rounded are ID_DESTROYED (A16)."""
    pattern = re.compile(shape) if shape else None
    result: list[str | None] = []
    for row, raw in cells:
        if raw is None:
            result.append(None)
            continue
        text = raw.strip()
        if SCIENTIFIC.match(text) or (isinstance(raw, Number) and abs(float(raw)) >= 1e15):
            raise Refused("ID_DESTROYED", place=place_of(column, row), seen=text, resaved=True)
        if isinstance(raw, Number) and text.endswith(".0"):
            text = text[:-2]
        if pattern and not pattern.fullmatch(text):
            raise Refused("ID_INVALID", place=place_of(column, row), seen=text)
        result.append(text)
    distinct = list(dict.fromkeys(t for t in result if t))
    if _are_rounded(distinct):
        raise Refused("ID_DESTROYED", place=f"kolom/column {column}", seen=distinct[0], resaved=True)
    return result


def _are_rounded(ids: Sequence[str]) -> bool:
    """Do all end as numbers that a spreadsheet cut to its 15 digits, in too many zeros for chance?

    A number of 16 digits ends in one zero then, so it takes three such ids; one of 18 ends in three, and one is enough.
    """
    zeros = [min(3, len(t) - len(t.rstrip("0"))) for t in ids]
    cut = all(len(t) > 15 and t.isdigit() and n >= min(3, len(t) - 15) for t, n in zip(ids, zeros, strict=True))
    return cut and sum(zeros) >= 3
