"""Finding the rules: a sorted walk of the rule package, which the caller hands in."""

import pkgutil
from importlib import import_module
from types import ModuleType

from twelvefac.audit.rule import Rule
from twelvefac.errors import UsageError
from twelvefac.source.visible import visible


def load_rules(package: ModuleType) -> tuple[Rule, ...]:
    """All rules below ``package``, by name; a module without a ``rule`` is an error of its author."""
    rules = [
        import_module(module.name).rule
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.ispkg
    ]
    return tuple(sorted(rules, key=lambda rule: rule.name))


def select_rules(rules: tuple[Rule, ...], only: tuple[str, ...], without: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """The rules named in ``only`` (all if empty) less those in ``without``; raises UsageError for an unknown name."""
    known = {rule.name: rule for rule in rules}
    for name in (*only, *without):
        if name not in known:
            raise UsageError(
                f"no rule is called {visible(name)}{_closest(name, known)}", hint="`twelvefac rules` lists them"
            )
    return tuple(rule for rule in rules if (not only or rule.name in only) and rule.name not in without)


def find_rule(rules: tuple[Rule, ...], name: str) -> Rule:
    """The rule called ``name``; raises UsageError."""
    return select_rules(rules, (name,))[0]


def _closest(name: str, known: dict[str, Rule]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
