-- One count that fell between two exports although such counts cannot fall, with its owner; the largest share of a fall comes first.
-- key: platform, account_id, post_key, day, field, new_captured_at
SELECT
    r.platform, r.account_id, a.agency_id, r.post_key, r.day, r.field, r.old_value, r.new_value, r.old_captured_at, r.new_captured_at,
    -r.share_changed AS fall,
    row_number() OVER (ORDER BY r.share_changed, r.account_id, r.field, r.post_key, r.day, r.new_captured_at) AS place
FROM marts.restatements r
LEFT JOIN core.accounts a
    ON a.account_id = r.account_id
    AND CAST(r.new_captured_at + INTERVAL 7 HOUR AS DATE)
        BETWEEN coalesce(a.valid_from, DATE '1900-01-01') AND coalesce(a.valid_to, DATE '9999-12-31')
WHERE r.new_value < r.old_value AND r.old_value > 0
