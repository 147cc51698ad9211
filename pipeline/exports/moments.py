"""Columns of dates and times, and when a post was published: from the printed time or day and the clock in its id."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports import clocks, dates
from pipeline.exports.fields import Cells, Field, Quick, settle
from pipeline.exports.header import shown
from pipeline.exports.messages import Refused
from pipeline.exports.stack import Stack, laid_over, place
from pipeline.exports.workbook import DayTime
from pipeline.formats import Format

FRESH = timedelta(days=45)  # a window that ends so shortly before the file was made or first seen ends in this year
PLAIN = {  # pattern -> what its texts look like, and whether they hold a time
    "%m/%d/%Y %H:%M": (r"^[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}$", True),
    "%Y-%m-%d": (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", False),
}
DAY = timedelta(days=1)
HALF_HOUR, MINUTES = 1800.0, 300.0  # clocks of the world differ by the one; a post is up the other after its id at the latest
ZONES = 15 * 3600.0  # how far a clock on earth may be from UTC, and a little
WALL = pl.Datetime("us")
INSTANT = pl.Datetime("us", "UTC")


def read_column(stack: Stack, field: Field, name: str, instants: pl.Series | None) -> dict[str, pl.Series]:
    """Days or wall-clock times of a column; for ``published_at`` also its precision and whether it is UTC already (_zoned)."""
    patterns = field.column.formats if field.column.formats is not None else stack.plan.form.dates
    precision, zoned = ["day"] * len(stack.sizes), [False] * len(stack.sizes)
    is_plain = len(patterns) == 1 and patterns[0] in PLAIN
    if is_plain and PLAIN[patterns[0]][1]:
        precision = ["minute"] * len(stack.sizes)

    def slow(number: int, cells: Cells) -> list[datetime | None]:
        clock = instants[stack.where(number)].to_list() if instants is not None else []
        values, precision[number], zoned[number] = _read_alone(stack, number, field, name, cells, clock)
        return values

    def quick() -> Quick:
        if is_plain:
            return _quick(stack, patterns[0], field, name)
        return pl.Series([None], dtype=WALL).new_from_index(0, len(field.text)), np.ones(len(stack.sizes), dtype=bool)

    moments = settle(stack, field, WALL, slow, quick)
    if name == "day" or (field.column.kind == "date" and name != "published_at"):
        return {name: moments.dt.date()}
    if name != "published_at":
        return {name: moments}
    return {name: moments, "published_precision": stack.spread(precision, pl.String), "_zoned": stack.spread(zoned, pl.Boolean)}


def _quick(stack: Stack, pattern: str, field: Field, name: str) -> tuple[pl.Series, np.ndarray]:
    """Dates in a format's only pattern, which has one reading whatever the row; and the tables in which there is a doubt."""
    text = field.text
    moments = text.str.to_datetime(pattern, strict=False, time_unit="us")
    days = moments.dt.date()
    latest = stack.spread([a.today + DAY for a in stack.around], pl.Date)
    sound = text.str.contains(PLAIN[pattern][0]) & moments.is_not_null() & (days <= latest) & (days.dt.year() >= dates.EARLIEST)
    odd = stack.with_any(text.is_not_null() & ~sound)
    if name == "day":
        odd |= stack.with_any(days.is_null())
    if name == "published_at":  # a column without a single time has no minutes either
        odd |= ~stack.with_any(moments.is_not_null())
    if dates.compiled(pattern)[1]:
        odd |= np.array([a.container == "csv" and a.delimiter != "," for a in stack.around])
        odd |= _beyond_period(stack, days)
    return moments, odd


def _beyond_period(stack: Stack, days: pl.Series) -> np.ndarray:
    """Tables with days outside the period of their name and no day above 12: the order of day and month is in question."""
    if not any(a.period for a in stack.around):
        return np.zeros(len(stack.sizes), dtype=bool)
    first = stack.spread([a.period[0] - DAY if a.period else None for a in stack.around], pl.Date)
    last = stack.spread([a.period[1] + DAY if a.period else None for a in stack.around], pl.Date)
    doubtful: np.ndarray = stack.with_any((days < first) | (days > last)) & ~stack.with_any(days.dt.day() > 12)
    return doubtful


