"""What the lines of a network carry: demands spread over equal-cost paths, evenly per next hop at every node.

That is how routers hash flows when there are many of them (RFC 2992), taken as exact fractions. All demands to a
destination flow together: nodes are visited by falling distance, so that what a node forwards is known when it is its
turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.errors import InvalidInput, LimitExceeded
from weft.network.demands import Demands
from weft.network.spf import (
    BLOCKS,
    F64,
    I32,
    I64,
    Graph,
    Trees,
    blocks,
    graph,
    in_threads,
    leads_on,
    shortest_row,
    shortest_rows,
)
from weft.network.topology import Topology

#: Destinations that are worked on at a time: their rows stay in the processor's cache.
_ROWS = 64
#: Shares of more (demand, arc) pairs than this are not kept: 16 bytes each.
MOST_SHARES = 100_000_000


@dataclass(frozen=True)
class Loads:
    """What each arc carries, and what found no way."""

    bps: F64  # [arcs]
    unrouted_bps: F64  # [demands] rate of each demand that does not reach its egress, 0 for the others


@dataclass(frozen=True)
class Shares:
    """How demands spread over arcs: a sparse matrix [arcs, demands], by demand."""

    shape: tuple[int, int]
    start: I64  # [demands + 1] first entry of each demand
    arcs: I32  # [entries]
    share: F64  # [entries] part of the demand that this arc carries, 0 < share <= 1
    reached: NDArray[np.bool_]  # [demands] whether there is a way at all

    def __matmul__(self, rates: F64) -> F64:
        """Load of each arc for rates of the demands: [demands] → [arcs], or [demands, times] → [arcs, times]."""
        values = np.require(rates, np.float64, ["C", "W"])
        if values.ndim not in (1, 2) or values.shape[0] != self.shape[1]:
            raise InvalidInput(f"has the shape {values.shape} for {self.shape[1]} demands", where="rates")
        loads = np.zeros((self.shape[0], 1 if values.ndim == 1 else values.shape[1]))
        spread_rates(self.start, self.arcs, self.share, values.reshape(len(values), loads.shape[1]), loads)
        return loads[:, 0] if values.ndim == 1 else loads

    def along(self, values: F64) -> F64:
        """[demands] sum of the values of arcs, each by its share: with delays, the mean delay of each demand."""
        demand = np.repeat(np.arange(self.shape[1]), np.diff(self.start))
        return np.bincount(demand, self.share * values[self.arcs], self.shape[1]).astype(np.float64)

    def of(self, demand: int) -> tuple[I32, F64]:
        """Arcs of a demand and their shares, from the ingress on."""
        entries = slice(self.start[demand], self.start[demand + 1])
        return self.arcs[entries], self.share[entries]

    def on(self, arc: int) -> tuple[I64, F64]:
        """Demands on an arc, and the part of each that it carries."""
        entries = np.flatnonzero(self.arcs == arc)
        return np.searchsorted(self.start, entries, side="right") - 1, self.share[entries]

    def toarray(self) -> F64:
        """The matrix in full."""
        full = np.zeros(self.shape)
        full[self.arcs, np.repeat(np.arange(self.shape[1]), np.diff(self.start))] = self.share
        return full


def by_destination(egress: I32, nodes: int) -> tuple[I32, I64, I64]:
    """Demands by egress: the distinct egresses, where each one's demands begin (and the end), demands in that order."""
    counts = np.bincount(egress, minlength=nodes)
    destinations = np.flatnonzero(counts).astype(np.int32)
    start = np.concatenate(([0], np.cumsum(counts[destinations]))).astype(np.int64)
    return destinations, start, np.argsort(egress.astype(_narrow(nodes)), kind="stable")


def _narrow(nodes: int) -> type[np.integer]:
    """Type to sort nodes in: numpy sorts 16 bits by radix, many times as fast."""
    return np.uint16 if nodes <= 1 << 16 else np.int32


