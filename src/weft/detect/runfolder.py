"""The folder of a ``weft twin run`` as history: its rows in the order of their arrival, read a stretch at a time.

A run holds a file for each sender, each roughly in order of time. Rows of all of them are merged, so that a detector is
fed as it would have been live, and only what is needed of a file is held at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.model.tables import Table
from weft.store.clickhouse import TABLES

NS = 1_000_000_000
_TABLES = {table.name: table for table in TABLES}
#: What agents, pollers and applications tell of a moment arrives within seconds of it; a run, and an import, writes
#: when a stretch of it was written instead.
_BY_TIME = frozenset({"metrics", "probes", "hops", "business"})
_EVER = (1 << 63) - 1
_BATCH_ROWS = 1 << 13
_MOST_FILES = 4096
_STRETCH_S = 900.0


#: Until when rows were read (UTC seconds), their table, the rows.
Stretch = tuple[float, str, pa.RecordBatch]


class Rows(Protocol):
    """History as rows: those of tables between two times (UTC seconds), in order of arrival."""

    def rows(self, tables: Sequence[str], since_s: float, until_s: float) -> Iterator[Stretch]:
        """Stretch by stretch; tables of the same stretch follow each other."""


def arrival(table: str) -> str:
    """The column that says when rows of a table came to be known."""
    return "time" if table in _BY_TIME else "time_received"


def arrivals(table: str, rows: pa.RecordBatch | pa.Table) -> NDArray[np.int64]:
    """When each row came to be known, UTC nanoseconds."""
    return times_of(rows, arrival(table))


def times_of(rows: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.int64]:
    """A column of times, UTC nanoseconds."""
    column: Any = rows.column(rows.schema.get_field_index(name))
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    times: NDArray[np.int64] = np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False))
    return times


class RunFolder:
    """A run written as Parquet. Raises ``InvalidInput`` where the folder holds none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            told = json.loads((path / "scenario.json").read_text(encoding="utf-8"))
            scenario, self.form = told["scenario"], told["format"]
            since = np.datetime64(str(scenario["since"]).replace("Z", ""), "ns").astype(np.int64)
            self.since_s = float(since) / NS
            self.until_s = self.since_s + float(scenario["hours"]) * 3600
            self.seed, self.name = int(scenario["seed"]), str(scenario["name"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"holds no run: {error}", where=str(path), fix="Make one: weft twin run busy-day --out FOLDER"
            ) from None
        if self.form != "parquet":
            raise InvalidInput(f"holds a run as {self.form}", where=str(path), fix="Run it with --format parquet.")

    @property
    def truth(self) -> Path:
        """What really happened."""
        return self.path / "truth.jsonl"

    def files(self, table: str) -> list[Path]:
        """Files of a table, in the order of their names."""
        if table not in _TABLES:
            return []
        return sorted((self.path / table).glob("*.parquet"))[:_MOST_FILES]

    def rows(self, tables: Sequence[str], since_s: float, until_s: float) -> Iterator[Stretch]:
        """See ``Rows``. Rows that came before ``since_s`` are left out."""
        since_ns = round(since_s * NS)
        cursors = {name: [_Cursor(_TABLES[name], path, since_ns) for path in self.files(name)] for name in tables}
        try:
            at = since_s
            while at < until_s:
                end = min(at + _STRETCH_S, until_s)
                for name, some in cursors.items():
                    rows = _merged(name, [cursor.until(round(end * NS)) for cursor in some])
                    if rows is not None:
                        yield end, name, rows
                at = end
        finally:
            for some in cursors.values():
                for cursor in some:
                    cursor.close()


class _Cursor:
    """Reads on in one file, as far as is asked for: row groups by when their first row came.

    Rows from before ``since_ns`` are not kept, nor read where their row group says that it ends before.
    """

    def __init__(self, table: Table, path: Path, since_ns: int) -> None:
        self._table, self._since_ns = table.name, since_ns
        self._file = pq.ParquetFile(path, pre_buffer=False)
        self._ordered = table.name not in _BY_TIME
        spans = sorted(spans_of(self._file, arrival(table.name)), reverse=True)  # the next one last
        self._groups = [(first, group) for first, last, group in spans if last >= since_ns]
        self._reading: Iterator[pa.RecordBatch] | None = None
        self._waiting: list[tuple[pa.RecordBatch, NDArray[np.int64]]] = []

    def until(self, end_ns: int) -> list[pa.RecordBatch]:
        """Rows that came before a time and were not given out yet."""
        self._read(end_ns)
        given, kept = [], []
        for batch, times in self._waiting:
            early = times < end_ns
            if early.all():
                given.append(batch)
            elif early.any():
                given.append(batch.filter(pa.array(early)))
                kept.append((batch.filter(pa.array(~early)), times[~early]))
            else:
                kept.append((batch, times))
        self._waiting = kept
        return given

    def _read(self, end_ns: int) -> None:
        """Read until nothing that came before ``end_ns`` is left. In an ordered file what comes later tells so."""
        while not (self._ordered and self._waiting and int(self._waiting[-1][1][-1]) >= end_ns):
            if self._reading is None:
                if not self._groups or self._groups[-1][0] >= end_ns:
                    return
                _, group = self._groups.pop()
                self._reading = self._file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False)
            batch = next(self._reading, None)
            if batch is None:
                self._reading = None
                continue
            times = arrivals(self._table, batch)
            wanted = times >= self._since_ns
            if not wanted.all():
                batch, times = batch.filter(pa.array(wanted)), times[wanted]
            if batch.num_rows:
                self._waiting.append((batch, times))

    def close(self) -> None:
        """Close the file."""
        self._groups, self._reading = [], None
        self._file.close()


