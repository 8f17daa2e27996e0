"""Rows of the store as history: read back a stretch at a time, in order of arrival, with their declared types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from weft.detect.backtest import History
from weft.detect.frames import MatrixFrames
from weft.detect.names import InventoryNames, facts
from weft.detect.runfolder import Stretch, arrival
from weft.errors import Failed
from weft.model.tables import Table
from weft.query.config import QueryConfig
from weft.query.engine import QueryEngine
from weft.store.clickhouse import TABLES
from weft.store.config import StoreConfig
from weft.store.inventory import Inventory
from weft.store.inventory.config import FactsConfig
from weft.store.open import open_store
from weft.store.state import open_state
from weft.store.telemetry import TelemetryStore

_TABLES = {table.name: table for table in TABLES}
_STRETCH_S, _SHORTEST_S = 900.0, 1.0
#: Rows of a stretch; one with more is read in shorter ones.
MOST_ROWS = 1_000_000
#: How much earlier or later than it arrived a row can say that it happened.
_EARLIER_S, _LATER_S = 86_400, 3600


def history_of(
    store: TelemetryStore, questions: QueryEngine, inventory: Inventory, threat_lists: Sequence[Path] = ()
) -> History:
    """What a store holds, with the names of today."""
    names = InventoryNames(inventory)
    rows, frames = StoreRows(store), MatrixFrames(questions, names)
    return History(rows, names, frames, names.networks, facts(inventory, threat_lists))


@contextmanager
def opened(
    config: StoreConfig, known: FactsConfig, asking: QueryConfig, threat_lists: Sequence[Path] = ()
) -> Iterator[History]:
    """The history that a store holds, opened for this. Raises ``StoreUnavailable`` where another process has it."""
    store, state = open_store(config, visiting=True), open_state(config)
    store.start()
    try:
        state.start()
        inventory = Inventory(known, state)
        inventory.start()
        try:
            questions = QueryEngine(store, asking, retention_days=config.retention_days)
            yield history_of(store, questions, inventory, threat_lists)
        finally:
            inventory.stop()
            state.stop()
    finally:
        store.stop()


class StoreRows:
    """``Rows`` of a store. Reading raises ``StoreUnavailable``, ``LimitExceeded`` or ``Failed``."""

    def __init__(self, store: TelemetryStore, *, most: int = MOST_ROWS) -> None:
        self._store, self._most = store, most

    def rows(self, tables: Sequence[str], since_s: float, until_s: float) -> Iterator[Stretch]:
        """See ``Rows``."""
        known = [_TABLES[name] for name in tables if name in _TABLES]
        at = since_s
        while at < until_s:
            end = self._end(known, at, until_s)
            for table in known:
                rows = self._read(table, at, end)
                if rows.num_rows:
                    yield end, table.name, rows
            at = end

    def _end(self, tables: Sequence[Table], since_s: float, until_s: float) -> float:
        """As far as one read can go."""
        length = min(_STRETCH_S, until_s - since_s)
        while length > _SHORTEST_S:
            rows = sum(self._count(table, since_s, since_s + length) for table in tables)
            if rows <= self._most:
                break
            length = max(_SHORTEST_S, length * self._most / rows / 2)
        return since_s + length

    def _count(self, table: Table, since_s: float, until_s: float) -> int:
        sql = f"SELECT count() AS rows FROM {table.name} WHERE {_between(table)}"  # noqa: S608  names are declared
        return int(self._store.query(sql, _bounds(since_s, until_s)).table["rows"][0].as_py())

    def _read(self, table: Table, since_s: float, until_s: float) -> pa.RecordBatch:
        names = ", ".join(column.name for column in table.columns)
        sql = f"SELECT {names} FROM {table.name} WHERE {_between(table)} ORDER BY {arrival(table.name)}"  # noqa: S608
        return declared(table, self._store.query(sql, _bounds(since_s, until_s)).table)


def _between(table: Table) -> str:
    """Arrived between two times. Rows lie by when they happened, so that is told, too."""
    came, happened = arrival(table.name), table.time.name
    told = f"{came} >= fromUnixTimestamp64Milli({{since:Int64}}) AND {came} < fromUnixTimestamp64Milli({{until:Int64}})"
    if came == happened:
        return told
    return (
        f"{told} AND {happened} >= fromUnixTimestamp64Milli({{since:Int64}} - {_EARLIER_S * 1000})"
        f" AND {happened} < fromUnixTimestamp64Milli({{until:Int64}} + {_LATER_S * 1000})"
    )


def _bounds(since_s: float, until_s: float) -> dict[str, Any]:
    return {"since": round(since_s * 1000), "until": round(until_s * 1000)}


def declared(table: Table, rows: pa.Table) -> pa.RecordBatch:
    """Rows of an answer with the declared types of their table. Raises ``Failed`` where one does not fit."""
    arrays: list[Any] = []
    for column in table.columns:
        told: Any = rows.column(column.name).combine_chunks()
        arrays.append(_cast(column.name, told, column.arrow))
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def _cast(name: str, told: Any, kind: pa.DataType) -> Any:
    if told.type == kind:
        return told
    try:
        if pa.types.is_timestamp(kind) and pa.types.is_integer(told.type):  # DateTime: whole seconds
            return told.cast(pa.int64()).cast(pa.timestamp("s", "UTC")).cast(kind)
        if pa.types.is_dictionary(kind):
            words = told.cast(pa.string()) if not pa.types.is_dictionary(told.type) else told.cast(kind.value_type)
            return words.dictionary_encode().cast(kind)
        return told.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Failed(f"is {told.type}, not {kind}: {error}", where=f"column {name}") from None
