"""What is said about the typed rows of each table of a stack: sums, nulls, span, identities; and the rows as they come out.

Table i has the rows from edges[i] to edges[i + 1].
"""

from collections import Counter
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from pipeline.exports.model import Identities
from pipeline.exports.provenance import end_of_day
from pipeline.exports.stack import Stack
from pipeline.formats import Column

MANY = 2**62  # sums stay far from the end of Int64
NUMERIC = ("count", "decimal", "percent", "duration")
Span = tuple[Any, Any]  # first and last instant or day that the rows speak of; (None, None) where they name none


def metrics(used: dict[str, Column], frame: pl.DataFrame) -> list[Column]:
    """The columns of a frame that hold numbers of the file."""
    return [used[n] for n in frame.columns if n in used and used[n].kind in NUMERIC and not n.startswith("_")]


def sums(stack: Stack, numbers: pl.Series) -> list[int | float]:
    """Sum per table: exact for whole numbers, and for others added one after the other, as everywhere."""
    if numbers.dtype.is_integer():
        filled = (numbers.fill_null(0) if numbers.null_count() else numbers).to_numpy()
        if not len(filled) or float(np.abs(filled).max()) * len(filled) < MANY:
            running = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(filled)))
            exact: list[int | float] = (running[stack.starts + stack.sizes] - running[stack.starts]).tolist()
            return exact
    values = numbers.fill_null(0).to_list()
    return [sum(values[s : s + n]) for s, n in zip(stack.starts.tolist(), stack.sizes.tolist(), strict=True)]


def totals(
    stack: Stack, used: dict[str, Column], frame: pl.DataFrame
) -> tuple[list[dict[str, int | float]], list[dict[str, int]]]:
    """Totals of additive fields and null counts of all fields, per table, over the rows that are kept."""
    added: list[dict[str, int | float]] = [{} for _ in stack.sizes]
    for column in metrics(used, frame):
        if column.is_summed:
            series = frame[column.field]
            filled = stack.sizes - _nulls(stack, series)
            for number, exact in enumerate(sums(stack, series)):
                if filled[number]:
                    added[number][column.field] = exact if isinstance(exact, int) else round(exact, 6)
    hidden = ("row_number", "published_precision", "captured_on")
    names = [n for n in frame.columns if not n.startswith("_") and n not in hidden]
    counts = [_nulls(stack, frame[n]) for n in names]
    return added, [{n: column[i] for n, column in zip(names, counts, strict=True)} for i in range(len(added))]


def _nulls(stack: Stack, column: pl.Series) -> list[int]:
    """Nulls per table."""
    if len(stack.sizes) == 1:
        return [column.null_count()]
    return stack.per_table(column.is_null()).tolist() if column.null_count() else [0] * len(stack.sizes)


def captured(stack: Stack, frame: pl.DataFrame) -> list[datetime | None]:
    """The export day that a table states in a column, as its last second in WIB (no value can be later)."""
    found: list[datetime | None] = [None] * len(stack.sizes)
    if "captured_on" in frame.columns:
        for number in stack.open():
            day = frame["captured_on"][stack.where(number)].max()
            found[number] = end_of_day(day) if isinstance(day, date) else None
    return found


