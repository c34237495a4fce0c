"""A service's own modules: which file a name means, and which files a file imports."""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping

from twelvefac.project.facts import Call, EnvRead, FileFacts, PythonFacts, Value
from twelvefac.project.glance import places
from twelvefac.source.pattern import regex

_IMPORT = regex(
    rb"\n[ \t]{0,40}+(?:from[ \t]{1,20}([\w.]{1,200})[ \t]{1,20}import[ \t]{0,20}(\([^)]{0,4000}\)|[^\n#]{0,1000})"
    rb"|import[ \t]{1,20}([^\n#]{1,1000}))"
)
"""Import statements by a line scan: 2.6 ms a MB against 129 for a parse; what a proof rests on is parsed.

It begins with the end of the line before: the search goes from line to line, not from letter to letter.
"""

_GIVEN = regex(
    rb"[ \t]{0,4}(?::[^=\n]{0,80})?=(?!=)[ \t]{0,4}"
    rb"(?:(['\"])([^'\"\\\n]{1,200})\1|([0-9]{1,9}))[ \t]{0,8}(?:#[^\n]{0,200})?\r?(?:\n|\Z)"
)
"""Goes on from a name: a text or a number that is given to it."""
_MOST_CONSTANTS = 500
"""Of a service: each is looked for in the whole text of a file."""
_MOST_PLACES = 200
"""Of one name in a file."""
_IN_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_AMONG = rb"(?:[\w.]{1,60}[ \t]{0,4},[ \t]{0,4}){0,9}"
_DECLARED = regex(rb"\bimport\b|\b(?:for|global|lambda|as)[ \t]{1,4}" + _AMONG + rb"\Z")
_TARGETS = regex(rb"[ \t(\[]{0,40}" + _AMONG)
_ASSIGNED = regex(rb"[\w., \t]{0,200}[)\]]?[ \t]{0,4}(?::[^=\n]{0,80})?[-+*/|]?=(?!=)")
_OPENED = regex(rb"\b(?:import|def[ \t]{1,4}\w{1,100})[ \t]{0,4}\(")

_NAME = regex(rb"[A-Za-z_]\w{0,200}(?:[ \t]{1,20}as[ \t]{1,20}\w{1,200})?|\*")
_STAR = regex(rb"^[ \t]{0,40}from[ \t]{1,20}(?:[\w.]{0,200}\.)?(\w{1,100})[ \t]{1,20}import[ \t]{0,20}\*", re.MULTILINE)
_FILLED = regex(rb"\b(?:vars|globals|locals)\(\)\.update\(")
_FOR_DEVELOPMENT = regex(r"^(?:dev|local|test|ci|debug|e2e|docker_dev)")


