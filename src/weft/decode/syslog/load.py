"""Rule files: YAML to rules, with errors that name the file and the rule."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.decode.syslog.pattern import compile_expression, compile_text
from weft.decode.syslog.table import Change, Group, Parts, Rule, RuleTable, Value, key
from weft.errors import InvalidInput
from weft.model.logs import SEVERITIES
from weft.rulefile import parsed

_FILE_KEYS = {"os", "about", "kinds", "maps", "rules"}
_RULE_KEYS = {
    "event", "id", "program", "text", "regex", "contains", "fields", "component", "process", "severity", "change",
}  # fmt: skip
_EVENT = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\|([a-z_][a-z0-9_]*))?\}")
_SEVERITY_NUMBERS = {name: number for number, name in SEVERITIES.items()}
_NOTHING = {"", "N/A", "n/a", "None"}

Maps = Mapping[str, Mapping[str, Value]]

Cast = Callable[[str], Value]


def _number(text: str) -> Value:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


_CASTS: dict[str, Cast] = {
    "number": _number,
    "upper": str.upper,
    "lower": str.lower,
    "null": lambda text: None if text in _NOTHING else text,
    "joined": lambda text: "".join(text.split()),
}


def builtin_rules() -> list[Rule]:
    """The rules that come with Weft."""
    folder = importlib.resources.files("weft.decode.syslog") / "rules"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return [rule for one in files for rule in read_rules(one.name, one.read_text(encoding="utf-8"))]


def rule_table(own: Iterable[tuple[str, str]] = ()) -> RuleTable:
    """Own rule files (name, YAML) in front of the ones that come with Weft. Raises ``InvalidInput``."""
    rules = [rule for name, text in own for rule in read_rules(name, text)]
    return RuleTable([*rules, *sorted(builtin_rules(), key=lambda rule: -rule.rank)])


def read_rules(file: str, text: str) -> list[Rule]:
    """The rules of one file. Raises ``InvalidInput`` that names the file and the rule."""
    document = parsed((file, text))
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise InvalidInput("must hold a list `rules:`", where=file, fix="See docs/syslog.md.")
    if unknown := document.keys() - _FILE_KEYS:
        raise InvalidInput(f"there is no {sorted(unknown)}; known: {sorted(_FILE_KEYS)}", where=file)
    maps = document.get("maps") or {}
    rules = []
    for number, one in enumerate(document["rules"], 1):
        event = one.get("event") if isinstance(one, dict) else None
        try:
            rules.append(_rule(one, f"{file.rpartition('/')[2].removesuffix('.yaml')} {number}", document, maps))
        except InvalidInput as error:
            where = f"{file}: rule {number}" + (f" ({event})" if event else "")
            raise InvalidInput(error.what, where=where, fix="See docs/syslog.md.") from error
    return rules


def _rule(one: Any, name: str, document: Mapping[str, Any], maps: Maps) -> Rule:
    if not isinstance(one, dict):
        raise InvalidInput("a rule is a map with `event:`")
    if unknown := one.keys() - _RULE_KEYS:
        raise InvalidInput(f"there is no {sorted(map(str, unknown))}; known: {sorted(_RULE_KEYS)}")
    event = one.get("event")
    if not isinstance(event, str) or not _EVENT.match(event):
        raise InvalidInput("`event` is a name in capitals, such as INTERFACE_DOWN")
    if "text" in one and "regex" in one:
        raise InvalidInput("has both `text` and `regex`")
    pattern, anywhere, word = None, False, ""
    if "text" in one:
        pattern, anywhere, word = compile_text(str(one["text"]), document.get("kinds") or {})
    elif "regex" in one:
        pattern, anywhere, word = compile_expression(str(one["regex"]))
    ids, programs = _words(one.get("id")), _words(one.get("program"))
    words = _words(one.get("contains")) or (word,)
    if pattern is None and not ids:
        raise InvalidInput("needs `id`, `text` or `regex`")
    groups = dict(pattern.groupindex) if pattern is not None else {}
    fields = one.get("fields") or {}
    if not isinstance(fields, dict):
        raise InvalidInput("`fields` is a map of paths to values")
    return Rule(
        name=name, event=event, os=str(document.get("os", "")), ids=ids, programs=programs, pattern=pattern,
        anywhere=anywhere, words=words, component=tuple(_parts(str(one.get("component", "")), groups, maps)),
        process=tuple(_parts(str(one["process"]), groups, maps)) if "process" in one else (),
        fields=tuple((_path(str(path), groups, maps), _value(value, groups, maps)) for path, value in fields.items()),
        severity=_severity(one.get("severity")), change=_change(one.get("change"), groups, maps),
        rank=4 * bool(ids) + 2 * bool(programs) + (bool(ids) and not any("*" in one for one in ids)),
    )  # fmt: skip


def _words(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return tuple(str(word) for word in given) if isinstance(given, list) else (str(given),)


def _severity(given: Any) -> int | None:
    if given is None:
        return None
    number = _SEVERITY_NUMBERS.get(str(given), given)
    if number not in SEVERITIES:
        raise InvalidInput(f"`severity` is one of {', '.join(SEVERITIES.values())}")
    return int(number)


def _change(given: Any, groups: Mapping[str, int], maps: Maps) -> Change | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.keys() - {"author", "title"}:
        raise InvalidInput("`change` is a map with `author` and `title`")
    author, title = (tuple(_parts(str(given.get(name, "")), groups, maps)) for name in ("author", "title"))
    return Change(author, title)


def _parts(text: str, groups: Mapping[str, int], maps: Maps, last: Cast | None = None) -> list[str | Group]:
    """Texts and groups of ``text``; ``last`` is done to every group's text."""
    parts: list[str | Group] = []
    at = 0
    for place in _PLACE.finditer(text):
        if place.start() > at:
            parts.append(text[at : place.start()])
        parts.append((_group(place[1], groups), _both(_cast(place[2], maps), last)))
        at = place.end()
    if at < len(text) or not parts:
        parts.append(text[at:])
    return parts


