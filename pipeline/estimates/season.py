"""What all accounts of a platform did together in a week, and the trend of each account without it."""

from pipeline.statistics import season
from pipeline.tables import Table

TABLES = {
    "estimates.season": Table.of(
        season.season,
        "marts.post_facts",
        description="One row per platform and week: what all accounts did together (ln scale, 0 = usual), with interval.",
        key=("platform", "week_start"),
    ),
    "estimates.account_trend": Table.of(
        season.account_trend,
        "marts.post_facts",
        description="One row per account: slope of its ln rate per week over the last 13 weeks, season taken out, with interval.",
        key=("account_id",),
    ),
}
