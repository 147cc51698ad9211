"""Tables built aside, checked, and published as one version, or thrown away whole.

Everything a build makes lies in a folder of its own until the last rename, so a kill at any moment leaves the last good version
published.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

from pipeline import platforms
from pipeline.engine import aside as set_aside
from pipeline.engine import fingerprints, history, reuse
from pipeline.engine import models as graph
from pipeline.engine.aside import Aside, Held
from pipeline.engine.connections import STORAGE_VERSION, attach, connect, lock, open_raw
from pipeline.engine.models import Check, Model, models
from pipeline.engine.spark import Spark
from pipeline.engine.versions import Damaged, current, next_name, retain, seal, up_to_current, verify, was_simulated
from pipeline.files import is_running, program_version, write_atomically
from pipeline.settings import Workspace, settings

ROUNDS = 5  # of building without what broke a check: its exports, its accounts, what that lays bare
REGISTERS = (
    "agencies", "accounts", "followers", "targets", "plan", "trainings", "responses", "incidents", "circulars", "objections",
    "agency_names",
)  # fmt: skip


class NotPublished(RuntimeError):
    """A blocking check failed; the last good version stays published. `failed` lists the checks."""

    def __init__(self, failed: list[CheckResult], checks: list[CheckResult] | None = None):
        self.failed = failed
        self.checks = checks or failed  # all that ran
        self.exit_status = 4
        kept_id, kept_en = "Versi terakhir yang baik tetap terbit.", "The last good version stays published."
        self.id = f"Tidak diterbitkan. {self._listed('message_id', 'baris')} {kept_id}"
        self.en = f"Not published. {self._listed('message_en', 'rows')} {kept_en}"
        super().__init__(f"{self.id} / {self.en}")

    def _listed(self, field_name: str, unit: str) -> str:
        return " ".join(f"[{c.name}] {getattr(c, field_name)} ({c.failed_rows} {unit})" for c in self.failed)


@dataclass(frozen=True)
class TableResult:
    """A table that was built: its columns with their types, its size, and the seconds it took."""

    name: str
    rows: int
    columns: dict[str, str]
    seconds: float
    is_reused: bool = False  # taken over from the version before


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
    held: list[Held] = field(default_factory=list)  # exports that a check set aside
    is_new: bool = True  # False: nothing would have come out otherwise, so the version before stays the one that is published

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


class Build:
    """One build, aside. Use as a context manager: `create` each model in order, `check` each check, then `publish`.

    Leaving the block without `publish` throws everything away. With `reusing` a table that would come out as it did is taken over
    from the version before (`reuse`); one that is not published is then built only where another table or a check needs it.
    """

    def __init__(
        self,
        workspace: Workspace,
        registry: Any = None,
        *,
        version_name: str | None = None,
        now: datetime | None = None,
        aside: Aside | None = None,
        reusing: bool = False,
    ):
        from pipeline import registry as registers

        self.workspace = workspace
        self.aside = aside or Aside()
        self.broken: list[tuple[Check, str]] = []  # blocking checks that failed, with the SQL of their rows
        self.registry = registry if registry is not None else registers.load(workspace.registry)
        self.now = (now or datetime.now(UTC)).replace(tzinfo=None)
        self.name = version_name or next_name(workspace)
        self.folder = workspace.warehouse / f"build-{os.getpid()}"
        self.tables: list[TableResult] = []
        self.checks: list[CheckResult] = []
        self.made: list[Model] = []
        self.keys: dict[str, tuple[str, ...]] = {}
        self.reusing = reusing
        self.before: dict[str, reuse.Made] = {}  # what the version before says of its tables
        self.contents: dict[str, str] = {}  # of every table that was read or built so far
        self.made_of: dict[str, str] = {}  # their fingerprints
        self.made_from: dict[str, str] = {}
        self.waiting: dict[str, Model] = {}  # unpublished tables that nothing has needed yet
        self.started = time.monotonic()

    def __enter__(self) -> Build:
        _sweep(self.workspace)
        for needed in (self.workspace.versions, self.folder):
            needed.mkdir(parents=True, exist_ok=True, mode=0o750)
        if not self.workspace.raw_db.exists():
            with open_raw(self.workspace):
                pass
        self.con = connect(self.folder)
        if self.aside:
            set_aside.attach(self.con, self.workspace.raw_db, self.aside)
        else:
            attach(self.con, self.workspace.raw_db, "raw", "READ_ONLY")
        attach(self.con, self.folder / "staging.duckdb", "staging")
        attach(self.con, self.folder / f"{self.name}.duckdb", "version", f"STORAGE_VERSION '{STORAGE_VERSION}'")
        self._attach_previous()
        self.before = reuse.of_previous(self.con) if self.reusing and self.previous else {}
        self._load_registers()
        self.con.execute("USE version")
        for schema in ("core", "marts", "estimates", "meta"):
            self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        lock(self.con, self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "spark" in self.__dict__ and self.spark:
            self.spark.close()
        self.con.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _attach_previous(self) -> None:
        """The past is compared with the current version; where that is damaged, with the newest whole one before it."""
        self.previous = None
        for name in up_to_current(self.workspace):
            with contextlib.suppress(Damaged, duckdb.Error):
                verify(self.workspace, name)
                attach(self.con, self.workspace.versions / f"{name}.duckdb", "previous", "READ_ONLY")
                self.previous = name
                return

    def _load_registers(self) -> None:
        self.con.execute("ATTACH ':memory:' AS registry")
        self.con.execute("ATTACH ':memory:' AS reference")
        for name in REGISTERS:
            register = getattr(self.registry, name)
            if name == "accounts":
                register = register.filter(~pl.col("account_id").is_in(list(self.aside.accounts)))
            self._store(f"registry.{name}", register)
        said = self.registry.settings
        known = {"name": [said.get("name")], "simulated": [self._is_simulated()], "main_agency": [said.get("main_agency")]}
        self._store("registry.settings", pl.DataFrame(known))
        self._store("registry.thresholds", pl.DataFrame([self.registry.thresholds.model_dump()]))
        self._store("reference.platforms", pl.DataFrame(platforms.rows(), infer_schema_length=None))
        for path in graph.reference_files():
            self._store(f"reference.{path.stem}", pl.read_csv(path, infer_schema=False, comment_prefix="#"))

    def _is_simulated(self) -> bool:
        """What was once simulated stays so: a lost or replaced settings.toml does not make figures real."""
        before = self.previous and self._scalar("SELECT count(*) FROM previous.meta.version WHERE simulated")
        return bool(self.registry.settings.get("simulated")) or bool(before) or was_simulated(self.workspace)

    def _store(self, table: str, frame: pl.DataFrame) -> None:
        """Create a table from a frame; a column without any type (all null) becomes text."""
        typed = frame.with_columns(pl.col(c).cast(pl.Utf8) for c, t in frame.schema.items() if t == pl.Null)
        self.con.register("arriving", typed.to_arrow())
        try:
            self.con.execute(f"CREATE TABLE {table} AS SELECT * FROM arriving")  # noqa: S608 - names are ours
        finally:
            self.con.unregister("arriving")

    def create(self, model: Model) -> TableResult:
        """Build one table, or take it over. Errors name the file."""
        began = time.monotonic()
        self.keys[model.name] = model.key
        self.made.append(model)
        self.made_from[model.name] = self._made_from(model)
        before = self.before.get(model.name)
        is_reused = before is not None and before.made_from == self.made_from[model.name]
        if before is not None and is_reused:
            result = self._take_over(model, before, began)
        else:
            self._need(*model.depends_on)
            self._build(model)
            result = self._counted(model, began)
        self.tables.append(result)
        return result

    def _made_from(self, model: Model) -> str:
        for name in model.sources:
            self.contents[name] = self.contents.get(name) or reuse.content(self.con, name)
        if model.name not in self.made_of:
            self.made_of[model.name] = fingerprints.of_model(model, self.made_of)
        return reuse.of_table(model, self.made_of[model.name], self.contents, self._of_registry)

    @cached_property
    def _of_registry(self) -> str:
        return reuse.of_registry(self.registry)

    def _take_over(self, model: Model, before: reuse.Made, began: float) -> TableResult:
        self.contents[model.name] = before.content
        if model.is_published:
            self.con.execute(f"CREATE TABLE {model.name} AS SELECT * FROM previous.{model.name}")  # noqa: S608 - names are ours
        else:
            self.waiting[model.name] = model
        return TableResult(model.name, before.rows, before.columns, time.monotonic() - began, is_reused=True)

    def _need(self, *names: str) -> None:
        """Build unpublished tables that were put off."""
        for name in names:
            if model := self.waiting.pop(name, None):
                self._need(*model.depends_on)
                self._build(model)

    def _build(self, model: Model) -> None:
        try:
            if model.table is None and self.spark:
                self.spark.run(self.con, model)
            elif model.table is None:
                self.con.execute(f"CREATE TABLE {model.name} AS {model.sql}")
            else:
                frames = {name: self.frame(name) for name in model.table.needs}
                self._store(model.name, steady(model.table.build(frames, self.registry)))
        except Exception as error:
            error.add_note(f"while building {model.name} ({model.path})")
            raise

    @cached_property
    def spark(self) -> Spark | None:
        """The second engine where a deployment asks for it; begun with the first table that is built."""
        return Spark(self.folder) if settings().engine == "spark" else None

    def _counted(self, model: Model, began: float) -> TableResult:
        columns = {row[0]: row[1] for row in self.con.execute(f"DESCRIBE {model.name}").fetchall()}
        rows = self._scalar(f"SELECT count(*) FROM {model.name}")  # noqa: S608
        # What is not published is not read to its end once more: it is what it was made from.
        self.contents[model.name] = reuse.content(self.con, model.name) if model.is_published else self.made_from[model.name]
        return TableResult(model.name, int(rows), columns, time.monotonic() - began)

    def frame(self, table: str) -> pl.DataFrame:
        """A table of this build, in the order of its key: what Python adds up must not depend on the order of the files."""
        key = ", ".join(f'"{c}"' for c in self.keys.get(table, ()))
        query = f"SELECT * FROM {table}" + (f" ORDER BY {key}" if key else "")  # noqa: S608
        rows: pl.DataFrame = self.con.sql(query).pl()
        return rows

    def check(self, check: Check) -> CheckResult:
        """Run one check and remember what it found. Before the first one the past is compared with the last version."""
        if not self.checks:
            history.compare(self.con, self.previous is not None, self.made_of, self.now)
            left_out = {"accounts": list(self.aside.accounts)}  # from the register too, which is no change of the register
            self.con.execute(LEFT_OUT_SQL, left_out)
        sql = self._written(check)
        known = self._made_from_check(check, sql)
        before = self.before.get(reuse.CHECK + check.name)
        if known and before and (before.made_from, before.rows) == (known, 0):
            failed = 0  # it held for the same rows
        else:
            self._need(*graph.tables_of(sql))
            failed = int(self._scalar(f"SELECT count(*) FROM ({sql}\n)"))  # noqa: S608
        sample = self.con.sql(sql).limit(5).pl().to_dicts() if failed else []
        if failed and check.blocking:
            self.broken.append((check, check.rows or sql))
        result = CheckResult(check.name, check.blocking, failed, check.message_id, check.message_en, sample)
        self.checks.append(result)
        return result

    def _written(self, check: Check) -> str:
        return _sql(check, {t.name: t.columns for t in self.tables})

    def _made_from_check(self, check: Check, sql: str) -> str:
        """Empty for a check of what this very build noted (`meta`): it is run."""
        reads = graph.tables_of(sql)
        if any(name.startswith("meta.") for name in reads):
            return ""
        for name in reads:
            self.contents[name] = self.contents.get(name) or reuse.content(self.con, name)
        self.made_from[reuse.CHECK + check.name] = reuse.of_check(check, sql, self.contents)
        return self.made_from[reuse.CHECK + check.name]

    def _scalar(self, query: str) -> Any:
        return self.con.execute(query).fetchall()[0][0]  # fetchone would leave the connection busy

    def as_before(self, checks: list[Check]) -> BuildResult | None:
        """The version before, where every table and check would be made from the same and come out as it did; else None.

        Only what is current can stay published: a whole version behind a damaged one answers for nothing.
        """
        if not self.before or self.previous != current(self.workspace):
            return None
        tables = [m.name for m in models()]
        if set(self.before) != {*tables, *(reuse.CHECK + c.name for c in checks), reuse.SAID}:
            return None
        if self.before[reuse.SAID].made_from != reuse.said_of(models()):
            return None
        for model in models():
            if self._made_from(model) != self.before[model.name].made_from:
                return None
            self.contents[model.name] = self.before[model.name].content
        columns = {name: self.before[name].columns for name in tables}
        for check in checks:
            if self._made_from_check(check, _sql(check, columns)) != self.before[reuse.CHECK + check.name].made_from:
                return None
        return self._told_again(tables)

    def _told_again(self, tables: list[str]) -> BuildResult:
        results = [TableResult(n, self.before[n].rows, self.before[n].columns, 0.0, is_reused=True) for n in tables]
        query = "SELECT name, blocking, failed_rows, message_id, message_en FROM previous.meta.checks"
        checks = [CheckResult(*row) for row in self.con.execute(query).fetchall()]
        path, seconds = self.workspace.versions / f"{self.previous}.duckdb", time.monotonic() - self.started
        return BuildResult(str(self.previous), path, results, checks, seconds, is_new=False)

    def what_to_leave_out(self) -> Aside | None:
        """This build's exports to set aside, and those that its failed checks name; None where they name none, or too many."""
        self._need(*self.waiting)
        return set_aside.more(self.con, self.broken, self.aside)

    def publish(self) -> BuildResult:
        """Write what is known about the version into it, seal it, make it current. Raises NotPublished on a blocking check."""
        failed = [c for c in self.checks if c.blocking and not c.passed]
        if failed:
            raise NotPublished(failed, self.checks)
        self._write_meta()
        sums = {t.name: self._sums(t) for t in self.tables if t.name.split(".")[0] != "staging"}
        simulated = bool(self._scalar("SELECT simulated FROM registry.settings"))
        self.con.execute("USE memory")
        self.con.execute("CHECKPOINT version")
        self.con.execute("DETACH version")
        path = seal(self.workspace, self.folder / f"{self.name}.duckdb", self.name, self.now, sums, simulated=simulated)
        write_atomically(self.workspace.current_file, f"{self.name}\n")
        retain(self.workspace, settings().keep_versions)
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
                "fingerprint": self.made_of[t.name],
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
        self._write_made_from()
        told = {"version": self.name, "built_at": self.now, "pipeline_version": program_version()}
        self.con.execute(VERSION_SQL, told)

    def _write_made_from(self) -> None:
        tables = [
            (t.name, self.made_from[t.name], self.contents[t.name], t.rows, json.dumps(t.columns))
            for t in self.tables
            if t.name in self.made_from
        ]
        checks = [
            (reuse.CHECK + c.name, self.made_from.get(reuse.CHECK + c.name, ""), "", c.failed_rows, "{}") for c in self.checks
        ]
        said = (reuse.SAID, reuse.said_of(self.made), "", 0, "{}")
        self._store(reuse.TABLE, pl.DataFrame([*tables, *checks, said], schema=reuse.SCHEMA, orient="row"))


