"""Whose rows these are: the account a file names, the folder it lies in, and the registry must agree.

Without a registry (``inspect`` anywhere) what the file says is reported and nothing is judged.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.exports.messages import message
from pipeline.exports.model import AccountRef, Export, Identities
from pipeline.platforms import platforms


class Accounts:
    """The accounts of the registry, asked by id, handle or account id."""

    def __init__(self, registry: Any | None):
        frame = getattr(registry, "accounts", None)
        self.known = frame is not None
        self._by_account: dict[str, dict[str, Any]] = {}
        self._by_number: dict[tuple[str | None, str], str] = {}
        self._by_handle: dict[tuple[str | None, str], list[dict[str, Any]]] = {}
        for row in frame.to_dicts() if frame is not None else []:
            self._by_account.setdefault(row["account_id"], row)
            for platform in dict.fromkeys((row["platform"], None)):  # None: whoever asks knows no platform
                if row["platform_account_id"]:
                    self._by_number.setdefault((platform, row["platform_account_id"]), row["account_id"])
                self._by_handle.setdefault((platform, _plain(row["handle"])), []).append(row)

    def find(self, platform: str | None, platform_account_id: str | None, handle: str | None) -> str | None:
        """The account with this id on the platform; a handle counts only where no id contradicts it."""
        if platform_account_id and (found := self._by_number.get((platform, platform_account_id))):
            return found
        for row in self._by_handle.get((platform, _plain(handle)), ()) if handle else ():
            if not platform_account_id or not row["platform_account_id"]:
                return row["account_id"]
        return None

    def get(self, account_id: str) -> dict[str, Any] | None:
        return self._by_account.get(account_id)

    def platform(self, account_id: str) -> str | None:
        row = self.get(account_id)
        return row["platform"] if row else None


def _plain(handle: str | None) -> str:
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


def assign(export: Export, given: Sequence[str], accounts: Accounts, *, per_row: bool, folder_decides: bool) -> None:
    """Fill ``accounts`` of an export and judge them; sets outcome held or refused where they do not fit."""
    if export.shared is None or (export.grain == "case" and export.platform and export.platform not in platforms()):
        return  # a complaint system has no account of ours: its rows name their agency
    named = _named(export.identities or {})
    export.accounts = [
        AccountRef(i, h, accounts.find(export.platform, i, h) or _only(given, accounts, export.platform, named)) for i, h in named
    ]
    own = [g for g in given if g not in platforms()]
    if named:
        _judge_named(export, own, accounts, per_row)
    else:
        _judge_folder(export, given, own, accounts, folder_decides)


def _named(identities: Identities) -> list[tuple[str | None, str | None]]:
    """The identities of a file, one per account id: an account that changed its handle is one account."""
    by_id: dict[str | None, tuple[str | None, str | None]] = {}
    for account, handle in identities:
        by_id.setdefault(account or handle, (account, handle))
    return list(by_id.values())


def _only(given: Sequence[str], accounts: Accounts, platform: str | None, named: Sequence[Any]) -> str | None:
    """Without a registry, one given account and one named account are the same."""
    own = [g for g in given if g not in platforms()]
    return own[0] if not accounts.known and len(own) == 1 and len(named) == 1 else None


def _judge_named(export: Export, own: Sequence[str], accounts: Accounts, per_row: bool) -> None:
    """The file names its accounts: one of them must be registered, and the folder's account must be among them."""
    if not accounts.known:
        return
    found = [a for a in export.accounts if a.account_id]
    shown = ", ".join(a.handle or a.platform_account_id or "" for a in export.accounts)
    if not found:
        first = export.accounts[0]
        line = f"…,{export.platform},{first.handle or ''},{first.platform_account_id or ''}"
        _stop(export, "held", "UNKNOWN_ACCOUNT", "accounts.csv", line)
        return
    of_platform = candidates(own, accounts, export.platform)
    wrong_platform = bool(own) and not of_platform
    if wrong_platform or (of_platform and not any(a.account_id in of_platform for a in found)):
        if of_platform and any(accounts.get(g) is None for g in of_platform):
            _stop(export, "held", "UNKNOWN_ACCOUNT", "accounts.csv", ", ".join(of_platform))
        else:
            _stop(export, "refused", "WRONG_ACCOUNT", ", ".join(own), f"{shown} ({found[0].account_id})")
        return
    foreign = [a for a in export.accounts if not a.account_id]
    if foreign and per_row:
        export.messages.append(message("COLLAB_ROWS", "", ", ".join(a.handle or a.platform_account_id or "" for a in foreign)))
    elif foreign:
        _stop(export, "refused", "WRONG_ACCOUNT", ", ".join(own), shown)


def _judge_folder(export: Export, given: Sequence[str], own: Sequence[str], accounts: Accounts, folder_decides: bool) -> None:
    """The file names nobody: the folder or the option must."""
    fitting = candidates(own, accounts, export.platform)
    export.platform = export.platform or platform_hint(given, accounts)
    if len(fitting) == 1:
        row = accounts.get(fitting[0])
        if row is None and accounts.known:
            _stop(export, "held", "UNKNOWN_ACCOUNT", "accounts.csv", fitting[0])
            return
        reference = AccountRef(row["platform_account_id"] if row else None, row["handle"] if row else None, fitting[0])
        export.accounts = [reference]
        if row and export.platform is None:
            export.platform = row["platform"]
    elif own and not fitting:
        _stop(export, "refused", "WRONG_ACCOUNT", ", ".join(own), str(export.platform))
    elif accounts.known and folder_decides:
        _stop(export, "held", "UNKNOWN_ACCOUNT", "", ", ".join(given) or export.file)


def _stop(export: Export, outcome: str, code: str, place: str, seen: str) -> None:
    export.outcome = outcome
    export.rows = None
    export.messages.append(message(code, place, seen))
