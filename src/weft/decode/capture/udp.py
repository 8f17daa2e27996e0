"""From a captured packet down to the UDP payload: link layer, IP, UDP, and whether the payload is flow telemetry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.capture.packets import P_AT, P_LINK, P_SIZE
from weft.decode.kernels import be16, be32, kernel
from weft.decode.memory import address_of, get8, get16, get32, get32_little, get_ipv4_word, get_word
from weft.decode.packet.link import (
    ET_ETHERNET,
    ET_IPV4,
    ET_IPV6,
    ET_NONE,
    ET_PPP,
    find_ip,
    ip_version,
)
from weft.decode.packet.network import ipv4_extent, ipv6_extent

UDP = 17

# LINKTYPE numbers of pcap and pcapng (tcpdump.org/linktypes.html).
NULL, ETHERNET, PPP, PPP_HDLC, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 9, 50, 101, 108, 113, 228, 229, 276
_RAW_OLD = (12, 14)

#: Columns of what is said of each packet.
(U_KIND, U_AT, U_SIZE, U_STATED, U_SRC_PORT, U_DST_PORT, U_IP) = range(7)
U_COLUMNS = 7

# Values of U_KIND.
NOTHING, PAYLOAD, FRAGMENT_V4, FRAGMENT_V6 = 0, 1, 2, 3

_FAMILIES_6 = (10, 24, 28, 30)  # AF_INET6 of Linux, NetBSD, FreeBSD, macOS


@kernel
def link_to_ethertype(at: int, end: int, link: int) -> tuple[int, int]:
    """Below the link layer: (offset, ethertype) from which ``find_ip`` goes on."""
    if link == ETHERNET:
        return at, ET_ETHERNET
    if link in (RAW, 12, 14, IPV4, IPV6):
        return at, ip_version(at, end)
    if link == SLL and at + 16 <= end:
        return at + 16, get16(at + 14)
    if link == SLL2 and at + 20 <= end:
        return at + 20, get16(at)
    if link in (NULL, LOOP) and at + 4 <= end:
        family = get32(at)
        swapped = get32_little(at)
        if family == 2 or swapped == 2:
            return at + 4, ET_IPV4
        if family in _FAMILIES_6 or swapped in _FAMILIES_6:
            return at + 4, ET_IPV6
    if link in (PPP, PPP_HDLC):
        return at, ET_PPP
    return at, ET_NONE


@kernel
def _read_udp(at: int, end: int, base: int, row: NDArray[np.int64]) -> None:
    """A UDP header at ``at``: where its payload lies, and how long it says it is."""
    if at + 8 > end:
        return
    stated = get16(at + 4) - 8
    if stated < 0:
        return
    row[U_KIND], row[U_AT], row[U_STATED] = PAYLOAD, at + 8 - base, stated
    row[U_SIZE] = stated if at + 8 + stated <= end else end - at - 8
    row[U_SRC_PORT], row[U_DST_PORT] = get16(at), get16(at + 2)


@kernel
def find_udp(
    data: NDArray[np.uint8], packets: NDArray[np.int64], rows: NDArray[np.int64], source: NDArray[np.uint64]
) -> None:
    """Fill ``rows`` and ``source`` (address as two memory words) for every packet; ``NOTHING`` where it is not UDP."""
    base = address_of(data)
    for i in range(len(packets)):
        row = rows[i]
        row[U_KIND] = NOTHING
        begin = base + packets[i, P_AT]
        end = begin + packets[i, P_SIZE]
        at, ethertype = link_to_ethertype(begin, end, packets[i, P_LINK])
        at, ethertype, _, _, _, _ = find_ip(at, end, ethertype)
        row[U_IP] = at - base
        if ethertype == ET_IPV4 and at + 20 <= end:
            protocol, payload, last, fragment = ipv4_extent(at, end)
            source[i, 0], source[i, 1] = np.uint64(0), np.uint64(get_ipv4_word(at + 12))
            if protocol != UDP:
                continue
            if fragment > 0 or get16(at + 6) & 0x2000:
                row[U_KIND], row[U_SIZE] = FRAGMENT_V4, last - at
            elif payload >= 0:
                _read_udp(payload, last, base, row)
        elif ethertype == ET_IPV6 and at + 40 <= end:
            protocol, payload, last, fragment, _ = ipv6_extent(at, end)
            source[i, 0], source[i, 1] = np.uint64(get_word(at + 8)), np.uint64(get_word(at + 16))
            if fragment > 0 or get8(at + 6) == 44:
                row[U_KIND], row[U_SIZE] = FRAGMENT_V6, last - at
            elif protocol == UDP and payload >= 0:
                _read_udp(payload, last, base, row)


@kernel
def _set_fits(data: NDArray[np.uint8], at: int, end: int, stated: int, first: int) -> bool:
    """Whether a set or FlowSet header at ``at`` is credible; ``first`` is the template set's id."""
    if at + 4 > end:
        return stated == 0
    kind, size = be16(data, at), be16(data, at + 2)
    return (kind in (first, first + 1) or kind >= 256) and 4 <= size <= stated


@kernel
def looks_like_telemetry(data: NDArray[np.uint8], at: int, size: int, stated: int) -> bool:
    """Whether a payload is NetFlow v5 or v9, IPFIX or sFlow v5. Of ``stated`` bytes sent, ``size`` were captured."""
    if size < 16:
        return False
    version, end = be16(data, at), at + size
    if version == 5:
        count = be16(data, at + 2)
        return count > 0 and 24 + 48 * count <= stated
    if version == 9:
        return size >= 20 and stated >= 24 and _set_fits(data, at + 20, end, stated - 20, 0)
    if version == 10:
        length = be16(data, at + 2)
        return length == stated and length >= 16 and _set_fits(data, at + 16, end, stated - 16, 2)
    if version == 0 and be16(data, at + 2) == 5 and size >= 28:
        kind = be32(data, at + 4)
        head = 12 if kind == 1 else 24
        if kind not in (1, 2) or head + 16 > size:
            return False
        samples = be32(data, at + head + 12)
        return 8 * samples <= stated - head - 16
    return False


@kernel
def choose(
    data: NDArray[np.uint8], rows: NDArray[np.int64], ports: NDArray[np.int64], narrowed: bool, taken: NDArray[np.bool_]
) -> None:
    """Mark the payloads to decode: all to one of ``ports``, and unless ``narrowed`` those that look like telemetry."""
    for i in range(len(rows)):
        row = rows[i]
        taken[i] = False
        if row[U_KIND] != PAYLOAD or row[U_SIZE] == 0:
            continue
        for port in ports:
            taken[i] |= row[U_DST_PORT] == port
        if not taken[i] and not narrowed:
            taken[i] = looks_like_telemetry(data, row[U_AT], row[U_SIZE], row[U_STATED])
