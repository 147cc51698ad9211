-- id: Angka bulan lampau yang sudah terbit berubah tanpa sebab yang tercatat. Bila daftar akun memang diperbaiki, tambahkan baris restate beserta alasannya di registry/incidents.csv.
-- en: A past total that was published has changed without a recorded cause. If the registry was corrected on purpose, add a restate line with the reason to registry/incidents.csv.
-- blocking: yes
SELECT account_id, agency_id, month, field, old_value, new_value, reason_code
FROM meta.changed_history
WHERE NOT is_explained
