"""A build that takes over what did not change comes out as one that builds all; where nothing changed none is published."""

import dataclasses
import shutil
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline import registry
from pipeline.engine import build, models, reuse, versions
from pipeline.engine.connections import open_raw
from pipeline.settings import Workspace
from tests.fake_exports import NOW, drop, ingest, post, registers
from tests.test_warehouse import fill


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    workspace = fill(Workspace(tmp_path_factory.mktemp("reuse")).create())
    build.build(workspace, registry=registers(), now=NOW)
    return workspace


@pytest.fixture
def copy(published, tmp_path):
    shutil.copytree(published.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def tables(workspace: Workspace) -> dict[str, pl.DataFrame]:
    keys = {m.name: m.key for m in models.models()}
    with versions.open_version(workspace) as version:
        named = {n: version.table(n) for n in version.tables if not n.startswith("meta.")}
        return {n: frame.sort(keys[n], nulls_last=True) for n, frame in named.items()} | {
            "meta.checks": version.table("meta.checks").sort("name"),
            "meta.changed_history": version.table("meta.changed_history").sort("account_id", "month", "field"),
            "meta.tables": version.table("meta.tables").sort("name"),
        }


def of_one_name(workspace: Workspace, **options) -> build.BuildResult:
    return build.build(workspace, now=NOW, **options)


def test_a_night_without_news_publishes_nothing_and_says_what_is_published(copy):
    before = versions.current(copy)
    again = of_one_name(copy, registry=registers(), reusing=True)
    assert (again.is_new, again.version, versions.current(copy)) == (False, before, before)
    assert again.path.exists() and not again.path.with_name("w-2.duckdb").exists()
    assert {t.name for t in again.tables} == {m.name for m in models.models()}
    with versions.open_version(copy) as version:
        assert {c.name: c.failed_rows for c in again.checks} == dict(
            version.sql("SELECT name, failed_rows FROM meta.checks").iter_rows()
        )


def test_a_file_seen_once_more_is_no_news(copy):
    ingest(copy)
    shutil.copy(copy.inbox / "a-ig/1.csv", copy.inbox / "a-ig/once-more.csv")
    assert ingest(copy).counts["duplicate"] == 1
    assert not of_one_name(copy, registry=registers(), reusing=True).is_new


def a_new_export(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    rows = [post("instagram", f"6{n}", f"2026-11-{n:02}T03:00", likes=3 * n) for n in range(1, 20)]
    drop(workspace, "a-ig/later.csv", "instagram", rows, captured_at="2026-12-08", period=("2026-11-01", "2026-11-30"))
    ingest(workspace, known)
    return known


def a_restated_export(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    rows = [post("facebook", f"7{n}", f"2026-10-{n:02}T05:00", likes=1) for n in range(1, 9)]
    drop(workspace, "a-fb/again.csv", "facebook", rows, captured_at="2026-11-25", period=("2026-10-01", "2026-10-31"))
    ingest(workspace, known)
    return known


def a_training(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    row = {"training_id": "t1", "agency_id": "dinkes", "date": date(2026, 10, 9)}
    return dataclasses.replace(known, trainings=registry.frame("trainings", [row]))


def another_threshold(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    said = known.thresholds.model_copy(update={"minimum_posts": known.thresholds.minimum_posts + 3}).model_dump()
    return dataclasses.replace(known, settings=known.settings | {"thresholds": said})


def an_agency_renamed(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    names = pl.when(pl.col("agency_id") == "dinkes").then(pl.lit("Dinas Sehat")).otherwise(pl.col("name"))
    return dataclasses.replace(known, agencies=known.agencies.with_columns(name=names))


def an_export_erased(workspace: Workspace, known: registry.Registry) -> registry.Registry:
    with open_raw(workspace) as con:
        [(export_id,)] = con.execute("SELECT export_id FROM raw.exports WHERE file_name = '2.csv'").fetchall()
        con.execute("DELETE FROM raw.post_snapshots WHERE export_id = ?", [export_id])
        con.execute("DELETE FROM raw.exports WHERE export_id = ?", [export_id])
    return known


WALK = (a_new_export, a_training, a_restated_export, another_threshold, an_agency_renamed, an_export_erased)


@pytest.mark.parametrize("at_once", [6, *(pytest.param(n, marks=pytest.mark.nightly) for n in (3, 1))])
def test_step_by_step_every_table_is_as_a_whole_build_makes_it(copy, tmp_path, at_once):
    shutil.copytree(copy.root, tmp_path / "whole")
    whole = Workspace(tmp_path / "whole")
    ours = theirs = registers()
    for number, step in enumerate(WALK, 1):
        ours, theirs = step(copy, ours), step(whole, theirs)
        if number % at_once:
            continue
        grown = of_one_name(copy, registry=ours, reusing=True)
        of_one_name(whole, registry=theirs)
        assert grown.is_new, step.__name__
        expected, found = tables(whole), tables(copy)
        assert set(found) == set(expected)
        for name, frame in expected.items():
            try:
                assert_frame_equal(found[name], frame, rel_tol=1e-9, abs_tol=1e-12)  # sums of floats know the order of threads
            except AssertionError as error:
                error.add_note(f"{name} after {step.__name__}")
                raise


def test_only_what_reads_a_changed_register_is_built_again(copy):
    result = of_one_name(copy, registry=a_training(copy, registers()), reusing=True)
    built = {t.name for t in result.tables if not t.is_reused}
    sql = {m.name for m in models.models() if m.kind == "sql"}
    assert result.is_new and "core.trainings" in built
    assert not built & {"core.posts", "staging.post_snapshots", "core.account_days", "marts.export_files"} and sql - built


def test_a_table_that_came_out_as_before_stops_the_wave(copy):
    """A register's new row that changes nothing further: what reads the table that reads it is taken over."""
    known = registers()
    alias = pl.when(pl.col("agency_id") == "dinkes").then(pl.lit("Dinkes Bogor Raya")).otherwise(pl.col("aliases"))
    result = of_one_name(
        copy, registry=dataclasses.replace(known, agencies=known.agencies.with_columns(aliases=alias)), reusing=True
    )
    by_name = {t.name: t for t in result.tables}
    assert not by_name["core.agencies"].is_reused
    assert by_name["core.posts"].is_reused


def test_a_check_that_failed_is_run_again_and_one_that_held_is_believed(copy, monkeypatch):
    asked = []
    scalar = build.Build._scalar
    monkeypatch.setattr(build.Build, "_scalar", lambda self, query: asked.append(query) or scalar(self, query))
    result = of_one_name(copy, registry=a_training(copy, registers()), reusing=True)
    ran = [q for q in asked if q.startswith("SELECT count(*) FROM (")]
    assert 0 < len(ran) < len(result.checks)
    assert {c.name for c in result.checks} == {c.name for c in models.checks()}


def test_a_damaged_version_is_built_anew_though_the_one_before_it_says_the_same(copy):
    """A register changed for a day: the whole version before the damaged one would come out as tonight's, but is not current."""
    of_one_name(copy, registry=a_training(copy, registers()), reusing=True)
    damaged = copy.versions / "w-2.duckdb"
    damaged.chmod(0o640)
    damaged.write_bytes(damaged.read_bytes()[:-4096])
    result = of_one_name(copy, registry=registers(), reusing=True)
    assert (result.is_new, versions.current(copy)) == (True, "w-3")
    with versions.open_version(copy) as version:
        assert version.name == "w-3"


def test_a_version_of_an_older_release_is_built_anew(copy):
    path = copy.versions / "w-1.duckdb"
    import duckdb

    path.chmod(0o640)
    with duckdb.connect(str(path)) as con:
        con.execute(f"DROP TABLE {reuse.TABLE}")
    sealed = copy.versions / "w-1.json"
    import json

    from pipeline.files import sha256_of

    told = json.loads(sealed.read_text()) | {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    sealed.write_text(json.dumps(told))
    result = of_one_name(copy, registry=registers(), reusing=True)
    assert result.is_new and not any(t.is_reused for t in result.tables)


def test_no_table_and_no_check_knows_what_day_it_is():
    clocks = {"current_date", "current_timestamp", "now", "today", "get_current_timestamp", "get_current_time", "localtimestamp"}
    texts = {m.name: m.sql for m in models.models() if m.sql} | {c.name: c.sql for c in models.checks() if c.sql}
    assert {name: found for name, sql in texts.items() if (found := models.functions_of(sql) & clocks)} == {}
    for name, sql in texts.items():
        named = {n["column_names"][-1] for n in models._walk(models.parse(sql)) if n.get("class") == "COLUMN_REF"}
        assert not named & clocks, name
        assert not named & reuse.NOTES, f"{name}: what the ledger notes of every night is no news"
