"""How often the theme rules are right: tried on hand-labelled captions that ship with the program, with how small that sample
is."""

from __future__ import annotations

import json
import math
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.estimates.themes import post_programmes
from pipeline.statistics.intervals import wilson
from pipeline.tables import Table

CASES = Path(__file__).with_name("theme_cases.json")
SCHEME = "pancakarsa"
LABELLED_ON = date(2022, 5, 4)  # a day on which the labelled scheme was in force
SCHEMA = {
    "scheme_id": pl.Utf8,
    "n_captions": pl.Int64,
    "given": pl.Int64,
    "present": pl.Int64,
    "right": pl.Int64,
    "precision_lower": pl.Float64,
    "precision_upper": pl.Float64,
    "recall_lower": pl.Float64,
    "recall_upper": pl.Float64,
}


@cache
def labelled() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(CASES.read_text(encoding="utf-8")))


def theme_check(frames: dict[str, pl.DataFrame], registry: Any) -> pl.DataFrame:
    """One row for the scheme that was labelled; none where the register has no such scheme."""
    rules = getattr(registry, "themes", None) or {}
    if not any(scheme["id"] == SCHEME for scheme in rules.get("schemes", [])):
        return pl.DataFrame(schema=SCHEMA)
    captions = pl.DataFrame(
        [(i, case["caption"], None, LABELLED_ON) for i, case in enumerate(labelled())],
        schema={"post_key": pl.Int64, "caption": pl.Utf8, "agency_id": pl.Utf8, "published_on": pl.Date},
        orient="row",
    )
    given = set(post_programmes(captions, rules, SCHEME).select("post_key", "programme").iter_rows())
    true = {(i, programme) for i, case in enumerate(labelled()) for programme in case["programmes"]}
    right = len(given & true)
    ends = (*wilson(right, len(given)), *wilson(right, len(true)))
    bounds = (None if math.isnan(end) else end for end in ends)
    return pl.DataFrame([(SCHEME, len(labelled()), len(given), len(true), right, *bounds)], schema=SCHEMA, orient="row")


TABLES = {
    "estimates.theme_check": Table(
        build=theme_check,
        needs=(),
        description="One row per labelled scheme: how many themes the rules gave, how many of them right, how many they missed.",
        key=("scheme_id",),
    )
}
