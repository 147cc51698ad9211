"""The Dagster instance of a workspace: the house's dagster.yaml, with its storage in that workspace."""

import os

import dagster as dg
import yaml

from pipeline.files import load_yaml, shipped, write_atomically
from pipeline.settings import Workspace

STORAGE = {"module": "pipeline.defs.storage", "class": "Storage"}
HEADER = "# Written by terukur at every start from the dagster.yaml that comes with it; change that one.\n"


def home(workspace: Workspace) -> str:
    """The folder that DAGSTER_HOME names, for `terukur ui` and for who calls `dagster` by hand; configured as the house is."""
    folder = workspace.dagster
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    said = load_yaml(shipped("dagster.yaml").read_text(encoding="utf-8"))
    said["storage"] = {"custom": {**STORAGE, "config": {"base_dir": str(folder / "storage")}}}
    said["local_artifact_storage"]["config"]["base_dir"] = str(folder)
    text, place = HEADER + yaml.safe_dump(said, sort_keys=False), folder / "dagster.yaml"
    if not place.exists() or place.read_text(encoding="utf-8") != text:
        write_atomically(place, text)
    return str(folder)


def environment(workspace: Workspace) -> dict[str, str]:
    """What a process of Dagster's needs to know to work on this workspace, and to send nothing anywhere."""
    own = {"DAGSTER_HOME": home(workspace), "TERUKUR_WORKSPACE": str(workspace.root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    return {**os.environ, **own}


def open_instance(workspace: Workspace) -> dg.DagsterInstance:
    """Use as a context manager."""
    return dg.DagsterInstance.from_config(home(workspace))
