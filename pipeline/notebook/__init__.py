"""What a notebook imports: `from pipeline.notebook import buka; db = buka()`.

A notebook reads one published version, read-only, through the same tables, metrics and chart functions as the pages. The night
never waits for an open notebook and an open notebook never sees half a night: versions are sealed files, and this module opens
one of them. Names that analysts type are Indonesian; `db.bantuan()` lists them.
"""

from __future__ import annotations

import difflib
import html
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import duckdb
import polars as pl

from pipeline import settings
from pipeline.charts import Column
from pipeline.engine import versions
from pipeline.notebook import display as shown
from pipeline.notebook.charts import Grafik
from pipeline.notebook.display import OUTPUT, catat, display, jawab, kata, tampilkan
from pipeline.platforms import platforms

__all__ = ["Buku", "HanyaBaca", "TidakAda", "buka", "catat", "jawab", "tampilkan"]

FORMATS = {"photo": "foto", "carousel": "korsel", "video": "video", "text": "teks", "link": "tautan", "other": "lainnya"}
CHANNELS = {"comment": "komentar", "dm": "pesan langsung", "lapor": "LAPOR", "whatsapp": "WhatsApp"}
FIELDS = {
    "views": "tayangan",
    "reach": "jangkauan",
    "impressions": "impresi",
    "likes": "suka",
    "reactions": "reaksi",
    "comments": "komentar",
    "shares": "bagikan",
    "reposts": "posting ulang",
    "saves": "simpan",
    "replies": "balasan",
}
COMPLAINTS = {
    "normative": "permintaan normatif",
    "without_supervision": "aduan tanpa pengawasan",
    "with_supervision": "aduan dengan pengawasan",
}
GROUPS = {
    "kecamatan": "kecamatan",
    "dinas_layanan": "dinas layanan",
    "dinas_sektor": "dinas sektor",
    "penunjang": "penunjang",
    "kanal_utama": "kanal utama",
}
STATES = {
    "judged": "dinilai",
    "too_few_posts": "data belum cukup: tidak satu pun akunnya punya 5 unggahan matang",
    "too_few_accounts": "tidak ada bandingan: terlalu sedikit akun di platformnya",
    "not_covered": "data belum cukup: ekspor tidak mencakup cukup hari",
    "no_data": "tidak ada data",
    "not_comparable": "data belum cukup: unduhannya tidak memuat yang diperlukan untuk membandingkan",
    "not_required": "tidak ada unduhan yang ditunggu",
    "not_ranked": "kelompok kurang dari 8 anggota, tidak diperingkat",
}


NAMES = (FORMATS, CHANNELS, FIELDS, COMPLAINTS, GROUPS, STATES)
ENGLISH = (
    {"photo": "photo", "carousel": "carousel", "video": "video", "text": "text", "link": "link", "other": "other"},
    {"comment": "comment", "dm": "direct message", "lapor": "LAPOR", "whatsapp": "WhatsApp"},
    {name: name for name in FIELDS},
    {
        "normative": "normative request",
        "without_supervision": "complaint without supervision",
        "with_supervision": "complaint with supervision",
    },
    {
        "kecamatan": "districts",
        "dinas_layanan": "service agencies",
        "dinas_sektor": "sector agencies",
        "penunjang": "support bodies",
        "kanal_utama": "main channel",
    },
    {
        "judged": "judged",
        "too_few_posts": "too little data: none of its accounts has 5 mature posts",
        "too_few_accounts": "nothing to compare with: too few accounts on its platform",
        "not_covered": "too little data: the downloads do not cover enough days",
        "no_data": "no data",
        "not_comparable": "too little data: its downloads lack what a comparison needs",
        "not_required": "no download is awaited",
        "not_ranked": "a group of fewer than 8 members, not ranked",
    },
)
INDONESIAN = tuple(dict(names) for names in NAMES)


def speak(language: str) -> None:
    """The language of names, numbers and sentences from here on; the overnight run asks for English for the twins."""
    shown.speak(language)
    for names, said in zip(NAMES, ENGLISH if language == "en" else INDONESIAN, strict=True):
        names.update(said)


class HanyaBaca(PermissionError):
    """The statement is not a SELECT. A published version is never changed, by nobody."""


class TidakAda(LookupError):
    """There is no such agency, table, metric or version; the message names the nearest."""


