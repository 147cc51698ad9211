"""Files in the inbox become raw rows. One step: a file's rows and its ledger entry are one transaction."""

from collections.abc import Iterator

import dagster as dg

from pipeline import registry
from pipeline.defs.night import Night
from pipeline.engine.raw import TABLES
from pipeline.intake import ledger

INBOX = dg.AssetKey("inbox")
RAW_TABLES = tuple(TABLES)
REGISTERS = (*registry.SCHEMAS, "themes", "settings")


def inbox_assets() -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """The inbox and the registers are made by people, not by us: they are known here only as where tables come from."""
    inbox = dg.AssetSpec(INBOX, group_name="sources", description="Export files as agencies left them. Only ever read.")
    registers = [
        dg.AssetSpec(["registry", name], group_name="sources", description=f"The register `{name}`, kept by people.")
        for name in REGISTERS
    ]
    return [inbox, *registers, raw]


@dg.multi_asset(
    name="raw",
    group_name="raw",
    specs=[
        dg.AssetSpec(
            ["raw", name], deps=[INBOX, ["registry", "accounts"]], kinds={"duckdb"}, description=f"Private table `raw.{name}`."
        )
        for name in RAW_TABLES
    ],
)
def raw(context: dg.AssetExecutionContext, night: Night) -> Iterator[dg.MaterializeResult[None]]:
    with night.telling():
        report = ledger.ingest(night.workspace, registry.load(night.workspace.registry))
    counts = {str(outcome): int(n) for outcome, n in report.counts.items()}
    context.log.info("exports: %s", counts or "nothing new")
    for name in RAW_TABLES:
        yield dg.MaterializeResult(asset_key=["raw", name], metadata={"exports": counts} if name == "exports" else {})
