"""What worked: each post against its account's own normal, and the programmes that its posts were about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.estimates.themes import second_scheme
from pipeline.statistics import lifts
from pipeline.tables import Table

POSTS, THEMES, PROGRAMMES, ACCOUNT_MONTH = "marts.post_facts", "core.post_themes", "core.post_programmes", "marts.account_month"
THEMED = (POSTS, THEMES, PROGRAMMES, ACCOUNT_MONTH)


def _themed(method: Callable[..., pl.DataFrame]) -> Callable[[dict[str, pl.DataFrame], Any], pl.DataFrame]:
    """A builder of a theme table: posts, their programmes of the day and through the lens of settings.toml, account months."""

    def build(frames: dict[str, pl.DataFrame], registry: Any) -> pl.DataFrame:
        themes = lifts.through_lens(frames[THEMES], frames[PROGRAMMES], second_scheme(registry))
        return method(frames[POSTS], themes, frames[ACCOUNT_MONTH])

    return build


TABLES = {
    "estimates.post_lift": Table.of(
        lifts.post_lift,
        POSTS,
        description="One row per mature post: its rate against its account's own normal for the format and month (factor).",
        key=("post_key",),
    ),
    "estimates.agency_lift": Table.judged(
        lifts.agency_lift,
        POSTS,
        description="One row per agency, dimension and kind: half a year of its posts against its own others, with base share.",
        key=("agency_id", "dimension", "kind"),
    ),
    "estimates.theme_window": Table(
        build=_themed(lifts.theme_window),
        needs=THEMED,
        description=(
            "One row per scheme and programme over the last three complete months: lift against the average post, shares."
        ),
        key=("scheme_id", "programme"),
    ),
    "estimates.theme_month": Table(
        build=_themed(lambda posts, themes, account_month: lifts.theme_month(posts, themes)),
        needs=THEMED,
        description="One row per scheme, programme and month: shares and mean lift.",
        key=("scheme_id", "programme", "month"),
    ),
}
