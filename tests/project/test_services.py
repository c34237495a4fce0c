"""The service model on whole directories: who builds what, what runs, what it reaches."""

from pathlib import Path

import pytest

from twelvefac.project.discovery import discover, read_bytes
from twelvefac.project.facts import FileFacts
from twelvefac.project.repository import find_services
from twelvefac.project.scan import Scanner
from twelvefac.project.services import Service


def services(root: Path, **files: str) -> dict[str, Service]:
    """Services by root; a file's name is a path, or has __ for / and _DOT_ for dots."""
    for name, text in files.items():
        path = root / (name if "." in name else name.replace("__", "/").replace("_DOT_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    scanner = Scanner((), frozenset(), prefilter=False)
    found = discover(str(root))
    facts: dict[str, FileFacts] = {
        file.path: scanner.scan(file.path, file.kind, read_bytes(str(root), file.path)) for file in found.files
    }
    made = find_services(root.name, facts, found.manifests, lambda path: read_bytes(str(root), path))
    assert made.failures == ()
    return {one.root: one for one in made.services}


def programs(service: Service) -> list[tuple[str, bool, str]]:
    """Each process: what states it, whether it is released, the program that it ends with."""
    return [(one.source, one.released, one.launches[-1].program) for one in service.processes if one.launches]


def test_a_directory_with_a_dockerfile_is_a_service_each(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        a__Dockerfile="FROM x\nCMD python a.py\n", a__a_DOT_py="", b__Dockerfile="FROM x\nCMD python b.py\n",
        b__b_DOT_py="",
    )  # fmt: skip

    assert {root: one.python for root, one in found.items()} == {"a": ("a/a.py",), "b": ("b/b.py",)}


def test_a_dockerfile_that_is_kept_apart_builds_the_directory_above(tmp_path: Path) -> None:
    found = services(tmp_path, docker__web__Dockerfile="FROM x\nCMD python app.py\n", app_DOT_py="")

    assert [(one.root, [image.path for image in one.images]) for one in found.values()] == [
        ("", ["docker/web/Dockerfile"])
    ]


def test_a_folder_of_tools_is_no_root_of_what_is_built_from_it(tmp_path: Path) -> None:
    found = services(
        tmp_path, tools__deploy__docker__Dockerfile="FROM x\nCMD python app.py\n", tools__deploy__apply_DOT_py="",
        src__app_DOT_py="",
    )  # fmt: skip

    assert {root: [image.path for image in one.images] for root, one in found.items()} == {
        "": ["tools/deploy/docker/Dockerfile"]
    }
    assert not found[""].ships("tools/deploy/apply.py")


def test_settings_of_developers_do_not_ship(tmp_path: Path) -> None:
    files = {f"shop/settings/{name}.py": "" for name in ("__init__", "base", "devstack", "local", "production", "uat")}
    files |= {"shop/example_settings.py": "", "shop/devices.py": "", "shop/config_dev.py": ""}
    wsgi = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings.local')\n"
    found = services(tmp_path, manage_DOT_py="", **{"shop/wsgi.py": wsgi, "shop/__init__.py": ""}, **files)

    assert found[""].settings == ("shop/settings/production.py",)
    assert [path for path in found[""].python if not found[""].ships(path)] == [
        "shop/config_dev.py", "shop/example_settings.py", "shop/settings/devstack.py", "shop/settings/local.py",
    ]  # fmt: skip


def test_settings_of_developers_ship_where_the_image_names_them(tmp_path: Path) -> None:
    dockerfile = "FROM x\nENV DJANGO_SETTINGS_MODULE=shop.settings.local\nCMD gunicorn shop.wsgi\n"
    found = services(
        tmp_path, Dockerfile=dockerfile, manage_DOT_py="", shop__settings__local_DOT_py="",
        shop__settings__production_DOT_py="", shop__wsgi_DOT_py="",
    )  # fmt: skip

    assert found[""].settings == ("shop/settings/local.py",)
    assert found[""].ships("shop/settings/local.py")


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM x\nRUN pip install -r dev-requirements.txt\nCMD python manage.py runserver 0.0.0.0:8000\n",
        'FROM x\nRUN poetry install --with dev\nCMD ["uvicorn", "app:app", "--reload"]\n',
    ],
)
def test_an_image_with_a_development_server_and_its_tools_is_not_released(tmp_path: Path, dockerfile: str) -> None:
    found = services(tmp_path, Dockerfile=dockerfile, manage_DOT_py="", app_DOT_py="")

    assert found[""].released_images == ()
    assert found[""].released == ()


