"""What is different between two states of a network: loads, ways, reachability, delays.

Comes in: two evaluations over the same nodes, links and demands (the second may have more of each at the end). Goes
out: arrays over those, and short lists in order of importance. Nothing is told twice: the arrays are positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.network.evaluate import Evaluation
from weft.network.load import over_fan, response
from weft.network.topology import Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Shares smaller than this are noise of sums.
NOISE = 1e-9
#: Pairs of nodes of which the ways there and back are compared: those with most traffic between them.
_MOST_PAIRS = 200


@dataclass(frozen=True)
class CutOff:
    """Nodes that lost all ways to the others."""

    nodes: tuple[int, ...]
    others: int


@dataclass(frozen=True)
class Delays:
    """Delay between pairs of places, weighted by traffic that arrives before and after; row by row."""

    source: I64
    destination: I64
    bps: F64
    before_s: F64
    after_s: F64


@dataclass(frozen=True)
class Asymmetry:
    """A pair of nodes between which the ways there and back became different; arcs of the most used ways."""

    a: int
    b: int
    forward: tuple[int, ...]
    backward: tuple[int, ...]
    bps: float


@dataclass(frozen=True)
class Difference:
    """Two states of a network. Arrays over demands are of those that both have, unless they say otherwise."""

    before: Evaluation
    after: Evaluation
    threshold: float
    failed_nodes: tuple[int, ...] = ()

    @property
    def demands(self) -> int:
        """How many demands both have."""
        return len(self.before.network.demands)

    @property
    def arcs(self) -> int:
        """How many arcs both have."""
        return len(self.before.load_bps)

    @cached_property
    def newly_over(self) -> I64:
        """Arcs at or over the threshold that were not; new ones count, those that are down do not."""
        return np.flatnonzero(self._over(self.after) & ~self._was_over)

    @cached_property
    def relieved(self) -> I64:
        """Arcs that were over the threshold and no longer are."""
        return np.flatnonzero(~self._over(self.after) & self._was_over)

    @cached_property
    def _was_over(self) -> Flags:
        over = np.zeros(len(self.after.load_bps), np.bool_)
        over[: self.arcs] = self._over(self.before)
        return over

    def _over(self, one: Evaluation) -> Flags:
        return (one.utilisation >= self.threshold) & (one.load_bps > 0)

    @cached_property
    def same_ways(self) -> bool:
        """Whether nothing changed that decides about ways."""
        one, other = self.before.network, self.after.network
        a, b = one.graph, other.graph
        return one.routing is other.routing and len(a.links) == len(b.links) and all(
            np.array_equal(x, y) for x, y in ((a.up, b.up), (a.metric, b.metric), (a.transit, b.transit))
        )  # fmt: skip

    @cached_property
    def share_moved(self) -> F64:
        """[demands] largest share of a demand that left an arc it used; what has no way any more left them all."""
        if self.same_ways:
            return np.zeros(self.demands)
        asked = self.before.reachable & (self.before.network.demands.bps > 0)
        some = np.flatnonzero(asked & self._other_ways)
        one, other = uses(self.before, some), uses(self.after, some)
        arcs = len(self.after.load_bps)
        keys = np.concatenate((one.row * arcs + one.arc, other.row * arcs + other.arc))
        order = np.argsort(keys, kind="stable")
        first = np.flatnonzero(np.diff(keys[order], prepend=-1))
        left = np.add.reduceat(np.concatenate((one.share, -other.share))[order], first) if len(first) else np.zeros(0)
        largest = np.zeros(len(some))
        np.maximum.at(largest, keys[order][first] // arcs, left)
        moved = np.zeros(self.demands)
        moved[some] = np.where(largest > NOISE, np.minimum(largest, 1.0), 0.0)
        return moved

    @cached_property
    def _other_ways(self) -> Flags:
        """[demands] which may use other arcs than before.

        Each arc has a random number; the mean of those over a demand's fan is another where the fan is, and costs no
        look at every arc of every demand.
        """
        number = np.random.default_rng(1).random(len(self.after.load_bps)) + 0.5
        was, now = (_mark(one, number) for one in (self.before, self.after))
        different: Flags = np.abs(now[: self.demands] - was) > NOISE * np.maximum(was, 1.0)
        return different

    @cached_property
    def broken(self) -> I64:
        """Demands that had a way and have none, largest first."""
        now = self.after.reachable[: self.demands]
        return self._largest(np.flatnonzero(self.before.reachable & ~now & (self.before.network.demands.bps > 0)))

    @cached_property
    def moved(self) -> I64:
        """Demands that go another way, lost or got theirs back, are new or have another rate; most traffic first."""
        before, after = self.before, self.after
        rate = after.network.demands.bps
        weight = rate.copy()  # of those that are new
        was = before.network.demands.bps
        now = after.reachable[: self.demands]
        restored = np.where(now & ~before.reachable, rate[: self.demands], 0.0)
        grown = np.abs(rate[: self.demands] - was)
        weight[: self.demands] = np.maximum.reduce([self.share_moved * np.maximum(was, rate[: self.demands]),
                                                    restored, grown])  # fmt: skip
        changed = np.flatnonzero(weight > 0)
        return changed[np.argsort(-weight[changed], kind="stable")]

    @cached_property
    def moved_bps(self) -> float:
        """Traffic that takes another way, the lost part not counted."""
        rate = self.after.network.demands.bps[: self.demands]
        return float((self.share_moved * rate)[self.after.reachable[: self.demands]].sum())

    @cached_property
    def lost_bps(self) -> float:
        """Traffic that had a way and has none: no route, or blackholed."""
        one, other = self.before, self.after
        was = one.unrouted_bps + one.blackholed_bps
        now = (other.unrouted_bps + other.blackholed_bps)[: self.demands]
        return float(np.maximum(now - was, 0.0).sum() + other.unrouted_bps[self.demands :].sum())

    def _largest(self, positions: I64) -> I64:
        bps = self.before.network.demands.bps[positions]
        return positions[np.argsort(-bps, kind="stable")]

    # --- lists -------------------------------------------------------------------------------------------------------

    @cached_property
    def cut_off(self) -> tuple[CutOff, ...]:
        """Parts of our own network that lost all ways to the largest part, largest first; what failed is left out."""
        was, now = _parts(self.before), _parts(self.after)
        failed = np.zeros(len(now), np.bool_)
        failed[list(self.failed_nodes)] = True
        found = []
        for part in np.unique(was[was >= 0]):
            members = np.flatnonzero((was == part) & ~failed)
            pieces, counts = np.unique(now[members], return_counts=True)
            main = pieces[np.argmax(counts)] if len(pieces) else -1
            for piece, count in zip(pieces, counts, strict=True):
                if piece != main:
                    nodes = tuple(int(at) for at in members[now[members] == piece])
                    found.append(CutOff(nodes, len(members) - int(count)))
        return tuple(sorted(found, key=lambda one: (-len(one.nodes), one.nodes)))

    def delays(self, source: I64, destination: I64) -> Delays:
        """Delays between places, by the place that each demand begins and ends at; what changed most first."""
        count = self.demands
        one, other = self.before, self.after
        both = one.reachable & other.reachable[:count] & (one.network.demands.bps > 0)
        bps = other.network.demands.bps[:count][both]
        wide = int(destination.max(initial=0)) + 1
        keys, group = np.unique(source[:count][both] * wide + destination[:count][both], return_inverse=True)
        weight = np.bincount(group, bps, len(keys)).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            was, now = (
                np.bincount(group, bps * one.demand_delay_s[:count][both], len(keys)) / weight for one in (one, other)
            )
        order = np.argsort(-np.abs(now - was), kind="stable")
        order = order[np.isfinite((now - was)[order]) & (weight[order] > 0)]
        return Delays(keys[order] // wide, keys[order] % wide, weight[order], was[order], now[order])

    @cached_property
    def asymmetric(self) -> tuple[Asymmetry, ...]:
        """Pairs of nodes that send each other traffic, of which the ways there and back became different."""
        if self.same_ways:
            return ()
        pairs, bps = self._pairs()
        if not len(pairs):
            return ()
        was, now = (_round_trips(one.network.graph, pairs) for one in (self.before, self.after))
        found = []
        for at, (a, b) in enumerate(pairs.tolist()):
            ways = now[at]
            if ways[0] and ways[1] and _links(ways[0]) != _links(ways[1]) and _links(was[at][0]) == _links(was[at][1]):
                found.append(Asymmetry(a, b, ways[0], ways[1], float(bps[at])))
        return tuple(found)

    def _pairs(self) -> tuple[I64, F64]:
        """Pairs of nodes with traffic between them, most first."""
        asked = self.after.network.demands
        inside = (asked.egress >= 0) & (asked.ingress != asked.egress) & (asked.bps > 0)
        one, other = asked.ingress[inside].astype(np.int64), asked.egress[inside].astype(np.int64)
        wide = len(self.after.network.topology.nodes)
        keys, group = np.unique(np.minimum(one, other) * wide + np.maximum(one, other), return_inverse=True)
        bps = np.bincount(group, asked.bps[inside], len(keys)).astype(np.float64)
        order = np.argsort(-bps, kind="stable")[:_MOST_PAIRS]
        return np.stack((keys[order] // wide, keys[order] % wide), axis=1), bps[order]


@dataclass(frozen=True)
class Uses:
    """Which demands use which arcs, entry by entry: row of the demand, arc, share of the demand."""

    row: I64
    arc: I64
    share: F64


def uses(evaluation: Evaluation, demands: I64) -> Uses:
    """Arcs that some demands use, ways out and tunnels included; rows are places in ``demands``."""
    resolved = evaluation.resolved
    row = np.full(len(evaluation.network.demands), -1, np.int64)
    row[demands] = np.arange(len(demands))
    own, via = row[resolved.demand] >= 0, row[resolved.via_demand] >= 0
    shares = response(evaluation.network.graph, resolved.ingress[own], resolved.egress[own])
    return Uses(
        np.concatenate((
            np.repeat(row[resolved.demand[own]], np.diff(shares.start)), row[resolved.via_demand[via]]
        )),
        np.concatenate((shares.arcs, resolved.via_arc[via])).astype(np.int64),
        np.concatenate((shares.share, resolved.via_share[via])),
    )  # fmt: skip


def _mark(evaluation: Evaluation, number: F64) -> F64:
    """[demands] mean of the numbers of arcs over what each demand uses; 0 where it has no way."""
    resolved, network = evaluation.resolved, evaluation.network
    arcs, count = len(evaluation.load_bps), len(network.demands)
    fan, _ = over_fan(network.graph, resolved.trees, number[:arcs], np.ones(arcs))
    row = np.zeros(len(network.topology.nodes), np.int64)
    row[resolved.trees.destinations] = np.arange(len(resolved.trees.destinations))
    found = np.bincount(resolved.demand, fan[row[resolved.egress], resolved.ingress], count)
    found += np.bincount(resolved.via_demand, resolved.via_share * number[resolved.via_arc], count)
    return found.astype(np.float64)


def main_way(topology: Topology, start: int, arcs: Iterable[int], share: Sequence[float] | F64) -> tuple[int, ...]:
    """Arcs of the most used way of a fan from ``start``; of equal ones the first in the order of links."""
    leaving: dict[int, list[tuple[float, int]]] = {}
    for arc, part in zip(arcs, share, strict=True):
        leaving.setdefault(int(topology.source[arc]), []).append((-float(part), int(arc)))
    way: list[int] = []
    at, seen = start, {start}
    while at in leaving:
        arc = min((round(part, 9), arc) for part, arc in leaving[at])[1]
        way.append(arc)
        at = int(topology.target[arc])
        if at in seen:
            break
        seen.add(at)
    return tuple(way)


def _parts(evaluation: Evaluation) -> I64:
    """[nodes] number of the part of our own network that a node is in; -1 for nodes outside.

    Nodes through which nothing passes, hosts and overloaded ones, hang on a part each and join none together.
    """
    network = evaluation.network
    topology, inside, passes = network.topology, ~network.outside, network.graph.transit
    use = (topology.up & inside[topology.source] & inside[topology.target])[::2] & topology.up[1::2]
    a, b = topology.source[::2][use], topology.target[::2][use]
    count = len(topology.nodes)
    joins = passes[a] & passes[b]
    label, around = _least_around(np.arange(count), a[joins], b[joins]), np.full(count, count)
    for this, other in ((a, b), (b, a)):
        hangs = ~passes[this] & passes[other]
        np.minimum.at(around, this[hangs], label[other[hangs]])
    alone = ~passes & (around == count)
    label = np.where(passes | alone, label, around)
    rest = alone[a] & alone[b]
    return np.where(inside, _least_around(label, a[rest], b[rest]), -1).astype(np.int64)


def _least_around(label: I64, a: NDArray[np.int32], b: NDArray[np.int32]) -> I64:
    """The least label of all nodes that lines from ``a`` to ``b`` join."""
    while True:  # every node takes the least label around it, then that of the node so called
        least = label.copy()
        np.minimum.at(least, a, label[b])
        np.minimum.at(least, b, label[a])
        least = least[least]
        if np.array_equal(least, label):
            return label
        label = least


def _round_trips(topology: Topology, pairs: I64) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Arcs of the most used ways of each pair, there and back."""
    ends = pairs.astype(np.int32)
    shares = response(topology, ends.reshape(-1), ends[:, ::-1].reshape(-1))
    ways = [main_way(topology, int(start), *shares.of(at)) for at, start in enumerate(ends.reshape(-1))]
    return list(zip(ways[::2], ways[1::2], strict=True))


def _links(way: Iterable[int]) -> frozenset[int]:
    return frozenset(arc // 2 for arc in way)
