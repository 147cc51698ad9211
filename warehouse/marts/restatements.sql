-- One value that a later export contradicts: a lifetime count of a post that fell, or a day of an account that changed by more than 5 %.
-- key: platform, account_id, post_key, day, field, new_captured_at
-- Exports of one instant contradict nobody over time: of several (two menus tell the same metric) the one that counts speaks.
WITH ordered AS (
    SELECT
        post_key, platform, account_id, captured_at, export_id, reach, views, impressions, likes, reactions, comments, shares, reposts, saves,
        lag(captured_at) OVER w AS old_captured_at, lag(export_id) OVER w AS old_export_id,
        lag(reach) OVER w AS old_reach,
        lag(views) OVER w AS old_views,
        lag(impressions) OVER w AS old_impressions,
        lag(likes) OVER w AS old_likes,
        lag(reactions) OVER w AS old_reactions,
        lag(comments) OVER w AS old_comments,
        lag(shares) OVER w AS old_shares,
        lag(reposts) OVER w AS old_reposts,
        lag(saves) OVER w AS old_saves
    FROM core.post_history
    WINDOW w AS (PARTITION BY post_key ORDER BY captured_at)
),
fallen AS (
    SELECT * FROM ordered
    WHERE reach < old_reach OR views < old_views OR impressions < old_impressions OR likes < old_likes OR reactions < old_reactions OR comments < old_comments OR shares < old_shares OR reposts < old_reposts OR saves < old_saves
),
posts AS (
    SELECT post_key, platform, account_id, 'reach' AS field, old_reach AS old_value, reach AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE reach < old_reach
    UNION ALL SELECT post_key, platform, account_id, 'views' AS field, old_views AS old_value, views AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE views < old_views
    UNION ALL SELECT post_key, platform, account_id, 'impressions' AS field, old_impressions AS old_value, impressions AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE impressions < old_impressions
    UNION ALL SELECT post_key, platform, account_id, 'likes' AS field, old_likes AS old_value, likes AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE likes < old_likes
    UNION ALL SELECT post_key, platform, account_id, 'reactions' AS field, old_reactions AS old_value, reactions AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE reactions < old_reactions
    UNION ALL SELECT post_key, platform, account_id, 'comments' AS field, old_comments AS old_value, comments AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE comments < old_comments
    UNION ALL SELECT post_key, platform, account_id, 'shares' AS field, old_shares AS old_value, shares AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE shares < old_shares
    UNION ALL SELECT post_key, platform, account_id, 'reposts' AS field, old_reposts AS old_value, reposts AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE reposts < old_reposts
    UNION ALL SELECT post_key, platform, account_id, 'saves' AS field, old_saves AS old_value, saves AS new_value, old_captured_at, captured_at, old_export_id, export_id
    FROM fallen WHERE saves < old_saves
),
told AS (
    SELECT d.account_key, d.day, d.metric, d.value, d.captured_at, d.export_id
    FROM raw.account_days d
    JOIN raw.exports e ON e.export_id = d.export_id
    WHERE CAST({{ local("d.day_zone", "d.captured_at") }} AS DATE) > d.day
    QUALIFY row_number() OVER (
        PARTITION BY d.account_key, d.day, d.metric, d.captured_at
        ORDER BY d.value DESC NULLS LAST, e.sha256 DESC, d.export_id, d.row_number) = 1
),
days AS (
    SELECT
        a.platform, a.account_id, t.day, t.metric, t.value, t.captured_at, t.export_id,
        lag(t.value) OVER v AS old_value, lag(t.captured_at) OVER v AS old_captured_at, lag(t.export_id) OVER v AS old_export_id
    FROM told t
    JOIN raw.account_keys a ON a.account_key = t.account_key
    WINDOW v AS (PARTITION BY t.account_key, t.day, t.metric ORDER BY t.captured_at)
)
SELECT
    platform, account_id, post_key, CAST(NULL AS DATE) AS day, field, CAST(old_value AS DOUBLE) AS old_value,
    CAST(new_value AS DOUBLE) AS new_value, old_captured_at, captured_at AS new_captured_at, old_export_id, export_id AS new_export_id,
    (new_value - old_value) / nullif(CAST(old_value AS DOUBLE), 0) AS share_changed
FROM posts
UNION ALL
SELECT
    platform, account_id, CAST(NULL AS BIGINT), day, metric, old_value, value, old_captured_at, captured_at, old_export_id, export_id,
    (value - old_value) / nullif(abs(old_value), 0)
FROM days
WHERE 20 * abs(value - old_value) > abs(old_value)
