-- One account of one agency in one month: how many of its days the accepted post exports speak for, and why not where they do not.
-- key: account_id, agency_id, month
-- listed_days: those of them for which a whole list of posts exists; a top list covers days but does not count posts.
-- complete: at least `minimum_coverage` of the days (settings.toml, 90 %). partial: some. refused: none, but a file was refused or held. missing: no file. not_required:
-- the account is closed and nothing was sent. Months run from the regency's first known post, at most 36 months back, to the newest
-- export of which something tells the day; an account's older months are listed where it has posts. A span that a file declares before any post adds no months.
WITH bounds AS (
    SELECT
        greatest(CAST(date_trunc('month', p.first_post) AS DATE),
            CAST(date_trunc('month', e.newest - INTERVAL 36 MONTH) AS DATE)) AS first_month,
        CAST(date_trunc('month', e.newest) AS DATE) AS last_month
    FROM (SELECT min(published_on) AS first_post FROM core.posts) p
    CROSS JOIN (
        SELECT CAST(coalesce(
                max(CASE WHEN period_last IS NOT NULL OR captured_from NOT IN ('mtime', 'first_seen') THEN captured_at END),
                max(captured_at)) + INTERVAL 7 HOUR AS DATE) AS newest
        FROM raw.exports
        WHERE outcome IN ('accepted', 'flagged')
    ) e
),
listed AS (
    SELECT DISTINCT a.account_id, d.month
    FROM core.calendar d
    CROSS JOIN bounds b
    CROSS JOIN core.accounts a
    WHERE d.month BETWEEN b.first_month AND b.last_month
    UNION
    SELECT DISTINCT account_id, month
    FROM core.posts
    WHERE agency_id IS NOT NULL
),
days AS (
    SELECT a.account_id, a.agency_id, a.platform, a.status, d.date, d.month
    FROM listed l
    JOIN core.calendar d ON d.month = l.month
    JOIN core.accounts a
        ON a.account_id = l.account_id
        AND d.date BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
),
covered AS (
    SELECT d.account_id, d.date, max(CASE WHEN c.is_whole THEN 1 ELSE 0 END) AS is_listed
    FROM days d
    JOIN staging.post_coverage c ON c.account_id = d.account_id AND d.date BETWEEN c.first_day AND c.last_day
    GROUP BY d.account_id, d.date
),
counted AS (
    SELECT
        d.account_id, d.agency_id, d.platform, d.month, max(d.status) AS status, count(*) AS days, count(c.date) AS covered_days,
        CAST(coalesce(sum(c.is_listed), 0) AS BIGINT) AS listed_days
    FROM days d
    LEFT JOIN covered c ON c.account_id = d.account_id AND c.date = d.date
    GROUP BY d.account_id, d.agency_id, d.platform, d.month
),
sent AS (
    SELECT
        account_id, CAST(date_trunc('month', coalesce(period_last, CAST(captured_at + INTERVAL 7 HOUR AS DATE))) AS DATE) AS month,
        count(DISTINCT CASE WHEN outcome IN ('accepted', 'flagged') THEN sha256 END) AS files,
        count(DISTINCT CASE WHEN outcome IN ('refused', 'held') THEN sha256 END) AS refused,
        max(CASE WHEN outcome IN ('refused', 'held') THEN code END) AS reason_code,
        max(CASE WHEN outcome IN ('accepted', 'flagged') THEN captured_at END) AS last_captured_at
    FROM raw.exports
    WHERE account_id IS NOT NULL
    GROUP BY 1, 2
)
SELECT
    c.agency_id, c.account_id, c.platform, c.month,
    CASE
        WHEN c.covered_days / nullif(CAST(c.days AS DOUBLE), 0) >= t.minimum_coverage THEN 'complete'
        WHEN c.covered_days > 0 THEN 'partial'
        WHEN coalesce(s.refused, 0) > 0 THEN 'refused'
        WHEN c.status = 'closed' THEN 'not_required'
        ELSE 'missing'
    END AS state,
    c.covered_days, c.listed_days, c.days, coalesce(s.files, 0) AS files, coalesce(s.refused, 0) AS refused, s.reason_code, s.last_captured_at
FROM counted c
CROSS JOIN registry.thresholds t
LEFT JOIN sent s ON s.account_id = c.account_id AND s.month = c.month
