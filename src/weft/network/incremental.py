"""What a change does to loads, found from what it touches instead of from nothing.

A network under its demands is kept as distances and through-flow of every node towards every destination. When arcs
fail or metrics change, most destinations never used those arcs; for the others the rows are repaired (``repair``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.network.demands import Demands
from weft.network.load import Loads, Paths, by_destination, checked, flow_rows, over_fan, widest
from weft.network.repair import Flows, change_rows, room
from weft.network.spf import DOWN, F64, I64, Graph, blocks, graph, in_threads, shortest
from weft.network.topology import Topology

#: A load that fell to this part of what it was is none: what is left are the rounding errors of its sum.
_NOTHING = 1e-11
#: Steps that a change takes for a destination, more or less: to divide the work.
_STEPS = 400


class Baseline:
    """A network under its demands, ready for many small changes. Safe to share among threads: nothing in it changes.

    It keeps about 20 bytes for each pair of a node and a destination. Raises ``InvalidInput``, ``LimitExceeded``.
    """

    def __init__(self, topology: Topology, demands: Demands) -> None:
        checked(topology, demands.ingress, demands.egress)
        self.topology, self.demands = topology, demands
        self.net = graph(topology)
        destinations, start, self._order = by_destination(demands.egress, len(topology.nodes))
        self.trees = shortest(topology, destinations)
        count = len(self._order)
        self.flows = Flows(
            destinations, start, demands.ingress[self._order], demands.bps[self._order], np.zeros(count, np.bool_),
            np.empty(self.trees.distance.shape), self.trees.distance,
        )  # fmt: skip
        self._slot = np.empty(len(topology.source), np.int64)
        self._slot[self.net.out_arc] = np.arange(len(topology.source))
        self._in_slot = np.empty(len(topology.source), np.int64)
        self._in_slot[self.net.in_arc] = np.arange(len(topology.source))
        parts = in_threads(self._carry, blocks(len(destinations), len(self._slot)))
        carried = sum(parts, np.zeros(len(topology.source)))
        self.loads = Loads(carried, self._unrouted(self.flows.lost))

    def failed(self, arcs: NDArray[np.integer]) -> Loads:
        """Loads without some arcs; a line that is cut loses both of its own. Raises ``InvalidInput``."""
        wanted = self.checked_arcs(arcs)
        in_cost, out_cost = self.net.in_cost.copy(), self.net.out_cost.copy()
        in_cost[self._in_slot[wanted]] = out_cost[self._slot[wanted]] = DOWN
        return self._after(self.net._replace(in_cost=in_cost, out_cost=out_cost))

    def changed_metric(self, arc: int, metric: int) -> Loads:
        """Loads with another metric on one arc. Raises ``InvalidInput``."""
        at, metrics = self.checked_arcs(np.array([arc]))[0], self.topology.metric.copy()
        metrics[at] = metric
        return self.changed(self.topology.changed(metric=metrics))

    def changed(self, topology: Topology) -> Loads:
        """Loads of the same graph with other metrics, other arcs up or other nodes overloaded.

        Raises ``InvalidInput`` where nodes or links are not the same.
        """
        same = (topology.source is self.topology.source and topology.target is self.topology.target) or (
            np.array_equal(topology.source, self.topology.source)
            and np.array_equal(topology.target, self.topology.target)
        )
        if not same or len(topology.nodes) != len(self.topology.nodes):
            raise InvalidInput("is another graph than the one that it is compared with", where="topology")
        return self._after(graph(topology))

    def crossing(self, arcs: NDArray[np.integer]) -> F64:
        """[demands] share of each demand that takes any of these arcs."""
        kept = np.ones(len(self.topology.source))
        kept[self.checked_arcs(arcs)] = 0.0
        _, survives = over_fan(self.topology, self.trees, np.zeros(len(kept)), kept)
        row = np.zeros(len(self.topology.nodes), np.int64)
        row[self.flows.destinations] = np.arange(len(self.flows.destinations))
        at = row[self.demands.egress], self.demands.ingress
        share: F64 = np.where(self.trees.distance[at] < 0, 0.0, 1.0 - survives[at])
        return share

    def checked_arcs(self, arcs: NDArray[np.integer]) -> I64:
        """Arcs as positions. Raises ``InvalidInput`` for what is not in the network."""
        wanted = np.asarray(arcs).astype(np.int64).ravel()
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(self.topology.source)):
            raise InvalidInput("names an arc that is not in the network", where="arcs")
        return wanted

    def slots(self, arcs: I64) -> tuple[I64, I64]:
        """Outgoing and incoming slots of arcs in ``net``."""
        return self._slot[arcs], self._in_slot[arcs]

    def _carry(self, rows: slice) -> F64:
        flows, trees, carried = self.flows, self.trees, np.zeros(len(self.topology.source))
        paths = Paths(np.arange(rows.start, rows.stop), trees.distance, trees.order, trees.reached)
        begin = flows.start[rows.start : rows.stop + 1]
        flow_rows(self.net, flows.destinations[rows], paths, begin, flows.ingress, flows.bps, flows.inflow[rows],
                  carried, flows.lost)  # fmt: skip
        return carried

    def _after(self, then: Graph) -> Loads:
        changed = np.flatnonzero(
            (then.out_cost != self.net.out_cost) | (then.transit != self.net.transit)[self.net.out_target]
        )
        if not len(changed):
            return self.loads
        lost = self.flows.lost.copy()

        def repair(rows: slice) -> F64:
            carried = np.zeros(len(self.topology.source))
            work = room(len(self.topology.nodes), len(carried), widest(self.net))
            change_rows(self.net, then, changed, self.flows, rows.start, rows.stop, carried, lost, work)
            return carried

        parts = in_threads(repair, blocks(len(self.flows.destinations), _STEPS))
        return Loads(self.settled(sum(parts, self.loads.bps)), self._unrouted(lost))

    def settled(self, bps: F64) -> F64:
        """Loads after differences were added to the baseline's, without what rounding left. May be [cases, arcs]."""
        cleared: F64 = np.where(bps <= _NOTHING * self.loads.bps, 0.0, bps)
        return cleared

    def _unrouted(self, lost: NDArray[np.bool_]) -> F64:
        unrouted = np.zeros(len(lost))
        unrouted[self._order] = np.where(lost, self.flows.bps, 0.0)
        return unrouted
