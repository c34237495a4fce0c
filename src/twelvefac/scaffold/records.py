"""What a repository keeps about its own making; without it no repository could ever be updated."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from twelvefac.scaffold.plan import ANSWERS_FILE, MANIFEST_FILE, Layer, Ownership, Plan
from twelvefac.source.write import write_atomically

# A second template's version and place, beside Copier's own two keys for the first.
OVERLAY_VERSION, OVERLAY_SOURCE = "_overlay_commit", "_overlay_src_path"
OVERLAY_ANSWERS = "_overlay_answers"  # to its own questions, those that were given
# Where the template lives, never the path of an installation. Plain Copier and Renovate follow it.
TEMPLATE_URL = "https://github.com/twelvefac/twelvefac"


_HEAD = "# Written by twelvefac, which updates this repository by it; comments and keys of your own stay.\n"
_OLD_HEAD = "# Written by twelvefac, which updates this repository by it. Do not edit.\n"


def write_records(tree: Path, plan: Plan, tool_version: str) -> None:
    """Write the answers file and the manifest into the rendered ``tree``.

    Raises MachineError when they cannot be written and OSError when a rendered file cannot be read.
    """
    write_atomically(str(tree / ANSWERS_FILE), answers_text(plan).encode())
    (tree / MANIFEST_FILE).parent.mkdir(exist_ok=True)
    write_atomically(str(tree / MANIFEST_FILE), manifest_text(tree, plan, tool_version).encode())


def answers_text(plan: Plan) -> str:
    """Return ``.copier-answers.yml`` as a new service has it."""
    return written_answers(answers_values(plan))


def written_answers(values: Mapping[str, object]) -> str:
    """Return the answers file with ``values`` and nothing of a service's owners."""
    import yaml

    body: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=1000)
    return _HEAD + body


def with_new_head(text: str) -> str:
    """Return the answers file ``text`` with the head of today where it has the one that said not to edit it."""
    for end in ("\n", "\r\n"):
        text = text.replace(_OLD_HEAD.replace("\n", end), _HEAD.replace("\n", end), 1)
    return text


def with_old_head(text: str) -> str:
    """Return what ``written_answers`` gives as it was written before: the manifests of then have its digest."""
    return text.replace(_HEAD, _OLD_HEAD, 1)


def answers_values(plan: Plan) -> dict[str, object]:
    """Return what the answers file holds: Copier's two own keys, then the answers as they are asked."""
    return recorded_values(plan.version, plan.overlay, plan.answers.as_data())


def recorded_values(version: str, overlay: Layer | None, answers: Mapping[str, str]) -> dict[str, object]:
    """Return what the answers file holds of a template ``version``, an ``overlay`` and ``answers``, in their order."""
    values: dict[str, object] = {"_commit": version, "_src_path": TEMPLATE_URL}
    if overlay is not None:
        values |= {OVERLAY_VERSION: overlay.version, OVERLAY_SOURCE: overlay.source}
        values |= {OVERLAY_ANSWERS: dict(overlay.answers)} if overlay.answers else {}
    return values | dict(answers)


def manifest_text(
    tree: Path,
    plan: Plan,
    tool_version: str,
    adopted: Mapping[str, Ownership] | None = None,
    held: Mapping[str, str] | None = None,
    own: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """Return ``.twelvefac/manifest.json``: owner and SHA-256 of every rendered file, one line each.

    The manifest itself is not in it. ``adopted`` is for a repository that was not made by us: the files that it
    has, and whose they are. ``held`` are digests of the overlay's files where they are not in ``tree``. ``own`` are
    keys of the service's owners, by the file that they are noted at, those of the whole (and of its parts) under an
    empty path.
    A service with an overlay has version 2 of the format: who knows only our own files must not update it.
    Raises OSError when a planned file is missing.
    """
    owners = {file.path: file.ownership for file in plan.files} if adopted is None else adopted
    files = {
        file.path: {
            "ownership": owners[file.path].value,
            "sha256": (held or {}).get(file.path) or hashlib.sha256((tree / file.path).read_bytes()).hexdigest(),
        }
        | ({"origin": file.component} if plan.overlay is not None and file.component == "overlay" else {})
        | dict((own or {}).get(file.path, {}))
        for file in plan.files
        if file.path != MANIFEST_FILE and file.path in owners
    }
    template = {"source": TEMPLATE_URL, "version": plan.version}
    head: dict[str, object] = {"version": 1, "template": template, "tool": tool_version}
    if plan.overlay is not None:
        layer = {"source": plan.overlay.source, "version": plan.overlay.version}
        head = {"version": 2, "template": template, "overlay": layer, "tool": tool_version}
    head |= {} if adopted is None else {"adopted": True}
    for key, value in (own or {}).get("", {}).items():
        mine = head.get(key)
        head[key] = {**mine, **value} if isinstance(mine, dict) and isinstance(value, dict) else value
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    entries = [f"    {json.dumps(path)}: {json.dumps(entry)}" for path, entry in files.items()]
    return "\n".join(["{", *lines, '  "files": {', ",\n".join(entries), "  }", "}", ""])
