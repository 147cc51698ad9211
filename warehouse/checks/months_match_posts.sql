-- id: Jumlah unggahan per bulan tidak sama dengan jumlah unggahan terhitung.
-- en: Posts by month do not add up to the counted posts.
-- blocking: yes
WITH a AS (
    SELECT count(*) AS n, sum(engagement) AS e
    FROM core.posts
    WHERE is_counted AND NOT is_top_list AND has_own_file
),
b AS (SELECT coalesce(sum(posts), 0) AS n, sum(engagement) AS e FROM marts.account_month)
SELECT a.n, b.n AS months, a.e, b.e AS months_e FROM a CROSS JOIN b WHERE a.n <> b.n OR a.e IS DISTINCT FROM b.e
