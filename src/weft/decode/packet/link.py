"""From the link layer down to IP: Ethernet, stacked VLAN tags, LLC/SNAP, PPP, PPPoE, MPLS and pseudowires."""

from __future__ import annotations

from weft.decode.kernels import inlined
from weft.decode.memory import get8, get16, get32

# Link types: sFlow v5 header_protocol numbers, and one of our own.
LINK_ETHERNET = 1
LINK_PPP = 7
LINK_IPV4 = 11
LINK_IPV6 = 12
LINK_MPLS = 13
LINK_POS = 14
LINK_IP = 256  # IPv4 or IPv6, told by the version nibble

ET_NONE = 0
ET_IPV4 = 0x0800
ET_IPV6 = 0x86DD
ET_TAG = 0x8100  # 802.1Q
ET_TAG_SERVICE = 0x88A8  # 802.1ad
ET_TAG_OLD = 0x9100  # 802.1ad before it was a standard
ET_TAG_OLDER = 0x9200
ET_MPLS = 0x8847
ET_MPLS_UPSTREAM = 0x8848
ET_PPPOE = 0x8864
ET_PPP = 0x880B
ET_NSH = 0x894F
ET_ETHERNET = 0x6558  # transparent Ethernet bridging: a whole frame follows
ET_LENGTH_MAX = 1500  # up to here the field is an 802.3 length

_SNAP_AA_AA_03_00 = 0xAAAA0300


@inlined
def ip_version(at: int, end: int) -> int:
    """Ethertype that the version nibble names; ``ET_NONE`` if neither or nothing there."""
    if at >= end:
        return ET_NONE
    nibble = get8(at) >> 4
    if nibble == 4:
        return ET_IPV4
    if nibble == 6:
        return ET_IPV6
    return ET_NONE


@inlined
def numbered(protocol: int) -> int:
    """Ethertype of a "next protocol" number, as VXLAN-GPE and the network service header share them."""
    if protocol == 1:
        return ET_IPV4
    if protocol == 2:
        return ET_IPV6
    if protocol == 3:
        return ET_ETHERNET
    if protocol == 4:
        return ET_NSH
    return ET_MPLS if protocol == 5 else ET_NONE


@inlined
def _service_header(at: int, end: int) -> tuple[int, int]:
    """Skip a network service header (RFC 8300): (offset after it, ethertype)."""
    if at + 8 > end or get8(at) >> 6 != 0:
        return at, ET_NONE
    return at + (get8(at + 1) & 0x3F) * 4, numbered(get8(at + 3)) if get8(at + 1) & 0x3F >= 2 else ET_NONE


@inlined
def _known_ethertype(value: int) -> bool:
    """Whether a pseudowire without control word may be taken for Ethernet: what stands at the type's place says so."""
    return value in (ET_IPV4, ET_IPV6, ET_TAG, ET_TAG_SERVICE, 0x0806, ET_MPLS)


@inlined
def _ppp(at: int, end: int) -> tuple[int, int]:
    """Skip a PPP header (RFC 1661, RFC 1662 with address and control): (offset after it, ethertype)."""
    if at + 2 <= end and get8(at) == 0xFF and get8(at + 1) == 0x03:
        at += 2
    if at >= end:
        return at, ET_NONE
    protocol = get8(at)
    if protocol & 1:  # compressed to one byte
        at += 1
    else:
        if at + 2 > end:
            return at, ET_NONE
        protocol = get16(at)
        at += 2
    if protocol == 0x0021:
        return at, ET_IPV4
    if protocol == 0x0057:
        return at, ET_IPV6
    if protocol in (0x0281, 0x0283):
        return at, ET_MPLS
    return at, ET_NONE