def test_an_image_without_a_command_beside_a_procfile_is_for_development(tmp_path: Path) -> None:
    found = services(
        tmp_path, Dockerfile="FROM x\nRUN pipenv sync --dev\nCOPY . /code\n", manage_DOT_py="",
        Procfile="web: gunicorn shop.wsgi\n", compose_DOT_yml="services: {web: {build: ., command: /code/run.sh}}\n",
    )  # fmt: skip

    assert found[""].released_images == ()
    assert [one.source for one in found[""].released] == ["procfile"]


def test_where_every_image_is_for_development_none_is_released(tmp_path: Path) -> None:
    found = services(
        tmp_path, app_DOT_py="", **{"Dockerfile.dev": "FROM x\nCMD uvicorn app:app\n"},
        **{"docker-compose-dev.yaml": "services: {app: {build: {context: ., dockerfile: Dockerfile.dev}, command: a}}"},
    )  # fmt: skip

    assert found[""].released_images == ()
    assert found[""].released == ()


def test_what_the_image_does_not_copy_does_not_ship(tmp_path: Path) -> None:
    dockerfile = (
        "FROM python:3.14 AS base\nWORKDIR /srv\n"
        "FROM base AS build\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nRUN make version\n"
        "FROM base\nCOPY --from=build /usr/local/lib /usr/local/lib\nCOPY shop/ shop/\nCOPY main.py start.sh ./\n"
        "COPY --from=build /srv/made/version.py shop/version.py\n"
        'CMD ["python", "other.py"]\n'
    )
    found = services(
        tmp_path, Dockerfile=dockerfile, main_DOT_py="", tickets_DOT_py="", shop__app_DOT_py="", shopping_DOT_py="",
    )  # fmt: skip

    ships = {path: found[""].ships(path) for path in (*found[""].python, "made/version.py")}
    assert ships == {
        "main.py": True, "made/version.py": False, "shop/app.py": True, "shopping.py": False, "tickets.py": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        "COPY . /srv",
        "COPY *.py /srv/",
        "COPY ${SOURCES} /srv/",
        "RUN --mount=type=bind,target=/src pip install /src",
        "COPY --from=build /dist /dist",
        "RUN pip install shop",
        "COPY requirements.txt /",
    ],
)
def test_where_the_image_may_hold_everything_every_file_ships(tmp_path: Path, lines: str) -> None:
    build = "FROM x AS build\nWORKDIR /src\nCOPY . .\nRUN pip wheel . -w /dist\n"
    found = services(tmp_path, Dockerfile=f'{build}FROM python:3.14\n{lines}\nCMD ["shop"]\n', tickets_DOT_py="")

    assert found[""].ships("tickets.py")


def test_an_image_that_compose_mounts_the_sources_over_is_not_the_one_released(tmp_path: Path) -> None:
    """Neither has a command: the one gets it from the developers' compose file, the other from the platform."""
    mounted = "services:\n  web:\n    build: .\n    command: python manage.py runserver\n    volumes: ['.:/code']\n"
    found = services(
        tmp_path, Dockerfile="FROM python:3.14\nCOPY . /code\n", manage_DOT_py="", compose_DOT_yml=mounted,
        **{"Dockerfile.live": "FROM python:3.14\nCOPY . /code\n"},
    )  # fmt: skip

    assert [image.path for image in found[""].released_images] == ["Dockerfile.live"]


def test_an_image_without_a_command_that_compose_mounts_the_sources_over_is_for_development(tmp_path: Path) -> None:
    """What ships has a command, from the image or from what deploys it."""
    mounted = "services:\n  web:\n    build: .\n    command: python app.py\n    volumes: ['.:/code']\n"
    found = services(tmp_path, Dockerfile="FROM python:3.14\nCOPY . /code\n", app_DOT_py="", compose_DOT_yml=mounted)

    assert found[""].released_images == ()
    assert found[""].released == ()


def test_a_compose_service_belongs_to_whom_its_dockerfile_does(tmp_path: Path) -> None:
    """The context is the whole repository; the root, which has Python files too, must not take the process."""
    found = services(
        tmp_path,
        backend__Dockerfile='FROM x\nCMD ["gunicorn", "app:app"]\n',
        backend__app_DOT_py="",
        tool_DOT_py="",
        compose_DOT_override_DOT_yml="services:\n  backend:\n    build: {context: ., dockerfile: backend/Dockerfile}\n"
        "    command: flask run\n",
    )

    assert programs(found["backend"]) == [("dockerfile", True, "gunicorn"), ("compose", False, "flask")]
    assert programs(found[""]) == []


