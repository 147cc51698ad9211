"""What something was made from, as a short text: equal stamps mean that making it again gives the same.

A stamp covers bytes and names only, never a clock. The stamps of what a night leaves for people lie in `warehouse/stamps.json`; a
file that cannot be read is no stamp, and then everything is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.files import shipped, write_atomically
from pipeline.settings import Workspace

# Whose release may change a figure, a drawing or a page.
LIBRARIES = (
    *("babel", "duckdb", "holidays", "ipykernel", "jinja2", "markupsafe", "mistune", "nbclient", "numpy", "plotly", "polars"),
    *("pyarrow", "scipy"),
)
SUFFIXES = (".pyc", ".pyo")  # made by Python from what is counted anyway


def digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def folder(*places: Path) -> str:
    """Names and bytes of all files below these folders. Links are followed at the top only."""
    whole = hashlib.sha256()
    for place in places:
        for path in _files(place.resolve()):
            whole.update(str(path.relative_to(place.resolve())).encode() + b"\0")
            with open(path, "rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]


def _files(place: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(place):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".ipynb_checkpoints")]
        found += [Path(root) / name for name in names if not name.endswith(SUFFIXES)]
    return sorted(found)


def state(path: Path) -> str:
    """Whether a file was written since: its size, time and number. For files too large to be read for nothing."""
    try:
        info = path.stat()
    except OSError:
        return "none"
    return f"{info.st_size}.{info.st_mtime_ns}.{info.st_ino}"


@cache
def libraries() -> str:
    """The releases of Python and of what we calculate and draw with."""
    return digest([sys.version, *(f"{name} {_release(name)}" for name in LIBRARIES)])


def _release(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


@cache
def program() -> str:
    """Every file of the program, and what it calculates and draws with: coarser than a fingerprint of a table, and cheaper."""
    return digest([libraries(), folder(Path(str(files("pipeline"))), shipped("warehouse"), shipped("notebooks"))])


def _place(workspace: Workspace) -> Path:
    return workspace.warehouse / "stamps.json"


def read(workspace: Workspace, name: str) -> dict[str, Any]:
    """The stamp of this name, or an empty one."""
    return _all(workspace).get(name, {})


def _all(workspace: Workspace) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(_place(workspace).read_bytes())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def write(workspace: Workspace, name: str, stamp: dict[str, Any] | None) -> None:
    """Keep a stamp; None takes it back."""
    kept = {k: v for k, v in _all(workspace).items() if k != name} | ({name: stamp} if stamp is not None else {})
    write_atomically(_place(workspace), json.dumps(kept, indent=1, sort_keys=True))
