-- id: Jumlah unggahan terhitung berbeda antara core.posts dan marts.post_facts.
-- en: The counted posts of core.posts and marts.post_facts are not the same.
-- blocking: yes
WITH a AS (SELECT count(*) AS n, sum(engagement) AS e FROM core.posts WHERE is_counted),
b AS (SELECT count(*) AS n, sum(engagement) AS e FROM marts.post_facts)
SELECT a.n, b.n AS facts, a.e, b.e AS facts_e FROM a CROSS JOIN b WHERE a.n <> b.n OR a.e IS DISTINCT FROM b.e
