"""What counters say about a matrix, as linear equations: loads of arcs and totals of nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.errors import InvalidInput, LimitExceeded
from weft.network.load import response
from weft.network.topology import Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
#: Pairs of nodes that one estimate may have, and numbers that one product over many times may hold.
MOST_PAIRS = 250_000
MOST_CELLS = 400_000_000


@dataclass(frozen=True)
class Equations:
    """A sparse matrix [counters, unknowns] by row: what share of each unknown rate each counter sees."""

    start: I64  # [counters + 1] first entry of each row
    members: I64  # [entries] unknown
    share: F64  # [entries] > 0
    unknowns: int

    def __len__(self) -> int:
        return len(self.start) - 1

    def loads(self, rates: F64) -> F64:
        """What the counters would say of rates: [times, unknowns] → [times, counters]."""
        out = np.zeros((len(rates), len(self)))
        _loads(self.start, self.members, self.share, np.ascontiguousarray(rates, np.float64), out)
        return out

    def part(self, rows: I64, columns: I64) -> Equations:
        """Some of the counters and some of the unknowns."""
        place = np.full(self.unknowns, -1, np.int64)
        place[columns] = np.arange(len(columns))
        lengths = np.diff(self.start)[rows]
        entries = np.repeat(self.start[rows] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        entries = entries + np.arange(len(entries))
        kept = place[self.members[entries]] >= 0
        row = np.repeat(np.arange(len(rows)), lengths)[kept]
        start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=len(rows))))).astype(np.int64)
        return Equations(start, place[self.members[entries[kept]]], self.share[entries[kept]], len(columns))

    def dense(self) -> F64:
        """The matrix in full."""
        full = np.zeros((len(self), self.unknowns))
        full[np.repeat(np.arange(len(self)), np.diff(self.start)), self.members] = self.share
        return full


@kernel
def _loads(start: I64, members: I64, share: F64, rates: F64, out: F64) -> None:
    for time in range(len(rates)):
        for row in range(len(start) - 1):
            load = 0.0
            for at in range(start[row], start[row + 1]):
                load += share[at] * rates[time, members[at]]
            out[time, row] = load


@dataclass(frozen=True)
class Pairs:
    """The pairs of nodes that may exchange traffic, and how their traffic shows in the counters.

    ``equations`` [arcs + 2 nodes, k] has a row for each arc, each node's total in and each node's total out.
    """

    nodes: int
    ingress: NDArray[np.int32]  # [k]
    egress: NDArray[np.int32]  # [k]
    equations: Equations

    def __len__(self) -> int:
        return len(self.ingress)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """[n, n] whether a pair is one of them."""
        mask = np.zeros((self.nodes, self.nodes), np.bool_)
        mask[self.ingress, self.egress] = True
        return mask


@dataclass(frozen=True)
class Counters:
    """Bit rates that interfaces counted at some times; NaN where nothing was measured.

    ``edge_in_bps`` is what entered the modelled network at a node over ports that are no links of the topology (from
    customers, servers, other networks); ``edge_out_bps`` what left there.
    """

    link_bps: F64  # [times, arcs]
    edge_in_bps: F64  # [times, nodes]
    edge_out_bps: F64  # [times, nodes]

    def __len__(self) -> int:
        return len(self.link_bps)

    @property
    def measured(self) -> F64:
        """[times, arcs + 2 nodes], in the order of ``Pairs.equations``."""
        return np.concatenate([self.link_bps, self.edge_in_bps, self.edge_out_bps], axis=1)


def counters(topology: Topology, link_bps: F64, edge_in_bps: F64, edge_out_bps: F64) -> Counters:
    """Counters at one time ([arcs], [nodes], [nodes]) or at many (a leading axis). Raises ``InvalidInput``."""
    found: list[F64] = []
    for name, values, width in (
        ("link_bps", link_bps, 2 * len(topology.links)),
        ("edge_in_bps", edge_in_bps, len(topology.nodes)),
        ("edge_out_bps", edge_out_bps, len(topology.nodes)),
    ):
        array = np.atleast_2d(np.asarray(values, np.float64))
        if array.ndim != 2 or array.shape[1] != width or (found and len(array) != len(found[0])):
            raise InvalidInput(f"has the shape {array.shape}, not [times, {width}]", where=name)
        if np.isinf(array).any() or (array < 0).any():
            raise InvalidInput("has a rate that is negative or infinite", where=name)
        found.append(array)
    if not len(found[0]):
        raise InvalidInput("holds no time", where="link_bps")
    return Counters(*found)


def pairs(topology: Topology, sources: NDArray[np.bool_], sinks: NDArray[np.bool_], times: int = 1) -> Pairs:
    """All pairs of different nodes from ``sources`` to ``sinks`` that reach each other. Raises ``LimitExceeded``."""
    count = len(topology.nodes)
    wanted = sources[:, None] & sinks[None, :]
    np.fill_diagonal(wanted, False)
    total = int(wanted.sum())
    if total > MOST_PAIRS or total * times > MOST_CELLS:
        raise LimitExceeded(
            f"{total} pairs of nodes at {times} times are too many to estimate", where="edge_in_bps",
            fix=f"Count what enters and leaves at fewer nodes: at most {MOST_PAIRS} pairs.",
        )  # fmt: skip
    ingress, egress = (side.astype(np.int32) for side in np.nonzero(wanted))
    carried = response(topology, ingress, egress)
    ingress, egress = ingress[carried.reached], egress[carried.reached]
    place = np.cumsum(carried.reached) - 1
    demand = place[np.repeat(np.arange(len(carried.start) - 1), np.diff(carried.start))]
    arcs, at = len(topology.links) * 2, np.arange(len(ingress))
    row = np.concatenate([carried.arcs, arcs + ingress, arcs + count + egress])
    order = np.argsort(row, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=arcs + 2 * count)))).astype(np.int64)
    members = np.concatenate([demand, at, at]).astype(np.int64)[order]
    share = np.concatenate([carried.share, np.ones(2 * len(at))])[order]
    return Pairs(count, ingress, egress, Equations(start, members, share, len(ingress)))
