-- One question or complaint and the times of its answers (WIB), from the response register or a complaint export. No names, no text.
-- key: channel, case_id
-- A case that both the register and an export know is taken from the register: people correct it there.
-- SP4N-LAPOR and Hootsuite export no reply time: their cases are counted, never timed, so none of them needs_answer here.
WITH exported AS (
    SELECT
        c.case_id, coalesce(w.agency_id, a.agency_id) AS agency_id, k.account_id, c.channel,
        coalesce(c.received_at, CAST(c.received_on AS TIMESTAMP)) AS received_at_wib, c.first_reply_at AS first_reply_at_wib,
        c.closed_at AS closed_at_wib, c.category, c.status, c.sla_class, c.district,
        e.kind NOT LIKE 'sp4n_lapor%' AND e.kind NOT LIKE 'hootsuite%' AS needs_answer,
        'export' AS source, c.export_id, c.row_number
    FROM raw.cases c
    JOIN raw.exports e ON e.export_id = c.export_id
    LEFT JOIN raw.account_keys k ON k.account_key = c.account_key
    LEFT JOIN staging.agency_words w ON w.word = lower(trim(c.agency_name))
    LEFT JOIN core.accounts a ON a.account_id = k.account_id
        AND c.received_on BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
    QUALIFY row_number() OVER (
        PARTITION BY c.channel, c.case_id ORDER BY c.captured_at DESC, e.sha256 DESC, c.export_id, c.row_number) = 1
),
noted AS (
    SELECT
        case_id, agency_id, account_id, channel, received_at AS received_at_wib, first_reply_at AS first_reply_at_wib,
        closed_at AS closed_at_wib, category, status, sla_class, district, needs_answer, 'register' AS source,
        CAST(NULL AS BIGINT) AS export_id, CAST(NULL AS BIGINT) AS row_number
    FROM registry.responses
),
every AS (
    SELECT * FROM noted
    UNION ALL
    SELECT x.* FROM exported x
    WHERE NOT EXISTS (SELECT 1 FROM noted n WHERE n.case_id = x.case_id AND n.channel = x.channel)
)
SELECT
    case_id, agency_id, account_id, channel, received_at_wib, first_reply_at_wib, closed_at_wib, category, status, sla_class,
    district, needs_answer, source, export_id, row_number
FROM every
