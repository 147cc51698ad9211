-- One planned post as the plan stood on captured_on; planned_at_wib is WIB.
-- key: plan_id, captured_on
SELECT plan_id, agency_id, platform, planned_at AS planned_at_wib, topic, programme, format, campaign, post_id, captured_on
FROM registry.plan
