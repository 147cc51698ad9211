-- One counted post of the three judged months, as the page of its agency lists it: text, address, kind, theme, numbers, and its place.
-- key: post_key
-- place_best and place_worst order the posts of an agency by lift (against what the same account usually gets with this kind of post in
-- this month), among posts old enough to be compared, where an agency has at least 20 of them; else null. place_theme: the same among the
-- posts of a theme. views are what the platform shows beside the post: reach, impressions or plays, as it reports them.
WITH chosen AS (
    SELECT
        f.post_key, f.platform, f.account_id, f.agency_id, f.published_at_wib, f.published_on, f.month, f.weekday, f.format, f.content_type,
        f.programme, f.engagement, f.exposure, f.maturity, f.is_comparable, f.is_top_list, f.is_collab, c.caption, c.permalink,
        CASE WHEN f.is_comparable AND l.lift > 0 THEN l.lift END AS lift
    FROM marts.post_facts f
    JOIN marts.period p ON f.month BETWEEN p.period_start AND p.period_end
    JOIN core.posts c ON c.post_key = f.post_key
    LEFT JOIN estimates.post_lift l ON l.post_key = f.post_key
    WHERE f.agency_id IS NOT NULL
)
SELECT
    *,
    CASE WHEN lift IS NOT NULL AND count(lift) OVER (PARTITION BY agency_id) >= 20
        THEN row_number() OVER (PARTITION BY agency_id ORDER BY lift DESC NULLS LAST, post_key) END AS place_best,
    CASE WHEN lift IS NOT NULL AND count(lift) OVER (PARTITION BY agency_id) >= 20
        THEN row_number() OVER (PARTITION BY agency_id ORDER BY lift ASC NULLS LAST, post_key) END AS place_worst,
    CASE WHEN lift IS NOT NULL AND programme IS NOT NULL AND count(lift) OVER (PARTITION BY programme) >= 5
        THEN row_number() OVER (PARTITION BY programme ORDER BY lift DESC NULLS LAST, post_key) END AS place_theme
FROM chosen
