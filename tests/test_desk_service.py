"""The page and its door for programs: what is taken, what is answered, what nobody can reach."""

import csv
import io
import json
import re

import exports_in_tests as e
import pytest
from desk_in_tests import NOW, door, instagram, office, send, stored, waiting, workspace
from starlette.testclient import TestClient

from pipeline.desk import book, links, quarantine, receive
from pipeline.desk.service import application
from pipeline.exports import read
from pipeline.registry import load

FOREIGN = {"account": "17841400000000002", "handle": "disdik.simulasi"}


@pytest.fixture
def made(tmp_path):
    return workspace(tmp_path)


# --- verdicts ------------------------------------------------------------------------------------------------------------------


def test_a_program_gets_one_record_per_export_as_inspect_gives_it_and_stored(made, tmp_path):
    client, path = door(made)
    with client:
        answer = send(client, path, ("unduhan.csv", instagram()))
    assert answer.status_code == 200
    (record,) = answer.json()
    (tmp_path / "unduhan.csv").write_bytes(instagram())
    (export,) = read(tmp_path / "unduhan.csv", registry=load(made.registry), accounts=["ig-dinkes"])
    expected = export.as_json()
    assert set(record) == {*expected, "stored"} and record["stored"] is True
    same = ("outcome", "kind", "platform", "grain", "rows", "first", "last", "sums", "accounts", "sha256", "member")
    assert {k: record[k] for k in same} == {k: expected[k] for k in same}
    assert record["captured_from"] == "folder"
    assert stored(made) == ["2026-12-01/ig-dinkes/unduhan.csv"] and waiting(made) == []


def test_a_person_without_javascript_gets_a_page_that_says_what_it_changes(made):
    client, path = door(made)
    with client:
        page = client.post(path, files=[("berkas", ("u.csv", instagram(28), "text/csv"))])
        english = client.post(path + "?bahasa=en", files=[("berkas", ("u.csv", instagram(28), "text/csv"))])
    assert page.status_code == 200 and "Diterima" in page.text and "Instagram" in page.text
    assert "Menambah" in page.text or "Menutup" in page.text
    assert "Already here" in english.text and 'lang="en"' in english.text


def test_a_refused_file_is_not_kept_and_says_the_next_step(made):
    client, path = door(made)
    with client:
        (record,) = send(client, path, ("masuk.csv", b"<html><body>login</body></html>")).json()
        page = client.post(path, files=[("berkas", ("masuk.csv", b"<html></html>", "text/csv"))])
    assert (record["outcome"], record["stored"], record["messages"][0]["code"]) == ("refused", False, "WRONG_TYPE")
    assert "Ditolak" in page.text and "Unduh ulang sebagai CSV atau XLSX" in page.text
    assert stored(made) == [] and waiting(made) == []


def test_another_agencys_file_is_told_the_right_door_and_not_kept(made):
    client, path = door(made)
    with client:
        (record,) = send(client, path, ("u.csv", instagram(**FOREIGN))).json()
        page = client.post(path, files=[("berkas", ("u.csv", instagram(**FOREIGN), "text/csv"))])
    assert (record["outcome"], record["stored"]) == ("refused", False)
    assert "Dinas Pendidikan" in page.text and "tautan perangkat daerah itu sendiri" in page.text
    assert stored(made) == []


def test_a_link_of_one_account_takes_no_file_of_another_of_the_same_agency(made):
    client, path = door(made, account="fb-dinkes")
    with client:
        (record,) = send(client, path, ("u.csv", instagram())).json()
    assert record["stored"] is False and stored(made) == []


def test_a_file_of_an_unregistered_account_waits_in_the_inbox_for_the_keeper(made):
    client, path = door(made)
    with client:
        (record,) = send(client, path, ("u.csv", instagram(account="17841499999999999", handle="baru"))).json()
    assert (record["outcome"], record["stored"]) == ("held", True)
    assert stored(made) == ["2026-12-01/u.csv"]


AUDIENCE = e.blocks(("Age & gender", [["", "Men", "Women"], ["18-24", "40%", "60%"]]))


