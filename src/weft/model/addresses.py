"""Addresses as telemetry rows hold them: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, all zero = absent."""

from __future__ import annotations

import ipaddress

NO_ADDRESS = bytes(16)
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"


def packed(address: str) -> bytes:
    """Text (a zone such as ``%eth0`` is dropped) to 16 bytes. Raises ``ValueError`` where it is not an address."""
    one = ipaddress.ip_address(address.partition("%")[0])
    return one.packed if one.version == 6 else _V4_MAPPED + one.packed


def address_text(row: bytes) -> str:
    """16 bytes to text, IPv4 where it is mapped; empty where absent."""
    if row == NO_ADDRESS:
        return ""
    if row[:12] == _V4_MAPPED:
        return str(ipaddress.IPv4Address(row[12:]))
    return str(ipaddress.IPv6Address(row))
