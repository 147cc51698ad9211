-- One platform over the three judged months, all accounts of the regency, beside the three before. Two platforms are never added up.
-- key: platform
-- Totals are of the accounts that reported (accounts_known of accounts). A change is one of the same accounts in both quarters
-- (accounts_compared, followers_compared) and null where there is none: an account that came or went is no rise or fall.
WITH listed AS (
    SELECT w.*
    FROM marts.account_window w
    JOIN core.agencies a ON a.agency_id = w.agency_id
    WHERE w.is_awaited
)
SELECT
    platform, max(period_start) AS period_start, max(period_end) AS period_end, count(*) AS accounts,
    count(posts) AS accounts_known, count(CASE WHEN is_compared THEN 1 END) AS accounts_compared,
    sum(covered_days) / nullif(CAST(sum(days) AS DOUBLE), 0) AS coverage,
    CAST(sum(posts) AS BIGINT) AS posts,
    sum(CASE WHEN is_compared THEN posts END) / nullif(CAST(sum(CASE WHEN is_compared THEN posts_previous END) AS DOUBLE), 0) AS posts_change,
    CAST(sum(engagement) AS BIGINT) AS engagement,
    CAST(sum(CASE WHEN engagement_change IS NOT NULL THEN CAST(e_final AS DECIMAL(28, 9)) END) AS DOUBLE)
        / nullif(CAST(sum(CASE WHEN engagement_change IS NOT NULL THEN CAST(e_final_previous AS DECIMAL(28, 9)) END) AS DOUBLE), 0)
        AS engagement_change,
    CAST(sum(exposure) AS BIGINT) AS exposure,
    CAST(sum(CASE WHEN exposure_change IS NOT NULL THEN CAST(x_final AS DECIMAL(28, 9)) END) AS DOUBLE)
        / nullif(CAST(sum(CASE WHEN exposure_change IS NOT NULL THEN CAST(x_final_previous AS DECIMAL(28, 9)) END) AS DOUBLE), 0)
        AS exposure_change,
    CAST(sum(followers) AS BIGINT) AS followers, count(followers) AS followers_known, count(followers_change) AS followers_compared,
    CAST(sum(CASE WHEN followers_change IS NOT NULL THEN followers - followers_previous END) AS BIGINT) AS followers_gained,
    sum(CASE WHEN followers_change IS NOT NULL THEN followers END)
        / nullif(CAST(sum(CASE WHEN followers_change IS NOT NULL THEN followers_previous END) AS DOUBLE), 0) AS followers_change
FROM listed
GROUP BY platform
