"""Dot-and-interval rows: themes, platforms, training cohorts, one agency among its peers."""

import math

import polars as pl

from pipeline.charts import JUDGED, SIZES, Chart, Column, Figure, Row, Table, finish, note, outside, ratio_axis, rule
from pipeline.charts.marks import across, hover_interval, interval_columns, lines, points, shade, short_rule
from pipeline.html.escape import tampil, teks
from pipeline.html.live import Spec
from pipeline.html.locale import Words
from pipeline.html.svg import plain_text, text_width
from pipeline.html.tokens import colour
from pipeline.platforms import label

TINT = {"up": "up", "down": "down", "flat": "neutral", "data": "neutral"}


def theme_dots(
    frame: pl.DataFrame,
    names: dict[str, str],
    words: Words,
    *,
    scheme_id: str,
    subjects: dict[str, str] | None = None,
    untagged: float | None = None,
    name: str = "tema",
) -> Chart:
    """Lift of each programme theme over the account's own normal, with interval.

    frame: programme, lift, lower, upper, n_posts, n_agencies, share_posts, q.
    Colour only when the interval clears ×1 and q ≤ 0.10."""
    rows = [
        _theme_row(r, names, subjects or {}, words)
        for r in frame.sort("lift", "programme", descending=[True, False], nulls_last=True).to_dicts()
    ]
    table = Table(
        (
            Column("programme", words.plain("Theme")),
            Column("lift", words.plain("Pull ×"), "times"),
            *interval_columns(words),
            Column("n_posts", words.plain("Posts"), "integer"),
            Column("n_agencies", words.plain("Agencies"), "integer"),
            Column("share_posts", words.plain("Share of posts"), "percent", 1),
        ),
        tuple((r["label"], r["lift"], r["lower"], r["upper"], r["n_posts"], r["n_agencies"], r["share_posts"]) for r in rows),
    )
    return Chart(
        name=name,
        title=_theme_title(rows, words),
        subtitle=words._("Response to posts on a theme against the same account's other posts (×1.00 = the same)"),
        reading=words._(
            "Square: the best guess; bar: the range in which the true value very probably lies. Grey: the bar touches ×1, so no "
            "difference is certain. Agencies choose their themes, so the two go together; one need not cause the other."
        ),
        source=words._("Source: platform files; themes found by words and hashtags")
        if untagged is None
        else words._(
            "Source: platform files; themes found by words and hashtags. No theme: {share} of posts.",
            share=words.percent(untagged),
        ),
        description=_rows_description(rows, words),
        table=table,
        figures=_figures(rows, words),
        figure_id=f"theme_window:lift:scheme_id={scheme_id}",
    )


def _theme_row(row: Row, names: dict[str, str], subjects: dict[str, str], words: Words) -> Row:
    posts, agencies = words.integer(row["n_posts"]), words.integer(row["n_agencies"])
    return {
        **row,
        "label": names.get(row["programme"], row["programme"]),
        "value": row["lift"],
        "side": theme_side(row),
        "above": subjects.get(row["programme"], ""),
        "small": words.plain("{posts} posts, {agencies} agencies", posts=posts, agencies=agencies),
    }


def theme_side(row: Row) -> str:
    side = outside(row["lift"], row["lower"], row["upper"])
    return side if side in ("flat", "data") or row.get("q") is None or row["q"] <= 0.10 else "flat"


def _theme_title(rows: list[Row], words: Words) -> str:
    if not any(r["side"] != "data" for r in rows):
        return words._("Too few tagged posts to compare themes")
    up = [r["label"] for r in rows if r["side"] == "up"]
    down = [r["label"] for r in rows if r["side"] == "down"]
    if up and down:
        return words._("{up} draw more response than other posts, {down} less", up=words.join(up), down=words.join(down))
    if up:
        return words._("{up} draw more response than other posts; the others do not differ for certain", up=words.join(up))
    if down:
        return words._("{down} draw less response than other posts; the others do not differ for certain", down=words.join(down))
    return words._("No theme draws more or less response for certain")


def platform_dots(frame: pl.DataFrame, words: Words, *, agency_id: str) -> Chart:
    """One agency on each platform against its expected value there; platforms are never ranked against each other.

    frame: platform, vs_expected, lower, upper, n_posts, er_account, coverage, state."""
    rows = [_platform_row(r, words) for r in frame.sort("platform").to_dicts()]
    table = Table(
        (
            Column("platform", words.plain("Platform")),
            Column("vs_expected", words.plain("× usual"), "times"),
            *interval_columns(words),
            Column("n_posts", words.plain("Posts"), "integer"),
            Column("er_account", words.plain("Rate per post"), "percent", 2),
            Column("er_pooled", words.plain("Pooled rate"), "percent", 2),
        ),
        tuple(
            (r["label"], r["vs_expected"], r["lower"], r["upper"], r["n_posts"], r["er_account"], r.get("er_pooled"))
            for r in rows
        ),
    )
    return Chart(
        name="platform",
        title=_platform_title(rows, words),
        subtitle=words._("Each platform against what is usual there (×1.00 = as usual)"),
        reading=words._(
            "Platforms count differently, so each is compared with what is usual there and never with another. Without "
            "a square: not "
            "judged, for the reason given at the platform."
        ),
        source=words._("Source: platform files downloaded by the agencies"),
        description=_rows_description(rows, words),
        table=table,
        figures=_figures(rows, words),
        figure_id=f"agency_platform_window:vs_expected:agency_id={agency_id}",
    )


