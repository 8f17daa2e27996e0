"""A network at a moment: what it is made of, how it forwards, what it is asked to carry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.network.demands import Demands, no_demands
from weft.network.routing import Entry, EntryAction, ExternalRoute, Routing, Tunnel
from weft.network.topology import NodeKind, Topology

#: Kinds of nodes that are not ours: traffic ends or begins there and is never carried through them.
OUTSIDE = frozenset({NodeKind.AS, NodeKind.CLOUD, NodeKind.SERVICE})

#: More than this is not a rule book that people or controllers keep, and each rule costs a look at what it matches.
MOST_RULES = 10_000
MOST_SEGMENTS = 64


@dataclass(frozen=True)
class Network:
    """Topology, routing and demands that belong together. Raises ``InvalidInput`` where one names what is not there."""

    topology: Topology
    routing: Routing = field(default_factory=Routing)
    demands: Demands = field(default_factory=no_demands)

    def __post_init__(self) -> None:
        _check_demands(self)
        _check_routing(self)

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """[nodes] whether a node is another network, a cloud or a service."""
        return np.array([node.kind in OUTSIDE for node in self.topology.nodes], np.bool_)

    @cached_property
    def graph(self) -> Topology:
        """The topology as the IGP sees it: what is outside is reached, never passed through."""
        if not (self.outside & self.topology.transit).any():
            return self.topology
        return self.topology.changed(transit=self.topology.transit & ~self.outside)

    def changed(
        self, *, topology: Topology | None = None, routing: Routing | None = None, demands: Demands | None = None
    ) -> Network:
        """The same network with some parts replaced."""
        return replace(
            self,
            topology=self.topology if topology is None else topology,
            routing=self.routing if routing is None else routing,
            demands=self.demands if demands is None else demands,
        )


def _check_demands(network: Network) -> None:
    asked, nodes = network.demands, len(network.topology.nodes)
    if not len(asked):
        return
    for what, values, least, most in (
        ("ingress", asked.ingress, 0, nodes),
        ("egress", asked.egress, -1, nodes),
        ("group", asked.group, -1, len(network.routing.groups)),
        ("traffic_class", asked.traffic_class, 0, len(asked.classes)),
    ):
        if values.min() < least or values.max() >= most:
            raise InvalidInput("names something that is not in the network", where=f"demands.{what}")
    if ((asked.egress < 0) == (asked.group < 0)).any():
        raise InvalidInput("a demand ends at a node or at a prefix group: at one of them", where="demands.egress")


def _check_routing(network: Network) -> None:
    routing = network.routing
    if routing.__dict__.get("_checked") is network.topology.links:
        return  # the same routing over the same graph, as in every state of a what-if
    for what, count in (("entries", len(routing.entries)), ("tunnels", len(routing.tunnels))):
        if count > MOST_RULES:
            raise InvalidInput(f"has {count} of at most {MOST_RULES}", where=f"routing.{what}")
    for at, route in enumerate(routing.routes):
        _check_route(network, route, f"routing.routes[{at}]")
    for at, entry in enumerate(routing.entries):
        _check_entry(network, entry, f"routing.entries[{at}]")
    for at, tunnel in enumerate(routing.tunnels):
        _check_tunnel(network, tunnel, f"routing.tunnels[{at}]")
    routing.__dict__["_checked"] = network.topology.links


def _check_route(network: Network, route: ExternalRoute, where: str) -> None:
    _within(route.group, len(network.routing.groups), "group", where)
    _check_way_out(network, route.node, route.link, where)


def _check_way_out(network: Network, node: int, link: int, where: str) -> None:
    _within(node, len(network.topology.nodes), "node", where)
    _within(link, len(network.topology.links), "link", where)
    line = network.topology.links[link]
    if node not in (line.a, line.b):
        raise InvalidInput(
            f"link {line.id!r} does not begin at {network.topology.nodes[node].name!r}", where=where,
            fix="Name a link of that node.",
        )  # fmt: skip


def _check_entry(network: Network, entry: Entry, where: str) -> None:
    nodes, links = len(network.topology.nodes), len(network.topology.links)
    for what, value, most in (
        ("node", entry.node, nodes), ("group", entry.group, len(network.routing.groups)),
        ("egress", entry.egress, nodes), ("link", entry.link, links), ("via", entry.via, nodes),
    ):  # fmt: skip
        if value >= 0:
            _within(value, most, what, where)
    if not 0.0 < entry.share <= 1.0:
        raise InvalidInput("must be above 0 and at most 1", where=f"{where}.share")
    if entry.action is EntryAction.RATE_LIMIT and not (np.isfinite(entry.rate_bps) and entry.rate_bps >= 0):
        raise InvalidInput("must be a number of bit/s, 0 or more", where=f"{where}.rate_bps")
    if entry.action is EntryAction.REDIRECT and entry.via < 0:
        raise InvalidInput("a redirect names the node that it leads to", where=f"{where}.via")
    if entry.action is EntryAction.NEXT_HOP:
        if entry.link >= 0:
            _check_way_out(network, entry.node, entry.link, where)
        elif entry.via < 0:
            raise InvalidInput("a static route names a link or a node that it leads to", where=f"{where}.link")


def _check_tunnel(network: Network, tunnel: Tunnel, where: str) -> None:
    topology = network.topology
    _within(tunnel.head, len(topology.nodes), "head", where)
    for what, value, most in (
        ("group", tunnel.group, len(network.routing.groups)), ("egress", tunnel.egress, len(topology.nodes)),
    ):  # fmt: skip
        if value >= 0:
            _within(value, most, what, where)
    if not 0.0 < tunnel.share <= 1.0:
        raise InvalidInput("must be above 0 and at most 1", where=f"{where}.share")
    if not 1 <= len(tunnel.segments) <= MOST_SEGMENTS:
        raise InvalidInput(f"has 1 to {MOST_SEGMENTS} segments", where=f"{where}.segments")
    for kind, position in tunnel.segments:
        if kind not in ("node", "arc"):
            raise InvalidInput(f"a segment is a node or an arc, not {kind!r}", where=f"{where}.segments")
        _within(position, len(topology.nodes) if kind == "node" else 2 * len(topology.links), kind, where)


def _within(value: int, most: int, what: str, where: str) -> None:
    if not 0 <= value < most:
        raise InvalidInput(f"names a {what} ({value}) that is not in the network", where=f"{where}.{what}")
