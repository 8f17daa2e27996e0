"""BGP and BMP messages as routers write them (RFC 4271, 4760, 6793, 7854, 9069)."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MARKER = b"\xff" * 16
_OPEN, _UPDATE, _NOTIFICATION = 1, 2, 3
#: Octets of an UPDATE, header and all (RFC 4271 §4.1).
_LONGEST = 4096

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network


def message(kind: int, body: bytes) -> bytes:
    """A BGP message of a type."""
    return _MARKER + struct.pack(">HB", 19 + len(body), kind) + body


def open_message(asn: int, bgp_id: str, *, add_path: Iterable[tuple[int, int]] = (), hold_time: int = 180) -> bytes:
    """An OPEN for IPv4 and IPv6 unicast with AS numbers of four octets; ``add_path``: families sent and received."""
    capabilities = b"".join(struct.pack(">BBHBB", 1, 4, afi, 0, 1) for afi in (1, 2)) + struct.pack(">BBI", 65, 4, asn)
    ids = b"".join(struct.pack(">HBB", afi, safi, 3) for afi, safi in add_path)
    if ids:
        capabilities += bytes([69, len(ids)]) + ids
    parameters = bytes([2, len(capabilities)]) + capabilities
    number = asn if asn < 65_536 else 23_456
    body = struct.pack(">BHH", 4, number, hold_time) + ipaddress.ip_address(bgp_id).packed
    return message(_OPEN, body + bytes([len(parameters)]) + parameters)


def notification(code: int, subcode: int, text: str = "") -> bytes:
    """A NOTIFICATION; ``text`` as the communication of a shutdown (RFC 9003)."""
    said = text.encode()[:128]
    return message(_NOTIFICATION, bytes([code, subcode]) + (bytes([len(said)]) + said if said else b""))


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an UPDATE says of its routes."""

    as_path: tuple[int, ...] = ()
    next_hop: str = "192.0.2.1"
    origin: int = 0
    local_pref: int | None = None
    med: int | None = None
    communities: tuple[tuple[int, int], ...] = ()
    large: tuple[tuple[int, int, int], ...] = ()

    def encoded(self, *, is_v6: bool = False) -> bytes:
        """The attributes without MP_REACH; those of IPv4 have NEXT_HOP."""
        path = struct.pack(f">BB{len(self.as_path)}I", 2, len(self.as_path), *self.as_path) if self.as_path else b""
        found = _attribute(0x40, 1, bytes([self.origin])) + _attribute(0x40, 2, path)
        if not is_v6:
            found += _attribute(0x40, 3, ipaddress.IPv4Address(self.next_hop).packed)
        if self.med is not None:
            found += _attribute(0x80, 4, struct.pack(">I", self.med))
        if self.local_pref is not None:
            found += _attribute(0x40, 5, struct.pack(">I", self.local_pref))
        if self.communities:
            found += _attribute(0xC0, 8, b"".join(struct.pack(">HH", *one) for one in sorted(self.communities)))
        if self.large:
            found += _attribute(0xC0, 32, b"".join(struct.pack(">III", *one) for one in sorted(self.large)))
        return found


def _attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > 255:
        return struct.pack(">BBH", flags | 0x10, code, len(value)) + value
    return struct.pack(">BBB", flags, code, len(value)) + value


def nlri(prefix: Prefix, path_id: int | None = None) -> bytes:
    """A prefix as UPDATEs have it, behind its identifier where there is one."""
    octets = (prefix.prefixlen + 7) // 8
    head = b"" if path_id is None else struct.pack(">I", path_id)
    return head + bytes([prefix.prefixlen]) + prefix.network_address.packed[:octets]


def updates(announced: Sequence[Prefix], attributes: Attributes) -> list[bytes]:
    """UPDATE messages that announce prefixes of one family with the same attributes, as few as fit."""
    if not announced:
        return []
    is_v6 = announced[0].version == 6
    block = attributes.encoded(is_v6=is_v6)
    room = _LONGEST - 19 - 4 - len(block) - 64
    found = []
    for part in _parts([nlri(one) for one in announced], room):
        if is_v6:
            hop = ipaddress.IPv6Address(attributes.next_hop).packed
            reach = _attribute(0x80, 14, struct.pack(">HBB", 2, 1, 16) + hop + b"\0" + part)
            found.append(message(_UPDATE, struct.pack(">HH", 0, len(block) + len(reach)) + block + reach))
        else:
            found.append(message(_UPDATE, struct.pack(">HH", 0, len(block)) + block + part))
    return found


