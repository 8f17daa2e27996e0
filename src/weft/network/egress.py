"""Where demands leave: routing applied to them, so that what remains are demands between nodes.

Demands for a prefix group leave by the route that their ingress chooses (``bgp``). Those that a static route, a filter
or a tunnel matches, or that a border sends on to another, are followed hop by hop (``forwarding``). All others are left
to the IGP as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.network.bgp import RouteTable, choose, route_table
from weft.network.demands import Demands
from weft.network.forwarding import (
    BLACKHOLED,
    DELIVERED,
    FATES,
    LIMITED,
    LOOPED,
    NO_ROUTE,
    Ground,
    follow,
    scratch,
)  # fmt: skip
from weft.network.load import by_destination
from weft.network.spf import Trees, blocks, graph, in_threads, shortest
from weft.network.state import Network
from weft.network.topology import Topology
from weft.network.tunnels import Rules, rules, standing, wanted_nodes

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

#: Rate limits feed one another; this many in a row are followed until they agree.
_ROUNDS = 32
_AGREED = 1e-12


@dataclass(frozen=True)
class Followed:
    """What became of demands that were followed hop by hop; rows of the arrays are items of ``rules``."""

    rules: Rules
    passing: F64  # [meters] share that each rate limit lets pass
    fate: F64  # [items, FATES] (``forwarding``)
    exit_arc: I32  # [items]
    exit_share: F64  # [items]
    item: I32  # [uses]
    arc: I32  # [uses]
    share: F64  # [uses] of the item


@dataclass(frozen=True)
class Resolved:
    """Demands after routing. A demand is either a piece between two nodes or was followed over each of its arcs."""

    network: Network
    trees: Trees
    demand: I32  # [pieces] position of the demand
    ingress: I32  # [pieces]
    egress: I32  # [pieces] node up to which the IGP carries it: the border, for what leaves
    via_demand: I32  # [uses] arcs that demands take whatever the IGP says: ways out, and all of those followed
    via_arc: I32  # [uses]
    via_share: F64  # [uses] part of the demand
    exit_node: I32  # [demands] last node of ours, -1 where nothing arrives
    exit_arc: I32  # [demands] way out, -1 where it ends inside
    delivered: F64  # [demands] share that has a way to its end; with the next three it makes 1
    blackholed: F64
    limited: F64
    unrouted: F64
    followed: Followed

    @cached_property
    def pieces(self) -> Demands:
        """The pieces as demands between nodes; classes as they were."""
        asked = self.network.demands
        return Demands(
            self.ingress, self.egress, np.full(len(self.demand), -1, np.int32),
            asked.traffic_class[self.demand], asked.bps[self.demand], asked.classes,
        )  # fmt: skip

    def over(self, bps: F64) -> F64:
        """[arcs] load of the arcs that demands take whatever the IGP says, for rates of the demands."""
        arcs = len(self.network.topology.up)
        return np.bincount(self.via_arc, self.via_share * bps[self.via_demand], arcs).astype(np.float64)


def resolve(network: Network, known: Resolved | None = None) -> Resolved:
    """Apply routing to the demands of a network.

    ``known``: another state of it; its distances are taken over where the graph and its metrics are the same arrays.
    """
    topology, asked = network.graph, network.demands
    trees = _trees(network, known)
    ground = ground_of(network, trees)
    table = route_table(topology, network.routing)
    book = _book(network, trees)
    matched = np.zeros(len(asked), np.bool_)
    matched[book.demand] = True
    free = np.flatnonzero(~matched)
    aim, out, onward = asked.egress[free].copy(), np.full(len(free), -1, np.int32), np.zeros(len(free), np.bool_)
    ingress, group = asked.ingress[free], asked.group[free]
    order = by_destination(ingress, len(topology.nodes))[2]  # by ingress: its distances are looked up side by side

    def choose_ways(some: slice) -> None:
        _ways(table, ground, order[some], ingress, group, aim, out, onward)

    in_threads(choose_ways, blocks(len(free)))
    followed = _follow(network, ground, table, book.also(free[onward]))
    free, aim, out = free[~onward], aim[~onward], out[~onward]
    has_way = aim >= 0
    demand, aim, out = free[has_way].astype(np.int32), aim[has_way], out[has_way]
    leaves = out >= 0
    shares = _Shares(network, followed)
    shares.delivered[demand] = 1.0
    shares.unrouted[free[~has_way]] = 1.0
    shares.exit_node[demand], shares.exit_arc[demand] = aim, out
    uses = followed.rules
    return Resolved(
        network, trees, demand, asked.ingress[demand], aim,
        np.concatenate([demand[leaves], uses.demand[followed.item]]),
        np.concatenate([out[leaves], followed.arc]),
        np.concatenate([np.ones(int(leaves.sum())), uses.share[followed.item] * followed.share]),
        shares.exit_node, shares.exit_arc, shares.delivered, shares.blackholed, shares.limited, shares.unrouted,
        followed,
    )  # fmt: skip


def ground_of(network: Network, trees: Trees, delay: F64 | None = None, loss: F64 | None = None) -> Ground:
    """What the kernels need to know of a network; without delay and loss only shares are followed."""
    topology = network.graph
    row = np.full(len(topology.nodes), -1, np.int32)
    row[trees.destinations] = np.arange(len(trees.destinations), dtype=np.int32)
    zero = np.zeros(len(topology.up))
    return Ground(
        graph(topology), topology.source, topology.target, topology.up, network.outside, row, trees.distance,
        zero if delay is None else delay, zero if loss is None else loss,
    )  # fmt: skip


def followed_again(network: Network, table: RouteTable, ground: Ground, asked: Demands, known: Followed) -> Followed:
    """The same items with the delay and loss that ``ground`` has."""
    return _walk(network, table, ground, asked, known.rules, known.passing, np.zeros_like(known.passing))


def destinations(network: Network, demands: Demands | None = None) -> I32:
    """Nodes that traffic is sent towards: ends of demands, borders with routes, what rules name."""
    asked, routing = network.demands if demands is None else demands, network.routing
    wanted = np.zeros(len(network.topology.nodes) + 1, np.bool_)  # -1 marks the last, which is no node
    wanted[asked.egress] = True
    if (asked.group >= 0).any():
        wanted[route_table(network.graph, routing).node] = True
    wanted[list(wanted_nodes(network.topology, routing))] = True
    return np.flatnonzero(wanted[:-1]).astype(np.int32)


def _trees(network: Network, known: Resolved | None) -> Trees:
    wanted = destinations(network)
    same = known is not None and _same_paths(network.graph, known.network.graph)
    if known is not None and same and np.isin(wanted, known.trees.destinations).all():
        return known.trees
    return shortest(network.graph, wanted)


def _same_paths(one: Topology, other: Topology) -> bool:
    """Whether shortest paths are the same for sure."""
    if one is other:
        return True
    return one.links is other.links and all(
        getattr(one, name) is getattr(other, name) or np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("metric", "up", "transit")
    )


@kernel
def _ways(
    table: RouteTable, ground: Ground, order: I64, ingress: I32, group: I32, aim: I32, out: I32,
    onward: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Border and way out of each demand for a group; of those between nodes ``aim`` becomes -1 where no way leads.

    Sets ``onward`` where the border would send the traffic on to another. That takes an overloaded border: whatever is
    reached from any other one is reached from all before it too, and they would not have chosen it.
    """
    row, distance = ground.row, ground.distance
    for place in range(len(order)):
        i = order[place]
        if group[i] < 0:
            if aim[i] != ingress[i] and distance[row[aim[i]], ingress[i]] < 0:
                aim[i] = -1
            continue
        best = choose(table, ground.up, row, distance, ingress[i], group[i], ingress[i])
        if best >= 0:
            aim[i], out[i] = table.node[best], table.arc[best]
            if not ground.net.transit[aim[i]]:
                own = choose(table, ground.up, row, distance, aim[i], group[i], ingress[i])
                onward[i] = own >= 0 and table.node[own] != aim[i]


