-- One date from which a platform's figure is counted or named differently: values before and after are shown, never chained.
-- key: date, platform, field, grain
SELECT CAST(date AS DATE) AS date, platform, field, grain, note_id, note_en, source
FROM reference.series_breaks