def buka(versi: str | date | None = None, *, ruang: str | None = None) -> Buku:
    """The published version, read-only: the newest, one by name (`"w-12"`), or the last one built by a date (`"2026-10-31"`).

    Prints what it is, how old and how complete. `ruang` names another workspace. Raises TidakAda for an unknown version."""
    place = settings.workspace(ruang)
    data = Buku(versions.open_version(place, _version_name(place, versi)))
    data.keterangan()
    return data


def _version_name(place: settings.Workspace, wanted: str | date | None) -> str | None:
    if wanted is None:
        return os.environ.get("TERUKUR_VERSION")  # the night names the version that it has just published
    known = versions.versions(place)
    names = [v["version"] for v in known]
    if str(wanted) in names:
        return str(wanted)
    dated = [v["version"] for v in known if v["built_at"][:10] <= str(wanted)] if str(wanted)[:2] == "20" else []
    if not dated:
        raise TidakAda(f"Versi '{wanted}' tidak ada. Yang ada: {', '.join(names) or '–'} / no such version")
    return str(dated[-1])


NIGHT = "TERUKUR_NOTEBOOK_NOW"  # the moment of the version, told by the night: what it shows must not depend on the hour


class Buku:
    """One opened version. `sql`, `metrik`, `grafik`, `tabel`, `telusur`, `bantuan`; everything else is yours in Polars."""

    def __init__(self, version: versions.Version):
        self.versi = version
        self.info = version.info
        self.kata = kata()

    # -- what it is ------------------------------------------------------------------------------------------------------------
    def keterangan(self) -> None:
        """Prints simulated label, version, period, completeness, age, and whether a newer version exists."""
        w, info = self.kata, self.info
        lines = [w.plain("SIMULATED DATA – not real figures")] if info["simulated"] else []
        built, place = w.instant(info["built_at"]), info["workspace_name"] or "–"
        lines.append(w.plain("Version {version} · {place} · built {built}", version=info["version"], place=place, built=built))
        if info["data_cutoff"]:
            days = (_now() - info["data_cutoff"]).days
            about = {"first": w.day(info["period_start"]), "last": w.day(info["period_end"]), "days": days}
            about["cutoff"] = w.instant(info["data_cutoff"])
            lines.append(
                w.plain("Data {first} to {last}; last export {cutoff} ({days} days old when this was made)", **about)
                if os.environ.get(NIGHT)
                else w.plain("Data {first} to {last}; last export {cutoff} ({days} days old)", **about)
            )
        first, last = self.periode
        if first:
            share = w.percent(self.kelengkapan(), 0)
            lines.append(
                w.plain("Judged months: {months}; {share} of account days are covered", months=w.months(first, last), share=share)
            )
        used, refused = w.integer(info["export_count"]), w.integer(info["refused_count"])
        lines.append(w.plain("Files: {used} used, {refused} refused", used=used, refused=refused))
        if info["newer"]:
            lines.append(w.plain("There is a newer version: {newer}; open it with buka()", newer=info["newer"]))
        shown = "<br>".join(html.escape(line) for line in lines)
        bundle = {"text/html": f"<p>{shown}</p>", "text/plain": "\n".join(lines)}
        display({**bundle, OUTPUT: {"part": "coverage", "html": shown}})

    @property
    def periode(self) -> tuple[date | None, date | None]:
        """The complete months that the estimates judge."""
        found = self.sql("select min(period_start) as first, max(period_end) as last from estimates.agency_window")
        return found.row(0)

    def kelengkapan(self, **di_mana: Any) -> float | None:
        """Covered days ÷ days of the accounts that must report, in the judged months. `di_mana`: agency_id, platform."""
        first, last = self.periode
        values: dict[str, Any] = {"first": first, "last": last, **di_mana}
        where = " and ".join(f"{name} = ${name}" for name in di_mana) or "true"
        query = f"""select sum(covered_days) / nullif(sum(days), 0) as share from marts.coverage_month
            where state <> 'not_required' and month between $first and $last and {where}"""  # noqa: S608 - names of keywords
        share: float | None = self.sql(query, **values).item()
        return share

    # -- data ------------------------------------------------------------------------------------------------------------------
    def sql(self, query: str, /, **nilai: Any) -> pl.DataFrame:
        """Rows of one SELECT as a Polars frame. Values enter as `$name`: `db.sql("… where agency_id = $a", a="dinkes")`.

        Raises HanyaBaca for anything but a SELECT of published tables, TidakAda with the nearest name for an unknown one."""
        try:
            statements = duckdb.extract_statements(query)
        except duckdb.Error as error:
            raise ValueError(f"SQL tidak terbaca / not valid SQL: {error}") from None
        if [s.type for s in statements] not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
            raise HanyaBaca("Buku catatan hanya membaca: satu SELECT sekali jalan. / Notebooks only read: one SELECT at a time.")
        try:
            found = self.versi.sql(query, **nilai)
        except duckdb.PermissionException:
            raise HanyaBaca(
                "Buku catatan hanya membaca tabel yang terbit, bukan berkas atau jaringan. / "
                "Notebooks read published tables only, neither files nor the network."
            ) from None
        except duckdb.InvalidInputException as error:
            if "read-only" not in str(error):
                raise
            raise HanyaBaca("Versi terbit tidak dapat diubah. / A published version cannot be changed.") from None
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise TidakAda(f"{error}\nDaftar tabel: db.isi() · kolom: db.kolom('core.posts')") from None
        sums = [pl.col(c).cast(pl.Float64 if t.scale else pl.Int64) for c, t in found.schema.items() if isinstance(t, pl.Decimal)]
        return found.with_columns(sums)  # sums of whole numbers are numbers one can calculate with

    def tabel_data(self, nama: str) -> pl.DataFrame:
        """A whole published table."""
        return self.versi.table(nama)

    def isi(self) -> pl.DataFrame:
        """Every table: name, rows, what one row is, key."""
        from pipeline.columns import rows_of_tables

        listed = self.sql("select name as tabel, rows as baris, description, key as kunci from meta.tables order by name")
        known = rows_of_tables() if self.kata.language == "id" else {}
        said = (
            pl.col("tabel").replace_strict(known, default=pl.col("description"), return_dtype=pl.Utf8)
            if known
            else pl.col("description")
        )
        return listed.select("tabel", "baris", said.alias("satu_baris"), "kunci")

    def kolom(self, tabel: str) -> pl.DataFrame:
        """The columns of a table with their meaning, unit and hazard."""
        from pipeline.columns import columns

        if tabel not in self.versi.tables:
            near = difflib.get_close_matches(tabel, self.versi.tables, n=3, cutoff=0.3)
            raise TidakAda(f"Tidak ada tabel '{tabel}'. Yang mirip: {', '.join(near) or '–'} / no such table")
        known = columns()
        types = self.sql(f"select * from {tabel} limit 0").schema  # noqa: S608 - one of our own names
        said = [f"{word}_{self.kata.language}" for word in ("meaning", "hazard")]
        rows = [
            (name, str(kind), *(getattr(known[name], s) if name in known else "" for s in said)) for name, kind in types.items()
        ]
        return pl.DataFrame(rows, schema=["kolom", "jenis", "arti", "perhatian"], orient="row")

    def metrik(self, nama: str, per: Sequence[str] | str = (), dengan: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """A metric at any grain, with n and its 95 % interval: `db.metrik("er_account", per="platform")`.

        The same `measure` as on the pages. `dengan` filters: a value, a list, or (first, last)."""
        from pipeline.engine import metrics

        return metrics.measure(self.versi, nama, (per,) if isinstance(per, str) else tuple(per), dict(dengan or {}))

    def arti(self, nama: str) -> None:
        """What a metric means, its formula and its caveat."""
        from pipeline.engine import metrics

        m = metrics.get(nama)
        parts = [f"<b>{html.escape(m.label_id)}</b> (<code>{m.metric_id}</code>). {html.escape(m.explanation_id)}"]
        parts.append(f"Rumus: <code>{html.escape(m.formula)}</code>, pembilang <code>{html.escape(m.numerator)}</code>")
        parts.append(f"Perhatian: {html.escape(metrics.caveats(nama, 'id'))}")
        tampilkan("<p>" + "<br>".join(parts) + "</p>")

    def daftar_metrik(self) -> pl.DataFrame:
        from pipeline.engine import metrics

        rows = [(m.metric_id, m.label_id, m.unit, m.provided) for m in metrics.catalogue().metrics.values()]
        return pl.DataFrame(rows, schema=["metrik", "arti", "satuan", "tersedia"], orient="row")

    def telusur(self, angka: str, baris: int = 10) -> pl.DataFrame:
        """The files and rows behind a figure id, e.g. `agency_window:vs_expected:agency_id=dinkes`."""
        from pipeline.engine.trace import Source, trace

        found = trace(self.versi.workspace, angka, self.versi.name)
        names = {"file": "berkas", "member": "bagian", "row": "baris", "what": "apa", "value": "nilai", "sha256": "sha256"}
        rows = [{new: getattr(s, old) for old, new in names.items()} for s in found]
        files = len({s.sha256 for s in found})
        print(f"{angka}: {len(found)} baris dari {files} berkas" + (f", {baris} pertama" if len(found) > baris else ""))
        assert {*names} <= set(Source.__dataclass_fields__)
        return pl.DataFrame(rows[:baris], schema=list(names.values()), strict=False)

    # -- names -----------------------------------------------------------------------------------------------------------------
    def nama(self, kode: str | None) -> str:
        """What people call it: a platform, format, channel, complaint class, peer group, theme, agency or account.

        A code that is none of these is returned as it is; nothing gives "–"."""
        return self._names.get(kode, kode) if kode else "–"

    def bernama(self, frame: pl.DataFrame, *kolom: str) -> pl.DataFrame:
        """The frame with names instead of codes in these columns."""
        return frame.with_columns(pl.col(c).map_elements(self.nama, return_dtype=pl.Utf8, skip_nulls=False) for c in kolom)

    @cached_property
    def _names(self) -> dict[str, str]:
        from pipeline.platforms import label, platforms

        groups = self.sql("select distinct peer_group from core.agencies where peer_group is not null")["peer_group"]
        people = dict(self.sql("select agency_id, any_value(short_name) from core.agencies group by agency_id").rows())
        accounts = self.sql("select account_id, any_value(platform), any_value(agency_id) from core.accounts group by account_id")
        held = {a: f"{people.get(o, o) or '–'} · {label(p)}" for a, p, o in accounts.rows()}
        words = {
            **self.grafik.nama_isi(),
            **FORMATS,
            **FIELDS,
            **CHANNELS,
            **COMPLAINTS,
            **{g: GROUPS.get(g, g.upper() if len(g) < 5 else g.replace("_", " ")) for g in groups},
        }
        return {**words, **self.grafik.nama_tema(), **held, **people, **{p: label(p) for p in platforms()}}

    # -- parameters ------------------------------------------------------------------------------------------------------------
    def perangkat(self, wanted: str | None = None) -> dict[str, Any]:
        """One agency: its registry row and its window. None chooses the judged agency with the most posts."""
        frame = self.sql(
            """select a.agency_id, a.name, a.short_name, a.kind, a.peer_group, a.district, a.valid_from, a.valid_to,
                a.predecessor_id, w.* exclude (agency_id, peer_group)
            from core.agencies a left join estimates.agency_window w using (agency_id)
            order by (w.state = 'judged') desc nulls last, w.n_posts desc nulls last, a.agency_id, a.valid_from desc nulls last"""
        )
        rows = frame.to_dicts()
        if wanted is None or not rows:
            return rows[0] if rows else dict.fromkeys(frame.columns) | dict.fromkeys(("agency_id", "short_name", "name"), "–")
        for row in rows:
            if wanted in (row["agency_id"], row["short_name"], row["name"]):
                return row
        raise TidakAda(self._unknown("perangkat daerah", wanted, sorted({r["agency_id"] for r in rows})))

    def kelompok(self, wanted: str | None = None) -> str:
        """A peer group that exists; None chooses the largest."""
        groups = self.sql(
            "select peer_group, count(*) as n from estimates.agency_window where peer_group is not null "
            "group by peer_group order by n desc, peer_group"
        )["peer_group"].to_list()
        return self._known("kelompok", wanted, groups or [""])

    def platform(self, wanted: str | None = None) -> str:
        """A platform with comparable posts; None chooses the one with the most, before the first export any."""
        found = self.sql(
            "select platform, count(*) filter (is_comparable) as n from marts.post_facts "
            "group by platform order by n desc, platform"
        )
        return self._known("platform", wanted, found["platform"].to_list() or list(platforms()))

    def _known(self, what: str, wanted: str | None, known: list[str]) -> str:
        if wanted is None and known:
            return known[0]
        if wanted in known:
            return str(wanted)
        raise TidakAda(self._unknown(what, str(wanted), known))

    @staticmethod
    def _unknown(what: str, seen: str, known: list[str]) -> str:
        near = difflib.get_close_matches(seen, known, n=5, cutoff=0.3) or known[:12]
        return f"Tidak ada {what} '{seen}'. Pilih antara lain: {', '.join(near)} / no such value"

    # -- showing ---------------------------------------------------------------------------------------------------------------
    @property
    def grafik(self) -> Grafik:
        """The charts of the house: `db.grafik.tren("dinkes")`, …; `db.grafik.daftar()` lists them."""
        return Grafik(self)

    def tabel(self, frame: pl.DataFrame, judul: str = "", kolom: Mapping[str, Any] | None = None, *, baris: int = 20) -> None:
        """A frame as a readable table. `kolom`: {column: heading} or {column: (heading, kind, digits)}, in this order.

        Kinds are those of the pages: text, integer, number, times, percent, change, month, day, hours."""
        from pipeline.notebook.nbview import table_html

        chosen = kolom or {name: name.replace("_", " ") for name in frame.columns}
        columns = [_column(name, said, frame.schema[name]) for name, said in chosen.items()]
        left = frame.height - baris
        shown = table_html(columns, frame.select(*chosen).head(baris).rows(), judul, self.kata)
        hidden = self.kata.ngettext("{n} more row is not shown.", "{n} more rows are not shown.", left)
        note = f'<p class="ket">{hidden}</p>' if left > 0 else ""
        if frame.is_empty():
            nothing = self.kata._("Nothing to show.")
            shown, note = f'<p class="ket"><b>{html.escape(judul)}</b> {nothing}</p>', ""
        tampilkan(shown + note, bagian="table")

    def bantuan(self) -> None:
        """What there is to call."""
        rows = [
            ("db.sql('select … where agency_id = $a', a='…')", "baris SELECT sebagai Polars"),
            ("db.isi(), db.kolom('core.posts')", "tabel; kolom dengan artinya"),
            ("db.metrik('er_account', per=('platform', 'month'))", "metrik pada tingkat mana pun, dengan n dan selang 95%"),
            ("db.daftar_metrik(), db.arti('er_account')", "katalog metrik; rumus dan peringatannya"),
            ("db.grafik.daftar(), db.grafik.tren('…')", "grafik yang sama dengan di halaman"),
            ("db.tabel(frame, 'judul')", "tabel yang mudah dibaca"),
            ("db.nama('dinkes'), db.bernama(frame, 'agency_id')", "nama yang dipakai orang, bukan kodenya"),
            ("catat('…')", "kalimat hasil hitungan, tampil sebagai prosa di halaman"),
            ("db.telusur('agency_window:vs_expected:agency_id=…')", "berkas dan baris di balik sebuah angka"),
            ("db.perangkat('…'), db.kelompok('…'), db.platform('…')", "periksa parameter; tanpa isi dipilihkan"),
            ("buka('2026-10-31')", "versi terakhir sampai tanggal itu"),
        ]
        items = "".join(f"<tr><th scope='row'><code>{html.escape(a)}</code></th><td>{html.escape(b)}</td></tr>" for a, b in rows)
        tampilkan(f"<table><caption>Yang dapat dipanggil</caption><tbody>{items}</tbody></table>", bagian="table")

    def tutup(self) -> None:
        self.versi.close()


def _column(name: str, said: Any, kind: pl.DataType) -> Column:
    if isinstance(said, tuple):
        return Column(name, *said)
    guessed = "integer" if kind.is_integer() else "number" if kind.is_float() else "day" if kind == pl.Date else "text"
    return Column(name, said, guessed, 2 if guessed == "number" else 0)


def _now() -> datetime:
    """UTC, naive; the overnight run passes the version's own time, so that the same version gives the same page."""
    said = os.environ.get(NIGHT)
    return datetime.fromisoformat(said) if said else datetime.now(UTC).replace(tzinfo=None)


def _reset_between_notebooks(namespace: dict[str, Any]) -> None:
    """Close what a notebook left open; used by the runner, which lends one kernel to several notebooks."""
    for value in list(namespace.values()):
        if isinstance(value, Buku):
            value.tutup()


def no_network() -> None:
    """From here on this process refuses every internet connection. Overnight notebooks need none."""

    def guard(event: str, args: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
            address = args[1] if event != "socket.getaddrinfo" else args[0]
            if isinstance(address, (tuple, list)) or event == "socket.getaddrinfo":
                raise PermissionError(f"Buku catatan malam tidak memakai jaringan. / No network here: {json.dumps(str(address))}")

    sys.addaudithook(guard)