def test_a_file_that_names_nobody_asks_whose_it_is_and_is_kept_once_that_is_said(made):
    client, path = door(made)
    with client:
        page = client.post(path, files=[("berkas", ("Audience.csv", AUDIENCE, "text/csv"))])
        ticket = re.search(r'name="tiket" value="([0-9a-f]{32})"', page.text)[1]
        assert stored(made) == [] and waiting(made) == ["body", "note.json"]
        choice = {"tiket": ticket, "akun": "ig-disdik"}
        assert client.post(f"{path}/akun", data=choice).status_code == 404
        chosen = client.post(f"{path}/akun", data=choice | {"akun": "ig-dinkes"}, headers={"accept": "application/json"})
        twice = client.post(f"{path}/akun", data=choice | {"akun": "fb-dinkes"})
    assert [r["stored"] for r in chosen.json()] == [True] and twice.status_code == 404
    assert stored(made) == ["2026-12-01/ig-dinkes/Audience.csv"] and waiting(made) == []


def test_an_archive_of_several_accounts_is_parted_and_the_foreign_file_left_out(made):
    bundle = e.archive(("a.csv", instagram()), ("b.csv", instagram(**FOREIGN)), ("c/d.csv", b"x,y\n1,2\n"))
    client, path = door(made)
    with client:
        records = send(client, path, ("semua.zip", bundle)).json()
    assert {r["file"]: (r["outcome"], r["stored"]) for r in records} == {
        "a.csv": ("accepted", True),
        "b.csv": ("refused", False),
        "d.csv": ("refused", False),
    }
    assert stored(made) == ["2026-12-01/ig-dinkes/a.csv"] and waiting(made) == []


def test_archives_in_an_archive_are_opened_once_and_an_archive_of_one_account_stays_whole(made):
    inner = e.archive(("a.csv", instagram()))
    client, path = door(made)
    with client:
        whole = send(client, path, ("satu.zip", inner)).json()
        nested = send(client, path, ("hp.zip", e.archive(("satu.zip", inner), ("b.csv", instagram(5))))).json()
        deep = send(client, path, ("dalam.zip", e.archive(("x.zip", e.archive(("y.zip", inner)))))).json()
    assert [r["outcome"] for r in whole] == ["accepted"] and [r["outcome"] for r in nested] == ["duplicate", "accepted"]
    assert [r["messages"][0]["code"] for r in deep] == ["UNSAFE_ARCHIVE"]
    assert stored(made) == ["2026-12-01/ig-dinkes/b.csv", "2026-12-01/ig-dinkes/satu.zip"]


def test_the_order_of_dates_of_one_account_does_not_help_to_read_a_file_of_another(made):
    place = made.registry / "accounts.csv"
    place.write_text(
        place.read_text()
        .replace("agency_id\n", "agency_id,date_order\n")
        .replace(",dinkes\n", ",dinkes,\n")
        .replace("disdik\n", "disdik,\n")
    )
    place.write_text(
        place.read_text().replace("fb-dinkes,facebook,dinkes.fb,,dinkes,", "fb-dinkes,facebook,dinkes.fb,,dinkes,dmy")
    )
    client, path = door(made)
    records = [e.IG_EN, *e.instagram(4)[1:]]
    for i, row in enumerate(records[1:], 1):
        row[6] = f"0{i}/0{i + 1}/2026 08:00"
    with client:
        (record,) = send(client, path, ("u.csv", e.plain(records))).json()
    (made.root / "u.csv").write_bytes(e.plain(records))
    (night,) = read(made.root / "u.csv", registry=load(made.registry), accounts=["ig-dinkes"])
    assert (record["outcome"], [m["code"] for m in record["messages"]]) == (night.outcome, [m.code for m in night.messages])


def test_the_same_file_twice_is_kept_once_and_answered_twice(made):
    client, path = door(made)
    with client:
        first, again = (send(client, path, ("u.csv", instagram())).json()[0] for _ in range(2))
    assert (first["outcome"], again["outcome"], again["stored"]) == ("accepted", "duplicate", True)
    assert stored(made) == ["2026-12-01/ig-dinkes/u.csv"]


def test_a_reader_that_gives_up_refuses_the_file_and_keeps_the_page(made):
    desk = office(made)
    desk.reader.crash = True
    path = links.make(made, "dinkes").path
    with TestClient(application(made, office=desk)) as client:
        (record,) = send(client, path, ("u.csv", instagram())).json()
        assert client.get(path).status_code == 200
        for _ in range(4):
            last = send(client, path, ("u.csv", instagram()))
    assert (record["outcome"], record["messages"][0]["code"], record["stored"]) == ("refused", "READER_CRASHED", False)
    assert last.status_code == 429  # it costs everybody's time


