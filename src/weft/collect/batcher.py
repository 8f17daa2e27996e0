"""Collecting decoded rows into batches large enough to be cheap to store and young enough to be current."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field

import pyarrow as pa

from weft.collect.gather import Gatherer
from weft.model.tables import Table


@dataclass(slots=True)
class Batch:
    """Rows of one table on their way to the store."""

    table: Table
    rows: pa.RecordBatch
    born_ns: int
    """When the first datagram in it reached Weft, UTC nanoseconds."""
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Names the batch, so that storing it twice does no harm."""
    number: int = -1
    """Its place in line, given when it is submitted."""
    settled: threading.Event | None = None
    """Set when it is stored, spooled, or neither can be; none where nobody waits for it."""
    is_kept: bool = False
    """Once settled: whether it is stored, waits on disk, or was refused for good."""

    def settle(self, *, kept: bool) -> None:
        """Tell whoever waits."""
        self.is_kept = kept
        if self.settled is not None:
            self.settled.set()


class Batcher:
    """Rows of one table, until there are enough of them or they have waited long enough."""

    def __init__(self, table: Table, rows: int, wait_s: float) -> None:
        self._table, self._full, self._wait_s = table, rows, wait_s
        self._rows: Gatherer | _Parts = Gatherer(table.schema, rows) if Gatherer.suits(table.schema) else _Parts()
        self._born_ns = 0
        self._since = 0.0

    @property
    def rows(self) -> int:
        """How many are waiting."""
        return self._rows.rows

    def add(self, rows: pa.RecordBatch, born_ns: int) -> None:
        """Append rows whose first datagram came at ``born_ns``."""
        if not rows.num_rows:
            return
        if not self._rows.rows:
            self._since, self._born_ns = time.monotonic(), born_ns
        self._rows.add(rows)
        self._born_ns = min(self._born_ns, born_ns)

    def due_in(self) -> float:
        """Seconds until the rows have waited long enough; 0 = take them now."""
        if not self._rows.rows:
            return float("inf")
        if self._rows.rows >= self._full:
            return 0.0
        return max(0.0, self._since + self._wait_s - time.monotonic())

    def take(self) -> Batch | None:
        """All rows in one batch."""
        if not self._rows.rows:
            return None
        return Batch(self._table, self._rows.take(), self._born_ns)


class _Parts:
    """Rows of a schema with columns of varying width; few, so concatenated."""

    def __init__(self) -> None:
        self._parts: list[pa.RecordBatch] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._parts.append(batch)
        self.rows += batch.num_rows

    def take(self) -> pa.RecordBatch:
        parts, self._parts, self.rows = self._parts, [], 0
        return joined(parts)


def joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch with the rows of all ``parts``."""
    if len(parts) == 1:
        return parts[0]
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    return table.to_batches()[0]
