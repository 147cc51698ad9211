"""Exports that break a check are set aside for one build; the rest is published.

A blocking check says by its rows whose exports they are: `export_id` and others that end so, `post_key`, or `account_id`. First
the exports named are left out, then all of the accounts concerned, then the accounts themselves (a register that contradicts
itself). What names none of these is a fault of ours and stops the night. Raw rows stay: the ledger calls the exports held, and
what is held is tried again every night.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from pipeline.engine import connections
from pipeline.engine.connections import open_raw
from pipeline.engine.raw import GRAINS, TABLES
from pipeline.settings import Workspace

if TYPE_CHECKING:
    from pipeline.engine.models import Check

CODE = "CHECK_"
LARGEST_SHARE = 0.5  # of the accounts with exports: a check that breaks on more of them is wrong itself, or what it checks is
AGAIN_ID = "Ekspor ini disisihkan dari terbitan malam ini; yang lain tetap terbit. Malam berikutnya dicoba lagi."
AGAIN_EN = "This export is left out of tonight's version; all others are published. It is tried again the next night."


@dataclass(frozen=True)
class Aside:
    """What one build leaves out: exports and accounts, each with the check that they broke."""

    exports: dict[int, Check] = field(default_factory=dict)
    accounts: dict[str, Check] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.exports)


@dataclass(frozen=True)
class Held:
    """One export that a check set aside, as people know it."""

    export_id: int
    file_name: str
    account_id: str | None
    check: str


def message(check: Check) -> dict[str, str]:
    """The ledger's message for an export that broke a check."""
    return {
        "code": code(check),
        "place": "",
        "seen": "",
        "id": f"{check.message_id} {AGAIN_ID}",
        "en": f"{check.message_en} {AGAIN_EN}",
    }


def code(check: Check) -> str:
    return CODE + check.name


def attach(con: duckdb.DuckDBPyConnection, path: Path, aside: Aside) -> None:
    """The raw tables without what is set aside, as views under the name `raw`; the ledger entries say held."""
    connections.attach(con, path, "stored", "READ_ONLY")
    con.execute("ATTACH ':memory:' AS raw")
    con.execute("CREATE TABLE raw.aside (export_id BIGINT, code VARCHAR, message VARCHAR)")
    rows = [(export_id, code(check), json.dumps(message(check))) for export_id, check in aside.exports.items()]
    con.executemany("INSERT INTO raw.aside VALUES (?, ?, ?)", rows)
    kept = "WHERE export_id NOT IN (SELECT export_id FROM raw.aside)"
    for table in TABLES:
        if table != "exports":
            con.execute(f"CREATE VIEW raw.{table} AS SELECT * FROM stored.{table} {kept if table in GRAINS.values() else ''}")  # noqa: S608
    con.execute(f"CREATE VIEW raw.exports AS {ENTRIES_SQL}")


ENTRIES_SQL = """SELECT e.* REPLACE (
        CASE WHEN a.export_id IS NULL THEN e.outcome ELSE 'held' END AS outcome, coalesce(a.code, e.code) AS code,
        CASE WHEN a.export_id IS NULL THEN e.messages
            WHEN coalesce(json_array_length(e.messages), 0) = 0 THEN CAST('[' || a.message || ']' AS JSON)
            ELSE CAST('[' || a.message || ',' || substr(CAST(e.messages AS VARCHAR), 2) AS JSON) END AS messages)
    FROM stored.exports e LEFT JOIN raw.aside a ON a.export_id = e.export_id"""


def more(con: duckdb.DuckDBPyConnection, broken: Iterable[tuple[Check, str]], aside: Aside) -> Aside | None:
    """What is to be left out as well, given the checks that failed and the SQL of their rows; None where nothing can be named."""
    exports, accounts = dict(aside.exports), dict(aside.accounts)
    for check, sql in broken:
        named, concerned = _concerned(con, sql)
        new = named - set(exports) or _exports_of(con, concerned) - set(exports)
        exports |= dict.fromkeys(sorted(new), check)
        if not new:  # whoever has no export at all has nothing that could be called held
            stubborn = {a for a in concerned - set(accounts) if _exports_of(con, {a})}
            accounts |= dict.fromkeys(sorted(stubborn), check)
    found = Aside(exports, accounts)
    return found if found != aside and not _is_too_much(con, found) else None


