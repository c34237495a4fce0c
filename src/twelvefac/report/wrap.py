"""Breaking long lines, with a hanging indent."""


def wrapped(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """``text`` in lines of at most ``width`` characters where blanks allow it; no word is broken.

    The first line starts with ``indent``, the others with ``hanging`` (by default the same). Never empty.
    """
    lines = []
    line, start = indent, True
    for word in text.split(" "):
        if not start and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, start = indent if hanging is None else hanging, True
        line += word if start else f" {word}"
        start = False
    return [*lines, line]
