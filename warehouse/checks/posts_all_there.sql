-- id: Ada unggahan di data mentah yang hilang dari core.posts, atau sebaliknya.
-- en: A post of the raw rows is not in core.posts, or the other way round.
-- blocking: yes
SELECT r.export_id, r.post_key
FROM raw.post_snapshots r
LEFT JOIN staging.post_snapshots s ON s.export_id = r.export_id AND s.row_number = r.row_number
WHERE s.export_id IS NULL
UNION ALL
SELECT s.export_id, s.post_key
FROM staging.post_snapshots s
LEFT JOIN core.posts p ON p.post_key = s.post_key
WHERE p.post_key IS NULL
UNION ALL
SELECT p.export_id, p.post_key
FROM core.posts p
LEFT JOIN staging.post_snapshots s ON s.post_key = p.post_key
WHERE s.post_key IS NULL
