"""A filter's tree to a SQL condition with bound parameters."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from weft.model.dictionaries import EXPORTERS, INTERFACES
from weft.model.tables import Kind
from weft.query.catalogue import Dataset, Dimension
from weft.query.compile.ask import sides
from weft.query.compile.lookups import attribute_sql, rows_sql
from weft.query.compile.sql import select
from weft.query.filter.search import exact_patterns, words_of
from weft.query.filter.tree import And, Columns, Compare, Node, Not, Or
from weft.query.names import Address, Interface, Prefix, Range, Value
from weft.store.lookups import full_text_sql

#: Where IPv4 addresses are stored.
_V4_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
Parameters = dict[str, Any]
#: Operators of ours that are functions in SQL.
_NO_OPERATORS = ("HAS", "NOT HAS", "~", "!~", "MATCHES", "NOT MATCHES")
#: SQL of a dimension's value.
ValueSql = Callable[[Dimension], str]


class Where:
    """Builds conditions and collects their parameters (``f0``, ``f1`` …).

    ``end`` is as of when an interface's own name is read: it stands for the interface, whatever it was called before.
    """

    def __init__(self, dataset: Dataset, value: ValueSql, end: str) -> None:
        self._dataset, self._value, self._end = dataset, value, end
        order = dataset.table.order_by
        # Where rows are stored by device, saying which devices may match spares reading the others.
        self._by_exporter = "exporter" in order and order.index("exporter") < order.index(dataset.table.time.name)
        self.parameters: Parameters = {}

    def condition(self, node: Node) -> str:
        """SQL that is true for matching rows."""
        if isinstance(node, And):
            return " AND ".join(self._inside(item) for item in node.items)
        if isinstance(node, Or):
            return " OR ".join(self._inside(item) for item in node.items)
        if isinstance(node, Not):
            sql = self.condition(node.item)
            return f"NOT {sql}" if _enclosed(sql) else f"NOT ({sql})"
        return self._leaf(node)

    def _inside(self, node: Node) -> str:
        sql = self.condition(node)
        return f"({sql})" if isinstance(node, Or | And) and not _enclosed(sql) else sql

    def _leaf(self, node: Compare | Columns) -> str:
        dimensions = sides(self._dataset, node.field)
        if len(dimensions) == 1 and (sql := self._direct(dimensions[0], node)):
            return sql
        # A negated operator negates the positive one, so that ``AS != x`` is the opposite of ``AS = x`` (either side).
        operator, negated = _positive(node.operator)
        parts = [self._side(dimension, operator, node) for dimension in dimensions]
        return f"NOT ({' OR '.join(parts)})" if negated else _any(parts)

    def _direct(self, dimension: Dimension, node: Compare | Columns) -> str | None:
        """The comparison as SQL's own operator, where there is one."""
        if isinstance(node, Columns):
            return self._side(dimension, node.operator, node)
        if any(isinstance(v, Range | Interface | Prefix) for v in node.values) or node.operator in _NO_OPERATORS:
            return None
        operator, type_ = node.operator, _type_of(node.values[0])
        if len(node.values) == 1:
            operator = {"IN": "=", "NOT IN": "!="}.get(operator, operator)
            bound = self._bind(node.values[0], type_)
            sql = f"{self._value(dimension)} {operator} {bound}"
            named = dimension.dictionary is EXPORTERS and dimension.attribute == "name" and node.values[0] != ""
            return f"({_with_name(bound)} AND {sql})" if named and operator == "=" and self._by_exporter else sql
        return f"{self._value(dimension)} {operator} ({', '.join(self._bind(v, type_) for v in node.values)})"

    def _side(self, dimension: Dimension, operator: str, node: Compare | Columns) -> str:
        """A positive comparison of one side."""
        if isinstance(node, Columns):
            other = sides(self._dataset, node.other)[0]
            if dimension.kind is Kind.INTERFACE:
                return f"{dimension.keys[-1]} {operator} {other.keys[-1]}"
            return f"{self._value(dimension)} {operator} {self._value(other)}"
        if operator == "HAS":
            bits = self._bind(node.values[0], "UInt64")
            return f"bitAnd({self._value(dimension)}, {bits}) = {bits}"
        if operator == "~":
            return self._words(self._value(dimension), str(node.values[0]))
        if operator == "MATCHES":
            return f"match({self._value(dimension)}, {self._bind(node.values[0], 'String')})"
        if operator == "<<":
            return _any([self._in_prefix(self._value(dimension), p) for p in node.values])
        if operator not in ("=", "IN"):
            return f"{self._value(dimension)} {operator} {self._bind(node.values[0], _type_of(node.values[0]))}"
        return _any(list(self._matches(dimension, node.values)))

    def _matches(self, dimension: Dimension, values: tuple[Value, ...]) -> Iterator[str]:
        plain = []
        for value in values:
            if isinstance(value, Interface):
                yield self._interface(dimension, value)
            elif isinstance(value, Range):
                low, high = self._bind(value.low, "UInt64"), self._bind(value.high, "UInt64")
                yield f"{self._value(dimension)} BETWEEN {low} AND {high}"
            else:
                plain.append(self._bind(value, _type_of(value)))
        if len(plain) == 1:
            yield f"{self._value(dimension)} = {plain[0]}"
        elif plain:
            yield f"{self._value(dimension)} IN ({', '.join(plain)})"

    def _interface(self, dimension: Dimension, interface: Interface) -> str:
        exporter, index = dimension.keys
        if interface.name.isascii() and interface.name.isdigit() and len(interface.name) <= 10:
            sql = f"{index} = {self._bind(int(interface.name), 'UInt64')}"
        else:
            name = attribute_sql(INTERFACES, "name", (exporter, index), self._end)
            sql = f"{name} = {self._bind(interface.name, 'String')}"
        if not interface.exporter:
            return sql
        try:
            address = ipaddress.ip_address(interface.exporter)
        except ValueError:
            name = attribute_sql(EXPORTERS, "name", (exporter,), self._end)
            bound = self._bind(interface.exporter, "String")
            narrow = f"{_with_name(bound)} AND " if self._by_exporter else ""
            return f"({narrow}{name} = {bound} AND {sql})"
        return f"({exporter} = {self._bind(address, 'IPv6')} AND {sql})"

    def _words(self, column: str, text: str) -> str:
        """Whole words by the full-text index; what else the terms ask for is looked at where those are found."""
        parts = []
        if words := words_of(text):
            parts.append(f"hasAllTokens({full_text_sql(column)}, lowerUTF8({self._bind(' '.join(words), 'String')}))")
        parts += [f"match({column}, {self._bind(pattern, 'String')})" for pattern in exact_patterns(text)]
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _in_prefix(self, column: str, prefix: Value) -> str:
        assert isinstance(prefix, ipaddress.IPv4Network | ipaddress.IPv6Network)
        low, high = self._bind(prefix[0], "IPv6"), self._bind(prefix[-1], "IPv6")
        sql = f"{column} BETWEEN {low} AND {high}"
        if isinstance(prefix, ipaddress.IPv6Network) and prefix.supernet_of(_V4_MAPPED):
            # IPv4 is stored v4-mapped, yet ::/0 means IPv6.
            return f"({sql} AND NOT {column} BETWEEN toIPv6('{_V4_MAPPED[0]}') AND toIPv6('{_V4_MAPPED[-1]}'))"
        return sql

    def _bind(self, value: Value, type_: str) -> str:
        name = f"f{len(self.parameters)}"
        self.parameters[name] = stored_address(value) if isinstance(value, Address) else value
        return f"{{{name}:{type_}}}"


def _with_name(bound: str) -> str:
    """Devices that had this name at any time: never fewer than those that match."""
    return f"exporter IN ({select(['exporter'], rows_sql(EXPORTERS), where=f'name = {bound}')})".replace("\n", " ")


def stored_address(address: Address | Prefix) -> str:
    """An address as the store's text for it: IPv4 v4-mapped."""
    return f"::ffff:{address}" if isinstance(address, ipaddress.IPv4Address) else str(address)


def _type_of(value: Value) -> str:
    if isinstance(value, float):
        return "Float64"
    if isinstance(value, int):
        return "UInt64"
    return "String" if isinstance(value, str) else "IPv6"


def _positive(operator: str) -> tuple[str, bool]:
    if operator.startswith("NOT "):
        return operator.removeprefix("NOT "), True
    if operator.startswith("!"):
        return operator.removeprefix("!"), True
    return operator, False


def _enclosed(sql: str) -> bool:
    """Whether one pair of parentheses encloses all of it."""
    depth = 0
    for i, c in enumerate(sql):
        depth += (c == "(") - (c == ")")
        if depth == 0 and i < len(sql) - 1:
            return False
    return sql.startswith("(")


def _any(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
