-- One agency, weekday and block of hours (WIB) over the last thirteen months: how many posts, and how they did against their own normal.
-- key: agency_id, weekday, hour_start
-- Only posts whose time of day is known; share is of those. lift is the geometric mean of estimates.post_lift over n_lift posts.
WITH timed AS (
    SELECT
        f.agency_id, f.weekday,
        CASE WHEN f.hour < 6 THEN 0 WHEN f.hour < 9 THEN 6 WHEN f.hour < 12 THEN 9 WHEN f.hour < 15 THEN 12 WHEN f.hour < 18 THEN 15
            WHEN f.hour < 21 THEN 18 ELSE 21 END AS hour_start,
        CASE WHEN l.lift > 0 THEN CAST(ln(l.lift) AS DECIMAL(18, 12)) END AS ln_lift
    FROM marts.post_facts f
    JOIN marts.period p ON f.month BETWEEN p.history_start AND p.period_end
    JOIN core.posts c ON c.post_key = f.post_key
    LEFT JOIN estimates.post_lift l ON l.post_key = f.post_key AND f.is_comparable
    WHERE c.published_precision <> 'day' AND f.hour IS NOT NULL AND f.agency_id IS NOT NULL AND NOT f.is_top_list
),
cells AS (
    SELECT agency_id, weekday, hour_start, count(*) AS n, count(ln_lift) AS n_lift, exp(CAST(avg(CAST(ln_lift AS DECIMAL(18, 12))) AS DOUBLE)) AS lift
    FROM timed
    GROUP BY agency_id, weekday, hour_start
)
SELECT
    agency_id, weekday, hour_start, n, n / nullif(CAST(sum(n) OVER (PARTITION BY agency_id) AS DOUBLE), 0) AS share,
    CAST(sum(n) OVER (PARTITION BY agency_id) AS BIGINT) AS n_timed, n_lift, lift,
    row_number() OVER (PARTITION BY agency_id ORDER BY n DESC, weekday, hour_start) AS place
FROM cells
