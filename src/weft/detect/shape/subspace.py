"""Shapes that the usual ones do not add up to: windows against their main components (Sub-PCA)."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

F64 = NDArray[np.float64]
_MOST_ROWS = 20_000


def spread_over(scores: F64, width: int, length: int) -> F64:
    """Score per point from a score per window: the mean of the windows that hold the point."""
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    at = np.arange(length)
    first, last = np.clip(at - width + 1, 0, len(scores) - 1), np.clip(at, 0, len(scores) - 1)
    return np.asarray((sums[last + 1] - sums[first]) / (last - first + 1), np.float64)


def subspace_score(values: F64, width: int, *, explained: float = 0.9, rounds: int = 2) -> F64:
    """Distance of each window from what the main components make of it, beside how far out it lies within them.

    The second round leaves the oddest tenth out, so that what is odd is no component of what is usual.
    """
    windows = sliding_window_view(values, width)
    step = max(1, len(windows) // _MOST_ROWS)
    rows = windows[::step]
    scores = np.zeros(len(windows))
    for _ in range(rounds):
        middle = rows.mean(axis=0)
        centred = rows - middle
        size, axes = np.linalg.eigh(centred.T @ centred / max(len(rows) - 1, 1))
        size, axes = np.maximum(size[::-1], 0.0), axes[:, ::-1]
        share = np.cumsum(size) / max(size.sum(), 1e-300)
        keep = min(int(np.searchsorted(share, explained)) + 1, max(1, width // 2))
        noise = max(float(size[keep:].mean()) if keep < width else 0.0, 1e-12 * max(size[0], 1e-12))
        for begin in range(0, len(windows), 8192):
            part = windows[begin : begin + 8192] - middle
            inside = part @ axes[:, :keep]
            outside = np.maximum((part**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0)
            within = (inside**2 / np.maximum(size[:keep], noise)).sum(axis=1)
            scores[begin : begin + len(part)] = outside / noise + within
        rows = windows[::step][scores[::step] <= np.quantile(scores[::step], 0.9)]
    return spread_over(np.sqrt(scores), width, len(values))
