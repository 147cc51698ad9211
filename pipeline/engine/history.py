"""Past totals that differ from the last published version, each with its cause. History is not rewritten unseen.

Compared are the totals of account, agency and month that were complete when they were published. Causes, in the order in which
they are looked for: the registry (which then needs a `restate` entry with a note in incidents.csv), files that were erased, files
that arrived or changed their outcome, our own rules: another fingerprint of the table of these totals, which covers all that it
is made of. What has none of these causes stops the publication.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb

TABLE = "marts.account_month"
FIGURES = ("posts", "stories", "shares_of_others", "engagement", "exposure", "comments", "shares", "saves", "link_clicks")
EMPTY_SQL = """CREATE TABLE meta.changed_history (account_id VARCHAR, agency_id VARCHAR, month DATE, field VARCHAR,
    old_value DOUBLE, new_value DOUBLE, reason_code VARCHAR, note VARCHAR, is_explained BOOLEAN)"""
_FIGURE = """SELECT account_id, agency_id, month, '@' AS field,
        CAST(o.@ AS DOUBLE) AS old_value, CAST(n.@ AS DOUBLE) AS new_value
    FROM previous.marts.account_month o FULL JOIN marts.account_month n USING (account_id, agency_id, month)
    WHERE (o.is_complete OR o.account_id IS NULL AND n.month < (SELECT max(month) FROM previous.marts.account_month))
        AND o.@ IS DISTINCT FROM n.@"""
_FIGURES_SQL = "\n    UNION ALL ".join(_FIGURE.replace("@", figure) for figure in FIGURES)
_COMPARE = """INSERT INTO meta.changed_history
WITH changed AS (
    @figures
),
files AS (  -- exports that are new, gone, or fared differently, with the accounts whose posts they carry
    SELECT coalesce(n.export_id, o.export_id) AS export_id, coalesce(n.account_id, o.account_id) AS account_id,
        n.export_id IS NULL AS is_gone
    FROM marts.export_files n FULL JOIN previous.marts.export_files o USING (export_id)
    WHERE n.outcome IS DISTINCT FROM o.outcome OR n.account_id IS DISTINCT FROM o.account_id
),
moved AS (
    SELECT account_id, is_gone FROM files WHERE account_id IS NOT NULL
    UNION SELECT p.account_id, f.is_gone FROM core.posts p JOIN files f USING (export_id)
    UNION SELECT p.account_id, f.is_gone FROM previous.core.posts p JOIN files f USING (export_id)
),
registry AS (
    SELECT account_id FROM (SELECT * FROM core.accounts EXCEPT SELECT * FROM previous.core.accounts)
    UNION SELECT account_id FROM (SELECT * FROM previous.core.accounts EXCEPT SELECT * FROM core.accounts)
),
reasons AS (
    SELECT a.account_id, min(i.note) AS note
    FROM core.incidents i
    JOIN (SELECT account_id, agency_id FROM core.accounts UNION SELECT account_id, agency_id FROM previous.core.accounts) a
        ON a.agency_id = i.agency_id
    WHERE i.kind = 'restate' AND i.note IS NOT NULL
    GROUP BY a.account_id
),
caused AS (
    SELECT c.*, r.note,
        CASE
            WHEN c.account_id IN (SELECT account_id FROM registry) THEN 'REGISTRY'
            WHEN c.account_id IN (SELECT account_id FROM moved WHERE is_gone) THEN 'ERASED'
            WHEN c.account_id IN (SELECT account_id FROM moved) THEN 'FILES'
            WHEN $made_of IS DISTINCT FROM $was_made_of THEN 'RULES'
            ELSE 'UNEXPLAINED'
        END AS reason_code
    FROM changed c
    LEFT JOIN reasons r ON r.account_id = c.account_id
)
SELECT account_id, agency_id, month, field, old_value, new_value, reason_code, note,
    reason_code IN ('FILES', 'ERASED', 'RULES') OR (reason_code = 'REGISTRY' AND note IS NOT NULL) AS is_explained
