"""Text to dates. The order of day and month is settled by evidence, in a fixed order of authority, or the file is refused.

Evidence, strongest first: the format's own pattern; a part above 12; clocks in the ids; a period the file or its name declares;
a gap-free daily run under one reading only; the account's ``date_order``. Real files re-saved in a spreadsheet lose their
pattern, so numeric dates of any shape are read, but only with such evidence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise

from pipeline.exports.messages import Refused
from pipeline.exports.values import place_of
from pipeline.exports.workbook import DayTime, Number

MONTHS = {
    "en": "january february march april may june july august september october november december",
    "en_short": "jan feb mar apr may jun jul aug sep oct nov dec",
    "id": "januari februari maret april mei juni juli agustus september oktober november desember",
    "id_short": "jan feb mar apr mei jun jul agu sep okt nov des",
    "id_short2": "jan feb mar apr mei jun jul agt sep okt nop des",
    "id_short3": "jan peb mar apr mei jun jul ags sept okt nov des",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ms": "januari februari mac april mei jun julai ogos september oktober november disember",
}
MONTH = {name: index for names in MONTHS.values() for index, name in enumerate(names.split(), start=1)}
_NAME = r"(?P<b>[^\W\d_]{3,10}\.?)"
_PARTS = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{2})",
    "d": r"(?P<d>[0-9]{2})",
    "H": r"(?P<H>[0-9]{2})",
    "I": r"(?P<I>[0-9]{2})",
    "M": r"(?P<M>[0-9]{2})",
    "S": r"(?P<S>[0-9]{2})",
    "f": r"(?P<f>[0-9]{1,6})",
    "p": r"(?P<p>AM|PM|am|pm)",
    "b": _NAME,
    "B": _NAME,
    "a": r"[^\W\d_]{2,10}\.?",
    "A": r"[^\W\d_]{2,10}",
    "z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
}
NUMERIC = re.compile(
    r"(?P<one>[0-9]{1,4})(?P<sep>[/.\-])(?P<two>[0-9]{1,2}|[^\W\d_]{3,10})(?P=sep)(?P<three>[0-9]{4}|[0-9]{1,2})"
    r"(?:[ T,]+(?P<H>[0-9]{1,2})[:.](?P<M>[0-9]{2})(?:[:.](?P<S>[0-9]{2}))?(?:\.[0-9]+)?(?: ?(?P<p>[AaPp])\.?[Mm]\.?)?)?\Z"
)
SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?\Z")
EARLIEST = 2004


@dataclass(frozen=True)
class Around:
    """What is known around a column of dates. ``clock``: instants from ids, row by row, in the same order."""

    today: date
    period: tuple[date, date] | None = None
    date_order: str | None = None
    daily: bool = False
    clock: Sequence[datetime | None] = ()
    clock_days: int = 1  # how many days a printed date may lie from its id
    anchor: date | None = None  # the day the export was made, for dates without a year
    not_before: date | None = None  # the newest post of the file: the day it was exported is not earlier
    resaved: bool = False  # a spreadsheet of another locale wrote the file: it may have turned month and day around


@dataclass
class Dates:
    """Wall-clock values in row order; ``zoned`` if they are UTC already. ``order`` is the evidence that settled them."""

    values: list[datetime | None]
    has_time: bool
    zoned: bool = False
    order: str = "pattern"


@cache
def compiled(pattern: str) -> tuple[re.Pattern[str], bool]:
    """Regex of a strptime-like pattern and whether its day and month are both bare numbers in an order that could be swapped."""
    out, i = "", 0
    while i < len(pattern):
        if pattern[i] == "%":
            loose = pattern[i + 1] == "-"
            letter = pattern[i + 2] if loose else pattern[i + 1]
            part = _PARTS[letter]
            out += part.replace("{2}", "{1,2}") if loose else part
            i += 3 if loose else 2
        else:
            out += r"\s" if pattern[i] == " " else re.escape(pattern[i])
            i += 1
    numeric = "%Y-%" not in pattern and "%Y/%" not in pattern and "b" not in pattern and "B" not in pattern
    if "%b" in pattern or "%B" in pattern:
        out = out.replace("(?P<d>[0-9]{2})", "(?P<d>[0-9]{1,2})")
    return re.compile(out + r"\Z"), numeric


def read(column: str, cells: Sequence[tuple[int, str | None]], patterns: Sequence[str], around: Around) -> Dates:
    """Dates or date-times of one column, or Refused (DATE_INVALID, DATE_AMBIGUOUS)."""
    filled = [(row, text) for row, text in cells if text is not None]
    for row, text in filled:
        if isinstance(text, Number) or SERIAL.match(text.strip()):
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=f"{text} (angka seri/serial number)", resaved=True)
    if not filled:
        return Dates([None] * len(cells), has_time=False)
    typed = [isinstance(text, DayTime) for _, text in filled]
    if all(typed):
        result = _typed(column, cells, patterns, around)
    elif any(typed):
        row, text = next(c for c in filled if isinstance(c[1], DayTime))
        raise Refused("DATE_INVALID", place=place_of(column, row), seen=f"{text} (sel tanggal/date cell)", resaved=True)
    else:
        result = _by_pattern(column, cells, patterns, around) or _by_evidence(column, cells, patterns, around)
    _check_future(column, cells, result, around)
    return result


def _check_future(column: str, cells: Sequence[tuple[int, str | None]], result: Dates, around: Around) -> None:
    latest = around.today + timedelta(days=1)
    for (row, text), value in zip(cells, result.values, strict=True):
        if value is not None and (value.date() > latest or value.year < EARLIEST):
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)


def _by_pattern(column: str, cells: Sequence[tuple[int, str | None]], patterns: Sequence[str], around: Around) -> Dates | None:
    """All values by the format's patterns: one pattern for all where day and month are bare numbers, else each by its own."""
    numeric = [p for p in patterns if compiled(p)[1]]
    named = [p for p in patterns if not compiled(p)[1]]
    for group in [named, *[[p] for p in numeric]]:
        found = [_match(text, group) if text is not None else None for _, text in cells]
        if any(f is None and text is not None for f, (_, text) in zip(found, cells, strict=True)):
            continue
        if any(f and "Y" not in f and "y" not in f for f in found):
            return _roll(column, cells, found, around)
        values = [_build(f) if f else None for f in found]
        bad = [c for c, v in zip(cells, values, strict=True) if c[1] is not None and v is None]
        if bad and group == named:
            raise Refused("DATE_INVALID", place=place_of(column, bad[0][0]), seen=bad[0][1])
        if not bad:
            if len(group) == 1 and group[0] in numeric:
                if around.resaved and _month_first(group[0]) and not any(v and v.day > 12 for v in values):
                    return _turned(column, cells, values, around)
                _check_period(column, cells, values, around)
            zoned = any(f and f.get("z") for f in found)
            return Dates(values, has_time=any(f and ("H" in f or "I" in f) for f in found), zoned=zoned)
    return None


