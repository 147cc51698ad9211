-- One span of days that an export of posts of an account speaks for.
-- key: export_id, account_id
-- is_whole: it says everything the account published, also where that is nothing; a top list does not.
-- The span is the one the export declares. A file that declares none covers its posts from at most a week before the first one (never
-- into the month before) to the last one, or to the download where that is at most 35 days later. The day of the download is not
-- over, so it never counts, in the zone in which the platform's posts have their day. Exports of videos or stories alone say nothing about the other posts.
WITH posts AS (
    SELECT s.export_id, a.account_id, min(s.published_on) AS first, max(s.published_on) AS last
    FROM raw.post_snapshots s
    JOIN raw.account_keys a ON a.account_key = s.account_key
    GROUP BY s.export_id, a.account_id
),
spans AS (
    SELECT
        e.export_id, coalesce(p.account_id, e.account_id) AS account_id, p.first, p.last, e.period_start, e.period_end,
        CAST(CAST({{ local("w.post_days", "e.captured_at") }} AS DATE) - INTERVAL 1 DAY AS DATE) AS eve, e.captured_from,
        t.export_id IS NULL AS is_whole
    FROM raw.exports e
    LEFT JOIN reference.platforms w ON w.platform = e.platform
    LEFT JOIN staging.top_lists t ON t.export_id = e.export_id
    LEFT JOIN posts p ON p.export_id = e.export_id
    WHERE e.grain = 'post' AND e.outcome IN ('accepted', 'flagged')
        AND e.kind NOT LIKE 'meta.%.video' AND e.kind NOT LIKE 'meta.%.story'
)
SELECT
    export_id, account_id,
    coalesce(period_start, greatest(CAST(date_trunc('month', first) AS DATE), CAST(first - INTERVAL 7 DAY AS DATE))) AS first_day,
    least(eve, coalesce(period_end,
        CASE WHEN captured_from NOT IN ('mtime', 'content', 'first_seen') AND datediff('day', last, eve) BETWEEN 0 AND 35 THEN eve ELSE last END)) AS last_day,
    is_whole
FROM spans
WHERE account_id IS NOT NULL AND coalesce(period_start, first) IS NOT NULL
