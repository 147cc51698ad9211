-- One value that an agency promised to reach in a month, quarter or year.
-- key: agency_id, metric, period
SELECT agency_id, metric, period, target, direction
FROM registry.targets
