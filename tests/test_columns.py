"""The vocabulary is complete, bilingual and unambiguous."""

import re

from pipeline import registry
from pipeline.columns import AGGREGATIONS, FILE, TYPES, columns
from pipeline.engine import build
from pipeline.formats import all_formats
from pipeline.intake import ledger
from pipeline.settings import workspace


def test_each_column_says_what_it_means():
    for column in columns().values():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.meaning_id.endswith(".") and column.meaning_en.endswith("."), column.name
        assert column.type in TYPES and column.agg in AGGREGATIONS, column.name
        assert bool(column.hazard_id) == bool(column.hazard_en), column.name
        assert column.agg in ("none", "last") or column.type in ("int", "float", "ratio"), column.name
        assert column.type != "ratio" or column.agg != "sum", column.name


def test_each_name_is_written_once():
    names = re.findall(r"(?m)^([a-z0-9_]+):$", FILE.read_text(encoding="utf-8"))
    assert len(names) == len(set(names)) == len(columns())


def test_people_states_and_averages_are_never_added_up():
    for name in ("reach", "viewers", "unique_visitors", "followers", "ctr", "avg_watch_seconds"):
        assert columns()[name].agg != "sum", name


def kept(form):
    """Columns that reach a table: personal data, known ballast and working columns ("_...") never do."""
    return [c for c in form.columns if c.kind not in ("person", "ignored") and not c.field.startswith("_")]


def test_every_format_speaks_the_vocabulary():
    for form in all_formats():
        assert {c.field for c in kept(form)} | set(form.constants) <= set(columns()), form.kind


def test_formats_and_vocabulary_agree_on_what_is_additive():
    for form in all_formats():
        numbers = [c for c in kept(form) if c.kind in ("count", "decimal", "percent", "duration")]
        assert [c.field for c in numbers if c.is_additive != (columns()[c.field].agg == "sum")] == [], form.kind


def test_every_published_column_is_described(tmp_path):
    """Tables have their columns before they have rows: an empty regency is enough."""
    place = workspace(tmp_path)
    registry.write_template(place.registry)
    place.inbox.mkdir()
    ledger.ingest(place, registry.load(place.registry))
    published = [t for t in build.build(place).tables if not t.name.startswith("staging.")]
    assert len(published) > 20
    assert sorted({f"{t.name}.{c}" for t in published for c in t.columns if c not in columns()}) == []