def _platform_row(row: Row, words: Words) -> Row:
    judged, posts = row["state"] in JUDGED, words.integer(row["n_posts"])
    if judged or row["state"] == "too_few_accounts":
        small = words.plain("{n} posts · rate {rate}", n=posts, rate=words.percent(row["er_account"], 2))
    elif row["state"] == "too_few_posts":
        small = words.plain("{n} posts old enough, 5 are needed", n=posts)
    elif row["state"] == "not_covered":
        small = words.plain("downloads cover {share} of the days", share=words.percent(row.get("coverage")))
    else:
        small = words.plain("no download of the three months")
    return {
        **row,
        "label": label(row["platform"]),
        "value": row["vs_expected"],
        "side": outside(row["vs_expected"], row["lower"], row["upper"]) if judged else "data",
        "small": small,
        "missing": words.plotly("too few accounts") if row["state"] == "too_few_accounts" else "",
    }


def _platform_title(rows: list[Row], words: Words) -> str:
    judged = [r for r in rows if r["side"] != "data"]
    up = [r["label"] for r in judged if r["side"] == "up"]
    down = [r["label"] for r in judged if r["side"] == "down"]
    if not judged:
        return words._("No platform has enough posts to be judged")
    if up and down:
        return words._("More response than usual on {up}, less on {down}", up=words.join(up), down=words.join(down))
    if up:
        return words._("More response than usual on {up}", up=words.join(up))
    if down:
        return words._("Less response than usual on {down}", down=words.join(down))
    return words._("Not certainly different from the usual on any platform")


def cohort_word(wave: object, words: Words) -> str:
    """Cohorts are numbered or named by the register: "Cohort 2", but a name stands as it is, with a capital."""
    text = tampil(wave, 40)
    return words.plain("Cohort {wave}", wave=text) if text.isdigit() else text[:1].upper() + text[1:] or "–"


def cohort_dots(frame: pl.DataFrame, words: Words) -> Chart:
    """Effect per training cohort, as a percentage change written as a factor. frame: wave, effect, lower, upper, n (ln scale)."""
    rows = []
    for r in frame.sort("wave").to_dicts():
        value, low, high = (math.exp(r[c]) if r[c] is not None else None for c in ("effect", "lower", "upper"))
        rows.append(
            {
                "label": cohort_word(r["wave"], words),
                "value": value,
                "lower": low,
                "upper": high,
                "n": r.get("n"),
                "side": outside(value, low, high),
                "small": words.plain("{n} agencies", n=words.integer(r.get("n"))),
            }
        )
    table = Table(
        (
            Column("cohort", words.plain("Cohort")),
            Column("factor", words.plain("After ÷ expected without training"), "times"),
            *interval_columns(words),
            Column("n", words.plain("Agencies"), "integer"),
        ),
        tuple((r["label"], r["value"], r["lower"], r["upper"], r["n"]) for r in rows),
    )
    clear = [r for r in rows if r["side"] in ("up", "down")]
    return Chart(
        name="angkatan",
        title=words.ngettext(
            "{n} cohort differs for certain from what was expected without training",
            "{n} cohorts differ for certain from what was expected without training",
            len(clear),
        )
        if clear
        else words._("No single cohort differs for certain"),
        subtitle=words._("Response after training against what the not-yet-trained suggest (×1.00 = no difference)"),
        reading=words._(
            "Square: the best guess; bar: the range in which the true value very probably lies. Cohorts are small, so "
            "long bars are normal."
        ),
        source=words._("Source: training register and platform files"),
        description=_rows_description(rows, words),
        table=table,
        figures=_figures(rows, words),
        figure_id="training_cohort:effect",
    )


def _rows_description(rows: list[Row], words: Words) -> str:
    if not rows:
        return words._("There are no rows to draw.")
    parts = [
        words._(
            "{name}: {value} ({interval})",
            name=r["label"],
            value=words.times(r["value"]),
            interval=words.interval(r["lower"], r["upper"], kind="times"),
        )
        for r in rows
        if r["value"] is not None
    ]
    return words._("{rows}.", rows="; ".join(parts)) if parts else words._("No row has enough data.")


