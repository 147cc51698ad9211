-- id: Jangkauan lebih besar daripada tayangan.
-- en: Reach is larger than views.
-- blocking: no
SELECT export_id, post_key, platform, reach, views
FROM core.posts
WHERE reach > views
