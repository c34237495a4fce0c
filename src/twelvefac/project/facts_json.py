"""Facts to plain JSON values and back, for the cache."""

from typing import Any

from twelvefac.project import compose, dependencies, envfile, facts, ini, kubernetes, nginx, shell, yaml_nodes

_TYPES: dict[str, Any] = {
    name: kind
    for module in (facts, compose, dependencies, envfile, ini, kubernetes, nginx, shell, yaml_nodes)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and hasattr(kind, "_fields")
}


def to_json(fact: Any) -> Any:
    """Nested lists; a fact becomes ``{"Type": [fields…]}``."""
    if isinstance(fact, tuple):
        items = [to_json(item) for item in fact]
        return {type(fact).__name__: items} if hasattr(fact, "_fields") else items
    return fact


def from_json(data: Any) -> Any:
    """The inverse of ``to_json``: lists become tuples, tagged objects become facts.

    Raises KeyError, TypeError or ValueError on anything that ``to_json`` did not write.
    """
    if isinstance(data, list):
        return tuple(from_json(item) for item in data)
    if isinstance(data, dict):
        [(name, fields)] = data.items()
        return _TYPES[name](*(from_json(field) for field in fields))
    return data
