-- The first and last day that anything known speaks of: rows of exports, and what people noted in the registers.
-- key: first_day
-- The calendar spans it: a post from before the calendar would belong to no month.
SELECT CAST(min(day) AS DATE) AS first_day, CAST(max(day) AS DATE) AS last_day
FROM (
    SELECT period_first AS day FROM raw.exports WHERE outcome IN ('accepted', 'flagged')
    UNION ALL SELECT period_last FROM raw.exports WHERE outcome IN ('accepted', 'flagged')
    UNION ALL SELECT CAST(received_at AS DATE) FROM registry.responses
    UNION ALL SELECT CAST(closed_at AS DATE) FROM registry.responses
    UNION ALL SELECT CAST(planned_at AS DATE) FROM registry.plan
    UNION ALL SELECT CAST(started_at AS DATE) FROM registry.incidents
    UNION ALL SELECT date FROM registry.trainings
) days
