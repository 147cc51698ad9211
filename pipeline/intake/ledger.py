"""What was seen, and what became of it.

Every file is archived by its SHA-256 and entered once per table found in it; its rows and its ledger entry are committed in one
transaction, so a kill leaves either both or neither. The same bytes again are a sighting. Held files, and files that lost their
account to another one, are looked at again every night: what is kept depends on the files, not on the order of their arrival.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from pipeline.engine import connections, fingerprints, raw
from pipeline.exports import Job, read_many
from pipeline.exports.messages import level, message
from pipeline.exports.model import Export, Owned, Shared
from pipeline.exports.ownership import Accounts, assign
from pipeline.exports.provenance import ESTIMATED
from pipeline.files import set_aside, write_atomically
from pipeline.formats import mapped
from pipeline.intake import owners, proving, restated, retention, tombstones
from pipeline.intake.inbox import ERASED, LARGEST, Found, archived, keep, scan, sweep
from pipeline.intake.tombstones import replaced
from pipeline.registry import Registry
from pipeline.settings import Workspace
from pipeline.tables import ColumnType

KEPT = ("accepted", "flagged")
UNPROVEN = ("ARCHIVE_LOST", "NOT_IN_ARCHIVE")
CRASHED, RETRY = "READER_CRASHED", "+"
PROBLEMS = ("refused", "held", "flagged")  # outcomes that need a person, the most urgent first
SEVERITY = (*PROBLEMS, "info")
HELD_RUNS = 3
NAMES = "names.jsonl"
FLUSH_ROWS = 60_000  # stored at a time, while the next files are read
FLUSH_ENTRIES = 4_000  # of the ledger, stored at a time
Reader = Callable[..., list[Export]]


@dataclass
class IngestReport:
    """One night's reading: `counts` by outcome, `exports` as read (without their rows), `unchanged` files not opened."""

    counts: Counter[str] = field(default_factory=Counter)
    exports: list[Export] = field(default_factory=list)
    unchanged: int = 0

    @property
    def has_problems(self) -> bool:
        """Whether something was refused, held or flagged (exit status 3)."""
        return any(self.counts[outcome] for outcome in PROBLEMS)


@dataclass(frozen=True)
class Claim:
    """What one name of a file says: its base, the account and the day of its folders."""

    name: str
    account: str | None
    folder_date: date | None


@dataclass(frozen=True)
class Sighting:
    """What the names of one file say together: whose it may be, the earliest download day, and when it was first seen."""

    name: str
    size: int
    accounts: tuple[str, ...]  # whose folders hold these bytes
    folder_date: date | None
    first_seen: datetime
    names: tuple[str, ...]
    modified: datetime | None = None  # the earliest date that any of the files bears: a later one is that of a copy
    claims: tuple[Claim, ...] = ()  # one by one, for what says nothing but by its name
    paths: tuple[str, ...] = ()  # under which it lies in the inbox; where it is gone, those it had

    @property
    def account(self) -> str | None:
        return self.accounts[0] if self.accounts else None


def ingest(
    workspace: Workspace,
    registry: Registry,
    progress: Callable[[int, int, str], None] | None = None,
    *,
    now: datetime | None = None,
    settle_seconds: float = 0.5,
    reread: bool = False,
    read: Reader | None = None,
) -> IngestReport:
    """Take in what is new in the inbox. `reread` reads the whole archive again (after a new reader version, say)."""
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) if now is None or now.tzinfo else now
    accounts = registry.accounts["account_id"].unique().to_list()
    sweep(workspace.archive)
    tombstones.mend(workspace)
    connections.set_aside_if_damaged(workspace)
    connections.migrate(workspace)
    found = scan(workspace.inbox, accounts, settle_seconds)
    with connections.open_raw(workspace) as con:
        night = _Night(con, workspace, registry, moment, read)
        con.execute("BEGIN")
        try:
            is_whole = _recall_names(workspace, con)
            night.heal()
            days = int(registry.settings.get("person_files_retention_days", 30))
            retired = night.retire(days)
            night.look(found)
            if not is_whole:
                night.adopt()
            night.read_all(reread, progress)
            night.settle()
            con.execute(SEEN_AGAIN_SQL)
            con.execute("COMMIT")
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("CHECKPOINT raw")
        _write_names(workspace, con)
    retention.finish(workspace, retired, days)
    return night.report


def rebuild(workspace: Workspace, registry: Registry, **options: Any) -> IngestReport:
    """Read every archived file again. The result equals the one that grew night by night."""
    return ingest(workspace, registry, reread=True, **options)


def remember_names(workspace: Workspace) -> None:
    """Write what was seen beside the archive: bytes alone do not say whose they are, should the database ever be lost."""
    with connections.open_raw(workspace) as con:
        _write_names(workspace, con)


def _write_names(workspace: Workspace, con: duckdb.DuckDBPyConnection) -> None:
    rows = con.sql("SELECT * FROM raw.sightings ORDER BY first_seen_at, name, sha256").pl()
    text = rows.write_ndjson()
    place = workspace.archive / NAMES
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_file() or place.read_bytes() != text.encode():
        if place.is_dir():
            set_aside(place)
        write_atomically(place, text)


