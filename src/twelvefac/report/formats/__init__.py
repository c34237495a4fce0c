"""The formats of an audit: one module each, found by its name and registered nowhere.

A format is a module of this package with ``render(report: AuditReport, view: View) -> str``: pure, no clock, no
environment, one final newline. Only the one that is asked for is imported.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from twelvefac.audit.result import AuditReport
from twelvefac.errors import UsageError
from twelvefac.report.view import View

Render = Callable[[AuditReport, View], str]


def format_names() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def renderer(name: str, option: str) -> Render:
    """The format called ``name``; raises UsageError that names the command line's ``option``."""
    names = format_names()
    if name not in names:
        raise UsageError(f"{option} {name}: must be one of {', '.join(names)}")
    render: Render = import_module(f"{__name__}.{name}").render
    return render
