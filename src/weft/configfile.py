"""Settings read from ``weft.yaml`` and the environment into a typed tree, whichever part of it a process needs.

Comes in: a YAML file and ``WEFT_*`` variables. Goes out: a frozen model, or a ``ConfigError`` that names the path, the
line and the fix. ``weft.config`` reads all settings with it; a process that must stay small (``weft agent``) its own.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from weft.errors import ConfigError

DEFAULT_FILE = Path("weft.yaml")
#: Short names of the settings that are most often overridden, for containers and one-off runs.
SHORTHANDS = {"WEFT_HOST": ("api", "host"), "WEFT_PORT": ("api", "port"), "WEFT_DATA_DIR": ("data_dir",)}
PREFIX = "WEFT_"
SEPARATOR = "__"
SECRET_WORDS = ("password", "secret", "token")

_Model = TypeVar("_Model", bound=BaseModel)


def load(model: type[_Model], path: Path | None = None, environment: Mapping[str, str] | None = None) -> _Model:
    """Read settings: defaults, then the file, then the environment.

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
        return model.model_validate(values)
    except ValidationError as error:
        raise _explain(error, model, chosen, text, origins) from None


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
    error: ValidationError, model: type[BaseModel], file: Path | None, text: str, origins: Mapping[tuple[str, ...], str]
) -> ConfigError:
    """The first problem, as a sentence with its place and its fix; further problems follow in the text."""
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    problems = [_problem(detail, model, file, text, origins) for detail in details]
    where, what, fix = problems[0]
    more = "".join(f"\n  also {w}: {t}. {f}" for w, t, f in problems[1:])
    return ConfigError(what, where=where, fix=fix + more)


def _problem(
    detail: Any, model: type[BaseModel], file: Path | None, text: str, origins: Mapping[tuple[str, ...], str]
) -> tuple[str, str, str]:
    path = tuple(detail["loc"])
    dotted = ".".join(str(part) for part in path) or "settings"
    where = f"{_place(path, file, text, origins)}: {dotted}"
    if detail["type"] != "extra_forbidden":
        message = detail["msg"].removeprefix("Value error, ")
        given = detail.get("input")
        shown = "" if _secret(path) or isinstance(given, dict | list) or given is None else f", not {given!r}"
        return where, f"{message[0].lower()}{message[1:]}{shown}", _meaning(model, path)
    known = _known(model, path[:-1])
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


def _fields(root: type[BaseModel], path: tuple[Any, ...]) -> Iterator[tuple[str, type[BaseModel] | None, str]]:
    model: type[BaseModel] | None = root
    for part in path:
        field = model.model_fields.get(str(part)) if model else None
        if field is not None:
            model = submodel(field.annotation)
            yield str(part), model, field.description or ""


def _known(root: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] | None = root
    for _, model, _ in _fields(root, path):  # noqa: B007  # the last one is what we are after
        pass
    return list(model.model_fields) if model else []


def _meaning(root: type[BaseModel], path: tuple[Any, ...]) -> str:
    meaning = ""
    for _, _, meaning in _fields(root, path):  # noqa: B007
        pass
    return " ".join(meaning.split()) or "See docs/configuration.md."


def _secret(path: tuple[Any, ...]) -> bool:
    return any(word in str(part).lower() for part in path for word in SECRET_WORDS)
