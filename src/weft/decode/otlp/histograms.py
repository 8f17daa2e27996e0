"""Distributions as values that a row can hold: how many, their sum, buckets or quantiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

QUANTILES = (0.5, 0.9, 0.99)
_MOST_BUCKETS = 1024


def bound(value: float) -> str:
    """A bucket's upper bound as Prometheus writes it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) + ".0" if value == int(value) and abs(value) < 1e15 else repr(value)


def buckets(point: Any) -> Iterator[tuple[str, float]]:
    """Upper bound and number of all values up to it, of a ``HistogramDataPoint``; nothing where the two do not fit."""
    bounds, counts = point.explicit_bounds, point.bucket_counts
    if not counts or len(counts) != len(bounds) + 1 or len(counts) > _MOST_BUCKETS:
        return
    so_far = 0
    for upper, inside in zip([*bounds, math.inf], counts, strict=True):
        so_far += inside
        yield bound(upper), float(so_far)


def quantiles(point: Any, wanted: Sequence[float] = QUANTILES) -> list[tuple[float, float]]:
    """Quantiles of an ``ExponentialHistogramDataPoint``: the geometric middle of the bucket that each falls in.

    With scale ``s`` bucket ``i`` spans (b^i, b^(i+1)] for b = 2^(2^-s); the error is at most half a bucket.
    """
    if not -11 <= point.scale <= 20:
        return []
    rows = list(_spans(point))
    total = sum(inside for _, inside in rows)
    out: list[tuple[float, float]] = []
    for q in wanted if total else ():
        so_far = 0
        for middle, inside in rows:
            so_far += inside
            if so_far >= q * total:
                out.append((q, middle))
                break
    return out


def _spans(point: Any) -> Iterator[tuple[float, int]]:
    """Middle and count of each bucket, lowest first."""
    step = 2.0**-point.scale
    below = [(point.negative.offset + i, n) for i, n in enumerate(point.negative.bucket_counts[:_MOST_BUCKETS])]
    for index, inside in reversed(below):
        yield -_middle(index, step), inside
    yield 0.0, point.zero_count
    for i, inside in enumerate(point.positive.bucket_counts[:_MOST_BUCKETS]):
        yield _middle(point.positive.offset + i, step), inside


def _middle(index: int, step: float) -> float:
    return math.exp2(max(-1022.0, min(1023.0, (index + 0.5) * step)))
