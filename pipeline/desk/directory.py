"""Agencies and their accounts as the door needs them: plain values, looked up by id, for one day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Account:
    """An account that an agency has on the day that was asked for."""

    account_id: str
    platform: str
    handle: str | None
    agency_id: str

    @property
    def label(self) -> str:
        return f"@{self.handle}" if self.handle else self.account_id


@dataclass(frozen=True)
class Agency:
    agency_id: str
    name: str
    short_name: str
    accounts: tuple[Account, ...] = ()


@dataclass
class Directory:
    """Who is who. `accounts` holds those of the day; an account that moved belongs to the agency that has it now."""

    agencies: dict[str, Agency] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    name: str = ""
    name_en: str = ""
    simulated: bool = False
    warning_days: int = 10

    def agency_of(self, account_id: str | None) -> Agency | None:
        account = self.accounts.get(account_id or "")
        return self.agencies.get(account.agency_id) if account else None

    def label(self, account_id: str) -> str:
        return self.accounts[account_id].label if account_id in self.accounts else account_id

    def of(self, accounts: Iterable[str]) -> list[Account]:
        return [self.accounts[a] for a in accounts if a in self.accounts]


def directory(registry: Any, on: date) -> Directory:
    """The agencies that exist and the accounts that are open on this day."""
    accounts: dict[str, Account] = {}
    for row in registry.accounts.iter_rows(named=True):
        if row["status"] == "active" and _is_valid(row, on):
            accounts[row["account_id"]] = Account(row["account_id"], row["platform"], row["handle"], row["agency_id"])
    owned: dict[str, list[Account]] = {}
    for account in accounts.values():
        owned.setdefault(account.agency_id, []).append(account)
    agencies = {
        row["agency_id"]: Agency(row["agency_id"], row["name"], row["short_name"], tuple(owned.get(row["agency_id"], ())))
        for row in registry.agencies.iter_rows(named=True)
        if _is_valid(row, on)
    }
    said = registry.settings
    return Directory(agencies, accounts, said["name"], said["name_en"], said["simulated"], said["data_age_warning_days"])


def _is_valid(row: dict[str, Any], on: date) -> bool:
    return (row["valid_from"] or date.min) <= on <= (row["valid_to"] or date.max)