def _figures(rows: list[Row], words: Words) -> dict[str, Figure]:
    return {size: _rows_figure(rows, words, size) for size in SIZES} if any(r["value"] for r in rows) else {}


def _rows_figure(rows: list[Row], words: Words, size: str) -> Figure:
    """Rows from top to bottom at y = 0, -1, -2…; labels left on wide sizes, above the row on phones."""
    phone, font = size == "n", 11 if size == "n" else 12
    deep = 1 + any(r.get("above") for r in rows)  # lines of small print
    step = (60 if phone else 40 if size == "w" else 34) + (deep - 1) * 14
    height = 34 + step * len(rows) + (26 if phone else 12)
    axis = ratio_axis([v for r in rows for v in (r["value"], r["lower"], r["upper"])], words)
    shift = -0.18 if phone else 0.0
    data = []
    for side in ("data", "flat", "down", "up"):
        group = [(shift - i, r) for i, r in enumerate(rows) if r["side"] == side and r["value"]]
        if group:
            data += [_bars(group, side), _squares(group, side, words)]
    label = _label_above if phone else _label_beside
    left = 8 if phone else _left_margin(rows, font, words)
    # on phones the labels stand above the rows, so the rule at ×1 keeps to the rows
    ones = [short_rule(1.0, shift - i - 0.15, shift - i + 0.15) for i in range(len(rows))] if phone else [rule("x", 1.0)]
    return finish(
        data,
        {
            "margin": {"l": left, "r": 8 if phone else 100, "t": 26, "b": 6},
            "xaxis": {**axis, "side": "top", "showgrid": False},
            "yaxis": {
                "range": [-len(rows) + 0.45, 0.8 if phone else 0.55],
                "showgrid": False,
                "showticklabels": False,
                "type": "linear",
            },
            "shapes": [*(rule("y", shift - i, tint="grid", width=1) for i in range(len(rows))), *ones],
            "annotations": [text for i, r in enumerate(rows) for text in label(r, -i, deep, font, words, left)],
        },
        size,
        height=height,
    )


def _row_texts(row: Row, words: Words) -> tuple[str, str, str, str]:
    """Name, the small print below it, the value, and below that its interval or why there is none."""
    small = str(teks(row["small"], 60))
    if row.get("above"):
        small = f"{teks(row['above'], 40)}<br>{small}"
    value = words.times(row["value"]) if row["value"] else ""
    span = words.interval(row["lower"], row["upper"], kind="times").removeprefix("95%: ") if row["lower"] else ""
    if not value:
        span = row.get("missing") or words.plotly("too little data")
    return f"<b>{teks(row['label'], 34)}</b>", small, value, span


def _left_margin(rows: list[Row], font: float, words: Words) -> float:
    """Room for the longest name beside the rows, so that none runs into a bar."""
    names = [text_width(plain_text(_row_texts(r, words)[0]), font + 1, bold=True) for r in rows]
    return max([204, *(16 + wide for wide in names)])


def _label_above(row: Row, y: int, deep: int, font: float, words: Words, _: float) -> list[Spec]:
    """Phones: name and value on one line over the row, the small print below them."""
    name, small, value, span = _row_texts(row, words)
    place: Spec = {"xref": "paper", "yanchor": "bottom"}
    top: Spec = {**place, "size": font + 0.5, "tint": "ink", "yshift": 5 + 14 * deep}
    return [
        note(name, 0, y, xanchor="left", **top),
        note(small, 0, y, size=font, xanchor="left", yshift=4, align="left", **place),
        note(value, 1, y, bold=True, xanchor="right", **top)
        if value
        else note(span, 1, y, size=font, xanchor="right", yshift=5 + 14 * deep, **place),
    ]


def _label_beside(row: Row, y: int, deep: int, font: float, words: Words, margin: float) -> list[Spec]:
    """Wide screens and paper: name and small print on the left, value and interval on the right."""
    name, small, value, span = _row_texts(row, words)
    left: Spec = {"xref": "paper", "xanchor": "left", "xshift": 4 - margin}
    right: Spec = {"xref": "paper", "xanchor": "right", "xshift": 96}
    top: Spec = {"size": font + 1, "tint": "ink", "yanchor": "bottom", "yshift": -3}
    low: Spec = {"size": font - 0.5, "yanchor": "top", "yshift": -1}
    return [
        note(name, 0, y, **left, **top),
        note(small, 0, y, align="left", **left, **low),
        *([note(value, 1, y, bold=True, **right, **top)] if value else []),
        note(span, 1, y, **right, **low),
    ]


def _bars(group: list[tuple[float, Row]], side: str) -> Spec:
    return lines(*across((r["lower"], r["upper"], y) for y, r in group if r["lower"] and r["upper"]), TINT[side])


