"""One page in the making: its language, where it will lie, and what it has collected (figures for the live layer, CSV twins)."""

from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from urllib.parse import quote

from markupsafe import Markup

from pipeline.charts import Chart, Column, Table
from pipeline.html import PLOTLY_VERSION, shell
from pipeline.html.escape import csv_bytes, file_part, tampil
from pipeline.html.live import live_data
from pipeline.html.locale import Words
from pipeline.html.svg import draw, plain_text
from pipeline.pages.data import Facts

ENGINE = f"aset/plotly-basic-{PLOTLY_VERSION}.js"
NAV = ("index.html", "daftar.html", "pancakarsa.html", "pelatihan.html", "kualitas.html", "buku/index.html")


@dataclass
class Sheet:
    """`path` is relative to the language folder; `single` pages link to nothing beside them."""

    words: Words
    facts: Facts
    path: str
    built_at: datetime
    single: bool = False
    figures: dict[str, dict] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def up(self) -> str:
        return "../" * self.path.count("/")

    def url(self, page: str) -> str | None:
        return None if self.single else self.up + page

    def agency_url(self, agency: dict) -> str | None:
        return self.url(f"perangkat/{agency['slug']}.html")

    @property
    def site_name(self) -> str:
        return tampil(self.facts.info.get("workspace_name") or self.words.plain("Regency"), 80)

    @property
    def period(self) -> str:
        return self.words.months(*self.facts.period)

    # -- pieces ----------------------------------------------------------------------------------------------------------------
    def chart(self, chart: Chart, *, wide: bool = False, prefix: str = "") -> dict:
        """What the `grafik` macro needs: three drawings of one figure, the numbers as CSV, the figure for the live layer."""
        label = plain_text(f"{unescape(chart.title)}. {unescape(chart.description)}")
        svg = Markup("").join(
            draw(figure, name=f"{chart.name}-{size}", label=label, css_class=f"g-{size}")
            for size, figure in chart.figures.items()
        )
        if chart.figures:
            self.figures[chart.name] = live_data(chart.figures["w"], chart.figures["n"])
        name = f"{prefix}{chart.name}" if prefix else f"{file_part(self.path.removesuffix('.html'))}-{chart.name}"
        csv = self.csv(name, unescape(chart.title), chart.table) if chart.table.rows else None
        return {"chart": chart, "svg": svg, "csv": csv, "wide": wide, "file": name, "trace": self.url("kualitas.html#jejak")}

    def csv(self, name: str, title: str, table: Table) -> dict:
        """The two CSV twins: files beside the page, or data addresses in a single file. Both work without scripts."""
        plain = csv_bytes([c.name for c in table.columns], table.csv_rows(), excel=False)
        excel = csv_bytes([c.label for c in table.columns], table.csv_rows(), excel=True)
        if self.single:
            return {"name": name, "title": title, "plain": _data_url(plain), "excel": _data_url(excel)}
        self.files[f"data/{name}.csv"] = plain
        self.files[f"data/{name}-excel.csv"] = excel
        return {"name": name, "title": title, "plain": f"{self.up}data/{name}.csv", "excel": f"{self.up}data/{name}-excel.csv"}

    def opening(self, headline: str, lede: list[str], *, kind: str, csv: dict | None = None, extra: str = "") -> dict:
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
        }

    # -- the page --------------------------------------------------------------------------------------------------------------
    def nav(self) -> list[dict]:
        w = self.words
        labels = (
            w.plain("Overview"),
            w.plain("Agencies"),
            w.plain("Pancakarsa"),
            w.plain("Training"),
            w.plain("Data quality"),
            w.plain("Notebooks"),
        )
        inside = {"perangkat": "daftar.html", "daftar": "daftar.html", "kualitas": "kualitas.html", "buku": "buku/index.html"}
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
        )


def _data_url(content: bytes) -> str:
    """Percent-encoded: tables are mostly digits and separators, so this is shorter than base64."""
    return "data:text/csv;charset=utf-8," + quote(content, safe=",;:-._~!*()/")


def table(columns: list[Column], rows: list[tuple]) -> Table:
    return Table(tuple(columns), tuple(rows))
