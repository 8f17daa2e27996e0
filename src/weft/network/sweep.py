"""Every failure of a list, one after the other: what each would do to the network.

The usual list is every link by itself; shared risk groups and nodes come the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.errors import InvalidInput, LimitExceeded
from weft.network.incremental import Baseline
from weft.network.load import widest
from weft.network.repair import Flows, Work, change_rows, room
from weft.network.spf import DOWN, F64, I32, I64, Graph, in_threads
from weft.network.topology import Topology

#: Failures that are worked on at a time: their loads are in memory together.
_AT_A_TIME = 16
MOST_FAILURES = 1_000_000


@dataclass(frozen=True)
class Sweep:
    """What each failure does, in the order in which they were asked for."""

    threshold: float  # of utilisation
    max_utilisation: F64  # [failures] 0 where no arc carries anything
    worst_arc: I32  # [failures] the arc with that utilisation, -1 where there is none
    over_start: I64  # [failures + 1]
    over: I32  # arcs above the threshold, failure by failure: see ``over_threshold``
    unrouted_bps: F64  # [failures] what has no way, including what had none before

    def over_threshold(self, failure: int) -> I32:
        """Arcs above the threshold after a failure."""
        return self.over[self.over_start[failure] : self.over_start[failure + 1]]

    def worst_first(self) -> I64:
        """Failures by what they do: unrouted traffic first, then by utilisation."""
        return np.lexsort((-self.max_utilisation, -self.unrouted_bps))


def link_failures(topology: Topology) -> list[I64]:
    """Both arcs of each link."""
    return [np.array([2 * link, 2 * link + 1]) for link in range(len(topology.links))]


def group_failures(topology: Topology) -> dict[str, I64]:
    """All arcs of each shared risk group."""
    return {
        group: np.array([arc for link in links for arc in (2 * link, 2 * link + 1)])
        for group, links in topology.srlgs.items()
    }


def node_failures(topology: Topology) -> list[I64]:
    """All arcs of each node; what begins or ends there is unrouted."""
    count, arcs = len(topology.nodes), np.arange(len(topology.source))
    ends = np.concatenate([topology.source, topology.target])
    order = np.argsort(ends, kind="stable")
    borders = np.cumsum(np.bincount(ends, minlength=count))
    return [np.sort(some) for some in np.split(np.concatenate([arcs, arcs])[order], borders)[:count]]


def sweep(baseline: Baseline, failures: Sequence[NDArray[np.integer]] | None = None, threshold: float = 0.8) -> Sweep:
    """Fails each list of arcs by itself; each link where none are given. Raises ``InvalidInput``, ``LimitExceeded``."""
    if not threshold > 0:
        raise InvalidInput("is not above 0", where="threshold")
    listed = link_failures(baseline.topology) if failures is None else failures
    if len(listed) > MOST_FAILURES:
        raise LimitExceeded(f"{len(listed)} failures are more than are tried at a time")
    arcs = [baseline.checked_arcs(one) for one in listed]
    capacity = baseline.topology.capacity_bps
    unrouted = float(baseline.loads.unrouted_bps.sum())

    def some(at: int) -> tuple[F64, I32, list[I32], F64]:
        loads, gone = _loads(baseline, arcs[at : at + _AT_A_TIME])
        with np.errstate(divide="ignore", invalid="ignore"):  # a line of no capacity is full of whatever it carries
            used = np.where(loads > 0, loads / capacity, 0.0)
        most, worst = used.max(1, initial=0.0), used.argmax(1).astype(np.int32) if used.size else np.zeros(len(gone))
        return most, np.where(most > 0, worst, -1).astype(np.int32), _over(used, threshold), unrouted + gone

    parts = in_threads(some, range(0, len(arcs), _AT_A_TIME))
    over = [one for part in parts for one in part[2]]
    return Sweep(
        threshold,
        np.concatenate([np.zeros(0), *(part[0] for part in parts)]),
        np.concatenate([np.zeros(0, np.int32), *(part[1] for part in parts)]),
        np.cumsum([0, *(len(one) for one in over)]).astype(np.int64),
        np.concatenate([np.zeros(0, np.int32), *over]),
        np.concatenate([np.zeros(0), *(part[3] for part in parts)]).clip(0.0),
    )


def _over(used: F64, threshold: float) -> list[I32]:
    case, arc = np.nonzero(used > threshold)
    return np.split(arc.astype(np.int32), np.searchsorted(case, np.arange(1, len(used))))


def _loads(baseline: Baseline, failures: Sequence[I64]) -> tuple[F64, F64]:
    """Loads [failures, arcs] and the rate that each failure leaves without a way."""
    net, arcs = baseline.net, len(baseline.topology.source)
    then = net._replace(in_cost=net.in_cost.copy(), out_cost=net.out_cost.copy())
    loads, gone = np.tile(baseline.loads.bps, (len(failures), 1)), np.zeros(len(failures))
    work = room(len(baseline.topology.nodes), arcs, widest(net))
    start = np.cumsum([0, *(len(one) for one in failures)]).astype(np.int64)
    out_slots, in_slots = baseline.slots(np.concatenate(failures))
    fail_each(net, then, start, out_slots, in_slots, baseline.flows, loads, gone, work)
    return baseline.settled(loads), gone


@kernel
def fail_each(
    net: Graph, then: Graph, start: I64, out_slots: I64, in_slots: I64, flows: Flows, loads: F64, gone: F64,
    work: Work,
) -> None:  # fmt: skip
    """Takes the arcs of each failure down in ``then``, follows what moves, and puts them back."""
    silent = np.empty(0, np.bool_)
    for case in range(len(gone)):
        first, end = start[case], start[case + 1]
        for at in range(first, end):
            then.out_cost[out_slots[at]] = then.in_cost[in_slots[at]] = DOWN
        changed = out_slots[first:end]
        gone[case] = change_rows(net, then, changed, flows, 0, len(flows.destinations), loads[case], silent, work)
        for at in range(first, end):
            then.out_cost[out_slots[at]] = net.out_cost[out_slots[at]]
            then.in_cost[in_slots[at]] = net.in_cost[in_slots[at]]
