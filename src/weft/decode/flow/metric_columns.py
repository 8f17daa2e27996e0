"""Rows of the ``metrics`` table collected while decoding, handed over as one ``RecordBatch``."""

from __future__ import annotations

import pyarrow as pa

from weft.model.metrics import METRICS

_EMPTY = pa.RecordBatch.from_pylist([], schema=METRICS.schema)


class MetricColumns:
    """Batches of ``METRICS.schema`` in the order they were appended."""

    def __init__(self) -> None:
        self._parts: list[pa.RecordBatch] = []

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows; ``batch`` must have ``METRICS.schema``."""
        if batch.num_rows:
            self._parts.append(batch)

    def to_batch(self) -> pa.RecordBatch:
        """Everything appended since the last call."""
        parts, self._parts = self._parts, []
        if not parts:
            return _EMPTY
        if len(parts) == 1:
            return parts[0]
        table = pa.Table.from_batches(parts, schema=METRICS.schema).combine_chunks().unify_dictionaries()
        return table.to_batches()[0]
