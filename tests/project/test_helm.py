"""Helm charts: templates are said to be not judged, values and Chart.yaml are read with exact places."""

from pathlib import Path

import pytest

from twelvefac import rules
from twelvefac.audit.registry import load_rules
from twelvefac.project.discovery import kind_of
from twelvefac.project.helm import ChartImage, Setting, images, read_template, settings
from twelvefac.project.scan import Scanner
from twelvefac.project.yaml_nodes import YamlDocument, read_yaml
from twelvefac.testing import audit_tree


def document(text: str) -> YamlDocument:
    [found] = read_yaml(text)
    return found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("chart/values.yaml", "values"),
        ("chart/values.yml", "values"),
        ("helm/values-production.yaml", "values"),
        ("helm/values.prod.yaml", "values"),
        ("helm/prod-values.yaml", "values"),
        ("chart/Chart.yaml", "values"),
        ("chart/templates/deployment.yaml", "yaml"),
        ("chart/templates/_helpers.tpl", None),
        ("chart/values.schema.json", None),
        ("eigenvalues.yaml", "yaml"),
    ],
)
def test_which_files_are_read(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_scalars_with_their_routes_and_places() -> None:
    text = "a: &x 1\nb:\n  - c\n  - {name: TOKEN, value: t}\n  - {name: d}\ne: *x\nf: {}\n"

    assert list(settings(document(text))) == [
        Setting(("a",), "1", (1, 4, 1, 8)),
        Setting(("b", "0"), "c", (3, 5, 3, 6)),
        Setting(("b", "1", "TOKEN"), "t", (4, 26, 4, 27)),
        Setting(("b", "2", "name"), "d", (5, 12, 5, 13)),
    ]


def test_images() -> None:
    text = """\
image: {repository: r.example/app, tag: v1}
web: {image: {name: web, tag: "2"}}
one: {image: "r.example:5000/one:main"}
two: {image: r.example:5000/two}
three: {image: "r/three@sha256:00"}
four: {repository: r/four, tag: ""}
five: {image: not an image}
git: {repository: "https://example.com/a.git"}
"""
    assert list(images(document(text))) == [
        ChartImage("r.example/app", "v1", (1, 41, 1, 43), ("image", "tag")),
        ChartImage("web", "2", (2, 31, 2, 34), ("web", "image", "tag")),
        ChartImage("r.example:5000/one", "main", (3, 14, 3, 39), ("one", "image")),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a: {{ .Values.a }}\n", "template"),
        ('{{ if eq .Environment.Name "a" }}\na: 1\n{{ end }}\n', "template"),
        ('a: "{{ .Release.Name }}-db"\n', None),
        ("a: [\n", "unreadable"),
    ],
)
def test_values_that_are_templates_themselves(text: str, kind: str | None) -> None:
    facts = Scanner((), ()).scan("values.yaml", "values", text.encode())

    assert [one[0] for one in facts.notices] == ([] if kind is None else [kind])
    assert bool(facts.values) == (kind is None)


def test_templates_are_not_judged_and_counted(tmp_path: Path) -> None:
    template = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n"
    report = audit_tree(
        {
            "app.py": "",
            "chart/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
            "chart/templates/service.yaml": template,
            "chart/templates/other.yaml": template,
            "chart/templates/plain.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
        },
        load_rules(rules),
        tmp_path,
    )

    assert [one[:3] for one in report.notices] == [
        ("template", "chart/templates/other.yaml", 1),
        ("template", "chart/templates/service.yaml", 1),
    ]
    assert {one.message for one in report.notices} == {
        "not judged: a template, whose values are only known when it is rendered"
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: {{ .Values.a }}\nimage: web:1\n", [("web:1", (2, 8, 2, 13))]),
        ("a: {{ .Values.a }}\r\n  - image: 'web'\n", [("web", (2, 13, 2, 16))]),
        ("{{/* .Values.a\nimage: old\n*/}}\nimage: web\n", [("web", (4, 8, 4, 11))]),
        ("{{- /* eq .Values.a 1 */ -}}\n{{/* not closed\nimage: web\n", [("web", (3, 8, 3, 11))]),
        ("a: {{ .Values.a }}\nb:\n  - c: |-\n\n      image: x\n{{ end }}\n      image: x\n    image: web\n", ["web"]),
        ("a: {{ .Values.a }}\nb: >2 # folded\n   image: text\nimage: web\n", ["web"]),
        ("a: {{ .Values.a }}\nb:\n  - |\n    image: text\n  - image: web\n", ["web"]),
    ],
)
def test_images_that_a_template_names_itself(text: str, found: list[object]) -> None:
    template = read_template(text)

    assert [one if isinstance(found[0], tuple) else one[0] for one in template.images] == found
    assert template.compared == ()
