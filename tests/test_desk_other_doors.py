"""Mailbox and chat archive: the same verdict as at the page, and nothing else of a mail or a chat is kept."""

import json
from email.message import EmailMessage

import exports_in_tests as e
import pytest
from desk_in_tests import InProcess, instagram, stored, workspace
from mail_in_tests import mail_server
from test_cli import call

from pipeline.desk import book, chat, links, mailbox
from pipeline.registry import RegistryError

SENDERS = "sender,agency_id,account_id,note\nadmin@dinkes.example,dinkes,,\n+62 812-3456-7890,dinkes,,\nBu Ani Disdik,disdik,,\n"


@pytest.fixture
def made(tmp_path):
    here = workspace(tmp_path / "w")
    (here.registry / "senders.csv").write_text(SENDERS)
    return here


@pytest.fixture
def mail(monkeypatch):
    with mail_server() as (folder, sent, settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(mailbox, "Reader", InProcess)
        yield folder, sent


def letter(sender, *files, **headers):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, "terima@kab.example", "Data Oktober", "<a@b>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("Mohon diterima, ini nomor HP saya 0812000111.")
    for name, data in files:
        made.add_attachment(data, maintype="text", subtype="csv", filename=name)
    return made


# --- mail ----------------------------------------------------------------------------------------------------------------------


def test_a_registered_sender_hands_in_by_mail_and_is_answered(made, mail):
    folder, sent = mail
    folder.add(letter("Admin <admin@dinkes.example>", ("u.csv", instagram()), ("x.csv", b"a,b\n1,2\n")))
    done = mailbox.collect(made)
    assert [(a.outcome, a.record["stored"]) for _, a in done.answers] == [("accepted", True), ("refused", False)]
    assert [path.partition("/")[2] for path in stored(made)] == ["ig-dinkes/u.csv"]
    (reply,) = sent
    text = reply.get_payload(decode=True).decode()
    assert reply["To"] == "admin@dinkes.example" and reply["In-Reply-To"] == "<a@b>" and reply["Auto-Submitted"] == "auto-replied"
    assert "Diterima: u.csv" in text and "Ditolak: x.csv" in text and "Accepted: u.csv" in text
    assert folder.unseen() == [] and mailbox.collect(made).mails == 0
    assert {entry.door for entry in book.read(made, book.datetime(2020, 1, 1).date())} == {"mail"}
    kept = b"".join(p.read_bytes() for p in made.desk.rglob("*") if p.is_file())
    assert b"0812000111" not in kept and b"admin@dinkes" not in kept


def held_back(made):
    """Files that lie in the quarantine of any door."""
    return [p for p in made.desk.glob("quarantine*/*/*/*") if p.is_file()]


def test_a_file_by_mail_that_names_nobody_is_not_kept_and_sent_to_the_page_where_it_can_be_asked(made, mail):
    folder, sent = mail
    folder.add(letter("admin@dinkes.example", ("Views.csv", e.blocks(("Views", e.series(9))))))
    ((_, answer),) = mailbox.collect(made).answers
    assert (answer.outcome, answer.record["stored"], answer.choices) == ("held", False, ["ig-dinkes", "fb-dinkes"])
    assert stored(made) == [] and held_back(made) == [], "nobody can answer for it any more"
    text = sent[0].get_payload(decode=True).decode()
    assert "lewat halaman" in text and "di bawah" not in text


def test_a_stranger_is_neither_read_nor_answered(made, mail):
    folder, sent = mail
    folder.add(letter("siapa@luar.example", ("u.csv", instagram())))
    folder.add(letter("admin@dinkes.example", ("u.csv", instagram()), Auto_Submitted="auto-replied"))
    done = mailbox.collect(made)
    assert (done.mails, done.strangers, sent, stored(made)) == (0, 2, [], [])
    assert folder.unseen() == [1, 2] and {what for _, what in folder.fetched} == {"head"}


def test_a_forged_sender_is_left_where_the_mail_server_vouches(made, mail, monkeypatch):
    folder, sent = mail
    monkeypatch.setenv("TERUKUR_MAIL_AUTHSERV", "mx.kab.example")
    passed = "mx.kab.example; dkim=pass header.d=dinkes.example; spf=fail smtp.mailfrom=x@evil.example"
    other = "mx.kab.example; dkim=pass header.d=evil.example; dmarc=fail header.from=dinkes.example"
    forged = "mx.evil.example; dkim=pass header.d=dinkes.example"
    for proof in (passed, other, forged):
        folder.add(letter("admin@dinkes.example", ("u.csv", instagram()), Authentication_Results=proof))
    folder.add(letter("admin@dinkes.example", ("u.csv", instagram())))
    done = mailbox.collect(made)
    assert (done.mails, done.strangers, len(sent), folder.unseen()) == (1, 3, 1, [2, 3, 4])


def test_a_mail_that_is_too_large_is_answered_unread(made, mail, monkeypatch):
    folder, sent = mail
    monkeypatch.setattr(mailbox, "LARGEST", 1000)
    folder.add(letter("admin@dinkes.example", ("u.csv", instagram(200))))
    mailbox.collect(made)
    assert "terlalu besar" in sent[0].get_payload(decode=True).decode() and {what for _, what in folder.fetched} == {"head"}


def test_killed_before_the_mark_a_mail_is_answered_again_and_kept_once(made, mail, monkeypatch):
    folder, sent = mail
    folder.add(letter("admin@dinkes.example", ("u.csv", instagram())))
    with monkeypatch.context() as broken:
        broken.setattr("imap_tools.BaseMailBox.flag", lambda *_: (_ for _ in ()).throw(ConnectionError("gone")))
        with pytest.raises(mailbox.MailFault):
            mailbox.collect(made)
    done = mailbox.collect(made)
    assert len(sent) == 2 and [a.outcome for _, a in done.answers] == ["duplicate"] and len(stored(made)) == 1


def test_the_command_says_what_is_not_set_up(made):
    done = call("terima", "surel", workspace=made.root)
    assert done.returncode == 2 and "TERUKUR_MAIL_HOST" in done.stderr


@pytest.mark.parametrize(
    ("line", "column"),
    [("a@b.example,dinkess,,", "agency_id"), ("a@b.example,dinkes,ig-disdik,", "account_id"), (",dinkes,,", "sender")],
)
def test_a_wrong_line_of_senders_is_named(made, line, column):
    (made.registry / "senders.csv").write_text("# catatan\nsender,agency_id,account_id,note\n" + line + "\n")
    from pipeline.cli.terima import _directory
    from pipeline.desk import senders

    session = type("Session", (), {"workspace": made})()
    with pytest.raises(RegistryError) as wrong:
        senders.load(made.registry, _directory(session))
    assert [(p.line, p.column) for p in wrong.value.problems] == [(3, column)]


# --- chat ----------------------------------------------------------------------------------------------------------------------

ANDROID = """31/10/26 09.15 - Pesan dan panggilan terenkripsi.
31/10/26 09.15 - Bu Ani Disdik: Assalamualaikum, ini berkasnya ya, ibu Siti sakit
31/10/26 09.16 - Bu Ani Disdik: disdik.csv (file terlampir)
01/11/26 10.02 - +62 812-3456-7890: dinkes.csv (file attached)
mohon dicek
01/11/26 10.03 - Pak Budi: asing.csv (file terlampir)
02/11/26 11.00 - +62 812-3456-7890: IMG-20261102-WA0001.jpg (file terlampir)
"""
IPHONE = (
    "[31/10/26 09.15.33] @dinkes.simulasi: \u200e<terlampir: 00000012-dinkes.csv>\n[31/10/26 09.16.00] Bu Ani Disdik: siap bu\n"
)


def archive(text, name="_chat.txt", *extra):
    foreign = {"account": "17841400000000002", "handle": "disdik.simulasi"}
    files = [
        ("disdik.csv", instagram(**foreign)),
        ("dinkes.csv", instagram()),
        ("00000012-dinkes.csv", instagram()),
        ("asing.csv", b"x"),
    ]
    return e.archive((name, text.encode()), ("IMG-20261102-WA0001.jpg", b"\xff\xd8\xff"), *files, *extra)


def test_attachments_go_to_their_senders_accounts_on_the_day_they_were_sent(made, tmp_path):
    place = tmp_path / "WhatsApp Chat.zip"
    place.write_bytes(archive(ANDROID, "Chat WhatsApp dengan Grup.txt"))
    done = call("terima", "obrolan", place, "--json", workspace=made.root)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["file"], r["outcome"], r["stored"]) for r in records] == [
        ("disdik.csv", "accepted", True),
        ("dinkes.csv", "accepted", True),
    ]
    assert stored(made) == ["2026-10-31/ig-disdik/disdik.csv", "2026-11-01/ig-dinkes/dinkes.csv"] and held_back(made) == []
    assert done.returncode == 3 and "senders.csv" in done.stderr  # Pak Budi
    kept = b"".join(p.read_bytes() for p in made.root.rglob("*") if p.is_file() and "registry" not in p.parts)
    assert b"Siti" not in kept and b"Budi" not in kept and b"812-3456" not in kept