def _month_first(pattern: str) -> bool:
    return "%m" in pattern and "%d" in pattern and pattern.index("%m") < pattern.index("%d")


def _turned(column: str, cells: Sequence[tuple[int, str | None]], values: list[datetime | None], around: Around) -> Dates:
    """mm/dd in a file whose delimiter the platform never writes: the spreadsheet that wrote it may have written dd/mm."""
    swapped = [v.replace(day=v.month, month=v.day) if v else None for v in values]
    has_time = any(text and ":" in text for _, text in cells)
    return _choose(column, cells, {"mdy": values, "dmy": swapped}, around, has_time)


def _check_period(
    column: str, cells: Sequence[tuple[int, str | None]], values: Sequence[datetime | None], around: Around
) -> None:
    """The format's own order stands, unless the period in the file's name holds only with day and month swapped."""
    if around.period is None or _fits_period(values, around) or any(v and v.day > 12 for v in values):
        return
    swapped = [v.replace(day=v.month, month=v.day) if v else None for v in values]
    if _fits_period(swapped, around):
        row, text = next(c for c in cells if c[1] is not None)
        raise Refused("DATE_AMBIGUOUS", place=place_of(column, row), seen=f"{text}; {around.period[0]} - {around.period[1]}")


def _match(text: str, patterns: Sequence[str]) -> dict[str, str] | None:
    return _parts(text, tuple(patterns))


@lru_cache(maxsize=65536)
def _parts(text: str, patterns: tuple[str, ...]) -> dict[str, str] | None:
    """The parts of a date by the first pattern that fits; the days of many exports are the same few texts."""
    body = re.sub(r"\s+", " ", text.strip())
    for pattern in patterns:
        if found := compiled(pattern)[0].match(body):
            parts = {k: v for k, v in found.groupdict().items() if v is not None}
            if "b" not in parts or parts["b"].rstrip(".").casefold() in MONTH:
                return parts
    return None


