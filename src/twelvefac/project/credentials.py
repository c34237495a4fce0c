"""What a credential looks like: names that hold one, values that are one. Told by shape; nothing is tried out.

The order of the tests follows gitleaks' generic rule (MIT, cmd/generate/config/rules/generic.go): a name alone or
a value alone proves little; the two must agree, or the value must carry a provider's own prefix.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache

from twelvefac.project.glance import Glance
from twelvefac.project.margin import definition_around
from twelvefac.source.pattern import regex

_KEY = (
    r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----(?:\\[nrt]|[^A-Za-z0-9+/-]){0,60}"
    r"(?:M[A-Za-z0-9+/]{11}|b3BlbnNzaC1r)"
)
"""What is in a key begins with M, an ASN.1 sequence in base64, or is "openssh-key": other words show where one goes."""
_PROVIDERS = (
    ("AWS access key", r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}"),
    ("GitLab token", r"glpat-[\w-]{20,64}"),
    ("Slack token", r"xox[abprs]-[A-Za-z0-9-]{10,250}"),
    ("Stripe key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,99}"),
    ("Google API key", r"AIza[\w-]{35}"),
    ("OpenAI key", r"(?<![A-Za-z0-9])sk-(?:proj-|svcacct-|(?=[a-z_-]{0,60}[A-Z0-9]))[\w-]{20,200}"),
    ("Anthropic key", r"sk-ant-[\w-]{20,200}"),
    ("SendGrid key", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    ("Hugging Face token", r"hf_[A-Za-z]{34}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[\w-]{50,200}"),
    ("Telegram bot token", r"\d{8,10}:AA[\w-]{33}"),
    ("private key", _KEY),
)  # fmt: skip
_PROVIDER = regex("|".join(f"({pattern})" for _, pattern in _PROVIDERS))
_DSN = regex(r"([a-zA-Z][\w+.-]{0,40})://([^\s:/@'\"{}$%<>]{0,100}):([^\s@/'\"]{1,200})@([^\s'\"/]{1,200})")
_EXAMPLE_HOST = regex(r"(?:example\.(?:com|org|net)|host|hostname|server)(?:[:/]|$)")
_SHAPES = frozenset((("username", "password"), ("user", "pass"), ("user", "password"), ("login", "password")))
"""What stands in a URL that shows where user and password go."""
_HINT = regex(r"A(?:KIA|SIA|Iza)|gh[pousri]|glpat-|xox|sk[-_]|rk_|SG\.|hf_|npm_|pypi-AgE|:AA|-----BEGIN ")
"""One of them is in whatever a provider's pattern matches."""


def has_shape(value: str) -> bool:
    """Whether a string is worth keeping as a fact wherever it stands: a URL with a password, a provider's prefix."""
    if "@" in value and "://" in value and _DSN.search(value):
        return True
    # searching for every pattern in every string of a file costs more than the rest of reading it
    return len(value) >= _SHORTEST and bool(_HINT.search(value)) and bool(_PROVIDER.search(value))


_SHORTEST = 12

PARTS = (
    r"~A(?:KIA|SIA|Iza)",
    "pypi ~pi-AgE",
    "private key ~PRIVATE KEY-",
    r"~:AA[\w-]{33}",
    r"~://[^\s:/@]{0,100}:[^\s@/]{1,200}@",
)
"""Anchors for what has no word of its own, or only one before other letters and digits."""
PROVIDER_WORDS = tuple(
    f"{word} ~{shape}"
    for words, shape in (
        ("ghp gho ghu ghs ghr", r"gh[pousr]_\w{30}"),
        ("glpat", "glpat-"),
        ("github", "github_pat_"),
        ("xoxa xoxb xoxp xoxr xoxs", r"xox[abprs]-"),
        ("sk", r"sk[-_][\w-]{14}"),
        ("rk", r"rk_(?:live|test)_"),
        ("sg", r"SG\."),
        ("hf", r"hf_[A-Za-z]{30}"),
        ("npm", r"npm_\w{30}"),
    )
    for word in words.split()
)


