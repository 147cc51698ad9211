"""Whose rows these are: the account a file names, the folders it lies in, and the registry must agree. One index, one answer.

The account that a file names wins over the folder it lies in; a folder decides only what the file leaves open. Without a registry
(``inspect`` anywhere) what the file says is reported and nothing is judged.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from pipeline.exports.messages import message
from pipeline.exports.model import AccountRef, Export, Identities, Owned
from pipeline.formats import Format
from pipeline.platforms import platforms

Who = tuple[str | None, str | None]  # platform account id and handle, as rows name them
Named = dict[Who, tuple[str | None, int]]  # -> the registry's account, and how many rows name it


class Accounts:
    """The accounts of the registry, found by what a file says about them: the platform's id first, then the handle."""

    def __init__(self, registry: Any | None):
        frame = getattr(registry, "accounts", None)
        self.known = frame is not None
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._found: dict[tuple[str | None, str, str], list[tuple[date, date, str]]] = {}
        for row in frame.to_dicts() if frame is not None else []:
            self._rows.setdefault(row["account_id"], []).append(row)
            span = (row.get("valid_from") or date.min, row.get("valid_to") or date.max, row["account_id"])
            for platform in (row["platform"], None):  # None: whoever asks knows no platform
                for number in ids(row):
                    self._found.setdefault((platform, "id", number), []).append(span)
                if row["handle"]:
                    self._found.setdefault((platform, "handle", plain(row["handle"])), []).append(span)

    def find(
        self, platform: str | None, platform_account_id: str | None, handle: str | None, on: date | None = None
    ) -> str | None:
        """The account with this identity; where it changed hands, the one of that day. A handle counts only where no id
        contradicts it: an account whose ids are listed is never meant by another id."""
        spans = self._found.get((platform, "id", platform_account_id.casefold())) if platform_account_id else None
        if not spans and handle:
            spans = self._found.get((platform, "handle", plain(handle)))
            if platform_account_id:
                spans = [s for s in spans or () if not self.ids(s[2])]
        if not spans:
            return None
        day = on or date.max
        return next((a for first, last, a in spans if first <= day <= last), max(spans)[2])

    def get(self, account_id: str) -> dict[str, Any] | None:
        """The newest row of an account."""
        rows = self._rows.get(account_id)
        return max(rows, key=lambda r: r.get("valid_from") or date.min) if rows else None

    def ids(self, account_id: str) -> set[str]:
        """Every id of the platform that the registry lists for an account: exports of different menus may use different ones."""
        return {number for row in self._rows.get(account_id, ()) for number in ids(row)}

    def handles(self, account_id: str) -> set[str]:
        return {plain(row["handle"]) for row in self._rows.get(account_id, ()) if row["handle"]}

    def platform(self, account_id: str) -> str | None:
        row = self.get(account_id)
        return row["platform"] if row else None

    def is_person(self, account_id: str | None) -> bool:
        row = self.get(account_id) if account_id else None
        return row is not None and row.get("holder") == "person"

    def sees_differently(self, platform: str | None, owners: Mapping[str, str | None]) -> bool:
        """Whether the registry now names another owner than it did when an export was read."""
        for identity, account_id in owners.items():
            number, _, handle = identity.partition("|")
            if platform and (number or handle) and self.find(platform, number or None, handle or None) not in (account_id, None):
                return True
            if account_id is not None and account_id not in self._rows:
                return True
        return False


def ids(row: Mapping[str, Any]) -> list[str]:
    """The platform's ids of one row of the registry: several are parted by spaces."""
    return (row["platform_account_id"] or "").casefold().split()


def plain(handle: str | None) -> str:
    return (handle or "").lstrip("@").casefold()


def candidates(given: Sequence[str], accounts: Accounts, platform: str | None) -> list[str]:
    """Of the accounts that folder or option name, those of this platform; an account nobody knows may be of any platform."""
    ids = [g for g in given if g not in platforms()]
    return [g for g in ids if accounts.platform(g) in (platform, None) or platform is None]


def platform_hint(given: Sequence[str], accounts: Accounts) -> str | None:
    """The one platform that the given accounts leave open; None if there are none or several."""
    meant = {g if g in platforms() else accounts.platform(g) for g in given} - {None}
    return next(iter(meant)) if len(meant) == 1 else None


def date_order(given: Sequence[str], accounts: Accounts) -> str | None:
    """The declared order of day and month, if the given accounts agree on one."""
    orders = {row.get("date_order") for g in given if (row := accounts.get(g))} - {None, ""}
    return next(iter(orders)) if len(orders) == 1 else None