def checked(topology: Topology, ingress: I32, egress: I32) -> None:
    """Raises ``InvalidInput`` unless all ends are nodes."""
    for where, ends in (("ingress", ingress), ("egress", egress)):
        if len(ends) and (ends.min() < 0 or ends.max() >= len(topology.nodes)):
            raise InvalidInput("names a node that is not in the network", where=where, fix="Resolve exits first.")


def loads(topology: Topology, demands: Demands, trees: Trees | None = None) -> Loads:
    """Load of every arc under demands that all end at nodes. Raises ``InvalidInput``.

    ``trees`` saves the search for paths where they are at hand; they must be of this topology and hold every egress.
    """
    checked(topology, demands.ingress, demands.egress)
    net, nodes = graph(topology), len(topology.nodes)
    destinations, start, order = by_destination(demands.egress, nodes)
    ingress, bps, lost = demands.ingress[order], demands.bps[order], np.zeros(len(order), np.bool_)
    rows = rows_of(trees, destinations, nodes) if trees is not None else None

    def carry(block: slice) -> F64:
        carried = np.zeros(len(topology.source))
        for at in range(block.start, block.stop, _ROWS):
            some = slice(at, min(at + _ROWS, block.stop))
            inflow = np.empty((some.stop - some.start, nodes))
            found = Paths.of(trees, rows[some]) if trees is not None and rows is not None else None
            found = found or Paths.towards(net, destinations[some])
            begin = start[some.start : some.stop + 1]
            flow_rows(net, destinations[some], found, begin, ingress, bps, inflow, carried, lost)
        return carried

    parts = in_threads(carry, blocks(len(destinations), len(net.in_source)))
    unrouted = np.zeros(len(bps))
    unrouted[order] = np.where(lost, bps, 0.0)
    return Loads(sum(parts, np.zeros(len(topology.source))), unrouted)


def rows_of(trees: Trees, destinations: I32, nodes: int) -> I64:
    """Rows of destinations in ``trees``. Raises ``InvalidInput`` where one is not among them."""
    rows = np.full(nodes, -1, np.int64)
    rows[trees.destinations] = np.arange(len(trees.destinations))
    if (rows[destinations] < 0).any():
        raise InvalidInput("has no paths towards some of the nodes where demands end", where="trees")
    return rows[destinations]


def response(topology: Topology, ingress: I32, egress: I32) -> Shares:
    """How one unit of each demand spreads over the arcs. Raises ``InvalidInput``, ``LimitExceeded``."""
    starts, ends = np.ascontiguousarray(ingress, np.int32), np.ascontiguousarray(egress, np.int32)
    if starts.shape != ends.shape or starts.ndim != 1:
        raise InvalidInput("has another length than ingress", where="egress")
    checked(topology, starts, ends)
    net = graph(topology)
    destinations, begin, order = by_destination(ends, len(topology.nodes))
    entering = starts[order]

    def spread(block: slice) -> tuple[I32, F64, I64]:
        most = MOST_SHARES // BLOCKS
        return share_rows(net, destinations[block], begin[block.start : block.stop + 1], entering, most)

    parts = in_threads(spread, blocks(len(destinations), len(net.in_source)))
    if any(len(part[2]) and part[2][-1] < 0 for part in parts):
        raise LimitExceeded("these demands take more lines than are kept at a time", fix="Ask for fewer demands.")
    lengths = np.concatenate([part[2] for part in parts]) if parts else np.zeros(0, np.int64)
    arcs = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0, np.int32)
    share = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0)
    return _in_order((len(topology.source), len(starts)), order, lengths, arcs, share, starts == ends)