@inlined
def _below_mpls(at: int, end: int, label: int) -> tuple[int, int]:
    """What follows a label stack: (offset, ethertype).

    Labels 0 and 2 say so (RFC 3032 §2.1). Otherwise the first nibble is all there is (RFC 9790 §2): 4 and 6 are IP if
    the header is sane, 0 is a control word before Ethernet (RFC 4448 §4.6) or the start of a MAC address, which a type
    at the right place tells, 1 an associated channel (RFC 5586).
    """
    if label == 0:
        return at, ET_IPV4
    if label == 2:
        return at, ET_IPV6
    if at >= end:
        return at, ET_NONE
    nibble = get8(at) >> 4
    if nibble == 4 and get8(at) & 15 >= 5:
        return at, ET_IPV4
    if nibble == 6:
        return at, ET_IPV6
    if nibble == 1 or at + 14 > end:
        return at, ET_NONE
    plain = _known_ethertype(get16(at + 12))
    if nibble == 0 and not (plain and not (at + 18 <= end and _known_ethertype(get16(at + 16)))):
        return at + 4, ET_ETHERNET
    return at, ET_ETHERNET if plain else ET_NONE


@inlined
def _label_stack(at: int, end: int) -> tuple[int, int, int]:
    """Walk a label stack to its bottom: (offset after it, top label, bottom label); -1 where cut short."""
    top, bottom = -1, -1
    while at + 4 <= end:
        entry = get32(at)
        at += 4
        if top < 0:
            top = entry >> 12
        if entry & 0x100:
            bottom = entry >> 12
            break
    return at, top, bottom


@inlined
def _next_link(at: int, end: int, ethertype: int) -> tuple[int, int]:
    """Skip one link header other than a VLAN tag or a label stack: (offset, ethertype); ET_NONE ends the search."""
    if ethertype == ET_ETHERNET:
        if at + 14 > end:
            return at, ET_NONE
        return at + 14, get16(at + 12)
    if ethertype <= ET_LENGTH_MAX:
        if ethertype > 0 and at + 8 <= end and get32(at) == _SNAP_AA_AA_03_00 and get16(at + 4) == 0:
            return at + 8, get16(at + 6)
        return at, ET_NONE
    if ethertype == ET_PPPOE:
        if at + 6 > end or get8(at) != 0x11 or get8(at + 1) != 0:
            return at, ET_NONE
        return _ppp(at + 6, end)
    if ethertype == ET_PPP:
        return _ppp(at, end)
    if ethertype == ET_NSH:
        return _service_header(at, end)
    return at, ET_NONE


@inlined
def find_ip(at: int, end: int, ethertype: int) -> tuple[int, int, int, int, int, int]:
    """Walk down from ``ethertype`` to IP.

    Returns (offset, ethertype, outer VLAN, inner VLAN, top MPLS label, is below MPLS). The ethertype is ``ET_IPV4``,
    ``ET_IPV6`` or, where no IP was found, something else. VLANs and label are -1 where there are none; tags inside a
    pseudowire are not ours. Every step consumes at least four bytes or ends the walk.
    """
    outer, inner, label, below = -1, -1, -1, 0
    while ethertype not in (ET_IPV4, ET_IPV6):
        if ethertype in (ET_TAG, ET_TAG_SERVICE, ET_TAG_OLD, ET_TAG_OLDER):
            if at + 2 > end:
                break
            vlan = get16(at) & 0xFFF
            if below == 0:
                if outer < 0:
                    outer = vlan
                elif inner < 0:
                    inner = vlan
            if at + 4 > end:
                ethertype = ET_NONE
                break
            ethertype = get16(at + 2)
            at += 4
        elif ethertype in (ET_MPLS, ET_MPLS_UPSTREAM):
            at, top, bottom = _label_stack(at, end)
            if label < 0:
                label = top
            below = 1
            if bottom < 0:
                ethertype = ET_NONE
                break
            at, ethertype = _below_mpls(at, end, bottom)
        else:
            at, ethertype = _next_link(at, end, ethertype)
            if ethertype == ET_NONE:
                break
    return at, ethertype, outer, inner, label, below


@inlined
def first_ethertype(at: int, end: int, link: int) -> tuple[int, int]:
    """(offset, ethertype) at which ``find_ip`` takes over, for a frame of link type ``link``."""
    if link == LINK_ETHERNET:
        return at, ET_ETHERNET
    if link == LINK_IPV4:
        return at, ET_IPV4
    if link == LINK_IPV6:
        return at, ET_IPV6
    if link == LINK_IP:
        return at, ip_version(at, end)
    if link == LINK_MPLS:
        return at, ET_MPLS
    if link in (LINK_PPP, LINK_POS):
        return at, ET_PPP
    return at, ET_NONE
