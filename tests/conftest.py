"""Fixtures that several test files share."""

import pytest

from tests import one_version


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The workspace of the one small version that page tests read."""
    return one_version.workspace(tmp_path_factory)


@pytest.fixture(scope="session")
def version(home):
    with one_version.published(home) as found:
        yield found


LONG = (
    "whole_night",
    "faults",
    "browser",
    "injuries",
    "warehouse",
    "wheel",
    "desk_kill",
    "reuse",
    "notebooks",
    "hostile",
    "undo",
)


def pytest_collection_modifyitems(items):
    """Files that take minutes begin first, so that no worker is left alone with one at the end."""
    place = {f"test_{name}": number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
