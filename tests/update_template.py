"""A small template with a history: three versions that rename, delete, move, split, raise and change an answer."""

import shutil
from pathlib import Path

from sample_template import finish, write_component, write_notes, write_template

from twelvefac.scaffold.history import release

BODY = [f"STEP_{number} = {number}" for number in range(12)]


def write_history(root: Path) -> Path:
    """Write the versions 1.0.0, 1.1.0 and 2.0.0, the last one on disk as well, and return the root.

    1.1.0 raises a dependency, renames old_name.py, deletes legacy.py, changes greeting.py and adds a database;
    2.0.0 moves tool.py into a folder, splits big.py and calls the pipeline `actions` instead of `github`.
    """
    write_template(root)
    write_component(
        root,
        "base",
        {
            "src/{{package}}/old_name.py": _lines("NAME", *BODY),
            "src/{{package}}/legacy.py": _lines("LEGACY", *BODY),
            "src/{{package}}/greeting.py": _lines("GREETING", *BODY),
            "src/{{package}}/tool.py": _lines("TOOL", *BODY),
            "src/{{package}}/big.py": _lines("BIG", *BODY, *(f"PART_{number} = {number}" for number in range(12))),
            "requirements.lock": "one==1.0\n",
        },
    )
    _release(root, "1.0.0", "summary: The first.\n")

    base = root / "templates/service/{{base}}/src/{{package}}"
    (base / "old_name.py").rename(base / "new_name.py")
    (base / "legacy.py").unlink()
    write_component(
        root,
        "base",
        {
            "src/{{package}}/greeting.py": _lines("GREETING", "WORDS = 'hello'", *BODY[1:]),
            "requirements.lock": "one==1.1\n",
        },
    )
    component = root / "templates/service/{{fastapi}}/_component.yml"
    component.write_text(component.read_text("utf-8").replace("fastapi>=0.115", "fastapi>=0.120"), "utf-8")
    write_component(
        root,
        "postgres",
        {
            "_component.yml": """
                name: postgres
                kind: database
                summary: Postgres.
                dependencies: [psycopg>=3.2]
                env: [{name: DATABASE_URL, example: postgres, description: Where, secret: true, required: true}]
            """,
            "src/{{package}}/database.py": _lines("DATABASE", *BODY),
        },
    )
    _release(
        root,
        "1.1.0",
        """
        summary: A database, and greetings.
        changes: [a greeting in words]
        manual:
          - tell everyone
          - {text: set DATABASE_URL, when: {database: postgres}}
        """,
    )

    (base / "tools").mkdir()
    (base / "tool.py").rename(base / "tools/tool.py")
    big = (base / "big.py").read_text("utf-8").splitlines(keepends=True)
    (base / "big.py").write_text("".join(big[:13]), "utf-8")
    (base / "parts.py").write_text("".join(big[13:]), "utf-8")
    shutil.move(root / "templates/service/{{github}}", root / "templates/service/{{actions}}")
    write_component(root, "actions", {"_component.yml": "name: actions\nkind: ci\nsummary: GitHub Actions.\n"})
    _release(
        root,
        "2.0.0",
        """
        summary: Tools in a folder.
        manual: [look at the parts]
        choices: {ci: {github: actions}}
        """,
    )
    return root


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" if " = " in line else f"# {line}\n" for line in lines)


def _release(root: Path, version: str, notes: str) -> None:
    (root / "templates/VERSION").write_text(f"{version}\n", "utf-8")
    write_notes(root, version, notes)
    release(finish(root))
