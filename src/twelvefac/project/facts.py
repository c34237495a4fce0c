"""Facts: what the readers keep of a file once its tree is dropped, and what the cache stores.

Facts are NamedTuples of plain values, so that they survive a round trip through JSON; ``revive`` puts the
types back. A fact is added here when a rule needs it, and read from the tree in one place.
"""

from typing import Any, NamedTuple

from twelvefac.project.compose import ComposeFile
from twelvefac.project.dependencies import Manifest
from twelvefac.project.envfile import EnvEntry, ProcfileEntry
from twelvefac.project.helm import Template
from twelvefac.project.ini import IniEntry
from twelvefac.project.kubernetes import Resource
from twelvefac.project.locks import Lock
from twelvefac.project.nginx import Directive
from twelvefac.project.shell import ShellFacts
from twelvefac.project.yaml_nodes import YamlDocument
from twelvefac.source.span import Pos


class Value(NamedTuple):
    """What an expression evaluates to, as far as the text of one file tells.

    ========  ==========================================================================================
    kind      data
    ========  ==========================================================================================
    str       the text (also of joined literals), and bytes as text
    int       the number; ``float`` and ``bool`` likewise
    none      None
    name      the dotted name it refers to, imports resolved: ``app.settings.TIMEOUT``
    env       ``(key or None, default Value or None, resolved callee)``: from the environment
    call      ``(resolved name, (Value…), ((keyword, Value)…))``
    list      ``(Value…)``: a list, tuple or set
    joined    ``(Value…)``: a text's parts in order; of ``"…" % x`` only ``x``, of ``"…".format(x)`` its beginning too
    dict      ``((key Value, Value)…)``
    other     None: cannot be told
    ========  ==========================================================================================
    """

    kind: str
    data: Any
    at: Pos

    @property
    def text(self) -> str | None:
        """The string, where it is one."""
        return self.data if self.kind == "str" else None

    def entry(self, key: str) -> "Value | None":
        """What a dictionary has under a key; None where it is none, or has no such key."""
        return next((one for name, one in self.data if name.text == key), None) if self.kind == "dict" else None

    @property
    def is_literal(self) -> bool:
        """Whether it is a constant."""
        return self.kind in ("str", "int", "float", "bool", "none")


class Call(NamedTuple):
    """A call of a name that some rule asked for; ``scope`` is the function it stands in, "" at module level."""

    name: str
    at: Pos
    args: tuple[Value, ...]
    kwargs: tuple[tuple[str, Value], ...]
    scope: str
    guarded: bool

    def arg(self, keyword: str, index: int | None = None) -> Value | None:
        """The value passed for a parameter by keyword or, if ``index`` is given, by position."""
        for name, value in self.kwargs:
            if name == keyword:
                return value
        if index is not None and index < len(self.args):
            return self.args[index]
        return None

    @property
    def is_open(self) -> bool:
        """Whether ``*args`` or ``**kwargs`` may pass more than is seen."""
        return any(name == "**" for name, _ in self.kwargs) or any(value.kind == "splat" for value in self.args)


class EnvRead(NamedTuple):
    """A read of an environment variable; ``key`` is None where it is computed, ``api`` the resolved callee."""

    key: str | None
    default: Value | None
    at: Pos
    scope: str
    api: str


class Comparison(NamedTuple):
    """``left == text``, ``left != text``, ``left in (text, …)``; ``rights`` are the texts.

    ``name`` is the left side as it is written, where it is a name.
    """

    name: str
    left: Value
    rights: tuple[Value, ...]
    at: Pos
    scope: str


class Binding(NamedTuple):
    """A value given to a name.

    ``kind`` says how: ``name`` (``X = …``), ``attribute`` (``app.x = …``), ``item`` (``conf["x"] = …``), ``key``
    (in a dict display), ``keyword`` (in a call; ``target`` is the parameter, ``owner`` the callee), ``field``
    (in a class body; ``owner`` is the class) and ``parameter`` (a default).
    """

    target: str
    value: Value
    kind: str
    owner: str
    scope: str
    guarded: bool


class Literal(NamedTuple):
    """A string with the shape of a credential: a URL with a password or a known provider's prefix."""

    value: Value
    scope: str


class Handler(NamedTuple):
    """An ``except``: the resolved exceptions (none if it is bare), whether it leaves the loop, what it calls."""

    catches: tuple[str, ...]
    at: Pos
    leaves: bool
    calls: tuple[str, ...]


