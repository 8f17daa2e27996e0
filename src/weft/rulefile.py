"""Files of rules that come with Weft and that people may add to: device profiles, mappings, platforms, log rules.

Comes in: a path. Goes out: texts, and values checked against a schema. Complaints are ``ConfigError`` and name the
file, the place in it and what to do. Reading is here, so that decoders, which do no I/O, are handed texts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from weft.errors import ConfigError

#: A file's path and what it says.
Text = tuple[str, str]

_Model = TypeVar("_Model", bound=BaseModel)
_MOST_BYTES = 1 << 20
_MOST_PROBLEMS = 6
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_file(path: Path) -> Text:
    """A file of the user's. Raises ``ConfigError``."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"is larger than {_MOST_BYTES >> 20} MiB", where=str(path), fix="Split it.")
        return str(path), path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"cannot be read: {reason}", where=str(path), fix="Make it a readable text file.") from None


def read_folder(directory: Path | None, setting: str) -> tuple[Text, ...]:
    """The YAML files of the directory that ``setting`` names, in the order of their names. Raises ``ConfigError``."""
    if directory is None:
        return ()
    if not directory.is_dir():
        raise ConfigError("is no directory", where=f"{setting} {directory}", fix="Make it, or unset it.")
    return tuple(read_file(path) for path in sorted((*directory.glob("*.yaml"), *directory.glob("*.yml"))))


def parsed(text: Text) -> Any:
    """The YAML of a text as plain values. Raises ``ConfigError``."""
    where, content = text
    try:
        return yaml.load(content, _LOADER)  # noqa: S506  either is a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = f"is not YAML: {getattr(error, 'problem', None) or error}"
        fix = "Check indentation, quotes and colons."
        raise ConfigError(what, where=f"{where}:{mark.line + 1}" if mark else where, fix=fix) from None


def checked(model: type[_Model], text: Text, *, fix: str) -> _Model:
    """A text as ``model``. Raises ``ConfigError`` with the first problems; keys that do not exist come first."""
    values = parsed(text)
    try:
        return model.model_validate({} if values is None else values)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
        problems = [_problem(detail) for detail in details[:_MOST_PROBLEMS]]
        place, what = problems[0]
        more = "".join(f"\n  also {where}: {also}" for where, also in problems[1:])
        raise ConfigError(what, where=f"{text[0]}: {place}", fix=fix + more) from None


def _problem(detail: Any) -> tuple[str, str]:
    place = ".".join(str(part) for part in detail["loc"]) or "the file"
    if detail["type"] == "extra_forbidden":
        return place, "there is no such key"
    return place, detail["msg"].removeprefix("Value error, ")
