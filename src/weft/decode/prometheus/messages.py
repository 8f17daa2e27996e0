"""The messages that both versions of remote write share, read at addresses, and where what was read is noted."""

from __future__ import annotations

from weft.decode.kernels import inlined
from weft.decode.memory import get_word
from weft.decode.prometheus.found import (
    GOOD,
    MALFORMED,
    N_HISTOGRAMS,
    N_LABELS,
    N_SAMPLES,
    N_SERIES,
    OK,
    TOO_MANY,
    Found,
)
from weft.decode.prometheus.wire import chunk, skip, varint


@inlined
def sample(at: int, end: int) -> tuple[bool, int, int, int]:
    """Bits of the value, time and start time of a ``Sample``: 1 double, 2 and 3 varint."""
    bits, time_ms, start_ms = 0, 0, 0
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return False, 0, 0, 0
        if tag == 9:
            if end - at < 8:
                return False, 0, 0, 0
            bits = get_word(at)
            at += 8
        elif tag == 16:
            time_ms, at = varint(at, end)
        elif tag == 24:
            start_ms, at = varint(at, end)
        else:
            at = skip(tag & 7, at, end)
        if at < 0:
            return False, 0, 0, 0
    return True, bits, time_ms, start_ms


@inlined
def histogram(at: int, end: int) -> tuple[bool, bool, int, int, int]:
    """Whether the count is a whole number, the count, bits of the sum, time of a native ``Histogram``.

    1 varint or 2 double, 3 double, 15 varint; its buckets are passed over.
    """
    whole, count, total, time_ms = True, 0, 0, 0
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return False, True, 0, 0, 0
        if tag == 8:
            whole = True
            count, at = varint(at, end)
        elif tag in (17, 25):
            if end - at < 8:
                return False, True, 0, 0, 0
            if tag == 17:
                whole, count = False, get_word(at)
            else:
                total = get_word(at)
            at += 8
        elif tag == 120:
            time_ms, at = varint(at, end)
        else:
            at = skip(tag & 7, at, end)
        if at < 0:
            return False, True, 0, 0, 0
    return True, whole, count, total, time_ms


@inlined
def two_texts(at: int, end: int) -> tuple[int, int, int, int]:
    """Fields 1 and 2 of a ``Label``, both text; absent ones are empty."""
    name, name_end, value, value_end = end, end, end, end
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return -1, 0, 0, 0
        if tag == 10:
            name, at = chunk(at, end)
            name_end = at
        elif tag == 18:
            value, at = chunk(at, end)
            value_end = at
        else:
            at = skip(tag & 7, at, end)
        if at < 0:
            return -1, 0, 0, 0
    return name, name_end, value, value_end


@inlined
def family(at: int, end: int) -> tuple[int, int, int]:
    """Type and family name of a ``MetricMetadata``; -1 where malformed."""
    kind, name, name_end = 0, end, end
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return -1, 0, 0
        if tag == 8:
            kind, at = varint(at, end)
        elif tag == 18:
            name, at = chunk(at, end)
            name_end = at
        else:
            at = skip(tag & 7, at, end)
        if at < 0:
            return -1, 0, 0
    return (kind if 0 <= kind <= 255 else 0), name, name_end


@inlined
def put_sample(found: Found, series: int, at: int, end: int) -> int:
    """Note a ``Sample`` of a series; answers a status."""
    n = found.counts[N_SAMPLES]
    if n >= len(found.series):
        return TOO_MANY
    good, bits, time_ms, start_ms = sample(at, end)
    if not good:
        return MALFORMED
    found.series[n], found.time_ms[n], found.value[n], found.start_ms[n] = series, time_ms, bits, start_ms
    found.counts[N_SAMPLES] = n + 1
    return OK


@inlined
def put_histogram(found: Found, series: int, at: int, end: int) -> int:
    """Note a native ``Histogram`` of a series; answers a status."""
    n = found.counts[N_HISTOGRAMS]
    if n >= len(found.h_series):
        return TOO_MANY
    good, whole, count, total, time_ms = histogram(at, end)
    if not good:
        return MALFORMED
    found.h_series[n], found.h_time_ms[n], found.h_whole[n] = series, time_ms, whole
    found.h_count[n], found.h_sum[n] = count, total
    found.counts[N_HISTOGRAMS] = n + 1
    return OK


@inlined
def put_label(found: Found, base: int, name: int, name_end: int, value: int, value_end: int) -> int:
    """Note where a label is; answers a status."""
    n = found.counts[N_LABELS]
    if n >= len(found.label):
        return TOO_MANY
    found.label[n, 0], found.label[n, 1] = name - base, name_end - base
    found.label[n, 2], found.label[n, 3] = value - base, value_end - base
    found.counts[N_LABELS] = n + 1
    return OK


@inlined
def open_series(found: Found) -> int:
    """The number of a new series; -1 where there is no more room."""
    series = found.counts[N_SERIES]
    if series >= len(found.key):
        return -1
    found.first_label[series], found.flag[series], found.kind[series] = found.counts[N_LABELS], GOOD, 0
    found.part[series] = 0
    found.counts[N_SERIES] = series + 1
    return int(series)
