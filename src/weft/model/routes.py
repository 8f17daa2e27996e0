"""The ``routes`` table: what BGP speakers said of their routes, one row per change; and the AS paths that flows took.

A session's rows tell its whole history: a session that comes up or goes away is a row without a prefix, and everything
that was learned over it is gone with it. Every so often a session's standing routes are written again
(``checkpoint``), so that "as of 14:00" reads a bounded stretch of time and outlives the retention.
"""

from __future__ import annotations

import pyarrow as pa

from weft.model.flows import ADDRESS, TIME_NS
from weft.model.metrics import WORD
from weft.model.tables import Column, Kind, Role, Table

_WORD_SQL = "LowCardinality(String)"

#: RFC 7854 §4.2 (pre- and post-policy), RFC 8671 (Adj-RIB-Out), RFC 9069 (Loc-RIB); what MRT dumps hold is what the
#: collector's peers sent, before policy.
RIBS = {1: "adj_rib_in_pre", 2: "adj_rib_in_post", 3: "loc_rib", 4: "adj_rib_out_pre", 5: "adj_rib_out_post"}
#: ``announce``: a route where there was none; ``change``: another path for it; ``withdraw``; ``checkpoint``: it still
#: stands, nothing changed; the last two are of a whole session. A route sent again unchanged is counted, not stored.
ROUTE_EVENTS = {1: "announce", 2: "change", 3: "withdraw", 4: "checkpoint", 5: "peer_up", 6: "peer_down"}
#: Address families by AFI and SAFI (IANA); ``other`` routes have their text in ``nlri``.
FAMILIES = {
    0: "none", 1: "ipv4_unicast", 2: "ipv6_unicast", 3: "ipv4_multicast", 4: "ipv6_multicast", 5: "ipv4_labeled",
    6: "ipv6_labeled", 7: "vpnv4", 8: "vpnv6", 9: "ipv4_flowspec", 10: "ipv6_flowspec", 11: "l2vpn_evpn", 12: "bgp_ls",
    13: "other",
}  # fmt: skip
BGP_ORIGINS = {0: "igp", 1: "egp", 2: "incomplete", 255: "none"}
#: RFC 6811; ``unchecked``: no validated payloads were known.
RPKI_STATES = {0: "unchecked", 1: "valid", 2: "invalid", 3: "not_found"}
ROUTE_SOURCES = {1: "bmp", 2: "mrt", 3: "bgp"}
#: A session's standing routes are written again this often unless configured otherwise, seconds: questions as of a
#: time read half as far again and no more. A session is (exporter, source, rib, peer, vrf); what happens to one of its
#: routes bears strictly growing times, those of one router's whole second included, so that the last row is the state.
CHECKPOINT_S = 24 * 3600


def _word(name: str, meaning: str) -> Column:
    return Column(name, WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT, meaning)


ROUTES = Table(
    name="routes",
    meaning="One row per change of a BGP route, as a router or a collector told it.",
    order_by=("prefix", "prefix_length", "exporter", "peer", "time"),
    ttl_days=90,
    # A look-up wants a few prefixes of millions: it takes half the time, for a tenth more on disk.
    granularity=1024,
    columns=(
        Column("time", TIME_NS, "DateTime64(6, 'UTC')", Role.TIME, Kind.TIMESTAMP,
               "When the router says it happened where its word can be trusted, else the arrival.", unit="ns",
               codec="Delta(8), LZ4"),
        Column("time_received", TIME_NS, "DateTime64(3, 'UTC')", Role.TIME, Kind.TIMESTAMP, "When Weft learned of it.",
               unit="ns", codec="Delta(8), LZ4"),
        Column("exporter", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS,
               "Router that told of the route (MRT: the collector)."),
        Column("source", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "How it was collected.", values=ROUTE_SOURCES),
        Column("rib", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Table of the router that the route is in.",
               values=RIBS),
        Column("event", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "What happened to the route.",
               values=ROUTE_EVENTS),
        Column("peer", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "Neighbour of the router; absent for Loc-RIB."),
        Column("peer_as", pa.uint32(), "UInt32", Role.DIMENSION, Kind.ASN, "AS of that neighbour."),
        Column("vrf", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT,
               "Route distinguisher of the peer or the route, or the name of the VRF; empty = global."),
        Column("family", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "Address family.", values=FAMILIES),
        Column("prefix", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "First address of the prefix."),
        Column("prefix_length", pa.uint8(), "UInt8", Role.DIMENSION, Kind.NUMBER,
               "Length of the prefix, of IPv4 in IPv4's own bits (0–32)."),
        Column("nlri", pa.string(), "String", Role.DIMENSION, Kind.TEXT,
               "The route in words where a prefix does not say it all: EVPN, FlowSpec, labels.", optional=True),
        Column("path_id", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NUMBER, "RFC 7911 path identifier.",
               optional=True),
        Column("origin_as", pa.uint32(), "UInt32", Role.DIMENSION, Kind.ASN,
               "Last AS of the path; 0 = own, or a set."),
        Column("neighbor_as", pa.uint32(), "UInt32", Role.DIMENSION, Kind.ASN, "First AS of the path; 0 = own."),
        _word("as_path", "AS path as in 64500 64501 {64502 64503}."),
        Column("as_path_length", pa.uint16(), "UInt16", Role.DIMENSION, Kind.NUMBER,
               "Length of the path as best-path selection counts it: prepends count, a set counts one."),
        Column("next_hop", ADDRESS, "IPv6", Role.DIMENSION, Kind.ADDRESS, "BGP next hop."),
        Column("bgp_origin", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "ORIGIN attribute.", values=BGP_ORIGINS),
        Column("local_pref", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NUMBER, "LOCAL_PREF; 0 = not sent.",
               optional=True),
        Column("med", pa.uint32(), "UInt32", Role.DIMENSION, Kind.NUMBER, "MULTI_EXIT_DISC; 0 = not sent.",
               optional=True),
        _word("communities", "Communities, sorted: 64500:120 large:64500:1:2 rt:64500:7, by spaces."),
        _word("attributes", "Further attributes in words: aggregator, cluster list, only-to-customer …"),
        Column("rpki", pa.uint8(), "UInt8", Role.DIMENSION, Kind.ENUM, "RFC 6811 state when the route came.",
               values=RPKI_STATES),
        Column("reason", WORD, _WORD_SQL, Role.DIMENSION, Kind.TEXT, "Why a session went away.", optional=True),
    ),
)  # fmt: skip
