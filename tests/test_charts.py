"""Every chart at every size: drawable, valid for plotly, titled no more boldly than its interval, with its numbers behind it."""

import bisect
import importlib
import inspect
import math
import pkgutil
import re
from collections import Counter
from datetime import date, datetime

import plotly.graph_objects as go
import polars as pl
import pytest

from pipeline import charts, pages
from pipeline.charts import SIZES, Chart, dots, dumbbell, funnel, replies, training, trend
from pipeline.html.live import figure_data, live_data
from pipeline.html.locale import Words
from pipeline.html.svg import draw, plain_text, text_width
from pipeline.html.tokens import colour
from pipeline.pages.data import load
from pipeline.pages.sheet import Sheet
from tests.one_version import changed, trained

ID, EN = Words("id"), Words("en")
MONTHS = [date(2025 + (9 + i) // 12, (9 + i) % 12 + 1, 1) for i in range(13)]


def months(values, spread=0.05, **more) -> pl.DataFrame:
    rows = [
        {
            "month": m,
            "median": v,
            "lower": v and v * (1 - spread),
            "upper": v and v * (1 + spread),
            "q1": v and v * 0.8,
            "q3": v and v * 1.2,
            "n": 40,
            "coverage": 0.97,
            **more,
        }
        for m, v in zip(MONTHS, values, strict=False)
    ]
    schema = {
        "month": pl.Date,
        "median": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "q1": pl.Float64,
        "q3": pl.Float64,
        "n": pl.Int64,
        "coverage": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema)


def windows(values, *, n=60, state="judged") -> pl.DataFrame:
    rows = [
        {
            "agency_id": f"a{i}",
            "short_name": f"Kec. <A{i}>",
            "vs_expected": v,
            "lower": v / 1.15,
            "upper": v * 1.15,
            "n_posts": n + i,
            "state": state,
        }
        for i, v in enumerate(values)
    ]
    schema = {
        "agency_id": pl.Utf8,
        "short_name": pl.Utf8,
        "vs_expected": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "n_posts": pl.Int64,
        "state": pl.Utf8,
    }
    return pl.DataFrame(rows, schema=schema)


def own(values) -> pl.DataFrame:
    rows = [
        {"month": m, "vs_expected": v, "lower": v and v * 0.8, "upper": v and v * 1.25, "n_posts": 9, "complete": True}
        for m, v in zip(MONTHS, values, strict=False)
    ]
    schema = {
        "month": pl.Date,
        "vs_expected": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "n_posts": pl.Int64,
        "complete": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema)


def themes(rows) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"programme": p, "lift": v, "lower": lo, "upper": hi, "n_posts": 80, "n_agencies": 12, "share_posts": 0.2, "q": q}
            for p, v, lo, hi, q in rows
        ],
        schema={
            "programme": pl.Utf8,
            "lift": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "n_posts": pl.Int64,
            "n_agencies": pl.Int64,
            "share_posts": pl.Float64,
            "q": pl.Float64,
        },
    )


def platforms(count: int) -> pl.DataFrame:
    rows = [
        {
            "platform": p,
            "vs_expected": 1.2,
            "lower": 1.05,
            "upper": 1.4,
            "n_posts": 30,
            "er_account": 0.02,
            "er_pooled": 0.03,
            "state": "judged",
        }
        for p in ("facebook", "instagram", "x")[:count]
    ]
    return pl.DataFrame(
        rows,
        schema={
            "platform": pl.Utf8,
            "vs_expected": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "n_posts": pl.Int64,
            "er_account": pl.Float64,
            "er_pooled": pl.Float64,
            "state": pl.Utf8,
        },
    )


def events(rows) -> pl.DataFrame:
    return pl.DataFrame(
        [{"event_month": m, "effect": e, "lower": e - s, "upper": e + s, "n": 12} for m, e, s in rows],
        schema={"event_month": pl.Int64, "effect": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Int64},
    )


def cohorts(rows) -> pl.DataFrame:
    return pl.DataFrame(
        [{"wave": w, "effect": e, "lower": e - 0.1, "upper": e + 0.1, "n": 8} for w, e in rows],
        schema={"wave": pl.Utf8, "effect": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Int64},
    )