class Modules:
    """The module names of one service, as its own code and its command line use them."""

    def __init__(
        self, root: str, files: tuple[str, ...], facts: Mapping[str, FileFacts], read: Callable[[str], bytes]
    ) -> None:
        self._root = root
        self._files = frozenset(files)
        self._facts = facts
        self._read = read
        self._names: dict[str, str] = {}
        self._imported: dict[str, tuple[str, ...]] = {}
        self._scanned: dict[str, tuple[str, ...]] = {}
        self._by_path: dict[str, str] = {}
        self._packaged: dict[str, str] = {}
        self._bases: dict[str, dict[str, tuple[str | None, str | None]]] = {}
        self._by_folder: dict[str, list[str]] = {}
        self._starred: dict[str, dict[bytes, list[str]]] = {}
        self._constants: dict[tuple[str, str], str | int | None] = {}
        self._folders = frozenset(part for path in files for part in posixpath.dirname(path).split("/"))
        for path in sorted(files, key=lambda one: (one.count("/"), one)):
            for name in self._names_of(path):
                self._names.setdefault(name, path)
                self._by_path.setdefault(path, name)
        self._tops = self._folders.union(name.partition(".")[0] for name in self._names)

    def _names_of(self, path: str) -> Iterable[str]:
        """``src/app/db.py`` is ``app.db`` and ``src.app.db``: below the service's root and below source folders."""
        inside = path[len(self._root) + 1 :] if self._root else path
        parts = inside.removesuffix(".py").split("/")
        if parts[-1] == "__init__":
            parts.pop()
        starts = [0]
        folder = self._outside(posixpath.dirname(inside))
        if folder:
            starts.append(folder.count("/") + 1)
        for start in reversed(starts):
            if parts[start:]:
                yield ".".join(parts[start:])

    def _outside(self, folder: str) -> str:
        """The folder that holds the outermost package of which ``folder`` is a part; itself where it is none."""
        passed = []
        while folder not in self._packaged:
            if not folder or f"{self._root}/{folder}/__init__.py".lstrip("/") not in self._files:
                self._packaged[folder] = folder
                break
            passed.append(folder)
            folder = posixpath.dirname(folder)
        outside = self._packaged[folder]
        self._packaged.update(dict.fromkeys(passed, outside))
        return outside

    def name_of(self, path: str) -> str:
        """A file's module name, as it is imported."""
        return self._by_path.get(path, path)

    def read(self, path: str) -> bytes:
        """A file's bytes."""
        return self._read(path)

    def is_named_elsewhere(self, path: str, name: str) -> bool:
        """Whether another of the service's files speaks of a name."""
        word = name.encode("utf-8", "surrogatepass")
        return any(word in self._read(other) for other in self._files if other != path)

    def find(self, name: str) -> str | None:
        """The file that ``python -m name`` or ``name:app`` runs."""
        name = name.partition(":")[0]
        path = self._names.get(name)
        if path is None and "." in name:  # started in a folder further down: ``core.wsgi`` of ``app/core/wsgi.py``
            ends = [other for known, other in self._names.items() if known.endswith(f".{name}")]
            path = ends[0] if len(set(ends)) == 1 else None
        if path is not None and path.endswith("/__init__.py"):
            return self._names.get(f"{name}.__main__", path)
        return path

    def locate(self, name: str, path: str) -> tuple[str, str] | None:
        """The file that defines ``name`` as ``path`` imports it, and what is left: ``app.db.init`` -> (file, init)."""
        absolute = self._absolute(name, path) or ""
        parts = absolute.split(".")
        for end in range(len(parts) - 1, 0, -1):
            found = self._beside(".".join(parts[:end]), posixpath.dirname(path))
            if found is not None:
                return found, ".".join(parts[end:])
        return None

    def constant(self, name: str, path: str) -> str | int | None:
        """The text or number that ``name``, as ``path`` knows it, is given once in a module; None for anything else.

        Told by the text: a module of constants has no word that a rule looks for. A constant is written in capitals;
        what is not may be set from anywhere.
        """
        found = self.locate(name, path) if "." in name else (path, name)
        if found is None or not (found[1].isidentifier() and found[1].isupper()):
            return None
        if found not in self._constants and len(self._constants) < _MOST_CONSTANTS:
            self._constants[found] = self._given_once(*found)
        return self._constants.get(found)

    def _given_once(self, path: str, name: str) -> str | int | None:
        data, word = self._read(path), name.encode("utf-8", "surrogatepass")
        found = [at for at in places(data, word) if _is_name(data, at, at + len(word))]
        bound = [at for at in found[:_MOST_PLACES] if _is_bound(data, at, at + len(word))]
        if len(found) > _MOST_PLACES or len(bound) != 1 or data[bound[0] - 1 : bound[0]] not in (b"", b"\n"):
            return None  # given again, or under a condition
        given = _GIVEN.match(data, bound[0] + len(word))
        if given is None or _STAR.search(data, given.end()):
            return None
        _, text, number = given.groups()
        return int(number) if number else text.decode("utf-8", "replace")

    def with_constants(self, call: Call, path: str) -> Call:
        """A call of ``path`` with what modules' constants mean in place of their names, also in a list."""
        args = tuple(self._meant(one, path) for one in call.args)
        kwargs = tuple((word, self._meant(one, path)) for word, one in call.kwargs)
        return call if (args, kwargs) == (call.args, call.kwargs) else call._replace(args=args, kwargs=kwargs)

    def _meant(self, value: Value, path: str) -> Value:
        if value.kind == "list" and any(one.kind == "name" for one in value.data):
            return value._replace(data=tuple(self._meant(one, path) for one in value.data))
        found = self.constant(value.data, path) if value.kind == "name" and value.data else None
        return value if found is None else Value("str" if isinstance(found, str) else "int", found, value.at)

    def _beside(self, name: str, folder: str) -> str | None:
        """The file of a module as one in ``folder`` names it; also from a folder above: a script has it on its path."""
        found = self._names.get(name)
        if found is not None or "." not in name or name.partition(".")[0] not in self._folders:
            return found
        inside = f"{name.replace('.', '/')}.py"
        while folder and folder != self._root:
            if (beside := f"{folder}/{inside}") in self._files:
                return beside
            folder = folder.rpartition("/")[0]
        return None

    def script(self, argument: str, workdir: str) -> str | None:
        """The file that ``python argument`` runs in an image; ``workdir`` is where COPY usually puts the sources."""
        inside = argument.removeprefix(workdir.rstrip("/") + "/") if argument.startswith("/") else argument
        inside = posixpath.normpath(inside.lstrip("/"))
        prefix = f"{self._root}/" if self._root else ""
        if prefix + inside in self._files:
            return prefix + inside
        rest = inside
        while argument.startswith("/") and "/" in rest:  # COPY may put the sources into any directory
            rest = rest.partition("/")[2]
            if prefix + rest in self._files:
                return prefix + rest
        ends = [path for path in self._files if path.endswith(f"/{inside}")]
        return ends[0] if len(ends) == 1 else None

    def set_again(self, path: str, name: str) -> bool:
        """Whether a module beside ``path`` takes over all its names and gives ``name`` another value.

        So do production's settings on top of common ones; those for development and tests do not count.
        """
        folder, own = posixpath.split(path)
        bound = re.compile(
            rb"^[ \t]{0,40}" + re.escape(name.encode("utf-8", "surrogatepass")) + rb"[ \t]{0,20}(?::[^=\n]{0,200})?=",
            re.MULTILINE,
        )
        stem = own.removesuffix(".py").encode("utf-8", "surrogateescape")
        return any(bound.search(self._read(other)) for other in self._takers(folder).get(stem, ()) if other != path)

    def is_filled_elsewhere(self, path: str) -> bool:
        """Whether a module beside ``path`` takes over its names and sets any of them from a file, as Open edX does."""
        folder, own = posixpath.split(path)
        stem = own.removesuffix(".py").encode("utf-8", "surrogateescape")
        return any(_FILLED.search(self._read(other)) for other in self._takers(folder).get(stem, ()) if other != path)

    def _takers(self, folder: str) -> Mapping[bytes, list[str]]:
        """The files of a folder that take over all names of a module, by its name; each is read once."""
        found = self._starred.get(folder)
        if found is None:
            found = self._starred[folder] = {}
            if not self._by_folder:
                for other in sorted(self._files):
                    self._by_folder.setdefault(posixpath.dirname(other), []).append(other)
            for other in self._by_folder.get(folder, ()):
                if not _FOR_DEVELOPMENT.search(posixpath.basename(other)):
                    for stem in set(_STAR.findall(self._read(other))):
                        found.setdefault(stem, []).append(other)
        return found

    def env_reads(self, path: str, key: str) -> tuple[EnvRead, ...]:
        """A file's reads of one environment variable, where it was parsed."""
        python = self._facts[path].python if path in self._facts else None
        return tuple(one for one in python.env if one.key == key) if python is not None else ()

    def has_guard(self, path: str) -> bool:
        """Whether a file runs something under ``if __name__ == "__main__"``, where it was parsed."""
        python = self._facts[path].python if path in self._facts else None
        return python is not None and (
            any(run.guarded for run in python.runs) or any(call.guarded for call in python.calls)
        )

    def facts(self, path: str) -> PythonFacts | None:
        """What is known of a file, where it was parsed."""
        return self._facts[path].python if path in self._facts else None

    def needs(self, path: str, packages: frozenset[str]) -> bool:
        """Whether a file imports one of these packages."""
        return path in self._facts and any(name in packages for name, _ in self._facts[path].packages)

    def reachable(self, entry: str, known: Collection[str] = ()) -> list[str]:
        """The service's files that ``entry`` imports, directly or not, itself first.

        What is in ``known``, and was followed before with all that it imports, is left out.
        """
        if entry in known:
            return []
        seen, order = {entry}, [entry]
        for one in order:  # grows while it is walked
            for path in self._imports(one):
                if path not in seen and path not in known:
                    seen.add(path)
                    order.append(path)
        return order

    def may_reach(self, entries: Iterable[str]) -> frozenset[str]:
        """What ``reachable`` may find from several entries, by the lines of files, whether or not they are parsed."""
        seen = set(entries)
        queue = list(seen)
        while queue:
            found = [path for path in self._scan(queue.pop()) if path not in seen]
            seen.update(found)
            queue += found
        return frozenset(seen)

    def _imports(self, path: str) -> tuple[str, ...]:
        found = self._imported.get(path)
        if found is None:
            found = self._imported[path] = self._find_imports(path)
        return found

    def _find_imports(self, path: str) -> tuple[str, ...]:
        python = self._facts[path].python if path in self._facts else None
        if python is None:
            return self._scan(path)
        imports = [(one.module, (one.name,) if one.name else ()) for one in python.imports]
        imports += [(served.partition(":")[0], ()) for call in python.calls if (served := _served_by(call))]
        return self._files_of(imports, path)

    def _scan(self, path: str) -> tuple[str, ...]:
        found = self._scanned.get(path)
        if found is None:
            found = self._scanned[path] = self._files_of(_scan_imports(self._read(path)), path)
        return found

    def _files_of(self, imports: Iterable[tuple[str, bytes | tuple[str, ...]]], path: str) -> tuple[str, ...]:
        """The files that ``path`` imports by these modules, each with what is imported from it: names or their text."""
        found: dict[str, None] = {}
        folder = posixpath.dirname(path)
        bases = self._bases.setdefault(folder, {})  # what a module's name means is the same for all of a folder
        for module, names in imports:
            located = bases.get(module)
            if located is None:
                located = bases[module] = self._located(module, folder, path)
            base, own = located
            if base is None:
                continue
            # only a folder has modules in it; a script may lie beside the package of its name, and be found instead
            if names and (not base or base.rpartition(".")[2] in self._folders):
                for name in names if isinstance(names, tuple) else _names_in(names):
                    inner = self._beside(f"{base}.{name}" if base else name, folder)
                    if inner is not None:
                        found[inner] = None
            if own is not None:
                found[own] = None
        found.pop(path, None)
        return tuple(found)

    def _located(self, module: str, folder: str, path: str) -> tuple[str | None, str | None]:
        """A module's full name, None if it is none of the service's, and its file."""
        if module[:1] != "." and module.partition(".")[0] not in self._tops:
            return None, None  # most imports are of something else
        base = self._absolute(module, path)
        return base, None if base is None else self._beside(base, folder)

    def _absolute(self, module: str, path: str) -> str | None:
        if not module.startswith("."):
            return module
        level = len(module) - len(module.lstrip("."))
        own = self._by_path[path].split(".") if path in self._by_path else []  # the root may be a package: no name
        if posixpath.basename(path) == "__init__.py":
            level -= 1
        if level > len(own):
            return None
        return ".".join([*own[: len(own) - level], *filter(None, module.lstrip(".").split("."))])


