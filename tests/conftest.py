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
