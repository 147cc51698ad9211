-- One table found in one file, with its outcome and the sentence for its sender. Refused and held ones are listed too.
-- key: export_id
SELECT
    e.export_id, e.sha256, e.file_name, e.member, e.platform, e.kind, e.grain, e.account_id, a.agency_id, e.outcome, e.code,
    json_extract_string(e.messages, '$[0].id') AS message_id, json_extract_string(e.messages, '$[0].en') AS message_en,
    e.n_rows, e.period_first, e.period_last, e.captured_at, e.captured_from, e.first_seen_at
FROM raw.exports e
LEFT JOIN core.accounts a
    ON a.account_id = e.account_id
    AND coalesce(e.period_last, CAST(e.captured_at + INTERVAL 7 HOUR AS DATE))
        BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
