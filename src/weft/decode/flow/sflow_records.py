"""The flow records of an sFlow v5 sample (sflow.org/sflow_version_5.txt §5.3): where they lie, and what they say.

A sample may hold several records in any order. They are found first and applied in order of authority: the sampled
header, else the agent's own reading of the packet; then what the device knew of it (VLANs, routes, AS path).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import Matrices, slot
from weft.decode.kernels import be8, be16, be32, be48, kernel
from weft.decode.packet import parse_frame
from weft.decode.packet.cells import bit_of, put_ipv4, put_ipv6, touch
from weft.decode.packet.transport import TCP, has_ports

RAW_HEADER, SAMPLED_ETHERNET, SAMPLED_IPV4, SAMPLED_IPV6 = 1, 2, 3, 4
EXTENDED_SWITCH, EXTENDED_ROUTER, EXTENDED_GATEWAY = 1001, 1002, 1003

_SRC, _DST, _PROTOCOL = slot("src_addr"), slot("dst_addr"), slot("protocol")
_SRC_PORT, _DST_PORT, _TCP_FLAGS, _TOS = slot("src_port"), slot("dst_port"), slot("tcp_flags"), slot("tos")
_SRC_MAC, _DST_MAC, _BYTES = slot("src_mac"), slot("dst_mac"), slot("bytes")
_SRC_VLAN, _DST_VLAN = slot("src_vlan"), slot("dst_vlan")
_NEXT_HOP, _SRC_MASK, _DST_MASK = slot("next_hop"), slot("src_mask"), slot("dst_mask")
_SRC_AS, _DST_AS = slot("src_as"), slot("dst_as")

_HAS_ADDRESSES = bit_of("src_addr", "dst_addr", "protocol", "tos")
_HAS_PORTS, _HAS_TCP_FLAGS, _HAS_MACS = (
    bit_of("src_port", "dst_port"),
    bit_of("tcp_flags"),
    bit_of("src_mac", "dst_mac"),
)
_HAS_BYTES, _HAS_SRC, _HAS_ANY_MAC = bit_of("bytes"), bit_of("src_addr"), bit_of("src_mac")
_HAS_SRC_VLAN, _HAS_DST_VLAN = bit_of("src_vlan"), bit_of("dst_vlan")
_HAS_NEXT_HOP, _HAS_MASKS = bit_of("next_hop"), bit_of("src_mask", "dst_mask")
_HAS_SRC_AS, _HAS_DST_AS = bit_of("src_as"), bit_of("dst_as")

_VLAN_MAX = 4095


class Records(NamedTuple):
    """Offset of the first record of each kind within a sample; -1 where there is none."""

    raw: int
    ethernet: int
    ipv4: int
    ipv6: int
    switch: int
    router: int
    gateway: int


@kernel
def find_records(data: NDArray[np.uint8], at: int, end: int, count: int) -> tuple[Records, bool]:
    """Walk up to ``count`` records; unknown ones are skipped by their length. False if one runs beyond the sample."""
    raw, ethernet, ipv4, ipv6, switch, router, gateway = -1, -1, -1, -1, -1, -1, -1
    whole = True
    for _ in range(count):
        if at + 8 > end:
            whole = False
            break
        kind, size = be32(data, at), be32(data, at + 4)
        at += 8
        if at + size > end:
            whole = False
            break
        if kind == RAW_HEADER:
            if raw < 0:
                raw = at
        elif kind == EXTENDED_SWITCH:
            if size >= 16:
                switch = at
        elif kind == EXTENDED_ROUTER:
            router = at
        elif kind == EXTENDED_GATEWAY:
            gateway = at
        elif kind == SAMPLED_ETHERNET:
            if size >= 24:
                ethernet = at
        elif kind == SAMPLED_IPV4:
            if size >= 32:
                ipv4 = at
        elif kind == SAMPLED_IPV6 and size >= 56:
            ipv6 = at
        at += (size + 3) & ~3  # XDR pads to four bytes; the length of some agents does not say so
    return Records(raw, ethernet, ipv4, ipv6, switch, router, gateway), whole


@kernel
def put_raw_header(data: NDArray[np.uint8], at: int, m: Matrices, row: int) -> int:
    """A sampled header. ``bytes`` is the frame's length on the wire as the agent gives it, ``stripped`` included."""
    size = be32(data, at - 4)
    if size < 16:
        return 0
    held = min(be32(data, at + 12), size - 16)
    m.u64[_BYTES.row, row] = np.uint64(be32(data, at + 4))
    return _HAS_BYTES | parse_frame(data, at + 16, at + 16 + held, be32(data, at), m, row)


@kernel
def put_sampled_ethernet(data: NDArray[np.uint8], at: int, present: int, m: Matrices, row: int) -> int:
    """The agent's reading of the Ethernet header, where there is no sampled header."""
    if present & _HAS_BYTES == 0:
        m.u64[_BYTES.row, row] = np.uint64(be32(data, at))
    if present & _HAS_ANY_MAC == 0:
        m.u64[_SRC_MAC.row, row] = np.uint64(be48(data, at + 4))
        m.u64[_DST_MAC.row, row] = np.uint64(be48(data, at + 12))
    return _HAS_BYTES | _HAS_MACS


