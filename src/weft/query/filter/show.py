"""Tree to text: the canonical way to write a filter. ``parse(show(tree))`` is the same tree."""

from __future__ import annotations

import json
import re

from weft.query.catalogue import Dataset, Dimension, Either
from weft.query.filter.parse import KEYWORDS
from weft.query.filter.tree import And, Columns, Compare, Node, Not, Or
from weft.query.names import Value, value_text

_BARE = re.compile(r"[^\s()=!<>,\"'&|~\\]+")


def show(node: Node | None, dataset: Dataset) -> str:
    """Canonical text; empty for None."""
    return "" if node is None else _show(node, dataset)


def _show(node: Node, dataset: Dataset) -> str:
    if isinstance(node, Or):
        return " OR ".join(_inside(item, dataset, Or) for item in node.items)
    if isinstance(node, And):
        return " AND ".join(_inside(item, dataset, And) for item in node.items)
    if isinstance(node, Not):
        return f"NOT {_inside(node.item, dataset, Not)}"
    if isinstance(node, Columns):
        return f"{node.field} {node.operator} {node.other}"
    return _show_compare(node, dataset)


def _inside(item: Node, dataset: Dataset, parent: type[Node]) -> str:
    """``item`` as a part of ``parent``: in parentheses where it binds less tightly."""
    loose = isinstance(item, Or) or (isinstance(item, And) and parent is not Or)
    return f"({_show(item, dataset)})" if loose else _show(item, dataset)


def _show_compare(node: Compare, dataset: Dataset) -> str:
    field = dataset.field(node.field)
    assert field is not None
    dimension = field.sides[0] if isinstance(field, Either) else field
    many = node.operator in ("IN", "NOT IN") or len(node.values) > 1
    values = ", ".join(quote(value_text(dimension, v), dataset, v) for v in node.values)
    return f"{node.field} {node.operator} {f'({values})' if many else values}"


def quote(text: str, dataset: Dataset, value: Value | None = None) -> str:
    """``text`` bare where it reads back as itself, else in double quotes (as JSON does, non-ASCII kept)."""
    if isinstance(value, str):
        names_field = isinstance(dataset.field(text), Dimension)
        bare = _BARE.fullmatch(text) and text.lower() not in KEYWORDS and not names_field
    else:
        bare = _BARE.fullmatch(text) and not isinstance(dataset.field(text), Dimension)
    return text if bare else json.dumps(text, ensure_ascii=False)
