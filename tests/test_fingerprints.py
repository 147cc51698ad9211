"""What a table is made of: its fingerprint changes with its rules, and with nothing else."""

import dataclasses
from pathlib import Path

import pytest

from pipeline.engine import fingerprints, models

GRAPH = models.models()
BEFORE = fingerprints.of_models(GRAPH)


def changed_by(name, old, new):
    """The tables whose fingerprint another text of one SQL file changes."""
    graph = [dataclasses.replace(m, sql=m.sql.replace(old, new, 1)) if m.name == name else m for m in GRAPH]
    assert graph != GRAPH
    after = fingerprints.of_models(graph)
    return {table for table in BEFORE if after[table] != BEFORE[table]}


def behind(name):
    """The tables that read a table, directly or not."""
    found = {name}
    for model in GRAPH:
        if found & set(model.depends_on):
            found.add(model.name)
    return found


def test_another_rule_changes_its_table_and_all_that_read_it_and_no_other():
    assert changed_by("core.posts", "SELECT", "SELECT 1 AS one,") == behind("core.posts")
    assert changed_by("marts.account_month", "SELECT", "SELECT 1 AS one,") == behind("marts.account_month")


def test_a_comment_or_a_line_break_in_sql_changes_nothing():
    assert changed_by("core.posts", "SELECT", "SELECT -- said otherwise\n\n   ") == set()


@pytest.fixture
def package(tmp_path):
    """A module that makes a table, one that it imports, one that that imports, and one that nobody imports."""
    folder = tmp_path / "made"
    folder.mkdir()
    texts = {
        "__init__": "",
        "table": "from made import method\n",
        "method": "def value():\n    import made.deeper\n    return 1\n",
        "deeper": '"""Text."""\nX = 1\nFILE = "words.yml"\n',
        "apart": "X = 1\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "words.yml").write_text("a: {limit: 3, text_id: tiga, text_en: three}\n")
    return folder


def of(package: Path) -> str:
    for cached in (fingerprints.module, fingerprints.imported_by, fingerprints.named):
        cached.cache_clear()
    return fingerprints.digest(fingerprints.python(package / "table.py"))


@pytest.mark.parametrize(
    ("name", "text", "changes"),
    [
        ("table.py", "# why\nfrom made import method\n", False),
        ("table.py", '"""What it makes."""\nfrom made import method\n', False),
        ("table.py", "from made import method\nX = 1\n", True),
        ("method.py", "def value():\n    import made.deeper\n    return 2\n", True),
        ("deeper.py", '"""Another text."""\nX = 1  # one\nFILE = "words.yml"\n', False),
        ("deeper.py", '"""Text."""\nX = 2\nFILE = "words.yml"\n', True),
        ("apart.py", "X = 2\n", False),
        ("words.yml", "# limits\na:\n  limit: 3\n  text_id: Tiga.\n  text_en: Three.\n", False),
        ("words.yml", "a: {limit: 4, text_id: tiga, text_en: three}\n", True),
    ],
)
def test_python_counts_with_what_it_imports_and_the_files_it_names_without_comments(package, name, text, changes):
    before = of(package)
    (package / name).write_text(text)
    assert (of(package) != before) == changes


def test_an_estimate_is_made_of_its_family_its_methods_and_not_of_the_pages():
    growth = next(m for m in GRAPH if m.name == "estimates.training_effect")
    made_of = {path.relative_to(fingerprints.PACKAGE).as_posix() for path in fingerprints.imported_by(growth.path)}
    assert {"estimates/training.py", "statistics/training.py", "statistics/panel.py"} <= made_of
    assert not {path for path in made_of if path.startswith(("pages/", "cli/", "defs/", "charts/"))}


def test_raw_rows_are_made_of_the_reader(monkeypatch):
    changed = {"staging.post_snapshots", "core.posts", "marts.account_month"}
    monkeypatch.setattr(fingerprints, "reader", lambda: "another")
    after = fingerprints.of_models(GRAPH)
    assert all(after[name] != BEFORE[name] for name in changed)
    assert after["core.agencies"] == BEFORE["core.agencies"]


def test_the_reader_is_more_than_nothing():
    """It is found by the place of its rooms: a room that moved would leave a fingerprint of no file at all."""
    rooms = [fingerprints.PACKAGE / room for room in fingerprints.READER]
    assert all(list(room.glob("*.py")) for room in rooms)
    assert all((fingerprints.PACKAGE / name).exists() for name in (*fingerprints.REGISTRY, "engine/raw.py", "columns.py"))
