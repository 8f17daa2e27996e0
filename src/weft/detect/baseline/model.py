"""A baseline of many series: what is expected of each, and where it is far from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.detect.baseline import calendar
from weft.detect.baseline.kernel import COLUMNS, run
from weft.detect.baseline.state import BEGAN, State
from weft.detect.baseline.tuning import Tuning, numbers

_NO_SCORES = np.empty((0, 0), np.float32)
_NO_BANDS = np.empty((0, 0, 0))
#: Series not heard of for this long are forgotten.
FORGET_S = 35 * 86400
_FORGET_EVERY_S = 3600


@dataclass(frozen=True, slots=True)
class Judged:
    """What a frame showed. ``hits`` float64 [H, 10], see ``kernel``; ``missed``: hits beyond the most of a frame.

    ``scores`` float32 [S, T]: minus the decimal logarithm of the chance of each sample; not a number where there is no
    idea yet. ``news`` float32 [S, T]: all that speaks against a sample, for ranking (``near.evidence``); likewise.
    ``bands`` float64 [S, T, 3]: expected, lower, upper. All are empty unless wanted.
    """

    hits: NDArray[np.float64]
    missed: int
    scores: NDArray[np.float32]
    news: NDArray[np.float32]
    bands: NDArray[np.float64]


class Baseline:
    """Models of series with one step. Memory: about 4 KB for each of ``most`` series, taken as they come."""

    def __init__(self, tuning: Tuning, step_s: int, most: int = 100_000) -> None:
        self.tuning = tuning
        self.step_s = step_s
        self.state = State(step_s, most)
        self._numbers = numbers(tuning, step_s)
        self._swept_s = 0.0

    @property
    def wanted(self) -> float:
        """Score that opens an event."""
        return self._numbers.wanted

    def watched_s(self, key: str, now_s: float) -> float:
        """How long a series has been watched."""
        row = self.state.rows.get(key)
        return 0.0 if row is None else now_s - float(self.state.scalars[row, BEGAN])

    def judge(
        self,
        keys: Sequence[str],
        times_s: NDArray[np.int64],
        values: NDArray[np.float64],
        *,
        scores: bool = False,
        news: bool = False,
        bands: bool = False,
        most_hits: int = 20_000,
    ) -> Judged:
        """Samples [S, T] in order of time: judged by what was known before each, then learned from."""
        shape = values.shape
        told = np.full(shape, np.nan, np.float32) if scores else _NO_SCORES
        new = np.full(shape, np.nan, np.float32) if news else _NO_SCORES
        band = np.full((*shape, 3), np.nan) if bands else _NO_BANDS
        if not values.size:
            return Judged(np.empty((0, COLUMNS)), 0, told, new, band)
        self._sweep(float(times_s[-1]))
        rows = self.state.find(keys)
        places = calendar.places(times_s, self.step_s, self.tuning.zone, self.tuning.holidays)
        hits = np.empty((most_hits, COLUMNS))
        s = self.state
        found = run(
            values, times_s, places, rows, s.scalars, s.daily, s.days, s.weekly, s.weeks, s.scatter, s.tails, s.recent,
            s.window, self._numbers, hits, told, new, band,
        )  # fmt: skip
        return Judged(hits[: min(found, most_hits)], max(0, found - most_hits), told, new, band)

    def _sweep(self, now_s: float) -> None:
        if now_s - self._swept_s >= _FORGET_EVERY_S:
            self._swept_s = now_s
            self.state.forget(now_s - FORGET_S)
