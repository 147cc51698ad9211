"""What size, format and month let an account expect: the yardstick of every comparison."""

from pipeline.statistics import comparison
from pipeline.tables import Table

TABLES = {
    "estimates.account_month_expected": Table.judged(
        comparison.account_month_expected,
        "marts.post_facts",
        "marts.account_month",
        description=(
            "One row per account, agency and month with comparable posts: ln rate against what size, format and month let expect."
        ),
        key=("account_id", "agency_id", "month"),
    ),
}
