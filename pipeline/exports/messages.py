"""Every message there is about a file: one Indonesian and one English text per code, with what to do next.

``place`` says where (sheet, row, column), ``seen`` what was there: at most 40 characters, made harmless. A text may hold
``{seen}``, which becomes " (what was seen)" or nothing, and ``{again}``, the way out of a file that cannot be read: what a person
filled in is mended there; only where a file bears a mark of a spreadsheet it is told to keep it away from Excel; else it may be a
true export that is not known yet; what only flags was read all the same.
"""

import unicodedata
from dataclasses import dataclass

from pipeline.exports.model import Message


class Refused(Exception):
    """A file, member, sheet or block that cannot be read exactly. Nothing of it is kept. ``held``: look again next run.

    ``resaved``: what was seen is itself the mark of a spreadsheet: an id as 1.79E+17, a date as a serial number.
    """

    def __init__(self, code: str, place: str = "", seen: object = "", held: bool = False, resaved: bool = False):
        super().__init__(code)
        self.code, self.place, self.seen, self.held, self.resaved = code, place, str(seen), held, resaved


@dataclass(frozen=True)
class Text:
    """The two texts of a code, and its level: refused | held | flagged | info (info never changes the outcome)."""

    level: str
    id: str
    en: str


AGAIN = {  # the way that a file came -> what to do
    "by_hand": (
        "Perbaiki isiannya: tanggal seperti 2026-01-31, waktu seperti 2026-01-31 14:05, jumlah tanpa titik atau koma; lalu kirim "
        "lagi.",
        "Mend what was filled in: dates like 2026-01-31, times like 2026-01-31 14:05, counts without dot or comma; then send it "
        "again.",
    ),
    "resaved": (
        "Berkas ini pernah disimpan lewat Excel: unduh ulang dari platform dan langsung kirim tanpa dibuka.",
        "This file was saved through Excel: download it again from the platform and send it unopened.",
    ),
    "unknown": (
        "Mungkin unduhan asli yang belum kami kenal: kirim ke pengelola data.",
        "It may be a true export that is not known yet: send it to the data keeper.",
    ),
    "kept": (
        "Dibaca apa adanya: pada unggahan beriklan dan sebagian video platform memang menghitungnya berbeda.",
        "It was read as it stands: platforms count boosted posts and some videos differently.",
    ),
}

