"""The audit's rules: ``rules/<factor>/<name>.py``, one rule a file, found by a walk of this package."""
