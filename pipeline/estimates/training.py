"""What training changed, in whom and when, and what would have been found where nothing can have changed."""

from __future__ import annotations

from typing import Any

from pipeline import thresholds
from pipeline.statistics import training
from pipeline.tables import Table

TRAINING = (
    "estimates.account_month_expected",
    "marts.account_month",
    "core.cases",
    "core.trainings",
    "core.agencies",
)
PLACEBO = ("core.account_days", "marts.post_facts", "marts.account_month", "core.trainings", "core.agencies")


def _in_order(registry: Any) -> dict[str, Any]:
    """The thresholds, and whether the order of training was drawn inside peer groups."""
    settings = getattr(registry, "settings", None) or {}
    return {"by_group": settings.get("training_order") == "peer_group", "t": thresholds.of(registry)}


TABLES = {
    "estimates.training_effect": Table.of(
        training.training_effect,
        *TRAINING,
        given=_in_order,
        description=(
            "One row per outcome and estimator: effect of training (ln scale), interval, randomisation p, power, or why refused."
        ),
        key=("outcome", "estimator"),
    ),
    "estimates.training_placebo": Table.of(
        training.training_placebo,
        *PLACEBO,
        given=_in_order,
        description="One row per outcome that training cannot move: its pretended effect (ln scale), or why it cannot be judged.",
        key=("outcome",),
    ),
    "estimates.training_event": Table.judged(
        training.training_event,
        *TRAINING,
        description="One row per outcome and month since training: effect with pointwise and simultaneous intervals.",
        key=("outcome", "event_month"),
    ),
    "estimates.training_cohort": Table.judged(
        training.training_cohort,
        *TRAINING,
        description="One row per outcome and wave of training: effect with interval.",
        key=("outcome", "wave"),
    ),
    "estimates.training_agency": Table.judged(
        training.training_agency,
        *TRAINING,
        description="One row per outcome and trained agency: before, after, and after minus what was to be expected.",
        key=("outcome", "agency_id"),
    ),
    "estimates.training_sensitivity": Table.judged(
        training.training_sensitivity,
        *TRAINING,
        description="One row per outcome and group left out: the effect without it.",
        key=("outcome", "left_out_kind", "left_out"),
    ),
}
