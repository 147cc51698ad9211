"""What was seen and what became of it: sightings, holds, owners, and the same warehouse whatever the order."""

import os
import stat
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.engine import connections
from pipeline.exports.messages import message
from pipeline.intake import ledger
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, NOW, accounts, drop, ingest, post, read, registers, tables


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path).create()


def entries(workspace) -> dict[str, dict]:
    return {row["file_name"]: row for row in ledger.status(workspace).to_dicts()}


def count(workspace, table: str) -> int:
    with connections.open_raw(workspace) as con:
        return con.execute(f"SELECT count(*) FROM raw.{table}").fetchall()[0][0]


def test_a_file_is_archived_under_its_hash_and_read_only(workspace):
    source = drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")])
    ingest(workspace)
    entry = entries(workspace)["x.csv"]
    kept = workspace.archive / entry["sha256"][:2] / entry["sha256"]
    assert kept.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o440
    assert (entry["outcome"], entry["account_id"], entry["n_rows"], entry["sightings"]) == ("accepted", "a-fb", 1, 1)


def test_the_inbox_is_only_read(workspace):
    drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")])
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in workspace.inbox.rglob("*") if p.is_file()}
    ingest(workspace)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in workspace.inbox.rglob("*") if p.is_file()} == before


def test_a30_the_same_bytes_again_are_a_sighting(workspace):
    rows = [post("facebook", "1", "2026-10-01T03:00")]
    drop(workspace, "a-fb/x.csv", "facebook", rows)
    ingest(workspace)
    drop(workspace, "a-fb/again (1).csv", "facebook", rows)
    report = ingest(workspace, now=NOW + timedelta(days=1))
    assert report.counts == {"duplicate": 1}
    assert report.unchanged == 1
    assert count(workspace, "post_snapshots") == 1
    assert count(workspace, "sightings") == 2


def test_a31_other_bytes_under_the_same_name_are_a_new_file(workspace):
    drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")], captured_at="2026-10-05")
    ingest(workspace)
    drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00", reach=501)], captured_at="2026-10-12")
    ingest(workspace, now=NOW + timedelta(days=1))
    assert count(workspace, "post_snapshots") == 2
    assert count(workspace, "exports") == 2
    assert len({e.name for e in workspace.archive.rglob("*") if e.is_file() and len(e.stem) == 64}) == 2


def test_a36_what_is_no_file_is_never_opened(workspace):
    folder = workspace.inbox / "a-fb"
    folder.mkdir()
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to("/etc/hostname")
    (folder / "folder-link").symlink_to("/etc", target_is_directory=True)
    report = ingest(workspace)
    assert report.counts == {"refused": 3}
    assert {e["code"] for e in entries(workspace).values()} == {"NOT_A_FILE"}
    assert not list(workspace.archive.glob("??/*"))
    assert ingest(workspace).counts == {"refused": 3}, "said once a night, not once more each night"
    assert count(workspace, "exports") == 3


def test_a10_an_unfinished_download_is_held_then_refused(workspace):
    drop(workspace, "a-fb/x.csv.crdownload", "facebook", [])
    assert [ingest(workspace, now=NOW + timedelta(days=n)).counts for n in range(3)] == [{"held": 1}, {"held": 1}, {"refused": 1}]
    assert entries(workspace)["x.csv.crdownload"]["code"] == "TRUNCATED"


def test_a27_a_held_file_is_read_once_its_account_is_registered(workspace):
    rows = [post("instagram", "1", "2026-10-01T03:00", platform_account_id="999")]
    drop(workspace, "x.csv", "instagram", rows)
    assert ingest(workspace).counts == {"held": 1}
    assert entries(workspace)["x.csv"]["code"] == "UNKNOWN_ACCOUNT"
    later = registers(pl.concat([ACCOUNTS, accounts(("c-ig", "instagram", "dlh", "999"))]))
    assert ingest(workspace, later).counts == {"accepted": 1}
    assert entries(workspace)["x.csv"]["account_id"] == "c-ig"


