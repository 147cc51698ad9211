"""The Dagster instance of a workspace: the house's dagster.yaml, with its storage moved into that workspace."""

import dagster as dg
from dagster._core.instance import InstanceRef

from pipeline.files import shipped
from pipeline.settings import Workspace

CONFIGURATION = shipped()
STORAGE = {"module": "pipeline.defs.storage", "class": "Storage"}


def instance_ref(workspace: Workspace) -> InstanceRef:
    """Needs no DAGSTER_HOME. Nothing is written before the instance is used."""
    home = workspace.dagster
    home.mkdir(mode=0o750, parents=True, exist_ok=True)
    overrides = {
        "storage": {"custom": {**STORAGE, "config": {"base_dir": str(home / "storage")}}},
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home)},
        },
    }
    return InstanceRef.from_dir(str(home), config_dir=str(CONFIGURATION), overrides=overrides)


def open_instance(workspace: Workspace) -> dg.DagsterInstance:
    """Use as a context manager."""
    return dg.DagsterInstance.from_ref(instance_ref(workspace))
