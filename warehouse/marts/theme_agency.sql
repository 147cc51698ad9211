-- One agency and theme (of the scheme that its posts are tagged by) over the three judged months: number of posts; untagged is a row too.
-- key: agency_id, programme
SELECT agency_id, coalesce(programme, 'untagged') AS programme, count(*) AS n_posts
FROM marts.post_list
WHERE NOT is_top_list
GROUP BY agency_id, coalesce(programme, 'untagged')
