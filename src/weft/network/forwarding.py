"""Follows demands hop by hop where something on the way overrides routing: a static route, a filter, a tunnel.

A demand begins as one unit of traffic at its ingress. At each node the steps of its programme act; what they leave goes
the way that BGP and the IGP choose there, split evenly over the next hops, until it meets a node with steps again or
its end. What has turned ``TURNS`` times is in a loop and runs out of its time to live.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.network.bgp import RouteTable, choose
from weft.network.spf import Graph, leads_on
from weft.network.tunnels import BLACKHOLE, LIMIT, OVER_ARC, REDIRECT, TUNNEL, Steps

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Times that a packet can be turned before it is dropped: the time to live that hosts commonly give it.
TURNS = 64

#: Columns of what became of a demand, as shares of it: what came to its end (the second: as full queues left it), that
#: times its delay, and what did not come.
DELIVERED, SURVIVED, LATE, BLACKHOLED, LIMITED, NO_ROUTE, LOOPED = range(7)
FATES = 7
_MOST_EXITS = 16  # of one demand, among which the main one is found


class Ground(NamedTuple):
    """The graph, its distances and how its lines are."""

    net: Graph
    source: I32  # [arcs]
    target: I32  # [arcs]
    up: Flags  # [arcs]
    outside: Flags  # [nodes]
    row: I32  # [nodes] row of a destination in ``distance``, -1 where none was computed
    distance: I64  # [destinations, nodes], -1 = unreachable
    delay: F64  # [arcs]
    loss: F64  # [arcs]


class Scratch(NamedTuple):
    """Room to work in, all zero between items."""

    use: F64  # [arcs] share of the item over each arc
    touched: I64  # [arcs]
    at: F64  # [nodes, 3] traffic that waits at a node of a walk: offered, surviving, delay times offered
    front: I64  # [nodes] nodes of the walk that have some
    turned: F64  # [2, 2 nodes, 3] traffic to be looked at in this turn and the next; redirected in the second half
    turned_at: I64  # [2, 2 nodes]
    counts: I64  # touched, turned this time, turned next time, exits
    exits: I64  # [_MOST_EXITS] arcs out of the network
    flow: F64  # [3] traffic in hand
    fate: F64  # [FATES]


def scratch(nodes: int, arcs: int) -> Scratch:
    """Room for a graph of this size."""
    return Scratch(
        np.zeros(arcs), np.zeros(arcs, np.int64), np.zeros((nodes, 3)), np.zeros(nodes, np.int64),
        np.zeros((2, 2 * nodes, 3)), np.zeros((2, 2 * nodes), np.int64), np.zeros(4, np.int64),
        np.zeros(_MOST_EXITS, np.int64), np.zeros(3), np.zeros(FATES),
    )  # fmt: skip


@kernel
def _reached(ground: Ground, start: int, aim: int) -> bool:
    return bool(start == aim or ground.distance[ground.row[aim], start] >= 0)


@kernel
def _stops(steps: Steps, programme: int, node: int) -> bool:
    if not steps.hot[node]:
        return False
    for i in range(steps.start[programme], steps.start[programme + 1]):
        if steps.node[i] < 0 or steps.node[i] == node:
            return True
    return False


@kernel
def _over(ground: Ground, room: Scratch, arc: int, offered: float, alive: float, late: float) -> int:
    """Puts traffic on an arc; what arrives is in hand (``room.flow``)."""
    if room.use[arc] == 0.0:
        room.touched[room.counts[0]] = arc
        room.counts[0] += 1
    room.use[arc] += offered
    keep = 1.0 - ground.loss[arc]
    room.flow[0] = offered
    room.flow[1] = alive * keep
    room.flow[2] = late + offered * ground.delay[arc]
    return int(ground.target[arc])


@kernel
def _turn(room: Scratch, node: int, redirected: int) -> None:
    """Leaves what is in hand at a node for the next turn."""
    slot = node + redirected * len(room.front)
    if room.turned[1, slot, 0] == 0.0:
        room.turned_at[1, room.counts[2]] = slot
        room.counts[2] += 1
    for k in range(3):
        room.turned[1, slot, k] += room.flow[k]


@kernel
def _carry(ground: Ground, room: Scratch, steps: Steps, programme: int, start: int, aim: int, redirected: int) -> None:
    """Moves what is in hand from ``start`` towards ``aim``; what arrives is in hand then.

    Traffic that meets a step of ``programme`` on its way is left there for the next turn (-1: under a tunnel's header,
    where none is met).
    """
    if start == aim:
        return
    net, distance, waiting = ground.net, ground.distance[ground.row[aim]], 1
    room.front[0] = start
    for k in range(3):
        room.at[start, k] = room.flow[k]
        room.flow[k] = 0.0
    while waiting > 0:
        pick = 0
        for i in range(1, waiting):
            if distance[room.front[i]] > distance[room.front[pick]]:
                pick = i
        node = room.front[pick]
        waiting -= 1
        room.front[pick] = room.front[waiting]
        offered, alive, late = room.at[node, 0], room.at[node, 1], room.at[node, 2]
        for k in range(3):
            room.flow[k], room.at[node, k] = room.at[node, k], 0.0
        if programme >= 0 and node != start and _stops(steps, programme, node):
            _turn(room, node, redirected)
            room.flow[0] = room.flow[1] = room.flow[2] = 0.0
            continue
        if node == aim:  # the nearest of all, hence the last
            return
        ways = 0
        for slot in range(net.out_start[node], net.out_start[node + 1]):
            ways += leads_on(net, slot, distance[node], distance, aim)
        for slot in range(net.out_start[node], net.out_start[node + 1]):
            if leads_on(net, slot, distance[node], distance, aim):
                far = _over(ground, room, int(net.out_arc[slot]), offered / ways, alive / ways, late / ways)
                if room.at[far, 0] == 0.0:
                    room.front[waiting] = far
                    waiting += 1
                for k in range(3):
                    room.at[far, k] += room.flow[k]
        room.flow[0] = room.flow[1] = room.flow[2] = 0.0


@kernel
def _deliver(room: Scratch, arc: int) -> None:
    """What is in hand has arrived, over ``arc`` if that leads out."""
    for k in range(3):
        room.fate[k] += room.flow[k]
    if arc < 0 or room.counts[3] >= _MOST_EXITS:
        return
    for i in range(room.counts[3]):
        if room.exits[i] == arc:
            return
    room.exits[room.counts[3]] = arc
    room.counts[3] += 1


@kernel
def _goes_on(ground: Ground, room: Scratch, node: int, egress: int, redirected: int, arc: int) -> None:
    """What is in hand came to ``node`` by a rule, not by routing: it ended there, or is looked at in the next turn."""
    if node == egress or ground.outside[node]:
        _deliver(room, arc if ground.outside[node] else -1)
    else:
        _turn(room, node, redirected)


@kernel
def _through(ground: Ground, room: Scratch, steps: Steps, tunnel: int, node: int, egress: int, redirected: int) -> None:
    last = -1
    for i in range(steps.segment_start[tunnel], steps.segment_start[tunnel + 1]):
        last, aim = -1, steps.segment[i]
        if steps.segment_is_arc[i]:
            last, aim = aim, int(ground.source[aim])
        _carry(ground, room, steps, -1, node, aim, redirected)
        node = aim
        if last >= 0:
            node = _over(ground, room, last, room.flow[0], room.flow[1], room.flow[2])
    _goes_on(ground, room, node, egress, redirected, last)


@kernel
def _apply(
    ground: Ground, room: Scratch, steps: Steps, programme: int, node: int, redirected: int, egress: int,
    passing: F64, metered: F64, bps: float,
) -> bool:  # fmt: skip
    """Lets the steps at a node act on what is in hand; True where they leave nothing to be routed."""
    left = 1.0
    for i in range(steps.start[programme], steps.start[programme + 1]):
        if steps.node[i] >= 0 and steps.node[i] != node:
            continue
        kind, value = steps.kind[i], steps.value[i]
        if kind == LIMIT:
            meter = steps.meter[i] + (node if steps.node[i] < 0 else 0)
            metered[meter] += room.flow[0] * bps
            room.fate[LIMITED] += room.flow[0] * (1.0 - passing[meter])
            for k in range(3):
                room.flow[k] *= passing[meter]
            if room.flow[0] == 0.0:
                return True
        elif kind == BLACKHOLE:
            room.fate[BLACKHOLED] += room.flow[0]
            return True
        elif kind == OVER_ARC:
            far = _over(ground, room, value, room.flow[0], room.flow[1], room.flow[2])
            _goes_on(ground, room, far, egress, redirected, value)
            return True
        elif kind == TUNNEL:
            share = min(steps.share[i], left)
            if share > 0.0:
                offered, alive, late = room.flow[0] / left, room.flow[1] / left, room.flow[2] / left
                room.flow[0], room.flow[1], room.flow[2] = offered * share, alive * share, late * share
                _through(ground, room, steps, value, node, egress, redirected)
                left -= share
                if left < 1e-12:
                    return True
                room.flow[0], room.flow[1], room.flow[2] = offered * left, alive * left, late * left
        elif value != node and not (kind == REDIRECT and redirected) and _reached(ground, node, value):
            # Towards a node: a recursive static route, or a redirect, which catches traffic once.
            _carry(ground, room, steps, -1, node, value, redirected)
            _goes_on(ground, room, value, egress, 1 if kind == REDIRECT else redirected, -1)
            return True
    return False


@kernel
def _route(
    ground: Ground, table: RouteTable, room: Scratch, steps: Steps, programme: int, node: int, redirected: int,
    group: int, egress: int, origin: int,
) -> None:  # fmt: skip
    """Sends what is in hand the way that BGP and the IGP choose at a node."""
    aim, out = egress, -1
    if group >= 0:
        chosen = choose(table, ground.up, ground.row, ground.distance, node, group, origin)
        if chosen >= 0:
            aim, out = table.node[chosen], table.arc[chosen]
    if aim < 0 or not _reached(ground, node, aim):
        room.fate[NO_ROUTE] += room.flow[0]
        return
    _carry(ground, room, steps, programme, node, aim, redirected)
    if room.flow[0] == 0.0:
        return
    if out >= 0 and aim != node and not ground.net.transit[aim]:  # the border may send it on (``egress``)
        chosen = choose(table, ground.up, ground.row, ground.distance, aim, group, origin)
        if chosen >= 0 and table.node[chosen] != aim:
            _turn(room, aim, redirected)
            return
    if out >= 0:
        _over(ground, room, out, room.flow[0], room.flow[1], room.flow[2])
    _deliver(room, out)


@kernel
def _follow(
    ground: Ground, table: RouteTable, steps: Steps, room: Scratch, programme: int, start: int, egress: int,
    group: int, bps: float, passing: F64, metered: F64,
) -> None:  # fmt: skip
    """Follows one unit of traffic from its ingress to all its ends; the room then holds what became of it."""
    room.flow[0], room.flow[1], room.flow[2] = 1.0, 1.0, 0.0
    _turn(room, start, 0)
    for _ in range(TURNS):
        here = room.counts[2]
        if here == 0:
            return
        room.counts[2] = 0
        for i in range(here):
            slot = room.turned_at[1, i]
            room.turned_at[0, i] = slot
            for k in range(3):
                room.turned[0, slot, k], room.turned[1, slot, k] = room.turned[1, slot, k], 0.0
        for i in range(here):
            slot = room.turned_at[0, i]
            redirected = int(slot >= len(room.front))
            node = slot - redirected * len(room.front)
            for k in range(3):
                room.flow[k] = room.turned[0, slot, k]
            if _apply(ground, room, steps, programme, node, redirected, egress, passing, metered, bps):
                continue
            if node == egress:
                _deliver(room, -1)
            else:
                _route(ground, table, room, steps, programme, node, redirected, group, egress, start)
    for i in range(room.counts[2]):
        slot = room.turned_at[1, i]
        room.fate[LOOPED] += room.turned[1, slot, 0]
        room.turned[1, slot, 0] = room.turned[1, slot, 1] = room.turned[1, slot, 2] = 0.0
    room.counts[2] = 0


@kernel
def follow(
    ground: Ground, table: RouteTable, steps: Steps, room: Scratch, programme: I32, ingress: I32, egress: I32,
    group: I32, bps: F64, passing: F64, metered: F64, fate: F64, exit_arc: I32, exit_share: F64,
) -> tuple[I32, I32, F64]:  # fmt: skip
    """Follows items one by one. Returns what they put on which arcs: item, arc, share of the item.

    Writes what became of each into ``fate`` [items, FATES], its main way out into ``exit_arc`` and what left there into
    ``exit_share``; adds what came to rate limits to ``metered`` [meters]; ``passing`` is the share that they let pass.
    """
    size, count = max(1024, 16 * len(programme)), 0
    item, arc, share = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.float64)
    for i in range(len(programme)):
        start, end, to = int(ingress[i]), int(egress[i]), int(group[i])
        _follow(ground, table, steps, room, int(programme[i]), start, end, to, bps[i], passing, metered)
        exit_arc[i] = -1
        for k in range(room.counts[3]):
            if exit_arc[i] < 0 or room.use[room.exits[k]] > exit_share[i]:
                exit_arc[i], exit_share[i] = room.exits[k], room.use[room.exits[k]]
        for k in range(FATES):
            fate[i, k], room.fate[k] = room.fate[k], 0.0
        if count + room.counts[0] > size:
            size = 2 * size + room.counts[0]
            more_item, more_arc, more_share = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
            for k in range(count):
                more_item[k], more_arc[k], more_share[k] = item[k], arc[k], share[k]
            item, arc, share = more_item, more_arc, more_share
        for k in range(room.counts[0]):
            used = room.touched[k]
            item[count], arc[count], share[count] = i, used, room.use[used]
            room.use[used] = 0.0
            count += 1
        room.counts[0] = room.counts[3] = 0
    return item[:count], arc[:count], share[:count]