LEFT_OUT_SQL = """UPDATE meta.changed_history SET reason_code = 'FILES', is_explained = TRUE
WHERE account_id IN (SELECT unnest($accounts))"""
# Data reach to the newest export whose day something tells: a file without any is not as new as the night that found it.
# The period is that of what was observed; the window which a file states may begin years before its first row.
VERSION_SQL = """CREATE TABLE meta.version AS
SELECT CAST($version AS VARCHAR) AS version, CAST($built_at AS TIMESTAMP) AS built_at,
    (SELECT coalesce(max(CASE WHEN period_last IS NOT NULL OR captured_from NOT IN ('mtime', 'first_seen') THEN captured_at END),
        max(captured_at))
        FROM raw.exports WHERE outcome IN ('accepted', 'flagged')) AS data_cutoff,
    seen.period_start, seen.period_end,
    s.simulated, s.name AS workspace_name, CAST($pipeline_version AS VARCHAR) AS pipeline_version,
    (SELECT count(*) FROM raw.exports WHERE outcome IN ('accepted', 'flagged')) AS export_count,
    (SELECT count(*) FROM raw.exports WHERE outcome = 'refused') AS refused_count
FROM registry.settings s CROSS JOIN (
    SELECT min(day) AS period_start, max(day) AS period_end FROM (
        SELECT published_on AS day FROM core.posts WHERE is_counted
        UNION ALL SELECT day FROM core.account_days
        UNION ALL SELECT CAST(received_at_wib AS DATE) FROM core.cases)) seen"""


