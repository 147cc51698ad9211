-- One agency and day (WIB) of the three judged months on which it published something: number of posts.
-- key: agency_id, day
SELECT agency_id, published_on AS day, count(*) AS posts
FROM marts.post_list
WHERE NOT is_top_list
GROUP BY agency_id, published_on
