-- One agency in one calendar month (WIB): output and coverage over its accounts. E and X stay apart per platform: they never add up.
-- key: agency_id, month
WITH platforms AS (
    SELECT agency_id, month, platform, CAST(sum(engagement) AS BIGINT) AS engagement, CAST(sum(exposure) AS BIGINT) AS exposure
    FROM marts.account_month
    GROUP BY agency_id, month, platform
),
listed AS (
    SELECT
        agency_id, month,
        '{' || string_agg('"' || platform || '":' || CAST(engagement AS VARCHAR), ',' ORDER BY platform) || '}' AS engagement_by_platform,
        '{' || string_agg('"' || platform || '":' || CAST(exposure AS VARCHAR), ',' ORDER BY platform) || '}' AS exposure_by_platform
    FROM platforms
    GROUP BY agency_id, month
),
required AS (
    SELECT account_id, agency_id, month FROM marts.coverage_month WHERE state <> 'not_required'
)
SELECT
    m.agency_id, m.month, CAST(sum(m.posts) AS BIGINT) AS posts, CAST(sum(m.stories) AS BIGINT) AS stories,
    CAST(sum(m.shares_of_others) AS BIGINT) AS shares_of_others,
    CAST(sum(m.mature_posts) AS BIGINT) AS mature_posts,
    count(DISTINCT CASE WHEN m.posts > 0 THEN m.platform END) AS platforms,
    count(r.account_id) AS accounts,
    count(CASE WHEN m.is_complete THEN r.account_id END) AS accounts_covered,
    count(CASE WHEN m.is_complete THEN r.account_id END) / nullif(CAST(count(r.account_id) AS DOUBLE), 0) AS coverage,
    max(l.engagement_by_platform) AS engagement_by_platform, max(l.exposure_by_platform) AS exposure_by_platform
FROM marts.account_month m
JOIN listed l ON l.agency_id = m.agency_id AND l.month = m.month
LEFT JOIN required r ON r.account_id = m.account_id AND r.agency_id = m.agency_id AND r.month = m.month
GROUP BY m.agency_id, m.month
