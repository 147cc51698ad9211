"""What the last night knows of each account: which months are covered, and when something was last sent."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pipeline.settings import Workspace

MONTHS = 13
WAITING = ("partial", "missing", "refused")  # states that a further file can mend

QUERY = """
SELECT account_id, month, state, covered_days, days, reason_code
FROM marts.coverage_month
WHERE month > (SELECT date_trunc('month', data_cutoff) FROM meta.version) - INTERVAL 14 MONTH
ORDER BY account_id, month"""
LAST_QUERY = """
SELECT account_id, max(captured_at) AS last FROM marts.export_files
WHERE outcome IN ('accepted', 'flagged') AND account_id IS NOT NULL GROUP BY account_id"""


def collect(workspace: Workspace) -> dict[str, Any]:
    """Months and last download of every account in the published version, as plain values; empty where nothing is published."""
    from pipeline.engine import versions

    if versions.current(workspace) is None:
        return {"version": None, "cutoff": None, "accounts": {}}
    accounts: dict[str, dict[str, Any]] = {}
    with versions.open_version(workspace) as version:
        info = version.sql("SELECT version, data_cutoff FROM meta.version").to_dicts()[0]
        for row in version.sql(QUERY).to_dicts():
            months = accounts.setdefault(row["account_id"], {"months": [], "last": None})["months"]
            months.append([f"{row['month']:%Y-%m-%d}", row["state"], row["covered_days"], row["days"], row["reason_code"]])
        for row in version.sql(LAST_QUERY).to_dicts():
            accounts.setdefault(row["account_id"], {"months": [], "last": None})["last"] = (
                f"{row['last']:%Y-%m-%dT%H:%M:%S}+00:00"
            )
    return {"version": info["version"], "cutoff": f"{info['data_cutoff']:%Y-%m-%d}", "accounts": accounts}


@dataclass(frozen=True)
class Month:
    first: date
    state: str  # complete | partial | missing | refused | not_required | waiting (handed in since the last night)
    covered: int
    days: int

    @property
    def last(self) -> date:
        return self.first.replace(day=self.days)


@dataclass
class Covered:
    """One account: its months, oldest first; when a file was last sent; the first day that is still missing."""

    months: list[Month] = field(default_factory=list)
    last: datetime | None = None

    def month(self, first: date) -> Month | None:
        return next((m for m in self.months if m.first == first), None)

    def gap(self, today: date) -> tuple[date, date] | None:
        """The days to download next: from the first month that lacks something to yesterday. None where nothing lacks."""
        yesterday = today - timedelta(days=1)
        lacking = [m.first for m in self.months if m.state in WAITING and not _is_over_soon(m, today)]
        if not self.months:
            return _back(today, 3), yesterday
        if lacking:
            return min(lacking), yesterday
        newest = max(m.first for m in self.months)
        return (newest, yesterday) if newest <= yesterday and (self.last is None or (today - self.last.date()).days > 7) else None


def _is_over_soon(month: Month, today: date) -> bool:
    """The running month is covered up to some day; it lacks something only when that day is more than a week ago."""
    return month.first == today.replace(day=1) and (today - month.first).days - month.covered <= 7


def _back(today: date, months: int) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(year, month + 1, 1)


def of_account(found: dict[str, Any], account_id: str, today: date) -> Covered:
    """The last months of one account, up to the running one."""
    known = found.get("accounts", {}).get(account_id)
    if known is None:
        return Covered()
    months = {date.fromisoformat(f): Month(date.fromisoformat(f), s, c, d) for f, s, c, d, _ in known["months"]}
    first, this = _back(today, MONTHS - 1), today.replace(day=1)
    oldest = min(months, default=this)
    listed, at = [], max(first, oldest)
    while at <= this:
        days = calendar.monthrange(at.year, at.month)[1]
        listed.append(months.get(at, Month(at, "missing", 0, days)))
        at = (at + timedelta(days=32)).replace(day=1)
    return Covered(listed, datetime.fromisoformat(known["last"]) if known["last"] else None)
