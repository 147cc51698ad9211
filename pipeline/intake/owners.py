"""Whose rows are these, across exports: two accounts that claim the same posts or days. Inside one export the reader says it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from pipeline.exports.messages import message
from pipeline.exports.model import Message, Owned
from pipeline.exports.provenance import ESTIMATED, EVIDENCE

RIVALRY = ("WRONG_ACCOUNT", "COPIED_FROM", "UNKNOWN_ACCOUNT", "MISPLACED_COPY")
SAME_DAYS = 7
SAME_POSTS = 5


def token(accounts: pl.DataFrame) -> str:
    """Changes when an account's identity changes; a refused file is then read again."""
    names = ("account_id", "platform", "handle", "platform_account_id", "date_order", "holder", "valid_from", "valid_to")
    identity = accounts.select(names).unique().sort(pl.all())
    return hashlib.sha256(identity.write_csv().encode()).hexdigest()[:16]


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


def _strength(claim: Mapping[str, Any]) -> tuple[Any, ...]:
    rank = EVIDENCE.index(claim["captured_from"]) if claim["captured_from"] in EVIDENCE else len(EVIDENCE)
    is_estimated = claim["captured_from"] in ESTIMATED
    return (not claim["named"], is_estimated, claim["captured_at"], rank, claim["sha256"], claim["member"])
