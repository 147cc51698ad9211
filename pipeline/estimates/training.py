"""What training changed, in whom and when, and what would have been found where nothing can have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

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


def _in_order(method: Callable[..., pl.DataFrame], *needs: str) -> Callable[[dict[str, pl.DataFrame], Any], pl.DataFrame]:
    """A builder that also tells whether the order of training was drawn inside peer groups."""

    def build(frames: dict[str, pl.DataFrame], registry: Any) -> pl.DataFrame:
        settings = getattr(registry, "settings", None) or {}
        return method(*(frames[name] for name in needs), by_group=settings.get("training_order") == "peer_group")

    return build


TABLES = {
    "estimates.training_effect": Table(
        build=_in_order(training.training_effect, *TRAINING),
        needs=TRAINING,
        description=(
            "One row per outcome and estimator: effect of training (ln scale), interval, randomisation p, power, or why refused."
        ),
        key=("outcome", "estimator"),
    ),
    "estimates.training_placebo": Table(
        build=_in_order(training.training_placebo, *PLACEBO),
        needs=PLACEBO,
        description="One row per outcome that training cannot move: its pretended effect (ln scale), or why it cannot be judged.",
        key=("outcome",),
    ),
    "estimates.training_event": Table.of(
        training.training_event,
        *TRAINING,
        description="One row per outcome and month since training: effect with pointwise and simultaneous intervals.",
        key=("outcome", "event_month"),
    ),
    "estimates.training_cohort": Table.of(
        training.training_cohort,
        *TRAINING,
        description="One row per outcome and wave of training: effect with interval.",
        key=("outcome", "wave"),
    ),
    "estimates.training_agency": Table.of(
        training.training_agency,
        *TRAINING,
        description="One row per outcome and trained agency: before, after, and after minus what was to be expected.",
        key=("outcome", "agency_id"),
    ),
    "estimates.training_sensitivity": Table.of(
        training.training_sensitivity,
        *TRAINING,
        description="One row per outcome and group left out: the effect without it.",
        key=("outcome", "left_out_kind", "left_out"),
    ),
}
