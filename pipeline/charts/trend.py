"""Lines over months: the regency's middle agency, or one agency over the band of its peers."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from markupsafe import Markup

from pipeline.charts import (
    HOVER,
    SIZES,
    Chart,
    Column,
    Figure,
    Row,
    Table,
    band,
    finish,
    month_ticks,
    note,
    outside,
    ratio_axis,
    rule,
)
from pipeline.charts.marks import interval_columns, lines, upright
from pipeline.html.escape import teks
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.tokens import colour

COMPLETE = 0.95  # a month below this share of complete accounts is drawn hollow
MONTHS = 13


def regency_trend(
    frame: pl.DataFrame, words: Words, *, marks: Sequence[tuple[date, str]] = (), through: date | None = None
) -> Chart:
    """Median agency against its expected value per month, with 95% interval, middle half of agencies, and coverage bars.

    frame: month, median, lower, upper, q1, q3, n, coverage (0–1); `marks` are (month, words) of events such as trainings.
    Months after `through` are still running: hollow, and no sentence rests on them."""
    rows = frame.sort("month").tail(MONTHS).to_dicts()
    table = Table(
        (
            Column("month", words.plain("Month"), "month"),
            Column("median", words.plain("Middle agency, × usual"), "times"),
            *interval_columns(words),
            Column("q1", words.plain("Lower quarter"), "times"),
            Column("q3", words.plain("Upper quarter"), "times"),
            Column("n", words.plain("Agencies"), "integer"),
            Column("coverage", words.plain("Data complete"), "percent"),
        ),
        tuple(tuple(row[c] for c in ("month", "median", "lower", "upper", "q1", "q3", "n", "coverage")) for row in rows),
    )
    drawn = [row for row in rows if row["median"] is not None and (through is None or row["month"] <= through)]
    figures = {size: _regency_figure(rows, words, size, marks, through) for size in SIZES} if drawn else {}
    return Chart(
        name="tren",
        title=_regency_title(drawn, words),
        subtitle=words._("Response of the agency in the middle against the usual (×1.00), per month"),
        reading=words._(
            "Line: the agency in the middle. Dark band: the range in which its true value very probably lies. Light "
            "band: the middle "
            "half of agencies. Hollow dot: a month with less than 95% of the data; its number may still change when files arrive."
        ),
        source=words._("Source: platform files downloaded by the agencies"),
        description=_regency_description(drawn, words),
        table=table,
        figures=figures,
        figure_id="regency_month:median:month=" + (drawn[-1]["month"].isoformat() if drawn else ""),
    )


def _regency_title(rows: list[Row], words: Words) -> str:
    if not rows:
        return words._("Not enough data yet for a trend")
    last, first = rows[-1], rows[0]
    if len(rows) < 3 or None in (last["lower"], last["upper"], first["lower"], first["upper"]):
        return words._("Too few months yet to speak of a trend")
    if last["lower"] > first["upper"]:
        return words._("The agency in the middle draws more response than in {month}", month=words.month(first["month"]))
    if last["upper"] < first["lower"]:
        return words._("The agency in the middle draws less response than in {month}", month=words.month(first["month"]))
    return words._("No certain rise or fall since {month}", month=words.month(first["month"]))


def _regency_description(rows: list[Row], words: Words) -> str:
    if not rows:
        return words._("No month has enough data.")
    last = rows[-1]
    return words._(
        "In {month} the agency in the middle had {value} ({interval}); half of the agencies lay between {q1} and {q3}.",
        month=words.month(last["month"]),
        value=words.times(last["median"]),
        interval=words.interval(last["lower"], last["upper"], kind="times"),
        q1=words.times(last["q1"]),
        q3=words.times(last["q3"]),
    )


def _regency_figure(rows: list[Row], words: Words, size: str, marks: Sequence[tuple[date, str]], through: date | None) -> Figure:
    months = [row["month"] for row in rows]
    x = list(range(len(rows)))
    font = 11 if size == "n" else 12
    axis = ratio_axis([row[c] for row in rows for c in ("median", "lower", "upper", "q1", "q3")], words)
    over = [through is None or row["month"] <= through for row in rows]
    ends = [(i, row["median"]) for i, row in enumerate(rows) if row["median"] is not None and over[i]][-1]
    full = [(row["coverage"] or 0) >= COMPLETE and done for row, done in zip(rows, over, strict=True)]
    data = [
        band(x, [row["q1"] for row in rows], [row["q3"] for row in rows], "band"),
        band(x, [row["lower"] for row in rows], [row["upper"] for row in rows], "band2"),
        _line(x, [row["median"] for row in rows], [_month_hover(row, words) for row in rows], full, "brand", ends[0]),
        _coverage_bars(x, rows, full, words, font),
    ]
    foot: Spec = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "middle"}
    label = [note(words.plotly("Complete data, % of account-days (under 95% in colour)"), 0, 0.2, size=font - 1, **foot)]
    events = [(i, text) for mark, text in marks for i, month in enumerate(months) if month == mark.replace(day=1)]
    lone = ends[0] == len(rows) - 1
    label.append(_value_label(ends, [rows[ends[0]][c] for c in ("upper", "q3")], lone, words, font))
    if not lone:
        last = max(i for i, row in enumerate(rows) if row["median"] is not None)
        text = words.plotly("running")
        label.append(note(text, last, math.log10(rows[last]["median"]), size=font - 1, xanchor="left", xshift=9))
    label += [
        note(teks(text), i, 1.0, size=font - 1, yref="paper", yanchor="bottom", yshift=1) for i, text in _spaced(events, size)
    ]
    return finish(
        data,
        {
            "margin": {"l": 50, "r": 62 if size != "n" else 52, "t": 24, "b": 40},
            "xaxis": {**month_ticks(months, words, size), "anchor": "y2"},
            "yaxis": {**axis, "domain": [0.3, 1]},
            "yaxis2": {
                "type": "linear",
                "domain": [0, 0.14],
                "range": [0, 1],
                "anchor": "x",
                "showgrid": False,
                "showticklabels": False,
            },
            "shapes": [rule("y", 1.0)] + [rule("x", i, dash="dot", width=1, below=False) for i, _ in events],
            "annotations": label,
        },
        size,
        height={"w": 380, "m": 285, "n": 320}[size],
    )


def _value_label(end: tuple[int, float], above: Sequence[float | None], lone: bool, words: Words, font: int) -> Spec:
    """The last judged value: in the right margin, or over the bands when a running month follows it."""
    i, value = end
    if lone:
        place: Spec = {"y": math.log10(value), "xanchor": "left", "xshift": 9}
    else:
        place = {"y": math.log10(max(v for v in (value, *above) if v)), "yanchor": "bottom", "yshift": 3}
    return note(words.times(value), i, size=font + 1, tint="brand", bold=True, **place)


def _spaced(events: list[tuple[int, str]], size: str) -> list[tuple[int, str]]:
    """Labels that would run into each other keep only the first; the rule itself is always drawn."""
    kept: list[tuple[int, str]] = []
    for i, text in sorted(events):
        if not kept or i - kept[-1][0] >= (4 if size == "n" else 2):
            kept.append((i, text))
    return kept


def _line(x: list[int], y: list[float | None], hover: list[str], full: list[bool], tint: str, last: int) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": y,
        "customdata": hover,
        "hovertemplate": HOVER,
        "cliponaxis": False,
        "line": {"color": colour(tint), "width": 2.4},
        "marker": {
            "size": [11 if i == last else 7 for i in x],
            "color": [colour(tint) if ok else colour("surface") for ok in full],
            "line": {"color": [colour("surface") if ok else colour(tint) for ok in full], "width": 1.6},
        },
    }


def _coverage_bars(x: list[int], rows: list[Row], full: list[bool], words: Words, font: int) -> Spec:
    shares = [row["coverage"] for row in rows]
    dense = len(rows) > 8 and font == 11
    return {
        "type": "bar",
        "x": x,
        "y": [1 if s is not None else None for s in shares],
        "yaxis": "y2",
        "hovertemplate": HOVER,
        "marker": {"color": [colour("neutralbg") if ok else colour("amber") for ok in full]},
        "customdata": [
            words.plotly("{month}: {share} complete", month=words.month(r["month"]), share=words.percent(r["coverage"]))
            for r in rows
        ],
        "text": ["" if s is None or dense else words.integer(math.floor(s * 100 + 1e-9)) for s in shares],
        "textposition": "inside",
        "textangle": 0,
        "textfont": {"size": font - 1, "color": [colour("ink2") if ok else colour("onamber") for ok in full]},
        "constraintext": "none",
    }


def _month_hover(row: Row, words: Words) -> str:
    if row["median"] is None:
        return ""
    interval = words.interval(row["lower"], row["upper"], kind="times")
    return f"<b>{words.month(row['month'])}</b><br>{words.times(row['median'])}<br>{interval}"


def agency_trend(frame: pl.DataFrame, peers: pl.DataFrame, words: Words, *, agency_id: str, through: date | None = None) -> Chart:
    """One agency per month over the middle half of its peer group.

    frame: month, vs_expected, lower, upper, n_posts, complete; peers: month, median, q1, q3 (peer group without this agency)."""
    months = sorted(set(frame["month"]) | set(peers["month"]))[-MONTHS:] if frame.height else []
    own = {row["month"]: row for row in frame.to_dicts()}
    others = {row["month"]: row for row in peers.to_dicts()}
    rows = [(month, own.get(month) or {}, others.get(month) or {}) for month in months]
    table = Table(
        (
            Column("month", words.plain("Month"), "month"),
            Column("vs_expected", words.plain("× usual"), "times"),
            *interval_columns(words),
            Column("n_posts", words.plain("Posts"), "integer"),
            Column("peer_median", words.plain("Middle of the group"), "times"),
        ),
        tuple((m, a.get("vs_expected"), a.get("lower"), a.get("upper"), a.get("n_posts"), p.get("median")) for m, a, p in rows),
    )
    known = [(m, a) for m, a, _ in rows if a.get("vs_expected") is not None]
    drawn = [a for m, a in known if through is None or m <= through]
    return Chart(
        name="tren",
        title=_agency_title(drawn, words, through),
        subtitle=words._("Response against the usual (×1.00), per month"),
        reading=words._(
            "Line: this agency. Thin bars: the range in which its true value very probably lies. Band: the middle half of its "
            "group. Hollow dot: an incomplete month or fewer than 5 posts. The line is broken where a month is missing."
        ),
        source=words._("Source: platform files downloaded by the agencies"),
        description=_agency_description(drawn, others, words),
        table=table,
        figures={size: _agency_figure(rows, words, size, through) for size in SIZES} if drawn else {},
        figure_id=f"agency_month_index:vs_expected:agency_id={agency_id}",
    )


def _agency_title(rows: list[Row], words: Words, through: date | None) -> str:
    if not rows:
        return words._("No month has enough posts to be judged")
    if len(rows) < 3:
        return words._("Too few months yet to speak of a trend")
    last, first = rows[-1], rows[0]
    if through is not None and last["month"] < through.replace(day=1):
        return words._("The last month with data is {month}", month=words.month(last["month"]))
    bounds = (last.get("lower"), last.get("upper"), first.get("lower"), first.get("upper"))
    if None not in bounds and last["lower"] > first["upper"]:
        return words._("Higher than at the start of the period")
    if None not in bounds and last["upper"] < first["lower"]:
        return words._("Lower than at the start of the period")
    states = {outside(r.get("vs_expected"), r.get("lower"), r.get("upper")) for r in rows[-3:]}
    if states == {"up"}:
        return words._("More response than usual in each of the last three months")
    if states == {"down"}:
        return words._("Less response than usual in each of the last three months")
    return words._("From month to month within ordinary ups and downs")


def _agency_description(rows: list[Row], others: dict[date, Row], words: Words) -> str:
    """The last judged month beside its group, and how many of the drawn months lie certainly apart from the usual."""
    if not rows:
        return words._("No month has enough posts to be judged")
    last, sides = rows[-1], [outside(r.get("vs_expected"), r.get("lower"), r.get("upper")) for r in rows]
    middle = (others.get(last["month"]) or {}).get("median")
    said = words._(
        "In {month} it had {value} ({interval}). Of {n} months with a value, {up} lie certainly above the usual and {down} "
        "below.",
        month=words.month(last["month"]),
        value=words.times(last["vs_expected"]),
        interval=words.interval(last.get("lower"), last.get("upper"), kind="times"),
        n=words.integer(len(rows)),
        up=words.integer(sides.count("up")),
        down=words.integer(sides.count("down")),
    )
    group = words._("The middle of its group was {value}.", value=words.times(middle)) if middle is not None else ""
    return Markup(" ").join(part for part in (said, group) if part)


def _agency_figure(rows: list[tuple[Any, ...]], words: Words, size: str, through: date | None) -> Figure:
    x = list(range(len(rows)))
    own = [a.get("vs_expected") for _, a, _ in rows]
    over = [through is None or m <= through for m, _, _ in rows]
    firm = [bool(a.get("complete")) and (a.get("n_posts") or 0) >= 5 and done for (_, a, _), done in zip(rows, over, strict=True)]
    font = 11 if size == "n" else 12
    bars = upright((a["lower"], a["upper"], i) for i, (_, a, _) in enumerate(rows) if a.get("lower") and a.get("vs_expected"))
    axis = ratio_axis([*own, *bars[1], *(p.get(c) for _, _, p in rows for c in ("q1", "q3"))], words)
    hover = [
        ""
        if a.get("vs_expected") is None
        else f"<b>{words.month(m)}</b><br>{words.times(a['vs_expected'])}<br>"
        f"{words.interval(a.get('lower'), a.get('upper'), kind='times')}<br>"
        + words.plotly("{n} posts", n=words.integer(a.get("n_posts")))
        for m, a, _ in rows
    ]
    last = max(i for i, v in enumerate(own) if v is not None and over[i])
    lone = last == len(rows) - 1
    bounds = (rows[last][1].get("upper"), rows[last][2].get("q3"))
    labels = [_value_label((last, own[last]), bounds, lone, words, font)]
    labels += _peer_label(rows, own[last] if lone else None, axis, words, font)
    return finish(
        [
            band(x, [p.get("q1") for _, _, p in rows], [p.get("q3") for _, _, p in rows], "band"),
            lines(*bars, "brand", width=1, opacity=1.0),
            _line(x, own, hover, firm, "brand", last),
        ],
        {
            "margin": {"l": 50, "r": 62 if size != "n" else 52, "t": 12, "b": 40},
            "xaxis": month_ticks([m for m, _, _ in rows], words, size),
            "yaxis": axis,
            "shapes": [rule("y", 1.0)],
            "annotations": labels,
        },
        size,
        height={"w": 320, "m": 270, "n": 280}[size],
    )


def _peer_label(rows: list[tuple[Any, ...]], beside: float | None, axis: Spec, words: Words, font: int) -> list[Spec]:
    """The name of the band, in the right margin at its middle, or at the edge farther from the agency's own label there."""
    known = [(i, p["q1"], p["q3"]) for i, (_, _, p) in enumerate(rows) if p.get("q1") and p.get("q3")]
    if not known or known[-1][0] != len(rows) - 1:
        return []
    i, low, high = known[-1]
    at = math.sqrt(low * high)
    crowded = (axis["range"][1] - axis["range"][0]) / 12
    if beside and abs(math.log10(at / beside)) < crowded:
        at = max((low, high), key=lambda edge: abs(math.log10(edge / beside)))
        if abs(math.log10(at / beside)) < crowded:
            at = beside * 10 ** math.copysign(crowded, math.log10(at / beside) or 1)
    return [note(words.plotly("peers"), i, math.log10(at), size=font - 1, xanchor="left", xshift=9)]
