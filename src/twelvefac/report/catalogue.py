"""Rules as text and JSON: ``rules`` and ``explain``."""

import json
import textwrap

from twelvefac.audit.example import read_tree
from twelvefac.audit.rule import Example, Rule
from twelvefac.report.paint import Paint


def render_rules(rules: tuple[Rule, ...], *, color: bool) -> str:
    """The catalogue as a table, by factor."""
    paint = Paint(color)
    width = max(len(rule.name) for rule in rules)
    lines: list[str] = []
    for index, rule in enumerate(rules):
        if index == 0 or rules[index - 1].factor != rule.factor:
            lines += ["", paint(f"{rule.factor.roman} {rule.factor.title}", "bold")]
        lines.append(f"  {rule.name:<{width}}  {rule.severity!s:<6}  {rule.summary}")
    return "\n".join([*lines[1:], "", "Why, examples and fixes: twelvefac explain RULE"]) + "\n"


def render_rules_json(rules: tuple[Rule, ...]) -> str:
    """The catalogue for machines."""
    entries = [
        {
            "name": rule.name,
            "factor": int(rule.factor),
            "summary": rule.summary,
            "severity": str(rule.severity),
            "confidence": str(rule.confidence),
            "since": rule.since,
            "fix": rule.fix.value if rule.fix else None,
        }
        for rule in rules
    ]
    return json.dumps({"version": 1, "rules": entries}, indent=2) + "\n"


def render_explanation(rule: Rule, *, color: bool) -> str:
    """One rule in full: why, what it leaves alone, how to fix, one bad and one good example."""
    paint = Paint(color)
    fix = f", {rule.fix.value} fix" if rule.fix else ""
    marks = f"severity {rule.severity!s}, confidence {rule.confidence!s}{fix}"
    lines = [f"{paint(rule.name, 'bold')}  {rule.factor.roman} {rule.factor.title}  {marks}", ""]
    lines += [paint(line[3:], "bold") if line.startswith("## ") else line for line in rule.description.split("\n")]
    bad = next(one for one in rule.examples if read_tree(one.source).expected)
    good = next(one for one in rule.examples if not read_tree(one.source).expected)
    lines += ["", paint("Found", "bold"), "", *_example(bad), "", paint("Not found", "bold"), "", *_example(good)]
    ignore = f"# twelvefac: ignore[{rule.name}] why it is right here"
    lines += ["", paint("To accept a finding", "bold"), "", f"    {ignore}"]
    return "\n".join(lines) + "\n"


def _example(example: Example) -> list[str]:
    return textwrap.indent(textwrap.dedent(example.source).strip("\n"), "    ").split("\n")
