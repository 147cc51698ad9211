-- id: Jumlah baris mentah tidak sama dengan yang tercatat di buku besar.
-- en: Raw rows and the ledger do not agree on how many rows an export has.
-- blocking: yes
-- n_stored is counted from the rows as read, one raw row per metric for days and audiences; n_rows is what the reader reports.
WITH found AS (
    SELECT export_id, count(*) AS n FROM raw.post_snapshots GROUP BY export_id
    UNION ALL SELECT export_id, count(*) FROM raw.account_days GROUP BY export_id
    UNION ALL SELECT export_id, count(*) FROM raw.audience GROUP BY export_id
    UNION ALL SELECT export_id, count(*) FROM raw.cases GROUP BY export_id
)
SELECT e.export_id, e.n_rows, e.n_stored, f.n
FROM raw.exports e
LEFT JOIN found f ON f.export_id = e.export_id
WHERE e.n_stored <> coalesce(f.n, 0) AND e.outcome IN ('accepted', 'flagged')
    OR e.grain IN ('post', 'case') AND e.n_rows <> coalesce(f.n, 0) AND e.outcome IN ('accepted', 'flagged')
