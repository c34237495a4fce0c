"""twelvefac: generates, audits and updates twelve-factor Python services."""

# The one place the version is read from is pyproject.toml; the installed metadata carries it. Reading the
# metadata costs 10 ms, so `--version` keeps a copy that tests/meta holds equal.
__version__ = "0.1.0"
