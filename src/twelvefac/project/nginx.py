"""The reader of nginx's configuration: directives with exact places and the blocks that they stand in.

Written here: crossplane, the one library there is, gives a directive's line and no column, opens what ``include`` names
wherever that lies, and had its last release in 2022. The grammar is nginx's own (``ngx_conf_read_token``).
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from twelvefac.project.unreadable import UnreadableError
from twelvefac.source.document import Document
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos

NAME = regex(
    r"(?:.{1,300}/)?(?:[\w.-]{0,60}nginx[\w.-]{0,60}\.(?:conf|template)"
    r"|[\w.-]{0,60}nginx[\w.-]{0,60}/(?:.{1,200}/)?(?:[\w.-]{1,80}\.(?:conf|template)|sites-(?:enabled|available)/[\w.-]{1,80}))"
)
_TOKEN = regex(
    r"\s+|#[^\n]*|(?P<quoted>\"(?:[^\"\\]|\\[\s\S])*\"|'(?:[^'\\]|\\[\s\S])*')|(?P<mark>[{};])"
    r"|(?P<word>(?:\$\{[^}\s]{0,200}\}|\\[\s\S]|[^\s;{}\"'#\\])(?:\$\{[^}\s]{0,200}\}|\\[\s\S]|[^\s;{}\\])*)"
)
MAX_DEPTH = 30
_MAX_DIRECTIVES = 20_000
_LUA = "_by_lua_block"


class Directive(NamedTuple):
    """A directive: ``listen 80 default_server;`` has the arguments ``("80", "default_server")``, quotes taken off.

    ``blocks`` are those around it, outermost first, each with its arguments: ``("http", "upstream app")``. A block is a
    directive too. ``at`` is from its name to its last argument.
    """

    name: str
    args: tuple[str, ...]
    blocks: tuple[str, ...]
    at: Pos

    @property
    def block(self) -> str:
        """The innermost block's name; "" at the top."""
        return self.blocks[-1].partition(" ")[0] if self.blocks else ""


class Address(NamedTuple):
    """What a proxy sends to: a host and a port, the scheme's where none is written; ``at`` is the directive."""

    host: str
    port: str
    at: Pos


def is_nginx(path: str) -> bool:
    """Whether a path is a configuration of nginx: by its name, or in a folder of that name."""
    return "nginx" in path and NAME.fullmatch(path) is not None


def read_nginx(text: str) -> tuple[Directive, ...]:
    """The directives of a file, in order; raises UnreadableError where its braces do not match."""
    document = Document(text)
    found: list[Directive] = []
    blocks: list[str] = []
    words: list[tuple[str, int, int]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:  # a quote that is never closed
            raise UnreadableError("a quote that is not closed", document.pos(at, at)[0])
        at = match.end()
        mark = match.group("mark")
        if mark is None:
            if word := match.group("quoted"):
                words.append((word[1:-1], match.start(), at))
            elif word := match.group("word"):
                words.append((word, match.start(), at))
            continue
        if mark != "}" and words:
            found.append(_directive(words, blocks, document))
            if len(found) > _MAX_DIRECTIVES:
                raise UnreadableError(f"more than {_MAX_DIRECTIVES} directives", found[-1].at[0])
        if mark == "{":
            if not words:
                raise UnreadableError("a block without a name", document.pos(at, at)[0])
            if words[0][0].endswith(_LUA):
                at = _after_lua(text, at)
            else:
                blocks.append(" ".join(word for word, _, _ in words))
            if len(blocks) > MAX_DEPTH:
                raise UnreadableError(f"nested deeper than {MAX_DEPTH}", document.pos(at, at)[0])
        elif mark == "}":
            if not blocks or words:
                raise UnreadableError("a closing brace where none can be", document.pos(at, at)[0])
            blocks.pop()
        words = []
    if blocks or words:
        raise UnreadableError("it ends in the middle of a block or directive", document.pos(at, at)[0])
    return tuple(found)


def _directive(words: list[tuple[str, int, int]], blocks: list[str], document: Document) -> Directive:
    (name, start, _), *rest = words
    return Directive(name, tuple(word for word, _, _ in rest), tuple(blocks), document.pos(start, words[-1][2]))


def _after_lua(text: str, at: int) -> int:
    """The offset behind the brace that closes a block of Lua, whose braces nginx counts without reading it."""
    open_braces = 1
    for match in _BRACE.finditer(text, at):
        open_braces += 1 if match.group() == "{" else -1
        if not open_braces:
            return match.end()
    return len(text)


_BRACE = regex(r"[{}]")
_TARGET = regex(r"(?:(?:https?|grpcs?|uwsgi|fastcgi)://)?(?P<host>[\w.-]{1,200})(?::(?P<port>\d{1,5}))?(?:/.*)?")
_PASSES = frozenset(("proxy_pass", "uwsgi_pass", "grpc_pass"))


def upstreams(directives: tuple[Directive, ...]) -> set[str]:
    """The names of groups of servers, which other files may send to."""
    return {one.args[0] for one in directives if one.name == "upstream" and one.args}


def addresses(directives: tuple[Directive, ...], groups: Collection[str]) -> Iterator[Address]:
    """Where requests are sent: an upstream's servers, and what a pass names that is none of ``groups``."""
    for one in directives:
        is_server = one.name == "server" and one.block == "upstream"
        if not one.args or not (is_server or one.name in _PASSES):
            continue
        match = _TARGET.fullmatch(one.args[0])
        if match is not None and (is_server or match.group("host") not in groups):
            yield Address(
                match.group("host"), match.group("port") or ("443" if "s://" in one.args[0] else "80"), one.at
            )
