-- What Meta shows beside the followers of a page and no export holds, as typed in the follower register on that day.
-- key: account_id, date
-- Meta's own definition (first messages of 30 days): never mixed with times of the response log.
SELECT
    f.account_id, a.agency_id, a.platform, f.date, CAST(f.response_rate_percent AS DOUBLE) / 100 AS response_rate,
    row_number() OVER (PARTITION BY f.account_id ORDER BY f.date DESC) = 1 AS is_latest
FROM registry.followers f
JOIN core.accounts a
    ON a.account_id = f.account_id
    AND f.date BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
JOIN reference.platforms p ON p.platform = a.platform AND p.has_response_rate
WHERE f.response_rate_percent IS NOT NULL
