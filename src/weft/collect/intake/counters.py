"""Counters to increases: how much each grew since its value before, resets, wraps and late values made good.

A series is one (exporter, host, source, metric, component, ifIndex, labels). The last value of each is kept in a hash
table that numba walks: tens of millions of rows a second, no objects. What is not a counter passes through untouched.

* A counter that fell below 2^32 while its last value was in the upper half of 32 bits, and could have got there by
  growing less than 2^31, wrapped (Counter32). Any other fall is a reset: what it shows has grown since then.
* A fall by less than a hundredth is neither: agents that answer from several caches step back. Nothing is added.
* A value that its source marks with ``BEGINS_ANEW`` has no value before; a row with an increase of its own keeps it.
* A value that is not newer than the last of its series adds nothing; it is counted as late, or duplicate.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.decode.probing import mixed, place
from weft.model.metrics import BEGINS_ANEW, METRIC_TYPES, METRICS

_COUNTER = next(number for number, name in METRIC_TYPES.items() if name == "counter")
_WORDS = ("host", "metric", "component", "labels")
_HALF = 2.0**31
_WHOLE = 2.0**32
#: An interval longer than this says nothing: the source was away, and the counter may have wrapped more than once.
MOST_INTERVAL_MS = 6 * 3600 * 1000
_FIRST_SLOTS = 1 << 12
#: Series kept apart; when there are more, those not heard of for longest are forgotten.
MOST_SERIES = 8_000_000
_N_COUNTS = 4
_ANEW = np.uint32(BEGINS_ANEW)
_RESET, _WRAP, _LATE, _DUPLICATE = range(_N_COUNTS)


@kernel
def _mix(keys: NDArray[np.uint64], values: NDArray[np.uint64]) -> None:
    """Fold ``values`` into ``keys``."""
    for i in range(len(keys)):
        keys[i] = mixed(keys[i] ^ mixed(values[i]))


@kernel
def _increases(
    keys: NDArray[np.uint64], kinds: NDArray[np.uint8], values: NDArray[np.float64], times_ms: NDArray[np.int64],
    slots: NDArray[np.uint64], last_value: NDArray[np.float64], last_ms: NDArray[np.int64],
    increase: NDArray[np.float64], interval: NDArray[np.uint32], counts: NDArray[np.int64],
) -> int:  # fmt: skip
    new = 0
    for i in range(len(keys)):
        if kinds[i] != 1 or not np.isfinite(values[i]):
            continue
        anew, given = interval[i] == _ANEW, interval[i] != 0 and interval[i] != _ANEW
        key = keys[i] | np.uint64(1)  # zero marks a free slot
        at = place(slots, key)
        if anew or given or slots[at] == np.uint64(0):
            new += slots[at] == np.uint64(0)
            counts[_RESET] += anew
            slots[at], last_value[at], last_ms[at] = key, values[i], times_ms[i]
            if not given:
                interval[i] = 0
            continue
        interval[i] = 0
        elapsed = times_ms[i] - last_ms[at]
        if elapsed <= 0:
            counts[_LATE if elapsed < 0 or values[i] != last_value[at] else _DUPLICATE] += 1
            continue
        grown = values[i] - last_value[at]
        if grown < 0:
            if grown > -0.01 * last_value[at]:  # a step back, not a new beginning
                continue
            wrapped = grown + 4294967296.0
            if 2147483648.0 <= last_value[at] < 4294967296.0 and wrapped < 2147483648.0:
                counts[_WRAP] += 1
                grown = wrapped
            else:
                counts[_RESET] += 1
                grown = values[i]
        last_value[at], last_ms[at] = values[i], times_ms[i]
        if elapsed <= 21_600_000:
            increase[i], interval[i] = grown, elapsed
    return new


@kernel
def _rehash(
    slots: NDArray[np.uint64], last_value: NDArray[np.float64], last_ms: NDArray[np.int64], oldest_ms: int,
    new_slots: NDArray[np.uint64], new_value: NDArray[np.float64], new_ms: NDArray[np.int64],
) -> int:  # fmt: skip
    kept = 0
    for i in range(len(slots)):
        if slots[i] != np.uint64(0) and last_ms[i] >= oldest_ms:
            at = place(new_slots, slots[i])
            new_slots[at], new_value[at], new_ms[at] = slots[i], last_value[i], last_ms[i]
            kept += 1
    return kept


@dataclass(slots=True)
class CounterCounts:
    """What was met since the book was made."""

    resets: int = 0
    wraps: int = 0
    late: int = 0
    duplicates: int = 0
    series: int = 0


class CounterBook:
    """Remembers the last value of every counter. Not for several threads at once."""

    def __init__(self) -> None:
        self._hashes: dict[str, int] = {}
        self._secret = secrets.token_bytes(16)  # nobody can choose names that collide
        self._make(_FIRST_SLOTS)
        self._used = 0
        self.counts = CounterCounts()

    def _make(self, slots: int) -> None:
        self._slots = np.zeros(slots, np.uint64)
        self._value = np.zeros(slots, np.float64)
        self._ms = np.zeros(slots, np.int64)

    def apply(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """``rows`` of the metrics table with ``increase`` and ``interval_ms`` filled in for counters."""
        n = rows.num_rows
        kinds = _numbers(rows, "metric_type", np.uint8)
        if not n or not (kinds == _COUNTER).any():
            return rows
        self._make_room(n)
        increase, interval = (
            _numbers(rows, "increase", np.float64).copy(),
            _numbers(rows, "interval_ms", np.uint32).copy(),
        )
        counts = np.zeros(_N_COUNTS, np.int64)
        times_ms = _numbers(rows, "time", np.int64) // 1_000_000
        self._used += _increases(
            self._keys(rows), kinds, _numbers(rows, "value", np.float64), times_ms,
            self._slots, self._value, self._ms, increase, interval, counts,
        )  # fmt: skip
        total = self.counts
        total.resets += int(counts[_RESET])
        total.wraps += int(counts[_WRAP])
        total.late += int(counts[_LATE])
        total.duplicates += int(counts[_DUPLICATE])
        total.series = self._used
        schema = METRICS.schema
        out = rows.set_column(schema.get_field_index("increase"), schema.field("increase"), pa.array(increase))
        return out.set_column(schema.get_field_index("interval_ms"), schema.field("interval_ms"), pa.array(interval))

    def _keys(self, rows: pa.RecordBatch) -> NDArray[np.uint64]:
        address: Any = rows.column("exporter")
        halves = np.frombuffer(address.buffers()[1], np.uint64)[2 * address.offset : 2 * (address.offset + len(rows))]
        keys = np.ascontiguousarray(halves[::2]).copy()
        _mix(keys, np.ascontiguousarray(halves[1::2]))
        small = _numbers(rows, "if_index", np.uint32).astype(np.uint64) << np.uint64(8)
        _mix(keys, small | _numbers(rows, "source", np.uint8).astype(np.uint64))
        for name in _WORDS:
            column: Any = rows.column(name)
            hashes = np.array([self._hash(word or "") for word in column.dictionary.to_pylist()], np.uint64)
            _mix(keys, hashes[column.indices.to_numpy(zero_copy_only=False)])
        return keys

    def _hash(self, word: str) -> int:
        known = self._hashes.get(word)
        if known is None:
            if len(self._hashes) > MOST_SERIES:
                self._hashes.clear()
            known = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8, key=self._secret).digest(), "little")
            self._hashes[word] = known
        return known

    def _make_room(self, rows: int) -> None:
        """At most half of the slots are used; beyond the most series the oldest half is forgotten."""
        if (self._used + rows) * 2 <= len(self._slots):
            return
        old = self._slots, self._value, self._ms
        oldest = 0
        wanted = self._used + rows
        if wanted > MOST_SERIES and self._used:
            oldest = int(np.median(self._ms[self._slots != 0]))
            wanted = MOST_SERIES
        size = len(self._slots)
        while size < wanted * 2 + 2:
            size *= 2
        self._make(size)
        self._used = _rehash(*old, oldest, self._slots, self._value, self._ms)


def _numbers(rows: pa.RecordBatch, name: str, kind: Any) -> NDArray[Any]:
    column: Any = rows.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return np.asarray(column.to_numpy(zero_copy_only=False), kind)
