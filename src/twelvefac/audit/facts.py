"""The facts of one service, as rules ask for them."""

from collections.abc import Iterator, Mapping

from twelvefac.project.facts import (
    Binding,
    Call,
    Class,
    DockerfileFacts,
    EnvRead,
    FileFacts,
    Function,
    PythonFacts,
)


class Facts:
    """What is known of a service's files; every method yields ``(path, fact)`` in the order of paths."""

    def __init__(self, files: Mapping[str, FileFacts], paths: tuple[str, ...]) -> None:
        self._files = files
        self._python = tuple((path, python) for path in paths if (python := files[path].python) is not None)

    def python(self) -> Iterator[tuple[str, PythonFacts]]:
        """The Python files that some rule's anchors occur in."""
        return iter(self._python)

    def file(self, path: str) -> PythonFacts | None:
        """The facts of one Python file."""
        facts = self._files.get(path)
        return facts.python if facts is not None else None

    def dockerfile(self, path: str) -> DockerfileFacts | None:
        """The facts of one Dockerfile."""
        facts = self._files.get(path)
        return facts.dockerfile if facts is not None else None

    def calls(self, *names: str) -> Iterator[tuple[str, Call]]:
        """Calls of these resolved names."""
        wanted = frozenset(names)
        for path, python in self._python:
            for call in python.calls:
                if call.name in wanted:
                    yield path, call

    def bindings(self) -> Iterator[tuple[str, Binding]]:
        """Values given to names."""
        for path, python in self._python:
            for binding in python.bindings:
                yield path, binding

    def env_reads(self) -> Iterator[tuple[str, EnvRead]]:
        """Reads of the environment."""
        for path, python in self._python:
            for read in python.env:
                yield path, read

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Functions and methods."""
        for path, python in self._python:
            for function in python.functions:
                yield path, function

    def classes(self) -> Iterator[tuple[str, Class]]:
        """Classes."""
        for path, python in self._python:
            for one in python.classes:
                yield path, one
