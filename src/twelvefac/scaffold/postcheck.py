"""Is what was rendered fit to be handed over? Asked before the target exists; a failure is our own defect."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from twelvefac.scaffold.component import ExpectedFinding
from twelvefac.scaffold.plan import SUFFIX, Plan

# The audit of a directory, handed down by app: (rule, posix path) of every finding.
Audit = Callable[[Path], Iterable[tuple[str, str]]]

_STATEMENT = re.compile(r"\{%[-+]?\s*(?:if|elif|else|endif|for|endfor|set|raw|endraw|include|macro|import)\b")
# "${{ … }}" belongs to the pipeline; a doubled brace around anything else to a format string
_EXPRESSION = r"(?<!\$)\{\{-?\s*(?:%s)\b"


class PostcheckError(Exception):
    """The template gave files that nobody should receive: a defect of twelvefac."""


def check_tree(tree: Path, plan: Plan, audit: Audit | None = None) -> None:
    """Check every file of the rendered ``tree`` against its format, the plan and, if given, our own audit.

    Raises PostcheckError listing everything that is wrong.
    """
    wrong = [*_against_plan(tree, plan), *_contents(tree, plan)]
    if audit is not None:
        wrong.extend(_audited(tree, plan, audit))
    if wrong:
        raise PostcheckError("the generated files are not fit for use: " + "; ".join(wrong))


def _against_plan(tree: Path, plan: Plan) -> Iterator[str]:
    planned = {file.path for file in plan.files}
    actual = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()}
    yield from (f"{path} is missing" for path in sorted(planned - actual))
    yield from (f"{path} was not planned" for path in sorted(actual - planned))


def _contents(tree: Path, plan: Plan) -> Iterator[str]:
    variables = [
        "name",
        "package",
        "description",
        "template_version",
        "components",
        "component",
        r"_copier\w*",
    ]
    tag = re.compile(_EXPRESSION % "|".join([*variables, *(part.name for part in plan.components)]))
    for file in plan.files:
        path = tree / file.path
        if not path.is_file():
            continue
        if path.suffix == SUFFIX or "{{" in file.path:
            yield f"{file.path} has a template's name"
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # an image: nothing to parse
        if "{" in text and (_STATEMENT.search(text) or tag.search(text)):
            yield f"{file.path} holds a template tag"
        problem = _parse(path, text)
        if problem:
            yield f"{file.path} does not parse: {problem}"


def _parse(path: Path, text: str) -> str:
    """Return why ``text`` is not what the file's suffix says, an empty text when it is."""
    import yaml

    try:
        if path.suffix == ".py":
            compile(text, path.name, "exec", dont_inherit=True)
        elif path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix in {".yaml", ".yml"}:
            for _ in yaml.load_all(text, yaml.CSafeLoader):
                pass
        elif path.suffix == ".json":
            json.loads(text)
    except (SyntaxError, ValueError, yaml.YAMLError) as error:
        return " ".join(str(error).split())
    return ""


def _audited(tree: Path, plan: Plan, audit: Audit) -> Iterator[str]:
    expected = [finding for component in plan.components for finding in component.expected_findings]
    found = list(audit(tree))
    for rule, path in found:
        if not any(_is(finding, rule, path) for finding in expected):
            yield f"our own audit finds {rule} in {path}"
    for finding in expected:
        if not any(_is(finding, rule, path) for rule, path in found):
            yield f"our own audit no longer finds {finding.rule} in {finding.path}, which is expected"


def _is(finding: ExpectedFinding, rule: str, path: str) -> bool:
    return finding.rule == rule and fnmatchcase(path, finding.path)
