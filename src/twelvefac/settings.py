"""The tool's own settings: plain defaults, or a configuration file and ``TWELVEFAC_*`` variables, checked once.

Most runs have neither and must not pay for pydantic-settings, whose import costs more than the audit of a small
service: ``load`` imports it only when there is something to check.
"""

import os
from dataclasses import dataclass, field, fields
from typing import Any

from twelvefac.errors import UsageError
from twelvefac.source.toml import parse_toml
from twelvefac.source.visible import visible

CONFIG_NAMES = ("twelvefac.toml", "pyproject.toml")
"""Where the configuration may be, in this order; in pyproject.toml it is the table ``tool.twelvefac``."""
FAIL_ON = ("high", "medium", "low", "never")
_PREFIX = "TWELVEFAC_"
_MOST_BYTES = 500_000


@dataclass(frozen=True)
class IgnoreEntry:
    """``[[ignore]]``: rule, path pattern, subject pattern, reason and an optional last day."""

    rule: str
    reason: str
    path: str = "*"
    subject: str = "*"
    until: str = ""


@dataclass(frozen=True)
class Settings:
    """The defaults are the whole configuration of most users."""

    fail_on: str = "low"
    disable: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict_suppressions: bool = False
    cache: bool = True
    ignore: tuple[IgnoreEntry, ...] = ()
    source: str = field(default="", compare=False)


_NAMES = tuple(one.name.replace("_", "-") for one in fields(Settings) if one.name != "source")


def load(folder: str) -> Settings:
    """The settings for auditing ``folder``: its configuration file, and the environment above it.

    Raises UsageError naming the file, and the line where it is known.
    """
    path, table = _read(folder)
    variables = [name for name in os.environ if name.startswith(_PREFIX)]
    _check_known(variables)
    if not table and not variables:
        return Settings(source=path)
    return _validated(path, table)


def _check_known(variables: list[str]) -> None:
    """Raise UsageError for a variable that sets nothing: a misspelt one would be a gate that is open."""
    known = [_PREFIX + name.replace("-", "_").upper() for name in _NAMES]
    for name in variables:
        if name.upper() not in known:
            from difflib import get_close_matches

            close = get_close_matches(name.upper(), known, 1, 0.0)
            raise UsageError(
                f"environment variable {visible(name)}: no setting is called so; did you mean {close[0]}?",
                hint=f"settings: {', '.join(_NAMES)}",
            )


def _read(folder: str) -> tuple[str, dict[str, Any]]:
    for name in CONFIG_NAMES:
        path = os.path.join(folder, name)
        data = _content(path, folder)
        if data is None:
            continue
        if name == "pyproject.toml" and b"twelvefac" not in data:
            continue
        try:
            table = parse_toml(data.decode("utf-8"))
        except ValueError as error:
            raise UsageError(f"{path} is not valid TOML: {error}") from None
        if name == "pyproject.toml":
            tools = table.get("tool", {})
            table = tools.get("twelvefac", {}) if isinstance(tools, dict) else {}
            if not isinstance(table, dict):
                raise UsageError(f"{path}: tool.twelvefac must be a table")
            if not table:
                continue
        return path, table
    return "", {}


def _content(path: str, folder: str) -> bytes | None:
    """The file's bytes; None where there is none, or only something that is no file of this directory."""
    if not os.path.isfile(path) or not _is_inside(path, folder):
        if os.path.islink(path) and path.endswith(CONFIG_NAMES[0]):
            raise UsageError(f"{path} is a link that leads out of the audited directory")
        return None
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if len(data) <= _MOST_BYTES:
        return data
    if path.endswith(CONFIG_NAMES[0]):
        raise UsageError(f"{path} is larger than {_MOST_BYTES} bytes")
    return None


def _is_inside(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder).rstrip("/") + "/")


def _dated(value: Any) -> Any:
    """TOML has dates of its own: ``until = 2027-01-01``."""
    from datetime import date

    if isinstance(value, list):
        return [_dated(item) for item in value]
    if isinstance(value, dict):
        return {key: _dated(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _validated(path: str, table: dict[str, Any]) -> Settings:
    from typing import Literal

    from pydantic import BaseModel, ConfigDict, ValidationError
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

    class Ignore(BaseModel):
        model_config = ConfigDict(extra="forbid")
        rule: str
        reason: str
        path: str = "*"
        subject: str = "*"
        until: str = ""

    class Model(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid")
        fail_on: Literal["high", "medium", "low", "never"] = "low"
        disable: tuple[str, ...] = ()
        exclude: tuple[str, ...] = ()
        strict_suppressions: bool = False
        cache: bool = True
        ignore: tuple[Ignore, ...] = ()

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """The environment is above the file."""
            del settings_cls, dotenv_settings, file_secret_settings
            return env_settings, init_settings

    try:
        model = Model(**{key.replace("-", "_"): _dated(value) for key, value in table.items()})
    except ValidationError as error:
        first = error.errors()[0]
        where = visible(".".join(str(part).replace("_", "-") for part in first["loc"]))
        variable = f"{_PREFIX}{first['loc'][0]}".upper()
        place = f"environment variable {variable}" if variable in os.environ else f"{path}: setting {where}"
        raise UsageError(f"{place}: {first['msg'].lower()}", hint=f"settings: {', '.join(_NAMES)}") from None
    except Exception as error:  # pydantic-settings raises its own kinds for malformed variables
        if type(error).__name__ != "SettingsError":
            raise
        raise UsageError(f"environment: {error}", hint="lists are JSON: TWELVEFAC_EXCLUDE='[\"legacy/*\"]'") from None
    return Settings(
        fail_on=model.fail_on,
        disable=model.disable,
        exclude=model.exclude,
        strict_suppressions=model.strict_suppressions,
        cache=model.cache,
        ignore=tuple(IgnoreEntry(one.rule, one.reason, one.path, one.subject, one.until) for one in model.ignore),
        source=path,
    )
