"""Where a series changed for good: optimal partitioning into stretches of constant level (PELT).

Killick, Fearnhead and Eckley, JASA 2012. Cost: squared distance from the level, in units of the variance of all of the
series; so a change must explain a good part of what varies at all, and trends and wandering noise are not cut to steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weft.decode.kernels import kernel
from weft.detect.shape.period import filled
from weft.errors import InvalidInput

F64 = NDArray[np.float64]
MOST = 20_000


@kernel
def partition(sums: Any, squares: Any, penalty: float, least: int, back: Any) -> None:
    """Into ``back[t]``: where the last stretch of the best partition of the first t points begins."""
    length = len(sums) - 1
    cost = np.full(length + 1, np.inf)
    cost[0] = -penalty
    alive = np.zeros(length + 1, np.int64)
    count = 1
    for end in range(least, length + 1):
        best, chosen = np.inf, 0
        for at in range(count):
            begin = alive[at]
            if end - begin < least:
                continue
            total = sums[end] - sums[begin]
            here = cost[begin] + squares[end] - squares[begin] - total * total / (end - begin) + penalty
            if here < best:
                best, chosen = here, begin
        cost[end], back[end] = best, chosen
        kept = 0
        for at in range(count):
            begin = alive[at]
            if end - begin < least:
                alive[kept] = begin
                kept += 1
                continue
            total = sums[end] - sums[begin]
            if cost[begin] + squares[end] - squares[begin] - total * total / (end - begin) <= best:
                alive[kept] = begin
                kept += 1
        if end - least + 1 >= least:
            alive[kept] = end - least + 1
            kept += 1
        count = kept


def changes(values: ArrayLike, *, least: int = 10, strength: float = 3.0) -> list[int]:
    """Places of the first points after each change of level, in order.

    ``least``: points that a level lasts at least. ``strength``: what one change must
    gain, in logarithms of the length.
    Raises ``InvalidInput`` for more than 20 000 points.
    """
    raw = filled(np.asarray(values, np.float64))
    if raw.ndim != 1 or len(raw) > MOST:
        raise InvalidInput(f"wants at most {MOST} points of one series, got {raw.shape}", where="changes")
    if len(raw) < 2 * least or raw.max() == raw.min():
        return []
    data = (raw - raw.mean()) / raw.std()
    penalty = strength * np.log(len(data))
    sums = np.concatenate([[0.0], np.cumsum(data)])
    squares = np.concatenate([[0.0], np.cumsum(data**2)])
    back = np.zeros(len(data) + 1, np.int64)
    partition(sums, squares, penalty, least, back)
    found, end = [], len(data)
    while end > 0:
        end = int(back[end])
        if end > 0:
            found.append(end)
    return found[::-1]
