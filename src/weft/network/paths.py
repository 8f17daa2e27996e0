"""How traffic goes from A to B, and back: the fan of equal ways, what rules do to it, and how its lines are.

The question is of a trickle of traffic through a network that was evaluated: loads, waits, losses and what rate limits
let pass are those of the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.network.bgp import route_table
from weft.network.demands import Demands
from weft.network.difference import main_way
from weft.network.egress import destinations, ground_of
from weft.network.evaluate import Evaluation
from weft.network.forwarding import (
    BLACKHOLED,
    DELIVERED,
    FATES,
    LATE,
    LIMITED,
    LOOPED,
    NO_ROUTE,
    SURVIVED,
    follow,
    scratch,
)
from weft.network.routing import Entry, EntryAction, Tunnel
from weft.network.spf import shortest
from weft.network.state import Network
from weft.network.tunnels import Rules, rules, standing

F64 = NDArray[np.float64]

_SOME = 1e-9  # a share below is rounding
_SIDES = 3  # links named on each side of an asymmetry
_MOST_WAYS = 1_000_000  # equal ways are counted up to here


@dataclass(frozen=True, slots=True)
class Hop:
    """One arc of a fan, and how its line is under the network's whole load."""

    arc: int
    share: float  # of the traffic asked about that takes it; above 1 in a loop
    load_bps: float
    capacity_bps: float
    utilisation: float
    queue_delay_s: float
    delay_s: float  # propagation and wait
    loss: float

    @property
    def link(self) -> int:
        """Position of the link."""
        return self.arc // 2

    @property
    def is_forward(self) -> bool:
        """Whether it runs as the link does, from its ``a`` to its ``b``."""
        return self.arc % 2 == 0


@dataclass(frozen=True)
class Way:
    """One direction: from a node to a node or a prefix group. Shares are of the traffic that sets out."""

    network: Network
    source: int
    node: int  # where it shall end, -1 for a group
    group: int  # -1 for a node
    hops: tuple[Hop, ...]  # of the whole fan, by distance from the source, then by share
    delivered: float  # has a way to its end; with the next four it makes 1
    blackholed: float
    limited: float
    no_route: float
    looped: float
    delay_s: float | None  # mean over the fan; None where nothing arrives
    loss: float  # in full queues, of what has a way
    metric: int | None  # IGP distance to the end or the border; None where there is none or a rule decides
    exit_node: int  # border of most of it, -1 where it ends inside or nowhere
    exit_link: int
    tunnels: tuple[str, ...]
    rules: tuple[str, ...]  # entries that act on it, in words

    @cached_property
    def main(self) -> tuple[int, ...]:
        """Arcs of the most used way, in order."""
        return main_way(self.network.topology, self.source, [hop.arc for hop in self.hops], self._shares)

    @property
    def _shares(self) -> list[float]:
        return [hop.share for hop in self.hops]

    @property
    def reachable(self) -> bool:
        """Whether any of it arrives."""
        return self.delivered > _SOME

    @cached_property
    def equal_ways(self) -> int:
        """Ways through the fan, at most a million; 0 where nothing arrives."""
        return _ways(self) if self.reachable else 0

    @property
    def bottleneck(self) -> Hop | None:
        """The most utilised line of the fan."""
        return max(self.hops, key=lambda hop: hop.utilisation, default=None)

    @property
    def narrowest_bps(self) -> float | None:
        """Least capacity of a line over the share that it takes: what an otherwise idle fan could carry at most."""
        return min((hop.capacity_bps / hop.share for hop in self.hops), default=None)

    @property
    def why(self) -> str:
        """What keeps it, or a part of it, from arriving, and which rules act on it; empty where nothing does."""
        topology = self.network.topology
        start = topology.nodes[self.source].name
        aim = topology.nodes[self.node].name if self.node >= 0 else self.network.routing.groups[self.group].name
        told = [
            (self.no_route, f"no way from {start} to {aim}" if self.node >= 0 else f"no route to {aim}"),
            (self.looped, "in a forwarding loop"),
            (self.blackholed, "blackholed"),
            (self.limited, "over a rate limit"),
        ]
        parts = [text if share > 1 - 1e-6 else f"{share:.0%} {text}" for share, text in told if share > _SOME]
        return "; ".join([*parts, *self.rules])


