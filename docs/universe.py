"""`make universe`: resolves all that any component needs, together, and says what changed.

The one file written is the universe of the template: each package with its hashes, and which components need
it under which marker. A repository's lock files are read off it when the repository is rendered; see
docs/decisions/0004-locks-without-a-network.md. Needs a package index. Pins stay as they are as long as they
fit (`make universe`), or all move to the newest that fit together (`make universe ARGS=--upgrade`).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twelvefac.scaffold.catalogue import SUBDIRECTORY, UNIVERSE, data_root, load_catalogue
from twelvefac.source.write import write_atomically

OLDEST = "3.11"  # the universe holds for every later Python and each platform: markers tell them apart
LINE = re.compile(r"^(?P<pin>[A-Za-z0-9][\w.-]*==[^\s;\\]+)(?: ; (?P<marker>[^\\]+?))?(?: \\)?$")
HASH = re.compile(r"--hash=(\S+)")

Package = dict[str, Any]


def compile_lock(requirements: Iterable[str], folder: Path, *options: str) -> str:
    """The lock that uv makes of requirements, under the options given."""
    source = folder / "requirements.in"
    source.write_text("".join(f"{line}\n" for line in requirements), "utf-8")
    command = [sys.executable, "-m", "uv", "pip", "compile", str(source)]
    command += ["--universal", "--python-version", OLDEST, "--no-annotate", "--no-header", "--no-emit-index-url"]
    done = subprocess.run([*command, "--quiet", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)
    return done.stdout


def read_lock(text: str) -> dict[str, tuple[str, list[str]]]:
    """Marker and hashes of each pin of a lock."""
    found: dict[str, tuple[str, list[str]]] = {}
    hashes: list[str] = []
    for line in text.splitlines():
        if match := LINE.match(line.strip()) if not line.startswith(" ") else None:
            hashes = []
            found[match["pin"]] = (match["marker"] or "", hashes)
        hashes += HASH.findall(line)
    return found


def resolve(before: list[Package], *, upgrade: bool) -> list[Package]:
    """The universe of today's catalogue; pins of the one before are kept where they fit."""
    components = load_catalogue(data_root()).components
    groups = {"run": "dependencies", "dev": "dev_dependencies"}
    needs = {
        (group, component.name): getattr(component, attribute)
        for group, attribute in groups.items()
        for component in components
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        together = folder / "universe.lock"
        if not upgrade:
            together.write_text("".join(f"{package['pin']}\n" for package in before), "utf-8")
        everything = sorted({line for lines in needs.values() for line in lines})
        text = compile_lock(everything, folder, "--generate-hashes", "--output-file", str(together))
        pins = read_lock(text or together.read_text("utf-8"))
        constraints = folder / "constraints.txt"
        marked = (f"{pin} ; {marker}\n" if marker else f"{pin}\n" for pin, (marker, _) in pins.items())
        constraints.write_text("".join(marked), "utf-8")
        universe: dict[str, Package] = {
            pin: {"pin": pin, "run": {}, "dev": {}, "hashes": hashes} for pin, (_, hashes) in pins.items()
        }
        for (group, component_name), lines in needs.items():
            if lines:
                closure = read_lock(compile_lock(lines, folder, "--constraint", str(constraints)))
                for pin, (marker, _) in closure.items():
                    universe[pin][group][component_name] = marker
    return list(universe.values())


def changes(before: list[Package], after: list[Package]) -> list[str]:
    """One line for each package that came, went or moved."""
    old, new = ({p["pin"].partition("==")[0]: p["pin"].partition("==")[2] for p in side} for side in (before, after))
    return [
        f"{name} {old.get(name, 'absent')} -> {new.get(name, 'absent')}"
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Resolve what every component needs, together.")
    parser.add_argument("--upgrade", action="store_true", help="move every pin to the newest that fits")
    path = data_root() / SUBDIRECTORY / UNIVERSE
    before = json.loads(path.read_text("utf-8")) if path.is_file() else []
    after = resolve(before, upgrade=parser.parse_args().upgrade)
    write_atomically(str(path), (json.dumps(after, indent=1) + "\n").encode())
    lines = changes(before, after)
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "no pin moved\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
