-- One way to write an agency's name in a complaint export: name, short name, every earlier name and every alias, lower case.
-- key: word
WITH listed AS (
    SELECT agency_id, name AS word FROM registry.agencies
    UNION ALL SELECT agency_id, short_name FROM registry.agencies
    UNION ALL SELECT agency_id, name FROM registry.agency_names
    UNION ALL SELECT agency_id, short_name FROM registry.agency_names
    UNION ALL SELECT agency_id, trim(unnest(string_split(replace(aliases, '|', ';'), ';'))) FROM registry.agencies
)
SELECT lower(trim(word)) AS word, min(agency_id) AS agency_id
FROM listed
WHERE word IS NOT NULL AND trim(word) <> ''
GROUP BY lower(trim(word))
HAVING count(DISTINCT agency_id) = 1
