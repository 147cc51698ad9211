"""What a handed-in file is, whose it is, and whether it may go into the inbox: the night's own reading, a few hours earlier.

Runs in the worker process. A file is read as it would be read from `inbox/<day>/<account>/`, so that the night says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipeline.desk.directory import Directory
from pipeline.desk.quarantine import safe_name
from pipeline.engine.models import read_model
from pipeline.exports import guards, read
from pipeline.exports.messages import Refused, message
from pipeline.exports.model import Export
from pipeline.exports.ownership import Accounts, assign
from pipeline.files import shipped
from pipeline.formats import Format, all_formats, by_kind
from pipeline.platforms import platforms

KEPT = ("accepted", "flagged")
SPLIT_BYTES = 256 * 2**20


@dataclass
class Found:
    """One export: `record` as `inspect --json` gives it, and what the door adds to it.

    `targets`: accounts of the sender whose folder it belongs to. `door`: whose the file is, where it is another agency's.
    `choices`: accounts among which the sender has to choose. `span`: days that it covers, as the warehouse will count them.
    """

    record: dict[str, Any]
    title_id: str = ""
    title_en: str = ""
    targets: list[str] = field(default_factory=list)
    door: str | None = None
    choices: list[str] = field(default_factory=list)
    span: tuple[str, str] | None = None


@dataclass
class Part:
    """One file to be kept or refused as a whole: the file that was handed in, or a member of an archive of several accounts."""

    path: str
    name: str
    found: list[Found]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Case:
    """What is known from outside: the registry, the sender's accounts, the day (WIB), the instant."""

    registry: Any
    directory: Directory
    given: tuple[str, ...]
    day: date
    now: datetime


def judge(path: Path, name: str, case: Case, *, may_split: bool = True) -> list[Part]:
    """Read one file. An archive that holds files of several accounts, or archives, is taken apart once.

    Where the sender has several accounts the file is read twice: first to see whose it is, then as that account's, as the night
    reads it. What is declared of one account (its order of day and month) must not help to read a file of another.
    """
    found = _found(path, name, case)
    if may_split and _is_mixed(found) and (members := _members(path)):
        parts = []
        for number, member in enumerate(members):
            place = path.with_name(f"{path.name}.{number}")
            place.write_bytes(member.data)
            parts += judge(place, safe_name(member.name), case, may_split=False)
        return parts
    only = {tuple(f.targets or f.choices) for f in found if f.targets or f.choices}
    if len(case.given) > 1 and len(only) == 1 and len(whose := next(iter(only))) == 1:
        found = _found(path, name, replace(case, given=whose))
    return [Part(path.name, name, found)]


def _found(path: Path, name: str, case: Case) -> list[Found]:
    told = {"registry": case.registry, "accounts": list(case.given), "folder_date": case.day, "first_seen": case.now}
    return [_one(export, case) for export in read(path, name=name, **told)]


def _is_mixed(found: Sequence[Found]) -> bool:
    """Whether this is an archive whose members go to different folders, or that holds further archives."""
    if not found or not any(f.record["member"] or _code(f) == "UNSAFE_ARCHIVE" for f in found):
        return False
    nested = any(_code(f) == "UNSAFE_ARCHIVE" and f.record["messages"][0]["seen"] == "nested archive" for f in found)
    targets = {tuple(f.targets or f.choices) for f in found if f.targets or f.choices}
    foreign = any(_code(f) in ("WRONG_ACCOUNT", "UNKNOWN_ACCOUNT", "COPY_ALSO") for f in found) and len(found) > 1
    return nested or len(targets) > 1 or foreign


def _code(found: Found) -> str | None:
    return next((m["code"] for m in found.record["messages"]), None) if found.record["outcome"] in ("refused", "held") else None


def _members(path: Path) -> list[guards.Member]:
    """The files in a plain archive; nothing for a workbook or for an archive that breaks a rule of safety."""
    data = path.read_bytes()
    try:
        if guards.container(data) != "zip":
            return []
        members = guards.unpack(data, guards.Limits(unpacked=SPLIT_BYTES), workbook=True)
    except Refused:
        return []
    return [m for m in members if not guards.is_noise(m.name)]


def _one(export: Export, case: Case) -> Found:
    choices = _asked(export, case)
    if choices:  # none of the sender's accounts is wrong: it is not said which
        export.outcome, export.messages = "held", [message("UNKNOWN_ACCOUNT", "", export.file)]
    targets = _targets(export, case)
    if export.outcome in KEPT:
        assign(export, targets[:1], Accounts(case.registry), _format(export.kind))
    found = Found(export.as_json(), targets=targets if export.outcome in KEPT else [])
    found.record["messages"].sort(key=lambda m: _order(m["code"]))
    if export.kind:
        found.title_id, found.title_en = _titles(export.kind)
    codes = {m.code for m in export.messages}
    if export.outcome in ("refused", "held") and "WRONG_ACCOUNT" in codes:
        found.door = _other_door(export, case)
    found.choices = choices
    if export.outcome in KEPT and targets:
        found.span = _span(export, targets[0])
    return found


