-- One counted post (owned by an account of the regency, no story, no reshare) with what comparison needs to know about it.
-- key: post_key
-- Maturity: share of the final value reached at this age by the curve m(a) = 1 - (1 + a / s) ^ -k, s = h / (2 ^ (1 / k) - 1), of the
-- slower of engagement and exposure. ln_rate is of the values as exported (METRICS.md er_account); *_final are divided by m(a) and
-- null below one half. A post of which a part is known to be paid is not comparable: its file splits reach, never engagement. The lift of a post is an estimate made from this table: estimates.post_lift.
WITH curves AS (
    SELECT
        platform,
        max(CASE WHEN quantity = 'engagement' THEN half_life_hours / (power(CAST(2 AS DOUBLE), 1 / shape_k) - 1) END) AS s_e,
        max(CASE WHEN quantity = 'engagement' THEN shape_k END) AS k_e,
        max(CASE WHEN quantity = 'exposure' THEN half_life_hours / (power(CAST(2 AS DOUBLE), 1 / shape_k) - 1) END) AS s_x,
        max(CASE WHEN quantity = 'exposure' THEN shape_k END) AS k_x
    FROM estimates.maturity_curves
    GROUP BY platform
),
aged AS (
    SELECT
        p.*,
        1 - power(1 + greatest(p.age_hours, 0) / c.s_e, -c.k_e) AS m_e,
        1 - power(1 + greatest(p.age_hours, 0) / c.s_x, -c.k_x) AS m_x
    FROM core.posts p
    LEFT JOIN curves c ON c.platform = p.platform
    WHERE p.is_counted
),
judged AS (
    SELECT *, least(m_e, m_x) AS maturity_share
    FROM aged
)
SELECT
    j.post_key, j.platform, j.account_id, j.agency_id, g.peer_group, j.published_at_wib, j.published_on, j.month, j.week_start,
    CAST(extract('hour' FROM j.published_at_wib) AS INTEGER) AS hour,
    CAST((datediff('day', DATE '2024-01-01', j.published_on) % 7 + 7) % 7 AS INTEGER) AS weekday,
    CASE
        WHEN j.post_type IN ('photo', 'image') THEN 'photo'
        WHEN j.post_type = 'carousel' THEN 'carousel'
        WHEN j.post_type IN ('video', 'reel', 'short', 'live') THEN 'video'
        WHEN j.post_type = 'link' THEN 'link'
        WHEN j.post_type = 'text' THEN 'text'
        ELSE 'other'
    END AS format,
    t.programme, t.content_type, j.is_collab, j.may_include_paid, j.is_top_list, j.engagement_parts,
    j.engagement, j.exposure,
    CASE WHEN j.m_e >= 0.5 THEN j.engagement / j.m_e END AS e_final,
    CASE WHEN j.m_x >= 0.5 THEN j.exposure / j.m_x END AS x_final,
    CASE WHEN j.maturity_share >= 0.9 THEN 'mature' WHEN j.maturity_share >= 0.5 THEN 'maturing'
        WHEN j.maturity_share IS NOT NULL THEN 'fresh' END AS maturity,
    j.maturity_share,
    CASE WHEN j.maturity_share >= 0.9 THEN ln((CAST(j.engagement AS DOUBLE) + 0.5) / nullif(CAST(j.exposure AS DOUBLE) + 1, 0)) END AS ln_rate,
    coalesce(j.maturity_share >= 0.9, FALSE) AND j.engagement IS NOT NULL AND j.exposure IS NOT NULL
        AND NOT coalesce(j.is_boosted, FALSE) AS is_comparable,
    j.export_id, j.row_number, j.captured_at
FROM judged j
LEFT JOIN core.agencies g ON g.agency_id = j.agency_id
LEFT JOIN core.post_themes t ON t.post_key = j.post_key
