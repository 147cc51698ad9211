"""What the pages read from one published version, loaded once and partitioned by agency.

Ninety agencies in two languages are 180 pages; asking the version per page would cost more than writing them. The tables are
those of
the version itself: nothing about their columns is written down a second time, and nothing is computed here. A version that
lacks a
table was published by an older release, and saying so is better than a page with holes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import files
from pipeline.engine import metrics
from pipeline.engine.versions import Version
from pipeline.html.escape import file_part, tampil
from pipeline.registry import Registry, tiles

LENS = "pancakarsa"
UNTAGGED = "untagged"
TABLES = (
    "meta.version",
    "meta.checks",
    "meta.tables",
    "meta.moved_values",
    "core.agencies",
    "core.accounts",
    "core.trainings",
    "core.series_breaks",
    "core.circulars",
    "core.objections",
    "marts.period",
    "marts.regency_window",
    "marts.platform_window",
    "marts.account_window",
    "marts.agency_summary",
    "marts.agency_clock",
    "marts.agency_days",
    "marts.post_list",
    "marts.coverage_month",
    "marts.coverage_group",
    "marts.export_files",
    "marts.export_platforms",
    "marts.restatement_fields",
    "marts.contradictions",
    "marts.theme_agency",
    "estimates.group_window",
    "estimates.peer_box",
    "estimates.agency_window",
    "estimates.agency_platform_window",
    "estimates.agency_month_index",
    "estimates.peer_month",
    "estimates.regency_month",
    "estimates.theme_window",
    "estimates.theme_month",
    "estimates.theme_check",
    "estimates.training_effect",
    "estimates.training_event",
    "estimates.training_cohort",
    "estimates.training_agency",
    "estimates.response_summary",
    "estimates.reply_waits",
    "estimates.aspiration_gap",
    "estimates.target_status",
    "estimates.rhythm",
    "estimates.surges",
    "estimates.threshold_effect",
    "estimates.actions",
)
METRICS = (  # of metrics.yml, on the page of every agency in this order; adding a name adds the metric to the page
    "active_weeks",
    "gap_p90",
    "offhours_share",
    "zero_share",
    "ceremonial_share",
    "completeness",
)


class OldVersion(RuntimeError):
    """The version was published by a release that did not have these tables yet."""


@dataclass
class Facts:
    """One version: its tables by name, its agencies in alphabetical order."""

    frames: dict[str, pl.DataFrame]
    agencies: list[dict[str, Any]]
    themes: dict[str, dict[str, str]]
    rules: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # metric → agency → its measurement
    notebooks: list[Any] = field(default_factory=list)  # execution.Record, of the runs kept in the workspace
    tiles: list[list[str | None]] = field(default_factory=list)  # the schematic map: rows of agencies from north to south
    age_limit: int = 0  # days after which a page says how old its data are; 0 where no registry says it
    grounds: dict[str, pl.DataFrame] = field(default_factory=dict)  # rule → the rows on which its advice for the regency rests
    past: list[Past] = field(default_factory=list)  # reports that were published before, oldest first
    parts: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)

    def of(self, table: str, agency_id: str) -> pl.DataFrame:
        """The rows of one agency; an empty frame of the same columns when it has none."""
        if table not in self.parts:
            self.parts[table] = partition(self.frames[table])
        found = self.parts[table].get(agency_id)
        return self.frames[table].clear() if found is None else found

    def row(self, table: str, **keys: object) -> dict[str, Any]:
        """The row with these keys (None matches null), or an empty dict."""
        rows = self.frames[table]
        for name, value in keys.items():
            rows = rows.filter(pl.col(name).is_null() if value is None else pl.col(name) == value)
        return rows.row(0, named=True) if rows.height else {}

    @cached_property
    def info(self) -> dict[str, Any]:
        return self.row("meta.version")

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """table → the columns that make its rows unique, as the version says."""
        rows = self.frames["meta.tables"].select("name", "key").iter_rows()
        return {name: tuple(part.strip() for part in (key or "").split(",") if part.strip()) for name, key in rows}

    @cached_property
    def disputed(self) -> dict[str, str]:
        """figure id → what its agency says against it, until that is decided."""
        rows = self.frames["core.objections"].filter("is_open").sort("received_on", "objection_id")
        return {figure: tampil(text, 400) for figure, text in rows.select("figure_id", "objection").iter_rows()}

    @cached_property
    def regency(self) -> dict[str, Any]:
        """What the estimates say of all compared agencies together."""
        return self.row("estimates.group_window", peer_group=None)

    @cached_property
    def period(self) -> tuple[date | None, date | None]:
        """The three complete months that the estimates judge."""
        row = self.row("marts.period")
        return row.get("period_start"), row.get("period_end")

    @cached_property
    def previous(self) -> tuple[date | None, date | None]:
        """The three months before."""
        row = self.row("marts.period")
        return row.get("previous_start"), row.get("previous_end")

    def months(self, count: int = 13) -> list[date]:
        """The last `count` months of the judged period, oldest first."""
        end = self.period[1]
        return [month_back(end.replace(day=1), k) for k in range(count - 1, -1, -1)] if end else []

    @cached_property
    def listed(self) -> list[dict[str, Any]]:
        """The agencies that are compared with others: all that exist in the period, without the main channel."""
        return [a for a in self.agencies if a["summary"].get("is_listed")]

    @cached_property
    def schemes(self) -> list[str]:
        """The programme schemes of the judged period: Pancakarsa first, then those with the most posts."""
        counts = self.frames["estimates.theme_window"].group_by("scheme_id").agg(pl.col("n_posts").sum())
        ordered = counts.drop_nulls("scheme_id").sort("n_posts", "scheme_id", descending=[True, False], nulls_last=True)
        found: list[str] = ordered["scheme_id"].to_list()
        return sorted(found, key=lambda scheme: scheme != LENS)

    @property
    def scheme(self) -> str:
        """The scheme that leads: Pancakarsa where the version has it, else the programme of the day."""
        return (self.schemes or [LENS])[0]

    def programmes(self, scheme: str) -> pl.DataFrame:
        """The programmes of a scheme; posts without a theme are a share beside them, never a programme."""
        window = self.frames["estimates.theme_window"]
        return window.filter((pl.col("scheme_id") == scheme) & (pl.col("programme") != UNTAGGED)).sort("programme")

    def untagged(self, scheme: str) -> dict[str, Any]:
        return self.row("estimates.theme_window", scheme_id=scheme, programme=UNTAGGED)

    @property
    def simulated(self) -> bool:
        return bool(self.info.get("simulated"))


@dataclass(frozen=True)
class Past:
    """A report that was published: of the three months that end with `month`, as the version said that made it.

    `seal` is the entry of the month's seal: the month is closed, and its tables come from the sealed bundle."""

    month: date
    version: str
    facts: Facts
    seal: dict[str, Any] | None = None
    corrections: tuple[dict[str, Any], ...] = ()

    @property
    def closed_on(self) -> date | None:
        return datetime.fromisoformat(self.seal["closed_at"]).date() if self.seal else None


