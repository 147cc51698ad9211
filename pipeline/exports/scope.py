"""What the values of a period export cover: the posts' whole life, or only the period that was chosen at export.

YouTube tables are sums over a chosen period that the table itself does not tell. The archive's name tells it, and so do the chart
files beside it, which have a row for each of its days. A post published on or after the period's first day has its lifetime total
(as of the period's end); any other value must never be shown as one.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.exports import ownership
from pipeline.exports.messages import message
from pipeline.exports.model import Export

DAILY = ("yt_chart_data", "yt_totals")


def settle(exports: Sequence[Export]) -> list[Export]:
    """Puts period_start, period_end and value_scope on the rows of exports that are sums over a period.

    Then what a file says of several accounts is said as one.
    """
    for export in exports:
        if export.period_sums and export.rows is not None:
            export.period = _beside(export, exports) or export.period
            export.rows = _covered(export, export.rows, export.period)
            if export.period is None and export.grain == "post":
                export.messages.append(message("PERIOD_UNKNOWN", "", export.file))
    ownership.settle(exports)
    return list(exports)


def _folder(export: Export) -> str:
    return export.member.rpartition("/")[0]


def _beside(export: Export, exports: Sequence[Export]) -> tuple[date, date] | None:
    """First and last day of the chart files in the same folder of the same archive, if they agree."""
    if not export.member:
        return None
    spans = {(e.first, e.last) for e in exports if e.kind in DAILY and e.rows is not None and _folder(e) == _folder(export)}
    if len(spans) != 1:
        return None
    first, last = spans.pop()
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def _covered(export: Export, rows: pl.DataFrame, period: tuple[date, date] | None) -> pl.DataFrame:
    start, end = period or (None, None)
    rows = rows.with_columns(pl.lit(start, pl.Date).alias("period_start"), pl.lit(end, pl.Date).alias("period_end"))
    if export.grain != "post":
        return rows
    if period is None:
        return rows.with_columns(pl.lit("unknown").alias("value_scope"))
    born = pl.col("published_on").is_not_null() & (pl.col("published_on") >= pl.col("period_start"))
    below = [pl.col(c) < 0 for c in ("views", "likes", "comments", "shares") if c in rows.columns]
    born &= ~pl.any_horizontal(pl.lit(False), *below).fill_null(False)  # net of a period: no whole life is below zero
    return rows.with_columns(pl.when(born).then(pl.lit("lifetime")).otherwise(pl.lit("period")).alias("value_scope"))
