"""The loops of password guessing: connections to login services, counted once each, per source and per target."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from weft.detect.security.rows import network_of
from weft.detect.security.sketches import claim, mix, mix_two

PAIR, TARGET = range(2)
_WORDS = 8
_CROWDED = 350
_LARGEST_SEEN, _LARGEST_OCTETS = 80.0, 40e3  # of an attempt that came to nothing
_WORKED = 6.0  # attempts that one working session makes up for


class Logins(NamedTuple):
    """Slots [S]: of a source at a login service of a host, or of such a service from everybody outside."""

    keys: NDArray[np.uint64]
    weights: NDArray[np.float32]
    turns: NDArray[np.uint64]
    family: NDArray[np.uint8]
    src_high: NDArray[np.uint64]
    src_low: NDArray[np.uint64]
    dst_high: NDArray[np.uint64]
    dst_low: NDArray[np.uint64]
    port: NDArray[np.uint16]
    outside: NDArray[np.bool_]  # it comes from outside
    seen: NDArray[np.uint64]  # [S, _WORDS]: connections, as a bit map
    many: NDArray[np.int32]
    who: NDArray[np.uint64]  # 64-bit map of sources
    tries: NDArray[np.float32]  # connections, fading
    first_s: NDArray[np.float64]
    last_s: NDArray[np.float64]
    octets: NDArray[np.float64]  # of those that were seen in full: count, sum, sum of squares
    squares: NDArray[np.float64]
    whole: NDArray[np.float64]
    passed: NDArray[np.float64]  # connections that there are behind those that were sampled
    others_high: NDArray[np.uint64]  # [S, 8] some of the sources
    others_low: NDArray[np.uint64]


def logins(slots: int) -> Logins:
    """None yet; so many slots (a power of two), about 330 octets each."""
    return Logins(
        np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(1, np.uint64), np.zeros(slots, np.uint8),
        np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64), np.zeros(slots, np.uint64),
        np.zeros(slots, np.uint16), np.zeros(slots, np.bool_), np.zeros((slots, _WORDS), np.uint64),
        np.zeros(slots, np.int32), np.zeros(slots, np.uint64), np.zeros(slots, np.float32), np.zeros(slots),
        np.zeros(slots), np.zeros(slots), np.zeros(slots), np.zeros(slots), np.zeros(slots),
        np.zeros((slots, 8), np.uint64), np.zeros((slots, 8), np.uint64),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _clear(s, slot, i, family, outside, ends, port, at_s):  # type: ignore[no-untyped-def]
    s.family[slot], s.outside[slot], s.port[slot] = family, outside, port
    s.src_high[slot], s.src_low[slot], s.dst_high[slot], s.dst_low[slot] = (
        ends[0][i], ends[1][i], ends[2][i], ends[3][i])  # fmt: skip
    s.seen[slot] = 0
    s.many[slot], s.who[slot], s.tries[slot] = 0, np.uint64(0), 0
    s.first_s[slot] = s.last_s[slot] = at_s
    s.octets[slot] = s.squares[slot] = s.whole[slot] = s.passed[slot] = 0
    s.others_high[slot] = 0
    s.others_low[slot] = 0


@numba.njit(cache=True, nogil=True)
def _fade(s, slot, at_s, half_s):  # type: ignore[no-untyped-def]
    passed = at_s - s.last_s[slot]
    if passed > 10.0:
        kept = 0.5 ** (passed / half_s)
        s.tries[slot] *= kept
        s.passed[slot] *= kept
        s.octets[slot] *= kept
        s.squares[slot] *= kept
        s.whole[slot] *= kept
        s.last_s[slot] = at_s
        if s.tries[slot] < 0.5:
            s.first_s[slot], s.who[slot] = at_s, np.uint64(0)
    if s.many[slot] > _CROWDED:
        s.seen[slot] = 0
        s.many[slot] = 0


@numba.njit(cache=True, nogil=True)
def attempts(s, ends, own, r, is_login, half_s, limits, found):  # type: ignore[no-untyped-def]
    """Take records in; ``found`` [S] becomes true where there are more tries than ``limits`` of its family say.

    ``limits`` [3]: of a source outside, of one inside, of a target.
    """
    src_high, src_low, dst_high, dst_low = ends
    src_port, dst_port, protocol, flags, seen, octets, rate, at_s = r
    for i in range(len(src_low)):
        bits = flags[i] & 0x3F
        if protocol[i] != 6 or not is_login[dst_port[i]] or src_port[i] < 1024 or bits & 0x12 == 0x02 or bits == 0x12:
            continue
        worked = seen[i] > _LARGEST_SEEN or octets[i] / rate[i] > _LARGEST_OCTETS
        inside = len(own[2]) > 0 and network_of(own[0], own[1], own[2], src_high[i], src_low[i]) >= 0
        source, target = mix_two(src_high[i], src_low[i]), mix_two(dst_high[i], dst_low[i])
        for family in range(1 if inside else 2):
            key = mix_two(target ^ np.uint64(dst_port[i]), source if family == PAIR else np.uint64(1))
            slot, fresh = claim(s.keys, s.weights, s.turns, key, 1.0)
            if slot < 0:
                continue
            if fresh:
                _clear(s, slot, i, family, not inside, ends, dst_port[i], at_s[i])
            _fade(s, slot, at_s[i], half_s)
            h = mix(source ^ (np.uint64(src_port[i]) << np.uint64(3)))
            word, bit = np.int64(h & np.uint64(_WORDS - 1)), np.uint64(1) << ((h >> np.uint64(8)) & np.uint64(63))
            if worked:
                s.tries[slot] = max(np.float32(0), s.tries[slot] - np.float32(_WORKED))
                continue
            if s.seen[slot, word] & bit:
                # The same connection once more: of what is sampled, a sign that connections are long.
                if rate[i] > 1:
                    s.tries[slot] = max(np.float32(0), s.tries[slot] - np.float32(1))
                continue
            s.seen[slot, word] |= bit
            s.many[slot] += 1
            s.tries[slot] += 1
            s.passed[slot] += max(1.0, rate[i] / 14.0)
            known = np.uint64(1) << (mix(source) & np.uint64(63))
            if not s.who[slot] & known:
                s.who[slot] |= known
                at = np.int64(mix(source) & np.uint64(7))
                s.others_high[slot, at], s.others_low[slot, at] = src_high[i], src_low[i]
            if rate[i] <= 1:
                s.whole[slot] += 1
                s.octets[slot] += octets[i]
                s.squares[slot] += octets[i] * octets[i]
            limit = limits[2] if family == TARGET else limits[0] if s.outside[slot] else limits[1]
            if s.tries[slot] >= limit:
                found[slot] = True
