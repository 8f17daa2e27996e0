"""The protobuf wire format, as far as remote write needs it, at addresses whose bounds the caller passes along.

Every read is preceded by a comparison with ``end``; a position of -1 means that the bytes do not hold what they should.
"""

from __future__ import annotations

import numpy as np

from weft.decode.flow.hashing import mix
from weft.decode.kernels import inlined
from weft.decode.memory import get8, get32_little, get_word

BAD = -1
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xD6E8FEB86659FD93)


@inlined
def varint(at: int, end: int) -> tuple[int, int]:
    """A base-128 number as ``int64`` and the position after it; at most ten bytes."""
    if at < end:
        first = get8(at)
        if first < 0x80:
            return first, at + 1
    value, shift = np.int64(0), np.int64(0)
    while shift < 70:
        if at >= end:
            return 0, -1
        byte = get8(at)
        at += 1
        if shift < 64:
            value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return int(value), at
        shift += 7
    return 0, -1


@inlined
def chunk(at: int, end: int) -> tuple[int, int]:
    """Where a length-delimited field's bytes begin and end; -1 where the length leads beyond ``end``."""
    length, at = varint(at, end)
    if at < 0 or length < 0 or length > end - at:
        return -1, -1
    return at, at + length


@inlined
def skip(wire: int, at: int, end: int) -> int:
    """The position after a field that nobody asked for."""
    if wire == 0:
        _, at = varint(at, end)
        return at
    if wire == 2:
        _, at = chunk(at, end)
        return at
    size = 8 if wire == 1 else 4 if wire == 5 else -1
    if size < 0 or size > end - at:
        return -1
    return at + size


@inlined
def digest(at: int, end: int, seed: np.uint64) -> np.uint64:
    """A 64-bit hash of the bytes; ``seed`` is secret, so that nobody can choose names that collide."""
    h = seed ^ (np.uint64(end - at) * _K1)
    while end - at >= 8:
        h = (h ^ np.uint64(get_word(at))) * _K1
        h ^= h >> np.uint64(29)
        at += 8
    tail, shift = np.uint64(0), np.uint64(0)
    if end - at >= 4:
        tail, shift = np.uint64(get32_little(at)), np.uint64(32)
        at += 4
    while at < end:
        tail |= np.uint64(get8(at)) << shift
        shift += np.uint64(8)
        at += 1
    return mix((h ^ tail) * _K2)


@inlined
def fold(h: np.uint64, part: np.uint64) -> np.uint64:
    """A hash of a sequence, by adding one part's."""
    return mix(h * _K2 + part)