# --- the page ------------------------------------------------------------------------------------------------------------------


def test_the_page_is_small_and_whole_without_scripts(made):
    client, path = door(made)
    with client:
        page = client.get(path)
        parts = [client.get(a) for a in set(re.findall(r"/aset/[^\"]+", page.text))]
    assert {p.status_code for p in parts} == {200} and len(page.content) + sum(len(p.content) for p in parts) <= 60_000
    assert "Dinas Kesehatan" in page.text and "Yang masih kurang" in page.text and 'enctype="multipart/form-data"' in page.text
    assert "@disdik.simulasi" not in page.text


def test_every_platform_has_its_steps_in_both_languages():
    from pipeline.desk.view import steps
    from pipeline.platforms import platforms

    assert {p for p in platforms() if p not in steps()} == set()
    for how in steps().values():
        assert how["checked"] and len(how["id"]) == len(how["en"]) >= 2


def test_typed_followers_and_posts_become_the_hand_filled_sheets(made):
    client, path = door(made)
    as_json = {"accept": "application/json"}
    with client:
        shown = client.get(f"{path}/isian/wa-dinkes")
        followers = {"isian": "template_followers", "tanggal": ["2026-12-01", "2026-12-01"], "pengikut": ["1250", ""]}
        counted = client.post(f"{path}/isian/ig-dinkes", data=followers, headers=as_json)
        posts = {
            "isian": "template_whatsapp",
            "tautan": "https://whatsapp.com/channel/0029VaAbCdEf/101",
            "tayang": "2026-11-20T09:30",
            "dicatat": "2026-12-01",
            "teks": "Halo",
            "reaksi": "12",
            "diteruskan": "3",
        }
        noted = client.post(f"{path}/isian/wa-dinkes", data=posts, headers=as_json)
        empty = client.post(f"{path}/isian/ig-dinkes", data=followers | {"pengikut": ["", ""]})
        wrong = client.post(f"{path}/isian/ig-dinkes", data=followers | {"pengikut": ["1,2 rb", ""]})
        other = client.post(f"{path}/isian/ig-disdik", data=followers)
    assert "Tautan unggahan" in shown.text
    assert [(r["kind"], r["rows"], r["stored"]) for r in counted.json()] == [("template_followers", 1, True)]
    assert [(r["kind"], r["outcome"], r["stored"]) for r in noted.json()] == [("template_whatsapp", "accepted", True)]
    assert empty.status_code == 400 and other.status_code == 404
    assert "1,2 rb" in wrong.text and "Ditolak" in wrong.text  # what was typed stays in its box
    sheet = (made.inbox / "2026-12-01/ig-dinkes/isian-followers-2026-12-01.csv").read_text()
    assert list(csv.reader(io.StringIO(sheet))) == [["tanggal", "pengikut"], ["2026-12-01", "1250"]]


def test_the_agencys_own_page_is_served_and_no_other(made):
    for name in (
        "id/perangkat/dinkes.html",
        "id/perangkat/disdik.html",
        "id/index.html",
        "aset/plotly.js",
        "id/data/dinkes-a.csv",
    ):
        place = made.site / "latest" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("isi")
    client, path = door(made)
    with client:
        answers = {
            name: client.get(f"{path}/halaman/{name}").status_code
            for name in (
                "id/perangkat/dinkes.html",
                "aset/plotly.js",
                "id/data/dinkes-a.csv",
                "id/perangkat/disdik.html",
                "id/index.html",
                "id/../../../registry/links.csv",
                "id/%2e%2e/%2e%2e/registry/links.csv",
                "aset/../id/index.html",
            )
        }
    assert sorted(answers.values()) == [200] * 3 + [404] * 5 and list(answers.values())[:3] == [200] * 3


# --- in pieces -----------------------------------------------------------------------------------------------------------------