@dataclass(frozen=True)
class PathAnswer:
    """Both directions. Back from a group, traffic is taken to come in from the neighbour that it left to."""

    forward: Way
    backward: Way | None  # None where nothing arrives, so that nothing comes back
    notes: tuple[str, ...]

    @cached_property
    def asymmetric(self) -> bool:
        """Whether the way back uses other links."""
        there, back = self._links
        return self.backward is not None and self.backward.reachable and there != back

    @property
    def asymmetry(self) -> str:
        """The difference in words; empty where there is none."""
        if not self.asymmetric:
            return ""
        there, back = self._links
        sides = ((there - back, "only on the way there"), (back - there, "only on the way back"))
        return "; ".join(f"{self._named(links)} {text}" for links, text in sides if links)

    @cached_property
    def _links(self) -> tuple[set[int], set[int]]:
        back = self.backward.hops if self.backward is not None else ()
        return {hop.link for hop in self.forward.hops}, {hop.link for hop in back}

    def _named(self, links: set[int]) -> str:
        ids = sorted(self.forward.network.topology.links[at].id for at in links)
        more = f" and {len(ids) - _SIDES} more" if len(ids) > _SIDES else ""
        return ", ".join(ids[:_SIDES]) + more


def path(
    network: Network, evaluation: Evaluation, source: int, node: int = -1, group: int = -1, *, traffic_class: int = -1
) -> PathAnswer:
    """The way from a node to a ``node`` or a prefix ``group``, and back. Raises ``InvalidInput``.

    ``traffic_class``: position of the class, for rules that tell classes apart; -1: of none.
    """
    forward = way(network, evaluation, source, node, group, traffic_class=traffic_class)
    if not forward.reachable:
        return PathAnswer(forward, None, ())
    start, notes = node, list[str]()
    if node < 0:
        topology = network.topology
        start = _far_end(network, forward.exit_node, forward.exit_link)
        name = topology.nodes[start].name
        notes.append(f"Others decide where answers come in: taken is {name}, to which it leaves.")
    return PathAnswer(forward, way(network, evaluation, start, source, traffic_class=traffic_class), tuple(notes))


def _far_end(network: Network, node: int, link: int) -> int:
    if link < 0:
        return node
    line = network.topology.links[link]
    return line.b if line.a == node else line.a


def way(
    network: Network, evaluation: Evaluation, source: int, node: int = -1, group: int = -1, *, traffic_class: int = -1
) -> Way:
    """One direction of ``path``. Raises ``InvalidInput``."""
    _check(network, source, node, group)
    one = Demands(
        np.array([source], np.int32), np.array([node], np.int32), np.array([group], np.int32),
        np.array([traffic_class], np.int16), np.zeros(1), network.demands.classes,
    )  # fmt: skip
    trees = evaluation.resolved.trees
    wanted = destinations(network, one)
    if network is not evaluation.network or not np.isin(wanted, trees.destinations).all():
        trees = shortest(network.graph, wanted)
    ground = ground_of(network, trees, evaluation.delay_s, evaluation.loss)
    distance_to = {int(at): trees.distance[ground.row[at]] for at in wanted}
    usable = standing(network.graph, network.routing, distance_to)
    book = rules(network, usable, one)
    free = not len(book.demand)
    programme = np.array([book.plain], np.int32) if free else book.programme
    part = np.ones(1) if free else book.share
    items = len(programme)
    fate, exit_arc, exit_share = np.zeros((items, FATES)), np.full(items, -1, np.int32), np.zeros(items)
    passing = _passing(network, book, evaluation.resolved.followed.rules, evaluation.resolved.followed.passing)
    item, arc, share = follow(
        ground, route_table(network.graph, network.routing), book.steps,
        scratch(len(network.topology.nodes), len(network.topology.up)), programme,
        np.full(items, source, np.int32), np.full(items, node, np.int32), np.full(items, group, np.int32),
        np.zeros(items), passing, np.zeros(len(passing)), fate, exit_arc, exit_share,
    )  # fmt: skip
    use = np.bincount(arc, share * part[item], len(network.topology.up)).astype(np.float64)
    main_exit = int(exit_arc[np.argmax(part * exit_share)])
    aim = node if node >= 0 else int(network.topology.source[main_exit]) if main_exit >= 0 else -1
    far = int(ground.distance[ground.row[aim], source]) if free and aim >= 0 else -1
    return _told(network, evaluation, one, use, part @ fate, main_exit, far, usable)


def _check(network: Network, source: int, node: int, group: int) -> None:
    nodes, groups = len(network.topology.nodes), len(network.routing.groups)
    if not 0 <= source < nodes:
        raise InvalidInput("names a node that is not in the network", where="source")
    if (node >= 0) == (group >= 0) or not -1 <= node < nodes or not -1 <= group < groups:
        raise InvalidInput("names one node or one prefix group of the network", where="destination")


def _passing(network: Network, book: Rules, evaluated: Rules, passing: F64) -> F64:
    """What rate limits let pass under the network's load; those that nothing came to let all pass, or discard."""
    found = np.where(book.rate_bps > 0, 1.0, 0.0)
    for at, first in book.meters.items():
        known = evaluated.meters.get(at)
        if known is not None:
            count = len(network.topology.nodes) if network.routing.entries[at].node < 0 else 1
            found[first : first + count] = passing[known : known + count]
    return found