@pytest.mark.parametrize(
    ("dockerfile", "argv"),
    [
        ("CMD a b", ("/bin/sh", "-c", "a b")),
        ('CMD ["a", "b"]', ("a", "b")),
        ('ENTRYPOINT ["a"]\nCMD ["b"]', ("a", "b")),
        ('ENTRYPOINT ["a"]\nCMD b c', ("a", "/bin/sh", "-c", "b c")),
        ('ENTRYPOINT a\nCMD ["b"]', ("/bin/sh", "-c", "a")),
        ('CMD ["b"]\nENTRYPOINT ["a"]', ("a", "b")),
        ('CMD ["a"]\nCMD ["b"]', ("b",)),
        ('ENTRYPOINT ["a"]\nCMD []', ("a",)),
        ('CMD ["a"]\nFROM y\nCMD ["b"]', ("b",)),
        ('ENTRYPOINT ["a"]\nCMD ["b"]\nFROM y', None),
        ('CMD ["a"]\nFROM base AS z\nFROM z', None),
        ("", None),
    ],
)
def test_the_effective_command(tmp_path: Path, dockerfile: str, argv: tuple[str, ...] | None) -> None:
    [service] = services(tmp_path, Dockerfile=f"FROM x AS base2\n{dockerfile}\n", app_DOT_py="").values()
    command = service.images[0].command

    assert (command.argv if command else None) == argv


def test_a_stage_passes_its_command_on_until_an_entrypoint_drops_it(tmp_path: Path) -> None:
    text = 'FROM x AS one\nCMD ["a"]\nENV A=1\nFROM one AS Two\nENV B=$A\nFROM two\nENTRYPOINT ["b"]\n'
    [service] = services(tmp_path, Dockerfile=text, app_DOT_py="").values()
    image = service.images[0]

    assert image.command is not None
    assert image.command.argv == ("b",)
    assert image.environment == {"A": "1", "B": "1"}
    assert [stage.name for stage in image.lineage] == ["one", "Two", ""]


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("ENV A=1 B=$A", {"A": "1", "B": ""}),
        ("ENV A=1\nENV A=2 B=$A", {"A": "2", "B": "1"}),
        ("ARG X=1\nENV A=$X", {"A": "1"}),
        ("ARG X\nENV A=$X", {"A": None}),
        ("ARG X=1\nARG Y=$X-2\nENV A=$Y", {"A": "1-2"}),
        ("ARG G\nENV A=$G", {"A": "global"}),
        ("ENV A=${N:-d}", {"A": "d"}),
        ("ENV A one two", {"A": "one two"}),
        ("ARG X=1\nENV X=2\nENV A=$X", {"X": "2", "A": "2"}),
    ],
)
def test_the_environment_of_an_image(tmp_path: Path, text: str, environment: dict[str, str | None]) -> None:
    [service] = services(tmp_path, Dockerfile=f"ARG G=global\nFROM x\n{text}\nCMD a\n", app_DOT_py="").values()
    found = service.images[0].environment

    assert {key: value or "" for key, value in found.items()} == {
        key: value or "" for key, value in environment.items()
    }


def test_thousands_of_stages_and_variables(tmp_path: Path) -> None:
    lines = ["FROM x AS s0"] + [f"FROM s{n} AS s{n + 1}" for n in range(20_000)]
    lines += [f"ENV A{n}=$A{n - 1}x" for n in range(5_000)]
    [service] = services(tmp_path, Dockerfile="\n".join(lines), app_DOT_py="").values()

    assert len(service.images[0].lineage) == 20_001
    assert len(service.images[0].environment) == 5_000


def test_what_a_process_reaches(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        Dockerfile="FROM x\nWORKDIR /srv\nCMD python -m shop\n",
        **{"shop/__init__.py": "", "shop/__main__.py": "from shop import web\nfrom .db import connect\n"},
        shop__web_DOT_py="import shop.views as v\n",
        shop__views_DOT_py="",
        shop__db_DOT_py="def f():\n    from . import late\n",
        shop__late_DOT_py="",
        shop__unused_DOT_py="import shop.web\n",
    )

    assert sorted(path for path in found[""].started) == [
        "shop/__init__.py", "shop/__main__.py", "shop/db.py", "shop/late.py", "shop/views.py", "shop/web.py",
    ]  # fmt: skip


def test_a_script_beside_the_package_of_its_name_hides_none_of_its_modules(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        Dockerfile="FROM x\nWORKDIR /srv\nCOPY . .\nCMD python shop.py\n",
        shop_DOT_py="from shop.web import run\n",
        **{"shop/__init__.py": ""},
        shop__web_DOT_py="from . import log\nfrom shop import db\n",
        shop__log_DOT_py="",
        shop__db_DOT_py="",
    )

    assert set(found[""].started) == {"shop.py", "shop/web.py", "shop/log.py", "shop/db.py"}


