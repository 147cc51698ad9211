-- id: Ada hitungan negatif pada unggahan.
-- en: A post has a negative count.
-- blocking: yes
SELECT post_key, platform, engagement, exposure
FROM core.posts
WHERE least(likes, comments, shares, reposts, saves, views, reach, impressions, engagement, exposure) < 0
