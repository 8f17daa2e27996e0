"""What is usual of routes, each fact as a key of 64 bits with when it was first and last so: an open hash table.

Twenty octets a place; it grows as it fills, and when it may grow no more, what was not seen for longest makes room.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
_LEAST_PLACES = 1 << 12
_EMPTY = np.uint64(0)


class Usual:
    """Facts, with a number each (whatever the caller wants to know of it again). Times are whole UTC seconds."""

    def __init__(self, most: int = 1 << 21) -> None:
        self._most = most
        self._count = 0
        self._clear(_LEAST_PLACES)

    def __len__(self) -> int:
        return self._count

    def _clear(self, places: int) -> None:
        self._keys = np.zeros(places, np.uint64)
        self._first, self._last = np.zeros(places, np.uint32), np.zeros(places, np.uint32)
        self._number = np.zeros(places, np.uint32)

    def touch(
        self, keys: Keys, times_s: NDArray[np.uint32], numbers: NDArray[np.uint32]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Facts that are so at these times: (first time of each, 0 = never before; the number that it came with)."""
        self._make_room(len(keys))
        found = np.zeros(len(keys), np.uint32), np.zeros(len(keys), np.uint32)
        keys = np.where(keys == _EMPTY, np.uint64(1), keys)
        self._count += int(_touch(keys, times_s, numbers, self._keys, self._first, self._last, self._number, *found))
        return found

    def look(self, keys: Keys) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """As ``touch``, but nothing is learned."""
        found = np.zeros(len(keys), np.uint32), np.zeros(len(keys), np.uint32)
        _look(np.where(keys == _EMPTY, np.uint64(1), keys), self._keys, self._first, self._number, *found)
        return found

    def _make_room(self, more: int) -> None:
        """So that at most half of all places are taken."""
        if self._count + more > self._most:
            kept = self._keys != _EMPTY
            border = np.partition(self._last[kept], self._count // 2)[self._count // 2] if self._count else 0
            self._rebuild(len(self._keys), kept & (self._last > border))
        places = len(self._keys)
        while places < 2 * (self._count + more):
            places *= 2
        if places > len(self._keys):
            self._rebuild(places, self._keys != _EMPTY)

    def _rebuild(self, places: int, kept: NDArray[np.bool_]) -> None:
        old = self._keys[kept], self._first[kept], self._last[kept], self._number[kept]
        self._clear(places)
        self._count = len(old[0])
        _fill(*old, self._keys, self._first, self._last, self._number)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For ``restore``."""
        kept = self._keys != _EMPTY
        return {"keys": self._keys[kept], "first": self._first[kept], "last": self._last[kept],
                "number": self._number[kept]}  # fmt: skip

    def restore(self, keys: Keys, first: Any, last: Any, number: Any) -> None:
        """Go on where ``arrays`` was. Raises ``ValueError`` where they are not of one length."""
        if not len(keys) == len(first) == len(last) == len(number):
            raise ValueError("not of one length")
        _, at = np.unique(keys[: self._most], return_index=True)
        at = at[keys[at] != _EMPTY]
        places = _LEAST_PLACES
        while places < 2 * len(at):
            places *= 2
        self._clear(places)
        self._count = len(at)
        _fill(keys[at], first[at], last[at], number[at], self._keys, self._first, self._last, self._number)


@numba.njit(cache=True, nogil=True)
def _place(key: Any, table: Any) -> Any:
    """Where a key is, or would be."""
    mask = np.uint64(len(table) - 1)
    at = (key ^ (key >> np.uint64(32))) & mask
    while table[at] != np.uint64(0) and table[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _touch(
    keys: Any, times: Any, numbers: Any, table: Any, first: Any, last: Any, number: Any, out_first: Any, out_number: Any
) -> int:
    added = 0
    for i in range(len(keys)):
        at = _place(keys[i], table)
        if table[at] == np.uint64(0):
            table[at], first[at], number[at] = keys[i], times[i], numbers[i]
            added += 1
            out_number[i] = numbers[i]
        else:
            out_first[i], out_number[i] = first[at], number[at]
        last[at] = max(last[at], times[i])
    return added


@numba.njit(cache=True, nogil=True)
def _look(keys: Any, table: Any, first: Any, number: Any, out_first: Any, out_number: Any) -> None:
    for i in range(len(keys)):
        at = _place(keys[i], table)
        if table[at] != np.uint64(0):
            out_first[i], out_number[i] = first[at], number[at]


@numba.njit(cache=True, nogil=True)
def _fill(
    keys: Any, was_first: Any, was_last: Any, was_number: Any, table: Any, first: Any, last: Any, number: Any
) -> None:
    for i in range(len(keys)):
        at = _place(keys[i], table)
        table[at], first[at], last[at], number[at] = keys[i], was_first[i], was_last[i], was_number[i]
