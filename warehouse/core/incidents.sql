-- One emergency, correction, crisis, or reason why a past figure was restated (WIB).
-- key: incident_id
SELECT incident_id, agency_id, kind, started_at AS started_at_wib, acknowledged_at AS acknowledged_at_wib, post_id, note
FROM registry.incidents
