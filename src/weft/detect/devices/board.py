"""The last values of many metrics side by side, with a short history of each: what a value is compared with.

Bounded: so many series and no more, so many values of each. What a deviating series does in the meantime is learned
slowly, so that a fault does not become the rule while it lasts, and a lasting shift does in the end.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Names
from weft.detect.devices.columns import F64, I64, Devices, coded, groups, has, having, numbers, seconds
from weft.errors import InvalidInput

_COUNTER = 1
#: Of a deviating series one value in so many is learned.
_SLOWLY = 6
_STALE_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Series:
    """Whose values. ``labels``: as the row has them."""

    device: str
    component: str
    metric: str
    labels: str


@dataclass(frozen=True, slots=True)
class Round:
    """New values at one time. ``at``: numbers of their series on the board, each once."""

    at_s: float
    at: I64
    values: F64


@dataclass(frozen=True, slots=True)
class Level:
    """What some series usually are. ``scale``: robust standard deviation; ``count``: values that it rests on."""

    middle: F64
    scale: F64
    count: I64


class Board:
    """Series of some metrics, by number. Counters are rates per second; a counter's first reading is none."""

    def __init__(self, names: Names, metrics: Sequence[str], depth: int = 48, most: int = 100_000) -> None:
        self.devices, self.metrics, self.depth = Devices(names), tuple(metrics), depth
        self.most, self.refused = most, 0
        self.series: list[Series] = []
        self._number: dict[Series, int] = {}
        self._told: dict[tuple[Any, ...], int] = {}  # as rows tell of a series → its number
        self._grow(0)

    def _grow(self, size: int) -> None:
        if size == 0:
            self.last, self.last_s = np.full(0, np.nan), np.full(0, -np.inf)
            self._ring = np.full((0, self.depth), np.nan, np.float32)
            self._pushed, self._skipped = np.zeros(0, np.int64), np.zeros(0, np.int64)
            return
        more = size - len(self.last)
        self.last = np.concatenate([self.last, np.full(more, np.nan)])
        self.last_s = np.concatenate([self.last_s, np.full(more, -np.inf)])
        self._ring = np.concatenate([self._ring, np.full((more, self.depth), np.nan, np.float32)])
        self._pushed = np.concatenate([self._pushed, np.zeros(more, np.int64)])
        self._skipped = np.concatenate([self._skipped, np.zeros(more, np.int64)])

    def number(self, series: Series) -> int:
        """The number of a series; -1 where the board does not have it."""
        return self._number.get(series, -1)

    def value(self, series: Series, now_s: float = np.inf, within_s: float = np.inf) -> float:
        """Its last value, not a number where there is none, or none so recent."""
        number = self._number.get(series, -1)
        if number < 0 or (np.isfinite(now_s) and now_s - self.last_s[number] > within_s):
            return float("nan")
        return float(self.last[number])

    def take(self, rows: pa.RecordBatch) -> Iterator[Round]:
        """New values, time by time in order; those that are no later than what their series has are left out.

        ``last`` holds a round's values once it is given; the history does not, until ``learn``.
        """
        if not has(rows, "time", "metric", "value"):
            return
        chosen = having(rows, "metric", self.metrics)
        if chosen is None:
            return
        times, values = seconds(chosen, "time"), self._values(chosen)
        parts = [coded(chosen, name) for name in ("exporter", "host", "component", "metric", "labels")]
        found, number = groups(parts)
        series = np.array([self._known(one) for one in found], np.int64)[number]
        good = np.isfinite(values) & (series >= 0)
        order = np.flatnonzero(good)[np.argsort(times[good], kind="stable")]
        times, values, series = times[order], values[order], series[order]
        cuts = np.flatnonzero(np.diff(times)) + 1
        for since, until in zip([0, *cuts], [*cuts, len(times)], strict=True):
            if since < until:
                yield from self._round(float(times[since]), series[since:until], values[since:until])

    def _round(self, at_s: float, series: I64, values: F64) -> Iterator[Round]:
        at, last = np.unique(series[::-1], return_index=True)
        values = values[::-1][last]
        new = self.last_s[at] < at_s
        at, values = at[new], values[new]
        if len(at):
            self.last[at], self.last_s[at] = values, at_s
            yield Round(at_s, at, values)

    def _values(self, rows: pa.RecordBatch) -> F64:
        values: F64 = numbers(rows, "value").astype(np.float64)
        if has(rows, "metric_type", "increase", "interval_ms"):
            is_counter = numbers(rows, "metric_type") == _COUNTER
            span = numbers(rows, "interval_ms") / 1000.0
            with np.errstate(divide="ignore", invalid="ignore"):
                rate = np.where(span > 0, numbers(rows, "increase") / span, np.nan)
            values = np.where(is_counter, rate, values)
        return values

    def _known(self, told: tuple[Any, ...]) -> int:
        number = self._told.get(told)
        if number is None:
            number = self._find(*told)
            if number >= 0:
                if len(self._told) >= 2 * self.most:
                    self._told.clear()
                self._told[told] = number
        return number

    def _find(self, address: bytes, host: str, component: str, metric: str, labels: str) -> int:
        one = Series(self.devices.name(address, host), component or "", metric, labels or "")
        number = self._number.get(one)
        if number is None:
            if len(self.series) >= self.most:
                self.refused += 1
                return -1
            number = self._number[one] = len(self.series)
            self.series.append(one)
            if number >= len(self.last):
                self._grow(max(256, 2 * len(self.last)))
        return number

    def learn(self, at: I64, values: F64, deviates: NDArray[np.bool_] | None = None) -> None:
        """Takes values into the history; of series that deviate only now and then."""
        if deviates is not None and deviates.any():
            self._skipped[at[deviates]] += 1
            keep = ~deviates | (self._skipped[at] % _SLOWLY == 0)
            at, values = at[keep], values[keep]
        self._ring[at, self._pushed[at] % self.depth] = values
        self._pushed[at] += 1

    def level(self, at: I64) -> Level:
        """Median and robust deviation of the history of some series."""
        count = np.minimum(self._pushed[at], self.depth)
        middle = _middle(self._ring[at], count)
        spread = _middle(np.abs(self._ring[at] - middle[:, None]), count)
        return Level(middle.astype(np.float64), 1.4826 * spread.astype(np.float64), count)

    def history(self, number: int) -> F64:
        """The history of one series, oldest first."""
        count = int(min(self._pushed[number], self.depth))
        first = int(self._pushed[number]) - count
        kept: F64 = self._ring[number, (first + np.arange(count)) % self.depth].astype(np.float64)
        return kept

    def forget(self, now_s: float) -> bool:
        """Makes room where the board is full and some series are long gone; numbers of series change where it does."""
        if len(self.series) < self.most:
            return False
        stay = np.flatnonzero(now_s - self.last_s[: len(self.series)] < _STALE_S)
        if len(stay) == len(self.series):
            return False
        self.series = [self.series[number] for number in stay]
        self._number = {one: number for number, one in enumerate(self.series)}
        self._told.clear()
        self.last, self.last_s = self.last[stay], self.last_s[stay]
        self._ring, self._pushed, self._skipped = self._ring[stay], self._pushed[stay], self._skipped[stay]
        return True

    def save(self) -> bytes:
        """Series and their history."""
        count, out = len(self.series), io.BytesIO()
        keys = json.dumps([[one.device, one.component, one.metric, one.labels] for one in self.series])
        np.savez_compressed(
            out, keys=np.frombuffer(keys.encode(), np.uint8), ring=self._ring[:count], pushed=self._pushed[:count],
            last=self.last[:count], last_s=self.last_s[:count],
        )  # fmt: skip
        return out.getvalue()

    def load(self, state: bytes) -> None:
        """What ``save`` gave. Raises ``InvalidInput`` where it is none."""
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as kept:
                keys = [Series(*map(str, one)) for one in json.loads(kept["keys"].tobytes())]
                ring, pushed = kept["ring"].astype(np.float32), kept["pushed"].astype(np.int64)
                last, last_s = kept["last"].astype(np.float64), kept["last_s"].astype(np.float64)
        except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
            raise InvalidInput(f"is not a board of series: {error}", where="state") from error
        if ring.shape != (len(keys), self.depth) or not len(keys) == len(pushed) == len(last) == len(last_s):
            raise InvalidInput("is a board of another shape", where="state")
        if len(keys) > self.most:
            raise InvalidInput(f"has {len(keys)} series, more than {self.most}", where="state")
        self.series, self._number = keys, {one: number for number, one in enumerate(keys)}
        self._told.clear()
        self._ring, self._pushed, self.last, self.last_s = ring, pushed, last, last_s
        self._skipped = np.zeros(len(keys), np.int64)


def _middle(values: NDArray[np.float32], count: I64) -> NDArray[np.float32]:
    """Median of each row of which ``count`` are numbers; not a number where none is."""
    if values.size == 0:
        return np.full(len(values), np.nan, np.float32)
    ordered = np.sort(values, axis=1)  # what is not a number comes last
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    found: NDArray[np.float32] = (ordered[rows, low] + ordered[rows, high]) / 2
    return found
