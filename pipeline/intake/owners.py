"""Whose rows are these? First inside one export (file, folder, registry), then across exports that claim the same posts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import polars as pl

from pipeline.exports.model import Export, Identities, Message

RIVALRY = ("WRONG_ACCOUNT", "COPIED_FROM", "UNKNOWN_ACCOUNT")
SAME_DAYS = 7
SAME_POSTS = 5
TEXTS = {
    "NOT_A_FILE": (
        "Ini bukan berkas biasa ({seen}), jadi tidak dibuka. Salin berkas aslinya ke folder ini.",
        "This is not a regular file ({seen}), so it was not opened. Copy the file itself into this folder.",
    ),
    "STILL_CHANGING": (
        "Berkas belum selesai disalin atau diunduh ({seen}). Akan dicoba lagi pada proses berikutnya.",
        "The file is still being copied or downloaded ({seen}). It is tried again in the next run.",
    ),
    "TRUNCATED": (
        "Berkas tidak selesai disalin setelah tiga kali proses ({seen}). Unduh dan salin ulang.",
        "The file was still unfinished after three runs ({seen}). Download and copy it again.",
    ),
    "ERASED": (
        "Berkas ini sudah dihapus atas permintaan dan tidak dibaca lagi. Hapus juga salinan di folder ini.",
        "This file was erased on request and is not read again. Delete the copy in this folder as well.",
    ),
    "UNKNOWN_ACCOUNT": (
        "Akun {seen} belum ada di registry/accounts.csv. Tambahkan barisnya, atau taruh berkas di folder akunnya.",
        "Account {seen} is not in registry/accounts.csv. Add its line, or put the file into the folder of its account.",
    ),
    "WRONG_ACCOUNT": (
        "Berkas ini memuat data akun lain: {seen}. Pindahkan ke folder akun yang benar.",
        "This file holds data of another account: {seen}. Move it to the folder of the right account.",
    ),
    "COPIED_FROM": (
        "Isinya sama dengan berkas akun lain: {seen}. Unduh ekspor dari akun ini sendiri.",
        "Its content equals a file of another account: {seen}. Download the export of this very account.",
    ),
}


def message(code: str, place: str, seen: str) -> Message:
    """A message of the ledger's own; `seen` is shown escaped and short."""
    shown = seen.encode("unicode_escape").decode("ascii")[:120]
    text_id, text_en = TEXTS[code]
    return Message(code, place, shown[:40], text_id.format(seen=shown), text_en.format(seen=shown))


def two_folders(file: str, accounts: Iterable[str]) -> Message:
    """The same bytes lay in the folders of two accounts in the same night, and the file names neither."""
    return message("WRONG_ACCOUNT", file, " / ".join(sorted(accounts)))


