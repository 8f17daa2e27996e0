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
#: How rare something is, is never said beyond this (once in 10^12 samples is "never"); scores go on, so that they rank.
RAREST = 12.0
#: Columns of the array of tails: of each side the threshold and the mean excess, in scales, and how many there were.
COLUMNS = 6
#: The same of both sides together, where distances are few and seldom far: learned ten times more slowly.
COLUMNS_BOTH = 3
#: Of a series that is new: nearly a normal distribution.
T0, MEAN = 2.05, 0.45
_STEP, _GAIN, _CLIP, _PRIOR = 0.03, 0.01, 5.0, 10.0
_BEGIN, _LN10 = -math.log10(BEYOND), math.log(10.0)
_BOTH_STEP, _BOTH_GAIN, _BOTH_CLIP, _BOTH_PRIOR = 0.003, 0.001, 20.0, 30.0
#: Of a series that is new.
BOTH_T0, BOTH_MEAN = 2.0, 1.0


def score_wanted(false_alarms: float, step_s: int, tests: int = 2) -> float:
    """Score that a sample must reach where ``false_alarms`` per 1000 series and day are accepted."""
    per_sample = false_alarms / 1000.0 / (86400.0 / step_s) / tests
    return float(min(RAREST - 1.0, max(1.8, -math.log10(max(per_sample, 1e-300)))))


def period_s(score: float, step_s: int) -> float:
    """How often a score is reached with nothing wrong: once in this many seconds."""
    return float(step_s * 10.0 ** min(score, RAREST))


@inlined
def score(tails: NDArray[np.float32], z: float) -> float:
    """Minus the decimal logarithm of the chance of a deviation of ``z`` scales or more to that side; tails [6]."""
    return _beyond(tails, 0 if z >= 0 else 3, abs(z))


@inlined
def score_both(tails: NDArray[np.float32], z: float) -> float:
    """The same of a deviation to either side; tails [3]."""
    return _beyond(tails, 0, abs(z))


@inlined
def _beyond(tails: NDArray[np.float32], at: int, away: float) -> float:
    over = min(away, 1e300) - tails[at]
    if over <= 0:
        return float(_BEGIN * away / tails[at])
    return float(_BEGIN + math.log1p(SHAPE * over / ((1.0 - SHAPE) * tails[at + 1])) / SHAPE / _LN10)


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


@inlined
def learn_both(tails: NDArray[np.float32], z: float, seen: float) -> None:
    """Take one deviation into the tails [3] of both sides; ``seen``: samples so far, the first ones move it more."""
    away = abs(z)
    step = max(_BOTH_STEP, BOTH_T0 / (50.0 + seen))
    if away > tails[0]:
        over = min(away - tails[0], _BOTH_CLIP * tails[1])
        gain = max(_BOTH_GAIN, 1.0 / (_BOTH_PRIOR + tails[2]))
        tails[2] += 1.0
        tails[1] = max(0.15, tails[1] + gain * (over - tails[1]))
        tails[0] = min(20.0, tails[0] + step * (1.0 - BEYOND))
    else:
        tails[0] = max(0.2, tails[0] - step * BEYOND)
