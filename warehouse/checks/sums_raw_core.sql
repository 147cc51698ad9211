-- id: Jumlah di core.posts tidak sama dengan jumlah baris mentah yang ditunjuknya.
-- en: Sums of core.posts differ from the sums of the very raw rows it points at.
-- blocking: yes
WITH sums AS (
    SELECT 'likes' AS field, sum(p.likes) AS shown, sum(s.likes) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'comments' AS field, sum(p.comments) AS shown, sum(s.comments) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'shares' AS field, sum(p.shares) AS shown, sum(s.shares) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'views' AS field, sum(p.views) AS shown, sum(s.views) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'reach' AS field, sum(p.reach) AS shown, sum(s.reach) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'impressions' AS field, sum(p.impressions) AS shown, sum(s.impressions) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'reposts' AS field, sum(p.reposts) AS shown, sum(s.reposts) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'saves' AS field, sum(p.saves) AS shown, sum(s.saves) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
    UNION ALL SELECT 'reactions' AS field, sum(p.reactions) AS shown, sum(s.reactions) AS source FROM core.posts p
    JOIN raw.post_snapshots s ON s.export_id = p.export_id AND s.row_number = p.row_number WHERE p.n_snapshots > 0
)
SELECT * FROM sums WHERE shown IS DISTINCT FROM source
