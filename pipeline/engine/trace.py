"""From a figure on a page back to the files and rows it was made from.

A figure id is `<table>:<column>:<key>=<value>,...`, for example `agency_window:vs_expected:agency_id=dinkes`. Which rows
speak for a column is taken from the lineage of the tables, not written down a second time. A key with nothing behind its sign
matches
null (`response_summary:n:agency_id=` is the regency's row). A metric that a page measures itself has an id of its own,
`metric:<metric_id>.<column>:agency_id=dinkes,month=2026-08..2026-10`; behind it stand the files that the measurement names.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.engine import metrics, models, versions
from pipeline.night import NotPossible
from pipeline.settings import Workspace

# What stands behind a figure, most specific first: the tables whose rows name an export and a row in it.
EVIDENCE = ("core.posts", "core.account_days", "core.audience", "core.cases", "core.followers")
EXAMPLE = "agency_window:vs_expected:agency_id=dinkes"
SCHEMAS = ("estimates", "marts", "core", "meta")
SHARED = (
    "agency_id",
    "account_id",
    "platform",
    "month",
    "week_start",
    "post_key",
    "programme",
    "scheme_id",
    "content_type",
    "format",
)
DAY = {"core.posts": "published_on", "core.account_days": "day", "core.followers": "date", "core.audience": "period_end"}
WHAT = {
    "core.posts": "e.post_id",
    "core.account_days": "e.metric || ' ' || e.day",
    "core.audience": "e.dimension || ' ' || e.label",
    "core.cases": "e.case_id",
    "core.followers": "CAST(e.date AS VARCHAR)",
}
VALUE = {
    "core.posts": "'E ' || coalesce(CAST(e.engagement AS VARCHAR), '-') || ', X ' || coalesce(CAST(e.exposure AS VARCHAR), '-')",
    "core.account_days": "CAST(e.value AS VARCHAR)",
    "core.audience": "CAST(e.value AS VARCHAR)",
    "core.cases": "e.status",
    "core.followers": "CAST(e.followers AS VARCHAR)",
}
LAST_KNOWN = """e.date = (SELECT max(y.date) FROM core.followers y
    WHERE y.account_id = e.account_id AND y.date < CAST($month AS DATE) + INTERVAL 1 MONTH)"""
# An agency's window rests on the posts of its accounts that were judged.
COMPARED = ("judged", "not_ranked")
JUDGED = """(f.account_id, f.month) IN (
        SELECT (account_id, month) FROM estimates.account_month_expected WHERE deviation IS NOT NULL)
    AND f.account_id IN (
        SELECT r.account_id FROM estimates.account_reasons r WHERE r.agency_id = f.agency_id AND r.reason IS NULL)"""
REGISTER = {"core.cases": "registry/responses.csv", "core.followers": "registry/followers.csv"}


@dataclass(frozen=True)
class Source:
    """One row of one file behind a figure. `row` is the line of a text file or the row of a sheet; null for a whole register."""

    file: str
    sha256: str | None
    member: str
    row: int | None
    account_id: str | None
    captured_at: datetime | None
    what: str | None
    value: str | None


def trace(workspace: Workspace, figure_id: str, version_name: str | None = None) -> list[Source]:
    """The rows behind a figure of the published version, oldest export first. Raises NotPossible."""
    short, column, keys = parse(figure_id)
    with versions.open_version(workspace, version_name) as version:
        if short == "metric":
            return _measured(version, column, keys)
        table = _table(short, version.tables)
        names = version.sql(f"SELECT * FROM {table} LIMIT 0").columns  # noqa: S608 - a name of this version
        unknown = [name for name in (column, *keys) if name not in names]
        if unknown:
            near = ", ".join(difflib.get_close_matches(unknown[0], names, n=3)) or ", ".join(names[:8])
            raise NotPossible(
                f"Tabel {table} tidak punya kolom {unknown[0]}. Yang mirip: {near}",
                f"Table {table} has no column {unknown[0]}. Similar: {near}",
            )
        rows = _rows(version, table, keys)
        if not rows:
            _nearest_value(version, table, keys)
        found = [_sources(version, evidence, table, column, row) for evidence in evidence_of(table, column) for row in rows]
    frames = [f for f in found if f.height]
    if not frames:
        return []
    listed = (
        pl.concat(frames, how="vertical_relaxed")
        .unique(maintain_order=True)
        .sort("captured_at", "file", "member", "row", nulls_last=True)
    )
    return [Source(**row) for row in listed.to_dicts()]


def _nearest_value(version: versions.Version, table: str, keys: dict[str, str]) -> None:
    """A key that the table does not hold is an error that names the nearest; a row that is only not there is no error."""
    for name, value in keys.items():
        known = [str(v) for v in version.sql(f'SELECT DISTINCT "{name}" AS v FROM {table} ORDER BY 1')["v"].drop_nulls()]  # noqa: S608
        if value and value not in known:
            near = ", ".join(difflib.get_close_matches(value, known, n=3)) or ", ".join(known[:8])
            raise NotPossible(
                f"Tidak ada {name} '{value}' di {table}. Yang mirip: {near}",
                f"There is no {name} '{value}' in {table}. Similar: {near}",
            )


def parse(figure_id: str) -> tuple[str, str, dict[str, str]]:
    """Table, column and keys of a figure id."""
    table, _, rest = figure_id.partition(":")
    column, _, keys = rest.partition(":")
    pairs = [part.partition("=") for part in keys.split(",") if part]
    if not table or not column or any(not separator for _, separator, _ in pairs):
        raise NotPossible(
            f"'{figure_id}' bukan id angka; bentuknya tabel:kolom:kunci=nilai, misalnya {EXAMPLE}",
            f"'{figure_id}' is no figure id; its form is table:column:key=value, for example {EXAMPLE}",
        )
    return table, column, {name: value for name, _, value in pairs}


def evidence_of(table: str, column: str) -> tuple[str, ...]:
    """The evidence tables that a column comes from: by column lineage through SQL, by table through Python."""
    graph = {m.name: m for m in models.models()}
    level, seen = {(table, column)}, set()
    while level:
        reached = {name for name, _ in level} & set(EVIDENCE)
        if "core.posts" in reached:
            reached.discard("core.followers")  # size only sets what is expected of a post; the posts are what was measured
        if reached:
            return tuple(name for name in EVIDENCE if name in reached)
        seen |= level
        level = {origin for place in level for origin in _origins(graph, *place)} - seen
    return ()


def _origins(graph: dict[str, models.Model], table: str, column: str) -> set[tuple[str, str]]:
    """One step up the lineage. What Python builds, or SQL without a column of that name, comes from everything it reads."""
    if table not in graph:
        return set()
    lineage = models.lineage_of(graph[table])
    return set(lineage.get(column) or [origin for origins in lineage.values() for origin in origins])


def _table(short: str, known: list[str]) -> str:
    names = [short] if "." in short else [f"{schema}.{short}" for schema in SCHEMAS]
    for name in names:
        if name in known:
            return name
    near = ", ".join(difflib.get_close_matches(short, [k.split(".")[1] for k in known], n=3)) or "-"
    raise NotPossible(f"Tidak ada tabel {short}. Yang mirip: {near}", f"There is no table {short}. Similar: {near}")


def _rows(version: versions.Version, table: str, keys: dict[str, str]) -> list[dict[str, Any]]:
    parts = [f'CAST("{name}" AS VARCHAR) = ${name}' if value else f'"{name}" IS NULL' for name, value in keys.items()]
    known = {name: value for name, value in keys.items() if value}
    return version.sql(f"SELECT * FROM {table} WHERE {' AND '.join(parts) or 'TRUE'}", **known).to_dicts()  # noqa: S608 - checked


def _measured(version: versions.Version, column: str, keys: dict[str, str]) -> list[Source]:
    """The files behind a metric: those that the measurement itself names; their rows are not told apart."""
    metric = column.partition(".")[0]
    where: dict[str, Any] = {name: value for name, value in keys.items() if name != "month"}
    if "month" in keys:
        first, _, last = keys["month"].partition("..")
        try:
            where["month"] = tuple(date.fromisoformat(f"{month}-01") for month in (first, last or first))
        except ValueError:
            raise NotPossible(
                f"'{keys['month']}' bukan rentang bulan; bentuknya 2026-08..2026-10",
                f"'{keys['month']}' is no span of months; its form is 2026-08..2026-10",
            ) from None
    try:
        found = metrics.measure(version, metric, by=("agency_id",), where=where)
    except metrics.MetricError as error:
        indonesian, _, english = str(error).partition(" / ")
        raise NotPossible(indonesian, english or indonesian) from None
    ids = sorted({int(export) for row in found["export_ids"].to_list() for export in row or []})
    files = version.table("marts.export_files").filter(pl.col("export_id").is_in(ids))
    rows = files.sort("captured_at", "file_name", "member", nulls_last=True).to_dicts()
    return [
        Source(r["file_name"], r["sha256"], r["member"] or "", None, r["account_id"], r["captured_at"], r["kind"], None)
        for r in rows
    ]


def _sources(version: versions.Version, evidence: str, table: str, column: str, row: dict[str, Any]) -> pl.DataFrame:
    """Rows of an evidence table that share the figure's account, agency, month, programme or period."""
    themed = evidence == "core.posts"
    source = "core.posts e" if themed else f"{evidence} e"
    names = set(version.sql(f"SELECT * FROM {evidence} LIMIT 0").columns)  # noqa: S608
    facts = set(version.sql("SELECT * FROM marts.post_facts LIMIT 0").columns) - names if themed else set()
    conditions, values = [], {}
    for name in SHARED:
        if row.get(name) is not None and name in names | facts:
            conditions.append(f"{'e' if name in names else 'f'}.{name} = ${name}")
            values[name] = row[name]
    span = _span(row, column)
    if span and DAY.get(evidence):
        conditions.append(f"e.{DAY[evidence]} BETWEEN $first_day AND $last_day")
        values |= {"first_day": span[0], "last_day": span[1]}
    if row.get("metric") is not None and evidence == "core.account_days":
        conditions.append("e.metric = $metric")
        values["metric"] = row["metric"]
    if themed:
        source += " LEFT JOIN marts.post_facts f ON f.post_key = e.post_key"
        conditions.append(_which_posts(table, column))
        if row.get("state") in COMPARED and table == "estimates.agency_window" and span and span[0] == row["period_start"]:
            conditions.append(JUDGED)
    if evidence == "core.followers" and row.get("month") is not None:
        conditions.append(LAST_KNOWN)
        values["month"] = row["month"]
    captured = "e.captured_at" if "captured_at" in names else "x.captured_at"
    return version.sql(
        f"""SELECT coalesce(x.file_name, '{REGISTER.get(evidence, "-")}') AS file, x.sha256, coalesce(x.member, '') AS member,
            e.row_number AS row, e.account_id, {captured} AS captured_at, {WHAT[evidence]} AS what, {VALUE[evidence]} AS value
        FROM {source} LEFT JOIN marts.export_files x ON x.export_id = e.export_id
        WHERE {" AND ".join(conditions) or "TRUE"}""",  # noqa: S608 - names are ours, values are parameters
        **values,
    )


def _which_posts(table: str, column: str) -> str:
    """The posts that a column is about: stories and reshares are counted apart, rates and estimates rest on mature posts."""
    apart = {"stories": "e.is_story", "shares_of_others": "e.is_share"}
    if table == "core.posts":
        return "TRUE"
    if table.startswith("estimates.") or column.startswith(("er_", "mature", "zero", "ln_")):
        return "f.is_comparable"
    return apart.get(column, "e.is_counted")


def _span(row: dict[str, Any], column: str) -> tuple[date, date] | None:
    """The period of a figure; a change also rests on the equally long period before."""
    first, last = row.get("period_start"), row.get("period_end")
    if isinstance(row.get("date"), date):
        first = last = row["date"]
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    return (first - (last - first), last) if column.startswith(("change", "previous", "p", "q", "direction")) else (first, last)
