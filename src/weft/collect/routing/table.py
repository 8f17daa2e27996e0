"""The routes of one table of one neighbour: columns that lie densely, found by a hash table that kernels walk.

A route is known by (address family, prefix, length, path identifier, words), where the words are the route
distinguisher and what else a prefix does not say (EVPN, FlowSpec). Some 40 octets a route; millions of routes a second.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.routes import Routes
from weft.decode.kernels import inlined, kernel
from weft.decode.probing import mixed

#: What became of a row: numbers of ``model.routes.ROUTE_EVENTS``, and three of our own for what is not stored.
UNCHANGED, ANNOUNCE, CHANGE, WITHDRAW = 0, 1, 2, 3
REFUSED, UNKNOWN = 254, 255  # more routes than there may be; a withdrawal of a route that is not there

_FIRST = 256
_N_STATE = 4
#: Cells of the table's state: routes, the newest time, the time that all further rows are later than, the present mark.
ROWS, NEWEST, FLOOR, MARK = range(_N_STATE)
_SEED = np.uint64(secrets.randbits(64))  # nobody can choose prefixes that collide


@inlined
def _home(high: np.uint64, low: np.uint64, meta: np.uint64, path_id: np.uint32, seed: np.uint64) -> np.uint64:
    h = mixed(high ^ seed)
    h = mixed(h ^ low)
    return mixed(h ^ meta ^ (np.uint64(path_id) << np.uint64(24)))


@kernel
def _find(
    buckets: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64], meta: NDArray[np.uint64],
    path_id: NDArray[np.uint32], h: np.uint64, key_high: np.uint64, key_low: np.uint64, key_meta: np.uint64,
    key_id: np.uint32,
) -> np.uint64:  # fmt: skip
    """The bucket that holds the key, or the free one where it belongs."""
    mask = np.uint64(len(buckets) - 1)
    at = h & mask
    while buckets[at] >= 0:
        row = buckets[at]
        if high[row] == key_high and low[row] == key_low and meta[row] == key_meta and path_id[row] == key_id:
            break
        at = (at + np.uint64(1)) & mask
    return at


@kernel
def _free_bucket(
    buckets: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64], meta: NDArray[np.uint64],
    path_id: NDArray[np.uint32], hole: np.uint64, seed: np.uint64,
) -> None:  # fmt: skip
    """Empty a bucket and move up those that were pushed past it, so that no search ends too early."""
    mask = np.uint64(len(buckets) - 1)
    at = hole
    while True:
        at = (at + np.uint64(1)) & mask
        row = buckets[at]
        if row < 0:
            break
        home = _home(high[row], low[row], meta[row], path_id[row], seed) & mask
        if ((at - home) & mask) >= ((at - hole) & mask):
            buckets[hole] = row
            hole = at
    buckets[hole] = -1


@kernel
def _apply(
    buckets: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64], meta: NDArray[np.uint64],
    path_id: NDArray[np.uint32], path: NDArray[np.int32], since: NDArray[np.int64], rpki: NDArray[np.uint8],
    marks: NDArray[np.uint8], state: NDArray[np.int64], most: int, seed: np.uint64,
    in_high: NDArray[np.uint64], in_low: NDArray[np.uint64], in_meta: NDArray[np.uint64], in_id: NDArray[np.uint32],
    withdrawn: NDArray[np.bool_], in_path: NDArray[np.int32], in_rpki: NDArray[np.uint8], times: NDArray[np.int64],
    event: NDArray[np.uint8], out_path: NDArray[np.int32], out_rpki: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Take rows in their order. ``times`` become those to store: later, by a microsecond, than what they follow."""
    rows = state[0]
    for i in range(len(in_high)):
        h = _home(in_high[i], in_low[i], in_meta[i], in_id[i], seed)
        at = _find(buckets, high, low, meta, path_id, h, in_high[i], in_low[i], in_meta[i], in_id[i])
        row = buckets[at]
        if withdrawn[i]:
            if row < 0:
                event[i] = 255
                continue
            times[i] = max(times[i], since[row] + 1000, state[2] + 1000)
            event[i], out_path[i], out_rpki[i] = 3, path[row], rpki[row]
            state[2] = max(state[2], times[i])
            _free_bucket(buckets, high, low, meta, path_id, at, seed)
            rows -= 1
            if row != rows:  # the last row moves into the hole
                h = _home(high[rows], low[rows], meta[rows], path_id[rows], seed)
                moved = _find(buckets, high, low, meta, path_id, h, high[rows], low[rows], meta[rows], path_id[rows])
                buckets[moved] = row
                high[row], low[row], meta[row], path_id[row] = high[rows], low[rows], meta[rows], path_id[rows]
                path[row], since[row], rpki[row], marks[row] = path[rows], since[rows], rpki[rows], marks[rows]
        elif row >= 0:
            marks[row] = state[3]
            if path[row] == in_path[i]:
                event[i] = 0
                continue
            times[i] = max(times[i], since[row] + 1000, state[2] + 1000)
            event[i], out_path[i], out_rpki[i] = 2, in_path[i], in_rpki[i]
            path[row], since[row], rpki[row] = in_path[i], times[i], in_rpki[i]
        elif rows >= most:
            event[i] = 254
            continue
        else:
            times[i] = max(times[i], state[2] + 1000)
            event[i], out_path[i], out_rpki[i] = 1, in_path[i], in_rpki[i]
            buckets[at] = rows
            high[rows], low[rows], meta[rows], path_id[rows] = in_high[i], in_low[i], in_meta[i], in_id[i]
            path[rows], since[rows], rpki[rows], marks[rows] = in_path[i], times[i], in_rpki[i], state[3]
            rows += 1
        state[1] = max(state[1], times[i])
    state[0] = rows


