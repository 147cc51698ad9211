"""Build aside, check, seal, publish, read: what is published is whole, and nothing else is."""

import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from pipeline import registry
from pipeline.engine import build, connections, models, trace, versions
from pipeline.engine.models import Check
from pipeline.files import sha256_of
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, NOW, accounts, drop, ingest, post, registers


def fill(workspace: Workspace) -> Workspace:
    """Three accounts of two agencies, October 2026 complete, downloaded in November."""
    period = ("2026-10-01", "2026-10-31")
    rows = [post("instagram", f"9{n}", f"2026-10-{n:02}T03:00", likes=20 + n) for n in range(1, 13)]
    drop(workspace, "a-ig/1.csv", "instagram", rows, captured_at="2026-11-20", period=period)
    rows = [post("instagram", f"8{n}", f"2026-10-{n:02}T05:00") for n in range(1, 13)]
    drop(workspace, "b-ig/2.csv", "instagram", rows, captured_at="2026-11-20", period=period)
    rows = [post("facebook", f"7{n}", f"2026-10-{n:02}T05:00") for n in range(1, 9)]
    drop(workspace, "a-fb/3.csv", "facebook", rows, captured_at="2026-11-20", period=period)
    ingest(workspace)
    return workspace


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    workspace = fill(Workspace(tmp_path_factory.mktemp("published")).create())
    return workspace, build.build(workspace, registry=registers(), now=NOW)


@pytest.fixture
def copy(published, tmp_path):
    """A workspace of one's own, with the published version in it."""
    import shutil

    shutil.copytree(published[0].root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def test_every_table_of_the_models_is_published(published):
    workspace, _ = published
    with versions.open_version(workspace) as version:
        assert {m.name for m in models.models() if m.is_published} <= set(version.tables)
        assert {"meta.version", "meta.tables", "meta.checks", "meta.changed_history"} <= set(version.tables)
        assert not [t for t in version.tables if t.startswith(("staging.", "raw."))]


def test_the_version_says_what_it_is(published):
    with versions.open_version(published[0]) as version:
        info = version.info
    assert (info["version"], info["export_count"], info["simulated"], info["newer"]) == ("w-1", 3, False, None)
    assert info["data_cutoff"].date() == date(2026, 11, 20)


def test_the_period_of_a_version_is_that_of_what_was_observed(published):
    """The files state all of October; their posts are of the first twelve days."""
    with versions.open_version(published[0]) as version:
        info = version.info
    assert (info["period_start"], info["period_end"]) == (date(2026, 10, 1), date(2026, 10, 12))


def test_a_post_from_before_the_calendar_has_its_month(tmp_path):
    workspace = Workspace(tmp_path).create()
    rows = [post("instagram", "1", "2016-03-05T03:00"), post("instagram", "2", "2026-10-03T03:00")]
    drop(workspace, "a-ig/1.csv", "instagram", rows, captured_at="2026-11-20")
    ingest(workspace)
    result = build.build(workspace, registry=registers(), now=NOW)
    assert not [c.name for c in result.checks if c.blocking and not c.passed]


def test_the_manifest_seals_rows_sums_and_bytes(published):
    workspace, result = published
    sealed = json.loads((workspace.versions / "w-1.json").read_text())
    assert sealed["tables"]["core.posts"]["rows"] == 32
    assert int(sealed["tables"]["core.posts"]["sums"]["comments"]) == 24 * 4 + 8 * 2
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o440
    assert workspace.current_file.read_text() == "w-1\n"
    assert [p.name for p in workspace.warehouse.iterdir() if p.name.startswith(("build-", "work-"))] == []


def test_published_files_open_with_duckdb_1_5(published):
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{published[1].path}' AS v (READ_ONLY)")
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'v'").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.5")


def test_readers_cannot_write_or_reach_out(published):
    with versions.open_version(published[0]) as version:
        for statement in (
            "CREATE TABLE core.x AS SELECT 1",
            "SELECT * FROM read_csv('/etc/passwd')",
            "COPY (SELECT 1) TO '/tmp/leak.csv'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "ATTACH '/tmp/other.duckdb'",
        ):
            with pytest.raises(duckdb.Error):
                version.con.execute(statement)


def test_a_variable_of_the_caller_is_no_table(published):
    secret = pl.DataFrame({"a": [1]})
    with versions.open_version(published[0]) as version, pytest.raises(duckdb.Error):
        version.sql("SELECT * FROM secret")
    assert secret.height == 1


