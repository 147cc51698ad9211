"""The mailbox door: attachments of registered senders are handed in, and the verdict goes back as a reply.

Only senders of `registry/senders.csv` are read and answered. A sender's address can be forged: a mail is believed only where our
own mail server says that it proved its origin (`TERUKUR_MAIL_AUTHSERV`), or where the keeper decided to do without. Either way a
file has to name, or fit, an account of that agency. A mail is marked as read after its reply is out; killed in between, it is
answered once more, and its files are found to be here already.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr

from imap_tools import AND, BaseMailBox, MailBox, MailBoxUnencrypted, MailMessage, MailMessageFlags

from pipeline import registry
from pipeline.desk import book, senders, verdicts
from pipeline.desk.coverage import Covered
from pipeline.desk.directory import Directory, directory
from pipeline.desk.handin import Answer, Sender, hand_in
from pipeline.desk.links import locked
from pipeline.desk.quarantine import FILE_BYTES, REQUEST_FILES, Quarantine, open_body
from pipeline.desk.worker import Reader
from pipeline.html.locale import Words
from pipeline.settings import Settings, Workspace, settings

LARGEST = FILE_BYTES * 4 // 3 + 1024 * 1024  # base64 and a few words
TIMEOUT = 60
MAILS = 200  # in one go
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".zip", ".json")


class NoMailbox(ValueError):
    """No mailbox is set up."""

    exit_status = 2
    id = "Kotak surel belum diatur: isi TERUKUR_MAIL_HOST, TERUKUR_MAIL_USER dan TERUKUR_MAIL_PASSWORD (docs/operasi.md)."
    en = "No mailbox is set up: set TERUKUR_MAIL_HOST, TERUKUR_MAIL_USER and TERUKUR_MAIL_PASSWORD (docs/operasi.md)."


class MailFault(RuntimeError):
    """The mail server refused or could not be reached; mails stay unread and are taken next time."""

    exit_status = 6

    def __init__(self, what: str):
        self.id = f"Server surel tidak dapat dipakai ({what}); surel dibiarkan dan diambil lain kali."
        self.en = f"The mail server cannot be used ({what}); mails were left and are taken next time."
        super().__init__(self.en)


@dataclass
class Collected:
    """What one look into the mailbox brought. `strangers`: mails that were left alone; `unanswered`: files kept,
    but the mail server would not take the reply."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    mails: int = 0
    strangers: int = 0
    unanswered: int = 0


@contextmanager
def hands(workspace: Workspace, door: str) -> Iterator[tuple[Reader, Quarantine]]:
    """A reader and a quarantine for a door other than the page; one process at a time."""
    place = Quarantine(workspace, f"quarantine-{door}")
    reader = Reader()
    with locked(workspace.desk, f"{door}.lock"):
        place.create()
        place.sweep(everything=True)
        try:
            yield reader, place
        finally:
            reader.stop()


def collect(workspace: Workspace, *, now: datetime | None = None) -> Collected:
    """Look into the mailbox once. Raises NoMailbox or MailFault."""
    said = settings()
    if not (said.mail_host and said.mail_user and said.mail_password):
        raise NoMailbox
    moment = now or datetime.now(UTC)
    known = directory(registry.load(workspace.registry), moment.astimezone(book.WIB).date())
    everyone = senders.load(workspace.registry, known)
    done = Collected()
    try:
        with hands(workspace, "mail") as (reader, place), _open(said) as box:
            for uid in _waiting(box):
                try:
                    _one(workspace, said, box, uid, everyone, known, reader, place, moment, done)
                except smtplib.SMTPRecipientsRefused:  # stays unread and is tried again; the next mail is not kept waiting
                    done.unanswered += 1
    except (OSError, smtplib.SMTPException) as error:
        raise MailFault(type(error).__name__) from error
    except Exception as error:
        if type(error).__module__.startswith("imap"):
            raise MailFault(type(error).__name__) from error
        raise
    return done


