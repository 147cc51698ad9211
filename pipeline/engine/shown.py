"""What notebooks and pages are made from, so that a night without news leaves the set that lies there.

Neither knows what day it is: the age that they tell is counted to the moment of the version, and days are what the version holds.
The day itself is therefore no part of it; a night that changes nothing else would write the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pipeline import stamps
from pipeline.engine import versions
from pipeline.settings import Workspace, settings


def made_from(workspace: Workspace, *more: str) -> dict[str, Any]:
    """The version and those that lie beside it, the program, the registers, what was sealed; `more`: of the caller's own."""
    name = versions.current(workspace)
    kept = [(one["version"], one["built_at"]) for one in versions.versions(workspace)]
    reports = workspace.root / "laporan"
    sealed = [f"{place.name} {stamps.state(place)}" for place in sorted(reports.glob("*/segel/*.zip"))]
    return {
        "version": name,
        "sha256": versions.manifest(workspace, name)["sha256"] if name else None,
        "versions": stamps.digest(map(str, kept)),
        "program": stamps.program(),
        "registry": stamps.folder(workspace.registry),
        "sealed": stamps.digest([stamps.state(reports / "segel.jsonl"), *sealed]),
        "language": settings().language,
        "more": stamps.digest(more),
    }


def kept(folder: Path) -> str:
    """What lies in `notebooks/` of earlier runs: names and bytes of the records."""
    places = sorted(path for path in folder.glob("[0-9]*.json") if path.is_file())
    return stamps.digest(part for place in places for part in (place.name, hashlib.sha256(place.read_bytes()).hexdigest()))


def digest(folder: Path) -> tuple[list[Path], str]:
    """Every file of a set of pages, sorted, and the SHA-256 of their names and bytes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return files, whole.hexdigest()


def standing(site: Path) -> str:
    """SHA-256 of the set that `latest` leads to; empty where there is none."""
    latest = site / "latest"
    return digest(latest.resolve())[1] if latest.is_dir() else ""