def every(words: Words, amount: str) -> list:
    """Each chart with no data, one point, or plenty."""
    many = {"none": 0, "one": 1, "many": 13}[amount]
    values = [0.9 + 0.02 * i for i in range(many)]
    gaps = [None if i == 4 else v for i, v in enumerate(values)]
    theme_rows = [("sehat", 1.3, 1.1, 1.5, 0.01), ("maju", 0.8, 0.7, 0.9, 0.01), ("cerdas", None, None, None, None)]
    return [
        trend.regency_trend(months(gaps), words, marks=[(date(2026, 3, 9), "Pelatihan 1")]),
        trend.agency_trend(own(gaps), months(values), words, agency_id="a0"),
        funnel.expected_range(windows([1.0, 1.05, 0.95, 3.0, 0.3, *values][: many * 2]), words),
        dots.theme_dots(themes(theme_rows[:many]), {}, words, scheme_id="pancakarsa"),
        dots.platform_dots(platforms(many), words, agency_id="a0"),
        dots.standing(windows(values), words, agency_id="a0", name="Kec. <A0>"),
        dots.cohort_dots(cohorts([("1", 0.05), ("2", 0.3)][:many]), words),
        training.event_study(events([(k, 0.03 * max(k, 0), 0.02) for k in range(-6, 7)][:many]), words, pretrend_p=0.4),
        replies.reply_times(
            waits([(0.1, 0.5), (0.25, 2.0), (0.5, 7.0), (0.75, 30.0), (0.9, None)][:many]), SAID, words, agency_id="a0"
        ),
        dumbbell.before_after(pairs([("a0", 0.05, 0.35), ("a1", -0.1, 0.2)][:many]), {"a0": "Kec. <A0>"}, words),
    ]


SAID = {"n": 40, "open": 3, "answered_24h": 0.7, "median_hours": 7.0}


def waits(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"share": pl.Float64, "hours": pl.Float64}, orient="row")


def pairs(rows) -> pl.DataFrame:
    known = [(a, "1", -0.1, 0.1, (lo + hi) / 2, lo, hi, 6) for a, lo, hi in rows]
    names = ("before", "after", "effect", "lower", "upper")
    schema = {"agency_id": pl.Utf8, "wave": pl.Utf8, **dict.fromkeys(names, pl.Float64), "n": pl.Int64}
    return pl.DataFrame(known, schema=schema, orient="row")


@pytest.mark.parametrize("words", [ID, EN], ids=["id", "en"])
@pytest.mark.parametrize("amount", ["none", "one", "many"])
def test_every_chart_draws_at_every_size_and_is_valid_for_plotly(words, amount):
    for chart in every(words, amount):
        assert chart.title and chart.subtitle and chart.description and chart.source and chart.table.columns
        assert (amount == "none") <= chart.is_empty, chart.name
        for size in chart.figures:
            out = str(draw(chart.figures[size], name=f"{chart.name}-{size}", label=str(chart.title)))
            assert out.startswith("<svg") and out.endswith("</svg>") and "NaN" not in out and "<A" not in out
            go.Figure(chart.figures[size].to_plotly_json())
        assert set(chart.figures) in (set(), set(SIZES))
        if chart.figures:
            assert set(live_data(chart.figures["w"], chart.figures["n"])) == {"w", "n"}


def test_numbers_in_drawing_table_and_description_agree():
    chart = trend.regency_trend(months([1.0, 1.04, 1.113]), ID)
    shown = [column.show(ID, value) for column, value in zip(chart.table.columns, chart.table.rows[-1], strict=True)]
    drawing = str(draw(chart.figures["w"], name="t", label="x"))
    assert "×1,11" in shown and "×1,11" in drawing and "×1,11" in chart.description


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (0.02, "Perangkat daerah yang di tengah lebih ditanggapi dibanding"),
        (0.3, "Belum ada kenaikan atau penurunan yang pasti sejak"),
    ],
)
def test_trend_title_claims_a_rise_only_when_intervals_part(spread, expected):
    assert str(trend.regency_trend(months([1.0, 1.1, 1.3], spread), ID).title).startswith(expected)


def test_theme_is_coloured_only_when_it_survives_both_rules():
    chart = dots.theme_dots(themes([("a", 1.4, 1.1, 1.6, 0.4), ("b", 1.2, 0.9, 1.5, 0.01)]), {}, ID, scheme_id="s")
    assert chart.title == "Belum ada tema yang secara pasti lebih atau kurang ditanggapi"
    assert "f-up" not in str(draw(chart.figures["w"], name="t", label="x"))


def test_no_effect_is_claimed_when_groups_differed_before():
    rows = events([(k, 0.3 if k >= 0 else 0.2, 0.02) for k in range(-6, 7)])
    assert "jadi dampak tidak dinyatakan" in str(training.event_study(rows, ID, pretrend_p=0.01).title)
    assert "Lebih tinggi pada 7 dari 7" in str(training.event_study(rows, ID, pretrend_p=0.5).title)


