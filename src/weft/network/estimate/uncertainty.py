"""How far an estimated matrix may be off: what the counters leave open, by how badly the prior fits what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.network.estimate.equations import Pairs

#: Squared error of gravity per unit of rate where no link tells how badly it fits, as a share of the mean rate.
_UNTOLD = 2.0
_LEAST = 1e-12


def expected_error(
    among: Pairs, start: NDArray[np.float64], rates: NDArray[np.float64], measured: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> float:  # fmt: skip
    """Expected ‖estimate - truth‖ / ‖truth‖ over the middle of the times.

    The prior is taken as normal with a variance in proportion to each rate (that is what relative entropy weighs by).
    How well it foretells the links beyond the totals gives the proportion (a chi-square over the independent
    equations); what the equations then leave undetermined of the prior's variance is the error.
    """
    unknown = np.flatnonzero(~known)
    size = float(np.linalg.norm(rates.mean(axis=0)))
    if not len(unknown) or size <= 0:
        return 0.0
    at = len(rates) // 2
    rows = np.flatnonzero(~np.isnan(measured[at]))
    equations = among.equations.part(rows, unknown).dense()
    weight = start[at, unknown]
    told = among.equations.loads(np.where(known, rates[at], 0.0)[None])[0, rows]
    left = np.maximum(measured[at, rows] - told, 0.0)
    spread = (equations * weight) @ equations.T
    at_ends = rows >= len(among.equations) - 2 * among.nodes
    proportion = _proportion(spread, left - equations @ weight, at_ends, float(weight.mean()))
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-9 * max(values[-1], _LEAST)
    seen = (vectors[:, kept] / np.sqrt(values[kept])).T @ equations * weight
    undetermined = float(weight.sum() - np.einsum("rk,rk->", seen, seen / np.maximum(weight, _LEAST)))
    return float(min(np.sqrt(max(proportion * undetermined, 0.0)) / size, 1.0))


def _proportion(
    spread: NDArray[np.float64], misses: NDArray[np.float64], at_ends: NDArray[np.bool_], mean: float
) -> float:
    """Variance of the prior per unit of its rates: how far links are from it, over how far they would be at one."""
    if at_ends.all():
        return _UNTOLD * mean
    across = spread[np.ix_(~at_ends, at_ends)]
    inside = np.linalg.pinv(spread[np.ix_(at_ends, at_ends)], rcond=1e-9, hermitian=True)
    beyond = float(np.trace(spread[np.ix_(~at_ends, ~at_ends)]) - np.einsum("ij,jk,ik->", across, inside, across))
    off = misses[~at_ends] - across @ (inside @ misses[at_ends])
    return float(off @ off) / beyond if beyond > 1e-9 * float(np.trace(spread)) else _UNTOLD * mean
