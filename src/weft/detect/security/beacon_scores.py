"""How regular calls are: a test against chance, and the sub-scores of RITA, by which analysts know them.

RITA: Real Intelligence Threat Analytics, Active Countermeasures; its published formulas (`analysis/beacons.go`), here
written anew: symmetry and spread of intervals and sizes, calls per hour, hours covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_HOURS = 24
#: Half-widths within which an interval counts as the usual one, or twice or three times that.
_WIDTHS = (0.03, 0.1, 0.25)
_MOST_MULTIPLE = 3
_TRIES = 0.477  # log10 of the three tries of either test
#: So many intervals are few; of them so many may be anything; stamps are as good as this, s.
_FEW, _LEFT_OUT, _CLOCK_S = 13, 2, 1.0


@dataclass(frozen=True, slots=True)
class RitaScores:
    """The four sub-scores, 0 to 1, and their mean."""

    times: float
    sizes: float
    histogram: float
    duration: float

    @property
    def score(self) -> float:
        """The whole, 0 to 1."""
        return round((self.times + self.sizes + self.histogram + self.duration) / 4, 3)


def rita_scores(times: Floats, sizes: Floats, first_s: float, last_s: float) -> RitaScores:
    """Sub-scores of calls at ``times`` (UTC seconds, ascending) of ``sizes`` octets, watched between two times.

    Raises ``ValueError`` for fewer than four calls or three intervals.
    """
    whole = np.floor(times)
    intervals = np.diff(whole)
    intervals = intervals[intervals > 0]
    if len(times) < 4 or len(intervals) < 3:
        raise ValueError("four calls at different times are needed")
    span = max(last_s - first_s, 1.0)
    at = np.clip(((whole - first_s) / span * _HOURS).astype(int), 0, _HOURS - 1)
    per_hour = np.bincount(at, minlength=_HOURS).astype(float)
    hours = int((per_hour > 0).sum())
    duration = 0.0
    if hours >= 6:
        covered = math.ceil((whole[-1] - whole[0]) / span * 1000) / 1000
        duration = min(1.0, max(covered, math.ceil(_longest_run(per_hour > 0) / 12 * 1000) / 1000))
    return RitaScores(
        _evenness(intervals, 1.0), _evenness(sizes, 0.0), max(_flatness(per_hour), _two_heights(per_hour)), duration
    )


def _evenness(values: Floats, where_tiny: float) -> float:
    """Mean of symmetry (1 − |Bowley skewness|) and narrowness (1 − MAD / median)."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    low, middle, high = np.median(ordered[:half]), float(np.median(ordered)), np.median(ordered[-half:])
    skew = 0.0
    if high - low >= 10 and middle not in (low, high):
        skew = (low + high - 2 * middle) / (high - low)
    spread = float(np.median(np.abs(ordered - middle)))
    narrow = max(0.0, (middle - spread) / middle) if middle >= 1 else where_tiny
    return round(float(1 - abs(skew) + narrow) / 2, 3)


def _flatness(per_hour: Floats) -> float:
    return round(max(0.0, 1.0 - float(per_hour.std() / per_hour.mean())), 3)


def _two_heights(per_hour: Floats) -> float:
    """How many hours have one of the two most usual counts (within 5 % of the largest)."""
    bars = per_hour[per_hour > 0]
    if len(bars) < 11:
        return 0.0
    step = math.ceil(bars.max() * 0.05)
    _, often = np.unique(np.floor(bars / step), return_counts=True)
    return round(min(1.0, float(np.sort(often)[-2:].sum()) / max(len(bars) - 1, 1)), 3)


def _longest_run(is_there: NDArray[np.bool_]) -> int:
    """Longest run of hours, round the clock."""
    longest = run = 0
    for one in [*is_there, *is_there]:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return min(longest, len(is_there))


# --- against chance --------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True)
def _chance(width: float) -> float:
    """That an interval of calls at random (exponential, of the same median) lies near a multiple of the median."""
    chance = 0.0
    for multiple in range(1, _MOST_MULTIPLE + 1):
        half = width / multiple
        chance += 2.0 ** -(multiple - half) - 2.0 ** -(multiple + half)
    return chance


@numba.njit(cache=True, nogil=True)
def _log10_tail(hits: int, tries: int, chance: float) -> float:
    """Decimal logarithm of the chance of so many hits or more (Chernoff's bound, which errs to the careful side)."""
    share = hits / tries
    if share <= chance:
        return 0.0
    divergence = share * np.log(share / chance)
    if share < 1.0:
        divergence += (1.0 - share) * np.log((1.0 - share) / (1.0 - chance))
    return float(-tries * divergence / np.log(10.0))


@numba.njit(cache=True, nogil=True)
def regularity(times: Any) -> tuple[float, float, float]:
    """How unlikely calls at ``times`` (ascending) are by chance: −log10 of it, the usual interval, the half-width.

    Few calls are judged by the ratio of the longest interval to the shortest, many by how many intervals are alike.
    """
    intervals = np.diff(times)
    intervals = intervals[intervals > 0]
    if len(intervals) < 3:
        return 0.0, 0.0, 0.0
    return _few(intervals) if len(intervals) <= _FEW else _many(intervals)


@numba.njit(cache=True, nogil=True)
def _log10_narrow(n: int, ratio: float) -> float:
    """Decimal logarithm of the chance that, of ``n`` intervals at random, the longest is ``ratio`` times the shortest.

    Exact for exponential intervals of whatever mean: beyond the shortest all others are exponential anew, so that it is
    n ∫ exp(−n x) (1 − exp(−(ratio − 1) x))^(n − 1) dx = a B(a, n) with a = n / (ratio − 1).
    """
    a = n / max(ratio - 1.0, 1e-9)
    return float((math.log(a) + math.lgamma(a) + math.lgamma(n) - math.lgamma(a + n)) / math.log(10.0))


@numba.njit(cache=True, nogil=True)
def _few(intervals: Any) -> tuple[float, float, float]:
    """By the ratio of the longest to the shortest. One or two may be anything: a call left out, a task fetched.

    Which ones is chosen by the data, which costs the number of ways to choose them; three tries cost log10 3.
    """
    ordered, n = np.sort(intervals), len(intervals)
    best, interval, width, ways = 0.0, np.median(intervals), 0.0, 0.0
    for left in range(min(_LEFT_OUT, n - 2) + 1):
        if left:
            ways += math.log10((n - left + 1) / left)
        kept = n - left
        for first in range(left + 1):
            low, high = ordered[first], ordered[first + kept - 1]
            score = -_log10_narrow(kept, (high + _CLOCK_S) / low) - ways - _TRIES
            if score > best:
                middle = np.median(ordered[first : first + kept])
                best, interval, width = score, middle, (high - low) / (2.0 * middle)
    return best, interval, width


@numba.njit(cache=True, nogil=True)
def _many(intervals: Any) -> tuple[float, float, float]:
    """By how many intervals are near the median.

    A call left out now and then is forgiven: twice and three times the interval count, in an equal number of seconds.
    The interval is estimated from the same data, which costs one hit; three widths are tried, which costs log10 3.
    """
    best, best_width = 0.0, 0.0
    interval = np.median(intervals)
    for width in _WIDTHS:
        hits = 0
        for one in intervals:
            multiple = max(1.0, np.round(one / interval))
            if multiple <= _MOST_MULTIPLE and abs(one - multiple * interval) <= width * interval:
                hits += 1
        score = -_log10_tail(hits - 1, len(intervals) - 1, _chance(width)) - _TRIES
        if score > best:
            best, best_width = score, width
    return best, interval, best_width
