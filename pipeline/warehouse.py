"""Tables: built aside, checked, sealed, published, read. The one module that opens a database.

A version is one file nobody ever writes again. `CURRENT` names the newest; readers attach it read-only from a connection in
memory, so a notebook that keeps one open all night blocks nothing. Everything a build makes lies in a folder of its own until
the last rename, so a kill at any moment leaves the last good version published.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from pipeline import history, raw
from pipeline import models as graph
from pipeline.inbox import fsync_folder, is_running
from pipeline.models import Check, Model, models
from pipeline.settings import Workspace, settings

__all__ = [
    "Build",
    "BuildResult",
    "CheckResult",
    "Damaged",
    "NotPublished",
    "TableResult",
    "Version",
    "build",
    "current",
    "models",
    "open_raw",
    "open_version",
    "rollback",
    "versions",
]

STORAGE_VERSION = "v1.5.0"  # of published files: analysts with DuckDB 1.5 can open them
REGISTERS = ("agencies", "accounts", "followers", "targets", "plan", "trainings", "responses", "incidents", "agency_names")


class NotPublished(RuntimeError):
    """A blocking check failed; the last good version stays published. `failed` lists the checks."""

    def __init__(self, failed: list[CheckResult]):
        self.failed = failed
        self.exit_status = 4
        kept_id, kept_en = "Versi terakhir yang baik tetap terbit.", "The last good version stays published."
        self.id = f"Tidak diterbitkan. {self._listed('message_id', 'baris')} {kept_id}"
        self.en = f"Not published. {self._listed('message_en', 'rows')} {kept_en}"
        super().__init__(f"{self.id} / {self.en}")

    def _listed(self, field_name: str, unit: str) -> str:
        return " ".join(f"[{c.name}] {getattr(c, field_name)} ({c.failed_rows} {unit})" for c in self.failed)


class Damaged(RuntimeError):
    """A version is missing, or its bytes are not the ones that were sealed. Nothing was changed."""

    exit_status = 6

    def __init__(self, indonesian: str, english: str):
        self.id, self.en = indonesian, english
        super().__init__(f"{indonesian} / {english}")


@dataclass(frozen=True)
class TableResult:
    """A table that was built: its columns with their types, its size, and the seconds it took."""

    name: str
    rows: int
    columns: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class CheckResult:
    """What a check found. `sample` shows up to five of the rows that break the rule."""

    name: str
    blocking: bool
    failed_rows: int
    message_id: str
    message_en: str
    sample: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.failed_rows == 0


@dataclass(frozen=True)
class BuildResult:
    """A published version with everything that was built and checked on the way."""

    version: str
    path: Path
    tables: list[TableResult]
    checks: list[CheckResult]
    seconds: float

    @property
    def warnings(self) -> list[CheckResult]:
        return [c for c in self.checks if not c.passed]


def steady(frame: pl.DataFrame) -> pl.DataFrame:
    """Estimates to nine significant digits; whole numbers stay as they are.

    Polars adds floats up in the order in which its threads finish, so the last bits differ from run to run. They mean nothing;
    without them the same files give the same tables.
    """
    floats = [pl.col(c) for c, t in frame.schema.items() if t.is_float()]
    return frame.with_columns(pl.when(c == c.round()).then(c).otherwise(c.round_sig_figs(9)) for c in floats)


# --- connections --------------------------------------------------------------------------------------------------------


def _connect(folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in memory with the limits of this deployment; `_lock` closes it after everything is attached."""
    limits = settings()
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET memory_limit = {_quote(limits.memory_limit)}")
    con.execute(f"SET threads = {limits.threads}")
    con.execute("SET preserve_insertion_order = true")
    if folder:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)  # DuckDB makes the last folder of a path only
    con.execute(f"SET temp_directory = {_quote(str(folder / 'spill') if folder else '')}")
    return con


