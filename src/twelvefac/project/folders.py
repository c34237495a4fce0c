"""Folders: what their names say of the code in them, and which of them are the roots of services."""

import posixpath
from collections.abc import Collection, Iterable, Iterator

from twelvefac.project.facts import DockerfileFacts

_BUILD_FOLDERS = frozenset(
    "docker dockerfiles container containers deploy deployment build .docker compose images ops infra "
    ".devcontainer".split()
)

ASIDE = frozenset(
    "scripts script hack dev devtools devel development code-generation codegen samples sample codesamples "
    "code-samples packer vagrant ansible terraform toolbox demo demos tutorial tutorials".split()
)
ASIDE_ON_TOP = frozenset(
    "tools tool utils util bin ci release misc admin-tools local gitlint docker extras extra cdk".split()
)
"""Folders of what developers run; those of the second kind only at the top, and where what runs is known."""
TOOLS = frozenset("tools ci release".split())
"""Those of the second kind that hold nothing else, whatever runs."""
_NO_ROOT = (ASIDE | ASIDE_ON_TOP) - frozenset("samples sample demo demos tutorial tutorials".split())
"""Folders that Dockerfiles are kept in (``tools/docker/Dockerfile``), which are no root of what they build."""
HELPERS = frozenset("scripts script hack devtools toolbox .devcontainer .github".split())
"""Folders whose images help developers: they make documentation, run checks."""
OF_DEVELOPERS = frozenset("dev devel development devtools".split())
"""Folders in which developers keep what runs the service on their machines: images, settings, manifests."""
MAKES = frozenset(
    "build package packaging release bump generate generator gen benchmark bench demo example sample lint changelog "
    "publish scratch".split()
)
"""Words in the names of developers' scripts."""
JOBS = frozenset("job jobs cron crons cronjobs worker workers consumer consumers lambda lambdas functions".split())
"""Folders of what a platform starts by itself: a script there that no known process starts may be one of its jobs."""
SHOWN = frozenset("demo demos tutorial tutorials samples sample poc pocs".split())
"""Folders in which whole services may lie, with manifests of their own."""


def folders_of(paths: Iterable[str]) -> frozenset[str]:
    """All folders that have one of the paths below them; "" is the audited one."""
    folders: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(folders)


def service_root(dockerfile: str, python_folders: Collection[str], facts: DockerfileFacts) -> str:
    """The directory an image is built from: the Dockerfile's own.

    Where Dockerfiles are kept apart (``docker/web/Dockerfile``) it is the nearest directory above that has Python
    files; a directory that has none, and is not such a place, is a service in another language.
    """
    own = posixpath.dirname(dockerfile)
    parts = own.split("/")
    apart = next((index for index, part in enumerate(parts) if part.lower() in _BUILD_FOLDERS), None)
    if apart is None:
        if own in python_folders or not _takes_all_for_python(facts):
            return own
        apart = len(parts) - 1  # it is built from above: ``docker build -f run/Dockerfile .``
    folder = "/".join(parts[:apart])
    while folder and (posixpath.basename(folder).lower() in _NO_ROOT or folder not in python_folders):
        folder = posixpath.dirname(folder)
    return folder


def _takes_all_for_python(facts: DockerfileFacts) -> bool:
    """Whether an image made from Python's copies its whole context."""
    last = facts.stages[-1] if facts.stages else None
    return (
        last is not None
        and "python" in (last.base or "")
        and any(one.keyword in ("COPY", "ADD") and one.text.split()[:1] in (["."], ["./"]) for one in last.instructions)
    )


def manifest_roots(manifests: Iterable[str], python_folders: Collection[str]) -> set[str]:
    """The outermost directories that have a manifest and Python files."""
    roots: set[str] = set()
    for folder in sorted({posixpath.dirname(path) for path in manifests}, key=lambda one: (one.count("/"), one)):
        if folder in python_folders and roots.isdisjoint(_upwards(folder)):
            roots.add(folder)
    # what lies in folders for scripts is no service where there is one beside it
    return {one for one in roots if (ASIDE - SHOWN).isdisjoint(one.lower().split("/"))} or roots


def _upwards(folder: str) -> Iterator[str]:
    """The folder and those that it lies in, out to the audited one."""
    yield folder
    while folder:
        folder = posixpath.dirname(folder)
        yield folder


def owner_of(folder: str, owners: dict[str, str]) -> str:
    """The nearest folder upwards, itself included, that is its own owner; the top where there is none.

    What is found on the way is kept in ``owners``, so that a folder is asked once however deep it lies.
    """
    passed = []
    while folder not in owners and folder:
        passed.append(folder)
        folder = posixpath.dirname(folder)
    owner = owners.get(folder, "")
    owners.update(dict.fromkeys(passed, owner))
    return owner
