"""One page in the making: its language, where it will lie, and what it has collected (figures for the live layer, CSV twins).

A number reaches a page only through `Sheet.number`: it is read from a row of a published table, and its id, which `terukur trace`
follows, is made from the same row and column, so the two cannot part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from html import unescape
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from pipeline.charts import Chart, Column, Table
from pipeline.engine import metrics
from pipeline.html import PLOTLY_VERSION, shell
from pipeline.html.escape import csv_bytes, file_part, tampil
from pipeline.html.live import live_data
from pipeline.html.locale import Words
from pipeline.html.svg import draw, plain_text
from pipeline.pages.data import LENS, Facts

UNIT_KINDS = {  # how a unit of metrics.yml is written
    "ratio": ("percent", 0),
    "count": ("integer", 0),
    "hours": ("hours", 0),
    "factor": ("times", 2),
    "change": ("percent", 0),
    "points": ("percent", 0),
}
ENGINE = f"aset/plotly-basic-{PLOTLY_VERSION}.js"
NAV = (
    "index.html",
    "daftar.html",
    "banding.html",
    "pancakarsa.html",
    "pelatihan.html",
    "kualitas.html",
    "arsip.html",
    "buku/index.html",
)


@dataclass(frozen=True)
class Shown:
    """A number as the page writes it, with the id that `trace` follows; in a template or a sentence it marks itself."""

    text: str
    figure: str
    value: Any = None
    objection: str = ""  # said against it and not decided yet

    def __html__(self) -> Markup:
        flag = Markup('<sup class="warn-t" title="{}">⚑</sup>').format(self.objection) if self.objection else Markup("")
        return self._marked() + flag

    def _marked(self) -> Markup:
        return Markup('<span data-figure="{}">{}</span>').format(self.figure, self.text) if self.figure else Markup(self.text)  # noqa: S704  # written by Words

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return self.text

    def __bool__(self) -> bool:
        return self.value is not None


def figure_id(table: str, column: str, row: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """`agency_window:vs_expected:agency_id=dinkes`; a key that is null has nothing behind its sign."""
    pairs = [f"{name}={_key(row.get(name))}" for name in keys]
    return ":".join([table.split(".")[-1], column, *([",".join(pairs)] if pairs else [])])


def _key(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


@dataclass
class Sheet:
    """`path` is relative to the language folder; `single` pages link to nothing beside them."""

    words: Words
    facts: Facts
    path: str
    built_at: datetime
    single: bool = False
    silent: bool = False  # numbers of another version: without an id, because `trace` follows those of this one
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def up(self) -> str:
        return "../" * self.path.count("/")

    def url(self, page: str) -> str | None:
        return None if self.single else self.up + page

    def agency_url(self, agency: dict[str, Any]) -> str | None:
        return self.url(f"perangkat/{agency['slug']}.html")

    @property
    def site_name(self) -> str:
        return tampil(self.facts.info.get("workspace_name") or self.words.plain("Regency"), 80)

    @property
    def themes_label(self) -> str:
        """What the page of themes is called: Pancakarsa where the regency has it, else plainly themes."""
        return self.words.plain("Pancakarsa") if self.facts.scheme == LENS else self.words.plain("Themes")

    @property
    def period(self) -> str:
        return self.words.months(*self.facts.period)

    # -- numbers ---------------------------------------------------------------------------------------------------------------
    def number(self, table: str, row: Mapping[str, Any], column: str, kind: str = "integer", digits: int = 0) -> Shown:
        """One number of one row of a published table, written for this page. What is not known is "–" and has no id."""
        value = row.get(column)
        if value is None:
            return Shown("–", "")
        text = Column(column, "", kind, digits).show(self.words, value)
        if self.silent:
            return Shown(text, "", value)
        figure = figure_id(table, column, row, self.facts.keys.get(table, ()))
        return Shown(text, figure, value, self.facts.disputed.get(figure, ""))

    def between(self, table: str, row: Mapping[str, Any], kind: str, *, bounds: tuple[str, str] = ("lower", "upper")) -> Markup:
        """The interval in words: "about between ×0.79 and ×1.43"; nothing where there is none."""
        low, high = (row.get(name) for name in bounds)
        if low is None or high is None:
            return Markup("")
        first, last = (self.number(table, row, name, kind, self._digits(row[name], kind)) for name in bounds)
        return self.words._("about between {low} and {high}", low=first, high=last)

    def _digits(self, value: float, kind: str) -> int:
        """A bound that only rounding would put on ×1 keeps the digit that shows on which side it lies."""
        digits = 2 if kind == "times" else 0
        near = value - 1 if kind in ("times", "change") else value
        scale = 10 ** (digits if kind == "times" else 2)
        return digits + 1 if near and kind in ("times", "change") and round(near * scale) == 0 else digits

    def metric(self, name: str, agency_id: str) -> dict[str, Any]:
        """A metric of the catalogue for one agency over the judged months: value, range, number of cases, caveat."""
        w, entry, row = self.words, metrics.get(name), self.facts.measured.get(name, {}).get(agency_id, {})
        kind, digits = UNIT_KINDS.get(entry.unit, ("number", 1))
        first, last = self.facts.period
        known = bool(row.get("is_enough")) and first is not None and last is not None
        span = f"{first:%Y-%m}..{last:%Y-%m}" if first and last else ""

        def shown(column: str) -> Shown:
            text = Column(column, "", kind, digits).show(w, row.get(column))
            return Shown(text, f"metric:{name}.{column}:agency_id={agency_id},month={span}", row.get(column))

        between = (
            w._("about between {low} and {high}", low=shown("lower"), high=shown("upper"))
            if known and row.get("lower") is not None and row.get("upper") is not None
            else ""
        )
        return {
            "label": getattr(entry, f"label_{w.language}"),
            "caveat": metrics.caveats(name, w.language),
            "anchor": self.url(f"glosarium.html#{file_part(name)}"),
            "value": shown("value") if known else Shown(w.plain("too little data"), ""),
            "between": between,
            "n": w.integer(row.get("n") or 0),
            "minimum": w.integer(entry.minimum_n) if not known and entry.minimum_n else "",
        }

    # -- pieces ----------------------------------------------------------------------------------------------------------------
    def chart(self, chart: Chart, *, wide: bool = False, prefix: str = "", trail: str = "") -> dict[str, Any]:
        """What the `grafik` macro needs: three drawings of one figure, the numbers as CSV, the figure for the live layer.

        `trail` is where the page itself lists the files behind the chart; else they stand on a page of their own."""
        label = plain_text(f"{unescape(chart.title)}. {unescape(chart.description)}")
        svg = Markup("").join(
            draw(figure, name=f"{chart.name}-{size}", label=label, css_class=f"g-{size}")
            for size, figure in chart.figures.items()
        )
        if chart.figures:
            self.figures[chart.name] = live_data(chart.figures["w"], chart.figures["n"])
        name = f"{prefix}{chart.name}" if prefix else f"{file_part(self.path.removesuffix('.html'))}-{chart.name}"
        csv = self.csv(name, unescape(chart.title), chart.table) if chart.table.rows else None
        return {"chart": chart, "svg": svg, "csv": csv, "wide": wide, "file": name, "trace": trail or self.url("jejak.html")}

    def csv(self, name: str, title: str, table: Table) -> dict[str, Any]:
        """The two CSV twins: files beside the page, or data addresses in a single file. Both work without scripts."""
        plain = csv_bytes([c.label for c in table.columns], table.csv_rows(), excel=False)
        excel = csv_bytes([c.label for c in table.columns], table.csv_rows(), excel=True)
        if self.single:
            return {"name": name, "title": title, "plain": _data_url(plain), "excel": _data_url(excel)}
        self.files[f"data/{name}.csv"] = plain
        self.files[f"data/{name}-excel.csv"] = excel
        return {"name": name, "title": title, "plain": f"{self.up}data/{name}.csv", "excel": f"{self.up}data/{name}-excel.csv"}

    def opening(
        self, headline: str, lede: list[str], *, kind: str, csv: dict[str, Any] | None = None, extra: str = ""
    ) -> dict[str, Any]:
        """Headline, lede, and what every page says: period, cut-off, build time."""
        w = self.words
        cutoff = w.day(self.facts.info["data_cutoff"].date()) if self.facts.info.get("data_cutoff") else "–"
        return {
            "headline": headline,
            "lede": [s for s in lede if s],
            "kind": kind,
            "month": self.period,
            "csv": csv,
            "extra": extra,
            "cutoff": w._("Data to {day}", day=cutoff),
            "built": w._("Built {instant}", instant=w.instant(self.built_at)),
            "method": self.url("metode.html"),
            "glossary": self.url("glosarium.html"),
            "trace": self.url("jejak.html"),
        }

    # -- the page --------------------------------------------------------------------------------------------------------------
    def nav(self) -> list[dict[str, object]]:
        w = self.words
        labels = (
            w.plain("Overview"),
            w.plain("Agencies"),
            w.plain("Compare"),
            self.themes_label,
            w.plain("Training"),
            w.plain("Data quality"),
            w.plain("Archive"),
            w.plain("Notebooks"),
        )
        inside = {
            "perangkat": "daftar.html",
            "daftar": "daftar.html",
            "banding": "banding.html",
            "kualitas": "kualitas.html",
            "buku": "buku/index.html",
        }
        here = inside.get(self.path.split("/")[0], self.path)
        return [{"url": self.url(page), "label": label, "here": page == here} for page, label in zip(NAV, labels, strict=True)]

    def page(self, body: Markup, *, title: str) -> str:
        return shell(
            body,
            self.words,
            title=title,
            site_name=self.site_name,
            nav=self.nav(),
            simulated=self.facts.simulated,
            built=self.words.instant(self.built_at),
            period=self.period,
            figures=self.figures,
            single=self.single,
            twin=None if self.single else f"{self.up}../{self.words.other}/{self.path}",
            engine=f"{self.up}../{ENGINE}",
            version=str(self.facts.info.get("version") or ""),
            until=self._until(),
            age_limit=self.facts.age_limit,
        )

    def _until(self) -> str:
        """The day that the data reach, where their age means something: simulated data do not grow old."""
        cutoff = self.facts.info.get("data_cutoff")
        return f"{cutoff:%Y-%m-%d}" if cutoff and self.facts.age_limit and not self.facts.simulated else ""


def _data_url(content: bytes) -> str:
    """Percent-encoded: tables are mostly digits and separators, so this is shorter than base64."""
    return "data:text/csv;charset=utf-8," + quote(content, safe=",;:-._~!*()/")


def table(columns: list[Column], rows: list[tuple[Any, ...]]) -> Table:
    return Table(tuple(columns), tuple(rows))
