-- One counted post (owned by an account of the regency, no story, no reshare) with what comparison needs to know about it.
-- key: post_key
-- Maturity: share of the final value reached at this age by the curve m(a) = 1 - (1 + a / s) ^ -k, s = h / (2 ^ (1 / k) - 1), of the
-- slower of engagement and exposure; *_final are divided by m(a) and null below one half. is_comparable: at least a week and half of its
-- growth old; age_ln = ln(m_E / m_X) brings what it has so far to the final rate, age_ln_sd is how sure the curves are of that.
-- ln_rate: ln((E + c) / X) of the values as exported, c = mu / (2 (1 + mu)), mu = X times the pooled rate of its platform: a constant
-- added where next to nothing is expected would reward being unseen. It describes; what is judged is estimated from the counts.
-- Paid reach: where nearly all posts of a platform have it apart, only unpaid posts compare (is_paid_left_out: not known of this one);
-- elsewhere all posts do, with all their reach (is_paid_unknown), or the columns somebody ticked would make a rate.
WITH curves AS (
    SELECT
        platform,
        max(CASE WHEN quantity = 'engagement' THEN half_life_hours / (power(CAST(2 AS DOUBLE), 1 / shape_k) - 1) END) AS s_e,
        max(CASE WHEN quantity = 'engagement' THEN shape_k END) AS k_e,
        max(CASE WHEN quantity = 'exposure' THEN half_life_hours / (power(CAST(2 AS DOUBLE), 1 / shape_k) - 1) END) AS s_x,
        max(CASE WHEN quantity = 'exposure' THEN shape_k END) AS k_x,
        max(CASE WHEN quantity = 'engagement' THEN lower / nullif(half_life_hours, 0) END) AS low_e,
        max(CASE WHEN quantity = 'engagement' THEN upper / nullif(half_life_hours, 0) END) AS high_e,
        max(CASE WHEN quantity = 'exposure' THEN lower / nullif(half_life_hours, 0) END) AS low_x,
        max(CASE WHEN quantity = 'exposure' THEN upper / nullif(half_life_hours, 0) END) AS high_x
    FROM estimates.maturity_curves
    GROUP BY platform
),
aged AS (
    SELECT
        p.*,
        1 - power(1 + greatest(p.age_hours, 0) / c.s_e, -c.k_e) AS m_e,
        1 - power(1 + greatest(p.age_hours, 0) / c.s_x, -c.k_x) AS m_x,
        ln((1 - power(1 + greatest(p.age_hours, 1) / nullif(c.s_e * c.low_e, 0), -c.k_e))
            / nullif(1 - power(1 + greatest(p.age_hours, 1) / nullif(c.s_e * c.high_e, 0), -c.k_e), 0)) / 3.92 AS sd_e,
        ln((1 - power(1 + greatest(p.age_hours, 1) / nullif(c.s_x * c.low_x, 0), -c.k_x))
            / nullif(1 - power(1 + greatest(p.age_hours, 1) / nullif(c.s_x * c.high_x, 0), -c.k_x), 0)) / 3.92 AS sd_x,
        count(p.is_boosted) OVER (PARTITION BY p.platform) >= t.known_split_share * count(*) OVER (PARTITION BY p.platform) AS is_split_known
    FROM core.posts p
    CROSS JOIN registry.thresholds t
    LEFT JOIN curves c ON c.platform = p.platform
    WHERE p.is_counted
),
judged AS (
    SELECT
        a.*, least(m_e, m_x) AS maturity_share,
        coalesce(least(m_e, m_x) >= t.minimum_maturity AND age_hours >= 24 * t.minimum_age_days, FALSE)
            AND engagement IS NOT NULL AND exposure IS NOT NULL
            AND (NOT is_split_known OR is_boosted IS NOT DISTINCT FROM FALSE) AS is_comparable
    FROM aged a
    CROSS JOIN registry.thresholds t
),
expected AS (
    SELECT
        *,
        exposure * (sum(CASE WHEN is_comparable THEN engagement END) OVER alike
            / nullif(CAST(sum(CASE WHEN is_comparable THEN exposure END) OVER alike AS DOUBLE), 0)) AS mu
    FROM judged
    WINDOW alike AS (PARTITION BY platform, engagement_parts, is_top_list)
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
    CASE WHEN j.is_comparable AND j.mu > 0 THEN ln((j.engagement + j.mu / nullif(2 * (1 + j.mu), 0)) / nullif(j.exposure, 0)) END AS ln_rate,
    j.is_comparable, CASE WHEN j.m_e > 0 AND j.m_x > 0 THEN ln(j.m_e / j.m_x) END AS age_ln,
    CASE WHEN j.m_e > 0 AND j.m_x > 0 THEN sqrt(j.sd_e * j.sd_e + j.sd_x * j.sd_x) END AS age_ln_sd,
    NOT j.is_split_known AS is_paid_unknown, j.is_split_known AND j.is_boosted IS NULL AS is_paid_left_out,
    j.export_id, j.row_number, j.captured_at
FROM expected j
LEFT JOIN core.agencies g ON g.agency_id = j.agency_id
LEFT JOIN core.post_themes t ON t.post_key = j.post_key
