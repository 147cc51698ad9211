"""Agencies against expectation and against their own past: the last three months, each month, their peers, the regency."""

from pipeline.statistics import reasons, windows
from pipeline.tables import Table

WINDOW = ("estimates.account_month_expected", "marts.account_month", "core.agencies")
ACCOUNTS = "estimates.account_reasons"
INDEX = "estimates.agency_month_index"

TABLES = {
    ACCOUNTS: Table.judged(
        reasons.account_window,
        "marts.post_facts",
        "estimates.account_month_expected",
        "marts.account_month",
        description=(
            "One row per account and agency in the last three complete months: its posts, how many compare, why it is not judged."
        ),
        key=("account_id", "agency_id"),
    ),
    "estimates.agency_window": Table.judged(
        windows.agency_window,
        *WINDOW,
        ACCOUNTS,
        "estimates.staff_likes",
        "estimates.change_without_likes",
        "core.accounts",
        description=(
            "One row per agency: the last three complete months against expectation and the three before (factors, 1 = same)."
        ),
        key=("agency_id",),
    ),
    "estimates.agency_platform_window": Table.judged(
        windows.agency_platform_window,
        *WINDOW,
        ACCOUNTS,
        description="One row per agency and platform: as agency_window, each platform against itself only.",
        key=("agency_id", "platform"),
    ),
    "estimates.agency_month_index": Table.judged(
        windows.agency_month_index,
        *WINDOW,
        description="One row per agency and month: factor on the yardstick of agency_window, with interval and completeness.",
        key=("agency_id", "month"),
    ),
    "estimates.threshold_effect": Table.judged(
        windows.threshold_effect,
        *WINDOW,
        description="One row per threshold and value tried: agencies judged, above, as and below expected, up and down.",
        key=("threshold_name", "value"),
    ),
    "estimates.regency_month": Table.of(
        windows.regency_month,
        INDEX,
        "estimates.account_month_expected",
        description="One row per month: median agency, middle half, number of agencies, coverage; what all did together.",
        key=("month",),
    ),
    "estimates.peer_month": Table.of(
        windows.peer_month,
        INDEX,
        description="One row per peer group and month: median and middle half of its agencies.",
        key=("peer_group", "month"),
    ),
}
