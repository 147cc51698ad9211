"""The night after an injury: figures, pages and status are what they were, or one sentence names the one step."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import night
from pipeline.cli import status
from pipeline.engine import build, connections, versions
from pipeline.intake import ledger, tombstones
from pipeline.settings import Workspace
from tests import injuries
from tests.fake_exports import NOW, drop, file_number, ingest, post, registers
from tests.injuries import INJURIES, Injury, recover, whole_night
from tests.test_faults import dump

ROOT = Path(__file__).parents[1]
SHOWN = ("id/index.html", "en/index.html")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    return injuries.healthy(tmp_path_factory.mktemp("healthy") / "data")


@pytest.fixture
def copy(healthy, tmp_path):
    shutil.copytree(healthy.root, tmp_path / "data", symlinks=True)
    return Workspace(tmp_path / "data")


# Each takes a night: a quarter of them each time, all with -m nightly (and in benchmarks/reliability.py).
SOME, OTHERS = list(INJURIES[::4]), [one for number, one in enumerate(INJURIES) if number % 4]


@pytest.mark.parametrize("injury", SOME + [pytest.param(one, marks=pytest.mark.nightly) for one in OTHERS], ids=lambda i: i.name)
def test_the_next_night_mends_it_or_names_the_one_step(copy, injury):
    before = dump(copy)
    injury.harm(copy, random.Random(injury.name))
    said = recover(copy, (injury,))
    assert len(said) == (injury.step is not None)
    name = versions.current(copy)
    assert dump(copy) == before
    assert all(f'content="{name}"' in (copy.site / "latest" / page).read_text(encoding="utf-8") for page in SHOWN)
    assert status.collect(copy)["version"]["version"] == name


def test_of_what_is_set_aside_only_the_newest_is_kept(copy):
    for seed in range(3):
        copy.raw_db.write_bytes(random.Random(seed).randbytes(4096))
        connections.set_aside_if_damaged(copy)
    assert len(list(copy.warehouse.glob("raw.duckdb.damaged-*"))) == 1


HOLDER = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def held(workspace: Workspace, seconds: float) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace.raw_db), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().strip() == "held"
    return process


def test_a_night_waits_for_another_program_that_has_the_database_open_and_then_names_it(copy, monkeypatch):
    before = dump(copy)
    process = held(copy, 60)
    try:
        monkeypatch.setattr(connections, "WAIT_SECONDS", 0.6)
        began = time.monotonic()
        with pytest.raises(connections.InUse) as error:
            ingest(copy)
        assert time.monotonic() - began > 0.5
        code, indonesian, _ = night.explain(error.value)
        assert code == night.BUSY and str(process.pid) in indonesian and "raw.duckdb" in indonesian
        assert dump(copy) == before
        assert status.collect(copy)["files"] == {"accepted": 3}, "the ledger as the published version has it"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    monkeypatch.setattr(connections, "WAIT_SECONDS", 20.0)
    process = held(copy, 1.0)
    ingest(copy)
    process.wait()
    process.stdout.close()


def test_status_answers_while_a_night_writes_the_ledger(copy):
    child = subprocess.Popen(
        [sys.executable, "-c", NIGHT, str(copy.root)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline().strip() == "in it"
        found = status.collect(copy)
        assert found["working"] and found["files"] == {"accepted": 3} and found["version"]["version"] == "w-2"
        json.dumps(found, default=str)
    finally:
        child.communicate("\n", timeout=30)


NIGHT = """
import sys
from pathlib import Path
from pipeline import night
from pipeline.engine import connections
from pipeline.settings import Workspace
place = Workspace(Path(sys.argv[1]))
with night.alone(place), connections.open_raw(place) as con:
    print("in it", flush=True)
    sys.stdin.readline()
