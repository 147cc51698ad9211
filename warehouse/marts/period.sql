-- The three complete months that the pages speak of, the three before them and the thirteen that their small lines draw. One row, of
-- nulls while no month is complete.
-- key: period_start
SELECT
    max(period_start) AS period_start, max(period_end) AS period_end,
    CAST(max(period_start) - INTERVAL 3 MONTH AS DATE) AS previous_start,
    CAST(max(period_start) - INTERVAL 1 DAY AS DATE) AS previous_end,
    CAST(date_trunc('month', max(period_end)) - INTERVAL 12 MONTH AS DATE) AS history_start
FROM estimates.agency_window
