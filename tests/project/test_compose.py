"""Compose files: what services state, with exact places; merge keys, variables and ``extends`` as Compose has them."""

from collections.abc import Mapping

import pytest

from twelvefac.project.compose import (
    ComposeFile,
    ComposeService,
    Extends,
    Mount,
    Port,
    Setting,
    by_name,
    extended,
    read_compose,
)
from twelvefac.project.unreadable import UnreadableError
from twelvefac.project.yaml_nodes import read_yaml


def read(text: str, path: str = "compose.yaml") -> ComposeFile:
    [document] = read_yaml(text)
    return read_compose(path, document)


def service(text: str, name: str = "web") -> ComposeService:
    return next(one for one in read(text).services if one.name == name)


def test_what_a_service_states() -> None:
    one = service("""\
services:
  web:
    image: r/web:1
    build: {context: ./web, dockerfile: Dockerfile.prod, target: run}
    command: gunicorn -b ":8000" app:app
    environment: [A=1, B]
    env_file: [.env, {path: prod.env}]
    ports: ["127.0.0.1:80:8000/tcp", 9000, {target: 1, published: 2}]
    volumes: [.:/app, "data:/data"]
    depends_on: {db: {condition: service_healthy}}
    init: true
    stop_grace_period: 20s
""")

    assert (one.at, one.image, one.image_at) == ((2, 3, 2, 6), "r/web:1", (3, 12, 3, 19))
    assert (one.context, one.dockerfile, one.target) == ("web", "web/Dockerfile.prod", "run")
    assert (one.command, one.command_at) == (("gunicorn", "-b", ":8000", "app:app"), (5, 14, 5, 41))
    assert one.environment == (Setting("A", "1", (6, 19, 6, 22)), Setting("B", None, (6, 24, 6, 25)))
    assert one.env_files == (".env", "prod.env")
    assert one.ports == (
        Port("80", "8000", (8, 13, 8, 36)), Port("", "9000", (8, 38, 8, 42)), Port("2", "1", (8, 44, 8, 69))
    )  # fmt: skip
    assert one.mounts == (Mount(".", "/app", (9, 15, 9, 21)), Mount("data", "/data", (9, 23, 9, 35)))
    assert (one.depends, one.init, one.grace) == ((("db", "service_healthy"),), True, "20s")


def test_merge_keys_and_anchors() -> None:
    one = service("""\
x-base: &base
  environment: &env {A: "1", B: "2"}
  init: true
services:
  web:
    <<: *base
    build: .
    environment:
      <<: *env
      B: "3"
""")

    assert one.init
    assert one.environment == (Setting("B", "3", (10, 10, 10, 13)), Setting("A", "1", (2, 25, 2, 28)))


@pytest.mark.parametrize(
    ("build", "dockerfile"),
    [
        ("'${DIR:-web}'", "web/Dockerfile"),
        ("{context: ., dockerfile: '${FILE-Dockerfile.prod}'}", "Dockerfile.prod"),
        ("$DIR", "$DIR/Dockerfile"),
        ("../web", "../web/Dockerfile"),
    ],
)
def test_variables_with_a_default(build: str, dockerfile: str) -> None:
    assert service(f"services: {{web: {{build: {build}}}}}\n").dockerfile == dockerfile


BASE = """\
services:
  base:
    build: .
    command: gunicorn app:app
    environment: {A: "1", B: "2"}
    ports: ["80:8000"]
    volumes: [.:/app]
    healthcheck: {test: [CMD, true]}
"""


def test_a_service_of_the_same_file_is_put_in_at_its_own_places() -> None:
    file = read(BASE + "  web:\n    extends: base\n    environment: {B: '3'}\n    volumes: [src:/app]\n")
    web = file.services[1]
    assert web.extends == Extends("compose.yaml", "base", (10, 14, 10, 18))

    one = extended("compose.yaml", web, by_name({"compose.yaml": file}))

    assert (one.name, one.context, one.dockerfile, one.healthcheck) == ("web", "", "Dockerfile", True)
    assert (one.command, one.command_at) == (("gunicorn", "app:app"), (4, 14, 4, 30))
    assert one.environment == (Setting("A", "1", (5, 22, 5, 25)), Setting("B", "3", (11, 22, 11, 25)))
    assert one.mounts == (Mount("src", "/app", (12, 15, 12, 23)),)
    assert one.extends is None


def test_what_another_file_brings_has_the_place_that_says_so() -> None:
    text = "services:\n  web:\n    extends: {file: ../common/base.yml, service: base}\n    environment: {B: '3'}\n"
    file = read(text, "deploy/compose.yaml")
    files: Mapping[str, ComposeFile] = {
        "common/base.yml": read(BASE, "common/base.yml"),
        "deploy/compose.yaml": file,
    }

    one = extended("deploy/compose.yaml", file.services[0], by_name(files))

    place = (3, 14, 3, 55)
    assert (one.context, one.dockerfile) == ("common", "common/Dockerfile")
    assert (one.command, one.command_at) == (("gunicorn", "app:app"), place)
    assert one.ports == (Port("80", "8000", place),)
    assert one.environment == (Setting("A", "1", place), Setting("B", "3", (4, 22, 4, 25)))


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web: {extends: web}\n",
        "services:\n  web: {extends: other}\n  other: {extends: web}\n",
        "services:\n  web: {extends: nobody}\n",
        "services:\n  web: {extends: {file: nowhere.yml, service: web}}\n",
        "services:\n  web: {extends: {file: x.yml}}\n",
        "services:\n  web: {extends: [a]}\n",
    ],
)
def test_what_leads_nowhere_adds_nothing(text: str) -> None:
    file = read(text)

    one = extended("compose.yaml", file.services[0], by_name({"compose.yaml": file}))

    assert (one.command, one.environment, one.context) == (None, (), None)


def test_a_file_of_more_services_than_anybody_writes_is_not_read() -> None:
    text = "services:\n" + "".join(f"  w{one}: {{build: .}}\n" for one in range(1001))

    with pytest.raises(UnreadableError, match="more than 1000 services") as raised:
        read_compose("compose.yaml", *read_yaml(text))

    assert raised.value.line == 1002


@pytest.mark.parametrize(
    ("profile", "released"),
    [
        *(("prod", True), ("Production", True), ("web-prod", True), ("prod_eu", True), ("deploy", True)),
        *(("non-prod", False), ("no-deploy", False), ("products", False), ("reproduce", False), ("debug", False)),
    ],
)
def test_a_profile_of_production_releases_a_service(profile: str, released: bool) -> None:
    file = read(f"services:\n  web: {{image: nginx, profiles: [{profile}]}}\n")

    assert file.releases(file.services[0]) is released
