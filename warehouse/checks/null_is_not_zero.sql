-- id: Interaksi atau eksposur terisi padahal bagiannya tidak dilaporkan.
-- en: Engagement or exposure has a value although a part of it is not reported.
-- blocking: yes
SELECT p.export_id, p.post_key, p.platform, p.engagement, p.exposure
FROM core.posts p
WHERE p.engagement IS NOT NULL AND {{ part_missing("p") }}
    OR p.exposure IS DISTINCT FROM {{ role("exposure", "p") }}