def _lock(con: duckdb.DuckDBPyConnection, folder: Path | None = None) -> None:
    """No files but those attached, no network, no extensions, no variables of ours as tables; and no way back."""
    if folder:
        con.execute(f"SET allowed_directories = [{_quote(str(folder))}]")
    for setting in (
        "enable_external_access = false",
        "allow_community_extensions = false",
        "allow_unsigned_extensions = false",
        "allow_persistent_secrets = false",
        "python_enable_replacements = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


def _quote(text: str) -> str:
    """A text literal. Used only for paths and settings, which cannot be parameters of ATTACH and SET."""
    return "'" + text.replace("'", "''") + "'"


def _attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, *options: str) -> None:
    listed = f" ({', '.join(options)})" if options else ""
    con.execute(f"ATTACH {_quote(str(path))} AS {name}{listed}")


DAMAGE = ("not a valid duckdb", "corrupt", "checksum", "deserialize", "truncated", "metadata", "could not read enough bytes")


def set_aside_if_damaged(workspace: Workspace) -> Path | None:
    """Move a private database that cannot be opened out of the way; it is made again from the archive.

    One that another version of DuckDB wrote is not damaged: it is left alone, and both versions are named.
    """
    if not workspace.raw_db.exists():
        return None
    try:
        with open_raw(workspace):
            return None
    except duckdb.Error as error:
        _other_format(workspace.raw_db, error)
        if not any(word in str(error).casefold() for word in DAMAGE):
            raise  # held by another process, not permitted: nothing that a new file would mend
        aside = workspace.raw_db.with_name(f"raw.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        os.replace(workspace.raw_db, aside)
        workspace.raw_db.with_name("raw.duckdb.wal").unlink(missing_ok=True)
        fsync_folder(workspace.warehouse)
        return aside


class OtherFormat(RuntimeError):
    """A database in a storage format that this DuckDB does not read. It was not touched."""

    exit_status = 2

    def __init__(self, path: Path, error: Exception):
        said = " ".join(str(error).split())[:200]
        here = f"DuckDB {duckdb.__version__}"
        self.id = f"{path.name} ditulis oleh versi DuckDB lain; di sini {here}. Berkas tidak diubah. ({said})"
        self.en = f"{path.name} was written by another version of DuckDB; here it is {here}. Left untouched. ({said})"
        super().__init__(f"{self.id} / {self.en}")


def _other_format(path: Path, error: Exception) -> None:
    """Raise OtherFormat where the file says so: its version number follows the magic bytes."""
    if "version number" in str(error) or "storage version" in str(error).casefold():
        raise OtherFormat(path, error) from error


@contextlib.contextmanager
def open_raw(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The private database, for the job only: its tables are `raw.exports`, `raw.post_snapshots`, …"""
    workspace.warehouse.mkdir(parents=True, exist_ok=True, mode=0o750)
    con = _connect(workspace.warehouse / f"work-{os.getpid()}")
    try:
        _attach(con, workspace.raw_db, "raw")
        raw.create(con)
        yield con
    finally:
        con.close()
        shutil.rmtree(workspace.warehouse / f"work-{os.getpid()}", ignore_errors=True)


# --- build --------------------------------------------------------------------------------------------------------------


class Build:
    """One build, aside. Use as a context manager: `create` each model in order, `check` each check, then `publish`.

    Leaving the block without `publish` throws everything away.
    """

    def __init__(
        self, workspace: Workspace, registry: Any = None, *, version_name: str | None = None, now: datetime | None = None
    ):
        from pipeline import registry as registers

        self.workspace = workspace
        self.registry = registry if registry is not None else registers.load(workspace.registry)
        self.now = (now or datetime.now(UTC)).replace(tzinfo=None)
        self.name = version_name or _next_name(workspace)
        self.folder = workspace.warehouse / f"build-{os.getpid()}"
        self.tables: list[TableResult] = []
        self.checks: list[CheckResult] = []
        self.keys: dict[str, tuple[str, ...]] = {}
        self.started = time.monotonic()

    def __enter__(self) -> Build:
        _sweep(self.workspace)
        for needed in (self.workspace.versions, self.folder):
            needed.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not self.workspace.raw_db.exists():
            with open_raw(self.workspace):
                pass
        self.con = _connect(self.folder)
        _attach(self.con, self.workspace.raw_db, "raw", "READ_ONLY")
        _attach(self.con, self.folder / "staging.duckdb", "staging")
        _attach(self.con, self.folder / f"{self.name}.duckdb", "version", f"STORAGE_VERSION '{STORAGE_VERSION}'")
        self._attach_previous()
        self._load_registers()
        self.con.execute("USE version")
        for schema in ("core", "marts", "estimates", "meta"):
            self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        _lock(self.con, self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.con.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _attach_previous(self) -> None:
        self.previous = current(self.workspace)
        if self.previous:
            try:
                verify(self.workspace, self.previous)
                _attach(self.con, self.workspace.versions / f"{self.previous}.duckdb", "previous", "READ_ONLY")
            except (Damaged, duckdb.Error):
                self.previous = None  # a damaged version cannot be compared with; the new one replaces it

    def _load_registers(self) -> None:
        self.con.execute("ATTACH ':memory:' AS registry")
        self.con.execute("ATTACH ':memory:' AS reference")
        for name in REGISTERS:
            self._store(f"registry.{name}", getattr(self.registry, name))
        said = self.registry.settings
        self._store(
            "registry.settings",
            pl.DataFrame({"name": [said.get("name")], "simulated": [bool(said.get("simulated"))]}),
        )
        for path in graph.reference_files():
            self._store(f"reference.{path.stem}", pl.read_csv(path, infer_schema=False, comment_prefix="#"))

    def _store(self, table: str, frame: pl.DataFrame) -> None:
        """Create a table from a frame; a column without any type (all null) becomes text."""
        typed = frame.with_columns(pl.col(c).cast(pl.Utf8) for c, t in frame.schema.items() if t == pl.Null)
        self.con.register("arriving", typed.to_arrow())
        try:
            self.con.execute(f"CREATE TABLE {table} AS SELECT * FROM arriving")  # noqa: S608 - names are ours
        finally:
            self.con.unregister("arriving")

    def create(self, model: Model) -> TableResult:
        """Build one table. Errors name the file."""
        began = time.monotonic()
        self.keys[model.name] = model.key
        try:
            if model.table is None:
                self.con.execute(f"CREATE TABLE {model.name} AS {model.sql}")
            else:
                frames = {name: self.frame(name) for name in model.table.needs}
                self._store(model.name, steady(model.table.build(frames, self.registry)))
        except Exception as error:
            error.add_note(f"while building {model.name} ({model.path})")
            raise
        columns = {row[0]: row[1] for row in self.con.execute(f"DESCRIBE {model.name}").fetchall()}
        rows = self._scalar(f"SELECT count(*) FROM {model.name}")  # noqa: S608
        result = TableResult(model.name, int(rows), columns, time.monotonic() - began)
        self.tables.append(result)
        return result

    def frame(self, table: str) -> pl.DataFrame:
        """A table of this build, in the order of its key: what Python adds up must not depend on the order of the files."""
        key = ", ".join(f'"{c}"' for c in self.keys.get(table, ()))
        return self.con.sql(f"SELECT * FROM {table}" + (f" ORDER BY {key}" if key else "")).pl()  # noqa: S608

    def check(self, check: Check) -> CheckResult:
        """Run one check and remember what it found. Before the first one the past is compared with the last version."""
        if not self.checks:
            history.compare(self.con, self.previous is not None)
        failed = int(self._scalar(f"SELECT count(*) FROM ({check.sql.rstrip().rstrip(';')}\n)"))  # noqa: S608
        sample = self.con.sql(check.sql).limit(5).pl().to_dicts() if failed else []
        result = CheckResult(check.name, check.blocking, failed, check.message_id, check.message_en, sample)
        self.checks.append(result)
        return result

    def _scalar(self, query: str) -> Any:
        return self.con.execute(query).fetchall()[0][0]  # fetchone would leave the connection busy

    def publish(self) -> BuildResult:
        """Write what is known about the version into it, seal it, make it current. Raises NotPublished on a blocking check."""
        failed = [c for c in self.checks if c.blocking and not c.passed]
        if failed:
            raise NotPublished(failed)
        self._write_meta()
        sums = {t.name: self._sums(t) for t in self.tables if t.name.split(".")[0] != "staging"}
        self.con.execute("USE memory")
        self.con.execute("CHECKPOINT version")
        self.con.execute("DETACH version")
        path = _seal(self.workspace, self.folder / f"{self.name}.duckdb", self.name, self.now, sums)
        write_atomically(self.workspace.current_file, f"{self.name}\n")
        _retain(self.workspace, settings().keep_versions)
        return BuildResult(self.name, path, self.tables, self.checks, time.monotonic() - self.started)

    def _sums(self, table: TableResult) -> dict[str, Any]:
        whole = [c for c, kind in table.columns.items() if kind in ("BIGINT", "INTEGER") and not c.endswith(("_key", "_id"))]
        chosen = ", ".join(f'CAST(sum("{c}") AS VARCHAR) AS "{c}"' for c in whole)
        row = self.con.sql(f"SELECT {chosen} FROM {table.name}").pl().to_dicts()[0] if whole else {}  # noqa: S608
        return {"rows": table.rows, "sums": row}

    def _write_meta(self) -> None:
        described = {m.name: m for m in models()}
        published = [t for t in self.tables if described[t.name].is_published]
        rows = [
            {
                "name": t.name,
                "description": described[t.name].description,
                "key": ", ".join(described[t.name].key),
                "rows": t.rows,
                "columns": json.dumps(t.columns),
                "lineage": json.dumps(
                    {c: [".".join(o) for o in origins] for c, origins in graph.lineage_of(described[t.name]).items()}
                ),
            }
            for t in published
        ]
        self._store("meta.tables", pl.DataFrame(rows))
        listed = [{k: v for k, v in asdict(c).items() if k != "sample"} | {"passed": c.passed} for c in self.checks]
        empty = {"name": pl.Utf8, "blocking": pl.Boolean, "failed_rows": pl.Int64, "message_id": pl.Utf8, "message_en": pl.Utf8}
        self._store("meta.checks", pl.DataFrame(listed, schema={**empty, "passed": pl.Boolean}))
        self.con.execute(
            VERSION_SQL,
            {"version": self.name, "built_at": self.now, "pipeline_version": _pipeline_version(), "rules": history.rules()},
        )


# The period is that of what was observed; the window which a file states may begin years before its first row.
VERSION_SQL = """CREATE TABLE meta.version AS
SELECT CAST($version AS VARCHAR) AS version, CAST($built_at AS TIMESTAMP) AS built_at,
    (SELECT max(captured_at) FROM raw.exports WHERE outcome IN ('accepted', 'flagged')) AS data_cutoff,
    seen.period_start, seen.period_end,
    s.simulated, s.name AS workspace_name, CAST($pipeline_version AS VARCHAR) AS pipeline_version,
    CAST($rules AS VARCHAR) AS rules,
    (SELECT count(*) FROM raw.exports WHERE outcome IN ('accepted', 'flagged')) AS export_count,
    (SELECT count(*) FROM raw.exports WHERE outcome = 'refused') AS refused_count
FROM registry.settings s CROSS JOIN (
    SELECT min(day) AS period_start, max(day) AS period_end FROM (
        SELECT published_on AS day FROM core.posts WHERE is_counted
        UNION ALL SELECT day FROM core.account_days
        UNION ALL SELECT CAST(received_at_wib AS DATE) FROM core.cases)) seen"""


def _pipeline_version() -> str:
    from importlib import metadata

    try:
        return metadata.version("terukur")
    except metadata.PackageNotFoundError:
        return "source"


def build(
    workspace: Workspace,
    *,
    registry: Any = None,
    version_name: str | None = None,
    now: datetime | None = None,
    progress: Callable[[TableResult | CheckResult], None] | None = None,
) -> BuildResult:
    """Build every table aside, run every check, seal and publish. Raises NotPublished, and then nothing has changed."""
    with Build(workspace, registry, version_name=version_name, now=now) as making:
        for model in models():
            made = making.create(model)
            if progress:
                progress(made)
        for check in graph.checks():
            found = making.check(check)
            if progress:
                progress(found)
        return making.publish()


def _sweep(workspace: Workspace) -> None:
    """Remove what killed builds left behind: folders named by a process that no longer runs."""
    for folder in (*workspace.warehouse.glob("build-*"), *workspace.warehouse.glob("work-*")):
        if not is_running(folder.name.rsplit("-", 1)[1]):
            shutil.rmtree(folder, ignore_errors=True)
    for leftover in workspace.versions.glob("*.tmp-*"):
        leftover.unlink(missing_ok=True)


# --- seal, versions -----------------------------------------------------------------------------------------------------


def _number(name: str) -> int:
    return int(name.removeprefix("w-")) if name.removeprefix("w-").isdigit() else 0


def _names(workspace: Workspace) -> list[str]:
    """Sealed versions, oldest first: those with a manifest."""
    return sorted((p.stem for p in workspace.versions.glob("w-*.json")), key=lambda n: (_number(n), n))


def _next_name(workspace: Workspace) -> str:
    taken = [_number(p.stem) for p in workspace.versions.glob("w-*.*")]
    return f"w-{max([*taken, _number(current(workspace) or 'w-0')]) + 1}"


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    fsync_folder(path.parent)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(workspace: Workspace, built: Path, name: str, now: datetime, tables: Mapping[str, Any]) -> Path:
    """fsync, rename, fsync of the folder; the manifest goes first, so a version without one was never finished."""
    place = workspace.versions / f"{name}.duckdb"
    built.chmod(0o440)
    _fsync(built)
    manifest = {
        "version": name,
        "built_at": now.isoformat(),
        "sha256": _digest(built),
        "size_bytes": built.stat().st_size,
        "storage_version": STORAGE_VERSION,
        "duckdb": duckdb.__version__,
        "tables": dict(tables),
    }
    os.replace(built, place)
    fsync_folder(workspace.versions)
    write_atomically(workspace.versions / f"{name}.json", json.dumps(manifest, indent=1, sort_keys=True))
    return place


def current(workspace: Workspace) -> str | None:
    """The name in CURRENT, or None where nothing was ever published."""
    try:
        return workspace.current_file.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def manifest(workspace: Workspace, name: str) -> dict[str, Any]:
    """Row counts, sums and SHA-256 of a sealed version. Raises Damaged where it has no readable seal."""
    try:
        return json.loads((workspace.versions / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise Damaged(f"Versi {name} tidak punya segel: {error}", f"Version {name} has no seal: {error}") from None


def verify(workspace: Workspace, name: str) -> None:
    """Compare a version with its seal. Raises Damaged; the same bytes are hashed once per process."""
    path = workspace.versions / f"{name}.duckdb"
    sealed = manifest(workspace, name)
    try:
        info = path.stat()
    except FileNotFoundError:
        raise Damaged(f"Berkas versi {name} hilang: {path.name}", f"The file of version {name} is missing: {path.name}") from None
    if (
        info.st_size != sealed["size_bytes"]
        or _known_digest(path, info.st_size, info.st_mtime_ns, info.st_ino) != sealed["sha256"]
    ):
        raise Damaged(f"Versi {name} rusak; jalankan `terukur run` lagi.", f"Version {name} is damaged; run `terukur run` again.")


@lru_cache(maxsize=64)
def _known_digest(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    return _digest(path)


def versions(workspace: Workspace) -> list[dict[str, Any]]:
    """Sealed versions, oldest first: name, built_at, size_bytes, is_current."""
    now = current(workspace)
    found = [manifest(workspace, name) for name in _names(workspace)]
    return [
        {"version": m["version"], "built_at": m["built_at"], "size_bytes": m["size_bytes"], "is_current": m["version"] == now}
        for m in found
    ]


def rollback(workspace: Workspace) -> str:
    """Make the whole version before the current one current again; returns its name. Raises Damaged where there is none."""
    now = current(workspace)
    earlier = [name for name in _names(workspace) if now and _number(name) < _number(now)]
    for name in reversed(earlier):
        with contextlib.suppress(Damaged):
            verify(workspace, name)
            write_atomically(workspace.current_file, f"{name}\n")
            return name
    raise Damaged("Tidak ada versi sebelumnya yang utuh.", "There is no whole earlier version.")


def _retain(workspace: Workspace, keep: int) -> None:
    """Keep the newest `keep` versions and the last one of every month; never touch the current one."""
    names = _names(workspace)
    last_of_month = {manifest(workspace, name)["built_at"][:7]: name for name in names}
    kept = {*names[-keep:], *last_of_month.values(), current(workspace)}
    for name in names:
        if name not in kept:
            (workspace.versions / f"{name}.json").unlink(missing_ok=True)
            (workspace.versions / f"{name}.duckdb").unlink(missing_ok=True)


# --- read ---------------------------------------------------------------------------------------------------------------


class Version:
    """A published version, read-only. `sql` and `table` give frames; `info` says what it is and how old."""

    def __init__(self, workspace: Workspace, name: str):
        verify(workspace, name)
        self.workspace, self.name = workspace, name
        self.con = _connect()
        try:
            _attach(self.con, workspace.versions / f"{name}.duckdb", "version", "READ_ONLY")
            self.con.execute("USE version")
            _lock(self.con)
        except duckdb.Error as error:
            self.con.close()
            _other_format(workspace.versions / f"{name}.duckdb", error)
            raise Damaged(f"Versi {name} tidak dapat dibuka: {error}", f"Version {name} cannot be opened: {error}") from error

    def sql(self, query: str, **params: Any) -> pl.DataFrame:
        """The rows of a SELECT; values enter as `$name` parameters only."""
        return self.con.sql(query, params=params or None).pl()

    def table(self, name: str) -> pl.DataFrame:
        """A whole table, e.g. `marts.account_month`. KeyError with the nearest name where there is none."""
        if name not in self.tables:
            raise KeyError(
                f"{name}: tidak ada / no such table. Terdekat / nearest: {graph._nearest(name, dict.fromkeys(self.tables))}"
            )
        return self.con.sql(f"SELECT * FROM {name}").pl()  # noqa: S608 - one of our own names

    @property
    def tables(self) -> list[str]:
        """Names of all tables of this version."""
        query = (
            "SELECT schema_name || '.' || table_name AS name FROM duckdb_tables() WHERE database_name = 'version' ORDER BY name"
        )
        return self.con.sql(query).pl()["name"].to_list()

    @property
    def info(self) -> dict[str, Any]:
        """meta.version as a dict, with `newer`: the name of the current version where that is another one."""
        newest = current(self.workspace)
        return self.sql("SELECT * FROM meta.version").to_dicts()[0] | {"newer": newest if newest != self.name else None}

    def close(self) -> None:
        self.con.close()

    def __enter__(self) -> Version:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_version(workspace: Workspace, name: str | None = None) -> Version:
    """The current version, or the one named. Raises Damaged where there is none or its seal is broken."""
    chosen = name or current(workspace)
    if chosen is None:
        raise Damaged("Belum ada versi yang terbit; jalankan `terukur run`.", "Nothing is published yet; run `terukur run`.")
    return Version(workspace, chosen)
