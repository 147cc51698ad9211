-- id: Ada unggahan di data mentah yang hilang dari core.posts, atau sebaliknya.
-- en: Posts of the raw rows and of core.posts are not the same.
-- blocking: yes
WITH wanted AS (SELECT count(DISTINCT post_key) AS n FROM staging.post_snapshots),
made AS (SELECT count(*) AS n FROM core.posts)
SELECT wanted.n, made.n AS made FROM wanted CROSS JOIN made WHERE wanted.n <> made.n
