"""How the flows towards one destination are repaired after a change.

Distances are found anew for the nodes that lose all their next hops or come nearer, and for them alone (Ramalingam and
Reps, "An incremental algorithm for a generalization of the shortest-path problem", J. Algorithms 21, 1996). Then flow
is taken off the next hops that went, put on those that came, and the difference followed downstream until it has come
together again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.network.load import hops_of
from weft.network.spf import DOWN, F64, I32, I64, Graph, bits_of, drop, leads_on, push

#: A difference below this part of what flows is what rounding leaves.
_ROUNDING = 1e-13
#: What a node of a row under repair is known to be.
_ASKED, _MOVED, _RESPLIT, _FLOWS = 1, 2, 4, 8


class Flows(NamedTuple):
    """Demands by destination as the kernels take them."""

    destinations: I32  # [rows]
    start: I64  # [rows + 1] first demand of each destination
    ingress: I32  # [demands, by destination]
    bps: F64
    lost: NDArray[np.bool_]  # has no way
    inflow: F64  # [rows, nodes] what enters at a node or comes through it
    distance: I64  # [rows, nodes]


class Work(NamedTuple):
    """Room for the repair of one row at a time; all zero between rows, apart from ``fresh`` and the heap."""

    fresh: I64  # [nodes] distances after the change
    state: NDArray[np.uint8]  # [nodes] the flags above
    met: I32  # [nodes] nodes with any flag
    size: I64  # [1] how many
    delta: F64  # [nodes] change of what flows in
    heap: I64
    hops: I64


def room(nodes: int, arcs: int, most_hops: int) -> Work:
    """Room for a network of that size."""
    return Work(
        np.zeros(nodes, np.int64), np.zeros(nodes, np.uint8), np.zeros(nodes, np.int32), np.zeros(1, np.int64),
        np.zeros(nodes), np.empty(arcs + nodes + 1, np.int64), np.empty(most_hops, np.int64),
    )  # fmt: skip


@kernel
def change_rows(
    net: Graph, then: Graph, changed: I64, flows: Flows, first: int, end: int, carried: F64,
    lost: NDArray[np.bool_], work: Work,
) -> float:  # fmt: skip
    """Adds to ``carried`` what the change does to the flows to some destinations; returns the rate that lost its way.

    ``changed`` are the outgoing slots of arcs that are not the same in ``then``. ``lost`` is set where it changes,
    unless it is empty.
    """
    gone = 0.0
    for row in range(first, end):
        destination, distance = flows.destinations[row], flows.distance[row]
        if not matters(net, then, changed, distance, destination):
            continue
        work.fresh[:] = distance
        cut_off(net, then, changed, distance, destination, work)
        approach(net, then, changed, destination, work)
        look_around(net, then, changed, distance, destination, work)
        move(net, then, distance, flows.inflow[row], destination, carried, work)
        flips = False
        for at in range(work.size[0]):
            node = work.met[at]
            flips |= (work.fresh[node] < 0) != (distance[node] < 0)
            work.state[node], work.delta[node] = 0, 0.0
        work.size[0] = 0
        if flips:
            for demand in range(flows.start[row], flows.start[row + 1]):
                is_lost = work.fresh[flows.ingress[demand]] < 0
                if is_lost != flows.lost[demand]:
                    gone += flows.bps[demand] if is_lost else -flows.bps[demand]
                    if len(lost):
                        lost[demand] = is_lost
    return gone


@inlined
def cost_towards(net: Graph, slot: int, destination: int) -> int:
    """Metric of an outgoing slot for traffic to the destination; ``DOWN`` where it may not be used."""
    target = net.out_target[slot]
    return int(net.out_cost[slot]) if net.transit[target] or target == destination else DOWN


@inlined
def flag(work: Work, node: int, what: int) -> None:
    """Notes something of a node."""
    if not work.state[node]:
        work.met[work.size[0]] = node
        work.size[0] += 1
    work.state[node] |= np.uint8(what)


@kernel
def matters(net: Graph, then: Graph, changed: I64, distance: I64, destination: int) -> bool:
    """Whether any change is of an arc that traffic to the destination takes, or would take now."""
    for at in range(len(changed)):
        slot = changed[at]
        far, near = distance[net.out_source[slot]], distance[net.out_target[slot]]
        before, after = cost_towards(net, slot, destination), cost_towards(then, slot, destination)
        if near < 0 or before == after:
            continue
        if after > before:
            if near + before == far:
                return True
        elif far < 0 or near + after <= far:
            return True
    return False


@kernel
def cut_off(net: Graph, then: Graph, changed: I64, distance: I64, destination: int, work: Work) -> None:
    """Finds the nodes that lose all their next hops, nearest first, as far as arcs went or became longer."""
    bits = bits_of(len(distance))
    size, heap = 0, work.heap
    for at in range(len(changed)):
        slot = changed[at]
        node = net.out_source[slot]
        longer = cost_towards(then, slot, destination) > cost_towards(net, slot, destination)
        if work.state[node] or distance[node] <= 0 or not longer:
            continue
        if leads_on(net, slot, distance[node], distance, destination):
            flag(work, node, _ASKED)
            size = push(heap, size, (distance[node] << bits) | node)
    while size:
        node = heap[0] & ((1 << bits) - 1)
        size = drop(heap, size)
        if keeps_a_hop(net, then, node, distance, destination, work.state):
            continue
        flag(work, node, _MOVED)
        work.fresh[node] = -1
        if not net.transit[node]:
            continue
        for slot in range(net.in_start[node], net.in_start[node + 1]):
            source = net.in_source[slot]
            if not work.state[source] and distance[source] == distance[node] + net.in_cost[slot]:
                flag(work, source, _ASKED)
                size = push(heap, size, (distance[source] << bits) | source)


@kernel
def keeps_a_hop(
    net: Graph, then: Graph, node: int, distance: I64, destination: int, state: NDArray[np.uint8]
) -> bool:  # fmt: skip
    """Whether a next hop is left that is no farther than before."""
    for slot in range(net.out_start[node], net.out_start[node + 1]):
        if (
            leads_on(net, slot, distance[node], distance, destination)
            and cost_towards(then, slot, destination) <= net.out_cost[slot]
            and not state[net.out_target[slot]] & _MOVED
        ):
            return True
    return False


@kernel
def approach(net: Graph, then: Graph, changed: I64, destination: int, work: Work) -> None:
    """Distances of the nodes that were cut off, and of those that come nearer: Dijkstra over them alone."""
    bits, size = bits_of(len(work.fresh)), 0
    fresh, heap = work.fresh, work.heap
    for at in range(work.size[0]):
        node = work.met[at]
        if work.state[node] & _MOVED:
            for slot in range(then.out_start[node], then.out_start[node + 1]):
                size = nearer(then, slot, node, destination, work, size, bits)
    for at in range(len(changed)):
        slot = changed[at]
        if cost_towards(then, slot, destination) < cost_towards(net, slot, destination):
            size = nearer(then, slot, net.out_source[slot], destination, work, size, bits)
    while size:
        key = heap[0]
        size = drop(heap, size)
        node = key & ((1 << bits) - 1)
        if key >> bits != fresh[node] or (node != destination and not then.transit[node]):
            continue
        for slot in range(then.in_start[node], then.in_start[node + 1]):
            source, far = then.in_source[slot], fresh[node] + then.in_cost[slot]
            if far < DOWN and (fresh[source] < 0 or far < fresh[source]):
                fresh[source] = far
                flag(work, source, _MOVED)
                size = push(heap, size, (far << bits) | source)


@inlined
def nearer(then: Graph, slot: int, node: int, destination: int, work: Work, size: int, bits: int) -> int:
    """Takes the way over a slot where it is shorter than what its node has; returns the size of the heap."""
    near, cost = work.fresh[then.out_target[slot]], cost_towards(then, slot, destination)
    if near < 0 or cost >= DOWN or 0 <= work.fresh[node] <= near + cost:
        return size
    work.fresh[node] = near + cost
    flag(work, node, _MOVED)
    return push(work.heap, size, ((near + cost) << bits) | node)


@kernel
def look_around(net: Graph, then: Graph, changed: I64, distance: I64, destination: int, work: Work) -> None:
    """Marks the nodes whose next hops are not the same as before."""
    for at in range(len(changed)):
        flag(work, net.out_source[changed[at]], _ASKED)
    known = work.size[0]
    for at in range(known):
        node = work.met[at]
        fresh = work.fresh[node]
        if fresh < 0 or 0 <= distance[node] <= fresh:
            continue
        for slot in range(then.in_start[node], then.in_start[node + 1]):  # it came nearer: others may take it now
            if work.fresh[then.in_source[slot]] == fresh + then.in_cost[slot]:
                flag(work, then.in_source[slot], _ASKED)
    for at in range(work.size[0]):
        node = work.met[at]
        if node == destination:
            continue
        for slot in range(net.out_start[node], net.out_start[node + 1]):
            before = distance[node] > 0 and leads_on(net, slot, distance[node], distance, destination)
            after = work.fresh[node] > 0 and leads_on(then, slot, work.fresh[node], work.fresh, destination)
            if before != after:
                flag(work, node, _RESPLIT)
                break


@kernel
def move(
    net: Graph, then: Graph, distance: I64, inflow: F64, destination: int, carried: F64, work: Work
) -> None:  # fmt: skip
    """Takes flow off the next hops of before and puts it on those of now, farthest node first."""
    bits, size = bits_of(len(distance)), 0
    for at in range(work.size[0]):
        node = work.met[at]
        if work.state[node] & _RESPLIT and inflow[node] > 0.0:
            size = enqueue(work, node, destination, size, bits)
            size = emit(net, node, -inflow[node], distance, destination, carried, work, size, bits)
    while size:
        node = work.heap[0] & ((1 << bits) - 1)
        size = drop(work.heap, size)
        amount = work.delta[node]
        if work.state[node] & _RESPLIT:
            amount += inflow[node]
        if abs(amount) > _ROUNDING * inflow[node]:
            size = emit(then, node, amount, work.fresh, destination, carried, work, size, bits)


@kernel
def emit(
    net: Graph, node: int, amount: float, distance: I64, destination: int, carried: F64, work: Work, size: int,
    bits: int,
) -> int:  # fmt: skip
    """Spreads an amount over the next hops of a node and asks them to pass it on; returns the size of the heap."""
    count = hops_of(net, node, distance, destination, work.hops)
    for at in range(count):
        target = net.out_target[work.hops[at]]
        carried[net.out_arc[work.hops[at]]] += amount / count
        work.delta[target] += amount / count
        size = enqueue(work, target, destination, size, bits)
    return size


@inlined
def enqueue(work: Work, node: int, destination: int, size: int, bits: int) -> int:
    """Puts a node that passes flow on into the heap, once, farthest first; returns the size."""
    if work.state[node] & _FLOWS:
        return size
    flag(work, node, _FLOWS)
    if node == destination or work.fresh[node] < 0:
        return size
    return push(work.heap, size, (-work.fresh[node] << bits) | node)
