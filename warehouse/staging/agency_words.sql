-- One way to write an agency's name in a complaint export: name, short name, every earlier name and every alias, lower case.
-- key: word
WITH listed AS (
    SELECT agency_id, name AS word FROM registry.agencies
    UNION ALL SELECT agency_id, short_name FROM registry.agencies
    UNION ALL SELECT agency_id, name FROM registry.agency_names
    UNION ALL SELECT agency_id, short_name FROM registry.agency_names
    UNION ALL SELECT agency_id, unnest(string_split(replace(aliases, '|', ';'), ';')) AS word FROM registry.agencies
),
meant AS (
    SELECT lower(trim(word)) AS word, min(agency_id) AS one_agency, max(agency_id) AS other_agency
    FROM listed
    GROUP BY lower(trim(word))
)
SELECT word, one_agency AS agency_id
FROM meant
WHERE word <> '' AND one_agency = other_agency
