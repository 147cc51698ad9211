-- One row of an export of posts, with ids and texts in place of keys, and engagement and exposure by the rule of its platform.
-- key: export_id, row_number
-- Engagement (E) and exposure (X): platforms.yml. A part that the file does not report makes E null, never smaller, except parts that
-- only some files hold: engagement_parts names what went in, and what went in differently is never compared.
-- A period sum is a lifetime value only where the period began before the post did; it then speaks for the end of that period. What
-- is no lifetime value is blanked here, once, and nowhere else. A table whose period nobody told is proven by its neighbours: where
-- its views of some posts are together more than these grew between the lifetime exports before and after it, its period began
-- before the former, so posts published since then have their whole life in it. When it ended stays unknown: an estimated day.
WITH lifetimes AS (
    SELECT s.post_key, s.account_key, s.views, e.captured_from,
        least(s.captured_at, coalesce(CAST(s.period_end + INTERVAL 1 DAY AS TIMESTAMP), s.captured_at)) AS stated_at
    FROM raw.post_snapshots s
    JOIN raw.exports e ON e.export_id = s.export_id
    WHERE coalesce(s.value_scope, 'lifetime') = 'lifetime' AND s.views IS NOT NULL
        AND e.captured_from NOT IN ('mtime', 'content', 'first_seen')
),
around AS (
    SELECT u.export_id, u.post_key, u.views, l.views AS total, l.stated_at, l.stated_at <= u.captured_at AS is_before,
        row_number() OVER (
            PARTITION BY u.export_id, u.post_key, l.stated_at <= u.captured_at
            ORDER BY CASE WHEN l.stated_at <= u.captured_at THEN l.stated_at END DESC, l.stated_at, l.views) AS nearest
    FROM raw.post_snapshots u
    JOIN raw.exports e ON e.export_id = u.export_id
    JOIN lifetimes l ON l.post_key = u.post_key AND l.account_key = u.account_key
    WHERE u.value_scope = 'unknown' AND u.views IS NOT NULL AND e.captured_from NOT IN ('mtime', 'content', 'first_seen')
),
between_two AS (
    SELECT export_id, post_key, max(views) AS views, max(CASE WHEN is_before THEN stated_at END) AS since,
        max(CASE WHEN is_before THEN total END) AS earlier, max(CASE WHEN NOT is_before THEN total END) AS later
    FROM around
    WHERE nearest = 1
    GROUP BY export_id, post_key
),
proven AS (
    SELECT export_id, CAST(max(since) AS DATE) AS since
    FROM between_two
    WHERE earlier IS NOT NULL AND later IS NOT NULL
    GROUP BY export_id
    HAVING sum(views) > sum(later - earlier) AND min(later - views) >= 0
),
texts AS (
    SELECT
        s.export_id, s.row_number, s.post_key, s.owner_key, s.captured_at, s.published_at, s.published_on, s.published_precision,
        s.post_type, s.is_share, s.row_note, s.value_scope, s.period_end,
        k.platform, k.post_id, t.caption, t.permalink, a.account_id AS exporter_id, o.account_id AS owner_id,
        e.sha256, e.captured_from,
        CASE WHEN v.since IS NOT NULL THEN 1 WHEN e.captured_from = 'file' THEN 6 WHEN e.captured_from = 'file_name' THEN 5
            WHEN e.captured_from = 'archive_name' THEN 4 WHEN e.captured_from = 'option' THEN 3
            WHEN e.captured_from = 'folder' THEN 2 ELSE 1 END AS evidence_rank,
        coalesce(s.value_scope, 'lifetime') = 'lifetime' OR v.since IS NOT NULL AS is_lifetime,
        l.export_id IS NOT NULL AS is_top_list,
        coalesce(s.reach_boosted, s.views_boosted, s.promoted_impressions) > 0 AS is_boosted,
        {{ post_values("CASE WHEN coalesce(s.value_scope, 'lifetime') = 'lifetime' OR v.since IS NOT NULL THEN s.{0} END AS {0}") }}
    FROM raw.post_snapshots s
    JOIN raw.exports e ON e.export_id = s.export_id
    LEFT JOIN proven v ON v.export_id = s.export_id AND s.published_on >= v.since
    LEFT JOIN staging.top_lists l ON l.export_id = s.export_id
    JOIN raw.post_keys k ON k.post_key = s.post_key
    LEFT JOIN raw.post_texts t ON t.text_key = s.text_key
    LEFT JOIN raw.account_keys a ON a.account_key = s.account_key
    LEFT JOIN raw.account_keys o ON o.account_key = s.owner_key
),
-- A collaboration that two accounts export under different ids is recognised by its address; a mark such as "-" is none.
shared AS (
    SELECT platform, permalink, min(post_key) AS post_key
    FROM texts
    WHERE permalink LIKE 'http%'
    GROUP BY platform, permalink
    HAVING count(DISTINCT exporter_id) > 1
),
counted AS (
    SELECT t.*, {{ engagement("t") }} AS engagement, {{ role("exposure", "t") }} AS exposure
    FROM texts t
)
SELECT
    t.export_id, t.row_number, coalesce(c.post_key, t.post_key) AS post_key, t.platform, t.post_id, t.exporter_id, t.owner_id,
    CASE WHEN t.value_scope = 'lifetime' AND t.period_end IS NOT NULL
        THEN least(t.captured_at, CAST(t.period_end + INTERVAL 1 DAY AS TIMESTAMP)) ELSE t.captured_at END AS captured_at,
    t.evidence_rank, t.sha256, t.is_lifetime, t.is_top_list, t.is_boosted,
    t.published_at, t.published_on, t.published_precision, t.post_type, coalesce(t.is_share, FALSE) AS is_share, t.row_note,
    t.caption, t.permalink, t.engagement, t.exposure,
    CASE WHEN t.engagement IS NOT NULL THEN {{ engagement_parts("t") }} END AS engagement_parts,
    {{ post_values("t.{0}") }}
FROM counted t
LEFT JOIN shared c ON c.platform = t.platform AND c.permalink = t.permalink