def build(
    workspace: Workspace,
    *,
    registry: Any = None,
    version_name: str | None = None,
    now: datetime | None = None,
    progress: Callable[[TableResult | CheckResult], None] | None = None,
    reusing: bool = False,
) -> BuildResult:
    """Build every table aside, run every check, seal and publish. Raises NotPublished, and then nothing has changed.

    With `reusing` only what would come out otherwise is built; where that is nothing, nothing is published and `is_new` is false.

    Exports on whose rows a blocking check breaks are set aside and everything is built again without them, at most ROUNDS times.
    They are in `held` of the result and in the ledger.
    """
    checks = graph.checks()
    aside = set_aside.standing(workspace, checks)
    for _ in range(ROUNDS):
        with Build(workspace, registry, version_name=version_name, now=now, aside=aside, reusing=reusing) as making:
            if before := making.as_before(checks):
                return replace(before, held=set_aside.record(workspace, aside))
            _make(making, checks, progress)
            left_out = making.what_to_leave_out() if making.broken else None
            published = making.publish() if left_out is None else None
        if published:
            return replace(published, held=set_aside.record(workspace, aside))
        aside = left_out or aside
    raise NotPublished([c for c in making.checks if c.blocking and not c.passed], making.checks)


def _sql(check: Check, tables: Mapping[str, Mapping[str, str]]) -> str:
    """A check's SQL; `tables`: those that were built, with columns and types."""
    return (check.written(tables) if check.written else check.sql).rstrip().rstrip(";")


def _make(making: Build, checks: list[Check], progress: Callable[[TableResult | CheckResult], None] | None) -> None:
    for model in models():
        made = making.create(model)
        if progress:
            progress(made)
    for check in checks:
        found = making.check(check)
        if progress:
            progress(found)


def _sweep(workspace: Workspace) -> None:
    """Remove what killed builds left behind: folders named by a process that no longer runs."""
    for folder in (*workspace.warehouse.glob("build-*"), *workspace.warehouse.glob("work-*")):
        if not is_running(folder.name.rsplit("-", 1)[1]):
            shutil.rmtree(folder, ignore_errors=True)
    for leftover in workspace.versions.glob("*.tmp-*"):
        leftover.unlink(missing_ok=True)
