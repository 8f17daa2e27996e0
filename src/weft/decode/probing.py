"""Open addressing over arrays of 64-bit keys, for kernels: the step that several hash tables share.

Tables have a power of two places, at most half of them in use; key 0 marks a free one. Keys must be spread already, and
seeded where a sender could choose what they are made of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel


@inlined
def mixed(h: np.uint64) -> np.uint64:
    """Spread the bits of a word (the finaliser of murmur3)."""
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@kernel
def place(keys: NDArray[np.uint64], key: np.uint64) -> int:
    """Where ``key`` is, or the free place where it belongs."""
    mask = np.uint64(len(keys) - 1)
    at = key & mask
    while keys[at] != np.uint64(0) and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)