def test_values_enter_as_parameters(published):
    with versions.open_version(published[0]) as version:
        rows = version.sql("SELECT count(*) AS n FROM core.posts WHERE account_id = $account", account="x' OR '1'='1")
    assert rows["n"].to_list() == [0]


def test_an_unknown_table_names_the_nearest(published):
    with versions.open_version(published[0]) as version, pytest.raises(KeyError, match=r"core\.posts"):
        version.table("core.post")


def test_a_reader_keeps_its_version_and_learns_of_a_newer_one(copy):
    with versions.open_version(copy) as reader:
        build.build(copy, registry=registers(), now=NOW)
        assert reader.info["newer"] == "w-2"
        assert reader.table("core.posts").height == 32


def test_b15_a_failed_blocking_check_publishes_nothing(copy, monkeypatch):
    failing = Check("always_fails", "SELECT 1 AS x", True, "Selalu gagal.", "Always fails.")
    monkeypatch.setattr(models, "checks", lambda: [failing])
    before = sorted(p.name for p in copy.versions.iterdir())
    with pytest.raises(build.NotPublished) as caught:
        build.build(copy, registry=registers(), now=NOW)
    assert (caught.value.exit_status, caught.value.failed[0].name) == (4, "always_fails")
    assert "Selalu gagal." in caught.value.id
    assert sorted(p.name for p in copy.versions.iterdir()) == before
    assert copy.current_file.read_text() == "w-1\n"


def test_b16_a_damaged_version_is_found_by_its_seal(copy):
    path = copy.versions / "w-1.duckdb"
    path.chmod(0o640)
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(versions.Damaged, match="rusak"):
        versions.open_version(copy)
    path.unlink()
    with pytest.raises(versions.Damaged, match="hilang"):
        versions.open_version(copy)
    assert build.build(copy, registry=registers(), now=NOW).version == "w-2", "a damaged predecessor does not stop the night"


def test_rollback_makes_the_version_before_current(copy):
    build.build(copy, registry=registers(), now=NOW)
    assert versions.rollback(copy) == "w-1"
    assert [v["is_current"] for v in versions.versions(copy)] == [True, False]
    with pytest.raises(versions.Damaged):
        versions.rollback(copy)
    assert build.build(copy, registry=registers(), now=NOW).version == "w-3", "a name is never used twice"


def test_old_versions_go_but_the_last_of_each_month_stays(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path).create()
    for n, day in enumerate(("2026-08-01", "2026-08-31", "2026-09-10", "2026-10-01", "2026-10-02"), 1):
        (workspace.versions / f"w-{n}.json").write_text(
            json.dumps({"version": f"w-{n}", "built_at": day, "size_bytes": 0, "sha256": "", "tables": {}})
        )
        (workspace.versions / f"w-{n}.duckdb").touch()
    workspace.current_file.write_text("w-5\n")
    versions.retain(workspace, keep=2)
    assert [v["version"] for v in versions.versions(workspace)] == ["w-2", "w-3", "w-4", "w-5"]


def test_estimates_lose_the_bits_that_depend_on_the_order_of_addition():
    frame = pl.DataFrame({"a": [0.1 + 0.2, 12345678901.0, None, float("inf")], "n": [1, 2, 3, 4]})
    assert build.steady(frame)["a"].to_list() == [0.3, 12345678901.0, None, float("inf")]


# --- history ------------------------------------------------------------------------------------------------------------


def changed(workspace: Workspace) -> pl.DataFrame:
    with versions.open_version(workspace) as version:
        return version.table("meta.changed_history")


def test_p8_nothing_new_changes_nothing(copy):
    build.build(copy, registry=registers(), now=NOW)
    assert changed(copy).is_empty()


def test_p8_a_restated_file_is_the_cause_of_a_changed_past(copy):
    rows = [post("facebook", "71", "2026-10-01T05:00", comments=5, engagement_rcs=18)]
    drop(copy, "a-fb/4.csv", "facebook", rows, captured_at="2026-11-22")
    ingest(copy, now=NOW + timedelta(days=1))
    build.build(copy, registry=registers(), now=NOW)
    rows = changed(copy).filter(pl.col("field") == "engagement").to_dicts()
    assert [(r["account_id"], r["old_value"], r["new_value"], r["reason_code"]) for r in rows] == [("a-fb", 120, 123, "FILES")]