def test_funnel_names_only_those_outside_and_never_the_unjudged():
    frame = pl.concat(
        [
            windows([1.0, 0.98, 1.02, 1.01, 0.99, 1.03, 0.97, 1.0, 1.02, 0.98, 4.0]),
            windows([5.0], state="too_few_posts").with_columns(agency_id=pl.lit("z"), short_name=pl.lit("Zet")),
        ]
    )
    chart = funnel.expected_range(frame, ID)
    text = plain_text(str(draw(chart.figures["w"], name="t", label="x")))
    assert "Kec. <A10>" in text and "Kec. <A1>" not in text and "Zet" not in text
    assert chart.table.rows[-1][-1] == "tidak dinilai"


def test_hollow_dot_marks_an_incomplete_month():
    full = str(draw(trend.regency_trend(months([1.0, 1.1, 1.2]), ID).figures["w"], name="t", label="x"))
    frame = months([1.0, 1.1, 1.2]).with_columns(coverage=pl.lit(0.8))
    part = str(draw(trend.regency_trend(frame, ID).figures["w"], name="t", label="x"))
    hollow = re.search(r'<g class="f-surface s-brand"[^>]*>(.*?)</g>', part)
    assert 'class="f-surface s-brand"' not in full and hollow and hollow.group(1).count("<circle") == 3 and "f-amber" in part


def test_a_crowd_of_equal_dots_is_one_path_with_every_dot():
    crowd = str(
        draw(
            dots.standing(windows([0.9 + i / 500 for i in range(151)]), ID, agency_id="a0", name="A").figures["w"],
            name="t",
            label="x",
        )
    )
    assert crowd.count("h0M") + 1 == 150 and crowd.count("<circle") == 1


def test_live_sizes_share_what_does_not_differ():
    figures = trend.agency_trend(own([1.0, 1.1, 1.2]), months([1.0, 1.0, 1.0]), ID, agency_id="a0").figures
    both = live_data(figures["w"], figures["n"])
    again = {**both["w"]["layout"], **both["n"]["layout"]}
    assert again == figure_data(figures["n"])["layout"] and set(both["n"]["layout"]) < set(again)


def test_labels_of_a_ratio_axis_keep_clear_of_each_other():
    rows = [("a", 1.0, 0.3, 3.1, 0.5), ("b", 1.0, 0.9, 1.1, 0.5)]
    for size, figure in dots.theme_dots(themes(rows), {}, ID, scheme_id="s").figures.items():
        axis = figure.spec["layout"]["xaxis"]
        width = figure.spec["layout"]["width"] - sum(figure.spec["layout"]["margin"][side] for side in "lr")
        spots = [(math.log10(v) - axis["range"][0]) / (axis["range"][1] - axis["range"][0]) * width for v in axis["tickvals"]]
        wide = [text_width(t, figure.spec["layout"]["font"]["size"]) / 2 for t in axis["ticktext"]]
        assert 1.0 in axis["tickvals"] and len(spots) >= 3, size
        assert all(b - a > u + v for a, b, u, v in zip(spots, spots[1:], wide, wide[1:], strict=False)), size


def test_before_and_after_counts_every_agency_and_draws_those_that_moved():
    rows = [
        {"agency_id": f"a{i:03d}", "wave": "1", "before": 0.0, "after": 0.2, "effect": 0.2, "lower": low, "upper": 0.4, "n": 6}
        for i, low in enumerate([-0.1] * 70 + [0.1] * 3)
    ]
    chart = dumbbell.before_after(pl.DataFrame(rows), {}, EN)
    assert "3 of 73 agencies" in chart.title and "Of 73 trained agencies 3 " in chart.description
    assert len(chart.table.rows) == 73 and [r[0] for r in chart.listed.rows] == ["a070", "a071", "a072"]


# -- every chart that a page or a notebook can draw, found and not listed ------------------------------------------------------
def chart_functions() -> set[str]:
    """module.function of everything public in `pipeline.charts` that gives a Chart."""
    found = set()
    for module in pkgutil.iter_modules(charts.__path__):
        loaded = importlib.import_module(f"pipeline.charts.{module.name}")
        for name, thing in inspect.getmembers(loaded, inspect.isfunction):
            gives = str(thing.__annotations__.get("return", ""))
            if thing.__module__ == loaded.__name__ and not name.startswith("_") and gives.rstrip("'>").endswith("Chart"):
                found.add(f"{module.name}.{name}")
    return found


