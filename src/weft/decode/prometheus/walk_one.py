"""Walks over the bytes of a ``prometheus.WriteRequest`` (remote write 1.0) and notes where everything is.

Protobuf lets fields come in any order and unknown ones in between; both are taken. What breaks the wire format anywhere
makes the whole request malformed: nothing after it can be trusted. Parses no text, allocates nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.decode.memory import address_of
from weft.decode.prometheus.found import (
    LONG_LABELS,
    MALFORMED,
    MANY_LABELS,
    N_EXEMPLARS,
    N_METADATA,
    OK,
    SERIES_BYTES,
    SERIES_LABELS,
    TOO_MANY,
    Found,
)
from weft.decode.prometheus.messages import family, open_series, put_histogram, put_label, put_sample, two_texts
from weft.decode.prometheus.wire import chunk, digest, fold, skip, varint


@kernel
def _series(found: Found, base: int, at: int, end: int, seed: np.uint64) -> int:
    """A ``TimeSeries`` of 1.0: 1 labels, 2 samples, 3 exemplars, 4 histograms."""
    series = open_series(found)
    if series < 0:
        return TOO_MANY
    h, labels, size = seed, 0, 0
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return MALFORMED
        if tag not in (10, 18, 26, 34):
            at = skip(tag & 7, at, end)
            if at < 0:
                return MALFORMED
            continue
        inner, at = chunk(at, end)
        if at < 0:
            return MALFORMED
        status = OK
        if tag == 10:
            name, name_end, value, value_end = two_texts(inner, at)
            if name < 0:
                return MALFORMED
            labels += 1
            size += at - inner
            if labels <= SERIES_LABELS:
                h = fold(fold(h, digest(name, name_end, seed)), digest(value, value_end, seed))
                status = put_label(found, base, name, name_end, value, value_end)
        elif tag == 18:
            status = put_sample(found, series, inner, at)
        elif tag == 34:
            status = put_histogram(found, series, inner, at)
        else:
            found.counts[N_EXEMPLARS] += 1
        if status != OK:
            return status
    found.key[series], found.labels[series] = h, min(labels, SERIES_LABELS)
    if labels > SERIES_LABELS:
        found.flag[series] = MANY_LABELS
    elif size > SERIES_BYTES:
        found.flag[series] = LONG_LABELS
    return OK


@kernel
def walk_one(data: NDArray[np.uint8], seed: np.uint64, found: Found) -> int:
    """``prometheus.WriteRequest``: 1 time series, 3 metadata. Answers a status; ``found`` holds what came before it."""
    base = address_of(data)
    at, end = base, base + len(data)
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return MALFORMED
        if tag == 10:
            inner, at = chunk(at, end)
            if at < 0:
                return MALFORMED
            status = _series(found, base, inner, at, seed)
            if status != OK:
                return status
        elif tag == 26:
            inner, at = chunk(at, end)
            if at < 0:
                return MALFORMED
            kind, name, name_end = family(inner, at)
            if kind < 0:
                return MALFORMED
            n = found.counts[N_METADATA]
            if n < len(found.metadata):
                found.metadata[n, 0], found.metadata[n, 1], found.metadata[n, 2] = kind, name - base, name_end - base
                found.counts[N_METADATA] = n + 1
        else:
            at = skip(tag & 7, at, end)
            if at < 0:
                return MALFORMED
    return OK
