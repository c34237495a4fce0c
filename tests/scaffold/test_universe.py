"""The universe of pins has all that each component needs; what lock files are made of comes out as it should."""

import json
import re

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from twelvefac.scaffold.catalogue import SUBDIRECTORY, UNIVERSE, data_root, load_catalogue
from twelvefac.scaffold.component import Component

_CATALOGUE = load_catalogue(data_root())
_PACKAGES = json.loads((_CATALOGUE.root / SUBDIRECTORY / UNIVERSE).read_text("utf-8"))
_PINS = {canonicalize_name(one["pin"].partition("==")[0]): one for one in _PACKAGES}


@pytest.mark.parametrize("component", _CATALOGUE.components, ids=lambda component: component.name)
def test_each_requirement_is_pinned_for_its_component(component: Component) -> None:
    needed = [("run", line) for line in component.dependencies]
    needed += [("dev", line) for line in component.dev_dependencies]
    for group, line in needed:
        requirement = Requirement(line)
        package = _PINS[canonicalize_name(requirement.name)]
        version = package["pin"].partition("==")[2]
        assert requirement.specifier.contains(version, prereleases=True), f"{line}: run `make universe`"
        assert component.name in package[group], f"{line}: run `make universe`"


def test_no_pin_is_left_over() -> None:
    names = set(_CATALOGUE.by_name)
    for package in _PACKAGES:
        needing = {*package["run"], *package["dev"]}
        assert needing, package["pin"]
        assert needing <= names, package["pin"]


def test_every_pin_has_hashes_and_markers_that_can_be_read() -> None:
    for package in _PACKAGES:
        assert package["hashes"], package["pin"]
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in package["hashes"])
        for marker in (*package["run"].values(), *package["dev"].values()):
            if marker:
                Marker(marker)  # raises what is wrong with it
