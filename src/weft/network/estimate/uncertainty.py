"""How far an estimated matrix may be off: by how much links had to correct the prior, and what they could not tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.network.estimate.balance import balance
from weft.network.estimate.equations import Equations

F64 = NDArray[np.float64]
#: Relative error of gravity where no link says how badly it fits; about what it is in public matrices.
UNTOLD = 0.6
#: More numbers than this in the dense system and only some of the pairs stand for all.
_MOST_CELLS = 1_000_000
_LEAST = 1e-12
#: An error is never told as larger: the matrix is then no better than nothing.
_WORST = 1.0


def left_open(
    equations: Equations, is_total: NDArray[np.bool_], start: F64, loads: F64, rates: F64, noise: float
) -> float:
    """Expected ‖rates - truth‖ / ‖rates‖ of an estimate ``rates`` [k] from ``start`` [k] that agrees with ``loads``.

    The prior's error is taken as normal, each pair's in proportion to its rate. Beyond the nodes' totals (``is_total``)
    links determine a part of its variance and leave another open: linear algebra says in which ratio. How large it is
    shows in the part that they determine: the distance between the prior, once it agrees with totals, and the estimate.
    """
    size = float(np.linalg.norm(rates))
    if not len(rates) or size <= 0:
        return 0.0
    ends = equations.part(np.flatnonzero(is_total), np.arange(len(rates)))
    plain = balance(start[None], ends, loads[None, is_total], noise)[0]
    weight = np.square(plain)
    totals_leave, all_leave = _open(ends, weight), _open(equations, weight)
    if totals_leave <= 1e-9 * float(weight.sum()):
        return 0.0  # totals alone determine everything
    share = min(all_leave / totals_leave, 1.0)
    if share > 1 - 1e-6:
        return min(UNTOLD * float(np.linalg.norm(plain)) / size, _WORST)
    corrected = float(np.linalg.norm(rates - plain)) / size
    return float(min(corrected * np.sqrt(max(share, 0.0) / (1 - share)), _WORST))


def _open(equations: Equations, weight: F64) -> float:
    """Variance that equations leave undetermined of independent rates with variances ``weight``: the sum over pairs."""
    if not len(equations):
        return float(weight.sum())
    if len(equations) * len(weight) > _MOST_CELLS:
        most = np.sort(np.argpartition(-weight, _MOST_CELLS // len(equations))[: _MOST_CELLS // len(equations)])
        equations, weight = equations.part(np.arange(len(equations)), most), weight[most]
    matrix = equations.dense()
    told = matrix * weight
    spread = told @ matrix.T
    spread += 1e-9 * float(np.trace(spread)) / len(spread) * np.eye(len(spread))  # equations may say the same twice
    determined = float(np.trace(np.linalg.solve(spread, told @ told.T)))
    return max(float(weight.sum()) - determined, 0.0)
