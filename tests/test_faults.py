"""Table B of the reliability spec, row by row: what happens when the night itself goes wrong."""

import datetime as dt
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from pipeline import exports, night, pages, registry
from pipeline.cli import status
from pipeline.engine import build, connections, fingerprints, versions
from pipeline.intake import erasure, ledger, redact, tombstones
from pipeline.settings import Workspace
from tests import killing
from tests.fake_exports import ACCOUNTS, NOW, accounts, drop, file_number, ingest, post, read, registers
from tests.night_worker import COMPARED, few_agencies
from tests.test_cli import call

ROOT = Path(__file__).parents[1]


def published(workspace: Workspace, now: dt.datetime = NOW, known: registry.Registry | None = None) -> build.BuildResult:
    ingest(workspace, known, now=now)
    return build.build(workspace, registry=known or registers(), now=now)


def dump(workspace: Workspace, *names: str) -> dict[str, list]:
    """Tables by their keys; when a file was first seen is the one thing that may differ."""
    with versions.open_version(workspace) as version:
        frames = {name: version.table(name) for name in names or COMPARED}
    return {n: sorted(map(repr, f.drop("first_seen_at", strict=False).rows())) for n, f in frames.items()}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A published version of three small files, never changed."""
    workspace = Workspace(tmp_path_factory.mktemp("sealed") / "data").create()
    for n in range(3):
        file_number(workspace, n)
    published(workspace)
    return workspace


@pytest.fixture
def copy(sealed, tmp_path):
    shutil.copytree(sealed.root, tmp_path / "data")
    return Workspace(tmp_path / "data")


# --- B1, P1, P2: kills ----------------------------------------------------------------------------------------------------


def prove_kills(tmp_path: Path, n: int, whole: int) -> killing.Reader:
    found = killing.kills(tmp_path, n, seed=2026, whole=whole)
    assert sum(found.hit.values()) >= n * 0.6, "most kills must fall into the work"
    unharmed = killing.never_killed(tmp_path / "unharmed", n)
    assert dump(found.workspace) == dump(unharmed)
    assert found.reader.wrong == [] and found.torn == []
    assert killing.leftovers(found.workspace) == []
    return found.reader


@pytest.mark.timeout(900)
def test_b01_p1_p2_after_12_kills_one_clean_night_equals_no_kill_and_readers_saw_whole_versions(tmp_path):
    reader = prove_kills(tmp_path, 12, whole=12)
    assert reader.opens > 20


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_b01_p1_p2_the_same_after_500_kills(tmp_path):
    assert prove_kills(tmp_path, 500, whole=17).opens >= 2000


# --- B2: power cut ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_b02_a_version_is_on_the_disk_before_its_name_and_its_name_before_current(copy, tmp_path):
    file_number(copy, 3)
    trace = tmp_path / "trace"
    code = (
        "import sys; from pathlib import Path; from pipeline.settings import Workspace; from tests.night_worker import *; "
        "w = Workspace(Path(sys.argv[1])); "
        "ledger.ingest(w, few_agencies(), now=NOW, settle_seconds=0, read=read); "
        "build.build(w, registry=few_agencies(), now=NOW)"
    )
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2"
    command = ["strace", "-f", "-y", "-qq", "-e", calls, "-o", str(trace), sys.executable, "-c", code, str(copy.root)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    if "ptrace" in made.stderr:
        pytest.skip("strace is not permitted here")
    assert made.returncode == 0, made.stderr
    lines = trace.read_text().splitlines()

    def at(*words: str, after: int = -1) -> int:
        return next(n for n, line in enumerate(lines) if n > after and all(word in line for word in words))

    archived = at("fsync", "/archive/.copy-")
    archived = at("rename", "/archive/.copy-", after=archived)
    at("fsync", "/archive/", after=archived)
    synced = at("fsync", "/w-2.duckdb>")
    named = at("rename", "/w-2.duckdb", after=synced)
    folder = at("fsync", "/versions>", after=named)
    at("rename", "/CURRENT", after=folder)
    assert not [n for n, line in enumerate(lines) if "rename" in line and "/CURRENT" in line and n < folder]


# --- B3, B4: no room, no permission -----------------------------------------------------------------------------------------


def test_b03_a_full_disk_publishes_nothing_and_says_what_is_needed(copy, monkeypatch):
    before = (versions.current(copy), sorted(p.name for p in copy.versions.iterdir()))
    file_number(copy, 3)
    ingest(copy)

    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(versions, "fsync", full)
    with pytest.raises(OSError) as error:
        build.build(copy, registry=registers(), now=NOW)
    code, indonesian, english = night.explain(error.value)
    assert code == night.ENVIRONMENT and "Disk" in indonesian and "duckdb" in english
    assert (versions.current(copy), sorted(p.name for p in copy.versions.iterdir())) == before
    assert not list(copy.warehouse.glob("build-*"))
    monkeypatch.undo()
    assert build.build(copy, registry=registers(), now=NOW).version == "w-2"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB of its own, where the machine lets us mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_b03_a_really_full_disk_leaves_the_version_and_the_next_run_succeeds(sealed, small_disk, monkeypatch):
    shutil.copytree(sealed.root, small_disk / "data")
    workspace = Workspace(small_disk / "data")
    before = dump(workspace)
    filler = small_disk / "filler"
    file_number(workspace, 3)
    for spare in (0, 200_000, 1_500_000):  # full in the archive, in the private database, in the build
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(b"x" * (free - spare))
        with pytest.raises((OSError, duckdb.Error)) as error:
            ingest(workspace)
            build.build(workspace, registry=registers(), now=NOW)
        assert night.explain(error.value)[0] == night.ENVIRONMENT, error.value
        assert versions.current(workspace) == "w-1" and dump(workspace) == before
        filler.unlink()
    published(workspace)
    assert versions.current(workspace) == "w-2"


def test_b03_a_run_names_how_much_room_it_needs(copy, monkeypatch):
    monkeypatch.setattr(night.shutil, "disk_usage", lambda path: SimpleNamespace(free=1))
    with pytest.raises(night.NoRoom) as error:
        night.require_room(copy)
    assert "64 MiB needed" in night.explain(error.value)[2]


@pytest.fixture(params=["archive", "warehouse"])
def locked(copy, request):
    """A workspace in which one folder cannot be written; root needs a read-only mount for that."""
    file_number(copy, 3)
    place = getattr(copy, request.param)
    if os.getuid():
        for path in (place, *place.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    else:
        for words in (["--bind", place, place], ["-o", "remount,ro,bind", place]):
            if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
                pytest.skip("nothing can be mounted here")
    yield copy, request.param
    if os.getuid():
        for path in (place, *place.rglob("*")):
            path.chmod(0o750 if path.is_dir() else 0o640)
    else:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_b04_a_place_that_cannot_be_written_is_named_and_nothing_changes(locked):
    workspace, place = locked
    before = dump(workspace)
    with pytest.raises((OSError, duckdb.Error)) as error:
        published(workspace)
    code, said, _ = night.explain(error.value)
    assert code == night.ENVIRONMENT and place in said
    assert dump(workspace) == before


def test_b04_a_read_only_inbox_works(copy):
    path = file_number(copy, 3)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    assert ingest(copy).counts["accepted"] == 1


# --- B5 to B8 ----------------------------------------------------------------------------------------------------------------


def test_b05_the_second_of_two_runs_does_nothing_and_names_the_first(copy):
    before = versions.current(copy)
    with night.alone(copy):
        second = call("run", workspace=copy.root)
    assert second.returncode == night.BUSY and str(os.getpid()) in second.stderr
    assert versions.current(copy) == before


def test_b06_a_holder_of_an_old_version_keeps_it_and_learns_of_the_new_one(copy):
    with versions.open_version(copy) as held:
        rows = held.sql("SELECT count(*) FROM core.posts").item()
        file_number(copy, 9)
        published(copy)
        assert held.sql("SELECT count(*) FROM core.posts").item() == rows
        assert held.info["newer"] == "w-2" and held.info["built_at"]
    with versions.open_version(copy) as fresh:
        assert fresh.name == "w-2" and fresh.sql("SELECT count(*) FROM core.posts").item() > rows


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """A night over one good file and one that kills the process that reads it; and the number of those deaths."""
    from pipeline.exports import workbook
    from tests.exports_in_tests import workbook as book_of

    workspace = Workspace(tmp_path / "data").create()
    drop(workspace, "a-fb/good.json", "facebook", [post("facebook", "1", "2026-10-01T03:00")])
    (workspace.inbox / "a-ig").mkdir()
    (workspace.inbox / "a-ig/bad.xlsx").write_bytes(book_of([["Post ID", "Reach"], ["1", "2"]]))
    child = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    run, deaths = subprocess.run, []
    monkeypatch.setattr(workbook.subprocess, "run", lambda command, **how: deaths.append(1) or run(child, **how))

    def either(path, **about):
        return read(path, **about) if about["name"].endswith(".json") else exports.read(path, **about)

    return lambda: ledger.ingest(workspace, registers(), now=NOW, settle_seconds=0, read=either), workspace, deaths


def test_b07_a_reader_that_dies_on_one_file_refuses_that_file_and_the_rest_goes_on(dying):
    night_over, workspace, _ = dying
    report = night_over()
    found = {row["file_name"]: (row["outcome"], row["code"]) for row in ledger.status(workspace).to_dicts()}
    assert found == {"good.json": ("accepted", None), "bad.xlsx": ("refused", "READER_CRASHED")}
    assert report.has_problems


def test_b07_the_file_has_one_more_try_and_the_next_only_from_another_reader(dying, monkeypatch):
    night_over, workspace, deaths = dying
    for _ in range(4):
        night_over()
    assert len(deaths) == 2
    monkeypatch.setattr(fingerprints, "reader", lambda: "next")
    for _ in range(3):
        night_over()
    assert len(deaths) == 4
    assert [e["code"] for e in ledger.status(workspace).to_dicts() if e["file_name"] == "bad.xlsx"] == ["READER_CRASHED"]


def test_b08_one_run_after_three_nights_off_gives_what_three_runs_give(tmp_path):
    each, once = Workspace(tmp_path / "each").create(), Workspace(tmp_path / "once").create()
    for n in range(3):
        file_number(each, n)
        ingest(each, now=NOW + dt.timedelta(days=n))
        file_number(once, n)
    build.build(each, registry=registers(), now=NOW + dt.timedelta(days=3))
    published(once, NOW + dt.timedelta(days=3))
    assert dump(each) == dump(once)


# --- B10 to B13 --------------------------------------------------------------------------------------------------------------

ZONED = """
import hashlib, sys
from pathlib import Path
from pipeline.settings import Workspace
from tests.test_faults import dump, file_number
from tests.night_worker import *
w = Workspace(Path(sys.argv[1])).create()
for n in range(3):
    file_number(w, n)
