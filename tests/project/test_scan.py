"""From bytes to facts: what a file is encoded in."""

import pytest

from twelvefac.project.facts import FileFacts
from twelvefac.project.scan import Scanner


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_requirements_are_read_as_pip_reads_them(encoding: str) -> None:
    # PowerShell writes UTF-16 into what it is told to: pip freeze > requirements.txt
    facts = Scanner((), ()).scan("requirements.txt", "requirements", "flask==3.1.0\nrequests\n".encode(encoding))

    assert facts.manifest is not None
    assert [(one.name, one.at[0]) for one in facts.manifest.requirements] == [("flask", 1), ("requests", 2)]


def test_a_dockerfile_in_utf_16_starts_nothing_as_docker_cannot_read_it() -> None:
    """A fix, whose text is UTF-8, would be put into the middle of it."""
    facts = Scanner((), ()).scan("Dockerfile", "dockerfile", "FROM python:3.12\nCMD python app.py\n".encode("utf-16"))

    assert facts.dockerfile is None or not any(stage.instructions for stage in facts.dockerfile.stages)


@pytest.mark.parametrize(
    ("kind", "holds"), [("PRIVATE", True), ("EC PRIVATE", True), ("ENCRYPTED PRIVATE", True), ("PUBLIC", False)]
)
def test_of_a_key_file_only_whether_a_private_key_is_in_it_is_kept(kind: str, holds: bool) -> None:
    facts = Scanner((), ()).scan("key.pem", "key", f"-----BEGIN {kind} KEY-----\nMIIEvQ\n".encode())

    assert facts == FileFacts(holds_key=holds)
