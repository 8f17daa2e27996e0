"""Files that hold flow messages and nothing else: one datagram, or IPFIX messages in a row (RFC 5655)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import be16, kernel

_IPFIX = b"\x00\x0a"
_SFLOW = b"\x00\x00\x00\x05"
_OTHERS = (b"\x00\x05", b"\x00\x09")


def knows(head: bytes) -> bool:
    """Whether a file that begins so is a flow message, intact or not."""
    return head[:2] == _IPFIX or head[:2] in _OTHERS or head[:4] == _SFLOW


def split(data: NDArray[np.uint8], at: int, most: int, is_last: bool) -> tuple[NDArray[np.int64], int, str | None]:
    """([start, length] of up to ``most`` messages from ``at`` on, where to go on, why it ends).

    Only IPFIX messages say how long they are; anything else is one datagram up to the end of the file.
    """
    if data[at : at + 2].tobytes() != _IPFIX:
        if not is_last:
            return np.empty((0, 2), np.int64), at, None
        rows = np.array([[at, len(data) - at]], np.int64) if at < len(data) else np.empty((0, 2), np.int64)
        return rows, len(data), None
    rows = np.empty((most, 2), np.int64)
    count, after, is_broken = _split_ipfix(data, at, is_last, rows)
    return rows[:count], after, "message_bad_length" if is_broken else None


@kernel
def _split_ipfix(data: NDArray[np.uint8], at: int, is_last: bool, rows: NDArray[np.int64]) -> tuple[int, int, bool]:
    """(messages found, where to go on, whether what follows is no message)."""
    count, end = 0, len(data)
    while count < len(rows) and at < end:
        if at + 4 > end:
            return count, end if is_last else at, is_last
        size = be16(data, at + 2)
        if be16(data, at) != 10 or size < 16:
            return count, end, True
        if at + size > end:
            if not is_last:
                return count, at, False
            rows[count, 0], rows[count, 1] = at, end - at
            return count + 1, end, True
        rows[count, 0], rows[count, 1] = at, size
        count += 1
        at += size
    return count, at, False
