-- id: Jumlah unggahan akun per bulan tidak sama dengan unggahan terhitungnya.
-- en: An account's posts by month do not add up to its counted posts.
-- blocking: yes
WITH counted AS (
    SELECT account_id, agency_id, month, count(*) AS posts, sum(engagement) AS engagement
    FROM core.posts
    WHERE is_counted AND NOT is_top_list AND NOT is_partner_only
    GROUP BY account_id, agency_id, month
)
SELECT coalesce(p.account_id, m.account_id) AS account_id, coalesce(p.month, m.month) AS month, p.posts, m.posts AS month_posts,
    p.engagement, m.engagement AS month_engagement
FROM counted p
FULL JOIN marts.account_month m ON m.account_id = p.account_id AND m.agency_id = p.agency_id AND m.month = p.month
WHERE coalesce(p.posts, 0) <> coalesce(m.posts, 0) OR p.engagement IS DISTINCT FROM m.engagement