def _path(text: str, groups: Mapping[str, int], maps: Maps) -> Parts:
    """``a/b/{name}/c`` → ``a/b[`` group ``]/c``."""
    pieces: list[str | Group] = []
    for number, step in enumerate(text.split("/")):
        if _PLACE.search(step):
            pieces += ["[", *_parts(step, groups, maps, key), "]"]
        else:
            pieces.append(("/" if number else "") + step)
    merged: list[str | Group] = []
    for piece in pieces:
        if merged and isinstance(piece, str) and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return tuple(merged)


def _both(first: Cast | None, then: Cast | None) -> Cast | None:
    if first is None or then is None:
        return first or then
    return lambda text: then(str(first(text)))


def _value(value: Any, groups: Mapping[str, int], maps: Maps) -> Any:
    if not isinstance(value, str):
        if value is None or isinstance(value, bool | int | float):
            return value
        raise InvalidInput("a field's value is a text, a number, true or false")
    place = _PLACE.fullmatch(value)
    if place is None:
        return value
    return _group(place[1], groups), _cast(place[2], maps)


def _cast(name: str | None, maps: Maps) -> Cast | None:
    if not name:
        return None
    if name in _CASTS:
        return _CASTS[name]
    if name in maps:
        table = {str(key): value for key, value in maps[name].items()}
        return lambda text: table.get(text, text)
    raise InvalidInput(f"`|{name}` is neither one of {', '.join(sorted(_CASTS))} nor a map of the file")


def _group(name: str, groups: Mapping[str, int]) -> int:
    if name not in groups:
        raise InvalidInput(f"`{{{name}}}` is not in its `text`; there: {', '.join(groups) or 'nothing'}")
    return groups[name]
