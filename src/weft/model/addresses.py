"""Addresses as telemetry rows hold them: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, all zero = absent."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

NO_ADDRESS = bytes(16)
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"


def packed(address: str) -> bytes:
    """Text (a zone such as ``%eth0`` is dropped) to 16 bytes. Raises ``ValueError`` where it is not an address."""
    one = ipaddress.ip_address(address.partition("%")[0])
    return one.packed if one.version == 6 else _V4_MAPPED + one.packed


@lru_cache(maxsize=1 << 16)
def address_of_host(host: str) -> bytes:
    """The address that ``host`` is; absent where it is a name, or unspecified."""
    if not host or not (host[0].isdigit() or ":" in host):
        return NO_ADDRESS
    try:
        one = packed(host)
    except ValueError:
        return NO_ADDRESS
    return NO_ADDRESS if ipaddress.ip_address(host.partition("%")[0]).is_unspecified else one


def address_text(row: bytes, absent: str = "") -> str:
    """16 bytes to text, IPv4 where it is mapped; ``absent`` where there is none."""
    if row == NO_ADDRESS:
        return absent
    if row[:12] == _V4_MAPPED:
        return str(ipaddress.IPv4Address(row[12:]))
    return str(ipaddress.IPv6Address(row))


def mapped_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> ipaddress.IPv6Network:
    """A prefix as telemetry rows hold addresses: IPv4 within ``::ffff:0:0/96``."""
    if network.version == 6:
        return network
    return ipaddress.IPv6Network((_V4_MAPPED + network.network_address.packed, 96 + network.prefixlen))
