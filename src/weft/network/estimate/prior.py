"""What is believed of a matrix before the links are asked: gravity, and how pairs differ from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

Matrix = NDArray[np.float64]
_ROUNDS = 30
_LEAST = 1e-12


@dataclass(frozen=True)
class Prior:
    """How much more than gravity each pair of nodes exchanges: a friction factor that holds over days.

    ``factor`` is [nodes, nodes], >= 0, 1 where nothing is known. ``source`` says what it was learnt from; ``error`` is
    the expected relative error (L2) of the mean matrix that it was learnt as.
    """

    factor: Matrix
    source: str
    error: float = 0.0

    def __post_init__(self) -> None:
        factor = self.factor
        if factor.ndim != 2 or factor.shape[0] != factor.shape[1]:
            raise InvalidInput("is not a square matrix", where="factor")
        if not np.isfinite(factor).all() or (factor < 0).any():
            raise InvalidInput("has a value that is negative or no number", where="factor")


def gravity(entering: Matrix, leaving: Matrix, allowed: NDArray[np.bool_]) -> Matrix:
    """The matrices [times, n, n] in which every pair gets its share of both ends' totals ([times, n], bit/s).

    ``allowed`` [n, n] are pairs that may exchange traffic. Where some may not (a node with itself) the plain product
    misses the totals, so it is balanced: iterative proportional fitting (Deming and Stephan 1940), which is the matrix
    of greatest entropy with these totals. Gravity model: Zhang et al., SIGMETRICS 2003.
    """
    whole = np.maximum(entering.sum(axis=1), _LEAST)[:, None, None]
    matrix: Matrix = entering[:, :, None] * leaving[:, None, :] / whole * allowed
    return fitted(matrix, entering, leaving)


def fitted(matrix: Matrix, entering: Matrix, leaving: Matrix) -> Matrix:
    """``matrix`` [times, n, n] scaled row by row and column by column until its sums are these totals."""
    scaled = matrix.copy()
    for _ in range(_ROUNDS):
        scaled *= _ratio(entering, scaled.sum(axis=2))[:, :, None]
        scaled *= _ratio(leaving, scaled.sum(axis=1))[:, None, :]
    return scaled


def _ratio(wanted: Matrix, have: Matrix) -> Matrix:
    return np.where(have > _LEAST, wanted / np.maximum(have, _LEAST), 0.0)


def mean_totals(totals: Matrix) -> Matrix:
    """[n] means over times of [times, n], NaN where nothing was measured; an average node's where nothing ever was."""
    there = ~np.isnan(totals)
    means = np.where(there, totals, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    known = there.any(axis=0)
    return np.where(known, means, means[known].mean() if known.any() else 0.0)


def from_flows(matrices: Matrix, source: str = "flows of the past") -> Prior:
    """A prior from whole matrices of the past ([times, n, n], bit/s), such as a day of flows from every border.

    This is calibration with measured flows, not estimation from links alone (Soule et al., "Traffic matrices: balancing
    measurements, inference and modeling", SIGMETRICS 2005). Raises ``InvalidInput``.
    """
    if matrices.ndim != 3 or not len(matrices):
        raise InvalidInput("holds no matrices", where="matrices")
    allowed = ~np.eye(matrices.shape[1], dtype=np.bool_) | (matrices.sum(axis=0) > 0)
    expected = gravity(matrices.sum(axis=2), matrices.sum(axis=1), allowed).sum(axis=0)
    seen = matrices.sum(axis=0)
    return Prior(np.where(expected > 0, seen / np.maximum(expected, _LEAST), 1.0), source)
