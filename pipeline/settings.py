"""What a deployment may set, read once from the environment (prefix TERUKUR_), and the folders that it owns.

Nothing is read or created on import; `workspace()` only names folders, `Workspace.create()` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Deployment settings. Every field is an environment variable: `TERUKUR_WORKSPACE`, `TERUKUR_MEMORY_LIMIT`, …"""

    model_config = SettingsConfigDict(env_prefix="TERUKUR_", extra="ignore")

    workspace: Path = Path("data")
    language: Literal["id", "en"] = "id"
    time_zone: str = "Asia/Jakarta"
    memory_limit: str = "1GB"
    threads: int = 2
    keep_versions: int = 7


@dataclass(frozen=True)
class Workspace:
    """The one folder that belongs to a deployment. Only `archive` and `registry` cannot be rebuilt from the others."""

    root: Path

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def versions(self) -> Path:
        return self.warehouse / "versions"

    @property
    def raw_db(self) -> Path:
        return self.warehouse / "raw.duckdb"

    @property
    def current_file(self) -> Path:
        return self.warehouse / "CURRENT"

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock_file(self) -> Path:
        return self.root / "run.lock"

    def create(self) -> Workspace:
        """Make the folders that are missing, readable by the owner and the group only."""
        for folder in (self.root, self.registry, self.inbox, self.archive, self.versions, self.site, self.notebooks, self.logs):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        return self


def workspace(path: str | Path | None = None) -> Workspace:
    """The workspace named by the argument, else by TERUKUR_WORKSPACE, else `data` in the current folder."""
    return Workspace(Path(path if path is not None else Settings().workspace).expanduser().absolute())