def test_a26_a_file_that_names_another_account_is_refused(workspace):
    drop(workspace, "a-ig/x.csv", "instagram", [post("instagram", "1", "2026-10-01T03:00", platform_account_id="113")])
    ingest(workspace)
    assert entries(workspace)["x.csv"]["code"] == "WRONG_ACCOUNT"
    assert count(workspace, "post_snapshots") == 0


def test_a26_an_id_that_another_account_owns_refuses_the_later_file(workspace):
    drop(workspace, "a-tt/x.csv", "tiktok", [post("tiktok", "7", "2026-10-01T03:00")], captured_at="2026-10-05")
    mixed = [post("tiktok", "7", "2026-10-01T03:00", views=2100), post("tiktok", "8", "2026-10-02T03:00")]
    drop(workspace, "b-tt/y.csv", "tiktok", mixed, captured_at="2026-10-12")
    ingest(workspace)
    assert entries(workspace)["x.csv"]["outcome"] == "accepted"
    assert entries(workspace)["y.csv"]["code"] == "WRONG_ACCOUNT"
    assert "x.csv" in entries(workspace)["y.csv"]["messages"]
    assert count(workspace, "post_snapshots") == 1


def test_a28_five_identical_posts_are_a_copy(workspace):
    rows = [post("tiktok", str(n), f"2026-10-0{n}T03:00") for n in range(1, 6)]
    drop(workspace, "a-tt/x.csv", "tiktok", rows, captured_at="2026-10-08")
    drop(workspace, "b-tt/y.csv", "tiktok", rows, captured_at="2026-10-09")
    ingest(workspace)
    entry = entries(workspace)["y.csv"]
    assert (entry["outcome"], entry["code"]) == ("refused", "COPIED_FROM") and "x.csv" in entry["messages"]
    assert count(workspace, "post_snapshots") == 5  # those of x.csv


@pytest.mark.parametrize(("days", "code"), [(7, "COPIED_FROM"), (6, None)])
def test_a28_seven_identical_days_are_a_copy(workspace, days, code):
    rows = [{"day": f"2026-10-0{n}", "day_zone": "UTC", "views": 100 + n, "likes": 3} for n in range(1, days + 1)]
    drop(workspace, "a-tt/x.csv", "tiktok", rows, grain="account_day", captured_at="2026-10-10")
    drop(workspace, "b-tt/y.csv", "tiktok", rows, grain="account_day", captured_at="2026-10-11")
    ingest(workspace)
    assert entries(workspace)["y.csv"]["code"] == code


def test_quiet_days_that_agree_by_chance_are_no_copy(workspace):
    rows = [{"day": f"2026-10-{n:02}", "day_zone": "UTC", "views": 2, "likes": 1} for n in range(1, 21)]
    drop(workspace, "a-tt/x.csv", "tiktok", rows, grain="account_day", captured_at="2026-10-21")
    drop(workspace, "b-tt/y.csv", "tiktok", rows, grain="account_day", captured_at="2026-10-22")
    assert ingest(workspace).counts == {"accepted": 2}


def test_the_same_bytes_in_two_folders_the_same_night_belong_to_nobody(workspace):
    rows = [post("tiktok", "1", "2026-10-01T03:00")]
    drop(workspace, "a-tt/x.csv", "tiktok", rows)
    drop(workspace, "b-tt/x.csv", "tiktok", rows)
    ingest(workspace)
    assert entries(workspace)["x.csv"]["code"] == "WRONG_ACCOUNT"
    assert count(workspace, "post_snapshots") == 0


