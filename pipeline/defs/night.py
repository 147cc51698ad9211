"""The resource that every step shares: the workspace, held alone for the whole run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline import night
from pipeline.settings import Workspace, workspace

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
            night.require_room(self.workspace)
            if context.instance and context.run:
                sweep(context.instance, except_run=context.run.run_id)
            yield self

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What stops a step leaves it as Dagster's Failure: its metadata are the exit status and the sentences for a person."""
        try:
            yield
        except Exception as error:
            status, indonesian, english = night.told(self.workspace, error)
            said: dict[str, Any] = {"exit_status": status, "id": indonesian, "en": english}
            raise dg.Failure(f"{indonesian} / {english}", metadata=said, allow_retries=False) from error


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


def sweep_if_free(instance: dg.DagsterInstance, place: Workspace) -> list[str]:
    """`sweep`, where nobody holds the workspace."""
    try:
        with night.alone(place):
            return sweep(instance)
    except night.Busy:
        return []