def moved() -> pl.DataFrame:
    """The registry with the Facebook page of October given to another agency after the fact."""
    others = ACCOUNTS.filter(pl.col("account_id") != "a-fb")
    return pl.concat([others, accounts(("a-fb", "facebook", "disdik", "111", "dinkes"))])


def test_b11_a_registry_edit_that_moves_the_past_is_blocked(copy):
    with pytest.raises(build.NotPublished) as caught:
        build.build(copy, registry=registers(moved()), now=NOW)
    assert [c.name for c in caught.value.failed] == ["history_explained"]
    assert copy.current_file.read_text() == "w-1\n"


def test_b11_a_restate_entry_with_its_reason_lets_it_through(copy):
    entry = {
        "incident_id": "r-1",
        "agency_id": "dinkes",
        "kind": "restate",
        "started_at": NOW,
        "note": "akun salah perangkat daerah",
    }
    known = registers(moved(), incidents=registry.frame("incidents", [entry]))
    build.build(copy, registry=known, now=NOW)
    rows = changed(copy).filter(pl.col("field") == "posts").sort("agency_id")
    assert rows["reason_code"].unique().to_list() == ["REGISTRY"]
    assert rows["note"].unique().to_list() == ["akun salah perangkat daerah"]


def other_sql(monkeypatch, name: str, old: str, new: str) -> None:
    """Another rule for one table, from now on."""
    graph = models.models()
    spoiled = [dataclasses.replace(m, sql=m.sql.replace(old, new, 1)) if m.name == name else m for m in graph]
    assert spoiled != graph
    monkeypatch.setattr(build, "models", lambda: spoiled)
    monkeypatch.setattr(models, "checks", lambda: [c for c in _all_checks if c.name == "history_explained"])


def count_more(workspace: Workspace) -> None:
    """One comment more in a raw row, with nothing that says why."""
    with connections.open_raw(workspace) as con:
        con.execute("UPDATE raw.post_snapshots SET comments = comments + 1, engagement_rcs = engagement_rcs + 1")


def test_p8_a_change_without_a_cause_is_unexplained(copy, monkeypatch):
    count_more(copy)
    monkeypatch.setattr(models, "checks", lambda: [c for c in _all_checks if c.name == "history_explained"])
    with pytest.raises(build.NotPublished):
        build.build(copy, registry=registers(), now=NOW)


def test_p8_another_rule_for_the_table_of_a_figure_is_the_cause_of_its_change(copy, monkeypatch):
    other_sql(monkeypatch, "marts.account_month", "o.engagement,", "o.engagement + 1 AS engagement,")
    build.build(copy, registry=registers(), now=NOW)
    assert changed(copy)["reason_code"].unique().to_list() == ["RULES"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("core.audience", "SELECT", "SELECT 1 AS one,"),  # a table that no total is made of
        ("marts.account_month", "SELECT", "SELECT  -- the same, said again\n"),
    ],
)
def test_p8_a_rule_of_another_table_or_a_comment_excuses_nothing(copy, monkeypatch, name, old, new):
    other_sql(monkeypatch, name, old, new)
    count_more(copy)
    with pytest.raises(build.NotPublished):
        build.build(copy, registry=registers(), now=NOW)


_all_checks = models.checks()


MANY = accounts(*((f"{a}-ig", "instagram", a, f"9{i}", f"{a}.ig") for i, a in enumerate(
    ("dinkes", "disdik", "dishub", "diskominfo", "dinsos", "disnaker", "bappedalitbang", "bpkad"))))  # fmt: skip


