"""The readers of what a service says it needs: requirements files, pyproject.toml, Pipfile, setup.cfg, and locks."""

import posixpath
import re
from typing import Any, NamedTuple

from twelvefac.project.masking import given
from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos
from twelvefac.source.toml import parse_toml

REQUIREMENTS = regex(r"(?:[\w.-]{0,60}[-_.])?(?:requirements|constraints)(?:[-_.][\w.-]{1,60})?\.(?:txt|in|pip)")
LOCKS = frozenset(("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml"))
_VIA = regex(r"^[ \t]{1,20}# via ", re.MULTILINE)
"""What pip-compile says of each requirement, on a line of its own."""
_LOCK = regex(
    r"pylock(?:\.[\w-]{1,60})?\.toml|(?:[\w.-]{1,60}[-_.])?requirements(?:[-_.][\w.-]{1,60})?\.lock"
    r"|requirements[-_.]lock(?:ed)?\.txt"
)
"""PEP 751's, with the name of an environment; Rye's and others' ``requirements-dev.lock``."""
_DEVELOPMENT = regex(r"dev|test|lint|doc|ci|typing|local|debug|bench", re.IGNORECASE)
_NAME = regex(r"[A-Za-z0-9](?:[\w.-]{0,80}[A-Za-z0-9])?")
_LINE = regex(
    r"[ \t]{0,8}([A-Za-z0-9][\w.-]{0,100})[ \t]{0,4}(?:\[[^\]]{0,200}\])?[ \t]{0,4}"
    r"(@[^;#]{1,500}|[<>=!~(][^;#]{0,300})?"
)
_OPTION = regex(r"(-r|--requirement|-c|--constraint|-e|--editable)(?:[ \t]{1,8}|=)(\S{1,500})")

_PLAIN = frozenset(("version", "extras", "optional"))
"""Members of Poetry's and Pipenv's tables that do not make a requirement depend on where it is installed."""
_NOWHERE = (1, 1, 1, 1)
_MOST_PLACED = 2_000
"""Requirements whose place is searched for: each search reads the file."""


class Requirement(NamedTuple):
    """A direct requirement: ``name`` normalised (PEP 503), ``specifier`` as written, ``group`` "" or its name.

    ``kind`` is ``exact`` (``==``, a file or a commit), ``bounded`` (an upper bound, ``~=``, ``==1.*``) or ``open``.
    ``conditional`` tells that something else may decide whether, or in which version, it is needed: a marker, an
    override of uv's, the project itself with an extra.
    """

    name: str
    specifier: str
    kind: str
    group: str
    at: Pos
    conditional: bool = False

    @property
    def is_development(self) -> bool:
        """Whether it stands in a group for development."""
        return bool(self.group) and _DEVELOPMENT.search(self.group) is not None


class Manifest(NamedTuple):
    """One manifest. ``includes`` are the files that it takes in (``-r``), ``paths`` its local dependencies.

    ``locks`` tells a requirements file that pins everything with hashes or was compiled. ``secrets`` are the places of
    credentials (an index with a password in its URL) and what they are, never themselves.
    """

    requirements: tuple[Requirement, ...]
    includes: tuple[tuple[str, str, Pos], ...] = ()
    paths: tuple[tuple[str, Pos], ...] = ()
    locks: bool = False
    scripts: tuple[tuple[str, str], ...] = ()
    python: str = ""
    secrets: tuple[tuple[str, Pos], ...] = ()


def secrets_in(text: str) -> tuple[tuple[str, Pos], ...]:
    """The lines of a manifest that hold a credential, as an index's or a repository's URL does."""
    found: list[tuple[str, Pos]] = []
    if "://" not in text:
        return ()
    for number, line in enumerate(text.split("\n"), 1):
        if "://" in line and not line.lstrip().startswith(("#", ";")):
            begin = len(line) - len(line.lstrip()) + 1
            at = (number, begin, number, len(line.rstrip()) + 1)
            found += [(what, at) for what in given([line]) if not what.startswith("the value")]
    return tuple(found)


def is_lock(name: str) -> bool:
    """Whether a file name is a lock's."""
    return name in LOCKS or _LOCK.fullmatch(name) is not None


def is_requirements(path: str) -> bool:
    """Whether a path is a requirements file: by its name, or ``requirements/*.txt``."""
    if not path.endswith((".txt", ".in", ".pip")):  # most are none
        return False
    folder, name = posixpath.split(path)
    in_folder = posixpath.basename(folder) in ("requirements", "requires") and not name.endswith(".pip")
    return in_folder or REQUIREMENTS.fullmatch(name) is not None


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(path: str, text: str) -> Manifest:
    """The requirements of a pip requirements file; lines that pip has options for and we have no use for are passed."""
    document = Document(text)
    found: list[Requirement] = []
    includes: list[tuple[str, str, Pos]] = []
    paths: list[tuple[str, Pos]] = []
    stem = posixpath.basename(path).rpartition(".")[0]
    group = stem if _DEVELOPMENT.search(stem) else ""
    hashes = False
    for number in range(1, len(document.starts) + 1):
        line = document.line(number)
        stripped = line.strip()
        hashes = hashes or "--hash=" in stripped
        if not stripped or stripped.startswith("#"):
            continue
        at = (number, len(line) - len(line.lstrip()) + 1, number, len(line.rstrip()) + 1)
        option = _OPTION.match(stripped)
        if option:
            flag, target = option.groups()
            if flag in ("-e", "--editable"):
                paths.append((target, at))
            else:
                kind = "requirement" if flag in ("-r", "--requirement") else "constraint"
                includes.append((kind, posixpath.normpath(posixpath.join(posixpath.dirname(path), target)), at))
        elif stripped.startswith((".", "/", "file:")):
            paths.append((stripped.split()[0], at))
        elif not stripped.startswith(("-", "http:", "https:", "git+")) and (match := _LINE.match(line)):
            if match.group(1).replace(".", "").isdigit():
                continue  # 3.0.0: what was left of a comment
            specifier = (match.group(2) or "").strip().rstrip("\\").strip()
            found.append(Requirement(normalised(match.group(1)), specifier, kind_of(specifier), group, at))
    head = text[:600]
    compiled = "autogenerated by pip-compile" in head or "autogenerated by uv" in head or _VIA.search(head) is not None
    return Manifest(tuple(found), tuple(includes), tuple(paths), hashes or compiled)


