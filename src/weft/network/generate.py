"""Traffic matrices out of nothing: gravity between nodes of log-normal size, with days and weeks.

Comes in: a topology, how much in all, a seed. Goes out: demands, and by how much each is up or down at a time. The same
seed gives the same matrix, whatever the machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput, LimitExceeded
from weft.network.demands import Demands, demands
from weft.network.topology import NodeKind, Topology

#: Of one matrix.
MOST_PAIRS = 4_000_000
_DAY_S, _WEEK_S = 86_400.0, 604_800.0
#: 1970-01-04 00:00 UTC.
_FIRST_SUNDAY_S = 3 * _DAY_S
_HOUR_S = 3600.0


def gravity_demands(
    topology: Topology, total_bps: float, *, seed: int, nodes: Sequence[int] | None = None, size_spread: float = 1.0,
    pair_spread: float = 0.5, keep: float = 1.0,
) -> Demands:  # fmt: skip
    """Demands between all pairs of ``nodes`` (by default the devices and sites) that sum up to ``total_bps``.

    A node sends and receives in proportion to its size, exp(N(0, ``size_spread``²)), as populations and networks are
    large (log-normal fits backbone matrices: Nucci, Sridharan and Taft 2005); a pair differs from that by
    exp(N(0, ``pair_spread``²)). Only the largest pairs that carry the share ``keep`` of all are listed.
    """
    ours = (NodeKind.DEVICE, NodeKind.SITE)
    chosen = np.array(
        [at for at, node in enumerate(topology.nodes) if node.kind in ours] if nodes is None else list(nodes), np.int32
    )
    count = len(chosen)
    if count < 2 or len(set(chosen.tolist())) < count or chosen.min() < 0 or chosen.max() >= len(topology.nodes):
        raise InvalidInput("names fewer than two nodes, one twice, or one that is not there", where="nodes")
    if count * (count - 1) > MOST_PAIRS:
        raise LimitExceeded(f"{count} nodes have more than {MOST_PAIRS:,} pairs", where="nodes")
    for where, value in (("total_bps", total_bps), ("size_spread", size_spread), ("pair_spread", pair_spread)):
        if not (np.isfinite(value) and value >= 0):
            raise InvalidInput("is negative or no number", where=where)
    if not 0 < keep <= 1:
        raise InvalidInput("is no share above 0 and up to 1", where="keep")
    rng = np.random.default_rng(seed)
    sends, receives = np.exp(size_spread * rng.standard_normal((2, count)))
    rates = np.outer(sends, receives) * np.exp(pair_spread * rng.standard_normal((count, count)))
    np.fill_diagonal(rates, 0.0)
    rates *= total_bps / rates.sum()
    first, second = np.nonzero(~np.eye(count, dtype=np.bool_))
    bps = rates[first, second]
    if keep < 1:
        order = np.argsort(-bps, kind="stable")
        most = int(np.searchsorted(np.cumsum(bps[order]), keep * total_bps)) + 1
        kept = np.sort(order[:most])
        first, second, bps = first[kept], second[kept], bps[kept] * (total_bps / bps[kept].sum())
    return demands(chosen[first], chosen[second], bps)


def seasonal(
    at_s: NDArray[np.float64], *, offset_s: NDArray[np.float64] | float = 0.0, peak_hour: float = 20.0,
    trough: float = 0.35, weekend: float = 0.8,
) -> NDArray[np.float64]:  # fmt: skip
    """Factor of traffic at UTC seconds ``at_s`` [times]: [times], or [times, k] for ``offset_s`` [k] of local times.

    1 at ``peak_hour`` of local working days, ``trough`` twelve hours from it, ``weekend`` times that on Saturday and
    Sunday (it changes over two hours around midnight).
    """
    offset = np.asarray(offset_s, np.float64)
    local = np.asarray(at_s, np.float64).reshape(-1, *([1] * offset.ndim)) + offset
    phase = 2 * np.pi * (local / _DAY_S - peak_hour / 24)
    day = trough + (1 - trough) * (0.5 + 0.5 * np.cos(phase))
    from_sunday = np.abs(np.mod(local - _FIRST_SUNDAY_S + _WEEK_S / 2, _WEEK_S) - _WEEK_S / 2)  # its first moment
    share = np.clip((_DAY_S - from_sunday) / (2 * _HOUR_S) + 0.5, 0.0, 1.0)
    return np.asarray(day * (1 - (1 - weekend) * share), np.float64)
