"""docs/formats.md from the formats themselves: ``python -m pipeline.formats.docs`` writes it, a test keeps it current."""

from itertools import groupby
from pathlib import Path

from pipeline.columns import columns
from pipeline.formats import Format, all_formats
from pipeline.platforms import label, platforms

FILE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
SOURCES = {"sp4n_lapor": "SP4N-LAPOR!", "hootsuite": "Hootsuite", None: "Beberapa platform"}  # that are no platform
GRAINS = {
    "post": "satu baris = satu unggahan",
    "account_day": "satu baris = satu akun pada satu hari",
    "audience": "satu baris = satu kelompok khalayak",
    "case": "satu baris = satu laporan atau percakapan",
    "register": "daftar induk; tempatnya di folder registry",
}
CONFIDENCE = {
    "seen": "terlihat pada berkas asli",
    "public_code": "dari program terbuka yang membaca berkas asli",
    "reported": "dilaporkan pihak lain yang memegang berkas asli",
    "documented": "dari dokumentasi penyedia",
    "inferred": "perkiraan; menunggu berkas asli pertama",
}
INTRO = """# Berkas yang dapat dibaca

Daftar ini dibuat dari aturan pembacanya (`python -m pipeline.formats.docs`), jadi selalu sama dengan yang berlaku.
Berkas dikenali dari isinya, bukan dari namanya. Jangan membuka dan menyimpan ulang berkas lewat Excel.

Yang tidak dapat diunduh diisi sendiri pada lembar di [templat/](templat/).
Tabel dari alat lain dapat diajarkan: [pemetaan.md](pemetaan.md).

This list is generated from the reader's own rules. A file is recognised by its content, never by its name."""


def _metrics(form: Format) -> str:
    """The columns that are kept, in Indonesian, without the sentence's end."""
    known = columns()
    numbers = [c.field for c in form.columns if c.kind in ("count", "decimal", "percent", "duration")]
    names = dict.fromkeys(n for n in numbers if n in known)
    return ", ".join(f"`{n}`" for n in names) or "-"


def _languages(form: Format) -> str:
    found = [
        name
        for name, has in (("Inggris", any(c.en for c in form.columns)), ("Indonesia", any(c.id for c in form.columns)))
        if has
    ]
    return " dan ".join(found) or "-"


def _entry(form: Format) -> str:
    lines = [
        f"### {form.title_id}",
        f"*{form.title_en}* · `{form.kind}`",
        "",
        f"- Unduh dari: {form.menu_id}",
        f"- Isi: {GRAINS.get(form.grain, form.grain)}",
        f"- Bentuk: {', '.join(form.containers)}; judul kolom {_languages(form)}",
        f"- Keyakinan: {CONFIDENCE.get(form.confidence, form.confidence)}",
        f"- Angka: {_metrics(form)}",
    ]
    return "\n".join(lines)


def _never(platform: str | None) -> list[str]:
    """What no export of a platform can tell, for who looks for it."""
    return [f"Yang tidak pernah ada: {platforms()[platform].never_id}"] if platform in platforms() else []


def text() -> str:
    """The whole page."""
    names = {name: label(name) for name in platforms()} | SOURCES
    order = list(names)
    forms = sorted(all_formats(), key=lambda f: (order.index(f.platform), f.kind, f.grain))
    parts = [INTRO]
    for platform, group in groupby(forms, key=lambda f: f.platform):
        parts += [f"## {names[platform]}", *_never(platform), *(_entry(f) for f in group)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
