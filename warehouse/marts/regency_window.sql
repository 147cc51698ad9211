-- The whole regency over the three judged months, beside the three before: posts as a count over all platforms, never interactions.
-- key: period_start
WITH totals AS (
    SELECT
        count(*) AS accounts, count(posts) AS accounts_known, count(DISTINCT CASE WHEN posts > 0 THEN platform END) AS n_platforms,
        count(DISTINCT CASE WHEN posts > 0 THEN agency_id END) AS n_agencies,
        count(CASE WHEN is_top_list THEN 1 END) AS accounts_top_list,
        CAST(sum(posts) AS BIGINT) AS posts,
        sum(CASE WHEN is_compared THEN posts END)
            / nullif(CAST(sum(CASE WHEN is_compared THEN posts_previous END) AS DOUBLE), 0) AS posts_change,
        count(CASE WHEN is_compared THEN 1 END) AS accounts_compared,
        sum(covered_days) / nullif(CAST(sum(days) AS DOUBLE), 0) AS coverage
    FROM marts.account_window
    WHERE is_awaited
),
registered AS (
    SELECT count(*) AS accounts_registered FROM core.accounts
)
SELECT
    p.period_start, p.period_end, r.accounts_registered, t.accounts, t.accounts_known, t.accounts_compared, t.accounts_top_list,
    t.n_platforms, t.n_agencies, t.posts, t.posts_change, t.coverage
FROM marts.period p
CROSS JOIN totals t
CROSS JOIN registered r
