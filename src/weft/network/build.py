"""A topology from what the inventory knows: devices, the links between them, neighbours behind external ports.

Comes in: the inventory's network of one moment, the state of interfaces. Goes out: a ``Topology`` and what had to be
assumed, as notes. Must not invent a link: what no source states is not there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from weft.errors import LimitExceeded
from weft.network.topology import Link, Node, NodeKind, Topology, topology

#: Of one model.
MOST_NODES, MOST_LINKS = 50_000, 200_000
#: Capacity of a link of which nobody says it, bit/s.
ASSUMED_BPS = 10e9
#: Time that light takes in fibre, and how much longer than the great circle lines are.
_S_PER_KM, _DETOUR = 1 / 200_000, 1.4
_EARTH_KM = 6371.0
#: Metric of a link without a stated one: its delay in tenths of a millisecond, at least 1.
METRIC_PER_S = 10_000
#: Connectivity of ports behind which somebody else's network is, by what that is.
_OUTSIDE = {
    "transit": NodeKind.AS, "peering": NodeKind.AS, "ix": NodeKind.AS, "customer": NodeKind.AS, "pni": NodeKind.AS,
    "cloud": NodeKind.CLOUD, "saas": NodeKind.SERVICE,
}  # fmt: skip


class KnownEnd(Protocol):
    """One end of a link."""

    @property
    def device(self) -> str:
        """Name of the device."""

    @property
    def interface(self) -> str:
        """Name of its interface."""


class KnownWire(Protocol):
    """A link between two devices, as the inventory merges it."""

    @property
    def id(self) -> str:
        """Stable name."""

    @property
    def a(self) -> KnownEnd:
        """One end."""

    @property
    def b(self) -> KnownEnd:
        """The other."""

    @property
    def capacity_bps(self) -> float:
        """Bit/s; 0 = not known."""

    @property
    def provider(self) -> str:
        """Who provides it."""

    @property
    def circuit(self) -> str:
        """Circuit that it runs over."""

    @property
    def delay_ms(self) -> float | None:
        """One way."""

    @property
    def srlgs(self) -> tuple[str, ...]:
        """Shared risk groups."""

    @property
    def metric(self) -> int:
        """IGP metric; 0 = not stated."""

    @property
    def cost_per_month(self) -> float:
        """Money."""


class KnownNetwork(Protocol):
    """The inventory's network of one moment: ``weft.api.topology_network.Network``, as far as it is asked here."""

    @property
    def places(self) -> Mapping[str, Any]:
        """Sites by name, with ``title``, ``latitude`` and ``longitude``."""

    @property
    def machines(self) -> Mapping[str, Any]:
        """Devices by name, with ``site``, ``role``, ``addresses`` and ``ports``."""

    @property
    def wires(self) -> Sequence[KnownWire]:
        """Links."""

    @property
    def circuits(self) -> Mapping[str, Any]:
        """Circuits by name, inventory objects."""

    def machine(self, name: str, /) -> Any:
        """The device of that name or address, or None."""


@dataclass(frozen=True, slots=True)
class PortState:
    """What is measured at an interface: whether it is up, its speed and its rates in bit/s; None = not known."""

    up: bool | None = None
    speed_bps: float | None = None
    in_bps: float | None = None
    out_bps: float | None = None


