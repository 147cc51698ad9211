"""The metrics: written once in `warehouse/metrics.yml`, measured here at any grain.

    measure(version, "er_account", by=("agency_id", "platform", "month"), where={"platform": "instagram"})

Each row of a measurement carries the value with its numerator, denominator, n (posts, cases or days behind it), a 95 % interval
where one can be justified, coverage, maturity, basis and the exports behind it. What a platform does not report is null with n 0,
never 0. `is_enough` says whether n reaches the metric's `minimum_n`: below it the number describes what was counted, and pages
write "too little data" in its place. A metric is measured only by the columns of its `grains` (and the keys of its source and
platform), so that a number means what the catalogue says.
`basis` names the parts of engagement that went in, where files differ in them (TikTok saves), and whether posts of a top
list are in it (`top_list`) or were left out (`without_top_list`); two numbers of different basis are not comparable.

A metric is one source (a relation of the published version) and, per row of it, a numerator and a denominator; a row counts only
when both are known. An estimator says how rows become a value and an interval. Reach, impressions and views are different units,
so a metric built on them refuses to be measured over several platforms at once.
"""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from scipy import stats

from pipeline import columns, files
from pipeline.engine.placeholders import fill
from pipeline.platforms import having
from pipeline.statistics import survival
from pipeline.statistics.intervals import order_statistics, poisson, wilson

FILE = files.shipped("warehouse", "metrics.yml")
SINGLE_PLATFORM = ("platform", "account_id", "post_key", "export_id")
POSTS_KEYS = ("agency_id", "account_id", "platform", "month", "quarter", "week_start", "peer_group")
COVERAGE_BY = ("agency_id", "account_id", "platform", "month", "quarter", "peer_group")
RESULT = (
    "value",
    "unit",
    "numerator",
    "denominator",
    "n",
    "is_enough",
    "lower",
    "upper",
    "coverage",
    "maturity",
    "basis",
    "export_ids",
)
GRAIN_COLUMNS = {  # how metrics.yml writes a grain, where the column has another name
    "account": "account_id",
    "agency": "agency_id",
    "week": "week_start",
    "day": "date",
    "post": "post_key",
    "count": "metric",
}


class MetricError(ValueError):
    """A metric or grain that does not exist, said in Indonesian and English with the nearest match."""


@dataclass(frozen=True)
class Metric:
    """One entry of metrics.yml. `rows`, `numerator`, `denominator` are SQL per row of the source; `formula`, `sample_size` per
    group."""

    metric_id: str
    group: str
    label_id: str
    label_en: str
    explanation_id: str
    explanation_en: str
    unit: str
    estimator: str
    source: tuple[str, ...]
    numerator: str
    formula: str
    sample_size: str
    grains: tuple[str, ...]
    direction: str
    caveat_id: str
    caveat_en: str
    platforms: tuple[str, ...] = ()
    denominator: str | None = None
    rows: str = "true"
    lower: str | None = None
    upper: str | None = None
    scale: float = 1.0
    minimum_n: int = 0
    per_platform: bool = False
    within: str | None = None
    maximum: float | None = None
    provided: bool = True


