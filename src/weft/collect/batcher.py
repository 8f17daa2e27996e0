"""Collecting decoded rows into batches large enough to be cheap to store and young enough to be current."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

import pyarrow as pa

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


class Batcher:
    """Rows of one table, until there are enough of them or they have waited long enough."""

    def __init__(self, table: Table, rows: int, wait_s: float) -> None:
        self._table, self._full, self._wait_s = table, rows, wait_s
        self._parts: list[pa.RecordBatch] = []
        self._born_ns = 0
        self._since = 0.0
        self.rows = 0

    def add(self, rows: pa.RecordBatch, born_ns: int) -> None:
        """Append rows whose first datagram came at ``born_ns``."""
        if not rows.num_rows:
            return
        if not self._parts:
            self._since, self._born_ns = time.monotonic(), born_ns
        self._parts.append(rows)
        self._born_ns = min(self._born_ns, born_ns)
        self.rows += rows.num_rows

    def due_in(self) -> float:
        """Seconds until the rows have waited long enough; 0 = take them now."""
        if not self._parts:
            return float("inf")
        if self.rows >= self._full:
            return 0.0
        return max(0.0, self._since + self._wait_s - time.monotonic())

    def take(self) -> Batch | None:
        """All rows in one batch."""
        if not self._parts:
            return None
        parts, self._parts, self.rows = self._parts, [], 0
        return Batch(self._table, joined(parts), self._born_ns)


def joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch with the rows of all ``parts``."""
    if len(parts) == 1:
        return parts[0]
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    return table.to_batches()[0]
