-- id: Ada unggahan terhitung yang tidak sama di core.posts dan marts.post_facts.
-- en: A counted post is not the same in core.posts and marts.post_facts.
-- blocking: yes
WITH counted AS (SELECT export_id, post_key, engagement, exposure FROM core.posts WHERE is_counted)
SELECT coalesce(p.export_id, f.export_id) AS export_id, coalesce(p.post_key, f.post_key) AS post_key, p.engagement,
    f.engagement AS facts_engagement
FROM counted p
FULL JOIN marts.post_facts f ON f.post_key = p.post_key
WHERE p.post_key IS NULL OR f.post_key IS NULL
    OR p.engagement IS DISTINCT FROM f.engagement OR p.exposure IS DISTINCT FROM f.exposure
