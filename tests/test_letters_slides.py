"""Slides: native charts with their numbers inside, ranges beside the middle, ids in the notes, names inert."""

import io

import pytest
from pptx import Presentation

from pipeline.letters import slides
from pipeline.letters.origin import opened


@pytest.fixture(scope="module")
def made(home):
    with opened(home) as found:
        yield found


@pytest.fixture(scope="module")
def deck(made):
    return Presentation(io.BytesIO(slides.overview(made)))


def charts(deck):
    return [(page, shape.chart) for page in deck.slides for shape in page.shapes if shape.has_chart]


def test_the_months_carry_their_range_and_the_values_of_the_table(made, deck):
    rows = made.facts.frames["estimates.regency_month"].sort("month").to_dicts()
    rows = [r for r in rows if r["month"] <= made.facts.period[1] and r["median"] is not None]
    _, drawn = charts(deck)[0]
    values = [[*series.values] for series in drawn.plots[0].series]
    assert values == [[r[c] for r in rows] for c in ("median", "lower", "upper")]


def test_the_directions_add_up_to_all_agencies(made, deck):
    _, drawn = charts(deck)[1]
    assert sum(drawn.plots[0].series[0].values) == made.facts.regency["n_agencies"]


def test_every_chart_names_the_ids_of_its_figures_and_says_how_to_read_it(deck):
    for page, _ in charts(deck):
        notes = page.notes_slide.notes_text_frame.text
        assert notes and all(":" in line for line in notes.splitlines())
        assert sum(bool(shape.has_text_frame and shape.text_frame.text.strip()) for shape in page.shapes) >= 3


def test_every_slide_says_period_version_and_simulation(made, deck):
    for page in deck.slides:
        said = " ".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame)
        assert made.version in said and made.sheet("id").period in said and ("SIMULASI" in said) == made.facts.simulated


def test_english_slides_open_too(made):
    assert len(Presentation(io.BytesIO(slides.overview(made, "en"))).slides) >= 4
