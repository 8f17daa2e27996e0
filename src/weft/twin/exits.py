"""Acme's ways out: its external ports, who is behind each, and how much each is liked for which network outside.

The policy that its routing follows: exchanges first (they are free), then the one of a border's two providers that
takes the origin AS, then the other. Of equally liked ways the nearest by the IGP wins, the border's own first of all.
People behind a firewall leave by its own line, servers reach clouds by private lines.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.conversations import Group

#: Local preferences of the policy (RFC 4271 §5.1.5).
AT_EXCHANGE, PREFERRED, OTHER = 200, 110, 100
#: Ways that do not come from BGP win over it (static routes).
STATIC = 1000
#: No way at all.
NEVER = -1


@dataclass(frozen=True, slots=True)
class Exit:
    """An external port."""

    device: str
    port: org.Port
    asn: int
    is_first: bool  # of a border's two providers

    @property
    def at(self) -> tuple[str, int]:
        """Device and ifIndex."""
        return self.device, self.port.index

    @property
    def is_bgp(self) -> bool:
        """Whether routes are heard there."""
        return org.BY_NAME[self.device].role == "border"


@cache
def exits() -> tuple[Exit, ...]:
    """All of them, in order of devices and ports."""
    return tuple(
        Exit(device.name, port, org.PROVIDER_ASNS.get(port.provider, 64499), port.index == 1)
        for device in org.DEVICES
        for port in device.ports
        if port.boundary == "external"
    )


def peer_address(device: org.Exporter, port: org.Port) -> str:
    """Address of the BGP peer behind an external port."""
    number = next(at for at, one in enumerate(org.DEVICES) if one.name == device.name)
    return f"192.0.2.{number * 8 + 2 * port.index}"  # one more is our own


def is_peer(asn: int) -> bool:
    """Whether an AS is at the exchanges where Acme is."""
    return zlib.crc32(str(asn).encode()) % 5 <= 2


def path_length(asn: int) -> int:
    """AS path length of a provider's routes to an origin, the provider included."""
    return 2 + zlib.crc32(f"path {asn}".encode()) % 3


def local_pref(way: Exit, asn: int) -> int:
    """Preference of a border's route to an origin AS over an exit; ``NEVER`` where it hears none."""
    if not way.is_bgp:
        return NEVER
    if way.port.connectivity == "ix":
        return AT_EXCHANGE if is_peer(asn) else NEVER
    takes_first = (_by_transit().get(asn, 0) + zlib.crc32(way.device.encode())) % 2 == 0
    return PREFERRED if takes_first == way.is_first else OTHER


@cache
def _by_transit() -> dict[int, int]:
    """Origins that are at no exchange, numbered by rising traffic, so that a border's providers get about half each."""
    weights: dict[int, float] = {}
    for remote in org.REMOTES:
        if not is_peer(remote.asn):
            weights[remote.asn] = weights.get(remote.asn, 0.0) + remote.weight
    return {asn: number for number, asn in enumerate(sorted(weights, key=lambda asn: (weights[asn], asn)))}


@cache
def preferences(group: Group, site: str) -> NDArray[np.int64]:
    """How a group of a site likes each exit for each remote network: ``[remote, exit]``, ``NEVER`` = not at all."""
    found = np.full((len(org.REMOTES), len(exits())), NEVER, np.int64)
    for number, remote in enumerate(org.REMOTES):
        for at, way in enumerate(exits()):
            if way.port.connectivity == "cloud":
                own = group == "servers" and remote.cloud == way.port.provider
            else:
                own = group == "people" and not way.is_bgp and org.BY_NAME[way.device].site == site
            found[number, at] = STATIC if own else local_pref(way, remote.asn)
    found.setflags(write=False)
    return found
