"""Where the figures of a document come from: the version that judged its month, and the hashes that name version and archive."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline import registry
from pipeline.engine import versions
from pipeline.html.locale import Words
from pipeline.night import NotPossible
from pipeline.pages.data import Facts, load
from pipeline.pages.sheet import Sheet
from pipeline.settings import Workspace


@dataclass(frozen=True)
class Origin:
    """One version with its facts. `archive` is the SHA-256 over the sorted hashes of all files that the version read."""

    workspace: Workspace
    facts: Facts
    known: registry.Registry
    version: str
    version_sha256: str
    archive: str
    archive_files: int
    tables: Any  # the opened version, for what the pages do not load: `sql(query, **values)`

    @property
    def month(self) -> date:
        end = self.facts.period[1]
        assert end is not None  # `opened` gives none without
        return end.replace(day=1)

    @property
    def built_at(self) -> datetime:
        built: datetime = self.facts.info["built_at"]
        return built

    def sheet(self, language: str, path: str = "surat") -> Sheet:
        """A page that links to nothing: the sentences and numbers of the pages, for paper."""
        return Sheet(Words(language), self.facts, path, self.built_at, single=True)

    def agency(self, agency_id: str) -> dict[str, Any]:
        """Raises NotPossible, naming what is near."""
        known = {a["agency_id"]: a for a in self.facts.agencies}
        if agency_id not in known:
            near_id, near_en = registry.nearest(agency_id, list(known))
            raise NotPossible(
                f"Perangkat daerah '{agency_id}' tidak ada di versi ini{near_id}",
                f"No agency '{agency_id}' in this version{near_en}",
            )
        return known[agency_id]


@contextmanager
def opened(workspace: Workspace, month: str | None = None) -> Iterator[Origin]:
    """The version whose judged months end with `month` (YYYY-MM), else the current one. Raises NotPossible."""
    name = version_of(workspace, month) if month else None
    known = registry.load(workspace.registry)
    with versions.open_version(workspace, name) as version:
        facts = load(version, known)
        if facts.period[1] is None:
            raise NotPossible(
                "Belum ada bulan yang lengkap; surat baru dapat dibuat sesudah satu bulan penuh tertutup unduhan.",
                "No month is complete yet; a letter can be made once downloads cover one whole month.",
            )
        digest, count = archive_hash(version)
        sealed = versions.manifest(workspace, version.name)["sha256"]
        yield Origin(workspace, facts, known, version.name, sealed, digest, count, version)


def version_of(workspace: Workspace, month: str) -> str:
    """The newest version that judges months up to `month`. Raises NotPossible with the months that can be had."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise NotPossible(f"'{month}' bukan bulan; tulis misalnya 2026-10", f"'{month}' is no month; write for example 2026-10")
    found: dict[str, str] = {}
    for entry in versions.versions(workspace):
        with versions.open_version(workspace, entry["version"]) as version:
            if "marts.period" not in version.tables:
                continue
            end = version.table("marts.period")["period_end"].to_list()
        if end and end[0]:
            found[f"{end[0]:%Y-%m}"] = entry["version"]
    if month not in found:
        listed = ", ".join(sorted(found)) or "–"
        raise NotPossible(
            f"Tidak ada versi tersimpan untuk {month}. Bulan yang ada: {listed}",
            f"No version is kept for {month}. Months that can be had: {listed}",
        )
    return found[month]


def archive_hash(version: versions.Version) -> tuple[str, int]:
    """One hash that names every file behind the version, and how many these are."""
    listed = version.sql("SELECT DISTINCT sha256 FROM marts.export_files WHERE sha256 IS NOT NULL ORDER BY sha256")
    hashes = listed["sha256"].to_list()
    return hashlib.sha256("".join(f"{h}\n" for h in hashes).encode()).hexdigest(), len(hashes)


def folder_of(workspace: Workspace, month: date, target: Path | None = None) -> Path:
    """Where the documents of a month lie: `laporan/2026-10` in the workspace unless told otherwise."""
    return target if target is not None else workspace.root / "laporan" / f"{month:%Y-%m}"
