"""Detectors of others whose scores are published per series: that ours come out the same checks our scorers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def spectral_residual(values: F64) -> F64:
    """Spectral Residual (Ren et al., KDD 2019) with the paddings that TSB-AD runs it with."""
    scaled = (values - values.min()) / (values.max() - values.min())
    spectrum = np.fft.fft(scaled)
    log, window = np.log(np.abs(spectrum)), 100
    half, left = log[1 : 1 + len(log) // 2], (window - 1) // 2
    padded = np.concatenate([np.full(left, scaled[0]), half, np.full(window - left - 1, scaled[-1])])
    smooth = np.convolve(padded, np.ones(window) / window, "valid")
    mirrored = smooth if len(log) % 2 else smooth[:-1]
    whole = np.concatenate([log[:1], smooth, mirrored[::-1]])
    return np.abs(np.fft.ifft(np.exp(log - whole + 1j * np.angle(spectrum))))


def windowed_gaussian(values: F64, window: int = 6400, step: int = 100) -> F64:
    """The detector of that name of NAB's scoreboard: the tail of a normal law over past values, to 12 digits."""
    centred = (values - values[0]).astype(np.longdouble)
    sums = np.concatenate([[0], np.cumsum(centred)])
    squares = np.concatenate([[0], np.cumsum(centred**2)])
    at = np.arange(1, len(values))
    moved = np.maximum(at - window, 0) // step * step
    first, last = moved, np.where(at <= window, at, window + moved)
    mean = (sums[last] - sums[first]) / (last - first)
    variance = np.maximum((squares[last] - squares[first]) / (last - first) - mean**2, 0)
    spread = np.where(variance > 1e-24, np.sqrt(variance), 1e-6)
    distance = (np.abs(centred[1:] - mean) / spread / math.sqrt(2)).astype(np.float64)
    tail = np.fromiter((1 - 0.5 * math.erfc(one) for one in distance), np.float64, len(distance))
    return np.round(np.concatenate([[0.0], tail]), 12)
