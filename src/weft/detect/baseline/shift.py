"""Whether a lasting deviation is another level, and since when: change points of the last half day.

Of each series the deviations of the last ``BUCKETS`` stretches of five minutes (or a sample) are kept, in usual ones. A
level shift is told where the best partition of them (``shape.changes``) ends on a level that was not there before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.detect.baseline.state import CUR_B, N_B, SUM_B, WINDOW
from weft.detect.shape.changes import partition

#: Stretches that are kept, and their length in seconds unless samples are further apart.
BUCKETS, BUCKET_S = WINDOW, 300.0
#: Stretches that a level lasts at least, and that must be known; what a change gains at least, in logs of their number.
_LEAST, _KNOWN, _STRENGTH = 2, 24, 3.0
#: Deviations beyond this many usual ones count as this many, so that one spike is no level.
_CLIP = 12.0


@inlined
def note(sc: NDArray[np.float64], window: NDArray[np.float32], z: float, now: float, step_s: float) -> None:
    """Take the deviation of a sample, in usual ones."""
    bucket = float(int(now / max(BUCKET_S, step_s)))
    if bucket != sc[CUR_B]:
        if sc[N_B] > 0:
            window[int(sc[CUR_B]) % BUCKETS] = sc[SUM_B] / sc[N_B]
        gone = min(bucket - sc[CUR_B], BUCKETS) if sc[CUR_B] > 0 else BUCKETS
        for one in range(int(gone)):
            window[int(bucket - one) % BUCKETS] = np.nan
        sc[CUR_B], sc[SUM_B], sc[N_B] = bucket, 0.0, 0.0
    sc[SUM_B] += max(-_CLIP, min(_CLIP, z))
    sc[N_B] += 1.0


@kernel
def began(sc: NDArray[np.float64], window: NDArray[np.float32], sign: float, step_s: float) -> float:
    """Since when a series is on another level to that side, UTC seconds; 0 where it is on none."""
    data, places = np.empty(BUCKETS), np.empty(BUCKETS)
    count = 0
    for back in range(BUCKETS - 1, -1, -1):
        bucket = sc[CUR_B] - back
        value = sc[SUM_B] / max(1.0, sc[N_B]) if back == 0 else float(window[int(bucket) % BUCKETS])
        if math.isfinite(value):
            data[count], places[count] = value, bucket
            count += 1
    if count < _KNOWN:
        return 0.0
    sums, squares = np.zeros(count + 1), np.zeros(count + 1)
    scale = max(1e-9, data[:count].std())
    for at in range(count):
        one = data[at] / scale
        sums[at + 1], squares[at + 1] = sums[at] + one, squares[at] + one * one
    edges = np.zeros(count + 1, np.int64)
    partition(sums, squares, _STRENGTH * math.log(count), _LEAST, edges)
    end, begin, found = count, edges[count], 0.0
    while begin > 0:
        before = edges[begin]
        here = (sums[end] - sums[begin]) / (end - begin)
        there = (sums[begin] - sums[before]) / (begin - before)
        if sign * (here - there) <= 0:
            break
        found = places[begin] * max(BUCKET_S, step_s)
        end, begin = begin, before
    return float(found)
