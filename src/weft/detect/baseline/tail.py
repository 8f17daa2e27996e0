"""How unlikely a deviation is: the tail beyond a high quantile as a generalised Pareto distribution, kept per series.

After SPOT (Siffer et al., KDD 2017), with what makes it fail in practice changed: the quantile and the mean excess are
followed sample by sample, excesses are clipped so that an incident does not teach the tail, and the shape is one
constant, because fits of it to a few dozen peaks extrapolate to anything.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined

#: Share of samples beyond the threshold where the tail begins, on each side.
BEYOND = 0.02
#: Shape of the tail: a little heavier than exponential.
SHAPE = 0.1
#: A score never says more than this: once in 10^12 samples is "never".
MOST = 12.0
#: Columns of the array of tails: of each side the threshold and the mean excess, in scales, and how many there were.
COLUMNS = 6
#: Of a series that is new: nearly a normal distribution.
T0, MEAN = 2.05, 0.45
_STEP, _GAIN, _CLIP, _PRIOR = 0.03, 0.01, 5.0, 10.0
_BEGIN, _LN10 = -math.log10(BEYOND), math.log(10.0)


def score_wanted(false_alarms: float, step_s: int, tests: int = 2) -> float:
    """Score that a sample must reach where ``false_alarms`` per 1000 series and day are accepted."""
    per_sample = false_alarms / 1000.0 / (86400.0 / step_s) / tests
    return float(min(MOST - 1.0, max(1.8, -math.log10(max(per_sample, 1e-300)))))


def period_s(score: float, step_s: int) -> float:
    """How often a score is reached with nothing wrong: once in this many seconds."""
    return float(step_s * 10.0 ** min(score, MOST))


@inlined
def score(tails: NDArray[np.float32], z: float) -> float:
    """Minus the decimal logarithm of the chance of a deviation of ``z`` scales or more to that side; tails [6]."""
    at = 0 if z >= 0 else 3
    over = abs(z) - tails[at]
    if over <= 0:
        return float(_BEGIN * abs(z) / tails[at])
    told = _BEGIN + math.log1p(SHAPE * over / ((1.0 - SHAPE) * tails[at + 1])) / SHAPE / _LN10
    return min(told, MOST)


@inlined
def learn(tails: NDArray[np.float32], z: float, pace: float) -> None:
    """Take one deviation into the tails [6]; ``pace``: 1 where samples are independent, less where they go together.

    The first excesses count for more: what comes seldom and is large (a series that is mostly zero) is soon no news.
    """
    for side in range(2):
        away = z if side == 0 else -z
        at = 3 * side
        if away > tails[at]:
            over = min(away - tails[at], _CLIP * tails[at + 1])
            gain = pace * max(_GAIN, 1.0 / (_PRIOR + tails[at + 2]))
            tails[at + 2] += 1.0
            tails[at + 1] = max(0.15, tails[at + 1] + gain * (over - tails[at + 1]))
            tails[at] = min(8.0, tails[at] + pace * _STEP * (1.0 - BEYOND))
        else:
            tails[at] = max(1.0, tails[at] - pace * _STEP * BEYOND)