@pytest.mark.parametrize("first", ["a-tt", "b-tt"])
def test_the_same_bytes_in_two_folders_belong_to_nobody_whichever_came_first(workspace, first):
    rows = [post("tiktok", "1", "2026-10-01T03:00")]
    second = "b-tt" if first == "a-tt" else "a-tt"
    drop(workspace, f"{first}/x.csv", "tiktok", rows)
    assert ingest(workspace).counts == {"accepted": 1}
    drop(workspace, f"{second}/x.csv", "tiktok", rows)
    ingest(workspace, now=NOW + timedelta(days=1))
    assert entries(workspace)["x.csv"]["code"] == "WRONG_ACCOUNT"
    assert count(workspace, "post_snapshots") == 0
    (workspace.inbox / f"{second}/x.csv").unlink()
    ingest(workspace, now=NOW + timedelta(days=2))
    assert (entries(workspace)["x.csv"]["outcome"], entries(workspace)["x.csv"]["account_id"]) == ("accepted", first)


def test_a_file_moved_to_its_right_folder_is_that_accounts(workspace):
    path = drop(workspace, "b-tt/x.csv", "tiktok", [post("tiktok", "1", "2026-10-01T03:00")])
    ingest(workspace)
    target = workspace.inbox / "a-tt/x.csv"
    target.parent.mkdir()
    path.rename(target)
    ingest(workspace, now=NOW + timedelta(days=1))
    assert entries(workspace)["x.csv"]["account_id"] == "a-tt"
    target.unlink()
    ingest(workspace, now=NOW + timedelta(days=2))
    assert entries(workspace)["x.csv"]["outcome"] == "accepted", "an emptied inbox takes nothing back"


def test_a10_a_file_that_grows_while_it_is_looked_at_is_held_and_read_when_it_rests(workspace):
    import threading

    path = drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")])
    whole, done = path.read_bytes(), threading.Event()
    path.write_bytes(b"")

    def copy_slowly():
        with open(path, "ab", buffering=0) as file:
            while not done.wait(0.005):
                file.write(b"x")

    copying = threading.Thread(target=copy_slowly)
    copying.start()
    try:
        report = ledger.ingest(workspace, registers(), now=NOW, settle_seconds=0.1, read=read)
    finally:
        done.set()
        copying.join()
    assert report.counts == {"held": 1} and entries(workspace)["x.csv"]["code"] == "STILL_CHANGING"
    path.write_bytes(whole)
    assert ingest(workspace, now=NOW + timedelta(days=1)).counts == {"accepted": 1}


def test_a10_earlier_contents_of_a_name_do_not_shorten_the_wait(workspace, monkeypatch):
    from pipeline.intake import inbox

    for n in range(4):
        drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00", reach=500 + n)])
        ingest(workspace, now=NOW + timedelta(days=n))
    monkeypatch.setattr(ledger, "scan", lambda *where: [inbox._held(f, "…") for f in inbox.scan(*where)])
    later = [ingest(workspace, now=NOW + timedelta(days=n)).counts for n in (5, 6, 7)]
    assert later == [{"held": 1}, {"held": 1}, {"refused": 1}]


def test_a15_what_is_too_large_to_be_read_is_known_by_its_hash_and_not_archived(workspace, monkeypatch):
    from pipeline.intake import inbox

    monkeypatch.setattr(inbox, "LARGEST", 10)
    monkeypatch.setattr(ledger, "LARGEST", 10)
    drop(workspace, "a-fb/x.csv", "facebook", [], refuse="TRUNCATED")
    assert ingest(workspace).counts == {"refused": 1}
    assert not list(workspace.archive.glob("??/*"))
    assert ingest(workspace).unchanged == 1


def test_a_collaboration_is_no_foreign_file(workspace):
    own = post("instagram", "1", "2026-10-01T03:00", platform_account_id="112")
    joint = post("instagram", "2", "2026-10-02T03:00", platform_account_id="113", reach=None)
    drop(workspace, "a-ig/x.csv", "instagram", [own, joint], captured_at="2026-10-05")
    theirs = post("instagram", "2", "2026-10-02T03:00", platform_account_id="113")
    drop(workspace, "b-ig/y.csv", "instagram", [theirs], captured_at="2026-10-04")
    assert ingest(workspace).counts == {"accepted": 2}