States = Mapping[tuple[str, str], PortState]
_UNKNOWN = PortState()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A BGP session of a border with another network, at an external port where one is known to be its own."""

    device: str
    peer: str
    asn: int


@dataclass
class _Parts:
    """What the topology is made of, as it grows."""

    nodes: dict[str, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    capacity: list[float] = field(default_factory=list)
    delay: list[float] = field(default_factory=list)
    metric: list[int] = field(default_factory=list)
    up: list[bool] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def node(self, name: str, make: Node | None = None) -> int:
        if name not in self.positions:
            if len(self.positions) >= MOST_NODES:
                raise LimitExceeded(f"the network has more than {MOST_NODES:,} nodes", where="network")
            self.positions[name] = len(self.positions)
            self.nodes[name] = make or Node(name)
        return self.positions[name]

    def link(self, link: Link, capacity: float, delay_s: float | None, metric: int, up: bool) -> None:
        if len(self.links) >= MOST_LINKS:
            raise LimitExceeded(f"the network has more than {MOST_LINKS:,} links", where="network")
        if capacity <= 0:
            self.counts["capacity"] += 1
        if metric <= 0:
            self.counts["metric"] += 1
        self.links.append(link)
        self.capacity.append(capacity if capacity > 0 else ASSUMED_BPS)
        self.delay.append(delay_s or 0.0)
        self.metric.append(metric if metric > 0 else max(1, round((delay_s or 0.0) * METRIC_PER_S)))
        self.up.append(up)


def build(
    known: KnownNetwork, states: States, asns: Mapping[str, int], neighbours: Iterable[Neighbour] = (),
    at_s: float | None = None,
) -> Topology:  # fmt: skip
    """The topology. ``asns``: providers' AS numbers by name. Links of which an interface is down are down.

    Raises ``LimitExceeded`` for a network that is too large.
    """
    parts = _Parts()
    attached = _attached(known)
    for name in sorted(known.machines):
        if name in attached:
            parts.node(name, _device(known, name))
    shared = Counter(wire.circuit for wire in known.wires if wire.circuit)
    for wire in known.wires:
        _wire(parts, known, states, wire, shared)
    _outside(parts, known, states, asns)
    _sessions(parts, known, neighbours)
    made = topology(
        list(parts.nodes.values()), parts.links, capacity_bps=parts.capacity, delay_s=parts.delay,
        metric=parts.metric, as_of_s=at_s, notes=_notes(parts, known),
    )  # fmt: skip
    carries = np.array([node.carries for node in made.nodes], np.bool_)
    return made.changed(up=np.repeat(np.array(parts.up, np.bool_), 2), transit=carries)


def _attached(known: KnownNetwork) -> set[str]:
    """Devices with a link or an external port: others can carry nothing."""
    found = {end.device for wire in known.wires for end in (wire.a, wire.b)}
    return found | {
        name for name, machine in known.machines.items() if any(_is_external(port) for port in machine.ports)
    }


def _is_external(port: Any) -> bool:
    return port.boundary == "external" or port.connectivity in _OUTSIDE


def _device(known: KnownNetwork, name: str) -> Node:
    machine = known.machines.get(name)
    return Node(name, NodeKind.DEVICE, machine.site if machine else "", machine.role if machine else "")


def _wire(parts: _Parts, known: KnownNetwork, states: States, wire: KnownWire, shared: Mapping[str, int]) -> None:
    a, b = (parts.node(end.device, _device(known, end.device)) for end in (wire.a, wire.b))
    if a == b:
        parts.counts["loop"] += 1
        return
    seen = [states.get((end.device, end.interface), _UNKNOWN) for end in (wire.a, wire.b)]
    sites = [parts.nodes[end.device].site for end in (wire.a, wire.b)]
    speeds = [one.speed_bps for one in seen if one.speed_bps]
    delay_s = wire.delay_ms / 1000 if wire.delay_ms is not None and wire.delay_ms >= 0 else None
    if delay_s is None:
        delay_s = _distance_s(known, *sites)
        parts.counts["distance" if delay_s is not None else "delay"] += 1
    srlgs = list(wire.srlgs)
    if shared[wire.circuit] > 1:
        srlgs.append(f"circuit {wire.circuit}")
    parts.link(
        Link(
            wire.id, a, b, wire.a.interface, wire.b.interface, "backbone" if sites[0] != sites[1] else "core",
            wire.provider, wire.circuit, wire.cost_per_month, tuple(dict.fromkeys(srlgs)),
        ),
        wire.capacity_bps or min(speeds, default=0.0), delay_s, wire.metric,
        all(one.up is not False for one in seen) and all(_enabled(known, end) for end in (wire.a, wire.b)),
    )  # fmt: skip


def _enabled(known: KnownNetwork, end: KnownEnd) -> bool:
    machine = known.machines.get(end.device)
    port = machine.port(end.interface) if machine else None
    return port is None or port.enabled is not False


def _distance_s(known: KnownNetwork, a: str, b: str) -> float | None:
    """Time of a line between two sites by the distance of their coordinates; None where those are not known."""
    if a == b:
        return 0.0
    places = [known.places.get(name) for name in (a, b)]
    if any(place is None or place.latitude is None or place.longitude is None for place in places):
        return None
    one, other = ((place.latitude, place.longitude) for place in places if place is not None)
    return seconds_between(one, other)


def seconds_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Time of a line between two places (degrees north and east): the great circle, and the detours that lines take."""
    (lat_a, lon_a), (lat_b, lon_b) = ((math.radians(north), math.radians(east)) for north, east in (one, other))
    square = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )  # fmt: skip
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(square))) * _DETOUR * _S_PER_KM


