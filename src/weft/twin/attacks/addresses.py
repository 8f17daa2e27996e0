"""Who attacks, who answers, who is attacked: addresses of attacks, as integers, and the networks that they are in."""

from __future__ import annotations

import ipaddress
from functools import cache

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.strands import Attack, dice

#: Networks of those who attack from their own addresses (RFC 5737), and the AS that it is in (RFC 5398).
HOSTILE, HOSTILE_AS = "198.51.100.0/24", 64511
#: A resolver that anybody may use; what tunnels through DNS asks there.
RESOLVER = "1.1.1.1"
_UNROUTED = (10, 100, 127, 169, 172, 192, 198, 203)  # first octets that hold private or special blocks


def number(address: str) -> int:
    """An IPv4 address as an integer."""
    return int(ipaddress.IPv4Address(address))


def text(address: int) -> str:
    """An integer as an IPv4 address."""
    return str(ipaddress.IPv4Address(address))


def host(prefix: str, which: int) -> str:
    """Host ``which`` of a prefix, counted round."""
    network = ipaddress.IPv4Network(prefix)
    return str(network.network_address + 1 + which % max(1, network.num_addresses - 2))


def anyone(rng: np.random.Generator, count: int) -> NDArray[np.uint32]:
    """Spoofed sources: any unicast address outside special blocks."""
    first = np.array([octet for octet in range(1, 224) if octet not in _UNROUTED], np.uint32)
    low = rng.integers(0, 1 << 24, count, dtype=np.uint32)
    made: NDArray[np.uint32] = (first[rng.integers(0, len(first), count)] << np.uint32(24)) | low
    return made


def machines(rng: np.random.Generator, count: int, *kinds: str) -> NDArray[np.uint32]:
    """``count`` machines on real networks of such kinds (``eyeball``, ``cloud``, ``content``): bots and reflectors."""
    networks = [remote for remote in org.REMOTES if remote.kind in kinds]
    weight = np.array([remote.weight for remote in networks])
    which = rng.choice(len(networks), count, p=weight / weight.sum())
    base = np.array([int(ipaddress.IPv4Network(one.prefix).network_address) for one in networks], np.int64)
    size = np.array([ipaddress.IPv4Network(one.prefix).num_addresses for one in networks], np.int64)
    offset = (rng.random(count) * (size[which] - 2)).astype(np.int64) + 1
    return (base[which] + offset).astype(np.uint32)


def entries(address: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Where an outsider's traffic comes in, 0 to 1: the same for the same address."""
    mixed = (address.astype(np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    out: NDArray[np.float64] = mixed.astype(np.float64) / 2**32
    return out


@cache
def _networks() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """First and last addresses of the networks that routers know, ascending, and their AS numbers."""
    known = [(one.prefix, one.asn) for one in org.REMOTES] + [(site.public, org.ACME_AS) for site in org.SITES]
    parsed = sorted((int(n.network_address), int(n.broadcast_address), asn)
                    for n, asn in ((ipaddress.IPv4Network(prefix), asn)
                                   for prefix, asn in [*known, (HOSTILE, HOSTILE_AS)]))  # fmt: skip
    first, last, asn = zip(*parsed, strict=True)
    return np.array(first, np.int64), np.array(last, np.int64), np.array(asn, np.uint32)


def asn_of(address: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The AS that each address is in as a router says it; 0 for what it does not know and for private addresses."""
    first, last, asn = _networks()
    at = np.searchsorted(first, address.astype(np.int64), side="right") - 1
    found = (at >= 0) & (address.astype(np.int64) <= last[np.maximum(at, 0)])
    out: NDArray[np.uint32] = np.where(found, asn[np.maximum(at, 0)], 0).astype(np.uint32)
    return out


def attackers(attack: Attack, count: int = 1) -> tuple[str, ...]:
    """Addresses of those behind an attack: the one it names, else one by its dice; several are of one /28."""
    try:
        first = number(attack.who)
    except ipaddress.AddressValueError:
        first = number(HOSTILE.split("/")[0]) + 16 * int(dice(attack, "attacker").integers(1, 15)) + 1
    if count == 1:
        return (text(first),)
    return tuple(text(first // 16 * 16 + 1 + i % 14) for i in range(count))