ledger.ingest(w, few_agencies(), now=NOW, settle_seconds=0, read=read)
build.build(w, registry=few_agencies(), now=NOW)
print(hashlib.sha256(repr(dump(w)).encode()).hexdigest())
"""


def test_b10_four_time_zones_give_the_same_dump(tmp_path):
    zones = ("UTC", "Asia/Jakarta", "America/Los_Angeles", "Pacific/Kiritimati")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ZONED, str(tmp_path / zone.replace("/", "-"))],
            cwd=ROOT,
            env={**os.environ, "TZ": zone},
            stdout=subprocess.PIPE,
            text=True,
        )
        for zone in zones
    ]
    said = [process.communicate(timeout=250)[0] for process in running]
    assert len(set(said)) == 1 and len(said[0].strip()) == 64


def test_b10_a_clock_set_back_changes_no_figure(copy, tmp_path):
    later = Workspace(tmp_path / "later").create()
    for n in range(4):
        file_number(later, n)
    published(later, NOW + dt.timedelta(days=40))
    file_number(copy, 3)
    published(copy, NOW - dt.timedelta(days=1))
    assert dump(copy) == dump(later)


def test_b11_moving_an_account_to_another_agency_needs_a_reason(tmp_path):
    workspace = Workspace(tmp_path).create()
    rows = [post("facebook", str(i), f"2026-10-{i:02}T03:00") for i in range(1, 20)]
    drop(workspace, "a-fb/1.csv", "facebook", rows, captured_at="2026-11-20", period=("2026-10-01", "2026-10-31"))
    published(workspace)
    moved = accounts(*[("a-fb", "facebook", "disdik", "111", "dinkes") if r[0] == "a-fb" else r[:5] for r in _identities()])
    with pytest.raises(build.NotPublished) as error:
        build.build(workspace, registry=registers(moved), now=NOW)
    assert night.explain(error.value)[0] == night.NOT_PUBLISHED
    assert versions.current(workspace) == "w-1"


def _identities() -> list[tuple]:
    return ACCOUNTS.select("account_id", "platform", "agency_id", "platform_account_id", "handle").rows()


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("accounts.csv", "account_id,platform,agency_id\na,myspace,dinkes\n", "baris 2, kolom platform"),
        ("accounts.csv", None, "accounts.csv"),
        (
            "accounts.csv",
            "account_id,platform,agency_id,valid_from,valid_to\na,x,dinkes,2024-01-01,\na,x,disdik,2025-01-01,\n",
            "baris 3",
        ),
    ],
)
def test_b12_a_registry_that_does_not_hold_is_named_by_line_and_column(tmp_path, file, text, place):
    registry.write_template(tmp_path)
    (tmp_path / file).unlink()
    if text:
        (tmp_path / file).write_text(text)
    with pytest.raises(registry.RegistryError) as error:
        registry.load(tmp_path)
    code, said, _ = night.explain(error.value)
    assert code == night.USAGE and place in said


def test_b13_an_agency_that_stops_uploading_is_a_gap_and_no_zero(copy):
    later = NOW + dt.timedelta(days=75)
    rows = [post("instagram", f"9{i}", f"2027-01-{i:02}T03:00") for i in range(1, 20)]
    about = {"captured_at": "2027-02-03", "period": ("2027-01-01", "2027-01-31")}
    drop(copy, "b-ig/jan.csv", "instagram", rows, **about)
    published(copy, later)
    with versions.open_version(copy) as version:
        month = version.sql("SELECT * FROM marts.account_month WHERE account_id = 'a-fb' AND month = DATE '2027-01-01'")
        state = version.sql("SELECT state FROM marts.coverage_month WHERE account_id = 'a-fb' AND month = DATE '2027-01-01'")
    assert month["posts"].sum() == 0 and month["engagement"].drop_nulls().to_list() == []
    assert set(state["state"]) <= {"missing"} and state.height == 1
    registry.write_template(copy.registry)
    assert "a-fb" in {row["account_id"] for row in status.collect(copy)["coverage"]}


# --- B14 to B17 --------------------------------------------------------------------------------------------------------------


def test_b14_a_page_that_fails_half_way_keeps_the_old_set(copy, monkeypatch):
    known = few_agencies()
    build.build(copy, registry=known, now=NOW)
    with versions.open_version(copy) as version:
        pages.build(version, copy.site, registry=known, languages=("id",))
    before = {p.relative_to(copy.site): p.read_bytes() for p in copy.site.rglob("*") if p.is_file()}
    calls = iter(range(10**6))
    inner = pages._write

    def breaks(path, content):
        is_third = path.suffix == ".html" and next(calls) == 2
        inner(path, content[: len(content) // 2] if is_third else content)

    monkeypatch.setattr(pages, "_write", breaks)
    with versions.open_version(copy) as version, pytest.raises(pages.BuildError):
        pages.build(version, copy.site, registry=known, languages=("id",))
    assert {p.relative_to(copy.site): p.read_bytes() for p in copy.site.rglob("*") if p.is_file()} == before


def test_b14_a_failed_page_step_ends_with_four():
    from pipeline.cli.run import Report

    report = Report(Workspace(Path("x")), 1.0, {"accepted": 3}, [night.Stopped("pages", night.BUG, "", "")])
    assert report.status == night.NOT_PUBLISHED


def test_b15_a_failing_check_names_itself_its_rows_and_what_stays(copy, monkeypatch):
    from pipeline.engine import models

    broken = models.Check("no_posts", "SELECT post_key FROM core.posts", True, "Tidak boleh ada unggahan.", "No posts.")
    monkeypatch.setattr(models, "checks", lambda: [broken])
    with pytest.raises(build.NotPublished) as error:
        build.build(copy, registry=registers(), now=NOW)
    code, said, _ = night.explain(error.value)
    assert code == night.NOT_PUBLISHED and "[no_posts]" in said and "5 baris" in said and "tetap terbit" in said
    assert versions.current(copy) == "w-1"


def test_b16_a_damaged_version_is_found_and_made_again_to_the_same_dump(copy):
    before = dump(copy)
    path = copy.versions / "w-1.duckdb"
    path.chmod(0o640)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(versions.Damaged), versions.open_version(copy):
        pass
    published(copy)
    assert versions.current(copy) == "w-2" and dump(copy) == before


@pytest.mark.parametrize("damage", ["gone", "nonsense", "cut"])
def test_b16_a_lost_private_database_is_made_again_from_the_archive(copy, damage):
    before = dump(copy)
    shutil.rmtree(copy.inbox)  # agencies may clear their folders
    copy.inbox.mkdir()
    if damage == "gone":
        copy.raw_db.unlink()
    elif damage == "nonsense":
        copy.raw_db.write_bytes(b"nonsense" * 5000)
    else:
        copy.raw_db.write_bytes(copy.raw_db.read_bytes()[:5000])
    published(copy)
    assert dump(copy) == before


def test_b17_leftovers_of_dead_processes_are_swept_and_those_of_the_living_are_not(copy):
    dead, living = 2**22 - 1, os.getppid()
    for name in (f"build-{dead}", f"work-{dead}", f"build-{living}"):
        (copy.warehouse / name).mkdir()
    for name in (f".copy-0-{dead}", f".copy-0-{living}"):
        (copy.archive / name).write_bytes(b"half")
    (copy.versions / f"w-1.json.tmp-{dead}").write_text("{")
    file_number(copy, 3)
    published(copy)
    assert [p.name for p in copy.warehouse.iterdir() if p.is_dir() and p.name != "versions"] == [f"build-{living}"]
    assert [p.name for p in copy.archive.glob(".copy-*")] == [f".copy-0-{living}"]
    assert not list(copy.versions.glob("*.tmp-*")) and not list(copy.versions.glob("*.wal"))


# --- B18, P10: erasure --------------------------------------------------------------------------------------------------------

PERSON = "Siti Rahmawati"


def real_csv(*captions: str) -> str:
    head = "id,caption,likes\n"
    return head + "".join(f'{n},"{text}",{n}\n' for n, text in enumerate(captions, 1))


def test_b18_a_record_goes_whole_and_the_rest_keeps_its_bytes():
    data = b"\xef\xbb\xbf" + real_csv("pagi", f'halo ""{PERSON}""\nbaris dua', "sore").encode()
    kept = redact.redact(data, PERSON.lower())
    assert kept == b"\xef\xbb\xbf" + b'id,caption,likes\n1,"pagi",1\n3,"sore",3\n'


@pytest.mark.parametrize("code", ["utf-8", "utf-16", "cp1252"])
def test_b18_a_text_is_found_in_every_encoding(code):
    data = real_csv("pagi é", PERSON).encode(code)
    kept = redact.redact(data, PERSON)
    assert redact.holds(data, PERSON) and kept is not None and not redact.holds(kept, PERSON)
    assert "pagi é" in kept.decode("utf-16" if code == "utf-16" else code)


def test_b18_a_workbook_loses_its_rows_and_opens_again():
    import io

    import openpyxl

    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "caption"], ["1", "pagi"], ["2", PERSON], ["3", "sore"]):
        book.active.append(row)
    book.save(out)
    kept = redact.redact(out.getvalue(), PERSON)
    assert kept is not None and redact.holds(out.getvalue(), PERSON) and not redact.holds(kept, PERSON)
    rows = [row for row in openpyxl.load_workbook(io.BytesIO(kept)).active.iter_rows(values_only=True) if any(row)]
    assert rows == [("id", "caption"), ("1", "pagi"), ("3", "sore")]


def test_b18_in_an_archive_only_the_member_changes():
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", real_csv("pagi"))
        archive.writestr("b.csv", real_csv(PERSON, "sore"))
    with zipfile.ZipFile(io.BytesIO(redact.redact(out.getvalue(), PERSON))) as kept:
        assert kept.read("a.csv").decode() == real_csv("pagi")
        assert PERSON not in kept.read("b.csv").decode() and "sore" in kept.read("b.csv").decode()


def test_b18_what_cannot_be_taken_apart_goes_whole():
    assert redact.redact(f"<?xml version='1.0'?><Row>{PERSON}</Row>".encode(), PERSON) is None
    assert redact.redact(b"\xd0\xcf\x11\xe0" + PERSON.encode("utf-16-le"), PERSON) is None


def test_b18_a_text_of_three_letters_is_no_person(copy):
    with pytest.raises(erasure.TooShort) as error:
        erasure.clean_archive(copy, "abc")
    assert night.explain(error.value)[0] == night.USAGE


def test_b18_p10_an_erased_file_leaves_every_place_and_its_return_changes_nothing(copy):
    rows = [post("facebook", "77", "2026-10-09T03:00", caption=f"Selamat, {PERSON}"), post("facebook", "78", "2026-10-09T04:00")]
    path = drop(copy, "a-fb/person.csv", "facebook", rows, captured_at="2026-11-12")
    whole = path.read_bytes()
    published(copy)
    assert erasure.search(copy, PERSON), "it is in the archive and in the databases"
    done = erasure.clean_archive(copy, PERSON)
    erasure.renew_raw(copy, PERSON)
    published(copy)
    removed = erasure.purge(copy)
    assert erasure.search(copy, PERSON) == []
    assert len(done.files) == 1 and "warehouse/versions/w-2.duckdb" in removed
    assert erasure.in_inbox(copy, PERSON) == ["inbox/a-fb/person.csv"], "what is not ours is named, not touched"
    proof = erasure.write_proof(copy, done, removed, "permintaan 12/2026")
    assert PERSON not in proof.read_text() and json.loads(proof.read_text())["copies_left"] == []
    drop(copy, "a-fb/kembali.csv", "facebook", rows, captured_at="2026-11-12")
    assert (copy.inbox / "a-fb/kembali.csv").read_bytes() == whole
    published(copy)
    assert erasure.search(copy, PERSON) == []
    assert {e["code"] for e in ledger.status(copy).to_dicts() if e["file_name"] in ("person.csv", "kembali.csv")} == {"ERASED"}


def test_b18_the_key_is_for_its_owner_only_and_the_hash_needs_it(copy, tmp_path):
    other = Workspace(tmp_path / "other").create()
    assert tombstones.keyed(copy, PERSON) == tombstones.keyed(copy, PERSON) != tombstones.keyed(other, PERSON)
    assert (copy.root / "erasure.key").stat().st_mode & 0o777 == 0o600


# --- B19, B20 ----------------------------------------------------------------------------------------------------------------


def test_b19_a_database_of_another_duckdb_is_left_alone_and_both_versions_are_named(copy, monkeypatch):
    said = "Trying to read a database file with version number 9999, but we can only read versions between 64 and 67."
    data = copy.raw_db.read_bytes()

    def refuse(*_):
        raise duckdb.IOException(said)

    monkeypatch.setattr(connections, "attach", refuse)
    with pytest.raises(connections.OtherFormat) as error:
        ingest(copy)
    code, _, english = night.explain(error.value)
    assert code == night.USAGE and "9999" in english and duckdb.__version__ in english
    assert copy.raw_db.read_bytes() == data


OFFLINE = """
import socket, sys
from pathlib import Path
def refuse(*where, **how):
    raise AssertionError(f"a connection was tried: {where}")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
