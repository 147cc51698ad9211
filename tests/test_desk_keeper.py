"""The keeper's view: today in numbers, who has not sent, and registers edited under the registry's own rules."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from desk_in_tests import NOW, InProcess, instagram, office, send, stored, workspace
from starlette.testclient import TestClient
from test_cli import call

from pipeline.desk import book, keeper, links, registers, worker
from pipeline.desk.directory import directory
from pipeline.desk.forgotten import forget
from pipeline.desk.service import application
from pipeline.html.locale import Words
from pipeline.registry import load

FOUND = {"version": "w-1", "cutoff": "2026-11-22", "accounts": {}}


@pytest.fixture
def made(tmp_path):
    return workspace(tmp_path)


@pytest.fixture
def client(made):
    with TestClient(application(made, office=office(made))) as opened:
        yield opened


def told(made, found=FOUND, now=NOW):
    return keeper.today(made, directory(load(made.registry), now.date()), found, now)


def entry(**values):
    plain = {
        "at": NOW.isoformat(timespec="seconds"),
        "door": "web",
        "link_id": "aaaaaaaa",
        "agency_id": "dinkes",
        "account_id": "ig-dinkes",
        "file": "u.csv",
        "member": "",
        "sha256": "ab",
        "outcome": "accepted",
        "code": None,
        "kind": "k",
        "platform": "instagram",
        "rows": 3,
        "first": None,
        "last": None,
        "stored": True,
    }
    return book.Entry(**(plain | values))


# --- the book and the day -----------------------------------------------------------------------------------------


def test_a_file_counts_once_with_what_became_of_it_in_the_end(made):
    later = (NOW + timedelta(minutes=1)).isoformat()
    waits = {"outcome": "held", "code": "UNKNOWN_ACCOUNT", "stored": False}
    book.write(made, [entry(member="#a", **waits), entry(member="#b", **waits)])
    book.write(made, [entry(member="#a", at=later), entry(member="#b", at=later)])
    book.write(made, [entry(member="#a", at=later, outcome="duplicate")])
    book.write(
        made,
        [entry(sha256="cd", outcome="refused", code="EMPTY", stored=False)],
    )
    today = told(made)
    assert today.counts == {"accepted": 1, "refused": 1} and [f.parts for f in today.files] == [2, 1]
    assert [a.agency_id for a in today.silent] == ["disdik"]
    assert today.as_json()["not_sent"] == [{"agency_id": "disdik", "last_sent_at": None, "days": None}]


def test_silence_is_counted_in_days_from_the_newest_of_night_and_door(made):
    accounts = {"ig-disdik": {"months": [["2026-10-01", "missing", 0, 31, None]], "last": "2026-11-25T10:00:00+00:00"}}
    book.write(made, [entry(at=(NOW - timedelta(days=12)).isoformat())])
    today = told(made, FOUND | {"accounts": accounts})
    assert {a.agency_id: (a.days, a.is_silent) for a in today.agencies} == {"dinkes": (12, True), "disdik": (6, False)}
    (lacking,) = next(a for a in today.agencies if a.agency_id == "disdik").lacking
    assert [str(m) for m in lacking[2]] == ["2026-10-01", "2026-11-01"]


def test_a_reminder_is_ready_for_whatsapp_and_holds_no_link(made):
    sent = next(a for a in told(made).agencies if a.agency_id == "disdik")
    address = keeper.whatsapp(keeper.reminder(sent, Words("id"), "Kabupaten Uji"))
    parts = urlsplit(address)
    text = parse_qs(parts.query)["text"][0]
    assert (parts.scheme, parts.netloc) == ("https", "wa.me")
    assert "Dinas Pendidikan" in text and "kode QR" in text and "/k/" not in text


def test_half_a_line_of_a_killed_writer_costs_nothing_but_itself(made):
    book.write(made, [entry(file="a.csv")])
    page = next((made.desk / "book").iterdir())
    with page.open("a") as file:
        file.write('{"at": "2026-12-01T03:00')
    book.write(made, [entry(file="b.csv")])
    assert [e.file for e in book.read(made, NOW.date())] == ["a.csv", "b.csv"]


def test_many_writers_lose_no_line(made):
    threads = [
        threading.Thread(target=lambda i=i: [book.write(made, [entry(file=f"{i}-{n}")]) for n in range(10)]) for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({e.file for e in book.read(made, NOW.date())}) == 60


def test_an_erased_name_leaves_book_and_waiting_files(made):
    book.write(made, [entry(file="Siti Aminah.csv"), entry(file="u.csv")])
    ticket = made.desk / "quarantine" / "aaaaaaaa" / ("a" * 32)
    ticket.mkdir(parents=True)
    (ticket / "body").write_bytes(b"nama\nsiti aminah\n")
    assert forget(made, "Siti Aminah") == 2
    assert [e.file for e in book.read(made, NOW.date())] == ["u.csv"] and not ticket.exists()


def test_status_tells_the_same_numbers_as_the_page(made, client):
    page = links.make(made, None).path
    send(client, links.make(made, "dinkes").path, ("u.csv", instagram()), ("x.csv", b"a,b\n"))
    as_json = client.get(page, headers={"accept": "application/json"}).json()
    shown = client.get(page).text
    said = keeper.today(made, directory(load(made.registry), NOW.date()), {"accounts": {}}, NOW).as_json()
    assert as_json == said and as_json["files"] == 2 and as_json["counts"] == {"accepted": 1, "refused": 1}
    assert "Dinas Pendidikan" in shown and "wa.me" in shown and "Ingatkan" in shown
    status = json.loads(call("status", "--json", workspace=made.root).stdout)
    assert set(status["desk"]) == set(said)


# --- registers ----------------------------------------------------------------------------------------------------


def new_account(**values):
    row = {"account_id": "tt-dinkes", "platform": "tiktok", "handle": "@dinkes", "agency_id": "dinkes", "platform_account_id": ""}
    return {"aksi": "tambah", **{f"k-{name}": value for name, value in (row | values).items()}}


def test_a_row_is_added_changed_and_taken_out_and_each_change_is_kept(made, client):
    keep = links.make(made, None).path
    place, before = f"{keep}/daftar/accounts", (made.registry / "accounts.csv").read_text()
    assert "Tersimpan" in client.post(place, data=new_account()).text
    line = registers.register(made, "accounts").lines[-1]
    change = {"baris": str(line.number), "semula": line.text} | new_account(handle="dinkes.baru") | {"aksi": "ubah"}
    assert client.post(place, data=change).status_code == 200
    assert load(made.registry).accounts["handle"].to_list()[-1] == "dinkes.baru"
    line = registers.register(made, "accounts").lines[-1]
    assert client.post(place, data={"aksi": "hapus", "baris": str(line.number), "semula": line.text}).status_code == 200
    assert (made.registry / "accounts.csv").read_text() == before
    kept = registers.changes(made)
    assert [(c["action"], bool(c["before"]), bool(c["after"])) for c in kept] == [
        ("hapus", True, False),
        ("ubah", True, True),
        ("tambah", False, True),
    ]
    assert {c["by"] for c in kept} == {keep.rpartition("/")[2].split("-")[0]} and kept[0]["at"].startswith("2026-12-01")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"platform": "tiktokk"}, "platform"),
        ({"agency_id": "dinkess"}, "dinkes"),
        ({"account_id": "ig-dinkes"}, "account_id"),
        ({"account_id": ""}, "wajib diisi"),
    ],
)
def test_a_row_the_registry_would_refuse_is_not_saved_and_the_problem_is_named(made, client, values, said):
    before = (made.registry / "accounts.csv").read_bytes()
    answer = client.post(f"{links.make(made, None).path}/daftar/accounts", data=new_account(**values))
    assert answer.status_code == 422 and said in answer.text and 'value="@dinkes"' in answer.text  # what was typed stays
    assert (made.registry / "accounts.csv").read_bytes() == before and registers.changes(made) == []


def test_a_row_that_somebody_else_changed_meanwhile_is_not_overwritten(made, client):
    place = f"{links.make(made, None).path}/daftar/accounts"
    line = registers.register(made, "accounts").lines[0]
    change = {"baris": str(line.number), "semula": line.text} | new_account(account_id="ig-dinkes", platform="instagram")
    assert client.post(place, data=change | {"aksi": "ubah", "k-platform_account_id": "17841400000000001"}).status_code == 200
    late = client.post(place, data=change | {"aksi": "ubah", "k-handle": "lain"})
    assert late.status_code == 422 and "diubah orang lain" in late.text


def test_comments_semicolons_and_line_ends_stay_as_a_spreadsheet_left_them(made):
    text = '\ufeff# catatan\r\nplan_id;agency_id;platform;planned_at;topic\r\np1;dinkes;x;2026-12-05 09:00;"a;b"\r\n'
    (made.registry / "plan.csv").write_bytes(text.encode())
    row = {"plan_id": "p2", "agency_id": "dinkes", "platform": "x", "planned_at": "2026-12-06 09:00", "topic": "x; y"}
    fields = {"aksi": ["tambah"], **{f"k-{k}": [v] for k, v in row.items()}}
    assert registers.edit(made, "plan", fields, "keeper", NOW).saved
    assert (made.registry / "plan.csv").read_bytes().decode() == text + 'p2;dinkes;x;2026-12-06 09:00;"x; y"\r\n'


def test_a_register_that_does_not_exist_yet_is_begun(made):
    fields = {"aksi": ["tambah"], "k-account_id": ["ig-dinkes"], "k-date": ["2026-12-01"], "k-followers": ["1250"]}
    assert registers.edit(made, "followers", fields, "keeper", NOW).saved
    assert load(made.registry).followers["followers"].to_list() == [1250]


def test_two_keepers_at_once_lose_no_row(made):
    def add(n):
        fields = {"aksi": ["tambah"], "k-account_id": ["ig-dinkes"], "k-date": [f"2026-11-{n:02}"], "k-followers": [str(n)]}
        assert registers.edit(made, "followers", fields, "keeper", NOW).saved

    threads = [threading.Thread(target=add, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(made.registry).followers.height == 8 and len(registers.changes(made)) == 8


def test_only_registers_meant_for_it_are_shown(made, client):
    keep = links.make(made, None).path
    codes = [client.get(f"{keep}/daftar/{name}").status_code for name in ("accounts", "plan", "links", "senders", "settings")]
    assert codes == [200, 200, 404, 404, 404] and stored(made) == []


# --- the worker ---------------------------------------------------------------------------------------------------


def request(made, path, **more):
    plain = {
        "do": "read",
        "workspace": str(made.root),
        "path": str(path),
        "name": "u.csv",
        "accounts": ["ig-dinkes", "fb-dinkes"],
    }
    return plain | {"day": "2026-12-01", "now": NOW.isoformat()} | more


def test_the_worker_answers_as_the_reader_in_this_process(made, tmp_path):
    place = tmp_path / "body"
    place.write_bytes(instagram())
    reader = worker.Reader()
    try:
        told_there = reader.ask(request(made, place))
        again = reader.ask(request(made, place, accounts=["fb-dinkes"]))
    finally:
        reader.stop()
    here = InProcess().ask(request(made, place))
    assert json.loads(json.dumps(here["parts"], default=str)) == told_there["parts"]
    assert again["parts"][0]["found"][0]["record"]["outcome"] == "refused"


def test_a_worker_that_takes_too_long_is_ended_and_the_next_file_is_read(made, tmp_path):
    place = tmp_path / "body"
    place.write_bytes(instagram())
    reader = worker.Reader(seconds=0.05)
    try:
        with pytest.raises(worker.Crashed):
            reader.ask(request(made, place))
        reader.seconds = 60
        assert reader.ask(request(made, place))["parts"]
        os.kill(reader._process.pid, 9)
        assert reader.ask(request(made, place))["parts"]
    finally:
        reader.stop()
    assert reader._process is None


def test_a_worker_has_no_more_memory_than_it_may(tmp_path):
    code = "from pipeline.desk import worker; worker.limit(); bytearray(worker.MEMORY + 2**20)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in done.stderr