def _book(network: Network, trees: Trees) -> Rules:
    distance_to = {int(node): trees.distance[row] for row, node in enumerate(trees.destinations)}
    usable = standing(network.graph, network.routing, distance_to) if network.routing.tunnels else []
    return rules(network, usable)


def _follow(network: Network, ground: Ground, table: RouteTable, book: Rules) -> Followed:
    """Follows demands, first those that come to rate limits until these let pass what comes to them."""
    discards = book.rate_bps == 0
    passing = np.where(discards, 0.0, 1.0)
    limited = book.some(book.is_limited)
    for _ in range(_ROUNDS if len(passing) else 0):
        metered = np.zeros(len(passing))
        _walk(network, table, ground, network.demands, limited, passing, metered)
        with np.errstate(divide="ignore", invalid="ignore"):
            after = np.where(metered > book.rate_bps, book.rate_bps / metered, np.where(discards, 0.0, 1.0))
        if np.abs(after - passing).max() <= _AGREED:
            break
        passing = after
    return _walk(network, table, ground, network.demands, book, passing, np.zeros(len(passing)))


def _walk(
    network: Network, table: RouteTable, ground: Ground, asked: Demands, book: Rules, passing: F64, metered: F64
) -> Followed:
    items = len(book.demand)
    fate, exit_arc, exit_share = np.zeros((items, FATES)), np.full(items, -1, np.int32), np.zeros(items)
    if not items:
        none = np.zeros(0, np.int32)
        return Followed(book, passing, fate, exit_arc, exit_share, none, none, np.zeros(0))
    room = scratch(len(network.topology.nodes), len(network.topology.up))
    item, arc, share = follow(
        ground, table, book.steps, room, book.programme, asked.ingress[book.demand], asked.egress[book.demand],
        asked.group[book.demand], book.share * asked.bps[book.demand], passing, metered, fate, exit_arc, exit_share,
    )  # fmt: skip
    return Followed(book, passing, fate, exit_arc, exit_share, item, arc, share)


class _Shares:
    """What became of demands: first of those that were followed; the rest is filled in."""

    def __init__(self, network: Network, followed: Followed) -> None:
        count, book = len(network.demands), followed.rules
        self.delivered, self.blackholed, self.limited, no_route, looped = (
            np.bincount(book.demand, book.share * followed.fate[:, column], count).astype(np.float64)
            for column in (DELIVERED, BLACKHOLED, LIMITED, NO_ROUTE, LOOPED)
        )
        self.unrouted = no_route + looped
        self.exit_node = np.full(count, -1, np.int32)
        self.exit_arc = np.full(count, -1, np.int32)
        order = np.argsort(book.share * followed.fate[:, DELIVERED], kind="stable")  # the largest part comes last
        order = order[followed.fate[order, DELIVERED] > 0]
        arc, demand = followed.exit_arc[order], book.demand[order]
        inside = network.demands.egress[demand]
        leaves = network.topology.source[np.maximum(arc, 0)] if len(network.topology.links) else inside
        self.exit_arc[demand] = arc
        self.exit_node[demand] = np.where(arc >= 0, leaves, inside)
