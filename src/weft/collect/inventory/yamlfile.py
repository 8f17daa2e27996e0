"""Reads an inventory file: YAML with every scalar as text, checked, each complaint with its line and what to do.

Scalars stay text until the schema says otherwise: ``country: NO`` is Norway, ``serial: 0012`` keeps its zeros.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from weft.collect.inventory.schema import InventoryFile
from weft.errors import InvalidInput
from weft.model.inventory import Fact, ObjectKind
from weft.model.naming import host_token, interface_token

MOST_BYTES = 64 * 1024 * 1024
_MOST_NODES = 3_000_000  # aliases count each time: a small file can describe a huge tree
_DEEPEST = 12
_MOST_PROBLEMS = 20
_MERGE = "<<"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file states, and what looks wrong without being so."""

    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)  # by kind


def load_file(path: Path) -> Loaded:
    """Read and check a file.

    Raises:
        InvalidInput: it cannot be used; the message names line and fix of the first problem, and lists more.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(f"is larger than {MOST_BYTES >> 20} MiB", where=str(path), fix="Split it.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidInput(f"cannot be read: {reason}", where=str(path), fix="Make it readable for Weft.") from None
    return load_text(text, str(path))


def load_text(text: str, name: str) -> Loaded:
    """As ``load_file``, of a text."""
    root = _compose(text, name)
    if root is None:
        return Loaded()
    values = _Plain(name).value(root, 0)
    if not isinstance(values, dict):
        raise InvalidInput(
            "must hold sections, such as `devices:`", where=f"{name}:1", fix=f"Sections: {', '.join(_SECTIONS)}."
        )
    try:
        checked = InventoryFile.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        raise _explained(error, root, name) from None
    placed = list(checked.facts())
    _refuse_repeated(placed, root, name)
    counts: dict[str, int] = {}
    for _, fact in placed:
        counts[fact.kind.value] = counts.get(fact.kind.value, 0) + 1
    return Loaded(tuple(fact for _, fact in placed), tuple(_warnings(placed, root, name)), counts)


_SECTIONS = tuple(InventoryFile.model_fields)


def _compose(text: str, name: str) -> Any:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or "too deep"
        raise InvalidInput(f"is not YAML: {what}", where=where, fix="Check indentation, quotes and colons.") from None


class _Plain:
    """Nodes as plain data."""

    def __init__(self, name: str) -> None:
        self._name, self._nodes = name, 0

    def value(self, node: Any, depth: int) -> Any:
        """Maps, lists, texts and None."""
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _DEEPEST:
            what = "nested too deeply" if depth > _DEEPEST else "holds too much"
            raise InvalidInput(what, where=f"{self._name}:{_line(node)}", fix="Check its aliases, or split it.")
        if isinstance(node, yaml.ScalarNode):
            plain = not node.style
            return None if plain and node.value in _NOTHING else node.value
        if isinstance(node, yaml.SequenceNode):
            return [self.value(one, depth + 1) for one in node.value]
        found: dict[str, Any] = {}
        for key, one in _pairs(node):
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidInput("a name must be a text", where=f"{self._name}:{_line(key)}", fix="Quote it.")
            if key.value in found:
                raise InvalidInput(
                    f"`{key.value}` is there twice", where=f"{self._name}:{_line(key)}", fix="Remove one of them."
                )
            if key.value == _MERGE:
                continue
            found[key.value] = self.value(one, depth + 1)
        for key, one in _pairs(node):
            if key.value == _MERGE:
                found = self._merged(one, depth) | found
        return {name: one for name, one in found.items() if one is not None or depth == 0}

    def _merged(self, node: Any, depth: int) -> dict[str, Any]:
        """What ``<<: *defaults`` brings in; of several the first wins."""
        parts = [self.value(one, depth + 1) for one in (node.value if isinstance(node, yaml.SequenceNode) else [node])]
        found: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, dict):
                raise InvalidInput(
                    "`<<` needs a map", where=f"{self._name}:{_line(node)}", fix="Give it an alias of one."
                )
            found = part | found
        return found


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    yield from node.value


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _line_of(place: Place, root: Any) -> int:
    """Line of a place in the file; of what is around it where it is missing."""
    node = root
    line = _line(root)
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, one) for key, one in _pairs(node) if getattr(key, "value", None) == str(part)), None)
            if found is None:
                break
            line, node = _line(found[0]), found[1]
        else:
            break
    return line


def _explained(error: ValidationError, root: Any, name: str) -> InvalidInput:
    problems = []
    for detail in error.errors(include_url=False)[:_MOST_PROBLEMS]:
        place = tuple(detail["loc"])
        where = f"{name}:{_line_of(place, root)}: {_dotted(place)}"
        problems.append((where, *_said(detail, place)))
    where, what, fix = problems[0]
    more = "".join(f"\n  also {w}: {t}. {f}".rstrip() for w, t, f in problems[1:])
    left = error.error_count() - len(problems)
    return InvalidInput(what, where=where, fix=fix + more + (f"\n  and {left} more" if left > 0 else ""))


def _dotted(place: Place) -> str:
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _said(detail: Any, place: Place) -> tuple[str, str]:
    """What is wrong, and what to do."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        known = _known(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
        fix = f"Did you mean `{close[0]}`?" if close else f"Known here: {', '.join(sorted(known))}."
        own = "" if close or len(place) < 2 else " Own words go under `attributes:`."
        return "there is no such word", fix + own
    if detail["type"] == "missing":
        return "is missing", "Add it."
    given = detail.get("input")
    shown = f", not {given!r}" if isinstance(given, str) and repr(given) not in message else ""
    return f"{message[0].lower()}{message[1:]}{shown}", ""


