"""The published versions of many regencies become one version of a province.

Only what is already a sum or a mean of an account is taken: no post, no caption, no link. Every version is compared with its
seal, and its tables must be made as those of the others are; what does not fit is refused by name, and then nothing is written.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.engine import versions
from pipeline.engine.connections import STORAGE_VERSION, attach, connect, lock
from pipeline.files import program_version, write_atomically
from pipeline.province import places
from pipeline.settings import Workspace, settings
from pipeline.thresholds import DEFAULT, Thresholds

TAKEN = (
    "core.agencies",
    "marts.account_month",
    "marts.account_window",
    "marts.coverage_month",
    "estimates.account_month_expected",
    "estimates.agency_window",
)
NEVER = {"post_key", "post_id", "caption", "permalink", "text_key", "handle", "platform_account_id"}
KEYS = {
    "core.regencies": ("regency_id",),
    "core.agencies": ("regency_id", "agency_id"),
    "marts.account_month": ("regency_id", "account_id", "agency_id", "month"),
    "marts.account_window": ("regency_id", "account_id", "agency_id"),
    "marts.coverage_month": ("regency_id", "account_id", "agency_id", "month"),
    "estimates.account_month_expected": ("regency_id", "account_id", "agency_id", "month"),
    "estimates.agency_window": ("regency_id", "agency_id"),
    "estimates.account_places": ("regency_id", "agency_id", "account_id", "basis"),
    "estimates.peer_platform": places.CELL,
    "estimates.regency_platform": ("regency_id", "platform"),
}


class NotUnited(RuntimeError):
    """A regency's version does not fit the others; nothing was written."""

    exit_status = 2

    def __init__(self, indonesian: str, english: str):
        self.id, self.en = f"{indonesian} Tidak ada yang ditulis.", f"{english} Nothing was written."
        super().__init__(f"{self.id} / {self.en}")


@dataclass(frozen=True)
class Regency:
    """One regency's published version: its id here, its name, and what the version says of itself and of its tables."""

    regency_id: str
    name: str
    workspace: Workspace
    info: dict[str, Any]
    fingerprints: dict[str, str]
    period: tuple[Any, ...]


def look(workspace: Workspace) -> Regency:
    """Open a regency's version, its seal compared. Raises Damaged, NotUnited."""
    try:
        with versions.open_version(workspace) as version:
            info = version.info
            made = dict(version.sql("SELECT name, fingerprint FROM meta.tables").iter_rows())
            period = version.sql("SELECT period_start, period_end FROM marts.period").rows()
    except versions.Damaged as error:
        raise NotUnited(f"{workspace.root.name}: {error.id}", f"{workspace.root.name}: {error.en}") from error
    name = str(info["workspace_name"] or workspace.root.name)
    lacking = [table for table in TAKEN if table not in made]
    if lacking:
        raise NotUnited(
            f"{name}: versi {info['version']} tidak memuat {', '.join(lacking)}; perbarui program di sana lalu `terukur run`.",
            f"{name}: version {info['version']} lacks {', '.join(lacking)}; update the program there, then `terukur run`.",
        )
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "daerah"
    fingerprints = {table: made[table] for table in TAKEN}
    return Regency(slug, name, workspace, info, fingerprints, period[0] if period else (None, None))


def fit(found: Sequence[Regency]) -> None:
    """Raises NotUnited for two of one name, tables made otherwise, another judged period, and simulated beside real data."""
    first, seen = found[0], set()
    for one in found:
        if one.regency_id in seen:
            raise NotUnited(f"Dua ruang kerja bernama {one.name}.", f"Two workspaces are named {one.name}.")
        seen.add(one.regency_id)
        if other := [t for t in TAKEN if one.fingerprints[t] != first.fingerprints[t]]:
            raise NotUnited(
                f"{one.name}: {', '.join(other)} dibuat oleh program lain dari {first.name}; pasang versi yang sama di keduanya.",
                f"{one.name}: {', '.join(other)} were made by another program than those of {first.name}; install the same one.",
            )
        if one.period != first.period:
            raise NotUnited(
                f"{one.name}: bulan yang dinilai {_span(one)} berbeda dari {first.name} ({_span(first)}).",
                f"{one.name}: its judged months {_span(one)} are not those of {first.name} ({_span(first)}).",
            )
        if one.info["simulated"] != first.info["simulated"]:
            raise NotUnited(
                f"{one.name} dan {first.name}: data simulasi dan data sungguhan tidak digabung.",
                f"{one.name} and {first.name}: simulated and real data are not united.",
            )


def _span(one: Regency) -> str:
    return " – ".join("?" if day is None else f"{day:%Y-%m-%d}" for day in one.period)


