"""The Dagster instance of a workspace: the house's dagster.yaml, with its storage in that workspace."""

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg
import yaml

from pipeline import night
from pipeline.files import load_yaml, set_aside, shipped, write_atomically
from pipeline.settings import Workspace

STORAGE = {"module": "pipeline.defs.storage", "class": "Storage"}
SHARED = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
HEADER = "# Written by terukur at every start from the dagster.yaml that comes with it; change that one.\n"


def home(workspace: Workspace) -> str:
    """The folder that DAGSTER_HOME names, for `terukur ui` and for who calls `dagster` by hand; configured as the house is."""
    folder = workspace.dagster
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    said = load_yaml(shipped("dagster.yaml").read_text(encoding="utf-8"))
    said["storage"] = {"custom": {**STORAGE, "config": {"base_dir": str(folder / "storage")}}}
    said["local_artifact_storage"]["config"]["base_dir"] = str(folder)
    text, place = HEADER + yaml.safe_dump(said, sort_keys=False), folder / "dagster.yaml"
    if place.is_dir():
        set_aside(place)
    if not place.exists() or place.read_bytes() != text.encode():
        write_atomically(place, text)
    return str(folder)


def environment(workspace: Workspace) -> dict[str, str]:
    """What a process of Dagster's needs to know to work on this workspace, and to send nothing anywhere."""
    own = {"DAGSTER_HOME": home(workspace), "TERUKUR_WORKSPACE": str(workspace.root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    return {**os.environ, **own}


def open_instance(workspace: Workspace) -> dg.DagsterInstance:
    """Use as a context manager. Damaged storage is set aside first, where nobody works with it."""
    with suppress(night.Busy), night.alone(workspace):
        renew(workspace)
    return dg.DagsterInstance.from_config(home(workspace))


def renew(workspace: Workspace) -> Path | None:
    """Set Dagster's storage aside where one of its databases is damaged: it holds the history of runs only, and begins anew.

    The events of a single run lie in a file of their own, which no other run opens.
    """
    storage = workspace.dagster / "storage"
    shared = [storage / name for name in SHARED]
    if not storage.exists() or (storage.is_dir() and all(_is_whole(place) for place in shared if place.exists())):
        return None
    aside = set_aside(storage)
    logging.getLogger("dagster").warning("the history of runs was damaged; it begins anew, the old one is %s", aside)
    return aside


def _is_whole(database: Path) -> bool:
    """By SQLite's own check of a file's pages; one that somebody else holds for writing is not ours to judge."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as con:
            return bool(con.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        return "unable to open" not in str(error)  # locked, or no room on the disk: nothing that a new history would mend
    except sqlite3.DatabaseError:
        return False
