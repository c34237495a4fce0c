"""``twelvefac audit``."""

from typing import Annotated

import typer

from twelvefac.cli._output import color_wanted, print_result, width_wanted
from twelvefac.errors import UsageError
from twelvefac.report.formats import format_names

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
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Read every file anew and keep nothing.")] = False,
) -> int:
    """Judge a service against the twelve factors.

    Nothing in the audited directory is run, imported or changed. Exit codes: 0 fine, 1 findings, 2 refused,
    3 no service found, 4 internal error.
    """
    from twelvefac.app.audit import AuditRequest, write_report
    from twelvefac.app.audit import audit as run
    from twelvefac.report.formats import renderer
    from twelvefac.report.view import View

    printed = renderer(format_, "--format")
    files = [(file, renderer(name, "--output")) for name, file in map(_destination, output or ())]
    result = run(
        AuditRequest(
            path=path,
            only=tuple(rule or ()),
            fail_on=fail_on,
            strict_suppressions=strict_suppressions,
            cache=False if no_cache else None,
            describe=show_services,
            all_files=all_files,
        )
    )
    for file, render in files:
        write_report(file, render(result.report, View(prefix=result.prefix, remedies=result.remedies)))
    print_result(printed(result.report, View(color_wanted(), width_wanted(), result.prefix, result.remedies)))
    return result.exit_code


def _destination(output: str) -> tuple[str, str]:
    """``sarif:a.sarif`` in its parts."""
    name, colon, file = output.partition(":")
    if not colon or not file:
        raise UsageError(f"--output {output}: must be FORMAT:FILE, as in sarif:twelvefac.sarif")
    return name, file
