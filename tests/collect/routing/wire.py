"""BGP and BMP messages made by hand, and tables of routes without any."""

from __future__ import annotations

import ipaddress
import struct

import numpy as np

from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes
from weft.model.addresses import packed

ROUTER = "192.0.2.254"
ROUTER_AS = 64496
POST, OUT = 0x40, 0x10


def attributes(
    *path: int, next_hop: str = "192.0.2.1", origin: int = 0, local_pref: int | None = None, med: int | None = None,
    communities: tuple[tuple[int, int], ...] = (),
) -> bytes:  # fmt: skip
    segment = bytes([2, len(path)]) + b"".join(asn.to_bytes(4, "big") for asn in path) if path else b""
    found = b"\x40\x01\x01" + bytes([origin]) + b"\x40\x02" + bytes([len(segment)]) + segment
    found += b"\x40\x03\x04" + ipaddress.IPv4Address(next_hop).packed
    if med is not None:
        found += b"\x80\x04\x04" + med.to_bytes(4, "big")
    if local_pref is not None:
        found += b"\x40\x05\x04" + local_pref.to_bytes(4, "big")
    if communities:
        found += b"\xc0\x08" + bytes([4 * len(communities)]) + b"".join(struct.pack("!HH", *one) for one in communities)
    return found


def nlri(*prefixes: str) -> bytes:
    found = b""
    for one in map(ipaddress.ip_network, prefixes):
        found += bytes([one.prefixlen]) + one.network_address.packed[: (one.prefixlen + 7) // 8]
    return found


def bgp(kind: int, body: bytes) -> bytes:
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def update(*announced: str, withdrawn: tuple[str, ...] = (), path: bytes = b"") -> bytes:
    gone = nlri(*withdrawn)
    return bgp(2, struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(path)) + path + nlri(*announced))


def open_message(asn: int, address: str) -> bytes:
    capabilities = bytes([2, 6, 65, 4]) + asn.to_bytes(4, "big")
    head = struct.pack("!BHH4sB", 4, min(asn, 23456), 90, ipaddress.IPv4Address(address).packed, len(capabilities))
    return bgp(1, head + capabilities)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def peer(address: str, asn: int, *, flags: int = 0, kind: int = 0, time_ns: int = 0, rd: bytes = bytes(8)) -> bytes:
    given = ipaddress.ip_address(address)
    octets = given.packed if given.version == 6 else bytes(12) + given.packed
    flags |= 0x80 if given.version == 6 else 0
    identifier = given.packed[-4:]
    stamp = struct.pack("!II", time_ns // 10**9, time_ns % 10**9 // 1000)
    return bytes([kind, flags]) + rd + octets + asn.to_bytes(4, "big") + identifier + stamp


def initiation(name: str = "edge1") -> bytes:
    return message(4, struct.pack("!HH", 2, len(name)) + name.encode() + struct.pack("!HH", 1, 3) + b"FRR")


def peer_up(address: str, asn: int, **more) -> bytes:
    local = bytes(12) + ipaddress.IPv4Address(ROUTER).packed + struct.pack("!HH", 179, 40000)
    opens = open_message(ROUTER_AS, ROUTER) + open_message(asn, "192.0.2.7")
    return message(3, peer(address, asn, **more) + local + opens)


def peer_down(address: str, asn: int, *, reason: int = 4, **more) -> bytes:
    return message(2, peer(address, asn, **more) + bytes([reason]))


def monitoring(address: str, asn: int, *updates: bytes, **more) -> bytes:
    return b"".join(message(0, peer(address, asn, **more) + one) for one in updates)


def termination() -> bytes:
    return message(5, struct.pack("!HHH", 1, 2, 0))


def routes(
    paths: Paths, *prefixes: str, path: bytes = b"", withdrawn: bool = False, ids: tuple[int, ...] = ()
) -> Routes:
    networks = [ipaddress.ip_network(one) for one in prefixes]
    octets = b"".join(packed(str(one.network_address)) for one in networks)
    number = -1 if withdrawn else paths.index(path or attributes(64500), True)
    count = len(networks)
    return Routes(
        np.full(count, withdrawn), np.array([1 if one.version == 4 else 2 for one in networks], np.uint8),
        np.frombuffer(octets, np.uint8).reshape(-1, 16), np.array([one.prefixlen for one in networks], np.uint8),
        np.array(ids or [0] * count, np.uint32), np.full(count, number, np.int32),
    )  # fmt: skip