def _concerned(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[set[int], set[str]]:
    """The exports that rows name, and the accounts behind them."""
    names = con.sql(f"SELECT * FROM ({sql}\n) LIMIT 0").columns  # noqa: S608 - a check of ours
    exports = _values(con, sql, [n for n in names if n.endswith("export_id")])
    if not exports and "post_key" in names:
        posts = f"SELECT export_id FROM staging.post_snapshots WHERE post_key IN (SELECT post_key FROM ({sql}\n))"  # noqa: S608
        exports = _values(con, posts, ["export_id"])
    accounts = _values(con, sql, [n for n in names if n == "account_id"])
    return exports, accounts | _accounts_of(con, exports)


def _values(con: duckdb.DuckDBPyConnection, sql: str, names: list[str]) -> set[Any]:
    """All that these columns of a query hold, nulls left out."""
    found = (con.execute(f'SELECT DISTINCT "{name}" FROM ({sql}\n)').fetchall() for name in names)  # noqa: S608
    return {row[0] for rows in found for row in rows if row[0] is not None}


# Whose an export is: the ledger says it, or its rows do (a file of several accounts).
OWNERS_SQL = """SELECT export_id, account_id FROM {raw}.exports WHERE outcome IN ('accepted', 'flagged', 'held')
    UNION SELECT s.export_id, k.account_id FROM {raw}.post_snapshots s JOIN {raw}.account_keys k ON k.account_key = s.account_key
    UNION SELECT s.export_id, k.account_id FROM {raw}.account_days s JOIN {raw}.account_keys k ON k.account_key = s.account_key
    UNION SELECT s.export_id, k.account_id FROM {raw}.audience s JOIN {raw}.account_keys k ON k.account_key = s.account_key
    UNION SELECT s.export_id, k.account_id FROM {raw}.cases s JOIN {raw}.account_keys k ON k.account_key = s.account_key"""


def _owners(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """(export_id, account_id) of all exports with rows, those set aside included."""
    stored = con.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'stored'").fetchall()[0][0]
    rows: pl.DataFrame = con.sql(OWNERS_SQL.format(raw="stored" if stored else "raw")).pl()
    return rows.drop_nulls()


def _exports_of(con: duckdb.DuckDBPyConnection, accounts: set[str]) -> set[int]:
    return set(_owners(con).filter(pl.col("account_id").is_in(sorted(accounts)))["export_id"].to_list()) if accounts else set()


def _accounts_of(con: duckdb.DuckDBPyConnection, exports: set[int]) -> set[str]:
    return set(_owners(con).filter(pl.col("export_id").is_in(sorted(exports)))["account_id"].to_list()) if exports else set()


def _is_too_much(con: duckdb.DuckDBPyConnection, aside: Aside) -> bool:
    owners = _owners(con)
    concerned = owners.filter(pl.col("export_id").is_in(list(aside.exports)))["account_id"].n_unique()
    return concerned > LARGEST_SHARE * owners["account_id"].n_unique()


def standing(workspace: Workspace, checks: Iterable[Check]) -> Aside:
    """What an earlier build set aside and nothing has read again since: its rows lie there, its entry says held."""
    known = {code(check): check for check in checks}
    with open_raw(workspace) as con:
        rows = con.execute(
            "SELECT export_id, code FROM raw.exports WHERE outcome = 'held' AND starts_with(code, $c)", {"c": CODE}
        )
        return Aside({export_id: known[name] for export_id, name in rows.fetchall() if name in known})


def record(workspace: Workspace, aside: Aside) -> list[Held]:
    """Enter what was set aside in the ledger: outcome held, the check, its sentence."""
    if not aside:
        return []
    with open_raw(workspace) as con:
        con.execute("CREATE TEMP TABLE aside (export_id BIGINT, code VARCHAR, message VARCHAR)")
        rows = [(export_id, code(check), json.dumps(message(check))) for export_id, check in aside.exports.items()]
        con.executemany("INSERT INTO aside VALUES (?, ?, ?)", rows)
        con.execute(RECORD_SQL)
        names = con.execute(NAMES_SQL).fetchall()
    return [Held(number, name, account, aside.exports[number].name) for number, name, account in names]


NAMES_SQL = """SELECT e.export_id, e.file_name, e.account_id
    FROM raw.exports e JOIN aside a ON a.export_id = e.export_id ORDER BY e.file_name, e.export_id"""
RECORD_SQL = """UPDATE raw.exports SET outcome = 'held', code = a.code, messages =
        CASE WHEN coalesce(json_array_length(exports.messages), 0) = 0 THEN CAST('[' || a.message || ']' AS JSON)
            ELSE CAST('[' || a.message || ',' || substr(CAST(exports.messages AS VARCHAR), 2) AS JSON) END
    FROM aside a WHERE exports.export_id = a.export_id AND exports.code IS DISTINCT FROM a.code"""
