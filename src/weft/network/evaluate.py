"""What a network carries and how well: loads, latency and loss of every line and of every demand.

Routing decides where demands leave (``egress``), the IGP how they get there (``load``), a queueing approximation what
that does to delay and loss (``queueing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.network.bgp import route_table
from weft.network.egress import Resolved, followed_again, ground_of, resolve
from weft.network.forwarding import LATE, SURVIVED
from weft.network.load import Paths, Shares, by_destination, hops_of, loads, mean_of_hops, rows_of, widest
from weft.network.load import response as spread
from weft.network.queueing import Queue, wait_and_loss
from weft.network.spf import Graph, blocks, graph, in_threads
from weft.network.state import Network

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    """A network under its demands.

    Loads are what is offered to a line: what was blackholed, limited or had no route before it is taken off, what an
    overfull line before it loses is not. ``bps = delivered + lost + blackholed + limited + unrouted`` for each demand.
    """

    network: Network
    resolved: Resolved
    load_bps: F64  # [arcs]
    utilisation: F64  # [arcs] load over capacity; above 1 where more is asked than fits
    queue_delay_s: F64  # [arcs] mean wait in front of the line
    delay_s: F64  # [arcs] propagation and wait
    loss: F64  # [arcs] share of what is offered that does not fit
    delivered_bps: F64  # [demands]
    lost_bps: F64  # [demands] in full queues
    blackholed_bps: F64  # [demands]
    limited_bps: F64  # [demands] by rate limits
    unrouted_bps: F64  # [demands] no route, or a forwarding loop
    demand_delay_s: F64  # [demands] one way, mean over the ways that its traffic takes; nan where none arrives
    demand_loss: F64  # [demands] share lost in full queues of what has a way to its end
    reachable: NDArray[np.bool_]  # [demands] whether any of it has a way to its end
    exit_node: I32  # [demands] node that most of it leaves from or ends at, -1 where none arrives
    exit_link: I32  # [demands] line by which most of it leaves, -1 where it ends inside or nowhere

    @cached_property
    def class_load_bps(self) -> F64:
        """[classes, arcs] load by class of traffic."""
        asked, pieces = self.network.demands, self.resolved.pieces
        if len(asked.classes) == 1:
            return self.load_bps[np.newaxis]
        found = np.empty((len(asked.classes), len(self.load_bps)))
        for at in range(len(asked.classes)):
            some = pieces.take(pieces.traffic_class == at)
            found[at] = loads(self.network.graph, some, self.resolved.trees).bps
            found[at] += self.resolved.over(np.where(asked.traffic_class == at, asked.bps, 0.0))
        return found


def evaluate(network: Network, baseline: Evaluation | None = None, queue: Queue | None = None) -> Evaluation:
    """Loads, delay and loss of a network. ``baseline``: another state of it, to save what is the same in both."""
    resolved = resolve(network, baseline.resolved if baseline is not None else None)
    topology, asked = network.topology, network.demands
    load = loads(network.graph, resolved.pieces, resolved.trees).bps + resolved.over(asked.bps)
    wait, loss = wait_and_loss(load, topology.capacity_bps, queue)
    delay = topology.delay_s + wait
    survived, late = _ends(resolved, delay, loss)
    with np.errstate(divide="ignore", invalid="ignore"):
        demand_delay = np.where(resolved.delivered > 0, late / resolved.delivered, np.nan)
        demand_loss = np.where(resolved.delivered > 0, 1.0 - survived / resolved.delivered, 0.0)
    exit_link = np.where(resolved.exit_arc >= 0, resolved.exit_arc // 2, -1).astype(np.int32)
    return Evaluation(
        network, resolved, load, load / topology.capacity_bps, wait, delay, loss,
        asked.bps * survived, asked.bps * (resolved.delivered - survived), asked.bps * resolved.blackholed,
        asked.bps * resolved.limited, asked.bps * resolved.unrouted, demand_delay, np.clip(demand_loss, 0.0, 1.0),
        resolved.delivered > 0, resolved.exit_node, exit_link,
    )  # fmt: skip


def _ends(resolved: Resolved, delay: F64, loss: F64) -> tuple[F64, F64]:
    """[demands] share that arrives, and delay times the share that has a way to its end."""
    network, count = resolved.network, len(resolved.network.demands)
    survived, late = np.zeros(count), np.zeros(count)
    demand = resolved.demand
    late[demand], survived[demand] = _over_igp(resolved, delay, 1.0 - loss)
    way_out = resolved.exit_arc[demand]
    leaves, out = demand[way_out >= 0], way_out[way_out >= 0]
    late[leaves] += delay[out]
    survived[leaves] *= 1.0 - loss[out]
    followed = resolved.followed
    if len(followed.rules.demand):
        table = route_table(network.graph, network.routing)
        ground = ground_of(network, resolved.trees, delay, loss)
        again = followed_again(network, table, ground, network.demands, followed)
        share, of = followed.rules.share, followed.rules.demand
        survived += np.bincount(of, share * again.fate[:, SURVIVED], count)
        late += np.bincount(of, share * again.fate[:, LATE], count)
    return survived, late


def _over_igp(resolved: Resolved, delay: F64, kept: F64) -> tuple[F64, F64]:
    """[pieces] mean delay over all equal-cost ways, and the share that is not lost on them."""
    net, nodes = graph(resolved.network.graph), len(resolved.network.topology.nodes)
    destinations, start, order = by_destination(resolved.egress, nodes)
    ingress, paths = resolved.ingress[order], Paths.of(resolved.trees, rows_of(resolved.trees, destinations, nodes))
    late, survived = np.zeros(len(order)), np.zeros(len(order))

    def go(some: slice) -> None:
        part = paths._replace(rows=paths.rows[some])
        begin = start[some.start : some.stop + 1]
        _mean_rows(net, destinations[some], part, begin, ingress, order, delay, kept, late, survived)

    in_threads(go, blocks(len(destinations), len(net.in_source)))
    return late, survived


@kernel
def _mean_rows(
    net: Graph, destinations: I32, paths: Paths, start: I64, ingress: I32, order: I64, delay: F64, kept: F64,
    late: F64, survived: F64,
) -> None:  # fmt: skip
    """Means over the fan of each destination from it outwards, read out for the demands that want to go there.

    A row at a time: what is kept of all pairs of nodes (``load.over_fan``) does not stay in the processor's cache.
    """
    nodes = len(net.transit)
    hops, wait, left = np.empty(widest(net), np.int64), np.empty(nodes), np.empty(nodes)
    for at in range(len(destinations)):
        row, destination = paths.rows[at], destinations[at]
        distance, outwards = paths.distance[row], paths.order[row]
        wait[destination], left[destination] = 0.0, 1.0
        for here in range(1, paths.reached[row]):
            node = outwards[here]
            count = hops_of(net, node, distance, destination, hops)
            wait[node], left[node] = mean_of_hops(net, hops, count, delay, kept, wait, left)
        for i in range(start[at], start[at + 1]):
            late[order[i]], survived[order[i]] = wait[ingress[i]], left[ingress[i]]


@dataclass(frozen=True)
class Response:
    """How one unit of each demand loads the arcs of a network: multiply it with rates, of one moment or of many.

    Rate limits let pass what they let pass at the rates of the network itself.
    """

    resolved: Resolved
    pieces: Shares

    def __matmul__(self, rates: F64) -> F64:
        """Load of each arc for rates of the demands: [demands] → [arcs], or [demands, times] → [arcs, times]."""
        resolved, values = self.resolved, np.asarray(rates, np.float64)
        found = self.pieces @ values[resolved.demand]
        np.add.at(found, resolved.via_arc, (values[resolved.via_demand].T * resolved.via_share).T)
        return found


def response(network: Network, known: Resolved | None = None) -> Response:
    """The response of a network, whatever its demands' rates are; ``known`` as in ``resolve``."""
    resolved = resolve(network, known)
    return Response(resolved, spread(network.graph, resolved.ingress, resolved.egress))
