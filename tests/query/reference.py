"""The naive reference: filters, groups and measures worked out row by row in plain Python."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tests.query.conftest import APPS, AS_NAMES, CUSTOMERS, EXPORTER_NAMES, INTERFACES_OF, SITES, Row, packed

from weft.query.datasets import build_catalogue
from weft.query.filter import And, Columns, Compare, Node, Not, Or
from weft.query.names import Interface, Range, address_cell

DATASET = build_catalogue().datasets["flows"]
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_SIDES = {"addr": ("src_addr", "dst_addr"), "as": ("src_as", "dst_as"), "port": ("src_port", "dst_port"),
          "site": ("src_site", "dst_site"), "customer": ("src_customer", "dst_customer"),
          "vlan": ("src_vlan", "dst_vlan"), "if": ("in_if", "out_if"), "if_boundary": ("in_if_boundary",
          "out_if_boundary")}  # fmt: skip


def value(row: Row, name: str) -> Any:
    """A field of a row, as the filter sees it."""
    exporter = address_cell(row["exporter"])
    if name == "exporter_name":
        return EXPORTER_NAMES[exporter][0]
    if name == "exporter_site":
        return EXPORTER_NAMES[exporter][1]
    for side in ("in_if", "out_if"):
        if name.startswith(side + "_"):
            known = INTERFACES_OF.get((exporter, row[side]), ("", "", "", 0))
            return known[("name", "boundary", "provider", "speed_bps").index(name.removeprefix(side + "_"))]
    if name in ("src_site", "dst_site"):
        return SITES[row[name[:3] + "_net"]]
    if name in ("src_customer", "dst_customer"):
        return CUSTOMERS[row[name[:3] + "_net"]]
    if name == "app":
        return APPS[row["app"]][0]
    if name == "app_category":
        return APPS[row["app"]][1]
    if name == "src_as_name":
        return AS_NAMES.get(row["src_as"], "")
    if name == "dscp":
        return row["tos"] >> 2
    if name == "ip_version":
        return 4 if row["src_addr"].startswith(b"\0" * 10) else 6
    raw = row[name]
    if isinstance(raw, bytes):
        ip = ipaddress.ip_address(raw)
        assert isinstance(ip, ipaddress.IPv6Address)
        return ip.ipv4_mapped or ip
    return raw


def matches(node: Node | None, row: Row) -> bool:
    """Whether the filter is true of the row."""
    if node is None:
        return True
    if isinstance(node, And):
        return all(matches(i, row) for i in node.items)
    if isinstance(node, Or):
        return any(matches(i, row) for i in node.items)
    if isinstance(node, Not):
        return not matches(node.item, row)
    op = node.operator
    negated = op.startswith(("NOT ", "!"))
    op = {"!=": "=", "NOT IN": "IN", "!<<": "<<"}.get(op, op.removeprefix("NOT "))
    found = any(_leaf(node, op, side, row) for side in _SIDES.get(node.field, (node.field,)))
    return found != negated


def _leaf(node: Compare | Columns, op: str, side: str, row: Row) -> bool:
    mine = value(row, side)
    if isinstance(node, Columns):
        theirs = value(row, node.other)
        return mine == theirs if op == "=" else bool(ORDER[op](mine, theirs))
    if op in ORDER:
        return bool(ORDER[op](mine, node.values[0]))
    if op in ("LIKE", "ILIKE"):
        return _like(str(node.values[0]), mine, op == "ILIKE")
    if op == "HAS":
        return bool(mine & node.values[0] == node.values[0])
    if op == "<<":
        return any(mine.version == p.version and mine in p for p in node.values)  # type: ignore[union-attr]
    return any(_equal(v, mine, row, side) for v in node.values)


def _equal(wanted: Any, mine: Any, row: Row, side: str) -> bool:
    if isinstance(wanted, Range):
        return wanted.low <= mine <= wanted.high
    if isinstance(wanted, Interface):
        exporter = address_cell(row["exporter"])
        named = wanted.exporter in ("", exporter, EXPORTER_NAMES[exporter][0])
        return named and wanted.name in (str(mine), value(row, side + "_name") or None)
    return bool(mine == wanted)


def _like(pattern: str, text: str, fold: bool) -> bool:
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return bool(re.fullmatch(expression, text, re.DOTALL | (re.IGNORECASE if fold else 0)))


def scaled(row: Row, name: str) -> int:
    """Bytes or packets corrected for sampling."""
    return int(row[name] * max(1, row["sampling_rate"]))


def group(rows: Iterable[Row], by: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of ``by``."""
    out: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        out[tuple(value(row, name) for name in by)].append(row)
    return out


def stored(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """How the store orders a key."""
    return tuple(packed(str(v)) if hasattr(v, "packed") else v for v in key)


def measure(rows: Sequence[Row], name: str, seconds: float, window: tuple[int, int] = (0, 0)) -> float | None:
    """A measure over rows."""
    octets, packets = sum(scaled(r, "bytes") for r in rows), sum(scaled(r, "packets") for r in rows)
    match name:
        case "bps":
            return octets * 8 / seconds
        case "pps":
            return packets / seconds
        case "fps":
            return len(rows) / seconds
        case "bytes":
            return float(octets)
        case "packets":
            return float(packets)
        case "flows":
            return float(len(rows))
        case "avg_packet_size":
            return octets / packets if packets else None
        case "p95_bps":
            return p95(rows, *window) * 8 / 300
    if name.startswith("unique_"):
        return float(len({r[name.removeprefix("unique_")] for r in rows}))
    raise AssertionError(name)


def p95(rows: Sequence[Row], since: int, until: int) -> int:
    """Nearest-rank 95th percentile of the 5-minute byte sums, empty slots counted as 0."""
    slots = [0] * ((until - since) // 300)
    for row in rows:
        slots[(row["time_received"] - since) // 300] += scaled(row, "bytes")
    return sorted(slots)[-(-95 * len(slots) // 100) - 1]


__all__ = ["DATASET", "group", "matches", "measure", "p95", "scaled", "value"]
