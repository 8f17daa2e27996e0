"""Hash tables in plain arrays, so that kernels can look up streams, templates and samplers without the interpreter.

Open addressing with linear probing; key 0 marks an empty place, so callers never use it as a key. A random seed per
table keeps a sender from choosing keys that collide.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.decode.memory import get_word

_C1 = np.uint64(0xBF58476D1CE4E5B9)
_C2 = np.uint64(0x94D049BB133111EB)


@inlined
def mix(value: np.uint64) -> np.uint64:
    """Spread the bits of a 64-bit word (the finaliser of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * _C1
    value = (value ^ (value >> np.uint64(27))) * _C2
    return value ^ (value >> np.uint64(31))


@inlined
def _spread(word: int) -> int:
    """``mix`` for signed numbers."""
    return int(np.int64(mix(np.uint64(word))))


class Map(NamedTuple):
    """An ``IntMap`` as kernels see it: where its entries lie, their number less one, and its seed."""

    entries: int
    mask: int
    seed: int


@kernel
def lookup(table: Map, key: int) -> int:
    """The value of ``key``, or -1."""
    at = _spread(key ^ table.seed) & table.mask
    while True:
        entry = table.entries + 16 * at
        found = get_word(entry)
        if found == key:
            return get_word(entry + 8)
        if found == 0:
            return -1
        at = (at + 1) & table.mask


@kernel
def store(entries: NDArray[np.int64], seed: int, key: int, value: int) -> bool:
    """Set ``key`` to ``value``; true when the key is new. There must be an empty place."""
    mask = len(entries) - 1
    at = _spread(key ^ seed) & mask
    while entries[at, 0] != 0:
        if entries[at, 0] == key:
            entries[at, 1] = value
            return False
        at = (at + 1) & mask
    entries[at, 0], entries[at, 1] = key, value
    return True


@kernel
def _fill(entries: NDArray[np.int64], seed: int, kept: NDArray[np.int64]) -> None:
    for i in range(len(kept)):
        store(entries, seed, kept[i, 0], kept[i, 1])


class IntMap:
    """A growable map between ``int64`` numbers that kernels read with ``lookup``; no key is 0."""

    def __init__(self, size: int = 1024) -> None:
        self._seed = secrets.randbits(62)
        self._count = 0
        self.entries = np.zeros((size, 2), np.int64)

    def view(self) -> Map:
        """For kernels; holds until the next ``put`` or ``keep``."""
        return Map(self.entries.ctypes.data, len(self.entries) - 1, self._seed)

    def get(self, key: int) -> int:
        """The value of ``key``, or -1."""
        return int(lookup(self.view(), key))

    def put(self, key: int, value: int) -> None:
        """Set a key."""
        if 2 * (self._count + 1) > len(self.entries):
            self._rebuild(2 * len(self.entries), self.entries[:, 0] != 0)
        self._count += bool(store(self.entries, self._seed, key, value))

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Drop every entry that is not wanted."""
        self._rebuild(len(self.entries), wanted & (self.entries[:, 0] != 0))

    def _rebuild(self, size: int, wanted: NDArray[np.bool_]) -> None:
        kept = self.entries[wanted]
        self.entries = np.zeros((size, 2), np.int64)
        self._count = len(kept)
        _fill(self.entries, self._seed, kept)
