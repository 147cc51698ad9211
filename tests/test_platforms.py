"""The platforms have one home; who needs one by its name is named here with the reason."""

import ast
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.columns import columns
from pipeline.engine.placeholders import PlaceholderError, fill
from pipeline.formats import all_formats
from pipeline.platforms import Platform, having, known, label, platforms

ROOT = Path(__file__).resolve().parent.parent
MAY_NAME_ONE = {
    "pipeline/formats": "a format is of a platform",
    "pipeline/samples": "the simulated regency writes what each platform's exports look like",
    "pipeline/exports": "the instant hidden in an id is coded as its platform does it (clocks)",
    "pipeline/statistics/training.py": "the placebo outcome exists on YouTube only",
    "pipeline/notebook/__init__.py": "WhatsApp as the channel of a complaint",
    "pipeline/pages/common.py": "the same, in its words",
}
ZONE_OF = {
    "meta.dyi.instagram.past_insights": "UTC",  # the account download counts seconds since 1970
}


def spelled(path: Path) -> set[str]:
    """Platforms that a module writes as a text; left out are x, an axis of every chart, and threads, a setting of DuckDB."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts & set(platforms()) - {"x", "threads"}


def test_no_other_module_names_a_platform():
    found = {str(p.relative_to(ROOT)): names for p in sorted((ROOT / "pipeline").rglob("*.py")) if (names := spelled(p))}
    assert {path for path in found if not path.startswith(tuple(MAY_NAME_ONE))} == set()
    assert [place for place in MAY_NAME_ONE if not any(path.startswith(place) for path in found)] == []


def test_no_table_and_no_check_names_a_platform():
    for path in (ROOT / "warehouse").rglob("*.sql"):
        assert not re.search(rf"'({'|'.join(platforms())})'", path.read_text(encoding="utf-8")), path.name


def test_every_part_and_role_of_a_platform_is_a_value_of_a_post():
    for platform in platforms().values():
        for name in (*platform.engagement, platform.exposure, platform.share, platform.save, platform.like, platform.comment):
            assert name is None or columns()[name].of_post, (platform.name, name)


def test_a_platform_of_which_posts_are_read_has_its_parts_in_some_format():
    """Else its engagement would be null for ever, as it was for Threads before it had rules."""
    for name, platform in platforms().items():
        read = {c.field for form in all_formats() if form.platform == name and form.grain == "post" for c in form.columns}
        assert set(platform.engagement) <= read and platform.exposure in read | {None}, name


def test_exports_print_the_clock_of_their_platform():
    for form in all_formats():
        if form.platform in platforms():
            assert form.zone == ZONE_OF.get(form.kind, platforms()[form.platform].zone), form.kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"engagement": ["likes", "cheers"]},
        {"engagement": []},
        {"exposure": "agency_id"},
        {"sometimes": ["saves"]},
        {"zone": "WIB"},
        {"ratio": True},
    ],
    ids=str,
)
def test_an_entry_that_says_nothing_sensible_is_refused(wrong):
    entry = platforms()["facebook"].model_dump() | wrong
    with pytest.raises(ValidationError):
        Platform(**entry)


def test_an_unknown_platform_is_named_and_shown_as_it_came():
    with pytest.raises(ValueError, match=r"unknown platform uji; known: facebook, instagram"):
        known("uji")
    assert (known("x"), label("x"), label("uji"), label(None)) == ("x", "X", "uji", "")


def test_roles_are_asked_by_column_too():
    assert having("exposure", "reach") == ("facebook", "instagram")
    assert "whatsapp" not in having("exposure")


def test_a_name_in_braces_that_nobody_knows_is_an_error():
    with pytest.raises(PlaceholderError, match="enagement"):
        fill("SELECT {{ enagement('t') }} FROM core.t t")
