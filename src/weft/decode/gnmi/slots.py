"""A table that finds the number of a path by its bytes, for the kernels that walk messages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.decode.probing import mixed, place

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


@kernel
def hashed(data: NDArray[np.uint8], at: int, size: int, seed: np.uint64) -> np.uint64:
    """64 bits of ``size`` bytes; never 0, which marks a free slot."""
    h = seed ^ np.uint64(size)
    end = at + size
    while at + 8 <= end:
        h = mixed(h ^ word(data, at, 8))
        at += 8
    if at < end:
        h = mixed(h ^ word(data, at, end - at))
    return mixed(h + np.uint64(SEED)) | np.uint64(1)


@kernel
def find(table: Slots, key: np.uint64) -> int:
    """Number of an entry; -1 = not there."""
    at = place(table.key, key)
    return int(table.number[at]) if table.key[at] == key else -1


@kernel
def insert(table: Slots, key: np.uint64, number: int) -> None:
    """Put an entry into a table that has a free slot."""
    at = place(table.key, key)
    table.key[at], table.number[at] = key, number


@kernel
def grow(old: Slots, new: Slots) -> None:
    """Everything of the old table into the new, larger one."""
    for i in range(len(old.key)):
        if old.key[i] != np.uint64(0):
            insert(new, old.key[i], int(old.number[i]))
