"""What the user wants, complete and valid: the only input of a render besides the template itself."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from twelvefac.errors import UsageError
from twelvefac.scaffold.catalogue import SUBDIRECTORY, UNIVERSE, Catalogue
from twelvefac.scaffold.component import QUESTIONS, Component
from twelvefac.scaffold.names import check_name

LONGEST_DESCRIPTION = 100
# what joins two emoji to one, a format character that is to be seen; between letters, and bidirectional: refused
JOINED = r"(?<=[^\w\s])\u200d(?=[^\w\s])"
# what would be taken for a template's own tag, by us or by whoever renders the repository again
_TAG = re.compile(r"\{[{%#]|[#%}]\}")


@dataclass(frozen=True)
class Answers:
    """A service's name, description and one answer per question (``{"framework": "fastapi", …}``).

    Where several may be chosen the answer has commas: ``{"deploy": "kubernetes,procfile"}``.
    """

    name: str
    description: str
    choices: Mapping[str, str]

    @property
    def package(self) -> str:
        """Return the import package's name."""
        return self.name.replace("-", "_")

    def as_data(self) -> dict[str, str]:
        """Return the answers as Copier knows them, in the order of the questions."""
        return {"name": self.name, "description": self.description, **self.choices}


def default_description(name: str) -> str:
    """Return the description that is taken when none is given."""
    return f"The {name} service"


def check_description(text: str) -> None:
    """Raise UsageError when ``text`` cannot be a service's description."""
    if len(text) > LONGEST_DESCRIPTION:
        raise UsageError(f"the description has {len(text)} characters, {LONGEST_DESCRIPTION} are allowed: shorten it")
    if not re.sub(JOINED, "", text).isprintable():
        raise UsageError("the description must be one line of printable characters")
    if _TAG.search(text):
        raise UsageError("the description holds a template tag such as '{{': leave it out")


def make_answers(catalogue: Catalogue, given: Mapping[str, str]) -> tuple[Answers, tuple[Component, ...]]:
    """Complete ``given`` (the name at least) with defaults; return the answers and the chosen components.

    Raises UsageError for a name, a description or a choice that cannot be.
    """
    description = given.get("description", "").strip() or default_description(given["name"])
    choices = {
        kind.name: catalogue.settled(kind, given.get(kind.name) or catalogue.default(kind)) for kind in QUESTIONS
    }
    components = catalogue.select(choices)
    check_name(given["name"], requirements(catalogue))
    check_description(description)
    return Answers(given["name"], description, choices), components


def requirements(catalogue: Catalogue) -> list[str]:
    """Return every requirement that some service of this catalogue has, the locked ones included."""
    named = [
        requirement
        for component in catalogue.components
        for requirement in (*component.dependencies, *component.dev_dependencies)
    ]
    universe = catalogue.root / SUBDIRECTORY / UNIVERSE
    if universe.is_file():
        named.extend(package["pin"] for package in json.loads(universe.read_text("utf-8")))
    return named
