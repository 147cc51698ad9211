-- id: Ada platform yang tidak terdaftar di warehouse/platforms.yml; angkanya tidak akan terhitung. Tambahkan entrinya di sana.
-- en: A platform is not listed in warehouse/platforms.yml; its figures would count for nothing. Add its entry there.
-- blocking: yes
-- Cases come from LAPOR and inbox tools too, which are no platforms.
SELECT e.export_id, e.account_id, e.platform
FROM raw.exports e
LEFT JOIN reference.platforms p ON p.platform = e.platform
WHERE e.outcome IN ('accepted', 'flagged') AND e.grain <> 'case' AND e.platform IS NOT NULL AND p.platform IS NULL
UNION ALL
SELECT s.export_id, s.exporter_id AS account_id, s.platform
FROM staging.post_snapshots s
LEFT JOIN reference.platforms p ON p.platform = s.platform
WHERE p.platform IS NULL
UNION ALL
SELECT CAST(NULL AS BIGINT) AS export_id, a.account_id, a.platform
FROM core.accounts a
LEFT JOIN reference.platforms p ON p.platform = a.platform
WHERE p.platform IS NULL
