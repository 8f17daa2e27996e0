"""How often things go wrong by themselves: the schedule, thinned or thickened, as people say while it runs."""

from __future__ import annotations

import math
import threading
import zlib
from dataclasses import replace

from weft.errors import InvalidInput
from weft.twin.faults.model import Fault
from weft.twin.timeline import Slots

MOST_PACE = 10.0
#: Further layers of faults are those of weeks far away: the same days, hours and places, other faults.
_WEEK_S, _WEEKS_APART = 7 * 86_400, 520
_WHOLE = float(1 << 32)


class PacedSchedule:
    """A schedule with a pace: 1 as it is, 0 nothing, 0.5 every other fault, 3 three times as many.

    What began before a change goes on; what is asked of the past is told as it was. Safe to use from many threads.
    """

    def __init__(self, slots: Slots, slot_s: float = 1800.0, pace: float = 1.0) -> None:
        self._slots, self._per_week, self._slot_s = slots, round(_WEEK_S / slot_s), slot_s
        self._lock = threading.Lock()
        self._changes: tuple[tuple[float, float], ...] = ((-math.inf, _sound(pace)),)

    def set(self, pace: float, from_s: float) -> None:
        """Another pace from then on. Raises ``InvalidInput``."""
        with self._lock:
            kept = tuple(one for one in self._changes if one[0] < from_s)
            self._changes = (*kept, (from_s, _sound(pace)))

    def pace(self, at_s: float) -> float:
        """The pace at a moment."""
        return next(pace for since, pace in reversed(self._changes) if since <= at_s)

    def __call__(self, seed: int, slot: int) -> tuple[Fault, ...]:
        """Faults that begin in a slot: what a timeline asks of its schedule."""
        most = max(pace for _, pace in self._changes)
        found = []
        for layer in range(math.ceil(most)):
            for one in self._layer(seed, slot, layer):
                pace = self.pace(one.start_s) - layer
                if pace >= 1 or zlib.crc32(one.id.encode()) / _WHOLE < pace:
                    found.append(one)
        return tuple(sorted(found, key=lambda one: (one.start_s, one.id)))

    def _layer(self, seed: int, slot: int, layer: int) -> tuple[Fault, ...]:
        if layer == 0:
            return self._slots(seed, slot)
        away = layer * _WEEKS_APART
        back_s = away * _WEEK_S
        return tuple(
            replace(one, id=f"{one.id}.{layer}", start_s=one.start_s - back_s, end_s=one.end_s - back_s)
            for one in self._slots(seed, slot + away * self._per_week)
        )


def _sound(pace: float) -> float:
    if not 0 <= pace <= MOST_PACE:
        raise InvalidInput(f"must be between 0 and {MOST_PACE:g}", where="pace")
    return float(pace)
