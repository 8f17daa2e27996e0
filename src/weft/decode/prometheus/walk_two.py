"""Walks over the bytes of an ``io.prometheus.write.v2.Request`` (remote write 2.0); otherwise as ``walk_one``.

All text is in one table of symbols that labels refer to, so each symbol is hashed once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.decode.memory import address_of
from weft.decode.prometheus.found import (
    BAD_LABELS,
    BAD_REFERENCE,
    LONG_LABELS,
    MALFORMED,
    MANY_LABELS,
    N_EXEMPLARS,
    N_SAMPLES,
    OK,
    SERIES_BYTES,
    SERIES_LABELS,
    TOO_MANY,
    Found,
)
from weft.decode.prometheus.messages import open_series, put_histogram, put_label, put_sample
from weft.decode.prometheus.wire import chunk, digest, fold, skip, varint


@kernel
def _references(
    found: Found, base: int, at: int, end: int, symbols: NDArray[np.int64], hashes: NDArray[np.uint64], n_symbols: int,
    h: np.uint64, labels: int, size: int, pending: int,
) -> tuple[int, np.uint64, int, int, int]:  # fmt: skip
    """Label references from ``at`` to ``end``; ``pending`` is a name whose value is still to come, or -1."""
    while at < end:
        one, at = varint(at, end)
        if at < 0:
            return MALFORMED, h, labels, size, pending
        if one < 0 or one >= n_symbols:
            return BAD_REFERENCE, h, labels, size, pending
        if pending < 0:
            pending = one
            continue
        name, name_end = symbols[pending, 0], symbols[pending, 1]
        value, value_end = symbols[one, 0], symbols[one, 1]
        labels += 1
        size += name_end - name + value_end - value
        if labels <= SERIES_LABELS:
            h = fold(fold(h, hashes[pending]), hashes[one])
            status = put_label(found, base, name, name_end, value, value_end)
            if status != OK:
                return status, h, labels, size, pending
        pending = -1
    return OK, h, labels, size, pending


@kernel
def _kind_of(at: int, end: int) -> int:
    """The type that a ``Metadata`` of 2.0 gives; -1 where malformed."""
    kind = 0
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return -1
        if tag == 8:
            kind, at = varint(at, end)
        else:
            at = skip(tag & 7, at, end)
        if at < 0:
            return -1
    return kind if 0 <= kind <= 255 else 0


@kernel
def _close(
    found: Found, series: int, first_sample: int, created: int, h: np.uint64, labels: int, size: int, pending: int
) -> None:
    """Note what is known at the end of a series; its own start time holds for samples that give none."""
    for i in range(first_sample, found.counts[N_SAMPLES]):
        if found.start_ms[i] == 0:
            found.start_ms[i] = created
    found.key[series], found.labels[series] = h, min(labels, SERIES_LABELS)
    if labels > SERIES_LABELS:
        found.flag[series] = MANY_LABELS
    elif size > SERIES_BYTES:
        found.flag[series] = LONG_LABELS
    elif pending >= 0:
        found.flag[series] = BAD_LABELS


@kernel
def _series(
    found: Found, base: int, at: int, end: int, seed: np.uint64,
    symbols: NDArray[np.int64], hashes: NDArray[np.uint64], n_symbols: int,
) -> int:  # fmt: skip
    """A ``TimeSeries`` of 2.0: 1 label references, 2 samples, 3 histograms, 4 exemplars, 5 metadata, 6 created."""
    series = open_series(found)
    if series < 0:
        return TOO_MANY
    h, labels, size, pending, created = seed, 0, 0, -1, 0
    first_sample = found.counts[N_SAMPLES]
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return MALFORMED
        status = OK
        if tag in (10, 18, 26, 34, 42):
            inner, at = chunk(at, end)
            if at < 0:
                return MALFORMED
            if tag == 10:
                status, h, labels, size, pending = _references(
                    found, base, inner, at, symbols, hashes, n_symbols, h, labels, size, pending
                )
            elif tag == 18:
                status = put_sample(found, series, inner, at)
            elif tag == 26:
                status = put_histogram(found, series, inner, at)
            elif tag == 34:
                found.counts[N_EXEMPLARS] += 1
            else:
                kind = _kind_of(inner, at)
                status = MALFORMED if kind < 0 else OK
                found.kind[series] = max(kind, 0)
        elif tag == 8:  # one reference, not packed
            _, after = varint(at, end)
            status, h, labels, size, pending = _references(
                found, base, at, after, symbols, hashes, n_symbols, h, labels, size, pending
            )
            at = after
        elif tag == 48:
            created, at = varint(at, end)
        else:
            at = skip(tag & 7, at, end)
        if status != OK:
            return status
        if at < 0:
            return MALFORMED
    _close(found, series, first_sample, created, h, labels, size, pending)
    return OK


@kernel
def _symbols(
    base: int, end: int, seed: np.uint64, symbols: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> tuple[int, int]:
    """Where the symbols are and their hashes: they may stand after what refers to them."""
    at, n = base, 0
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return MALFORMED, n
        if tag == 34:
            inner, at = chunk(at, end)
            if at < 0:
                return MALFORMED, n
            if n >= len(symbols):
                return TOO_MANY, n
            symbols[n, 0], symbols[n, 1] = inner, at
            hashes[n] = digest(inner, at, seed)
            n += 1
        else:
            at = skip(tag & 7, at, end)
            if at < 0:
                return MALFORMED, n
    return OK, n


@kernel
def walk_two(
    data: NDArray[np.uint8], seed: np.uint64, found: Found, symbols: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> int:
    """``io.prometheus.write.v2.Request``: 4 symbols, 5 time series."""
    base = address_of(data)
    at, end = base, base + len(data)
    status, n_symbols = _symbols(base, end, seed, symbols, hashes)
    if status != OK:
        return status
    while at < end:
        tag, at = varint(at, end)
        if at < 0:
            return MALFORMED
        if tag == 42:
            inner, at = chunk(at, end)
            if at < 0:
                return MALFORMED
            status = _series(found, base, inner, at, seed, symbols, hashes, n_symbols)
            if status != OK:
                return status
        else:
            at = skip(tag & 7, at, end)
            if at < 0:
                return MALFORMED
    return OK