ANSWERED = (  # a log with enough cases, which twelve weeks of six agencies do not have
    "update estimates.response_summary set state = 'judged', n = 40, open = 3, median_hours = 7, answered_24h = 0.7, "
    "lower = 0.5, upper = 0.8 where agency_id = 'dinkes'",
    "delete from estimates.reply_waits where agency_id = 'dinkes'",
    "insert into estimates.reply_waits by name select 'dinkes' as agency_id, s as share, h as hours, 40 as n "
    "from (values (0.1, 0.5), (0.25, 2.0), (0.5, 7.0), (0.75, 30.0), (0.9, null)) v(s, h)",
)


@pytest.fixture(scope="module")
def drawn(home, tmp_path_factory):
    """(language, path, chart) of every chart of every page, of a version with a training, and which functions made them."""
    taken: list[tuple[str, str, Chart]] = []
    original, init = Sheet.chart, Chart.__init__
    makers: set[str] = set()

    def made(self, *args, **kwargs):
        frame = inspect.currentframe().f_back
        while frame and not (frame.f_globals["__name__"].startswith("pipeline.charts.") and frame.f_code.co_name[0] not in "_<"):
            frame = frame.f_back
        if frame:
            makers.add(f"{frame.f_globals['__name__'].rsplit('.', 1)[1]}.{frame.f_code.co_name}")
        init(self, *args, **kwargs)

    def taking(self, chart, **more):
        taken.append((self.words.language, self.path, chart))
        return original(self, chart, **more)

    with (
        pytest.MonkeyPatch.context() as patch,
        changed(home, tmp_path_factory.mktemp("charts"), *trained(), *ANSWERED) as version,
    ):
        patch.setattr(Sheet, "chart", taking)
        patch.setattr(Chart, "__init__", made)
        facts = load(version)
        for words in (ID, EN):
            for path, builder in pages.jobs(facts):
                builder(Sheet(words, facts, path, datetime(2026, 11, 22, 19, 10)))
    return taken, makers


def numbers_of(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)


def shown(chart: Chart, words: Words) -> tuple[Counter, set[str]]:
    """Every number that a table writes, and every number that counts rows of it: all, with a value, of one word, above or below
    ×1 by their own interval."""
    written: Counter = Counter()
    counts = {len(chart.table.rows)}
    places = {column.name: i for i, column in enumerate(chart.table.columns)}
    for i, column in enumerate(chart.table.columns):
        values = [row[i] for row in chart.table.rows]
        written.update(n for v in values for n in numbers_of(column.show(words, v)))
        counts.add(sum(v is not None for v in values))
        if column.kind == "text":
            counts |= set(Counter(values).values())
    if {"lower", "upper"} <= set(places):
        spans = [(row[places["lower"]], row[places["upper"]], row) for row in chart.table.rows]
        apart = {"up": [r for lo, _, r in spans if lo and lo > 1], "down": [r for _, hi, r in spans if hi and hi < 1]}
        ahead = [r for _, _, r in spans if isinstance(r[0], int) and r[0] >= 0]
        for some in (apart["up"], apart["down"], [*apart["up"], *apart["down"]]):
            counts |= {len(some), sum(r in ahead for r in some), sum(r not in ahead for r in some)}
        judged = sum(lo is not None for lo, _, _ in spans)
        counts |= {len(ahead), len(spans) - len(ahead), judged - len(apart["up"]) - len(apart["down"])}
    return written, {words.integer(n) for n in counts}


def without_months(text: str, chart: Chart, words: Words) -> str:
    for row in chart.table.rows:
        if isinstance(row[0], date):
            text = text.replace(words.month(row[0]), "").replace(words.months(row[0], row[0]), "")
    return text


CONSTANT = {"1,00", "1.00", "1", "95", "24"}  # as usual, the interval, the target in hours


def test_every_function_that_draws_is_walked(drawn):
    """`plain` is for notebooks, whose charts are walked where they run."""
    pages_draw = {name for name in chart_functions() if not name.startswith("plain.")}
    assert len(pages_draw) >= 9 and pages_draw <= drawn[1], pages_draw - drawn[1]
    listed = {chart.name for chart in every(ID, "many")}
    assert {re.sub(r"^program-.*", "tema", chart.name) for _, _, chart in drawn[0]} <= listed, "a new chart belongs into every()"


