-- One account of one agency in one calendar month (WIB): output, latest lifetime values of the posts of that month, coverage.
-- key: account_id, agency_id, month
-- posts is null, not 0, in a month for which no whole list of posts speaks, and so are the sums: a top list gives rates only. Sums
-- are over the posts that report the part; rates only over mature posts with both parts. What counts as a share and as a save: platforms.yml.
-- Logs are averaged as decimals: a sum of floats depends on the order of the rows, and so on the order of the files.
-- A post known only from a partner's file is no part of it: one such post is not the account's number of posts.
WITH output AS (
    SELECT
        account_id, agency_id, month,
        count(CASE WHEN is_counted THEN 1 END) AS posts,
        count(CASE WHEN is_story THEN 1 END) AS stories,
        count(CASE WHEN is_share AND NOT is_story THEN 1 END) AS shares_of_others,
        CAST(sum(CASE WHEN is_counted THEN engagement END) AS BIGINT) AS engagement,
        CAST(sum(CASE WHEN is_counted THEN exposure END) AS BIGINT) AS exposure,
        CAST(sum(CASE WHEN is_counted THEN comments END) AS BIGINT) AS comments,
        CAST(sum(CASE WHEN p.is_counted THEN {{ role("share", "p") }} END) AS BIGINT) AS shares,
        CAST(sum(CASE WHEN p.is_counted THEN {{ role("save", "p") }} END) AS BIGINT) AS saves,
        CAST(sum(CASE WHEN is_counted THEN link_clicks END) AS BIGINT) AS link_clicks
    FROM core.posts p
    WHERE agency_id IS NOT NULL AND NOT is_top_list AND NOT is_partner_only  -- a partner's list does not count its posts
    GROUP BY account_id, agency_id, month
),
rates AS (
    SELECT
        account_id, agency_id, month, count(*) AS mature_posts,
        avg(CAST(ln_rate AS DECIMAL(18, 12))) AS er_log_mean, round(stddev_samp(ln_rate), 9) AS er_log_sd,
        sum(engagement) / nullif(CAST(sum(exposure) AS DOUBLE), 0) AS er_pooled,
        count(CASE WHEN engagement <= 1 THEN 1 END) AS zero_posts,
        CASE WHEN min(engagement_parts) = max(engagement_parts) THEN min(engagement_parts)
            ELSE min(engagement_parts) || ' | ' || max(engagement_parts) END AS engagement_parts
    FROM marts.post_facts
    WHERE is_comparable
    GROUP BY account_id, agency_id, month
),
-- Posts of other accounts of the regency that this account published with them: credit is the owner's.
partners AS (
    SELECT s.exporter_id AS account_id, a.agency_id, p.month, count(DISTINCT p.post_key) AS collab_posts
    FROM staging.post_snapshots s
    JOIN core.posts p ON p.post_key = s.post_key
    JOIN core.accounts a
        ON a.account_id = s.exporter_id
        AND p.published_on BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
    WHERE s.exporter_id <> s.owner_id AND p.is_counted
    GROUP BY s.exporter_id, a.agency_id, p.month
),
followers AS (
    SELECT
        account_id, followers, date AS since,
        coalesce(lead(date) OVER (PARTITION BY account_id ORDER BY date), DATE '9999-12-31') AS until
    FROM core.followers
),
months AS (
    SELECT
        account_id, agency_id, platform, month, covered_days, listed_days, days, state,
        CAST(date_trunc('month', month + INTERVAL 32 DAY) AS DATE) AS next_month
    FROM marts.coverage_month
)
SELECT
    m.account_id, m.agency_id, m.platform, m.month,
    CASE WHEN m.listed_days > 0 OR o.posts > 0 THEN coalesce(o.posts, 0) END AS posts,
    CASE WHEN m.listed_days > 0 OR o.posts > 0 THEN coalesce(o.stories, 0) END AS stories,
    CASE WHEN m.listed_days > 0 OR o.posts > 0 THEN coalesce(o.shares_of_others, 0) END AS shares_of_others,
    CASE WHEN m.listed_days > 0 OR c.collab_posts > 0 THEN coalesce(c.collab_posts, 0) END AS collab_posts,
    coalesce(r.mature_posts, 0) AS mature_posts, o.engagement, o.exposure, r.er_log_mean, r.er_log_sd,
    exp(r.er_log_mean) AS er_account, r.er_pooled, o.comments, o.shares, o.saves, o.link_clicks, r.zero_posts, r.engagement_parts,
    f.followers AS followers_end, m.covered_days, m.listed_days, m.days AS days_in_month,
    m.covered_days / nullif(CAST(m.days AS DOUBLE), 0) AS coverage,
    m.state = 'complete' AS is_complete, m.state <> 'not_required' AS is_required
FROM months m
LEFT JOIN output o ON o.account_id = m.account_id AND o.agency_id = m.agency_id AND o.month = m.month
LEFT JOIN partners c ON c.account_id = m.account_id AND c.agency_id = m.agency_id AND c.month = m.month
LEFT JOIN rates r ON r.account_id = m.account_id AND r.agency_id = m.agency_id AND r.month = m.month
LEFT JOIN followers f ON f.account_id = m.account_id AND f.since < m.next_month AND f.until >= m.next_month
