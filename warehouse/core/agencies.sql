-- One agency over its whole life, under its newest name; ranked only in a peer group of at least eight that still exist,
-- and never where it is the main channel (`main_agency` of settings.toml, or of that kind).
-- key: agency_id
WITH sized AS (
    SELECT peer_group, count(*) AS members
    FROM registry.agencies
    WHERE valid_to IS NULL
    GROUP BY peer_group
)
SELECT
    a.agency_id, a.name, a.short_name, a.kind, a.peer_group, a.district, a.population, a.valid_from, a.valid_to, a.predecessor_id,
    a.kind <> 'kanal_utama' AND a.agency_id IS DISTINCT FROM r.main_agency AND coalesce(s.members, 0) >= t.minimum_peers AS is_ranked
FROM registry.agencies a
CROSS JOIN registry.settings r
CROSS JOIN registry.thresholds t
LEFT JOIN sized s ON s.peer_group = a.peer_group
