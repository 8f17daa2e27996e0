"""A table that finds the number of a path by its bytes, for the kernels that walk messages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel

SEED = 0x9E3779B97F4A7C15


class Slots(NamedTuple):
    """An open-addressed table of paths: a power of two slots, never full."""

    key: NDArray[np.uint64]
    number: NDArray[np.int32]


def slots(size: int) -> Slots:
    """An empty table of ``size`` slots."""
    return Slots(np.zeros(size, np.uint64), np.zeros(size, np.int32))


@inlined
def word(data: NDArray[np.uint8], at: int, size: int) -> np.uint64:
    """``size`` bytes, least significant first."""
    word = np.uint64(0)
    for i in range(size):
        word |= np.uint64(data[np.uint64(at + i)]) << np.uint64(8 * i)
    return word


@inlined
def _mixed(h: np.uint64) -> np.uint64:
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@kernel
def hashed(data: NDArray[np.uint8], at: int, size: int, seed: np.uint64) -> np.uint64:
    """64 bits of ``size`` bytes; never 0, which marks a free slot."""
    h = seed ^ np.uint64(size)
    end = at + size
    while at + 8 <= end:
        h = _mixed(h ^ word(data, at, 8))
        at += 8
    if at < end:
        h = _mixed(h ^ word(data, at, end - at))
    return _mixed(h + np.uint64(SEED)) | np.uint64(1)


@kernel
def find(table: Slots, key: np.uint64) -> int:
    """Number of an entry; -1 = not there."""
    mask = np.uint64(len(table.key) - 1)
    at = key & mask
    while table.key[at] != np.uint64(0):
        if table.key[at] == key:
            return int(table.number[at])
        at = (at + np.uint64(1)) & mask
    return -1


@kernel
def insert(table: Slots, key: np.uint64, number: int) -> None:
    """Put an entry into a table that has a free slot."""
    mask = np.uint64(len(table.key) - 1)
    at = key & mask
    while table.key[at] != np.uint64(0) and table.key[at] != key:
        at = (at + np.uint64(1)) & mask
    table.key[at], table.number[at] = key, number


@kernel
def grow(old: Slots, new: Slots) -> None:
    """Everything of the old table into the new, larger one."""
    for i in range(len(old.key)):
        if old.key[i] != np.uint64(0):
            insert(new, old.key[i], int(old.number[i]))
