"""Communities in words: standard (RFC 1997), extended (RFC 4360 and its registry), IPv6 (5701) and large (8092)."""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

#: Sub-types that name a role, whatever form the rest has (IANA: transitive two-octet, IPv4 and four-octet AS).
_ROLES = {0x02: "rt", 0x03: "soo", 0x05: "ospf-domain", 0x07: "ospf-router-id", 0x08: "bgp-data-collect", 0x09: "as",
          0x0A: "l2vpn-id", 0x0B: "rt-import", 0x10: "cisco-vpn", 0x13: "rt-record"}  # fmt: skip
_TUNNELS = {1: "l2tpv3", 2: "gre", 7: "ip-in-ip", 8: "vxlan", 9: "nvgre", 10: "mpls", 11: "mpls-in-gre",
            12: "vxlan-gpe", 13: "mpls-in-udp", 15: "sr-policy", 19: "geneve"}  # fmt: skip
_VALIDATION = {0: "valid", 1: "not-found", 2: "invalid"}


@lru_cache(maxsize=1 << 16)
def standard(value: bytes) -> tuple[str, ...]:
    """COMMUNITIES as ``64500:120``, lowest first, each once."""
    return tuple(f"{word >> 16}:{word & 0xFFFF}" for word in sorted(set(struct.unpack(f">{len(value) // 4}I", value))))


@lru_cache(maxsize=1 << 14)
def large(value: bytes) -> tuple[str, ...]:
    """LARGE_COMMUNITY as ``large:64500:1:2``."""
    words = struct.unpack(f">{len(value) // 4}I", value)
    triples = sorted({words[at : at + 3] for at in range(0, len(words), 3)})
    return tuple(f"large:{one}:{two}:{three}" for one, two, three in triples)


@lru_cache(maxsize=1 << 14)
def extended(value: bytes) -> tuple[str, ...]:
    """EXTENDED COMMUNITIES as ``rt:64500:7``; those that nothing knows as ``ext:0x…``."""
    return tuple(sorted({extended_text(value[at : at + 8]) for at in range(0, len(value), 8)}))


def ipv6_extended(value: bytes) -> tuple[str, ...]:
    """IPv6 address specific extended communities."""
    return tuple(sorted({_ipv6(value[at : at + 20]) for at in range(0, len(value), 20)}))


def _ipv6(one: bytes) -> str:
    role = _ROLES.get(one[1], f"ext6-{one[0]:02x}{one[1]:02x}")
    return f"{role}:{socket.inet_ntop(socket.AF_INET6, one[2:18])}:{struct.unpack('>H', one[18:20])[0]}"


@lru_cache(maxsize=1 << 14)
def extended_text(one: bytes) -> str:
    """One extended community of eight octets in words."""
    kind, sub = one[0], one[1]
    form = kind & 0xBF  # without the bit for "non-transitive"
    if kind in (0x40, 0x00) and sub == 0x04:
        return f"bandwidth:{struct.unpack('>H', one[2:4])[0]}:{struct.unpack('>f', one[4:8])[0]:.15g}"
    if form in (0x00, 0x01, 0x02) and sub in _ROLES:
        return f"{_ROLES[sub]}:{specific(one)}"
    if form == 0x03:
        return _opaque(one)
    if kind == 0x06:
        return _evpn(one)
    if kind in (0x80, 0x81, 0x82, 0x08):
        return _flow_action(one)
    return f"ext:0x{one.hex()}"


def specific(one: bytes) -> str:
    """Administrator and number of a two-octet AS, IPv4 or four-octet AS specific community."""
    form = one[0] & 0x3F
    if form == 0x00:
        number, value = struct.unpack(">HI", one[2:8])
        return f"{number}:{value}"
    if form == 0x01:
        return f"{socket.inet_ntoa(one[2:6])}:{struct.unpack('>H', one[6:8])[0]}"
    number, value = struct.unpack(">IH", one[2:8])
    return f"{number}:{value}"


def _opaque(one: bytes) -> str:
    if one[0] == 0x43 and one[1] == 0x00:
        return f"ovs:{_VALIDATION.get(one[7], str(one[7]))}"
    if one[1] == 0x0B:
        flags, value = struct.unpack(">HI", one[2:8])
        return f"color:{flags >> 14}:{value}"
    if one[1] == 0x0C:
        tunnel = struct.unpack(">H", one[6:8])[0]
        return f"encap:{_TUNNELS.get(tunnel, str(tunnel))}"
    if one[1] == 0x0D:
        return "default-gateway"
    return f"ext:0x{one.hex()}"


def _evpn(one: bytes) -> str:
    if one[1] == 0x00:
        sticky = ":sticky" if one[2] & 1 else ""
        return f"mac-mobility:{struct.unpack('>I', one[4:8])[0]}{sticky}"
    if one[1] == 0x01:
        return f"esi-label:{int.from_bytes(one[5:8], 'big') >> 4}{':single-active' if one[2] & 1 else ''}"
    if one[1] == 0x02:
        return f"es-import:{one[2:8].hex(':')}"
    if one[1] == 0x03:
        return f"router-mac:{one[2:8].hex(':')}"
    return f"ext:0x{one.hex()}"


def _flow_action(one: bytes) -> str:
    kind, sub = one[0], one[1]
    if kind == 0x08 and sub == 0x00:
        return "copy-to-nexthop" if one[7] & 1 else "redirect-to-nexthop"
    if sub == 0x06 and kind == 0x80:
        return f"rate-limit:{struct.unpack('>f', one[4:8])[0]:.15g}"
    if sub == 0x0C and kind == 0x80:
        return f"rate-limit-packets:{struct.unpack('>f', one[4:8])[0]:.15g}"
    if sub == 0x07 and kind == 0x80:
        words = [word for bit, word in ((2, "sample"), (1, "terminal")) if one[7] & bit]
        return f"action:{'-'.join(words) or 'none'}"
    if sub == 0x08:
        return f"redirect:{specific(one)}"
    if sub == 0x09 and kind == 0x80:
        return f"mark:{one[7]}"
    if sub == 0x0A and kind == 0x80:
        flags, mtu = struct.unpack(">BH", one[3:6])
        return f"l2info:{one[2]}:{flags}:{mtu}:{struct.unpack('>H', one[6:8])[0]}"
    return f"ext:0x{one.hex()}"