def load(version: Version, registry: Registry | None = None) -> Facts:
    """Everything the pages need. Raises OldVersion where the version lacks a table."""
    missing = sorted(set(TABLES) - set(version.tables))
    if missing:
        raise OldVersion(
            f"Versi ini diterbitkan oleh Terukur yang lebih lama (belum ada {', '.join(missing[:3])}). "
            "Jalankan `terukur run` sekali, lalu ulangi. / "
            f"This version was published by an older Terukur (it lacks {', '.join(missing[:3])}). "
            "Run `terukur run` once, then try again."
        )
    frames = {name: version.table(name) for name in TABLES}
    rules = theme_rules(registry)
    facts = Facts(frames=frames, agencies=agencies_of(frames), themes=theme_names(rules), rules=rules)
    facts.grounds = grounds(version, frames["estimates.actions"])
    facts.tiles = tiles(registry.settings) if registry else []
    facts.age_limit = registry.settings["data_age_warning_days"] if registry else 0
    facts.measured = {name: measured(version, name, facts.period) for name in METRICS}
    return facts


def grounds(version: Version, actions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The rows of the query that each advice for the regency keeps: what it rests on, as anyone can ask it again."""
    rows = actions.filter(pl.col("agency_id").is_null() & pl.col("evidence_query").is_not_null())
    return {rule: version.sql(query) for rule, query in rows.select("rule", "evidence_query").iter_rows()}


def measured(version: Version, metric: str, period: tuple[date | None, date | None]) -> dict[str, dict[str, Any]]:
    """agency → the measurement of a metric over the judged months."""
    first, last = period
    if first is None or last is None:
        return {}
    rows = metrics.measure(version, metric, by=("agency_id",), where={"month": (first, last.replace(day=1))})
    return {row["agency_id"]: row for row in rows.to_dicts() if row["agency_id"] is not None}


def partition(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    if frame.is_empty():
        return {}
    return {str(key[0]): part for key, part in frame.partition_by("agency_id", as_dict=True).items() if key[0] is not None}


def agencies_of(frames: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Alphabetical by short name, cleaned for display, each with a file name of its own, its window and its summary."""
    windows = by_id(frames["estimates.agency_window"])
    summaries = by_id(frames["marts.agency_summary"])
    rows: list[dict[str, Any]] = []
    used: set[str] = set()
    for row in frames["core.agencies"].sort("agency_id").to_dicts():
        row["short"] = tampil(row["short_name"] or row["name"] or row["agency_id"], 60)
        row["long"] = tampil(row["name"] or row["short"], 120)
        row["slug"] = slug = unused(file_part(row["agency_id"]), used)
        used.add(slug)
        row["window"] = windows.get(row["agency_id"], {})
        row["summary"] = summaries.get(row["agency_id"], {})
        rows.append(row)
    return sorted(rows, key=lambda r: (alphabetical(r["short"]), r["agency_id"]))


def by_id(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["agency_id"]: row for row in frame.to_dicts()}


def unused(stem: str, used: Iterable[str]) -> str:
    """`stem`, or with a number where two agencies would share a file."""
    taken, slug, count = set(used), stem, 1
    while slug in taken:
        count += 1
        slug = f"{stem}-{count}"
    return slug


def alphabetical(name: str) -> str:
    """What names are sorted by: a sign before the first letter or digit puts nobody at the head of a list."""
    return re.sub(r"^[\W_]+", "", name).casefold()


def month_back(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def theme_rules(registry: Any = None) -> dict[str, Any]:
    """The rules of the register, else those of the packaged draft."""
    themes = getattr(registry, "themes", None)
    if themes:
        return dict(themes)
    path = Path(__file__).parents[1] / "templates" / "kabupaten-bogor" / "themes.yml"
    return dict(files.load_yaml(path.read_text(encoding="utf-8"))) if path.exists() else {}


def theme_names(rules: dict[str, Any]) -> dict[str, dict[str, str]]:
    """programme or scheme → {id, en}, as the register names them."""
    names: dict[str, dict[str, str]] = {}
    for scheme in rules.get("schemes", []):
        names[scheme["id"]] = {"id": scheme.get("name_id", scheme["id"]), "en": scheme.get("name_en", scheme["id"])}
        for programme in scheme.get("programmes", []):
            names[programme["id"]] = {
                "id": programme.get("name_id", programme["id"]).removeprefix("Karsa "),
                "en": programme.get("name_en", programme["id"]),
            }
    return names
