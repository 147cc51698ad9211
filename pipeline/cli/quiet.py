"""A night without news: nothing came, nothing that figures or pages are made from changed, and all that was made lies there.

It does what is due on any day (files that wait are tried again, the archive is compared in turn, files about persons retired),
reports itself like every night, and ends without Dagster: its start alone costs as much. Whatever is not proven the same is news.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline import night as nights
from pipeline import registry, stamps
from pipeline.engine import reuse, shown, versions
from pipeline.engine.connections import open_raw
from pipeline.engine.raw import TABLES
from pipeline.intake import ledger
from pipeline.letters import nightly
from pipeline.settings import Workspace, settings

STAMP = "night"
NOT_READ = frozenset({"sightings"})  # which file was seen when: no table reads it, and news of it are told by `has_news`


def night(workspace: Workspace) -> dict[str, int] | None:
    """Exports by outcome where this night brought no news; None where the whole job must run."""
    before = stamps.read(workspace, STAMP)
    if not before or before.get("lies_there") != _lies_there(workspace):
        return None
    known = registry.load(workspace.registry)
    try:
        versions.verify(workspace, versions.current(workspace) or "")
        if ledger.has_news(workspace, known):
            return None
    except (versions.Damaged, OSError):
        return None  # the job meets it again and tells it
    nightly.began(workspace, datetime.now(UTC))
    report = ledger.ingest(workspace, known)
    if before.get("raw") != _raw(workspace):
        return None
    nightly.finished(workspace, settings(), nights.DONE, [], datetime.now(UTC))
    return {str(outcome): int(n) for outcome, n in report.counts.items()}


def remember(workspace: Workspace, is_whole: bool) -> None:
    """After the whole job: what the next night is compared with; nothing where a step stopped or a version is held."""
    stamps.write(workspace, STAMP, None)
    if is_whole and versions.current(workspace) and not versions.held(workspace):
        stamps.write(workspace, STAMP, {"lies_there": _lies_there(workspace), "raw": _raw(workspace)})


def _lies_there(workspace: Workspace) -> dict[str, Any]:
    """Program, registers, versions and what people open."""
    try:
        made_from = shown.made_from(workspace, shown.kept(workspace.notebooks))
    except versions.Damaged:
        return {}
    held = versions.held(workspace)
    return made_from | {"pages": shown.standing(workspace.site), "held": str(held), "schema": workspace.schema}


def _raw(workspace: Workspace) -> str:
    with open_raw(workspace, read_only=True) as con:
        return stamps.digest(reuse.content(con, f"raw.{table}") for table in TABLES if table not in NOT_READ)