@kernel
def _enter(
    buckets: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64], meta: NDArray[np.uint64],
    path_id: NDArray[np.uint32], rows: int, seed: np.uint64,
) -> None:  # fmt: skip
    """Fill an empty hash table."""
    mask = np.uint64(len(buckets) - 1)
    for row in range(rows):
        at = _home(high[row], low[row], meta[row], path_id[row], seed) & mask
        while buckets[at] >= 0:
            at = (at + np.uint64(1)) & mask
        buckets[at] = row


@dataclass(slots=True)
class Applied:
    """What became of the rows of one batch, row by row."""

    event: NDArray[np.uint8]
    path: NDArray[np.int32]  # of a withdrawal: the path that is gone
    rpki: NDArray[np.uint8]
    time_ns: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standing:
    """The routes of a table as they stand: parallel columns, copies."""

    prefix: NDArray[np.uint8]  # [n, 16]
    length: NDArray[np.uint8]
    family: NDArray[np.uint8]
    path_id: NDArray[np.uint32]
    word: NDArray[np.uint32]
    path: NDArray[np.int32]
    since_ns: NDArray[np.int64]
    rpki: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.path)


class RouteTable:
    """The routes of one table of one neighbour. Not for several threads at once."""

    def __init__(self) -> None:
        self._state = np.zeros(_N_STATE, np.int64)
        self._allocate(_FIRST)
        self._words: dict[tuple[str, str], int] = {("", ""): 0}
        self.words: list[tuple[str, str]] = [("", "")]  # (route distinguisher, route in words) by number

    def __len__(self) -> int:
        return int(self._state[ROWS])

    @property
    def newest_ns(self) -> int:
        """The newest time of any row so far."""
        return int(self._state[NEWEST])

    def begin(self, time_ns: int) -> None:
        """What comes from now on is later than ``time_ns``, so that it counts after what was stored of then."""
        self._state[NEWEST] = max(self._state[NEWEST], time_ns)
        self._state[FLOOR] = max(self._state[FLOOR], time_ns)

    def apply(self, routes: Routes, times_ns: NDArray[np.int64], rpki: NDArray[np.uint8], *, most: int) -> Applied:
        """Take announcements and withdrawals in their order; ``most`` routes are kept."""
        count = len(routes.path)
        self._make_room(count)
        high, low = _halves(routes.prefix)
        meta = self._meta(routes)
        applied = Applied(
            np.zeros(count, np.uint8), np.full(count, -1, np.int32), np.zeros(count, np.uint8),
            np.array(times_ns, np.int64),
        )  # fmt: skip
        apply: Any = _apply
        apply(
            self._buckets, *self._columns, self._state, most, _SEED, high, low, meta,
            np.ascontiguousarray(routes.path_id, np.uint32), np.ascontiguousarray(routes.withdrawn, np.bool_),
            np.ascontiguousarray(routes.path, np.int32), rpki, applied.time_ns, applied.event, applied.path,
            applied.rpki,
        )  # fmt: skip
        return applied

    def next_mark(self) -> None:
        """From now on ``unmarked`` tells what was not announced since."""
        self._state[MARK] = self._state[MARK] % 255 + 1
        self._columns[-1][self._columns[-1] == self._state[MARK]] = 0

    def unmarked(self) -> Standing:
        """The routes that were not announced since ``next_mark``."""
        rows = len(self)
        return self._taken(np.flatnonzero(self._columns[-1][:rows] != self._state[MARK]))

    def standing(self, begin: int = 0, end: int | None = None) -> Standing:
        """The routes in rows ``begin`` to ``end``, of ``len(self)``."""
        rows = len(self)
        return self._taken(slice(min(begin, rows), rows if end is None else min(end, rows)))

    def judge(self, rows: NDArray[np.int64], rpki: NDArray[np.uint8]) -> None:
        """Set the validation state of rows (of ``standing``'s order)."""
        self._columns[6][rows] = rpki

    def used_paths(self, used: NDArray[np.bool_]) -> None:
        """Mark the paths that routes have."""
        used[self._columns[4][: len(self)]] = True

    def _taken(self, rows: Any) -> Standing:
        high, low, meta, path_id, path, since, rpki, _ = (column[rows] for column in self._columns)
        prefix = np.empty((len(high), 2), ">u8")
        prefix[:, 0], prefix[:, 1] = high, low
        return Standing(
            prefix.view(np.uint8), (meta & np.uint64(255)).astype(np.uint8),
            (meta >> np.uint64(8) & np.uint64(255)).astype(np.uint8), path_id.copy(),
            (meta >> np.uint64(32)).astype(np.uint32), path.copy(), since.copy(), rpki.copy(),
        )  # fmt: skip

    def _meta(self, routes: Routes) -> NDArray[np.uint64]:
        meta = routes.family.astype(np.uint64) << np.uint64(8) | routes.prefix_length.astype(np.uint64)
        if routes.nlri is None and routes.rd is None:
            return meta
        count = len(routes.path)
        number, words = self._words, []
        for pair in zip(routes.rd or [""] * count, routes.nlri or [""] * count, strict=True):
            found = number.get(pair)
            if found is None:
                found = number[pair] = len(self.words)
                self.words.append(pair)
            words.append(found)
        return meta | np.array(words, np.uint64) << np.uint64(32)

    def _allocate(self, rows: int) -> None:
        kinds = (np.uint64, np.uint64, np.uint64, np.uint32, np.int32, np.int64, np.uint8, np.uint8)
        self._columns: list[NDArray[Any]] = [np.zeros(rows, kind) for kind in kinds]
        self._buckets = np.full(rows * 2, -1, np.int32)

    def _make_room(self, more: int) -> None:
        capacity = len(self._columns[0])
        if len(self.words) > 4 * (len(self) + more) + 1024:
            self._forget_words()
        if len(self) + more <= capacity:
            return
        while capacity < len(self) + more:
            capacity *= 2
        kept, rows = self._columns, len(self)
        self._allocate(capacity)
        for ours, theirs in zip(self._columns, kept, strict=True):
            ours[:rows] = theirs[:rows]
        self._index()

    def _index(self) -> None:
        enter: Any = _enter
        enter(self._buckets, *self._columns[:4], len(self), _SEED)

    def _forget_words(self) -> None:
        """Words of routes that are gone must not pile up."""
        rows, meta = len(self), self._columns[2]
        used, numbers = np.unique((meta[:rows] >> np.uint64(32)).astype(np.int64), return_inverse=True)
        kept = [self.words[number] for number in used.tolist()]
        if not kept or kept[0] != ("", ""):
            kept, numbers = [("", ""), *kept], numbers + 1
        self.words, self._words = kept, {pair: number for number, pair in enumerate(kept)}
        meta[:rows] = meta[:rows] & np.uint64(0xFFFF) | numbers.astype(np.uint64) << np.uint64(32)
        self._buckets.fill(-1)
        self._index()


def _halves(prefix: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    words = np.ascontiguousarray(prefix).view(">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