def _build(parts: dict[str, str]) -> datetime | None:
    """A datetime from matched parts; None if there is no such day or time."""
    month = MONTH[parts["b"].rstrip(".").casefold()] if "b" in parts else int(parts["m"])
    year = int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"])
    try:
        hour = _hour(parts)
        value = datetime(year, month, int(parts["d"]), hour, int(parts.get("M", 0)), int(parts.get("S", 0)))
    except ValueError:
        return None
    if parts.get("z") and parts["z"] != "Z":
        sign, digits = parts["z"][0], parts["z"][1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if shift > timedelta(hours=14) or digits[2:] > "59":  # no clock on earth
            return None
        value = value - shift if sign == "+" else value + shift
    return value


def _hour(parts: dict[str, str]) -> int:
    if "I" not in parts:
        return int(parts.get("H", 0))
    hour = int(parts["I"])
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if parts["p"].lower() == "pm" else 0)


def _typed(column: str, cells: Sequence[tuple[int, str | None]], patterns: Sequence[str], around: Around) -> Dates:
    """Date cells. The program that saved the workbook may have read mm/dd as dd/mm where no day is above 12."""
    values = [datetime.fromisoformat(t).replace(tzinfo=None, microsecond=0) if t else None for _, t in cells]
    has_time = any(v and v.time() != datetime.min.time() for v in values)
    plain = Dates(values, has_time=has_time, order="date_cells")
    if not any(compiled(p)[1] for p in patterns) or any(v and v.day > 12 for v in values):
        return plain
    swapped = [v.replace(day=v.month, month=v.day) if v else None for v in values]
    if swapped == values:
        return plain
    return _choose(column, cells, {"cells": values, "swapped": swapped}, around, has_time)


def _by_evidence(column: str, cells: Sequence[tuple[int, str | None]], patterns: Sequence[str], around: Around) -> Dates:
    readings: dict[str, list[datetime | None]] = {"dmy": [], "mdy": []}
    has_time = False
    for row, text in cells:
        if text is None:
            readings["dmy"].append(None)
            readings["mdy"].append(None)
            continue
        found = NUMERIC.match(text.strip())
        if found is None:
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)
        has_time = has_time or found["H"] is not None
        options = {order: _numeric(found, order) for order in readings}
        if not any(options.values()):
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)
        for order, value in options.items():
            readings[order].append(value)
    possible = {
        order: values
        for order, values in readings.items()
        if all(v is not None or c[1] is None for v, c in zip(values, cells, strict=True))
    }
    if not possible:
        row, text = next(c for c, v in zip(cells, readings["mdy"], strict=True) if c[1] is not None and v is None)
        raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)
    return _choose(column, cells, possible, around, has_time)


def _numeric(found: re.Match[str], order: str) -> datetime | None:
    one, two, three = found["one"], found["two"], found["three"]
    try:
        if not two.isdigit():
            day, month, year = int(one), MONTH[two.casefold()], int(three)
        elif len(one) == 4:
            year, month, day = int(one), int(two), int(three)
        elif order == "dmy":
            day, month, year = int(one), int(two), int(three)
        else:
            month, day, year = int(one), int(two), int(three)
        year += 2000 if year < 100 else 0
        hour = int(found["H"] or 0)
        if found["p"]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if found["p"].lower() == "p" else 0)
        return datetime(year, month, day, hour, int(found["M"] or 0), int(found["S"] or 0))
    except (ValueError, KeyError):
        return None


def _choose(
    column: str,
    cells: Sequence[tuple[int, str | None]],
    readings: dict[str, list[datetime | None]],
    around: Around,
    has_time: bool,
) -> Dates:
    """The one reading that evidence leaves; equal readings are one."""
    names = list(readings)
    if len(names) == 1 or readings[names[0]] == readings[names[1]]:
        return Dates(readings[names[0]], has_time, order="above_12" if len(names) == 1 else "same")
    for test, name in ((_fits_clock, "clock"), (_fits_period, "period"), (_fits_run, "daily_run"), (_fits_past, "past")):
        fitting = [n for n in names if test(readings[n], around)]
        if len(fitting) == 1:
            return Dates(readings[fitting[0]], has_time, order=name)
    if around.date_order in names:
        return Dates(readings[around.date_order], has_time, order="date_order")
    differing = next(i for i in range(len(cells)) if readings[names[0]][i] != readings[names[1]][i])
    both = " / ".join(f"{readings[n][differing]:%Y-%m-%d}" for n in names)
    place = place_of(column, cells[differing][0])  # no platform writes dates that need evidence: a spreadsheet did
    raise Refused("DATE_AMBIGUOUS", place=place, seen=f"{cells[differing][1]}: {both}", resaved=True)


def _fits_clock(values: Sequence[datetime | None], around: Around) -> bool:
    """Every id instant lies within a day and a half (zones) of the printed date; needs at least one."""
    pairs = [(v, c) for v, c in zip(values, around.clock, strict=False) if v and c]
    slack = timedelta(days=around.clock_days, hours=14)
    return bool(pairs) and all(abs(v.replace(tzinfo=UTC) - c) <= slack for v, c in pairs)