def test_an_id_that_the_registry_lacks_is_the_exporters_own_if_it_is_on_most_rows(workspace):
    rows = [post("x", str(n), f"2026-10-0{n}T03:00", platform_account_id="42") for n in range(1, 4)]
    drop(workspace, "a-x/x.csv", "x", [*rows, post("x", "9", "2026-10-05T03:00", platform_account_id="43")])
    ingest(workspace)
    posts = tables(workspace, "core.posts")["core.posts"].sort("post_id")
    assert posts["is_counted"].to_list() == [True, True, True, False]


def test_a_change_of_identity_in_the_registry_reads_the_file_again(workspace):
    drop(workspace, "x.csv", "instagram", [post("instagram", "1", "2026-10-01T03:00", platform_account_id="113")])
    ingest(workspace)
    assert entries(workspace)["x.csv"]["account_id"] == "b-ig"
    swapped = registers(accounts(("a-ig", "instagram", "dinkes", "113"), ("b-ig", "instagram", "disdik", "112")))
    ingest(workspace, swapped)
    assert entries(workspace)["x.csv"]["account_id"] == "a-ig"


def test_a_reader_that_fails_leaves_nothing_behind(workspace):
    drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")])

    def broken(*_, **__):
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError):
        ledger.ingest(workspace, registers(), now=NOW, settle_seconds=0, read=broken)
    assert count(workspace, "exports") == count(workspace, "sightings") == 0
    assert ingest(workspace).counts == {"accepted": 1}


# --- P5: the same files, any order, any number of times ---------------------------------------------------------------------

ORDERED_TABLES = (
    "core.posts",
    "core.post_history",
    "core.account_days",
    "core.audience",
    "marts.export_files",
    "marts.restatements",
)


def night_files() -> list[tuple]:
    """Overlapping exports, a restatement, a collaboration, a stolen file and a copy, as arguments of `drop`."""
    first = [post("facebook", str(n), f"2026-10-0{n}T03:00") for n in range(1, 4)]
    restated = [post("facebook", str(n), f"2026-10-0{n}T03:00", reach=400 + n) for n in range(2, 5)]
    same_moment = [post("facebook", "2", "2026-10-02T03:00", reach=777)]
    joint = post("instagram", "5", "2026-10-02T03:00", platform_account_id="113", reach=None)
    theirs = post("instagram", "5", "2026-10-02T03:00", platform_account_id="113")
    videos = [post("tiktok", str(n), f"2026-10-0{n}T03:00") for n in range(1, 7)]
    days = [{"day": f"2026-10-0{n}", "day_zone": "UTC", "views": 100 + n, "likes": n} for n in range(1, 9)]
    return [
        ("a-fb/1.csv", "facebook", first, {"captured_at": "2026-10-05"}),
        ("a-fb/2.csv", "facebook", restated, {"captured_at": "2026-10-09"}),
        ("a-fb/3.csv", "facebook", same_moment, {"captured_at": "2026-10-09"}),
        ("a-ig/4.csv", "instagram", [post("instagram", "6", "2026-10-02T03:00", platform_account_id="112"), joint], {}),
        ("2026-10-12/b-ig/5.csv", "instagram", [theirs], {}),
        ("a-tt/6.csv", "tiktok", videos[:3], {"captured_at": "2026-10-08"}),
        ("b-tt/7.csv", "tiktok", videos, {"captured_at": "2026-10-09"}),
        ("a-tt/8.csv", "tiktok", videos[3:], {"captured_at": "2026-10-10"}),
        ("a-tt/9.csv", "tiktok", days, {"captured_at": "2026-10-10", "grain": "account_day"}),
        ("b-tt/10.csv", "tiktok", days, {"captured_at": "2026-10-11", "grain": "account_day"}),
    ]


def dump(workspace) -> dict[str, list]:
    """The tables by their natural keys; when a file was first seen is the one thing that may differ."""
    built = tables(workspace, *ORDERED_TABLES)
    return {name: frame.drop("first_seen_at", strict=False).sort(pl.all()).rows() for name, frame in built.items()}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("once")).create()
    for name, platform, rows, about in night_files():
        drop(workspace, name, platform, rows, **about)
    ingest(workspace)
    return dump(workspace)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(10)), cuts=st.sets(st.integers(1, 9), max_size=3), repeat=st.integers(0, 9))
