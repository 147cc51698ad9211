"""From the quarantine into the inbox: harmless names, one copy, in one step."""

import errno
import os
import threading
from datetime import date

import pytest
from desk_in_tests import stored, workspace
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk import place as placing
from pipeline.desk.place import place
from pipeline.desk.quarantine import NAME_BYTES, safe_name
from pipeline.intake.inbox import CLUTTER, UNFINISHED

DAY = date(2026, 12, 1)


@given(st.text(max_size=400))
def test_a_name_is_never_a_path_and_never_one_that_the_night_leaves_alone(name):
    safe = safe_name(name)
    assert safe == os.path.basename(safe) and safe not in ("", ".", "..")
    assert not safe.startswith((".", "-", "~", " ")) and "\x00" not in safe
    assert len(safe.encode()) <= NAME_BYTES + 1
    assert not safe.casefold().endswith(UNFINISHED) and safe.casefold() not in CLUTTER


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("Aug-23-2026_Nov-22-2026_924578.csv", "Aug-23-2026_Nov-22-2026_924578.csv"),
        ("Content 2023-01-01_2026-09-27 Dinkes.zip", "Content 2023-01-01_2026-09-27 Dinkes.zip"),
        ("Overview_2026-08-31_1795366200_sim.dinkes.bogor (1).zip", "Overview_2026-08-31_1795366200_sim.dinkes.bogor (1).zip"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\laporan.xlsx", "laporan.xlsx"),
        ("berkas.csv.part", "berkas.csv.part_"),
        ("=cmd|'calc'!A0.csv", "_cmd__calc__A0.csv"),
    ],
)
def test_what_readers_take_from_names_stays(given_name, expected):
    assert safe_name(given_name) == expected


def source(tmp_path, data, name=""):
    path = tmp_path / (name or f"body-{len(list(tmp_path.iterdir()))}")
    path.write_bytes(data)
    return path


def test_the_same_bytes_lie_there_once_and_other_bytes_get_a_name_of_their_own(tmp_path):
    made = workspace(tmp_path / "w")
    first = place(made, source(tmp_path, b"one"), DAY, "ig-dinkes", "a.csv")
    again = place(made, source(tmp_path, b"one"), date(2026, 12, 2), "ig-dinkes", "b.csv")
    other = place(made, source(tmp_path, b"two"), DAY, "ig-dinkes", "a.csv")
    foreign = place(made, source(tmp_path, b"one"), DAY, "fb-dinkes", "a.csv")
    assert (first.is_new, again.is_new, other.is_new, foreign.is_new) == (True, False, True, True)
    assert stored(made) == ["2026-12-01/fb-dinkes/a.csv", "2026-12-01/ig-dinkes/a (2).csv", "2026-12-01/ig-dinkes/a.csv"]


def test_bytes_that_a_night_has_seen_are_not_new_when_the_inbox_was_cleared(tmp_path):
    made = workspace(tmp_path / "w")
    path = source(tmp_path, b"one")
    import hashlib

    sha256 = hashlib.sha256(b"one").hexdigest()
    (made.archive / "names.jsonl").write_text(f'{{"name":"x","sha256":"{sha256}","account_id":"ig-dinkes"}}\n')
    assert not place(made, path, DAY, "ig-dinkes", "a.csv").is_new
    assert place(made, path, DAY, "fb-dinkes", "a.csv").is_new


def test_two_senders_at_once_keep_one_copy(tmp_path):
    made = workspace(tmp_path / "w")
    sources = [source(tmp_path, b"same", f"body{i}") for i in range(8)]
    results = []
    threads = [
        threading.Thread(target=lambda p=p: results.append(place(made, p, DAY, "ig-dinkes", "a.csv").is_new)) for p in sources
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True] and stored(made) == ["2026-12-01/ig-dinkes/a.csv"]


def test_another_disk_gets_a_whole_copy(tmp_path, monkeypatch):
    made = workspace(tmp_path / "w")

    def refuse(*_, **__):
        raise OSError(errno.EXDEV, "other disk")

    monkeypatch.setattr(placing.os, "link", refuse)
    place(made, source(tmp_path, b"one"), DAY, "ig-dinkes", "a.csv")
    assert (made.inbox / "2026-12-01/ig-dinkes/a.csv").read_bytes() == b"one" and len(stored(made)) == 1


def test_a_full_disk_keeps_nothing(tmp_path, monkeypatch):
    made = workspace(tmp_path / "w")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(placing.os, "link", full)
    with pytest.raises(OSError, match="full"):
        place(made, source(tmp_path, b"one"), DAY, "ig-dinkes", "a.csv")
    assert stored(made) == []


@pytest.mark.parametrize("account", ["..", "a/b", "/etc"])
def test_an_account_is_a_folder_of_the_inbox_or_nothing(tmp_path, account):
    made = workspace(tmp_path / "w")
    with pytest.raises(ValueError, match="folder"):
        place(made, source(tmp_path, b"one"), DAY, account, "a.csv")
