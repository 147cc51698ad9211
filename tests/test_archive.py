"""An archived file is what its name says, or is filled again from the inbox, or is told."""

import datetime as dt
import shutil

import pytest

from pipeline.intake import ledger, proving
from pipeline.settings import Workspace
from tests.fake_exports import NOW, drop, ingest, post, registers


@pytest.fixture
def kept(tmp_path):
    """Three files, archived and read."""
    workspace = Workspace(tmp_path / "data").create()
    for n in range(3):
        drop(workspace, f"a-fb/{n}.csv", "facebook", [post("facebook", str(n), "2026-10-01T03:00")], captured_at=f"2026-10-1{n}")
    ingest(workspace)
    return workspace


def entry(workspace, name="0.csv"):
    return next(e for e in ledger.status(workspace).to_dicts() if e["file_name"] == name)


def bytes_of(workspace, name="0.csv"):
    sha256 = entry(workspace, name)["sha256"]
    return workspace.archive / sha256[:2] / sha256


def changed_digit(path):
    path.chmod(0o640)
    path.write_bytes(path.read_bytes().replace(b'"reach": 500', b'"reach": 900'))


def reach(workspace):
    from pipeline.engine import connections

    with connections.open_raw(workspace) as con:
        return sorted(row[0] for row in con.execute("SELECT reach FROM raw.post_snapshots").fetchall())


def test_a_changed_digit_is_never_read_and_the_bytes_come_back_from_the_inbox(kept):
    changed_digit(bytes_of(kept))
    kept.raw_db.unlink()
    ingest(kept)
    assert reach(kept) == [500, 500, 500] and entry(kept)["outcome"] == "accepted"
    assert b'"reach": 500' in bytes_of(kept).read_bytes()


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_where_the_inbox_is_cleared_the_file_is_named_and_its_figures_stay(kept, harm):
    path = bytes_of(kept)
    path.unlink() if harm == "gone" else changed_digit(path)
    shutil.rmtree(kept.inbox / "a-fb")
    for night in range(2):
        report = ingest(kept, now=NOW + dt.timedelta(days=1 + night), reread=harm == "changed")
        assert report.has_problems and report.counts["flagged"] == 1, "told every night until it is mended"
        assert (entry(kept)["outcome"], entry(kept)["code"]) == ("flagged", "ARCHIVE_LOST")
        assert reach(kept) == [500, 500, 500]
    drop(kept, "a-fb/lagi.csv", "facebook", [post("facebook", "0", "2026-10-01T03:00")], captured_at="2026-10-10")
    ingest(kept, now=NOW + dt.timedelta(days=4))
    assert {e["code"] for e in ledger.status(kept).to_dicts()} == {None}, "the same bytes again mend it"


def test_without_database_archive_and_inbox_the_file_is_refused_and_named(kept):
    path = bytes_of(kept)
    path.unlink()
    shutil.rmtree(kept.inbox / "a-fb")
    kept.raw_db.unlink()
    for _ in range(2):
        assert ingest(kept).counts["refused"] == 1
        assert (entry(kept)["outcome"], entry(kept)["code"]) == ("refused", "NOT_IN_ARCHIVE")
    assert len(reach(kept)) == 2


def test_a_deleted_archive_is_filled_again_from_the_inbox(kept):
    names = {p.name for p in kept.archive.glob("??/*")}
    shutil.rmtree(kept.archive)
    assert not ingest(kept).has_problems
    assert {p.name for p in kept.archive.glob("??/*")} == names


def test_every_file_has_its_turn_within_thirty_days_and_no_night_compares_much(kept):
    changed_digit(bytes_of(kept))
    shutil.rmtree(kept.inbox / "a-fb")
    found = []
    for day in range(proving.EVERY_DAYS):
        now = NOW + dt.timedelta(days=1 + day)
        assert len(proving._turn(kept, now.date())) <= 9
        found.append(ingest(kept, now=now).counts["flagged"])
    assert found[-1] == 1 and sorted(found) == found


def test_a_second_run_of_a_day_takes_the_next_folders(kept):
    day = NOW.date() + dt.timedelta(days=1)
    first = proving._turn(kept, day)
    proving._note(kept, first, day)
    assert first and not first & proving._turn(kept, day)


def test_the_whole_archive_is_proved_before_a_rebuild(kept):
    changed_digit(bytes_of(kept, "1.csv"))
    shutil.rmtree(kept.inbox / "a-fb")
    ledger.rebuild(kept, registers(), now=NOW, settle_seconds=0, read=None)
    assert entry(kept, "1.csv")["code"] == "ARCHIVE_LOST"
