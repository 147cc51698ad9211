"""Days far above an account's own past, within a budget of alarms a week."""

from pipeline.statistics import surges
from pipeline.tables import Table

TABLES = {
    "estimates.alarms": Table.judged(
        surges.alarms,
        "core.account_days",
        "core.posts",
        description=(
            "One row per account, day and metric far above the account's own past; is_alarm within the budget of alarms a week."
        ),
        key=("account_id", "date", "metric"),
    ),
}
