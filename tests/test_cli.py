"""The command as a person meets it: what it prints and the status it ends with."""

import io
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from pipeline import night
from pipeline.cli import app as shared
from pipeline.cli import files, screen
from pipeline.cli.command import app
from pipeline.files import program_version

COMMANDS = {"demo", "init", "inspect", "add", "run", "status", "trace", "share", "rollback", "erase", "ui", "lab"}


def call(*words, workspace=None, **environment):
    """The command as its entry point runs it, error sentences included."""
    command = [sys.executable, "-c", "from pipeline.cli.command import main; main()"]
    where = ["--workspace", str(workspace)] if workspace else []
    around = {**os.environ, **environment}
    return subprocess.run(
        [*command, *where, *map(str, words)], capture_output=True, text=True, timeout=280, check=False, env=around
    )


def test_every_command_is_offered_with_a_sentence_in_both_languages():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    offered = {info.name or info.callback.__name__: info.callback for info in app.registered_commands}
    assert set(offered) >= COMMANDS
    assert all(" / " in callback.__doc__ for callback in offered.values())


@pytest.mark.parametrize(
    ("imported", "slow"),
    [
        ("from pipeline.cli import command", ("dagster", "polars", "duckdb", "plotly", "numpy")),
        ("from pipeline.letters import delivery, origin, withdrawn", ("dagster", "scipy", "plotly", "pptx", "nbclient")),
    ],
    ids=["help", "a letter"],
)
def test_help_and_a_letter_do_not_import_what_is_slow_and_not_theirs(imported, slow):
    code = f"import sys; {imported}; print([m for m in {slow} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_workspace_is_taken_on_both_sides_of_the_verb_and_the_nearer_one_counts(tmp_path):
    said = [
        call("--workspace", tmp_path / "a", "init"),
        call("init", "--workspace", tmp_path / "b"),
        call("init", "-w", tmp_path / "c"),
        call("--workspace", tmp_path / "none", "init", "--workspace", tmp_path / "d"),
    ]
    assert [result.returncode for result in said] == [0, 0, 0, 0]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["a", "b", "c", "d"]


def test_every_verb_takes_the_workspace_after_its_name():
    for name, verb in typer.main.get_command(app).commands.items():
        assert "--workspace" in {word for parameter in verb.params for word in parameter.opts}, name


def test_the_program_tells_its_version():
    assert call("--version").stdout == f"terukur {program_version()}\n"


def test_a_shell_can_complete_the_verbs():
    asked = {"_TERUKUR_COMPLETE": "complete_bash", "COMP_WORDS": "terukur st", "COMP_CWORD": "1"}
    run = [sys.executable, "-c", "import sys; sys.argv = ['terukur']; from pipeline.cli.command import main; main()"]
    told = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **asked})
    assert told.stdout.split() == ["status"]


def test_init_writes_a_registry_once(tmp_path):
    first = call("init", workspace=tmp_path / "w")
    assert first.returncode == 0, first.stderr
    assert "agencies.csv" in first.stdout
    (tmp_path / "w/registry/agencies.csv").write_text("mine")
    assert "agencies.csv" not in call("init", workspace=tmp_path / "w").stdout
    assert (tmp_path / "w/registry/agencies.csv").read_text() == "mine"


def test_wrong_usage_ends_with_two(tmp_path):
    assert call("inspect", tmp_path / "absent.csv").returncode == night.USAGE
    assert call("no-such-command").returncode == night.USAGE
    assert call("demo", "--profile", "giant", workspace=tmp_path).returncode == night.USAGE


@pytest.mark.parametrize(
    ("name", "value"),
    [("LANGUAGE", "fr"), ("MEMORY_LIMIT", "much"), ("THREADS", "0"), ("THREADS", "two"), ("KEEP_VERSIONS", "1")],
)
def test_a_wrong_setting_is_told_by_its_name_in_both_languages(tmp_path, name, value):
    result = call("status", workspace=tmp_path, **{f"TERUKUR_{name}": value})
    assert result.returncode == night.USAGE
    assert f"Setelan TERUKUR_{name}='{value}'" in result.stderr
    assert f"Setting TERUKUR_{name}='{value}'" in result.stderr
    assert "Traceback" not in result.stderr
    assert not any(tmp_path.iterdir())


def test_a_language_or_port_that_cannot_be_is_a_wrong_usage(tmp_path):
    assert call("share", "ringkasan", "--language", "fr", workspace=tmp_path).returncode == night.USAGE
    assert call("ui", "--port", "99999", workspace=tmp_path).returncode == night.USAGE


def test_sums_are_shown_in_the_digits_of_the_language():
    assert screen.number(1234567) == "1.234.567"
    assert screen.number(1234.5) == "1.234,5"
    assert screen.number(1234.5, "en") == "1,234.5"


def test_a_wrong_registry_is_told_by_line_and_stops_the_run(tmp_path):
    call("init", workspace=tmp_path)
    (tmp_path / "registry/accounts.csv").write_text("account_id,platform,agency_id\na,myspace,dinkes\n")
    result = call("run", workspace=tmp_path)
    assert result.returncode == night.USAGE
    assert "accounts.csv, baris 2, kolom platform" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_second_run_does_nothing(tmp_path):
    from pipeline.settings import Workspace

    call("init", workspace=tmp_path)
    with night.alone(Workspace(tmp_path)):
        result = call("run", workspace=tmp_path)
    assert result.returncode == night.BUSY
    assert not (tmp_path / "warehouse/CURRENT").exists()


