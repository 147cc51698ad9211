-- The complete months of the window that the pages speak of (three), as many before them and the thirteen that their small lines draw. One row, of
-- nulls while no month is complete.
-- key: period_start
WITH judged AS (
    SELECT max(w.period_start) AS period_start, max(w.period_end) AS period_end, max(t.window_months) AS months
    FROM estimates.agency_window w
    CROSS JOIN registry.thresholds t
),
-- A month's number: no engine but DuckDB takes a column of months from a date.
numbered AS (
    SELECT period_start, period_end, 12 * extract('year' FROM period_start) + extract('month' FROM period_start) - 1 - months AS previous
    FROM judged
)
SELECT
    period_start, period_end,
    make_date(CAST(floor(CAST(previous AS DOUBLE) / 12) AS INTEGER), CAST(previous % 12 + 1 AS INTEGER), 1) AS previous_start,
    CAST(period_start - INTERVAL 1 DAY AS DATE) AS previous_end,
    CAST(date_trunc('month', period_end) - INTERVAL 12 MONTH AS DATE) AS history_start
FROM numbered
