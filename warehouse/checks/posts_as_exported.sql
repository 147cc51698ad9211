-- id: Ada angka di core.posts yang tidak sama dengan baris mentah yang ditunjuknya.
-- en: A figure of core.posts is not that of the very raw row it points at.
-- blocking: yes
SELECT p.export_id, p.row_number, p.post_key
FROM core.posts p
LEFT JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number
WHERE p.n_snapshots > 0 AND (s.export_id IS NULL OR {{ post_values("p.{0} IS DISTINCT FROM s.{0}", " OR ") }})
