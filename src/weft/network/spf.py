"""Shortest paths of an IGP towards destinations, with every equal-cost next hop (OSPF: RFC 2328 §16; IS-IS: ISO 10589).

Paths are found from the destination backwards: one run tells the distance of every node to it, and with them the graph
of next hops: an arc leads on where the distance at its source is its metric plus the distance at its target. A node
that is overloaded is reached but never passed through. Parallel links are next hops of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.errors import InvalidInput, LimitExceeded
from weft.network.topology import Topology

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

#: Metric of an arc that is down: more than any distance.
DOWN = 1 << 61
#: Distances × nodes beyond this take more memory than an answer is worth (8 bytes each).
MOST_PAIRS = 100_000_000
#: Work is divided into so many blocks whatever the number of cores, so that sums come out the same everywhere.
BLOCKS = 16
#: Steps of a kernel that are worth handing to another thread.
_WORTH_A_BLOCK = 100_000
_T = TypeVar("_T")
_R = TypeVar("_R")


class Graph(NamedTuple):
    """A topology for the kernels: the arcs into and out of each node side by side. ``slots`` are places in there."""

    in_start: I64  # [nodes + 1] first slot of each node
    in_source: I32  # [slots] where an arc into the node comes from
    in_cost: I64  # [slots] its metric, ``DOWN`` if it is down
    out_start: I64  # [nodes + 1]
    out_source: I32  # [slots]
    out_target: I32  # [slots]
    out_cost: I64  # [slots]
    out_arc: I32  # [slots] position of the arc in the topology
    in_arc: I32  # [slots]
    transit: NDArray[np.bool_]  # [nodes] may be passed through


@dataclass(frozen=True)
class Trees:
    """Shortest paths towards some destinations; row ``i`` belongs to ``destinations[i]``."""

    destinations: I32  # [rows] nodes
    distance: I64  # [rows, nodes] sum of metrics, -1 where the destination cannot be reached
    order: I32  # [rows, nodes] nodes by rising distance; the first ``reached[i]`` of a row
    reached: I32  # [rows] nodes that reach the destination, itself included

    def row(self, destination: int) -> int:
        """Row of a destination. Raises ``KeyError`` where it is not among them."""
        at = np.flatnonzero(self.destinations == destination)
        if not len(at):
            raise KeyError(destination)
        return int(at[0])


def graph(topology: Topology) -> Graph:
    """The arrays of a topology as the kernels take them. Raises ``InvalidInput`` for metrics beyond all reason."""
    nodes = len(topology.nodes)
    source, target = topology.source, topology.target
    cost = np.where(topology.up, topology.metric, DOWN)
    if topology.up.any():
        least, most = int(topology.metric[topology.up].min()), int(topology.metric[topology.up].max())
        # A distance and a node share 63 bits in the queue of the search.
        if least < 1 or most >= (1 << 62 - _node_bits(nodes)) // nodes:
            raise InvalidInput("has a value that is not a metric", where="metric", fix="IS-IS takes 1 to 16777214.")
    into, out = np.argsort(target, kind="stable"), np.argsort(source, kind="stable")
    return Graph(
        _starts(target, nodes), source[into], cost[into], _starts(source, nodes), source[out], target[out], cost[out],
        out.astype(np.int32), into.astype(np.int32), topology.transit,
    )  # fmt: skip


def _starts(ends: I32, nodes: int) -> I64:
    return np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=nodes)))).astype(np.int64)


def _node_bits(nodes: int) -> int:
    return max(1, (nodes - 1).bit_length())


def shortest(topology: Topology, destinations: I32) -> Trees:
    """Shortest paths of all nodes towards each of ``destinations``. Raises ``InvalidInput``, ``LimitExceeded``."""
    wanted = np.array(destinations, np.int32)
    nodes = len(topology.nodes)
    if len(wanted) and (wanted.min() < 0 or wanted.max() >= nodes):
        raise InvalidInput("names a node that is not in the network", where="destinations")
    if len(wanted) * nodes > MOST_PAIRS:
        raise LimitExceeded(f"paths of {nodes} nodes to {len(wanted)} destinations are more than are kept at a time")
    net = graph(topology)
    distance, order = np.empty((len(wanted), nodes), np.int64), np.empty((len(wanted), nodes), np.int32)
    reached = np.empty(len(wanted), np.int32)

    def search(rows: slice) -> None:
        shortest_rows(net, wanted[rows], distance[rows], order[rows], reached[rows])

    in_threads(search, blocks(len(wanted), len(net.in_source)))
    return Trees(wanted, distance, order, reached)


def blocks(count: int, steps: int = _WORTH_A_BLOCK) -> list[slice]:
    """``count`` rows as slices, the same ones on every machine; few where a row is only some ``steps`` of work."""
    parts = min(BLOCKS, count, 1 + count * steps // _WORTH_A_BLOCK)
    ends = np.linspace(0, count, parts + 1).astype(int).tolist() if parts else []
    return [slice(first, last) for first, last in pairwise(ends)]


@cache
def _threads() -> int:
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def in_threads(work: Callable[[_T], _R], pieces: Sequence[_T]) -> list[_R]:
    """``work`` over pieces, on all cores: for kernels that let go of the interpreter lock."""
    if len(pieces) < 2 or _threads() < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(min(_threads(), len(pieces)), "weft-network") as pool:
        return list(pool.map(work, pieces))


# --- kernels ---------------------------------------------------------------------------------------------------------


@inlined
def push(heap: I64, size: int, key: int) -> int:
    """Put a key on a heap of four below each (least first); returns the new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 2
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key
    return size + 1


