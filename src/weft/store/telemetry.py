"""What the rest of Weft sees of the telemetry store, whichever engine is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from weft.model.dictionaries import Attribute, Dictionary
from weft.model.tables import Table


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one query; None = the configured default, which is also the most that can be asked for."""

    seconds: float | None = None
    memory_bytes: int | None = None
    result_rows: int | None = None
    threads: int | None = None


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows and what it took to read them."""

    table: pa.Table
    rows_read: int
    bytes_read: int
    elapsed_ms: float


class TelemetryStore(Protocol):
    """ClickHouse, embedded or a server. Thread-safe."""

    def start(self) -> None:
        """Open the engine and bring its schema up to date. ``StoreUnavailable`` if it is away or owned by another."""

    def stop(self) -> None:
        """Close the engine. May be called twice."""

    def insert(self, table: Table, batch: pa.RecordBatch, token: str | None = None) -> None:
        """Append rows. All of the batch is stored or none of it.

        ``token`` names the batch: a second insert of the same token is ignored, rollups included, so a batch whose fate
        is unknown can be inserted again. Raises ``StoreUnavailable`` (try again) or ``Failed`` (never will).
        """

    def flush(self) -> None:
        """Let every rollup show all that was inserted. By itself that takes seconds under load, moments in rest."""

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] = {},
        limits: Limits = DEFAULT_LIMITS,
        query_id: str | None = None,
    ) -> QueryResult:
        """Run one SELECT without FORMAT and SETTINGS clauses; ``{name:Type}`` is replaced from ``parameters``.

        ``query_id`` makes it possible to ``cancel``. Raises ``LimitExceeded``, ``StoreUnavailable`` or ``Failed``.
        """

    def cancel(self, query_id: str) -> None:
        """Stop the query with that id, if it runs; it ends with ``LimitExceeded``."""

    def upsert_dictionary(self, dictionary: Dictionary, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add or replace rows by key (and ``valid_from`` where versioned) and make lookups see them."""

    def ensure_dictionary_columns(self, dictionary: Dictionary, attributes: Sequence[Attribute]) -> Dictionary:
        """Add attributes of the user's own; returns the dictionary with all that it has now."""
