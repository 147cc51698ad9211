-- One profile on a platform during one period of belonging to one agency (both days included; null is open).
-- key: account_id, valid_from
SELECT account_id, platform, handle, platform_account_id, agency_id, valid_from, valid_to, status
FROM registry.accounts
