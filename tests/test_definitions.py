"""What Dagster sees: one asset per table, one check per rule, one job, one schedule, one sensor; and the night as one path."""

import json
import os
import subprocess
import sys

import dagster as dg
import pytest

from pipeline import night, registry
from pipeline.definitions import defs
from pipeline.defs.instance import environment, open_instance
from pipeline.defs.night import WORKING, sweep, sweep_if_free
from pipeline.defs.run import execute
from pipeline.defs.serve import commands
from pipeline.engine import models, versions
from pipeline.intake import ledger
from pipeline.settings import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path).create()


def test_definitions_load_and_every_asset_has_what_it_needs():
    dg.Definitions.validate_loadable(defs)


def test_every_table_is_an_asset_that_says_what_a_row_is():
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    for table in models.models():
        spec = specs[dg.AssetKey(table.name.split("."))]
        assert table.description in spec.description
        assert {dep.asset_key for dep in spec.deps} == {dg.AssetKey(n.split(".")) for n in (*table.depends_on, *table.sources)}


def test_every_rule_is_an_asset_check_and_blocks_where_it_must():
    found = {key.name: key for key in defs.resolve_asset_graph().asset_check_keys}
    assert set(found) >= {check.name for check in models.checks()}
    blocking = {c.name: c.blocking for c in models.checks()}
    graph = defs.resolve_asset_graph()
    assert all(graph.get_check_spec(key).blocking == blocking[name] for name, key in found.items() if name in blocking)


def test_the_night_is_at_one_in_jakarta():
    schedule = defs.resolve_schedule_def("overnight_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 1 * * *", "Asia/Jakarta")
    assert schedule.job_name == "overnight"


def test_the_executor_starts_no_processes():
    assert defs.resolve_job_def("overnight").executor_def.name == "in_process"


def test_the_instance_lives_in_the_workspace_and_sends_nothing(workspace, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with open_instance(workspace) as instance:
        assert instance.telemetry_enabled is False
        assert instance.run_monitoring_enabled and instance.run_retries_enabled
        assert not instance.run_retries_enabled or instance.get_settings("run_retries")["max_retries"] == 1
        assert str(workspace.dagster) in instance.storage_directory()
    assert (workspace.dagster / "storage").is_dir()


def test_the_root_configuration_needs_no_dagster_home(monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    from dagster._core.instance.config import dagster_instance_config

    config, _ = dagster_instance_config(str(models.WAREHOUSE.parent))
    assert config["storage"]["sqlite"]["base_dir"] == "data/dagster/storage"
    assert not os.path.isabs(config["local_artifact_storage"]["config"]["base_dir"])


@pytest.fixture
def instance(workspace):
    with open_instance(workspace) as made:
        yield made


def test_b9_a_ghost_run_is_cleared_at_start(instance, workspace):
    job = defs.resolve_job_def("overnight")
    ghost = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    done = instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS)
    assert sweep_if_free(instance, workspace) == [ghost.run_id]
    assert instance.get_run_by_id(ghost.run_id).status == dg.DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(done.run_id).status == dg.DagsterRunStatus.SUCCESS
    assert not instance.get_runs(filters=dg.RunsFilter(statuses=WORKING))


def test_b9_the_sweep_spares_the_run_that_sweeps(instance):
    mine = instance.create_run_for_job(defs.resolve_job_def("overnight"), status=dg.DagsterRunStatus.STARTED)
    assert sweep(instance, except_run=mine.run_id) == []


def test_b9_nothing_is_cleared_while_somebody_works(instance, workspace):
    instance.create_run_for_job(defs.resolve_job_def("overnight"), status=dg.DagsterRunStatus.STARTED)
    code = "import sys,time; from pathlib import Path; from pipeline import night; from pipeline.settings import Workspace\n"
    code += "with night.alone(Workspace(Path(sys.argv[1]))):\n    print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(workspace.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        assert sweep_if_free(instance, workspace) == []
        assert not night.is_free(workspace)
    finally:
        holder.kill()
        holder.communicate()


def test_the_ui_is_for_this_machine_and_only_looks_unless_told(workspace, tmp_path):
    code, webserver, daemon = commands(tmp_path, port=3111, operate=False)
    assert "--empty-working-directory" in code
    assert "--read-only" in webserver and webserver[webserver.index("--host") + 1] == "127.0.0.1"
    assert "--read-only" not in commands(tmp_path, port=3111, operate=True)[1]
    found = subprocess.run([*daemon[:3], "--version"], env=environment(workspace), capture_output=True, text=True, check=True)
    assert dg.__version__ in found.stdout


def test_what_dagster_keeps_stays_in_the_workspace_when_it_is_called_by_hand(workspace):
    around = environment(workspace)
    assert around["DAGSTER_HOME"] == str(workspace.dagster)
    settings = (workspace.dagster / "dagster.yaml").read_text()
    assert "enabled: false" in settings and "max_concurrent_runs: 1" in settings
    assert settings.count(str(workspace.dagster)) == 2 and "data/dagster" not in settings


def overnight(workspace, monkeypatch, *, step, error):
    """A night of these definitions in which a function of one step raises."""

    def breaks(*_, **__):
        raise error

    module, name = step
    monkeypatch.setattr(module, name, breaks)
    workspace.registry.mkdir(exist_ok=True, parents=True)
    registry.write_template(workspace.registry, "kabupaten-bogor")
    return execute(defs, workspace)[1]


def test_what_stops_a_step_is_told_in_its_own_sentences(workspace, monkeypatch):
    raised = versions.Damaged("Versi rusak.", "A version is damaged.")
    found = overnight(workspace, monkeypatch, step=(ledger, "ingest"), error=raised)
    assert found == [night.Stopped("raw", 6, "Versi rusak.", "A version is damaged.")]


def test_a_fault_in_a_step_is_told_with_the_log_that_holds_its_traceback(workspace, monkeypatch):
    (found,) = overnight(workspace, monkeypatch, step=(ledger, "ingest"), error=ZeroDivisionError("boom"))
    (log,) = workspace.logs.iterdir()
    assert (found.step, found.status) == ("raw", night.BUG)
    assert str(log) in found.id and str(log) in found.en and "ZeroDivisionError: boom" in log.read_text()


def test_a_night_of_the_job_leaves_one_report_that_says_what_stopped_it(workspace, monkeypatch):
    raised = versions.Damaged("Versi rusak.", "A version is damaged.")
    overnight(workspace, monkeypatch, step=(ledger, "ingest"), error=raised)
    (report,) = workspace.nights.glob("????-??-??T??????.json")
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["stopped"] == [{"step": "raw", "id": "Versi rusak.", "en": "A version is damaged."}] and said["status"] == 6
