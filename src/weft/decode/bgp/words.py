"""Small parts of BGP in words."""

from __future__ import annotations

import socket
import struct


def ip_text(octets: bytes) -> str:
    """An IPv4 or IPv6 address of four or sixteen octets."""
    return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


def rd_text(octets: bytes) -> str:
    """A route distinguisher (RFC 4364 §4.2) of eight octets: ``64500:7`` or ``192.0.2.1:7``; empty for zeros."""
    kind = octets[0] << 8 | octets[1]
    if kind == 0:
        number, value = struct.unpack(">HI", octets[2:])
        return f"{number}:{value}" if number or value else ""
    if kind == 1:
        return f"{ip_text(octets[2:6])}:{octets[6] << 8 | octets[7]}"
    if kind == 2:
        number, value = struct.unpack(">IH", octets[2:])
        return f"{number}:{value}"
    return f"0x{octets.hex()}"


def esi_text(octets: bytes) -> str:
    """An Ethernet segment identifier of ten octets; empty for zeros."""
    return octets.hex(":") if any(octets) else ""
