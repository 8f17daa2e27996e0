"""The hot loop of a baseline: for each sample what was expected, how unlikely it is, what is learned from it.

A value ``x`` is looked at as ``y`` (its logarithm, of rates). Expected is level + season of the day + what the day of
the week adds, the latter weighed by how much is known of it. ``slow`` is the deviation from that, ``sudden`` the
deviation from that and the last minutes; ``near`` is the distance from all that a value might be. Each has a scale and
tails of its own. An event opens when one sample is beyond doubt, two in a row are unlikely, or evidence of a lasting
deviation piles up (a CUSUM of scores, whose last zero says since when). While it is open nothing is learned but the
quick level, until it has lasted ``absorb_s``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.detect.baseline import tail
from weft.detect.baseline.learning import begin, forget_shift, learn
from weft.detect.baseline.near import evidence, never, outside, remember
from weft.detect.baseline.shift import began, note
from weft.detect.baseline.state import (
    BEGAN,
    CALM,
    DOWN,
    DOWN_AT,
    DRIFT,
    FAST,
    FAST_WAS,
    FLAT,
    GAP,
    IDLE,
    LAST,
    LAST_X,
    LEVEL,
    LONGEST,
    MISSED,
    MOVES,
    NOISE,
    OFF_AT,
    OPEN,
    OPEN_AT,
    OPEN_SIGN,
    PRESENT,
    RUN_AT,
    RUN_SIGN,
    SAME,
    SAME_AT,
    UP,
    UP_AT,
    WAS,
    WAS_SLOW,
    WEEKLY,
    C,
    N,
)
from weft.detect.baseline.tuning import Numbers

#: What a hit says. ``ENDS``: the open event is over; ``ABSORBED``: it became the new normal.
SPIKE, DROP, HIGH, LOW, SHIFT, FLATLINE, MISSING = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0
GOES_ON, ENDS, ABSORBED = 0.0, 1.0, 2.0
#: Columns of a hit: series in the frame, column of it, what, whether it ends, seen, expected, lower, upper, score,
#: since when (UTC seconds).
COLUMNS = 10
#: An open event closes after this many samples that are as they should be.
_CALM_SAMPLES = 3
#: Values that differ by less than this share are the same: means of equal samples differ in their last digits.
_STILL = 1e-9
#: Share of samples that differ from the one before, of a series that is alive.
_ALIVE = 0.2
#: Evidence of a lasting deviation that opens an event, in scores that open one at once: where each sample would do, and
#: where none would.
_SURE, _PILE = 2.0, 5.0


@kernel
def run(
    values: NDArray[np.float64],  # [S, T]
    times_s: NDArray[np.int64],  # [T]
    places: NDArray[np.int64],  # [T, 10]
    rows: NDArray[np.int64],  # [S]
    scalars: NDArray[np.float64],
    daily: NDArray[np.float32],
    days: NDArray[np.uint8],
    weekly: NDArray[np.float32],
    weeks: NDArray[np.uint8],
    scatter: NDArray[np.float32],
    tails: NDArray[np.float32],
    recent: NDArray[np.float64],
    window: NDArray[np.float32],
    told: Numbers,
    hits: NDArray[np.float64],  # [H, 10]; a hit that does not fit is counted only
    scores: NDArray[np.float32],  # [S, T] or [0, 0]
    news: NDArray[np.float32],  # likewise
    bands: NDArray[np.float64],  # [S, T, 3] expected, lower, upper or [0, 0, 0]
) -> int:
    """All samples of a frame, series by series; how many hits there were."""
    found = int(values.size * 0)  # not a literal, for which all that it is given to would be compiled again
    for at in range(values.shape[0]):
        row = rows[at]
        if row < 0:
            continue
        sc = scalars[row]
        for column in range(values.shape[1]):
            x = values[at, column]
            now = float(times_s[column])
            place = places[column]
            if not (abs(x) <= told.most) or (told.logs > 0 and x < 0):
                found = _absent(sc, told, now, hits, found, at, column)
                continue
            if sc[N] < told.cold:
                begin(sc, recent[row], x, now, told)
                continue
            found = _sample(
                at, column, x, now, place, sc, daily[row], days[row], weekly[row], weeks[row], scatter[row],
                tails[row], recent[row], window[row], told, hits, found, scores, news, bands,
            )  # fmt: skip
    return found


@kernel
def _absent(
    sc: NDArray[np.float64], told: Numbers, now: float, hits: NDArray[np.float64], found: int, at: int, column: int
) -> int:
    """Nothing came, or what came is no measurement."""
    if sc[N] == 0:
        return found
    sc[MISSED] += 1.0
    sc[GAP] = 1.0
    sc[WAS] = 0.0
    sc[WAS_SLOW] = 0.0
    due = told.missing_after > 0 and sc[PRESENT] > 0.9 and now - sc[BEGAN] >= told.warm_s
    sc[PRESENT] += 0.001 * (0.0 - sc[PRESENT])
    if due and sc[MISSED] == told.missing_after:
        found = _hit(hits, found, at, column, MISSING, GOES_ON, math.nan, math.nan, math.nan, math.nan, 0.0, sc[LAST])
    return found


@kernel
def _hit(
    hits: NDArray[np.float64],
    found: int,
    at: int,
    column: int,
    what: float,
    ends: float,
    seen: float,
    expected: float,
    lower: float,
    upper: float,
    score: float,
    since: float,
) -> int:
    if found < hits.shape[0]:
        hit = hits[found]
        hit[0] = at
        hit[1] = column
        hit[2] = what
        hit[3] = ends
        hit[4] = seen
        hit[5] = expected
        hit[6] = lower
        hit[7] = upper
        hit[8] = score
        hit[9] = since
    return found + 1


@inlined
def _back(y: float, sc: NDArray[np.float64], told: Numbers) -> float:
    """From what is looked at to the unit of the values."""
    return max(0.0, sc[C] * math.expm1(min(y, 700.0))) if told.logs > 0 else y


@inlined
def _worth(x: float, expected: float, told: Numbers) -> bool:
    """Whether somebody would care."""
    if abs(x - expected) < told.least:
        return False
    if told.logs == 0:
        return True
    more, less = max(x, expected), min(x, expected)
    return more >= told.ratio * less


@inlined
def _season(
    place: NDArray[np.int64],
    sc: NDArray[np.float64],
    daily: NDArray[np.float32],
    days: NDArray[np.uint8],
    weekly: NDArray[np.float32],
    weeks: NDArray[np.uint8],
) -> tuple[float, float, float]:
    """What the time of the day and of the week adds to the level; the least and the most of the slots around it."""
    before, after, share = place[1], place[2], place[3] * 1e-6
    if days[before] == 0 or days[after] == 0:
        before, after = place[0], place[0]
    one, two = float(daily[before]), float(daily[after])
    out = one + (two - one) * share
    if weeks[place[4]] == 0:
        return out, min(one, two), max(one, two)
    before, after, share = place[5], place[6], place[7] * 1e-6
    if weeks[before] == 0 or weeks[after] == 0:
        before, after = place[4], place[4]
    # partial pooling: by how much days of the week differ, against how much days differ anyway
    known = sc[WEEKLY] / (sc[WEEKLY] + sc[DRIFT] * sc[DRIFT] / weeks[place[4]] + 1e-12)
    three, four = known * weekly[before], known * weekly[after]
    out += three + (four - three) * share
    return out, min(one, two) + min(three, four), max(one, two) + max(three, four)


@kernel
def _sample(
    at: int,
    column: int,
    x: float,
    now: float,
    place: NDArray[np.int64],
    sc: NDArray[np.float64],
    daily: NDArray[np.float32],
    days: NDArray[np.uint8],
    weekly: NDArray[np.float32],
    weeks: NDArray[np.uint8],
    scatter: NDArray[np.float32],
    tails: NDArray[np.float32],
    recent: NDArray[np.float64],
    window: NDArray[np.float32],
    told: Numbers,
    hits: NDArray[np.float64],
    found: int,
    scores: NDArray[np.float32],
    news: NDArray[np.float32],
    bands: NDArray[np.float64],
) -> int:
    """One value: judged, then learned from."""
    if sc[MISSED] > 0:
        if told.missing_after > 0 and sc[MISSED] >= told.missing_after:
            found = _hit(hits, found, at, column, MISSING, ENDS, x, math.nan, math.nan, math.nan, 0.0, sc[LAST])
        sc[FAST] *= math.exp(-sc[MISSED] * told.step_s / 3600.0)
        sc[MISSED] = 0.0
    y = math.log1p(x / sc[C]) if told.logs > 0 else x
    season, least, most = _season(place, sc, daily, days, weekly, weeks)
    base = sc[LEVEL] + season
    slow = y - base
    # what begins a little sooner or later than usual is no news
    slow = max(0.0, slow - (most - season)) if slow > 0 else min(0.0, slow + (season - least))
    sudden = slow - sc[FAST]
    noise = max(sc[NOISE] * 0.7, float(scatter[place[8]]))
    wide = math.sqrt(noise * noise + sc[DRIFT] * sc[DRIFT])
    z_slow, z_sudden = slow / wide, sudden / noise
    score_slow = tail.score(tails[6:12], z_slow)
    score_sudden = tail.score(tails[0:6], z_sudden)
    z_near = outside(y, sc, recent, base) / noise
    score_near = tail.score_both(tails[12:15], z_near)
    sharp = max(score_sudden, score_near)
    if news.shape[0]:
        news[at, column] = evidence(score_near, max(score_sudden, score_slow), never(y, sc, told))
    # a series that is mostly nothing has no season
    known = sc[IDLE] < 0.5 and days[place[0]] > 0 and (weeks[place[4]] > 0 or now - sc[BEGAN] > 8 * 86400.0)
    expected = _back(base if days[place[0]] > 0 else base + sc[FAST], sc, told)
    if scores.shape[0]:
        scores[at, column] = max(score_sudden, score_slow) if known else score_sudden
    lower, upper = _back(base - 2.6 * wide, sc, told), _back(base + 2.6 * wide, sc, told)
    if bands.shape[0]:
        bands[at, column, 0], bands[at, column, 1], bands[at, column, 2] = expected, lower, upper
    _runs(sc, z_sudden, z_slow, score_slow if known else 0.0, now, told)
    what = 0.0
    if now - sc[BEGAN] >= told.warm_s and days[place[0]] > 0 and _worth(x, expected, told):
        near = _back(base + sc[FAST], sc, told)
        what = _verdict(sc, x, near, z_slow, z_sudden, score_slow, sharp, known, told)
    note(sc, window, (y - base) / wide, now, told.step_s)
    if what == SHIFT and sc[OPEN] == 0:
        what = _confirmed(sc, window, z_slow, told)
    score = max(sharp, score_slow) if known else sharp
    found = _track(sc, what, z_slow, score_slow, score_sudden, known, now, told, hits, found, at, column, x, expected,
                   lower, upper, score)  # fmt: skip
    found = _same(sc, told, hits, found, at, column, x, now)
    learn(sc, daily, days, weekly, weeks, scatter, tails, place, y, base, season, noise, wide, told)
    tail.learn_both(tails[12:15], z_near, sc[N])
    remember(y, sc, recent)
    sc[WAS] = math.copysign(sharp, z_sudden)
    sc[WAS_SLOW] = math.copysign(score_slow, z_slow)
    sc[PRESENT] += 0.001 * (1.0 - sc[PRESENT])
    sc[IDLE] += max(0.002, 1.0 / (sc[N] + 1.0)) * ((1.0 if x == 0 else 0.0) - sc[IDLE])
    sc[GAP] = 0.0
    sc[LAST] = now
    sc[N] += 1.0
    return found


@inlined
def _runs(
    sc: NDArray[np.float64], z_sudden: float, z_slow: float, score_slow: float, now: float, told: Numbers
) -> None:
    """Since when samples are odd, and evidence of a lasting deviation to either side."""
    sign = math.copysign(1.0, z_slow)
    if abs(z_sudden) < 2.0 and abs(z_slow) < 2.0:
        sc[RUN_SIGN] = 0.0
    elif sc[RUN_SIGN] != sign:
        sc[RUN_SIGN], sc[RUN_AT] = sign, now
    worth = min(score_slow, told.wanted) - 0.5 * told.wanted
    if sc[UP] <= 0.0:
        sc[UP_AT] = now
    if sc[DOWN] <= 0.0:
        sc[DOWN_AT] = now
    sc[UP] = max(0.0, sc[UP] + (worth if sign > 0 else -told.wanted))
    sc[DOWN] = max(0.0, sc[DOWN] + (worth if sign < 0 else -told.wanted))


@inlined
def _verdict(
    sc: NDArray[np.float64],
    x: float,
    near: float,
    z_slow: float,
    z_sudden: float,
    score_slow: float,
    sharp: float,
    known: bool,
    told: Numbers,
) -> float:
    """What a sample that somebody would care about is; 0 = nothing."""
    rises = z_slow > 0
    if (rises and told.up == 0) or (not rises and told.down == 0):
        return 0.0
    if (z_sudden > 0) == rises and score_slow >= 2.0 and _worth(x, near, told):
        before = sc[WAS] if rises else -sc[WAS]
        doubt = 1.0 if known else 1.0 / told.confirm
        twice = min(before, sharp) >= told.confirm * told.wanted * doubt
        if twice or (sharp >= told.wanted * doubt + told.one and sc[GAP] == 0):
            return SPIKE if rises else DROP
    if not known:
        return 0.0
    piled = sc[UP] if rises else sc[DOWN]
    if score_slow >= told.wanted and piled >= _SURE * told.wanted:
        return HIGH if rises else LOW
    if piled >= _PILE * told.wanted:
        return SHIFT
    return 0.0


@kernel
def _confirmed(sc: NDArray[np.float64], window: NDArray[np.float32], z_slow: float, told: Numbers) -> float:
    """``SHIFT`` where the last half day shows one, which then began there; else evidence must pile up some more."""
    since, pile, pile_at = (
        began(sc, window, z_slow, told.step_s),
        UP if z_slow > 0 else DOWN,
        UP_AT if z_slow > 0 else DOWN_AT,
    )
    if since > 0.0:
        sc[pile_at] = since
        return SHIFT
    sc[pile] -= told.wanted
    return 0.0


@kernel
def _track(
    sc: NDArray[np.float64],
    what: float,
    z_slow: float,
    score_slow: float,
    score_sudden: float,
    known: bool,
    now: float,
    told: Numbers,
    hits: NDArray[np.float64],
    found: int,
    at: int,
    column: int,
    x: float,
    expected: float,
    lower: float,
    upper: float,
    score: float,
) -> int:
    """Open, go on with or close the event of a series."""
    sign = math.copysign(1.0, z_slow)
    if sc[OPEN] == 0:
        if what == 0:
            return found
        sc[OPEN], sc[OPEN_SIGN], sc[CALM] = what, sign, 0.0
        sc[OPEN_AT], sc[FAST_WAS] = now, sc[FAST]
        if what in (SPIKE, DROP):
            sc[OFF_AT] = sc[RUN_AT] if sc[RUN_SIGN] == sign else now
        else:
            sc[OFF_AT] = min(sc[UP_AT] if sign > 0 else sc[DOWN_AT], now)
        return _hit(hits, found, at, column, what, GOES_ON, x, expected, lower, upper, score, sc[OFF_AT])
    if now - sc[OPEN_AT] >= told.absorb_s:
        found = _hit(hits, found, at, column, sc[OPEN], ABSORBED, x, expected, lower, upper, score, sc[OFF_AT])
        forget_shift(sc)
        return found
    still = sign == sc[OPEN_SIGN] and score_slow >= max(2.0, 0.35 * told.wanted) and (known or score_sudden >= 2.0)
    if still and _worth(x, expected, told):
        sc[CALM] = 0.0
        return _hit(hits, found, at, column, sc[OPEN], GOES_ON, x, expected, lower, upper, score, sc[OFF_AT])
    sc[CALM] += 1.0
    if sc[CALM] >= _CALM_SAMPLES:
        found = _hit(hits, found, at, column, sc[OPEN], ENDS, x, expected, lower, upper, score, sc[OFF_AT])
        sc[OPEN], sc[FAST], sc[UP], sc[DOWN] = 0.0, sc[FAST_WAS], 0.0, 0.0
    return found


@kernel
def _same(
    sc: NDArray[np.float64],
    told: Numbers,
    hits: NDArray[np.float64],
    found: int,
    at: int,
    column: int,
    x: float,
    now: float,
) -> int:
    """A value that stands still, of a series that never stood still as long; ``upper``: samples that it did."""
    if told.flat_after == 0:
        return found
    same = abs(x - sc[LAST_X]) <= _STILL * abs(x)
    if sc[FLAT] == 0:
        sc[MOVES] += max(0.002, 1.0 / (sc[N] + 1.0)) * ((0.0 if same else 1.0) - sc[MOVES])
    if same:
        sc[SAME] += 1.0
        due = sc[SAME] >= max(told.flat_after, 4.0 * sc[LONGEST]) and now - sc[BEGAN] >= told.warm_s
        due = due and sc[MOVES] >= _ALIVE
        # a rate of nothing is idleness, and what is told as a drop is told
        if due and sc[FLAT] == 0:
            sc[FLAT] = -1.0 if sc[OPEN] > 0 or (told.logs > 0 and x == 0) else 1.0
        if sc[FLAT] > 0:
            found = _hit(hits, found, at, column, FLATLINE, GOES_ON, x, math.nan, math.nan, sc[LONGEST], 0.0,
                         sc[SAME_AT])  # fmt: skip
        return found
    if sc[FLAT] > 0:
        found = _hit(hits, found, at, column, FLATLINE, ENDS, x, math.nan, math.nan, sc[LONGEST], 0.0, sc[SAME_AT])
    sc[LONGEST] = max(0.9999 * sc[LONGEST], sc[SAME])  # what comes again is no news
    sc[SAME], sc[SAME_AT], sc[LAST_X], sc[FLAT] = 0.0, now, x, 0.0
    return found
