"""The ground under every file: writing that survives a power cut, YAML, and what ships with the package."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser reads our vocabularies in a tenth of the time


def shipped(*parts: str) -> Path:
    """A file or folder that comes with the program: `warehouse`, `notebooks`, `dagster.yaml`

    In a checkout these stand at the root beside `pipeline/`; in a wheel they lie inside the package, in `shipped/`.
    """
    package = Path(str(files("pipeline")))
    return (package.parent if is_checkout() else package / "shipped").joinpath(*parts)


def is_checkout() -> bool:
    """Whether the program runs from its repository, also by an editable install, rather than from an installed wheel."""
    return not Path(str(files("pipeline") / "shipped")).is_dir()


def program_version() -> str:
    """The version of this program as it was installed; `source` where it runs without having been installed."""
    from importlib import metadata

    try:
        return metadata.version("terukur")
    except metadata.PackageNotFoundError:
        return "source"


def load_yaml(text: str) -> Any:
    """The values of a YAML text. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader


def compose_yaml(text: str) -> Any:
    """The nodes of a YAML text, each with its place. Raises yaml.YAMLError."""
    return yaml.compose(text, Loader=LOADER)


def fsync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_running(process: str) -> bool:
    """Whether another process with this number works; our own leftovers are from a number used before."""
    return process.isdigit() and int(process) != os.getpid() and Path(f"/proc/{process}").exists()


def write_atomically(path: Path, text: str) -> None:
    """Replace a small text file in one step: readers see the old text or the new one, after a power cut too."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    fsync(path.parent)


DAMAGED = ".damaged-"


def set_aside(path: Path) -> Path:
    """Move what is damaged, or lies where something else belongs, out of the way; gives its new place beside the old one.

    Only the newest of each name is kept: it is evidence, and a disk that fails every night must not fill up with it.
    """
    for older in path.parent.glob(f"{path.name}{DAMAGED}*"):
        shutil.rmtree(older) if older.is_dir() and not older.is_symlink() else older.unlink(missing_ok=True)
    aside = path.with_name(f"{path.name}{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    os.replace(path, aside)
    fsync(path.parent)
    return aside


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
