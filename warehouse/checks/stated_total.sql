-- id: Jumlah interaksi yang ditulis platform tidak sama dengan jumlah bagian-bagiannya (Facebook: reaksi + komentar + bagikan).
-- en: The engagement that the platform states is not the sum of its parts (Facebook: reactions + comments + shares).
-- blocking: yes
SELECT p.export_id, p.post_key, p.platform, p.engagement_rcs, p.reactions, p.comments, p.shares
FROM core.posts p
WHERE {{ total_differs("p") }}