def _fits_period(values: Sequence[datetime | None], around: Around) -> bool:
    if around.period is None:
        return False
    first, last = around.period
    slack = timedelta(days=1)
    return all(first - slack <= v.date() <= last + slack for v in values if v)


def _fits_run(values: Sequence[datetime | None], around: Around) -> bool:
    """Rows of days one after the other, without a gap, up or down."""
    if not around.daily:
        return False
    days = [v.date() for v in values if v]
    steps = {(b - a).days for a, b in pairwise(days)}
    return len(days) > 1 and steps in ({1}, {-1})


def _fits_past(values: Sequence[datetime | None], around: Around) -> bool:
    """No day may lie after the file was first seen: a reading that needs the future is no reading."""
    return all(v.date() <= around.today + timedelta(days=1) for v in values if v)


def _roll(column: str, cells: Sequence[tuple[int, str | None]], found: list[dict[str, str] | None], around: Around) -> Dates:
    """Dates without a year: id clocks give the year where there are any; else a daily run rolled back from the export day."""
    month_days = [(MONTH[f["b"].rstrip(".").casefold()] if "b" in f else int(f["m"]), int(f["d"])) if f else None for f in found]
    if any(around.clock):
        return Dates(_years_by_clock(column, cells, month_days, around), has_time=False, order="id_year")
    if (only := _only_years(month_days, around)) is not None:
        return Dates(only, has_time=False, order="id_year")
    if not around.daily or any(m is None for m in month_days):
        return Dates(_years_latest(column, cells, month_days, around), has_time=False, order="latest_year")
    falling = _is_falling(month_days)
    ordered = month_days[::-1] if falling else month_days
    anchor = around.anchor or around.today
    value = _latest(ordered[-1], anchor + timedelta(days=1))
    values: list[datetime | None] = [value]
    for index in range(len(ordered) - 2, -1, -1):
        value = value - timedelta(days=1) if value else None
        if value is None or (value.month, value.day) != ordered[index]:
            row, text = cells[len(cells) - 1 - index if falling else index]
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=f"{text}: hari tidak berurutan/days not in a row")
        values.append(value)
    return Dates(values if falling else values[::-1], has_time=False, order="rolled")


def _is_falling(month_days: Sequence[tuple[int, int] | None]) -> bool:
    pairs = [(a, b) for a, b in pairwise(month_days) if a and b and a[0] == b[0]]
    return bool(pairs) and all(a[1] > b[1] for a, b in pairs)


def _latest(month_day: tuple[int, int] | None, limit: date) -> datetime | None:
    """The latest day with this month and day that is not after ``limit``."""
    if month_day is None:
        return None
    for year in range(limit.year, limit.year - 9, -1):
        try:
            value = datetime(year, *month_day)
        except ValueError:
            continue
        if value.date() <= limit:
            return value
    return None


def _years_by_clock(
    column: str, cells: Sequence[tuple[int, str | None]], month_days: Sequence[tuple[int, int] | None], around: Around
) -> list[datetime | None]:
    values: list[datetime | None] = []
    for (row, text), month_day, moment in zip(cells, month_days, around.clock, strict=True):
        if month_day is None:
            values.append(None)
            continue
        near = moment + timedelta(days=around.clock_days + 1) if moment else None
        value = _latest(month_day, near.date()) if near else None
        if value is None or moment is None or abs((value.replace(tzinfo=UTC) - moment).total_seconds()) > 86400 * 2:
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)
        values.append(value)
    return values


def _only_years(month_days: Sequence[tuple[int, int] | None], around: Around) -> list[datetime | None] | None:
    """The days between the newest post of the file and today that the texts can be, if each can be one only."""
    if around.not_before is None:
        return None
    values: list[datetime | None] = []
    for month_day in month_days:
        latest = _latest(month_day, around.today + timedelta(days=1))
        before = _latest(month_day, latest.date() - timedelta(days=1)) if latest else None
        earliest = around.not_before - timedelta(days=1)  # the day printed is the exporter's own
        if month_day and (latest is None or latest.date() < earliest or (before and before.date() >= earliest)):
            return None
        values.append(latest)
    return values


def _years_latest(
    column: str, cells: Sequence[tuple[int, str | None]], month_days: Sequence[tuple[int, int] | None], around: Around
) -> list[datetime | None]:
    limit = (around.anchor or around.today) + timedelta(days=1)
    values = [_latest(m, limit) if m else None for m in month_days]
    for (row, text), month_day, value in zip(cells, month_days, values, strict=True):
        if month_day and value is None:
            raise Refused("DATE_INVALID", place=place_of(column, row), seen=text)
    return values
