"""JSON values as leaves: objects and lists are walked, entries of lists get their keys, places are found but once."""

from __future__ import annotations

from typing import Any

import orjson

from weft.decode.gnmi.mapping import PathMapping
from weft.decode.gnmi.paths import SONIC_DATABASES, bare
from weft.decode.gnmi.tree import Node, Tree
from weft.decode.gnmi.values import Scalar, list_text

_DEEPEST = 64


class JsonTree:
    """Finds the node of every leaf in JSON values of one target."""

    def __init__(self, tree: Tree, mapping: PathMapping) -> None:
        self._tree, self._mapping = tree, mapping
        self._refused = 0
        self._verbatim = False

    def take_refused(self) -> int:
        """Leaves for which there was no room since the last call."""
        refused, self._refused = self._refused, 0
        return refused

    def leaves(self, node: Node, content: bytes) -> list[tuple[Node, Scalar]] | None:
        """Every leaf of a JSON text at ``node``; none if it is not JSON."""
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            return None
        elements = node.elements
        self._verbatim = bool(elements) and elements[0][0] in SONIC_DATABASES
        if isinstance(value, dict) and len(value) == 1 and elements:
            name, inner = next(iter(value.items()))
            if bare(name) == elements[-1][0] and isinstance(inner, dict | list):  # the value repeats its own name
                value = inner
        found: list[tuple[Node, Scalar]] = []
        self._any(node, value, 0, found)
        return found

    def _any(self, node: Node, value: Any, depth: int, found: list[tuple[Node, Scalar]]) -> None:
        kind = type(value)
        if kind is str:
            found.append((node, value))
        elif kind is dict:
            self._object(node, value, depth, found)
        elif kind is list:
            self._list(node, value, depth, found)
        elif kind is int:
            found.append((node, float(value)))
        elif value is None:
            found.append((node, True))  # the type ``empty``: it is there
        else:
            found.append((node, value))

    def _object(
        self, node: Node, value: dict[str, Any], depth: int, found: list[tuple[Node, Scalar]],
        skip: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        if depth > _DEEPEST:
            self._refused += 1
            return
        members = node.members
        if members is None:
            members = node.members = {}
        for name, inner in value.items():
            child = members.get(name)
            if child is None:
                if name.startswith("@") or name in skip:  # annotations (RFC 7952); keys, which the path has
                    continue
                child = self._tree.child(node, (name if self._verbatim else bare(name), ()))
                if child is None:
                    self._refused += 1
                    continue
                members[name] = child
            if type(inner) is str:
                found.append((child, inner))
            else:
                self._any(child, inner, depth + 1, found)

    def _list(self, node: Node, values: list[Any], depth: int, found: list[tuple[Node, Scalar]]) -> None:
        if values == [None]:
            found.append((node, True))
            return
        if not any(isinstance(value, dict | list) for value in values):
            found.append((node, list_text(values)))
            return
        name, parent = node.element[0], node.parent
        for i, value in enumerate(values):
            if not isinstance(value, dict) or parent is None:
                self._refused += 1
                continue
            named = {bare(key): inner for key, inner in value.items()}
            keys = self._mapping.list_key(name, named)
            element = tuple(sorted((key, str(named[key])) for key in keys)) or (("entry", str(i)),)
            child = self._tree.child(parent, (name, element))
            if child is None:
                self._refused += 1
                continue
            spelled = tuple(key for key in value if bare(key) in keys)
            self._object(child, value, depth + 1, found, spelled)
