-- The complete months of the window that the pages speak of (three), as many before them and the thirteen that their small lines draw. One row, of
-- nulls while no month is complete.
-- key: period_start
SELECT
    max(period_start) AS period_start, max(period_end) AS period_end,
    CAST(max(w.period_start) - max(t.window_months) * INTERVAL 1 MONTH AS DATE) AS previous_start,
    CAST(max(period_start) - INTERVAL 1 DAY AS DATE) AS previous_end,
    CAST(date_trunc('month', max(period_end)) - INTERVAL 12 MONTH AS DATE) AS history_start
FROM estimates.agency_window w
CROSS JOIN registry.thresholds t