def kind_of(specifier: str) -> str:
    """``exact``, ``bounded`` or ``open``; poetry's ``^1.2`` and a bare version are bounded."""
    specifier = specifier.strip()
    if not specifier or specifier == "*":
        return "open"
    if specifier.startswith("@"):
        pinned = re.search(r"@[0-9a-f]{7,40}\b|\.whl|\.tar\.gz|\.zip", specifier)
        return "exact" if pinned else "open"
    if re.search(r"===?[^*]*$", specifier) and "," not in specifier:
        return "exact"
    if re.search(r"<|~|\^|==", specifier) or re.match(r"\d", specifier):
        return "bounded"
    return "open"


def read_pyproject(text: str) -> Manifest:
    """The requirements of a pyproject.toml: PEP 621 and PEP 735, Poetry, and its console scripts."""
    data = _toml(text)
    document = Document(text)
    found: list[Requirement] = []
    paths: list[tuple[str, Pos]] = []
    project = _table(data, "project")
    for entry in _list(project.get("dependencies")):
        _add(found, document, entry, "")
    for group, entries in _table(project, "optional-dependencies").items():
        for entry in _list(entries):
            _add(found, document, entry, group)
    for group, entries in _table(data, "dependency-groups").items():
        for entry in _list(entries):
            _add(found, document, entry, group if _DEVELOPMENT.search(group) else f"group {group}")
    poetry = _table(data, "tool", "poetry")
    _poetry(found, paths, document, _table(poetry, "dependencies"), "")
    _poetry(found, paths, document, _table(poetry, "dev-dependencies"), "dev")
    for group, table in _table(poetry, "group").items():
        _poetry(found, paths, document, _table({"x": table}, "x", "dependencies"), group)
    for entries in (_list(_table(data, "tool", "uv").get("dev-dependencies")),):
        for entry in entries:
            _add(found, document, entry, "dev")
    decided = {normalised(str(one.get("name", ""))) for one in (project, poetry)}
    for entry in _list(_table(data, "tool", "uv").get("override-dependencies")):
        match = _LINE.match(entry)
        decided |= {normalised(match.group(1))} if match else set()
    found = [one._replace(conditional=True) if one.name in decided else one for one in found]
    scripts = {**_table(project, "scripts"), **_table(poetry, "scripts")}
    python = project.get("requires-python") or _table(poetry, "dependencies").get("python") or ""
    return Manifest(
        tuple(found),
        paths=tuple(paths),
        scripts=tuple((name, str(target)) for name, target in sorted(scripts.items())),
        python=str(python),
    )


def read_pipfile(text: str) -> Manifest:
    """The requirements of a Pipfile."""
    data, document = _toml(text), Document(text)
    found: list[Requirement] = []
    paths: list[tuple[str, Pos]] = []
    _poetry(found, paths, document, _table(data, "packages"), "")
    _poetry(found, paths, document, _table(data, "dev-packages"), "dev")
    return Manifest(tuple(found), paths=tuple(paths), python=str(_table(data, "requires").get("python_version", "")))


def _toml(text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:
        line = re.search(r"line (\d{1,9})", str(error))
        raise UnreadableError(str(error), int(line.group(1)) if line else 0) from None


def _table(data: Any, *route: str) -> dict[str, Any]:
    for key in route:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _list(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _add(found: list[Requirement], document: Document, entry: str, group: str) -> None:
    match = _LINE.match(entry)
    if match:
        specifier = (match.group(2) or "").strip()
        at = _place(document, entry) if len(found) < _MOST_PLACED else _NOWHERE
        kind = kind_of(specifier)
        found.append(Requirement(normalised(match.group(1)), specifier, kind, group, at, conditional=";" in entry))


def _poetry(
    found: list[Requirement], paths: list[tuple[str, Pos]], document: Document, table: dict[str, Any], group: str
) -> None:
    for name, value in table.items():
        if name.lower() == "python" or not _NAME.fullmatch(name):
            continue
        at = _place(document, name) if len(found) < _MOST_PLACED else _NOWHERE
        if isinstance(value, dict) and "path" in value:
            paths.append((str(value["path"]), at))
            continue
        if isinstance(value, dict) and "git" in value:
            kind, specifier = ("exact" if value.get("rev") else "open"), f"@{value['git']}"
        else:
            specifier = str(value.get("version", "") if isinstance(value, dict) else value)
            kind = kind_of(specifier)
        conditional = not isinstance(value, str) and not (isinstance(value, dict) and _PLAIN.issuperset(value))
        found.append(Requirement(normalised(name), specifier, kind, group, at, conditional))


def _place(document: Document, entry: str) -> Pos:
    """Where a requirement stands: tomllib gives no places, so its text is searched, as a string or as a key."""
    for candidate in (f'"{entry}"', f"'{entry}'"):
        offset = document.text.find(candidate)
        if offset >= 0:
            return document.pos(offset, offset + len(candidate))
    match = re.search(rf"^[ \t]*[\"']?{re.escape(entry)}[\"']?[ \t]*=", document.text, re.MULTILINE)
    return document.pos(match.start(), match.end()) if match else _NOWHERE
