"""The `estimates.*` tables: which frames each one reads, what a row is, and the function that makes it."""

from pipeline.statistics import comparison, curves, windows
from pipeline.tables import Table

EXPECTED, ACCOUNT_MONTH, AGENCIES = "estimates.account_month_expected", "marts.account_month", "core.agencies"
POSTS = "marts.post_facts"


def _of(function, *needs: str):
    """A builder that hands the named frames to `function` in order."""
    return lambda frames, registry: function(*(frames[n] for n in needs))


def _table(name: str, function, needs: tuple[str, ...], description: str, key: tuple[str, ...]) -> dict[str, Table]:
    return {f"estimates.{name}": Table(_of(function, *needs), needs, description, key)}


WINDOW = (EXPECTED, ACCOUNT_MONTH, AGENCIES)

TABLES: dict[str, Table] = (
    _table(
        "maturity_curves",
        curves.maturity_curves,
        ("core.post_history",),
        "One row per platform and quantity: half-life in hours and shape of the growth of a post's count.",
        ("platform", "quantity"),
    )
    | _table(
        "account_month_expected",
        comparison.account_month_expected,
        (POSTS, ACCOUNT_MONTH),
        "One row per account, agency and month with mature posts: mean ln rate against what size, format and month let expect.",
        ("account_id", "agency_id", "month"),
    )
    | _table(
        "agency_window",
        windows.agency_window,
        WINDOW,
        "One row per agency: the last three complete months against expectation and the three before (factors, 1 = same).",
        ("agency_id",),
    )
    | _table(
        "agency_platform_window",
        windows.agency_platform_window,
        WINDOW,
        "One row per agency and platform: as agency_window, each platform against itself only.",
        ("agency_id", "platform"),
    )
    | _table(
        "agency_month_index",
        windows.agency_month_index,
        WINDOW,
        "One row per agency and month: factor against expectation, season left in, with interval and completeness.",
        ("agency_id", "month"),
    )
    | _table(
        "regency_month",
        windows.regency_month,
        ("estimates.agency_month_index",),
        "One row per month: median agency with interval, middle half, number of agencies, coverage.",
        ("month",),
    )
    | _table(
        "peer_month",
        windows.peer_month,
        ("estimates.agency_month_index",),
        "One row per peer group and month: median and middle half of its agencies.",
        ("peer_group", "month"),
    )
)