class Loop(NamedTuple):
    """A ``while True``.

    ``leaves`` tells whether it is ever left other than by an exception: a ``break``, ``return``, ``raise`` or exit
    outside its handlers. ``calls`` are the resolved callees inside it, ``pauses`` the arguments of ``sleep``.
    """

    at: Pos
    scope: str
    guarded: bool
    leaves: bool
    calls: tuple[str, ...]
    pauses: tuple[Value, ...]
    handlers: tuple[Handler, ...]


class Acknowledgement(NamedTuple):
    """A call that tells a broker that a message is done with; the callees that run ``before`` and ``after`` it."""

    name: str
    at: Pos
    scope: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Run(NamedTuple):
    """A function that a module calls while it is loaded, by its resolved name; ``guarded`` under its main guard."""

    name: str
    guarded: bool


class Logged(NamedTuple):
    """A value with the name of a secret, or the whole environment, that a call of a log writes with ``text``."""

    call: str
    text: str
    value: Value
    at: Pos
    scope: str


class Function(NamedTuple):
    """A function or method: parameters, decorators as values, the names of this file's functions that it calls.

    ``outside`` are the imported functions that it calls, by their resolved names, the standard library's left out.
    ``handed`` are functions, of this file or imported, that it hands over to a thread, a process or a pool.
    """

    name: str
    parameters: tuple[str, ...]
    decorators: tuple[Value, ...]
    calls: tuple[str, ...]
    at: Pos
    outside: tuple[str, ...] = ()
    handed: tuple[str, ...] = ()


class Class(NamedTuple):
    """A class and its resolved bases."""

    name: str
    bases: tuple[str, ...]
    at: Pos


class Import(NamedTuple):
    """An imported module (``package.module``, relative ones with leading dots); ``name`` if from-imported."""

    module: str
    name: str
    at: Pos
    scope: str


class Shared(NamedTuple):
    """A name that can hold state between requests, and who touches it.

    ``holds`` is ``container`` or ``number`` for a module's own, ``imported`` for another module's (``name`` is its full
    name), ``attribute`` for a container of a class (``Class.name``) and ``application`` for one on an application's
    ``state``. ``writes`` and ``reads`` are ``(function, Pos)``; a write changes the container in place or rebinds a
    ``global``.
    """

    name: str
    holds: str
    at: Pos
    writes: tuple[tuple[str, Pos], ...]
    reads: tuple[tuple[str, Pos], ...]


_last_for_tests: tuple[tuple[Binding, ...], frozenset[str]] = ((), frozenset())


def _for_tests(bindings: tuple[Binding, ...]) -> frozenset[str]:
    """The classes that have ``TESTING = True``; kept for the file that was asked last, for each binding asks."""
    global _last_for_tests  # noqa: PLW0603 - hashing the bindings of a file costs as much as going through them
    if _last_for_tests[0] is not bindings:
        found = (one for one in bindings if one.target == "TESTING" and one.kind == "field" and one.value.data is True)
        _last_for_tests = (bindings, frozenset(one.owner for one in found))
    return _last_for_tests[1]


