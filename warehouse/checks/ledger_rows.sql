-- id: Jumlah baris mentah tidak sama dengan yang tercatat di buku besar.
-- en: Raw rows and the ledger do not agree on how many rows an export has.
-- blocking: yes
WITH found AS (
    SELECT export_id, count(*) AS n FROM raw.post_snapshots GROUP BY export_id
    UNION ALL SELECT export_id, count(DISTINCT row_number) FROM raw.audience GROUP BY export_id
    UNION ALL SELECT export_id, count(*) FROM raw.cases GROUP BY export_id
)
SELECT e.export_id, e.n_rows, f.n
FROM raw.exports e
LEFT JOIN found f ON f.export_id = e.export_id
WHERE e.outcome IN ('accepted', 'flagged') AND e.grain IN ('post', 'audience', 'case') AND e.n_rows <> coalesce(f.n, 0)
