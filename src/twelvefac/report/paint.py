"""Colours for a terminal: six ANSI codes. rich would cost 32 ms of start-up, a third of a small audit."""

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Paint:
    """Wraps text in codes, or returns it as it is."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, tone: str) -> str:
        """``text`` in the tone ``bold``, ``dim``, ``red``, ``green``, ``yellow`` or ``cyan``."""
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m" if self._on else text
