"""The sample template, written once for all tests that only read it."""

from pathlib import Path

import pytest
from hypothesis import settings
from sample_template import write_template

from twelvefac.scaffold.catalogue import Catalogue, load_catalogue


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the sample template; not to be changed."""
    return write_template(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def catalogue(sample: Path) -> Catalogue:
    """The sample template's catalogue."""
    return load_catalogue(sample)


# time limits measure the machine, which others use too
settings.register_profile("scaffold", deadline=None)
settings.load_profile("scaffold")
