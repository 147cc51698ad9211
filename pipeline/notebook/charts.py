"""`db.grafik`: the charts of the pages, on the tables of the pages, in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any, Protocol

import polars as pl

from pipeline.charts import plain
from pipeline.charts.plain import Axis, Series, Texts
from pipeline.engine.versions import Version
from pipeline.html.locale import Words
from pipeline.notebook.display import Gambar, tampilkan

__all__ = ["Axis", "Grafik", "Series"]


class Data(Protocol):
    """What the charts ask of an opened version: `pipeline.notebook.Buku`."""

    versi: Version
    kata: Words

    def sql(self, query: str, /, **nilai: Any) -> pl.DataFrame: ...
    def tabel_data(self, nama: str) -> pl.DataFrame: ...
    def perangkat(self, wanted: str | None = None) -> dict[str, Any]: ...


class Grafik:
    """Named charts take what they show (an agency, a group); `garis`, `sebar`, `batang`, `selang` take your own frame."""

    def __init__(self, data: Data):
        self.data, self.kata = data, data.kata

    def daftar(self) -> None:
        """What can be drawn."""
        rows = [(name, (getattr(type(self), name).__doc__ or "").split("\n")[0]) for name in sorted(vars(type(self)))]
        items = "".join(f"<tr><th scope='row'><code>{n}</code></th><td>{d}</td></tr>" for n, d in rows if n[0] != "_")
        tampilkan(f"<table><caption>db.grafik</caption><tbody>{items}</tbody></table>", bagian="table")

    # -- the charts of the pages -----------------------------------------------------------------------------------------------
    def tren_daerah(self) -> Gambar:
        """The median agency against its expected value, month by month, with coverage."""
        from pipeline.charts.trend import regency_trend

        waves: dict[str, date] = {}
        for row in self.data.sql("select wave, date from core.trainings where date is not null order by date").to_dicts():
            waves.setdefault(row["wave"], row["date"])
        marks = [
            (day, self.kata.plain("Training {wave}", wave=wave) if str(wave).isdigit() else str(wave))
            for wave, day in waves.items()
        ][:6]
        return Gambar(regency_trend(self.data.tabel_data("estimates.regency_month"), self.kata, marks=marks))

    def rentang_wajar(self, kelompok: str | None = None) -> Gambar:
        """Every agency against its expected value and its number of posts, with the limits of chance."""
        from pipeline.charts.funnel import expected_range

        return Gambar(expected_range(self.jendela(kelompok), self.kata))

    def jendela(self, kelompok: str | None = None) -> pl.DataFrame:
        """The judged windows with short names, without the main channel."""
        query = """select w.*, a.short_name from estimates.agency_window w
            join (select agency_id, any_value(kind) as kind,
                    arg_max(short_name, coalesce(valid_from, date '0001-01-01')) as short_name
                  from core.agencies group by agency_id) a using (agency_id)
            where a.kind <> 'kanal_utama' and ($g is null or w.peer_group = $g) order by agency_id"""
        return self.data.sql(query, g=kelompok)

    def posisi(self, perangkat: str) -> Gambar:
        """One agency among the judged members of its peer group."""
        from pipeline.charts.dots import standing

        row = self.data.perangkat(perangkat)
        group = self.jendela(row["peer_group"])
        return Gambar(standing(group, self.kata, agency_id=row["agency_id"], name=row["short_name"]))

    def tren(self, perangkat: str) -> Gambar:
        """One agency per month over the middle half of its peer group."""
        from pipeline.charts.trend import agency_trend

        row = self.data.perangkat(perangkat)
        own = self.data.sql("select * from estimates.agency_month_index where agency_id = $a order by month", a=row["agency_id"])
        peers = self.data.sql("select * from estimates.peer_month where peer_group = $g order by month", g=row["peer_group"])
        return Gambar(agency_trend(own, peers, self.kata, agency_id=row["agency_id"]))

    def platform(self, perangkat: str) -> Gambar:
        """One agency on each platform against its expected value there."""
        from pipeline.charts.dots import platform_dots

        row = self.data.perangkat(perangkat)
        query = "select * from estimates.agency_platform_window where agency_id = $a order by platform"
        return Gambar(platform_dots(self.data.sql(query, a=row["agency_id"]), self.kata, agency_id=row["agency_id"]))

    def tema(self, skema: str | None = None) -> Gambar:
        """Lift of each programme theme over the accounts' own normal."""
        from pipeline.charts.dots import theme_dots

        scheme = skema or self.skema()
        query = "select * from estimates.theme_window where scheme_id = $s and programme <> 'untagged' order by programme"
        return Gambar(theme_dots(self.data.sql(query, s=scheme), self.nama_tema(), self.kata, scheme_id=scheme))

    def skema(self) -> str:
        """The programme scheme with the most posts in the judged months."""
        query = """select scheme_id from estimates.theme_window where programme <> 'untagged' and scheme_id is not null
            group by scheme_id order by sum(n_posts) desc, scheme_id limit 1"""
        found = self.data.sql(query)
        return found.item() if found.height else "pancakarsa"

    def nama_tema(self) -> dict[str, str]:
        """programme id → its name in the language of the notebook, from the register of this workspace."""
        return self._named([p for scheme in self._themes.get("schemes", []) for p in scheme.get("programmes", [])])

    def nama_isi(self) -> dict[str, str]:
        """kind of content or topic of a question → its name, from the register of this workspace."""
        return self._named([*self._themes.get("content_types", []), *self._themes.get("aspiration_topics", [])])

    @cached_property
    def _themes(self) -> dict[str, Any]:
        from pipeline import files

        path = self.data.versi.workspace.registry / "themes.yml"
        return dict(files.load_yaml(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}

    def _named(self, listed: Sequence[dict[str, Any]]) -> dict[str, str]:
        return {one["id"]: one.get(f"name_{self.kata.language}", one["id"]) for one in listed}

    def pelatihan(self, hasil: str) -> Gambar:
        """Months from training: trained minus not yet trained, with interval."""
        from pipeline.charts.training import event_study

        frame = self.data.sql("select * from estimates.training_event where outcome = $o order by event_month", o=hasil)
        p = self.data.sql("select max(pretrend_p) as p from estimates.training_effect where outcome = $o", o=hasil).item()
        return Gambar(event_study(frame, self.kata, pretrend_p=p))

    def gelombang(self, hasil: str) -> Gambar:
        """Effect of each training cohort."""
        from pipeline.charts.dots import cohort_dots

        frame = self.data.sql("select * from estimates.training_cohort where outcome = $o order by wave", o=hasil)
        return Gambar(cohort_dots(frame, self.kata))

    # -- your own frame --------------------------------------------------------------------------------------------------------
    def garis(
        self, deret: Sequence[Series], teks: Texts, *, bulan: Sequence[date] = (), x: Axis | None = None, **lain: Any
    ) -> Gambar:
        """Lines over months (`bulan`) or numbers."""
        if bulan:
            return Gambar(plain.by_month(bulan, deret, self.kata, teks.sourced(self.kata), **lain))
        return Gambar(plain.xy(deret, self.kata, teks.sourced(self.kata), x=x, **lain))

    def sebar(self, deret: Sequence[Series], teks: Texts, **lain: Any) -> Gambar:
        """Dots over two numeric axes."""
        return Gambar(plain.xy(deret, self.kata, teks.sourced(self.kata), **lain))

    def batang(self, label: Sequence[str], nilai: Sequence[float | None], teks: Texts, **lain: Any) -> Gambar:
        """One bar per label, from zero."""
        return Gambar(plain.bars(label, nilai, self.kata, teks.sourced(self.kata), **lain))

    def selang(self, baris: Sequence[dict[str, Any]], teks: Texts) -> Gambar:
        """Interval rows around ×1: label, value, lower, upper, small."""
        return Gambar(plain.ratio_rows(baris, self.kata, teks.sourced(self.kata)))