def _recall_names(workspace: Workspace, con: duckdb.DuckDBPyConnection) -> bool:
    """Take back from the archive the sightings that the database lacks: all where it is new, some where it is an older state.

    False where these names are damaged or gone although the database needs them; what of them can be read is taken.
    """
    place = workspace.archive / NAMES
    have = con.execute("SELECT count(*) FROM raw.sightings WHERE sha256 IS NOT NULL").fetchall()[0][0]
    lines = place.read_bytes().splitlines() if place.is_file() else []
    rows = [row for row in map(_sighting_of, lines) if row]
    if len(rows) < len(lines):
        set_aside(place)
    named = [row for row in rows if row["sha256"]]
    if len(named) > have:
        known = {tuple(row) for row in con.execute("SELECT name, sha256 FROM raw.sightings").fetchall()}
        gone = replaced(workspace)
        fresh = [r for r in named if (r["name"], r["sha256"]) not in known and not gone(r["sha256"])[0]]
        raw.insert(con, "sightings", pl.DataFrame(fresh, schema=SIGHTING))
    return have > 0 or len(rows) == len(lines) > 0


def _sighting_of(line: bytes) -> dict[str, Any] | None:
    """One line of the names beside the archive; None where it is damaged."""
    try:
        row = json.loads(line)
        for column in ("first_seen_at", "last_seen_at"):
            row[column] = datetime.fromisoformat(row[column])
        row["folder_date"] = date.fromisoformat(row["folder_date"]) if row["folder_date"] else None
        pl.DataFrame([row], schema=SIGHTING)
        return row if set(row) == set(SIGHTING) else None
    except (ValueError, TypeError, KeyError, pl.exceptions.PolarsError):
        return None


def status(workspace: Workspace) -> pl.DataFrame:
    """The ledger, one row per table of a file, newest first: what it is, what became of it, and the message for its sender."""
    with connections.open_raw(workspace, read_only=True) as con:
        entries: pl.DataFrame = con.sql(
            "SELECT * EXCLUDE (owners, registry_token) FROM raw.exports ORDER BY first_seen_at DESC, file_name, member"
        ).pl()
        return entries


def contents(workspace: Workspace) -> int:
    """How many different files the house has seen."""
    if not workspace.raw_db.exists():
        return 0
    with connections.open_raw(workspace, read_only=True) as con:
        return int(con.execute("SELECT count(DISTINCT sha256) FROM raw.sightings").fetchall()[0][0])


def has_news(workspace: Workspace, registry: Registry) -> bool:
    """Whether something lies in the inbox that was not there before, or not so. Raises NoInbox."""
    if not workspace.raw_db.exists():
        return True
    found = scan(workspace.inbox, registry.accounts["account_id"].unique().to_list())
    with connections.open_raw(workspace, read_only=True) as con:
        known = {row[0]: row[1:] for row in con.execute(KNOWN_SQL).fetchall()}
    return any(not _is_known(item, known) for item in found)


def _is_known(item: Found, known: dict[str, tuple[Any, ...]]) -> bool:
    *stamp, sha256, _ = known.get(item.name, (None, None, None, None, 0))
    return item.problem is None and sha256 not in (None, ERASED) and tuple(stamp) == item.stamp


