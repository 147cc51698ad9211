"""The job in this process, for the command: what came in, and what stopped each step."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import dagster as dg

from pipeline import night
from pipeline.defs.instance import open_instance
from pipeline.defs.night import failed_steps, stopped_of, sweep
from pipeline.settings import Workspace

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Watch:
    """A run, for whoever waits at a terminal: which of its steps are done, and when it is over, how long each took."""

    run_id: str = field(default_factory=lambda: str(uuid4()))
    instance: dg.DagsterInstance | None = None  # while the run works
    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def done(self) -> list[str]:
        if self.instance is None:
            return []
        kept = self.instance.all_logs(self.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
        return [str(entry.dagster_event.step_key) for entry in kept if entry.dagster_event]


def execute(defs: dg.Definitions, workspace: Workspace, watch: Watch | None = None) -> tuple[dict[str, int], list[night.Stopped]]:
    """Run `overnight` of these definitions. Gives exports by outcome, and what stopped: notebooks first, then steps in order."""
    watch = watch or Watch()
    with open_instance(workspace) as instance:
        sweep(instance)
        watch.instance = instance
        result = defs.resolve_job_def("overnight").execute_in_process(
            instance=instance,
            run_id=watch.run_id,
            raise_on_error=False,
            run_config={**QUIET, "resources": {"night": {"config": {"folder": str(workspace.root)}}}},
        )
        watch.instance = None
        took = instance.get_run_step_stats(watch.run_id)
        watch.seconds = {s.step_key: round(s.end_time - s.start_time, 1) for s in took if s.end_time and s.start_time}
    failures = [*_failed_checks(result), *failed_steps(result.get_step_failure_events(), workspace)]
    if not result.success and not failures:
        failures = [night.Stopped("overnight", *night.told(workspace, _failure(result)))]
    return _counts(result), failures


def _failed_checks(result: dg.ExecuteInProcessResult) -> Iterator[night.Stopped]:
    """Checks that tell an exit status of their own: those of notebooks, which stop themselves and not their step."""
    for found in result.get_asset_check_evaluations():
        if not found.passed and "exit_status" in found.metadata:
            yield stopped_of(found.asset_key.path[0], found.metadata)


def _failure(result: dg.ExecuteInProcessResult) -> BaseException:
    """Why a run failed before any step did (a resource that could not start): its message, as an error of ours."""
    messages = [event.message for event in result.all_events if event.is_failure]
    return RuntimeError("; ".join(filter(None, messages)) or "the run failed")


def _counts(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    """Exports by outcome as the night's reading found them, and those that a check set aside afterwards."""
    found: dict[str, Any] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        found["/".join(materialization.asset_key.path)] = materialization.metadata
    counts = dict(found["raw/exports"]["exports"].value) if "raw/exports" in found else {}
    if held := found.get("marts/export_files", {}).get("held"):
        counts["held"] = counts.get("held", 0) + held.value
    return counts