def withdrawals(prefixes: Sequence[Prefix]) -> list[bytes]:
    """UPDATE messages that withdraw prefixes of one family."""
    if not prefixes:
        return []
    found = []
    for part in _parts([nlri(one) for one in prefixes], _LONGEST - 64):
        if prefixes[0].version == 6:
            unreach = _attribute(0x80, 15, struct.pack(">HB", 2, 1) + part)
            found.append(message(_UPDATE, struct.pack(">HH", 0, len(unreach)) + unreach))
        else:
            found.append(message(_UPDATE, struct.pack(">H", len(part)) + part + b"\0\0"))
    return found


def end_of_rib(*, is_v6: bool = False) -> bytes:
    """The marker that a table has been sent (RFC 4724 §2)."""
    unreach = _attribute(0x80, 15, struct.pack(">HB", 2, 1)) if is_v6 else b""
    return message(_UPDATE, struct.pack(">HH", 0, len(unreach)) + unreach)


def _parts(items: Sequence[bytes], room: int) -> list[bytes]:
    """Items joined to parts of at most ``room`` octets."""
    parts, now = [], bytearray()
    for one in items:
        if now and len(now) + len(one) > room:
            parts.append(bytes(now))
            now.clear()
        now += one
    return [*parts, bytes(now)]


@dataclass(frozen=True, slots=True)
class Peer:
    """A neighbour of a router, as the per-peer header names it."""

    address: str
    asn: int
    bgp_id: str
    kind: int = 0  # 3: the router's own Loc-RIB
    flags: int = 0  # 0x40 after policy, 0x10 what the router sends to the neighbour
    distinguisher: bytes = bytes(8)

    def header(self, time_ns: int) -> bytes:
        """The 42 octets in front of a message."""
        address = ipaddress.ip_address(self.address)
        flags = self.flags | (0x80 if address.version == 6 and self.kind != 3 else 0)
        packed = bytes(16) if self.kind == 3 else address.packed.rjust(16, b"\0")
        identifier = ipaddress.ip_address(self.bgp_id).packed
        seconds, rest = divmod(time_ns, 1_000_000_000)
        return (
            bytes([self.kind, flags]) + self.distinguisher + packed + struct.pack(">I", self.asn) + identifier
            + struct.pack(">II", seconds, rest // 1_000)
        )  # fmt: skip


def bmp(kind: int, content: bytes) -> bytes:
    """A BMP message of a type."""
    return struct.pack(">BIB", 3, 6 + len(content), kind) + content


def initiation(name: str, description: str) -> bytes:
    """The router names itself."""
    return bmp(4, _tlv(1, description.encode()) + _tlv(2, name.encode()))


def termination(reason: int = 0) -> bytes:
    """The router ends the stream."""
    return bmp(5, _tlv(1, struct.pack(">H", reason)))


def peer_up(peer: Peer, time_ns: int, local: str, sent: bytes, received: bytes, *, table: str = "") -> bytes:
    """A session is up, with both OPEN messages."""
    packed = ipaddress.ip_address(local).packed.rjust(16, b"\0")
    tail = _tlv(3, table.encode()) if table else b""
    return bmp(3, peer.header(time_ns) + packed + struct.pack(">HH", 179, 40_000) + sent + received + tail)


def peer_down(peer: Peer, time_ns: int, reason: int, content: bytes = b"") -> bytes:
    """A session went away: 1 with the NOTIFICATION sent, 3 with that received, 2 with an FSM event."""
    return bmp(2, peer.header(time_ns) + bytes([reason]) + content)


def monitoring(peer: Peer, time_ns: int, update: bytes) -> bytes:
    """One UPDATE of a peer."""
    return bmp(0, peer.header(time_ns) + update)


def statistics(peer: Peer, time_ns: int, values: dict[int, int]) -> bytes:
    """Counters of a peer; gauges (7 and above) have eight octets."""
    tlvs = [_tlv(kind, value.to_bytes(8 if kind >= 7 else 4, "big")) for kind, value in sorted(values.items())]
    return bmp(1, peer.header(time_ns) + struct.pack(">I", len(tlvs)) + b"".join(tlvs))


def _tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value