def unite(
    workspaces: Sequence[Workspace], target: Workspace, name: str, *, t: Thresholds | None = None, now: datetime | None = None
) -> versions.Version:
    """Write, seal and publish the province's version in `target`; gives it opened. Raises NotUnited, having written nothing."""
    found = sorted(map(look, workspaces), key=lambda one: one.regency_id)
    fit(found)
    moment = (now or datetime.now(UTC)).replace(tzinfo=None)
    target.mend()
    called = versions.next_name(target)
    folder = target.warehouse / f"build-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    try:
        rows = _write(found, folder / f"{called}.duckdb", called, name, t or DEFAULT, moment)
        simulated = bool(found[0].info["simulated"])
        versions.seal(target, folder / f"{called}.duckdb", called, moment, rows, simulated=simulated)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write_atomically(target.current_file, f"{called}\n")
    versions.retain(target, settings().keep_versions)
    return versions.open_version(target)


def _write(found: Sequence[Regency], place: Path, called: str, name: str, t: Thresholds, moment: datetime) -> dict[str, Any]:
    with connect(place.parent) as con:
        for number, one in enumerate(found):
            version = one.workspace.versions / f"{one.info['version']}.duckdb"
            attach(con, version, f"r{number}", "READ_ONLY")
        attach(con, place, "version", f"STORAGE_VERSION '{STORAGE_VERSION}'")
        lock(con, place.parent)
        con.execute("USE version")
        for schema in ("core", "marts", "estimates", "meta"):
            con.execute(f"CREATE SCHEMA {schema}")
        for table in TAKEN:
            _take(con, table, found)
        _store(con, "core.regencies", pl.DataFrame([_regency(one) for one in found]))
        first, last = found[0].period
        for table, frame in compared(con, first, last, t).items():
            _store(con, table, frame)
        counts = {table: con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in KEYS}  # noqa: S608 - ours
        _check_keys(con)
        _store(con, "meta.version", pl.DataFrame([_said(found, called, name, moment)]))
        listed = [{"name": table, "rows": rows, "key": ", ".join(KEYS[table])} for table, rows in counts.items()]
        _store(con, "meta.tables", pl.DataFrame(listed))
        con.execute("USE memory")
        con.execute("CHECKPOINT version")
        con.execute("DETACH version")
    return {table: {"rows": rows} for table, rows in counts.items()}


def compared(con: duckdb.DuckDBPyConnection, first: Any, last: Any, t: Thresholds) -> dict[str, pl.DataFrame]:
    """The comparisons across regencies, of the tables that were united."""
    frames = {name: con.sql(f"SELECT * FROM {name}").pl() for name in TAKEN}  # noqa: S608 - ours
    rates = places.account_rates(
        frames["marts.account_month"], frames["estimates.account_month_expected"], frames["core.agencies"], first, last
    )
    return {
        "estimates.account_places": places.account_places(rates, t),
        "estimates.peer_platform": places.peer_platform(rates, t),
        "estimates.regency_platform": places.regency_platform(frames["marts.account_window"], rates, t),
    }


def _take(con: duckdb.DuckDBPyConnection, table: str, found: Sequence[Regency]) -> None:
    """One table of all regencies, each row with the regency that it is of."""
    columns = [row[0] for row in con.execute(f"DESCRIBE r0.{table}").fetchall()]
    if NEVER & set(columns):
        raise AssertionError(f"{table} would carry {NEVER & set(columns)}")
    chosen = ", ".join(f'"{c}"' for c in columns)
    parts = [f"SELECT ${n} AS regency_id, {chosen} FROM r{n - 1}.{table}" for n in range(1, len(found) + 1)]  # noqa: S608
    con.execute(f"CREATE TABLE {table} AS " + " UNION ALL ".join(parts), [one.regency_id for one in found])


def _check_keys(con: duckdb.DuckDBPyConnection) -> None:
    for table, key in KEYS.items():
        keys = ", ".join(key)
        twice = con.execute(f"SELECT 1 FROM {table} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1").fetchall()  # noqa: S608
        if twice:
            raise NotUnited(f"{table} memuat dua baris untuk satu {keys}.", f"{table} holds two rows for one {keys}.")


def _regency(one: Regency) -> dict[str, Any]:
    sealed = versions.manifest(one.workspace, one.info["version"])
    told = {name: one.info[name] for name in ("version", "built_at", "data_cutoff", "period_start", "period_end", "simulated")}
    return {"regency_id": one.regency_id, "name": one.name, **told, "sha256": sealed["sha256"]}


def _said(found: Sequence[Regency], called: str, name: str, moment: datetime) -> dict[str, Any]:
    """What the version says of itself. Data reach as far as those of the regency that sent least."""

    def of(field: str) -> list[Any]:
        return [one.info[field] for one in found if one.info[field] is not None]

    return {
        "version": called,
        "built_at": moment,
        "data_cutoff": min(of("data_cutoff"), default=None),
        "period_start": min(of("period_start"), default=None),
        "period_end": max(of("period_end"), default=None),
        "simulated": any(of("simulated")),
        "workspace_name": name,
        "pipeline_version": program_version(),
        "export_count": sum(of("export_count")),
        "refused_count": sum(of("refused_count")),
        "judged_start": found[0].period[0],
        "judged_end": found[0].period[1],
    }


def _store(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    con.register("arriving", frame.to_arrow())
    try:
        con.execute(f"CREATE TABLE {table} AS SELECT * FROM arriving")  # noqa: S608 - our own names
    finally:
        con.unregister("arriving")