@inlined
def drop(heap: I64, size: int) -> int:
    """Take the least key (``heap[0]``) off the heap; returns the new size."""
    size -= 1
    key, at = heap[size], 0
    while True:
        below = 4 * at + 1
        if below >= size:
            break
        best, least = below, heap[below]
        for other in range(below + 1, min(below + 4, size)):
            if heap[other] < least:
                best, least = other, heap[other]
        if least >= key:
            break
        heap[at] = least
        at = best
    heap[at] = key
    return size


@kernel
def bits_of(nodes: int) -> int:
    """Bits that the position of a node takes."""
    bits = 1
    while (1 << bits) < nodes:
        bits += 1
    return bits


@kernel
def shortest_row(net: Graph, destination: int, distance: I64, order: I32, heap: I64) -> int:
    """Dijkstra from one destination backwards; fills both rows and returns how many nodes reach it.

    A key of the heap is a distance and a node in one number; what was overtaken is dropped when it comes up. ``heap``
    has room for one key per arc and one more.
    """
    nodes = len(distance)
    bits = bits_of(nodes)
    mask = (1 << bits) - 1
    distance[:] = -1
    distance[destination] = 0
    heap[0] = destination
    size, count = 1, 0
    while size:
        key = heap[0]
        size = drop(heap, size)
        near, node = key >> bits, key & mask
        if near != distance[node]:
            continue
        order[count] = node
        count += 1
        if node != destination and not net.transit[node]:
            continue
        for slot in range(net.in_start[node], net.in_start[node + 1]):
            cost = net.in_cost[slot]
            if cost >= DOWN:
                continue
            source, far = net.in_source[slot], near + cost
            if distance[source] < 0 or far < distance[source]:
                distance[source] = far
                size = push(heap, size, (far << bits) | source)
    return count


@kernel
def shortest_rows(net: Graph, destinations: I32, distance: I64, order: I32, reached: I32) -> None:
    """``shortest_row`` for each destination."""
    heap = np.empty(len(net.in_source) + 1, np.int64)
    for row in range(len(destinations)):
        reached[row] = shortest_row(net, destinations[row], distance[row], order[row], heap)


@inlined
def leads_on(net: Graph, slot: int, far: int, distance: I64, destination: int) -> bool:
    """Whether the arc in an outgoing slot is a next hop of its source, which is ``far`` (> 0) from the destination."""
    target = net.out_target[slot]
    near = distance[target]
    return bool(near >= 0 and near + net.out_cost[slot] == far and (net.transit[target] or target == destination))
