"""One asset per table, one asset check per rule, made by one act: build aside, check, seal, publish.

A table is reported as made only when the version that holds it was published; a broken rule publishes none of them.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipeline import platforms, registry
from pipeline.columns import columns
from pipeline.defs.night import Night
from pipeline.engine import build, models, versions
from pipeline.engine.aside import Held
from pipeline.intake import ledger
from pipeline.letters import nightly, withdrawn
from pipeline.settings import Workspace

LEDGER = "marts.export_files"
FRESH = dg.FreshnessPolicy.time_window(fail_window=nightly.OVERDUE)  # Dagster shows it; the watchdog tells a person
Events = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def key_of(table: str) -> dg.AssetKey:
    """Table `core.posts` is asset core/posts."""
    return dg.AssetKey(table.split("."))


def warehouse_assets() -> list[dg.AssetSpec | dg.AssetsDefinition]:
    tables, checks = models.models(), models.checks()
    owner = {check.name: _table_of(check, tables) for check in checks}
    references = [
        dg.AssetSpec(["reference", path.stem], group_name="sources", description=f"`warehouse/{path.name}`, kept with the code.")
        for path in (*models.reference_files(), platforms.FILE)
    ]

    @dg.multi_asset(
        name="warehouse",
        specs=[_spec(table) for table in tables],
        check_specs=[
            dg.AssetCheckSpec(c.name, asset=key_of(owner[c.name]), blocking=c.blocking, description=f"Fails when: {c.message_en}")
            for c in checks
        ],
    )
    def warehouse(context: dg.AssetExecutionContext, night: Night) -> Events:
        with night.telling():
            held = standing(night.workspace)
        if held:
            context.log.info("held at %s", held["version"])
            yield from _as_published(night.workspace, tables, checks, owner)
            return
        with night.telling():  # rows and seconds go to the metadata of a table: every line of a log is an event in a database
            try:
                version = build.build(night.workspace, registry=registry.load(night.workspace.registry), reusing=True)
            except build.NotPublished as error:
                yield from _check_results(error.checks, [], owner)
                raise
        said = "published" if version.is_new else "nothing new; still published:"
        context.log.info("%s %s in %.1f s", said, version.version, version.seconds)
        described = {table.name: table for table in tables}
        for result in version.tables:
            about = {"held": len(version.held)} if result.name == LEDGER else {}
            yield _materialized(result, described[result.name], version.version, about)
        yield from _check_results(version.checks, version.held, owner)

    return [*references, warehouse]


def standing(workspace: Workspace) -> dict[str, Any] | None:
    """The hold of a rollback, unless files came that the house did not know then: these lift it. One that died is finished."""
    held = versions.held(workspace)
    if held and held["contents"] is not None and ledger.contents(workspace) > held["contents"]:
        versions.lift(workspace)
        return None
    if held:
        withdrawn.finish(workspace)
    return held


def _as_published(workspace: Workspace, tables: list[models.Model], checks: list[models.Check], owner: dict[str, str]) -> Events:
    """Nothing is built while a version is held: tables and checks are reported as that version has them."""
    with versions.open_version(workspace) as version:
        passed = dict(version.sql("SELECT name, passed FROM meta.checks").rows())
        name = version.name
    for table in tables:
        yield dg.MaterializeResult(asset_key=key_of(table.name), metadata={"version": name, "held": 0, "is_held_version": True})
    for check in checks:
        said = None if check.name in passed else "tidak dijalankan: versi ditahan / not run: the version is held"
        yield dg.AssetCheckResult(
            asset_key=key_of(owner[check.name]),
            check_name=check.name,
            passed=bool(passed.get(check.name, True)),
            severity=dg.AssetCheckSeverity.WARN,
            description=said,
        )


def _spec(table: models.Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        key_of(table.name),
        deps=[key_of(name) for name in (*table.depends_on, *table.sources)],
        group_name=table.schema,
        kinds={"duckdb", "sql" if table.kind == "sql" else "python"},
        description=f"{table.description}\n\nKey: {', '.join(table.key)}",
        freshness_policy=FRESH if table.name == LEDGER else None,
        metadata={"dagster/table_name": table.name},
    )


def _table_of(check: models.Check, tables: list[models.Model]) -> str:
    """The table a rule is about: of those it reads, the one built last."""
    read = models.tables_of(check.sql) if check.sql else ()
    return next((table.name for table in reversed(tables) if table.name in read), tables[-1].name)


def _materialized(
    result: build.TableResult, table: models.Model, version: str, about: dict[str, Any]
) -> dg.MaterializeResult[None]:
    vocabulary = columns()
    schema = dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, description=vocabulary[name].meaning_en if name in vocabulary else None)
            for name, kind in result.columns.items()
        ]
    )
    metadata: dict[str, Any] = {
        "dagster/row_count": result.rows,
        "dagster/column_schema": schema,
        "seconds": round(result.seconds, 3),
        "version": version,
        **about,
    }
    if table.sql:
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(key_of(source), name) for source, name in origins]
                for column, origins in models.lineage_of(table).items()
                if origins
            }
        )
    return dg.MaterializeResult(asset_key=key_of(result.name), metadata=metadata)


def _check_results(results: list[build.CheckResult], held: list[Held], owner: dict[str, str]) -> Iterator[dg.AssetCheckResult]:
    """A check that set exports aside has failed and stops nothing: its exports are named."""
    for found in results:
        files = sorted({one.file_name for one in held if one.check == found.name})
        passed = found.passed and not files
        yield dg.AssetCheckResult(
            asset_key=key_of(owner[found.name]),
            check_name=found.name,
            passed=passed,
            severity=dg.AssetCheckSeverity.ERROR if found.blocking and not files else dg.AssetCheckSeverity.WARN,
            description=None if passed else f"{found.message_id} / {found.message_en}",
            metadata={"failed_rows": found.failed_rows, **({"held": files} if files else {})},
        )