# --- one export


def assign(export: Export, given: Sequence[str], accounts: Accounts, form: Format | None = None) -> Owned:
    """Say on an export whose it is; its outcome becomes held or refused where file, folder and registry do not fit."""
    own = tuple(g for g in given if g not in platforms())
    if export.shared is None or (export.grain == "case" and export.platform and export.platform not in platforms()):
        export.owned = Owned(own[0] if len(own) == 1 else None)  # a complaint system's rows name their agency themselves
        return export.owned
    named = _named(export, accounts)
    if named:
        owned = _by_name(export, named, own, accounts, form)
    else:
        owned = _by_folder(export, given, own, accounts, folder_decides=export.grain != "case")
    whose = owned.account_id or owned.fallback
    is_settled = owned.problem is None or (owned.problem.code == "UNKNOWN_ACCOUNT" and not accounts.is_person(whose))
    if is_settled and form is not None and form.of_person and not accounts.is_person(whose):
        said = message("PERSONAL_PROFILE", "", whose or "")
        if accounts.known:
            owned = replace(owned, problem=said)
        else:
            export.outcome, export.messages = "flagged", [*export.messages, said]
    export.owned = owned
    if owned.problem is not None:
        export.outcome = "held" if owned.problem.code in ("UNKNOWN_ACCOUNT", "PERSONAL_PROFILE") else "refused"
        export.rows = None
        export.messages = [*export.messages, owned.problem]
    return owned


def _named(export: Export, accounts: Accounts) -> Named:
    """Whom the rows name. Where they have no such columns, whom the reader named."""
    rows = export.shared
    if rows is None or not {"platform_account_id", "handle"} & set(rows.frame.columns):
        return {
            (r.platform_account_id, r.handle): (r.account_id, 0) for r in export.accounts if r.platform_account_id or r.handle
        }
    found = export.identities if export.identities is not None else _identities(export.rows)
    on = date.fromisoformat(export.last[:10]) if export.last else None
    return {who: (accounts.find(export.platform, *who, on), n) for who, n in found.items()}


def _identities(rows: pl.DataFrame | None) -> Identities:
    """Whom rows name that did not come from the reader."""
    nobody = pl.Series([None] * (rows.height if rows is not None else 0), dtype=pl.Utf8)
    texts = [rows[c] if rows is not None and c in rows.columns else nobody for c in ("platform_account_id", "handle")]
    return {who: n for who, n in Counter(zip(*texts, strict=True)).items() if any(who)}


def _by_name(export: Export, named: Named, own: tuple[str, ...], accounts: Accounts, form: Format | None) -> Owned:
    """The file names its accounts: one of them must be registered, and the folder's account must be among them."""
    folders = candidates(own, accounts, export.platform)
    named, is_new = _adopted(named, folders, accounts, form)
    export.accounts = list(_references(named))
    owners = {f"{n or ''}|{h or ''}": a for (n, h), (a, _) in named.items()}
    if not accounts.known:
        return Owned(own[0] if len(own) == 1 else None, owners, bool(named))
    known = {a for a, _ in named.values() if a}
    shown = ", ".join(a.handle or a.platform_account_id or "" for a in export.accounts)
    if not known:
        if form is not None and form.other_ids and own and not folders:  # its id would be written down as one more account
            return Owned(None, owners, True, message("WRONG_ACCOUNT", ", ".join(own), f"{export.platform}, bukan/not {own[0]}"))
        first = export.accounts[0]
        line = f"…,{export.platform},{first.handle or ''},{first.platform_account_id or ''}"
        return Owned(None, owners, True, message("UNKNOWN_ACCOUNT", "accounts.csv", line))
    if own and not known.intersection(folders):
        if folders and any(accounts.get(g) is None for g in folders):
            return Owned(None, owners, True, message("UNKNOWN_ACCOUNT", "accounts.csv", ", ".join(folders)))
        seen = f"{shown} ({', '.join(sorted(known))})"
        return Owned(None, owners, True, message("WRONG_ACCOUNT", ", ".join(own), seen))
    foreign = [a for a in export.accounts if not a.account_id]
    if foreign and form is not None and not form.accounts_per_row:
        return Owned(None, owners, True, message("WRONG_ACCOUNT", ", ".join(own), shown))
    if foreign and form is not None:
        export.messages.append(message("COLLAB_ROWS", "", ", ".join(a.handle or a.platform_account_id or "" for a in foreign)))
    if is_new and form is not None and form.other_ids:
        export.messages.append(message("ID_NOT_LISTED", "accounts.csv", export.accounts[0].platform_account_id or ""))
        export.outcome = "flagged" if export.outcome == "accepted" else export.outcome
    rows = Counter(dict.fromkeys(known, 0))
    for account, n in named.values():
        if account:
            rows[account] += n
    by_rows = sorted(known, key=lambda a: (-rows[a], a))
    sent = [a for a in by_rows if a in folders] or (by_rows if len(by_rows) == 1 else [])
    identities = {who: account for who, (account, _) in named.items()}
    strangers = tuple(g for g in folders if g not in known)
    return Owned(sent[0] if sent else None, owners, True, None, identities, None if sent else by_rows[0], strangers)