from pipeline.settings import Workspace
from tests.night_worker import *
night(sys.argv[1], 0)
"""


def test_b20_without_a_network_everything_works_and_nothing_tries_to_reach_out(copy):
    command = [sys.executable, "-c", OFFLINE, str(copy.root)]
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-rn", *command]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert made.returncode == 0, made.stderr
    assert versions.current(copy) == "w-2" and (copy.site / "latest/id/index.html").exists()


# --- B9: ghosts ---------------------------------------------------------------------------------------------------------------


def test_b09_a_ghost_run_is_cleared_at_the_next_start_and_does_not_block_it(tmp_path):
    import dagster as dg

    from pipeline.defs.instance import open_instance
    from pipeline.defs.night import sweep_if_free

    workspace = Workspace(tmp_path).create()
    with open_instance(workspace) as instance:
        ghost = instance.create_run_for_job(dg.job(name="ghost")(lambda: None), status=dg.DagsterRunStatus.STARTED)
        with night.alone(workspace):
            held = subprocess.run(
                [sys.executable, "-c", GHOST, str(workspace.root)], cwd=ROOT, capture_output=True, text=True, check=True
            )
            assert held.stdout.strip() == "[]", "while somebody works his run is no ghost"
        assert sweep_if_free(instance, workspace) == [ghost.run_id]
        assert instance.get_run_by_id(ghost.run_id).status == dg.DagsterRunStatus.FAILURE
    settings = (ROOT / "dagster.yaml").read_text()
    assert "run_monitoring:" in settings and "max_runtime_seconds" in settings and "run_retries:" in settings


GHOST = """
import sys
from pathlib import Path
from pipeline.defs.instance import open_instance
from pipeline.defs.night import sweep_if_free
from pipeline.settings import Workspace
place = Workspace(Path(sys.argv[1]))
with open_instance(place) as instance:
    print(sweep_if_free(instance, place))
"""
