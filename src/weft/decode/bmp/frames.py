"""Cutting a BMP stream into messages, compiled (RFC 7854 §4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import be8, be16, be32, inlined, kernel

COMMON, PER_PEER, BGP = 6, 42, 19
ROUTE_MONITORING = 0
_MOST = 1 << 16  # frames of one call
_UPDATE = 2


@kernel
def cut(
    data: NDArray[np.uint8],
    first: int,
    longest: int,
    start: NDArray[np.int64],
    kind: NDArray[np.uint8],
    same: NDArray[np.bool_],
) -> tuple[int, int, bool]:
    """Whole messages from ``first`` on: how many, where the next begins, and whether the framing held.

    ``start`` has one place more than there can be messages. ``same``: a Route Monitoring of a single UPDATE of the same
    peer, with the same flags, as the message before it.
    """
    count, at = 0, first
    before = -1
    while count < len(kind):
        if at + COMMON > len(data):
            break
        length = be32(data, at + 1)
        if data[at] != 3 or length < COMMON or length > longest:
            start[count] = at
            return count, at, False
        if at + length > len(data):
            break
        start[count] = at
        kind[count] = data[at + 5]
        plain = kind[count] == ROUTE_MONITORING and _is_one_update(data, at, length)
        same[count] = plain and before >= 0 and _is_same_peer(data, before, at)
        before = at if plain else -1
        at += length
        count += 1
    start[count] = at
    return count, at, True


@inlined
def _is_one_update(data: NDArray[np.uint8], at: int, length: int) -> bool:
    message = at + COMMON + PER_PEER
    if length < COMMON + PER_PEER + BGP:
        return False
    return be16(data, message + 16) == length - COMMON - PER_PEER and be8(data, message + 18) == _UPDATE


@inlined
def _is_same_peer(data: NDArray[np.uint8], one: int, two: int) -> bool:
    for at in range(COMMON, COMMON + PER_PEER - 8):  # all but the time stamp
        if data[one + at] != data[two + at]:
            return False
    return True