def _order(code: str) -> int:
    from pipeline.exports.messages import TEXTS

    return ("refused", "held", "flagged", "info").index(TEXTS[code].level) if code in TEXTS else 0


@cache
def _format(kind: str | None) -> Format | None:
    try:
        return by_kind(kind) if kind else None
    except KeyError:  # a table that a mapping of the registry describes
        return None


def _titles(kind: str) -> tuple[str, str]:
    form = _format(kind)
    return (form.title_id, form.title_en) if form else ("", "")


def _asked(export: Export, case: Case) -> list[str]:
    """The accounts among which the sender has to choose: the file names nobody and several of his could have made it."""
    codes = {m.code for m in export.messages}
    if export.outcome in KEPT or not codes & {"UNKNOWN_ACCOUNT", "WRONG_ACCOUNT"}:
        return []
    if any(a.platform_account_id or a.handle for a in export.accounts):
        return []
    return _fitting(export, case)


def _targets(export: Export, case: Case) -> list[str]:
    """The sender's accounts that this export speaks of: those it names, else the only one of its platform."""
    named = [a.account_id for a in export.accounts if a.account_id in case.given]
    fitting = named or _fitting(export, case)
    if export.grain == "case" and not named:  # a complaint system knows no account; any folder of the agency will do
        return list(case.given[:1])
    return list(dict.fromkeys(a for a in fitting if a))[:1] if named or len(fitting) == 1 else []


def _fitting(export: Export, case: Case) -> list[str]:
    """The sender's accounts of this export's platform; Meta's overview files do not say which of its two they are of."""
    family = (export.kind or "").partition(".")[0] + "."
    possible = {export.platform} if export.platform else {f.platform for f in all_formats() if f.kind.startswith(family)} - {None}
    return [a.account_id for a in case.directory.of(case.given) if not possible or a.platform in possible]


def _other_door(export: Export, case: Case) -> str | None:
    """The registered account that the file names, where the sender may not hand in for it."""
    for named in export.accounts:
        if named.account_id and named.account_id not in case.given and named.account_id in case.directory.accounts:
            return named.account_id
    return None


# --- which days it covers ---------------------------------------------------------------------------------------------------

_TABLES = """
CREATE SCHEMA raw; CREATE SCHEMA staging; CREATE SCHEMA reference;
CREATE TABLE raw.exports (export_id BIGINT, account_id VARCHAR, period_start DATE, period_end DATE, platform VARCHAR,
    captured_at TIMESTAMP, captured_from VARCHAR, grain VARCHAR, outcome VARCHAR, kind VARCHAR);
CREATE TABLE raw.post_snapshots (export_id BIGINT, account_key BIGINT, published_on DATE);
CREATE TABLE raw.account_keys (account_key BIGINT, account_id VARCHAR);
CREATE TABLE staging.top_lists (export_id BIGINT);
CREATE TABLE reference.platforms (platform VARCHAR, post_days VARCHAR);
INSERT INTO raw.account_keys VALUES (1, $account)"""


def _span(export: Export, account_id: str) -> tuple[str, str] | None:
    """First and last day that an export covers. For posts it is the warehouse's own rule, asked on this one file."""
    if export.grain == "account_day":
        return (export.first[:10], export.last[:10]) if export.first and export.last else None
    if export.grain != "post" or export.captured_at is None:
        return None
    con = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
    try:
        for statement in _TABLES.split(";"):
            con.execute(statement, {"account": account_id} if "$account" in statement else None)
        start, end = export.period or (None, None)
        captured = export.captured_at.replace(tzinfo=None)
        con.execute(
            "INSERT INTO raw.exports VALUES (1, $account, $start, $end, $platform, $captured, $source, 'post', $outcome, $kind)",
            {
                "account": account_id,
                "start": start,
                "end": end,
                "platform": export.platform,
                "captured": captured,
                "source": export.captured_from,
                "outcome": export.outcome,
                "kind": export.kind,
            },
        )
        for day in _days(export):
            con.execute("INSERT INTO raw.post_snapshots VALUES (1, 1, $day)", {"day": day})
        for platform in platforms().values():
            con.execute(
                "INSERT INTO reference.platforms VALUES ($name, $zone)", {"name": platform.name, "zone": platform.post_days}
            )
        rows = con.sql(_rule()).fetchall()
    finally:
        con.close()
    spans = [(f"{first}", f"{last}") for _, _, first, last, _ in rows if first and last and first <= last]
    return spans[0] if spans else None


@cache
def _rule() -> str:
    return read_model(shipped("warehouse", "staging", "post_coverage.sql"), "staging").sql


def _days(export: Export) -> Iterator[date]:
    """The first and the last day on which its posts were published: all that the rule looks at."""
    for text in dict.fromkeys((export.first, export.last)):
        if text:
            yield date.fromisoformat(text[:10])
