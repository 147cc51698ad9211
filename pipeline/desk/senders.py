"""Who sends by mail and by chat: `registry/senders.csv` says for which agency an address, a number or a chat name speaks.

A person's address is kept here and nowhere else; it is needed to know whose files they are and to answer.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.desk.directory import Directory
from pipeline.desk.handin import Sender
from pipeline.registry import Problem, RegistryError, nearest

FILE = "senders.csv"
COLUMNS = ("sender", "agency_id", "account_id", "note")


@dataclass(frozen=True)
class Known:
    """One line: the key under which a sender is found, and for whom it speaks."""

    key: str
    agency_id: str
    account_id: str | None


def key(text: str) -> str:
    """How senders are compared: addresses and names without case, numbers by their digits from the country code on."""
    said = " ".join(text.replace("\u200e", "").replace("\u202a", "").replace("\u202c", "").split()).strip().casefold()
    if re.fullmatch(r"[+\d][\d\s().\u00a0-]{6,}", said):
        digits = re.sub(r"\D", "", said)
        return "62" + digits[1:] if digits.startswith("0") else digits
    return said.lstrip("~@ ").strip()


def load(registry: Path, known: Directory) -> dict[str, Known]:
    """Senders by key. Raises RegistryError with every line that is wrong."""
    place = registry / FILE
    if not place.exists():
        return {}
    lines = place.read_text(encoding="utf-8-sig").splitlines()
    top = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    found: dict[str, Known] = {}
    problems: list[Problem] = []
    reader = csv.DictReader(lines[top:])
    if reader.fieldnames is not None and not {"sender", "agency_id"} <= set(reader.fieldnames):
        words = ("baris judul harus memuat sender,agency_id", "the header needs sender,agency_id")
        raise RegistryError([Problem(FILE, top + 1, "", *words)])
    for row in reader:
        line = top + reader.line_num
        one, wrong = _row(row, line, known)
        problems += wrong
        if one.key in found:
            problems.append(Problem(FILE, line, "sender", "pengirim tertulis dua kali", "the sender appears twice"))
        found[one.key] = one
    if problems:
        raise RegistryError(problems)
    return found


def _row(row: dict[str, str | None], line: int, known: Directory) -> tuple[Known, list[Problem]]:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    one = Known(key(values["sender"]), values["agency_id"], values["account_id"] or None)
    problems = []
    if not one.key:
        problems.append(Problem(FILE, line, "sender", "wajib diisi", "must be filled in"))
    if one.agency_id not in known.agencies:
        near = nearest(one.agency_id, list(known.agencies))
        said = (f"'{one.agency_id}' tidak ada di agencies.csv{near[0]}", f"'{one.agency_id}' is not in agencies.csv{near[1]}")
        problems.append(Problem(FILE, line, "agency_id", *said))
    account = known.accounts.get(one.account_id or "")
    if one.account_id and (account is None or account.agency_id != one.agency_id):
        said = (f"'{one.account_id}' bukan akun perangkat daerah itu", f"'{one.account_id}' is no account of that agency")
        problems.append(Problem(FILE, line, "account_id", *said))
    return one, problems


def sender(known: Directory, one: Known, door: str) -> Sender:
    """For whom a line speaks today."""
    agency = known.agencies.get(one.agency_id)
    accounts = tuple(a.account_id for a in agency.accounts) if agency else ()
    return Sender(one.agency_id, tuple(a for a in accounts if one.account_id in (None, a)), door, None)


def by_handle(known: Directory, text: str, door: str) -> Sender | None:
    """A chat name that is the handle or id of one account, or the name of one agency."""
    said = key(text)
    owners = {
        a.agency_id
        for a in known.accounts.values()
        if said in (a.account_id.casefold(), (a.handle or "\x00").casefold().lstrip("@"))
    }
    owners |= {a.agency_id for a in known.agencies.values() if said in (a.name.casefold(), a.short_name.casefold(), a.agency_id)}
    if len(owners) != 1:
        return None
    return sender(known, Known(said, owners.pop(), None), door)
