"""A small template on disk, for tests that must not depend on what the real one holds."""

import textwrap
from pathlib import Path

from twelvefac.scaffold.catalogue import load_catalogue
from twelvefac.scaffold.copier_yml import copier_yml

BASE = {
    "_component.yml": """
        name: base
        kind: base
        summary: What every service has.
        docs: Settings.
        dev_dependencies: [pytest>=9]
        env:
          - {name: PORT, example: "8000", description: 'Where to {{listen}}', secret: false, required: false}
        seeded: ["src/*/domain.py"]
    """,
    "README.md.jinja": """
        # {{ name }}

        {{ description }}
        {% for component in components %}
        - {{ component.name }}: {{ component.summary }}{% for variable in component.env %} {{ variable.name }}={{ variable.example }}{% endfor %}
        {% endfor %}
    """,  # noqa: E501
    "pyproject.toml.jinja": """
        [project]
        name = "{{ name }}"
        version = "0.1.0"
        description = {{ description | to_json(ensure_ascii=False) }}
        dependencies = [
        {%- for component in components %}{% for requirement in component.dependencies %}
            "{{ requirement }}",
        {%- endfor %}{% endfor %}
        ]
    """,
    "src/{{package}}/__init__.py": "",
    "src/{{package}}/domain.py": "ANSWER = 42\n",
    "src/{{package}}/app.py.jinja": """
        from {{ package }} import domain

        ANSWER = domain.ANSWER
        {% for component in components %}{% include 'templates/service/{{' ~ component.name ~ '}}/_slots/app.py.jinja' ignore missing %}{% endfor %}
        # your own below this line
    """,  # noqa: E501
    "run.sh": "#!/bin/sh\nexec true\n",
    "template.txt.jinja": "{{ template_version }}\n",
}
WEB = {
    "_component.yml": """
        name: fastapi
        kind: framework
        summary: FastAPI on uvicorn.
        dependencies: ["fastapi>=0.115,<1", my-odd.Dep==1]
    """,
    "_slots/app.py.jinja": "ROUTES = ['/']\n",
    "src/{{package}}/web.py.jinja": '"""The web side of {{ package }}."""\n',
}
PIPELINE = {
    "_component.yml": "name: github\nkind: ci\nsummary: GitHub Actions.\n",
    ".github/workflows/ci.yml": """
        on: push
        jobs: {test: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ github.ref }}'}]}}
    """,
}


def write_component(root: Path, name: str, files: dict[str, str]) -> None:
    """Add one component: all that it takes is its directory."""
    for path, text in files.items():
        target = root / "templates/service" / f"{{{{{name}}}}}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")


def write_template(root: Path, version: str = "1.0.0") -> Path:
    """Write the sample template, copier.yml included, and return its root."""
    write_component(root, "base", BASE)
    write_component(root, "fastapi", WEB)
    write_component(root, "github", PIPELINE)
    (root / "templates/service/{{base}}/run.sh").chmod(0o755)
    (root / "templates/VERSION").write_text(f"{version}\n", "utf-8")
    return finish(root)


def finish(root: Path) -> Path:
    """Write copier.yml as the catalogue now wants it."""
    (root / "copier.yml").write_text(copier_yml(load_catalogue(root)), "utf-8")
    return root


def write_notes(root: Path, version: str, text: str) -> None:
    """Write what a version says of itself."""
    folder = root / "templates/notes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{version}.yml").write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