TEXTS: dict[str, Text] = {
    "ENCODING": Text(
        "refused",
        "Huruf di dalam berkas rusak atau memakai pengodean lain. {again}",
        "The text of the file is damaged or in another encoding. {again}",
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
        "Berkas hanya berisi judul kolom, tanpa baris. Periode yang disebut nama berkas dicatat tanpa unggahan; bila "
        "mestinya ada, periksa rentang tanggal saat mengunduh.",
        "The file has a header and no rows. The period that its name tells is noted as one without posts; if there should"
        " be some, check the date range of the download.",
    ),
    "UNKNOWN_HEADER": Text(
        "refused",
        "Judul tabel atau kolomnya tidak cocok dengan unduhan mana pun yang dikenal{seen}. {again}",
        "Its title or columns match no known export{seen}. {again}",
    ),
    "UNKNOWN_COLUMN": Text(
        "flagged",
        "Ada kolom yang belum dikenal; kolom itu dilewati, sisanya dibaca. Beri tahu pengelola data.",
        "A column is not known yet; it was left out and the rest was read. Tell the data keeper.",
    ),
    "BAD_STRUCTURE": Text(
        "refused",
        "Susunan baris tidak utuh: jumlah kolom, tanda kutip, atau akhir baris tidak sesuai. {again}",
        "The rows are not whole: number of fields, quotes or line ends do not fit. {again}",
    ),
    "EXTRA_CONTENT": Text(
        "refused",
        "Ada isi tambahan (tabel kedua, judul kolom berulang, baris kembar atau baris jumlah). Bila beberapa unduhan disambung, "
        "kirim satu per satu. {again}",
        "There is extra content (a second table, a repeated header, a row twice or a total row). If several exports were joined, "
        "send them one by one. {again}",
    ),
    "TRUNCATED": Text(
        "refused",
        "Berkas terpotong atau tidak selesai disalin{seen}. Unduh atau salin ulang sampai selesai.",
        "The file is cut off or was never copied to its end{seen}. Download or copy it again until it is complete.",
    ),
    "STILL_CHANGING": Text(
        "held",
        "Berkas belum selesai disalin atau diunduh{seen}. Akan dilihat lagi pada proses berikutnya.",
        "The file is still being copied or downloaded{seen}. It will be looked at again in the next run.",
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
        "Buku kerja berisi makro, tautan luar, atau definisi berbahaya; tidak dibuka. Unduh ulang dari platform.",
        "The workbook has macros, external links or dangerous definitions; it was not opened. Download it again from the "
        "platform.",
    ),
    "UNSAFE_ARCHIVE": Text(
        "refused",
        "Arsip tidak aman, rusak, atau berisi arsip lain{seen}; tidak ada yang diekstrak. Bila berisi arsip, kirim arsip di "
        "dalamnya satu per satu; bila tidak, unduh ulang arsip aslinya.",
        "The archive is unsafe, damaged, or holds other archives{seen}; nothing was extracted. If it holds archives, send these "
        "one by one; if not, download the original archive again.",
    ),
    "TOO_LARGE": Text(
        "refused",
        "Berkas melebihi batas ukuran. Unduh rentang tanggal yang lebih pendek.",
        "The file is over a size limit. Export a shorter period.",
    ),
    "ID_DESTROYED": Text(
        "refused",
        "ID kiriman rusak: angkanya dibulatkan atau tidak cocok dengan tautannya. {again}",
        "Post ids are damaged: they were rounded, or differ from the post's own link. {again}",
    ),
    "ID_INVALID": Text(
        "refused",
        "ID kiriman tidak berbentuk semestinya atau muncul dua kali. {again}",
        "A post id has the wrong shape or appears twice. {again}",
    ),
    "DATE_AMBIGUOUS": Text(
        "refused",
        "Tanggal dapat dibaca dua cara. {again} Atau isi date_order (dmy/mdy) akun ini di accounts.csv.",
        "The dates can be read two ways. {again} Or set date_order (dmy/mdy) of this account in accounts.csv.",
    ),
    "DATE_INVALID": Text(
        "refused",
        "Tanggal tidak mungkin, bercampur, atau rusak. {again}",
        "A date is impossible, mixed or damaged. {again}",
    ),
    "NUMBER_AMBIGUOUS": Text(
        "refused",
        "Angka desimal dapat dibaca dua cara (titik atau koma). {again}",
        "A decimal number can be read two ways (dot or comma). {again}",
    ),
    "NOT_A_COUNT": Text(
        "refused",
        "Isi kolom jumlah bukan bilangan bulat yang pasti. {again}",
        "A count column holds something that is not a definite whole number. {again}",
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
        "Berkas ini memuat data akun lain{seen}. Pindahkan ke folder akun yang benar.",
        "This file holds data of another account{seen}. Move it to the folder of the right account.",
    ),
    "UNKNOWN_ACCOUNT": Text(
        "held",
        "Akun belum terdaftar atau belum disebut{seen}. Tambahkan baris ini ke registry/accounts.csv, atau taruh berkas "
        "di folder akunnya.",
        "The account is not registered or not named{seen}. Add this line to registry/accounts.csv, or put the file into "
        "the folder of its account.",
    ),
    "COPIED_FROM": Text(
        "refused",
        "Isi berkas sama dengan berkas akun lain{seen}. Unduh dari akun yang benar.",
        "The content equals a file of another account{seen}. Download it from the right account.",
    ),
    "IMPLAUSIBLE": Text(
        "flagged",
        "Angka di berkas ini saling bertentangan. {again}",
        "Numbers in this file contradict each other. {again}",
    ),
    "RESTATED": Text(
        "flagged",
        "Angka lama berubah banyak dibanding unduhan sebelumnya.",
        "Earlier numbers changed a lot against the previous export.",
    ),
    "ORDER_ASSUMED": Text(
        "flagged",
        "Waktu unduh tidak tertulis dan isinya berbeda dari berkas lain; tanggalnya diperkirakan, dan angkanya tidak "
        "menggantikan angka yang bertanggal. Taruh di folder bertanggal, misalnya inbox/2026-01-31/akun.",
        "Nothing says when this was exported, and it differs from another file; its day was estimated, and its figures "
        "replace none that are dated. Put it into a dated folder, such as inbox/2026-01-31/account.",
    ),
    "NOT_A_FILE": Text(
        "refused",
        "Ini bukan berkas biasa atau tidak dapat dibuka{seen}; tidak disentuh. Salin berkas aslinya ke folder ini.",
        "This is not a regular file or cannot be opened{seen}; it was not touched. Copy the file itself into this folder.",
    ),
    "ERASED": Text(
        "refused",
        "Berkas ini sudah dihapus (atas permintaan, atau karena batas simpan data pribadi lewat) dan tidak dibaca lagi. Hapus "
        "juga salinan di folder ini.",
        "This file was erased (on request, or because personal data had been kept long enough) and is not read again. Delete the "
        "copy in this folder as well.",
    ),
    "ARCHIVE_LOST": Text(
        "flagged",
        "Salinan arsip berkas ini rusak atau hilang, dan berkasnya tidak ada lagi di inbox. Angkanya tetap dipakai, tetapi tidak "
        "dapat dibaca ulang: letakkan lagi berkas aslinya di inbox, atau kembalikan dari cadangan.",
        "The archived copy of this file is damaged or missing, and the file is no longer in the inbox. Its figures stay in use "
        "but cannot be read again: put the original file into the inbox again, or restore it from a backup.",
    ),
    "NOT_IN_ARCHIVE": Text(
        "refused",
        "Salinan arsip berkas ini rusak atau hilang, dan berkasnya tidak ada lagi di inbox, jadi tidak dapat dibaca. Letakkan "
        "lagi berkas aslinya di inbox, atau kembalikan dari cadangan.",
        "The archived copy of this file is damaged or missing, and the file is no longer in the inbox, so it cannot be read. Put "
        "the original file into the inbox again, or restore it from a backup.",
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
        "Lembar lain di buku kerja ini tidak dipakai{seen}.",
        "Other sheets of this workbook are not used{seen}.",
    ),
    "DATE_ORDER": Text(
        "info",
        "Urutan tanggal ditetapkan dari bukti di dalam atau di sekitar berkas.",
        "The order of the dates was settled by evidence in or around the file.",
    ),
    "PERIOD_UNKNOWN": Text(
        "flagged",
        "Angka ini dijumlahkan dalam periode yang tidak tertulis di berkas, jadi tidak dipakai sebagai total unggahan, kecuali "
        "unduhan sebelum dan sesudahnya membuktikan periodenya. Masukkan ZIP utuh seperti saat diunduh, atau sebut periodenya: "
        "'terukur add --period 2026-01-01..2026-01-31', atau pada nama berkas 'Table data 2026-01-01_2026-01-31.csv'.",
        "These are sums over a period that the file does not tell, so they are not used as totals of the posts, unless the "
        "exports before and after it prove the period. Hand in the ZIP as it was downloaded, or tell its period: "
        "'terukur add --period 2026-01-01..2026-01-31', or in the file's name: 'Table data 2026-01-01_2026-01-31.csv'.",
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
        "held",
        "Ini statistik profil pribadi, bukan halaman instansi; belum dipakai. Bila instansi menyatakannya sebagai akun "
        "resmi, isi holder = person pada barisnya di registry/accounts.csv.",
        "These are the statistics of a person's profile, not of a page; nothing of it is used. If the agency declares it "
        "as an official account, set holder = person in its line of registry/accounts.csv.",
    ),
    "TOTAL_NOTED": Text(
        "info",
        "Baris jumlah dilepas dan dibandingkan.",
        "The total row was taken off and compared.",
    ),
    "COPY_ALSO": Text(
        "held",
        "Bagian ini milik akun lain{seen}; bagian lain berkas ini sudah dibaca. Taruh SALINAN berkas ini juga di folder "
        "akun itu; jangan dipindahkan.",
        "This part belongs to another account{seen}; the rest of the file was read. Put a COPY of the file into that "
        "account's folder as well; do not move it.",
    ),
    "PLATFORM_BY_PLACE": Text(
        "flagged",
        "Judul tabel ini tidak menyebut platformnya dan dipakai untuk akun foldernya, padahal di unduhan yang kami kenal "
        "judul ini milik platform lain{seen}. Periksa; bila salah, hapus berkas ini dan taruh di folder akun yang benar.",
        "The title of this table names no platform, so it was taken for the account of its folder, although in the exports "
        "we know it is another platform's{seen}. Check it; if it is wrong, delete the file and put it into the right "
        "account's folder.",
    ),
    "TITLE_TWICE": Text(
        "refused",
        "Berkas ini memuat beberapa tabel untuk hal, hari, dan akun yang sama dengan angka berbeda{seen}, jadi tidak pasti "
        "mana yang benar. Unduh satu tabel per berkas, satu akun sekali unduh.",
        "This file holds several tables for the same thing, days and account with different figures{seen}, so it is not "
        "certain which one is right. Export one table per file, one account at a time.",
    ),
    "MISPLACED_COPY": Text(
        "refused",
        "Salinan ini memuat data akun lain{seen}, yang sudah dibaca untuk akun itu. Hapus salinan ini dan unduh ekspor "
        "dari akun folder ini.",
        "This copy holds data of another account{seen}, which were read for that account. Delete this copy and download "
        "the export of this folder's own account.",
    ),
    "BELOW_ZERO": Text(
        "flagged",
        "Ada hitungan per hari atau per periode di bawah nol: platform menarik kembali hitungan lama. Dibaca apa adanya.",
        "A count of a day or a period is below zero: the platform took back earlier counts. Read as it stands.",
    ),
    "ID_NOT_LISTED": Text(
        "flagged",
        "ID akun di berkas ini belum tercatat dan diterima karena foldernya. Tambahkan di platform_account_id, dipisah "
        "spasi dari ID lama.",
        "The account id in this file is not listed yet and was accepted because of its folder. Add it to "
        "platform_account_id, behind the older id and a space.",
    ),
    "SAME_KEY": Text(
        "refused",
        "Dua data yang berbeda mendapat nomor kunci yang sama; berkas ini ditunda. Kirim ke pengelola data.",
        "Two different things were given one key; this file is set aside. Send it to the data keeper.",
    ),
    "YEAR_UNKNOWN": Text(
        "held",
        "Tanggal di berkas ini tidak bertahun dan tidak ada yang menunjukkan tahunnya{seen}. Kapan diunduh? Taruh di "
        "folder bertanggal, misalnya inbox/2026-01-31/akun.",
        "The dates in this file have no year and nothing tells it{seen}. When was it exported? Put it into a dated "
        "folder, such as inbox/2026-01-31/account.",
    ),
}


