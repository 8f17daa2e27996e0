"""An independent way to where traffic goes: every router on the way decides anew, one demand and one hop at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from tests.network.reference import distances, random_topology

from weft.network.demands import Demands, demands
from weft.network.routing import Entry, EntryAction, ExternalRoute, PrefixGroup, Routing, Tunnel
from weft.network.state import OUTSIDE, Network
from weft.network.topology import Link, Node, NodeKind, Topology

#: Hops after which traffic is taken to be in a loop.
LONGEST = 400
Amount = tuple[float, float, float]  # offered, surviving, delay times offered


def bgp_choice(network: Network, routers: Routers, node: int, group: int, origin: int) -> ExternalRoute | None:
    """RFC 4271 §9.1.2.2, one rule after the other."""
    routes = [route for route in network.routing.routes if route.group == group]
    routes = [route for route in routes if routers.reaches(node, route.node) and routers.is_up(route)]
    routes = [route for route in routes if routers.neighbour(route) != origin]
    if not routes:
        return None
    for key in (lambda r: -r.local_pref, lambda r: r.as_path_length, lambda r: r.origin):
        best = min(map(key, routes))
        routes = [route for route in routes if key(route) == best]
    routes = [
        route
        for route in routes
        if not any(other.neighbor_as == route.neighbor_as != 0 and other.med < route.med for other in routes)
    ]
    own = [route for route in routes if route.node == node]
    routes = own or routes
    nearest = min(routers.distance(node, route.node) for route in routes)
    routes = [route for route in routes if routers.distance(node, route.node) == nearest]
    nodes, links = network.topology.nodes, network.topology.links
    return min(routes, key=lambda r: (nodes[r.node].name, nodes[routers.neighbour(r)].name, links[r.link].id))


@dataclass
class Routers:
    """What routers know."""

    network: Network
    known: dict[int, dict[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graph = self.network.topology.changed(
            transit=self.network.topology.transit
            & np.array([node.kind not in OUTSIDE for node in self.network.topology.nodes])
        )

    def distance(self, node: int, aim: int) -> int:
        if aim not in self.known:
            self.known[aim] = distances(self.graph, aim)
        return self.known[aim][node]

    def reaches(self, node: int, aim: int) -> bool:
        if node != aim and aim not in self.known:
            self.known[aim] = distances(self.graph, aim)
        return node == aim or node in self.known[aim]

    def arc(self, node: int, link: int) -> int:
        return 2 * link + (self.graph.links[link].a != node)

    def is_up(self, route: ExternalRoute) -> bool:
        return bool(self.graph.up[self.arc(route.node, route.link)])

    def neighbour(self, route: ExternalRoute) -> int:
        return int(self.graph.target[self.arc(route.node, route.link)])

    def next_hops(self, node: int, aim: int) -> list[int]:
        graph, found = self.graph, []
        for arc in np.flatnonzero((graph.source == node) & graph.up).tolist():
            far = int(graph.target[arc])
            if not (graph.transit[far] or far == aim) or not self.reaches(far, aim):
                continue
            if self.distance(far, aim) + graph.metric[arc] == self.distance(node, aim):
                found.append(arc)
        return found

    def stands(self, tunnel: Tunnel) -> bool:
        at = tunnel.head
        for kind, position in tunnel.segments:
            aim = int(self.graph.source[position]) if kind == "arc" else position
            if not self.reaches(at, aim) or (kind == "arc" and not self.graph.up[position]):
                return False
            at = int(self.graph.target[position]) if kind == "arc" else aim
        return at != tunnel.head


class HopByHop:
    """Follows all demands of a network; ``delay`` and ``loss`` are those of its arcs."""

    def __init__(self, network: Network, delay: NDArray[np.float64], loss: NDArray[np.float64]) -> None:
        self.network, self.routers = network, Routers(network)
        self.delay, self.loss = delay, loss
        self.choice = cache(lambda *asked: bgp_choice(network, self.routers, *asked))
        self.passing: dict[tuple[int, int], float] = {}
        for _ in range(60):
            self._all()
            after = {
                key: min(1.0, network.routing.entries[key[0]].rate_bps / bps) if bps else 1.0
                for key, bps in self.metered.items()
            }
            if all(abs(after[key] - self.passing.get(key, 1.0)) < 1e-13 for key in after):
                break
            self.passing = after

    def _all(self) -> None:
        count = len(self.network.demands)
        self.load = np.zeros(len(self.network.topology.source))
        self.metered: dict[tuple[int, int], float] = defaultdict(float)
        names = ("delivered", "survived", "late", "blackholed", "limited", "unrouted", "looped")
        self.fate = {name: np.zeros(count) for name in names}
        for demand in range(count):
            for share, left_out in self._slices(demand):
                self._follow(demand, share, left_out)

    def _matching(self, demand: int) -> list[tuple[int, Entry]]:
        return [(at, entry) for at, entry in enumerate(self.network.routing.entries) if self._matches(entry, demand)]

    def _matches(self, rule: Entry | Tunnel, demand: int) -> bool:
        asked = self.network.demands
        return all(
            getattr(rule, name) in (-1, int(getattr(asked, name)[demand]))
            for name in ("group", "egress", "traffic_class")
        )

    def _slices(self, demand: int) -> list[tuple[float, set[int]]]:
        """Parts of a demand: its share, and the entries that are not for it."""
        narrow = [(at, entry) for at, entry in self._matching(demand) if entry.share < 1]
        found, left = [], 1.0
        for name in dict.fromkeys(entry.name for _, entry in narrow):
            share = min(left, next(entry.share for _, entry in narrow if entry.name == name))
            left -= share
            found.append((share, {at for at, entry in narrow if entry.name != name}))
        return [*found, (left, {at for at, _ in narrow})]

    def _follow(self, demand: int, share: float, left_out: set[int]) -> None:
        self.demand, self.left_out = demand, left_out
        start = (int(self.network.demands.ingress[demand]), False)
        here: dict[tuple[int, bool], Amount] = {start: (share, share, 0.0)}
        for _ in range(LONGEST):
            if not here:
                return
            self.after: dict[tuple[int, bool], Amount] = {}
            for (node, redirected), amount in here.items():
                self._at(node, redirected, amount)
            here = self.after
        self.fate["looped"][demand] += sum(amount[0] for amount in here.values())

    def _at(self, node: int, redirected: bool, amount: Amount) -> None:
        asked, demand = self.network.demands, self.demand
        egress, group = int(asked.egress[demand]), int(asked.group[demand])
        rest = self._ruled(node, redirected, amount, egress)
        if rest is None:
            return
        if node == egress:
            self._deliver(rest)
            return
        aim, out = egress, -1
        if group >= 0:
            route = self.choice(node, group, int(asked.ingress[demand]))
            if route is None:
                self.fate["unrouted"][demand] += rest[0]
                return
            aim, out = route.node, self.routers.arc(route.node, route.link)
        if aim == node:
            self._deliver(self._over(out, rest))
        elif not self.routers.reaches(node, aim):
            self.fate["unrouted"][demand] += rest[0]
        else:
            hops = self.routers.next_hops(node, aim)
            for arc in hops:
                part = self._over(arc, tuple(value / len(hops) for value in rest))
                self._put(int(self.routers.graph.target[arc]), redirected, part)

    def _ruled(self, node: int, redirected: bool, amount: Amount, egress: int) -> Amount | None:
        asked, demand, graph = self.network.demands, self.demand, self.routers.graph
        entries = [(at, e) for at, e in self._matching(demand) if at not in self.left_out and e.node in (-1, node)]
        for at, entry in entries:
            if entry.action is EntryAction.RATE_LIMIT:
                self.metered[at, node] += amount[0] * asked.bps[demand]
                passing = 0.0 if entry.rate_bps == 0 else self.passing.get((at, node), 1.0)
                self.fate["limited"][demand] += amount[0] * (1 - passing)
                amount = tuple(value * passing for value in amount)
                if amount[0] == 0:
                    return None
        for _, entry in entries:
            if entry.action is not EntryAction.REDIRECT or redirected or entry.via == node:
                continue
            if self.routers.reaches(node, entry.via):
                self._arrive(entry.via, True, self._carry(node, entry.via, amount), egress)
                return None
        if any(entry.action is EntryAction.BLACKHOLE for _, entry in entries):
            self.fate["blackholed"][demand] += amount[0]
            return None
        for _, entry in entries:
            if entry.action is EntryAction.NEXT_HOP:
                if entry.link >= 0 and graph.up[self.routers.arc(node, entry.link)]:
                    arc = self.routers.arc(node, entry.link)
                    self._arrive(int(graph.target[arc]), redirected, self._over(arc, amount), egress)
                    return None
                if entry.link < 0 and entry.via != node and self.routers.reaches(node, entry.via):
                    self._arrive(entry.via, redirected, self._carry(node, entry.via, amount), egress)
                    return None
        return self._tunnelled(node, redirected, amount, egress)

    def _tunnelled(self, node: int, redirected: bool, amount: Amount, egress: int) -> Amount | None:
        left, graph = 1.0, self.routers.graph
        for tunnel in self.network.routing.tunnels:
            if tunnel.head != node or not self._matches(tunnel, self.demand) or not self.routers.stands(tunnel):
                continue
            share = min(tunnel.share, left)
            left -= share
            part, at = tuple(value * share for value in amount), node
            for kind, position in tunnel.segments:
                aim = int(graph.source[position]) if kind == "arc" else position
                part, at = self._carry(at, aim, part), aim
                if kind == "arc":
                    part, at = self._over(position, part), int(graph.target[position])
            if share > 0:
                self._arrive(at, redirected, part, egress)
        return None if left < 1e-12 else tuple(value * left for value in amount)

    def _arrive(self, node: int, redirected: bool, amount: Amount, egress: int) -> None:
        if node == egress or self.network.topology.nodes[node].kind in OUTSIDE:
            self._deliver(amount)
        else:
            self._put(node, redirected, amount)

    def _carry(self, node: int, aim: int, amount: Amount) -> Amount:
        """Under a header of its own, whatever rules there are on the way."""
        if node == aim:
            return amount
        hops = self.routers.next_hops(node, aim)
        total = (0.0, 0.0, 0.0)
        for arc in hops:
            part = self._over(arc, tuple(value / len(hops) for value in amount))
            part = self._carry(int(self.routers.graph.target[arc]), aim, part)
            total = tuple(x + y for x, y in zip(total, part, strict=True))
        return total

    def _over(self, arc: int, amount: Amount) -> Amount:
        offered, alive, late = amount
        self.load[arc] += offered * self.network.demands.bps[self.demand]
        return offered, alive * (1 - self.loss[arc]), late + offered * self.delay[arc]

    def _put(self, node: int, redirected: bool, amount: Amount) -> None:
        known = self.after.get((node, redirected), (0.0, 0.0, 0.0))
        self.after[node, redirected] = tuple(x + y for x, y in zip(known, amount, strict=True))

    def _deliver(self, amount: Amount) -> None:
        for name, value in zip(("delivered", "survived", "late"), amount, strict=True):
            self.fate[name][self.demand] += value


def random_network(seed: int, *, rules: bool) -> Network:
    """A random topology with neighbours, routes for four groups with ties in every rule, and perhaps rules."""
    rng = np.random.default_rng([seed, 2])
    inner = random_topology(seed, nodes=10, links=18, most_metric=3)
    names = rng.permutation(10)
    nodes = [Node(f"r{at}") for at in names] + [Node(f"AS{at}", NodeKind.AS) for at in range(4)]
    exits = [Link(f"x{at}", *map(int, rng.permutation([rng.integers(10), 10 + at % 4]))) for at in range(7)]
    links = [Link(one.id, one.a, one.b) for one in inner.links] + exits
    outer = np.zeros(2 * len(exits))
    made = Topology(
        tuple(nodes), tuple(links), np.concatenate([inner.capacity_bps, outer + 1e10]),
        np.concatenate([inner.delay_s, outer + 0.001]),
        np.concatenate([inner.metric, rng.integers(1, 4, len(outer))]),
        np.concatenate([inner.up, rng.random(len(outer)) > 0.1]), np.concatenate([inner.transit, np.ones(4, np.bool_)]),
    )  # fmt: skip
    routing = Routing(
        tuple(PrefixGroup(f"g{at}") for at in range(4)),
        tuple(_route(rng, made, group) for group in range(3) for _ in range(6)),  # none for the last group
    )
    if rules:
        routing = Routing(
            routing.groups, routing.routes, tuple(_entry(rng, made, at) for at in range(4)),
            tuple(_tunnel(rng, made, at) for at in range(2)),
        )  # fmt: skip
    return Network(made, routing, _demands(rng))


def _route(rng: np.random.Generator, made: Topology, group: int) -> ExternalRoute:
    link = int(rng.integers(len(made.links) - 7, len(made.links)))
    ends = made.links[link]
    node = min(ends.a, ends.b)
    return ExternalRoute(
        group, node, link, int(rng.choice([100, 100, 100, 200])), int(rng.choice([2, 2, 3])),
        int(rng.choice([0, 0, 2])), int(rng.choice([0, 64500, 64501])), int(rng.integers(3)),
    )  # fmt: skip


def _entry(rng: np.random.Generator, made: Topology, at: int) -> Entry:
    action = EntryAction(rng.choice(list(EntryAction)))
    node = int(rng.integers(10))
    where = int(rng.choice([-1, node, node]))
    link = -1
    if action is EntryAction.NEXT_HOP and rng.random() < 0.5:
        own = [k for k, one in enumerate(made.links) if node in (one.a, one.b)]
        link, where = (int(rng.choice(own)), node) if own else (-1, where)
    to_group = rng.random() < 0.7
    return Entry(
        action, node=where, group=int(rng.integers(4)) if to_group else -1,
        egress=-1 if to_group or rng.random() < 0.3 else int(rng.integers(10)),
        traffic_class=int(rng.choice([-1, 0, 1])), link=link, via=int(rng.integers(14)),
        rate_bps=float(rng.choice([0.0, 1e8, 5e8])), share=float(rng.choice([0.4, 1.0, 1.0])), name=f"rule{at}",
    )  # fmt: skip


def _tunnel(rng: np.random.Generator, made: Topology, at: int) -> Tunnel:
    segments = [
        ("arc", int(rng.integers(2 * (len(made.links) - 7)))) if rng.random() < 0.4 else ("node", int(rng.integers(10)))
        for _ in range(rng.integers(1, 4))
    ]
    return Tunnel(f"t{at}", int(rng.integers(10)), tuple(segments), float(rng.choice([0.5, 1.0])), int(rng.integers(3)))


def _demands(rng: np.random.Generator, count: int = 40) -> Demands:
    outside = rng.random(count) < 0.6
    return demands(
        rng.integers(0, 14, count).astype(np.int32),
        np.where(outside, -1, rng.integers(0, 14, count)).astype(np.int32), rng.lognormal(18, 1.5, count),
        group=np.where(outside, rng.integers(0, 4, count), -1).astype(np.int32),
        traffic_class=rng.integers(0, 2, count).astype(np.int16), classes=("gold", "bulk"),
    )  # fmt: skip
