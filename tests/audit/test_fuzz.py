"""All rules, the service model and every format on trees that somebody broke: never an exception, never a failed rule.

The trees are the rules' own examples, a few of them in one folder, with parts of their files cut, doubled and put in.
"""

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twelvefac import rules
from twelvefac.audit.engine import AuditOptions, audit
from twelvefac.audit.example import read_tree
from twelvefac.audit.registry import load_rules
from twelvefac.report.formats import format_names, renderer
from twelvefac.report.view import View

CATALOGUE = load_rules(rules)
TREES = [read_tree(one.source).files for rule in CATALOGUE for one in rule.examples]
OPTIONS = AuditOptions(today=date(2026, 1, 1), version="1", describe=True)
PIECES = [
    "\0", "\r\n", "\t", "\\", "'", '"', "\ufeff", "é", "\udcff", "$", "${", "}", "{{", "[", "]", "(", ")", "<<E", "#",
    "%", "&", "*a", "&a ", "<<: ", "- ", ": ", ":", "`", "=", "-", ".", "/", "../", "0", "99999999999999999999", "null",
    "~", "[]", "{}", "\n", "\n\n", " ", "exec ", "python ", "sh -c ", "||", "&&", ";", "$@", "--from=", "@",
    "None", "True",
]  # fmt: skip


@st.composite
def broken_trees(draw: st.DrawFn) -> dict[str, str]:
    tree: dict[str, str] = {}
    for one in draw(st.lists(st.sampled_from(TREES), min_size=1, max_size=3)):
        tree |= one
    for path in draw(st.lists(st.sampled_from(sorted(tree)), max_size=4)):
        text = tree[path]
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 20)))
        match draw(st.sampled_from(["cut", "double", "put", "replace"])):
            case "cut":
                tree[path] = text[:start] + text[end:]
            case "double":
                tree[path] = text[:end] + text[start:end] * draw(st.integers(1, 20)) + text[end:]
            case "put":
                tree[path] = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
            case _:
                tree[path] = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return tree


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(tree=broken_trees())
def test_every_rule_and_every_format_on_broken_trees(tree: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        for path, text in tree.items():
            target = Path(folder, "service", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_dir():
                target.write_bytes(text.encode("utf-8", "surrogateescape"))
        report = audit(str(Path(folder, "service")), CATALOGUE, OPTIONS)

    assert [(run.rule.name, run.reason) for run in report.errored] == []
    assert [notice[1:] for notice in report.errored_files] == []
    for name in format_names():
        text = renderer(name, "")(report, View())
        encoded = text.encode("utf-8")
        if name not in ("text", "github"):
            json.dumps(json.loads(encoded), ensure_ascii=False).encode("utf-8")