def _squares(group: list[tuple[float, Row]], side: str, words: Words) -> Spec:
    hover = [f"<b>{teks(r['label'])}</b><br>{hover_interval(words, r['value'], r['lower'], r['upper'])}" for _, r in group]
    place = [r["value"] for _, r in group], [y for y, _ in group]
    return points(*place, TINT[side], hover, size=10, hollow=side == "data", symbol="square")


def standing(peers: pl.DataFrame, words: Words, *, agency_id: str, name: str, box: tuple[float, float] | None = None) -> Chart:
    """One agency among the judged members of its peer group on one line, the others anonymous grey.

    peers: agency_id, vs_expected, lower, upper, state, peer_median — the whole group; the agency itself is never part of its own
    benchmark. box: lower and upper quarter of the others, where the version has them."""
    rows = [r for r in peers.to_dicts() if r["vs_expected"]]
    own = next((r for r in rows if r["agency_id"] == agency_id), None)
    others = sorted(r["vs_expected"] for r in rows if r["agency_id"] != agency_id and r["state"] in JUDGED)
    middle = own.get("peer_median") if own else None
    value, lower, upper = (own[c] for c in ("vs_expected", "lower", "upper")) if own else (None, None, None)
    table = Table(
        (
            Column("what", words.plain("What")),
            Column("vs_expected", words.plain("× usual"), "times"),
            *interval_columns(words),
        ),
        (
            (name, value, lower, upper),
            (words.plain("Middle of the other members"), middle, None, None),
            *([(words.plain("Lower and upper quarter of the other members"), None, *box)] if box else []),
        ),
    )
    side = outside(value, lower, upper) if own and own["state"] in JUDGED else "data"
    return Chart(
        name="posisi",
        title={
            "up": words._("More response than usual"),
            "down": words._("Less response than usual"),
            "flat": words._("Not certainly different from the usual"),
            "data": words._("Not judged: too little data"),
        }[side],
        subtitle=words._("Response against what is usual for such accounts (×1.00), among its peer group"),
        reading=words._(
            "Large dot: this agency; bar: the range in which its true value very probably lies. Grey dots: the other "
            "members of its "
            "group; short line: their middle; shaded: their middle half. The agency is left out of its own benchmark."
        ),
        source=words._("Source: platform files downloaded by the agencies"),
        description=words._(
            "{name}: {value} ({interval}); the middle of {n} other members is {median}.",
            name=name,
            value=words.times(value),
            n=words.integer(len(others)),
            median=words.times(middle),
            interval=words.interval(lower, upper, kind="times"),
        ),
        table=table,
        figures={size: _standing_figure(own, others, side, box, words, size) for size in SIZES} if own or others else {},
    )


def _standing_figure(
    own: Row | None, others: list[float], side: str, box: tuple[float, float] | None, words: Words, size: str
) -> Figure:
    # without rims a crowd is drawn as one path: a page of hundreds of peers stays small
    bare = {"width": 0, "color": colour("neutral")}
    crowd = points(others, [_jitter(i) for i in range(len(others))], "neutral", [], size=7, opacity=0.55, line=bare)
    middle = own.get("peer_median") if own else None
    return finish(
        [{**crowd, "hoverinfo": "skip"}, *(_own_marks(own, side, words) if own else [])],
        {
            "margin": {"l": 14, "r": 14, "t": 22, "b": 30},
            "xaxis": ratio_axis([*others, *((own["vs_expected"], own["lower"], own["upper"]) if own else ())], words),
            "yaxis": {"type": "linear", "range": [-0.7, 1.8], "showgrid": False, "showticklabels": False},
            "shapes": [
                *([shade(*box)] if box else []),
                rule("x", 1.0),
                *([short_rule(middle, -0.45, 0.45, tint="ink2", width=2, below=False)] if middle else []),
            ],
            "annotations": [note(words.plotly("as usual"), 0, 1, size=11, yref="paper", yanchor="bottom", xref="x")],
        },
        size,
        height={"w": 150, "m": 130, "n": 150}[size],
    )


def _own_marks(own: Row, side: str, words: Words) -> list[Spec]:
    """The agency's interval and its estimate, above the crowd of the others."""
    tint = TINT[side] if side != "flat" else "brand"
    bar = [lines([own["lower"], own["upper"]], [1.1, 1.1], tint)] if own["lower"] and own["upper"] else []
    hover = hover_interval(words, own["vs_expected"], own["lower"], own["upper"])
    dot = points([own["vs_expected"]], [1.1], tint, [hover], size=13, hollow=side == "data")
    return [*bar, dot]


def _jitter(index: int) -> float:
    """A fixed, even spread, so that equal values do not hide each other and two builds agree."""
    return ((index * 5) % 7 - 3) / 10
