"""The one thing Dagster loads."""

import dagster as dg

from pipeline.defs import Night, all_assets, inbox_sensor, overnight_job, overnight_schedule

defs = dg.Definitions(
    assets=all_assets(),
    jobs=[overnight_job],
    schedules=[overnight_schedule],
    sensors=[inbox_sensor],
    resources={"night": Night.from_environment()},
    executor=dg.in_process_executor,
)
