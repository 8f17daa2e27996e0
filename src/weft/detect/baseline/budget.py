"""Runs of tests and how many of them failed, minute by minute: what error budgets are counted from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Every so many buckets it is seen who is gone.
_SWEEP = 60
#: What is kept of each test: runs, those that failed, and of these the ones that no event told of.
RUNS, FAILED, UNTOLD = 0, 1, 2


class Budget:
    """Rings of so many buckets, of each test that came in that time."""

    def __init__(self, step_s: int, length_s: int, most: int) -> None:
        self.step_s, self.most = step_s, most
        self.rows: dict[str, int] = {}
        self.ring = np.zeros((0, 3, max(1, length_s // step_s)), np.float32)
        self.at = -1  # bucket that was fed last, counted since 1970

    def feed(self, tests: Sequence[str], at_s: int, bad: Floats) -> Rows:
        """The next bucket: share of each series' runs that failed, not a number where none came. Rows of the tests.

        A row is −1 where there is no room.
        """
        now, length = at_s // self.step_s, self.ring.shape[2]
        for one in range(max(self.at + 1, now - length + 1), now + 1):
            self.ring[:, :, one % length] = 0.0
        if now // _SWEEP > self.at // _SWEEP:
            self._forget()
        self.at = max(self.at, now)
        rows = np.array([self._row(test) for test in tests], np.int64)
        there = (rows >= 0) & np.isfinite(bad)
        failed = np.clip(bad[there], 0, 1)
        for what, many in ((RUNS, np.ones(len(failed))), (FAILED, failed), (UNTOLD, failed)):
            np.add.at(self.ring[:, what, now % length], rows[there], many.astype(np.float32))
        return rows

    def _row(self, test: str) -> int:
        row = self.rows.get(test, -1)
        if row < 0 and len(self.rows) < self.most:
            row = self.rows[test] = len(self.rows)
            if row >= len(self.ring):
                more = np.zeros((max(64, len(self.ring) // 2), *self.ring.shape[1:]), np.float32)
                self.ring = np.concatenate([self.ring, more])
        return row

    def _forget(self) -> None:
        """Drop the rings in which nothing is known any more."""
        known: NDArray[np.bool_] = self.ring[: len(self.rows), RUNS].max(axis=1, initial=0.0) > 0
        if not known.all():
            keep = [test for test, row in self.rows.items() if known[row]]
            self.ring = self.ring[[self.rows[test] for test in keep]]
            self.rows = {test: row for row, test in enumerate(keep)}

    def seen(self, window_s: int, what: int = FAILED) -> tuple[Floats, Floats]:
        """(runs, those that failed) of all tests in the last ``window_s``."""
        columns, held = self._columns(window_s), self.ring[: len(self.rows)]
        runs: Floats = held[:, RUNS][:, columns].sum(axis=1, dtype=np.float64)
        failed: Floats = held[:, what][:, columns].sum(axis=1, dtype=np.float64)
        return runs, failed

    def is_known(self, window_s: int) -> NDArray[np.bool_]:
        """Whether tests ran in the older half of a window already."""
        columns = self._columns(window_s)
        runs = self.ring[: len(self.rows), RUNS][:, columns[len(columns) // 2 :]]
        known: NDArray[np.bool_] = runs.max(axis=1, initial=0.0) > 0
        return known

    def tell(self, row: int, window_s: int) -> None:
        """What failed of a test within a window was told of."""
        self.ring[row, UNTOLD, self._columns(window_s)] = 0.0

    def _columns(self, window_s: int) -> Rows:
        count = max(1, window_s // self.step_s)
        columns: Rows = (self.at - np.arange(count)) % self.ring.shape[2]
        return columns


def by_chance(count: float, mean: float) -> float:
    """How likely so many or more are where ``mean`` are usual (Poisson)."""
    if count <= 0 or mean <= 0:
        return 1.0 if count <= 0 else 0.0
    if count <= mean:
        return 1.0  # not unusual at all: how likely it is, is of no interest
    term = total = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    at = count
    while term > 1e-12 * total:
        at += 1
        term *= mean / at
        total += term
    return min(1.0, total)
