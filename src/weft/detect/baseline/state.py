"""What is remembered of each series: one row of a few arrays, found again by the series' text; bounded."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.detect.baseline import tail
from weft.detect.baseline.calendar import Slots
from weft.errors import InvalidInput

#: Columns of ``scalars``.
(
    N, C, LEVEL, FAST, NOISE, DRIFT, WEEKLY, CUR_D, SUM_D, N_D, CUR_W, SUM_W, N_W, LAST, BEGAN, UP, DOWN, UP_AT,
    DOWN_AT, RUN_AT, RUN_SIGN, WAS, WAS_SLOW, OPEN, OPEN_SIGN, CALM, LAST_X, SAME, LONGEST, MISSED, PRESENT, GAP,
    OFF_AT, DAY, OPEN_AT, FLAT, OPEN_FOR, FAST_WAS, IDLE, HIGHEST, LOWEST,
    SAME_AT, CUR_B, SUM_B, N_B, MOVES,
) = range(46)  # fmt: skip
SCALARS = 46
#: Stretches of the recent past of which deviations are kept (``shift``).
WINDOW = 144
#: First values of a series, kept until there is a first idea of its level; after that the last few.
RECENT = 24
_VERSION = 2


@dataclass(slots=True)
class State:
    """Rows of all series; arrays grow by half when they are full, up to ``most`` rows.

    ``scalars`` float64 [R, 46]; ``daily`` float32 [R, slots of the day], ``days`` how often each was learned;
    ``weekly``, ``weeks`` likewise: how much a slot of the week differs from that of the day; ``scatter`` float32
    [R, slots]; ``tails`` float32 [R, 15]: of sudden, of slow, of nearest deviations; ``recent`` float64 [R, 24];
    ``window`` float32 [R, 144]: see ``shift``.
    """

    step_s: int
    most: int = 100_000
    rows: dict[str, int] = field(default_factory=dict)
    dropped: int = 0  # series that there was no room for
    scalars: NDArray[np.float64] = field(init=False)
    daily: NDArray[np.float32] = field(init=False)
    days: NDArray[np.uint8] = field(init=False)
    weekly: NDArray[np.float32] = field(init=False)
    weeks: NDArray[np.uint8] = field(init=False)
    scatter: NDArray[np.float32] = field(init=False)
    tails: NDArray[np.float32] = field(init=False)
    recent: NDArray[np.float64] = field(init=False)
    window: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self._make(0)

    def _make(self, room: int) -> None:
        slots = Slots.of(self.step_s)
        self.scalars = np.zeros((room, SCALARS))
        self.daily = np.zeros((room, slots.daily), np.float32)
        self.days = np.zeros((room, slots.daily), np.uint8)
        self.weekly = np.zeros((room, slots.weekly), np.float32)
        self.weeks = np.zeros((room, slots.weekly), np.uint8)
        self.scatter = np.zeros((room, slots.scatter), np.float32)
        self.tails = np.zeros((room, 2 * tail.COLUMNS + tail.COLUMNS_BOTH), np.float32)
        self.recent = np.zeros((room, RECENT))
        self.window = np.zeros((room, WINDOW), np.float32)

    @property
    def bytes_per_series(self) -> int:
        """Memory of one row of the arrays."""
        return sum(int(getattr(self, name).nbytes) for name in ARRAYS) // max(1, len(self.scalars))

    def find(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """Rows of series, new ones included; -1 where there is no room (``forget`` makes some)."""
        found = np.fromiter((self.rows.get(key, -1) for key in keys), np.int64, len(keys))
        new = np.flatnonzero(found < 0)
        if len(new):
            self._reserve(len(self.rows) + len(new))
            for at in new.tolist():
                found[at] = self._add(keys[at])
        return found

    def _add(self, key: str) -> int:
        row = self.rows.get(key, len(self.rows))
        if row >= len(self.scalars):
            self.dropped += 1
            return -1
        self.rows[key] = row
        self._clear(row)
        return row

    def _clear(self, row: int) -> None:
        for name in ARRAYS:
            getattr(self, name)[row] = 0
        self.scalars[row, [CUR_D, CUR_W]] = -1
        self.scalars[row, PRESENT] = 1.0
        self.tails[row, : 2 * tail.COLUMNS] = np.tile(np.array([tail.T0, tail.MEAN, 0.0], np.float32), 4)
        self.tails[row, 2 * tail.COLUMNS :] = tail.BOTH_T0, tail.BOTH_MEAN, 0.0

    def _reserve(self, wanted: int) -> None:
        room = len(self.scalars)
        if wanted <= room or room >= self.most:
            return
        room = min(self.most, max(wanted, room + room // 2, 64))
        for name in ARRAYS:
            old = getattr(self, name)
            new = np.zeros((room, old.shape[1]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def forget(self, before_s: float) -> int:
        """Drop series not heard of since ``before_s``; how many went."""
        keep = [key for key, row in self.rows.items() if self.scalars[row, LAST] >= before_s]
        gone = len(self.rows) - len(keep)
        if gone:
            old = np.array([self.rows[key] for key in keep], np.int64)
            for name in ARRAYS:
                array = getattr(self, name)
                array[: len(old)] = array[old]
            self.rows = {key: row for row, key in enumerate(keep)}
        return gone

    def save(self) -> bytes:
        """All rows. Who keeps it compresses it."""
        used = len(self.rows)
        keys = np.frombuffer(json.dumps(list(self.rows)).encode(), np.uint8)
        out = io.BytesIO()
        np.savez(
            out,
            head=np.array([_VERSION, self.step_s], np.int64),
            keys=keys,
            **{name: getattr(self, name)[:used] for name in ARRAYS},
        )
        return out.getvalue()

    def load(self, state: bytes) -> None:
        """Take over what was saved. Raises ``InvalidInput`` where it is of another version, step or shape."""
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as told:
                if list(told["head"]) != [_VERSION, self.step_s]:
                    raise ValueError("another version or step")
                keys = [str(key) for key in json.loads(told["keys"].tobytes())]
                arrays = {name: told[name] for name in ARRAYS}
        except Exception as error:
            raise InvalidInput(f"the state of a baseline is not understood: {error}", where="state") from error
        for name, array in arrays.items():
            mine = getattr(self, name)
            if array.dtype != mine.dtype or array.shape != (len(keys), mine.shape[1]):
                raise InvalidInput(f"the state of a baseline has a strange {name}", where="state")
        used = min(len(keys), self.most)
        for name, array in arrays.items():
            setattr(self, name, np.ascontiguousarray(array[:used]))
        self.rows = {key: row for row, key in enumerate(keys[:used])}


ARRAYS = ("scalars", "daily", "days", "weekly", "weeks", "scatter", "tails", "recent", "window")
