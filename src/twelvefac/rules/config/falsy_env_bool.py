"""A text from the environment is taken for a truth value.

## Why

Every text but the empty one is true: `bool(os.getenv("DEBUG"))` is True for `DEBUG=false` and `DEBUG=0`. Whoever
switches it off has switched it on.

## What it does not flag

- Comparisons with texts, `in ("1", "true")`, and libraries that parse booleans (`env.bool`, pydantic, decouple with
  `cast=bool`).
- Asking whether a variable is there at all (`if os.getenv("HTTP_PROXY")`).

## How to fix

Compare: `os.getenv("DEBUG", "").lower() in ("1", "true", "yes")`, or let a settings class parse it.
"""

from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.credentials import words_of
from twelvefac.project.environment import READERS, reader_of
from twelvefac.project.facts import Binding, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service

_BOOL_DEFAULT = r"\(\s{0,60}[^(),]{1,120},\s{0,60}(?:default[ \t]{0,2}=[ \t]{0,2})?(?:True|False)\b"

rule = Rule(
    __name__,
    factor=Factor.CONFIG,
    summary="a text from the environment is taken for a truth value",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors(
        r"bool getenv ~bool\(\s{0,60}[\w.]{0,60}getenv",
        r"bool environ ~bool\(\s{0,60}[\w.]{0,60}environ",
        rf"getenv true ~getenv{_BOOL_DEFAULT}",
        rf"getenv false ~getenv{_BOOL_DEFAULT}",
        rf"environ true ~environ\.get{_BOOL_DEFAULT}",
        rf"environ false ~environ\.get{_BOOL_DEFAULT}",
    ),
    names=frozenset(("bool",)),
    examples=(
        Example(
            "bool() of a text, and a default that is no text",
            source="""
                -- settings.py --
                import os

                DEBUG = bool(os.getenv("DEBUG"))  # <- falsy-env-bool
                TLS = os.environ.get("USE_TLS", False)  # <- falsy-env-bool
                CACHE = bool(os.environ.get("ENABLE_CACHE", "0"))  # <- falsy-env-bool
                TRACE = os.getenv("TRACE", True)  # <- falsy-env-bool
            """,
        ),
        Example(
            "compared or parsed",
            source="""
                -- settings.py --
                import os

                from decouple import config

                DEBUG = os.getenv("DEBUG", "false").lower() == "true"
                TLS = os.environ.get("USE_TLS", "0") in ("1", "true")
                CACHE = config("CACHE", default=False, cast=bool)
                COUNT = bool(int(os.getenv("COUNT", "0")))
                TRACE = os.environ.get("ENABLE_TRACE", False)
                TRACE = TRACE == "True" or TRACE is True
            """,
        ),
        Example(
            "presence",
            source="""
                -- settings.py --
                import os

                if os.getenv("HTTP_PROXY"):
                    PROXY = os.environ["HTTP_PROXY"]
                FLAG = bool([])
                NAME = os.getenv("NAME", None)
                DRIVER = os.getenv("DRIVER_URL", False)
                HAVE_MODEL = bool(os.getenv("MODEL"))
            """,
        ),
    ),
)

_SWITCH = frozenset(
    "debug use enable enabled disable disabled is has allow allowed verbose testing flag skip force active "
    "strict".split()
)
_TEXT = ("os.getenv", "os.environ.get")


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, call in facts.calls("bool"):
        value = call.args[0] if len(call.args) == 1 else None
        if value is not None and value.kind == "env" and _is_text(value) and _is_switch(value) and service.ships(path):
            key = value.data[0] or "the variable"
            message = f"bool() of a text: {key}=false and {key}=0 switch it on"
            yield rule.at(path, call.at, message, subject=f"env:{key}", symbol=call.scope)
    for path, binding in facts.bindings():
        value = binding.value
        if (
            value.kind == "env"
            and value.data[2] in _TEXT
            and value.data[1]
            and value.data[1].kind == "bool"
            and _is_switch(value)
            and service.ships(path)
            and not _is_compared(facts, path, binding)
        ):
            key = value.data[0] or binding.target
            message = f"{key} is a bool when it is not set and a text when it is: {key}=false is true"
            yield rule.at(path, value.at, message, subject=f"env:{key}", symbol=binding.scope)


def _is_compared(facts: Facts, path: str, binding: Binding) -> bool:
    """Whether the variable is compared with a text right after, which makes the bool."""
    python = facts.file(path).python
    return python is not None and any(
        one.name == binding.target and one.scope == binding.scope and 0 < one.at[0] - binding.value.at[0] < 3
        for one in python.comparisons
    )


def _is_switch(value: Value) -> bool:
    """Whether the variable is meant as a switch: by its name, or because it is True when it is not set.

    Anything else with a False default is a text or nothing, which is fine.
    """
    default = value.data[1]
    words = words_of(value.data[0] or "")
    if words and words[-1] in ("bundle", "path", "file", "cert", "ca", "dir"):
        return False  # requests' verify: a file of certificates, or True for those it has
    if default is not None and default.data is True:
        return True
    return bool(words) and (not _SWITCH.isdisjoint(words) or words[-1] in ("auth", "ssl", "tls", "secure"))


def _is_text(value: Value) -> bool:
    if value.data[2] not in READERS and reader_of(value.data[2]) is not None:
        return False  # a function of the service's own, which may convert
    default = value.data[1]
    return default is None or default.kind in ("str", "none", "bool")