def quarter(workspace: Workspace, agency: str, likes: int, day: str) -> None:
    """August to October 2026 of one agency, six posts a month."""
    rows = [
        post("instagram", f"{agency}{m}{n}", f"2026-{m:02}-{n:02}T03:00", likes=likes + n % 3)
        for m in (8, 9, 10)
        for n in range(2, 26, 4)
    ]
    drop(workspace, f"{agency}-ig/1.csv", "instagram", rows, captured_at=day, period=("2026-08-01", "2026-10-31"))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Three nights: seven agencies, then the file of an eighth, then nothing new. Per night: moved and told values."""
    workspace, known = Workspace(tmp_path_factory.mktemp("told")).create(), registers(MANY)
    nights, ids = [], MANY["agency_id"].to_list()
    for k, agency in enumerate(ids[:-1]):
        quarter(workspace, agency, 8 + 12 * k, "2026-11-20")
    for night in range(3):
        if night == 1:
            quarter(workspace, ids[-1], 400, "2026-11-20")
        ingest(workspace, known, now=NOW + timedelta(days=night))
        build.build(workspace, registry=known, now=NOW + timedelta(days=night))
        with versions.open_version(workspace) as version:
            nights.append({name: version.table(f"meta.{name}") for name in ("moved_values", "told_values", "changed_history")})
    return nights


def test_what_was_published_of_a_month_and_moves_with_files_of_others_is_listed_and_stays_listed(told):
    first, second, third = told
    assert first["moved_values"].is_empty() and first["told_values"].height == 21
    assert second["changed_history"].is_empty(), "nobody's own totals changed"
    moved = second["moved_values"]
    assert moved["cause"].unique().to_list() == ["others"] and "bpkad" not in moved["agency_id"]
    before = {(r["agency_id"], r["month"]): r["value"] for r in first["told_values"].to_dicts()}
    for row in moved.to_dicts():
        assert row["old_value"] == before[row["agency_id"], row["month"]]
        assert abs(row["new_value"] / row["old_value"] - 1) > 0.009 and row["moved_on"] == (NOW + timedelta(days=1)).date()
    assert moved.height > 10
    assert third["moved_values"].equals(moved), "a night later it is still listed, once"
    assert second["told_values"].height == 24 and third["told_values"].height == 24


def test_small_moves_are_compared_with_what_was_first_told_and_so_do_not_add_up_unseen(told):
    """What was not listed keeps the value that readers saw first, not the value of the last night."""
    first, second, _ = told
    listed = second["moved_values"].select("agency_id", "month")
    both = first["told_values"].join(second["told_values"], on=["agency_id", "month"], suffix="_now")
    kept = both.join(listed, on=["agency_id", "month"], how="anti")
    assert kept["value"].equals(kept["value_now"]) and kept["since"].equals(kept["since_now"])
    new = both.join(listed, on=["agency_id", "month"], how="semi")
    assert (new["value"] != new["value_now"]).all() and (new["since_now"] > new["since"]).all()


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    """A version of a release that counted otherwise and told nothing, a night of this one, one that takes tables over."""
    workspace, known = Workspace(tmp_path_factory.mktemp("upgraded")).create(), registers(MANY)
    for k, agency in enumerate(MANY["agency_id"].to_list()):
        quarter(workspace, agency, 8 + 12 * k, "2026-11-20")
    ingest(workspace, known, now=NOW)
    first = build.build(workspace, registry=known, now=NOW)
    path = workspace.versions / f"{first.version}.duckdb"
    path.chmod(0o640)
    with duckdb.connect(str(path)) as con:
        for table in ("meta.told_values", "meta.moved_values", "meta.made_from"):
            con.execute(f"DROP TABLE {table}")
        con.execute("ALTER TABLE meta.tables DROP COLUMN fingerprint")
        con.execute("UPDATE estimates.agency_month_index SET vs_expected = vs_expected * 1.2 WHERE agency_id = 'dinkes'")
        con.execute("UPDATE marts.account_month SET engagement = engagement + 5 WHERE account_id = 'dinkes-ig'")
    seal = workspace.versions / f"{first.version}.json"
    sealed = json.loads(seal.read_text()) | {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    seal.write_text(json.dumps(sealed))
    nights = []
    for night in (1, 2):
        if night == 2:
            drop(workspace, "dinkes-ig/2.csv", "instagram", [post("instagram", "77", "2026-11-03T03:00")],
                 captured_at="2026-11-21", period=("2026-11-01", "2026-11-20"))  # fmt: skip
        ingest(workspace, known, now=NOW + timedelta(days=night))
        result = build.build(workspace, registry=known, now=NOW + timedelta(days=night), reusing=night == 2)
        with versions.open_version(workspace) as version:
            tables = {name: version.table(f"meta.{name}") for name in ("moved_values", "told_values", "changed_history")}
            nights.append((result, tables, version.table("estimates.agency_month_index")))
    return nights


def test_an_upgrade_lists_what_an_older_release_told_otherwise_and_calls_it_a_rule_not_the_agencys_files(upgraded):
    (_, tables, _), _ = upgraded
    assert tables["changed_history"]["reason_code"].unique().to_list() == ["RULES"]
    moved = tables["moved_values"]
    assert moved["agency_id"].unique().to_list() == ["dinkes"] and moved["cause"].unique().to_list() == ["rules"]
    assert (moved["old_value"] / moved["new_value"]).to_list() == pytest.approx([1.2] * 3)
    assert moved["since"].unique().to_list() == [NOW.date()], "told on the day of the version that told it"


def test_a_night_that_takes_tables_over_keeps_what_was_told(upgraded):
    (_, before, _), (result, after, index) = upgraded
    assert result.is_new and any(t.is_reused for t in result.tables)
    assert after["moved_values"].equals(before["moved_values"])
    told = after["told_values"].join(index, on=["agency_id", "month"])
    assert told.height == before["told_values"].height == 24
    assert (told["value"] / told["vs_expected"]).log().abs().max() < 0.01


# --- trace --------------------------------------------------------------------------------------------------------------


def test_a_monthly_total_is_traced_to_the_rows_of_its_file(published):
    found = trace.trace(published[0], "account_month:engagement:account_id=a-fb,month=2026-10-01")
    assert {s.file for s in found} == {"3.csv"}
    assert sorted(s.row for s in found) == list(range(2, 10))
    assert found[0].sha256 and found[0].value == "E 15, X 500"


def test_an_estimate_is_traced_to_the_posts_of_its_agency(published):
    found = trace.trace(published[0], "agency_window:vs_expected:agency_id=dinkes")
    assert {s.file for s in found} <= {"1.csv", "3.csv"}


@pytest.mark.parametrize("figure", ["nonsense", "agency_windows:x", "agency_window:nilai", "agency_window:q:agency=dinkes"])
def test_an_unknown_figure_says_what_there_is(published, figure):
    with pytest.raises(trace.NotPossible) as caught:
        trace.trace(published[0], figure)
    assert caught.value.exit_status == 2


# --- P1: kills ----------------------------------------------------------------------------------------------------------

NIGHT = """
import sys
from pathlib import Path
from pipeline.engine import build, connections, models, versions
from pipeline.settings import Workspace
from tests.fake_exports import ingest, registers, NOW
workspace = Workspace(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
ingest(workspace)
build.build(workspace, registry=registers(), now=NOW)
print("done", flush=True)
"""


def run_and_kill(workspace: Workspace, after: float) -> None:
    """Start a night and kill it `after` seconds; the child first imports everything, so that kills fall into the work."""
    command = [sys.executable, "-c", textwrap.dedent(NIGHT), str(workspace.root)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin and child.stdout
    child.stdout.readline()
    child.stdin.write("go\n")
    child.stdin.flush()
    try:
        child.wait(after)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    child.communicate()


def whole(workspace: Workspace) -> dict:
    with versions.open_version(workspace) as version:
        return {t: version.table(t).sort(pl.all()).rows() for t in ("core.posts", "core.post_history", "marts.account_month")}


@pytest.mark.parametrize(
    "after", [0.4, pytest.param(0.05, marks=pytest.mark.nightly), pytest.param(1.5, marks=pytest.mark.nightly)]
)
def test_p1_a_killed_night_leaves_the_version_whole_and_the_next_one_completes(copy, published, after):
    drop(copy, "a-fb/9.csv", "facebook", [post("facebook", "71", "2026-10-01T05:00", reach=900)], captured_at="2026-11-21")
    run_and_kill(copy, after)
    with versions.open_version(copy) as version:
        assert version.table("core.posts").height == 32
    ingest(copy)
    build.build(copy, registry=registers(), now=NOW)
    after_kill = whole(copy)
    assert len(after_kill["core.post_history"]) == 33
    assert not list(copy.archive.glob(".copy-*"))
    build.build(copy, registry=registers(), now=NOW)
    assert whole(copy) == after_kill


def test_what_does_not_fit_into_memory_goes_to_disk(tmp_path):
    with connections.open_raw(Workspace(tmp_path)) as con:
        con.execute("SET memory_limit = '32MB'")
        distinct = "SELECT DISTINCT CAST(i AS VARCHAR) || 'abcdefghijklmnop' AS t FROM range(600000) r(i)"
        assert con.execute(f"SELECT count(*) FROM ({distinct})").fetchall() == [(600_000,)]
