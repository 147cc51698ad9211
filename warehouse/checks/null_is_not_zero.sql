-- id: Interaksi atau eksposur terisi padahal bagiannya tidak dilaporkan.
-- en: Engagement or exposure has a value although a part of it is not reported.
-- blocking: yes
SELECT post_key, platform, engagement, exposure
FROM core.posts
WHERE (platform = 'facebook' AND engagement IS NOT NULL AND engagement_rcs IS NULL
        AND (reactions IS NULL OR comments IS NULL OR shares IS NULL))
    OR (platform = 'instagram' AND engagement IS NOT NULL AND (likes IS NULL OR comments IS NULL OR shares IS NULL OR saves IS NULL))
    OR (platform = 'x' AND engagement IS NOT NULL AND (likes IS NULL OR replies IS NULL OR reposts IS NULL OR bookmarks IS NULL))
    OR (platform IN ('youtube', 'tiktok') AND engagement IS NOT NULL AND (likes IS NULL OR comments IS NULL OR shares IS NULL))
    OR (platform = 'linkedin' AND engagement IS NOT NULL AND (likes IS NULL OR comments IS NULL OR reposts IS NULL))
    OR (platform IN ('facebook', 'instagram') AND exposure IS DISTINCT FROM reach)
    OR (platform IN ('x', 'linkedin') AND exposure IS DISTINCT FROM impressions)
    OR (platform IN ('youtube', 'tiktok') AND exposure IS DISTINCT FROM views)
