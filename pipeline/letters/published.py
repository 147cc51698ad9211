"""Leadership's folder: what any static server or share can hold, with an address per month that stays, and `terbaru`.

`<folder>/2026-10/` holds the pages and documents of a month, `<folder>/terbaru/` leads to the newest, `<folder>/` lists all
months with their seals and corrections. A month is written aside and moved into place, so nobody ever opens half of one.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from pipeline.html import render
from pipeline.html.escape import file_part
from pipeline.html.locale import Words
from pipeline.letters import agency, books, monthly, seal
from pipeline.letters.origin import Origin
from pipeline.letters.paper import compile_pdf
from pipeline.night import NotPossible

DOCUMENTS = "dokumen"


def publish(origin: Origin, language: str = "id", target: Path | None = None) -> Path:
    """Write the month into the folder and let `terbaru` lead to the newest month there; gives the month's folder."""
    root = target if target is not None else origin.workspace.root / "terbit"
    site = origin.workspace.site / file_part(origin.version)
    if not site.is_dir():
        raise NotPossible(
            f"Halaman versi {origin.version} tidak ada lagi; jalankan `terukur run`, lalu ulangi.",
            f"The pages of version {origin.version} are gone; run `terukur run`, then try again.",
        )
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    place, staging = root / f"{origin.month:%Y-%m}", root / f".susun-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        shutil.copytree(site, staging)
        for name, content in documents(origin, language):
            path = staging / DOCUMENTS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _open_to_readers(staging)
        _swap(staging, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _doors(origin, root, language)
    return place


def documents(origin: Origin, language: str) -> list[tuple[str, bytes]]:
    """The letter, the briefing, the workbook, and the report of each agency."""
    found = [
        ("laporan-bulanan.pdf", compile_pdf(monthly.letter(origin, language))),
        ("briefing.pdf", compile_pdf(monthly.briefing(origin, language))),
        ("buku-kerja.xlsx", books.month(origin, language)),
    ]
    for one in origin.facts.listed:
        found.append((f"perangkat/{one['slug']}.pdf", compile_pdf(agency.report(origin, one, language))))
    return found


def _doors(origin: Origin, root: Path, language: str) -> None:
    """The list of months and the door `terbaru`, each replaced in one step."""
    w = Words(language)
    months = sorted((p.name for p in root.iterdir() if re.fullmatch(r"\d{4}-\d{2}", p.name)), reverse=True)
    seals = {name: [e for e in seal.register(origin.workspace) if e["month"] == name] for name in months}
    rows: list[dict[str, Any]] = [
        {"name": name, "label": w.month(_day(name)), "seals": seals[name], "documents": DOCUMENTS} for name in months
    ]
    said = {"site": origin.sheet(language).site_name, "simulated": origin.facts.simulated, "language": language}
    page = render("terbit.html", w, rows=rows, go="", **said)
    door = render("terbit.html", w, rows=rows[:1], go=f"../{months[0]}/index.html", **said)
    (root / "terbaru").mkdir(mode=0o755, exist_ok=True)
    for path, text in ((root / "index.html", page), (root / "terbaru" / "index.html", door)):
        temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)
        os.replace(temporary, path)


def _day(name: str) -> Any:
    from datetime import date

    return date.fromisoformat(f"{name}-01")


def _open_to_readers(folder: Path) -> None:
    """A web server runs as another user: what is published may be read by all."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _swap(new: Path, place: Path) -> None:
    if not place.exists():
        new.rename(place)
        return
    aside = place.with_name(f".lama-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        aside.rename(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)
