-- id: Ada baris mentah tanpa catatan diterima di buku besar.
-- en: Raw rows exist whose export is not accepted in the ledger.
-- blocking: yes
WITH found AS (
    SELECT DISTINCT export_id FROM raw.post_snapshots
    UNION SELECT DISTINCT export_id FROM raw.account_days
    UNION SELECT DISTINCT export_id FROM raw.audience
    UNION SELECT DISTINCT export_id FROM raw.cases
)
SELECT f.export_id
FROM found f
LEFT JOIN raw.exports e ON e.export_id = f.export_id AND e.outcome IN ('accepted', 'flagged')
WHERE e.export_id IS NULL
