"""The only code that imports dagster: what the night does, as assets, checks, a job, a schedule and a sensor."""

import dagster as dg

from pipeline.defs.exports import inbox_assets
from pipeline.defs.night import Night
from pipeline.defs.outputs import output_assets
from pipeline.defs.schedules import inbox_sensor, overnight_job, overnight_schedule
from pipeline.defs.warehouse import warehouse_assets

__all__ = ["Night", "all_assets", "inbox_sensor", "overnight_job", "overnight_schedule"]


def all_assets() -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """Files, tables, notebooks and pages, each found by itself in its own folder."""
    return [*inbox_assets(), *warehouse_assets(), *output_assets()]
