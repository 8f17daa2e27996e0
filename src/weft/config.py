"""All settings in one typed tree, from ``weft.yaml`` and the environment.

Comes in: a YAML file and ``WEFT_*`` variables. Goes out: one frozen ``Settings``. Each package declares its own section
(``weft/<package>/config.py``); unknown keys are rejected, and an error names the path, the line and the fix. Must never
touch anything but the file it is given.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError

from weft.api.config import ApiConfig
from weft.collect.config import CollectConfig
from weft.collect.configs.config import ConfigsConfig
from weft.collect.gnmi.config import GnmiConfig
from weft.collect.inventory.config import InventoryConfig
from weft.collect.push.config import PushConfig
from weft.collect.routing.config import RoutingConfig
from weft.collect.snmp.config import SnmpConfig
from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.syslog.config import SyslogConfig
from weft.component import Config
from weft.enrich.config import EnrichConfig
from weft.errors import ConfigError
from weft.query.config import QueryConfig
from weft.store.config import StoreConfig
from weft.twin.config import DemoConfig

DEFAULT_FILE = Path("weft.yaml")
#: Short names of the settings that are most often overridden, for containers and one-off runs.
SHORTHANDS = {"WEFT_HOST": ("api", "host"), "WEFT_PORT": ("api", "port"), "WEFT_DATA_DIR": ("data_dir",)}
PREFIX = "WEFT_"
SEPARATOR = "__"
SECRET_WORDS = ("password", "secret", "token")


class LogConfig(Config):
    """What Weft says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important level that is shown."""
    format: Literal["auto", "text", "json"] = "auto"
    """``auto``: readable on a terminal, JSON lines otherwise."""


class Settings(Config):
    """Everything that can be set."""

    data_dir: Path = Path("data")
    """Where Weft keeps what it stores: telemetry, state, spool. One process owns it at a time. ``WEFT_DATA_DIR``
    overrides it."""
    log: LogConfig = Field(default_factory=LogConfig)
    """What Weft says about itself."""
    collect: CollectConfig = Field(default_factory=CollectConfig)
    """Receiving telemetry."""
    snmp: SnmpConfig = Field(default_factory=SnmpConfig)
    """SNMP: polling devices, finding them, receiving their traps."""
    gnmi: GnmiConfig = Field(default_factory=GnmiConfig)
    """Streaming telemetry from devices, by gNMI."""
    inventory: InventoryConfig = Field(default_factory=InventoryConfig)
    """What the network is made of: files, NetBox, what is discovered, and whose word counts."""
    enrich: EnrichConfig = Field(default_factory=EnrichConfig)
    """What is added to it: AS, site, service, customer, application."""
    push: PushConfig = Field(default_factory=PushConfig)
    """Metrics, logs and changes that others push to the API."""
    syslog: SyslogConfig = Field(default_factory=SyslogConfig)
    """Receiving log messages."""
    routing: RoutingConfig = Field(default_factory=RoutingConfig)
    """BGP routes that routers tell of, and what RPKI says of them."""
    configs: ConfigsConfig = Field(default_factory=ConfigsConfig)
    """Configurations of devices and their changes."""
    synthetics: SyntheticsConfig = Field(default_factory=SyntheticsConfig)
    """Agents that test the network, and what they test."""
    store: StoreConfig = Field(default_factory=StoreConfig)
    """Where telemetry and state are kept."""
    query: QueryConfig = Field(default_factory=QueryConfig)
    """Bounds of one question."""
    api: ApiConfig = Field(default_factory=ApiConfig)
    """The API and the web UI."""
    demo: DemoConfig = Field(default_factory=DemoConfig)
    """The traffic of ``weft demo``."""


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: defaults, then the file, then the environment.

    The file is ``path``, else ``WEFT_CONFIG``, else ``./weft.yaml`` where there is one. Raises ``ConfigError``.
    """
    environment = os.environ if environment is None else environment
    chosen = path or (Path(environment["WEFT_CONFIG"]) if environment.get("WEFT_CONFIG") else None)
    if chosen is None and DEFAULT_FILE.exists():
        chosen = DEFAULT_FILE
    text = _read(chosen) if chosen else ""
    values = _parse(text, chosen)
    origins = _override(values, environment)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, chosen, text, origins) from None
    if settings.store.data_dir is None:
        store = settings.store.model_copy(update={"data_dir": settings.data_dir})
        return settings.model_copy(update={"store": store})
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"cannot be read: {reason}", where=str(path), fix="Name a readable file with --config or WEFT_CONFIG."
        ) from error