def test_every_number_beside_a_chart_is_in_its_table_or_counts_its_rows(drawn):
    checked = 0
    for language, path, chart in drawn[0]:
        words = Words(language)
        written, counts = shown(chart, words)
        said = [chart.title, chart.description, *(text for _, _, text in chart.keys)]
        for text in said:
            for number in numbers_of(without_months(plain_text(str(text)), chart, words)):
                assert number in CONSTANT or number in written or number in counts, (path, chart.name, number, text)
                checked += 1
    assert checked > 60


def test_every_mark_of_a_picture_is_a_value_of_its_table(drawn):
    """Points: on one of the two axes, every one of them. Words in the picture: their numbers too."""
    checked = 0
    for language, path, chart in drawn[0]:
        words = Words(language)
        values = sorted({float(v) for row in chart.table.rows for v in row if isinstance(v, int | float)})
        written, _ = shown(chart, words)
        for size, figure in chart.figures.items():
            spec = figure.to_plotly_json()
            for trace in spec["data"]:
                if "markers" in trace.get("mode", "") and trace.get("hoverinfo") == "skip":
                    others = words.integer(len(trace["x"]))  # nameless members of a group: told by their number
                    assert others in numbers_of(plain_text(str(chart.description))), (path, chart.name, others)
                elif "markers" in trace.get("mode", ""):
                    axes = [[v for v in trace[axis] if v is not None] for axis in "xy"]
                    known = [all(near(v, values) for v in axis) for axis in axes]
                    assert any(known), (path, chart.name, size, axes)
                    checked += len(axes[0])
            for note in spec["layout"].get("annotations", []):
                text = without_months(plain_text(note["text"]), chart, words)
                if "×" in text:
                    assert all(n in written or n in CONSTANT for n in numbers_of(text)), (path, chart.name, size, text)
    assert checked > 300


def near(value: float, values: list[float]) -> bool:
    i = bisect.bisect(values, value)
    return any(math.isclose(value, v, rel_tol=1e-9) for v in values[max(0, i - 1) : i + 1])


def test_colour_in_a_picture_means_that_the_interval_of_its_row_lies_on_one_side(drawn):
    """Blue and orange points are exactly the rows of the table whose own interval clears ×1, whoever drew them."""
    checked = 0
    for _, path, chart in drawn[0]:
        names = [column.name for column in chart.table.columns]
        if not {"lower", "upper"} <= set(names) or chart.name in ("tren", "posisi"):
            continue  # a line has one colour; the strip colours one agency among others
        low, high = names.index("lower"), names.index("upper")
        judged = [
            r for r in chart.table.rows if r[low] is not None and r[-1] not in (ID.plain("not judged"), EN.plain("not judged"))
        ]
        clear = {"up": sum(r[low] > 1 for r in judged), "down": sum(r[high] < 1 for r in judged)}
        if chart.name == "peristiwa":  # before the training a difference is a warning, not a finding
            clear = {"up": sum(r[low] > 1 for r in judged if r[0] >= 0), "down": sum(r[high] < 1 for r in judged if r[0] >= 0)}
        for size, figure in chart.figures.items():
            drawn_ = {side: coloured(figure.to_plotly_json(), side) for side in clear}
            twice = 2 if chart.name == "sebelum-sesudah" else 1
            for side, count in clear.items():
                if chart.name.startswith(("tema", "program")):  # a theme must survive the control of false discoveries as well
                    assert drawn_[side] <= count, (path, chart.name, size, side)
                else:
                    assert drawn_[side] == twice * count, (path, chart.name, size, side, drawn_, clear)
                checked += 1
    assert checked > 40


def coloured(spec, side: str) -> int:
    """Points whose fill or rim has the colour of a side."""
    wanted, count = colour(side), 0
    for trace in spec["data"]:
        if "markers" not in trace.get("mode", ""):
            continue
        marker, n = trace["marker"], len(trace["x"])
        fills = marker["color"] if isinstance(marker["color"], list) else [marker["color"]] * n
        rims = marker["line"]["color"]
        rims = rims if isinstance(rims, list) else [rims] * n
        count += sum(wanted in (fill, rim) for fill, rim in zip(fills, rims, strict=True))
    return count


def test_columns_of_tables_and_csv_are_named_in_the_language_of_the_page(drawn):
    for language, path, chart in drawn[0]:
        catalogue = {str(v) for v in Words(language)._messages.values()}
        for column in chart.table.columns:
            assert column.label in catalogue, (path, chart.name, column.label)
