-- One row of an export of posts, with ids and texts in place of keys, and engagement and exposure by the rule of its platform.
-- key: export_id, row_number
-- Engagement (E) and exposure (X): METRICS.md section 0. A part that the file does not report makes E null, never smaller;
-- TikTok saves are the one exception, because only some TikTok files have them and the rule says so: engagement_parts names
-- what went in, and what went in differently is never compared.
-- A period sum is a lifetime value only where the period began before the post did; it then speaks for the end of that period.
WITH texts AS (
    SELECT
        s.*, k.platform, k.post_id, t.caption, t.permalink, a.account_id AS exporter_id, o.account_id AS owner_id,
        e.sha256, e.captured_from,
        CASE e.captured_from WHEN 'file' THEN 6 WHEN 'file_name' THEN 5 WHEN 'archive_name' THEN 4 WHEN 'option' THEN 3
            WHEN 'folder' THEN 2 ELSE 1 END AS evidence_rank,
        coalesce(s.value_scope, 'lifetime') = 'lifetime' AS is_lifetime, l.export_id IS NOT NULL AS is_top_list
    FROM raw.post_snapshots s
    JOIN raw.exports e ON e.export_id = s.export_id
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
)
SELECT
    t.export_id, t.row_number, coalesce(c.post_key, t.post_key) AS post_key, t.platform, t.post_id, t.exporter_id, t.owner_id,
    CASE WHEN t.value_scope = 'lifetime' AND t.period_end IS NOT NULL
        THEN least(t.captured_at, CAST(t.period_end + INTERVAL 1 DAY AS TIMESTAMP)) ELSE t.captured_at END AS captured_at,
    t.evidence_rank, t.sha256, t.is_lifetime, t.is_top_list,
    t.published_at, t.published_on, t.published_precision, t.post_type, coalesce(t.is_share, FALSE) AS is_share, t.row_note,
    t.caption, t.permalink,
    CASE t.platform
        WHEN 'facebook' THEN coalesce(t.engagement_rcs, t.reactions + t.comments + t.shares)
        WHEN 'instagram' THEN t.likes + t.comments + t.shares + t.saves
        WHEN 'x' THEN t.likes + t.replies + t.reposts + t.bookmarks
        WHEN 'youtube' THEN t.likes + t.comments + t.shares
        WHEN 'tiktok' THEN t.likes + t.comments + t.shares + coalesce(t.saves, 0)
        WHEN 'linkedin' THEN t.likes + t.comments + t.reposts
    END AS engagement,
    CASE t.platform
        WHEN 'facebook' THEN 'reactions+comments+shares'
        WHEN 'instagram' THEN 'likes+comments+shares+saves'
        WHEN 'x' THEN 'likes+replies+reposts+bookmarks'
        WHEN 'youtube' THEN 'likes+comments+shares'
        WHEN 'tiktok' THEN CASE WHEN t.saves IS NULL THEN 'likes+comments+shares' ELSE 'likes+comments+shares+saves' END
        WHEN 'linkedin' THEN 'likes+comments+reposts'
    END AS engagement_parts,
    CASE t.platform
        WHEN 'facebook' THEN t.reach
        WHEN 'instagram' THEN t.reach
        WHEN 'x' THEN t.impressions
        WHEN 'linkedin' THEN t.impressions
        WHEN 'youtube' THEN t.views
        WHEN 'tiktok' THEN t.views
    END AS exposure,
    t.likes, t.reactions, t.comments, t.shares, t.reposts, t.saves, t.bookmarks, t.replies, t.views, t.engaged_views,
    t.impressions, t.reach, t.unique_viewers, t.link_clicks, t.total_clicks, t.other_clicks, t.photo_clicks, t.video_clicks,
    t.clicks, t.profile_clicks, t.profile_visits, t.hashtag_clicks, t.permalink_clicks, t.detail_expands, t.media_views,
    t.media_engagements, t.follows_gained, t.follows_lost, t.follows_net, t.negative_total, t.negative_unique,
    t.negative_hide, t.negative_hide_all, t.engagement_rcs, t.engagements_total, t.engagements_reported, t.dislikes,
    t.playlist_adds, t.navigation, t.sticker_taps, t.shown_in_feed, t.offsite_views, t.views_organic, t.views_boosted,
    t.reach_organic, t.reach_boosted, t.video_3s_views, t.video_1m_views, t.video_3s_viewers, t.video_1m_viewers,
    t.promoted_impressions, t.promoted_engagements_reported, t.new_viewers, t.returning_viewers, t.duration_seconds,
    t.watch_seconds, t.avg_watch_seconds, t.avg_view_rate, t.stayed_to_watch_rate, t.impressions_ctr_rate,
    t.likes_ratio_rate
FROM texts t
LEFT JOIN shared c ON c.platform = t.platform AND c.permalink = t.permalink
