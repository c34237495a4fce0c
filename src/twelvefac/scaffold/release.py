"""What a developer of the template runs: ``python -m twelvefac.scaffold.release``.

``copier-yml`` writes copier.yml from the catalogue, with ``--check`` it only compares (exit 1: out of date);
``release`` adds the template to its history bundle; a version
needs notes. No part of the user's command line.
"""

import sys
from pathlib import Path

from twelvefac.errors import RefusedError, TwelvefacError
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.component import CatalogueError
from twelvefac.scaffold.copier_yml import copier_yml
from twelvefac.scaffold.history import BUNDLE, release
from twelvefac.scaffold.notes import NOTES, read_notes
from twelvefac.scaffold.version import VERSION_FILE
from twelvefac.source.write import write_atomically

_USAGE = "usage: python -m twelvefac.scaffold.release copier-yml [--check] | release\n"


def main(arguments: list[str], root: Path) -> int:
    """Run one command on the template at ``root`` and return its exit code: 0, 1 out of date, 2 refused."""
    try:
        if arguments == ["copier-yml"]:
            write_atomically(str(root / "copier.yml"), copier_yml(load_catalogue(root)).encode())
            return 0
        if arguments == ["copier-yml", "--check"]:
            return _check(root)
        if arguments == ["release"]:
            return _release(root)
    except (TwelvefacError, CatalogueError) as error:
        hint = error.hint if isinstance(error, TwelvefacError) and error.hint else ""
        sys.stderr.write(f"error: {error}\n" + (f"  {hint}\n" if hint else ""))
        return 2
    sys.stderr.write(_USAGE)
    return 2


def _check(root: Path) -> int:
    path = root / "copier.yml"
    current = path.read_text("utf-8") if path.is_file() else ""
    if current == copier_yml(load_catalogue(root)):
        return 0
    sys.stderr.write("copier.yml is out of date: run `python -m twelvefac.scaffold.release copier-yml`\n")
    return 1


def _release(root: Path) -> int:
    if _check(root) != 0:
        return 2
    version = (root / VERSION_FILE).read_text("utf-8").strip()
    notes = read_notes(root, version)
    if notes is None:
        raise RefusedError(
            f"template {version} has no notes: an update could not say what it brings",
            hint=f"write {NOTES}/{version}.yml (CONTRIBUTING.md says how)",
        )
    commit = release(root)
    sys.stdout.write(f"template {load_catalogue(root).version} is {commit} in {BUNDLE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], data_root()))
