"""What worked: each post against its account's own normal, and the programmes that its posts were about."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline import thresholds
from pipeline.estimates.themes import second_scheme
from pipeline.statistics import lifts
from pipeline.tables import Table
from pipeline.thresholds import Thresholds

POSTS, THEMES, PROGRAMMES, ACCOUNT_MONTH = "marts.post_facts", "core.post_themes", "core.post_programmes", "marts.account_month"


def _lens(registry: object) -> dict[str, Any]:
    return {"lens": second_scheme(registry)}


def _lens_and_thresholds(registry: object) -> dict[str, Any]:
    return {**_lens(registry), "t": thresholds.of(registry)}


def _window(
    posts: pl.DataFrame,
    themes: pl.DataFrame,
    programmes: pl.DataFrame,
    account_month: pl.DataFrame,
    lens: str | None,
    t: Thresholds,
) -> pl.DataFrame:
    return lifts.theme_window(posts, lifts.through_lens(themes, programmes, lens), account_month, t)


def _month(posts: pl.DataFrame, themes: pl.DataFrame, programmes: pl.DataFrame, lens: str | None) -> pl.DataFrame:
    return lifts.theme_month(posts, lifts.through_lens(themes, programmes, lens))


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
    "estimates.theme_window": Table.of(
        _window,
        POSTS,
        THEMES,
        PROGRAMMES,
        ACCOUNT_MONTH,
        given=_lens_and_thresholds,
        description=(
            "One row per scheme and programme over the last three complete months: lift against the average post, shares."
        ),
        key=("scheme_id", "programme"),
    ),
    "estimates.theme_month": Table.of(
        _month,
        POSTS,
        THEMES,
        PROGRAMMES,
        given=_lens,
        description="One row per scheme, programme and month: shares and mean lift.",
        key=("scheme_id", "programme", "month"),
    ),
}
