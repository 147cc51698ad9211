"""The resource that every step shares: the workspace, held alone for the whole run."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline import night
from pipeline.letters import nightly
from pipeline.settings import Workspace, settings, workspace

HISTORY_NIGHTS = 14  # of runs that Dagster remembers: a night of a hundred agencies writes about 20 MB
WORKING = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]


class Night(dg.ConfigurableResource[Any]):
    """The workspace of a run. While it is held nobody else works there; it is let go when the process ends, however it ends."""

    folder: str

    @classmethod
    def from_environment(cls) -> "Night":
        return cls(folder=str(workspace().root))

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.folder))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Night"]:
        with night.alone(self.workspace):
            self.workspace.mend()
            nightly.began(self.workspace, datetime.now(UTC))
            try:
                night.require_room(self.workspace)
                if context.instance and context.run:
                    sweep(context.instance, except_run=context.run.run_id)
                    forget(context.instance)
            except Exception as error:
                self._report(context, [night.Stopped("overnight", *night.told(self.workspace, error))])
                raise
            try:
                yield self
            finally:
                self._report(context)

    def _report(self, context: dg.InitResourceContext, before: Sequence[night.Stopped] = ()) -> None:
        """The report of this night, whoever started it: command, schedule or button. A fault in it is told and costs no night.

        `before`: what stopped it before its first step.
        """
        events = []
        try:
            if context.instance and context.run:
                kept = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
                events = [entry.dagster_event for entry in kept if entry.dagster_event]
            stopped = [*before, *failed_steps(events, self.workspace)]
            status = stopped[0].status if stopped else night.DONE
            nightly.finished(self.workspace, settings(), status, stopped, datetime.now(UTC))
        except Exception as error:
            logging.getLogger("dagster").error("the night could not report itself: %s", night.told(self.workspace, error)[2])

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What stops a step leaves it as Dagster's Failure: its metadata are the exit status and the sentences for a person."""
        try:
            yield
        except Exception as error:
            status, indonesian, english = night.told(self.workspace, error)
            said: dict[str, Any] = {"exit_status": status, "id": indonesian, "en": english}
            raise dg.Failure(f"{indonesian} / {english}", metadata=said, allow_retries=False) from error


def failed_steps(events: Iterable[dg.DagsterEvent], workspace: Workspace) -> Iterator[night.Stopped]:
    """What stopped each step, from the events of its failure."""
    for event in events:
        failed, step = event.step_failure_data, str(event.step_key)
        if failed.user_failure_data and "exit_status" in failed.user_failure_data.metadata:
            yield stopped_of(step, failed.user_failure_data.metadata)
        else:  # Dagster itself stopped the step
            yield night.Stopped(step, *night.told(workspace, RuntimeError(failed.error_display_string)))


def stopped_of(step: str, told: Mapping[str, dg.MetadataValue]) -> night.Stopped:
    said: dict[str, Any] = {name: told[name].value for name in ("exit_status", "id", "en")}
    return night.Stopped(step, int(said["exit_status"]), str(said["id"]), str(said["en"]))


def sweep(instance: dg.DagsterInstance, except_run: str | None = None) -> list[str]:
    """Mark runs that claim to work as failed; call it only while holding the workspace, for then nobody does work.

    After a power cut a run stays STARTED for ever and every later night waits behind it; run monitoring does not notice,
    because it asks only launchers that can answer. Returns the ids of the runs that were cleared.
    """
    cleared = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=WORKING)):
        if run.run_id != except_run:
            instance.report_run_failed(run, "The process of this run is gone.")
            cleared.append(run.run_id)
    if cleared:
        logging.getLogger("dagster").info("cleared %d runs whose process is gone", len(cleared))
    return cleared


def forget(instance: dg.DagsterInstance, keep: int = HISTORY_NIGHTS) -> list[str]:
    """Delete the oldest runs with all their events. Returns their ids."""
    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = [run.run_id for run in instance.get_runs(filters=dg.RunsFilter(statuses=over))[keep:]]
    for run_id in old:
        instance.delete_run(run_id)
    return old


def sweep_if_free(instance: dg.DagsterInstance, place: Workspace) -> list[str]:
    """`sweep`, where nobody holds the workspace."""
    try:
        with night.alone(place):
            return sweep(instance)
    except night.Busy:
        return []