def _references(named: Named) -> Iterator[AccountRef]:
    """One per account id: an account that changed its handle is one account."""
    by_id: dict[str | None, AccountRef] = {}
    for (number, handle), (account, _) in named.items():
        by_id.setdefault(number or handle, AccountRef(number, handle, account))
    return iter(by_id.values())


def _adopted(named: Named, folders: Sequence[str], accounts: Accounts, form: Format | None) -> tuple[Named, bool]:
    """An identity that the registry does not hold yet is that of the folder's account, if it is on most rows of the file.

    Not where the registry lists another id or handle for that account; ids of a format that has its own contradict nobody. Of
    two that nobody knows neither is taken where they are on as many rows, or where rows are days: a page with more days is not
    more likely the folder's.
    """
    known = {a for a, _ in named.values()}
    if len(folders) != 1 or folders[0] in known or not named:
        return named, False
    total = sum(n for _, n in named.values())
    who, (account, n) = max(named.items(), key=lambda item: (item[1][1], str(item[0])))
    number, handle = who
    has_other_ids = bool(accounts.ids(folders[0])) and not (form is not None and form.other_ids)
    handles = accounts.handles(folders[0])
    other_handle = bool(handle and handles) and plain(handle) not in handles
    is_listed = accounts.known and accounts.get(folders[0]) is None
    has_rival = sum(a is None for a, _ in named.values()) > 1
    if has_rival and (n * 2 == total or (form is not None and form.grain != "post")):
        return named, False
    if account is not None or n * 2 < total or has_other_ids or other_handle or is_listed:
        return named, False
    return named | {who: (folders[0], n)}, bool(number)


def _by_folder(export: Export, given: Sequence[str], own: tuple[str, ...], accounts: Accounts, folder_decides: bool) -> Owned:
    """The file names nobody: the folder or the option must."""
    fitting = candidates(own, accounts, export.platform)
    export.platform = export.platform or platform_hint(given, accounts)
    if len(fitting) == 1:
        row = accounts.get(fitting[0])
        if row is None and accounts.known:
            return Owned(None, problem=message("UNKNOWN_ACCOUNT", "accounts.csv", fitting[0]))
        number = next(iter(ids(row)), None) if row else None
        export.accounts = [AccountRef(number, row["handle"] if row else None, fitting[0])]
        if row and export.platform is None:
            export.platform = row["platform"]
        return Owned(fitting[0])
    if len(fitting) > 1 and accounts.known and folder_decides:  # the same bytes in the folders of two accounts
        return Owned(None, problem=message("WRONG_ACCOUNT", export.file, " / ".join(sorted(fitting))))
    if own and not fitting:
        return Owned(None, problem=message("WRONG_ACCOUNT", ", ".join(own), f"{export.platform}, bukan/not {', '.join(own)}"))
    if accounts.known and folder_decides:
        return Owned(None, problem=message("UNKNOWN_ACCOUNT", "", ", ".join(given) or export.file))
    return Owned(None)


# --- the exports of one file together


def settle(exports: Sequence[Export]) -> None:
    """A file that is read for one account and holds a part of another's is not to be moved: a copy of it helps."""
    read = [e for e in exports if e.owned is not None and e.owned.problem is None and e.rows is not None and e.owned.account_id]
    if not read:
        return
    for export in exports:
        owned = export.owned
        problem = owned.problem if owned is not None else None
        if owned is not None and problem is not None and problem.code == "WRONG_ACCOUNT":
            whose = ", ".join(a.account_id or a.handle or a.platform_account_id or "" for a in export.accounts)
            other = message(
                "COPY_ALSO", problem.place, f"{export.platform}: {whose}" if whose else export.platform or problem.seen
            )
            export.outcome = "held"
            export.messages = [other if m is problem else m for m in export.messages]
            export.owned = replace(owned, problem=other)