_LOCKED_ID = (
    "Berkas ini dikunci kata sandi, jadi tidak dapat dibaca. Buka, hapus kata sandinya, simpan; atau unduh ulang tanpa itu."
)
_LOCKED_EN = "This file has a password, so it cannot be read. Open it, remove the password, save it; or export it again without."
LOCKED = Text("refused", _LOCKED_ID, _LOCKED_EN)
SEEN = {
    ("ENCRYPTED_OR_XLS", "password"): LOCKED,
    ("UNSAFE_ARCHIVE", "encrypted"): LOCKED,
}  # what was seen tells more than the code


def escape(text: object, limit: int = 40) -> str:
    """At most ``limit`` characters, with control, bidirectional and invisible characters and lone surrogates spelled out."""
    out = []
    for char in str(text)[: limit + 1]:
        hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        out.append(char.encode("unicode_escape").decode("ascii") if hidden else char)
    shown = "".join(out)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def message(code: str, place: str = "", seen: object = "", *, again: str | None = None) -> Message:
    """The message of a code. ``again``: a key of AGAIN; what only flags was kept. Unknown codes are a bug and raise KeyError."""
    text = SEEN.get((code, str(seen)), TEXTS[code])
    again = again or ("kept" if text.level == "flagged" else "unknown")
    shown = escape(seen, 120)
    words = [
        sentence.replace("{again}", way_out).replace("{seen}", f" ({shown})" if shown else "")
        for sentence, way_out in zip((text.id, text.en), AGAIN[again], strict=True)
    ]
    return Message(code=code, place=escape(place, 120), seen=escape(seen), id=words[0], en=words[1])


def level(code: str) -> str:
    return TEXTS[code].level
