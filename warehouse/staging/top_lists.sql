-- One export that holds the best posts of an account only: more were published in its days than it names.
-- key: export_id
-- TikTok Studio lists the most watched videos, LinkedIn the 50 best posts of a person, and a table that ends where its platform stops
-- counting was cut. Values of the posts they name are exact; how many posts there were is not known from them.
SELECT export_id
FROM raw.exports
WHERE grain = 'post' AND outcome IN ('accepted', 'flagged')
    AND (kind IN ('tiktok_studio_content', 'linkedin_member_aggregate') OR messages LIKE '%"POSSIBLY_CUT"%')
