"""The flow records of an sFlow v5 sample (sflow.org/sflow_version_5.txt §5.3): where they lie, and what they say.

A sample may hold several records in any order. They are found first and applied in order of authority: the sampled
header, else the agent's own reading of the packet; then what the device knew of it (VLANs, routes, AS path).
"""

from __future__ import annotations

from typing import NamedTuple

from weft.decode.flow.columns import slot
from weft.decode.kernels import inlined
from weft.decode.memory import get8, get16, get32, get48
from weft.decode.packet.cells import Cells, add8, add16, add32, bit_of, put_ipv4, put_ipv6, set8, set16, set64, touch
from weft.decode.packet.frame import read_frame
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


@inlined
def find_records(at: int, end: int, count: int) -> tuple[Records, bool]:
    """Walk up to ``count`` records; unknown ones are skipped by their length. False if one runs beyond the sample."""
    raw, ethernet, ipv4, ipv6, switch, router, gateway = -1, -1, -1, -1, -1, -1, -1
    whole = True
    for _ in range(count):
        if at + 8 > end:
            whole = False
            break
        kind, size = get32(at), get32(at + 4)
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


@inlined
def put_raw_header(at: int, c: Cells, row: int) -> int:
    """A sampled header. ``bytes`` is the frame's length on the wire as the agent gives it, ``stripped`` included."""
    size = get32(at - 4)
    if size < 16:
        return 0
    held = min(get32(at + 12), size - 16)
    set64(c, _BYTES, row, get32(at + 4))
    return _HAS_BYTES | read_frame(at + 16, at + 16 + held, get32(at), c, row)


@inlined
def put_sampled_ethernet(at: int, present: int, c: Cells, row: int) -> int:
    """The agent's reading of the Ethernet header, where there is no sampled header."""
    if present & _HAS_BYTES == 0:
        set64(c, _BYTES, row, get32(at))
    if present & _HAS_ANY_MAC == 0:
        set64(c, _SRC_MAC, row, get48(at + 4))
        set64(c, _DST_MAC, row, get48(at + 12))
    return _HAS_BYTES | _HAS_MACS


@inlined
def put_sampled_ip(at: int, width: int, present: int, c: Cells, row: int) -> int:
    """The agent's reading of the IP packet (``width`` 4 or 16 bytes per address), where there is no sampled header."""
    added = 0
    if present & _HAS_BYTES == 0:
        set64(c, _BYTES, row, get32(at))
        added |= _HAS_BYTES
    if present & _HAS_SRC:
        return added
    if width == 4:
        put_ipv4(c, _SRC, row, at + 8)
        put_ipv4(c, _DST, row, at + 12)
    else:
        put_ipv6(c, _SRC, row, at + 8)
        put_ipv6(c, _DST, row, at + 24)
    protocol, rest = get8(at + 7), at + 8 + 2 * width
    set8(c, _PROTOCOL, row, protocol)
    set8(c, _TOS, row, get8(rest + 15))
    if has_ports(protocol):
        set16(c, _SRC_PORT, row, get16(rest + 2))
        set16(c, _DST_PORT, row, get16(rest + 6))
        added |= _HAS_PORTS
        if protocol == TCP:
            set16(c, _TCP_FLAGS, row, get16(rest + 10))
            added |= _HAS_TCP_FLAGS
    return added | _HAS_ADDRESSES


@inlined
def put_switch(at: int, c: Cells, row: int) -> int:
    """VLANs the switch put the packet in; values beyond 4095 mean that it does not know."""
    present = 0
    source, destination = get32(at), get32(at + 8)
    if source <= _VLAN_MAX:
        add16(c, _SRC_VLAN, row, source)
        present |= _HAS_SRC_VLAN
    if destination <= _VLAN_MAX:
        add16(c, _DST_VLAN, row, destination)
        present |= _HAS_DST_VLAN
    return present


@inlined
def _put_next_hop(at: int, end: int, c: Cells, row: int) -> tuple[int, int]:
    """An sFlow address as next hop: (offset after it or -1, ``present`` bit)."""
    if at + 4 > end:
        return -1, 0
    kind = get32(at)
    if kind == 0:
        return at + 4, 0
    if kind == 1 and at + 8 <= end:
        touch(c, _NEXT_HOP, row)
        put_ipv4(c, _NEXT_HOP, row, at + 4)
        return at + 8, _HAS_NEXT_HOP
    if kind == 2 and at + 20 <= end:
        touch(c, _NEXT_HOP, row)
        put_ipv6(c, _NEXT_HOP, row, at + 4)
        return at + 20, _HAS_NEXT_HOP
    return -1, 0


@inlined
def put_router(at: int, c: Cells, row: int) -> int:
    """Next hop and prefix lengths of the routes used."""
    end = at + get32(at - 4)
    rest, present = _put_next_hop(at, end, c, row)
    if rest >= 0 and rest + 8 <= end:
        source, destination = get32(rest), get32(rest + 4)
        if source <= 128 and destination <= 128:
            add8(c, _SRC_MASK, row, source)
            add8(c, _DST_MASK, row, destination)
            present |= _HAS_MASKS
    return present


@inlined
def _path_end(at: int, end: int) -> int:
    """Last AS of the last segment of a path; 0 where the path is empty or cut short."""
    last = 0
    if at + 4 > end:
        return 0
    segments = get32(at)
    at += 4
    for _ in range(segments):
        if at + 8 > end:
            return 0
        hops = get32(at + 4)
        at += 8 + 4 * hops
        if at > end:
            return 0
        if hops > 0:
            last = get32(at - 4)
    return last


@inlined
def put_gateway(at: int, present: int, c: Cells, row: int) -> int:
    """Source AS, and the origin of the path to the destination; an empty path (our own AS) is left to enrichment."""
    end = at + get32(at - 4)
    hop = -1
    added = 0
    if present & _HAS_NEXT_HOP == 0:
        hop, added = _put_next_hop(at, end, c, row)
    elif at + 4 <= end:
        kind = get32(at)
        hop = at + (4 if kind == 0 else 8 if kind == 1 else 20)
    if hop < 0 or hop + 12 > end:
        return added
    add32(c, _SRC_AS, row, get32(hop + 4))
    added |= _HAS_SRC_AS
    destination = _path_end(hop + 12, end)
    if destination > 0:
        add32(c, _DST_AS, row, destination)
        added |= _HAS_DST_AS
    return added
