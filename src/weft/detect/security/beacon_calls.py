"""Who called whom, when, with how much: what is judged as beacons, in tables that nobody can fill.

A pair of host, peer and port is a *candidate* until its third call, then a *caller*, whose last calls are kept. Records
of one connection (same client port) are one call, however often an exporter tells of it. Where new pairs come faster
than can be held, only some are let in, fewer of a host that brings most of them: what calls again and again gets in.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from weft.detect.security.covert import WAYS, Talk, U64s, refill, slot_of
from weft.detect.security.sketches import mix

_CANDIDATE = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("size", "f4", (2,)), ("port", "u2"), ("calls", "u2"),
    ("at", "f8", (2,)),
])  # fmt: skip
KEPT, _PORTS = 48, 8
#: ``score``, ``every``, ``width``: what was judged of it last; ``counted``: whether it was among those
#: that only their times can tell from beacons; ``told``: what was decided of it.
CALLER = np.dtype([
    ("key", "u8"), ("seen", "f8"), ("weight", "f4"), ("asn", "u4"), ("src", "u8", (2,)), ("dst", "u8", (2,)),
    ("maker", "u8"), ("first", "f8"), ("calls", "u4"), ("judged", "u4"), ("score", "f4"), ("every", "f4"),
    ("width", "f4"), ("port", "u2"), ("at_port", "u1"), ("told", "u1"), ("counted", "u1"), ("used", "u1"),
    ("pad", "u2"), ("ports", "u2", (_PORTS,)), ("at", "f8", (KEPT,)), ("size", "f4", (KEPT,)),
])  # fmt: skip
KEEP_S = 2 * 86400.0
_SAME_CONNECTION_S = 600.0  # no exporter keeps silent about a connection for longer
#: What was seen within that time gives way to one in eight only: slow beacons take so long to call again.
_HOLD_S, _ONE_OF = 2700.0, 8
#: New pairs of a host in an hour; of what is beyond, one in so many is let in.
_MOST_NEW, _ONE_OF_MANY = 2000, 64
_HOSTS = 4096  # counters of new pairs; hosts may share one


class Calls:
    """``callers``: the table, of which empty slots have ``key`` 0."""

    def __init__(self, pairs: int) -> None:
        """``pairs``: how many callers are kept."""
        self._candidates = np.zeros(16 * pairs // WAYS * WAYS, _CANDIDATE)
        self.callers = np.zeros(pairs // WAYS * WAYS, CALLER)
        self._brought = np.zeros(_HOSTS, np.uint32)
        self._refused = np.zeros(1, np.int64)
        self._hour = 0

    @property
    def refused(self) -> int:
        """Calls of new pairs that were not let in."""
        return int(self._refused[0])

    def add(self, rows: Talk, keys: U64s) -> None:
        """Count rows, in order of their start, as calls."""
        hour = int(rows.received[-1] // 3600)
        if hour != self._hour:
            self._hour = hour
            self._brought[:] = 0
        maker = rows.exporter[:, 1] ^ rows.exporter[:, 0]
        _call(self._candidates, self.callers, self._brought, self._refused, keys, rows.src, rows.dst, rows.dst_as,
              maker, rows.src_port, rows.dst_port, rows.start, rows.end, rows.octets)  # fmt: skip

    def table(self) -> NDArray[Any]:
        """The callers, to be kept; candidates are found again within hours."""
        return self.callers[self.callers["key"] > 0]

    def fill(self, table: NDArray[Any]) -> None:
        """What ``table`` gave."""
        refill(self.callers, table, KEEP_S)


@numba.njit(cache=True, nogil=True)
def _is_let_in(key: int, start: float, one_of: int) -> bool:
    """One in so many, anew for each call."""
    return bool(mix(np.uint64(key) ^ np.uint64(int(start * 1000.0))) % np.uint64(one_of) == 0)


@numba.njit(cache=True, nogil=True)
def _candidate(candidates: Any, brought: Any, key: int, source: int, start: float, end: float) -> int:
    """Where a pair is among the candidates; −1 where it is not let in."""
    where = slot_of(candidates, key, end, KEEP_S)
    if where >= 0:
        return int(where)
    where = -1 - where
    counter = int(mix(source) % np.uint64(len(brought)))
    brought[counter] += 1
    if brought[counter] > _MOST_NEW and not _is_let_in(key, start, _ONE_OF_MANY):
        return -1
    if candidates[where].key and end - candidates[where].seen < _HOLD_S and not _is_let_in(key, start, _ONE_OF):
        return -1
    candidates[where].key, candidates[where].calls, candidates[where].weight = key, 0, 0.0
    return int(where)


@numba.njit(cache=True, nogil=True)
def _call(
    candidates: Any, callers: Any, brought: Any, refused: Any, keys: Any, src: Any, dst: Any, asn: Any, maker: Any,
    src_port: Any, dst_port: Any, start: Any, end: Any, octets: Any,
) -> None:  # fmt: skip
    """Count rows as calls: first among the candidates, then among the callers."""
    for i in range(len(keys)):
        slot = slot_of(callers, keys[i], end[i], KEEP_S)
        if slot >= 0:
            _add(callers[slot], maker[i], src_port[i], start[i], end[i], octets[i])
            continue
        where = _candidate(candidates, brought, keys[i], src[i, 0] ^ src[i, 1], start[i], end[i])
        if where < 0:
            refused[0] += 1
            continue
        seen = candidates[where]
        is_same = seen.port == src_port[i] and start[i] < seen.seen + _SAME_CONNECTION_S
        if seen.calls and (is_same or start[i] < seen.at[seen.calls - 1] + 1.0):
            if is_same and start[i] >= seen.seen - 1.0:
                seen.size[seen.calls - 1] += octets[i]
            seen.seen = max(seen.seen, end[i])
            continue
        seen.port, seen.seen = src_port[i], end[i]
        if seen.calls < 2:
            seen.at[seen.calls], seen.size[seen.calls] = start[i], octets[i]
            seen.calls += 1
            continue
        new = callers[-1 - slot]
        new.key, new.src[0], new.src[1], new.dst[0], new.dst[1] = keys[i], src[i, 0], src[i, 1], dst[i, 0], dst[i, 1]
        new.maker, new.port, new.asn, new.first = maker[i], dst_port[i], asn[i], seen.at[0]
        new.calls, new.judged, new.weight, new.seen, new.at_port = 2, 0, 1.0, seen.seen, 0
        new.score = new.every = new.width = 0.0
        new.told = new.counted = new.used = 0
        for k in range(2):
            new.at[k], new.size[k] = seen.at[k], seen.size[k]
        for k in range(_PORTS):
            new.ports[k] = 0
        seen.key = 0
        seen.seen = 0.0
        _add(new, maker[i], src_port[i], start[i], end[i], octets[i])


@numba.njit(cache=True, nogil=True)
def _add(one: Any, maker: int, port: int, start: float, end: float, octets: float) -> None:
    """One more record of a caller: a new call, more of one that lasts, or what another exporter saw of the same."""
    if maker != one.maker:
        if end < one.seen + 3600.0:
            return
        one.maker = maker
    last = (one.calls - 1) % KEPT
    same = end < one.seen + _SAME_CONNECTION_S and bool((one.ports == port).any())
    one.seen = max(one.seen, end)
    if same or abs(start - one.at[last]) < 1.0:  # connections side by side are one call
        one.size[last] += octets
        return
    at = one.calls % KEPT
    one.at[at], one.size[at] = start, octets
    one.calls += 1
    one.ports[one.at_port % _PORTS] = port
    one.at_port += 1
