"""IPv4 with options and IPv6 with extension headers, bounds-checked: a header cut short gives what it holds."""

from __future__ import annotations

from weft.decode.flow.columns import slot
from weft.decode.kernels import inlined
from weft.decode.memory import get8, get16
from weft.decode.packet.cells import Cells, add16, add32, bit_of, set8

_TOS, _TTL, _FRAGMENT, _LABEL = slot("tos"), slot("ttl"), slot("fragment_offset"), slot("ipv6_flow_label")
_HAS_TOS, _HAS_TTL = bit_of("tos"), bit_of("ttl")
_HAS_FRAGMENT, _HAS_LABEL = bit_of("fragment_offset"), bit_of("ipv6_flow_label")

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, NO_NEXT, DESTINATION, MOBILITY = 0, 43, 44, 51, 59, 60, 135
_SEGMENT_ROUTING = 4  # routing header type, RFC 8754
_UNKNOWN = -1


@inlined
def ipv4_extent(at: int, end: int) -> tuple[int, int, int, int]:
    """(protocol, payload offset, packet end, fragment offset) of an IPv4 header; -1 where it cannot be told.

    A payload offset of -1 means: nothing above IP can be read (cut short, a bad header length, a later fragment).
    Bytes beyond the total length are link padding or a frame check sequence; 0 there means segmentation offload.
    """
    if at + 10 > end or get8(at) >> 4 != 4:
        return _UNKNOWN, _UNKNOWN, end, 0
    header = (get8(at) & 15) * 4
    total = get16(at + 2)
    if total >= header and at + total < end:
        end = at + total
    fragment = get16(at + 6) & 0x1FFF
    payload = at + header
    if header < 20 or payload > end or fragment != 0:
        payload = _UNKNOWN
    return get8(at + 9), payload, end, fragment


@inlined
def put_ipv4_extras(at: int, fragment: int, c: Cells, row: int) -> int:
    """Write what only the outer header gives: type of service, TTL, fragment offset. Returns their ``present`` bits."""
    set8(c, _TOS, row, get8(at + 1))
    set8(c, _TTL, row, get8(at + 8))
    present = _HAS_TOS | _HAS_TTL
    if fragment != 0:
        add16(c, _FRAGMENT, row, fragment)
        present |= _HAS_FRAGMENT
    return present


@inlined
def _walk_extensions(at: int, end: int, header: int) -> tuple[int, int, int, int]:
    """Walk IPv6 extension headers (RFC 8200 §4): (protocol, payload offset or -1, fragment offset, has an SRH).

    Stops at ESP (what follows is encrypted), at a later fragment (what follows is not a header) and where
    the bytes end.
    """
    fragment, segments = 0, 0
    while header in (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, MOBILITY):
        if at + 8 > end:
            return header, _UNKNOWN, fragment, segments
        following = get8(at)
        if header == FRAGMENT:
            fragment = get16(at + 2) >> 3
            if fragment != 0:
                return following, _UNKNOWN, fragment, segments
            size = 8
        elif header == AUTHENTICATION:
            size = (get8(at + 1) + 2) * 4
        else:
            size = (get8(at + 1) + 1) * 8
        if header == ROUTING and get8(at + 2) == _SEGMENT_ROUTING:
            segments = 1
        if header == MOBILITY and following == NO_NEXT:
            return header, _UNKNOWN, fragment, segments
        header = following
        at += size
        if at > end:
            return header, _UNKNOWN, fragment, segments
    return header, at, fragment, segments


@inlined
def ipv6_extent(at: int, end: int) -> tuple[int, int, int, int, int]:
    """(protocol, payload offset, packet end, fragment offset, has an SRH) of an IPv6 header; -1 where unknown.

    ``protocol`` is the last next-header value that could be read. A payload length of 0 is a jumbogram or offload.
    """
    if at + 7 > end or get8(at) >> 4 != 6:
        return _UNKNOWN, _UNKNOWN, end, 0, 0
    length = get16(at + 4)
    if length > 0 and at + 40 + length < end:
        end = at + 40 + length
    protocol = get8(at + 6)
    if at + 40 > end:
        return protocol, _UNKNOWN, end, 0, 0
    protocol, payload, fragment, segments = _walk_extensions(at + 40, end, protocol)
    return protocol, payload, end, fragment, segments


@inlined
def put_ipv6_extras(
    at: int,
    end: int,
    fragment: int,
    c: Cells,
    row: int,
) -> int:
    """Write traffic class, flow label, hop limit and fragment offset. Returns their ``present`` bits."""
    set8(c, _TOS, row, ((get8(at) & 15) << 4) | (get8(at + 1) >> 4))
    add32(c, _LABEL, row, ((get8(at + 1) & 15) << 16) | get16(at + 2))
    present = _HAS_TOS | _HAS_LABEL
    if at + 8 <= end:
        set8(c, _TTL, row, get8(at + 7))
        present |= _HAS_TTL
    if fragment != 0:
        add16(c, _FRAGMENT, row, fragment)
        present |= _HAS_FRAGMENT
    return present
