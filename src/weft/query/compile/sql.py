"""Small pieces of SQL text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\0": "\\0",
    "\b": "\\b",
    "\f": "\\f",
    "\x01": "\\x01",
}
_PARAMETER = re.compile(r"\{(\w+):([^{}]+)\}")


@dataclass(frozen=True)
class Statement:
    """SQL with ``{name:Type}`` places and what to bind to them."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> str:
        """The SQL with its parameters written in, as a person would paste it into a client."""

        def bound(match: re.Match[str]) -> str:
            value = self.parameters.get(match[1], None)
            return match[0] if value is None else literal(value)

        return _PARAMETER.sub(bound, self.sql)


def literal(value: Any) -> str:
    """A value as SQL text: integers, text, 16-byte addresses and lists of them."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes):
        address = ipaddress.IPv6Address(value)
        return f"toIPv6('{f'::ffff:{address.ipv4_mapped}' if address.ipv4_mapped else address}')"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(literal, value))})"
    return "'" + "".join(_ESCAPES.get(c, c) for c in str(value)) + "'"


def moment(seconds: int) -> str:
    """UTC seconds as a constant."""
    return f"toDateTime('{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S}', 'UTC')"


def moment_us(microseconds: int) -> str:
    """UTC microseconds as a constant."""
    at = datetime.fromtimestamp(microseconds // 10**6, tz=UTC)
    return f"toDateTime64('{at:%Y-%m-%d %H:%M:%S}.{microseconds % 10**6:06}', 6, 'UTC')"


def indent(sql: str, by: str = "  ") -> str:
    """Indented by one level."""
    return by + sql.replace("\n", f"\n{by}")


def select(
    columns: Iterable[str],
    table: str,
    *,
    where: str = "",
    group_by: Iterable[str] = (),
    order_by: Iterable[str] = (),
    limit: int | None = None,
) -> str:
    """One SELECT, a clause per line."""
    lines = ["SELECT " + ",\n       ".join(columns), f"FROM {table}"]
    if where:
        lines.append(f"WHERE {where}")
    if keys := ", ".join(group_by):
        lines.append(f"GROUP BY {keys}")
    if keys := ", ".join(order_by):
        lines.append(f"ORDER BY {keys}")
    if limit is not None:
        lines.append(f"LIMIT {limit}")
    return "\n".join(lines)


def subquery(sql: str, alias: str) -> str:
    """``sql`` as something to select from."""
    return f"(\n{indent(sql)}\n) AS {alias}"