"""


# --- names lost with the database, erasures, the label ------------------------------------------------------------------------


def test_files_of_the_archive_whose_names_and_database_are_lost_are_read_as_what_they_say(copy):
    before = dump(copy)
    shutil.rmtree(copy.inbox / "a-fb")
    copy.raw_db.unlink()
    (copy.archive / ledger.NAMES).write_bytes(b"\xff\x00")
    report = ingest(copy)
    assert sum(report.counts.values()) == 3 and not report.counts["accepted"], "they name no account: told, not guessed"
    assert {entry["outcome"] for entry in ledger.status(copy).to_dicts()} == {"held"}
    for n in range(3):
        file_number(copy, n)
    whole_night(copy)
    assert dump(copy)["core.posts"] == before["core.posts"]


@pytest.fixture
def erased(copy):
    """A workspace in which a file was erased, with its proof; the file still lies in the inbox."""
    from pipeline.intake import erasure

    rows = [post("facebook", "77", "2026-10-09T03:00", caption="Selamat, Siti Rahmawati")]
    drop(copy, "a-fb/person.csv", "facebook", rows, captured_at="2026-11-12")
    ingest(copy)
    done = erasure.clean_archive(copy, "Siti Rahmawati")
    erasure.renew_raw(copy, "Siti Rahmawati")
    erasure.write_proof(copy, done, [], "uji")
    ingest(copy)
    assert code_of_person(copy) == "ERASED"
    return copy


def code_of_person(workspace: Workspace) -> str:
    return next(e["code"] for e in ledger.status(workspace).to_dicts() if e["file_name"] == "person.csv")


@pytest.mark.parametrize("lost", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("data", [None, b"", b"\xff\xfe", b"{}"])
def test_damaged_records_of_erasures_bring_nobody_back(erased, lost, data):
    for n in lost:
        place = tombstones.books(erased)[n]
        place.unlink() if data is None else place.write_bytes(data)
    erased.raw_db.unlink()
    ingest(erased)
    assert code_of_person(erased) == "ERASED"
    assert tombstones.known(erased) == json.loads(tombstones.books(erased)[0].read_text())


def test_where_no_record_of_an_erasure_can_be_read_the_night_stops_and_says_what_to_put_back(erased):
    for place in erased.erasures.glob("*.json"):
        place.chmod(0o640)
        place.write_bytes(b"{")
    tombstones.books(erased)[0].unlink()
    with pytest.raises(tombstones.RecordsLost) as error:
        ingest(erased)
    code, indonesian, _ = night.explain(error.value)
    assert code == night.ENVIRONMENT and "erased.json" in indonesian and "cadangan" in indonesian


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_restored_archive_without_the_key_stops_the_night_before_it_reads_anything(erased, damage):
    key = tombstones.key_file(erased)
    key.unlink() if damage == "gone" else key.write_bytes(b"x")
    entries = ledger.status(erased)
    with pytest.raises(tombstones.RecordsLost) as error:
        ingest(erased)
    code, indonesian, _ = night.explain(error.value)
    assert code == night.ENVIRONMENT and "erasure.key" in indonesian
    assert ledger.status(erased).equals(entries)


def test_what_was_simulated_stays_so_when_its_settings_are_lost(tmp_path):
    workspace = Workspace(tmp_path / "data").create()
    file_number(workspace, 0)
    simulated = registers(settings={**registers().settings, "simulated": True})
    plain = registers(settings={**registers().settings, "simulated": False})
    ingest(workspace)
    build.build(workspace, registry=simulated, now=NOW)
    build.build(workspace, registry=plain, now=NOW)
    (workspace.versions / "w-2.duckdb").unlink()  # and a damaged version does not take the label away either
    build.build(workspace, registry=plain, now=NOW)
    with versions.open_version(workspace) as version:
        assert version.info["simulated"] is True
    other = Workspace(tmp_path / "other").create()
    file_number(other, 0)
    ingest(other)
    build.build(other, registry=plain, now=NOW)
    with versions.open_version(other) as version:
        assert version.info["simulated"] is False


def test_the_past_is_compared_with_the_newest_whole_version_when_the_current_one_is_damaged(copy):
    (copy.versions / "w-2.json").write_bytes(b"{}")
    with build.Build(copy, registers(), now=NOW) as making:
        assert making.previous == "w-1"


def test_an_injury_asks_for_a_step_by_name():
    assert all(bool(injury.says) == bool(injury.step) for injury in INJURIES)
    assert len({injury.name for injury in INJURIES}) == len(INJURIES)
    assert isinstance(INJURIES[0], Injury)
