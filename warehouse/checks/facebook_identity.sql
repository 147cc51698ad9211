-- id: Pada Facebook, interaksi tidak sama dengan reaksi + komentar + bagikan.
-- en: On Facebook, engagement is not reactions + comments + shares.
-- blocking: yes
SELECT post_key, engagement_rcs, reactions, comments, shares
FROM core.posts
WHERE platform = 'facebook' AND engagement_rcs <> reactions + comments + shares
