"""Every page of one published version: `build()` writes the site, `share()` one self-contained file.

The whole set is written beside the old one, verified, and moved into place in one rename; `latest` is a
link that is replaced in one step. If anything fails, yesterday's pages stay.
Build time is passed in and everything is sorted, so two builds of one version are the same bytes.
"""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.engine.shown import digest
from pipeline.engine.versions import Version
from pipeline.files import is_running
from pipeline.html import environment, plotly_source, shell
from pipeline.html.escape import file_part
from pipeline.html.locale import LANGUAGES, Words
from pipeline.notebook import execution
from pipeline.pages import (
    arsip,
    banding,
    buku,
    daftar,
    glosarium,
    jejak,
    kualitas,
    metode,
    pancakarsa,
    pelatihan,
    perangkat,
    ringkasan,
)
from pipeline.pages.data import Facts, Past, load
from pipeline.pages.parts import parts
from pipeline.pages.sheet import ENGINE, Sheet
from pipeline.registry import Registry

PAGES: tuple[Any, ...] = (
    ringkasan,
    daftar,
    banding,
    pancakarsa,
    pelatihan,
    kualitas,
    arsip,
    jejak,
    metode,
    glosarium,
    buku,
)
LARGEST_PAGE = 300_000
LARGEST_NOTEBOOK = 1_000_000


class BuildError(RuntimeError):
    """A page is not whole; the old site stays."""


@dataclass
class SiteResult:
    """What was built. `notes` lists pages over their size budget."""

    folder: Path
    version: str
    pages: int
    files: int
    size_bytes: int
    sha256: str
    notes: list[str] = field(default_factory=list)


def build(
    version: Version,
    site_root: Path,
    *,
    languages: Sequence[str] = LANGUAGES,
    built_at: datetime | None = None,
    registry: Registry | None = None,
    notebooks: Path | None = None,
    past: Sequence[Past] = (),
) -> SiteResult:
    """All pages of `version` into `site_root/<version>/` and `site_root/latest/`; `notebooks` holds what notebooks showed, `past`
    are the reports published before, oldest first."""
    facts = load(version, registry)
    facts.notebooks = execution.records(notebooks)
    facts.past = sorted(past, key=lambda report: report.month)
    name = str(facts.info.get("version") or "")
    if not name:
        raise BuildError("the version does not say its name (meta.version)")
    moment = built_at or facts.info.get("built_at")
    if moment is None:
        raise BuildError("the version does not say when it was built (meta.version.built_at), and no built_at was given")
    site_root = Path(site_root)
    site_root.mkdir(parents=True, exist_ok=True)
    _sweep(site_root)
    staging = Path(tempfile.mkdtemp(prefix=f".susun-{os.getpid()}-", dir=site_root))
    try:
        pages = _write_set(facts, staging, languages, moment)
        notes = _verify(staging, pages, name)
        result = _publish(staging, site_root, file_part(name), pages, name, notes)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return result


