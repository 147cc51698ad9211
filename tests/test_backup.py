"""Backup, verify, restore: an empty folder becomes the same tables; an upgrade keeps a copy; a newer house is refused by name."""

import datetime as dt
import json
import shutil

import pytest

from pipeline import night
from pipeline.engine import build, connections, raw, versions
from pipeline.intake import backup, erasure, ledger
from pipeline.registry import write_template
from pipeline.settings import SCHEMA, NewerWorkspace, Workspace
from tests.fake_exports import NOW, drop, ingest, post, registers
from tests.test_cli import call
from tests.test_faults import dump, file_number, published


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A published version of three files; a fourth waits in the inbox, the others have left it; somebody was erased."""
    workspace = Workspace(tmp_path_factory.mktemp("sealed") / "data").create()
    write_template(workspace.registry)
    for n in range(3):
        file_number(workspace, n)
    drop(workspace, "a-fb/person.csv", "facebook", [post("facebook", "77", "2026-10-09T03:00", caption="Siti Rahmawati")])
    ingest(workspace)
    done = erasure.clean_archive(workspace, "Siti Rahmawati")
    erasure.renew_raw(workspace, "Siti Rahmawati")
    erasure.write_proof(workspace, done, [], "uji")
    (workspace.inbox / "a-fb/person.csv").unlink()
    published(workspace)
    shutil.rmtree(workspace.inbox / "a-fb")
    (workspace.root / "laporan" / "2026-10").mkdir(parents=True)
    (workspace.root / "laporan" / "2026-10" / "surat.pdf").write_bytes(b"%PDF")
    file_number(workspace, 3)
    return workspace


@pytest.fixture
def copy(sealed, tmp_path):
    shutil.copytree(sealed.root, tmp_path / "data")
    return Workspace(tmp_path / "data")


def test_a_restored_backup_gives_equal_tables_on_an_empty_folder(copy, tmp_path):
    assert call("cadangkan", tmp_path / "usb", workspace=copy.root).returncode == 0
    published(copy)
    before = dump(copy)
    shutil.rmtree(copy.root)
    done = call("pulihkan", tmp_path / "usb", workspace=tmp_path / "baru")
    assert done.returncode == 0, done.stderr
    fresh = Workspace(tmp_path / "baru")
    published(fresh)
    assert dump(fresh) == before, "the file that no night had seen yet came along"
    assert (fresh.root / "laporan/2026-10/surat.pdf").read_bytes() == b"%PDF"
    assert (fresh.root / "erasure.key").stat().st_mode & 0o777 == 0o600
    person = [post("facebook", "77", "2026-10-09T03:00", caption="Siti Rahmawati")]
    drop(fresh, "a-fb/person.csv", "facebook", person)
    ingest(fresh)
    assert {e["code"] for e in ledger.status(fresh).to_dicts() if e["file_name"] == "person.csv"} == {"ERASED"}


@pytest.mark.parametrize("harm", ["changed", "gone", "register"])
def test_a_damaged_backup_is_told_by_name_and_never_restored(copy, tmp_path, harm):
    target = tmp_path / "usb"
    place = backup.make(copy, target)
    path = place / "files/registry/accounts.csv" if harm == "register" else next((target / "archive").glob("??/*"))
    if harm == "gone":
        path.unlink()
    else:
        path.chmod(0o640)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    told = call("periksa", target, workspace=copy.root)
    assert told.returncode == night.ENVIRONMENT and path.name in told.stderr
    made = call("pulihkan", target, workspace=tmp_path / "baru")
    assert made.returncode == night.ENVIRONMENT and not (tmp_path / "baru/registry").exists()
    if harm != "register":
        assert call("cadangkan", target, workspace=copy.root).returncode == (0 if harm == "gone" else night.ENVIRONMENT)


def test_a_whole_backup_is_said_to_be_whole_and_a_second_one_copies_only_what_is_new(copy, tmp_path):
    target = tmp_path / "usb"
    backup.make(copy, target, NOW)
    stamps = {p: p.stat().st_mtime_ns for p in (target / "archive").glob("??/*")}
    ingest(copy)
    backup.make(copy, target, NOW + dt.timedelta(days=1))
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps and len(list((target / "archive").glob("??/*"))) == 4
    assert call("periksa", target, workspace=copy.root).returncode == 0
    assert backup.check(target, backup.backups(target)[0]).is_whole


def test_what_is_erased_leaves_older_backups_too(copy, tmp_path):
    target = tmp_path / "usb"
    drop(copy, "a-fb/4.csv", "facebook", [post("facebook", "91", "2026-10-09T03:00", caption="Budi Santoso")])
    backup.make(copy, target, NOW)
    ingest(copy)
    backup.make(copy, target, NOW + dt.timedelta(days=1))
    erasure.clean_archive(copy, "Budi Santoso")
    erasure.renew_raw(copy, "Budi Santoso")
    (copy.inbox / "a-fb/4.csv").unlink()
    backup.make(copy, target, NOW + dt.timedelta(days=2))
    assert not any(b"Budi Santoso" in p.read_bytes() for p in target.rglob("*") if p.is_file())
    assert all(backup.check(target, one).is_whole for one in backup.backups(target))


def test_only_the_newest_backups_are_kept(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "KEEP", 2)
    for day in range(4):
        backup.make(copy, tmp_path / "usb", NOW + dt.timedelta(days=day))
    assert backup.backups(tmp_path / "usb") == ["20261125T010000Z", "20261126T010000Z"]


def test_a_backup_goes_elsewhere_and_a_restore_only_to_an_empty_folder(copy, tmp_path):
    assert call("cadangkan", copy.root / "cadangan", workspace=copy.root).returncode == night.USAGE
    backup.make(copy, tmp_path / "usb")
    assert call("pulihkan", tmp_path / "usb", workspace=copy.root).returncode == night.USAGE
    assert call("periksa", tmp_path / "lain", workspace=copy.root).returncode == night.USAGE


# --- upgrade ----------------------------------------------------------------------------------------------------------------

# As the first release of the raw tables had them, cut to what tells their age.
FIRST = (
    "CREATE TABLE raw.exports (export_id BIGINT, sha256 VARCHAR, member VARCHAR, file_name VARCHAR, outcome VARCHAR)",
    "CREATE TABLE raw.post_snapshots (export_id BIGINT, post_key BIGINT, reach BIGINT)",
)


def test_an_older_database_is_read_again_from_the_archive_and_a_copy_is_kept(copy):
    published(copy)
    before = dump(copy)
    shutil.rmtree(copy.inbox / "a-fb")
    with connections.open_raw(copy) as con:
        seen = con.sql("SELECT * EXCLUDE (runs) FROM raw.sightings").pl()
    (copy.archive / ledger.NAMES).unlink()
    copy.raw_db.unlink()
    con = connections.connect()
    connections.attach(con, copy.raw_db, "raw")
    for statement in FIRST:
        con.execute(statement)
    con.register("seen", seen.to_arrow())
    con.execute("CREATE TABLE raw.sightings AS SELECT * FROM seen")
    con.close()
    published(copy)
    assert dump(copy) == before
    kept = copy.warehouse / "raw.duckdb.schema-0"
    assert kept.exists() and not kept.with_name("raw.duckdb.schema-1").exists()


def test_a_newer_database_is_refused_by_name_and_not_touched(copy):
    with connections.open_raw(copy) as con:
        con.execute("UPDATE raw.schema_version SET version = 99")
        con.execute("CHECKPOINT raw")
    data = copy.raw_db.read_bytes()
    with pytest.raises(connections.NewerSchema) as error:
        ingest(copy)
    code, indonesian, _ = night.explain(error.value)
    assert code == night.USAGE and "raw.duckdb" in indonesian and "99" in indonesian
    assert copy.raw_db.read_bytes() == data


def test_a_newer_workspace_is_refused_by_name_and_not_touched(copy):
    (copy.root / "workspace.json").write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(NewerWorkspace) as error:
        copy.mend()
    assert night.explain(error.value)[0] == night.USAGE
    assert call("run", workspace=copy.root).returncode == night.USAGE


@pytest.mark.parametrize("note", [None, b"", b"{}", b"\xff", b'{"schema": 0}'])
def test_an_older_workspace_gets_this_schema(copy, note):
    place = copy.root / "workspace.json"
    place.unlink() if note is None else place.write_bytes(note)
    assert copy.mend().schema == SCHEMA


def test_the_raw_tables_have_the_schema_that_is_numbered():
    """Who changes a raw table counts SCHEMA up and puts the new sum here: an older database is then migrated, not guessed at."""
    import hashlib

    assert raw.SCHEMA == 1
    assert hashlib.sha256(repr(raw.TABLES).encode()).hexdigest()[:12] == "9a36343ac398"


def test_the_schema_stays_after_an_erasure(copy):
    erasure.renew_raw(copy, "Siti Rahmawati")
    ingest(copy)
    assert not list(copy.warehouse.glob("raw.duckdb.schema-*"))
    build.build(copy, registry=registers(), now=NOW)
    assert versions.current(copy) == "w-2"
