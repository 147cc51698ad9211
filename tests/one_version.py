"""One small version, really built: the tiny regency and an agency with a hostile name through the whole job, once per test run,
for every test of the pages.

`published()` is shared by all workers of a run (a lock file makes the first one build and the others wait). A test that needs an
awkward regency changes rows of a copy with SQL (`changed`), so the schemas are those of the job and stand nowhere a second
time."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from pipeline import registry, samples, settings
from pipeline.engine import build, versions
from pipeline.intake import ledger

NAME = "w-1"
LIKE = "kec-cibinong"  # whom invented districts resemble
HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror=alert(2)>=HYPERLINK("http://e.example")@SUM(A1)%{x}{{7*7}}$\\u202e\u202egnp.exe\u202c\u200b'
    '"\'<a href="javascript:alert(3)">klik</a>'
)


def workspace(tmp_path_factory) -> settings.Workspace:
    """The workspace of the run's one version; its files are not to be changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    root = shared / "one-version"
    done, lock = shared / "one-version.done", shared / "one-version.lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:  # another worker of this run builds it
        for _ in range(1200):
            if done.exists():
                return settings.workspace(root)
            time.sleep(0.2)
        raise RuntimeError("the worker that builds the version of this run did not finish") from None
    found = make(root)
    done.touch()
    return found


def make(root: Path) -> settings.Workspace:
    samples.generate(root, "hostile")
    found = settings.workspace(root)
    ledger.ingest(found, registry.load(found.registry))
    build.build(found, version_name=NAME)
    return found


class Changed:
    """A version of which some rows were changed: `sql`, `table` and `tables` like a published one."""

    def __init__(self, path: Path):
        self.con = duckdb.connect(str(path))

    def sql(self, query: str, **params) -> pl.DataFrame:
        return self.con.sql(query, params=params or None).pl()

    def table(self, name: str) -> pl.DataFrame:
        return self.sql(f"select * from {name}")

    @property
    def tables(self) -> list[str]:
        return self.sql("select schema_name || '.' || table_name as n from duckdb_tables() order by n")["n"].to_list()


@contextmanager
def changed(home: settings.Workspace, folder: Path, *statements: str):
    """A copy of the version in `folder`, after these SQL statements."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "changed.duckdb"
    shutil.copyfile(home.versions / f"{NAME}.duckdb", copy)
    copy.chmod(0o600)
    version = Changed(copy)
    try:
        for statement in statements:
            version.con.execute(statement)
        yield version
    finally:
        version.con.close()


@contextmanager
def published(home: settings.Workspace):
    with versions.open_version(home) as version:
        yield version


def many(count: int) -> list[str]:
    """Statements that make `count` more districts, each like an agency of the version."""
    copies = [
        f"create temp table extra as select 'kec-x' || lpad(i::varchar, 3, '0') as new_id, i from range({count}) r(i)",
        "insert into core.agencies by name select a.* replace (e.new_id as agency_id, 'Kec. X' || e.i as short_name, "
        f"'Kecamatan X' || e.i as name) from core.agencies a cross join extra e where a.agency_id = '{LIKE}'",
    ]
    for table in ("marts.agency_summary", "estimates.agency_window"):
        copies.append(
            f"insert into {table} by name select t.* replace (e.new_id as agency_id) from {table} t cross join extra e "
            f"where t.agency_id = '{LIKE}'"
        )
    return [*copies, "drop table extra"]


def trained() -> list[str]:
    """Statements that give the version a training with an effect: what twelve weeks of six agencies cannot have."""
    effect = (
        "insert into estimates.training_effect by name select 'er' as outcome, 'imputation' as estimator, 'claimed' as state, "
    )
    return [
        "delete from estimates.training_effect",
        effect + "0.2 as effect, 0.12 as lower, 0.27 as upper, 0.001 as p_randomisation, 24 as n_trained, 17 as n_control, "
        "0.44 as pretrend_p, 0.1 as minimum_detectable",
        "insert into estimates.training_event by name select 'er' as outcome, m as event_month, "
        "case when m < 0 then 0.0 else 0.2 end as effect, case when m < 0 then -0.1 else 0.1 end as lower, "
        "case when m < 0 then 0.1 else 0.3 end as upper, 20 as n from range(-4, 5) r(m)",
        "insert into estimates.training_cohort by name select 'er' as outcome, w as wave, 0.2 as effect, 0.1 as lower, "
        "0.3 as upper, 12 as n from (values ('1'), ('2')) v(w)",
        "insert into estimates.training_agency by name select 'er' as outcome, agency_id, '1' as wave, 0.0 as before, "
        "0.2 as after, 0.2 as effect, 0.05 as lower, 0.35 as upper, 6 as n from core.agencies "
        "where agency_id in ('dinkes', 'diskominfo')",
    ]
