"""``update --check``, and the shortest way to it: what typer costs is a third of what it takes."""

from collections.abc import Sequence

from twelvefac.cli._output import print_result, say_notices

FORMATS = ("text", "json", "sarif", "github")


def plain_check(argv: Sequence[str]) -> tuple[str, str, bool] | None:
    """Return path, format and whether drift is allowed where ``argv`` asks for a check and is plainly right.

    All else, and each mistake, is typer's.
    """
    if not argv or argv[0] != "update" or "--check" not in argv:
        return None
    paths, format_, allow_drift = [], "text", False
    words = iter(argv[1:])
    for word in words:
        if word == "--allow-drift":
            allow_drift = True
        elif word == "--format":
            format_ = next(words, "")
        elif word.startswith("--format="):
            format_ = word.removeprefix("--format=")
        elif word and not word.startswith("-"):
            paths.append(word)
        elif word != "--check":
            return None
    return (paths[0] if paths else ".", format_, allow_drift) if len(paths) < 2 and format_ in FORMATS else None


def check(path: str, format_: str, allow_drift: bool) -> int:
    """Print what is wrong with the service in ``path`` and return the exit code."""
    from twelvefac.app import check as app
    from twelvefac.report.check import render_check, render_check_github, render_check_json, render_check_sarif

    result = app.check(path, drift=not allow_drift)
    say_notices(result.notices)
    match format_:
        case "json":
            print_result(render_check_json(result))
        case "sarif":
            print_result(render_check_sarif(result, path))
        case "github":
            print_result(render_check_github(result, path))
        case _:
            print_result(render_check(result))
    return result.exit_code
