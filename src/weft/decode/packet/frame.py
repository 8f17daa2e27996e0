"""One frame header to one row of flow columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import Matrices, slot
from weft.decode.kernels import be16, be48, kernel
from weft.decode.packet.cells import bit_of, put_ipv4, put_ipv6, touch
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


@kernel
def _put_macs(data: NDArray[np.uint8], at: int, end: int, m: Matrices, row: int) -> int:
    present = 0
    if at + 6 <= end:
        m.u64[_DST_MAC.row, row] = be48(data, at)
        present |= _HAS_DST_MAC
    if at + 12 <= end:
        m.u64[_SRC_MAC.row, row] = be48(data, at + 6)
        present |= _HAS_SRC_MAC
    return present


@kernel
def _put_ports(data: NDArray[np.uint8], at: int, end: int, protocol: int, m: Matrices, row: int) -> int:
    """Ports, TCP control bits (RFC 9293: eight, and the four reserved ones) and ICMP type and code."""
    if has_ports(protocol) and at + 4 <= end:
        m.u16[_SRC_PORT.row, row] = be16(data, at)
        m.u16[_DST_PORT.row, row] = be16(data, at + 2)
        if protocol == TCP and at + 14 <= end:
            m.u16[_TCP_FLAGS.row, row] = be16(data, at + 12) & 0x0FFF
            return _HAS_PORTS | _HAS_TCP_FLAGS
        return _HAS_PORTS
    if protocol in (ICMP, ICMPV6) and at + 2 <= end:
        touch(m, _ICMP, row)
        m.u16[_ICMP.row, row] = be16(data, at)
        return _HAS_ICMP
    return 0


@kernel
def _put_inner(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    ethertype: int,
    m: Matrices,
    row: int,
) -> int:
    """The packet inside a tunnel: its addresses, protocol and ports. Returns their ``present`` bits."""
    at, ethertype, _, _, _, _ = find_ip(data, at, end, ethertype)
    present = 0
    if ethertype == ET_IPV4:
        protocol, payload, last, _ = ipv4_extent(data, at, end)
        if protocol < 0:
            return 0
        if at + 16 <= end:
            touch(m, _INNER_SRC, row)
            put_ipv4(m, _INNER_SRC, row, data, at + 12)
            present |= _HAS_INNER_SRC
        if at + 20 <= end:
            touch(m, _INNER_DST, row)
            put_ipv4(m, _INNER_DST, row, data, at + 16)
            present |= _HAS_INNER_DST
    elif ethertype == ET_IPV6:
        protocol, payload, last, _, _ = ipv6_extent(data, at, end)
        if protocol < 0:
            return 0
        if at + 24 <= end:
            touch(m, _INNER_SRC, row)
            put_ipv6(m, _INNER_SRC, row, data, at + 8)
            present |= _HAS_INNER_SRC
        if at + 40 <= end:
            touch(m, _INNER_DST, row)
            put_ipv6(m, _INNER_DST, row, data, at + 24)
            present |= _HAS_INNER_DST
    else:
        return 0
    touch(m, _INNER_PROTOCOL, row)
    m.u8[_INNER_PROTOCOL.row, row] = protocol
    present |= _HAS_INNER_PROTOCOL
    if payload >= 0 and has_ports(protocol) and payload + 4 <= last:
        touch(m, _INNER_SRC_PORT, row)
        m.u16[_INNER_SRC_PORT.row, row] = be16(data, payload)
        touch(m, _INNER_DST_PORT, row)
        m.u16[_INNER_DST_PORT.row, row] = be16(data, payload + 2)
        present |= _HAS_INNER_PORTS
    return present


@kernel
def _put_transport(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    protocol: int,
    segments: int,
    m: Matrices,
    row: int,
) -> int:
    """Everything above the outer IP header. Returns the ``present`` bits."""
    present = _put_ports(data, at, end, protocol, m, row)
    kind, tunnel, inside, ethertype = find_tunnel(data, at, end, protocol, segments)
    if kind != NOT_TUNNELLED:
        touch(m, _ENCAPSULATION, row)
        m.u8[_ENCAPSULATION.row, row] = kind
        present |= _HAS_ENCAPSULATION
        if tunnel >= 0:
            touch(m, _TUNNEL, row)
            m.u32[_TUNNEL.row, row] = tunnel
            present |= _HAS_TUNNEL
        present |= _put_inner(data, inside, end, ethertype, m, row)
    return present


@kernel
def _put_ipv4_packet(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    m: Matrices,
    row: int,
) -> int:
    protocol, payload, last, fragment = ipv4_extent(data, at, end)
    if protocol < 0:
        return 0
    m.u8[_PROTOCOL.row, row] = protocol
    present = _HAS_PROTOCOL | put_ipv4_extras(data, at, fragment, m, row)
    if at + 16 <= end:
        put_ipv4(m, _SRC, row, data, at + 12)
        present |= _HAS_SRC
    if at + 20 <= end:
        put_ipv4(m, _DST, row, data, at + 16)
        present |= _HAS_DST
    if payload >= 0:
        present |= _put_transport(data, payload, last, protocol, 0, m, row)
    return present


@kernel
def _put_ipv6_packet(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    m: Matrices,
    row: int,
) -> int:
    protocol, payload, last, fragment, segments = ipv6_extent(data, at, end)
    if protocol < 0:
        return 0
    m.u8[_PROTOCOL.row, row] = protocol
    present = _HAS_PROTOCOL | put_ipv6_extras(data, at, end, fragment, m, row)
    if at + 24 <= end:
        put_ipv6(m, _SRC, row, data, at + 8)
        present |= _HAS_SRC
    if at + 40 <= end:
        put_ipv6(m, _DST, row, data, at + 24)
        present |= _HAS_DST
    if payload >= 0:
        present |= _put_transport(data, payload, last, protocol, segments, m, row)
    return present


@kernel
def parse_frame(
    data: NDArray[np.uint8],
    start: int,
    end: int,
    link: int,
    m: Matrices,
    row: int,
) -> int:
    """Parse the frame ``data[start:end]`` of link type ``link`` into row ``row``; returns its ``present`` bits.

    ``FRAME_COLUMNS`` must be zero in that row. Never reads outside ``[start, end)`` whatever the bytes are, and ends:
    every step consumes bytes.
    """
    present = 0
    if link == LINK_ETHERNET:
        present |= _put_macs(data, start, end, m, row)
    at, ethertype = first_ethertype(data, start, end, link)
    at, ethertype, outer, inner, label, below = find_ip(data, at, end, ethertype)
    if outer >= 0:
        touch(m, _SRC_VLAN, row)
        m.u16[_SRC_VLAN.row, row] = outer
        present |= _HAS_SRC_VLAN
    if inner >= 0:
        touch(m, _INNER_VLAN, row)
        m.u16[_INNER_VLAN.row, row] = inner
        present |= _HAS_INNER_VLAN
    if label >= 0:
        touch(m, _MPLS, row)
        m.u32[_MPLS.row, row] = label
        present |= _HAS_MPLS
    if ethertype == ET_IPV4:
        present |= _put_ipv4_packet(data, at, end, m, row)
    elif ethertype == ET_IPV6:
        present |= _put_ipv6_packet(data, at, end, m, row)
    if below == 1 and present & _HAS_ENCAPSULATION == 0:
        touch(m, _ENCAPSULATION, row)
        m.u8[_ENCAPSULATION.row, row] = IN_MPLS
        present |= _HAS_ENCAPSULATION
    return present