@dataclass(frozen=True)
class Source:
    """A relation that metrics are measured on. `key` is given where rows are estimates that may not be added up."""

    source_id: str
    sql: str
    description_id: str
    description_en: str
    key: tuple[str, ...] = ()
    spine: str | None = None
    built_from_posts: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Everything that metrics.yml says."""

    metrics: dict[str, Metric]
    sources: dict[str, Source]
    estimators: dict[str, dict[str, str]]
    groups: dict[str, dict[str, str]]
    units: dict[str, dict[str, str]]
    terms: list[dict[str, str]] = field(default_factory=list)


@lru_cache(maxsize=4)
def catalogue(path: Path = FILE) -> Catalogue:
    """metrics.yml, checked: unknown keys, missing texts, unknown sources and estimators are errors that name the entry."""
    data = files.load_yaml(path.read_text(encoding="utf-8"))
    sources = {name: _source(name, body) for name, body in data["sources"].items()}
    metrics = {}
    for entry in data["metrics"]:
        metric = _metric(entry, data)
        if metric.metric_id in metrics:
            raise MetricError(f"metrics.yml: {metric.metric_id} tertulis dua kali / appears twice")
        metrics[metric.metric_id] = metric
    return Catalogue(metrics, sources, data["estimators"], data["groups"], data["units"], data.get("terms", []))


def _source(name: str, body: Mapping[str, Any]) -> Source:
    texts = (body["sql"], body["description_id"], body["description_en"])
    return Source(name, *texts, tuple(body.get("key", ())), body.get("spine"), body.get("built_from_posts", False))


def _metric(entry: Mapping[str, Any], data: Mapping[str, Any]) -> Metric:
    name = entry.get("metric_id", "?")
    unknown = sorted(set(entry) - {f.name for f in fields(Metric)})
    if unknown:
        raise MetricError(f"metrics.yml, {name}: kunci tidak dikenal / unknown keys: {', '.join(unknown)}")
    estimator = data["estimators"].get(entry.get("estimator"))
    source = entry.get("source", [])
    source = [source] if isinstance(source, str) else source
    wrong = [s for s in source if s not in data["sources"]]
    if estimator is None or wrong or entry.get("group") not in data["groups"] or entry.get("unit") not in data["units"]:
        raise MetricError(f"metrics.yml, {name}: estimator, source, group, unit tidak dikenal / unknown {wrong}")
    defaults = {"formula": estimator["formula"], "sample_size": estimator["sample_size"]}
    texts = {"source": tuple(source), "grains": tuple(entry["grains"]), "platforms": _platforms(entry.get("platforms", ()))}
    filled = {key: fill(value) if isinstance(value, str) else value for key, value in entry.items()}
    try:
        return Metric(**(defaults | filled | texts))
    except TypeError as error:
        raise MetricError(f"metrics.yml, {name}: {error}") from None


def _platforms(said: Sequence[str] | str) -> tuple[str, ...]:
    """The platforms of a metric: listed, or those with a role in platforms.yml."""
    return having(*said.split("=")) if isinstance(said, str) else tuple(said)


def get(metric_id: str) -> Metric:
    """One metric, or an error with the nearest names."""
    metrics = catalogue().metrics
    if metric_id not in metrics:
        raise MetricError(_unknown("metrik", "metric", metric_id, metrics))
    return metrics[metric_id]


def _unknown(kind_id: str, kind_en: str, seen: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(str(seen), list(known), n=3, cutoff=0.4)
    maybe_id = f" Mungkin maksudnya: {', '.join(near)}." if near else f" Yang ada: {', '.join(sorted(known))}."
    maybe_en = f" Did you mean: {', '.join(near)}?" if near else f" Known: {', '.join(sorted(known))}."
    return f"Tidak ada {kind_id} '{seen}'.{maybe_id} / There is no {kind_en} '{seen}'.{maybe_en}"


# ---- measuring ------------------------------------------------------------------------------------------------------------


def measure(data: Any, metric: str, by: Sequence[str] = (), where: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """One row per combination of the `by` columns, sorted by them, with the columns of `RESULT`.

    `data` is a published version (anything with `.sql(query) -> frame`) or a DuckDB connection that has its schemas. `where`
    holds a value, a list of values, or a (first, last) tuple per column. Raises MetricError for an unknown metric or column, or a
    grain at which the number would mix units.
    """
    entry, by, where = get(metric), tuple(by), dict(where or {})
    if not entry.provided:
        raise MetricError(f"{metric}: {entry.caveat_id} / {entry.caveat_en}")
    source, columns = _choose(data, entry, by, where)
    _check_grain(entry, source, columns, by, where)
    rows = _query(data, _aggregate(entry, source, columns, by, where))
    if entry.within:
        rows = _across(rows, by)
    values = _enough(_with_interval(rows, entry), entry)
    if source.built_from_posts:
        values = _with_posts_exports(data, values, source, columns, by, where)
    coverage = _coverage(data, by, where)
    shared = [name for name in by if name in coverage.columns]
    values = values.join(coverage, on=shared, how="left", nulls_equal=True) if shared else values.join(coverage, how="cross")
    return values.with_columns(unit=pl.lit(entry.unit)).select(*by, *RESULT).sort(list(by))


def _query(data: Any, query: str) -> pl.DataFrame:
    found = data.sql(query)
    return found if isinstance(found, pl.DataFrame) else found.pl()


def _choose(data: Any, entry: Metric, by: tuple[str, ...], where: Mapping[str, Any]) -> tuple[Source, list[str]]:
    """The first source of the metric that has every column asked for."""
    wanted, best = {*by, *where}, None
    for name in entry.source:
        source = catalogue().sources[name]
        try:
            columns = _query(data, f"select * from ({source.sql}) limit 0").columns  # noqa: S608 - our own SQL
        except duckdb.CatalogException:
            continue
        if wanted <= set(columns) and _single(source, by, where):
            return source, columns
        best = best or (source, columns)
    if best is None:
        raise MetricError(
            f"{entry.metric_id}: versi ini tidak memuat tabelnya ({', '.join(entry.source)}) / "
            f"this version does not hold its tables ({', '.join(entry.source)})"
        )
    return best


def _single(source: Source, by: tuple[str, ...], where: Mapping[str, Any]) -> bool:
    fixed = {name for name, value in where.items() if not isinstance(value, list | tuple | set)}
    return set(source.key) <= {*by, *fixed}


def _check_grain(entry: Metric, source: Source, columns: list[str], by: tuple[str, ...], where: Mapping[str, Any]) -> None:
    for name in (*by, *where):
        if name not in columns:
            raise MetricError(f"{entry.metric_id}: {_unknown('kolom', 'column', name, columns)}")
    wrong = [name for name in by if name not in _grains(entry, source)]
    if wrong:
        known = ", ".join(sorted(_grains(entry, source)))
        raise MetricError(
            f"{entry.metric_id}: tidak diukur per {', '.join(wrong)}, hanya per {known} / "
            f"it is not measured by {', '.join(wrong)}, only by {known}"
        )
    if not _single(source, by, where):
        missing = ", ".join(sorted(set(source.key) - {*by, *where}))
        raise MetricError(
            f"{entry.metric_id}: angka ini adalah perkiraan per {', '.join(source.key)}; tambahkan {missing} / "
            f"this number is an estimate per {', '.join(source.key)}; add {missing}"
        )
    platform = where.get("platform")
    if entry.per_platform and not set(by) & set(SINGLE_PLATFORM) and not isinstance(platform, str):
        raise MetricError(
            f"{entry.metric_id}: satuannya berbeda di tiap platform dan tidak boleh digabung; "
            "tambahkan 'platform' pada by atau where / "
            "its unit differs between platforms and must not be pooled; add 'platform' to by or where"
        )


def _grains(entry: Metric, source: Source) -> set[str]:
    """The columns that a metric may be measured by."""
    words = {word for grain in entry.grains for word in grain.split("-")}
    return {GRAIN_COLUMNS.get(word, word) for word in words} | set(source.key) | {"platform"}


def hazards(metric: str) -> list[tuple[str, str, str]]:
    """(column, where it can mislead, id and en) of the columns of columns.yml that a metric is made of."""
    entry = get(metric)
    used = re.findall(r"[a-z_0-9]+", f"{entry.numerator} {entry.denominator or ''}")
    known = columns.columns()
    return [
        (name, known[name].hazard_id, known[name].hazard_en)
        for name in dict.fromkeys(used)
        if name in known and known[name].hazard_id
    ]


def caveats(metric: str, language: str) -> str:
    """What stands beside the number: the metric's own caveat, and where the columns that it is made of mislead."""
    told = [getattr(get(metric), f"caveat_{language}"), *(texts[language == "en"] for _, *texts in hazards(metric))]
    return " ".join(t if t.endswith(".") else f"{t}." for t in dict.fromkeys(told) if t)


