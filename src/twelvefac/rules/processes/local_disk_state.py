"""Data that must last is written to the container's disk.

## Why

The disk of a container goes with it: every deploy, crash and move to another node loses what users uploaded or stored.
With a second replica a file that one request wrote is not there for the next one.

## What it does not flag

- Temporary files: `tempfile`, `/tmp`, `/dev`, memory.
- Caches, which may be lost, and code that no released process loads.
- Django with another storage (`STORAGES`, `DEFAULT_FILE_STORAGE`) or with django-storages among its requirements.

## How to fix

Store files in an object store (django-storages, boto3), sessions in Redis, the database or a signed cookie.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule, Severity
from twelvefac.factors import Factor
from twelvefac.project.facts import Binding, Call, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Span

_TEMPORARY = regex(r"^/(?:tmp|var/tmp|dev|proc|run)(?:/|$)|temp|tmp|cache", re.IGNORECASE)
_UPLOADS = regex(r"(?:flask|quart)\.request\.files(?:\[\]|\.get\(\)|\.pop\(\))\.save")
_STORES = {"tinydb.TinyDB": 0, "shelve.open": 0, "pickledb.load": 0, "pickledb.PickleDB": 0}
_FIELDS = ("django.db.models.FileField", "django.db.models.ImageField")
_STORAGE_PACKAGES = frozenset(
    "django-storages django-minio-storage django-cloudinary-storage django-s3-storage django-google-storage "
    "django-storage-swift django-db-file-storage".split()
)
_DEVELOPMENT = regex(
    r"(?:^|[/._-])(?:dev\w*|local\w*|test\w*|debug\w*|script\w*|tool\w*|commands?)(?:[/._-]|$)", re.IGNORECASE
)
_ASIDE = regex(r"migrations/|" + _DEVELOPMENT.pattern, re.IGNORECASE)
_DEVELOPMENT_CLASS = regex(r"dev|test|local", re.IGNORECASE)

rule = Rule(
    __name__,
    factor=Factor.PROCESSES,
    summary="data that must last is written to the container's disk",
    severity=HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    needs_command=True,
    anchors=anchors(
        r"files request save ~files(?:\[|\.get\(|\.pop\()",
        "session type ~SESSION_TYPE",
        "session engine ~SESSION_ENGINE",
        r"media root ~MEDIA_ROOT[ \t]{0,8}(?::[^=\n]{0,100})?=",
        r"filefield ~(?:models\.|import[ \t][^\n]{0,200})FileField",
        r"imagefield ~(?:models\.|import[ \t][^\n]{0,200})ImageField",
        "default file storage ~DEFAULT_FILE_STORAGE",
        "storages ~STORAGES",
        "filesystemstorage",
        "tinydb",
        "shelve",
        "pickledb",
        "django settings module ~DJANGO_SETTINGS_MODULE",
    ),
    names=frozenset(("save", *(name.rpartition(".")[2] for name in (*_STORES, *_FIELDS)))),
    examples=(
        Example(
            "uploads, sessions and a database of files in Flask",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                import os

                from flask import Flask, request
                from tinydb import TinyDB

                app = Flask(__name__)
                app.config["SESSION_TYPE"] = "filesystem"  # <- local-disk-state
                db = TinyDB("users.json")  # <- local-disk-state

                @app.post("/upload")
                def upload():
                    file = request.files["file"]
                    file.save(os.path.join(app.config["UPLOADS"], "a"))  # <- local-disk-state
                    return "ok"
            """,
        ),
        Example(
            "Django's own storage",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                -- shop/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
                -- shop/settings.py --
                FOLDER = None
                if FOLDER is not None:
                    SESSION_ENGINE = "django.contrib.sessions.backends.file"
                SESSION_ENGINE = "django.contrib.sessions.backends.file"  # <- local-disk-state
                STORAGES = {
                    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
                    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
                }
                -- shop/models.py --
                from django.db import models

                class Product(models.Model):
                    picture = models.ImageField(upload_to="pictures")  # <- local-disk-state
            """,
        ),
        Example(
            "a view that saves to Django's storage on the disk",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- manage.py --
                -- shop/wsgi.py --
                -- shop/views.py --
                from django.core.files.storage import FileSystemStorage

                def upload(request):
                    storage = FileSystemStorage()
                    return storage.save("a.png", request.FILES["a"])  # <- local-disk-state
            """,
        ),
        Example(
            "temporary, a cache, or another storage",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- a/app.py --
                import shelve
                import tempfile

                from flask import Flask, request

                app = Flask(__name__)
                app.config["SESSION_TYPE"] = "redis"
                seen = shelve.open("/tmp/seen")

                @app.post("/upload")
                def upload():
                    file = request.files["file"]
                    file.save("/tmp/upload")
                    with tempfile.NamedTemporaryFile() as target:
                        request.files["other"].save(target.name)
                    return "ok"
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi"]
                -- b/manage.py --
                -- b/shop/wsgi.py --
                import os

                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
                -- b/shop/settings.py --
                STORAGES = {"default": {"BACKEND": "storages.backends.s3.S3Storage"}}
                -- b/shop/models.py --
                from django.db import models

                class Product(models.Model):
                    picture = models.ImageField(upload_to="pictures")
            """,
        ),
        Example(
            "not what runs",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
                -- app.py --
                -- scripts/load.py --
                from tinydb import TinyDB

                db = TinyDB("users.json")
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    loaded = {**service.served, **service.started}
    mounted = any(_keeps(mount.target) for _, one in service.composed for mount in one.mounts)
    severity = MEDIUM if mounted or _has_volume(service) else HIGH
    for path, call in facts.calls(*_STORES):
        if path in loaded and not _DEVELOPMENT.search(path) and _is_lasting(call.arg("path", _STORES[call.name])):
            yield _finding(path, call, f"{call.name} keeps its data in a file", severity, loaded[path][0].span)
    for path, python in facts.python():
        if path in loaded:
            for call in python.calls:
                if _is_stored(call) or (_UPLOADS.fullmatch(call.name) and not _goes_to_temporary(call)):
                    yield _finding(path, call, "an upload is saved", severity, loaded[path][0].span)
    yield from _sessions(service, facts, severity)
    yield from _django(service, facts, severity)


def _is_stored(call: Call) -> bool:
    """Whether a view of Django puts a file into the storage that is the disk by its own name."""
    return call.name == "django.core.files.storage.FileSystemStorage().save" and call.scope != ""


def _finding(path: str, call: Call, what: str, severity: Severity, serving: Span) -> Finding:
    related = ((serving, "this serves it"),)
    message = f"{what} on the container's disk: it is lost with the container, and no other replica has it"
    return rule.at(
        path, call.at, message, subject=f"call:{call.name}", symbol=call.scope, related=related, severity=severity
    )


def _has_volume(service: Service) -> bool:
    """Whether a released image declares a volume: the service is made to keep its files there, on one machine."""
    return any(one.keyword == "VOLUME" for image in service.released_images for one in image.instructions)


def _keeps(target: str) -> bool:
    """Whether a mount may hold data: sources and sockets do not."""
    return not target.startswith(("/var/run", "/etc", "/run"))


def _is_lasting(value: Value | None) -> bool:
    """Whether a path is known not to be a temporary one; what is computed may be."""
    return value is not None and value.kind == "str" and value.data != "" and not _TEMPORARY.search(value.data)


def _goes_to_temporary(call: Call) -> bool:
    """Whether an upload's target is a temporary file, a stream, or a variable that may be one."""
    value = call.args[0] if call.args else call.arg("dst")
    return value is None or any(_is_temporary(part) for part in _parts(value)) or value.kind in ("name", "other")


def _parts(value: Value) -> Iterator[Value]:
    yield value
    inner = value.data if value.kind == "joined" else value.data[1] if value.kind == "call" else ()
    for one in inner:
        yield from _parts(one)


def _is_temporary(value: Value) -> bool:
    name = value.data[0] if value.kind == "call" else value.data
    return isinstance(name, str) and _TEMPORARY.search(name) is not None


def _sessions(service: Service, facts: Facts, severity: Severity) -> Iterator[Finding]:
    loaded = {**service.served, **service.started}
    settings = frozenset(service.settings)
    for path, binding in facts.bindings():
        if (path not in loaded and path not in settings) or _DEVELOPMENT_CLASS.search(binding.owner):
            continue
        flask = binding.target == "SESSION_TYPE" and binding.value.text == "filesystem"
        django = binding.target == "SESSION_ENGINE" and binding.value.text == "django.contrib.sessions.backends.file"
        if (
            (flask or django)
            and not binding.guarded
            and not _stands_in_block(binding)
            and not _DEVELOPMENT.search(path)
        ):
            message = (
                "sessions are files on the container's disk: a second replica does not know who is logged in, and "
                "every deploy logs everybody out"
            )
            yield rule.at(path, binding.value.at, message, subject="sessions", symbol=binding.scope, severity=severity)


def _stands_in_block(binding: Binding) -> bool:
    """Whether a module's own name is bound further in, under a condition: where its value stands tells it."""
    return (
        binding.kind == "name" and not binding.scope and binding.value.at[1] - len(binding.target) - 4 in (2, 4, 8, 12)
    )


_DISK = "django.core.files.storage.FileSystemStorage"


def _is_disk(binding: Binding) -> bool:
    """Whether a setting names Django's default itself: the disk."""
    if binding.target == "DEFAULT_FILE_STORAGE":
        return binding.value.text == _DISK
    default = binding.value.entry("default")
    backend = default.entry("BACKEND") if default is not None else None
    return backend is not None and backend.text == _DISK


def _django(service: Service, facts: Facts, severity: Severity) -> Iterator[Finding]:
    """The first field for files, where no setting and no requirement names another storage than the disk."""
    if not service.settings or not _STORAGE_PACKAGES.isdisjoint(
        one.name for _, manifest in facts.manifests() for one in manifest.requirements
    ):
        return
    for _, binding in facts.bindings():
        if binding.target in ("DEFAULT_FILE_STORAGE", "STORAGES") and binding.kind != "key" and not _is_disk(binding):
            return
    fields = [
        (path, call)
        for path, call in facts.calls(*_FIELDS)
        if call.arg("storage") is None and not _ASIDE.search(path) and not call.is_open
    ]
    if fields:
        path, call = fields[0]
        settings = facts.file(service.settings[0]).python
        root = [one for one in settings.bindings if one.target == "MEDIA_ROOT"] if settings is not None else []
        related = (
            *((Span.of(service.settings[0], one.value.at), "the directory") for one in root[:1]),
            *((Span.of(other, one.at), "as well") for other, one in fields[1:4]),
        )
        message = (
            "uploads go to Django's default storage, the container's disk: they are lost with the container, and no "
            "other replica has them"
        )
        yield rule.at(path, call.at, message, subject="media", symbol=call.scope, related=related, severity=severity)
