"""Every message the reader can give: one Indonesian and one English sentence per code, with what to do next.

``place`` says where (sheet, row, column), ``seen`` what was there: at most 40 characters, made harmless.
"""

import unicodedata
from dataclasses import dataclass

from pipeline.exports.model import Message


class Refused(Exception):
    """A file, member, sheet or block that cannot be read exactly. Nothing of it is kept. ``held``: look again next run."""

    def __init__(self, code: str, place: str = "", seen: object = "", held: bool = False):
        super().__init__(code)
        self.code, self.place, self.seen, self.held = code, place, str(seen), held


@dataclass(frozen=True)
class Text:
    """The two sentences of a code, and its level: refused | held | flagged | info (info never changes the outcome)."""

    level: str
    id: str
    en: str


_AGAIN_ID = "Unduh ulang dari platform dan jangan simpan lewat Excel."
_AGAIN_EN = "Download it again from the platform and do not save it through Excel."

TEXTS: dict[str, Text] = {
    "ENCODING": Text(
        "refused",
        f"Huruf di dalam berkas rusak atau memakai pengodean lain. {_AGAIN_ID}",
        f"The text of the file is damaged or in another encoding. {_AGAIN_EN}",
    ),
    "NUL_BYTES": Text(
        "refused",
        "Berkas berisi byte kosong (nol): salinannya rusak. Salin atau unduh ulang.",
        "The file contains zero bytes: the copy is damaged. Copy or download it again.",
    ),
    "EMPTY": Text(
        "refused",
        "Berkas kosong. Unduh ulang dari platform.",
        "The file is empty. Download it again from the platform.",
    ),
    "NO_ROWS": Text(
        "flagged",
        "Berkas hanya berisi judul kolom, tanpa baris. Ini tidak berarti nol; periksa rentang tanggal saat mengunduh.",
        "The file has a header and no rows. This does not mean zero; check the date range of the download.",
    ),
    "UNKNOWN_HEADER": Text(
        "refused",
        "Judul kolom tidak cocok dengan unduhan mana pun yang dikenal. Bila ini unduhan asli, kirim ke pengelola data.",
        "The header matches no known export. Make sure it is an original download; if so, send it to the data keeper.",
    ),
    "UNKNOWN_COLUMN": Text(
        "flagged",
        "Ada kolom yang belum dikenal; kolom itu dilewati, sisanya dibaca. Beri tahu pengelola data.",
        "A column is not known yet; it was left out and the rest was read. Tell the data keeper.",
    ),
    "BAD_STRUCTURE": Text(
        "refused",
        f"Susunan baris rusak: jumlah kolom, tanda kutip, atau akhir baris tidak sesuai. {_AGAIN_ID}",
        f"The rows are broken: number of fields, quotes or line ends do not fit. {_AGAIN_EN}",
    ),
    "EXTRA_CONTENT": Text(
        "refused",
        "Ada isi tambahan (tabel kedua, judul kolom berulang, atau baris jumlah). Unduh ulang, satu berkas satu tabel.",
        "There is extra content (a second table, a repeated header or a total row). Download again, one table per file.",
    ),
    "TRUNCATED": Text(
        "refused",
        "Berkas terpotong di tengah. Unduh atau salin ulang sampai selesai.",
        "The file is cut off. Download or copy it again until it is complete.",
    ),
    "STILL_CHANGING": Text(
        "held",
        "Berkas masih disalin atau diunduh. Akan dilihat lagi pada proses berikutnya.",
        "The file is still being copied or downloaded. It will be looked at again in the next run.",
    ),
    "WRONG_TYPE": Text(
        "refused",
        "Ini bukan berkas tabel yang sesuai dengan namanya. Unduh ulang sebagai CSV atau XLSX.",
        "This is not a table file, or not what its name says. Download it again as CSV or XLSX.",
    ),
    "ENCRYPTED_OR_XLS": Text(
        "refused",
        "Buku kerja dikunci kata sandi atau format .xls lama. Simpan atau unduh ulang sebagai CSV/XLSX tanpa kata sandi.",
        "The workbook has a password or is an old .xls. Export it again as CSV/XLSX without a password.",
    ),
    "ACTIVE_CONTENT": Text(
        "refused",
        f"Buku kerja berisi makro, tautan luar, atau definisi berbahaya; tidak dibuka. {_AGAIN_ID}",
        f"The workbook has macros, external links or dangerous definitions; it was not opened. {_AGAIN_EN}",
    ),
    "UNSAFE_ARCHIVE": Text(
        "refused",
        "Arsip tidak aman atau rusak; tidak ada yang diekstrak. Unduh ulang arsip aslinya.",
        "The archive is unsafe or damaged; nothing was extracted. Download the original archive again.",
    ),
    "TOO_LARGE": Text(
        "refused",
        "Berkas melebihi batas ukuran. Unduh rentang tanggal yang lebih pendek.",
        "The file is over a size limit. Export a shorter period.",
    ),
    "ID_DESTROYED": Text(
        "refused",
        "Excel merusak ID kiriman. Unduh ulang dan jangan buka lewat Excel.",
        "Excel destroyed the post ids. Download it again and do not open it in Excel.",
    ),
    "ID_INVALID": Text(
        "refused",
        f"ID kiriman tidak berbentuk semestinya atau muncul dua kali. {_AGAIN_ID}",
        f"A post id has the wrong shape or appears twice. {_AGAIN_EN}",
    ),
    "DATE_AMBIGUOUS": Text(
        "refused",
        "Tanggal dapat dibaca dua cara. Unduh ulang, atau isi date_order (dmy/mdy) akun ini di accounts.csv.",
        "The dates can be read two ways. Download again, or set date_order (dmy/mdy) of this account in accounts.csv.",
    ),
    "DATE_INVALID": Text(
        "refused",
        f"Tanggal tidak mungkin, bercampur, atau rusak. {_AGAIN_ID}",
        f"A date is impossible, mixed or damaged. {_AGAIN_EN}",
    ),
    "NUMBER_AMBIGUOUS": Text(
        "refused",
        f"Angka desimal dapat dibaca dua cara (titik atau koma). {_AGAIN_ID}",
        f"A decimal number can be read two ways (dot or comma). {_AGAIN_EN}",
    ),
    "NOT_A_COUNT": Text(
        "refused",
        f"Isi kolom jumlah bukan bilangan bulat yang pasti. {_AGAIN_ID}",
        f"A count column holds something that is not a definite whole number. {_AGAIN_EN}",
    ),
    "UNREADABLE_CELL": Text(
        "refused",
        "Sel buku kerja tidak dapat dibaca pasti (rumus tanpa nilai, galat, gabungan, atau dua lembar sama). Unduh ulang.",
        "A workbook cell cannot be read for certain (formula without value, error, merged, or two equal sheets). Download again.",
    ),
    "HIDDEN_CONTENT": Text(
        "flagged",
        "Buku kerja punya baris, kolom atau lembar tersembunyi, atau tanggal dasar 1904; semuanya tetap dibaca.",
        "The workbook has hidden rows, columns or sheets, or 1904 dates; everything was read.",
    ),
    "POSSIBLY_CUT": Text(
        "flagged",
        "Jumlah baris tepat di batas unduhan; mungkin ada yang terpotong. Unduh rentang yang lebih pendek.",
        "The number of rows is exactly at a limit; some may be missing. Export a shorter period.",
    ),
    "WRONG_ACCOUNT": Text(
        "refused",
        "Akun di dalam berkas bukan akun folder ini. Pindahkan ke folder akun yang benar.",
        "The account in the file is not the account of this folder. Move it to the right account's folder.",
    ),
    "UNKNOWN_ACCOUNT": Text(
        "held",
        "Akun belum terdaftar atau belum disebut. Tambahkan baris ini ke accounts.csv atau taruh di folder akunnya.",
        "The account is not registered or not named. Add this line to accounts.csv or put the file in its account's folder.",
    ),
    "COPIED_FROM": Text(
        "refused",
        "Isi berkas sama dengan milik akun lain. Unduh dari akun yang benar.",
        "The content equals that of another account. Download it from the right account.",
    ),
    "IMPLAUSIBLE": Text(
        "flagged",
        "Angka di berkas ini saling bertentangan. Periksa apakah kolom tertukar; unduh ulang bila perlu.",
        "Numbers in this file contradict each other. Check whether columns were swapped; download again if needed.",
    ),
    "RESTATED": Text(
        "flagged",
        "Angka lama berubah banyak dibanding unduhan sebelumnya.",
        "Earlier numbers changed a lot against the previous export.",
    ),
    "ORDER_ASSUMED": Text(
        "flagged",
        "Waktu unduh tidak tertulis dan isinya berbeda dari berkas lain; dipakai waktu pertama terlihat.",
        "The export does not say when it was made and differs from another; the time first seen was used.",
    ),
    "NOT_A_FILE": Text(
        "refused",
        "Ini bukan berkas biasa atau tidak dapat dibuka; tidak disentuh.",
        "This is not a regular file or cannot be opened; it was not touched.",
    ),
    "ERASED": Text(
        "refused",
        "Berkas ini sudah dihapus atas permintaan dan tidak dibaca lagi. Hapus juga salinan di folder ini.",
        "This file was erased on request and is not read again. Delete the copy in this folder as well.",
    ),
    "READER_CRASHED": Text(
        "refused",
        "Pembaca berhenti pada berkas ini; berkas lain tetap diproses. Unduh ulang sebagai CSV.",
        "The reader stopped on this file; the others went on. Download it again as CSV.",
    ),
    "VALUE_BLANKED": Text(
        "flagged",
        "Nilai yang tidak mungkin (tayangan 0 padahal ada jangkauan) dikosongkan.",
        "An impossible value (0 views although there is reach) was left empty.",
    ),
    "UNWRAPPED": Text(
        "flagged",
        "Tiap baris terbungkus dalam satu sel (disimpan ulang lewat Excel) dan telah dibuka kembali.",
        "Every line was wrapped in one cell (saved again through Excel) and has been unwrapped.",
    ),
    "NAMED_BY_PLACE": Text(
        "flagged",
        "Nama sebagian kolom depan tidak dikenal; artinya diambil dari tempatnya, yang pada unduhan ini selalu sama.",
        "The names of some leading columns are not known; their meaning was taken from their place, which never changes here.",
    ),
    "TITLE_FROM_NAME": Text(
        "flagged",
        "Baris judul tabel hilang; artinya diambil dari nama berkas.",
        "The title line is missing; its meaning was taken from the file name.",
    ),
    "CLOCK_DIFFERS": Text(
        "flagged",
        "Waktu terbit sebagian kiriman lebih lambat dari waktu di ID-nya (mungkin dijadwalkan).",
        "The publish time of some posts is later than the time in their id (perhaps scheduled).",
    ),
    "CLOCK_SHIFT": Text(
        "flagged",
        "Ada waktu terbit pada jam pergantian waktu musim panas; dipakai aturan baku (jam pertama).",
        "A publish time lies in the daylight-saving change; the fixed rule (first hour) was used.",
    ),
    "YEAR_ASSUMED": Text(
        "flagged",
        "Tanggal tidak bertahun dan waktu unduh tidak diketahui; tahun dihitung mundur dari waktu pertama terlihat.",
        "The dates have no year and the export time is unknown; years were counted back from the time first seen.",
    ),
    "TOTAL_DIFFERS": Text(
        "flagged",
        "Baris jumlah tidak sama dengan jumlah baris; baris jumlah tidak dipakai.",
        "The total row differs from the sum of the rows; the total row is not used.",
    ),
    "COLLAB_ROWS": Text(
        "info",
        "Ada kiriman kolaborasi milik akun lain; tidak dihitung dua kali.",
        "There are collaboration posts owned by other accounts; they are not counted twice.",
    ),
    "SHEETS_IGNORED": Text(
        "info",
        "Lembar lain di buku kerja ini tidak dipakai.",
        "Other sheets of this workbook are not used.",
    ),
    "DATE_ORDER": Text(
        "info",
        "Urutan tanggal ditetapkan dari bukti di dalam atau di sekitar berkas.",
        "The order of the dates was settled by evidence in or around the file.",
    ),
    "PERIOD_UNKNOWN": Text(
        "info",
        "Angka ini dijumlahkan dalam periode yang tidak tertulis di berkas, jadi tidak dipakai sebagai total unggahan. "
        "Masukkan berkas ZIP utuh seperti saat diunduh, dengan periode sejak awal kanal.",
        "These are sums over a period that the file does not tell, so they are not used as totals of the posts. "
        "Hand in the ZIP as it was downloaded, with a period from the channel's beginning.",
    ),
    "YEAR_TAKEN": Text(
        "info",
        "Tanggal tidak bertahun; hari terakhirnya baru saja lewat, jadi tahunnya tahun terakhir.",
        "The dates have no year; the last one has only just passed, so its year is the latest.",
    ),
    "REGISTER_FILE": Text(
        "refused",
        "Ini daftar induk, bukan unduhan. Taruh di folder registry, bukan di inbox.",
        "This is a register, not an export. It belongs in the registry folder, not in the inbox.",
    ),
    "PERSONAL_PROFILE": Text(
        "flagged",
        "Ini statistik profil pribadi, bukan halaman instansi. Pastikan instansi memang menyatakannya sebagai akun resmi.",
        "These are the statistics of a person's profile, not of a page. Make sure the agency declares it as an official account.",
    ),
    "TOTAL_NOTED": Text(
        "info",
        "Baris jumlah dilepas dan dibandingkan.",
        "The total row was taken off and compared.",
    ),
}


def escape(text: object, limit: int = 40) -> str:
    """At most ``limit`` characters, with control, bidirectional and invisible characters and lone surrogates spelled out."""
    out = []
    for char in str(text)[: limit + 1]:
        hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        out.append(char.encode("unicode_escape").decode("ascii") if hidden else char)
    shown = "".join(out)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def message(code: str, place: str = "", seen: object = "") -> Message:
    """The message of a code. Unknown codes are a bug and raise KeyError."""
    text = TEXTS[code]
    return Message(code=code, place=escape(place, 120), seen=escape(seen), id=text.id, en=text.en)


def level(code: str) -> str:
    return TEXTS[code].level
