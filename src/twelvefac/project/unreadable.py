"""What a reader raises when a file is not what its name says."""


class UnreadableError(ValueError):
    """The file cannot be read as its kind; ``line`` is where (1-based), 0 where it cannot be told."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line
