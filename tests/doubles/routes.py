"""Rows of the ``routes`` table in a few words: what routers said of a handful of prefixes over a day."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.routes import FAMILIES, RIBS, ROUTE_EVENTS, ROUTE_SOURCES, ROUTES, RPKI_STATES
from weft.model.rows import batch_of

NS = 1_000_000_000
EDGE1, EDGE2 = "192.0.2.1", "192.0.2.2"
TRANSIT, PARTNER = "198.51.100.1", "198.51.100.2"
PRE, POST, LOCAL = "adj_rib_in_pre", "adj_rib_in_post", "loc_rib"
_ASES = {TRANSIT: 64500, PARTNER: 64501}

Row = dict[str, Any]


def _number(names: dict[int, str], name: str) -> int:
    return next(number for number, known in names.items() if known == name)


def row(at: float, event: str, *, exporter: str = EDGE1, peer: str = TRANSIT, rib: str = PRE, **more: Any) -> Row:
    """Any row; ``at`` in UTC seconds."""
    time_ns = round(at * 1e6) * 1000
    return {
        "time": time_ns, "time_received": time_ns, "exporter": packed(exporter), "source": 1,
        "rib": _number(RIBS, rib), "event": _number(ROUTE_EVENTS, event),
        "peer": packed(peer) if peer else NO_ADDRESS, "peer_as": _ASES.get(peer, 64496),
    } | more  # fmt: skip


def session(at: float, up: bool, **more: Any) -> Row:
    """A session that comes up or goes away."""
    return row(at, "peer_up" if up else "peer_down", **more)


def route(
    at: float, event: str, prefix: str, as_path: str = "", *, rpki: str = "not_found", source: str = "bmp", **more: Any
) -> Row:
    """What is said of one prefix."""
    network = ipaddress.ip_network(prefix)
    ases = [int(word) for word in as_path.split() if word.isdigit()]
    peer = more.get("peer", TRANSIT)
    family = _number(FAMILIES, f"ipv{network.version}_unicast")
    attributes = {
        "family": family, "prefix": packed(str(network.network_address)), "prefix_length": network.prefixlen,
        "as_path": as_path, "as_path_length": len(ases), "origin_as": ases[-1] if ases else 0,
        "neighbor_as": ases[0] if ases else 0, "next_hop": packed(more.pop("next_hop", peer or TRANSIT)),
        "rpki": _number(RPKI_STATES, rpki), "source": _number(ROUTE_SOURCES, source),
    }  # fmt: skip
    return row(at, event, **(attributes | more))


def batch(rows: Iterable[Row]) -> pa.RecordBatch:
    """As the store takes them."""
    said = list(rows)
    defaults = {c.name: NO_ADDRESS if c.arrow == pa.binary(16) else None for c in ROUTES.columns}
    columns: dict[str, Any] = {}
    for column in ROUTES.columns:
        values = [one.get(column.name, defaults[column.name]) for one in said]
        if pa.types.is_timestamp(column.arrow):
            columns[column.name] = pa.array(values, pa.int64()).cast(column.arrow)
        elif pa.types.is_dictionary(column.arrow) or pa.types.is_string(column.arrow):
            columns[column.name] = [value or "" for value in values]
        else:
            columns[column.name] = [0 if value is None else value for value in values]
    return batch_of(ROUTES, len(said), **columns)
