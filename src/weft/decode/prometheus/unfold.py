"""Native histograms as what a row can hold: two counters more, ``…_count`` and ``…_sum``."""

from __future__ import annotations

import numpy as np

from weft.decode.kernels import kernel
from weft.decode.prometheus.found import (
    N_HISTOGRAMS,
    N_SAMPLES,
    N_SERIES,
    OK,
    STALE,
    TOO_MANY,
    Found,
)
from weft.decode.prometheus.wire import fold


@kernel
def unfold(found: Found) -> int:
    """Add a series and a sample for each part of each native histogram; answers a status."""
    parent, child = -1, -1
    doubles = found.h_count.view(np.float64)
    values = found.value.view(np.float64)
    for i in range(found.counts[N_HISTOGRAMS]):
        n = found.counts[N_SAMPLES]
        if n + 2 > len(found.series):
            return TOO_MANY
        if found.h_series[i] != parent:  # those of a series follow one another
            parent, child = found.h_series[i], found.counts[N_SERIES]
            if child + 2 > len(found.key):
                return TOO_MANY
            for part in range(2):
                found.key[child + part] = fold(found.key[parent], np.uint64(part + 1))
                found.first_label[child + part] = found.first_label[parent]
                found.labels[child + part] = found.labels[parent]
                found.flag[child + part] = found.flag[parent]
                found.kind[child + part] = found.kind[parent]
                found.part[child + part] = part + 1
            found.counts[N_SERIES] = child + 2
        for part in range(2):
            found.series[n + part] = child + part
            found.time_ms[n + part] = found.h_time_ms[i]
            found.start_ms[n + part] = 0
        if found.h_sum[i] == STALE:
            found.value[n] = STALE
        else:
            values[n] = float(np.uint64(found.h_count[i])) if found.h_whole[i] else doubles[i]
        found.value[n + 1] = found.h_sum[i]
        found.counts[N_SAMPLES] = n + 2
    return OK
