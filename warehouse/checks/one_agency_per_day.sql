-- id: Satu akun dimiliki dua perangkat daerah pada hari yang sama.
-- en: One account belongs to two agencies on the same day.
-- blocking: yes
SELECT a.account_id, a.agency_id, b.agency_id AS other
FROM core.accounts a
JOIN core.accounts b ON a.account_id = b.account_id AND a.agency_id < b.agency_id
    AND coalesce(a.valid_from, DATE '1900-01-01') <= coalesce(b.valid_to, DATE '9999-12-31')
    AND coalesce(b.valid_from, DATE '1900-01-01') <= coalesce(a.valid_to, DATE '9999-12-31')
