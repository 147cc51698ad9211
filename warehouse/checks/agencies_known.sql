-- id: Ada akun yang menunjuk perangkat daerah yang tidak terdaftar.
-- en: An account points at an agency that is not registered.
-- blocking: yes
SELECT a.account_id, a.agency_id
FROM core.accounts a
LEFT JOIN core.agencies g ON g.agency_id = a.agency_id
WHERE g.agency_id IS NULL
