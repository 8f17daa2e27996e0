"""Shapes without a like: distance of each window to its nearest neighbour (matrix profile, Yeh et al., ICDM 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel

F64 = NDArray[np.float64]
#: Windows compared at most: the square of it is what a series costs (about a second and a half).
MOST_WINDOWS = 30_000


@kernel
def _profile(values: Any, width: int, mean: Any, norm: Any) -> Any:
    """Squared distance of each z-normalised window to its nearest, those that overlap by half or more left out."""
    count = len(values) - width + 1
    best = np.full(count, -1.0)
    gap = max(width // 2, 1)
    for lag in range(gap, count):
        # The product is moved along the diagonal; values were centred, so that little is lost.
        product = 0.0
        for at in range(width):
            product += values[at] * values[at + lag]
        for begin in range(count - lag):
            if begin > 0:
                product += values[begin + width - 1] * values[begin + lag + width - 1]
                product -= values[begin - 1] * values[begin + lag - 1]
            other = begin + lag
            like = (product - width * mean[begin] * mean[other]) * norm[begin] * norm[other]
            best[begin] = max(best[begin], like)
            best[other] = max(best[other], like)
    return best


def discord_score(values: F64, width: int) -> F64:
    """Distance [windows] of each window's shape to the nearest other one; flat windows are like each other."""
    centred = values - values.mean()
    scale = centred.std() or 1.0
    centred = centred / scale
    count = len(values) - width + 1
    sums = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred**2)])
    mean = (sums[width:] - sums[:-width]) / width
    variance = np.maximum((squares[width:] - squares[:-width]) / width - mean**2, 0.0)
    deviation = np.sqrt(variance)
    # A flat stretch has no shape: its noise is not blown up to one.
    floor = 0.05 * float(np.median(deviation)) + 1e-9
    norm = 1.0 / (np.sqrt(width) * np.maximum(deviation, floor))
    best = _profile(centred, width, mean, norm)
    return np.asarray(np.sqrt(np.maximum(2.0 * width * (1.0 - np.clip(best[:count], -1.0, 1.0)), 0.0)), np.float64)
