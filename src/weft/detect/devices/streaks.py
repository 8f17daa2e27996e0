"""Deviations in a row: when enough of them make a finding, and when what was found is over."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

_MOST = 200_000


@dataclass(slots=True)
class _Streak:
    since_s: float
    hits: int = 0
    calm: int = 0
    is_open: bool = False


class Streaks:
    """Counts, per key, samples that deviate and samples that do not. What is not hit is not kept."""

    def __init__(self, need: int = 1, calm: int = 2, most: int = _MOST) -> None:
        self._need, self._calm, self._most = need, calm, most
        self._kept: dict[Hashable, _Streak] = {}

    def hit(self, key: Hashable, at_s: float, need: int | None = None) -> float | None:
        """A sample deviates. When that began, if it is found with this one; None while it need be confirmed."""
        streak = self._kept.get(key)
        if streak is None:
            if len(self._kept) >= self._most:
                return None
            streak = self._kept[key] = _Streak(at_s)
        streak.hits, streak.calm = streak.hits + 1, 0
        streak.is_open = streak.is_open or streak.hits >= (self._need if need is None else need)
        return streak.since_s if streak.is_open else None

    def miss(self, key: Hashable) -> float | None:
        """A sample is as it should be. When that began which is now over, None where nothing is."""
        streak = self._kept.get(key)
        if streak is None:
            return None
        streak.calm += 1
        if streak.is_open and streak.calm < self._calm:
            return None
        del self._kept[key]
        return streak.since_s if streak.is_open else None

    def drop(self, key: Hashable) -> None:
        """Begin anew: of what was before nothing is known any more."""
        self._kept.pop(key, None)

    def is_open(self, key: Hashable) -> bool:
        """Whether it is found and not over."""
        streak = self._kept.get(key)
        return streak is not None and streak.is_open

    def __len__(self) -> int:
        return len(self._kept)
