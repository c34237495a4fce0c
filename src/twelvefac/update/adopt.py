"""Taking over a repository that was not made from our template: what it seems to be, and a manifest of it.

From then on it is a service whose owner has changed much: the template's own next change is merged, and what the
repository does not have stays away.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from twelvefac.scaffold.answers import requirements
from twelvefac.scaffold.catalogue import SUBDIRECTORY, Catalogue
from twelvefac.scaffold.component import NONE, QUESTIONS, Component
from twelvefac.scaffold.names import distribution, objection, suggest
from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE, Ownership, Plan, template_files
from twelvefac.update.files import Files
from twelvefac.update.objects import Entries, object_id

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*", re.MULTILINE)


def guess_answers(catalogue: Catalogue, folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return the answers that fit the repository in ``folder``, whose files are ``paths``.

    A component counts as chosen when a dependency of its own is required there, or a file of its own lies there;
    a question that nothing there answers, and that has no "none", is left out.
    """
    known = set(paths)
    project = _project(folder)
    required = _required(folder, project, known)
    answers = {"name": _name(catalogue, folder, project, known)}
    description = project.get("description")
    if isinstance(description, str) and description.strip():
        answers["description"] = " ".join(description.split())[:100]
    common = {distribution(line) for part in catalogue.components if part.kind == "base" for line in part.dependencies}
    for kind in QUESTIONS:
        fitting = [
            name
            for name in catalogue.choices(kind)
            if name != NONE and _is_there(catalogue, catalogue.by_name[name], required - common, known)
        ]
        if fitting:
            answers[kind.name] = ",".join(fitting) if kind.several else fitting[0]
        elif kind.optional:
            answers[kind.name] = NONE
    return answers


def owners(plan: Plan, rendered: Files, there: Entries, like: str) -> dict[str, Ownership]:
    """Return whose each file is that the plan and the repository (``there``) both have.

    What is as the template gives it goes on being the template's; all else is the user's. ``like`` is an id of
    the repository's.
    """
    found = {}
    for file in plan.files:
        if file.path in {ANSWERS_FILE, MANIFEST_FILE} or file.path not in there or file.path not in rendered:
            continue
        same = object_id("blob", rendered[file.path].data, like) == there[file.path].oid
        found[file.path] = file.ownership if same else Ownership.SEEDED
    return found


def _is_there(catalogue: Catalogue, component: Component, required: set[str], known: set[str]) -> bool:
    drivers = component.data.get("drivers", ())  # other packages for the same thing than the one that it brings
    if required & {distribution(line) for line in (*component.dependencies, *drivers)}:
        return True
    base = catalogue.root / SUBDIRECTORY / component.directory
    for source in template_files(base):
        path = source.relative_to(base).as_posix().removesuffix(".jinja")
        if "{" in path or path.startswith(("src/", "tests/")):
            continue
        folder, _, name = path.rpartition("/")
        if folder and any(other.startswith(f"{folder}/") for other in known):
            return True
        # at the top lies what anybody may have, such as requirements.txt, unless it is called like the component
        if path in known and component.name in name.lower():
            return True
    return False


def _name(catalogue: Catalogue, folder: Path, project: dict[str, object], known: set[str]) -> str:
    """Return the name that leads to the package that is there, or the project's, or the folder's."""
    taken = requirements(catalogue)
    packages = sorted({path.split("/")[1] for path in known if re.fullmatch(r"src/\w+/__init__\.py", path)})
    named = project.get("name")
    candidates = [*(packages[0].replace("_", "-") for _ in range(len(packages) == 1)), named, folder.name]
    for candidate in candidates:
        if isinstance(candidate, str) and not objection(candidate, taken):
            return candidate
    return suggest(str(named or folder.name), taken)


def _project(folder: Path) -> dict[str, object]:
    try:
        values = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    project, tools = values.get("project"), values.get("tool")
    poetry = tools.get("poetry") if isinstance(tools, dict) else None
    found = dict(poetry) if isinstance(poetry, dict) else {}
    if isinstance(found.get("dependencies"), dict):
        found["dependencies"] = list(found["dependencies"])
    return found | (project if isinstance(project, dict) else {})


def _required(folder: Path, project: dict[str, object], known: set[str]) -> set[str]:
    listed = project.get("dependencies")
    found = {distribution(line) for line in listed if isinstance(line, str)} if isinstance(listed, list) else set()
    for path in known:
        if re.fullmatch(r"requirements[\w.-]*\.(txt|in)", path):
            try:
                text = (folder / path).read_text("utf-8")
            except (OSError, ValueError):
                continue
            found |= {distribution(line) for line in _NAME.findall(text)}
    return found - {""}