def _parse(text: str, path: Path | None) -> dict[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(
            f"is not YAML: {getattr(error, 'problem', error)}", where=where, fix="Check indentation, quotes and colons."
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError("must hold sections, such as `api:`", where=str(path), fix="See docs/configuration.md.")
    return values


def _override(values: dict[str, Any], environment: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Put the environment's settings into ``values``; returns which variable set which path."""
    origins: dict[tuple[str, ...], str] = {}
    for name, raw in sorted(environment.items()):
        path = SHORTHANDS.get(name)
        if path is None:
            if not name.startswith(PREFIX) or SEPARATOR not in name:
                continue
            path = tuple(part.lower() for part in name.removeprefix(PREFIX).split(SEPARATOR))
        elif not raw:
            continue
        _set(values, path, _scalar(name, raw), name)
        origins[path] = name
    return origins


def _scalar(name: str, raw: str) -> Any:
    """A variable's value as YAML, so that numbers, lists and maps can be given; plain text stays text."""
    try:
        return yaml.safe_load(raw) if raw else None
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML: {raw!r}", where=name, fix="Quote it as in weft.yaml.") from error


def _set(values: dict[str, Any], path: tuple[str, ...], value: Any, name: str) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise ConfigError(f"`{key}` holds no settings of its own", where=name, fix="See docs/configuration.md.")
    values[path[-1]] = value


def _explain(
    error: ValidationError, file: Path | None, text: str, origins: Mapping[tuple[str, ...], str]
) -> ConfigError:
    """The first problem, as a sentence with its place and its fix; further problems follow in the text."""
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    problems = [_problem(detail, file, text, origins) for detail in details]
    where, what, fix = problems[0]
    more = "".join(f"\n  also {w}: {t}. {f}" for w, t, f in problems[1:])
    return ConfigError(what, where=where, fix=fix + more)


def _problem(detail: Any, file: Path | None, text: str, origins: Mapping[tuple[str, ...], str]) -> tuple[str, str, str]:
    path = tuple(detail["loc"])
    dotted = ".".join(str(part) for part in path) or "settings"
    where = f"{_place(path, file, text, origins)}: {dotted}"
    if detail["type"] != "extra_forbidden":
        message = detail["msg"].removeprefix("Value error, ")
        given = detail.get("input")
        shown = "" if _secret(path) or isinstance(given, dict | list) or given is None else f", not {given!r}"
        return where, f"{message[0].lower()}{message[1:]}{shown}", _meaning(path)
    known = _known(path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    fix = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(known))}." if known else ""
    return where, "there is no such setting", fix


def _place(path: tuple[Any, ...], file: Path | None, text: str, origins: Mapping[tuple[str, ...], str]) -> str:
    for depth in range(len(path), 0, -1):
        if path[:depth] in origins:
            return origins[path[:depth]]
    line = _line(path, text)
    return f"{file}:{line}" if file and line else str(file or "settings")


def _line(path: tuple[Any, ...], text: str) -> int | None:
    """Line of the setting in the file; of the section that lacks it where it is missing."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def submodel(annotation: Any) -> type[BaseModel] | None:
    """The settings class within a field's type (``X``, ``X | None``, ``list[X]``, ``dict[str, X]``), if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := submodel(part))), None)


def _fields(path: tuple[Any, ...]) -> Iterator[tuple[str, type[BaseModel] | None, str]]:
    model: type[BaseModel] | None = Settings
    for part in path:
        field = model.model_fields.get(str(part)) if model else None
        if field is not None:
            model = submodel(field.annotation)
            yield str(part), model, field.description or ""


def _known(path: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] | None = Settings
    for _, model, _ in _fields(path):  # noqa: B007  # the last one is what we are after
        pass
    return list(model.model_fields) if model else []


def _meaning(path: tuple[Any, ...]) -> str:
    meaning = ""
    for _, _, meaning in _fields(path):  # noqa: B007
        pass
    return " ".join(meaning.split()) or "See docs/configuration.md."


def _secret(path: tuple[Any, ...]) -> bool:
    return any(word in str(part).lower() for part in path for word in SECRET_WORDS)


def dump_settings(settings: Settings) -> str:
    """The effective settings as YAML, secrets and passwords in URLs masked."""
    return yaml.safe_dump(plain(settings.model_dump(mode="python")), sort_keys=False, allow_unicode=True)


def plain(value: Any, key: str = "") -> Any:
    """A setting's value as YAML can hold it; secrets, and passwords in URLs, masked."""
    match value:
        case dict():
            return {str(k): plain(v, str(k)) for k, v in value.items()}
        case BaseModel():
            return plain(value.model_dump(mode="python"), key)
        case list() | tuple() | set() | frozenset():
            return [plain(v, key) for v in value]
        case SecretStr():
            return str(value)
        case str() if "://" in value and "@" in value:
            scheme, _, rest = value.partition("://")
            user, _, place = rest.rpartition("@")
            return f"{scheme}://{user.partition(':')[0]}:***@{place}"
        case bool() | int() | float() | str() | None:
            return value
        case _:
            return str(value)