def spans_of(file: pq.ParquetFile, column: str) -> Iterator[tuple[int, int, int]]:
    """When the first and the last row of each row group came, UTC nanoseconds, and its number.

    Any time at all where the file does not say.
    """
    at = file.schema_arrow.get_field_index(column)
    for group in range(file.metadata.num_row_groups):
        told: Any = file.metadata.row_group(group).column(at).statistics
        known = told is not None and told.has_min_max
        yield (int(told.min_raw), int(told.max_raw), group) if known else (0, _EVER, group)


def _merged(name: str, parts: Sequence[list[pa.RecordBatch]]) -> pa.RecordBatch | None:
    """Batches of several files as one, in order of arrival."""
    batches = [batch for part in parts for batch in part]
    if not batches:
        return None
    whole: Any = pa.Table.from_batches(batches)
    times = arrivals(name, whole)
    order = np.argsort(times, kind="stable")
    whole = whole.unify_dictionaries().take(pa.array(order)).combine_chunks()
    (batch,) = whole.to_batches()
    return batch  # type: ignore[no-any-return]


def series_of(rows: Rows, tables: Sequence[str], since_s: float, until_s: float) -> dict[str, int]:
    """How many series each table holds: what false alarms are counted against."""
    found: dict[str, set[tuple[Any, ...]]] = {name: set() for name in tables}
    for _, name, batch in rows.rows([name for name in tables if name in SERIES], since_s, until_s):
        columns = list(SERIES[name])
        distinct = pa.Table.from_batches([batch.select(columns)]).group_by(columns).aggregate([])
        found[name].update(zip(*(distinct.column(column).to_pylist() for column in columns), strict=True))
    return {name: len(some) for name, some in found.items()}


#: What tells series of a table apart.
SERIES: dict[str, tuple[str, ...]] = {
    "flows": ("exporter", "in_if"), "metrics": ("host", "metric", "component", "labels"), "logs": ("host",),
    "changes": ("host",), "routes": ("exporter", "peer"), "cloud_flows": ("interface_id",),
    "probes": ("agent", "test", "target"), "hops": ("agent", "target"), "business": ("series", "labels"),
}  # fmt: skip
