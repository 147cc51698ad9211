-- One account of one agency over the three judged months, beside the three before: what it published and what came back, as totals.
-- key: account_id, agency_id
-- is_awaited: in the window it was open, or sent something; others (closed, gone, to come) only carry the quarter before.
-- A total is of the months with a whole list of posts and null where there is none; months says how many of three. is_compared: both
-- quarters are covered for at least `minimum_coverage` of their days, so that a change is one of the account and not of its files. The changes
-- compare sums of values brought to maturity (marts.post_facts); null below 95 % of posts that are old enough for that.
WITH months AS (
    SELECT
        m.*, p.period_start, p.period_end, p.previous_start, p.previous_end,
        CASE WHEN m.month >= p.period_start THEN 1 ELSE 0 END AS is_now
    FROM marts.account_month m
    JOIN marts.period p ON m.month BETWEEN p.previous_start AND p.period_end
),
totals AS (
    SELECT
        account_id, agency_id, platform, period_start, period_end,
        count(CASE WHEN is_now = 1 AND posts IS NOT NULL THEN 1 END) AS months,
        max(CASE WHEN is_now = 1 AND (is_required OR covered_days > 0 OR posts IS NOT NULL) THEN 1 ELSE 0 END) = 1 AS is_awaited,
        CAST(sum(CASE WHEN is_now = 1 THEN posts END) AS BIGINT) AS posts,
        CAST(sum(CASE WHEN is_now = 0 THEN posts END) AS BIGINT) AS posts_previous,
        CAST(sum(CASE WHEN is_now = 1 AND posts IS NOT NULL THEN engagement END) AS BIGINT) AS engagement,
        CAST(sum(CASE WHEN is_now = 0 AND posts IS NOT NULL THEN engagement END) AS BIGINT) AS engagement_previous,
        CAST(sum(CASE WHEN is_now = 1 AND posts IS NOT NULL THEN exposure END) AS BIGINT) AS exposure,
        CAST(sum(CASE WHEN is_now = 0 AND posts IS NOT NULL THEN exposure END) AS BIGINT) AS exposure_previous,
        CAST(sum(CASE WHEN is_now = 1 THEN comments END) AS BIGINT) AS comments,
        CAST(sum(CASE WHEN is_now = 1 THEN collab_posts END) AS BIGINT) AS collab_posts,
        max(CASE WHEN month = date_trunc('month', period_end) THEN followers_end END) AS followers,
        max(CASE WHEN month = date_trunc('month', previous_end) THEN followers_end END) AS followers_previous,
        CAST(sum(CASE WHEN is_now = 1 THEN covered_days END) AS BIGINT) AS covered_days,
        CAST(sum(CASE WHEN is_now = 1 THEN listed_days END) AS BIGINT) AS listed_days,
        CAST(sum(CASE WHEN is_now = 0 THEN listed_days END) AS BIGINT) AS listed_previous,
        max(1 + datediff('day', period_start, period_end)) AS days,
        max(1 + datediff('day', previous_start, previous_end)) AS days_previous
    FROM months
    GROUP BY account_id, agency_id, platform, period_start, period_end
),
grown AS (
    SELECT
        f.account_id, f.agency_id, CASE WHEN f.month >= p.period_start THEN 1 ELSE 0 END AS is_now,
        CAST(sum(CAST(f.e_final AS DECIMAL(28, 9))) AS DOUBLE) AS e_final, CAST(sum(CAST(f.x_final AS DECIMAL(28, 9))) AS DOUBLE) AS x_final,
        count(*) AS n, count(f.e_final) AS n_e, count(f.x_final) AS n_x
    FROM marts.post_facts f
    JOIN marts.period p ON f.month BETWEEN p.previous_start AND p.period_end
    WHERE NOT f.is_top_list AND f.agency_id IS NOT NULL
    GROUP BY f.account_id, f.agency_id, CASE WHEN f.month >= p.period_start THEN 1 ELSE 0 END
),
both_known AS (
    SELECT
        t.*,
        t.listed_days / nullif(CAST(t.days AS DOUBLE), 0) >= h.minimum_coverage
            AND t.listed_previous / nullif(CAST(t.days_previous AS DOUBLE), 0) >= h.minimum_coverage AS is_compared,
        CASE WHEN 20 * n.n_e >= 19 * n.n THEN n.e_final END AS e_final,
        CASE WHEN 20 * b.n_e >= 19 * b.n THEN b.e_final END AS e_final_previous,
        CASE WHEN 20 * n.n_x >= 19 * n.n THEN n.x_final END AS x_final,
        CASE WHEN 20 * b.n_x >= 19 * b.n THEN b.x_final END AS x_final_previous
    FROM totals t
    CROSS JOIN registry.thresholds h
    LEFT JOIN grown n ON n.account_id = t.account_id AND n.agency_id = t.agency_id AND n.is_now = 1
    LEFT JOIN grown b ON b.account_id = t.account_id AND b.agency_id = t.agency_id AND b.is_now = 0
)
SELECT
    account_id, agency_id, platform, period_start, period_end, months, coalesce(is_compared, FALSE) AS is_compared,
    posts, posts_previous, CASE WHEN is_compared THEN posts / nullif(CAST(posts_previous AS DOUBLE), 0) END AS posts_change,
    engagement, engagement_previous, CASE WHEN is_compared THEN e_final / nullif(e_final_previous, 0) END AS engagement_change,
    exposure, exposure_previous, CASE WHEN is_compared THEN x_final / nullif(x_final_previous, 0) END AS exposure_change,
    followers, followers_previous, followers / nullif(CAST(followers_previous AS DOUBLE), 0) AS followers_change,
    followers - followers_previous AS followers_gained,
    comments, collab_posts, e_final, e_final_previous, x_final, x_final_previous,
    is_awaited, covered_days, listed_days, days, covered_days / nullif(CAST(days AS DOUBLE), 0) AS coverage,
    coalesce(covered_days > 0 AND listed_days = 0, FALSE) AS is_top_list
FROM both_known
