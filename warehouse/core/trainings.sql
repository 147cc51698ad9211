-- One agency that attended one training. Roles are counted, persons are not named.
-- key: training_id, agency_id
SELECT training_id, agency_id, date, wave, topic, participants, communicators
FROM registry.trainings
