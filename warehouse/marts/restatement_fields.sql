-- One field of the exports: how many of its published values a later export changed, and how many of them downwards.
-- key: field
SELECT
    field, count(*) AS n, count(CASE WHEN new_value < old_value THEN 1 END) AS n_lowered,
    count(DISTINCT CASE WHEN new_value < old_value THEN post_key END) AS n_posts_down
FROM marts.restatements
WHERE field IS NOT NULL
GROUP BY field