def test_p5_any_order_any_split_any_repetition_gives_the_same_tables(tmp_path_factory, at_once, order, cuts, repeat):
    workspace = Workspace(tmp_path_factory.mktemp("order")).create()
    files = night_files()
    for place, index in enumerate(order):
        name, platform, rows, about = files[index]
        drop(workspace, name, platform, rows, **about)
        if place in cuts:
            ingest(workspace)
    name, platform, rows, about = files[repeat]
    drop(workspace, name.replace(".csv", " (1).csv"), platform, rows, **about)
    ingest(workspace)
    ingest(workspace)
    assert dump(workspace) == at_once


def test_p5_rebuilt_from_the_archive_equals_grown_night_by_night(workspace, at_once):
    for night, (name, platform, rows, about) in enumerate(night_files()):
        drop(workspace, name, platform, rows, **about)
        ingest(workspace, now=datetime(2026, 11, 23) if night < 5 else NOW)
    grown = dump(workspace)
    ledger.rebuild(workspace, registers(), now=NOW, settle_seconds=0, read=read)
    assert dump(workspace) == grown


# --- A32, A33: what a file takes back, and an order that nobody stated


def told(workspace) -> dict[str, tuple]:
    return {name: (e["outcome"], e["code"]) for name, e in entries(workspace).items()}


def month(workspace, name: str, captured_at: str | None, **values):
    about = {"captured_at": captured_at} if captured_at else {}
    rows = [post("facebook", "1", "2026-10-01T03:00"), post("facebook", "2", "2026-10-02T03:00", **values)]
    return drop(workspace, f"a-fb/{name}.csv", "facebook", rows, **about)


def test_a32_a_lifetime_counter_that_falls_flags_the_file_that_takes_it_back(workspace):
    month(workspace, "november", "2026-11-10", reach=400)
    ingest(workspace)
    month(workspace, "oktober", "2026-10-30", reach=500)
    month(workspace, "desember", "2026-11-20", reach=399)
    report = ingest(workspace, now=NOW + timedelta(days=1))
    assert told(workspace) == {
        "oktober.csv": ("accepted", None),
        "november.csv": ("flagged", "RESTATED"),
        "desember.csv": ("accepted", None),
    }
    mart = tables(workspace, "marts.export_files", "marts.restatements")
    (row,) = mart["marts.export_files"].filter(pl.col("code") == "RESTATED").to_dicts()
    assert (row["file_name"], row["outcome"]) == ("november.csv", "flagged") and "berubah banyak" in row["message_id"]
    assert mart["marts.restatements"].select("field", "old_value", "new_value").rows() == [
        ("reach", 500.0, 400.0),
        ("reach", 400.0, 399.0),
    ]
    assert not report.has_problems, "the file of the day before is the one to look at"
    fallen = ledger.status(workspace).filter(pl.col("code") == "RESTATED")["messages"].item()
    assert '"place": "2: reach", "seen": "500 -> 400"' in fallen


def test_a32_a_withdrawn_like_is_listed_and_no_reason_to_look(workspace):
    month(workspace, "satu", "2026-11-10", reach=500, comments=2)
    month(workspace, "dua", "2026-11-11", reach=480, comments=1)
    assert ingest(workspace).counts == {"accepted": 2}
    assert tables(workspace, "marts.restatements")["marts.restatements"].height == 2


@pytest.mark.parametrize(("value", "flagged"), [(121, True), (79, True), (119, False)])
def test_a32_a_finished_day_that_changes_by_more_than_a_fifth_flags_the_later_file(workspace, value, flagged):
    for name, seen_on, views in (("satu", "2026-11-10", 100), ("dua", "2026-11-12", value)):
        rows = [{"day": "2026-11-09", "day_zone": "UTC", "views": views}, {"day": seen_on, "day_zone": "UTC", "views": views * 9}]
        drop(workspace, f"a-fb/{name}.csv", "facebook", rows, grain="account_day", captured_at=seen_on)
    assert ingest(workspace).has_problems == flagged
    assert told(workspace) == {
        "satu.csv": ("accepted", None),
        "dua.csv": ("flagged", "RESTATED") if flagged else ("accepted", None),
    }


