"""Above IP: ports, TCP flags, ICMP, and the tunnels that carry another packet."""

from __future__ import annotations

from weft.decode.kernels import inlined
from weft.decode.memory import get8, get16, get24, get32
from weft.decode.packet.link import ET_ETHERNET, ET_IPV4, ET_IPV6, ET_MPLS, ET_NONE, ip_version, numbered

ICMP, IPIP, TCP, UDP, DCCP, IPV6, GRE, ICMPV6 = 1, 4, 6, 17, 33, 41, 47, 58
ETHERIP, SCTP, UDP_LITE, MPLS_IN_IP, ETHERNET = 97, 132, 136, 137, 143

# Values of the column `encapsulation`.
NOT_TUNNELLED, IN_GRE, IN_IPIP, IN_VXLAN, IN_GENEVE, IN_GTP_U, IN_MPLS, IN_SRV6 = 0, 1, 2, 3, 4, 5, 6, 7

PORT_GTP_U, PORT_VXLAN, PORT_VXLAN_GPE, PORT_GENEVE, PORT_MPLS, PORT_VXLAN_LINUX = 2152, 4789, 4790, 6081, 6635, 8472

_ET_ERSPAN = 0x88BE  # type I without, type II with a sequence number
_ET_ERSPAN_III = 0x22EB
_GTP_G_PDU = 255
_NO_ID = -1

Tunnel = tuple[int, int, int, int]  # encapsulation, id or -1, offset of what is inside, its ethertype


@inlined
def has_ports(protocol: int) -> bool:
    """Whether the protocol begins with a source and a destination port."""
    return protocol in (TCP, UDP, SCTP, DCCP, UDP_LITE)


@inlined
def _gre_optional(at: int, end: int, flags: int) -> tuple[int, int]:
    """Skip the optional fields of a GRE header (RFC 2784, 2890; version 1: RFC 2637): (offset, key or -1)."""
    key = _NO_ID
    if flags & 0xC000 and flags & 7 == 0:  # checksum, or source routes: the word holds both
        at += 4
    if flags & 0x2000:
        if at + 4 <= end:
            key = get32(at) if flags & 7 == 0 else get16(at + 2)
        at += 4
    if flags & 0x1000:
        at += 4
    if flags & 7 == 1 and flags & 0x0080:  # acknowledgement of PPTP
        at += 4
    return at, key


@inlined
def _erspan(at: int, end: int, kind: int, key: int) -> tuple[int, int, int]:
    """Skip an ERSPAN type II or III header: (offset, id, ethertype); the session is the id where GRE has no key."""
    size = 8 if kind == _ET_ERSPAN else 12
    if at + size > end:
        return at, key, ET_NONE
    if key < 0:
        key = get16(at + 2) & 0x3FF
    if kind == _ET_ERSPAN_III and get8(at + 11) & 1:  # platform-specific subheader
        size += 8
    return at + size, key, ET_ETHERNET


@inlined
def _gre(at: int, end: int) -> Tunnel:
    """GRE: payload by protocol type; ``ET_NONE`` where it is routed by the source or of an unknown kind."""
    if at + 4 > end:
        return IN_GRE, _NO_ID, at, ET_NONE
    flags, kind = get16(at), get16(at + 2)
    if flags & 7 > 1:
        return NOT_TUNNELLED, _NO_ID, at, ET_NONE
    inside, key = _gre_optional(at + 4, end, flags)
    if flags & 0x4000:
        return IN_GRE, key, inside, ET_NONE
    if kind == _ET_ERSPAN and flags & 0x1000 == 0:
        return IN_GRE, key, inside, ET_ETHERNET
    if kind in (_ET_ERSPAN, _ET_ERSPAN_III):
        inside, key, kind = _erspan(inside, end, kind, key)
    return IN_GRE, key, inside, kind


@inlined
def _vxlan(at: int, end: int, generic: bool) -> Tunnel:
    """VXLAN (RFC 7348), or its generic protocol extension, which names what is inside."""
    if at + 8 > end or get8(at) & 0x08 == 0:
        return NOT_TUNNELLED, _NO_ID, at, ET_NONE
    kind = numbered(get8(at + 3)) if generic and get8(at) & 0x04 else ET_ETHERNET
    return IN_VXLAN, get24(at + 4), at + 8, kind


@inlined
def _geneve(at: int, end: int) -> Tunnel:
    """Geneve (RFC 8926): options are skipped by length."""
    if at + 8 > end or get8(at) >> 6 != 0:
        return NOT_TUNNELLED, _NO_ID, at, ET_NONE
    return IN_GENEVE, get24(at + 4), at + 8 + (get8(at) & 0x3F) * 4, get16(at + 2)


@inlined
def _gtp_u(at: int, end: int) -> Tunnel:
    """GTP-U (3GPP TS 29.281): version 1, user data only; extension headers are skipped, each at least four bytes."""
    if at + 8 > end or get8(at) & 0xF0 != 0x30 or get8(at + 1) != _GTP_G_PDU:
        return NOT_TUNNELLED, _NO_ID, at, ET_NONE
    tunnel, inside = get32(at + 4), at + 8
    if get8(at) & 7:
        if inside + 4 > end:
            return IN_GTP_U, tunnel, inside, ET_NONE
        following = get8(inside + 3) if get8(at) & 4 else 0
        inside += 4
        while following != 0:
            size = get8(inside) * 4 if inside < end else 0
            if size == 0 or inside + size > end:
                return IN_GTP_U, tunnel, inside, ET_NONE
            following = get8(inside + size - 1)
            inside += size
    return IN_GTP_U, tunnel, inside, ip_version(inside, end)


@inlined
def _udp_tunnel(at: int, end: int) -> Tunnel:
    """Tunnels known by their UDP destination port; the header must be one, too."""
    if at + 4 <= end:
        port = get16(at + 2)
        if port in (PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE):
            return _vxlan(at + 8, end, port == PORT_VXLAN_GPE)
        if port == PORT_GENEVE:
            return _geneve(at + 8, end)
        if port == PORT_GTP_U:
            return _gtp_u(at + 8, end)
        if port == PORT_MPLS and at + 12 <= end:
            return IN_MPLS, _NO_ID, at + 8, ET_MPLS
    return NOT_TUNNELLED, _NO_ID, at, ET_NONE


@inlined
def find_tunnel(at: int, end: int, protocol: int, segments: int) -> Tunnel:
    """The tunnel that begins at an IP payload, or ``NOT_TUNNELLED``. ``segments``: the IPv6 packet has an SRH."""
    if protocol in (TCP, ICMP, ICMPV6):
        return NOT_TUNNELLED, _NO_ID, at, ET_NONE
    if protocol == UDP:
        return _udp_tunnel(at, end)
    if protocol == GRE:
        return _gre(at, end)
    plain = IN_SRV6 if segments else IN_IPIP
    if protocol == IPIP:
        return plain, _NO_ID, at, ET_IPV4
    if protocol == IPV6:
        return plain, _NO_ID, at, ET_IPV6
    if protocol == ETHERNET:
        return IN_SRV6, _NO_ID, at, ET_ETHERNET
    if protocol == ETHERIP and at + 2 <= end and get8(at) == 0x30:
        return IN_IPIP, _NO_ID, at + 2, ET_ETHERNET
    if protocol == MPLS_IN_IP:
        return IN_MPLS, _NO_ID, at, ET_MPLS
    return NOT_TUNNELLED, _NO_ID, at, ET_NONE