def literal(value: Any) -> str:
    """A value as SQL. Text is quoted, so no value can become a query."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def _condition(name: str, value: Any) -> str:
    column = f'"{name}"'
    if value is None:
        return f"{column} is null"
    if isinstance(value, tuple):
        return f"{column} between {literal(value[0])} and {literal(value[1])}"
    if isinstance(value, list | set | frozenset):
        return f"{column} in ({', '.join(literal(v) for v in value)})" if value else "false"
    return f"{column} = {literal(value)}"


MOMENTS = {
    "log_mean": "stddev_samp(ln_rate) filter (numerator is not null) as spread",
    "ratio": "sum(numerator * numerator) as nn, sum(numerator * denominator) as nd, sum(denominator * denominator) as dd",
    "mean": "stddev_samp(numerator / denominator) as spread",
    "events": "count(numerator) as observed, sum(numerator * numerator / nullif(denominator, 0)) as squares",
    "median": "list(numerator / denominator order by numerator / denominator) filter (numerator is not null) as observed",
    "survival_median": "list(numerator) filter (numerator is not null) as observed, "
    "list(denominator) filter (numerator is not null) as happened",
}
MOMENTS["survival_share"] = MOMENTS["survival_quantile"] = MOMENTS["survival_median"]


def _aggregate(entry: Metric, source: Source, columns: list[str], by: tuple[str, ...], where: Mapping[str, Any]) -> str:
    relation = source.sql
    if source.spine and set(by) | set(where) <= set(COVERAGE_BY):
        relation = f"({source.sql}) union all by name ({source.spine})"
    conditions = " and ".join(_condition(name, value) for name, value in where.items()) or "true"
    counts = f"coalesce(({entry.rows}), false)"
    if entry.platforms and "platform" in columns:
        counts += f" and platform in ({', '.join(literal(p) for p in entry.platforms)})"
    denominator = entry.denominator or "1"
    keys = [f'"{name}"' for name in by]
    if entry.within:
        keys.append(f'"{entry.within}"')
    grouped = f"group by {', '.join(keys)}" if keys else "having count(*) > 0"
    chosen = ", ".join(
        [
            *keys,
            f"cast({entry.formula} as double) as value",
            "cast(sum(numerator) as double) as numerator",
            "cast(sum(denominator) as double) as denominator",
            f"coalesce(cast({entry.sample_size} as bigint), 0) as n",
            f"cast({entry.lower or 'null'} as double) as lower_column",
            f"cast({entry.upper or 'null'} as double) as upper_column",
            _maturity_sql(columns),
            _basis_sql(entry, columns),
            _exports_sql(columns),
            *([MOMENTS[entry.estimator]] if entry.estimator in MOMENTS else []),
        ]
    )
    return f"""
        with source as ({relation}),
        counted as (select *, ({counts}) as counts, cast(({entry.numerator}) as double) as part,
                           cast(({denominator}) as double) as whole from source where {conditions}),
        paired as (select *, case when counts and whole is not null then part end as numerator,
                          case when counts and part is not null then whole end as denominator from counted)
        select {chosen} from paired {grouped}"""  # noqa: S608 - metrics.yml is ours, values are quoted


def _maturity_sql(columns: list[str]) -> str:
    if "maturity" not in columns:
        return "cast(null as varchar) as maturity"
    share = "avg(case when maturity = 'mature' then 1.0 when maturity is not null then 0.0 end)"
    states = f"when {share} >= 0.9 then 'mature' when {share} >= 0.5 then 'maturing' when {share} is not null then 'fresh'"
    return f"case {states} end as maturity"


def _basis_sql(entry: Metric, columns: list[str]) -> str:
    """What a value was made of, where exports of one platform differ in that; null where there is nothing to tell."""
    uses_parts = {"engagement", "e_final"} & set(re.findall(r"\w+", f"{entry.numerator} {entry.denominator}"))
    named = "basis" if "basis" in columns else "engagement_parts" if uses_parts and "engagement_parts" in columns else None
    parts = []
    if named:
        parts.append(f"string_agg(distinct {named}, ' | ' order by {named}) filter (numerator is not null and {named} <> '')")
    if "is_top_list" in columns:
        parts.append("case when bool_or(is_top_list and numerator is not null) then 'top_list' end")
        if "is_top_list" in entry.rows:
            parts.append("case when bool_or(is_top_list and is_counted) then 'without_top_list' end")
    told = f"nullif(concat_ws('; ', {', '.join(parts)}), '')" if parts else "cast(null as varchar)"
    return f"{told} as basis"


def _exports_sql(columns: list[str]) -> str:
    if "export_ids" in columns:
        found = "list_sort(list_distinct(flatten(list(export_ids) filter (export_ids is not null))))"
        return f"coalesce(cast({found} as bigint[]), cast([] as bigint[])) as export_ids"
    if "export_id" not in columns:
        return "cast([] as bigint[]) as export_ids"
    found = "list_sort(list(distinct cast(export_id as bigint)) filter (export_id is not null))"
    return f"coalesce({found}, cast([] as bigint[])) as export_ids"


def _with_posts_exports(
    data: Any, values: pl.DataFrame, source: Source, columns: list[str], by: tuple[str, ...], where: Mapping[str, Any]
) -> pl.DataFrame:
    """Adds the exports of the counted posts that an estimate was made from, within its own window where it has one."""
    keys = [name for name in by if name in POSTS_KEYS]
    kept = [
        "is_counted",
        *(_condition(name, value) for name, value in where.items() if name in POSTS_KEYS),
    ]
    if {"period_start", "period_end"} <= set(columns):
        window = f"select min(period_start) as first, max(period_end) as last from ({source.sql})"  # noqa: S608 - our own SQL
        first, last = _query(data, window).row(0)
        kept.append(_condition("published_on", (first, last)) if first and last else "false")
    names = [f'"{name}"' for name in keys]
    grouped = f"group by {', '.join(names)}" if names else ""
    chosen, rows = ", ".join([*names, _exports_sql(["export_id"])]), " and ".join(kept)
    posts = """(select p.*, a.peer_group, cast(date_trunc('quarter', p.month) as date) as quarter
             from core.posts p left join core.agencies a on a.agency_id = p.agency_id)"""
    found = _query(data, f"select {chosen} from {posts} where {rows} {grouped}")  # noqa: S608 - values are quoted
    values = values.drop("export_ids")
    joined = values.join(found, on=keys, how="left", nulls_equal=True) if keys else values.join(found, how="cross")
    return joined.with_columns(pl.col("export_ids").fill_null([]))


def _across(rows: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """The median over the inner groups that a metric is defined on (`within`), each of them with enough data to have a value."""
    known = pl.col("value").is_not_null()
    merged = [
        pl.col("value").median(),
        pl.col("numerator", "denominator").filter(known).sum(),
        pl.col("n").filter(known).sum(),
        pl.lit(None, pl.Float64).alias("lower_column"),
        pl.lit(None, pl.Float64).alias("upper_column"),
        pl.col("maturity").first(),
        pl.col("basis").first(),
        pl.col("export_ids").explode().unique().sort().drop_nulls(),
    ]
    return (
        rows.group_by(by).agg(merged)
        if by
        else rows.select(*(m.implode() if m.meta.output_name() == "export_ids" else m for m in merged))
    )


# ---- intervals ------------------------------------------------------------------------------------------------------------


def _with_interval(rows: pl.DataFrame, entry: Metric) -> pl.DataFrame:
    estimator = ESTIMATORS[entry.estimator]
    found = [estimator(row, entry) for row in rows.iter_rows(named=True)]
    bounds = pl.DataFrame(found, schema={"value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}, orient="row")
    bounds = bounds.with_columns(pl.all().fill_nan(None))
    bounds = bounds.with_columns(pl.when(pl.all().is_finite()).then(pl.all()))
    if entry.maximum is not None:
        bounds = bounds.with_columns(pl.col("upper").clip(upper_bound=entry.maximum))
    if not entry.estimator.startswith("survival"):  # a curve that has not come down to one half rests on its cases all the same
        rows = rows.with_columns(
            n=pl.when(pl.any_horizontal(bounds.select(pl.all().is_not_null()).get_columns())).then("n").otherwise(0)
        )
    if entry.estimator == "estimate":  # an estimate is not the quotient of two sums
        rows = rows.with_columns(pl.lit(None, pl.Float64).alias(part) for part in ("numerator", "denominator"))
    return rows.drop("value").hstack(bounds)


def _enough(rows: pl.DataFrame, entry: Metric) -> pl.DataFrame:
    """Says beside each value whether it rests on the metric's minimum: below it the number describes, and judges nothing."""
    return rows.with_columns(is_enough=(pl.col("n") >= entry.minimum_n) & pl.col("value").is_not_null())