def test_an_iphones_chat_and_a_sender_called_like_his_account(made, tmp_path):
    place = tmp_path / "c.zip"
    place.write_bytes(archive(IPHONE))
    done = call("terima", "obrolan", place, workspace=made.root)
    assert done.returncode == 0, done.stderr
    assert stored(made) == ["2026-10-31/ig-dinkes/00000012-dinkes.csv"] and "Diterima" in done.stdout


def test_days_that_can_be_read_two_ways_have_to_be_told(made, tmp_path):
    place = tmp_path / "c.zip"
    place.write_bytes(
        archive(ANDROID.replace("31/10/26", "01/02/26").replace("01/11/26", "02/03/26").replace("02/11/26", "03/04/26"))
    )
    done = call("terima", "obrolan", place, workspace=made.root)
    assert done.returncode == 2 and "dmy" in done.stderr and stored(made) == []
    told = call("terima", "obrolan", place, "--urutan", "mdy", workspace=made.root)
    assert told.returncode == 3 and stored(made)[0].startswith("2026-01-02/")


def test_what_is_no_chat_is_said_so(made, tmp_path):
    for name, data in (("a.zip", b"PK nonsense"), ("b.zip", e.archive(("x.csv", b"a"))), ("c.zip", archive("hanya teks"))):
        (tmp_path / name).write_bytes(data)
        done = call("terima", "obrolan", tmp_path / name, workspace=made.root)
        assert done.returncode == 2 and "ekspor obrolan" in done.stderr.lower(), name
    assert stored(made) == []


