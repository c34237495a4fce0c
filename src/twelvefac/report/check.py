"""``update --check`` as text, as JSON, as SARIF and as annotations of a GitHub pull request."""

import json

from twelvefac import __version__
from twelvefac.source.visible import visible
from twelvefac.update.found import CheckResult


def render_check(result: CheckResult) -> str:
    """Return one line a problem and a verdict."""
    lines = []
    for problem in result.problems:
        place = f"{visible(problem.path)}:{problem.line}" if problem.line else visible(problem.path)
        lines.append(f"{problem.kind:<9} {place}  {visible(problem.message)}")
    if not result.problems:
        overlay = f" with overlay {visible(result.overlay)}" if result.overlay else ""
        return f"{visible(result.name)} is up to date: template {result.version}{overlay}.\n"
    count = len(result.problems)
    return "\n".join([*lines, "", f"{visible(result.name)}: {count} problem{'s' if count != 1 else ''}."]) + "\n"


def render_check_json(result: CheckResult) -> str:
    """Return the result as one JSON document, version 1, with a final newline."""
    document = {
        "version": 1,
        "tool": {"name": "twelvefac", "version": __version__},
        "service": result.name,
        "template": {"version": result.version, "newest": result.newest},
        "problems": [
            {"kind": one.kind, "path": one.path, "line": one.line or None, "message": one.message}
            for one in result.problems
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def render_check_github(result: CheckResult, folder: str) -> str:
    """Return a workflow command a problem; ``folder`` is the service's as it was given, for one in no repository."""
    prefix = _prefix(result, folder)
    lines = []
    for problem in result.problems:
        level = "error" if problem.kind == "conflict" else "warning"
        line = f",line={problem.line}" if problem.line else ""
        path = _escaped(prefix + problem.path, more=True)
        lines.append(f"::{level} file={path}{line},title=twelvefac {problem.kind}::{_escaped(problem.message)}")
    return "".join(f"{line}\n" for line in lines)


def render_check_sarif(result: CheckResult, folder: str) -> str:
    """Return a SARIF 2.1.0 log with one run; ``folder`` as for GitHub."""
    from urllib.parse import quote

    prefix = _prefix(result, folder)
    kinds = {
        "behind": "a newer version of the template is out",
        "drifted": "a file of the template's was changed",
        "conflict": "a conflict of an update is not resolved",
    }
    driver = {
        "name": "twelvefac update",
        "version": __version__,
        "rules": [{"id": kind, "shortDescription": {"text": text}} for kind, text in kinds.items()],
    }
    results = [
        {
            "ruleId": one.kind,
            "level": "error" if one.kind == "conflict" else "warning",
            "message": {"text": one.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(prefix + one.path)},
                        "region": {"startLine": one.line or 1},
                    }
                }
            ],
        }
        for one in result.problems
    ]
    document = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _prefix(result: CheckResult, folder: str) -> str:
    """Return what leads to the service's files from the repository's top, where annotations and scanning look."""
    if result.prefix is not None:
        return result.prefix
    return "" if folder in {".", ""} else folder.rstrip("/").removeprefix("./") + "/"


def _escaped(text: str, *, more: bool = False) -> str:
    """Return ``text`` for a workflow command; ``more`` for one of its properties."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if more else text
