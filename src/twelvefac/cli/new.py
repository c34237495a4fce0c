"""``twelvefac new <noun>``: flags and prompts become a request; what was made goes to stdout."""

import os
import sys
from dataclasses import replace
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from twelvefac.app.new import KINDS, SEVERAL, Asking, NewRequest, NewResult, Question, choices, new_service, own_audit
from twelvefac.cli._output import color_wanted, print_result, say_notices
from twelvefac.errors import TwelvefacError
from twelvefac.scaffold.staging import shown

command = typer.Typer(
    help="Make a new repository.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@command.callback()
def _nouns() -> None:
    """Make a new repository."""


class _Service(TyperCommand):
    """The command whose help names the choices that the catalogue has."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for param in self.params:
            if param.name in KINDS:
                default, *others = choices(param.name)
                more = "; may be given several times" if param.name in SEVERAL else ""
                # each of them is an option, which has a help text
                param.help = ", ".join([f"{default} (default)", *others]) + more  # type: ignore[attr-defined]
        super().format_options(ctx, formatter)


@command.command("service", cls=_Service)
def _service(  # more than 8 parameters: one for each flag is typer's way
    dest: Annotated[
        str | None, typer.Argument(metavar="[DEST]", help="The new folder; its last part is the name.")
    ] = None,
    *,
    name: Annotated[
        str | None, typer.Option(help="The service's name, where it is not the folder's.", show_default=False)
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it does, in one line.")] = None,
    framework: Annotated[str | None, typer.Option()] = None,
    database: Annotated[str | None, typer.Option()] = None,
    ci: Annotated[str | None, typer.Option()] = None,
    deploy: Annotated[list[str] | None, typer.Option()] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    answers: Annotated[
        str | None, typer.Option(metavar="FILE", help="Take answers from a YAML or JSON file; flags win.")
    ] = None,
    template_version: Annotated[
        str, typer.Option(metavar="VERSION", help="An older version of the template.", show_default=False)
    ] = "",
    overlay: Annotated[
        str,
        typer.Option(
            metavar="DIR|URL[@VERSION]", help="Your organisation's own template, for more files.", show_default=False
        ),
    ] = "",
    trust_overlay: Annotated[
        bool, typer.Option("--trust-overlay", help="Take the overlay's files and Jinja (it runs no tasks).")
    ] = False,
    overlay_answer: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An answer to a question of the overlay's own.")
    ] = None,
    versions: Annotated[bool, typer.Option("--versions", help="List the template's versions.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files and write nothing.")] = False,
    git: Annotated[
        bool | None,
        typer.Option(
            "--git/--no-git",
            help="Make a git repository with one commit (default: yes, save inside of another repository).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a new service: a complete repository that runs, tested and ready to deploy."""
    flags = {
        "name": name,
        "description": description,
        "framework": framework,
        "database": database,
        "ci": ci,
        "deploy": ",".join(deploy) if deploy else None,
    }
    if versions:
        _list_versions()
        return
    given = {key: value for key, value in flags.items() if value is not None}
    request = NewRequest(
        dest,
        given,
        answers,
        dry_run,
        git,
        template_version,
        overlay=overlay,
        trust_overlay=trust_overlay,
        overlay_answers=overlay_answer or (),
    )
    if not defaults and _has_terminal():
        request = replace(request, given=given | _ask(Asking(request)))
    result = new_service(request, audit=own_audit)
    say_notices(result.notices)
    if result.made:
        print_result(_text(result) + "\n", done=f"{shown(result.target)} was made")
    else:
        print_result(_tree(result) + "\n")


def _list_versions() -> None:
    from twelvefac.app.versions import list_versions
    from twelvefac.report.versions import render_versions

    print_result(render_versions(list_versions()))


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def _ask(asking: Asking) -> dict[str, str]:
    answers: dict[str, str] = {}
    for question in asking.questions():
        answers[question.key] = _prompt(asking, question)
    return answers


def _prompt(asking: Asking, question: Question) -> str:
    several = "; several with commas" if question.several else ""
    text = question.text + (f" ({', '.join(question.choices)}{several})" if question.choices else "")
    while True:
        answer = _read_line(f"{text} [{question.default}]: " if question.default else f"{text}: ") or question.default
        try:
            asking.check(question.key, answer)
        except TwelvefacError as error:
            typer.echo(f"  {error.message}", err=True)
        else:
            return answer


def _read_line(prompt: str) -> str:
    """Ask on stderr, where typer's own prompt would put one space on stdout, which is the result's."""
    typer.echo(prompt, err=True, nl=False)
    line = sys.stdin.readline()
    if not line:
        typer.echo(err=True)
        raise typer.Abort
    return line.strip()


def _text(result: NewResult) -> str:
    plan = result.plan
    parts = ", ".join(component.name for component in plan.components)
    parts += f", overlay {plan.overlay.version}" if plan.overlay is not None else ""
    commit = ", one git commit" if result.committed else ""
    head = _bold(f"Made {plan.answers.name}")
    lines = [f"{head}: {len(plan.files)} files of template {plan.version} ({parts}){commit}.", "", "Next:"]
    return "\n".join([*lines, *(f"  {step}" for step in result.next_steps)])


def _tree(result: NewResult) -> str:
    """Return the planned files as a tree, with whose each one is."""
    plan = result.plan
    width = max(len(file.path.rsplit("/", 1)[-1]) + 2 * file.path.count("/") for file in plan.files) + 4
    lines = [f"Would make {plan.answers.name}: {len(plan.files)} files of template {plan.version}", ""]
    lines.append(f"{plan.answers.name}/")
    open_folders: tuple[str, ...] = ()
    for file in sorted(plan.files, key=lambda file: _folders_last(file.path)):
        *folders, leaf = file.path.split("/")
        for depth, folder in enumerate(folders):
            if open_folders[: depth + 1] != tuple(folders[: depth + 1]):
                lines.append(f"{'  ' * (depth + 1)}{folder}/")
        open_folders = tuple(folders)
        label = f"{'  ' * (len(folders) + 1)}{leaf}"
        lines.append(f"{label:<{width}}{file.ownership.value}")
    return "\n".join([*lines, "", *_OWNERSHIP])


_OWNERSHIP = ("managed: the template changes it   shared: you both do   seeded: yours from day one",)


def _folders_last(path: str) -> tuple[tuple[int, str], ...]:
    *folders, leaf = path.split("/")
    return (*((1, folder) for folder in folders), (0, leaf))


def _bold(text: str) -> str:
    return typer.style(text, bold=True) if color_wanted() else text
