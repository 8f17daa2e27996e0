"""The telemetry store on any engine: schema at start, Native inserts, bounded queries, dictionaries."""

from __future__ import annotations

import dataclasses
import functools
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import structlog

from weft.errors import WeftError
from weft.model.business import BUSINESS
from weft.model.changes import CHANGES
from weft.model.cloud import CLOUD_FLOWS
from weft.model.dictionaries import DICTIONARIES, Attribute, Dictionary
from weft.model.events import EVENTS
from weft.model.flows import FLOWS
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.probes import HOPS, PROBES
from weft.model.routes import ROUTES
from weft.model.tables import Table
from weft.store import dictionaries
from weft.store.config import StoreConfig
from weft.store.dictionaries import dictionary_table, rows_batch
from weft.store.engine import Engine
from weft.store.native import encode
from weft.store.rollups import Rollups
from weft.store.schema import Schema
from weft.store.telemetry import DEFAULT_LIMITS, Limits, QueryResult

log = structlog.get_logger(__name__)

TABLES = (FLOWS, METRICS, LOGS, CHANGES, ROUTES, CLOUD_FLOWS, PROBES, HOPS, BUSINESS, EVENTS)
_NAME = re.compile(r"[A-Za-z_]\w*")


class ClickHouseStore:
    """A ``TelemetryStore`` on an ``Engine``."""

    def __init__(
        self,
        engine: Engine,
        config: StoreConfig,
        tables: Sequence[Table] = TABLES,
        known: Sequence[Dictionary] = DICTIONARIES,
        journal: Path | None = None,
        visiting: bool = False,
    ) -> None:
        self._engine, self._config, self._visiting = engine, config, visiting
        self._tables = tuple(tables)
        self._known = tuple(known)
        self._dictionaries: dict[str, Dictionary] = {}
        self._rollups = Rollups(engine, self._tables, journal)
        self._stopping = threading.Event()
        self._ticker: threading.Thread | None = None
        self._inserting = threading.Lock()

    def start(self) -> None:
        """Open the engine and bring its schema up to date."""
        self._engine.start()
        try:
            schema = Schema(self._engine, self._config, self._tables, self._known)
            self._dictionaries = schema.update(retention=not self._visiting)
            self._rollups.start()
        except BaseException:
            self._engine.stop()
            raise
        self._stopping.clear()
        self._ticker = threading.Thread(target=self._tick, name="weft-rollups", daemon=True)
        self._ticker.start()

    def stop(self) -> None:
        """Write what is held and close the engine."""
        if self._ticker is not None:
            self._stopping.set()
            self._ticker.join()
            self._ticker = None
            with self._inserting:
                self._write_sums(self._rollups.flush)
        self._engine.stop()

    def flush(self) -> None:
        """Let every rollup show all that was inserted; see ``TelemetryStore.flush``."""
        with self._inserting:
            self._rollups.flush()

    def _tick(self) -> None:
        while not self._stopping.wait(1.0):
            self._write_sums(self._rollups.tick)

    def _write_sums(self, how: Callable[[], None]) -> None:
        try:
            how()
        except WeftError as error:  # the journal knows what is missing
            log.warning("rollups_not_written", error=error.message)

    def insert(self, table: Table, batch: pa.RecordBatch, token: str | None = None) -> None:
        """Append rows; see ``TelemetryStore.insert``."""
        if batch.num_rows == 0:
            return
        token = token or uuid.uuid4().hex
        block = encode(table, batch)
        settings: dict[str, int | str] = {
            # One batch is one part: the engine must not cut it.
            "max_insert_block_size": block.rows + 1,
            "min_insert_block_size_rows": block.rows + 1,
            "min_insert_block_size_bytes": 0,
            "max_insert_threads": 1,
            # Merges build them: at rates where parts are too large to be merged, inserts must stay cheap. Words are
            # searched for at once.
            "materialize_skip_indexes_on_insert": int(bool(table.full_text)),
            "insert_deduplication_token": token,
        }
        with self._inserting:
            if not table.rollups:
                self._engine.insert(table.name, block.columns, block.chunks, settings)
                return
            if self._rollups.known(token):
                return
            span = self._rollups.begin(table, batch, token)
            try:
                self._engine.insert(table.name, block.columns, block.chunks, settings)
                self._rollups.add(table, batch, token, span)
            except WeftError:
                self._rollups.failed(table, token, span)
                raise

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] = {},
        limits: Limits = DEFAULT_LIMITS,
        query_id: str | None = None,
    ) -> QueryResult:
        """Run one SELECT; see ``TelemetryStore.query``."""
        if read := self._rollups.names.intersection(_NAME.findall(sql)):
            self._write_sums(functools.partial(self._rollups.settle, read))
        return self._engine.select(sql, parameters, self._bounds(limits), query_id)

    def cancel(self, query_id: str) -> None:
        """Stop a running query."""
        self._engine.cancel(query_id)

    def _bounds(self, limits: Limits) -> dict[str, int | float | str]:
        config = self._config
        memory = config.query_memory_mb << 20
        bounds: dict[str, int | float | str] = {
            "max_execution_time": min(limits.seconds or config.query_seconds, config.query_seconds),
            "max_memory_usage": min(limits.memory_bytes or memory, memory),
        }
        if limits.result_rows is not None:
            bounds |= {"max_result_rows": limits.result_rows, "result_overflow_mode": "throw"}
        if threads := limits.threads or config.query_threads:
            bounds["max_threads"] = threads
        return bounds

    def upsert_dictionary(self, dictionary: Dictionary, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add or replace rows; see ``TelemetryStore.upsert_dictionary``."""
        if not rows:
            return
        whole = self._dictionaries.get(dictionary.name, dictionary)
        block = encode(dictionary_table(whole), rows_batch(whole, rows))
        self._engine.insert(whole.name, block.columns, block.chunks, {})
        self._engine.execute(f"SYSTEM RELOAD DICTIONARY {self._config.database}.dict_{whole.name}")

    def ensure_dictionary_columns(self, dictionary: Dictionary, attributes: Sequence[Attribute]) -> Dictionary:
        """Add attributes; see ``TelemetryStore.ensure_dictionary_columns``."""
        whole = self._dictionaries.get(dictionary.name, dictionary)
        known = {attribute.name for attribute in whole.attributes}
        new = [attribute for attribute in attributes if attribute.name not in known]
        if new:
            whole = dataclasses.replace(whole, attributes=(*whole.attributes, *new))
            for attribute in new:
                self._engine.execute(dictionaries.add_attribute(whole, attribute, self._config))
            self._engine.execute(dictionaries.create_dictionary(whole, self._config))
            self._dictionaries[whole.name] = whole
        return whole