def _outside(parts: _Parts, known: KnownNetwork, states: States, asns: Mapping[str, int]) -> None:
    """A node for every neighbour network, a link for every external port that no known link ends at."""
    taken = {(end.device, end.interface) for wire in known.wires for end in (wire.a, wire.b)}
    for name, machine in sorted(known.machines.items()):
        for port in machine.ports:
            if not _is_external(port) or (name, port.name) in taken:
                continue
            if not port.provider:
                parts.counts["nameless"] += 1
                continue
            node = outside_node(port.provider, port.connectivity, asns)
            seen = states.get((name, port.name), _UNKNOWN)
            circuit = known.circuits.get(port.circuit)
            cost = float(circuit.get("cost_per_month") or 0.0) if circuit is not None else 0.0
            at, there = parts.node(name, _device(known, name)), parts.node(node.name, node)
            parts.link(
                Link(
                    link_id(name, port.name, node.name), at, there, port.name, "", port.connectivity or "external",
                    port.provider, port.circuit, cost,
                ),
                port.speed_bps or seen.speed_bps or 0.0, 0.0, 1, seen.up is not False and port.enabled is not False,
            )  # fmt: skip


def outside_node(provider: str, connectivity: str, asns: Mapping[str, int]) -> Node:
    """Who is behind an external port: ``AS64501`` where the provider's number is known, else by name."""
    kind = _OUTSIDE.get(connectivity, NodeKind.AS)
    asn = asns.get(provider, 0) if kind is NodeKind.AS else 0
    return Node(f"AS{asn}" if asn else provider, kind, role=connectivity, asn=asn)


def link_id(device: str, interface: str, other: str) -> str:
    """Id of a link to a neighbour network, in the style of those between devices."""
    return f"{device}:{interface}--{other}" if interface else f"{device}--{other}"


def _sessions(parts: _Parts, known: KnownNetwork, neighbours: Iterable[Neighbour]) -> None:
    """A link for each neighbour that no external port is known for."""
    for one in neighbours:
        node = Node(f"AS{one.asn}", NodeKind.AS, role="peer", asn=one.asn)
        key = link_id(one.device, one.peer, node.name)
        at, there = parts.node(one.device, _device(known, one.device)), parts.node(node.name, node)
        parts.link(Link(key, at, there, "", "", "external", node.name), 0.0, 0.0, 1, up=True)
        parts.counts["session"] += 1


def _notes(parts: _Parts, known: KnownNetwork) -> list[str]:
    """What had to be assumed, in sentences."""
    count = parts.counts
    unlinked = len(known.machines) - sum(node.kind is NodeKind.DEVICE for node in parts.nodes.values())
    said = (
        (count["capacity"], f"capacity of {{}} not known: taken as {ASSUMED_BPS / 1e9:g} Gbit/s"),
        (count["distance"], "delay of {} not stated: by distance where their sites differ, 0 within one"),
        (count["delay"], "delay of {} not known: taken as 0"),
        (count["metric"], "IGP metric of {} not stated: by delay, 1 for each tenth of a millisecond"),
        (count["nameless"], "{} of external ports left out: nobody says who is behind them"),
        (count["session"], "{} made of BGP sessions: no external port is known for them"),
    )
    notes = [text.format(f"{n} link{'s' if n != 1 else ''}") for n, text in said if n]
    if unlinked > 0:
        notes.append(f"{unlinked} device{'s' if unlinked != 1 else ''} without a known link left out")
    return notes
