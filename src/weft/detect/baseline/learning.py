"""What a sample teaches: steps of the hot loop that change what is known of a series."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.detect.baseline import tail
from weft.detect.baseline.near import LAST_FEW, middle
from weft.detect.baseline.state import (
    BEGAN,
    CUR_D,
    CUR_W,
    DAY,
    DOWN,
    DRIFT,
    FAST,
    HIGHEST,
    LAST,
    LAST_X,
    LEVEL,
    LOWEST,
    N_D,
    N_W,
    NOISE,
    OPEN,
    OPEN_FOR,
    SAME_AT,
    SUM_D,
    SUM_W,
    UP,
    WEEKLY,
    C,
    N,
)
from weft.detect.baseline.tuning import Numbers

#: Mean of the absolute deviation → standard deviation, of normal noise.
_TO_SIGMA = 1.2533
#: Deviations beyond this many scales teach no more than one of this many.
_CLIP = 4.0
#: Samples of an open event after which the quick level follows it as it is.
_BELIEVED = 15.0


@kernel
def begin(sc: NDArray[np.float64], recent: NDArray[np.float64], x: float, now: float, told: Numbers) -> None:
    """Collect first values; after enough of them, a first idea of level and noise."""
    at = int(sc[N])
    if at == 0:
        sc[BEGAN] = now
    recent[at] = x
    sc[N] += 1.0
    if x != sc[LAST_X]:
        sc[LAST_X], sc[SAME_AT] = x, now
    sc[LAST] = now
    if sc[N] < told.cold:
        return
    count = int(told.cold)
    sc[C] = max(told.least, abs(middle(recent[:count])) / 10.0)
    looked = np.empty(count)
    for one in range(count):
        looked[one] = math.log1p(recent[one] / sc[C]) if told.logs > 0 else recent[one]
    sc[LEVEL] = middle(looked)
    steps = np.empty(count - 1)
    for one in range(count - 1):
        steps[one] = abs(looked[one + 1] - looked[one])
    sc[NOISE] = max(told.floor, 1.4826 * middle(steps) / math.sqrt(2.0))
    sc[DRIFT] = 2.0 * sc[NOISE]
    sc[WEEKLY] = sc[DRIFT] * sc[DRIFT]
    sc[HIGHEST], sc[LOWEST] = looked.max(), looked.min()
    for one in range(count - LAST_FEW, count):
        recent[one % LAST_FEW] = looked[one]


@inlined
def forget_shift(sc: NDArray[np.float64]) -> None:
    """What lasted is the new level."""
    sc[LEVEL] += sc[FAST]
    sc[FAST], sc[UP], sc[DOWN], sc[OPEN] = 0.0, 0.0, 0.0, 0.0


@kernel
def learn(
    sc: NDArray[np.float64],
    daily: NDArray[np.float32],
    days: NDArray[np.uint8],
    weekly: NDArray[np.float32],
    weeks: NDArray[np.uint8],
    scatter: NDArray[np.float32],
    tails: NDArray[np.float32],
    place: NDArray[np.int64],
    y: float,
    base: float,
    season: float,
    noise: float,
    wide: float,
    told: Numbers,
) -> None:
    """Level, season, scales and tails move a little towards this sample; what is far off moves them no further."""
    slow = y - base
    sudden = slow - sc[FAST]
    calm = sc[OPEN] == 0
    jump_z = sudden / noise
    old = days[place[0]] > 0
    floor = told.floor
    off = min(abs(sudden), _CLIP * noise)
    gain = max(1.0 / (sc[N] + 1.0), 0.003) * (1.0 if calm else 0.25)
    sc[NOISE] = max(floor, sc[NOISE] + gain * (_TO_SIGMA * off - sc[NOISE]))
    spot = place[8]
    if scatter[spot] == 0:
        scatter[spot] = sc[NOISE]
    elif calm:
        scatter[spot] = max(floor, scatter[spot] + 0.02 * (_TO_SIGMA * off - scatter[spot]))
    jump = sudden if sc[OPEN_FOR] >= _BELIEVED else max(-3.0 * noise, min(3.0 * noise, sudden))
    sc[FAST] += told.quick * jump
    sc[OPEN_FOR] = 0.0 if calm else sc[OPEN_FOR] + 1.0
    if calm:
        if old:
            sc[LEVEL] += told.slow * max(-2.0 * wide, min(2.0 * wide, slow))
        if old and weeks[place[4]] > 0:
            drift = min(abs(sc[FAST]), _CLIP * sc[DRIFT])
            sc[DRIFT] = max(floor, sc[DRIFT] + told.slow * (_TO_SIGMA * drift - sc[DRIFT]))
            tail.learn(tails[6:12], slow / wide, 0.5 * told.quick)
    if calm or sc[OPEN_FOR] == 1.0:  # an event teaches once
        tail.learn(tails[0:6], jump_z, 1.0 if calm else 0.5)
        if not calm and old and weeks[place[4]] > 0:
            tail.learn(tails[6:12], slow / wide, 0.5)
    near = base + sc[FAST]
    taken = max(near - 6.0 * noise, min(near + 6.0 * noise, y)) - sc[LEVEL]
    _slots(sc, daily, days, weekly, weeks, place, taken, season, calm)
    if sc[DAY] != place[9]:
        _centre(sc, daily, days)
        sc[DAY] = place[9]


@kernel
def _slots(
    sc: NDArray[np.float64],
    daily: NDArray[np.float32],
    days: NDArray[np.uint8],
    weekly: NDArray[np.float32],
    weeks: NDArray[np.uint8],
    place: NDArray[np.int64],
    taken: float,
    season: float,
    calm: bool,
) -> None:
    """Means of the slot that is running; learned when the next begins."""
    if sc[CUR_D] != place[0] or daily.shape[0] == 1:
        at = int(sc[CUR_D])
        if at >= 0 and sc[N_D] > 0:
            days[at] = min(254, days[at]) + 1
            gain = max(1.0 / days[at], 0.1)
            daily[at] += gain * (sc[SUM_D] / sc[N_D] - daily[at])
        sc[CUR_D], sc[SUM_D], sc[N_D] = place[0], 0.0, 0.0
    if sc[CUR_W] != place[4]:
        at = int(sc[CUR_W])
        if at >= 0 and sc[N_W] > 0:
            mean = sc[SUM_W] / sc[N_W]
            weeks[at] = min(254, weeks[at]) + 1
            weekly[at] += max(1.0 / weeks[at], 0.2) * (mean - weekly[at])
            spread = 3.0 * math.sqrt(sc[WEEKLY])
            mean = max(-spread, min(spread, mean))
            sc[WEEKLY] += 0.01 * (mean * mean - sc[WEEKLY])
        sc[CUR_W], sc[SUM_W], sc[N_W] = place[4], 0.0, 0.0
    fresh = days[place[0]] > 0 and weeks[place[4]] < 2
    if not calm and fresh:  # a day of the week that was hardly seen is learned, whatever it is like
        sc[SUM_W] += taken - daily[place[0]]
        sc[N_W] += 1.0
    if not calm and days[place[0]] > 0:
        return
    added = season - daily[place[0]] if days[place[0]] > 0 else 0.0  # what the day of the week adds, nearly
    sc[SUM_D] += taken - added
    sc[N_D] += 1.0
    if days[place[0]] > 0:
        sc[SUM_W] += taken - daily[place[0]]
        sc[N_W] += 1.0


@kernel
def _centre(sc: NDArray[np.float64], daily: NDArray[np.float32], days: NDArray[np.uint8]) -> None:
    """Once a day: what all slots share belongs to the level."""
    total, count = 0.0, 0
    for at in range(daily.shape[0]):
        if days[at] > 0:
            total += daily[at]
            count += 1
    if count < daily.shape[0]:
        return
    mean = total / count
    for at in range(daily.shape[0]):
        daily[at] -= mean
    sc[LEVEL] += mean
