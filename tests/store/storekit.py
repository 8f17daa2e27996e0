"""Rows and engines for the tests of the store."""

from __future__ import annotations

import multiprocessing.managers
from typing import Any

import numpy as np
import pyarrow as pa

from weft.model.flows import FLOWS
from weft.store.clickhouse import TABLES
from weft.store.embedded import EmbeddedEngine
from weft.store.telemetry import TelemetryStore

#: Rows of any age are kept.
KEEP = {name: 20000 for table in TABLES for name in (table.name, *(r.name for r in table.rollups))}
NOON = 1_790_000_000 - 1_790_000_000 % 86400 + 43200


class SharedEngine(EmbeddedEngine):
    """An embedded engine that goes from database to database, as tests do."""

    def use(self, database: str) -> None:
        """Look into that database from now on."""
        self.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
        for handle in (self._writer, *self._readers.queue):
            handle.query(f"USE {database}", "Null")


class EngineProcess(multiprocessing.managers.BaseManager):
    """Holds the embedded engine."""


EngineProcess.register("Engine", SharedEngine)


class InDatabase:
    """The shared embedded engine, seen through one database."""

    def __init__(self, engine: Any, database: str) -> None:
        self._engine, self._database = engine, database

    def start(self) -> None:
        self._engine.use(self._database)

    def stop(self) -> None:
        """The engine stays."""

    def insert(self, table: str, columns: Any, chunks: Any, settings: Any) -> None:
        self._engine.insert(table, columns, [bytes(chunk) for chunk in chunks], settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def random_flows(rows: int, seed: int = 1, start: int = NOON, seconds: int = 600, spread: int = 5) -> pa.RecordBatch:
    """Rows with few distinct keys, so that rollups have something to sum."""
    rng = np.random.default_rng(seed)
    arrays = []
    for column in FLOWS.columns:
        width = column.arrow.bit_width // 8
        if pa.types.is_timestamp(column.arrow):
            values = (start + np.sort(rng.integers(0, seconds, rows))) * 10**9 + rng.integers(0, 10**9, rows)
            arrays.append(pa.array(values).view(column.arrow))
            continue
        if column.optional:
            data = np.zeros(rows * width, np.uint8)
        elif column.name in {"bytes", "packets"}:
            data = rng.integers(0, 1 << 40, rows, dtype=np.uint64).view(np.uint8)
        elif width == 16:
            data = np.zeros((rows, 16), np.uint8)
            data[:, 10:12] = 255
            data[:, 15] = rng.integers(0, spread, rows)
            data = data.reshape(-1)
        else:
            data = rng.integers(0, spread, rows, dtype=f"u{width}").view(np.uint8)
        arrays.append(pa.Array.from_buffers(column.arrow, rows, [None, pa.py_buffer(data)]))
    return pa.RecordBatch.from_arrays(arrays, schema=FLOWS.schema)


def flows_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows given by the columns that matter; the rest is zero."""
    zero: dict[str, Any] = {c.name: bytes(16) if c.arrow == pa.binary(16) else 0 for c in FLOWS.columns}
    return pa.RecordBatch.from_pylist([zero | row for row in rows], schema=FLOWS.schema)


def one(store: TelemetryStore, sql: str, **parameters: Any) -> Any:
    """The only value of a query's only row."""
    (row,) = store.query(sql, parameters).table.to_pylist()
    (value,) = row.values()
    return value


def rows_of(store: TelemetryStore, sql: str) -> list[dict[str, Any]]:
    """All rows."""
    found: list[dict[str, Any]] = store.query(sql).table.to_pylist()
    return found
