"""What the tables of one file say together, and what the values of a period export cover: whole lives, or only the period.

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
                export.outcome = "flagged" if export.outcome == "accepted" else export.outcome
    ownership.settle(exports)
    _one_answer(exports)
    return list(exports)


# --- titled blocks

KEYS = ("day", "dimension", "label", "label2")


def _one_answer(exports: Sequence[Export]) -> None:
    """Two blocks of a file that give one account other figures for the same: what a title states stays, a folder decided wrongly.

    Where two titles state it, neither is known to be right.
    """
    groups: dict[tuple[object, ...], list[Export]] = {}
    for export in exports:
        if "#" in export.member and export.rows is not None:
            whose = (export.member.partition("#")[0], export.kind, export.platform, frozenset(export.header.mapped.values()))
            groups.setdefault(whose, []).append(export)
    for blocks in groups.values():
        stated = [e for e in blocks if e.names_platform]
        doubtful = [e for e in blocks if not e.names_platform and any(_contradict(e, b) for b in blocks if b is not e)]
        doubtful += [e for e in stated if any(_contradict(e, b) for b in stated if b is not e)]
        for export in doubtful:
            export.outcome, export.rows = "refused", None
            export.messages.append(message("TITLE_TWICE", export.member, ", ".join(e.member for e in blocks)))


def _contradict(one: Export, other: Export) -> bool:
    if one.rows is None or other.rows is None:
        return False
    keys = [k for k in KEYS if k in one.rows.columns and k in other.rows.columns]
    values = [c for c in one.header.mapped.values() if c in one.rows.columns and c not in keys] or ["value"]
    both = one.rows.join(other.rows, on=keys, suffix="_other", nulls_equal=True)
    return not both.filter(pl.any_horizontal(pl.col(v).ne_missing(pl.col(f"{v}_other")) for v in values)).is_empty()


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
