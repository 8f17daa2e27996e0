"""Volume under the precision-recall surface (VUS-PR): how well the scores of a series rank what is anomalous.

Paparrizos et al., PVLDB 15(11), 2022, in the form in which TSB-AD publishes it (Liu and Paparrizos, NeurIPS 2024): 250
thresholds, label buffers from 0 to twice the period, and a recall that counts how many ranges were touched. Computed
from cumulative sums rather than per threshold; the values are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weft.decode.kernels import kernel
from weft.errors import InvalidInput

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
THRESHOLDS = 250
#: Points by which the period is told, lags that are looked at, and what is taken where there is none.
_MOST_POINTS, _MOST_LAGS, _NO_PERIOD = 20_000, 400, 125


def autocorrelation(values: F64, lags: int) -> F64:
    """[lags + 1] biased autocorrelation of a series without gaps; zeros where it is constant."""
    lags = min(lags, len(values) - 1)
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 1 << (2 * len(values) - 1).bit_length())
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[: lags + 1]
    return np.asarray(covariance / covariance[0] if covariance[0] > 0 else covariance * 0.0, np.float64)


def buffer_period(values: ArrayLike) -> int:
    """Period as TSB-AD defines it, half the widest buffer: the lag of the highest peak of the autocorrelation."""
    data = np.asarray(values, np.float64)[:_MOST_POINTS]
    base = 3
    found = autocorrelation(data, _MOST_LAGS)[base:]
    if len(found) < 3:
        return _NO_PERIOD
    peaks = np.flatnonzero((found[1:-1] > found[:-2]) & (found[1:-1] > found[2:])) + 1
    if not len(peaks):
        return _NO_PERIOD
    # Of equal peaks the last one sorts highest, as in the published code.
    best = int(peaks[np.argsort(found[peaks])[-1]])
    return best + base if base <= best <= 300 else _NO_PERIOD


def ranges(label: ArrayLike) -> I64:
    """[ranges, 2] first and last point of each run of what is not zero."""
    on = np.concatenate([[0], (np.asarray(label) > 0).astype(np.int8), [0]])
    turned = np.diff(on)
    return np.stack([np.flatnonzero(turned == 1), np.flatnonzero(turned == -1) - 1], axis=1).astype(np.int64)


@kernel
def _merged(found: Any, half: int, last: int, out: Any) -> int:
    """Ranges widened by ``half`` on both sides, those that touch made one; how many there are."""
    count = 0
    begin = max(found[0, 0] - half, 0)
    for at in range(len(found)):
        final = at == len(found) - 1
        if final or found[at, 1] + half < found[at + 1, 0] - half:
            out[count, 0] = begin
            out[count, 1] = min(found[at, 1] + half, last)
            count += 1
            if not final:
                begin = found[at + 1, 0] - half
    return count


@kernel
def _weights(found: Any, window: int, out: Any) -> None:
    """Labels with slopes of ``window // 2`` points beside each range."""
    half, length = window // 2, len(out)
    out[:] = 0.0
    for at in range(len(found)):
        first, last = found[at, 0], found[at, 1]
        out[first : last + 1] = 1.0
        for near in range(last + 1, min(last + half + 1, length)):
            out[near] += np.sqrt(1.0 - (near - last) / window)
        for near in range(max(first - half, 0), first):
            out[near] += np.sqrt(1.0 - (first - near) / window)
    for near in range(length):
        out[near] = min(out[near], 1.0)


@kernel
def _average_precision(found: Any, first_hit: Any, predicted: Any, inside: Any, window: int, scratch: Any) -> float:
    """Area under the curve of one buffer. ``first_hit``: number of the first threshold that each point reaches."""
    thresholds, length = len(predicted), len(first_hit)
    weight, merged = scratch
    _weights(found, window, weight)
    count = _merged(found, window // 2, length - 1, merged)
    hits, gained, buffers = np.zeros(thresholds), np.zeros(thresholds), np.zeros(thresholds)
    for at in range(count):
        earliest = thresholds
        for point in range(merged[at, 0], merged[at, 1] + 1):
            if weight[point] > 0.0 or inside[point]:
                gained[first_hit[point]] += weight[point]
                if not inside[point]:
                    buffers[first_hit[point]] += weight[point]
            earliest = min(earliest, first_hit[point])
        hits[earliest] += 1
    positives = 0.0
    for point in range(length):
        positives += inside[point]
    area, before, true, reached, extra = 0.0, 0.0, 0.0, 0.0, 0.0
    for at in range(thresholds):
        true += gained[at]
        reached += hits[at]
        extra += buffers[at]
        recall = min(true / ((2.0 * positives + extra) / 2.0), 1.0) * reached / count
        area += (recall - before) * true / predicted[at]
        before = recall
    return area


def vus_pr(label: ArrayLike, score: ArrayLike, period: int) -> float:
    """VUS-PR of the scores of one series against its labels, 0 to 1; ``period`` as of ``buffer_period``.

    Raises ``InvalidInput`` where nothing is labelled or a score is not a number.
    """
    scores, found = np.asarray(score, np.float64), ranges(label)
    if not len(found) or not np.isfinite(scores).all() or len(scores) != len(np.asarray(label)):
        raise InvalidInput("wants one number per point and at least one labelled point", where="vus_pr")
    falling = np.sort(scores)[::-1]
    cuts = falling[np.linspace(0, len(scores) - 1, THRESHOLDS).astype(np.int64)]
    rising = -cuts  # ascending
    first_hit = np.searchsorted(rising, -scores, side="left").astype(np.int64)
    predicted = np.searchsorted(-falling, rising, side="right").astype(np.float64)
    inside = np.asarray(label).ravel() > 0
    scratch = (np.zeros(len(scores)), np.zeros((len(found), 2), np.int64))
    total = 0.0
    for window in range(period + 1):
        total += _average_precision(found, first_hit, predicted, inside, window, scratch)
    return total / (period + 1)
