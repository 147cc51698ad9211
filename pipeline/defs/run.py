"""The job in this process, for the command: what came in, and what stopped each step."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from pipeline import night
from pipeline.defs.instance import open_instance
from pipeline.defs.night import sweep
from pipeline.defs.schedules import finished
from pipeline.settings import Workspace

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def execute(defs: dg.Definitions, workspace: Workspace) -> tuple[dict[str, int], list[night.Stopped]]:
    """Run `overnight` of these definitions. Gives exports by outcome, and what stopped: notebooks first, then steps in order."""
    finished.clear()
    with open_instance(workspace) as instance:
        sweep(instance)
        result = defs.resolve_job_def("overnight").execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={**QUIET, "resources": {"night": {"config": {"folder": str(workspace.root)}}}},
        )
    failures = [*_failed_checks(result), *_failed_steps(result, workspace)]
    if not result.success and not failures:
        failures = [night.Stopped("overnight", *night.told(workspace, _failure(result)))]
    return _counts(result), failures


def _failed_checks(result: dg.ExecuteInProcessResult) -> Iterator[night.Stopped]:
    """Checks that tell an exit status of their own: those of notebooks, which stop themselves and not their step."""
    for found in result.get_asset_check_evaluations():
        if not found.passed and "exit_status" in found.metadata:
            yield _stopped(found.asset_key.path[0], found.metadata)


def _failed_steps(result: dg.ExecuteInProcessResult, workspace: Workspace) -> Iterator[night.Stopped]:
    for event in result.get_step_failure_events():
        failed, step = event.step_failure_data, str(event.step_key)
        if failed.user_failure_data and "exit_status" in failed.user_failure_data.metadata:
            yield _stopped(step, failed.user_failure_data.metadata)
        else:  # Dagster itself stopped the step
            error = RuntimeError(failed.error_display_string)
            yield night.Stopped(step, *night.told(workspace, error))


def _stopped(step: str, told: Mapping[str, dg.MetadataValue]) -> night.Stopped:
    said: dict[str, Any] = {name: told[name].value for name in ("exit_status", "id", "en")}
    return night.Stopped(step, int(said["exit_status"]), str(said["id"]), str(said["en"]))


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
