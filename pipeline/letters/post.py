"""Sending one mail by SMTP: encrypted, tried again where that can help, at most once, and never failing in silence."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from pipeline.files import write_atomically
from pipeline.settings import Settings

SECONDS = 20  # that one step of the talk with the server may take
PAUSES = (2.0, 10.0)  # before the second and the third attempt
IMPLICIT_TLS = 465


def once(
    folder: Path, key: str, mail: EmailMessage, said: Settings, now: datetime, *, pause: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Send `mail` unless one of this key was sent, and note what became of it: state sent, failed or unknown, and why.

    The note is made before the talk with the server begins. Where the process dies in between nobody knows whether the mail went
    out: its state stays unknown and it is not sent again. What failed is tried again by the next call.
    """
    place = folder / f"surat-{key}.json"
    before = read(place)
    if before.get("state") in ("sent", "unknown"):
        return before
    note: dict[str, Any] = {"state": "unknown", "at": now.isoformat(timespec="seconds"), "reason": "", "pid": os.getpid()}
    write_atomically(place, json.dumps(note))
    reason = _try(mail, said, pause)
    note |= {"state": "failed" if reason else "sent", "reason": reason}
    write_atomically(place, json.dumps(note))
    return note


def read(place: Path) -> dict[str, Any]:
    """A note, or nothing where there is none or it cannot be read."""
    with suppress(OSError, ValueError):
        found = json.loads(place.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _try(mail: EmailMessage, said: Settings, pause: Callable[[float], None]) -> str:
    """Why the mail could not be sent, or nothing. What the server refuses for good is not asked again."""
    reason = ""
    for wait in (0.0, *PAUSES):
        if wait:
            pause(wait)
        try:
            _talk(mail, said)
            return ""
        except smtplib.SMTPResponseException as error:
            reason = f"{error.smtp_code} {_text(error.smtp_error)}"
            if error.smtp_code >= 500:
                return reason
        except smtplib.SMTPRecipientsRefused as error:
            refused = {address: f"{code} {_text(said_)}" for address, (code, said_) in error.recipients.items()}
            reason = "; ".join(f"{address}: {why}" for address, why in refused.items())
            if all(code >= 500 for code, _ in error.recipients.values()):
                return reason
        except (OSError, smtplib.SMTPException) as error:
            reason = f"{type(error).__name__}: {error}"
    return reason


def _talk(mail: EmailMessage, said: Settings) -> None:
    host, port = said.smtp_host or said.mail_host or "", said.smtp_port
    tls = ssl.create_default_context()
    is_implicit = port == IMPLICIT_TLS and not said.mail_plain
    kind = (
        smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=tls) if is_implicit else smtplib.SMTP(host, port, timeout=SECONDS)
    )
    with kind as server:
        if not said.mail_plain and not is_implicit:
            server.starttls(context=tls)
        if server.has_extn("auth") and said.mail_user and said.mail_password:
            server.login(said.mail_user, said.mail_password.get_secret_value())
        refused = server.send_message(mail)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


def _text(raw: bytes | str) -> str:
    return " ".join((raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)).split())[:200]


def mail(said: Settings, subject: str, body: str, now: datetime, key: str) -> EmailMessage:
    """A mail of ours. Its id hangs on the key alone, so that a server that gets it twice knows it for the same."""
    made = EmailMessage()
    made["From"] = said.mail_from or said.mail_user or "terukur@localhost"
    made["To"] = ", ".join(recipients(said))
    made["Subject"] = " ".join(subject.split())
    made["Date"] = now
    made["Message-ID"] = f"<terukur-{key}@{made['From'].addresses[0].domain or 'localhost'}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(body)
    return made


def recipients(said: Settings) -> list[str]:
    return [address for address in (said.report_to or "").replace(";", ",").replace(",", " ").split() if address]


def is_set(said: Settings) -> bool:
    return bool(recipients(said) and (said.smtp_host or said.mail_host))
