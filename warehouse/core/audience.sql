-- One part of an account's audience or activity in one export: a country, a city, an age band, an hour. Shares never add up over exports.
-- key: export_id, row_number, dimension, label, label2, metric, period_start
WITH ordered AS (
    SELECT
        u.*, a.account_id, a.platform, coalesce(u.period_end, CAST(u.captured_at + INTERVAL 7 HOUR AS DATE)) AS day,
        dense_rank() OVER (
            PARTITION BY a.account_id, u.dimension, u.metric
            ORDER BY CASE WHEN e.captured_from IN ('mtime', 'content', 'first_seen') THEN 1 ELSE 0 END, u.captured_at DESC, e.sha256 DESC, e.member DESC) AS age_rank
    FROM raw.audience u
    JOIN raw.account_keys a ON a.account_key = u.account_key
    JOIN raw.exports e ON e.export_id = u.export_id
)
SELECT
    o.account_id, a.agency_id, o.platform, o.captured_at, o.period_start, o.period_end, o.dimension, o.label, o.label2, o.metric,
    o.value, o.unit, o.export_id, o.row_number, o.age_rank = 1 AS is_latest
FROM ordered o
LEFT JOIN core.accounts a
    ON a.account_id = o.account_id
    AND o.day BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