def _served_by(call: Call) -> str:
    """The application that ``uvicorn.run("app.main:app")`` loads by its name; "" for anything else."""
    target = call.args[0].text if call.name in ("uvicorn.run", "uvicorn.Config") and call.args else None
    return target if target is not None and ":" in target else ""


def _scan_imports(data: bytes) -> Iterable[tuple[str, bytes]]:
    """Each imported module, with the text that names what is imported from it."""
    for module, names, plain in _IMPORT.findall(b"\n" + data):
        if module:
            yield module.decode("ascii", "replace"), names
        else:
            for name in plain.split(b","):
                if name.strip():
                    yield name.split()[0].decode("ascii", "replace"), b""


def _names_in(text: bytes) -> Iterable[str]:
    return (name.split()[0].decode() for name in _NAME.findall(text))


def _is_name(data: bytes, at: int, end: int) -> bool:
    """Whether a word of a text is a name by itself, no part of another one."""
    before, behind = data[max(at - 1, 0) : at], data[end : end + 1]
    return before != b"." and _IN_WORD.isdisjoint(before + behind)


def _is_bound(data: bytes, at: int, end: int) -> bool:
    """Whether a name is given a value where it stands: by assignment, an import, a loop, or as a parameter."""
    line = data[max(data.rfind(b"\n", 0, at) + 1, at - 500) : at]
    if _DECLARED.search(line) or (_TARGETS.fullmatch(line) and _ASSIGNED.match(data, end)):
        return True
    return _OPENED.search(data[max(at - 2000, 0) : at].rpartition(b")")[2]) is not None
