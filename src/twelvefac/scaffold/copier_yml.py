"""The text of copier.yml, made from the catalogue: with it plain Copier gives the same files as we do.

Only what stock Copier knows: no extension, no task, nothing that needs ``--trust``.
"""

import json
from typing import Any

from twelvefac.scaffold.answers import JOINED, LONGEST_DESCRIPTION, requirements
from twelvefac.scaffold.catalogue import SUBDIRECTORY, UNIVERSE, Catalogue
from twelvefac.scaffold.component import MANIFEST, NONE, QUESTIONS, SLOTS, Component, Kind
from twelvefac.scaffold.names import INTERPRETER, LONGEST, PATTERN, reserved
from twelvefac.scaffold.plan import ANSWERS_FILE, JUNK

_HEAD = """\
# Made from the directories under templates/service by `python -m twelvefac.scaffold.release copier-yml`.
# Never edit by hand: a test compares it with what that command writes.
"""


def copier_yml(catalogue: Catalogue) -> str:
    """Return copier.yml for ``catalogue``; the same catalogue gives the same bytes."""
    settings = {
        "_min_copier_version": "9.19.1",
        "_subdirectory": SUBDIRECTORY,
        "_answers_file": ANSWERS_FILE,
        "_exclude": [MANIFEST, SLOTS, UNIVERSE, *JUNK],
    }
    parts = [
        _HEAD,
        _block(settings),
        _question("name", "What is the service's name?", "orders", validator=_name_validator(catalogue)),
        _question(
            "description",
            "What does it do, in one line?",
            "The {{ name }} service",
            validator=_description_validator(),
        ),
        *(_choice(catalogue, kind) for kind in QUESTIONS),
        "# Computed, never asked: a directory {{kafka}} is written when kafka is '.' and not when ''.\n",
        _hidden("package", "{{ name | replace('-', '_') }}"),
        _hidden("template_version", catalogue.version),
        *(_hidden(component.name, _presence(catalogue, component)) for component in catalogue.components),
        _components(catalogue),
    ]
    return "\n".join(parts)


def _block(values: dict[str, Any]) -> str:
    return "".join(f"{key}: {_flow(value)}\n" for key, value in values.items())


def _flow(value: Any) -> str:
    """Return ``value`` as JSON, which is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _question(key: str, text: str, default: str, **more: Any) -> str:
    values = {"type": "str", "help": text, "default": default, **more}
    return f"{key}:\n" + "".join(f"  {name}: {_flow(value)}\n" for name, value in values.items())


def _choice(catalogue: Catalogue, kind: Kind) -> str:
    names = [name for name in catalogue.choices(kind) if name != NONE]
    checks = [_unknown(kind, names)] if kind.several else []
    checks += [_conflict(*pair) for pair in _conflicts(catalogue, kind)]
    more: dict[str, Any] = {"validator": "".join(checks)} if checks else {}
    if kind.several:
        text = f"{kind.question} ({', '.join([NONE, *names])}; several with commas)"
        return _question(kind.name, text, catalogue.default(kind), **more)
    return _question(kind.name, kind.question, catalogue.default(kind), choices=list(catalogue.choices(kind)), **more)


def _hidden(key: str, default: str) -> str:
    return f"{key}:\n  type: str\n  when: false\n  default: {_flow(default)}\n"


def _presence(catalogue: Catalogue, component: Component) -> str:
    """Return what a component's variable renders to: '.' when it is chosen, '' when not."""
    if component.kind == "base":
        return "."
    if component.kind == "glue":
        condition = " and ".join(component.requires) or "true"
    elif component.kind == "shared":
        condition = " or ".join(catalogue.sharers(component, catalogue.by_name)) or "false"
    else:
        condition = _chosen(component)
    return f"{{{{ '.' if {condition} else '' }}}}"


def _chosen(component: Component) -> str:
    """Return the condition under which the user has chosen a component that is an answer."""
    if next(kind for kind in QUESTIONS if kind.name == component.kind).several:
        return f"'{component.name}' in {component.kind}.split(',')"
    return f"{component.kind} == '{component.name}'"


def _components(catalogue: Catalogue) -> str:
    """Return the hidden value ``components``: the chosen ones' data, one line a component."""
    lines = ["components:", "  type: yaml", "  when: false", "  default: |-", "    ["]
    for component in catalogue.components:
        data = _flow(component.context())
        lines.append(f"    {{% if {component.name} %}}{{% raw %}}{data},{{% endraw %}}{{% endif %}}")
    return "\n".join([*lines, "    ]", ""])


def _name_validator(catalogue: Catalogue) -> str:
    names = " ".join(reserved(requirements(catalogue)))
    return (
        f"{{% if name | length > {LONGEST} or not (name | regex_search('{PATTERN}')) or '\\n' in name %}}"
        f"1 to {LONGEST} lower-case letters, digits and single dashes, a letter first and no dash last"
        f"{{% elif name | replace('-', '_') in '{names}'.split() or name | regex_search('^{INTERPRETER}$') %}}"
        "the name is taken: by Python, by a library that the service uses, or by its own layout"
        "{% endif %}"
    )


def _conflicts(catalogue: Catalogue, kind: Kind) -> list[tuple[Component, Component]]:
    """Return the choices that exclude each other where the second is an answer to ``kind``, the first given by then."""
    found = {}
    for component in catalogue.components:
        for other in (catalogue.by_name[name] for name in component.conflicts):
            first, second = sorted((component, other), key=lambda one: one.order)
            if second.kind == kind.name:
                found[first.order, second.order] = first, second
    return [found[pair] for pair in sorted(found)]


def _conflict(first: Component, second: Component) -> str:
    text = f"{first.name} and {second.name} exclude each other: choose one of them"
    return f"{{% if {_chosen(first)} and {_chosen(second)} %}}{text}{{% endif %}}"


def _unknown(kind: Kind, names: list[str]) -> str:
    known = " ".join(names)
    return (
        f"{{% if {kind.name} != '{NONE}' %}}{{% for one in {kind.name}.split(',') if one not in '{known}'.split() %}}"
        f"unknown: {{{{ one }}}} {{% endfor %}}{{% endif %}}"
    )


def _description_validator() -> str:
    joined = JOINED.replace("\\", "\\\\")
    return (
        f"{{% if description | length > {LONGEST_DESCRIPTION} %}}at most {LONGEST_DESCRIPTION} characters"
        f"{{% elif not (description | regex_replace('{joined}', '')).isprintable() or not description.strip() %}}"
        "one line of printable characters"
        "{% elif '{' ~ '{' in description or '{' ~ '%' in description or '{' ~ '#' in description %}"
        "no template tags"
        "{% endif %}"
    )
