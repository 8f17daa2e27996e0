"""What is new in a sample: how far it is from all that it might have been, and from all that it ever was.

A value might be what the value before was, what the last seven were, or what is expected at this time. Its distance
from the nearest of the three is small for noise, for what comes slowly and for what returns to normal; a jump to where
the series should not be is far from all of them. So the chance of such a distance is the largest of three chances, and
one scale and one tail are enough.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.detect.baseline.state import HIGHEST, LOWEST, N
from weft.detect.baseline.tuning import Numbers

#: Last values whose median is one of the things that a value might be.
LAST_FEW = 7
#: Weights of the parts of ``evidence``: what a lasting deviation counts for, and up to which score; what a value beyond
#: all that ever were does, for each tenfold, in shares of their range. Fixed as docs/benchmarks-detect.md says.
_LASTING, _LASTING_MOST = 0.5, 6.0
_NEVER, _NEVER_SHARE = 10.0, 0.1


@kernel
def middle(values: NDArray[np.float64]) -> float:
    """The median of a few numbers."""
    few = np.empty(values.shape[0])
    for at in range(values.shape[0]):
        one, before = float(values[at]), at
        while before > 0 and few[before - 1] > one:
            few[before] = few[before - 1]
            before -= 1
        few[before] = one
    half = few.shape[0] // 2
    return float(few[half] if few.shape[0] % 2 else 0.5 * (few[half - 1] + few[half]))


@inlined
def outside(y: float, sc: NDArray[np.float64], recent: NDArray[np.float64], expected: float) -> float:
    """Signed distance from the nearest of the value before, the median of the last few and what is expected."""
    before = recent[(int(sc[N]) - 1) % LAST_FEW]
    usual = middle(recent[:LAST_FEW])
    most, least = max(before, usual, expected), min(before, usual, expected)
    return float(y - most if y > most else min(0.0, y - least))


@inlined
def never(y: float, sc: NDArray[np.float64], told: Numbers) -> float:
    """How far a value is beyond all that ever were, as a share of the range of them; 0 within, and in the beginning."""
    if sc[N] < 2.0 * told.cold:
        return 0.0
    wide = max(sc[HIGHEST] - sc[LOWEST], told.floor)
    return float(max(0.0, y - sc[HIGHEST], sc[LOWEST] - y) / wide)


@inlined
def evidence(near: float, lasting: float, beyond: float) -> float:
    """One number of the scores of the nearest distance and of a deviation that may last, and of what never was."""
    return near + _LASTING * min(lasting, _LASTING_MOST) + _NEVER * math.log10(1.0 + beyond / _NEVER_SHARE)


@inlined
def remember(y: float, sc: NDArray[np.float64], recent: NDArray[np.float64]) -> None:
    """Before the sample is counted."""
    recent[int(sc[N]) % LAST_FEW] = y
    sc[HIGHEST], sc[LOWEST] = max(sc[HIGHEST], y), min(sc[LOWEST], y)
