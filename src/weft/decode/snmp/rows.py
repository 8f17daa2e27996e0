"""Cells of a poll to rows of ``metrics``: arithmetic on columns, whatever the number of interfaces.

``RowMaker`` is made when a device's names are read and serves every poll until they are read again. Comes in: the
walked columns. Goes out: per metric its values, bits and read times, and after whatever was done with those, the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.layout import MetricLayout, TableLayout, Walked
from weft.decode.snmp.profile import UPTIME
from weft.model.metrics import BEGINS_ANEW, METRIC_SOURCES, METRIC_TYPES, METRICS
from weft.model.rows import batch_of

_SNMP = next(number for number, name in METRIC_SOURCES.items() if name == "snmp")
_TYPES = {name: number for number, name in METRIC_TYPES.items()}


@dataclass
class MetricValues:
    """One metric of one table as a poll found it. Arrays have one element for each row of ``layout.rows``."""

    table: TableLayout
    layout: MetricLayout
    values: NDArray[np.float64]  # NaN = none
    times: NDArray[np.int64]  # UTC ns when the device read it
    wide: NDArray[np.bool_]  # 64-bit counters: they do not wrap
    anew: NDArray[np.bool_]  # counters that began anew

    @property
    def name(self) -> str:
        """Name of the metric."""
        return self.layout.spec.metric


class RowMaker:
    """Makes rows of a device's walked columns."""

    def __init__(self, tables: Mapping[str, TableLayout]) -> None:
        self.tables = tables
        metrics = [metric for table in tables.values() for metric in table.metrics]
        self._names = _Words(sorted({metric.spec.metric for metric in metrics}))
        self._components = _Words(sorted({one for metric in metrics for one in metric.components}))
        self._labels = _Words(sorted({one for metric in metrics for one in metric.labels}))
        self._codes = {
            id(metric): (self._components.codes(metric.components), self._labels.codes(metric.labels))
            for metric in metrics
        }

    def values(self, walked: Walked, read_ns: int, uptime_s: float = 0.0, *, slow: bool = True) -> list[MetricValues]:
        """Values of every metric whose columns were walked; with ``slow`` also of those made of names only.

        ``read_ns`` is the time of those; the others have that of the answer that brought them.
        """
        found = []
        for name, table in self.tables.items():
            cells = walked.get(name, {})
            aligned = _Aligned(table, cells, uptime_s)
            for metric in table.metrics:
                fast = metric.columns & table.spec.columns.keys()
                if (fast & cells.keys()) if fast else slow:
                    found.append(_values(table, metric, aligned, read_ns))
        return found

    def unknown(self, walked: Walked) -> int:
        """Rows walked that were not there when the names were read."""
        count = 0
        for name, cells in walked.items():
            table = self.tables.get(name)
            keys = {key for column in cells.values() for key in column.keys}
            count += len(keys) if table is None else len(keys - table.rows.keys() - table.strange)
        return count

    def batch(self, found: Sequence[MetricValues], exporter: bytes, host: str, received_ns: int) -> pa.RecordBatch:
        """The rows; cells without a value make none."""
        parts = [(one, np.flatnonzero(~np.isnan(one.values))) for one in found]
        parts = [(one, kept) for one, kept in parts if len(kept)]
        rows = sum(len(kept) for _, kept in parts)
        if not rows:
            return batch_of(METRICS, 0)
        codes = [self._codes[id(one.layout)] for one, _ in parts]
        sizes = [len(kept) for _, kept in parts]

        def of(arrays: list[NDArray[np.generic]]) -> NDArray[np.generic]:
            return np.concatenate([array[kept] for array, (_, kept) in zip(arrays, parts, strict=True)])

        def each(values: list[int], kind: type[np.generic]) -> NDArray[np.generic]:
            return np.repeat(np.array(values, kind), sizes)

        anew = of([one.anew for one, _ in parts])
        return batch_of(
            METRICS, rows, time=of([one.times for one, _ in parts]), time_received=received_ns, exporter=exporter,
            host=host, source=_SNMP, metric_type=each([_TYPES[one.layout.spec.type] for one, _ in parts], np.uint8),
            metric=self._names.column(each([self._names.code(one.name) for one, _ in parts], np.int32)),
            component=self._components.column(of([component for component, _ in codes])),
            labels=self._labels.column(of([labels for _, labels in codes])),
            if_index=of([one.table.if_index[one.layout.rows] for one, _ in parts]),
            value=of([one.values for one, _ in parts]),
            interval_ms=np.where(anew, np.uint32(BEGINS_ANEW), np.uint32(0)),
        )  # fmt: skip


