"""Whether likes grew as citizens' likes do not, and what the change is without them."""

from pipeline.statistics import staff
from pipeline.tables import Table

TABLES = {
    "estimates.staff_likes": Table.judged(
        staff.staff_likes,
        "core.posts",
        "marts.account_month",
        "core.circulars",
        "core.agencies",
        description="One row per account of the last three months with likes: floor and mix of likes now and before, lit or not.",
        key=("account_id", "agency_id"),
    ),
    "estimates.change_without_likes": Table.judged(
        staff.change_without_likes,
        "marts.post_facts",
        "core.posts",
        "marts.account_month",
        description="One row per agency: its change against the three months before with likes left out, with interval.",
        key=("agency_id",),
    ),
}