def test_a_fault_is_a_sentence_and_a_log_never_a_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["terukur", "--workspace", str(tmp_path), "status"])
    status = shared._last_word(ZeroDivisionError("boom"))
    shown = capsys.readouterr().err
    assert status == night.BUG and "Traceback" not in shown
    log = next((tmp_path / "logs").iterdir())
    assert str(log) in shown and "boom" in log.read_text()


@pytest.mark.parametrize("words", [["status", "-w", "{}"], ["status", "-w{}"], ["--workspace={}", "status"]])
def test_the_log_of_a_fault_lies_in_the_workspace_that_was_named(tmp_path, monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["terukur", *(word.format(tmp_path) for word in words)])
    shared._last_word(ZeroDivisionError("boom"))
    assert len(list((tmp_path / "logs").iterdir())) == 1


def test_simulated_files_never_land_among_real_ones(tmp_path):
    call("init", workspace=tmp_path)
    result = call("demo", workspace=tmp_path)
    assert result.returncode == night.USAGE
    assert not any((tmp_path / "inbox").iterdir())


@pytest.mark.parametrize("text", ["kemarin", "2026-13-01"])
def test_a_time_that_is_none_is_refused(tmp_path, text):
    file = tmp_path / "a.csv"
    file.write_text("x")
    assert call("inspect", file, "--captured-at", text, workspace=tmp_path).returncode == night.USAGE


def test_a_period_told_on_adding_is_in_the_name_of_the_copy(tmp_path):
    call("init", workspace=tmp_path / "w")
    (tmp_path / "Table data.csv").write_text(
        'Content,Video title,Video publish time,Views\nTotal,,,5\nabcdefghijk,A,"Jan 3, 2026",5\n'
    )
    wrong = call("add", tmp_path / "Table data.csv", "--period", "2026-02-01..2026-01-01", workspace=tmp_path / "w")
    assert wrong.returncode == 2 and "periode" in wrong.stderr
    told = call("add", tmp_path / "Table data.csv", "--period", "2026-01-01..2026-01-31", workspace=tmp_path / "w")
    assert [p.name for p in (tmp_path / "w/inbox").rglob("*.csv")] == ["Table data 2026-01-01_2026-01-31.csv"], told.stdout


def test_add_names_the_nearest_account(tmp_path):
    call("init", workspace=tmp_path)
    (tmp_path / "registry/accounts.csv").write_text("account_id,platform,agency_id\ndinkes-ig,instagram,dinkes\n")
    file = tmp_path / "a.csv"
    file.write_text("x")
    result = call("add", file, "--account", "dinkes-i", workspace=tmp_path)
    assert result.returncode == night.USAGE and "dinkes-ig" in result.stderr


def test_a_copy_never_overwrites_another_file(tmp_path):
    source = tmp_path / "Table data.csv"
    source.write_text("one")
    first = files._copy(source, tmp_path / "inbox" / source.name)
    assert files._copy(source, tmp_path / "inbox" / source.name) == first
    source.write_text("two")
    second = files._copy(source, tmp_path / "inbox" / source.name)
    assert (first.read_text(), second.read_text()) == ("one", "two")
    assert sorted(p.name for p in (tmp_path / "inbox").iterdir()) == ["Table data (2).csv", "Table data.csv"]


def test_a_terminal_is_told_which_step_is_going_on(monkeypatch):
    from rich.console import Console

    from pipeline.cli import screen
    from pipeline.cli.run import STEPS, doing
    from pipeline.definitions import defs

    assert set(STEPS) == {node.name for node in defs.resolve_job_def("overnight").nodes}
    done: list[str] = []
    for name, (indonesian, english) in STEPS.items():
        assert (doing("id", done), doing("en", done)) == (indonesian, english)
        done.append(name)
    said = io.StringIO()
    monkeypatch.setattr(screen, "console", lambda: Console(file=said, force_terminal=True))
    with screen.progress(lambda: "Membaca berkas"):
        pass
    assert "Membaca berkas" in said.getvalue()
    assert said.getvalue().rindex("\x1b[?25h") > said.getvalue().rindex("\x1b[?25l"), "the cursor is there"


def test_how_long_it_still_takes_is_told_by_the_night_before():
    import time

    from pipeline.cli.run import Progress

    class Working:
        began = time.monotonic()

        def done(self):
            return ["raw"]

    took = {"raw": 10.0, "warehouse": 20.0, "notebooks": 9.0, "pages": 5.0}
    assert Progress(Working(), took).words("id") == "Menghitung dan memeriksa tabel (kira-kira 34 detik lagi)"
    assert Progress(Working(), took).words("en").endswith("(about 34 seconds left)")
    assert Progress(Working(), {}).words("id") == "Menghitung dan memeriksa tabel", "the first night knows no time"
    assert Progress(None, took).words("id").endswith("(kira-kira 44 detik lagi)")


def test_which_steps_of_a_run_are_done_is_told_by_its_events(tmp_path):
    import dagster as dg

    from pipeline.defs.instance import open_instance
    from pipeline.defs.run import Watch
    from pipeline.settings import Workspace

    workspace, watch, seen = Workspace(tmp_path).create(), Watch(), []

    @dg.op
    def first() -> int:
        seen.append(watch.done())
        return 1

    @dg.op
    def second(given: int) -> None:
        seen.append(watch.done())

    @dg.job(executor_def=dg.in_process_executor, logger_defs={})
    def two() -> None:
        second(first())

    assert watch.done() == [], "before it began"
    with open_instance(workspace) as instance:
        watch.instance = instance
        two.execute_in_process(instance=instance, run_id=watch.run_id)
    assert seen == [[], ["first"]]


def test_nothing_is_said_of_steps_where_nobody_looks(capsys):
    from pipeline.cli import screen

    with screen.progress(lambda: "Membaca berkas"):
        pass
    assert capsys.readouterr() == ("", "")
