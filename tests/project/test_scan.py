"""From bytes to facts: what a file is encoded in."""

import pytest

from twelvefac.project.scan import Scanner


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_requirements_are_read_as_pip_reads_them(encoding: str) -> None:
    # PowerShell writes UTF-16 into what it is told to: pip freeze > requirements.txt
    facts = Scanner((), ()).scan("requirements.txt", "requirements", "flask==3.1.0\nrequests\n".encode(encoding))

    assert facts.manifest is not None
    assert [(one.name, one.at[0]) for one in facts.manifest.requirements] == [("flask", 1), ("requests", 2)]
