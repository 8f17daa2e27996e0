"""Snappy's block format, as remote write uses it: the length that the block itself announces is checked first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.errors import InvalidInput

_MOST_VARINT = 5  # bytes: the format's own bound is 32 bits


def decompress(block: bytes, most: int) -> NDArray[np.uint8]:
    """The bytes in ``block``. Raises ``InvalidInput`` where it is not snappy, or holds more than ``most`` bytes."""
    size = announced(block)
    if size > most:
        raise InvalidInput(f"holds {size} bytes when decompressed, more than {most}", where="body", fix="Send less.")
    if size == 0:
        return np.empty(0, np.uint8)
    try:
        plain: Any = pa.Codec("snappy").decompress(block, decompressed_size=size)
    except (OSError, ValueError, pa.ArrowException):
        raise InvalidInput("is not a snappy block", where="body") from None
    return np.frombuffer(plain, np.uint8)


def announced(block: bytes) -> int:
    """How long the block says it is when decompressed."""
    size = 0
    for i, byte in enumerate(block[:_MOST_VARINT]):
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return size
    raise InvalidInput("is not a snappy block", where="body", fix="Send Content-Encoding: snappy (block format).")
