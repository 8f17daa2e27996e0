"""What is usual of one number of one series: its middle and spread lately, and how high it goes at this hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Any

_KEPT = 64
_ENOUGH = 12
_EACH = 8  # the middle is computed anew after so many values
_HOURS = 24
_DAYS = 3  # an hour is known after so many days


class Level:
    """Robust and bounded: the last 64 values (median, MAD), and of each hour of the day its high end."""

    __slots__ = ("_fresh", "_hour", "_hour_values", "count", "days", "highs", "middle", "spread", "values")

    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=_KEPT)
        self.middle = self.spread = 0.0
        self.count = 0
        self.highs = [0.0] * _HOURS  # of each hour (UTC), smoothed over days
        self.days = [0] * _HOURS
        self._fresh = 0
        self._hour, self._hour_values = -1, deque[float](maxlen=_KEPT)

    @property
    def is_known(self) -> bool:
        """Whether enough was seen to judge by."""
        return self.count >= _ENOUGH

    def add(self, value: float, at_s: float) -> None:
        """A value with nothing wrong."""
        hour = int(at_s // 3600)
        if hour != self._hour:
            self._close_hour()
            self._hour = hour
        self._hour_values.append(value)
        self.values.append(value)
        self.count += 1
        self._fresh += 1
        if self._fresh >= _EACH or len(self.values) <= _ENOUGH:
            self._learn()

    def _learn(self) -> None:
        if len(self.values) < min(_ENOUGH, self.count):
            return  # after a restart: what was learned before is better
        self._fresh = 0
        self.middle = median(self.values)
        self.spread = 1.4826 * median(abs(one - self.middle) for one in self.values)

    def _close_hour(self) -> None:
        if len(self._hour_values) >= 4:
            slot, ordered = self._hour % _HOURS, sorted(self._hour_values)
            high = ordered[int(0.95 * (len(ordered) - 1))]
            known = self.days[slot]
            self.highs[slot] = high if not known else self.highs[slot] + (high - self.highs[slot]) / min(known + 1, 7)
            self.days[slot] = known + 1
        self._hour_values.clear()

    def upper(self, at_s: float, least: float, share: float, spreads: float = 6.0) -> float:
        """What is beyond this is not usual, now: by ``least``, by a share of the middle, by the spread, by the hour."""
        bound = max(self.middle + least, self.middle * (1 + share), self.middle + spreads * self.spread)
        slot = int(at_s // 3600) % _HOURS
        return max(bound, 1.15 * self.highs[slot]) if self.days[slot] >= _DAYS else bound

    def replace(self, values: Sequence[float]) -> None:
        """It is another level now."""
        self.values.clear()
        self.values.extend(values)
        self.count = max(self.count, len(self.values))
        self._learn()

    def state(self) -> list[Any]:
        """For ``restored``."""
        return [
            round(self.middle, 4),
            round(self.spread, 4),
            self.count,
            [round(one, 2) for one in self.highs],
            self.days,
        ]

    @classmethod
    def restored(cls, state: Sequence[Any]) -> Level:
        """Go on where ``state`` was. Raises ``ValueError`` or ``TypeError``."""
        found = cls()
        middle, spread, count, highs, days = state
        found.middle, found.spread, found.count = float(middle), float(spread), int(count)
        if len(highs) != _HOURS or len(days) != _HOURS:
            raise ValueError("not the hours of a day")
        found.highs, found.days = [float(one) for one in highs], [int(one) for one in days]
        return found
