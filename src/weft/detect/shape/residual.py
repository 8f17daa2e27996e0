"""How far each point is from its neighbours, from the same place in other periods, and from the usual level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel

F64 = NDArray[np.float64]


@kernel
def rolling_median(values: Any, half: int, omit: bool) -> Any:
    """Median of ``half`` points on either side of each point, fewer at the ends; ``omit``: without the point itself."""
    length = len(values)
    out = np.empty(length)
    held = np.empty(2 * half + 1)
    for at in range(length):
        count = 0
        for near in range(max(at - half, 0), min(at + half + 1, length)):
            if omit and near == at:
                continue
            value = values[near]
            place = count
            while place > 0 and held[place - 1] > value:
                held[place] = held[place - 1]
                place -= 1
            held[place] = value
            count += 1
        middle = count // 2
        out[at] = held[middle] if count % 2 else 0.5 * (held[middle - 1] + held[middle])
    return out


@kernel
def season_median(values: Any, period: int, reach: int) -> Any:
    """Median of the same place in up to ``reach`` periods on either side, without the point's own."""
    length = len(values)
    out = np.empty(length)
    held = np.empty(2 * reach)
    for at in range(length):
        count, step = 0, 1
        # Near an end the other side lends what is missing, so that as many periods are seen everywhere.
        while count < 2 * reach and step <= 2 * reach:
            for side in (-1, 1):
                near = at + side * step * period
                if 0 <= near < length and count < 2 * reach:
                    held[count] = values[near]
                    count += 1
            step += 1
        if count == 0:
            out[at] = values[at]
            continue
        found = np.sort(held[:count])
        middle = count // 2
        out[at] = found[middle] if count % 2 else 0.5 * (found[middle - 1] + found[middle])
    return out


def spread(values: F64) -> float:
    """Scale of what is around zero: by the median where that says something, else by ever higher quantiles."""
    size = np.abs(values)
    for quantile, factor in ((0.5, 1.4826), (0.75, 0.8693), (0.9, 0.608), (0.99, 0.3882)):
        found = float(np.quantile(size, quantile))
        if found > 0:
            return found * factor
    return float(size.max()) or 1.0


def box(values: F64, width: int) -> F64:
    """Mean of ``width`` points around each, of those that there are near the ends."""
    if width <= 1:
        return values
    left, right = width // 2, width - width // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    first, last = np.maximum(at - left, 0), np.minimum(at + right, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first), np.float64)


def step_residual(values: F64, half: int = 3) -> F64:
    """Signed distance from the median of the neighbours, in usual distances."""
    left = values - rolling_median(values, half, True)
    return np.asarray(left / spread(left), np.float64)


def season_residual(values: F64, period: int, reach: int = 3) -> F64:
    """Signed distance from the same place in neighbouring periods, in usual distances."""
    left = values - season_median(values, period, reach)
    return np.asarray(left / spread(left), np.float64)


def level_residual(values: F64) -> F64:
    """Signed distance from the median of all, in usual distances."""
    left = values - np.median(values)
    return np.asarray(left / spread(left), np.float64)
