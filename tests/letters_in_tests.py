"""The invented regency of the page tests as the origin of letters, without a workspace behind it."""

from pathlib import Path

from fake_version import regency

from pipeline import registry
from pipeline.letters.origin import Origin
from pipeline.pages import data
from pipeline.settings import Workspace


def origin(root: Path = Path("/tidak-ada"), known: registry.Registry | None = None, **more) -> Origin:
    facts = data.load(regency(districts=8, **more))
    return Origin(Workspace(root), facts, known or registry.Registry(), str(facts.info["version"]), "a" * 64, "b" * 64, 12)
