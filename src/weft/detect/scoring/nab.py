"""The score of the Numenta Anomaly Benchmark (Lavin and Ahmad, ICMLA 2015): early detection is worth more than late.

Per window only the earliest detection counts; those outside of windows cost the more the further they are behind one.
The first 15 % of a series (750 points at most) are not scored. One threshold holds for the whole corpus; the published
scoreboard takes the one that is best for each profile, with the labels in view, and so does ``best``. ``at`` takes a
threshold that was fixed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_PROBATION, _LONGEST = 0.15, 5000


@dataclass(frozen=True, slots=True)
class Profile:
    """What right, false and missed detections weigh."""

    hit: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class Scored:
    """One series: a score per point, and [windows, 2] the first and last point of each labelled window."""

    scores: F64
    windows: I64


def probation(length: int) -> int:
    """Points at the start of a series that are not scored."""
    return int(min(np.floor(_PROBATION * length), _PROBATION * _LONGEST))


def _sigmoid(position: F64) -> F64:
    """Worth of a detection by its place: -1 at the left edge of a window, 0 at its right, beyond 3 far behind it."""
    return np.where(position > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, 3.0))) - 1.0)


def _worth(length: int, windows: I64) -> tuple[F64, I64]:
    """(what a detection at each point is worth before it is weighed, its window or -1)."""
    worth, owner = np.full(length, -1.0), np.full(length, -1, np.int64)
    at = np.arange(length)
    top = 2.0 / (1.0 + np.exp(-5.0)) - 1.0
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        inside = slice(first, last + 1)
        worth[inside] = _sigmoid(-(last - at[inside] + 1.0) / width) / top
        owner[inside] = number
        behind = slice(last + 1, windows[number + 1][0] if number + 1 < len(windows) else length)
        worth[behind] = _sigmoid((at[behind] - last) / max(width - 1.0, 1.0))
    return worth, owner


def _steps(corpus: Sequence[Scored], profile: Profile) -> tuple[F64, F64, int]:
    """(scores in falling order, the raw score once all points up to each are detections, windows)."""
    scores, gains, owners, windows = [], [], [], 0
    for one in corpus:
        worth, owner = _worth(len(one.scores), one.windows)
        begin = probation(len(one.scores))
        inside = owner >= 0
        scores.append(one.scores[begin:])
        gains.append(np.where(inside, worth * profile.hit, worth * profile.false)[begin:])
        owners.append(np.where(inside, owner + windows, -1)[begin:])
        windows += len(one.windows)
    score, gain, owner = np.concatenate(scores), np.concatenate(gains), np.concatenate(owners)
    order = np.argsort(-score, kind="stable")
    score, gain, owner = score[order], gain[order], owner[order]
    for number in range(windows):
        mine = np.flatnonzero(owner == number)
        best = np.maximum.accumulate(np.concatenate([[-profile.missed], gain[mine]]))
        gain[mine] = np.diff(best)
    return score, np.cumsum(gain) - windows * profile.missed, windows


def _normal(raw: float, windows: int, profile: Profile) -> float:
    """0 for no detection at all, 100 for the perfect ones."""
    return float(100.0 * (raw + windows * profile.missed) / (windows * (profile.hit + profile.missed)))


def best(corpus: Sequence[Scored], profile: Profile) -> tuple[float, float]:
    """(NAB score, threshold) of the threshold that is best for these very labels, as the scoreboard has it."""
    score, raw, windows = _steps(corpus, profile)
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    place = ends[np.argmax(raw[ends])]
    if raw[place] <= -windows * profile.missed:
        return 0.0, float(np.inf)
    return _normal(raw[place], windows, profile), float(score[place])


def at(corpus: Sequence[Scored], profile: Profile, threshold: float) -> float:
    """NAB score where all points from ``threshold`` up are detections."""
    score, raw, windows = _steps(corpus, profile)
    count = int(np.searchsorted(-score, -threshold, side="right"))
    return _normal(raw[count - 1], windows, profile) if count else 0.0


def window_places(times: ArrayLike, windows: ArrayLike) -> I64:
    """[windows, 2] places of windows that are given by times of the series."""
    return np.searchsorted(np.asarray(times), np.asarray(windows)).astype(np.int64).reshape(-1, 2)
