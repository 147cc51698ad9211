-- One agency and platform: how many files arrived, how many were refused or held, and how fresh the newest usable one is.
-- key: agency_id, platform
SELECT
    agency_id, platform, count(*) AS files, count(CASE WHEN outcome IN ('refused', 'held') THEN 1 END) AS refused,
    CAST(sum(CASE WHEN outcome IN ('accepted', 'flagged') THEN n_rows END) AS BIGINT) AS n_rows,
    max(CASE WHEN outcome IN ('accepted', 'flagged') THEN captured_at END) AS captured_at,
    max(CASE WHEN outcome IN ('accepted', 'flagged') THEN first_seen_at END) AS first_seen_at
FROM marts.export_files
WHERE agency_id IS NOT NULL
GROUP BY agency_id, platform