def test_a_broken_upload_goes_on_where_it_stopped(made):
    client, path = door(made)
    data, ticket = instagram(), "ab" * 16
    place = f"{path}/unggah/{ticket}?nama=u.csv"
    with client:
        assert client.get(place).json() == {"ada": 0}
        assert client.put(f"{place}&mulai=0", content=data[:500]).json() == {"ada": 500}
        assert client.put(f"{place}&mulai=0", content=data[:500]).json() == {"ada": 500}  # its answer was lost
        assert client.put(f"{place}&mulai=700", content=data[700:]).status_code == 409
        assert client.post(f"{place}&ukuran={len(data)}").status_code == 409  # not whole: begun anew
        assert client.get(place).json() == {"ada": 0}
        client.put(f"{place}&mulai=0", content=data[:500])
        client.put(f"{place}&mulai=400", content=data[400:])
        done = client.post(f"{place}&ukuran={len(data)}", headers={"accept": "application/json"})
        again = client.post(f"{place}&ukuran={len(data)}", headers={"accept": "application/json"})
    assert [r["stored"] for r in done.json()] == [True] and again.status_code == 409
    assert stored(made) == ["2026-12-01/ig-dinkes/u.csv"]


def test_pieces_of_two_links_never_meet(made):
    client, path = door(made)
    other = links.make(made, "disdik").path
    with client:
        client.put(f"{path}/unggah/{'ab' * 16}?mulai=0", content=b"abc")
        assert client.get(f"{other}/unggah/{'ab' * 16}").json() == {"ada": 0}
        assert client.put(f"{path}/unggah/..%2f..%2fx?mulai=0", content=b"abc").status_code == 404
        assert client.put(f"{path}/unggah/{'ab' * 16}?mulai=-1", content=b"abc").status_code == 400


# --- who may, and how much ---------------------------------------------------------------------------------------------


def test_without_a_valid_link_every_way_is_the_same_wall(made):
    client, path = door(made)
    keeper = links.make(made, None).path
    with client:
        right = client.get(path)
        ways = [
            client.get("/k/abc"),
            client.get(path[:-1] + ("a" if path[-1] != "a" else "b")),
            client.post("/k/abcdefgh-" + "a" * 26, files=[("berkas", ("u.csv", instagram()))]),
            client.get(f"{keeper}/isian/ig-dinkes"),
            client.get(f"{path}/daftar/accounts"),
        ]
    assert right.status_code == 200 and {w.status_code for w in ways} == {404} and len({w.text for w in ways}) == 1
    assert stored(made) == []


def test_guessing_links_is_slowed_down(made):
    client, path = door(made)
    with client:
        codes = [client.get(f"/k/{'a' * 8}-{'b' * 26}").status_code for _ in range(40)]
        assert client.get(path).status_code == 429
    assert codes[:30] == [404] * 30 and codes[-1] == 429


def test_one_link_may_not_knock_for_ever(made):
    client, path = door(made)
    with client:
        codes = [client.get(f"{path}/unggah/{'a' * 32}").status_code for _ in range(310)]
    assert codes[0] == 200 and codes[-1] == 429


def test_every_answer_carries_strict_headers_and_no_cookie(made):
    client, path = door(made)
    with client:
        answers = [client.get(path), client.get("/nowhere"), client.get("/k/x"), client.post(path), client.get("/sehat")]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers and "server" not in answer.headers
        assert "Traceback" not in answer.text and str(made.root) not in answer.text


def test_a_form_on_another_site_is_refused(made):
    client, path = door(made)
    with client:
        answer = client.post(
            path,
            files=[("berkas", ("u.csv", instagram()))],
            headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        )
    assert answer.status_code == 403 and stored(made) == []


def test_a_body_that_says_it_is_too_large_is_not_read(made):
    client, path = door(made)
    read_bytes = 0

    def endless():
        nonlocal read_bytes
        for _ in range(3):
            read_bytes += 1000
            yield b"x" * 1000

    with client:
        headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(quarantine.REQUEST_BYTES + 1)}
        answer = client.post(path, content=b"x", headers=headers)
    assert answer.status_code == 413 and waiting(made) == []


