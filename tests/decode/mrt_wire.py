"""MRT records as collectors write them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

from weft.twin.encode_bgp import Attributes, Prefix

THEN = 1_700_000_000


def record(kind: int, subtype: int, body: bytes, time: int = THEN) -> bytes:
    return struct.pack(">IHHI", time, kind, subtype, len(body)) + body


def peer_index(peers: Sequence[tuple[str, int]], view: str = "") -> bytes:
    """TABLE_DUMP_V2's table of peers: address and AS of each."""
    body = bytes([192, 0, 2, 250]) + struct.pack(">H", len(view)) + view.encode() + struct.pack(">H", len(peers))
    for address, asn in peers:
        one = ipaddress.ip_address(address)
        body += bytes([2 | (one.version == 6)]) + b"\0\0\0\1" + one.packed + struct.pack(">I", asn)
    return record(13, 1, body)


def dumped(attributes: Attributes, *, is_v6: bool) -> bytes:
    """Attributes as table dumps have them: MP_REACH is its next hop alone."""
    block = attributes.encoded(is_v6=is_v6)
    return block + bytes([0x80, 14, 17, 16]) + ipaddress.ip_address(attributes.next_hop).packed if is_v6 else block


def entry(peer: int, block: bytes, *, learned: int = THEN - 60, path_id: int | None = None) -> bytes:
    identifier = b"" if path_id is None else struct.pack(">I", path_id)
    return struct.pack(">HI", peer, learned) + identifier + struct.pack(">H", len(block)) + block


def rib(prefix: Prefix, entries: Sequence[bytes], *, subtype: int | None = None) -> bytes:
    """A RIB record of a plain family."""
    octets = prefix.network_address.packed[: (prefix.prefixlen + 7) // 8]
    body = (
        struct.pack(">I", 1) + bytes([prefix.prefixlen]) + octets + struct.pack(">H", len(entries)) + b"".join(entries)
    )
    return record(13, subtype or (4 if prefix.version == 6 else 2), body)


def update(message: bytes, *, peer: str = "192.0.2.7", asn: int = 64497, subtype: int = 4, time: int = THEN) -> bytes:
    """A BGP message as a collector got it."""
    ends = [ipaddress.ip_address(peer), ipaddress.ip_address("192.0.2.250" if "." in peer else "2001:db8::250")]
    width = "I" if subtype in (4, 5, 7, 9, 11) else "H"
    head = struct.pack(f">{width}{width}HH", asn, 64496, 0, 1 if "." in peer else 2)
    return record(16, subtype, head + ends[0].packed + ends[1].packed + message, time)


def state(old: int, new: int, *, peer: str = "192.0.2.7", asn: int = 64497) -> bytes:
    return update(struct.pack(">HH", old, new), peer=peer, asn=asn, subtype=5)


def old_dump(prefixes: Sequence[Prefix], attributes: bytes, *, leaves_out: int = 0) -> bytes:
    """A TABLE_DUMP record with an entry per prefix; ``leaves_out``: octets that its length does not count."""
    body = b"\0\0\0\1"
    for prefix in prefixes:
        body += prefix.network_address.packed + bytes([prefix.prefixlen, 1]) + struct.pack(">I", THEN - 60)
        body += ipaddress.ip_address("192.0.2.7").packed + struct.pack(">HH", 64497, len(attributes)) + attributes
    return struct.pack(">IHHI", THEN, 12, 1, len(body) - leaves_out) + body
