-- Followers of an account at the end of a day: from files that carry the total, else as noted in the register.
-- key: account_id, date
WITH known AS (
    SELECT
        account_id, platform, day AS date, CAST(value AS BIGINT) AS followers, 'export' AS source, export_id, row_number, 0 AS place
    FROM core.account_days
    WHERE metric = 'followers'
    UNION ALL
    SELECT
        f.account_id, a.platform, f.date, f.followers, 'register', CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), 1
    FROM registry.followers f
    JOIN (SELECT DISTINCT account_id, platform FROM core.accounts) a ON a.account_id = f.account_id
),
one AS (
    SELECT * FROM known
    QUALIFY row_number() OVER (PARTITION BY account_id, date ORDER BY place) = 1
)
SELECT o.account_id, a.agency_id, o.platform, o.date, o.followers, o.source, o.export_id, o.row_number
FROM one o
LEFT JOIN core.accounts a
    ON a.account_id = o.account_id
    AND o.date BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
