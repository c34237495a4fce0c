"""`make docs`: writes the pages that say what the code already says; ``--check`` only compares.

One function a kind of page, each returning path -> text. A page that nothing generates any more is removed.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from typer.main import get_command

import twelvefac.rules
from twelvefac.audit.registry import load_rules
from twelvefac.audit.rule import Rule
from twelvefac.cli import COMMANDS
from twelvefac.cli._group import app
from twelvefac.factors import Factor
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.component import Component
from twelvefac.scaffold.copier_yml import copier_yml

ROOT = Path(__file__).resolve().parent.parent
OWNED = ("docs/rules", "docs/components")  # folders in which every page is generated
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".sh": "sh"}
NOTE = "<!-- Written by `make docs` from {source}; edit that, not this page. -->\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head)]
    lines += [["---"] * len(lines[0])]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def listed(items: Iterable[str]) -> str:
    return ", ".join(f"`{item}`" for item in items) or "none"


# The commands


def cli_pages() -> dict[str, str]:
    text = NOTE.format(source="the commands' own help") + "\n# The commands\n"
    for words in [[], *command_lines()]:
        title = " ".join(["twelvefac", *words])
        text += f"\n## {title}\n\n```text\n{help_text(words)}```\n"
    return {"docs/cli.md": text}


def command_lines() -> list[list[str]]:
    """Every command that can be asked for help: groups and what is in them."""
    group = get_command(app)
    found = []
    for name in COMMANDS:
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


def help_text(words: list[str]) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("FORCE_COLOR", None)
    result = subprocess.run(
        [sys.executable, "-m", "twelvefac", *words, "--help"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return "".join(line.rstrip() + "\n" for line in result.stdout.strip().splitlines())


# The rules


def rule_pages(rules: Sequence[Rule]) -> dict[str, str]:
    pages = {f"docs/rules/{rule.name}.md": rule_page(rule) for rule in rules}
    text = NOTE.format(source="the rules") + "\n# The rules, by factor\n"
    for factor in Factor:
        of_factor = [rule for rule in rules if rule.factor == factor]
        text += f"\n## {factor.roman}. {factor.title.capitalize()}\n\n"
        if of_factor:
            rows = ((f"[{one.name}]({one.name}.md)", str(one.severity), one.summary) for one in of_factor)
            text += table(("rule", "severity", "what it finds"), rows)
        else:
            text += "No rule yet.\n"
    return {**pages, "docs/rules/README.md": text}


def rule_page(rule: Rule) -> str:
    source = f"`src/{rule.module.replace('.', '/')}.py`"
    title, _, body = rule.description.partition("\n")
    text = NOTE.format(source=source) + f"\n# {rule.name}\n\n{title}\n\n"
    text += table(
        ("factor", "severity", "confidence", "since", "fix"),
        [
            (
                f"{rule.factor.roman}, {rule.factor.title}",
                str(rule.severity),
                str(rule.confidence),
                rule.since,
                rule.fix.value if rule.fix else "by hand",
            )
        ],
    )
    text += f"\n{body.strip()}\n\n## Examples\n"
    for example in rule.examples:
        verdict = "found" if f"<- {rule.name}" in example.source else "not found"
        text += f"\n### {example.title}: {verdict}\n{example_blocks(example.source)}"
        if example.fixed is not None:
            text += f"\nFixed:\n{example_blocks(example.fixed)}"
    return text


def example_blocks(source: str) -> str:
    """One block of code per file of an example, each under the file's name."""
    parts = re.split(r"^-- (.+?) --\n", textwrap.dedent(source).lstrip("\n"), flags=re.MULTILINE)
    text = ""
    for path, code in zip(parts[1::2], parts[2::2], strict=True):
        name = path.split(" ")[0].rpartition("/")[2]
        language = "dockerfile" if name.startswith("Dockerfile") else LANGUAGES.get(Path(name).suffix, "text")
        shown = code.strip("\n")
        text += f"\n`{path}`\n\n```{language}\n{shown}\n```\n" if shown else f"\n`{path}` (empty)\n"
    return text


# The components


def component_pages(catalogue: Catalogue) -> dict[str, str]:
    components = catalogue.components
    pages = {f"docs/components/{component.name}.md": component_page(component) for component in components}
    index = NOTE.format(source="the components' `_component.yml`") + "\n# The components of a service\n\n"
    index += table(
        ("component", "kind", "what it brings"),
        ((f"[{one.name}]({one.name}.md)", one.kind, one.summary) for one in components),
    )
    return {**pages, "docs/components/README.md": index}


def component_page(component: Component) -> str:
    source = f"`templates/service/{component.directory}/_component.yml`"
    text = NOTE.format(source=source) + f"\n# {component.name}\n\n{component.summary}\n"
    if component.docs.strip():
        text += f"\n{component.docs.strip()}\n"
    facts = [
        ("kind", component.kind),
        ("requires", listed(component.requires)),
        ("conflicts with", listed(component.conflicts)),
        ("dependencies", listed(component.dependencies)),
        ("development dependencies", listed(component.dev_dependencies)),
        ("cures", listed(component.remedies)),
        ("yours after day one", listed(component.seeded)),
        ("changed by you and the template", listed(component.shared)),
    ]
    text += "\n" + table(("", ""), facts)
    if component.env:
        text += "\n## Environment\n\n" + table(
            ("variable", "example", "secret", "what it is for"),
            (
                (
                    f"`{one.name}`",
                    f"`{one.example}`" if one.example else "",
                    "yes" if one.secret else "no",
                    one.description,
                )
                for one in component.env
            ),
        )
    if component.expected_findings:
        text += "\n## Findings of our own audit that it accepts\n\n" + table(
            ("rule", "path", "reason"),
            ((one.rule, one.path, one.reason) for one in component.expected_findings),
        )
    return text


# All pages


def all_pages() -> dict[str, str]:
    catalogue = load_catalogue(data_root())
    return {
        **cli_pages(),
        **rule_pages(load_rules(twelvefac.rules)),
        **component_pages(catalogue),
        "copier.yml": copier_yml(catalogue),
    }


def stale(pages: dict[str, str]) -> list[str]:
    """Generated pages on disk that nothing generates."""
    on_disk = [path.relative_to(ROOT).as_posix() for folder in OWNED for path in (ROOT / folder).rglob("*.md")]
    return sorted(set(on_disk) - set(pages))


def check(pages: dict[str, str]) -> int:
    wrong = 0
    for path, text in pages.items():
        target = ROOT / path
        now = target.read_text(encoding="utf-8") if target.exists() else ""
        if now != text:
            wrong += 1
            lines = difflib.unified_diff(
                now.splitlines(), text.splitlines(), path, f"{path} (generated)", "", "", 1, ""
            )
            sys.stderr.write("\n".join(list(lines)[:20]) + "\n")
    for path in stale(pages):
        wrong += 1
        sys.stderr.write(f"{path}: nothing generates this page any more\n")
    if wrong:
        sys.stderr.write(f"{wrong} generated pages are not current: run `make docs`\n")
    return int(bool(wrong))


def write(pages: dict[str, str]) -> int:
    for path in stale(pages):
        (ROOT / path).unlink()
    for path, text in pages.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(pages)} generated pages are current\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated pages.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a page is not current")
    return check(all_pages()) if parser.parse_args().check else write(all_pages())


if __name__ == "__main__":
    sys.exit(main())
