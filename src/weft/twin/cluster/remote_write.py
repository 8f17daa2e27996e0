"""Prometheus remote write 1.0, as a sender: series of samples as the body of a request.

https://prometheus.io/docs/specs/prw/remote_write_spec/; messages of ``prompb.WriteRequest``, in snappy's block format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: A sample: tag and length, tag and double, tag and varint of six octets (milliseconds from 2004 to 2109).
_SAMPLE = np.dtype([("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)])


def head(labels: Mapping[str, str]) -> bytes:
    """The labels of a series, in the order that the protocol wants."""
    return b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels.items())
    )


def times(stamps_s: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Times as varints of milliseconds: ``[time, octet]``."""
    ms = np.round(stamps_s * 1e3).astype(np.int64)
    octets = (ms[:, None] >> (7 * np.arange(6)) & 0x7F).astype(np.uint8)
    octets[:, :5] |= 0x80
    return octets


def counter(name: str) -> bytes:
    """What tells a receiver that the metrics of a name are counters."""
    return _field(3, bytes((1 << 3, 1)) + _field(2, name.encode()))


def body(
    heads: Iterable[bytes], stamps: NDArray[np.uint8], values: NDArray[np.float64], counters: bytes = b""
) -> bytes:
    """A request: the series with these labels, ``values[time, series]`` at the times ``stamps``, and which count."""
    samples = np.empty((values.shape[1], len(stamps)), _SAMPLE)
    samples["head"] = (2 << 3 | 2, 16, 1 << 3 | 1)
    samples["value"] = values.T
    samples["tag"] = 2 << 3
    samples["time"] = stamps
    plain = b"".join(_field(1, one + samples[number].tobytes()) for number, one in enumerate(heads))
    packed: bytes = pa.Codec("snappy").compress(plain + counters, asbytes=True)
    return packed


def _field(number: int, payload: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
