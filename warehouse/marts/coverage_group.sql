-- One peer group over the last thirteen months (and one row for the whole regency, peer_group null): how many account-months are whole.
-- key: peer_group
-- account_months are those that must report; months_complete, _partial, _missing and _refused add up to it.
WITH counted AS (
    SELECT a.peer_group, c.state
    FROM marts.coverage_month c
    JOIN marts.period p ON c.month BETWEEN p.history_start AND p.period_end
    LEFT JOIN core.agencies a ON a.agency_id = c.agency_id
    WHERE c.state <> 'not_required'
),
both_levels AS (
    SELECT peer_group, state FROM counted WHERE peer_group IS NOT NULL
    UNION ALL
    SELECT CAST(NULL AS VARCHAR), state FROM counted
)
SELECT
    peer_group, count(*) AS account_months, count(CASE WHEN state = 'complete' THEN 1 END) AS months_complete,
    count(CASE WHEN state = 'partial' THEN 1 END) AS months_partial, count(CASE WHEN state = 'missing' THEN 1 END) AS months_missing,
    count(CASE WHEN state = 'refused' THEN 1 END) AS months_refused,
    count(CASE WHEN state = 'complete' THEN 1 END) / nullif(CAST(count(*) AS DOUBLE), 0) AS share_complete
FROM both_levels
GROUP BY peer_group