def finish(stack: Stack, used: dict[str, Column], frame: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """Working columns off, identity columns on, zone of day rows, and audience tables turned long; and rows per table."""
    form = stack.plan.form
    frame = frame.drop([n for n in frame.columns if n.startswith("_")]).drop("captured_on", strict=False)
    missing = [pl.lit(None, pl.Utf8).alias(n) for n in ("platform_account_id", "handle") if n not in frame.columns]
    frame = frame.with_columns(*missing, *(pl.lit(v).alias(k) for k, v in form.constants.items()))
    if form.grain == "account_day":
        frame = frame.with_columns(pl.lit(form.zone).alias("day_zone"))
    if form.grain == "audience":
        return _long(stack, used, frame)
    return frame, stack.sizes


def _long(stack: Stack, used: dict[str, Column], frame: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """One row per label and metric. Value Float64; unit count, share or seconds."""
    form = stack.plan.form
    base = frame.rename({form.label_field: "label"}) if form.label_field != "label" else frame
    absent = {"label2": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    base = base.with_columns(pl.lit(None, t).alias(n) for n, t in absent.items() if n not in base.columns)
    keep = ["row_number", "platform_account_id", "handle", "label", "label2", "period_start", "period_end"]
    columns = metrics(used, frame)
    if not columns:
        return base.select(keep), stack.sizes
    dimension = form.dimension
    named = [dimension(table) if callable(dimension) else dimension for table in stack.tables]
    base = base.select(keep + [c.field for c in columns]).with_columns(
        stack.spread(named, pl.Utf8).alias("dimension"), pl.int_range(frame.height, dtype=pl.Int64).alias("_at")
    )
    parts = [
        base.select(
            "_at",
            *keep,
            "dimension",
            pl.lit(c.field).alias("metric"),
            pl.col(c.field).cast(pl.Float64).alias("value"),
            pl.lit(c.unit or {"percent": "share", "duration": "seconds"}.get(c.kind, "count")).alias("unit"),
        )
        for c in columns
    ]
    order = ["row_number", "platform_account_id", "handle", "dimension", "label", "label2", "metric", "value", "unit"]
    rows = pl.concat(parts).sort("_at", maintain_order=True).select(*order, "period_start", "period_end")
    return rows, stack.sizes * len(columns)


def spans(grain: str, rows: pl.DataFrame, edges: np.ndarray) -> list[Span]:
    """First and last publication of posts, else the first and last day."""
    pairs = [("published_at", "published_at")] if grain == "post" else []
    pairs += [("day", "day"), ("received_on", "received_on"), ("period_start", "period_end")]
    found: list[Span] = [(None, None)] * (len(edges) - 1)
    for low, high in pairs:
        if low in rows.columns and not all(f[0] for f in found):
            lows, highs = _ends(rows[low], edges)[0], _ends(rows[high], edges)[1]
            if low != high:
                highs = [h or other for h, other in zip(highs, _ends(rows[low], edges)[1], strict=True)]
            found = [f if f[0] else pair for f, pair in zip(found, zip(lows, highs, strict=True), strict=True)]
    return found


def _ends(moments: pl.Series, edges: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Least and greatest of each table; None where it has none."""
    wanted = len(edges) - 1
    if moments.dtype == pl.Null or not len(moments):
        return [None] * wanted, [None] * wanted
    if wanted == 1:
        return [moments.min()], [moments.max()]
    number = moments.to_physical().cast(pl.Int64)
    filled = np.flatnonzero(np.diff(edges))
    ends = []
    for reduce, blank in ((np.minimum, np.iinfo(np.int64).max), (np.maximum, np.iinfo(np.int64).min)):
        found = reduce.reduceat(number.fill_null(blank).to_numpy(), edges[:-1][filled])
        full = np.full(wanted, blank)
        full[filled] = found
        series = pl.Series(full).set(pl.Series(full == blank), None)
        ends.append(series.cast(moments.to_physical().dtype).cast(moments.dtype).to_list())
    return ends[0], ends[1]


def identities(rows: pl.DataFrame, edges: np.ndarray) -> list[Identities]:
    """Whom the rows of each table name, and how often: in order of appearance, without rows that name nobody."""
    found: list[Identities] = [{} for _ in range(len(edges) - 1)]
    if "platform_account_id" not in rows.columns or not rows.height:
        return found
    account, handle = rows["platform_account_id"], rows["handle"]
    if account.null_count() == rows.height and handle.null_count() == rows.height:
        return found
    if len(found) == 1:
        counted = Counter(zip(account.to_list(), handle.to_list(), strict=True))
        return [{who: n for who, n in counted.items() if any(who)}]
    fresh = (account.ne_missing(account.shift(1)) | handle.ne_missing(handle.shift(1))).to_numpy(writable=True)
    fresh[edges[:-1][edges[:-1] < rows.height]] = True
    at = np.flatnonzero(fresh)
    sizes = np.diff(np.append(at, rows.height)).tolist()
    tables = (np.searchsorted(edges, at, side="right") - 1).tolist()
    for table, size, *who in zip(tables, sizes, account.gather(at), handle.gather(at), strict=True):
        if who[0] or who[1]:
            key = (who[0], who[1])
            found[table][key] = found[table].get(key, 0) + size
    return found