def _in_order(
    shape: tuple[int, int], order: I64, lengths: I64, arcs: I32, share: F64, at_home: NDArray[np.bool_]
) -> Shares:
    """Shares by demand as they were asked for, from shares by destination."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    begin = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    counts = lengths[place]
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    take = np.repeat(begin[:-1][place] - start[:-1], counts) + np.arange(start[-1])
    return Shares(shape, start, arcs[take], share[take], (counts > 0) | at_home)


def fractions(topology: Topology, ingress: int, egress: int) -> tuple[I32, F64]:
    """Arcs that one demand takes and the share of it on each, from the ingress on; nothing where there is no way."""
    return response(topology, np.array([ingress], np.int32), np.array([egress], np.int32)).of(0)


def over_fan(topology: Topology, trees: Trees, delay_s: F64, kept: F64) -> tuple[F64, F64]:
    """Mean delay and share that survives from every node to every destination, over all equal-cost ways.

    ``delay_s`` [arcs] and ``kept`` [arcs] (1 - loss) belong to arcs; both answers are [rows, nodes] as in ``trees``:
    nan and 0 where there is no way. The mean is by what is sent; what is lost on the way does not change it.
    """
    net, delays, survival = graph(topology), np.array(delay_s, np.float64), np.array(kept, np.float64)
    delay, survives = np.empty(trees.distance.shape), np.empty(trees.distance.shape)

    def go(rows: slice) -> None:
        paths = Paths(np.arange(rows.stop - rows.start), trees.distance[rows], trees.order[rows], trees.reached[rows])
        fan_rows(net, trees.destinations[rows], paths, delays, survival, delay[rows], survives[rows])

    in_threads(go, blocks(len(trees.destinations), len(net.in_source)))
    return delay, survives


class Paths(NamedTuple):
    """Trees for the kernels: ``rows[i]`` is the row of destination ``i`` in the other three."""

    rows: I64
    distance: I64
    order: I32
    reached: I32

    @staticmethod
    def of(trees: Trees, rows: I64) -> Paths:
        """Some rows of trees that are at hand."""
        return Paths(rows, trees.distance, trees.order, trees.reached)

    @staticmethod
    def towards(net: Graph, destinations: I32) -> Paths:
        """Searches paths."""
        shape = (len(destinations), len(net.transit))
        found = Paths(
            np.arange(shape[0]), np.empty(shape, np.int64), np.empty(shape, np.int32), np.empty(shape[0], np.int32)
        )
        shortest_rows(net, destinations, found.distance, found.order, found.reached)
        return found


# --- kernels ---------------------------------------------------------------------------------------------------------


@kernel
def hops_of(net: Graph, node: int, distance: I64, destination: int, hops: I64) -> int:
    """Slots of the next hops of a node that is not the destination; returns how many. None where there is no way."""
    count, far = 0, distance[node]
    if far < 0:
        return 0
    for slot in range(net.out_start[node], net.out_start[node + 1]):
        if leads_on(net, slot, far, distance, destination):
            hops[count] = slot
            count += 1
    return count


@kernel
def widest(net: Graph) -> int:
    """Most arcs that leave a node."""
    most = 1
    for node in range(len(net.transit)):
        most = max(most, net.out_start[node + 1] - net.out_start[node])
    return most


@kernel
def flow_row(
    net: Graph, destination: int, distance: I64, order: I32, reached: int, inflow: F64, carried: F64, hops: I64
) -> None:
    """Sends what enters at nodes (``inflow``) on to the destination: adds to arcs and to the inflow of nodes passed."""
    for place in range(reached - 1, 0, -1):
        node = order[place]
        if inflow[node] <= 0.0:
            continue
        count = hops_of(net, node, distance, destination, hops)
        part = inflow[node] / count
        for at in range(count):
            carried[net.out_arc[hops[at]]] += part
            inflow[net.out_target[hops[at]]] += part


@kernel
def flow_rows(
    net: Graph, destinations: I32, paths: Paths, start: I64, ingress: I32, bps: F64, inflow: F64, carried: F64,
    lost: NDArray[np.bool_],
) -> None:  # fmt: skip
    """``flow_row`` for the demands of each destination; ``lost`` is set for those that have no way."""
    hops = np.empty(widest(net), np.int64)
    for at in range(len(destinations)):
        row, flows = paths.rows[at], inflow[at]
        distance = paths.distance[row]
        flows[:] = 0.0
        for demand in range(start[at], start[at + 1]):
            flows[ingress[demand]] += bps[demand]
            lost[demand] = distance[ingress[demand]] < 0
        flow_row(net, destinations[at], distance, paths.order[row], paths.reached[row], flows, carried, hops)


@kernel
def share_rows(net: Graph, destinations: I32, start: I64, ingress: I32, most: int) -> tuple[I32, F64, I64]:
    """Arcs and shares of demands one after the other, and how many each has; a last -1 where ``most`` was passed."""
    nodes, used = len(net.transit), 0
    distance, order, place = np.empty(nodes, np.int64), np.empty(nodes, np.int32), np.empty(nodes, np.int64)
    heap, hops = np.empty(len(net.in_source) + 1, np.int64), np.empty(widest(net), np.int64)
    inflow = np.zeros(nodes)
    arcs, share = np.empty(1024, np.int32), np.empty(1024)
    lengths = np.zeros(start[-1] - start[0], np.int64)
    for at in range(len(destinations)):
        destination = destinations[at]
        reached = shortest_row(net, destination, distance, order, heap)
        for here in range(reached):
            place[order[here]] = here
        for demand in range(start[at], start[at + 1]):
            if distance[ingress[demand]] <= 0:
                continue
            first = used
            inflow[ingress[demand]] = 1.0
            for here in range(place[ingress[demand]], 0, -1):
                node = order[here]
                if inflow[node] == 0.0:
                    continue
                count = hops_of(net, node, distance, destination, hops)
                part, inflow[node] = inflow[node] / count, 0.0
                while used + count > len(arcs):
                    arcs, share = np.append(arcs, np.empty_like(arcs)), np.append(share, np.empty_like(share))
                for hop in range(count):
                    arcs[used], share[used] = net.out_arc[hops[hop]], part
                    inflow[net.out_target[hops[hop]]] += part
                    used += 1
            inflow[destination] = 0.0
            lengths[demand - start[0]] = used - first
            if used > most:
                lengths[-1] = -1
                return arcs[:used], share[:used], lengths
    return arcs[:used], share[:used], lengths


@inlined
def mean_of_hops(
    net: Graph, hops: I64, count: int, delay_s: F64, kept: F64, waits: F64, lefts: F64
) -> tuple[float, float]:  # fmt: skip
    """Delay and share that survives from a node on, means over its next hops, from those of the next nodes."""
    wait, left = 0.0, 0.0
    for hop in range(count):
        arc, target = net.out_arc[hops[hop]], net.out_target[hops[hop]]
        wait += delay_s[arc] + waits[target]
        left += kept[arc] * lefts[target]
    return wait / count, left / count


@kernel
def fan_rows(
    net: Graph, destinations: I32, paths: Paths, delay_s: F64, kept: F64, delay: F64, survives: F64
) -> None:  # fmt: skip
    """Means over all ways, node by node from the destination outwards."""
    hops = np.empty(widest(net), np.int64)
    for at in range(len(destinations)):
        row, destination = paths.rows[at], destinations[at]
        distance, order = paths.distance[row], paths.order[row]
        waits, lefts = delay[at], survives[at]
        waits[:], lefts[:] = np.nan, 0.0
        waits[destination], lefts[destination] = 0.0, 1.0
        for here in range(1, paths.reached[row]):
            node = order[here]
            count = hops_of(net, node, distance, destination, hops)
            waits[node], lefts[node] = mean_of_hops(net, hops, count, delay_s, kept, waits, lefts)


@kernel
def spread_rates(start: I64, arcs: I32, share: F64, rates: F64, loads: F64) -> None:
    """Adds rates [demands, times] by their shares to loads [arcs, times]."""
    for demand in range(len(start) - 1):
        for entry in range(start[demand], start[demand + 1]):
            loads[arcs[entry]] += share[entry] * rates[demand]
