-- One observation of a post: its lifetime values as an export made at captured_at reports them. Never summed, only the latest counts.
-- key: post_key, captured_at
-- A day without a time is read as its first second; the post is taken to be from its middle, else YouTube's posts are 12 h too old.
-- An export that nobody dated tells nothing about how old a post was, so it is no part of a history.
-- The owner's own file speaks before a partner's, a complete row before one without engagement or exposure.
WITH observed AS (
    SELECT *
    FROM staging.post_snapshots
    WHERE is_lifetime AND evidence_rank > 1
    QUALIFY row_number() OVER (
        PARTITION BY post_key, captured_at
        ORDER BY CASE WHEN owner_id = exporter_id THEN 0 ELSE 1 END,
            CASE WHEN engagement IS NOT NULL AND exposure IS NOT NULL THEN 0 ELSE 1 END,
            evidence_rank DESC, exposure DESC NULLS LAST, engagement DESC NULLS LAST, sha256 DESC, export_id, row_number) = 1
)
SELECT
    post_key, platform, coalesce(owner_id, exporter_id) AS account_id, captured_at,
    CAST(datediff('second',
        date_trunc('second', published_at + CASE published_precision WHEN 'day' THEN INTERVAL 12 HOUR ELSE INTERVAL 0 HOUR END),
        date_trunc('second', captured_at)) AS DOUBLE) / 3600 AS age_hours,
    {{ post_values() }},
    engagement, exposure, engagement_parts, export_id, row_number
FROM observed
