"""SP4N-LAPOR: the workbook that an agency's administrator downloads. Case numbers are invented; no person appears in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.samples.dialects import Value, workbook
from pipeline.samples.files import Files, capture_second, content
from pipeline.samples.streams import utc

HEADER = (
    "Tracking ID|Tanggal Laporan Masuk|Waktu Laporan Masuk|Nama Pelapor|Klasifikasi Laporan|ID Kategori|Kategori|Judul Laporan|"
    "Isi Laporan Awal|Isi Laporan Akhir|Tipe Laporan (Anonim/Rahasia)|Sumber Laporan|Instansi Induk|ID Instansi Terdisposisi|"
    "Instansi Terdisposisi|Status Laporan|Alasan Tunda/Arsip|Provinsi|Kota/Kabupaten|Kecamatan|Kelurahan|Nomor SK|Url SK|"
    "Url Dokumen Laporan Tahunan|Laporan yang Masuk melalui Kanal Aduan Setwapres|Rating"
).split("|")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
STATUS = {"closed": "Selesai", "answered": "Ditindaklanjuti", "open": "Terverifikasi"}


def write(rows: list[dict[str, Any]], names: dict[str, str], day: dt.date, window_days: int, files: Files) -> None:
    """Cases of the last `window_days`; eleven rows of heading stand above the table."""
    first = day - dt.timedelta(days=window_days)
    cases = [r for r in rows if r["channel"] == "lapor" and first.isoformat() <= r["received_at"][:10] < day.isoformat()]
    if not cases:
        return
    sheet: list[list[Value]] = [[None] for _ in range(11)]
    sheet[0], sheet[2] = ["LAPORAN SP4N-LAPOR! (DATA SIMULASI)"], ["Instansi", "Pemerintah Kabupaten Bogor"]
    sheet[3] = ["Tanggal unduh", f"{day.day} {MONTHS[day.month - 1]} {day.year}"]
    sheet[10] = list(HEADER)
    sheet += [_row(case, names) for case in cases]
    data = workbook({"Laporan": sheet}, utc(capture_second(day)))
    received = sorted(case["received_at"] for case in cases)
    record = content(
        "sp4n_lapor_admin_xlsx", len(cases), member="sheet:Laporan", grain="case", language="id",
        first=received[0][:10], last=received[-1][:10],
    )  # fmt: skip
    files.write(f"inbox/{day.isoformat()}/Laporan SP4N {day.isoformat()}.xlsx", data, None, capture_second(day), [record])


def _row(case: dict[str, Any], names: dict[str, str]) -> list[Value]:
    day = dt.date.fromisoformat(case["received_at"][:10])
    kind = {"with_supervision": "Pengaduan Berkadar Pengawasan", "without_supervision": "Pengaduan Tidak Berkadar Pengawasan"}
    row: list[Value] = [None] * len(HEADER)
    row[0], row[1], row[2] = case["case_id"], f"{day.day} {MONTHS[day.month - 1]} {day.year}", case["received_at"][11:]
    row[4], row[6], row[7] = kind.get(case["sla_class"], "Permintaan Informasi"), case["category"], "Laporan simulasi"
    row[10], row[11], row[12] = "Normal", "Website", "Pemerintah Kabupaten Bogor"
    row[14], row[15] = names[case["agency_id"]], STATUS[case["status"]]
    row[17], row[18], row[19] = "Jawa Barat", "Kabupaten Bogor", case["district"]
    return row
