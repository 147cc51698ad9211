"""Every estimate on a whole small regency and on nothing at all."""

import polars as pl
import pytest

from benchmarks.regency import simulate
from benchmarks.truth import TABLES, frames, run_tables
from pipeline.statistics import training


@pytest.fixture(scope="module")
def built():
    patch = pytest.MonkeyPatch()
    patch.setattr(training, "DRAWS", 19)
    known = frames(simulate(6, agencies=40, months=16))
    run_tables(known)
    patch.undo()
    return known


def nothing(known):
    return {name: frame.clear() for name, frame in known.items() if not name.startswith("estimates.")}


def test_keys_are_unique_and_every_row_has_one(built):
    for name, table in TABLES.items():
        frame = built[name]
        assert not frame.select(table.key).is_duplicated().any(), name
        assert frame.select(pl.any_horizontal(pl.col(*table.key).is_null()).any()).item() is not True, name


def test_an_empty_workspace_gives_the_same_columns_and_types(built):
    empty = nothing(built)
    run_tables(empty)
    for name in TABLES:
        assert empty[name].schema == built[name].schema, name


def test_no_estimate_is_nan_or_infinite(built):
    for name in TABLES:
        numbers = built[name].select(pl.col(pl.Float64))
        for column in numbers.columns:
            assert numbers[column].drop_nulls().is_finite().all(), f"{name}.{column}"


def test_intervals_hold_their_estimate(built):
    for name in ("agency_window", "agency_platform_window", "agency_month_index"):
        known = built[f"estimates.{name}"].filter(pl.col("vs_expected").is_not_null())
        assert len(known) and known.select(pl.col("vs_expected").is_between("lower", "upper").all()).item(), name


def test_the_same_frames_give_the_same_tables(built):
    again = {name: frame for name, frame in built.items() if not name.startswith("estimates.")}
    again["marts.post_facts"] = again["marts.post_facts"].sample(fraction=1.0, shuffle=True, seed=1)
    for name in (
        "account_month_expected",
        "account_reasons",
        "staff_likes",
        "change_without_likes",
        "agency_window",
        "agency_month_index",
        "post_lift",
    ):
        table = TABLES[f"estimates.{name}"]
        again[f"estimates.{name}"] = table.build({n: again[n] for n in table.needs}, None)
        left, right = again[f"estimates.{name}"], built[f"estimates.{name}"]
        assert left.columns == right.columns and len(left) == len(right)
        for column in left.columns:
            if left[column].dtype == pl.Float64:
                assert (left[column] - right[column]).abs().max() is None or (left[column] - right[column]).abs().max() < 1e-6, (
                    f"{name}.{column}"
                )
