-- One platform in one calendar month (WIB) over the whole regency. Values of two platforms never add up or average. An account
-- that moved from one agency to another within the month is one account.
-- key: platform, month
WITH rates AS (
    SELECT
        platform, month, avg(CAST(ln_rate AS DECIMAL(18, 12))) AS er_log_mean,
        sum(engagement) / nullif(CAST(sum(exposure) AS DOUBLE), 0) AS er_pooled
    FROM marts.post_facts
    WHERE is_comparable
    GROUP BY platform, month
)
SELECT
    m.platform, m.month, CAST(sum(m.posts) AS BIGINT) AS posts, CAST(sum(m.mature_posts) AS BIGINT) AS mature_posts, count(DISTINCT m.account_id) AS accounts,
    count(DISTINCT CASE WHEN m.is_complete THEN m.account_id END) AS accounts_covered,
    count(DISTINCT CASE WHEN m.is_complete THEN m.account_id END) / nullif(CAST(count(DISTINCT m.account_id) AS DOUBLE), 0) AS coverage,
    CAST(sum(m.engagement) AS BIGINT) AS engagement, CAST(sum(m.exposure) AS BIGINT) AS exposure,
    max(r.er_log_mean) AS er_log_mean, exp(max(r.er_log_mean)) AS er_account, max(r.er_pooled) AS er_pooled
FROM marts.account_month m
LEFT JOIN rates r ON r.platform = m.platform AND r.month = m.month
GROUP BY m.platform, m.month
