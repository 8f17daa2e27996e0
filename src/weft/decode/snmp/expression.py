"""Arithmetic in profiles: ``total - free``, ``value * 10 ** (3 * (scale - 9))``, ``10 * log10(microwatts / 1000)``.

Parsed once, checked against the names that may stand in it, evaluated on whole columns. Where the result is not a
finite number there is no value. Knows numbers, names, ``+ - * / **``, brackets and a few functions; nothing else.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: np.float_power,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"log10": np.log10, "max": np.fmax, "min": np.fmin, "abs": np.abs}
_MOST_TEXT = 200


@dataclass(frozen=True)
class Expression:
    """A parsed expression and the names in it."""

    text: str
    names: frozenset[str]
    tree: ast.expr

    def evaluate(self, columns: Mapping[str, Column]) -> Column:
        """The values; NaN where there is none. Every name must be in ``columns``."""
        with np.errstate(all="ignore"):
            found = np.asarray(_evaluate(self.tree, columns), np.float64)
            return np.where(np.isfinite(found), found, np.nan)


def parse(text: str) -> Expression:
    """An expression. Raises ``ValueError`` that says what cannot stand in it."""
    if len(text) > _MOST_TEXT:
        raise ValueError(f"an expression of more than {_MOST_TEXT} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise ValueError(f"{text!r} is no arithmetic") from None
    names: set[str] = set()
    _check(tree, names, text)
    return Expression(text, frozenset(names), tree)


def _check(node: ast.expr, names: set[str], text: str) -> None:
    match node:
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id=name):
            names.add(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left, names, text)
            _check(right, names, text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            _check(operand, names, text)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            for argument in args:
                _check(argument, names, text)
        case _:
            known = ", ".join(sorted(_FUNCTIONS))
            raise ValueError(f"{text!r} holds more than names, numbers, + - * / ** and {known}")


def _evaluate(node: ast.expr, columns: Mapping[str, Column]) -> Any:
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return columns[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_evaluate(left, columns), _evaluate(right, columns))
        case ast.UnaryOp(operand=operand):
            return -_evaluate(operand, columns)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _FUNCTIONS[name](*(_evaluate(argument, columns) for argument in args))
    raise AssertionError(node)
