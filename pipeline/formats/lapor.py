"""SP4N-LAPOR: the administrator's workbook and a cleaned open-data release. One row is one report (case).

Neither has a response time: only volume, state and topic can be told. Names, bodies and titles of reports are dropped unread.
Times are taken as WIB (inferred). The open-data header is one regency's; others differ.
"""

import polars as pl

from pipeline.formats import Column, Detection, Format, Notes
from pipeline.formats.shorthand import ignored, person, text

WIB = "Asia/Jakarta"
DATES = ("%-d %b %Y", "%-d %B %Y", "%Y-%m-%d")
# Keyword in the platform's event text -> state. First match wins; 'Ditanggapi oleh Pelapor' is the reporter's reply, not ours.
STATES = (("arsip", "archived"), ("tutup", "closed"), ("selesai", "closed"), ("tunda", "held"))
# Classification -> deadline class of settings.toml. 'tidak berkadar' must be looked for before 'berkadar'.
CLASSES = (
    ("informasi", "information_request"),
    ("tidak berkadar", "without_supervision"),
    ("berkadar pengawasan", "with_supervision"),
    ("pengaduan", "without_supervision"),
)


def _by_keyword(column: str, words: tuple[tuple[str, str], ...], otherwise: str | None) -> pl.Expr:
    said = pl.col(column).str.to_lowercase()
    result = pl.lit(otherwise, pl.Utf8)
    for word, name in reversed(words):
        result = pl.when(said.str.contains(word, literal=True)).then(pl.lit(name)).otherwise(result)
    return pl.when(said.is_not_null() & (said != "")).then(result)


def _cases(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Case number as text ('5049672.0' too), footers off, state and deadline class by keyword, time joined to its date."""
    frame = frame.with_columns(pl.col("case_id").str.strip_chars().str.replace(r"\.0$", ""))
    is_case = pl.col("case_id").str.contains(r"^\d+$").fill_null(False)
    odd = frame.filter(~is_case)
    if odd.filter(pl.col("received_on").is_not_null()).height:
        notes.refuse("ID_INVALID", "Tracking ID", str(odd.get_column("case_id")[0]))
    notes.drop("trailer", odd.height)
    frame = frame.filter(is_case).with_columns(
        pl.lit("lapor").alias("channel"), _by_keyword("status_reported", STATES, "received").alias("status")
    )
    if "_classification" in frame.columns:
        frame = frame.with_columns(_by_keyword("_classification", CLASSES, None).alias("sla_class"))
    if "_received_time" in frame.columns:
        frame = frame.with_columns(_received_at().alias("received_at"))
    return frame


def _received_at() -> pl.Expr:
    """Date and clock of a report; null where the clock is missing or not one."""
    parts = pl.col("_received_time").str.extract_groups(r"^\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*(?:WIB)?\s*$")
    hour, minute, second = (parts.struct[i].cast(pl.Int64) for i in range(3))
    ok = (hour < 24) & (minute < 60) & (second.fill_null(0) < 60)
    clock = pl.duration(hours=hour, minutes=minute, seconds=second.fill_null(0), time_unit="us")
    return pl.when(ok).then(pl.col("received_on").cast(pl.Datetime("us")) + clock)


FORMATS = (
    Format(
        kind="sp4n_lapor_admin_xlsx",
        platform="sp4n_lapor",
        grain="case",
        confidence="reported",
        title_id="SP4N-LAPOR!: unduhan administrator instansi",
        title_en="SP4N-LAPOR!: download of the agency administrator",
        menu_id="lapor.go.id > masuk sebagai admin instansi > Laporan > Unduh (XLSX)",
        columns=(
            text("case_id", id=("Tracking ID",), required=True),
            Column("received_on", "date", id=("Tanggal Laporan Masuk",), required=True),
            text("_received_time", id=("Waktu Laporan Masuk",)),
            person(id=("Nama Pelapor", "Judul Laporan", "Isi Laporan Awal", "Isi Laporan Akhir")),
            text("_classification", id=("Klasifikasi Laporan",)),
            text("category", id=("Kategori",)),
            text("agency_name", id=("Instansi Terdisposisi",)),
            text("status_reported", id=("Status Laporan",), required=True),
            text("district", id=("Kecamatan",)),
            ignored(
                id=(
                    "ID Kategori",
                    "Tipe Laporan (Anonim/Rahasia)",
                    "Sumber Laporan",
                    "Instansi Induk",
                    "ID Instansi Terdisposisi",
                    "Alasan Tunda/Arsip",
                    "Provinsi",
                    "Kota/Kabupaten",
                    "Kelurahan",
                    "Nomor SK",
                    "Url SK",
                    "Url Dokumen Laporan Tahunan",
                    "Laporan yang Masuk melalui Kanal Aduan Setwapres",
                    "Rating",
                )
            ),
        ),
        detect=(Detection(all_of=("tracking id", "tanggal laporan masuk", "status laporan"), header_search=25),),
        zone=WIB,
        nulls=("", "-"),
        dates=DATES,
        unique=("case_id",),
        finish=_cases,
        refuses=(("ID_INVALID", "a report that has a date has a number; without one it could be counted twice"),),
    ),
    Format(
        kind="sp4n_lapor_opendata",
        platform="sp4n_lapor",
        grain="case",
        confidence="reported",
        title_id="SP4N-LAPOR!: data terbuka kabupaten",
        title_en="SP4N-LAPOR!: open data of a regency",
        menu_id="Portal data terbuka kabupaten: berkas sp4n-lapor_<tahun>.xlsx",
        columns=(
            text("case_id", id=("tracking_id",), required=True),
            Column("received_on", "date", id=("tanggal_masuk",), required=True),
            text("category", id=("kategori",)),
            text("agency_name", id=("dinas_tujuan",)),
            person(id=("isi_laporan_awal", "isi_laporan_akhir")),
            text("status_reported", id=("status_final",), required=True),
            text("district", id=("kecamatan_final",)),
        ),
        detect=(Detection(all_of=("tracking_id", "tanggal_masuk", "kategori", "dinas_tujuan", "status_final")),),
        zone=WIB,
        nulls=("", "-"),
        dates=DATES,
        unique=("case_id",),
        finish=_cases,
        refuses=(("ID_INVALID", "a report that has a date has a number; without one it could be counted twice"),),
    ),
)
