"""What a file says against other files: numbers that it takes back, and an order of files that nobody stated.

Both are warnings on the file, in the ledger; its rows stay. They follow from all files of an account together and are worked out
anew whenever rows of it came or went, so the order of arrival leaves no trace. ``marts.restatements`` lists every single change,
also the small ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import duckdb

from pipeline.engine import raw
from pipeline.engine.placeholders import local
from pipeline.exports.messages import level, message
from pipeline.exports.model import Export, Message
from pipeline.exports.provenance import ESTIMATED, EVIDENCE

Change = tuple[str, str, float | None, float]  # post or day, field, value until now (None: not yet known), value

CODES = ("RESTATED", "ORDER_ASSUMED")
COUNTERS = ("reach", "views", "impressions", "likes", "reactions", "comments", "shares", "reposts", "saves")
# Platforms purge false accounts and people withdraw a like: counts fall by 1 to 3 % all the time. More than this is news.
FALL, AT_LEAST, DAY_CHANGE = 0.05, 3, 0.2

_RANK = " ".join(f"WHEN '{origin}' THEN {rank}" for rank, origin in enumerate(EVIDENCE))
_IS_ESTIMATED = f"captured_from IN ({', '.join(repr(origin) for origin in ESTIMATED)})"
_IS_LATER = f"NOT {_IS_ESTIMATED} AND NOT is_old_estimated AND old_at < captured_at"
# What nobody dated comes before everything that is dated: it replaces nothing, and nothing that differs from it is a restatement.
_ORDER = (
    f"NOT {_IS_ESTIMATED}, captured_at, CASE captured_from {_RANK} ELSE {len(EVIDENCE)} END DESC, sha256, export_id, row_number"
)
_IS_OVER = f"CAST({local('d.day_zone', 'd.captured_at')} AS DATE) > d.day"  # days are the platform's, as in core.account_days
# Posts and finished days that more than one export of the same account reports, not all with the same numbers; only these can
# contradict anything. They are asked for first: where there are none, a whole table need not be joined with them.
POSTS_AGAIN_SQL = f"""
SELECT post_key, account_key FROM raw.post_snapshots
WHERE coalesce(value_scope, 'lifetime') = 'lifetime' AND account_key IN (SELECT unnest($accounts))
GROUP BY ALL HAVING min(export_id) <> max(export_id) AND ({" OR ".join(f"min({c}) <> max({c})" for c in COUNTERS)})"""  # noqa: S608 - our own names
POSTS_SQL = f"""
WITH seen AS (
    SELECT s.export_id, s.row_number, s.post_key, s.account_key, e.captured_at, e.captured_from, e.sha256, {", ".join(COUNTERS)}
    FROM raw.post_snapshots s JOIN arriving USING (post_key, account_key) JOIN raw.exports e USING (export_id)
    WHERE coalesce(s.value_scope, 'lifetime') = 'lifetime'),
long AS (UNPIVOT seen ON {", ".join(COUNTERS)} INTO NAME field VALUE value),
against AS (
    SELECT *, lag(value) OVER w AS old, lag(captured_at) OVER w AS old_at, lag({_IS_ESTIMATED}) OVER w AS is_old_estimated,
        min(value) OVER every <> max(value) OVER every AS is_disputed
    FROM long
    WINDOW w AS (PARTITION BY post_key, account_key, field ORDER BY {_ORDER}),
        every AS (PARTITION BY post_key, account_key, field))
SELECT export_id, k.post_id AS what, field, old, value, {_IS_ESTIMATED} AND is_disputed AS is_assumed,
    coalesce({_IS_LATER} AND old - value >= {AT_LEAST} AND old - value > {FALL} * old, FALSE) AS is_restated
FROM against JOIN raw.post_keys k USING (post_key)
WHERE is_assumed OR is_restated"""  # noqa: S608 - our own names
DAYS_AGAIN_SQL = f"""
SELECT account_key, day, metric FROM raw.account_days d
WHERE {_IS_OVER} AND account_key IN (SELECT unnest($accounts))
GROUP BY ALL HAVING min(export_id) <> max(export_id) AND min(value) <> max(value)"""  # noqa: S608 - our own words
DAYS_SQL = f"""
WITH seen AS (
    SELECT d.export_id, d.row_number, d.account_key, d.day, d.metric, d.value, e.captured_at, e.captured_from, e.sha256
    FROM raw.account_days d JOIN arriving USING (account_key, day, metric) JOIN raw.exports e USING (export_id)
    WHERE {_IS_OVER}),
