"""One frame header to one row of flow columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import Matrices, slot
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get16, get48
from weft.decode.packet.cells import (
    Cells,
    add8,
    add16,
    add32,
    bit_of,
    cells_of,
    put_ipv4,
    put_ipv6,
    set8,
    set16,
    set64,
    touch,
)
from weft.decode.packet.link import ET_IPV4, ET_IPV6, LINK_ETHERNET, find_ip, first_ethertype
from weft.decode.packet.network import (
    ipv4_extent,
    ipv6_extent,
    put_ipv4_extras,
    put_ipv6_extras,
)
from weft.decode.packet.transport import ICMP, ICMPV6, IN_MPLS, NOT_TUNNELLED, TCP, find_tunnel, has_ports

_SRC_MAC, _DST_MAC = slot("src_mac"), slot("dst_mac")
_SRC_VLAN, _INNER_VLAN, _MPLS = slot("src_vlan"), slot("inner_vlan"), slot("mpls_label")
_SRC, _DST, _PROTOCOL = slot("src_addr"), slot("dst_addr"), slot("protocol")
_SRC_PORT, _DST_PORT = slot("src_port"), slot("dst_port")
_TCP_FLAGS, _ICMP = slot("tcp_flags"), slot("icmp_type_code")
_ENCAPSULATION, _TUNNEL = slot("encapsulation"), slot("tunnel_id")
_INNER_SRC, _INNER_DST = slot("inner_src_addr"), slot("inner_dst_addr")
_INNER_SRC_PORT, _INNER_DST_PORT = slot("inner_src_port"), slot("inner_dst_port")
_INNER_PROTOCOL = slot("inner_protocol")

_HAS_SRC_MAC, _HAS_DST_MAC = bit_of("src_mac"), bit_of("dst_mac")
_HAS_SRC_VLAN, _HAS_INNER_VLAN, _HAS_MPLS = bit_of("src_vlan"), bit_of("inner_vlan"), bit_of("mpls_label")
_HAS_SRC, _HAS_DST, _HAS_PROTOCOL = bit_of("src_addr"), bit_of("dst_addr"), bit_of("protocol")
_HAS_PORTS = bit_of("src_port") | bit_of("dst_port")
_HAS_TCP_FLAGS, _HAS_ICMP = bit_of("tcp_flags"), bit_of("icmp_type_code")
_HAS_ENCAPSULATION, _HAS_TUNNEL = bit_of("encapsulation"), bit_of("tunnel_id")
_HAS_INNER_SRC, _HAS_INNER_DST = bit_of("inner_src_addr"), bit_of("inner_dst_addr")
_HAS_INNER_PORTS = bit_of("inner_src_port") | bit_of("inner_dst_port")
_HAS_INNER_PROTOCOL = bit_of("inner_protocol")


#: Columns that nearly every frame has: claim them (zeroed) for the rows before parsing.
FRAME_COLUMNS = (
    "src_mac",
    "dst_mac",
    "src_addr",
    "dst_addr",
    "protocol",
    "tos",
    "ttl",
    "src_port",
    "dst_port",
    "tcp_flags",
)


@inlined
def _put_macs(at: int, end: int, c: Cells, row: int) -> int:
    present = 0
    if at + 6 <= end:
        set64(c, _DST_MAC, row, get48(at))
        present |= _HAS_DST_MAC
    if at + 12 <= end:
        set64(c, _SRC_MAC, row, get48(at + 6))
        present |= _HAS_SRC_MAC
    return present


@inlined
def _put_ports(at: int, end: int, protocol: int, c: Cells, row: int) -> int:
    """Ports, TCP control bits (RFC 9293: eight, and the four reserved ones) and ICMP type and code."""
    if has_ports(protocol) and at + 4 <= end:
        set16(c, _SRC_PORT, row, get16(at))
        set16(c, _DST_PORT, row, get16(at + 2))
        if protocol == TCP and at + 14 <= end:
            set16(c, _TCP_FLAGS, row, get16(at + 12) & 0x0FFF)
            return _HAS_PORTS | _HAS_TCP_FLAGS
        return _HAS_PORTS
    if protocol in (ICMP, ICMPV6) and at + 2 <= end:
        add16(c, _ICMP, row, get16(at))
        return _HAS_ICMP
    return 0


@inlined
def _put_inner(at: int, end: int, ethertype: int, c: Cells, row: int) -> int:
    """The packet inside a tunnel: its addresses, protocol and ports. Returns their ``present`` bits."""
    at, ethertype, _, _, _, _ = find_ip(at, end, ethertype)
    present = 0
    if ethertype == ET_IPV4:
        protocol, payload, last, _ = ipv4_extent(at, end)
        if protocol < 0:
            return 0
        if at + 16 <= end:
            touch(c, _INNER_SRC, row)
            put_ipv4(c, _INNER_SRC, row, at + 12)
            present |= _HAS_INNER_SRC
        if at + 20 <= end:
            touch(c, _INNER_DST, row)
            put_ipv4(c, _INNER_DST, row, at + 16)
            present |= _HAS_INNER_DST
    elif ethertype == ET_IPV6:
        protocol, payload, last, _, _ = ipv6_extent(at, end)
        if protocol < 0:
            return 0
        if at + 24 <= end:
            touch(c, _INNER_SRC, row)
            put_ipv6(c, _INNER_SRC, row, at + 8)
            present |= _HAS_INNER_SRC
        if at + 40 <= end:
            touch(c, _INNER_DST, row)
            put_ipv6(c, _INNER_DST, row, at + 24)
            present |= _HAS_INNER_DST
    else:
        return 0
    add8(c, _INNER_PROTOCOL, row, protocol)
    present |= _HAS_INNER_PROTOCOL
    if payload >= 0 and has_ports(protocol) and payload + 4 <= last:
        add16(c, _INNER_SRC_PORT, row, get16(payload))
        add16(c, _INNER_DST_PORT, row, get16(payload + 2))
        present |= _HAS_INNER_PORTS
    return present


@inlined
def _put_transport(at: int, end: int, protocol: int, segments: int, c: Cells, row: int) -> int:
    """Everything above the outer IP header. Returns the ``present`` bits."""
    present = _put_ports(at, end, protocol, c, row)
    kind, tunnel, inside, ethertype = find_tunnel(at, end, protocol, segments)
    if kind != NOT_TUNNELLED:
        add8(c, _ENCAPSULATION, row, kind)
        present |= _HAS_ENCAPSULATION
        if tunnel >= 0:
            add32(c, _TUNNEL, row, tunnel)
            present |= _HAS_TUNNEL
        present |= _put_inner(inside, end, ethertype, c, row)
    return present


@inlined
def _put_ipv4_packet(at: int, end: int, c: Cells, row: int) -> int:
    protocol, payload, last, fragment = ipv4_extent(at, end)
    if protocol < 0:
        return 0
    set8(c, _PROTOCOL, row, protocol)
    present = _HAS_PROTOCOL | put_ipv4_extras(at, fragment, c, row)
    if at + 16 <= end:
        put_ipv4(c, _SRC, row, at + 12)
        present |= _HAS_SRC
    if at + 20 <= end:
        put_ipv4(c, _DST, row, at + 16)
        present |= _HAS_DST
    if payload >= 0:
        present |= _put_transport(payload, last, protocol, 0, c, row)
    return present


@inlined
def _put_ipv6_packet(at: int, end: int, c: Cells, row: int) -> int:
    protocol, payload, last, fragment, segments = ipv6_extent(at, end)
    if protocol < 0:
        return 0
    set8(c, _PROTOCOL, row, protocol)
    present = _HAS_PROTOCOL | put_ipv6_extras(at, end, fragment, c, row)
    if at + 24 <= end:
        put_ipv6(c, _SRC, row, at + 8)
        present |= _HAS_SRC
    if at + 40 <= end:
        put_ipv6(c, _DST, row, at + 24)
        present |= _HAS_DST
    if payload >= 0:
        present |= _put_transport(payload, last, protocol, segments, c, row)
    return present


@kernel
def read_frame(start: int, end: int, link: int, c: Cells, row: int) -> int:
    """``parse_frame`` for a frame between two addresses."""
    present = 0
    if link == LINK_ETHERNET:
        present |= _put_macs(start, end, c, row)
    at, ethertype = first_ethertype(start, end, link)
    at, ethertype, outer, inner, label, below = find_ip(at, end, ethertype)
    if outer >= 0:
        add16(c, _SRC_VLAN, row, outer)
        present |= _HAS_SRC_VLAN
    if inner >= 0:
        add16(c, _INNER_VLAN, row, inner)
        present |= _HAS_INNER_VLAN
    if label >= 0:
        add32(c, _MPLS, row, label)
        present |= _HAS_MPLS
    if ethertype == ET_IPV4:
        present |= _put_ipv4_packet(at, end, c, row)
    elif ethertype == ET_IPV6:
        present |= _put_ipv6_packet(at, end, c, row)
    if below == 1 and present & _HAS_ENCAPSULATION == 0:
        add8(c, _ENCAPSULATION, row, IN_MPLS)
        present |= _HAS_ENCAPSULATION
    return present


@kernel
def parse_frame(data: NDArray[np.uint8], start: int, end: int, link: int, m: Matrices, row: int) -> int:
    """Parse the frame ``data[start:end]`` of link type ``link`` into row ``row``; returns its ``present`` bits.

    ``FRAME_COLUMNS`` must be zero in that row. Never reads outside ``[start, end)`` whatever the bytes are, and ends:
    every step consumes bytes.
    """
    base = address_of(data)
    return read_frame(base + start, base + end, link, cells_of(m), row)