class _Night:
    """The steps of one `ingest`, inside its transaction."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, workspace: Workspace, registry: Registry, now: datetime, read: Reader | None
    ):
        self.con, self.workspace, self.registry, self.now, self.read = con, workspace, registry, now, read
        self.accounts = Accounts(registry)
        self.token = _known_to_readers(registry)
        self.crashed: set[str] = set()  # hashes that this reader gave up before
        self.report = IngestReport()
        self.entries: dict[int, dict[str, Any]] = {}
        self.told: dict[int, Export] = {}  # what was read of each entry
        self.pending: list[_Kept] = []
        self.waiting_rows = 0
        self.present: set[str] = set()  # names that lie in the inbox
        self.fresh: set[str] = set()  # hashes to read
        self.seen: dict[str, Sighting] = {}  # of the hashes that are read
        self.touched: set[str] = set()  # accounts whose rows came or went

    def heal(self) -> None:
        """An account is on the platform that the registry says: a file of another system in its folder once said otherwise."""
        named = self.registry.accounts.select("account_id", "platform").unique("account_id")
        with raw.arriving(self.con, named):
            self.con.execute(
                "UPDATE raw.account_keys SET platform = a.platform FROM arriving a "
                "WHERE account_keys.account_id = a.account_id AND account_keys.platform IS DISTINCT FROM a.platform"
            )

    def retire(self, days: int) -> list[retention.Retired]:
        """Files about persons whose time is over give way to copies without names and messages, which are read tonight."""

        def read(sha256: str, place: Path) -> list[Export]:
            self.seen = self._sightings([sha256])
            return next(self._read(iter([replace(self._job(sha256), path=place)])))

        retired = retention.retire(self.workspace, self.con, days, self.now, read)
        self._forget([one.old for one in retired])
        for one in retired:
            moved = {"old": one.old, "new": one.new or ERASED}
            self.con.execute("UPDATE raw.sightings SET sha256 = $new WHERE sha256 = $old", moved)
        return retired

    def adopt(self) -> None:
        """Files of the archive whose names are lost are read as what they are: one that names its account needs no more, any
        other is refused or held and told, under the place where it lies."""
        known = self._contents("SELECT DISTINCT sha256 FROM raw.sightings WHERE sha256 IS NOT NULL AND sha256 <> $erased")
        rows = []
        for path in sorted(self.workspace.archive.glob("??/*")):
            if path.name not in known and re.fullmatch(r"[0-9a-f]{64}", path.name):
                info = path.stat()
                name = path.relative_to(self.workspace.root).as_posix()
                item = Found(str(path), name, info.st_size, info.st_mtime_ns, info.st_ino, None, None)
                rows.append(self._sighting_row(item, path.name, 1))
        self._write_sightings(rows, [])

    # -- what lies there

    def look(self, found: list[Found]) -> None:
        """Archive what is new or changed, note every sighting, and refuse what is no file."""
        known = {row[0]: row[1:] for row in self.con.execute(KNOWN_SQL).fetchall()}
        self.present = {item.name for item in found}
        self.con.execute("DELETE FROM raw.exports WHERE sha256 = ''")
        rows, unchanged, arrived = [], [], []
        for item in found:
            if _is_known(item, known):
                unchanged.append(item.name)
            else:
                *_, sha256, runs = known.get(item.name, (None, 0))
                arrived.append((item, runs + 1 if sha256 is None else 1))
        known_files = [item for item, _ in arrived if not item.problem]
        problems: dict[str, str] = {}
        digests = keep(known_files, self.workspace.archive, replaced(self.workspace), problems)
        seen = {digest for digest in digests if digest}
        before = self._sightings(seen)
        coming = iter(digests)
        for item, runs in arrived:
            digest = None if item.problem else next(coming)
            if digest in (None, ERASED):
                if item.name in problems:
                    item = replace(item, problem="NOT_A_FILE", seen=problems[item.name])
                self._not_read(item, runs, is_erased=digest == ERASED)
            elif digest in before:
                self.report.counts["duplicate"] += item.name not in before[digest].names
            rows.append(self._sighting_row(item, digest, runs))
        self._write_sightings(rows, unchanged)
        self.report.unchanged = len(unchanged)
        after = self._sightings(seen)
        asked = self._contents(ASKED_SQL)
        self.fresh = {
            sha for sha in after
            if sha not in before or _claim(after[sha], sha in asked) != _claim(before[sha], sha in asked)
        }  # fmt: skip

    def _sighting_row(self, item: Found, digest: str | None, runs: int) -> dict[str, Any]:
        return {
            "name": item.name,
            "size_bytes": item.size,
            "mtime_ns": item.mtime_ns,
            "inode": item.inode,
            "sha256": digest,
            "account_id": item.account,
            "folder_date": item.folder_date,
            "first_seen_at": self.now,
            "last_seen_at": self.now,
            "runs": runs,
        }

    def _write_sightings(self, rows: list[dict[str, Any]], unchanged: list[str]) -> None:
        """One row per name and content. A name that was only held until now has no content; its row is replaced."""
        seen_again = pl.DataFrame({"name": unchanged}, schema={"name": pl.Utf8})
        self.con.register("unchanged", seen_again.to_arrow())
        self.con.execute(
            "UPDATE raw.sightings SET last_seen_at = $now FROM unchanged u WHERE sightings.name = u.name", {"now": self.now}
        )
        self.con.unregister("unchanged")
        if not rows:
            return
        names = [r["name"] for r in rows]
        self.con.execute("DELETE FROM raw.sightings WHERE sha256 IS NULL AND name IN (SELECT unnest($n))", {"n": names})
        again = {tuple(r) for r in self.con.execute("SELECT name, sha256 FROM raw.sightings").fetchall()}
        raw.insert(
            self.con, "sightings", pl.DataFrame([r for r in rows if (r["name"], r["sha256"]) not in again], schema=SIGHTING)
        )
        repeated = pl.DataFrame([r for r in rows if (r["name"], r["sha256"]) in again], schema=SIGHTING)
        self.con.register("again", repeated.to_arrow())
        self.con.execute(TOUCH_SQL)
        self.con.unregister("again")

    def _sightings(self, hashes: Collection[str]) -> dict[str, Sighting]:
        """What the names of each of these contents say together, as far as the sightings have it."""
        grouped: dict[str, list[tuple[Any, ...]]] = {}
        if hashes:
            for row in self.con.execute(SIGHTINGS_SQL, {"hashes": sorted(hashes)}).fetchall():
                grouped.setdefault(row[0], []).append(row[1:])
        return {sha: _together(rows, self.present) for sha, rows in grouped.items()}

    def _not_read(self, item: Found, runs: int, is_erased: bool = False) -> None:
        """A ledger entry for something that was never opened."""
        code = "ERASED" if is_erased else item.problem or "STILL_CHANGING"
        if code == "STILL_CHANGING" and runs >= HELD_RUNS:
            code = "TRUNCATED"
        said = message(code, item.name, item.seen)
        export = Export(file=item.name, member="", sha256="", outcome=level(code), messages=[said])
        whose = (item.account,) if item.account else ()
        seen = Sighting(item.name, item.size, whose, item.folder_date, self.now, (item.name,))
        self._enter(export, seen, raw.key("", export.file))

    # -- reading

    def read_all(self, reread: bool, progress: Callable[[int, int, str], None] | None) -> None:
        """Read what is new, what is to be tried again, and what the registry now sees differently."""
        again = self._again()
        wanted = self._contents(CONTENTS_SQL) if reread else self.fresh | again
        lost = self._lost(wanted)
        chosen = sorted(wanted - lost)
        self.seen = self._sightings(chosen)
        self._forget(chosen)
        storing = None
        with ThreadPoolExecutor(1) as pool:
            for number, (sha256, exports) in enumerate(zip(chosen, self._exports(chosen), strict=True), 1):
                if progress:
                    progress(number, len(chosen), self.seen[sha256].name)
                self._take_all(exports, sha256, self.seen[sha256])
                if self.waiting_rows > FLUSH_ROWS:
                    storing = self._flush(pool, storing)
            self._flush(pool, storing).result()

    def _lost(self, wanted: set[str]) -> set[str]:
        """Contents that should be in the archive and are not what they were; the ledger tells each of them."""
        names: dict[str, list[str]] = {}
        for sha256, name in self.con.execute(ARCHIVED_SQL, {"erased": ERASED, "largest": LARGEST}).fetchall():
            names.setdefault(sha256, []).append(name)
        lost = proving.lost(self.workspace, names, wanted, self.now.date())
        known = self._contents("SELECT DISTINCT sha256 FROM raw.exports WHERE sha256 <> $erased")
        for sha256, seen in self._sightings(lost - known).items():
            said = message("NOT_IN_ARCHIVE", seen.name)
            export = Export(file=_base(seen.name), member="", sha256=sha256, outcome="refused", messages=[said])
            self._enter(export, seen, raw.key(sha256, ""))
        self.con.execute(LOST_SQL, {"lost": sorted(lost & known), "said": json.dumps(message("ARCHIVE_LOST").as_json())})
        counted = self.con.execute(STILL_LOST_SQL, {"lost": sorted(lost & known)}).fetchall()
        self.report.counts.update(dict(counted))
        return lost

    def _flush(self, pool: ThreadPoolExecutor, storing: Future[None] | None) -> Future[None]:
        """Store what waits, in the background, once what was given before is stored."""
        if storing is not None:
            storing.result()
        pending, self.pending, self.waiting_rows = self.pending, [], 0
        return pool.submit(self._store, pending)

    def _forget(self, hashes: list[str]) -> None:
        chosen = {"s": hashes}
        ids = self.con.execute("SELECT export_id FROM raw.exports WHERE sha256 IN (SELECT unnest($s))", chosen).fetchall()
        self._take_back([row[0] for row in ids])
        self.con.execute("DELETE FROM raw.exports WHERE sha256 IN (SELECT unnest($s))", chosen)

    def _take_back(self, export_ids: list[int]) -> None:
        raw.delete_exports(self.con, export_ids)
        whose = self.con.execute("SELECT account_id FROM raw.exports WHERE export_id IN (SELECT unnest($i))", {"i": export_ids})
        self.touched |= {row[0] for row in whose.fetchall() if row[0]}

    def _again(self) -> set[str]:
        """Hashes to look at again: held, lost to another account, refused by another reader or registry, or now seen otherwise.

        A file on which the reader gave up has one more try: its entry bears a mark, which the second entry lacks.
        """
        chosen = self._contents(UNREAD_SQL)  # never read, or the database that knew it is gone
        rows = self.con.execute(DOUBTFUL_SQL, {"token": self.token}).fetchall()
        for sha256, outcome, code, token, whose, platform, kind in rows:
            if code == CRASHED and token.startswith(self.token):
                self.crashed.add(sha256)
            if outcome == "held" or code in (*owners.RIVALRY, *UNPROVEN):
                chosen.add(sha256)
            elif outcome == "refused":
                chosen |= {sha256} if token != self.token else set()
            elif token != self.token and (
                kind == mapped.KIND or self.accounts.sees_differently(platform, json.loads(whose or "{}"))
            ):
                chosen.add(sha256)
        return chosen

    def _contents(self, query: str) -> set[str]:
        return {row[0] for row in self.con.execute(query, {"erased": ERASED}).fetchall()}

    def _exports(self, chosen: list[str]) -> Iterator[list[Export]]:
        """What each file holds, in order."""
        yield from self._read(self._job(sha256) for sha256 in chosen)

    def _read(self, jobs: Iterable[Job]) -> Iterator[list[Export]]:
        """Many files are read at once, unless the caller brought a reader of its own."""
        if self.read is None:
            yield from read_many(jobs, registry=self.registry)
            return
        for job in jobs:
            known = {"folder_date": job.folder_date, "first_seen": job.first_seen}
            yield self.read(job.path, name=job.name, registry=self.registry, accounts=list(job.accounts), **known)

    def _job(self, sha256: str) -> Job:
        seen = self.seen[sha256]
        place = archived(self.workspace.archive, sha256)
        if not place.exists() and seen.size > LARGEST:
            place = self.workspace.inbox / seen.name
        return Job(
            place,
            name=seen.name.rsplit("/", 1)[-1],
            accounts=seen.accounts,
            folder_date=seen.folder_date,
            first_seen=seen.first_seen.replace(tzinfo=UTC),
            modified=seen.modified,
            names=seen.paths,
        )

    def _take_all(self, exports: list[Export], sha256: str, seen: Sighting) -> None:
        """What one file holds. A table without rows speaks by its names only: each account and period they tell is an entry."""
        for export in exports:
            export.sha256 = sha256
            if not _is_empty(export):
                self._take(export, seen)
        if not any(map(_is_empty, exports)):
            return
        job, claims = self._job(sha256), seen.claims or (Claim(seen.name, seen.account, seen.folder_date),)
        told: set[tuple[str, ...]] = set()
        for claim in sorted(claims, key=lambda c: (len(c.name), repr(c))):
            whose = (claim.account,) if claim.account else ()
            one = replace(job, name=claim.name, accounts=whose, folder_date=claim.folder_date, names=())
            for export in next(self._read(iter([one]))):
                export.sha256 = sha256
                says = tuple(map(str, (export.member, claim.account, export.period, export.captured_at)))
                if _is_empty(export) and says not in told:  # a copy under another name says nothing more
                    told.add(says)
                    self._take(export, replace(seen, name=claim.name, accounts=whose), says)

    def _take(self, export: Export, seen: Sighting, says: tuple[str, ...] = ()) -> None:
        """Queue the rows of an export for the database, once it is known whose they are. ``says``: what its name adds."""
        if export.owned is None and export.outcome in KEPT:
            assign(export, seen.accounts, self.accounts)
        export_id = raw.key(export.sha256, export.member, *says)
        owned, rows = export.owned, export.shared
        if export.outcome in KEPT and owned is not None and rows is not None and rows.height:
            captured = _naive(export.captured_at)
            platform = self.accounts.platform(owned.account_id or "") if export.grain == "case" else None
            self.pending.append(_Kept(export_id, str(export.grain), platform or export.platform, captured, owned, rows))
            self.waiting_rows += rows.height
        self._enter(export, seen, export_id)
        for stranger in owned.strangers if owned is not None and export.outcome in KEPT else ():
            self._turn_away(export, seen, stranger)
        export.rows = None

    def _turn_away(self, export: Export, seen: Sighting, account: str) -> None:
        """A copy in the folder of an account that the file does not name: the rows are its owner's, the copy is told so."""
        whose = ", ".join(sorted({a for a in export.owned.owners.values() if a})) if export.owned else ""
        name = next((c.name for c in seen.claims if c.account == account), seen.name)
        said = message("MISPLACED_COPY", account, whose)
        copy = replace(export, outcome="refused", messages=[said], n_rows=0, owned=Owned(None, problem=said))
        copy.rows = None
        self._enter(copy, replace(seen, name=name, accounts=(account,)), raw.key(export.sha256, export.member, account))

    def _enter(self, export: Export, seen: Sighting, export_id: int) -> None:
        self.report.exports.append(export)
        self.told[export_id] = export
        entry = _ledger_row(export, seen, export.owned, export_id, self.now)
        is_retried = entry["code"] == CRASHED and export.sha256 not in self.crashed
        self.entries[export_id] = entry | {"n_stored": 0, "registry_token": self.token + RETRY * is_retried}

    def _store(self, pending: list[_Kept]) -> None:
        """Rows that waited, shaped and inserted for many exports at once: one export is too small to pay for a statement."""
        schemas = {id(kept.rows.frame): tuple(kept.rows.frame.schema.items()) for kept in pending}
        alike: dict[tuple[object, ...], list[_Kept]] = {}
        for kept in pending:
            alike.setdefault((kept.grain, schemas[id(kept.rows.frame)]), []).append(kept)
        tables: dict[str, list[pl.DataFrame]] = {}
        for group in alike.values():
            tables.setdefault(raw.GRAINS[group[0].grain], []).append(_raw_rows(group))
        for table, frames in tables.items():
            rows = pl.concat(frames, how="diagonal_relaxed")
            while True:
                try:
                    self._insert(table, rows)
                    break
                except raw.Collision as collision:
                    rows = self._without(rows, collision)

    def _insert(self, table: str, rows: pl.DataFrame) -> None:
        counted = rows["export_id"].value_counts()
        raw.insert_keys(self.con, "account_keys", _account_keys(rows))
        if table == "post_snapshots":
            rows = self._post_rows(rows)
        raw.insert(self.con, table, rows.drop("account_id", "owner_id", "platform", strict=False))
        for export_id, stored in counted.iter_rows():
            self.entries[export_id]["n_stored"] = stored

    def _without(self, rows: pl.DataFrame, collision: raw.Collision) -> pl.DataFrame:
        """The rows of exports that have no part in a collision; those that have are refused by name."""
        columns = ("account_key", "owner_key") if collision.hashed == "account_key" else (collision.hashed,)
        hit = pl.any_horizontal(
            pl.col(c).is_in(collision.keys) | pl.col(c).is_null() & (None in collision.keys) for c in columns if c in rows.columns
        )
        losers = set(rows.filter(hit)["export_id"])
        if not losers:
            raise collision
        for export_id in losers:
            said = message("SAME_KEY", self.told[export_id].file, collision.hashed)
            self.told[export_id].outcome, self.told[export_id].messages = "refused", [said]
            self.entries[export_id] |= {"outcome": "refused", "code": said.code, "messages": json.dumps([said.as_json()])}
        return rows.filter(~pl.col("export_id").is_in(losers))

    def _post_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Ids and texts go to tables of their own, once; snapshots keep the keys."""
        raw.add_metric_columns(self.con, rows)
        raw.insert_keys(self.con, "post_keys", rows.select("post_key", "platform", "post_id"))
        raw.insert_keys(self.con, "post_texts", rows.select("text_key", "caption", "permalink"))
        return rows.drop("post_id", "caption", "permalink")

    # -- whose it is, across files

    def settle(self) -> None:
        """Where two accounts bring the same posts or days, the better claim keeps them; the other file is refused as a whole."""
        kept = [i for i, entry in self.entries.items() if entry["outcome"] in KEPT]
        entries = list(self.entries.values())
        for start in range(0, len(entries), FLUSH_ENTRIES):
            raw.insert(self.con, "exports", pl.DataFrame(entries[start : start + FLUSH_ENTRIES], schema=LEDGER))
        for loser, rival in owners.losers(self.con, kept).items():
            self._take_back([loser])
            self.con.execute(
                "UPDATE raw.exports SET outcome = 'refused', code = $code, messages = $messages WHERE export_id = $id",
                {"id": loser, "code": rival.code, "messages": json.dumps([rival.message.as_json()])},
            )
            if loser in self.told:
                self.told[loser].outcome, self.told[loser].messages = "refused", [*self.told[loser].messages, rival.message]
        self.touched |= {self.entries[i]["account_id"] for i in kept if self.entries[i]["account_id"]}
        restated.mark(self.con, self.touched, {i: e for i, e in self.told.items() if e.sha256})
        self.report.counts.update(Counter(e.outcome for e in self.report.exports))


# --- rows of many exports, as the raw tables hold them --------------------------------------------------------------------


@dataclass(frozen=True)
class _Kept:
    """An accepted export whose rows wait for the next insert."""

    export_id: int
    grain: str
    platform: str | None
    captured_at: datetime | None
    owned: Owned
    rows: Shared


def _raw_rows(group: list[_Kept]) -> pl.DataFrame:
    """Rows of exports of one grain and schema, with `account_id`, `owner_id` and `platform` still as text."""
    frames = {id(k.rows.frame): n for n, k in enumerate(group)}
    group = sorted(group, key=lambda k: (frames[id(k.rows.frame)], k.rows.start))
    number = np.repeat(np.arange(len(group)), [k.rows.height for k in group])
    rows = pl.concat(_runs([k.rows for k in group])).with_columns(pl.Series("export", number, dtype=pl.Int64))
    stated = pl.DataFrame(
        {
            "export_id": pl.Series([k.export_id for k in group], dtype=pl.Int64),
            "captured_at": pl.Series([k.captured_at for k in group], dtype=pl.Datetime("us")),
            "platform": pl.Series([k.platform for k in group], dtype=pl.Utf8),
            "account_id": pl.Series([k.owned.account_id for k in group], dtype=pl.Utf8),
        }
    )
    grain = group[0].grain
    rows = rows.with_columns(stated[number])
    if grain != "case":
        rows = owners.with_owners(rows.drop("account_id"), [k.owned for k in group])
    if grain == "account_day":  # a day is that of the account which its row names, whoever exported it; a stranger's is nobody's
        rows = rows.with_columns(pl.col("owner_id").alias("account_id")).filter(pl.col("account_id").is_not_null())
    rows = rows.with_columns(raw.keys(rows, "account_id").alias("account_key")).drop("export")
    shaped = {"post": _post_frame, "account_day": _day_frame}.get(grain, lambda f: f)(_naive_times(rows))
    table = raw.GRAINS[grain]
    if table == "post_snapshots":
        return shaped
    known = raw.column_names(table)
    return shaped.select([*(c for c in shaped.columns if c in known), "account_id", "platform"])


def _runs(parts: list[Shared]) -> list[pl.DataFrame]:
    """The rows of all parts, in order; parts that lie one behind the other in a frame are cut out of it at once."""
    runs: list[Shared] = []
    for part in parts:
        last = runs[-1] if runs else None
        if last is not None and last.frame is part.frame and last.start + last.height == part.start:
            runs[-1] = Shared(last.frame, last.start, last.height + part.height)
        else:
            runs.append(part)
    return [r.cut() for r in runs]


def _naive_times(rows: pl.DataFrame) -> pl.DataFrame:
    """Instants as UTC without a zone: the warehouse's TIMESTAMP."""
    zoned = [c for c, t in rows.schema.items() if isinstance(t, pl.Datetime) and t.time_zone]
    return rows.with_columns(
        pl.col(c).dt.convert_time_zone("UTC").dt.replace_time_zone(None).dt.cast_time_unit("us") for c in zoned
    )


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment


