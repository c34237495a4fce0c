"""What is shown of an audited text: credentials in a command line replaced, lines that hold one told."""

from collections.abc import Iterable

from twelvefac.project.credentials import (
    holds_secret,
    is_placeholder,
    is_switch,
    looks_secret,
    provider,
    url_is_local,
    url_is_made_up,
    url_password,
)
from twelvefac.source.pattern import regex

_BLANKS = regex(r"(\s+)")
_HEADER = regex(r"[\"']?([A-Za-z-]{1,60}):")
_SCHEMES = frozenset(("basic", "bearer", "digest", "token"))
_PASSWORD_OPTIONS = {
    **dict.fromkeys(("mariadb", "mongo", "mongosh", "mysql", "mysqladmin", "mysqldump", "sshpass"), "-p"),
    "redis-cli": "-a",
}
"""The short option of a client that its password follows, in the same word or the next."""


_GIVEN = regex(
    r"(?<![\w.-])(-{0,2}[A-Za-z_][\w.-]{0,100})(?=[\"']?\]?[ \t]{0,8}(?::[ \t]{0,4}[\w. |\[\]]{1,60}=|[:=]|[ \t])"
    r"[ \t]{0,8}[rRbBuU]{0,2}[\"']?([^\s\"',;]{3,500}))"
)
"""A name and what is given to it: assigned, passed, an entry of a mapping, an option's value."""
_OPEN = regex(r"([A-Za-z_][\w.-]{0,100})[\"']?\]?[ \t]{0,8}[:=]?[ \t]{0,4}[(|>\\][-+]?[ \t]{0,8}$")
"""A name whose value goes on with the next line."""
_READ = regex(r"[\w.]{1,100}[(\[]|[$<{%*]")
"""Begins a value that is read from elsewhere: a call, a subscript, a variable."""
_LONGEST_LINE = 10_000
_KEY_BEGINS, _KEY_ENDS = "PRIVATE KEY-----", "-----END"


def hidden(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a command line, credentials in them replaced."""
    shown: list[str] = []
    names_secret = False
    option = ""
    for word in words:
        option = _PASSWORD_OPTIONS.get(word.strip("\"'").rpartition("/")[2], option)
        name, equals, value = word.partition("=")
        if len(pieces := _BLANKS.split(word)) > 1:  # a line for a shell
            pieces[::2] = hidden(pieces[::2])
            shown.append("".join(pieces))
        elif names_secret and word.lower() in _SCHEMES:  # Authorization: Bearer …
            shown.append(word)
        elif provider(word) or url_password(word) is not None or (names_secret and not word.startswith(("-", "$"))):
            shown.append("***")
        elif equals and value and not value.startswith("$") and _is_secret(name):
            shown.append(f"{name}=***")
        elif shown and shown[-1] in ("-u", "--user", "--proxy-user") and (login := word.partition(":"))[2]:
            shown.append(word if login[2].startswith("$") else f"{login[0]}:***")
        elif option and word.startswith(option) and word[2:] and word[2] != "$":
            shown.append(f"{option}***")
        else:
            shown.append(word)
        header = _HEADER.fullmatch(word)
        names_secret = (
            (word.startswith("-") and not equals and _is_secret(word))
            or (option != "" and word == option)
            or (header is not None and _is_secret_header(header.group(1)))
            or (names_secret and word.lower() in _SCHEMES)
        )
    return tuple(shown)


def _is_secret_header(name: str) -> bool:
    return name.lower().endswith("authorization") or _is_secret(name)


def _is_secret(option: str) -> bool:
    return holds_secret(option.lstrip("-").replace("-", "_"))


def given(words: Iterable[str]) -> tuple[str, ...]:
    """What credentials a command line gives, in words that do not tell them: ``the value of --password``.

    Only those that are plausible as a real one: what says by itself that it is made up, or local, is passed over.
    """
    found: list[str] = []
    named = ""
    for word in (part for several in words for part in several.split()):
        name, equals, value = word.partition("=")
        bare = word.strip("\"'")
        whose = provider(bare)
        if whose is not None:
            found.append(f"{'an' if whose[0] in 'AO' else 'a'} {whose}")
        elif (password := url_password(bare)) is not None:
            if not (url_is_made_up(bare) or url_is_local(bare) or is_placeholder(password)):
                found.append("the password in a URL")
        elif named and _is_plausible(named, bare):
            found.append(f"the value of {named}")
        elif equals and _is_secret(name) and _is_plausible(name, value.strip("\"'")):
            found.append(f"the value of {name.lstrip('-')}")
        header = _HEADER.fullmatch(word)
        named = word.lstrip("-") if word.startswith("-") and not equals and _is_secret(word) else ""
        if header is not None and _is_secret_header(header.group(1)):
            named = header.group(1)
        elif word.lower() in _SCHEMES:
            named = word
    return tuple(dict.fromkeys(found))


def _is_plausible(name: str, value: str) -> bool:
    return "$" not in value and value[:1] not in "-<{%" and looks_secret(name, value)


def telling_lines(text: str) -> frozenset[int]:
    """The lines of a text (from 1) that may hold a credential: it errs by naming too many."""
    found: set[int] = set()
    in_key = goes_on = False
    for number, line in enumerate(text.split("\n"), 1):
        if in_key or goes_on or len(line) > _LONGEST_LINE or _tells(line):
            found.add(number)
        opened = _OPEN.search(line)
        goes_on = opened is not None and holds_secret(opened.group(1))
        in_key = (in_key or _KEY_BEGINS in line) and _KEY_ENDS not in line
    return frozenset(found)


def _tells(line: str) -> bool:
    if provider(line) or url_password(line) is not None or _KEY_BEGINS in line:
        return True
    words = tuple(line.split())
    if any(
        word != shown and len(word) > 2 and not _READ.match(word)
        for word, shown in zip(words, hidden(words), strict=True)
    ):
        return True
    return any(
        holds_secret(name.lstrip("-").replace("-", "_"))
        and not (_READ.match(value) or is_switch(value) or is_placeholder(value))
        for name, value in _GIVEN.findall(line)
    )
