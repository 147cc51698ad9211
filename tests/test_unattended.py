"""What runs the night where nobody watches: schedule under a simulated clock, units of systemd, tasks of Windows."""

import configparser
import logging
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import typer.main

from pipeline.cli.app import app
from pipeline.cli.command import main  # noqa: F401  # registers every command
from pipeline.defs import schedules
from pipeline.defs.instance import open_instance
from pipeline.settings import Workspace

DOCS = Path(__file__).parents[1] / "docs"
UNITS = sorted((DOCS / "systemd").glob("terukur*"))
SERVICES = [u for u in UNITS if u.suffix == ".service" and "@" not in u.name]
TASKS = sorted((DOCS / "windows").glob("*.xml"))
XML = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def read(unit):
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    parser.optionxform = str
    parser.read(unit, encoding="utf-8")
    return parser


def known(words):
    """Whether the command line is one that the program has."""
    group = typer.main.get_command(app)
    words = [w for i, w in enumerate(words) if w != "--workspace" and (i == 0 or words[i - 1] != "--workspace")]
    command = group.commands[words[0]]
    options = {name for p in command.params for name in p.opts}
    return all(w in options for w in words[1:])


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_a_unit_runs_a_command_that_exists_alone_with_little_and_tells_when_it_fails(unit):
    said = read(unit)
    program, *words = shlex.split(said["Service"]["ExecStart"])
    assert program.endswith("/terukur") and known(words)
    assert said["Unit"]["OnFailure"] == "terukur-told@%n.service" and (DOCS / "systemd" / "terukur-told@.service").exists()
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID", "LockPersonality"):
        assert said["Service"][name] == "yes", name
    assert said["Service"]["ProtectSystem"] == "strict" and said["Service"]["UMask"] == "0027"
    assert said["Service"]["ReadWritePaths"] == "/srv/terukur" and said["Service"]["CapabilityBoundingSet"] == ""


def test_timers_start_the_night_at_one_in_jakarta_once_after_missed_ones_and_the_watch_every_hour():
    night, watch = (read(DOCS / "systemd" / f"{name}.timer") for name in ("terukur", "terukur-watch"))
    assert night["Timer"]["OnCalendar"] == "*-*-* 01:00:00 Asia/Jakarta" and watch["Timer"]["OnCalendar"] == "hourly"
    assert night["Timer"]["Persistent"] == watch["Timer"]["Persistent"] == "true"


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)
def test_a_task_of_windows_runs_a_command_that_exists_once_after_missed_ones_never_two_at_a_time(task):
    root = ElementTree.fromstring(task.read_text(encoding="utf-8").encode())
    words = shlex.split(root.find(f".//{XML}Arguments").text.replace("\\", "/"))
    assert known(words)
    assert root.find(f".//{XML}MultipleInstancesPolicy").text == "IgnoreNew"
    assert root.find(f".//{XML}StartWhenAvailable").text == "true"


def test_the_container_keeps_its_workspace_outside_and_is_nobody_special():
    said = (DOCS / "container" / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER terukur$", said, re.M) and "VOLUME /data" in said and "--require-hashes" in said


@pytest.mark.filterwarnings("ignore")  # Dagster's own, as it describes a schedule
def test_the_schedule_fires_at_its_time_and_once_after_missed_nights(tmp_path, monkeypatch):
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.test_utils import (
        InProcessTestWorkspaceLoadTarget,
        create_test_daemon_workspace_context,
        freeze_time,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._scheduler.scheduler import launch_scheduled_runs

    monkeypatch.setattr(schedules, "sweep_if_free", lambda *_: [])
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(executable_path=sys.executable, module_name="pipeline.definitions"))
    started = []
    with open_instance(Workspace(tmp_path).create()) as instance:
        target = InProcessTestWorkspaceLoadTarget(origin)
        with create_test_daemon_workspace_context(target, instance) as context:

            def clock(text):
                """How many nights were asked for until then, by a daemon that looks now."""
                now = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Jakarta"))
                with freeze_time(now.astimezone(UTC)):
                    list(launch_scheduled_runs(context, logging.getLogger("clock"), now.astimezone(UTC), iteration_times={}))
                started.append(instance.get_runs_count())
                return started[-1]

            assert clock("2026-11-23 22:00") == 0
            assert clock("2026-11-24 00:59") == 0
            assert clock("2026-11-24 01:00:30") == 1
            assert clock("2026-11-24 01:10") == clock("2026-11-24 12:00") == 1
            assert clock("2026-11-28 08:00") == 2  # three nights and a half without power: one run handles what is pending
            assert clock("2026-11-28 08:05") == 2
            assert clock("2026-11-29 01:01") == 3
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.QUEUED}  # a queue of one
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1


def test_what_a_command_writes_is_not_for_everybody(tmp_path):
    code = "import os, sys; os.umask(0); sys.argv = ['terukur', '-w', sys.argv[1], 'init']\n"
    code += "from pipeline.cli.command import main\nmain()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "data")], check=True, capture_output=True)
    written = [p for p in (tmp_path / "data").rglob("*") if p.is_file()]
    assert written and not [p for p in written if p.stat().st_mode & 0o037]