def test_a32_a_day_of_bogor_is_over_at_its_own_midnight_which_is_no_midnight_in_utc(workspace):
    for name, seen_on, views in (("subuh", "2026-11-09T18:00", 100), ("lusa", "2026-11-12T05:00", 150)):  # 01:00 on the 10th
        rows = [{"day": "2026-11-09", "day_zone": "Asia/Jakarta", "views": views}]
        drop(workspace, f"a-fb/{name}.csv", "facebook", rows, grain="account_day", captured_at=seen_on)
    ingest(workspace)
    assert told(workspace) == {"subuh.csv": ("accepted", None), "lusa.csv": ("flagged", "RESTATED")}
    assert tables(workspace, "marts.restatements")["marts.restatements"].height == 1, "file and table tell the same"


def test_a32_a_pacific_day_that_was_not_over_takes_nothing_back(workspace):
    """At noon in Bogor it is still yesterday's evening in California: the day goes on, and the later file only completes it."""
    for name, seen_on, views in (("siang", "2026-11-10T05:00", 50), ("lusa", "2026-11-12T05:00", 100)):
        rows = [{"day": "2026-11-09", "day_zone": "America/Los_Angeles", "views": views}]
        drop(workspace, f"a-fb/{name}.csv", "facebook", rows, grain="account_day", captured_at=seen_on)
    assert ingest(workspace).counts == {"accepted": 2}


def test_a32_the_warning_goes_with_its_cause(workspace):
    month(workspace, "oktober", "2026-10-30", reach=500)
    month(workspace, "november", "2026-11-10", reach=400)
    assert ingest(workspace).counts == {"accepted": 1, "flagged": 1}

    def refusing(path, **about):
        (export,) = read(path, **about)
        if about["name"] == "oktober.csv":
            export.outcome, export.rows, export.messages = "refused", None, [message("TRUNCATED")]
        return [export]

    ledger.ingest(workspace, registers(), now=NOW, settle_seconds=0, read=refusing, reread=True)
    assert told(workspace) == {"oktober.csv": ("refused", "TRUNCATED"), "november.csv": ("accepted", None)}


def test_a33_without_a_time_a_file_that_differs_from_another_is_flagged(workspace):
    month(workspace, "bertanggal", "2026-11-10", reach=500)
    month(workspace, "tanpa", None, reach=600)
    assert ingest(workspace).counts == {"accepted": 1, "flagged": 1}
    assert told(workspace) == {"bertanggal.csv": ("accepted", None), "tanpa.csv": ("flagged", "ORDER_ASSUMED")}
    entry = entries(workspace)["tanpa.csv"]
    assert entry["captured_at"] == entry["first_seen_at"] == NOW and entry["captured_from"] == "first_seen"
    assert '"place": "2: reach"' in entry["messages"]


def test_a33_without_a_time_a_file_that_agrees_with_all_others_is_not(workspace):
    month(workspace, "bertanggal", "2026-11-10", reach=500)
    month(workspace, "tanpa", None, reach=500, link_clicks=4)
    assert ingest(workspace).counts == {"accepted": 2}


def test_the_message_that_decided_is_the_one_that_is_shown(workspace):
    said = [message(code) for code in ("TOTAL_NOTED", "POSSIBLY_CUT", "DATE_ORDER")]

    def flagging(path, **about):
        (export,) = read(path, **about)
        export.outcome, export.messages = "flagged", said
        return [export]

    drop(workspace, "a-fb/x.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")])
    ledger.ingest(workspace, registers(), now=NOW, settle_seconds=0, read=flagging)
    (row,) = tables(workspace, "marts.export_files")["marts.export_files"].to_dicts()
    assert row["code"] == "POSSIBLY_CUT" and row["message_id"] == said[1].id
