"""P12: what is undone is undone whole: figures, pages, notebooks, letters and status are of one version, and it stays so."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from pipeline import night, registry
from pipeline.cli import status
from pipeline.definitions import defs
from pipeline.defs.run import execute
from pipeline.defs.warehouse import standing
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.letters import withdrawn
from pipeline.notebook import execution
from pipeline.settings import Workspace
from tests.fake_exports import NOW, file_number, ingest, read
from tests.injuries import whole_night
from tests.night_worker import few_agencies
from tests.test_cli import call

TAKE_IN = ledger.ingest


def shown_by(version: str) -> execution.Record:
    return execution.Record(execution.names()[0], "Mulai", "", "", version=version, parts=[("markdown", f"<p>{version}</p>")])


def a_night(workspace: Workspace, moment: dt.datetime) -> str:
    """A whole night with one notebook; gives the version it published."""
    whole_night(workspace, moment)
    name = versions.current(workspace)
    execution._keep(workspace.notebooks, shown_by(name))
    execution.keep_set(workspace.notebooks, name, {one["version"] for one in versions.versions(workspace)})
    return name


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return two_nights(tmp_path_factory.mktemp("two") / "data")


def two_nights(root: Path) -> Workspace:
    """Two nights; the second brought a file, and a letter was made of each."""
    workspace = Workspace(root).create()
    registry.write_template(workspace.registry)
    for n in range(2):
        file_number(workspace, n)
        name = a_night(workspace, NOW + dt.timedelta(days=n))
        letter = workspace.root / "laporan" / "2026-10" / f"surat-{name}.pdf"
        letter.parent.mkdir(parents=True, exist_ok=True)
        letter.write_bytes(b"%PDF " + name.encode())
        withdrawn.remember(workspace, letter, name)
    return workspace


@pytest.fixture
def copy(two, tmp_path):
    shutil.copytree(two.root, tmp_path / "data", symlinks=True)
    return Workspace(tmp_path / "data")


def speaks_of(workspace: Workspace) -> set[str]:
    """The versions that figures, pages, notebooks, letters and status speak of."""
    said = {versions.current(workspace), status.collect(workspace)["version"]["version"]}
    page = (workspace.site / "latest" / "id" / "index.html").read_text(encoding="utf-8")
    said |= {name for name in ("w-1", "w-2", "w-3") if f'content="{name}"' in page}
    said |= {record.version for record in execution.records(workspace.notebooks)}
    newest = max((workspace.root / "laporan").glob("2026-*/surat-*.pdf"), key=lambda path: path.stem)
    return said | {newest.stem.removeprefix("surat-")}


def test_p12_a_rollback_takes_everything_along(copy, tmp_path):
    assert speaks_of(copy) == {"w-2"}
    outside = tmp_path / "di luar.pdf"
    outside.write_bytes(b"x")
    withdrawn.remember(copy, outside, "w-2")
    done = call("rollback", workspace=copy.root)
    assert done.returncode == 0, done.stderr
    assert speaks_of(copy) == {"w-1"} and "w-2" in done.stdout and str(outside) in done.stderr
    assert (copy.root / "laporan/ditarik/w-2/2026-10/surat-w-2.pdf").exists(), "withdrawn, not lost"
    assert outside.exists(), "what is not ours is named, not moved"
    with versions.open_version(copy) as version:
        assert version.sql("SELECT count(*) FROM core.posts").item() == 3


@pytest.mark.parametrize("gone", ["pages", "records"])
def test_p12_pages_and_notebooks_that_are_gone_are_made_again(copy, gone, monkeypatch):
    shutil.rmtree(copy.site / "w-1" if gone == "pages" else copy.notebooks / "w-1")

    def overnight(workspace):
        execution._keep(workspace.notebooks, shown_by(versions.current(workspace)))

    monkeypatch.setattr(execution, "overnight", overnight)
    withdrawn.undo(copy)
    assert speaks_of(copy) == {"w-1"}


def test_p12_a_rollback_that_has_nowhere_to_go_changes_nothing(copy):
    (copy.versions / "w-1.duckdb").unlink()
    with pytest.raises(versions.Damaged):
        withdrawn.undo(copy)
    assert speaks_of(copy) == {"w-2"} and versions.held(copy) is None


@pytest.mark.parametrize("again", ["rollback", "night"])
@pytest.mark.parametrize("at", ["restore_set", "_move_letters"])
def test_p12_a_rollback_that_died_half_way_is_finished_and_goes_no_further(copy, monkeypatch, at, again):
    """Killed after CURRENT moved: notebooks or letters still speak of what was withdrawn."""
    with monkeypatch.context() as dying:
        dying.setattr(execution if at == "restore_set" else withdrawn, at, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            withdrawn.undo(copy)
    assert speaks_of(copy) == {"w-1", "w-2"}
    with night.alone(copy):
        withdrawn.undo(copy) if again == "rollback" else standing(copy)
    assert speaks_of(copy) == {"w-1"} and versions.held(copy)["withdrawn"] == "w-2"


def the_job(workspace, monkeypatch):
    """The job as the schedule runs it, with files read as the tests write them and notebooks that only say their version."""
    moment = NOW + dt.timedelta(days=3)
    monkeypatch.setattr(ledger, "ingest", lambda place, known: TAKE_IN(place, known, now=moment, settle_seconds=0, read=read))
    monkeypatch.setattr(registry, "load", lambda _: few_agencies())

    def overnight(place):
        found = [shown_by(versions.current(place)), *(execution.Record(n, n, "", "") for n in execution.names()[1:])]
        execution._keep(place.notebooks, found[0])
        return found

    monkeypatch.setattr("pipeline.defs.outputs.execution.overnight", overnight)
    return execute(defs, workspace)


def test_p12_nights_hold_what_was_rolled_back_until_a_file_comes(copy, monkeypatch):
    withdrawn.undo(copy)
    counts, failures = the_job(copy, monkeypatch)
    assert failures == [] and speaks_of(copy) == {"w-1"}, "a night without new files changes nothing"
    assert "Tertahan pada w-1" in "".join(map(str, status.lines(status.collect(copy))))
    report = json.loads(max(copy.nights.glob("*T*.json")).read_text(encoding="utf-8"))
    assert report["held_version"]["withdrawn"] == "w-2"
    file_number(copy, 2)
    counts, failures = the_job(copy, monkeypatch)
    assert failures == [] and counts["accepted"] == 1
    assert versions.current(copy) == "w-3" and versions.held(copy) is None


def test_p12_a_hold_ends_when_somebody_lifts_it(copy):
    versions.rollback(copy, ledger.contents(copy))
    assert standing(copy)["version"] == "w-1"
    assert call("rollback", "--lepas", workspace=copy.root).returncode == 0
    assert standing(copy) is None
    assert "Tidak ada" in call("rollback", "--lepas", workspace=copy.root).stdout


def test_p12_a_hold_that_cannot_be_read_holds_until_it_is_lifted(copy):
    versions.rollback(copy, ledger.contents(copy))
    versions._hold_file(copy).write_bytes(b"\xff")
    file_number(copy, 2)
    ingest(copy)
    assert standing(copy)["version"] == "w-1"
    versions.lift(copy)
    build.build(copy, registry=few_agencies(), now=NOW)
    assert versions.current(copy) == "w-3"


def test_p12_a_night_that_was_published_by_hand_is_not_held(copy):
    versions.rollback(copy, ledger.contents(copy))
    with night.alone(copy):
        build.build(copy, registry=few_agencies(), now=NOW)
    assert versions.held(copy) is None
