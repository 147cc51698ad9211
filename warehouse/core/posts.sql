-- One post of a platform, with its latest usable values and the agency that its account belonged to on that day (WIB).
-- key: post_key
-- Latest: the owner's own file before a partner's, complete before incomplete, then (captured_at, evidence, larger counts, SHA-256): never the
-- order of arrival, and of two downloads of one moment the one that saw more, for counts grow; what nobody dated gives way to whatever is dated. is_top_list: no whole list of its account names it, so it may be counted with others of its kind only.
-- A post known only from sums over a period keeps its identity and has no values.
WITH latest AS (
    SELECT *
    FROM staging.post_snapshots
    QUALIFY row_number() OVER (
        PARTITION BY post_key
        ORDER BY CASE WHEN is_lifetime THEN 0 ELSE 1 END, CASE WHEN owner_id = exporter_id THEN 0 ELSE 1 END,
            CASE WHEN evidence_rank > 1 THEN 0 ELSE 1 END,
            CASE WHEN engagement IS NOT NULL AND exposure IS NOT NULL THEN 0 ELSE 1 END,
            captured_at DESC, evidence_rank DESC, exposure DESC NULLS LAST, engagement DESC NULLS LAST, sha256 DESC, export_id,
            row_number) = 1
),
-- The moment of publication is taken from the file that knows it best: an instant before a minute before a day.
clock AS (
    SELECT post_key, published_at, published_on, published_precision
    FROM staging.post_snapshots
    QUALIFY row_number() OVER (
        PARTITION BY post_key
        ORDER BY CASE published_precision WHEN 'instant' THEN 0 WHEN 'minute' THEN 1 ELSE 2 END,
            captured_at DESC, evidence_rank DESC, sha256 DESC, export_id, row_number) = 1
),
seen AS (
    SELECT
        post_key, count(DISTINCT exporter_id) AS exporters, count(DISTINCT captured_at) FILTER (is_lifetime) AS n_snapshots,
        max(CASE WHEN owner_id IS NULL OR owner_id <> exporter_id THEN 1 ELSE 0 END) AS has_partner,
        max(CASE WHEN owner_id = exporter_id THEN 1 ELSE 0 END) AS has_own,
        min(captured_at) FILTER (is_lifetime AND owner_id = exporter_id
            AND CAST(captured_at + INTERVAL 7 HOUR AS DATE) > published_on) AS first_captured_at,
        min(CASE WHEN is_top_list THEN 1 ELSE 0 END) AS only_in_top_lists
    FROM staging.post_snapshots
    GROUP BY post_key
),
dated AS (
    SELECT
        l.*, c.published_at AS at, c.published_precision AS precision, s.exporters, s.n_snapshots, s.has_partner, s.has_own,
        s.first_captured_at, s.only_in_top_lists,
        CASE WHEN c.published_precision = 'day' OR c.published_at IS NULL THEN c.published_on
            ELSE CAST(c.published_at + INTERVAL 7 HOUR AS DATE) END AS day,
        coalesce(l.owner_id, l.exporter_id) AS account_id
    FROM latest l
    JOIN clock c ON c.post_key = l.post_key
    JOIN seen s ON s.post_key = l.post_key
)
-- Facebook's export of videos lists files with ids of their own: the posts that show them are in the export of posts.
SELECT
    d.post_key, d.platform, d.post_id, d.account_id, a.agency_id,
    d.at AS published_at,
    CASE WHEN d.precision <> 'day' THEN d.at + INTERVAL 7 HOUR END AS published_at_wib,
    d.day AS published_on,
    CAST(date_trunc('month', d.day) AS DATE) AS month,
    CAST(date_trunc('week', d.day) AS DATE) AS week_start,
    d.precision AS published_precision, d.post_type, d.caption, d.permalink, d.is_share,
    coalesce(d.post_type = 'story', FALSE) AS is_story,
    d.exporters > 1 OR d.has_partner = 1 AS is_collab,
    d.owner_id IS NOT NULL AND a.agency_id IS NOT NULL AND NOT d.is_share AND d.row_note IS NULL
        AND coalesce(d.post_type, '') NOT IN ('story', 'video_asset', 'reply') AS is_counted,  -- an answer is no publication
    coalesce(d.is_boosted, TRUE) AS may_include_paid, d.is_boosted,
    {{ post_values("d.{0}") }},
    d.engagement, d.exposure, d.engagement_parts,
    d.only_in_top_lists = 1 AS is_top_list,
    d.has_own = 0 AS is_partner_only, d.evidence_rank = 1 AS is_date_estimated,
    d.captured_at, d.first_captured_at,
    CAST(datediff('second',
        date_trunc('second', d.at + CASE d.precision WHEN 'day' THEN INTERVAL 12 HOUR ELSE INTERVAL 0 HOUR END),
        date_trunc('second', d.captured_at)) AS DOUBLE) / 3600 AS age_hours,  -- as in core.post_history: a day without a time stands for its middle
    d.export_id, d.row_number, d.n_snapshots
FROM dated d
LEFT JOIN core.accounts a
    ON a.account_id = d.account_id
    AND d.day BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
