-- id: Jangkauan lebih besar daripada tayangan.
-- en: Reach is larger than views.
-- blocking: no
SELECT post_key, platform, reach, views
FROM core.posts
WHERE platform IN ('facebook', 'instagram') AND reach > views
