"""What people open: notebooks and pages, made from the published version; each replaces its old set whole or leaves it."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import dagster as dg

from pipeline import pages, registry, stamps
from pipeline.defs.night import Night
from pipeline.defs.warehouse import key_of
from pipeline.engine import models, shown, versions
from pipeline.letters import past
from pipeline.notebook import execution
from pipeline.settings import Workspace

SHOWN = ("marts", "estimates")
RAN = "ran"


def output_assets() -> list[dg.AssetsDefinition]:
    """Notebooks run first, so that the pages can carry what they showed. Pages are written as one set: no page ever speaks of
    another version than its neighbour, except a notebook that failed, which says so."""
    made_from = [key_of(table.name) for table in models.models() if table.schema in SHOWN]
    return [_notebooks(made_from), _pages(made_from)]


def _notebooks(made_from: list[dg.AssetKey]) -> dg.AssetsDefinition:
    names = execution.names()

    @dg.multi_asset(
        name="notebooks",
        group_name="notebooks",
        specs=[
            dg.AssetSpec(notebook_key(name), deps=made_from, kinds={"jupyter"}, description=execution.title(name))
            for name in names
        ],
        check_specs=[dg.AssetCheckSpec(RAN, asset=notebook_key(name), description="It ran to its end.") for name in names],
    )
    def notebooks(context: dg.AssetExecutionContext, night: Night) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """A notebook that fails does not stop the night: its check fails, its last good page stays, the others go on."""
        with night.telling():
            records = execution.overnight(night.workspace)
        for record in records:
            told: dict[str, Any] = {"version": record.version or "-", "seconds": record.seconds, "charts": len(record.figures)}
            yield dg.MaterializeResult(asset_key=notebook_key(record.name), metadata=told)
            yield _ran(record)

    return notebooks


def _ran(record: execution.Record) -> dg.AssetCheckResult:
    """The check of one notebook; where it failed its metadata tell it as `Night.telling` does of a step."""
    key = notebook_key(record.name)
    if record.failure is None:
        return dg.AssetCheckResult(asset_key=key, check_name=RAN, passed=True)
    failed = execution.Failed(record.name, record.failure["reason"])
    said: dict[str, Any] = {"exit_status": failed.exit_status, "id": failed.id, "en": failed.en}
    return dg.AssetCheckResult(asset_key=key, check_name=RAN, passed=False, description=record.failure["reason"], metadata=said)


def _pages(made_from: list[dg.AssetKey]) -> dg.AssetsDefinition:
    kinds = {_name(module): module for module in (*pages.PAGES, pages.perangkat)}
    needs = [*made_from, *(notebook_key(name) for name in execution.names())]

    @dg.multi_asset(
        name="pages",
        group_name="pages",
        specs=[
            dg.AssetSpec(["pages", name], deps=needs, kinds={"html"}, description=_purpose(module))
            for name, module in kinds.items()
        ],
    )
    def site(context: dg.AssetExecutionContext, night: Night) -> Iterator[dg.MaterializeResult[None]]:
        with night.telling():
            made = _shown(night.workspace) or _show(night.workspace, context.log.warning)
        for name in kinds:
            yield dg.MaterializeResult(asset_key=["pages", name], metadata=made)

    return site


STAMP = "pages"  # what the pages were made from, and what was said of them


def _shown(workspace: Workspace) -> dict[str, Any]:
    """What is told of the pages that lie there, where writing them again would give the same bytes; else nothing."""
    before = stamps.read(workspace, STAMP)
    if before.get("made_from") != shown.made_from(workspace, shown.kept(workspace.notebooks)):
        return {}
    told: dict[str, Any] = before["told"]
    return told if shown.standing(workspace.site) == told["sha256"] else {}


def _show(workspace: Workspace, note: Callable[[str], None]) -> dict[str, Any]:
    stamps.write(workspace, STAMP, None)
    made_from = shown.made_from(workspace, shown.kept(workspace.notebooks))
    known = registry.load(workspace.registry)
    with versions.open_version(workspace) as version:
        published = past.reports(workspace)
        result = pages.build(version, workspace.site, registry=known, notebooks=workspace.notebooks, past=published)
    pages.retain(workspace.site, {one["version"] for one in versions.versions(workspace)})
    for said in result.notes:
        note(said)
    told = {"version": result.version, "pages": result.pages, "bytes": result.size_bytes, "sha256": result.sha256}
    stamps.write(workspace, STAMP, {"made_from": made_from, "told": told})
    return told


def notebook_key(name: str) -> dg.AssetKey:
    """`notebooks/00_mulai.ipynb` is asset notebooks/00_mulai."""
    return dg.AssetKey(["notebooks", name])


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _purpose(module: ModuleType) -> str:
    return (module.__doc__ or _name(module)).strip().splitlines()[0]
