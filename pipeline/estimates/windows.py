"""Agencies against expectation and against their own past: the last three months, each month, their peers, the regency."""

from pipeline.statistics import windows
from pipeline.tables import Table

WINDOW = ("estimates.account_month_expected", "marts.account_month", "core.agencies")
INDEX = "estimates.agency_month_index"

TABLES = {
    "estimates.agency_window": Table.of(
        windows.agency_window,
        *WINDOW,
        description=(
            "One row per agency: the last three complete months against expectation and the three before (factors, 1 = same)."
        ),
        key=("agency_id",),
    ),
    "estimates.agency_platform_window": Table.of(
        windows.agency_platform_window,
        *WINDOW,
        description="One row per agency and platform: as agency_window, each platform against itself only.",
        key=("agency_id", "platform"),
    ),
    "estimates.agency_month_index": Table.of(
        windows.agency_month_index,
        *WINDOW,
        description="One row per agency and month: factor against expectation, season left in, with interval and completeness.",
        key=("agency_id", "month"),
    ),
    "estimates.regency_month": Table.of(
        windows.regency_month,
        INDEX,
        description="One row per month: median agency with interval, middle half, number of agencies, coverage.",
        key=("month",),
    ),
    "estimates.peer_month": Table.of(
        windows.peer_month,
        INDEX,
        description="One row per peer group and month: median and middle half of its agencies.",
        key=("peer_group", "month"),
    ),
}
