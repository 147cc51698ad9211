"""What the reader hands over: one :class:`Export` per table found in a file, with its provenance and its messages."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Message:
    """Something a person should know: what (code), where (sheet, row, column), what was seen (escaped), what to do (id, en)."""

    code: str
    place: str
    seen: str
    id: str
    en: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "place": self.place, "seen": self.seen, "id": self.id, "en": self.en}


@dataclass(frozen=True)
class AccountRef:
    """An account as the file names it, and the registry's id for it where one is known."""

    platform_account_id: str | None
    handle: str | None
    account_id: str | None

    def as_json(self) -> dict[str, str | None]:
        return {"platform_account_id": self.platform_account_id, "handle": self.handle, "account_id": self.account_id}


@dataclass
class HeaderReport:
    """What was understood of the header: ``mapped`` header -> field, ``ignored`` known but unused, ``unknown`` reported as is.

    Files of one header may share it: it is read, never changed.
    """

    mapped: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)  # of the mapped: headers whose name is not known, only their place


@dataclass(frozen=True)
class Shared:
    """The rows of one file in a frame that holds those of many: cut out only where somebody looks at them alone."""

    frame: pl.DataFrame
    start: int
    height: int

    def cut(self) -> pl.DataFrame:
        return self.frame.slice(self.start, self.height)


@dataclass(frozen=True)
class Owned:
    """Whose an export is: who exported it, and for each identity that its rows name the account (None: not registered)."""

    account_id: str | None
    owners: dict[str, str | None] = field(default_factory=dict)
    named_by_file: bool = False
    problem: Message | None = None
    identities: dict[tuple[str | None, str | None], str | None] = field(default_factory=dict)
    fallback: str | None = None  # exporter of rows whose owner is not registered, where no folder says who exported
    strangers: tuple[str, ...] = ()  # accounts in whose folders it lies although it names others


Identities = dict[tuple[str | None, str | None], int]
"""(platform account id, handle) as rows name them -> number of rows, in order of appearance."""


class Rows:
    """Rows of an export, cut out of a shared frame when somebody asks for them."""

    def __get__(self, export: Any, owner: Any = None) -> pl.DataFrame | None:
        value = None if export is None else export.__dict__["_rows"]
        if isinstance(value, Shared):
            value = export.__dict__["_rows"] = value.cut()
        return value

    def __set__(self, export: Any, value: pl.DataFrame | Shared | None) -> None:
        export.__dict__["_rows"] = value


@dataclass
class Export:
    """One table found in one file. ``rows`` is None unless the outcome is accepted, flagged or duplicate."""

    file: str
    member: str
    sha256: str
    outcome: str = "accepted"  # accepted | flagged | held | refused | duplicate
    kind: str | None = None
    platform: str | None = None
    grain: str | None = None
    language: str | None = None
    accounts: list[AccountRef] = field(default_factory=list)
    rows: Rows = Rows()
    n_rows: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    captured_at: datetime | None = None
    captured_from: str = "first_seen"  # one of provenance.EVIDENCE
    period: tuple[date, date] | None = None
    sums: dict[str, int | float] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    header: HeaderReport = field(default_factory=HeaderReport)
    version: int = 1  # of the format that read it
    period_sums: bool = False  # values are sums over ``period``
    names_platform: bool = True  # the file says whose platform it is, not only the folder it lies in
    proposal: str | None = None  # a mapping to start from, for a table that no format knows
    identities: Identities | None = None  # whom the rows name; None where that was not looked for
    owned: Owned | None = None  # whose it is; None until that was asked

    @property
    def shared(self) -> Shared | None:
        """The rows where they lie, not cut out of the frame that they may share with those of other files."""
        value = self.__dict__["_rows"]
        return Shared(value, 0, value.height) if isinstance(value, pl.DataFrame) else value

    def as_json(self) -> dict[str, Any]:
        """The keys a program may rely on; times are UTC, ISO 8601."""
        captured = self.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.captured_at else None
        return {
            "file": self.file,
            "member": self.member,
            "sha256": self.sha256,
            "outcome": self.outcome,
            "kind": self.kind,
            "platform": self.platform,
            "grain": self.grain,
            "language": self.language,
            "accounts": [a.as_json() for a in self.accounts],
            "rows": self.n_rows,
            "dropped": dict(self.dropped),
            "first": self.first,
            "last": self.last,
            "captured_at": captured,
            "captured_from": self.captured_from,
            "sums": dict(self.sums),
            "nulls": dict(self.nulls),
            "messages": [m.as_json() for m in self.messages],
        }
