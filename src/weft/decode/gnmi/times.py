"""Stamps as devices send them to times that can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AHEAD_NS = 600 * 1_000_000_000
#: A stamp older than this says when a value changed, or that a clock is wrong; the value was read now.
_BEHIND_NS = 300 * 1_000_000_000
#: Seconds, milliseconds and microseconds since 1970 for years 2001 to 2096 lie between these, and nanoseconds above.
_UNITS = ((10**9, 4 * 10**9, 10**9), (10**12, 4 * 10**12, 10**6), (10**15, 4 * 10**15, 10**3))


@dataclass(frozen=True, slots=True)
class Times:
    """``stamps``: when each value was read. Then where stamps were missing, not nanoseconds, in the future, old."""

    stamps: NDArray[np.int64]
    zero: NDArray[np.bool_]
    unit: NDArray[np.bool_]
    future: NDArray[np.bool_]
    old: NDArray[np.bool_]
    newest: int  # by the device's clock; 0 = none


def sane_times(given: NDArray[np.int64], now_ns: int) -> Times:
    """Nanoseconds since 1970: the device's stamp where it can be the time of reading, else ``now_ns``."""
    stamps = given.copy()
    unit = np.zeros(len(given), np.bool_)
    if len(given) and int(given.min()) < _UNITS[-1][1]:
        for low, high, factor in _UNITS:
            where = (given >= low) & (given < high)
            unit |= where
            stamps[where] *= factor
    zero = stamps < 10**18
    future = stamps > now_ns + _AHEAD_NS
    old = ~zero & (stamps < now_ns - _BEHIND_NS)
    newest = int(stamps[~zero].max()) if not zero.all() else 0
    stamps[zero | future | old] = now_ns
    return Times(stamps, zero, unit & ~zero, future, old, newest)
