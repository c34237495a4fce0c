"""Scores the audit on checkouts of real services against labels made by hand: python tests/corpus/score.py FOLDER.

A checkout counts if its HEAD is the labelled commit, wherever it lies directly below FOLDER. ``--readme`` writes the
table into README.md beside this file, ``--new`` lists the findings that nobody has labelled yet.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
VERDICTS = ("right", "wrong", "missed")
_BEGIN, _END = "<!-- table -->\n", "<!-- end of table -->\n"
_NEAR = 3


class Label(NamedTuple):
    """A judgement on one place: ``missed`` is a violation that the audit did not report when it was labelled."""

    rule: str
    path: str
    line: int
    subject: str
    verdict: str
    note: str


class Labels(NamedTuple):
    """The labels of one repository at one commit; ``read`` is ``all`` or ``sample``."""

    repository: str
    commit: str
    read: str
    labels: tuple[Label, ...]


class Score(NamedTuple):
    """Counts by rule of what happened: right, wrong, missed, new (reported, not labelled), found (missed before)."""

    by_rule: dict[str, Counter[str]]
    wrong_high: int
    new: list[str]


def read_labels(path: Path) -> Labels:
    """The labels in a file; raises ValueError where it is not formed as README.md says."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if set(data) != {"repository", "commit", "read", "labels"} or data["read"] not in ("all", "sample"):
        raise ValueError(f"{path.name}: wrong keys")
    if len(data["commit"]) != 40 or path.stem != data["repository"].replace("/", "__"):
        raise ValueError(f"{path.name}: commit or name")
    labels = tuple(Label(**one) for one in data["labels"])
    for one in labels:
        if one.verdict not in VERDICTS or one.line < 1 or one.path.startswith(("/", "..")):
            raise ValueError(f"{path.name}: {one}")
    return Labels(data["repository"], data["commit"], data["read"], labels)


def score(labels: Labels, findings: Iterable[dict[str, Any]]) -> Score:
    """Match each finding with a label of its rule and path: the one with its subject, or one within three lines."""
    left = list(labels.labels)
    by_rule: dict[str, Counter[str]] = defaultdict(Counter)
    wrong_high, new = 0, []
    for finding in findings:
        label = _match(finding, left)
        if label is None:
            by_rule[finding["rule"]]["new"] += 1
            new.append(f"{labels.repository} {finding['path']}:{finding['line']} {finding['rule']}")
            continue
        left.remove(label)
        by_rule[label.rule]["right" if label.verdict == "missed" else label.verdict] += 1
        wrong_high += label.verdict == "wrong" and finding["severity"] == "high"
    for label in left:
        if label.verdict != "wrong":  # right once and no longer reported is missed as well
            by_rule[label.rule]["missed"] += 1
    return Score(by_rule, wrong_high, new)


def _match(finding: dict[str, Any], labels: list[Label]) -> Label | None:
    same = [one for one in labels if (one.rule, one.path) == (finding["rule"], finding["path"])]
    by_subject = [one for one in same if one.subject == finding["subject"]]
    near = [one for one in same if abs(one.line - finding["line"]) <= _NEAR and not one.subject]
    found = by_subject or near
    return min(found, key=lambda one: abs(one.line - finding["line"]), default=None)


def checkouts(folder: Path) -> dict[str, Path]:
    """The git checkouts directly below a folder, by their commit."""
    found = {}
    for path in sorted(folder.iterdir()):
        head = subprocess.run(
            ["git", "-C", str(path), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        )
        if (path / ".git").exists() and head.returncode == 0:
            found[head.stdout.strip()] = path
    return found


def audit(checkout: Path) -> list[dict[str, Any]]:
    """What the audit of this repository's own environment reports on a checkout."""
    command = [sys.executable, "-m", "twelvefac", "audit", str(checkout), "--format", "json", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return list(json.loads(done.stdout)["findings"]) if done.stdout else []


def table(scores: Iterable[Score]) -> str:
    """The totals by rule as a Markdown table."""
    total: dict[str, Counter[str]] = defaultdict(Counter)
    for one in scores:
        for rule, counts in one.by_rule.items():
            total[rule].update(counts)
    lines = ["| rule | right | wrong | missed | new | precision |", "|---|---:|---:|---:|---:|---:|"]
    lines += [_row(f"`{rule}`", counts) for rule, counts in sorted(total.items())]
    lines.append(_row("**all**", sum(total.values(), Counter())))
    return "\n".join(lines) + "\n"


def _row(name: str, counts: Counter[str]) -> str:
    judged = counts["right"] + counts["wrong"]
    precision = f"{100 * counts['right'] / judged:.0f} %" if judged else "-"
    cells = " | ".join(str(counts[key]) for key in ("right", "wrong", "missed", "new"))
    return f"| {name} | {cells} | {precision} |"


def main() -> int:
    """Print the table; the exit code is 0 whatever it says."""
    parser = argparse.ArgumentParser(description="score the audit on labelled checkouts")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    parser.add_argument("--new", action="store_true", help="list the findings without a label")
    given = parser.parse_args()
    found = checkouts(given.folder)
    files = [read_labels(path) for path in sorted(HERE.glob("*.json"))]
    present = [one for one in files if one.commit in found]
    scores = [score(one, audit(found[one.commit])) for one in present]
    for one in files:
        if one.commit not in found:
            sys.stderr.write(f"not there: {one.repository} at {one.commit}\n")
    text = table(scores)
    summary = (
        f"{len(present)} of {len(files)} repositories; wrong of high severity: {sum(s.wrong_high for s in scores)}\n"
    )
    sys.stdout.write(f"{text}\n{summary}")
    if given.new:
        sys.stdout.writelines(f"{line}\n" for one in scores for line in one.new)
    if given.readme:
        readme = HERE / "README.md"
        before, _, rest = readme.read_text(encoding="utf-8").partition(_BEGIN)
        after = rest.partition(_END)[2]
        readme.write_text(f"{before}{_BEGIN}\n{text}\n{summary}\n{_END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
