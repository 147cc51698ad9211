-- id: Ada unggahan yang tidak memakai pengamatan terbaru dari berkas pemiliknya.
-- en: A post does not show the newest observation of its owner that has both engagement and exposure.
-- blocking: yes
SELECT p.export_id, h.export_id AS newer_export_id, p.post_key, p.captured_at, h.captured_at AS newer
FROM core.posts p
JOIN staging.post_snapshots h
    ON h.post_key = p.post_key AND h.is_lifetime AND h.owner_id = h.exporter_id
    AND h.engagement IS NOT NULL AND h.exposure IS NOT NULL AND h.captured_at > p.captured_at
    AND h.evidence_rank > 1  -- what nobody dated replaces nothing
