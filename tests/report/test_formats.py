"""A file in report/formats is a format, and nothing else is."""

import inspect
from pathlib import Path

import pytest
from report_samples import report

from twelvefac.errors import UsageError
from twelvefac.report import formats
from twelvefac.report.formats import format_names, renderer
from twelvefac.report.view import View


def test_the_files_are_the_formats() -> None:
    files = [path.stem for path in Path(formats.__file__).parent.glob("*.py") if path.stem != "__init__"]

    assert format_names() == tuple(sorted(files)) == ("github", "gitlab", "json", "sarif", "text")


@pytest.mark.parametrize("name", format_names())
def test_a_format_is_a_function_of_report_and_view(name: str) -> None:
    render = renderer(name, "--format")
    text = render(report(), View())

    assert list(inspect.signature(render).parameters) == ["report", "view"]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert render(report(), View()) == text


@pytest.mark.parametrize("name", ["xml", "", "../text", "__init__", "view"])
def test_what_is_none_is_refused_with_the_names(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        renderer(name, "--format")

    assert refused.value.message == f"--format {name}: must be one of github, gitlab, json, sarif, text"
