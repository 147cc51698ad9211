"""Files as they arrive after an accident, each beside the sound file it came from, so that nothing else is affected."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from pipeline.samples.files import Content, Files, capture_second


def semicolons(text: str) -> str:
    """Opened and saved in an Indonesian Excel: semicolons instead of commas."""
    cells = re.findall(r'("(?:[^"]|"")*"|[^,\n]*)(,|\n|$)', text)
    return "".join(c + (";" if end == "," else end) for c, end in cells if c or end)


def scientific(text: str) -> str:
    return re.sub(r"(?m)^(\d)(\d\d)\d{9,16}(?=,)", r"\1.\2E+16", text)


def swapped_days(text: str) -> str:
    return re.sub(r'"(\d\d)/(\d\d)/(\d{4} \d\d:\d\d)"', r'"\2/\1/\3"', text)


def with_total(text: str) -> str:
    columns = text.split("\n", 1)[0].count(",") + 1
    return text + "Jumlah keseluruhan" + "," * (columns - 1) + "\n"


def without_ids(text: str) -> str:
    """The first column was deleted. Captions with line breaks keep theirs: only lines that start with an id are touched."""
    return re.sub(r'(?m)^(?:"(?:Post ID|ID Postingan)"|\d{15,17}),', "", text)


def spanish(text: str) -> str:
    header, body = text.split("\n", 1)
    names = ["Identificador de la publicación", "Identificador de la página", "Nombre de la página"]
    rest = [f"Columna {i}" for i in range(4, header.count(",") + 2)]
    return ",".join([f'"{n}"' for n in names] + [f'"{n}"' for n in rest]) + "\n" + body


def cut_off(text: str) -> str:
    return text[: int(len(text) * 0.6)].rstrip("\n") + '"'


def strange_header(text: str) -> str:
    return re.sub(r'"(Post ID|ID Postingan)"', '"Kode Rahasia"', text, count=1).replace("Permalink", "Alamat", 1)


# A swapped date may be read right, because the link knows the instant; it may never be read wrong.
ACCIDENTS: tuple[tuple[str, str, Callable[[str], str], list[str]], ...] = (
    ("titik-koma", "ig-dinkes", semicolons, ["accepted", "flagged"]),
    ("id-ilmiah", "ig-disdik", scientific, ["refused"]),
    ("hari-bulan-tertukar", "ig-dishub", swapped_days, ["accepted", "flagged", "refused"]),
    ("baris-jumlah", "fb-dinkes", with_total, ["refused"]),
    ("kolom-hilang", "ig-dlh", without_ids, ["refused"]),
    ("bahasa-lain", "fb-diskominfo", spanish, ["refused"]),
    ("terpotong", "ig-kec-cibinong", cut_off, ["refused"]),
    ("judul-asing", "ig-bpbd", strange_header, ["refused"]),
)


def write_all(day: dt.date, files: Files) -> None:
    """On the newest day: every accident once, and one file downloaded twice."""
    sound = {r["account_id"]: p for p, r in files.records.items() if f"/{day.isoformat()}/" in p and _is_content(r)}
    captured = capture_second(day)
    for name, account_id, harm, expect in ACCIDENTS:
        path = sound.get(account_id)
        if path is None:
            continue
        text = (files.root / path).read_bytes().decode("utf-8-sig")
        data = harm(text).encode()
        exports = files.records[path]["exports"] if "accepted" in expect else []
        folder = path.rsplit("/", 1)[0]
        files.write(f"{folder}/rusak-{name}.csv", data, account_id, captured, exports, expect=expect, damage=name)
    for account_id in ("ig-dinkes", "fb-dinkes"):
        path = sound.get(account_id)
        if path:
            data = (files.root / path).read_bytes()
            again = path.removesuffix(".csv") + " (1).csv"
            files.write(
                again, data, account_id, captured, files.records[path]["exports"], expect=["duplicate"], damage="unduh-ganda"
            )


def _is_content(record: Content) -> bool:
    return any(e["kind"] in ("meta.content.instagram.post", "meta.content.facebook.post") for e in record["exports"])
