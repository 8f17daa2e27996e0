"""Boolean expressions over names: ``a and (b or not c)``, in three values: true, false, unknown (Kleene's logic)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"\s*(?:(\(|\)|&&|\|\||!)|([A-Za-z_][A-Za-z0-9_]*)|(\S))")
_ALIASES = {"&&": "and", "||": "or", "!": "not", "AND": "and", "OR": "or", "NOT": "not"}
_MOST_DEPTH = 20

#: False, unknown, true: *and* is the least of two, *or* the greatest, *not* the negative.
FALSE, UNKNOWN, TRUE = -1, 0, 1


class ExpressionError(ValueError):
    """An expression that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a condition."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Tree


@dataclass(frozen=True, slots=True)
class Both:
    """``and``, or ``or`` where ``either``."""

    left: Tree
    right: Tree
    either: bool


Tree = Name | Not | Both


def parse(text: str) -> Tree:
    """Read an expression; ``not`` binds closest, then ``and``, then ``or``. Raises ``ExpressionError``."""
    reader = _Reader(_tokens(text))
    tree = reader.alternatives(0)
    if reader.rest:
        raise ExpressionError(f"{reader.rest[0]!r} is not expected here")
    return tree


def names_in(tree: Tree) -> set[str]:
    """The names that it uses."""
    match tree:
        case Name(name):
            return {name}
        case Not(of):
            return names_in(of)
        case Both(left, right, _):
            return names_in(left) | names_in(right)


def value_of(tree: Tree, values: Mapping[str, NDArray[np.int8]]) -> NDArray[np.int8]:
    """The expression's value, elementwise over arrays of ``FALSE``, ``UNKNOWN`` and ``TRUE``."""
    match tree:
        case Name(name):
            return values[name]
        case Not(of):
            return (-value_of(of, values)).astype(np.int8)
        case Both(left, right, either):
            combine = np.maximum if either else np.minimum
            found: NDArray[np.int8] = combine(value_of(left, values), value_of(right, values))
            return found


def _tokens(text: str) -> list[str]:
    found = []
    for sign, word, wrong in _TOKEN.findall(text):
        if wrong:
            raise ExpressionError(f"{wrong!r} is not understood: write names, and, or, not, and parentheses")
        found.append(_ALIASES.get(sign or word, sign or word))
    return found


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def alternatives(self, depth: int) -> Tree:
        if depth > _MOST_DEPTH:
            raise ExpressionError("it is nested too deeply")
        tree = self._all(depth)
        while self._take("or"):
            tree = Both(tree, self._all(depth), either=True)
        return tree

    def _all(self, depth: int) -> Tree:
        tree = self._one(depth)
        while self._take("and"):
            tree = Both(tree, self._one(depth), either=False)
        return tree

    def _one(self, depth: int) -> Tree:
        if depth > _MOST_DEPTH:
            raise ExpressionError("it is nested too deeply")
        if self._take("not"):
            return Not(self._one(depth + 1))
        if self._take("("):
            tree = self.alternatives(depth + 1)
            if not self._take(")"):
                raise ExpressionError("a parenthesis is not closed")
            return tree
        if not self.rest:
            raise ExpressionError("something is missing at the end")
        name = self.rest.pop(0)
        if name in ("and", "or", ")"):
            raise ExpressionError(f"{name!r} is not expected here")
        return Name(name)

    def _take(self, token: str) -> bool:
        if self.rest and self.rest[0] == token:
            self.rest.pop(0)
            return True
        return False
