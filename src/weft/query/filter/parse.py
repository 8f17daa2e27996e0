"""Text to tree: a small LALR grammar, then every name and value is read as what its field holds.

Comes in: a filter and the ``Dataset`` whose fields it may name. Goes out: a ``Node``, or a ``FilterError`` that says
where, what was expected and what was probably meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from weft.errors import InvalidInput
from weft.model.tables import Kind
from weft.query.catalogue import Dataset, Dimension, Either, suggestion
from weft.query.filter.search import pattern_problem, words_problem
from weft.query.filter.tree import And, Columns, Compare, Node, Not, Or
from weft.query.names import Value, read_prefix, read_value

MAX_DEPTH = 40
MAX_VALUES = 1000

GRAMMAR = r"""
start: [either]
either: both (_OR both)*
both: one (_AND one)*
?one: _NOT one -> negated
    | "(" either ")"
    | WORD COMPARE value -> compare
    | WORD _IN values -> is_in
    | WORD _NOT _IN values -> not_in
    | WORD MATCH value -> match
    | WORD _NOT MATCH value -> not_match
    | WORD PREFIX (value | values) -> prefix
    | WORD WORDS value -> words
?values: "(" value ("," value)* [","] ")"
value: WORD | STRING

COMPARE.3: "!=" | "<=" | ">=" | "<" | ">" | "="
PREFIX.4: "!<<" | "<<"
WORDS.4: "!~" | "~"
_AND.2: /and(?![^\s()=!<>,"'&|~])/i | "&&"
_OR.2: /or(?![^\s()=!<>,"'&|~])/i | "||"
_NOT.2: /not(?![^\s()=!<>,"'&|~])/i
_IN.2: /in(?![^\s()=!<>,"'&|~])/i
MATCH.2: /(i?like|has|matches)(?![^\s()=!<>,"'&|~])/i
STRING: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
WORD: /[^\s()=!<>,"'&|~]+/
%import common.WS
%ignore WS
"""
KEYWORDS = ("and", "or", "not", "in", "like", "ilike", "has", "matches")
_EXPECTED = {
    "WORD": "a field or a value", "STRING": "a quoted value", "COMPARE": "an operator (=, !=, <, <=, >, >=)",
    "PREFIX": "<<", "MATCH": "LIKE or HAS", "WORDS": "~", "_AND": "AND", "_OR": "OR", "_NOT": "NOT", "_IN": "IN",
    "LPAR": "(", "RPAR": ")", "COMMA": ",", "$END": "the end",
}  # fmt: skip


class FilterError(InvalidInput):
    """A filter that cannot be understood; ``position`` and ``end`` say where in it (characters from 0)."""

    def __init__(self, what: str, text: str, position: int, end: int | None = None, fix: str | None = None) -> None:
        self.position, self.end = position, position + 1 if end is None else end
        super().__init__(what, where=f"filter, character {position + 1}", fix=fix)
        self.text = text


@dataclass(frozen=True, slots=True)
class Raw:
    """A value as written."""

    text: str
    quoted: bool
    start: int
    end: int


class _Fail(Exception):
    def __init__(self, what: str, token: Token | Raw, fix: str | None = None) -> None:
        super().__init__(what)
        if isinstance(token, Raw):
            start, end = token.start, token.end
        else:
            start, end = token.start_pos or 0, token.end_pos or 0
        self.what, self.start, self.end, self.fix = what, start, end, fix


def parse(text: str, dataset: Dataset) -> Node | None:
    """The tree of ``text``; None when it is blank. Raises ``FilterError``."""
    try:
        tree = _lark().parse(text)
        node: Node | None = _Build(dataset).transform(tree)
    except VisitError as error:
        fail = error.orig_exc
        if not isinstance(fail, _Fail):
            raise
        raise FilterError(fail.what, text, fail.start, fail.end, fail.fix) from None
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None
    except RecursionError:
        raise FilterError("too deeply nested", text, 0, len(text), "use fewer parentheses") from None
    if node is not None and _depth(node) > MAX_DEPTH:
        raise FilterError("too deeply nested", text, 0, len(text), f"use at most {MAX_DEPTH} levels")
    return node


@cache
def _lark() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=False, maybe_placeholders=False)


def _depth(node: Node) -> int:
    depth, level = 0, [node]
    while level:
        depth += 1
        level = [
            child
            for n in level
            for child in (n.items if isinstance(n, (And, Or)) else (n.item,) if isinstance(n, Not) else ())
        ]
    return depth


def _syntax_error(error: UnexpectedInput, text: str) -> FilterError:
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        if text[position] in "\"'":
            return FilterError("a quote that is never closed", text, position, len(text), "add the closing quote")
        return FilterError(f"unexpected {text[position]!r}", text, position, position + 1, _expected(error.allowed))
    if isinstance(error, UnexpectedToken):
        token = error.token
        accepts = error.accepts or error.expected
        if token.type == "$END":
            return FilterError("the filter ends too early", text, len(text), len(text) + 1, _expected(accepts))
        position = token.start_pos or 0
        return FilterError(f"unexpected {str(token)!r}", text, position, position + len(token), _expected(accepts))
    assert isinstance(error, UnexpectedEOF)
    return FilterError("the filter ends too early", text, len(text), len(text) + 1)


def _expected(terminals: set[str]) -> str:
    names = [shown for name, shown in _EXPECTED.items() if name in terminals]
    if terminals >= {"COMPARE", "_IN"}:
        return "expected an operator: =, !=, <, <=, >, >=, IN, NOT IN, LIKE, <<"
    return f"expected {', '.join(names)}" if names else ""


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """From lark's tree to ours. Private methods are named after the grammar's rules."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self._dataset = dataset

    def start(self, node: Node | None = None) -> Node | None:
        return node

    def either(self, *items: Node) -> Node:
        return items[0] if len(items) == 1 else Or(tuple(_flat(items, Or)))

    def both(self, *items: Node) -> Node:
        return items[0] if len(items) == 1 else And(tuple(_flat(items, And)))

    def negated(self, item: Node) -> Node:
        return Not(item)

    def value(self, token: Token) -> Raw:
        start, end = token.start_pos or 0, token.end_pos or 0
        if token.type == "STRING":
            return Raw(_unquote(str(token)), True, start, end)
        return Raw(str(token), False, start, end)

    def values(self, *values: Raw) -> list[Raw]:
        return list(values)

    def compare(self, word: Token, operator: Token, raw: Raw) -> Node:
        field = self._field(word)
        _check_operator(field, str(operator), operator)
        if (other := self._column(field, raw)) is not None:
            return Columns(field.name, str(operator), other.name)
        return self._compare(field, str(operator), [raw])

    def is_in(self, word: Token, values: Raw | list[Raw]) -> Node:
        return self._compare(self._field(word), "IN", values)

    def not_in(self, word: Token, values: Raw | list[Raw]) -> Node:
        return self._compare(self._field(word), "NOT IN", values)

    def match(self, word: Token, operator: Token, raw: Raw) -> Node:
        field = self._field(word)
        _check_operator(field, str(operator).upper(), operator)
        return self._compare(field, str(operator).upper(), [raw])

    def not_match(self, word: Token, operator: Token, raw: Raw) -> Node:
        field = self._field(word)
        _check_operator(field, f"NOT {str(operator).upper()}", operator)
        return self._compare(field, f"NOT {str(operator).upper()}", [raw])

    def prefix(self, word: Token, operator: Token, values: Raw | list[Raw]) -> Node:
        field = self._field(word)
        _check_operator(field, str(operator), operator)
        return self._compare(field, str(operator), values)

    def words(self, word: Token, operator: Token, raw: Raw) -> Node:
        return self.match(word, operator, raw)

    def _field(self, word: Token) -> Dimension | Either:
        found = self._dataset.field(str(word))
        if found is None:
            known = (*self._dataset.dimensions, *self._dataset.either)
            raise _Fail(f"unknown field {str(word)!r}", word, suggestion(str(word), known) or "see docs/filter.md")
        return found

    def _column(self, field: Dimension | Either, raw: Raw) -> Dimension | None:
        """The field that an unquoted value names, if comparing the two makes sense."""
        if raw.quoted:
            return None
        other = self._dataset.field(raw.text)
        if not isinstance(other, Dimension):
            return None
        return other if _comparable(_dimension_of(field), other) else None

    def _compare(self, field: Dimension | Either, operator: str, values: Raw | list[Raw]) -> Node:
        raws = [values] if isinstance(values, Raw) else values
        if len(raws) > MAX_VALUES:
            raise _Fail(f"more than {MAX_VALUES} values", raws[MAX_VALUES], "use a prefix, a range or an attribute")
        dimension = _dimension_of(field)
        read = tuple(self._read(dimension, operator, raw) for raw in raws)
        if operator in ("IN", "NOT IN", "<<", "!<<"):
            read = tuple(dict.fromkeys(read))
        return Compare(field.name, operator, read)

    def _read(self, dimension: Dimension, operator: str, raw: Raw) -> Value:
        if operator in ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"):
            return raw.text
        if operator in ("~", "!~", "MATCHES", "NOT MATCHES"):
            if problem := (words_problem if "~" in operator else pattern_problem)(raw.text):
                raise _Fail(problem, raw, 'expected words such as "link down"' if "~" in operator else None)
            return raw.text
        try:
            value = read_prefix(raw.text) if operator in ("<<", "!<<") else read_value(dimension, raw.text)
        except ValueError as error:
            fix = str(error)
            if dimension.values:
                fix = suggestion(raw.text, dimension.values.values()) or fix
            raise _Fail(f"{raw.text!r} is no {dimension.title[:1].lower() + dimension.title[1:]}", raw, fix) from None
        if operator in ("<", "<=", ">", ">=", "HAS", "NOT HAS") and not isinstance(value, int | float):
            raise _Fail(f"{operator} needs one number", raw, "expected a number, not a range")
        return value


def _flat(items: Sequence[Node], kind: type[And] | type[Or]) -> list[Node]:
    return [part for item in items for part in (item.items if isinstance(item, kind) else (item,))]


def _dimension_of(field: Dimension | Either) -> Dimension:
    return field.sides[0] if isinstance(field, Either) else field


def _check_operator(field: Dimension | Either, operator: str, token: Token) -> None:
    allowed = _dimension_of(field).operators
    if operator not in allowed:
        raise _Fail(f"{operator} does not work on {field.name}", token, f"expected one of {', '.join(allowed)}")


def _comparable(one: Dimension, other: Dimension) -> bool:
    text = (Kind.TEXT, Kind.APPLICATION)
    return one.kind is other.kind or (one.kind in text and other.kind in text)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unquote(token: str) -> str:
    body, out, i = token[1:-1], [], 0
    while i < len(body):
        if body[i] == "\\":
            i += 1
            if (
                body[i] == "u"
                and len(digits := body[i + 1 : i + 5]) == 4
                and all(c in "0123456789abcdefABCDEF" for c in digits)
            ):
                out.append(chr(int(digits, 16)))
                i += 4
            else:
                out.append(_ESCAPES.get(body[i], body[i]))
        else:
            out.append(body[i])
        i += 1
    return "".join(out)