@kernel
def put_sampled_ip(data: NDArray[np.uint8], at: int, width: int, present: int, m: Matrices, row: int) -> int:
    """The agent's reading of the IP packet (``width`` 4 or 16 bytes per address), where there is no sampled header."""
    added = 0
    if present & _HAS_BYTES == 0:
        m.u64[_BYTES.row, row] = np.uint64(be32(data, at))
        added |= _HAS_BYTES
    if present & _HAS_SRC:
        return added
    if width == 4:
        put_ipv4(m, _SRC, row, data, at + 8)
        put_ipv4(m, _DST, row, data, at + 12)
    else:
        put_ipv6(m, _SRC, row, data, at + 8)
        put_ipv6(m, _DST, row, data, at + 24)
    protocol, rest = be8(data, at + 7), at + 8 + 2 * width
    m.u8[_PROTOCOL.row, row] = protocol
    m.u8[_TOS.row, row] = be8(data, rest + 15)
    if has_ports(protocol):
        m.u16[_SRC_PORT.row, row] = be16(data, rest + 2)
        m.u16[_DST_PORT.row, row] = be16(data, rest + 6)
        added |= _HAS_PORTS
        if protocol == TCP:
            m.u16[_TCP_FLAGS.row, row] = be16(data, rest + 10)
            added |= _HAS_TCP_FLAGS
    return added | _HAS_ADDRESSES


@kernel
def put_switch(data: NDArray[np.uint8], at: int, m: Matrices, row: int) -> int:
    """VLANs the switch put the packet in; values beyond 4095 mean that it does not know."""
    present = 0
    source, destination = be32(data, at), be32(data, at + 8)
    if source <= _VLAN_MAX:
        touch(m, _SRC_VLAN, row)
        m.u16[_SRC_VLAN.row, row] = source
        present |= _HAS_SRC_VLAN
    if destination <= _VLAN_MAX:
        touch(m, _DST_VLAN, row)
        m.u16[_DST_VLAN.row, row] = destination
        present |= _HAS_DST_VLAN
    return present


@kernel
def _put_next_hop(data: NDArray[np.uint8], at: int, end: int, m: Matrices, row: int) -> tuple[int, int]:
    """An sFlow address as next hop: (offset after it or -1, ``present`` bit)."""
    if at + 4 > end:
        return -1, 0
    kind = be32(data, at)
    if kind == 0:
        return at + 4, 0
    if kind == 1 and at + 8 <= end:
        touch(m, _NEXT_HOP, row)
        put_ipv4(m, _NEXT_HOP, row, data, at + 4)
        return at + 8, _HAS_NEXT_HOP
    if kind == 2 and at + 20 <= end:
        touch(m, _NEXT_HOP, row)
        put_ipv6(m, _NEXT_HOP, row, data, at + 4)
        return at + 20, _HAS_NEXT_HOP
    return -1, 0


@kernel
def put_router(data: NDArray[np.uint8], at: int, m: Matrices, row: int) -> int:
    """Next hop and prefix lengths of the routes used."""
    end = at + be32(data, at - 4)
    rest, present = _put_next_hop(data, at, end, m, row)
    if rest >= 0 and rest + 8 <= end:
        source, destination = be32(data, rest), be32(data, rest + 4)
        if source <= 128 and destination <= 128:
            touch(m, _SRC_MASK, row)
            m.u8[_SRC_MASK.row, row] = source
            touch(m, _DST_MASK, row)
            m.u8[_DST_MASK.row, row] = destination
            present |= _HAS_MASKS
    return present


@kernel
def _path_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Last AS of the last segment of a path; 0 where the path is empty or cut short."""
    last = 0
    if at + 4 > end:
        return 0
    segments = be32(data, at)
    at += 4
    for _ in range(segments):
        if at + 8 > end:
            return 0
        hops = be32(data, at + 4)
        at += 8 + 4 * hops
        if at > end:
            return 0
        if hops > 0:
            last = be32(data, at - 4)
    return last


@kernel
def put_gateway(data: NDArray[np.uint8], at: int, present: int, m: Matrices, row: int) -> int:
    """Source AS, and the origin of the path to the destination; an empty path (our own AS) is left to enrichment."""
    end = at + be32(data, at - 4)
    hop = -1
    added = 0
    if present & _HAS_NEXT_HOP == 0:
        hop, added = _put_next_hop(data, at, end, m, row)
    elif at + 4 <= end:
        kind = be32(data, at)
        hop = at + (4 if kind == 0 else 8 if kind == 1 else 20)
    if hop < 0 or hop + 12 > end:
        return added
    touch(m, _SRC_AS, row)
    m.u32[_SRC_AS.row, row] = be32(data, hop + 4)
    added |= _HAS_SRC_AS
    destination = _path_end(data, hop + 12, end)
    if destination > 0:
        touch(m, _DST_AS, row)
        m.u32[_DST_AS.row, row] = destination
        added |= _HAS_DST_AS
    return added
