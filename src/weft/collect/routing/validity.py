"""Route origin validation (RFC 6811) of whole columns of routes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel
from weft.decode.rtr.payloads import Vrp, Vrps, is_v4

UNCHECKED, VALID, INVALID, NOT_FOUND = 0, 1, 2, 3


class ValidityIndex:
    """Payloads laid out for validation: distinct prefixes in order, each with the next shorter one that covers it.

    The last prefix that is not after a route in that order, or one of those that cover it, is the longest that covers
    the route; all others are above it. IPv4 is looked up as IPv6 holds it, lengths and all. Never changed once made.
    """

    def __init__(self, vrps: Vrps) -> None:
        self.vrps = vrps
        wide = np.where(vrps.is_v4, 96, 0)
        length = vrps.length.astype(np.int64) + wide
        order = np.lexsort((length, vrps.low, vrps.high))
        high, low, length = vrps.high[order], vrps.low[order], length[order]
        new = np.ones(len(order), bool)
        new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1]) | (length[1:] != length[:-1])
        self._order = order
        self._high, self._low, self._length = high[new], low[new], length[new].astype(np.uint8)
        self._first = np.append(np.flatnonzero(new), len(order)).astype(np.int64)
        self._asn = vrps.asn[order]
        self._most = (vrps.max_length.astype(np.int64) + wide).astype(np.uint8)[order]
        self._parent = np.empty(len(self._high), np.int32)
        if len(self._high):
            _parents(self._high, self._low, self._length, self._parent)

    def __len__(self) -> int:
        return len(self.vrps)

    def states(
        self, prefix: NDArray[np.uint8], length: NDArray[np.uint8], origin_as: NDArray[np.uint32]
    ) -> NDArray[np.uint8]:
        """State of each route: prefixes (n, 16), lengths in the family's own bits, origin AS (0 = none, or a set)."""
        out = np.empty(len(length), np.uint8)
        if not len(self._high):
            out.fill(NOT_FOUND)
            return out
        high, low, length = _words(prefix, length)
        _judge(
            high, low, length, np.ascontiguousarray(origin_as, np.uint32), self._high, self._low, self._length,
            self._parent, self._first, self._asn, self._most, out,
        )  # fmt: skip
        return out

    def covering(self, prefix: NDArray[np.uint8], length: int) -> list[Vrp]:
        """The payloads that cover one route, longest prefix first."""
        if not len(self._high):
            return []
        high, low, lengths = _words(prefix.reshape(1, 16), np.array([length], np.uint8))
        found: list[Vrp] = []
        node = _longest(high[0], low[0], int(lengths[0]), self._high, self._low, self._length, self._parent)
        while node >= 0:
            found += self.vrps.at(self._order[self._first[node] : self._first[node + 1]]).words()
            node = int(self._parent[node])
        return found


def _words(prefix: NDArray[np.uint8], length: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint8]]:
    """Prefixes as pairs of numbers, lengths of IPv4 counted in IPv6's bits."""
    words = np.ascontiguousarray(prefix, np.uint8).view(">u8").reshape(-1, 2)
    high, low = words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64)
    wide = np.where(is_v4(high, low) & (length <= 32), 96, 0)
    return high, low, (length.astype(np.int64) + wide).astype(np.uint8)


@inlined
def _covers(high: np.uint64, low: np.uint64, length: int, other_high: np.uint64, other_low: np.uint64) -> bool:
    """Whether the first ``length`` bits of both are the same."""
    if length == 0:
        return True
    if length <= 64:
        return bool((high ^ other_high) >> np.uint64(64 - length) == np.uint64(0))
    return bool(high == other_high and (low ^ other_low) >> np.uint64(128 - length) == np.uint64(0))


@kernel
def _parents(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.uint8], parent: NDArray[np.int32]
) -> None:
    """The next shorter prefix that covers each, of prefixes in order; -1 where there is none."""
    for i in range(len(high)):
        node = i - 1
        while node >= 0 and not _covers(high[node], low[node], int(np.int64(length[node])), high[i], low[i]):
            node = parent[node]
        parent[i] = node


@kernel
def _longest(
    high: np.uint64, low: np.uint64, length: int, highs: NDArray[np.uint64], lows: NDArray[np.uint64],
    lengths: NDArray[np.uint8], parent: NDArray[np.int32],
) -> int:  # fmt: skip
    """The longest prefix that covers a route, or -1. IPv4 routes (length above 95) are covered by IPv4 only."""
    first, last = 0, len(highs)
    while first < last:
        middle = (first + last) >> 1
        if highs[middle] < high or (
            highs[middle] == high and (lows[middle] < low or (lows[middle] == low and lengths[middle] <= length))
        ):
            first = middle + 1
        else:
            last = middle
    node = first - 1
    while node >= 0 and (
        lengths[node] > length or not _covers(highs[node], lows[node], int(np.int64(lengths[node])), high, low)
    ):
        node = parent[node]
    is_four = high == np.uint64(0) and low >> np.uint64(32) == np.uint64(0xFFFF) and length >= 96
    if node >= 0 and is_four and lengths[node] < 96:
        return -1
    return node


@kernel
def _judge(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.uint8], origin: NDArray[np.uint32],
    highs: NDArray[np.uint64], lows: NDArray[np.uint64], lengths: NDArray[np.uint8], parent: NDArray[np.int32],
    first: NDArray[np.int64], asns: NDArray[np.uint32], most: NDArray[np.uint8], out: NDArray[np.uint8],
) -> None:  # fmt: skip
    """RFC 6811 §2: valid where one covering payload matches, invalid where some cover and none does."""
    for i in range(len(high)):
        node = _longest(high[i], low[i], int(np.int64(length[i])), highs, lows, lengths, parent)
        state = 3 if node < 0 else 2
        while node >= 0 and state == 2:
            for k in range(first[node], first[node + 1]):
                if asns[k] == origin[i] and origin[i] != 0 and length[i] <= most[k]:
                    state = 1
                    break
            node = parent[node]
        out[i] = state
