"""Longest-prefix match for whole columns of addresses.

IPv4 tables that are large become DIR-24-8 (one read of a 64 MiB table per address, two under a prefix longer than /24);
small ones, and IPv6, an index by the leading bits (16, and up to 20 more where crowded) into sorted disjoint ranges. An
IPv6 range is keyed by the upper 64 bits; where a /64 is divided further, its range points to a block of ranges keyed by
the lower 64, so prefixes up to /128 are exact. Tables are built once from ranges (see ``merge``) and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

#: Ranges of IPv4 above which the 64 MiB DIR-24-8 table pays for itself.
DIR_THRESHOLD = 16_384
#: Ranges under one value of the leading 16 bits above which they get an index of their own.
_CROWDED = 8
#: Addresses looked up side by side.
_BLOCK = 256
_FLAG = np.uint32(0x80000000)
_REST = np.uint32(0x7FFFFFFF)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Disjoint ranges that cover the whole space: range ``i`` starts at (high, low)[i] and has value ``value[i]``."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    value: NDArray[np.uint32]  # below 2³¹


@dataclass(frozen=True, slots=True)
class Index:
    """One family's ranges under an index by their leading bits.

    ``pointer[first 16 bits]`` is ``offset << 6 | shift``: counted from ``offset``, ``bucket[low 48 bits >> shift]`` is
    the first range to look at, the number after it the last. Where many ranges share 16 bits (allocations are
    clustered) their part of ``bucket`` is finer. A ``value`` with the top bit set is the number ``k`` of a divided /64,
    whose ranges are ``block[k] … block[k + 1] - 1``.
    """

    start: NDArray[np.uint64]
    value: NDArray[np.uint32]
    pointer: NDArray[np.uint64]  # [65536]
    bucket: NDArray[np.int32]
    block: NDArray[np.int64]
    block_low: NDArray[np.uint64]
    block_value: NDArray[np.uint32]

    def arguments(self) -> tuple[NDArray[Any], ...]:
        """What the lookup kernel takes, in its order."""
        return (self.start, self.value, self.pointer, self.bucket, self.block, self.block_low, self.block_value)


@dataclass(frozen=True, slots=True)
class Dir248:
    """DIR-24-8: a value per /24, or with the top bit set the number of a block of 256. Empty where not used."""

    first: NDArray[np.uint32]  # [2²⁴] or [0]
    second: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class PrefixIndex:
    """Both families, ready for lookups."""

    dir4: Dir248
    v4: Index
    v6: Index

    @property
    def nbytes(self) -> int:
        """Memory held, bytes."""
        arrays = (self.dir4.first, self.dir4.second, *self.v4.arguments(), *self.v6.arguments())
        return sum(array.nbytes for array in arrays)

    def arguments(self) -> tuple[Any, ...]:
        """What the lookup kernel takes, in its order."""
        return (self.dir4.first, self.dir4.second, self.v4.arguments(), self.v6.arguments())

    def lookup(self, addresses: NDArray[Any]) -> NDArray[np.uint32]:
        """The value of each address (16 bytes in network order, IPv4-mapped, of any dtype); 0 where nothing matches."""
        words = np.ascontiguousarray(addresses).view(np.uint64).reshape(-1, 2)
        words.flags.writeable = False  # one kind of array, one compilation
        out = np.empty(len(words), np.uint32)
        kernel: Any = lookup
        kernel(words, *self.arguments(), out)
        return out


def build_index(v4: Ranges, v6: Ranges) -> PrefixIndex:
    """Lay ranges out for lookups."""
    if len(v4.high) > DIR_THRESHOLD:
        start = (v4.high >> np.uint64(32)).astype(np.uint32)
        # Allocated here and not in the kernel: numpy asks for huge pages, which halve the cost of a random read.
        first = np.empty(1 << 24, np.uint32)
        divided = start[(start & np.uint32(255)) != 0] >> np.uint32(8)
        second = np.empty(len(np.unique(divided)) << 8, np.uint32)
        _fill_dir(start, v4.value, first, second)
        nothing = Ranges(np.zeros(1, np.uint64), np.zeros(1, np.uint64), np.zeros(1, np.uint32))
        return PrefixIndex(Dir248(first, second), _build_ranges(nothing), _build_ranges(v6))
    none = np.zeros(0, np.uint32)
    return PrefixIndex(Dir248(none, none), _build_ranges(v4), _build_ranges(v6))


def _build_ranges(ranges: Ranges) -> Index:
    """Put an index over ``ranges``: 16 bits, then as many more as the ranges that share them call for."""
    if len(ranges.high) == 1:  # nothing known: spare small installations the compilation
        start, value, block = ranges.high, ranges.value, np.zeros(1, np.int64)
        block_low, block_value = np.zeros(0, np.uint64), np.zeros(0, np.uint32)
    else:
        start, value, block, block_low, block_value = _divide(ranges.high, ranges.low, ranges.value)
    coarse = _covering(start, np.arange(1 << 16, dtype=np.uint64) << np.uint64(48))
    pointer = (np.arange(1 << 16, dtype=np.uint64) << np.uint64(6)) | np.uint64(48)
    parts = [coarse]
    offset = len(coarse)
    counts = np.diff(coarse)
    for slot in np.flatnonzero(counts > _CROWDED).tolist():
        bits = min(int(counts[slot]).bit_length() + 1, 20)
        shift = 48 - bits
        edges = (np.uint64(slot) << np.uint64(48)) + (np.arange(1 << bits, dtype=np.uint64) << np.uint64(shift))
        part = _covering(start, edges)
        part[-1] = coarse[slot + 1]
        pointer[slot] = (offset << 6) | shift
        parts.append(part)
        offset += len(part)
    return Index(start, value, pointer, np.concatenate(parts), block, block_low, block_value)


def _covering(start: NDArray[np.uint64], edges: NDArray[np.uint64]) -> NDArray[np.int32]:
    """The range that covers each edge, and after them the last range of all."""
    found = np.empty(len(edges) + 1, np.int32)
    found[:-1] = np.searchsorted(start, edges, side="right") - 1
    found[-1] = len(start) - 1
    return found


@numba.njit(cache=True, nogil=True)
def _divide(high, low, value):  # type: ignore[no-untyped-def]
    """Split ranges over 128 bits into ranges over the upper 64 and blocks over the lower 64 of a divided /64."""
    n = len(high)
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    start, out = np.empty(2 * n + 1, np.uint64), np.empty(2 * n + 1, np.uint32)
    block = np.empty(n + 1, np.int64)
    block_low, block_value = np.empty(2 * n, np.uint64), np.empty(2 * n, np.uint32)
    m = blocks = rows = i = 0
    block[0] = 0
    while i < n:
        j = i + 1
        while j < n and high[j] == high[i]:
            j += 1
        if j == i + 1 and low[i] == np.uint64(0):
            start[m], out[m] = high[i], value[i]
            m += 1
        else:
            start[m], out[m] = high[i], np.uint32(blocks) | _FLAG
            m += 1
            if low[i] != np.uint64(0):
                block_low[rows], block_value[rows] = np.uint64(0), value[i - 1]
                rows += 1
            for k in range(i, j):
                block_low[rows], block_value[rows] = low[k], value[k]
                rows += 1
            blocks += 1
            block[blocks] = rows
            if high[i] != ones and (j == n or high[j] != high[i] + np.uint64(1)):
                start[m], out[m] = high[i] + np.uint64(1), value[j - 1]
                m += 1
        i = j
    return (
        start[:m].copy(),
        out[:m].copy(),
        block[: blocks + 1].copy(),
        block_low[:rows].copy(),
        block_value[:rows].copy(),
    )


@numba.njit(cache=True, nogil=True)
def _fill_dir(start, value, first, second):  # type: ignore[no-untyped-def]
    """DIR-24-8 from ranges over 32 bits."""
    n = len(start)
    i = used = 0
    for slot in range(1 << 24):
        base = slot << 8
        while i + 1 < n and np.int64(start[i + 1]) <= base:
            i += 1
        if i + 1 < n and np.int64(start[i + 1]) < base + 256:
            first[slot] = np.uint32(used) | _FLAG
            for rest in range(256):
                while i + 1 < n and np.int64(start[i + 1]) <= base + rest:
                    i += 1
                second[(used << 8) + rest] = value[i]
            used += 1
        else:
            first[slot] = value[i]


@numba.njit
def _swap(word):  # type: ignore[no-untyped-def]
    """The number whose network-order bytes were read as a little-endian word."""
    word = ((word >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)) | (
        (word & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)
    )
    word = ((word >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)) | (
        (word & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)
    )
    return (word >> np.uint64(32)) | (word << np.uint64(32))


@numba.njit(cache=True, nogil=True)
def lookup(words, dir1, dir2, index4, index6, out):  # type: ignore[no-untyped-def]
    """Write the value of each address into ``out``. ``words`` are addresses as pairs of words in memory order."""
    low32, mapped = np.uint64(0xFFFFFFFF), np.uint64(0xFFFF0000)
    direct = len(dir1) > 0
    keys4, lows4, where4 = np.empty(_BLOCK, np.uint64), np.zeros(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64)
    keys6, lows6, where6 = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64)
    count4 = count6 = 0
    for i in range(len(words)):
        a, b = words[i, 0], words[i, 1]
        if a == np.uint64(0) and (b & low32) == mapped:
            key = _swap(b & ~low32)
            if direct:
                value = dir1[key >> np.uint64(8)]
                if value & _FLAG:
                    value = dir2[(np.uint64(value & _REST) << np.uint64(8)) | (key & np.uint64(255))]
                out[i] = value
            else:
                keys4[count4], where4[count4] = key << np.uint64(32), i
                count4 += 1
                if count4 == _BLOCK:
                    _search(keys4, lows4, where4, count4, index4, out)
                    count4 = 0
        elif a | b:
            keys6[count6], lows6[count6], where6[count6] = _swap(a), _swap(b), i
            count6 += 1
            if count6 == _BLOCK:
                _search(keys6, lows6, where6, count6, index6, out)
                count6 = 0
        else:
            out[i] = np.uint32(0)
    _search(keys4, lows4, where4, count4, index4, out)
    _search(keys6, lows6, where6, count6, index6, out)


@numba.njit(cache=True, nogil=True)
def _search(keys, lows, where, count, index, out):  # type: ignore[no-untyped-def]
    """Look up a block of keys step by step for all of them, so that their cache misses overlap."""
    start, values, pointers, bucket, block, block_low, block_value = index
    first, size = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    one, most = np.uint64(1), np.uint64(1)
    for j in range(count):
        key = keys[j]
        pointer = pointers[key >> np.uint64(48)]
        rest = (key & np.uint64(0xFFFFFFFFFFFF)) >> (pointer & np.uint64(63))
        size[j] = (pointer >> np.uint64(6)) + rest
    for j in range(count):
        at = size[j]
        first[j] = np.uint64(bucket[at])
        size[j] = np.uint64(bucket[at + one]) - first[j] + one
        most = max(most, size[j])
    while most > one:
        for j in range(count):
            half = size[j] >> one
            first[j] += half * np.uint64(start[first[j] + half] <= keys[j])  # a product, because a branch would stall
            size[j] -= half
        most -= most >> one
    for j in range(count):
        value = values[first[j]]
        if value & _FLAG:
            number = np.uint64(value & _REST)
            low, high = block[number], block[number + one] - 1
            while low < high:
                middle = (low + high + 1) >> 1
                if block_low[middle] <= lows[j]:
                    low = middle
                else:
                    high = middle - 1
            value = block_value[low]
        out[where[j]] = value
