"""What holds around a run: alone, with room, and with a sentence for everything that can stop it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from pipeline import night
from pipeline.registry import Problem, RegistryError
from pipeline.settings import Workspace

HOLD = "import sys,time; from pathlib import Path; from pipeline import night; from pipeline.settings import Workspace\n"
HOLD += "with night.alone(Workspace(Path(sys.argv[1]))):\n    print('held', flush=True); time.sleep(60)"


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "data")


@pytest.fixture
def another_run(workspace):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(workspace.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_b5_a_second_run_is_told_who_works_since_when(workspace, another_run):
    with pytest.raises(night.Busy) as busy, night.alone(workspace):
        pass
    assert busy.value.pid == another_run.pid
    assert night.explain(busy.value)[0] == night.BUSY
    assert not night.is_free(workspace)


def test_b5_the_lock_dies_with_its_process(workspace, another_run):
    os.kill(another_run.pid, signal.SIGKILL)
    another_run.wait()
    deadline = time.monotonic() + 10
    while not night.is_free(workspace) and time.monotonic() < deadline:
        time.sleep(0.01)
    with night.alone(workspace):
        assert json.loads(workspace.lock_file.read_text())["pid"] == os.getpid()


def test_the_lock_nests_in_one_process_and_is_let_go(workspace):
    with night.alone(workspace), night.alone(workspace):
        pass
    assert night.is_free(workspace)
    assert workspace.lock_file.read_text() == ""


def test_b3_a_run_does_not_start_without_room_for_three_versions(workspace, monkeypatch):
    workspace.create()
    (workspace.versions / "w-1.duckdb").write_bytes(b"x" * 1000)
    monkeypatch.setattr(night, "SPARE_BYTES", 0)
    monkeypatch.setattr(night.shutil, "disk_usage", lambda path: SimpleNamespace(free=2999))
    with pytest.raises(night.NoRoom) as error:
        night.require_room(workspace)
    assert night.explain(error.value)[0] == night.ENVIRONMENT
    monkeypatch.setattr(night.shutil, "disk_usage", lambda path: SimpleNamespace(free=3000))
    night.require_room(workspace)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RegistryError([Problem("accounts.csv", 3, "platform", "salah", "wrong")]), night.USAGE),
        (night.Busy(1, "now"), night.BUSY),
        (OSError(errno.ENOSPC, "full", "/x"), night.ENVIRONMENT),
        (PermissionError(errno.EACCES, "no", "/x"), night.ENVIRONMENT),
        (ZeroDivisionError("boom"), night.BUG),
    ],
)
def test_every_error_has_a_status_and_two_sentences(error, status):
    found, indonesian, english = night.explain(error)
    assert found == status
    assert indonesian and english and indonesian != english
    assert "Traceback" not in indonesian + english


def test_b3_a_history_of_runs_that_cannot_be_written_is_the_machine_and_not_a_fault_of_ours():
    import sqlite3

    assert night.explain(sqlite3.OperationalError("(sqlite3.OperationalError) disk I/O error"))[0] == night.ENVIRONMENT


def test_the_cause_counts_not_its_wrapping():
    try:
        try:
            raise OSError(errno.ENOSPC, "full", "/x")
        except OSError as inner:
            raise RuntimeError("step failed") from inner
    except RuntimeError as outer:
        assert night.explain(outer)[0] == night.ENVIRONMENT


def test_a_log_that_cannot_be_written_is_not_another_error(workspace):
    workspace.root.parent.joinpath("data").write_text("a file where the folder should be")
    assert night.write_log(workspace, ValueError("x")) is None


STOPPABLE = """
import os, signal, sys, threading, time
from pipeline import night
def work():
    print("working", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
night.stoppable(work, "farewell")
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_is_stopped_at_once_with_a_sentence_whatever_it_swallows(number, status):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", STOPPABLE], **pipes)
    assert process.stdout.readline() == "working\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (status, "farewell\n")


def test_what_is_stoppable_gives_its_result_or_its_error():
    assert night.stoppable(lambda: 3, "") == 3
    with pytest.raises(ZeroDivisionError):
        night.stoppable(lambda: 1 / 0, "")
