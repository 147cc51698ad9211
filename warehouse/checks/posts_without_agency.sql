-- id: Ada unggahan sebelum atau sesudah masa akunnya di registry/accounts.csv; tidak dihitung untuk perangkat daerah mana pun.
-- en: Posts lie outside the period of their account in registry/accounts.csv; no agency is credited.
-- blocking: no
SELECT p.post_key, p.account_id, p.published_on
FROM core.posts p
JOIN (SELECT DISTINCT account_id FROM core.accounts) a ON a.account_id = p.account_id
WHERE p.agency_id IS NULL
