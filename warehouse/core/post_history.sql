-- One observation of a post: its lifetime values as an export made at captured_at reports them. Never summed, only the latest counts.
-- key: post_key, captured_at
-- A day without a time is read as its first second; the post is taken to be from its middle, else YouTube's posts are 12 h too old.
-- The owner's own file speaks before a partner's, a complete row before one without engagement or exposure.
WITH observed AS (
    SELECT *
    FROM staging.post_snapshots
    WHERE is_lifetime
    QUALIFY row_number() OVER (
        PARTITION BY post_key, captured_at
        ORDER BY CASE WHEN owner_id = exporter_id THEN 0 ELSE 1 END,
            CASE WHEN engagement IS NOT NULL AND exposure IS NOT NULL THEN 0 ELSE 1 END,
            evidence_rank DESC, exposure DESC NULLS LAST, engagement DESC NULLS LAST, sha256 DESC, export_id, row_number) = 1
)
SELECT
    post_key, platform, coalesce(owner_id, exporter_id) AS account_id, captured_at,
    datediff('second', published_at + CASE published_precision WHEN 'day' THEN INTERVAL 12 HOUR ELSE INTERVAL 0 HOUR END, captured_at)
        / 3600.0 AS age_hours,
    likes, reactions, comments, shares, reposts, saves, bookmarks, replies, views, engaged_views, impressions, reach,
    unique_viewers, link_clicks, total_clicks, other_clicks, photo_clicks, video_clicks, clicks, profile_clicks,
    profile_visits, hashtag_clicks, permalink_clicks, detail_expands, media_views, media_engagements, follows_gained,
    follows_lost, follows_net, negative_total, negative_unique, negative_hide, negative_hide_all, engagement_rcs,
    engagements_total, engagements_reported, dislikes, playlist_adds, navigation, sticker_taps, shown_in_feed, offsite_views,
    views_organic, views_boosted, reach_organic, reach_boosted, video_3s_views, video_1m_views, video_3s_viewers,
    video_1m_viewers, promoted_impressions, promoted_engagements_reported, new_viewers, returning_viewers, duration_seconds,
    watch_seconds, avg_watch_seconds, avg_view_rate, stayed_to_watch_rate, impressions_ctr_rate, likes_ratio_rate,
    engagement, exposure, CASE WHEN engagement IS NOT NULL THEN engagement_parts END AS engagement_parts, export_id, row_number
FROM observed
