"""What a walk over the bytes of a request finds, as arrays that the kernels fill."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Bounds of one request; an honest sender is far below each.
MOST_SAMPLES = 1 << 20
MOST_SERIES = 1 << 19
MOST_LABELS = 1 << 23
MOST_METADATA = 1 << 16
#: What a scrape writes when a series ends: a NaN of its own.
STALE = 0x7FF0000000000002
#: Bounds of one series; what exceeds them is left out and counted.
SERIES_LABELS = 128
SERIES_BYTES = 32 << 10

#: ``status``: why a walk ended.
OK, MALFORMED, TOO_MANY, BAD_REFERENCE = range(4)
#: ``flag`` of a series.
GOOD, MANY_LABELS, LONG_LABELS, BAD_LABELS = range(4)
#: Positions in ``counts``.
N_SERIES, N_SAMPLES, N_HISTOGRAMS, N_LABELS, N_METADATA, N_EXEMPLARS, N_COUNTS = range(7)


class Found(NamedTuple):
    """Series, their labels (positions in the body), samples and native histograms; ``counts`` says how many of each."""

    counts: NDArray[np.int64]
    # series
    key: NDArray[np.uint64]  # hash of its labels
    first_label: NDArray[np.int32]
    labels: NDArray[np.int32]  # how many
    flag: NDArray[np.uint8]
    kind: NDArray[np.uint8]  # type by inline metadata (2.0), 0 = not said
    part: NDArray[np.uint8]  # 0 the series itself, 1 the count and 2 the sum of its native histograms
    # labels: [n, 4] where name and value begin and end, from the start of the body
    label: NDArray[np.int32]
    # samples
    series: NDArray[np.int32]
    time_ms: NDArray[np.int64]
    value: NDArray[np.int64]  # bits of the double
    start_ms: NDArray[np.int64]  # when the counter began to count; 0 = not said
    # native histograms
    h_series: NDArray[np.int32]
    h_time_ms: NDArray[np.int64]
    h_whole: NDArray[np.bool_]  # the count is a whole number, else the bits of a double
    h_count: NDArray[np.int64]
    h_sum: NDArray[np.int64]  # bits of the double
    # metadata of families (1.0): [n, 3] type, where the name begins and ends
    metadata: NDArray[np.int32]


def room_for(size: int) -> Found:
    """Arrays that a body of ``size`` bytes cannot overflow, within the bounds; memory is taken as it is written."""

    def fit(least_bytes: int, most: int) -> int:
        return min(size // least_bytes + 1, most)

    series, samples, labels = fit(2, MOST_SERIES), fit(2, MOST_SAMPLES), fit(2, MOST_LABELS)
    histograms = fit(2, MOST_SAMPLES)
    make: Any = np.empty
    return Found(
        np.zeros(N_COUNTS, np.int64),
        make(series, np.uint64), make(series, np.int32), make(series, np.int32), make(series, np.uint8),
        make(series, np.uint8), make(series, np.uint8), make((labels, 4), np.int32),
        make(samples, np.int32), make(samples, np.int64), make(samples, np.int64), make(samples, np.int64),
        make(histograms, np.int32), make(histograms, np.int64), make(histograms, np.bool_),
        make(histograms, np.int64), make(histograms, np.int64), make((fit(2, MOST_METADATA), 3), np.int32),
    )  # fmt: skip
