"""YAML with the C parser where there is one: the registers and vocabularies are read in a tenth of the time."""

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """The values of a text. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe loader


def compose(text: str) -> Any:
    """The nodes of a text, each with its place."""
    return yaml.compose(text, Loader=LOADER)
