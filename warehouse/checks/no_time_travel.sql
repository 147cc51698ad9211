-- id: Ada unggahan yang diekspor sebelum diterbitkan.
-- en: A post was exported more than a day before it was published.
-- blocking: no
SELECT export_id, post_key, published_on, captured_at FROM core.posts WHERE age_hours < -24
