"""The typed tree of a filter. Fields are names of the catalogue; values have been read as what their field holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weft.query.names import Value


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not it."""

    item: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against values: one, or for lists (``IN``, ``<<``, ``HAS``) one or more."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A field against another field of the same row."""

    field: str
    operator: str
    other: str


Node = And | Or | Not | Compare | Columns


def leaves(node: Node | None) -> Iterator[Compare | Columns]:
    """Every comparison of the tree, left to right."""
    if node is None:
        return
    if isinstance(node, (And, Or)):
        for item in node.items:
            yield from leaves(item)
    elif isinstance(node, Not):
        yield from leaves(node.item)
    else:
        yield node