@pytest.mark.parametrize("root", ["", "shop/"])
def test_what_a_service_imports_whose_root_is_a_package_itself(tmp_path: Path, root: str) -> None:
    found = services(
        tmp_path,
        **{
            f"{root}Dockerfile": "FROM x\nWORKDIR /srv\nCOPY . /srv\nCMD python __init__.py\n",
            f"{root}__init__.py": "from .db import one\nfrom . import web\n",
            f"{root}web.py": "from .db import one\nfrom .log import two\n",
            f"{root}db.py": "",
            f"{root}log.py": "",
        },
    )

    names = ("__init__.py", "web.py", "db.py", "log.py")
    assert set(found[root.rstrip("/")].started) == {root + name for name in names}


@pytest.mark.parametrize(
    ("command", "entry"),
    [
        ("python app.py", "src/app.py"),
        ("python /srv/app.py", "src/app.py"),
        ("python ./app.py", "src/app.py"),
        ("python -u -m app", "src/app.py"),
        ("exec python -OO -m app --x", "src/app.py"),
        ("python -c 'import app'", None),
        ("python nowhere.py", None),
        ("gunicorn app:app", None),
        ("python", None),
    ],
)
def test_the_entry_of_a_process(tmp_path: Path, command: str, entry: str | None) -> None:
    text = f"FROM x\nWORKDIR /srv\nCOPY src /srv\nCMD {command}\n"
    [service] = services(tmp_path, Dockerfile=text, src__app_DOT_py="").values()

    assert [path for _, _, path in service.entries] == ([entry] if entry else [])


def test_a_script_finds_the_modules_beside_it_also_without_packages(tmp_path: Path) -> None:
    text = "FROM x\nCOPY ./app /app\nCMD python /app/main.py\n"
    [service] = services(
        tmp_path, Dockerfile=text, app__main_DOT_py="from data.store import add\nimport os.path\n",
        app__data__store_DOT_py="import data.models\n", app__data__models_DOT_py="", app__other_DOT_py="",
    ).values()  # fmt: skip

    assert set(service.started) == {"app/main.py", "app/data/store.py", "app/data/models.py"}


def test_a_script_is_looked_for_in_the_image_that_runs_it(tmp_path: Path) -> None:
    text = 'FROM x\nCOPY {0}/start /start\nCMD ["/start"]\n'
    found = services(
        tmp_path, app_DOT_py="", **{
            "a.Dockerfile": text.format("a"), "b.Dockerfile": text.format("b"),
            "a/start": "#!/bin/sh\nexec one a\n", "b/start": "#!/bin/sh\nexec one b\n",
        },
    )  # fmt: skip

    assert [one.args for process in found[""].processes for one in process.launches] == [("a",), ("b",)]


def test_without_a_dockerfile_a_manifest_makes_a_service(tmp_path: Path) -> None:
    found = services(
        tmp_path, a__requirements_DOT_txt="x\n", a__app_DOT_py="", a__b__requirements_DOT_txt="", a__b__c_DOT_py="",
        d__pyproject_DOT_toml="", d__e_DOT_py="", f__pyproject_DOT_toml="",
    )  # fmt: skip

    assert set(found) - {""} == {"a", "d"}
    assert found["a"].undecided


def test_nothing_is_no_service(tmp_path: Path) -> None:
    assert services(tmp_path, README_DOT_md="x") == {}


def test_what_s6_supervises_is_said_to_be_open(tmp_path: Path) -> None:
    tree = {
        "Dockerfile": 'FROM python:3.12-slim\nCOPY rootfs/ /\nENTRYPOINT ["/init"]\n',
        "rootfs/etc/services.d/web/run": "#!/bin/sh\nexec gunicorn app:app\n",
        "app.py": "",
    }

    assert services(tmp_path, **tree)[""].undecided == ("Dockerfile:3: what s6 supervises is not followed",)


def test_a_script_by_a_variable_of_the_image_is_followed(tmp_path: Path) -> None:
    found = services(
        tmp_path,
        Dockerfile='FROM x\nENV SRC=/srv/shop\nCOPY . $SRC\nCMD ["/bin/bash", "-c", "exec ${SRC}/docker/init.bash"]\n',
        docker__init_DOT_bash="#!/bin/bash\nexec gunicorn shop.wsgi\n",
        app_DOT_py="",
    )

    assert programs(found[""]) == [("dockerfile", True, "gunicorn")]