class PythonFacts(NamedTuple):
    """One Python file.

    ``store_urls`` are strings that name a database's kind.
    ``debugged`` are the first and last lines of branches for debugging, ``attempts`` those of what a module tries while
    it is imported and gets by without.
    """

    calls: tuple[Call, ...] = ()
    env: tuple[EnvRead, ...] = ()
    bindings: tuple[Binding, ...] = ()
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    imports: tuple[Import, ...] = ()
    shared: tuple[Shared, ...] = ()
    literals: tuple[Literal, ...] = ()
    containers: tuple[tuple[str, Pos], ...] = ()
    instances: tuple[tuple[str, str], ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    loops: tuple[Loop, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    store_urls: tuple[Literal, ...] = ()
    logged: tuple[Logged, ...] = ()
    runs: tuple[Run, ...] = ()
    debugged: tuple[tuple[int, int], ...] = ()
    attempts: tuple[tuple[int, int], ...] = ()

    def is_for_tests(self, owner: str) -> bool:
        """Whether a class of settings says of itself that it is for tests: ``TESTING = True``."""
        return bool(owner) and owner in _for_tests(self.bindings)

    def settings_classes(self) -> frozenset[str]:
        """The classes that read the environment by their base, and the models that are fields of such a class."""
        found = {one.name for one in self.classes if any(base.endswith(_OF_SETTINGS) for base in one.bases)}
        if found and len(self.classes) > len(found):
            # by a default: what only an annotation names has to be given as a whole
            fields = [(one.owner, _made_by(one.value)) for one in self.bindings if one.kind == "field"]
            known = {one.name for one in self.classes} - found
            for _ in range(_MOST_NESTED):
                found |= {made for owner, made in fields if owner in found and made in known}
        return frozenset(found)

    def is_debugged(self, at: Pos) -> bool:
        """Whether a place stands in a branch that only debugging or development takes (``if args.debug:``)."""
        return any(first <= at[0] <= last for first, last in self.debugged)

    def is_attempt(self, at: Pos) -> bool:
        """Whether a place stands in what a module only tries while it is imported."""
        return any(first <= at[0] <= last for first, last in self.attempts)


_OF_SETTINGS = ("BaseSettings", "BaseAppSettings", "BaseEnvironment")
_MOST_NESTED = 3


def _made_by(value: Value) -> str:
    """The class whose instance a field has by default: ``Database()``, ``Field(default_factory=Database)``."""
    if value.kind != "call":
        return ""
    factory = dict(value.data[2]).get("default_factory")
    return str(factory.data if factory is not None and factory.kind == "name" else value.data[0])


class Instruction(NamedTuple):
    """One Dockerfile instruction.

    ``form`` is ``exec`` (a JSON array, ``args`` its strings) or ``shell`` (``text`` is the command line,
    continuations joined, heredoc bodies left out and kept in ``heredocs`` as text).
    """

    keyword: str
    flags: tuple[tuple[str, str], ...]
    text: str
    form: str
    args: tuple[str, ...]
    heredocs: tuple[str, ...]
    at: Pos
    text_at: Pos


class Stage(NamedTuple):
    """A build stage; ``base`` has its build arguments expanded, None where one has no value."""

    name: str
    base: str | None
    raw_base: str
    base_at: Pos
    instructions: tuple[Instruction, ...]


class DockerfileFacts(NamedTuple):
    """One Dockerfile. ``arguments`` are the global build arguments and their defaults."""

    stages: tuple[Stage, ...]
    arguments: tuple[tuple[str, str | None], ...]


class Ignore(NamedTuple):
    """A suppression comment: ``# twelvefac: ignore[rule] reason; until=2027-01-01``.

    ``lines`` are the lines it covers: its own, and the next one where it stands alone.
    """

    rule: str
    reason: str
    until: str
    line: int
    lines: tuple[int, ...]


ERRORED = "errored"
"""The kind of notice for a file whose reader failed: the run is incomplete."""


class Notice(NamedTuple):
    """Something a reader of the report must know that is not a finding."""

    kind: str
    path: str
    line: int
    message: str


class FileFacts(NamedTuple):
    """Everything kept of one file, by the reader that read it.

    ``python`` is None where no rule's anchors are; ``packages`` are the first parts of what Python imports at its left
    margin, but for the standard library. ``notices`` are ``(kind, line, message)``, without the path. ``seen`` are the
    rules that saw in the text what they look for (``Rule.look``); ``holds_key`` is asked of what is called ``key.pem``.
    """

    python: PythonFacts | None = None
    dockerfile: DockerfileFacts | None = None
    shell: ShellFacts | None = None
    compose: ComposeFile | None = None
    resources: tuple[Resource, ...] = ()
    pipeline: tuple[YamlDocument, ...] = ()
    manifest: Manifest | None = None
    lock: Lock | None = None
    environment: tuple[EnvEntry, ...] = ()
    procfile: tuple[ProcfileEntry, ...] = ()
    nginx: tuple[Directive, ...] = ()
    ini: tuple[IniEntry, ...] = ()
    values: tuple[YamlDocument, ...] = ()
    template: Template | None = None
    text: str | None = None
    packages: tuple[tuple[str, Pos], ...] = ()
    ignores: tuple[Ignore, ...] = ()
    notices: tuple[tuple[str, int, str], ...] = ()
    seen: tuple[str, ...] = ()
    holds_key: bool | None = None

    @property
    def errored(self) -> bool:
        """Whether its reader failed."""
        return any(kind == ERRORED for kind, _, _ in self.notices)
