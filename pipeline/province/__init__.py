"""Many regencies: their published versions united without their posts, and packs of distributions that carry no account."""
