-- One agency over its whole life, under its newest name; ranked only in a peer group of at least eight that still exist.
-- key: agency_id
WITH sized AS (
    SELECT peer_group, count(*) AS members
    FROM registry.agencies
    WHERE valid_to IS NULL
    GROUP BY peer_group
)
SELECT
    a.agency_id, a.name, a.short_name, a.kind, a.peer_group, a.district, a.population, a.valid_from, a.valid_to, a.predecessor_id,
    a.kind <> 'kanal_utama' AND coalesce(s.members, 0) >= 8 AS is_ranked
FROM registry.agencies a
LEFT JOIN sized s ON s.peer_group = a.peer_group