def _known(place: Place) -> list[str]:
    """Words that may stand at a place."""
    model: Any = InventoryFile
    for part in place:
        if isinstance(part, int):
            continue
        field_ = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = _model_in(field_.annotation) if field_ is not None else None
    return list(model.model_fields) if model is not None else []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for found in map(_model_in, get_args(annotation)) if found is not None), None)


def _refuse_repeated(placed: list[tuple[Place, Fact]], root: Any, name: str) -> None:
    """Two entries for one object contradict each other sooner or later."""
    seen: dict[tuple[str, ...], Place] = {}
    for place, fact in placed:
        key = _identity(fact)
        if key in seen:
            first = _line_of(seen[key], root)
            what = f"{fact.kind} {' '.join(filter(None, fact.key))} is there already, in line {first}"
            raise InvalidInput(what, where=f"{name}:{_line_of(place, root)}", fix="Make one entry of the two.")
        seen[key] = place


def _identity(fact: Fact) -> tuple[str, ...]:
    if fact.kind is ObjectKind.INTERFACE:
        return (fact.kind, fact.key[0].casefold(), interface_token(fact.key[1]))
    if fact.kind is ObjectKind.LINK:
        a, b = sorted(((fact.key[0].casefold(), interface_token(fact.key[1])),
                       (fact.key[2].casefold(), interface_token(fact.key[3]))))  # fmt: skip
        return (fact.kind, *a, *b, str(fact.attributes.get("circuit", "")) if not a[1] and not b[1] else "")
    return (fact.kind, *(part.casefold() for part in fact.key))


def _warnings(placed: list[tuple[Place, Fact]], root: Any, name: str) -> Iterator[str]:
    """References to what this file does not hold: another source may, or it is a typo."""
    names: dict[ObjectKind, set[str]] = {kind: set() for kind in ObjectKind}
    for _, fact in placed:
        names[fact.kind].add(host_token(fact.key[0])[0] if fact.kind is ObjectKind.DEVICE else fact.key[0].casefold())
    told = set()
    for place, fact in placed:
        for kind, text in _references(fact):
            folded = host_token(text)[0] if kind is ObjectKind.DEVICE else text.casefold()
            if text and names[kind] and folded not in names[kind] and (kind, folded) not in told:
                told.add((kind, folded))
                yield f"{name}:{_line_of(place, root)}: {kind} {text} is not in this file"


def _references(fact: Fact) -> Iterator[tuple[ObjectKind, str]]:
    for kind in (ObjectKind.SITE, ObjectKind.PROVIDER, ObjectKind.CIRCUIT, ObjectKind.SERVICE, ObjectKind.CUSTOMER):
        value = fact.attributes.get(kind.value)
        if isinstance(value, str):
            yield kind, value
    if fact.kind is ObjectKind.LINK:
        yield ObjectKind.DEVICE, fact.key[0]
        yield ObjectKind.DEVICE, fact.key[2]
