-- One objection of an agency to a figure about it; is_open until it is decided, and so long it is printed beside the figure.
-- key: objection_id
SELECT objection_id, agency_id, figure_id, received_on, objection, decision, decision = 'open' AS is_open, decided_on, answer
FROM registry.objections
