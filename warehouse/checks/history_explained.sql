-- id: Angka bulan lampau yang sudah terbit berubah tanpa sebab yang tercatat. Bila daftar akun memang diperbaiki, tambahkan baris restate beserta alasannya di registry/incidents.csv.
-- en: A past total that was published has changed without a recorded cause. If the registry was corrected on purpose, add a restate line with the reason to registry/incidents.csv.
-- blocking: yes
-- A register that was edited without a reason is no fault of any export: such rows name none, and nothing is published.
SELECT DISTINCT
    CASE WHEN h.reason_code <> 'REGISTRY' THEN p.export_id END AS export_id,
    CASE WHEN h.reason_code <> 'REGISTRY' THEN h.account_id END AS account_id,
    h.agency_id, h.month, h.field, h.old_value, h.new_value, h.reason_code
FROM meta.changed_history h
LEFT JOIN core.posts p ON p.account_id = h.account_id AND p.month = h.month
WHERE NOT h.is_explained
