"""The rarer path attributes in words, for the ``attributes`` column."""

from __future__ import annotations

import socket
import struct
from typing import Protocol

from weft.decode.bgp.codes import (
    AGGREGATOR,
    AIGP,
    AS4_AGGREGATOR,
    AS4_PATH,
    AS_TRANS,
    ATOMIC,
    ATTR_SET,
    BGP_LS,
    BGPSEC,
    CLUSTER_LIST,
    ORIGINATOR,
    OTC,
    PMSI,
    PREFIX_SID,
    TUNNEL_ENCAP,
    Malformed,
)  # fmt: skip

#: Names of attributes (IANA) whose content is told in octets.
OPAQUE = {PMSI: "pmsi_tunnel", TUNNEL_ENCAP: "tunnel_encap", BGP_LS: "bgp_ls", BGPSEC: "bgpsec_path",
          PREFIX_SID: "prefix_sid", ATTR_SET: "attr_set"}  # fmt: skip
_SHOWN = 32  # octets of one of those


class Reflected(Protocol):
    """What a route reflector adds (RFC 4456), as numbers."""

    originator: int
    cluster_length: int


def further(path: Reflected, code: int, value: bytes, values: dict[int, bytes]) -> str | None:
    """One attribute in words; none where it says nothing by itself. Raises ``Malformed``.

    A damaged AGGREGATOR, ATOMIC_AGGREGATE or AIGP is left out alone (RFC 7606 §7.6, §7.7; RFC 7311 §3.2).
    """
    if code == ORIGINATOR:
        if len(value) != 4:
            raise Malformed("originator")
        path.originator = int.from_bytes(value, "big")
        return f"originator {socket.inet_ntoa(value)}"
    if code == CLUSTER_LIST:
        if len(value) % 4 or not value:
            raise Malformed("cluster_list")
        path.cluster_length = min(len(value) // 4, 255)
        return "cluster_list " + " ".join(socket.inet_ntoa(value[at : at + 4]) for at in range(0, len(value), 4))
    if code == OTC:
        if len(value) != 4:
            raise Malformed("only_to_customer")
        return f"only_to_customer {int.from_bytes(value, 'big')}"
    return _plain(code, value, values)


def _plain(code: int, value: bytes, values: dict[int, bytes]) -> str | None:
    if code == ATOMIC:
        return None if value else "atomic_aggregate"
    if code == AGGREGATOR:
        known = aggregator(value, values.get(AS4_AGGREGATOR))
        return None if known is None else f"aggregator {known[0]} {known[1]}"
    if code in (AS4_AGGREGATOR, AS4_PATH):
        return None
    if code == AIGP:
        metric = aigp(value)
        return None if metric is None else f"aigp {metric}"
    name = OPAQUE.get(code, f"attribute_{code}")
    return f"{name} 0x{value[:_SHOWN].hex()}" + ("…" if len(value) > _SHOWN else "")


def aggregator(value: bytes, newer: bytes | None) -> tuple[int, str] | None:
    """AS and router that aggregated, AS4_AGGREGATOR in the place of AS_TRANS (RFC 6793 §4.2.3)."""
    if len(value) not in (6, 8):
        return None
    number, router = int.from_bytes(value[:-4], "big"), value[-4:]
    if number == AS_TRANS and newer is not None and len(newer) == 8:
        number, router = int.from_bytes(newer[:4], "big"), newer[4:]
    return number, socket.inet_ntoa(router)


def aigp(value: bytes) -> int | None:
    """Accumulated IGP metric (RFC 7311): the first TLV of type 1."""
    at = 0
    while at + 3 <= len(value):
        kind, length = struct.unpack_from(">BH", value, at)
        if length < 3:
            return None
        if kind == 1 and length == 11 and at + 11 <= len(value):
            return int(struct.unpack_from(">Q", value, at + 3)[0])
        at += length
    return None
