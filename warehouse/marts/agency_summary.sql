-- One agency over the three judged months: how many posts, how complete, and where it stands. What its page says first.
-- key: agency_id
-- is_listed: the agency existed in the period and is compared with others; the regency's main channel is not. level: the side of 1 on
-- which the whole interval of vs_expected lies (up, down), flat where it does not, data where nothing may be said. posts are counts, so they add up over platforms; interactions do not and are not here.
WITH output AS (
    SELECT
        agency_id, count(CASE WHEN is_awaited THEN 1 END) AS accounts, count(posts) AS accounts_known, count(CASE WHEN is_top_list THEN 1 END) AS accounts_top_list,
        CAST(sum(posts) AS BIGINT) AS posts, CAST(sum(posts_previous) AS BIGINT) AS posts_previous,
        sum(CASE WHEN is_compared THEN posts END)
            / nullif(CAST(sum(CASE WHEN is_compared THEN posts_previous END) AS DOUBLE), 0) AS posts_change,
        CAST(sum(collab_posts) AS BIGINT) AS collab_posts
    FROM marts.account_window
    GROUP BY agency_id
),
planned AS (
    SELECT s.agency_id, CAST(sum(s.due) AS BIGINT) AS due, CAST(sum(s.matched) AS BIGINT) AS matched, CAST(sum(s.on_time) AS BIGINT) AS on_time
    FROM estimates.plan_summary s
    JOIN marts.period p ON s.month BETWEEN p.period_start AND p.period_end
    GROUP BY s.agency_id
)
SELECT
    a.agency_id, a.peer_group, p.period_start, p.period_end,
    (a.valid_from IS NULL OR p.period_end IS NULL OR a.valid_from <= p.period_end)
        AND (a.valid_to IS NULL OR p.period_end IS NULL OR a.valid_to >= date_trunc('month', p.period_end))
        AND coalesce(a.kind, '') <> 'kanal_utama' AND coalesce(a.peer_group, '') <> 'kanal_utama' AS is_listed,
    coalesce(o.accounts, 0) AS accounts, coalesce(o.accounts_known, 0) AS accounts_known,
    coalesce(o.accounts_top_list, 0) AS accounts_top_list,
    o.posts, o.posts_previous, o.posts_change, o.collab_posts,
    d.due, d.matched, d.on_time,
    CASE
        WHEN w.state IN ('judged', 'not_ranked') AND w.lower > 1 THEN 'up'
        WHEN w.state IN ('judged', 'not_ranked') AND w.upper < 1 THEN 'down'
        WHEN w.state IN ('judged', 'not_ranked') AND w.lower IS NOT NULL AND w.upper IS NOT NULL THEN 'flat'
        ELSE 'data'
    END AS level,
    coalesce(w.direction, 'data') AS direction, coalesce(w.state, 'no_data') AS state, w.coverage,
    CASE
        WHEN w.state = 'not_required' THEN 'not_required'
        WHEN coalesce(w.state, 'no_data') = 'no_data' THEN 'silent'
        WHEN w.coverage >= t.minimum_coverage AND w.missing_accounts IS NULL THEN 'complete'
        ELSE 'partial'
    END AS completeness
FROM core.agencies a
CROSS JOIN marts.period p
CROSS JOIN registry.thresholds t
LEFT JOIN estimates.agency_window w ON w.agency_id = a.agency_id
LEFT JOIN output o ON o.agency_id = a.agency_id
LEFT JOIN planned d ON d.agency_id = a.agency_id