@contextmanager
def _open(said: Settings) -> Iterator[BaseMailBox]:
    assert said.mail_user is not None and said.mail_password is not None
    if said.mail_plain:
        box: BaseMailBox = MailBoxUnencrypted(said.mail_host, port=said.mail_port or 143, timeout=TIMEOUT)
    else:
        box = MailBox(said.mail_host, port=said.mail_port or 993, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    box.login(said.mail_user, said.mail_password.get_secret_value(), initial_folder=said.mail_folder)
    try:
        yield box
    finally:
        with suppress(Exception):  # everything is done by then; a server that does not say goodbye changes nothing
            box.logout()


def _waiting(box: BaseMailBox) -> list[str]:
    return box.uids(AND(seen=False))[:MAILS]


def _one(
    workspace: Workspace,
    said: Settings,
    box: BaseMailBox,
    uid: str,
    everyone: dict[str, senders.Known],
    known: Directory,
    reader: Reader,
    place: Quarantine,
    now: datetime,
    done: Collected,
) -> None:
    """One mail: nothing of it is fetched but its head, until it is known whose it is and how large."""
    head = next(iter(box.fetch(AND(uid=uid), headers_only=True, mark_seen=False)), None)
    if head is None:
        return
    one = everyone.get(senders.key(head.from_))
    if one is None or not _is_for_us(head, said):
        done.strangers += 1
        return
    sender = senders.sender(known, one, "mail")
    if head.size_rfc822 > LARGEST:
        answers: list[Answer] = []
    else:
        whole = next(iter(box.fetch(AND(uid=uid), mark_seen=False)), None)
        answers = _hand_in(workspace, reader, place, whole, sender, now) if whole else []
    done.mails += 1
    done.answers += [(head.from_, answer) for answer in answers]
    _reply(said, head, answers, known, now, is_too_large=head.size_rfc822 > LARGEST)
    box.flag(uid, [MailMessageFlags.SEEN, MailMessageFlags.ANSWERED], True)


def _is_for_us(head: MailMessage, said: Settings) -> bool:
    """No answer to machines, none to ourselves, and none to a mail that did not prove its origin where that is asked."""
    headers = {name.lower(): " ".join(values).lower() for name, values in head.headers.items()}  # type: ignore[no-untyped-call]
    if headers.get("auto-submitted", "no") != "no" or headers.get("precedence", "") in ("bulk", "list", "junk"):
        return False
    if parseaddr(said.mail_from or said.mail_user or "")[1].casefold() == head.from_.casefold():
        return False
    return not said.mail_authserv or _is_proven(head, said.mail_authserv)


def _is_proven(head: MailMessage, server: str) -> bool:
    """The topmost result of our own server: DKIM, SPF or DMARC passed for the domain of the From line."""
    domain = head.from_.rpartition("@")[2].casefold()
    given = head.headers.items()  # type: ignore[no-untyped-call]
    results = next((v for n, v in given if n.lower() == "authentication-results"), ())
    for result in results[:1]:
        name, _, rest = " ".join(result.split()).casefold().partition(";")
        if name.split()[:1] != [server.casefold()]:
            return False
        for method in rest.split(";"):
            passed = re.search(r"\b(dkim|spf|dmarc)=pass\b", method)
            whose = re.search(r"(?:header\.(?:d|from|i)|smtp\.mailfrom)=\"?@?([\w.@+-]+)", method)
            if passed and whose and whose[1].rpartition("@")[2] == domain:
                return True
    return False


def _hand_in(
    workspace: Workspace, reader: Reader, place: Quarantine, mail: MailMessage, sender: Sender, now: datetime
) -> list[Answer]:
    answers: list[Answer] = []
    wanted = [a for a in mail.attachments if (a.filename or "").casefold().endswith(SUFFIXES) and a.size <= FILE_BYTES]
    for attachment in wanted[:REQUEST_FILES]:
        ticket = place.open("mail", attachment.filename)
        with open_body(ticket, "wb") as file:
            file.write(attachment.payload)
        answers += hand_in(workspace, reader, ticket, sender, now=now)
    return answers


def _reply(
    said: Settings, head: MailMessage, answers: list[Answer], known: Directory, now: datetime, *, is_too_large: bool
) -> None:
    """The verdict, Indonesian first, to the registered address that wrote."""
    mail = EmailMessage()
    mail["From"] = said.mail_from or said.mail_user
    mail["To"] = head.from_
    subject = " ".join(head.subject.split())[:120]
    mail["Subject"] = subject if subject.casefold().startswith("re:") else f"Re: {subject}"
    mail["Date"] = now
    mail["Message-ID"] = make_msgid(domain="terukur.invalid")
    mail["Auto-Submitted"] = "auto-replied"
    given = head.headers.items()  # type: ignore[no-untyped-call]
    if original := next((v[0] for n, v in given if n.lower() == "message-id"), ""):
        mail["In-Reply-To"] = mail["References"] = " ".join(original.split())[:200]
    mail.set_content("\n\n".join(_text(answers, Words(language), known, now, is_too_large) for language in ("id", "en")))
    host, port = said.smtp_host or said.mail_host or "", said.smtp_port
    with smtplib.SMTP(host, port, timeout=TIMEOUT) as server:
        if not said.mail_plain:
            server.starttls(context=ssl.create_default_context())
        if server.has_extn("auth") and said.mail_user and said.mail_password:
            server.login(said.mail_user, said.mail_password.get_secret_value())
        server.send_message(mail)


def _text(answers: list[Answer], words: Words, known: Directory, now: datetime, is_too_large: bool) -> str:
    if is_too_large:
        return words.plain("The mail is too large. Send the files one by one, or through the page of your link.")
    if not answers:
        return words.plain("No file was found in this mail. Attach the export as it was downloaded (CSV, XLSX or ZIP).")
    today = now.astimezone(book.WIB).date()
    return "\n\n".join(verdicts.in_words(answers, words, known, lambda _: Covered(), today))