def _read_alone(
    stack: Stack, number: int, field: Field, name: str, cells: Cells, clock: list[datetime | None]
) -> tuple[list[datetime | None], str, bool]:
    """Values, precision and zone of the dates of one table, which may depend on each other. Raises Refused, flags assumptions."""
    form, around, column = stack.plan.form, stack.around[number], shown(field.column)
    is_own = name in ("published_at", "published_on", "day")
    context = dates.Around(
        today=around.today,
        period=around.period,
        date_order=around.date_order,
        daily=form.grain in ("account_day", "audience") and is_own,
        clock=clock if is_own else [],
        not_before=max((c.date() for c in clock if c), default=None) if name == "captured_on" else None,
        anchor=around.anchor,
        resaved=around.container == "csv" and around.delimiter != ",",
    )
    patterns = field.column.formats if field.column.formats is not None else form.dates
    found = dates.read(column, cells, patterns, context)
    if found.order in ("rolled", "latest_year") and not around.anchor_is_known:
        latest = max((v.date() for v in found.values if v), default=around.today)
        sample = next((t for _, t in cells if t), "")
        if (around.anchor or around.today) - latest > FRESH:
            raise Refused("YEAR_UNKNOWN", place=column, seen=sample, held=True)
        stack.notes[number].flag("YEAR_TAKEN", column, sample)
    if found.order not in ("pattern", "same", "rolled", "latest_year", "date_cells", "id_year"):
        stack.notes[number].flag("DATE_ORDER", column, found.order)
    values = found.values
    if name == "day":
        shift = timedelta(hours=12) if found.has_time else timedelta(0)
        for (row, _), value in zip(cells, values, strict=True):
            if value is None:
                raise Refused("EXTRA_CONTENT", place=place(row), seen="baris tanpa tanggal/row without a date")
        values = [v + shift for v in values if v]
    seconds = any(v and v.second for v in values) or any(t and not isinstance(t, DayTime) and t.count(":") >= 2 for _, t in cells)
    return values, "day" if not found.has_time else "instant" if seconds else "minute", found.zoned


# --- publication time


COLUMNS = {"published_at": INSTANT, "published_on": pl.Date(), "published_precision": pl.String()}


def publish(stack: Stack, frame: pl.DataFrame, instants: pl.Series | None) -> pl.DataFrame:
    """published_at (UTC), published_on (the platform's own day) and published_precision, from printed time and id clock.

    At once, but for tables with a row that needs a word: a clock change, or a time that is not the one in its id.
    """
    odd = np.ones(len(stack.sizes), dtype=bool)
    columns: dict[str, pl.Series] | None = None
    if not stack.is_short:
        columns, odd = _at_once(stack, frame, instants)
    rows: list[slice] = []
    found: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for number in np.flatnonzero(odd).tolist():
        rows.append(stack.where(number))
        try:
            alone = {} if stack.refused[number] else _row_by_row(stack, number, frame[rows[-1]], instants)
        except Refused as refused:
            stack.refuse(number, refused)
            alone = {}
        for name, cells in found.items():
            cells += alone.get(name) or [None] * int(stack.sizes[number])
    settled = [
        laid_over(None if columns is None else columns[name], rows, pl.Series(name, found[name], dtype=dtype)).alias(name)
        for name, dtype in COLUMNS.items()
    ]
    return frame.drop("_zoned", strict=False).with_columns(settled)


