"""What people open: notebooks and pages, made from the published version; each replaces its old set whole or leaves it."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import dagster as dg

from pipeline import models, pages, registry, warehouse
from pipeline.defs.night import Night
from pipeline.defs.warehouse import key_of

SHOWN = ("marts", "estimates")


def output_assets() -> list[dg.AssetsDefinition]:
    """One asset per kind of page. They are written as one set: no page ever speaks of another version than its neighbour."""
    made_from = [key_of(table.name) for table in models.models() if table.schema in SHOWN]
    kinds = {_name(module): module for module in (*pages.PAGES, pages.perangkat)}

    @dg.multi_asset(
        name="pages",
        group_name="pages",
        specs=[
            dg.AssetSpec(["pages", name], deps=made_from, kinds={"html"}, description=_purpose(module))
            for name, module in kinds.items()
        ],
    )
    def site(context: dg.AssetExecutionContext, night: Night) -> Iterator[dg.MaterializeResult]:
        known = registry.load(night.workspace.registry)
        with warehouse.open_version(night.workspace) as version:
            result = pages.build(version, night.workspace.site, registry=known)
        for note in result.notes:
            context.log.warning("%s", note)
        made: dict[str, Any] = {"version": result.version, "pages": result.pages, "bytes": result.size_bytes}
        made["sha256"] = result.sha256
        for name in kinds:
            yield dg.MaterializeResult(asset_key=["pages", name], metadata=made)

    return [site]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _purpose(module: ModuleType) -> str:
    return (module.__doc__ or _name(module)).strip().splitlines()[0]
