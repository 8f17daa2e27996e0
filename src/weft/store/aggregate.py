"""Sums a batch per bucket and key, for rollups.

ClickHouse would do the same in a materialized view, at several times the CPU: it serialises a generic key row by row,
while here the keys of a batch are hashed column by column.

Comes in: a batch of a table. Goes out: a batch of the rollup with exact sums. Must never touch a row in Python.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.model.tables import Column, Kind, Role, Rollup, Table
from weft.store.native import fixed_width_bytes

#: Column of a rollup that counts the rows behind one of its rows.
ROWS = "flows"

_NS = 1_000_000_000
_LANES = 2  # two independent 64-bit hashes: a batch's keys meet in both with a probability below 1e-27


@numba.njit(cache=True, nogil=True)
def _mix(hashes: NDArray[np.uint64], column: NDArray[Any]) -> None:
    first, second = hashes[0], hashes[1]
    for i in range(len(first)):
        value = np.uint64(column[i])
        a = (first[i] ^ value) * np.uint64(0x9E3779B97F4A7C15)
        first[i] = a ^ (a >> np.uint64(32))
        b = (second[i] + value + np.uint64(0x632BE59BD9B4E019)) * np.uint64(0xD6E8FEB86659FD93)
        second[i] = b ^ (b >> np.uint64(29))


@numba.njit(cache=True, nogil=True)
def _group(
    hashes: NDArray[np.uint64],
    slots: NDArray[np.uint64],
    first_row: NDArray[np.int32],
    group: NDArray[np.int32],
) -> int:
    """Number the distinct keys; returns how many, or -1 when there are more than fit.

    A slot is (first hash, second hash, number, nothing): half a cache line, so that a look costs one miss.
    """
    first, second = hashes[0], hashes[1]
    mask = len(slots) - 1
    count = 0
    for i in range(len(first)):
        key = first[i] | np.uint64(1)  # zero marks a free slot
        other = second[i]
        slot = np.int64(key >> np.uint64(20)) & mask
        while True:
            if slots[slot, 0] == key and slots[slot, 1] == other:
                group[i] = slots[slot, 2]
                break
            if slots[slot, 0] == 0:
                if count == len(first_row):
                    return -1
                slots[slot, 0], slots[slot, 1], slots[slot, 2] = key, other, count
                first_row[count] = i
                group[i] = count
                count += 1
                break
            slot = (slot + 1) & mask
    return count


@numba.njit(cache=True, nogil=True)
def _add(group: NDArray[np.int32], values: NDArray[np.uint64], sums: NDArray[np.uint64]) -> None:
    for i in range(len(group)):
        sums[group[i]] += values[i]


@numba.njit(cache=True, nogil=True)
def _count(group: NDArray[np.int32], counts: NDArray[np.uint64]) -> None:
    for i in range(len(group)):
        counts[group[i]] += np.uint64(1)


@numba.njit(cache=True, nogil=True)
def _buckets(ns: NDArray[np.int64], width: int, out: NDArray[np.int64]) -> None:
    for i in range(len(ns)):
        out[i] = ns[i] - ns[i] % width


def rollup_table(table: Table, rollup: Rollup) -> Table:
    """The rollup as a table of its own: time, dimensions, measures and the row count."""
    count = Column(ROWS, pa.uint64(), "UInt64", Role.MEASURE, Kind.NUMBER, "Rows behind this one.", codec="T64, LZ4")
    time = dataclasses.replace(table.time, sql="DateTime('UTC')", codec="T64")
    columns = (time, *(table.by_name[name] for name in rollup.dimensions), *table.measures, count)
    key = (time.name, *rollup.dimensions)
    return Table(rollup.name, f"{table.name} per {rollup.seconds} s", columns, key, rollup.ttl_days)


class Summer:
    """Sums batches into rollups. Keeps table sizes from call to call; not thread-safe."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def sum_all(
        self, table: Table, rollups: Sequence[Rollup], batch: pa.RecordBatch
    ) -> list[tuple[Rollup, pa.RecordBatch]]:
        """The batch summed for each of ``rollups``, whose key parts in common are hashed once per bucket width."""
        shared = (
            [name for name in rollups[0].dimensions if all(name in r.dimensions for r in rollups)] if rollups else []
        )
        begun: dict[int, tuple[NDArray[np.int64], NDArray[np.uint64]]] = {}
        out = []
        for rollup in rollups:
            if rollup.seconds not in begun:
                begun[rollup.seconds] = _begin(batch, table.time.name, rollup.seconds, shared)
            times, hashes = begun[rollup.seconds]
            rest = [name for name in rollup.dimensions if name not in shared]
            out.append(
                (rollup, self._sum(batch, rollup_table(table, rollup), times, _mixed(hashes.copy(), batch, rest)))
            )
        return out

    def _sum(
        self, batch: pa.RecordBatch, target: Table, times: NDArray[np.int64], hashes: NDArray[np.uint64]
    ) -> pa.RecordBatch:
        group, first = self._number(hashes, target.name)
        rows = pa.array(first, pa.int32())
        columns: list[Any] = [pa.array(times[first]).view(target.time.arrow)]
        columns += [batch.column(column.name).take(rows) for column in target.dimensions]
        for measure in target.measures:
            sums = np.zeros(len(first), np.uint64)
            if measure.name == ROWS and ROWS not in batch.schema.names:
                _count(group, sums)
            else:
                _add(group, fixed_width_bytes(batch.column(measure.name)).view(np.uint64), sums)
            columns.append(pa.array(sums))
        return pa.RecordBatch.from_arrays(columns, schema=target.schema)

    def _number(self, hashes: NDArray[np.uint64], name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Group of each row and first row of each group. The table grows from what the last batch needed."""
        group = np.empty(hashes.shape[1], np.int32)
        size = self._sizes.get(name, 1 << 14)
        while True:
            slots = np.zeros((size, 4), np.uint64)
            first = np.empty(size // 2, np.int32)
            count = _group(hashes, slots, first, group)
            if count >= 0:
                self._sizes[name] = size
                return group, first[:count]
            size *= 4


def _begin(
    batch: pa.RecordBatch, time: str, seconds: int, names: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Bucket of each row, and the hash of what all rollups have in common."""
    times = np.empty(batch.num_rows, np.int64)
    _buckets(fixed_width_bytes(batch.column(time)).view(np.int64), seconds * _NS, times)
    hashes = np.zeros((_LANES, batch.num_rows), np.uint64)
    _mix(hashes, times)
    return times, _mixed(hashes, batch, names)


def _mixed(hashes: NDArray[np.uint64], batch: pa.RecordBatch, names: Sequence[str]) -> NDArray[np.uint64]:
    words: list[NDArray[Any]] = []
    for name in names:
        array = batch.column(name)
        raw = fixed_width_bytes(array)
        width = len(raw) // max(1, len(array))
        if width == 16:
            words += [raw.view(np.uint64)[0::2], raw.view(np.uint64)[1::2]]
        else:
            words.append(raw.view(f"u{width}"))
    for column in words:
        _mix(hashes, column)
    return hashes
