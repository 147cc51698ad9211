-- One metric of one account on one day of the platform's own calendar (day_zone), as last reported. Days are never shifted.
-- key: account_id, day, metric
-- first_captured_at: the first export made when the day was over. A day that was not over in its own
-- zone when the export was made (Meta's and YouTube's end at 14:00 or 15:00 WIB of the next) gives way to any later report of it.
WITH judged AS (
    SELECT
        d.*, a.account_id, a.platform, e.sha256,
        CASE e.captured_from WHEN 'file' THEN 6 WHEN 'file_name' THEN 5 WHEN 'archive_name' THEN 4 WHEN 'option' THEN 3
            WHEN 'folder' THEN 2 ELSE 1 END AS evidence_rank,
        CAST({{ local("d.day_zone", "d.captured_at") }} AS DATE) <= d.day
            AS is_partial
    FROM raw.account_days d
    JOIN raw.account_keys a ON a.account_key = d.account_key
    JOIN raw.exports e ON e.export_id = d.export_id
),
reported AS (
    SELECT
        d.*, min(CASE WHEN NOT d.is_partial THEN d.captured_at END) OVER (
            PARTITION BY d.account_id, d.day, d.metric) AS first_captured_at
    FROM judged d
    QUALIFY row_number() OVER (
        PARTITION BY d.account_id, d.day, d.metric
        ORDER BY CASE WHEN d.is_partial THEN 1 ELSE 0 END, CASE WHEN d.evidence_rank > 1 THEN 0 ELSE 1 END, d.captured_at DESC, d.evidence_rank DESC,
            d.value DESC NULLS LAST, d.sha256 DESC, d.export_id, d.row_number) = 1
)
SELECT
    r.account_id, a.agency_id, r.platform, r.day, r.day_zone, CAST(date_trunc('month', r.day) AS DATE) AS month, r.metric, r.value,
    r.captured_at, r.first_captured_at, r.is_partial, r.export_id, r.row_number
FROM reported r
LEFT JOIN core.accounts a
    ON a.account_id = r.account_id
    AND r.day BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
