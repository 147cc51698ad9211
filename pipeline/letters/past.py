"""Reports that were published before, for the archive: of a closed month from its sealed bundle, else from the newest version
that judged the month. A bundle whose bytes are no longer those that were sealed is not read: the version is, without a seal."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import polars as pl

from pipeline.engine import versions
from pipeline.exports import guards
from pipeline.files import sha256_of
from pipeline.letters import seal
from pipeline.pages.data import Facts, Past, agencies_of
from pipeline.settings import Workspace

MONTHS = 24  # how far back the archive goes
TABLES = (
    "meta.version",
    "meta.tables",
    "core.agencies",
    "core.accounts",
    "core.trainings",
    "core.objections",
    "marts.period",
    "marts.regency_window",
    "marts.platform_window",
    "marts.agency_summary",
    "estimates.group_window",
    "estimates.agency_window",
    "estimates.training_effect",
    "estimates.actions",
)


def reports(workspace: Workspace) -> list[Past]:
    """Oldest first, one per month, at most MONTHS; versions of an older release that lack a table are left out."""
    found: dict[date, Past] = {}
    schemas: dict[str, dict[str, Any]] = {}
    for entry in versions.versions(workspace)[-2 * MONTHS :]:
        with versions.open_version(workspace, entry["version"]) as version:
            if not set(TABLES) <= set(version.tables):
                continue
            frames = {name: version.table(name) for name in TABLES}
        schemas = {name: dict(frame.schema) for name, frame in frames.items()}
        end = frames["marts.period"]["period_end"].to_list()
        if end and end[0]:
            month = end[0].replace(day=1)
            found[month] = Past(month, entry["version"], _facts(frames))
    for month, sealed in _sealed(workspace).items():
        frames = _bundle(workspace, month, sealed["seal"], schemas)
        if frames:
            corrections = tuple(seal.corrections(workspace, month))
            found[month] = Past(month, sealed["version"], _facts(frames), sealed, corrections)
    return [found[month] for month in sorted(found)][-MONTHS:]


def _facts(frames: dict[str, pl.DataFrame]) -> Facts:
    return Facts(frames=frames, agencies=agencies_of(frames), themes={})


def _sealed(workspace: Workspace) -> dict[date, dict[str, Any]]:
    """month → its newest seal."""
    return {date.fromisoformat(f"{entry['month']}-01"): entry for entry in seal.register(workspace)}


def _bundle(workspace: Workspace, month: date, expected: str, schemas: dict[str, dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """The tables of a sealed bundle, typed like those of the newest version; nothing where the bundle is gone or was changed."""
    place = workspace.root / "laporan" / f"{month:%Y-%m}" / "segel" / f"segel-{month:%Y-%m}.zip"
    if not schemas or not place.is_file():
        return {}
    if sha256_of(place) != expected:
        return {}
    with guards.opened(place) as bundle:
        names = set(bundle.namelist())
        return {
            name: _typed(bundle.read(member).decode("utf-8-sig") if (member := f"tabel/{name}.csv") in names else "", schema)
            for name, schema in schemas.items()
        }


def _typed(text: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Cells as the seal wrote them, in the types of the table; a column that the table did not have yet is null."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    cells = pl.DataFrame(
        {name: [_plain(row.get(name)) for row in rows] for name in schema}, schema=dict.fromkeys(schema, pl.Utf8)
    )
    return cells.select(_as(pl.col(name), dtype).alias(name) for name, dtype in schema.items())


def _as(cell: pl.Expr, dtype: Any) -> pl.Expr:
    if dtype == pl.Boolean:
        return cell == "1"
    if dtype == pl.Date:
        return cell.str.to_date("%Y-%m-%d", strict=False)
    if isinstance(dtype, pl.Datetime):
        return cell.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit=dtype.time_unit, strict=False)
    return cell.cast(dtype, strict=False)


def _plain(cell: str | None) -> str | None:
    """A formula-guarded text without its guard."""
    if not cell:
        return None
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@\t\r\n" else cell
