"""What a deployment may set, read once from the environment (prefix TERUKUR_), and the folders that it owns.

Nothing is read or created on import; `workspace()` only names folders, `Workspace.create()` makes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.files import program_version, set_aside, write_atomically

ADDRESS = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
REMOTE = r"^sc://[^\s/?#@]+(/.*)?$"
MEMORY = r"(?i)^[1-9][0-9]*(\.[0-9]+)?\s*([KMGT]i?B)$"


SCHEMA = 1  # of a workspace: which folders and files it has, and what they mean


class NewerWorkspace(RuntimeError):
    """A newer version of this program worked here. Nothing was changed."""

    exit_status = 2

    def __init__(self, root: Path, found: int):
        self.id = (
            f"{root} dipakai Terukur yang lebih baru (skema {found}; di sini {SCHEMA}). Pasang versi itu. Tidak ada yang diubah."
        )
        self.en = f"{root} is used by a newer Terukur (schema {found}; here {SCHEMA}). Install that version. Nothing was changed."
        super().__init__(self.en)


class SettingsError(ValueError):
    """An environment variable says something that cannot be; nothing was started."""

    exit_status = 2

    def __init__(self, wrong: dict[str, str]):
        self.id = "\n".join(f"Setelan {name}={value} tidak berlaku; {EXPECTED[name][0]}" for name, value in wrong.items())
        self.en = "\n".join(f"Setting {name}={value} cannot be; {EXPECTED[name][1]}" for name, value in wrong.items())
        super().__init__(self.en)


EXPECTED = {
    "TERUKUR_WORKSPACE": ("tulis nama folder", "write the name of a folder"),
    "TERUKUR_LANGUAGE": ("tulis id atau en", "write id or en"),
    "TERUKUR_MEMORY_LIMIT": ("tulis misalnya 1GB atau 800MB", "write for example 1GB or 800MB"),
    "TERUKUR_ENGINE": ("tulis duckdb atau spark", "write duckdb or spark"),
    "TERUKUR_SPARK_REMOTE": ("tulis misalnya sc://10.0.0.5:15002", "write for example sc://10.0.0.5:15002"),
    "TERUKUR_THREADS": ("tulis bilangan bulat 1 sampai 256", "write a whole number from 1 to 256"),
    "TERUKUR_DOOR_ADDRESS": ("tulis misalnya https://kirim.bogorkab.go.id", "write for example https://kirim.bogorkab.go.id"),
    "TERUKUR_MAIL_PORT": ("tulis bilangan bulat 1 sampai 65535", "write a whole number from 1 to 65535"),
    "TERUKUR_MAIL_PLAIN": ("tulis true atau false", "write true or false"),
    "TERUKUR_SMTP_PORT": ("tulis bilangan bulat 1 sampai 65535", "write a whole number from 1 to 65535"),
    "TERUKUR_KEEP_VERSIONS": ("tulis bilangan bulat 2 sampai 1000", "write a whole number from 2 to 1000"),
}


class Settings(BaseSettings):
    """Deployment settings. Every field is an environment variable: `TERUKUR_WORKSPACE`, `TERUKUR_MEMORY_LIMIT`, …

    Call :func:`settings`, which says in words what is wrong with one.
    """

    model_config = SettingsConfigDict(env_prefix="TERUKUR_", extra="ignore")

    workspace: Path = Path("data")
    language: Literal["id", "en"] = "id"
    memory_limit: str = Field(default="1GB", pattern=MEMORY)
    threads: int = Field(default=2, ge=1, le=256)
    engine: Literal["duckdb", "spark"] = "duckdb"  # who runs the SQL of a build; the version is DuckDB's either way
    spark_remote: str | None = Field(default=None, pattern=REMOTE)  # a cluster; without it Sail in the same process
    keep_versions: int = Field(default=7, ge=2, le=1000)
    door_address: str = Field(default="http://127.0.0.1:8090", pattern=ADDRESS)
    mail_host: str | None = None  # IMAP; without it there is no mailbox door
    mail_port: int | None = Field(default=None, ge=1, le=65535)
    mail_user: str | None = None
    mail_password: SecretStr | None = None
    mail_folder: str = "INBOX"
    mail_from: str | None = None
    mail_authserv: str | None = None  # our mail server, as Authentication-Results names it: mails it does not vouch for are left
    mail_plain: bool = False  # no TLS: for a mail server on this machine
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    report_to: str | None = None  # whom the report of the night is mailed to; several with commas


def settings() -> Settings:
    """The settings of this process. Raises :class:`SettingsError` that names every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError({f"TERUKUR_{e['loc'][0]}".upper(): repr(e["input"]) for e in error.errors()}) from None


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
    def desk(self) -> Path:
        return self.root / "desk"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def erasures(self) -> Path:
        """Proofs of erasure, and the twin of the book of what was erased."""
        return self.root / "erasures"

    @property
    def nights(self) -> Path:
        """Reports of the nights."""
        return self.root / "laporan" / "malam"

    @property
    def lock_file(self) -> Path:
        return self.root / "run.lock"

    def create(self) -> Workspace:
        """Make the folders that are missing, readable by the owner and the group only."""
        for folder in (self.root, self.registry, self.inbox):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        return self.mend()

    def mend(self) -> Workspace:
        """Make what a night needs. What lies where one of our folders or files should be, and is none, is set aside.

        Inbox, registry and archive hold what nobody can make again: of these only a missing archive is made, nothing is moved.
        Raises OSError, NewerWorkspace.
        """
        if self.schema > SCHEMA:
            raise NewerWorkspace(self.root, self.schema)
        ours = [self.warehouse, self.versions, self.site, self.notebooks, self.dagster, self.logs]
        ours += [self.nights.parent, self.nights]  # a mode is for the last folder of a path only
        for folder in (self.root, self.archive, *ours):
            if folder in ours and folder.exists() and not folder.is_dir():
                set_aside(folder)
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for file in (self.current_file, self.raw_db):
            if file.is_dir():
                set_aside(file)
        if self.schema != SCHEMA:
            write_atomically(self._marker, json.dumps({"schema": SCHEMA, "program": program_version()}))
        return self

    @property
    def _marker(self) -> Path:
        return self.root / "workspace.json"

    @property
    def schema(self) -> int:
        """The schema of what lies here; 0: of the time before it was numbered, or its note is lost."""
        try:
            return int(json.loads(self._marker.read_bytes())["schema"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0


def workspace(path: str | Path | None = None) -> Workspace:
    """The workspace named by the argument, else by TERUKUR_WORKSPACE, else `data` in the current folder."""
    return Workspace(Path(path if path is not None else settings().workspace).expanduser().absolute())