def _told(
    network: Network, evaluation: Evaluation, one: Demands, use: F64, fate: F64, main_exit: int, far: int,
    usable: list[bool],
) -> Way:  # fmt: skip
    source, node, group = int(one.ingress[0]), int(one.egress[0]), int(one.group[0])
    arcs = np.flatnonzero(use > _SOME)
    depth = _depths(network, source, arcs)
    hops = tuple(
        Hop(
            int(arc), float(use[arc]), float(evaluation.load_bps[arc]), float(network.topology.capacity_bps[arc]),
            float(evaluation.utilisation[arc]), float(evaluation.queue_delay_s[arc]), float(evaluation.delay_s[arc]),
            float(evaluation.loss[arc]),
        )
        for arc in sorted(arcs.tolist(), key=lambda at: (depth[int(network.topology.source[at])], -use[at], at))
    )  # fmt: skip
    arrives = fate[DELIVERED] > _SOME
    entries, tunnels = _met(network, one, {source, *network.topology.target[arcs].tolist()}, usable)
    return Way(
        network, source, node, group, hops,
        float(fate[DELIVERED]), float(fate[BLACKHOLED]), float(fate[LIMITED]), float(fate[NO_ROUTE]),
        float(fate[LOOPED]),
        float(fate[LATE] / fate[DELIVERED]) if arrives else None,
        float(min(1.0, max(0.0, 1.0 - fate[SURVIVED] / fate[DELIVERED]))) if arrives else 0.0,
        far if far >= 0 else None,
        int(network.topology.source[main_exit]) if main_exit >= 0 else -1,
        main_exit // 2 if main_exit >= 0 else -1,
        tunnels, entries,
    )  # fmt: skip


def _depths(network: Network, source: int, arcs: NDArray[np.int64]) -> dict[int, int]:
    """Hops from the source, over the arcs of the fan."""
    leaving: dict[int, list[int]] = {}
    for arc in arcs.tolist():
        leaving.setdefault(int(network.topology.source[arc]), []).append(int(network.topology.target[arc]))
    depth, front, hops = {source: 0}, [source], 0
    while front:
        hops += 1
        front = list(dict.fromkeys(far for at in front for far in leaving.get(at, ()) if far not in depth))
        depth.update(dict.fromkeys(front, hops))
    return depth


def _met(
    network: Network, one: Demands, nodes: set[int], usable: list[bool]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Entries (in words) and tunnels (names) that match the traffic at nodes that it comes through."""
    routing = network.routing
    entries = [entry for entry in routing.entries if _matches(entry, one) and (entry.node < 0 or entry.node in nodes)]
    tunnels = [
        tunnel.name
        for tunnel, stands in zip(routing.tunnels, usable, strict=True)
        if stands and tunnel.head in nodes and _matches(tunnel, one)
    ]
    return tuple(_in_words(network, entry) for entry in entries), tuple(tunnels)


def _matches(rule: Entry | Tunnel, one: Demands) -> bool:
    wanted = ((rule.group, one.group), (rule.egress, one.egress), (rule.traffic_class, one.traffic_class))
    return all(value < 0 or value == int(column[0]) for value, column in wanted)


def _in_words(network: Network, entry: Entry) -> str:
    topology = network.topology
    where = f" at {topology.nodes[entry.node].name}" if entry.node >= 0 else ""
    to = topology.nodes[entry.via].name if entry.via >= 0 else ""
    if entry.action is EntryAction.NEXT_HOP and entry.link >= 0:
        to = topology.nodes[_far_end(network, entry.node, entry.link)].name
    what = {
        EntryAction.NEXT_HOP: f"static route to {to}",
        EntryAction.REDIRECT: f"redirected to {to}",
        EntryAction.BLACKHOLE: "blackhole",
        EntryAction.RATE_LIMIT: f"limited to {entry.rate_bps:g} bit/s" if entry.rate_bps else "discarded",
    }[entry.action]
    named = f" ({entry.name})" if entry.name else ""
    return what + where + named


def _ways(one: Way) -> int:
    """Number of ways through the fan from its source: a loop, or a tunnel that crosses its own way, counts once."""
    topology = one.network.topology
    leaving: dict[int, list[int]] = {}
    for hop in one.hops:
        leaving.setdefault(int(topology.source[hop.arc]), []).append(int(topology.target[hop.arc]))
    counts: dict[int, int] = {}
    stack = [(one.source, False)]
    while stack:
        at, is_done = stack.pop()
        if is_done:
            counts[at] = min(_MOST_WAYS, sum(counts[far] for far in leaving[at])) or 1
        elif at not in counts:
            counts[at] = 0 if at in leaving else 1
            if at in leaving:
                stack.append((at, True))
                stack.extend((far, False) for far in leaving[at] if far not in counts)
    return counts[one.source]
