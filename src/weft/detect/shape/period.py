"""The period of a series, told from the series alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.detect.scoring.vus import autocorrelation

F64 = NDArray[np.float64]
#: Points that the period is told by, and the least correlation at a lag that makes it one.
_MOST_POINTS, _LEAST = 40_000, 0.3


def filled(values: F64) -> F64:
    """The series with gaps bridged by straight lines; zeros where there is nothing at all."""
    known = np.isfinite(values)
    if known.all():
        return values
    if not known.any():
        return np.zeros(len(values))
    at = np.arange(len(values))
    return np.interp(at, at[known], values[known])


def clipped(values: F64, spreads: float = 2.0) -> F64:
    """Outliers brought to the fence, so that one spike does not hide what repeats."""
    middle = np.median(values)
    low, high = np.percentile(values, [25, 75])
    reach = spreads * max(high - low, 1e-12 + 0.1 * values.std())
    return np.clip(values, middle - reach, middle + reach)


def period(values: F64, *, least: int = 4) -> int:
    """Points per period, 0 where nothing repeats: the first lag whose correlation is nearly the highest."""
    data = clipped(filled(np.asarray(values, np.float64))[-_MOST_POINTS:])
    lags = len(data) // 3
    if lags <= least + 1:
        return 0
    line = np.polynomial.polynomial.polyfit(np.arange(len(data)), data, 1)
    found = autocorrelation(data - np.polynomial.polynomial.polyval(np.arange(len(data)), line), lags)
    found = found * len(data) / (len(data) - np.arange(len(found)))  # lags further on see fewer pairs
    below = np.flatnonzero(found < 0.5 * _LEAST)
    first = max(least, int(below[0]) if len(below) else lags)
    inner = np.arange(first + 1, lags - 1)
    peaks = inner[(found[inner] >= found[inner - 1]) & (found[inner] > found[inner + 1]) & (found[inner] > _LEAST)]
    if not len(peaks):
        return 0
    strong = peaks[found[peaks] > 0.9 * found[peaks].max()]
    return int(strong[0])
