"""Past totals that differ from the last published version, each with its cause. History is not rewritten unseen.

Compared are the totals of account, agency and month that were complete when they were published. Causes, in the order in which
they are looked for: the registry (which then needs a `restate` entry with a note in incidents.csv), files that were erased, files
that arrived or changed their outcome, our own rules: another fingerprint of the table of these totals, which covers all that it
is made of. What has none of these causes stops the publication.
"""

from __future__ import annotations

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
# What an agency is worth in a month is told against others, so it may move when files of others arrive: such moves are listed.
MOVED_SQL = """CREATE TABLE meta.moved_values AS
SELECT o.agency_id, o.month, o.vs_expected AS old_value, n.vs_expected AS new_value,
    EXISTS (SELECT 1 FROM meta.changed_history h WHERE h.agency_id = o.agency_id AND h.month = o.month) AS has_own_cause
FROM previous.estimates.agency_month_index o
JOIN estimates.agency_month_index n ON n.agency_id = o.agency_id AND n.month = o.month
WHERE o.complete AND o.vs_expected IS NOT NULL
    AND (n.vs_expected IS NULL OR abs(ln(n.vs_expected / o.vs_expected)) > 0.01)"""
NOTHING_MOVED_SQL = """CREATE TABLE meta.moved_values (agency_id VARCHAR, month DATE, old_value DOUBLE, new_value DOUBLE,
    has_own_cause BOOLEAN)"""
HAS_INDEX_SQL = """SELECT count(*) FROM duckdb_tables()
WHERE database_name = 'previous' AND schema_name = 'estimates' AND table_name = 'agency_month_index'"""


def compare(con: duckdb.DuckDBPyConnection, has_previous: bool, made_of: str) -> None:
    """Fill `meta.changed_history` and `meta.moved_values` of the version being built; empty where nothing was published before.

    `made_of` is the fingerprint of TABLE in this build; a version that kept none was built by other rules.
    """
    con.execute(EMPTY_SQL)
    if has_previous:
        con.execute(COMPARE_SQL, {"made_of": made_of, "was_made_of": _was_made_of(con)})
    was_judged = has_previous and con.execute(HAS_INDEX_SQL).fetchall()[0][0]
    con.execute(MOVED_SQL if was_judged else NOTHING_MOVED_SQL)


def _was_made_of(con: duckdb.DuckDBPyConnection) -> str | None:
    columns = [row[0] for row in con.execute("DESCRIBE previous.meta.tables").fetchall()]
    if "fingerprint" not in columns:
        return None
    found = con.execute("SELECT fingerprint FROM previous.meta.tables WHERE name = ?", [TABLE]).fetchall()
    return found[0][0] if found else None