def token(accounts: pl.DataFrame) -> str:
    """Changes when an account's identity changes; a refused file is then read again."""
    identity = accounts.select("account_id", "platform", "handle", "platform_account_id", "date_order").unique().sort(pl.all())
    return hashlib.sha256(identity.write_csv().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Owned:
    """Whose an export is: who exported it, and for each identity that its rows name the account (None: not registered)."""

    account_id: str | None
    owners: dict[str, str | None] = field(default_factory=dict)
    named_by_file: bool = False
    problem: Message | None = None
    identities: dict[tuple[str | None, str | None], str | None] = field(default_factory=dict)
    fallback: str | None = None  # exporter of rows whose owner is not registered, where no folder says who exported


class AccountBook:
    """Finds accounts by what a file says about them: the platform's id first, then the handle."""

    def __init__(self, accounts: pl.DataFrame):
        self.platform: dict[str, str] = {}
        self.has_id: set[str] = set()
        self._found: dict[tuple[str, str, str], list[tuple[date, date, str]]] = {}
        for row in accounts.iter_rows(named=True):
            self.platform[row["account_id"]] = row["platform"]
            span = (row["valid_from"] or date.min, row["valid_to"] or date.max, row["account_id"])
            for column in ("platform_account_id", "handle"):
                if row[column]:
                    self._found.setdefault((row["platform"], column, row[column].casefold()), []).append(span)
            if row["platform_account_id"]:
                self.has_id.add(row["account_id"])

    def find(self, platform: str, platform_account_id: str | None, handle: str | None, on: date | None = None) -> str | None:
        """The account with this identity; where it changed hands, the one of that day."""
        for column, value in (("platform_account_id", platform_account_id), ("handle", handle)):
            spans = self._found.get((platform, column, value.casefold())) if value else None
            if spans:
                day = on or date.max
                return next((a for first, last, a in spans if first <= day <= last), max(spans)[2])
        return None

    def sees_differently(self, platform: str | None, owners: Mapping[str, str | None]) -> bool:
        """Whether the registry now names another owner than it did when an export was read."""
        for identity, account_id in owners.items():
            number, _, handle = identity.partition("|")
            if platform and (number or handle) and self.find(platform, number or None, handle or None) not in (account_id, None):
                return True
            if account_id is not None and account_id not in self.platform:
                return True
        return False

    def resolve(self, export: Export, folder_account: str | None) -> Owned:
        """Exporter and owner of each row, or the reason why they cannot be known."""
        if export.grain == "case":
            return Owned(folder_account)
        platform = str(export.platform)
        on = date.fromisoformat(export.last[:10]) if export.last else None
        named = self._named(export, platform, on)
        exporter = folder_account if self.platform.get(folder_account or "") == platform else self._only(export, named)
        if folder_account and self.platform.get(folder_account) not in (platform, None) and exporter is None:
            return Owned(None, problem=message("WRONG_ACCOUNT", export.file, f"{platform}, bukan/not {folder_account}"))
        named = self._adopt(named, exporter)
        owners = {f"{n or ''}|{h or ''}": a for (n, h), (a, _) in named.items()}
        known = {a for a, _ in named.values() if a}
        if exporter is None and not known:
            who = next((f"{n or ''} {h or ''}".strip() for n, h in named if n or h), platform)
            return Owned(None, owners, problem=message("UNKNOWN_ACCOUNT", export.file, who))
        if exporter and known and exporter not in known:
            return Owned(None, owners, True, message("WRONG_ACCOUNT", export.file, f"{', '.join(sorted(known))} ≠ {exporter}"))
        fallback = None if exporter else next(a for a, _ in sorted(named.values(), key=lambda v: (-v[1], str(v[0]))) if a)
        identities = {identity: account for identity, (account, _) in named.items()}
        return Owned(exporter, owners, bool(known), None, identities, fallback)

    def _named(self, export: Export, platform: str, on: date | None) -> dict:
        """(platform id, handle) -> (account or None, number of rows), for each identity that the rows name."""
        rows = export.shared
        if rows is None or not rows.height or not {"platform_account_id", "handle"} & set(rows.frame.columns):
            return {
                (r.platform_account_id, r.handle): (r.account_id, 0) for r in export.accounts if r.platform_account_id or r.handle
            }
        identities = export.identities if export.identities is not None else _identities(export.rows)
        return {who: (self.find(platform, *who, on), n) for who, n in identities.items()}

    def _only(self, export: Export, named: Mapping) -> str | None:
        accounts = {a for a, _ in named.values() if a} or {r.account_id for r in export.accounts if r.account_id}
        return next(iter(accounts)) if len(accounts) == 1 else None

    def _adopt(self, named: dict, exporter: str | None) -> dict:
        """An id that the registry does not hold yet is the exporter's own if it is on most rows of his file."""
        known = {a for a, _ in named.values()}
        if exporter is None or exporter in known or exporter in self.has_id or not named:
            return named
        total = sum(n for _, n in named.values())
        identity, (account, n) = max(named.items(), key=lambda item: (item[1][1], str(item[0])))
        if account is None and n * 2 >= total:
            return named | {identity: (exporter, n)}
        return named


def _identities(rows: pl.DataFrame | None) -> Identities:
    """Whom rows name that did not come from the reader."""
    nobody = pl.Series([None] * (rows.height if rows is not None else 0), dtype=pl.Utf8)
    texts = [rows[c] if rows is not None and c in rows.columns else nobody for c in ("platform_account_id", "handle")]
    return {who: n for who, n in Counter(zip(*texts, strict=True)).items() if any(who)}


def with_owners(rows: pl.DataFrame, owned: Sequence[Owned]) -> pl.DataFrame:
    """Add `account_id` (who exported) and `owner_id` (who published; null: not registered) to rows of many exports.

    `export` of a row is the position of its export in `owned`. A row that names nobody is its exporter's.
    """
    names = ("platform_account_id", "handle")
    rows = rows.with_columns(pl.lit(None, dtype=pl.Utf8).alias(c) for c in names if c not in rows.columns)
    named = [(i, *identity, account) for i, o in enumerate(owned) for identity, account in o.identities.items()]
    schema = {"export": pl.Int64, **dict.fromkeys(names, pl.Utf8), "owner_id": pl.Utf8}
    table = pl.DataFrame(named, schema=schema, orient="row")
    rows = rows.join(table, on=["export", *names], how="left", nulls_equal=True, maintain_order="left")
    exporter = pl.Series("exporter", [o.account_id for o in owned], dtype=pl.Utf8).gather(rows["export"])
    fallback = pl.Series("fallback", [o.fallback for o in owned], dtype=pl.Utf8).gather(rows["export"])
    nobody = pl.all_horizontal(pl.col(c).is_null() for c in names)
    rows = rows.with_columns(exporter, fallback, pl.when(nobody).then(exporter).otherwise(pl.col("owner_id")).alias("owner_id"))
    return rows.with_columns(pl.coalesce("exporter", "owner_id", "fallback").alias("account_id")).drop("exporter", "fallback")


# --- across exports -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rival:
    """Why an export lost: the code and the message that names the file and the account with the better claim."""

    code: str
    message: Message


# Two exports that say different owners for one post. Equal values as well: not the same post seen twice but the same file.
# They are looked for among the posts with several owners: one post may lie in hundreds of exports of its own account.
POSTS_SQL = """
WITH disputed AS (
    SELECT post_key FROM raw.post_snapshots
    GROUP BY post_key HAVING min(owner_key) <> max(owner_key) AND min(account_key) <> max(account_key)),
claims AS (SELECT * FROM raw.post_snapshots WHERE post_key IN (SELECT post_key FROM disputed))
SELECT a.export_id AS one, b.export_id AS other, count(*) AS shared,
    count(*) FILTER (a.views IS NOT DISTINCT FROM b.views AND a.reach IS NOT DISTINCT FROM b.reach
        AND a.impressions IS NOT DISTINCT FROM b.impressions AND a.likes IS NOT DISTINCT FROM b.likes
        AND a.comments IS NOT DISTINCT FROM b.comments AND a.shares IS NOT DISTINCT FROM b.shares) AS equal
FROM claims a JOIN claims b
    ON a.post_key = b.post_key AND a.owner_key <> b.owner_key AND a.account_key <> b.account_key
WHERE a.export_id IN (SELECT unnest($ids))
GROUP BY ALL"""
# A day speaks if at least two metrics are not zero and one reaches 10: quiet accounts share days of 0 and 1 by chance.
DAYS_SQL = """
WITH speaking AS (
    SELECT d.export_id, d.account_key, e.kind, d.day, count(*) FILTER (d.value <> 0) AS n
    FROM raw.account_days d JOIN raw.exports e USING (export_id)
    GROUP BY ALL HAVING count(*) FILTER (d.value <> 0) >= 2 AND max(abs(d.value)) >= 10),
fresh AS (SELECT * FROM speaking WHERE export_id IN (SELECT unnest($ids))),
same AS (
    SELECT a.export_id AS one, b.export_id AS other, a.day, a.n
    FROM fresh a JOIN speaking b ON a.day = b.day AND a.n = b.n AND a.kind = b.kind AND a.account_key <> b.account_key
    JOIN raw.account_days x ON x.export_id = a.export_id AND x.day = a.day AND x.account_key = a.account_key AND x.value <> 0
    JOIN raw.account_days y ON y.export_id = b.export_id AND y.day = b.day AND y.account_key = b.account_key
        AND y.metric = x.metric AND y.value = x.value
    GROUP BY ALL HAVING count(*) = a.n)
SELECT one, other, count(*) AS shared, count(*) AS equal FROM same GROUP BY ALL HAVING count(*) >= $days"""
CLAIMS_SQL = """
SELECT e.export_id, e.account_id, e.file_name, e.captured_at, e.captured_from, e.sha256, e.member, e.owners <> '{}' AS named
FROM raw.exports e WHERE e.export_id IN (SELECT unnest($ids))"""
EVIDENCE = ("file", "file_name", "archive_name", "option", "folder", "first_seen")


def losers(con: duckdb.DuckDBPyConnection, fresh: list[int]) -> dict[int, Rival]:
    """Exports that claim what a better claim already holds. Best first: named by the file itself, stated earliest, then SHA-256.

    Only pairs with a fresh export are compared: those among older exports were settled when they arrived, and every export that
    lost is fresh again each night. So the outcome is that of comparing all files at once, whatever the order of arrival.
    """
    if not fresh:
        return {}
    pairs = con.execute(POSTS_SQL, {"ids": fresh}).fetchall()
    edges = [(a, b, "COPIED_FROM" if equal >= SAME_POSTS else "WRONG_ACCOUNT") for a, b, _, equal in pairs]
    edges += [(a, b, "COPIED_FROM") for a, b, *_ in con.execute(DAYS_SQL, {"ids": fresh, "days": SAME_DAYS}).fetchall()]
    against: dict[int, dict[int, str]] = {}
    for a, b, code in edges:
        against.setdefault(a, {})[b] = code
        against.setdefault(b, {})[a] = code
    claims = con.sql(CLAIMS_SQL, params={"ids": sorted(against)}).pl().to_dicts() if against else []
    lost: dict[int, Rival] = {}
    for claim in sorted(claims, key=_strength):
        me = claim["export_id"]
        better = [
            c for c in claims if c["export_id"] in against[me] and c["export_id"] not in lost and _strength(c) < _strength(claim)
        ]
        if better:
            winner = min(better, key=_strength)
            code = against[me][winner["export_id"]]
            seen = f"{winner['account_id']}: {winner['file_name']}"
            lost[me] = Rival(code, message(code, claim["file_name"], seen))
    return lost


def _strength(claim: Mapping[str, Any]) -> tuple:
    rank = EVIDENCE.index(claim["captured_from"]) if claim["captured_from"] in EVIDENCE else len(EVIDENCE)
    return (not claim["named"], claim["captured_at"], rank, claim["sha256"], claim["member"])