def test_an_endless_body_is_cut_off_and_leaves_nothing(made, monkeypatch):
    monkeypatch.setattr(receive, "REQUEST_BYTES", 200_000)
    client, path = door(made)
    head = b'--b\r\nContent-Disposition: form-data; name="berkas"; filename="u.csv"\r\n\r\n'

    def endless():
        yield head
        for _ in range(10_000):
            yield b"x" * 1000

    with client:
        answer = client.post(path, content=endless(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413 and waiting(made) == []


def test_a_file_over_the_limit_is_refused_and_its_neighbour_taken(made, monkeypatch):
    monkeypatch.setattr(receive, "FILE_BYTES", 20_000)
    client, path = door(made)
    with client:
        records = send(client, path, ("besar.csv", b"x" * 50_000), ("u.csv", instagram())).json()
    assert [(r["messages"][0]["code"] if r["messages"] else None, r["stored"]) for r in records] == [
        ("TOO_LARGE", False),
        (None, True),
    ]


def test_too_many_files_at_once_are_refused_whole(made):
    client, path = door(made)
    with client:
        answer = send(client, path, *[(f"{i}.csv", instagram()) for i in range(quarantine.REQUEST_FILES + 1)])
    assert answer.status_code == 413 and answer.json()["error"] == "too_large"
    assert stored(made) == waiting(made) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="berkas"; filename="u.csv"\r\n\r\nhalf',
        ),
        ("multipart/form-data; boundary=b", b"nothing of the kind"),
        ("application/json", b"{}"),
        ("text/csv", b"a,b\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X" * 20_000),
    ],
)
def test_a_body_that_is_no_whole_form_is_refused_and_leaves_nothing(made, kind, body):
    client, path = door(made)
    with client:
        answer = client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == 400 and stored(made) == waiting(made) == []


def test_a_full_disk_is_said_before_and_while_taking(made, monkeypatch):
    client, path = door(made)
    with client:
        monkeypatch.setattr(quarantine, "SPARE_BYTES", 1 << 60)
        before = send(client, path, ("u.csv", instagram()))
        monkeypatch.undo()

        def full(*_, **__):
            raise OSError(28, "No space left on device", "/secret/place")

        monkeypatch.setattr("pipeline.desk.handin.place", full)
        during = send(client, path, ("u.csv", instagram()))
        monkeypatch.undo()
        after = send(client, path, ("u.csv", instagram()))
    assert (before.status_code, during.status_code, after.status_code) == (507, 507, 200)
    assert "secret" not in during.text and during.json()["error"] == "no_space"
    assert [r["outcome"] for r in after.json()] == ["accepted"]


def test_a_fault_of_ours_shows_nothing_from_inside(made, monkeypatch):
    path = links.make(made, "dinkes").path
    client = TestClient(application(made, office=office(made)), raise_server_exceptions=False)

    async def fault(*_, **__):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("pipeline.desk.view.page", fault)
    with client:
        answer = client.get(path)
    assert answer.status_code == 500 and "secret" not in answer.text
    (log,) = made.logs.iterdir()
    assert "the secret of the house" in log.read_text() and path not in log.read_text()


def test_the_log_names_the_link_and_never_shows_it(made, caplog):
    client, path = door(made)
    with caplog.at_level("DEBUG"), client:
        client.get(path)
        send(client, path, ("u.csv", instagram()))
        client.get(f"{path}/nowhere")
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("terukur", "uvicorn"))]
    token = path.rpartition("/")[2]
    assert any(token.split("-")[0] in line for line in ours) and not any(token in line for line in ours)


def test_registers_broken_while_the_door_is_open_take_nothing_and_blame_no_file(made):
    desk = office(made)
    path = links.make(made, "dinkes").path
    with TestClient(application(made, office=desk)) as client:
        assert client.get(path).status_code == 200
        (made.registry / "accounts.csv").write_text("broken")
        desk.reader.ask = lambda request: {"error": "RegistryError", "bytes": 0}  # as the worker's process tells it
        answer = send(client, path, ("u.csv", instagram()))
        page = client.get(path)
    assert (answer.status_code, answer.json()["error"], page.status_code) == (503, "mending", 200)
    assert stored(made) == waiting(made) == book.read(made, NOW.date()) == []


def test_registers_being_mended_take_nothing(made):
    client, path = door(made)
    (made.registry / "accounts.csv").write_text("broken")
    with client:
        answer = send(client, path, ("u.csv", instagram()))
    assert answer.status_code == 503 and stored(made) == []


def test_what_was_answered_is_in_the_book_before_the_answer(made):
    client, path = door(made)
    with client:
        send(client, path, ("u.csv", instagram()), ("x.csv", b"a,b\n1,2\n"))
    entries = book.read(made, NOW.date())
    assert [(e_.agency_id, e_.account_id, e_.outcome, e_.stored, e_.door) for e_ in entries] == [
        ("dinkes", "ig-dinkes", "accepted", True, "web"),
        ("dinkes", None, "refused", False, "web"),
    ]
    text = "".join(p.read_text() for p in (made.desk / "book").iterdir())
    assert path.rpartition("-")[2] not in text and json.loads(text.splitlines()[0])["rows"] == 12
