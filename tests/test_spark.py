"""The second engine: the same files of `warehouse/` make the same version. Needs the extra `spark`; without it these are skipped,
except for what is said when it is missing. The tests of the tables run on it too, with TERUKUR_ENGINE=spark (`.ci/run`).
"""

import shutil
import socket
import sys
from importlib.util import find_spec

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline import settings
from pipeline.engine import build, models, spark, versions
from pipeline.settings import SettingsError
from tests import one_version

needs_sail = pytest.mark.skipif(not find_spec("pysail"), reason="the second engine is not installed: make spark")


@pytest.fixture
def on_spark(monkeypatch):
    monkeypatch.setenv("TERUKUR_ENGINE", "spark")
    # The client takes a main module without a file (a worker of xdist is one) for its own doctests, and ends the process.
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "worker", raising=False)


@pytest.fixture
def copy(home, tmp_path):
    """What the run's one version was built from."""
    made = settings.Workspace(tmp_path / "w")
    shutil.copytree(home.registry, made.registry)
    made.mend()
    shutil.copy(home.raw_db, made.raw_db)
    return made


def tables(workspace: settings.Workspace) -> dict[str, pl.DataFrame]:
    keys = {m.name: m.key for m in models.models()}
    with versions.open_version(workspace) as version:
        return {n: version.table(n).sort(keys[n], nulls_last=True) for n in version.tables if n in keys} | {
            "meta.checks": version.table("meta.checks").sort("name"),
            "meta.tables": version.table("meta.tables").sort("name"),
        }


@needs_sail
def test_a_version_built_on_spark_is_the_one_that_duckdb_builds(home, copy, on_spark):
    result = build.build(copy, version_name=one_version.NAME)
    assert result.is_new and not list(copy.warehouse.glob("build-*")), "its Parquet goes with the build"
    expected, found = tables(home), tables(copy)
    assert set(found) == set(expected) and len(found) > 60
    for name, frame in expected.items():
        try:
            assert_frame_equal(found[name], frame, rel_tol=1e-9, abs_tol=1e-12)
        except AssertionError as error:
            error.add_note(name)
            raise


@needs_sail
def test_the_other_engine_is_no_news(home, copy, on_spark):
    """What DuckDB built is taken over, and no server is started for it."""
    shutil.copytree(home.versions, copy.versions, dirs_exist_ok=True)
    shutil.copy(home.current_file, copy.current_file)
    assert not build.build(copy, reusing=True).is_new


@needs_sail
def test_an_empty_table_has_its_columns(home, copy, on_spark):
    with build.Build(copy) as making:
        model = next(m for m in models.models() if m.name == "core.accounts")
        empty = models.read_model(model.path, "core")
        object.__setattr__(empty, "sql", f"SELECT * FROM ({model.sql}\n) WHERE account_id = 'nobody'")
        made = making.create(empty)
        assert made.rows == 0 and tuple(made.columns) == model.columns
        view = making.spark.session.table("core__accounts")
        assert view.columns == list(model.columns) and view.count() == 0


def test_a_missing_extra_says_what_to_install(copy, on_spark, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(spark.NoSpark) as missing:
        build.build(copy)
    for said in (missing.value.id, missing.value.en):
        assert "make spark" in said and "sqlglot" in said and "TERUKUR_ENGINE" in said
    assert missing.value.exit_status == 2
    assert not versions.up_to_current(copy), "nothing was published"


@needs_sail
def test_a_cluster_that_does_not_answer_is_said_at_once(copy, on_spark, monkeypatch):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TERUKUR_SPARK_REMOTE", f"sc://127.0.0.1:{one.getsockname()[1]}")
    with pytest.raises(spark.NoSpark, match="No Spark cluster answers at 127"):
        build.build(copy)


def test_an_engine_that_is_none_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("TERUKUR_ENGINE", "sqlite")
    monkeypatch.setenv("TERUKUR_SPARK_REMOTE", "http://somewhere")
    with pytest.raises(SettingsError) as wrong:
        settings.settings()
    assert "TERUKUR_ENGINE='sqlite'" in wrong.value.en and "TERUKUR_SPARK_REMOTE='http://somewhere'" in wrong.value.id


@pytest.mark.parametrize(("said", "meant"), [("1GB", 10**9), ("800 MiB", 800 * 2**20), ("1.5tb", 15 * 10**11)])
def test_the_memory_of_the_settings_bounds_the_other_engine_too(said, meant):
    assert spark._bytes(said) == meant