class _Words:
    """A dictionary of texts and their codes."""

    def __init__(self, words: Sequence[str]) -> None:
        self._array = pa.array(words or [""], pa.string())
        self._codes = {word: code for code, word in enumerate(words)}

    def code(self, word: str) -> int:
        return self._codes[word]

    def codes(self, words: Sequence[str]) -> NDArray[np.int32]:
        return np.array([self._codes[word] for word in words], np.int32)

    def column(self, codes: NDArray[np.generic]) -> pa.Array[Any]:
        column: pa.Array[Any] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), self._array)
        return column


class _Aligned:
    """Columns of a walk in the order of the table's rows."""

    def __init__(self, table: TableLayout, cells: Mapping[str, ColumnData], uptime_s: float) -> None:
        self._table, self._cells, self._uptime_s = table, cells, uptime_s
        self._done: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]] = {}

    def column(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if name not in self._done:
            self._done[name] = self._align(name)
        return self._done[name]

    def tag(self, name: str) -> int:
        data = self._cells.get(name)
        return ber.NULL if data is None else data.tag

    def _align(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        table, count = self._table, len(self._table.keys)
        if name == UPTIME:
            return np.full(count, self._uptime_s), np.zeros(count, np.int64)
        data = self._cells.get(name)
        if data is None:
            return table.numbers.get(name, np.full(count, np.nan)), np.zeros(count, np.int64)
        if data.keys == table.keys:
            return data.numbers(), data.times()
        values, times = np.full(count, np.nan), np.zeros(count, np.int64)
        at = np.array([table.rows.get(key, -1) for key in data.keys], np.int64)
        known = at >= 0
        values[at[known]], times[at[known]] = data.numbers()[known], data.times()[known]
        return values, times


def _values(table: TableLayout, metric: MetricLayout, aligned: _Aligned, read_ns: int) -> MetricValues:
    spec, rows = metric.spec, metric.rows
    names = metric.columns
    columns = {name: aligned.column(name)[0][rows] for name in names}
    values = metric.value.evaluate(columns)
    values = np.broadcast_to(values, (len(rows),)).copy()
    wide = np.full(len(rows), _wide(metric.value.names, aligned))
    if metric.otherwise is not None:
        other = np.broadcast_to(metric.otherwise.evaluate(columns), (len(rows),))
        poor = np.isnan(values) | ((values == 0) & (other > 0))
        values, wide = np.where(poor, other, values), wide & ~poor
    values = _meant(values, metric, columns)
    times = np.zeros(len(rows), np.int64)
    for name in names:
        times = np.maximum(times, aligned.column(name)[1][rows])
    times[times == 0] = read_ns
    return MetricValues(table, metric, values * spec.scale, times, wide, np.zeros(len(rows), np.bool_))


def _meant(
    values: NDArray[np.float64], metric: MetricLayout, columns: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Without numbers that mean "none", rows that are not valid, and what no sensor measures."""
    spec = metric.spec
    bad = np.isin(values, spec.missing) if spec.missing else np.zeros(len(values), np.bool_)
    for name, allowed in spec.valid.items():
        bad |= ~np.isin(columns[name], allowed)
    if spec.map:
        mapped = np.full(len(values), np.nan)
        for raw, meant in spec.map.items():
            mapped[values == raw] = meant
        values = mapped
    with np.errstate(invalid="ignore"):
        if spec.lowest is not None:
            bad |= values * spec.scale < spec.lowest
        if spec.highest is not None:
            bad |= values * spec.scale > spec.highest
    return np.where(bad, np.nan, values)


def _wide(names: frozenset[str], aligned: _Aligned) -> bool:
    return any(aligned.tag(name) == ber.COUNTER64 for name in names)


def needless(tables: Mapping[str, TableLayout], walked: Walked) -> set[tuple[str, str]]:
    """(table, column) that only stand in for others, and are not needed because those have every row."""
    spare: set[tuple[str, str]] = set()
    for name, table in tables.items():
        aligned = _Aligned(table, walked.get(name, {}), 0.0)
        wanted: set[str] = set()
        stand_ins: set[str] = set()
        for metric in table.metrics:
            wanted |= metric.value.names | frozenset(metric.spec.valid)
            if metric.otherwise is not None:
                columns = {one: aligned.column(one)[0][metric.rows] for one in metric.columns}
                first, second = metric.value.evaluate(columns), metric.otherwise.evaluate(columns)
                needed = bool(((np.isnan(first) & ~np.isnan(second)) | ((first == 0) & (second > 0))).any())
                (wanted if needed else stand_ins).update(metric.otherwise.names)
        spare |= {(name, column) for column in stand_ins - wanted}
    return spare