def test_a_bomb_among_the_attachments_is_not_unpacked(made, tmp_path):
    place = tmp_path / "c.zip"
    place.write_bytes(archive(ANDROID.replace("dinkes.csv", "bom.csv"), "_chat.txt", ("bom.csv", b"0" * 80_000_000)))
    done = call("terima", "obrolan", place, workspace=made.root)
    assert done.returncode == 2 and not [p for p in stored(made) if "bom" in p]


@pytest.mark.parametrize(
    ("days", "order"),
    [
        ([(31, 10, 26), (1, 11, 26)], "dmy"),
        ([(10, 31, 26), (11, 1, 26)], "mdy"),
        ([(5, 5, 26), (6, 6, 26)], "dmy"),
        ([(1, 2, 26), (3, 1, 26)], "mdy"),
    ],
)
def test_the_chat_itself_settles_the_order_where_it_can(days, order):
    assert chat._order(days, chat.date(2026, 12, 1), None) == order


def test_the_keeper_drops_a_chat_on_the_page(made):
    from desk_in_tests import office
    from starlette.testclient import TestClient

    from pipeline.desk.service import application

    keeper, agency = links.make(made, None).path, links.make(made, "dinkes").path
    with TestClient(application(made, office=office(made))) as client:
        page = client.post(keeper, files=[("berkas", ("c.zip", archive(ANDROID), "application/zip"))])
        other = client.post(agency, files=[("berkas", ("c.zip", archive(ANDROID), "application/zip"))])
    assert "Pak Budi" in page.text and page.text.count("Diterima") == 2
    assert "Pak Budi" not in other.text  # an agency's own ZIP is an archive of exports, not a chat
