"""Which border can send what outside: BGP routes, as routers told them, on the links of a topology.

Comes in: what each border hears of each origin AS from each neighbour. Goes out: prefix groups (one an origin) with
their routes, and the sessions for which no link is known. A session is found at its port by the port's addresses, by
its provider's AS, else as the only one that is left for the only port that is left.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from weft.network.build import KnownNetwork, Neighbour, link_id, outside_node
from weft.network.routing import ExternalRoute, PrefixGroup, Routing
from weft.network.topology import Topology

#: What a route that was sent no preference has (RFC 4271 leaves it to the implementation; all of them take 100).
LOCAL_PREF = 100
DEFAULT = "default route"


class Heard(Protocol):
    """``weft.query.routing.exits.Exit``: what one neighbour tells a border of one origin."""

    @property
    def exporter(self) -> str:
        """Address of the border."""

    @property
    def is_post_policy(self) -> bool:
        """After import policy."""

    @property
    def peer(self) -> str:
        """Address of the neighbour."""

    @property
    def peer_as(self) -> int:
        """Its AS."""

    @property
    def origin_as(self) -> int:
        """Last AS of the path."""

    @property
    def is_default(self) -> bool:
        """The default route."""

    @property
    def named(self) -> tuple[str, ...]:
        """Some of the prefixes."""

    @property
    def neighbor_as(self) -> int:
        """First AS of the path."""

    @property
    def as_path_length(self) -> int:
        """Prepends count."""

    @property
    def bgp_origin(self) -> int:
        """0 IGP, 1 EGP, 2 incomplete."""

    @property
    def local_pref(self) -> int:
        """0 = not sent."""

    @property
    def med(self) -> int:
        """Multi-exit discriminator."""


@dataclass(frozen=True)
class Sessions:
    """Sessions with the link that each is over, by id; those without one are ``unplaced``."""

    links: Mapping[Neighbour, str]
    unplaced: tuple[Neighbour, ...]
    own_as: int


def sessions(known: KnownNetwork, heard: Sequence[Heard], asns: Mapping[str, int]) -> Sessions:
    """Find the sessions that lead outside, and the external port of each."""
    own = _own_as(known, heard)
    by_device: dict[str, set[Neighbour]] = defaultdict(set)
    for one in heard:
        device = _device(known, one.exporter)
        if device and not _device(known, one.peer) and one.peer_as != own:
            by_device[device].add(Neighbour(device, one.peer, one.peer_as))
    links: dict[Neighbour, str] = {}
    unplaced: list[Neighbour] = []
    for device, found in sorted(by_device.items()):
        placed = _placed(known.machines[device], found, asns)
        for session in sorted(found, key=lambda s: (s.peer, s.asn)):
            port = placed.get(session)
            if port is None:
                unplaced.append(session)
                links[session] = link_id(device, session.peer, f"AS{session.asn}")
            else:
                links[session] = link_id(
                    device, port.name, outside_node(port.provider, port.connectivity, asns).name
                )  # fmt: skip
    return Sessions(links, tuple(unplaced), own)


def _own_as(known: KnownNetwork, heard: Sequence[Heard]) -> int:
    """Our AS: that of neighbours that are devices of ours; 0 = none of them is."""
    inside = {one.peer_as for one in heard if _device(known, one.peer)}
    return min(inside, default=0)


def _device(known: KnownNetwork, address: str) -> str:
    machine = known.machine(address) if address else None
    return machine.name if machine else ""


def _placed(machine: Any, found: Iterable[Neighbour], asns: Mapping[str, int]) -> dict[Neighbour, Any]:
    """Session → external port, as far as one can tell."""
    ports = [port for port in machine.ports if port.provider and (port.boundary == "external" or port.connectivity)]
    left = sorted(found, key=lambda s: (s.peer, s.asn))
    placed: dict[Neighbour, Any] = {}
    for fits in (_same_net, lambda session, port: asns.get(port.provider) == session.asn):
        for session in tuple(left):
            port = next((port for port in ports if fits(session, port)), None)
            if port is not None:
                placed[session] = port
                left.remove(session)
    used = {port.name for port in placed.values()}
    free = [port for port in ports if port.name not in used and port.boundary == "external"]
    exchanges = [port for port in free if port.connectivity in ("ix", "peering")]
    only = exchanges if len(exchanges) == 1 else free if len(free) == len(left) == 1 else []
    return placed | (dict.fromkeys(left, only[0]) if only else {})


def _same_net(session: Neighbour, port: Any) -> bool:
    try:
        peer = ipaddress.ip_address(session.peer)
        return any(peer in ipaddress.ip_interface(text).network for text in port.addresses)
    except ValueError:
        return False


def routing_of(
    topology: Topology, known: KnownNetwork, heard: Sequence[Heard], placed: Sessions
) -> tuple[Routing, list[str]]:
    """Prefix groups with their routes, and notes.

    Routes after import policy are taken where a session has any, else those before it.
    """
    after = {(one.exporter, one.peer) for one in heard if one.is_post_policy}
    groups: dict[str, list[str]] = {}
    routes: list[ExternalRoute] = []
    numbers: dict[str, int] = {}
    before = 0
    for one in heard:
        if one.is_post_policy != ((one.exporter, one.peer) in after):
            continue
        link = topology.link_positions.get(
            placed.links.get(Neighbour(_device(known, one.exporter), one.peer, one.peer_as), "")
        )
        if link is None or (not one.is_default and one.origin_as in (0, placed.own_as)):
            continue
        before += not one.is_post_policy
        name = DEFAULT if one.is_default else f"AS{one.origin_as}"
        members = groups.setdefault(name, [])
        members += [text for text in one.named if text not in members]
        routes.append(
            ExternalRoute(
                numbers.setdefault(name, len(numbers)), topology.links[link].a, link, one.local_pref or LOCAL_PREF,
                one.as_path_length, one.bgp_origin, one.neighbor_as or one.peer_as, one.med,
            )
        )  # fmt: skip
    notes = [] if heard else ["no BGP routes known: traffic leaves where it was seen to leave"]
    if before:
        notes.append("some sessions tell routes before import policy alone: their preferences are not known")
    if placed.unplaced:
        notes.append(f"{len(placed.unplaced)} BGP sessions are at no known external port")
    made = tuple(PrefixGroup(name, tuple(texts)) for name, texts in groups.items())
    return Routing(made, tuple(routes)), notes