FROM caused"""
COMPARE_SQL = _COMPARE.replace("@figures", _FIGURES_SQL)
# What an agency is worth in a month is told against others, so it may move when files of others arrive: such moves are listed,
# and stay listed in all later versions. Compared is what readers were last told (as first published, or as listed since) and not
# the last version: steps too small to be listed would else add up unseen.
INDEX, LEAST_MOVE = "estimates.agency_month_index", 0.01  # ln: a hundredth is no other number
MOVES = f"((n.vs_expected IS NULL) <> (t.value IS NULL) OR abs(ln(n.vs_expected / t.value)) > {LEAST_MOVE})"
MOVED_SQL = f"""INSERT INTO meta.moved_values
SELECT
    t.agency_id, t.month, t.value, n.vs_expected, t.since, CAST($now AS DATE),
    CASE
        WHEN h.month IS NOT NULL THEN 'own'
        WHEN CAST($rules AS BOOLEAN) THEN 'rules'
        WHEN t.month >= w.newest AND t.month < p.period_start THEN 'window'
        ELSE 'others'
    END
FROM meta.told_values t
CROSS JOIN (SELECT max(period_start) AS newest FROM previous.estimates.agency_window) w
CROSS JOIN marts.period p
LEFT JOIN {INDEX} n ON n.agency_id = t.agency_id AND n.month = t.month
LEFT JOIN (SELECT DISTINCT agency_id, month FROM meta.changed_history) h ON h.agency_id = t.agency_id AND h.month = t.month
WHERE {MOVES}"""  # noqa: S608 - names are ours
TELL_SQL = f"""CREATE OR REPLACE TABLE meta.told_values AS
SELECT
    coalesce(n.agency_id, t.agency_id) AS agency_id, coalesce(n.month, t.month) AS month,
    CASE WHEN t.month IS NULL OR {MOVES} THEN n.vs_expected ELSE t.value END AS value,
    CASE WHEN t.month IS NULL OR {MOVES} THEN CAST($now AS DATE) ELSE t.since END AS since
FROM meta.told_values t
FULL JOIN {INDEX} n ON n.agency_id = t.agency_id AND n.month = t.month
WHERE t.month IS NOT NULL OR (n.complete AND n.vs_expected IS NOT NULL)"""  # noqa: S608
NOTHING_TOLD_SQL = """CREATE TABLE meta.told_values (agency_id VARCHAR, month DATE, value DOUBLE, since DATE);
CREATE TABLE meta.moved_values (agency_id VARCHAR, month DATE, old_value DOUBLE, new_value DOUBLE, since DATE, moved_on DATE,
    cause VARCHAR)"""
TABLES_SQL = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'previous'"
TOLD_BEFORE_SQL = """INSERT INTO meta.told_values SELECT * FROM previous.meta.told_values;
INSERT INTO meta.moved_values SELECT * FROM previous.meta.moved_values"""
TOLD_FIRST_SQL = f"""INSERT INTO meta.told_values
SELECT i.agency_id, i.month, i.vs_expected, CAST(v.built_at AS DATE)
FROM previous.{INDEX} i CROSS JOIN previous.meta.version v
WHERE i.complete AND i.vs_expected IS NOT NULL"""  # noqa: S608


def compare(con: duckdb.DuckDBPyConnection, has_previous: bool, made_of: Mapping[str, str], now: datetime) -> None:
    """Fill `meta.changed_history`, `meta.moved_values` and `meta.told_values` of the version being built.

    `made_of`: the fingerprints of the tables in this build; a version that kept none was built by other rules. `moved_values`:
    one row per agency, month and night on which a published value became another number, by cause (own: files of the agency;
    window: the month left the newest window; rules: another way of counting; others: files of those it is told against).
    """
    con.execute(EMPTY_SQL)
    con.execute(NOTHING_TOLD_SQL)
    before = _fingerprints(con) if has_previous else {}
    if has_previous:
        con.execute(COMPARE_SQL, {"made_of": made_of.get(TABLE, ""), "was_made_of": before.get(TABLE)})
    if INDEX not in made_of:
        return  # a build of some tables only
    was_there = {row[0] for row in con.execute(TABLES_SQL).fetchall()} if has_previous else set()
    if INDEX in was_there:
        con.execute(TOLD_BEFORE_SQL if "meta.told_values" in was_there else TOLD_FIRST_SQL)
        con.execute(MOVED_SQL, {"now": now, "rules": made_of[INDEX] != before.get(INDEX)})
    con.execute(TELL_SQL, {"now": now})


def _fingerprints(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    columns = [row[0] for row in con.execute("DESCRIBE previous.meta.tables").fetchall()]
    if "fingerprint" not in columns:
        return {}
    return dict(con.execute("SELECT name, fingerprint FROM previous.meta.tables WHERE fingerprint IS NOT NULL").fetchall())
