"""From one template version's answers and paths to another's: pure functions over the versions' notes."""

from collections.abc import Mapping, Sequence

from twelvefac.scaffold.notes import Notes


def migrate_answers(answers: Mapping[str, str], crossed: Sequence[Notes]) -> dict[str, str]:
    """Return ``answers`` as the last of the ``crossed`` versions (the oldest first) would have them."""
    migrated = dict(answers)
    for notes in crossed:
        migrated = {notes.questions.get(key, key): value for key, value in migrated.items()}
        for key, renamed in notes.choices.items():
            if key in migrated:
                migrated[key] = ",".join(renamed.get(choice, choice) for choice in migrated[key].split(","))
    return migrated


def declared_moves(package: str, crossed: Sequence[Notes]) -> dict[str, str]:
    """Return what moved on the way over the ``crossed`` versions: first path to last path."""
    moves: dict[str, str] = {}
    for notes in crossed:
        for old, new in notes.moves.items():
            source, target = old.replace("{package}", package), new.replace("{package}", package)
            first = next((start for start, end in moves.items() if end == source), source)
            moves[first] = target
    return moves
