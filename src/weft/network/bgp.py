"""Which of the routes that borders heard a node uses: the decision process of RFC 4271 §9.1.2.

Every node knows every route (full mesh, or reflectors that hide nothing) with the border itself as next hop, and
chooses one; there is no multipath. In this order: highest local preference, shortest AS path, lowest origin, lowest MED
among routes of the same neighbour AS, its own eBGP route before those heard inside, nearest border by IGP distance,
and last, where a router compares identifiers, the lowest name of border, neighbour and link.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.network.routing import Routing
from weft.network.topology import Topology

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


class RouteTable(NamedTuple):
    """Routes of all groups, best first within a group as far as that does not depend on who chooses."""

    start: I64  # [groups + 1] where a group's routes begin
    node: I64  # border
    arc: I64  # the way out
    far: I64  # neighbour
    grade: I64  # equal for routes of one group that are equal up to the origin
    neighbor_as: I64
    med: I64
    tie: I64  # order by names
    position: I64  # in the routing's routes


def route_table(topology: Topology, routing: Routing) -> RouteTable:
    """The routes as arrays; kept with the routing for as long as the graph is the same."""
    kept = routing.__dict__.get("_table")
    if kept is not None and kept[0] is topology.nodes and kept[1] is topology.links:
        return kept[2]  # type: ignore[no-any-return]
    table = _table(topology, routing)
    routing.__dict__["_table"] = (topology.nodes, topology.links, table)
    return table


def _table(topology: Topology, routing: Routing) -> RouteTable:
    routes = routing.routes

    def column(name: str) -> I64:
        return np.fromiter((getattr(route, name) for route in routes), np.int64, len(routes))

    node, link, group = column("node"), column("link"), column("group")
    a = np.array([one.a for one in topology.links], np.int64)
    arc = 2 * link + (a[link] != node)
    far = topology.target[arc].astype(np.int64)
    tie = _order_of_names(topology, node, far, link)
    preference, length, origin = -column("local_pref"), column("as_path_length"), column("origin")
    neighbor_as, med = column("neighbor_as"), column("med")
    order = np.lexsort((tie, med, neighbor_as, origin, length, preference, group))
    keys = np.stack([group, preference, length, origin])[:, order]
    grade = np.zeros(len(routes), np.int64)
    grade[1:] = np.cumsum((keys[:, 1:] != keys[:, :-1]).any(axis=0))
    start = np.searchsorted(group[order], np.arange(len(routing.groups) + 1)).astype(np.int64)
    return RouteTable(
        start, node[order], arc[order], far[order], grade,
        neighbor_as[order], med[order], tie[order], order,
    )  # fmt: skip


def _order_of_names(topology: Topology, node: I64, far: I64, link: I64) -> I64:
    names = [one.name for one in topology.nodes]
    rank = np.empty(len(names), np.int64)
    rank[np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)] = np.arange(len(names))
    ids = np.array([topology.links[at].id for at in link], dtype=object)
    by_id = np.empty(len(link), np.int64)
    by_id[np.argsort(ids, kind="stable")] = np.arange(len(link))
    tie = np.empty(len(link), np.int64)
    tie[np.lexsort((by_id, rank[far], rank[node]))] = np.arange(len(link))
    return tie


@kernel
def choose(
    table: RouteTable, up: NDArray[np.bool_], row: I32, distance: I64, node: int, group: int, origin: int
) -> int:
    """Place in the table of the route that ``node`` uses for ``group``; -1 where it has none.

    A route counts when its link is up and its border is reached; one that leads back to ``origin``, where the traffic
    came in, does not (that neighbour would see its own AS in the path, and does not send it). ``distance[row[border],
    node]`` is the IGP distance.
    """
    best, nearest, grade, heard_as, lowest_med = -1, 0, -1, -1, 0
    for i in range(table.start[group], table.start[group + 1]):
        if grade >= 0 and table.grade[i] != grade:
            break
        border = table.node[i]
        far_off = 0 if border == node else distance[row[border], node]
        if not up[table.arc[i]] or table.far[i] == origin or far_off < 0:
            continue
        grade = table.grade[i]
        if table.neighbor_as[i] != heard_as:
            heard_as, lowest_med = table.neighbor_as[i], table.med[i]
        elif heard_as > 0 and table.med[i] > lowest_med:  # nobody knows whether two of AS 0 are the same
            continue
        # Its own eBGP routes are at distance 0 and all others farther (a metric is at least 1): no test of its own.
        if best < 0 or far_off < nearest or (far_off == nearest and table.tie[i] < table.tie[best]):
            best, nearest = i, far_off
    return best