def chromium() -> str | None:
    """The machine's own Chromium or Chrome, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


def pdf(page: Path, out: Path) -> Path:
    """The print form of a shared page as PDF, by whichever Chromium the machine has. Raises BuildError without one."""
    browser = chromium()
    if browser is None:
        raise BuildError("no Chromium on this machine; open the page in a browser and print it to PDF")
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        flags += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # its sandbox refuses root
        flags += [f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={out.resolve()}"]
        done = subprocess.run([browser, *flags, page.resolve().as_uri()], capture_output=True, timeout=120, check=False)
    if done.returncode or not out.is_file():
        raise BuildError(f"Chromium made no PDF (exit {done.returncode})")
    return out


def share(
    version: Version,
    agency: str,
    out: Path,
    language: str = "id",
    *,
    built_at: datetime | None = None,
    registry: Registry | None = None,
) -> Path:
    """One self-contained page: an agency by its id, or 'ringkasan'. It links to nothing and carries the live charts
    compressed."""
    facts = load(version, registry)
    moment = built_at or facts.info.get("built_at")
    if moment is None:
        raise BuildError("the version does not say when it was built (meta.version.built_at), and no built_at was given")
    if agency == "ringkasan":
        text = ringkasan.build(Sheet(Words(language), facts, ringkasan.PATH, moment, single=True))
    else:
        known = {a["agency_id"]: a for a in facts.agencies}
        if agency not in known:
            raise KeyError(f"no agency {agency!r}; known: {', '.join(sorted(known)[:8])} …")
        text = perangkat.build(Sheet(Words(language), facts, "perangkat.html", moment, single=True), known[agency])
    _check_page(text, str(facts.info.get("version") or ""), agency)
    out = Path(out)
    _write(out, text.encode())
    return out


def share_notebook(version: Version, record: execution.Record, out: Path, language: str = "id") -> Path:
    """One run notebook as one self-contained page."""
    facts = load(version)
    sheet = Sheet(Words(language), facts, buku.path_of(record), facts.info["built_at"], single=True)
    text = buku.page(sheet, record)
    _check_page(text, str(facts.info.get("version") or ""), record.name)
    _write(Path(out), text.encode())
    return Path(out)


# -- the set -------------------------------------------------------------------------------------------------------------------
def jobs(facts: Facts) -> Iterator[tuple[str, Callable[[Sheet], str]]]:
    """(path, builder) of every page of one language."""
    for module in PAGES:
        yield module.PATH, module.build
    for part in parts(facts.listed):
        yield daftar.part_url(part), functools.partial(daftar.build_part, part=part)
        yield banding.part_url(part), functools.partial(banding.build_part, part=part)
    for part in parts(facts.agencies):
        yield kualitas.part_url(part), functools.partial(kualitas.build_part, part=part)
    for agency in facts.agencies:
        yield f"perangkat/{agency['slug']}.html", functools.partial(perangkat.build, agency=agency)
    for record in facts.notebooks:
        if record.parts:
            yield buku.path_of(record), functools.partial(buku.page, record=record)


def _write_set(facts: Facts, staging: Path, languages: Sequence[str], moment: datetime) -> list[str]:
    written = []
    for language in languages:
        words = Words(language)
        for path, builder in jobs(facts):
            sheet = Sheet(words, facts, path, moment)
            _write(staging / language / path, builder(sheet).encode())
            written.append(f"{language}/{path}")
            for name, content in sheet.files.items():
                _write(staging / language / name, content)
    _write(staging / ENGINE, plotly_source())
    _write(
        staging / "aset" / "LICENSE-plotly.txt",
        (Path(__file__).parents[1] / "html" / "assets" / "LICENSE-plotly.txt").read_bytes(),
    )
    _write(staging / "index.html", _door(facts, languages).encode())
    return written


def _door(facts: Facts, languages: Sequence[str]) -> str:
    return _door_of(str(facts.info.get("version") or ""), languages)


def _door_of(version: str, languages: Sequence[str]) -> str:
    """The page at the root of a version: goes on to the first language, and links to both."""
    return environment().get_template("pintu.html").render(languages=languages, version=version)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _check_page(text: str, version: str, path: str) -> None:
    if not text.rstrip().endswith("</html>") or f'content="{version}"' not in text or "<h1>" not in text:
        raise BuildError(f"{path} is not whole")


def _verify(staging: Path, pages: list[str], version: str) -> list[str]:
    """Every page read back from disk: closing tag, version, one h1, size. Returns notes on pages over budget."""
    notes = []
    for path in pages:
        content = (staging / path).read_bytes()
        _check_page(content.decode(), version, path)
        budget = LARGEST_NOTEBOOK if "/buku/" in path else LARGEST_PAGE
        if len(content) > budget:
            notes.append(f"{path}: {len(content):,} bytes is over the budget of {budget:,}")
    return notes


def _publish(staging: Path, site_root: Path, folder: str, pages: list[str], version: str, notes: list[str]) -> SiteResult:
    files, sha256 = digest(staging)
    size = sum(p.stat().st_size for p in files)
    target = site_root / folder
    if target.exists():  # the same version again: readers of `latest` see a twin while its folder is replaced
        twin = Path(tempfile.mkdtemp(prefix=f".susun-{os.getpid()}-", dir=site_root))
        twin.chmod(0o750)
        shutil.copytree(staging, twin, dirs_exist_ok=True, copy_function=_link)
        _point(site_root, twin)
        _swap(staging, target, site_root)
        _point(site_root, target)
        shutil.rmtree(twin, ignore_errors=True)
    else:
        _swap(staging, target, site_root)
        _point(site_root, target)
    return SiteResult(target, version, len(pages), len(files), size, sha256, notes)


def show(site_root: Path, version: str) -> bool:
    """Let `latest` lead to the pages of a version that were built before; whether they are still there, whole."""
    folder = Path(site_root) / file_part(version)
    try:
        is_whole = f'content="{version}"' in (folder / "index.html").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    if is_whole:
        _point(Path(site_root), folder)
    return is_whole


def retain(site_root: Path, kept: Collection[str]) -> None:
    """Remove the pages of versions that are no longer kept; those that `latest` leads to stay."""
    now = (site_root / "latest").resolve().name
    for folder in site_root.glob("w-*"):
        if folder.is_dir() and folder.name not in kept and folder.name != now:
            shutil.rmtree(folder, ignore_errors=True)


def _point(site_root: Path, folder: Path) -> None:
    """`latest` leads to `folder`. A symbolic link is replaced in one step, so `latest` is never missing; a disk without links
    gets a second folder of the same files, swapped by two renames with a moment between them."""
    latest, link = site_root / "latest", site_root / ".terbaru"
    link.unlink(missing_ok=True)
    try:
        os.symlink(folder.name, link, target_is_directory=True)
    except (OSError, NotImplementedError):
        copy = Path(tempfile.mkdtemp(prefix=f".susun-{os.getpid()}-", dir=site_root))
        shutil.copytree(folder, copy, dirs_exist_ok=True, copy_function=_link)
        _swap(copy, latest, site_root)
        return
    if latest.is_dir() and not latest.is_symlink():  # from a disk or a release that had folders: once
        aside = Path(tempfile.mkdtemp(prefix=f".lama-{os.getpid()}-", dir=site_root)) / "latest"
        latest.rename(aside)
        link.rename(latest)
        shutil.rmtree(aside.parent, ignore_errors=True)
        return
    os.replace(link, latest)


def _link(source: str, target: str) -> None:
    """A published file is never edited, so `latest` may share it; where the disk cannot link, it is copied."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _sweep(site_root: Path) -> None:
    """Remove what killed builds left: folders named by a process that no longer runs."""
    for leftover in (*site_root.glob(".susun-*-*"), *site_root.glob(".lama-*-*")):
        if not is_running(leftover.name.split("-")[1]):
            shutil.rmtree(leftover, ignore_errors=True)


def _swap(new: Path, target: Path, site_root: Path) -> None:
    """`new` becomes `target`; the old folder steps aside first and comes back if the second rename fails."""
    new.chmod(0o750)
    if not target.exists():
        new.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".lama-{os.getpid()}-", dir=site_root)) / target.name
    target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside.parent, ignore_errors=True)


__all__ = ["BuildError", "SiteResult", "build", "chromium", "pdf", "share", "share_notebook", "shell"]