def _at_once(stack: Stack, frame: pl.DataFrame, instants: pl.Series | None) -> tuple[dict[str, pl.Series], np.ndarray]:
    """The three columns, and the tables that need a word."""
    form, height = stack.plan.form, frame.height
    nothing = pl.Series([None], dtype=WALL).new_from_index(0, height)
    printed = frame["published_at"] if "published_at" in frame.columns else nothing
    days = frame["published_on"] if "published_on" in frame.columns else nothing.dt.date()
    known = instants if instants is not None else nothing.dt.replace_time_zone("UTC")
    by_day = pl.repeat("day", height, dtype=pl.String, eager=True)
    precision = frame["published_precision"] if "published_precision" in frame.columns else by_day
    wall = printed.fill_null(days.cast(WALL)) if printed.null_count() else printed
    at = wall.dt.replace_time_zone(form.zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
    if "_zoned" in frame.columns and frame["_zoned"].any():
        at = printed.dt.replace_time_zone("UTC").zip_with(frame["_zoned"] & printed.is_not_null(), at)
    odd = stack.with_any(wall.is_not_null() & at.is_null())  # the hour of a clock change
    on = days.fill_null(printed.dt.date())
    if form.clock is not None:
        odd |= stack.with_any(_far(form, at, on, precision == "day", known))
        if form.clock.use == "settle":
            on, at = on.fill_null(known.dt.date()), known.zip_with(known.is_not_null(), at)
            precision = precision.set(known.is_not_null(), "instant")
    return {"published_at": at, "published_on": on, "published_precision": precision.set(at.is_null(), None)}, odd


def _far(form: Format, at: pl.Series, on: pl.Series, by_day: pl.Series, known: pl.Series) -> pl.Series:
    """Rows whose printed time lies further from their id than the tolerance."""
    slack = timedelta(seconds=form.clock.tolerance if form.clock else 0)
    start = on.cast(WALL).dt.replace_time_zone("UTC")
    far_from_day = (known < start - slack) | (known > start + DAY + slack)
    far_from_time = ((at - known) > slack) | ((known - at) > slack)
    return (
        at.is_not_null() & known.is_not_null() & far_from_day.zip_with(by_day.fill_null(False) & on.is_not_null(), far_from_time)
    )


def _row_by_row(stack: Stack, number: int, part: pl.DataFrame, instants: pl.Series | None) -> dict[str, list[Any]]:
    """The three columns of one table. Raises Refused: DATE_INVALID; flags what is uncertain or late."""
    form, height, notes = stack.plan.form, part.height, stack.notes[number]
    clock = [None] * height if instants is None else instants[stack.where(number)].to_list()

    def column(name: str, otherwise: Any = None) -> list[Any]:
        return part[name].to_list() if name in part.columns else [otherwise] * height

    printed, days, precision = column("published_at"), column("published_on"), column("published_precision", "day")
    zoned = column("_zoned", False)
    at: list[datetime | None] = []
    on: list[date | None] = []
    uncertain, late = 0, []
    for i, (wall, known) in enumerate(zip(printed, clock, strict=True)):
        moment, is_unsure = _moment(form, wall, days[i], zoned[i], known)
        day = days[i] or (wall.date() if wall else None)
        if known and moment and _speaks_another_zone(form, moment, known):
            moment, day, precision[i], is_unsure = known, days[i] or known.date(), "instant", False
        delay = _delay(form, moment, day, precision[i], known, part["row_number"][i])
        if known and form.clock and form.clock.use == "settle" and not delay:
            moment, precision[i], is_unsure = known, "instant", False
            day = day or known.date()
        uncertain += is_unsure
        late += [delay] if delay else []
        at.append(moment)
        on.append(day)
    if uncertain:
        notes.flag("CLOCK_SHIFT", "", str(uncertain))
    if late:
        notes.flag("CLOCK_DIFFERS", "", str(len(late)))
        if len(late) == sum(known is not None for known in clock) > 1 and is_other_clock(late):
            notes.refuse("DATE_INVALID", "", f"{len(late)}/{height} <> ID")
    precision = [p if m else None for p, m in zip(precision, at, strict=True)]
    return {"published_at": at, "published_on": on, "published_precision": precision}


def _moment(
    form: Format, printed: datetime | None, day: date | None, zoned: bool, known: datetime | None
) -> tuple[datetime | None, bool]:
    """UTC instant of what the file prints, and whether the clock change made it uncertain.

    Where it prints no time: the start of the platform's day.
    """
    if printed is not None:
        return (printed.replace(tzinfo=UTC), False) if zoned else clocks.to_utc(printed, form.zone, known)
    if day is not None:
        return clocks.to_utc(datetime(day.year, day.month, day.day), form.zone, known)[0], False
    return None, False


def _speaks_another_zone(form: Format, moment: datetime, known: datetime) -> bool:
    """Further from the id than the tolerance, nearer than the clocks of the world lie apart, in a format that may be read so."""
    clock = form.clock
    return clock is not None and clock.any_zone and clock.tolerance < abs((moment - known).total_seconds()) <= ZONES


def _distance(moment: datetime, day: date | None, precision: str, known: datetime) -> float:
    """Seconds from the id's instant to the printed time or day: positive if printed later, 0 inside the printed day."""
    if precision != "day" or day is None:
        return (moment - known).total_seconds()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if known < start:
        return (start - known).total_seconds()
    over = (start + timedelta(days=1) - known).total_seconds()
    return min(over, 0.0)


def is_other_clock(delays: Sequence[float]) -> bool:
    """Are posts, all printed later than their id, late by one whole number of half hours? Then the file speaks another zone's
    time (with daylight saving: by two that are an hour apart). Scheduled posts, however many, are late by what people chose."""
    from_half_hours = [(delay + HALF_HOUR / 2) % HALF_HOUR - HALF_HOUR / 2 for delay in delays]
    return max(map(abs, from_half_hours)) <= MINUTES and max(delays) - min(delays) <= 2 * HALF_HOUR + MINUTES


def _delay(form: Format, moment: datetime | None, day: date | None, precision: str, known: datetime | None, row: int) -> float:
    """Seconds by which a post is printed later than its id, where that may be; 0 within the tolerance; else it is refused."""
    clock = form.clock
    if clock is None or moment is None or known is None:
        return 0.0
    distance = _distance(moment, day, precision, known)
    if abs(distance) <= clock.tolerance:
        return 0.0
    if clock.later_ok and distance > 0:
        return distance
    raise Refused("DATE_INVALID", place=place(row), seen=f"{moment:%Y-%m-%d %H:%M} <> ID {known:%Y-%m-%d %H:%M} UTC")