def _plain(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    return row["value"], row["lower_column"], row["upper_column"]


def _proportion(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    if not row["denominator"]:
        return None, None, None
    low, high = wilson(row["numerator"], row["denominator"])
    return row["value"], low * entry.scale, high * entry.scale


def _poisson(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    """Exact interval with events and exposure divided by the dispersion between rows (Pearson, never below 1): hidings and
    reports come in clusters, and viewers are not independent (METHODS 2a)."""
    if not row["denominator"]:
        return None, None, None
    events, exposure, spread = row["numerator"], row["denominator"], 1.0
    if events > 0 and row["observed"] > 1:
        pearson = row["squares"] * exposure / events - events
        spread = max(1.0, pearson / (row["observed"] - 1))
    low, high = poisson(events / spread, exposure / spread)
    return row["value"], low * entry.scale, high * entry.scale


def _log_mean(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    if row["n"] < 2 or row["spread"] is None:
        return row["value"], None, None
    half = stats.t.ppf(0.975, row["n"] - 1) * row["spread"] / math.sqrt(row["n"])
    return row["value"], row["value"] * math.exp(-half), row["value"] * math.exp(half)


def _mean(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    if row["n"] < 2 or row["spread"] is None:
        return row["value"], None, None
    half = stats.t.ppf(0.975, row["n"] - 1) * row["spread"] / math.sqrt(row["n"]) * entry.scale
    return row["value"], max(0.0, row["value"] - half), row["value"] + half  # every mean here is of counts over counts


def _ratio(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    """Ratio of sums; the unit of replication is the post, not the viewer (linearised variance, interval on the log scale)."""
    n, top, bottom = row["n"], row["numerator"], row["denominator"]
    if not bottom:
        return None, None, None
    if n < 2 or not top:
        return row["value"], None, None
    ratio = top / bottom
    variance = max(0.0, row["nn"] - 2 * ratio * row["nd"] + ratio * ratio * row["dd"]) * n / (n - 1)
    half = stats.t.ppf(0.975, n - 1) * math.sqrt(variance) / top
    return row["value"], row["value"] * math.exp(-half), row["value"] * math.exp(half)


def _median(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    low, high = order_statistics(row["observed"] or [])
    return row["value"], low, high


def _curve(row: Mapping[str, Any]) -> survival.Curve:
    return survival.kaplan_meier(np.array(row["observed"] or [], float), np.array(row["happened"] or [], float) > 0)


def _survival_quantile(share: float) -> Any:
    def estimate(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
        if not row["observed"]:
            return None, None, None
        curve = _curve(row)
        return curve.quantile(share), *curve.quantile_interval(share)

    return estimate


def _survival_share(row: Mapping[str, Any], entry: Metric) -> tuple[Any, Any, Any]:
    """Share answered within `scale` hours: 1 - S(scale)."""
    if not row["observed"]:
        return None, None, None
    curve = _curve(row)
    low, high = curve.interval(entry.scale)
    return 1 - curve.at(entry.scale), 1 - high, 1 - low


ESTIMATORS = {
    "count": _plain,
    "share": _plain,
    "estimate": _plain,
    "proportion": _proportion,
    "events": _poisson,
    "log_mean": _log_mean,
    "mean": _mean,
    "ratio": _ratio,
    "median": _median,
    "survival_median": _survival_quantile(0.5),
    "survival_quantile": _survival_quantile(0.9),
    "survival_share": _survival_share,
}


def _coverage(data: Any, by: tuple[str, ...], where: Mapping[str, Any]) -> pl.DataFrame:
    """Covered days / days of the accounts that must report, at the finest grain that coverage is known at."""
    source = catalogue().sources["coverage"].sql
    keys = [f'"{name}"' for name in by if name in COVERAGE_BY]
    conditions = [_condition(name, value) for name, value in where.items() if name in COVERAGE_BY] or ["true"]
    grouped = f"group by {', '.join(keys)}" if keys else ""
    share = "cast(sum(covered_days) as double) / nullif(sum(days), 0) as coverage"
    chosen, kept = ", ".join([*keys, share]), " and ".join(["state <> 'not_required'", *conditions])
    return _query(data, f"select {chosen} from ({source}) where {kept} {grouped}")  # noqa: S608 - values are quoted


# ---- document -------------------------------------------------------------------------------------------------------------


def document() -> str:
    """`docs/metrik.md`: the catalogue in Indonesian. Written by `python -m pipeline.engine.metrics > docs/metrik.md`."""
    book = catalogue()
    lines = [
        "# Metrik",
        "",
        "Dibuat dari `warehouse/metrics.yml`; jangan disunting dengan tangan (`python -m pipeline.engine.metrics`).",
        "",
    ]
    for group, texts in book.groups.items():
        lines += [f"## {texts['id']}", ""]
        for metric in (m for m in book.metrics.values() if m.group == group):
            lines += _entry(metric, book)
    lines += ["## Sumber", ""]
    lines += [f"- `{s.source_id}`: {s.description_id}" for s in book.sources.values()]
    lines += ["", "## Penaksir", ""]
    lines += [f"- `{name}`: {body['text_id']} Rumus: `{body['formula']}`." for name, body in book.estimators.items()]
    lines += ["", "## Istilah", ""]
    lines += [f"- **{term['term_id']}** ({term['term_en']}): {term['text_id']}" for term in book.terms]
    return "\n".join(lines) + "\n"


def _entry(metric: Metric, book: Catalogue) -> list[str]:
    facts = [f"- Satuan: {book.units[metric.unit]['id']}. Arah: {DIRECTIONS[metric.direction]}."]
    if metric.provided:
        parts = f"pembilang `{metric.numerator}`" + (f", penyebut `{metric.denominator}`" if metric.denominator else "")
        facts += [
            f"- Rumus: `{metric.formula}`; {parts}; baris `{metric.rows}`; n = `{metric.sample_size}`.",
            f"- Sumber: {', '.join(f'`{name}`' for name in metric.source)}. Tingkat: {', '.join(metric.grains)}."
            + (f" Paling sedikit n = {metric.minimum_n}." if metric.minimum_n else ""),
            f"- Platform: {', '.join(metric.platforms) if metric.platforms else 'semua'}"
            + ("; tidak digabung lintas platform." if metric.per_platform else "."),
        ]
    return [
        f"### {metric.label_id} (`{metric.metric_id}`)",
        "",
        f"{metric.explanation_id} *{metric.label_en}.*",
        "",
        *facts,
        f"- Perhatian: {metric.caveat_id}",
        *(f"- Perhatian, `{name}`: {text}" for name, text, _ in hazards(metric.metric_id)),
        "",
    ]


DIRECTIONS = {"up_good": "naik lebih baik", "down_good": "turun lebih baik", "neutral": "tanpa arah"}


if __name__ == "__main__":
    sys.stdout.write(document())
