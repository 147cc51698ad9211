"""Before and after per agency: two points and the line between them, in alphabetical order."""

import math

import polars as pl

from pipeline.charts import SIZES, Chart, Column, Figure, Row, Table, finish, note, outside, ratio_axis, rule
from pipeline.charts.marks import across, interval_columns, lines, points
from pipeline.html.escape import teks
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.tokens import colour

LIMIT = 60  # rows drawn; of more, those that moved for certain


def before_after(frame: pl.DataFrame, names: dict[str, str], words: Words) -> Chart:
    """Each trained agency before and after its training, against what the not-yet-trained suggest.

    frame: agency_id, wave, before, after, effect, lower, upper, n (ln scale). Coloured only when the interval clears ×1."""
    rows = [_row(r, names) for r in frame.drop_nulls(["before", "after"]).to_dicts()]
    rows = sorted(rows, key=lambda r: (r["label"].casefold(), r["agency_id"]))
    up, down = (sum(r["side"] == side for r in rows) for side in ("up", "down"))
    clear = up + down
    wanted = [r for r in rows if r["side"] in ("up", "down")] if len(rows) > LIMIT and clear else rows
    drawn = wanted[:LIMIT]
    return Chart(
        name="sebelum-sesudah",
        title=_title(up, down, len(rows), words),
        subtitle=words._("Response before (hollow) and after the training (filled), per agency, against the usual"),
        reading=words._(
            "Alphabetical. Colour only when the agency's whole range, measured beside the not-yet-trained, lies on one side of "
            "×1; it stands on the right. One agency alone proves little: some would be coloured without any effect. The number "
            "above uses all."
        ),
        source=words._("Source: training register and platform files"),
        description=words._(
            "Of {n} trained agencies {up} certainly draw more response than before, {down} less; for the others it is not "
            "certain.",
            n=words.integer(len(rows)),
            up=words.integer(up),
            down=words.integer(down),
        ),
        table=_table(rows, words),
        figures={size: _figure(drawn, words, size) for size in SIZES} if rows else {},
        figure_id="training_agency:effect",
        listed=_table(drawn, words) if len(drawn) < len(rows) else None,
        listed_note=words._(
            "Drawn and listed: {drawn} agencies whose whole range lies on one side of ×1, or the first by alphabet; "
            "all {n} are in the CSV.",
            drawn=words.integer(len(drawn)),
            n=words.integer(len(rows)),
        ),
    )


def _title(up: int, down: int, n: int, words: Words) -> str:
    if not up and not down:
        return words._("After the training no single agency differs for certain")
    if not down:
        return words._("After the training {up} of {n} agencies certainly draw more response", up=up, n=n)
    if not up:
        return words._("After the training {down} of {n} agencies certainly draw less response", down=down, n=n)
    return words._("After the training {up} of {n} agencies draw more response for certain, {down} less", up=up, down=down, n=n)


def _table(rows: list[Row], words: Words) -> Table:
    columns = (
        Column("agency", words.plain("Agency")),
        Column("wave", words.plain("Cohort")),
        Column("before", words.plain("Before"), "times"),
        Column("after", words.plain("After"), "times"),
        Column("effect", words.plain("After ÷ expected without training"), "times"),
        *interval_columns(words),
        Column("months", words.plain("Months after"), "integer"),
    )
    keys = ("label", "wave", "before", "after", "effect", "lower", "upper", "n")
    return Table(columns, tuple(tuple(r[k] for k in keys) for r in rows))


def _row(row: Row, names: dict[str, str]) -> Row:
    grown = {k: math.exp(row[k]) if row[k] is not None else None for k in ("before", "after", "effect", "lower", "upper")}
    side = outside(grown["effect"], grown["lower"], grown["upper"])
    return {
        **row,
        **grown,
        "side": side,
        "label": str(names.get(row["agency_id"], row["agency_id"])),
        "wave": str(row["wave"] or "–"),
    }


def _figure(rows: list[Row], words: Words, size: str) -> Figure:
    phone, font = size == "n", 11 if size == "n" else 12
    step = 34 if phone else 24 if size == "w" else 19
    axis = ratio_axis([v for r in rows for v in (r["before"], r["after"])], words)
    data: list[Spec] = []
    shift = -0.2 if phone else 0.0
    for side, tint in (("data", "neutral"), ("flat", "neutral"), ("down", "down"), ("up", "up")):
        group = [(i, r) for i, r in enumerate(rows) if r["side"] == side]
        if group:
            data += _marks(group, tint, shift, words)
    notes = []
    for i, r in enumerate(rows):
        span = words.interval(r["lower"], r["upper"], kind="times").removeprefix("95%: ") if r["lower"] else "–"
        left: Spec = {"xanchor": "left", "xshift": 0 if phone else -170}
        notes.append(note(teks(r["label"], 28), 0, -i, size=font, tint="ink", xref="paper", yshift=9 if phone else 0, **left))
        right: Spec = {"xanchor": "right", "xshift": 0 if phone else 86}
        notes.append(note(span, 1, -i, size=font - 0.5, xref="paper", yshift=9 if phone else 0, **right))
    return finish(
        data,
        {
            "margin": {"l": 8 if phone else 178, "r": 8 if phone else 92, "t": 26, "b": 6},
            "xaxis": {**axis, "side": "top"},
            "yaxis": {"type": "linear", "range": [-len(rows) + 0.4, 0.8], "showgrid": False, "showticklabels": False},
            "shapes": [rule("x", 1.0)],
            "annotations": notes,
        },
        size,
        height=36 + step * len(rows),
    )


def _marks(group: list[tuple[int, Row]], tint: str, shift: float, words: Words) -> list[Spec]:
    hover = [f"<b>{teks(r['label'])}</b><br>{words.times(r['before'])} → {words.times(r['after'])}" for _, r in group]
    rim = {"width": 1.5, "color": colour(tint)}
    at = [shift - i for i, _ in group]
    return [
        lines(*across((r["before"], r["after"], shift - i) for i, r in group), tint, width=3, opacity=0.5),
        points([r["before"] for _, r in group], at, tint, hover, size=9, hollow=True, line=rim),
        points([r["after"] for _, r in group], at, tint, hover, size=9, line=rim),
    ]