against AS (
    SELECT *, lag(value) OVER w AS old, lag(captured_at) OVER w AS old_at, lag({_IS_ESTIMATED}) OVER w AS is_old_estimated,
        min(value) OVER every <> max(value) OVER every AS is_disputed
    FROM seen
    WINDOW w AS (PARTITION BY account_key, day, metric ORDER BY {_ORDER}), every AS (PARTITION BY account_key, day, metric))
SELECT export_id, CAST(day AS VARCHAR) AS what, metric AS field, old, value,
    {_IS_ESTIMATED} AND is_disputed AS is_assumed,
    coalesce({_IS_LATER} AND abs(value - old) >= {AT_LEAST} AND abs(value - old) > {DAY_CHANGE} * abs(old), FALSE)
        AS is_restated
FROM against
WHERE is_assumed OR is_restated"""  # noqa: S608 - our own names
ENTRIES_SQL = """
SELECT export_id, outcome, messages FROM raw.exports
WHERE export_id IN (SELECT unnest($ids))
    OR (outcome = 'flagged' AND regexp_matches(CAST(messages AS VARCHAR), $codes) AND account_id IN (SELECT unnest($accounts)))"""


def warnings(con: duckdb.DuckDBPyConnection, accounts: Collection[str]) -> dict[int, list[Message]]:
    """Per export what it takes back, with its largest change as the example, and whether its place in the order is a guess."""
    found: dict[int, dict[str, list[Change]]] = {}
    keys = {"accounts": sorted(raw.key(account) for account in accounts)}
    for again, query in ((POSTS_AGAIN_SQL, POSTS_SQL), (DAYS_AGAIN_SQL, DAYS_SQL)):
        several = con.sql(again, params=keys).pl()
        if several.is_empty():
            continue
        with raw.arriving(con, several):
            rows = con.execute(query).fetchall()
        for export_id, *change, is_assumed, is_restated in rows:
            for code, holds in zip(CODES, (is_restated, is_assumed), strict=True):
                if holds:
                    found.setdefault(export_id, {}).setdefault(code, []).append((change[0], change[1], change[2], change[3]))
    return {i: [_message(code, codes[code]) for code in CODES if code in codes] for i, codes in found.items()}


def _message(code: str, changes: list[Change]) -> Message:
    what, field, old, value = max(changes, key=lambda c: (abs(c[3] - (c[2] or 0)), c[0], c[1]))
    more = f" (+{len(changes) - 1})" if len(changes) > 1 else ""
    seen = f"{old:g} -> {value:g}{more}" if old is not None else f"{value:g}{more}"
    return message(code, f"{what}: {field}", seen)


def mark(con: duckdb.DuckDBPyConnection, accounts: Collection[str], exports: dict[int, Export]) -> None:
    """Bring the warnings on these accounts' files up to date. ``exports``: those of this night by id, which are told as well."""
    if not accounts:
        return
    found = warnings(con, accounts)
    given = {"ids": sorted(found), "accounts": sorted(accounts), "codes": "|".join(f'"{code}"' for code in CODES)}
    for export_id, outcome, said in con.execute(ENTRIES_SQL, given).fetchall():
        if outcome not in ("accepted", "flagged"):
            continue
        old: list[dict[str, Any]] = json.loads(said)
        kept = [m for m in old if m["code"] not in CODES]
        fresh = found.get(export_id, [])
        new = sorted([*kept, *(m.as_json() for m in fresh)], key=lambda m: level(m["code"]) == "info")
        if new == old:
            continue
        outcome = "flagged" if any(level(m["code"]) == "flagged" for m in new) else "accepted"
        con.execute(
            "UPDATE raw.exports SET outcome = $outcome, code = $code, messages = $messages WHERE export_id = $id",
            {
                "id": export_id,
                "outcome": outcome,
                "code": new[0]["code"] if outcome == "flagged" else None,
                "messages": json.dumps(new, ensure_ascii=True),
            },
        )
        if export_id in exports:
            exports[export_id].outcome, exports[export_id].messages = outcome, [*exports[export_id].messages, *fresh]