def _post_frame(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per post: keys made from natural keys, identity columns and every metric of the vocabulary."""
    missing = [pl.lit(None, dtype=pl.Utf8).alias(c) for c in ("caption", "permalink") if c not in rows.columns]
    rows = rows.with_columns(missing)
    texts = rows.select(pl.col("caption", "permalink").fill_null("\x00"))
    rows = rows.with_columns(
        raw.keys(rows, "platform", "post_id").alias("post_key"),
        raw.keys(rows, "owner_id").alias("owner_key"),
        raw.keys(texts, "caption", "permalink").alias("text_key"),
    )
    names = ["export_id", "row_number", "post_key", "account_key", "owner_key", "text_key", "captured_at"]
    identity = [c for c in raw.IDENTITY if c in rows.columns]
    return rows.select(
        [
            *names,
            *identity,
            *raw.metric_columns(rows.drop(names)),
            "post_id",
            "caption",
            "permalink",
            "account_id",
            "owner_id",
            "platform",
        ]
    )


def _day_frame(rows: pl.DataFrame) -> pl.DataFrame:
    """Wide to long: one row per day and metric; what the file does not report has no row."""
    index = ["export_id", "row_number", "account_key", "account_id", "platform", "day", "day_zone", "captured_at"]
    metrics = raw.metric_columns(rows.drop([c for c in index if c in rows.columns]))
    long = rows.unpivot(on=metrics, index=index, variable_name="metric", value_name="value")
    return long.with_columns(pl.col("value").cast(pl.Float64)).drop_nulls("value")


def _account_keys(rows: pl.DataFrame) -> pl.DataFrame:
    exporters = rows.select("account_key", "account_id", "platform")
    if "owner_key" in rows.columns:
        owners = rows.select(pl.col("owner_key").alias("account_key"), pl.col("owner_id").alias("account_id"), "platform")
        exporters = pl.concat([exporters, owners])
    return exporters.drop_nulls("account_key").unique()


# --- ledger rows ----------------------------------------------------------------------------------------------------------

SIGHTING: dict[str, ColumnType] = {
    "name": pl.Utf8,
    "size_bytes": pl.Int64,
    "mtime_ns": pl.Int64,
    "inode": pl.Int64,
    "sha256": pl.Utf8,
    "account_id": pl.Utf8,
    "folder_date": pl.Date,
    "first_seen_at": pl.Datetime("us"),
    "last_seen_at": pl.Datetime("us"),
    "runs": pl.Int64,
}
_TEXTS = """sha256 member file_name names_seen kind format_version platform grain language outcome code dropped messages
    account_id owners value_scope captured_from unknown_columns registry_token"""
LEDGER: dict[str, ColumnType] = {
    **dict.fromkeys(_TEXTS.split(), pl.Utf8),
    **dict.fromkeys(("export_id", "size_bytes", "n_rows", "n_stored", "sightings"), pl.Int64),
    **dict.fromkeys(("captured_at", "first_seen_at", "last_seen_at"), pl.Datetime("us")),
    **dict.fromkeys(("period_first", "period_last", "period_start", "period_end"), pl.Date),
}
# an entry that is not read again still says how often and when its bytes were seen
SEEN_AGAIN_SQL = """UPDATE raw.exports SET sightings = s.names, last_seen_at = s.last_seen_at
FROM (
    SELECT sha256, count(DISTINCT name) AS names, max(last_seen_at) AS last_seen_at
    FROM raw.sightings WHERE sha256 IS NOT NULL GROUP BY sha256
) s
WHERE exports.sha256 = s.sha256 AND exports.sha256 <> ''"""
# what the archive should hold, and the names under which it was seen; what is too large is hashed only
ARCHIVED_SQL = """SELECT sha256, name FROM raw.sightings
WHERE sha256 IS NOT NULL AND sha256 <> $erased AND size_bytes <= $largest ORDER BY sha256, name"""
LOST_SQL = """UPDATE raw.exports SET outcome = 'flagged', code = 'ARCHIVE_LOST', messages = CAST('[' || $said || ']' AS JSON)
WHERE sha256 IN (SELECT unnest($lost)) AND outcome IN ('accepted', 'flagged') AND code IS DISTINCT FROM 'ARCHIVE_LOST'"""
STILL_LOST_SQL = """SELECT outcome, count(*) FROM raw.exports
WHERE sha256 IN (SELECT unnest($lost)) AND code IN ('ARCHIVE_LOST', 'NOT_IN_ARCHIVE') GROUP BY outcome"""
KNOWN_SQL = """SELECT name, size_bytes, mtime_ns, inode, sha256, runs FROM raw.sightings
QUALIFY row_number() OVER (PARTITION BY name ORDER BY last_seen_at DESC, runs DESC) = 1"""
TOUCH_SQL = """UPDATE raw.sightings SET size_bytes = a.size_bytes, mtime_ns = a.mtime_ns, inode = a.inode,
    last_seen_at = a.last_seen_at, runs = a.runs
FROM again a WHERE sightings.name = a.name AND sightings.sha256 = a.sha256"""
CONTENTS_SQL = "SELECT DISTINCT sha256 FROM raw.sightings WHERE sha256 <> $erased"
# contents that another name may say more about: without rows, of a period that nobody told, or of an estimated day
ASKED_SQL = f"""SELECT DISTINCT sha256 FROM raw.exports
WHERE (n_rows = 0 OR value_scope = 'unknown' OR captured_from IN ({", ".join(repr(origin) for origin in ESTIMATED)}))
    AND outcome IN ('accepted', 'flagged') AND sha256 <> $erased"""  # noqa: S608 - our own words
UNREAD_SQL = CONTENTS_SQL + " AND sha256 NOT IN (SELECT sha256 FROM raw.exports WHERE sha256 IS NOT NULL)"  # noqa: S608
# entries that may have to be looked at again: all others were read as plainly by the same reader with the same registry
DOUBTFUL_SQL = """SELECT sha256, outcome, code, registry_token, owners, platform, kind FROM raw.exports
WHERE sha256 <> '' AND (outcome <> 'accepted' OR code IS NOT NULL OR registry_token IS DISTINCT FROM $token)"""
SIGHTINGS_SQL = """SELECT sha256, first_seen_at, name, size_bytes, account_id, folder_date, mtime_ns
FROM raw.sightings WHERE sha256 IN (SELECT unnest($hashes)) AND sha256 <> 'erased'
ORDER BY sha256, first_seen_at, length(name), name"""


def _together(rows: list[tuple[Any, ...]], present: set[str]) -> Sighting:
    """All names of one content. Which name came first says nothing about whose it is, so every account that holds it is named.

    A name that is gone from the inbox claims nothing while another one is there, so moving a file to its right folder helps. What
    each name says alone stays, unless the same name lies elsewhere now.
    """
    first_seen, name, size, *_ = rows[0]
    names = tuple(sorted({row[1] for row in rows}))
    here = [row for row in rows if row[1] in present]
    moved = {_base(row[1]) for row in here}
    claims = {Claim(_base(row[1]), row[3], row[4]) for row in rows if row[1] in present or _base(row[1]) not in moved}
    modified = min((datetime.fromtimestamp(row[5] / 1e9, UTC) for row in rows if row[5]), default=None)
    rows = here or rows
    accounts = tuple(sorted({row[3] for row in rows if row[3]}))
    days = [row[4] for row in rows if row[4]]
    by_name = tuple(sorted(claims, key=repr))
    paths = tuple(sorted({row[1] for row in rows}, key=lambda path: (len(path), path)))
    return Sighting(name, size, accounts, min(days, default=None), first_seen, names, modified, by_name, paths)


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _is_empty(export: Export) -> bool:
    """A known table with a header and no row."""
    return any(m.code == "NO_ROWS" for m in export.messages)


def _known_to_readers(registry: Registry) -> str:
    """Changes with whatever decides how a file is read: who the accounts are, the taught tables, the reader itself."""
    parts = (owners.token(registry.accounts), repr(registry.mappings), fingerprints.reader())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _claim(seen: Sighting, by_name: bool) -> tuple[object, ...]:
    if not by_name:
        return seen.accounts, seen.folder_date
    each = {(c.account, c.folder_date, _dated_parts([c.name])) for c in seen.claims}
    return seen.accounts, seen.folder_date, each, _dated_parts(seen.paths)


def _dated_parts(paths: Collection[str]) -> frozenset[str]:
    """Names of files and folders that hold a year, without the number of a copy: only these can tell when, or what period."""
    parts = {re.sub(r" \(\d+\)(?=\.|$)", "", part) for path in paths for part in path.split("/")}
    return frozenset(part for part in parts if re.search(r"(19|20)\d\d", part))


def _named_account(export: Export) -> str | None:
    """The account of a file without rows, where the reader knows just one."""
    named = {a.account_id for a in export.accounts if a.account_id}
    return next(iter(named)) if len(named) == 1 else None


def _day(text: str | None) -> date | None:
    """The day of an ISO date or instant; for posts this is the UTC day."""
    return date.fromisoformat(text[:10]) if text else None


def _ledger_row(export: Export, seen: Sighting, owned: Owned | None, export_id: int, now: datetime) -> dict[str, Any]:
    messages = sorted(export.messages, key=lambda m: SEVERITY.index(level(m.code)))  # the one that decided comes first
    start, end = export.period or (None, None)
    rows = export.shared
    has_scope = rows is not None and rows.height and "value_scope" in rows.frame.columns
    scope = rows.frame["value_scope"][rows.start] if rows is not None and has_scope else None
    return {
        "export_id": export_id,
        "sha256": export.sha256,
        "member": export.member,
        "file_name": seen.name.rsplit("/", 1)[-1],
        "names_seen": json.dumps(seen.names, ensure_ascii=True),
        "size_bytes": seen.size,
        "kind": export.kind,
        "format_version": str(export.version),
        "platform": export.platform,
        "grain": export.grain,
        "language": export.language,
        "outcome": export.outcome,
        "code": messages[0].code if messages and export.outcome != "accepted" else None,
        "n_rows": export.n_rows,
        "dropped": json.dumps(export.dropped),
        "messages": json.dumps([m.as_json() for m in messages], ensure_ascii=True),
        "account_id": owned.account_id if owned and not owned.problem else seen.account or _named_account(export),
        "owners": json.dumps(owned.owners if owned else {}),
        "value_scope": scope or "lifetime",
        "captured_at": _naive(export.captured_at) or seen.first_seen,
        "captured_from": export.captured_from,
        "period_first": _day(export.first),
        "period_last": _day(export.last),
        "period_start": start,
        "period_end": end,
        "first_seen_at": seen.first_seen,
        "last_seen_at": now,
        "sightings": len(seen.names),
        "unknown_columns": json.dumps(export.header.unknown),
    }


__all__ = ["IngestReport", "ingest", "rebuild", "status"]
