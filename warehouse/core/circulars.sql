-- One circular or appeal that asks staff to like or share, with the days on which it was in force. Papers, never persons.
-- key: circular_id
SELECT circular_id, issued_on, valid_to, scope, source, note
FROM registry.circulars
