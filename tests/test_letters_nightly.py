"""The night's report: always a file, one mail a night, every failure told; and a watchdog for nights that could not speak."""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller

from pipeline import night
from pipeline.html.locale import Words
from pipeline.letters import nightly, post
from pipeline.settings import Settings, Workspace

NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)  # 24 November, 01.30 WIB
NAP: list[float] = []


class Outbox:
    """Keeps mails; answers from `answers` first."""

    def __init__(self, *answers: str):
        self.mails, self.answers, self.asked = [], list(answers), 0

    async def handle_DATA(self, server, session, envelope):
        self.asked += 1
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@contextmanager
def server(outbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Controller(outbox, hostname="127.0.0.1", port=port)
    running.start()
    try:
        yield Settings(
            smtp_host="127.0.0.1",
            smtp_port=port,
            mail_plain=True,
            mail_from="terukur@kab.example",
            report_to="a@kab.example, b@kab.example",
        )
    finally:
        running.stop()


@pytest.fixture
def workspace(tmp_path):
    found = Workspace(tmp_path).create()
    (found.registry / "agencies.csv").write_text("agency_id,name,short_name,kind,peer_group\n", encoding="utf-8")
    return found


@pytest.fixture(autouse=True)
def no_waiting():
    NAP.clear()


def report(workspace, said, status=night.DONE, stopped=(), now=NOW):
    nightly.began(workspace, now - timedelta(minutes=5))
    return nightly.finished(workspace, said, status, stopped, now, pause=NAP.append)


def published(workspace, name="w-1"):
    """Enough of a version for the watchdog: it compares bytes with their seal."""
    import hashlib

    (workspace.versions / f"{name}.duckdb").write_bytes(b"tabel")
    seal = {
        "version": name,
        "built_at": "2026-11-24",
        "sha256": hashlib.sha256(b"tabel").hexdigest(),
        "size_bytes": 5,
        "tables": {},
    }
    (workspace.versions / f"{name}.json").write_text(json.dumps(seal), encoding="utf-8")
    workspace.current_file.write_text(name, encoding="utf-8")


def test_a_night_leaves_a_file_without_any_mail(workspace):
    report(workspace, Settings())
    texts = list(workspace.nights.glob("*.txt"))
    assert len(texts) == 1 and "Belum ada versi yang terbit." in texts[0].read_text(encoding="utf-8")


def test_the_report_is_mailed_once_a_night_in_both_languages(workspace):
    outbox = Outbox()
    with server(outbox) as said:
        first, second = report(workspace, said), report(workspace, said, now=NOW + timedelta(hours=3))
        third = report(workspace, said, now=NOW + timedelta(days=1))
    assert [r["mail"]["state"] for r in (first, second, third)] == ["sent"] * 3
    assert len(outbox.mails) == 2
    mail = outbox.mails[0]
    body = mail.get_payload(decode=True).decode()
    assert "Belum ada versi" in body and "Nothing is published yet." in body
    assert mail["Message-ID"] == "<terukur-malam-2026-11-24@kab.example>" and mail["To"] == "a@kab.example, b@kab.example"


def test_a_refusal_for_good_is_not_asked_again_and_told(workspace):
    outbox = Outbox("550 no such box", "250 OK")
    with server(outbox) as said:
        told = report(workspace, said)["mail"]
    assert (told["state"], outbox.asked) == ("failed", 1) and "550" in told["reason"]


def test_a_refusal_for_now_is_tried_again(workspace):
    outbox = Outbox("451 later", "451 later")
    with server(outbox) as said:
        assert report(workspace, said)["mail"]["state"] == "sent"
    assert list(post.PAUSES) == NAP and len(outbox.mails) == 1


def test_what_failed_is_sent_by_the_next_run_of_the_night(workspace):
    outbox = Outbox("550 no")
    with server(outbox) as said:
        report(workspace, said)
        assert report(workspace, said, now=NOW + timedelta(minutes=9))["mail"]["state"] == "sent"


def test_no_server_is_told_and_stops_nothing(workspace):
    said = Settings(smtp_host="127.0.0.1", smtp_port=1, mail_plain=True, report_to="a@kab.example")
    told = report(workspace, said)
    assert told["mail"]["state"] == "failed" and "refused" in told["mail"]["reason"].casefold()


def test_a_server_that_says_nothing_is_left(workspace, monkeypatch):
    monkeypatch.setattr(post, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        said = Settings(smtp_host="127.0.0.1", smtp_port=deaf.getsockname()[1], mail_plain=True, report_to="a@kab.example")
        told = report(workspace, said)["mail"]
    assert told["state"] == "failed" and "timed out" in told["reason"]


def test_a_mail_goes_out_encrypted_or_not_at_all(workspace):
    outbox = Outbox()
    with server(outbox) as said:
        told = report(workspace, said.model_copy(update={"mail_plain": False}))["mail"]
    assert told["state"] == "failed" and "STARTTLS" in told["reason"] and not outbox.mails


def test_a_process_that_died_while_sending_sends_no_second_mail(workspace):
    place = workspace.nights
    place.mkdir(parents=True, exist_ok=True)
    (place / "surat-malam-2026-11-24.json").write_text(json.dumps({"state": "unknown"}), encoding="utf-8")
    outbox = Outbox()
    with server(outbox) as said:
        assert report(workspace, said)["mail"]["state"] == "unknown" and not outbox.mails
        status, told = nightly.watch(workspace, said, NOW, pause=NAP.append)
    assert ("Tidak diketahui apakah surel laporan terkirim." in dict(told)) and status == night.NOT_PUBLISHED


def test_the_watchdog_is_silent_where_all_is_well(workspace):
    published(workspace)
    outbox = Outbox()
    with server(outbox) as said:
        report(workspace, said)
        assert nightly.watch(workspace, said, NOW + timedelta(hours=24), pause=NAP.append) == (night.DONE, [])
    assert len(outbox.mails) == 1


def test_a_night_that_was_killed_is_told_by_the_watchdog_and_mailed_once(workspace):
    published(workspace)
    code = (
        "import os, sys, datetime as dt; from pathlib import Path; from pipeline.letters import nightly;"
        "from pipeline.settings import Workspace;"
        "nightly.began(Workspace(Path(sys.argv[1])), dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(workspace.root)], check=False).returncode == -9
    outbox = Outbox()
    with server(outbox) as said:
        for _ in range(2):
            status, told = nightly.watch(workspace, said, NOW, pause=NAP.append)
            assert status == night.NOT_PUBLISHED and "terhenti tanpa laporan" in told[0][0]
    assert [m["Subject"] for m in outbox.mails] == ["Terukur: malam tidak berjalan atau gagal"]


def test_p13_a_night_that_never_began_is_told_within_an_hour_of_its_time(workspace):
    published(workspace)
    report(workspace, Settings(), now=NOW)
    due = NOW - timedelta(minutes=5) + timedelta(days=1)
    assert nightly.watch(workspace, Settings(), due + timedelta(minutes=30))[0] == night.DONE
    status, told = nightly.watch(workspace, Settings(), due + timedelta(minutes=59))
    assert status == night.NOT_PUBLISHED and "jadwal" in told[0][0]


def test_files_of_a_night_that_failed_are_told_by_the_next_one(workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(nightly, "_problems", lambda _, since: asked.append(since) or [])
    report(workspace, Settings(), now=NOW)
    report(workspace, Settings(), night.ENVIRONMENT, [night.Stopped("raw", 6, "x", "x")], now=NOW + timedelta(days=1))
    report(workspace, Settings(), now=NOW + timedelta(days=2))
    assert asked == [None, NOW.isoformat(), NOW.isoformat()]


def test_reports_and_logs_of_more_than_a_year_go(workspace):
    old = (NOW - timedelta(days=nightly.KEEP_DAYS + 1)).timestamp()
    report(workspace, Settings(), now=NOW)
    for number in range(nightly.KEEP_LOGS + 3):
        (workspace.logs / f"{number:03}.log").write_text("x")
        os.utime(workspace.logs / f"{number:03}.log", (NOW.timestamp() + number,) * 2)
    for place in (workspace.nights / "2025-01-01T013000.json", workspace.logs / "000.log"):
        place.write_text("{}")
        os.utime(place, (old, old))
    assert sorted(nightly.rotate(workspace, NOW)) == ["000.log", "001.log", "002.log", "2025-01-01T013000.json"]
    assert len(list(workspace.logs.glob("*"))) == nightly.KEEP_LOGS and list(workspace.nights.glob("2026*.json"))


def test_a_missing_night_is_told(workspace):
    published(workspace)
    assert nightly.watch(workspace, Settings(), NOW)[0] == night.NOT_PUBLISHED
    report(workspace, Settings())
    assert nightly.watch(workspace, Settings(), NOW + timedelta(hours=20))[0] == night.DONE
    status, told = nightly.watch(workspace, Settings(), NOW + timedelta(hours=49))
    assert status == night.NOT_PUBLISHED and "49 jam" in told[0][0]


def test_a_night_that_stopped_is_told_with_its_reason(workspace):
    published(workspace)
    report(workspace, Settings(), night.NOT_PUBLISHED, [night.Stopped("warehouse", 4, "Pemeriksaan gagal", "A check failed")])
    status, told = nightly.watch(workspace, Settings(), NOW)
    assert status == night.NOT_PUBLISHED and told == [
        ("Malam terakhir gagal: Pemeriksaan gagal", "The last night failed: A check failed")
    ]


def test_a_damaged_version_is_told(workspace):
    published(workspace)
    report(workspace, Settings())
    (workspace.versions / "w-1.duckdb").write_bytes(b"rusak")
    assert nightly.watch(workspace, Settings(), NOW)[0] == night.NOT_PUBLISHED


def test_a_night_at_work_is_not_called_dead(workspace):
    published(workspace)
    with night.alone(workspace):
        nightly.began(workspace, NOW)
        mark = json.loads((workspace.nights / "mulai.json").read_text())
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
        try:
            mark["pid"] = worker.pid
            (workspace.nights / "mulai.json").write_text(json.dumps(mark), encoding="utf-8")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(night, "is_free", lambda _: False)
                assert nightly.watch(workspace, Settings(), NOW + timedelta(minutes=5)) == (night.DONE, [])
        finally:
            worker.kill()
            worker.wait()


def test_the_report_of_a_real_version_names_what_is_to_do(home):
    found = nightly.collect(home, {}, night.DONE, [], NOW)
    said = "\n".join(nightly.lines(found, Words("id")))
    assert found["unread"] == [] and "Data sampai" in said and "Sisa disk" in said
    assert all(p["account_id"] or p["file"] for p in found["problems"])


def test_a_part_that_cannot_be_read_costs_no_other(workspace):
    workspace.current_file.write_text("w-9", encoding="utf-8")
    found = nightly.collect(workspace, {}, night.DONE, [], NOW)
    assert {u["part"] for u in found["unread"]} == {"silent", "alarms", "cutoff"} and found["problems"] == []
    assert "w-9" in "\n".join(nightly.lines(found, Words("id")))


def test_the_mark_names_this_process(workspace):
    nightly.began(workspace, NOW)
    assert post.read(workspace.nights / "mulai.json")["pid"] == os.getpid()
