"""Sketches: counts, distinct counts and heaviest keys of a stream, in memory that is fixed beforehand.

Whatever keys arrive, made up or not, nothing here grows. Kernels are compiled without the interpreter's lock. Keys are
64-bit hashes (``hash_keys``, ``hash_pairs``); 0 is no key.

* ``CountMin``: count-min with conservative update (Cormode and Muthukrishnan 2005, Estan and Varghese 2002).
* ``HyperLogLogs``: many distinct counters at once (Flajolet et al. 2007; small counts linearly, Whang et al. 1990).
* ``HeavyKeys``: the heaviest keys, each with a slot for what the caller remembers of it. Set-associative
  Space-Saving (Metwally et al. 2005) whose newcomers displace the lightest at random (Ben Basat et al. 2017), so that
  millions of keys that come once do not drive out those that stay.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
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
def _hash_pairs(high, low, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = mix_two(high[i], low[i])


def hash_pairs(high: Keys, low: Keys) -> Keys:
    """Keys of pairs of 64-bit integers."""
    out = np.empty(len(low), np.uint64)
    _hash_pairs(high, low, out)
    return out


def hash_keys(values: Keys) -> Keys:
    """Keys of 64-bit integers."""
    return hash_pairs(np.zeros(len(values), np.uint64), values)


# --- counts ----------------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True)
def _count(cells, keys, weights):  # type: ignore[no-untyped-def]
    depth, width = cells.shape
    mask = np.uint64(width - 1)
    for i in range(len(keys)):
        least = np.inf
        for d in range(depth):
            least = min(least, cells[d, mix(keys[i] + np.uint64(d)) & mask])
        for d in range(depth):
            at = mix(keys[i] + np.uint64(d)) & mask
            cells[d, at] = max(cells[d, at], least + weights[i])


@numba.njit(cache=True, nogil=True)
def _counted(cells, keys, out):  # type: ignore[no-untyped-def]
    depth, width = cells.shape
    mask = np.uint64(width - 1)
    for i in range(len(keys)):
        least = np.inf
        for d in range(depth):
            least = min(least, cells[d, mix(keys[i] + np.uint64(d)) & mask])
        out[i] = least


class CountMin:
    """Weights by key; never less than the truth, and rarely more by over 2/width of all that was added."""

    def __init__(self, width: int = 1 << 16, depth: int = 4) -> None:
        self.cells = np.zeros((depth, 1 << max(4, (width - 1).bit_length())), np.float64)

    def add(self, keys: Keys, weights: NDArray[np.float64]) -> None:
        """Add a weight to each key."""
        _count(self.cells, keys, weights)

    def estimate(self, keys: Keys) -> NDArray[np.float64]:
        """Weight of each key."""
        out = np.empty(len(keys))
        _counted(self.cells, keys, out)
        return out

    def fade(self, share: float) -> None:
        """Keep only a share of everything: what was long ago counts less."""
        self.cells *= share

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return int(self.cells.nbytes)


# --- distinct counts -------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True, inline="always")
def note_distinct(registers, key):  # type: ignore[no-untyped-def]
    """Tell a row of registers (a power of two of uint8) of a key. Returns whether it changed them."""
    h = mix(key ^ np.uint64(0xD1B54A32D192ED03))
    at = h & np.uint64(len(registers) - 1)
    rest = h >> np.uint64(16)
    rank = 1
    while rank < 48 and not rest & np.uint64(1):
        rest >>= np.uint64(1)
        rank += 1
    if rank > registers[at]:
        registers[at] = rank
        return True
    return False


@numba.njit(cache=True, nogil=True)
def distinct(registers):  # type: ignore[no-untyped-def]
    """How many different keys a row of registers was told of, about."""
    m = len(registers)
    total, empty = 0.0, 0
    for k in range(m):
        total += 2.0 ** -float(registers[k])
        empty += registers[k] == 0
    alpha = 0.673 if m <= 16 else 0.697 if m <= 32 else 0.709 if m <= 64 else 0.7213 / (1 + 1.079 / m)
    raw = alpha * m * m / total
    if raw <= 2.5 * m and empty:
        return m * np.log(m / empty)
    return raw


@numba.njit(cache=True, nogil=True)
def _note_all(registers, rows, keys):  # type: ignore[no-untyped-def]
    for i in range(len(keys)):
        note_distinct(registers[rows[i]], keys[i])


@numba.njit(cache=True, nogil=True)
def _distinct_all(registers, rows, out):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        out[i] = distinct(registers[rows[i]])


class HyperLogLogs:
    """Distinct counters in rows. Of m registers each the error is about 1.04/√m: 64 are 13 %, 1024 are 3 %."""

    def __init__(self, rows: int, registers: int = 64) -> None:
        self.registers = np.zeros((rows, int(1 << max(4, (registers - 1).bit_length()))), np.uint8)

    def add(self, rows: NDArray[np.int64], keys: Keys) -> None:
        """Tell the counter ``rows[i]`` of ``keys[i]``."""
        _note_all(self.registers, rows, keys)

    def estimate(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """About how many different keys each of these counters was told of."""
        out = np.empty(len(rows))
        _distinct_all(self.registers, rows, out)
        return out

    def clear(self, rows: NDArray[np.int64]) -> None:
        """Begin anew with these counters."""
        self.registers[rows] = 0

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return int(self.registers.nbytes)


# --- heaviest keys ---------------------------------------------------------------------------------------------------


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


@numba.njit(cache=True, nogil=True)
def _claim_all(keys, weights, turns, wanted, added, slots, fresh):  # type: ignore[no-untyped-def]
    for i in range(len(wanted)):
        slots[i], fresh[i] = claim(keys, weights, turns, wanted[i], added[i])


class HeavyKeys:
    """At most ``slots`` keys, the heaviest as far as one can tell, each at a slot of its own while it stays.

    The caller keeps arrays beside it, indexed by slot, and clears a slot that is said to be new.
    """

    def __init__(self, slots: int) -> None:
        count = int(1 << max(3, (slots - 1).bit_length()))
        self.keys = np.zeros(count, np.uint64)
        self.weights = np.zeros(count, np.float32)
        self.turns = np.zeros(1, np.uint64)

    def __len__(self) -> int:
        return len(self.keys)

    def claim(self, keys: Keys, weights: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Slots of keys (−1: not let in), each after the one before, and which are new where they are."""
        slots, fresh = np.empty(len(keys), np.int64), np.empty(len(keys), np.bool_)
        _claim_all(self.keys, self.weights, self.turns, keys, weights, slots, fresh)
        return slots, fresh

    def fade(self, share: float) -> None:
        """Keep only a share of every weight: what was heavy long ago gives way sooner."""
        self.weights *= np.float32(share)

    def drop(self, slots: NDArray[np.int64]) -> None:
        """Forget the keys of these slots."""
        self.keys[slots] = 0
        self.weights[slots] = 0

    @property
    def bytes_used(self) -> int:
        """Octets of memory, without what the caller keeps beside it."""
        return int(self.keys.nbytes + self.weights.nbytes)
