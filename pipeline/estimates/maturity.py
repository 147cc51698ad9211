"""How the count of a post grows until it is final: the curves, and what a chain ladder says of the same posts."""

from pipeline.statistics import curves
from pipeline.tables import Table

TABLES = {
    "estimates.maturity_curves": Table.of(
        curves.maturity_curves,
        "core.post_history",
        description="One row per platform and quantity: half-life in hours and shape of the growth of a post's count.",
        key=("platform", "quantity"),
    ),
    "estimates.maturity_check": Table.of(
        curves.maturity_check,
        "core.post_history",
        "estimates.maturity_curves",
        description=(
            "One row per fitted curve and age: share of the final count by the curve and by a chain ladder without its shape."
        ),
        key=("platform", "quantity", "age_hours"),
    ),
}
