"""Which functions run when a file is loaded: calls followed from function to function, also into other files."""

from collections.abc import Iterable, Mapping

from twelvefac.project.facts import Function, PythonFacts
from twelvefac.project.modules import Modules

Place = tuple[str, str]
"""A function: the file, its dotted name."""
_MAX_PLACES = 5000


def loaded(path: str, python: PythonFacts, modules: Modules, *, entry: bool) -> Iterable[Place]:
    """The functions that a file calls while it is loaded; with its main guard if it is the ``entry``."""
    own = {function.name for function in python.functions}
    for run in python.runs:
        if entry or not run.guarded:
            place = (path, run.name) if run.name in own else modules.locate(run.name, path)
            if place is not None:
                yield place


def called(
    roots: Iterable[Place], python: Mapping[str, PythonFacts], modules: Modules, *, threads: bool = False
) -> frozenset[Place]:
    """The roots and all functions that they call, directly or not; with ``threads`` also those handed to a thread."""
    known = {path: {one.name: one for one in facts.functions} for path, facts in python.items()}
    queue, seen = list(roots), set[Place]()
    while queue and len(seen) < _MAX_PLACES:
        path, name = place = queue.pop()
        if place in seen:
            continue
        seen.add(place)
        function = known.get(path, {}).get(name) or _of_instance(path, name, python, known)
        if function is not None:
            seen.add((path, function.name))
            queue += _next(path, function, modules)
            if threads:
                queue += [(path, name) for name in function.handed if name in known.get(path, {})]
                queue += [other for name in function.handed if (other := modules.locate(name, path)) is not None]
    return frozenset(seen)


def _of_instance(
    path: str, name: str, python: Mapping[str, PythonFacts], known: Mapping[str, Mapping[str, Function]]
) -> Function | None:
    """The method that ``store.add`` means in a file where ``store`` is an instance of one of its classes."""
    head, _, rest = name.partition(".")
    facts = python.get(path)
    owner = dict(facts.instances).get(head) if facts is not None and rest else None
    return known[path].get(f"{owner}.{rest}") if owner is not None else None


def _next(path: str, function: Function, modules: Modules) -> list[Place]:
    found = [(path, name) for name in function.calls]
    found += [place for name in function.outside if (place := modules.locate(name, path)) is not None]
    return found


def only_by_hand(path: str, python: PythonFacts, modules: Modules) -> frozenset[str]:
    """The functions that only the main guard of their own file leads to, and nothing in another file speaks of.

    What is released does not come by them where it does not start the file.
    """
    own = {function.name: function for function in python.functions}
    guarded = _closure({run.name for run in python.runs if run.guarded}, own)
    others = {run.name for run in python.runs if not run.guarded}
    others.update(name for one in own.values() if one.name not in guarded for name in (*one.calls, *one.handed))
    found = guarded - _closure(others, own)
    return frozenset(name for name in found if not modules.is_named_elsewhere(path, name.rpartition(".")[2]))


def _closure(names: Iterable[str], own: Mapping[str, Function]) -> set[str]:
    queue, seen = [name for name in names if name in own], set[str]()
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += [other for other in own[name].calls if other in own]
    return seen
