"""What the service knows while it runs: who is who, what the last night covered, and the one worker that reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from pipeline import registry
from pipeline.desk import book, coverage
from pipeline.desk.coverage import Covered
from pipeline.desk.directory import Directory, directory
from pipeline.desk.handin import Answer, Sender, hand_in, refuse
from pipeline.desk.limits import ADDRESS, CRASHES, LINK, WRONG, Buckets
from pipeline.desk.links import Doorman, Link
from pipeline.desk.quarantine import Quarantine, Ticket
from pipeline.desk.worker import Crashed, Reader
from pipeline.settings import Workspace

P = ParamSpec("P")
T = TypeVar("T")

RECENT_DAYS = 45
TICK_SECONDS = 15
NOTHING: dict[str, Any] = {"version": None, "cutoff": None, "accounts": {}}


@dataclass(frozen=True)
class Recent:
    """Of one account since the last night: files that wait, and when one was last taken in."""

    waiting: int = 0
    last: datetime | None = None


class Office:
    """One workspace behind one door. Everything that takes time runs outside the event loop."""

    def __init__(self, workspace: Workspace, *, reader: Reader | None = None):
        self.workspace = workspace
        self.doorman = Doorman(workspace.registry)
        self.quarantine = Quarantine(workspace)
        self.reader = reader or Reader()
        self.by_link, self.by_address = Buckets(LINK), Buckets(ADDRESS)
        self.wrong, self.crashes = Buckets(WRONG), Buckets(CRASHES)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="desk")
        self._turns: dict[str, asyncio.Lock] = {}
        self._turn = asyncio.Lock()
        self._coverage: dict[str, Any] = NOTHING
        self._covered_version: str | None = ""
        self._covering = asyncio.Lock()
        self._directory: tuple[registry.Registry, date, Directory] | None = None

    # -- time

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        """The day in Bogor."""
        return self.now().astimezone(book.WIB).date()

    # -- who is who

    def directory(self) -> Directory:
        """Agencies and accounts as the registers have them now; as they last were where a register is being mended."""
        today = self.today()
        try:
            known = registry.load(self.workspace.registry)
        except registry.RegistryError:
            if self._directory is None:
                raise
            return self._directory[2]
        if self._directory is None or self._directory[0] is not known or self._directory[1] != today:
            self._directory = (known, today, directory(known, today))
        return self._directory[2]

    def sender(self, link: Link, door: str = "web") -> Sender:
        """For whom a link speaks today."""
        agency = self.directory().agencies.get(link.agency_id or "")
        accounts = tuple(a.account_id for a in agency.accounts) if agency else ()
        if link.account_id:
            accounts = tuple(a for a in accounts if a == link.account_id)
        return Sender(link.agency_id, accounts, door, link.link_id)

    # -- reading, one at a time, each link in its turn

    async def read(self, ticket: Ticket, sender: Sender, *, day: date | None = None) -> list[Answer]:
        """Hand one file in. A link with many files waits for its own, so that another link's single file comes in between."""
        turn = self._turns.setdefault(sender.link_id or "", asyncio.Lock())
        async with turn, self._turn:
            answers = await self.run(hand_in, self.workspace, self.reader, ticket, sender, now=self.now(), day=day)
        if any(answer.code == "READER_CRASHED" for answer in answers):
            self.crashes.take(sender.link_id or "")
        return answers

    async def refuse(self, ticket: Ticket, sender: Sender, code: str, seen: str) -> list[Answer]:
        return await self.run(refuse, self.workspace, ticket, sender, code, seen, now=self.now())

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Blocking work in a thread of ours; it is finished even where the browser has gone away."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._threads, lambda: work(*arguments, **named)))

    # -- what is covered

    async def coverage(self) -> dict[str, Any]:
        """Of the version that is published now; of the one before where the new one cannot be read in a moment."""
        name = self._current()
        if name is None:
            self._coverage, self._covered_version = NOTHING, None
        elif name != self._covered_version:
            async with self._covering:
                if name != self._covered_version:
                    request = {"do": "coverage", "workspace": str(self.workspace.root)}
                    with contextlib.suppress(Crashed, TimeoutError):
                        told = await asyncio.wait_for(self.run(self.reader.ask, request), 12)
                        if "coverage" in told:
                            self._coverage, self._covered_version = told["coverage"], name
        return self._coverage

    def _current(self) -> str | None:
        try:
            return self.workspace.current_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def covered(self, found: dict[str, Any], account_id: str) -> Covered:
        return coverage.of_account(found, account_id, self.today())

    def recent(self, found: dict[str, Any]) -> dict[str, Recent]:
        """What each account handed in lately, and what of it the published version does not know yet."""
        entries = book.read(self.workspace, self.today() - timedelta(days=RECENT_DAYS))
        published = self._published_at()
        waiting: dict[str, set[str]] = {}
        for entry in entries:
            if entry.stored and entry.account_id and entry.outcome != "duplicate" and entry.moment > published:
                waiting.setdefault(entry.account_id, set()).add(entry.sha256)
        last = book.last_sent(entries)
        return {account: Recent(len(waiting.get(account, ())), last.get(account)) for account in {*waiting, *last}}

    def _published_at(self) -> datetime:
        try:
            return datetime.fromtimestamp(self.workspace.current_file.stat().st_mtime, UTC)
        except FileNotFoundError:
            return datetime.min.replace(tzinfo=UTC)

    # -- life

    async def open(self) -> None:
        self.quarantine.create()
        await self.run(self.quarantine.sweep, everything=True)
        await self.run(book.sweep, self.workspace, self.today())

    async def keep(self) -> None:
        """Housekeeping while the door is open: let the worker rest, sweep what nobody waits for, look for a new version."""
        await self.coverage()
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            ticks += 1
            await self.run(self.reader.rest)
            if self._current() != self._covered_version:
                await self.coverage()
            if ticks % 240 == 0:
                await self.run(self.quarantine.sweep)

    def close(self) -> None:
        self.reader.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
