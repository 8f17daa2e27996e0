"""Tables of the heaviest keys of a stream, in memory that is fixed beforehand, as kernels for other kernels to call.

Whatever keys arrive, made up or not, nothing here grows. Keys are 64-bit hashes (``mix_two``); 0 is no key. Each key
has a slot, at which the caller keeps what it remembers of it; a slot that is said to be new is the caller's to clear.
Set-associative Space-Saving (Metwally et al. 2005) whose newcomers displace the lightest at random (Ben Basat et al.
2017), so that millions of keys that come once do not drive out those that stay.
"""

from __future__ import annotations

import numba
import numpy as np

_WAYS = 8


@numba.njit(cache=True, nogil=True, inline="always")
def mix(x):  # type: ignore[no-untyped-def]
    """A 64-bit integer stirred (finaliser of SplitMix64, Steele et al. 2014)."""
    x = np.uint64(x)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@numba.njit(cache=True, nogil=True, inline="always")
def mix_two(high, low):  # type: ignore[no-untyped-def]
    """A key of two 64-bit integers, e.g. of an address; never 0."""
    return mix(mix(np.uint64(high) + np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(low)) | np.uint64(1)


@numba.njit(cache=True, nogil=True)
def claim(keys, weights, turns, key, weight):  # type: ignore[no-untyped-def]
    """The slot of a key, its weight added. (slot, is it new there); (-1, False) where it was not let in.

    ``keys`` is uint64 [slots], ``weights`` float32 [slots], ``turns`` uint64 [1] (the dice). Slots are a power of two.
    """
    sets = np.uint64(len(keys) // _WAYS)
    first = np.int64(mix(key) & (sets - np.uint64(1))) * _WAYS
    lightest = first
    for way in range(_WAYS):
        if keys[first + way] == key:
            weights[first + way] += np.float32(weight)
            return first + way, False
        if weights[first + way] < weights[lightest]:
            lightest = first + way
    had = weights[lightest] if keys[lightest] else np.float32(0)
    if had > 0:
        turns[0] += np.uint64(0x9E3779B97F4A7C15)
        lot = np.float64(mix(turns[0]) >> np.uint64(11)) / 9007199254740992.0
        if lot * (had + weight) > weight:
            return -1, False
    keys[lightest] = key
    weights[lightest] = had + np.float32(weight)
    return lightest, True


@numba.njit(cache=True, nogil=True)
def seek(keys, key):  # type: ignore[no-untyped-def]
    """The slot of a key; -1 where it has none."""
    sets = np.uint64(len(keys) // _WAYS)
    first = np.int64(mix(key) & (sets - np.uint64(1))) * _WAYS
    for at in range(first, first + _WAYS):
        if keys[at] == key:
            return at
    return -1
