"""``twelvefac audit``."""

import os
from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, say_notices, width_wanted
from twelvefac.errors import UsageError
from twelvefac.report.formats import format_names

_SHOW_SERVICES = frozenset(("json", "text"))
"""The formats that have a place for the service model."""
_FORMATS = "|".join(format_names())
command = typer.Typer(add_completion=False, rich_markup_mode=None)


@command.command("audit")
def audit(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="The directory of a service or of several.")] = ".",
    format_: Annotated[str, typer.Option("--format", help="What to print.", metavar=_FORMATS)] = "text",
    output: Annotated[
        list[str] | None,
        typer.Option(
            help="Write a report into a file too, as in sarif:a.sarif; may be repeated.", metavar="FORMAT:FILE"
        ),
    ] = None,
    show_services: Annotated[
        bool,
        typer.Option("--show-services", help="Show what is known of each service first, with its places."),
    ] = False,
    all_files: Annotated[
        bool, typer.Option("--all-files", help="Judge tests, migrations, docs and vendored code too.")
    ] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(
            help="Exit 1 for findings of this severity and above (default low).", metavar="high|medium|low|never"
        ),
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Run this rule only; may be repeated.", metavar="NAME")] = None,
    strict_suppressions: Annotated[
        bool | None, typer.Option("--strict-suppressions", help="Exit 1 for unused or expired suppressions.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Apply the safe fixes, then judge what is left.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the safe fixes as a patch instead of the report; change nothing.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read every file anew and keep nothing.")] = False,
) -> int:
    """Judge a service against the twelve factors.

    Nothing in the audited directory is run or imported, and nothing changes save by --fix. Exit codes: 0 fine,
    1 findings, 2 refused, 3 no service found, 4 internal error or incomplete run.
    """
    from twelvefac.app.audit import AuditRequest, write_report
    from twelvefac.app.audit import audit as run
    from twelvefac.report.formats import renderer
    from twelvefac.report.view import View

    if diff and (fix or format_ != "text"):
        raise UsageError(f"--diff does not go with {'--fix' if fix else f'--format {format_}'}")
    printed = renderer(format_, "--format")
    wanted = [_destination(one) for one in output or ()]
    files = [(file, renderer(name, "--output")) for name, file in wanted]
    _refuse_lost_output({format_, *(name for name, _ in wanted)}, [file for file, _ in files], show_services)
    request = AuditRequest(
        path=path,
        only=tuple(rule or ()),
        fail_on=fail_on,
        strict_suppressions=strict_suppressions,
        cache=False if no_cache else None,
        describe=show_services,
        all_files=all_files,
    )
    result = run(request)
    if fix:
        from twelvefac.app.fixes import apply_fixes, safe_fixes
        from twelvefac.report.fixes import render_fixed

        changes = safe_fixes(path, result.report)
        apply_fixes(path, changes)
        say_notices(render_fixed(changes))
        result = run(request) if changes else result
    for file, render in files:
        write_report(file, render(result.report, View(prefix=result.prefix, remedies=result.remedies)))
    if diff:
        from twelvefac.app.fixes import shown_fixes
        from twelvefac.report.fixes import render_diff, render_left_out

        changes, left_out = shown_fixes(path, result.report)
        say_notices(render_left_out(left_out))
        print_result(render_diff(changes, result.prefix))
        return result.exit_code
    print_result(printed(result.report, View(color_wanted(), width_wanted(), result.prefix, result.remedies)))
    return result.exit_code


def _refuse_lost_output(names: set[str], files: list[str], show_services: bool) -> None:
    """Raise UsageError for what would be asked for and never be seen."""
    places = [os.path.realpath(file) for file in files]
    twice = next((file for file, place in zip(files, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise UsageError(f"--output: {twice} is given twice; the second report would replace the first")
    if show_services and names.isdisjoint(_SHOW_SERVICES):
        raise UsageError(
            f"--show-services: {', '.join(sorted(names))} cannot show them; add --format or --output text or json"
        )


def _destination(output: str) -> tuple[str, str]:
    """``sarif:a.sarif`` in its parts."""
    name, colon, file = output.partition(":")
    if not colon or not file:
        raise UsageError(f"--output {output}: must be FORMAT:FILE, as in sarif:twelvefac.sarif")
    return name, file
