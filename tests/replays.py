"""The SHA-256 of every file that a released template version gives for fixed answers, kept for ever.

Run as a program (`make release-template` does) it writes the file of each version that has none yet; a file
that is there is never written again: a released version gives the same bytes for ever, or something broke.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import Catalogue, data_root, load_catalogue
from twelvefac.scaffold.history import extract, released
from twelvefac.scaffold.render import render

RECORDS = Path(__file__).parent / "replay"

Record = dict[str, dict[str, dict[str, str]]]


def cases(catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Return the answers to replay by name: every combination, and a name as long as can be."""
    found = {}
    for chosen in catalogue.combinations():
        found["-".join(chosen.values())] = {"name": "my-orders", "description": 'Takes "orders"', **chosen}
    longest, _ = make_answers(catalogue, {"name": "a" + "-b" * 19})
    return {**found, "longest": longest.as_data()}


def replay(root: Path, version: str, answers: dict[str, dict[str, str]]) -> Record:
    """Render a released version with each of ``answers`` and return what came out."""
    record: Record = {}
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template")
        template.mkdir()
        extract(root, version, template)
        for name, data in answers.items():
            tree = Path(folder, name)
            tree.mkdir()
            render(template, data, tree)
            files = {
                path.relative_to(tree).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(tree.rglob("*"))
                if path.is_file()
            }
            record[name] = {"answers": data, "files": files}
    return record


def cases_of(root: Path, version: str) -> dict[str, dict[str, str]]:
    """Return the cases that a version's own catalogue has."""
    with tempfile.TemporaryDirectory() as folder:
        extract(root, version, Path(folder))
        return cases(load_catalogue(Path(folder)))


def write_missing(root: Path, records: Path) -> list[str]:
    """Write the record of each released version that has none and return those versions."""
    written = []
    for version in released(root):
        path = records / f"{version}.json"
        if not path.exists():
            record = replay(root, version, cases_of(root, version))
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
            written.append(version)
    return written


if __name__ == "__main__":
    for added in write_missing(data_root(), RECORDS):
        sys.stdout.write(f"recorded what template {added} gives: tests/replay/{added}.json\n")