_TEST_MODE = regex(r"(?:sk|rk)_test_")
_OWN_GUEST = regex(r"(?:py|librabbitmq\+)?amqps?://guest:guest@(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)")
_SPLIT = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_LAST = frozenset(
    "password passwd pwd pw pword passphrase secret token apikey secretkey accesskey privatekey credential "
    "credentials authtoken accesstoken passcode".split()
)
_BEFORE_KEY = frozenset("api secret private signing encryption access auth jwt session master hmac fernet aes".split())
_BEFORE_PASS = frozenset(
    "db database user mysql postgres pg redis mongo smtp mail email admin rabbitmq amqp ftp http login root "
    "auth".split()
)
_SESSION_KEYS = frozenset(
    "secret_key flask_secret_key django_secret_key app_secret_key jwt_secret jwt_secret_key session_secret signing_key "
    "jwt_key encryption_key".split()
)
_NOT_SECRET_BEFORE = frozenset(
    "no public csrf next page pagination continuation cursor max min num count type grammatical special start end "
    "eos bos pad unk sep mask cls cancellation cancel default consistency sync resume existing".split()
)
"""``next_token``, ``pad_token``, ``consistency_token``, ``existingSecret``: words that make it something else."""

_PLACEHOLDER = regex(
    r"<[^>]{0,60}>|\{\{.{0,60}\}\}|\$\{?\w{1,60}\}?|%\(\w{1,60}\)s|\{\w{0,60}\}|x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,}|"
    r"(?:your|my|the|some|enter|insert|put|add|fill|set|replace|change|update|todo|fixme)[\s_-].{0,60}|"
    r"(?:example|dummy|fake|sample|placeholder|redacted|replace-?me|fill-?me|todo|foobar|none|null|undefined|string|"
    r"password|secret|token|test|testing|test[_-]?(?:password|secret|token|key))\d{0,3}|"
    r"(?:(?:deadbeef|cafebabe|dead|beef|cafe|babe)[_-]?){1,8}",
    re.IGNORECASE,
)
_SENTENCE = regex(r"\S{1,60} \S{1,60} \S")
_REFERENCE = regex(
    r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,10}|(?:[a-z]{2,30}[.:]){1,8}[a-z_-]{2,40}|"
    r"(?:[a-z0-9_.,-]{1,40}/){1,8}[a-z0-9_.,-]{0,40}|(?:[a-z_]{1,40}\.){1,8}[A-Za-z_]{1,60}|(?:\.{0,2}/|[A-Za-z]:\\).*|"
    r"[a-z][a-z+.-]{1,20}://[^@]*"
)
"""The name of a variable, a dotted or slashed path, a URL without credentials: where a secret is, not what it is."""
_NAME_OF_VERSION = regex(r"[a-z]{1,30}(?:[_-][a-z]{1,30}){1,8}[_-]?v\d{1,2}")
"""``rent_info_v1``: a name with a version."""
_APP_PASSWORD = regex(r"[a-z]{16}|(?:[a-z]{4} ){3}[a-z]{4}")
"""What Google and Yahoo give a program that sends mail for somebody."""
_OF_MAIL = frozenset("mail email gmail yahoo smtp".split())
_WORD = regex(r"pass|mail|secret|your|test|user|admin|send|example|word")
_EXPRESSION = regex(r"^\^|\$$|\[\^?[A-Za-z0-9]-[A-Za-z0-9]|\{\d+,")
_UUID = regex(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SEQUENCE = regex(r"abc.{0,4}xyz|xyz.{0,2}123", re.IGNORECASE)
"""What somebody types to show that something stands there."""
_WEAK_HOSTS = ("localhost", "127.0.0.1", "[::1]", "db", "postgres", "redis", "rabbitmq", "mysql", "mongo", "mongodb")


@lru_cache(4096)
def words_of(name: str) -> tuple[str, ...]:
    """``dbPassword``, ``DB_PASSWORD`` and ``db-password`` are ("db", "password")."""
    return tuple(word.lower() for word in _SPLIT.findall(name))


def holds_secret(name: str) -> bool:
    """Whether a variable, field or key of this name holds a secret by the words of its name."""
    words = words_of(name.rpartition(".")[2])
    end = len(words)
    while end and words[end - 1].isdigit():  # password_2
        end -= 1
    if not end:
        return False
    last, before = words[end - 1], words[end - 2] if end > 1 else ""
    if last in ("token", "secret", "password", "key") and before in _NOT_SECRET_BEFORE:
        return False
    return (
        last in _SECRET_LAST or (last == "key" and before in _BEFORE_KEY) or (last == "pass" and before in _BEFORE_PASS)
    )


def names_api_key(name: str) -> bool:
    """Whether a name is that of a key for somebody's API, which tells who calls: ``WEATHER_API_KEY``."""
    words = words_of(name.rpartition(".")[2])
    return words[-2:] == ("api", "key") or words[-1:] == ("apikey",)


def signs_sessions(name: str) -> bool:
    """Whether the name is a framework's key (``SECRET_KEY``): any literal in it is a secret that everybody knows."""
    return "_".join(words_of(name.rpartition(".")[2])) in _SESSION_KEYS


def provider(value: str) -> str | None:
    """Whose credential the value is by its own prefix: ``GitHub token``; None for nobody's."""
    match = _PROVIDER.search(value) if len(value) >= _SHORTEST and _HINT.search(value) else None
    if match is None or "EXAMPLE" in value or _PLACEHOLDER.fullmatch(value):
        return None
    if len(set(match.group())) < 8:  # sk_test_xxxxxxxx
        return None
    return _PROVIDERS[(match.lastindex or 1) - 1][0]


def is_of_test_mode(value: str) -> bool:
    """Whether a value is a key of Stripe's test mode, which reaches no real customer and no money."""
    return _TEST_MODE.search(value) is not None


def is_own_guest(value: str) -> bool:
    """Whether a URL is RabbitMQ's guest on this machine: from any other machine RabbitMQ refuses that user."""
    return _OWN_GUEST.match(value) is not None


def url_password(value: str) -> str | None:
    """The password in ``scheme://user:password@host``; None without one or where it is a placeholder."""
    match = _DSN.search(value) if "://" in value else None
    if match is None:
        return None
    password = match.group(3)
    if match.group(4).startswith(".."):  # http://user:pass@...:3128
        return None
    if _EXAMPLE_HOST.match(match.group(4)) or (match.group(2), password) in _SHAPES:
        return None
    if re.fullmatch(r"\$\{?\w+\}?|%\(\w+\)s|%s|\{.*\}|<.*>|\*+|x{3,}|\.{3}|\[.*\]", password):
        return None
    return password


def url_is_local(value: str) -> bool:
    """Whether a URL with a password names a host that only a development set-up has."""
    match = _DSN.search(value)
    return match is not None and re.sub(r":\d{1,5}$", "", match.group(4)).lower() in _WEAK_HOSTS


def url_is_made_up(value: str, *, local: bool = True) -> bool:
    """Whether a URL with a password is one to get started: to a ``local`` host, or the password is the user's name."""
    match = _DSN.search(value)
    if match is None:
        return False
    user, password = match.group(2).lower(), match.group(3).lower()
    return (local and (url_is_local(value) or is_placeholder(password))) or user == password


def users(settings: Iterable[tuple[str, str | None]]) -> frozenset[str]:
    """The names of users and databases among settings, in lower case: a password like them is one to get started."""
    return frozenset(
        value.lower()
        for name, value in settings
        if value and (words_of(name)[-1:] or ("",))[0] in ("user", "username", "login", "db", "database", "name")
    )


def is_made_up(name: str, value: str, others: Collection[str]) -> bool:
    """Whether a secret is only a word to get started: the end of its own name, or one of ``others`` (see ``users``)."""
    words = words_of(value)
    return value.lower() in others or (bool(words) and words == words_of(name)[-len(words) :])


def is_placeholder(value: str) -> bool:
    """Whether a value says by itself that it is none: ``<token>``, ``${X}``, ``your-key-here``, ``xxx``."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_reference(value: str) -> bool:
    """Whether a value names something else: a variable in capitals, a path, a URL without credentials."""
    return _REFERENCE.fullmatch(value.strip()) is not None


def names_itself(name: str, value: str) -> bool:
    """Whether a value is no more than the name it is given to: ``api-token`` for ``API_TOKEN``."""
    return "".join(words_of(value)) == "".join(words_of(name))


def says_missing(name: str, value: str) -> bool:
    """Whether a value says that what has the name is not there: ``MISSING_API_TOKEN`` for ``API_TOKEN``."""
    words = words_of(value)
    return words[1:] == words_of(name) and words[0] in ("missing", "unset", "no", "without", "your")


def is_switch(value: str) -> bool:
    """Whether a value is a truth value or nothing, which no secret is."""
    return value.strip().lower() in ("", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null")


def looks_secret(name: str, value: str) -> bool:
    """Whether ``value`` is plausible as the secret that ``name`` holds: long, mixed, not a word, path or sentence."""
    stripped = value.strip()
    if _APP_PASSWORD.fullmatch(stripped) and not _OF_MAIL.isdisjoint(words_of(name)) and entropy(stripped) >= 2.5:
        return _WORD.search(stripped) is None
    if _EXPRESSION.search(stripped) or (_UUID.fullmatch(stripped) and words_of(name)[-1:] == ("password",)):
        return False  # what a password looks like; the identifier of a page or mail about it
    if len(stripped) < 8 or is_placeholder(stripped) or _SENTENCE.search(stripped) or _REFERENCE.fullmatch(stripped):
        return False
    if _NAME_OF_VERSION.fullmatch(stripped) or _SEQUENCE.search(stripped):
        return False
    if words_of(stripped) == words_of(name) or stripped.lower() in name.lower():
        return False
    if "." in stripped and words_of(name)[-2:] == words_of(stripped.rpartition(".")[2]):
        return False  # where a secret is kept: desire2learn.client_secret
    classes = sum(bool(re.search(pattern, stripped)) for pattern in ("[a-z]", "[A-Z]", "[0-9]", r"[^A-Za-z0-9\s]"))
    parts = stripped.split("-")
    if all(part.isalpha() and part == part.capitalize() for part in parts) and len(parts) > 1:
        return False  # a header's name: Access-Control-Allow-Credentials
    if "-" in stripped or "_" in stripped:  # snake and kebab words are names: user-access-token
        letters = re.sub(r"[-_]", "", stripped)
        if letters.isalpha() and (letters.islower() or letters.isupper()):
            return False
    return (classes >= 2 and any(c.isdigit() for c in stripped) and entropy(stripped) >= 2.5) or (
        classes >= 3 and entropy(stripped) >= 3
    )


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def described(value: str) -> str:
    """A value as it may be printed: how long it is, never what it is."""
    return f"{len(value)} characters"


_GIVEN = regex(rb"\w{0,60}['\"]?[ \t]{0,4}\]?\s{0,8}(?::[^=\n]{0,120})?[=:][\s(\\]{0,120}[rRbBuU]{0,2}(['\"])")
"""Goes on from a place in a name to a text that is given to the name: assigned, passed, an entry of a dictionary."""
_NAME = regex(rb"[\w.-]{1,100}")
_IN_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_MOST_GIVEN = 20_000


WORDS = (
    *sorted(_SECRET_LAST),
    "pass",
    *(f"{word} key" for word in sorted(_BEFORE_KEY)),
)
"""Anchors of names that hold a secret."""


STAND_IN = regex(
    r"mock|fake|dummy|stub|test|(?:^|\.)(?:docs?|local|dev(?:el\w{0,20})?)(?:config\w{0,20}|settings)?(?:$|\.)",
    re.IGNORECASE,
)
"""Classes and functions that stand in for the real thing in development."""


def may_give_away(file: Glance) -> bool:
    """Whether a Python file may give a secret to a name: a look at its text that is wrong only by saying yes."""
    data = file.data
    for count, at in enumerate(file.secrets):
        match = _GIVEN.match(data, at)
        if count > _MOST_GIVEN:
            return True
        if match is not None and _is_given(data, at, match) and not STAND_IN.search(definition_around(data, at)):
            return True
    return False


def _is_given(data: bytes, at: int, match: re.Match[bytes]) -> bool:
    start = at
    while start and data[start - 1] in _IN_NAME and at - start < 100:
        start -= 1
    whole = _NAME.match(data, start)
    assert whole is not None, "a stem stands there"
    name = whole.group().decode("ascii", "replace")
    quote = data[whole.end() : whole.end() + 1]
    if quote in (b"'", b'"'):  # a key of several words
        start = max(data.rfind(quote, 0, start), data.rfind(b"\n", 0, start)) + 1
        name = data[start : whole.end()].decode("ascii", "replace")
    signs = signs_sessions(name)
    if not signs and not holds_secret(name):
        return False
    line = data[data.rfind(b"\n", 0, start) + 1 : start]
    if b"," in line and not any(bracket in line for bracket in (b"(", b"[", b"{")):
        return True  # several names are given values at once
    quote = match.group(1)
    if data.startswith(quote + quote, match.end()):
        quote, first = 3 * quote, match.end() + 2
    else:
        first = match.end()
    end = data.find(quote, first)
    text = data[first:end]
    if end < 0 or b"\\" in text:
        return True
    if len(quote) == 1 and b"\n" in text:
        return False  # a quote that closes a text: none goes on over a line's end
    after = data[end + len(quote) : end + 40].lstrip()[:1]
    if not text.isascii() or after in (b"'", b'"', b"+"):  # or put together
        return True
    return signs or looks_secret(name, text.decode("ascii"))
