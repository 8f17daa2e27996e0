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


def story(day: float) -> list[Row]:
    """What was said on a day that began then (UTC seconds); times are in hours of the day."""

    def at(hours: float) -> float:
        return day + hours * 3600

    said: list[Row] = []
    # EDGE1 has two neighbours, before and after policy, and tells its Loc-RIB.
    for peer in (TRANSIT, PARTNER):
        said += [session(at(1), True, peer=peer, rib=rib) for rib in (PRE, POST)]
    said.append(session(at(1), True, peer="", rib=LOCAL))
    web, covering, more, kept = "203.0.113.0/24", "203.0.112.0/20", "203.0.113.128/25", "198.51.100.0/24"
    for rib in (PRE, POST):
        policy = {"local_pref": 200, "communities": "64496:100"} if rib == POST else {}
        said.append(route(at(1.1), "announce", web, "64500 64511", rib=rib))
        said.append(route(at(1.1), "announce", web, "64501 64505 64511", peer=PARTNER, rib=rib, **policy))
        said.append(route(at(1.1), "announce", covering, "64500 64511", rib=rib))
    said.append(route(at(1.1), "announce", "0.0.0.0/0", "64500", rib=PRE))
    said.append(route(at(1.2), "announce", web, "64501 64505 64511", rib=LOCAL, peer="", next_hop=PARTNER))
    # Policy keeps this one out.
    said.append(route(at(1.3), "announce", "192.0.2.128/25", "64500 64502", rib=PRE, rpki="invalid"))
    # A more specific one of another origin for ten minutes at 10.
    said.append(route(at(10), "announce", more, "64500 64502", rib=PRE, rpki="invalid"))
    said.append(route(at(10) + 600, "withdraw", more, "64500 64502", rib=PRE, rpki="invalid"))
    # The partner's path changes at 12; at 14 its session goes away, at 15 it comes back with fewer routes.
    for rib in (PRE, POST):
        policy = {"local_pref": 200, "communities": "64496:100"} if rib == POST else {}
        said.append(route(at(12), "change", web, "64501 64511", peer=PARTNER, rib=rib, **policy))
        said.append(row(at(14), "peer_down", peer=PARTNER, rib=rib, reason="hold timer expired"))
        said.append(session(at(15), True, peer=PARTNER, rib=rib))
        said.append(route(at(15) + 1, "announce", "198.51.100.0/25", "64501", peer=PARTNER, rib=rib))
    said.append(route(at(12) + 1, "change", web, "64501 64511", rib=LOCAL, peer="", next_hop=PARTNER))
    said.append(route(at(14) + 1, "change", web, "64500 64511", rib=LOCAL, peer="", next_hop=TRANSIT))
    # A prefix that flaps five times.
    for n in range(5):
        for rib in (PRE, POST):
            said.append(route(at(16) + n * 60, "announce", "192.0.2.0/25", "64500 64503", rib=rib))
            said.append(route(at(16) + n * 60 + 30, "withdraw", "192.0.2.0/25", "64500 64503", rib=rib))
    # EDGE2 told of a route three days ago and has only repeated it since.
    said.append(session(at(-72), True, exporter=EDGE2))
    said.append(route(at(-72), "announce", kept, "64500 64509", exporter=EDGE2))
    said += [route(at(24 * day), "checkpoint", kept, "64500 64509", exporter=EDGE2) for day in (-2, -1, 0)]
    # A collector's dump.
    dump = {"exporter": "192.0.2.200", "source": "mrt"}
    said.append(route(at(8), "checkpoint", web, "64510 64500 64511", peer="198.51.100.77", **dump))
    said.append(route(at(8), "checkpoint", web, "64512 64511", peer="198.51.100.78", **dump))
    # IPv6, a route of a VRF, and one with add-path.
    said.append(route(at(2), "announce", "2001:db8:1::/48", "64500 64511"))
    said.append(route(at(2), "announce", web, "64500 64599", vrf="64496:7"))
    said.append(route(at(2), "announce", "203.0.112.0/24", "64500 64511", path_id=1))
    said.append(route(at(2), "announce", "203.0.112.0/24", "64500 64505 64511", path_id=2))
    return said
