"""Hash tables in plain arrays, so that kernels can look up streams, templates and samplers without the interpreter.

Open addressing with linear probing over ``uint64`` keys; key 0 marks an empty place, so callers never use it as a key.
A random seed per process keeps a sender from choosing keys that collide.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel

_C1 = np.uint64(0xBF58476D1CE4E5B9)
_C2 = np.uint64(0x94D049BB133111EB)


@kernel
def mix(value: np.uint64) -> np.uint64:
    """Spread the bits of a 64-bit word (the finaliser of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * _C1
    value = (value ^ (value >> np.uint64(27))) * _C2
    return value ^ (value >> np.uint64(31))


@kernel
def lookup(keys: NDArray[np.uint64], values: NDArray[np.int64], seed: np.uint64, key: np.uint64) -> int:
    """The value of ``key``, or -1."""
    mask = np.uint64(len(keys) - 1)
    at = mix(key ^ seed) & mask
    while keys[at] != np.uint64(0):
        if keys[at] == key:
            return values[at]
        at = (at + np.uint64(1)) & mask
    return -1


@kernel
def store(keys: NDArray[np.uint64], values: NDArray[np.int64], seed: np.uint64, key: np.uint64, value: int) -> bool:
    """Set ``key`` to ``value``; true when the key is new. There must be an empty place."""
    mask = np.uint64(len(keys) - 1)
    at = mix(key ^ seed) & mask
    while keys[at] != np.uint64(0):
        if keys[at] == key:
            values[at] = value
            return False
        at = (at + np.uint64(1)) & mask
    keys[at] = key
    values[at] = value
    return True


class IntMap:
    """A growable map from non-zero ``uint64`` to ``int64`` whose arrays kernels read with ``lookup``."""

    def __init__(self, size: int = 1024) -> None:
        self.seed = np.uint64(secrets.randbits(64))
        self.count = 0
        self.keys = np.zeros(size, np.uint64)
        self.values = np.zeros(size, np.int64)

    def get(self, key: int) -> int:
        """The value of ``key``, or -1."""
        return int(lookup(self.keys, self.values, self.seed, np.uint64(key)))

    def put(self, key: int, value: int) -> None:
        """Set a key."""
        if 2 * (self.count + 1) > len(self.keys):
            self._rebuild(2 * len(self.keys), self.keys != 0)
        self.count += bool(store(self.keys, self.values, self.seed, np.uint64(key), value))

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Drop every entry whose place in ``keys`` is not wanted."""
        self._rebuild(len(self.keys), wanted & (self.keys != 0))

    def _rebuild(self, size: int, wanted: NDArray[np.bool_]) -> None:
        keys, values = self.keys[wanted], self.values[wanted]
        self.keys, self.values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
        self.count = len(keys)
        for key, value in zip(keys, values, strict=True):
            store(self.keys, self.values, self.seed, key, int(value))
